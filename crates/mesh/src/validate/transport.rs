//! Settings that several kinds have in common: durations, pools of connections, ports, protocols, addresses of files. Sources: istio.io/istio
//! `pkg/config/validation/validation.go`, `pkg/config/validation/agent/validation.go`, `pkg/config/protocol/instance.go`.

use super::Verdict;
use super::proto::Value;
use super::words::is_dns_label;

const MILLISECOND: i128 = 1_000_000;

/// What is wrong with a duration, if one is written. Source: `ValidateDuration`.
pub(super) fn duration(of: &Value<'_>, name: &str, verdict: &mut Verdict) {
    verdict.error_if(of, name, of.duration(name).and_then(duration_error));
}

/// What is wrong with so many nanoseconds.
pub(super) fn duration_error(time: i128) -> Option<String> {
    if time < MILLISECOND {
        return Some("duration must be greater than 1ms".to_owned());
    }
    (time % MILLISECOND != 0).then(|| "only durations to ms precision are supported".to_owned())
}

/// Source: `validateConnectionPool`.
pub(super) fn connection_pool(of: &Value<'_>, name: &str, verdict: &mut Verdict) {
    let Some(pool) = of.get(name) else { return };
    let (http, tcp) = (pool.get("http"), pool.get("tcp"));
    if http.is_none() && tcp.is_none() {
        verdict.error(pool.path, "connection pool must have at least one field");
        return;
    }
    let negative = |of: &Value<'_>, name: &str, words: &str, verdict: &mut Verdict| {
        if of.number(name) < 0 {
            verdict.error(of.at(name), format!("{words} must be non-negative"));
        }
    };
    if let Some(http) = http {
        negative(&http, "http1MaxPendingRequests", "http1 max pending requests", verdict);
        negative(&http, "http2MaxRequests", "http2 max requests", verdict);
        negative(&http, "maxRequestsPerConnection", "max requests per connection", verdict);
        negative(&http, "maxRetries", "max retries", verdict);
        duration(&http, "idleTimeout", verdict);
        if http.choice("h2UpgradePolicy") == 2 && http.is_true("useClientProtocol") {
            let message = "use client protocol must not be true when H2UpgradePolicy is UPGRADE";
            verdict.error(http.at("useClientProtocol"), message);
        }
        negative(&http, "maxConcurrentStreams", "max concurrent streams", verdict);
        if let Some(keepalive) = http.get("http2KeepAlive") {
            for name in ["interval", "timeout"] {
                if !keepalive.has(name) {
                    verdict.error(keepalive.at(name), format!("http2 keepalive {name} is required"));
                }
                duration(&keepalive, name, verdict);
            }
        }
    }
    if let Some(tcp) = tcp {
        negative(&tcp, "maxConnections", "max connections", verdict);
        duration(&tcp, "connectTimeout", verdict);
        duration(&tcp, "maxConnectionDuration", verdict);
        // Less than a millisecond is none at all here.
        if tcp.duration("idleTimeout").is_some_and(|time| time / MILLISECOND != 0) {
            duration(&tcp, "idleTimeout", verdict);
        }
        if let Some(keepalive) = tcp.get("tcpKeepalive") {
            duration(&keepalive, "time", verdict);
            duration(&keepalive, "interval", verdict);
        }
    }
}

/// A protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    Grpc,
    GrpcWeb,
    Http,
    HttpProxy,
    Http2,
    Https,
    Tls,
    Mongo,
    Redis,
    Mysql,
    Unsupported,
}

impl Protocol {
    /// In letters of any size. Source: `Parse`.
    pub(super) fn of(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "grpc" => Self::Grpc,
            "grpc-web" => Self::GrpcWeb,
            "http" => Self::Http,
            "http_proxy" => Self::HttpProxy,
            "http2" => Self::Http2,
            "https" => Self::Https,
            "tls" => Self::Tls,
            "mongo" => Self::Mongo,
            "redis" => Self::Redis,
            "mysql" => Self::Mysql,
            _ => Self::Unsupported,
        }
    }

    pub(super) fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Http2 | Self::HttpProxy | Self::Grpc | Self::GrpcWeb)
    }

    pub(super) fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::Https | Self::Tls | Self::Mongo | Self::Redis | Self::Mysql)
    }

    pub(super) fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }
}

/// Source: `ValidateProtocol`.
pub(super) fn protocol_error(text: &str) -> Option<String> {
    let is_none = !text.is_empty() && Protocol::of(text) == Protocol::Unsupported;
    is_none.then(|| format!("unsupported protocol: {text}"))
}

/// Source: `ValidatePortName`.
pub(super) fn port_name_error(name: &str) -> Option<String> {
    (!is_dns_label(name)).then(|| format!("invalid port name: {name}"))
}

/// What an address of a socket in the file system begins with.
pub(super) const UNIX: &str = "unix://";

/// Source: `ValidateUnixAddress`; the address is without its beginning.
pub(super) fn unix_error(address: &str) -> Option<String> {
    if address.is_empty() {
        return Some("unix address must not be empty".to_owned());
    }
    let is_file = address.starts_with('@') || (address.starts_with('/') && !address.ends_with('/'));
    (!is_file).then(|| format!("{address} is not an absolute path to a file"))
}
