//! `Gateway`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateGateway`).

use std::collections::HashSet;

use ringwall_model::path::FieldPath;

use super::proto::Value;
use super::server_tls::{AUTO_PASSTHROUGH, PASSTHROUGH, server_tls};
use super::transport::{Protocol, UNIX, unix_error};
use super::words::{address_error, is_dns_label, port_error, quoted, slash_host_errors};
use super::{Config, Verdict};

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let is_converted = config.annotation("internal.istio.io/gateway-semantics") == Some("gateway");
    if !is_dns_label(config.name) && !is_converted {
        let message = format!("invalid gateway name: {}", quoted(config.name));
        verdict.error(FieldPath::keys(&["metadata", "name"]), message);
    }
    let servers = config.spec.items("servers");
    if servers.is_empty() {
        verdict.error(config.spec.at("servers"), "gateway must have at least one server");
    }
    for server in &servers {
        one(server, is_converted, verdict);
    }
    let mut names = HashSet::new();
    for server in &servers {
        let Some(port) = server.get("port") else { continue };
        let name = port.text("name");
        if !names.insert(name) {
            let message = format!("port names in servers must be unique: duplicate name {name}");
            verdict.error(port.at("name"), message);
        }
        let tls = server.get("tls");
        if let Some(tls) = tls.filter(|tls| tls.is_true("httpsRedirect"))
            && !Protocol::of(port.text("protocol")).is_http()
        {
            verdict.warn(tls.at("httpsRedirect"), "tls.httpsRedirect should only be used with http servers");
        }
    }
}

/// Source: `validateServer`.
fn one(server: &Value<'_>, is_converted: bool, verdict: &mut Verdict) {
    let hosts = server.texts("hosts");
    if hosts.is_empty() {
        verdict.error(server.at("hosts"), "server config must contain at least one host");
    }
    for (path, host) in hosts {
        verdict.error_all(&path, slash_host_errors(host, true, is_converted));
    }
    let before = verdict.errors.len();
    server_port(server, verdict);
    let is_port = verdict.errors.len() == before;
    bind(server, verdict);
    let tls = server.get("tls");
    if let Some(tls) = &tls {
        server_tls(tls, verdict);
    }
    let Some(port) = server.get("port").filter(|_| is_port) else { return };
    let protocol = Protocol::of(port.text("protocol"));
    match tls {
        None if protocol.is_tls() => {
            verdict.error(server.at("tls"), "server must have TLS settings for HTTPS/TLS protocols");
        }
        Some(tls) if protocol.is_http() => {
            let passes = matches!(tls.choice("mode"), PASSTHROUGH | AUTO_PASSTHROUGH);
            let has_files =
                ["caCertificates", "privateKey", "serverCertificate"].iter().any(|name| tls.has_text(name));
            if !passes || has_files {
                verdict.error(tls.path, "server cannot have TLS settings for plain text HTTP ports");
            }
        }
        Some(tls) if !protocol.is_tls() => {
            verdict.error(tls.path, "server cannot have TLS settings for non HTTPS/TLS ports");
        }
        _ => {}
    }
}

/// Source: `validateServerPort`.
fn server_port(server: &Value<'_>, verdict: &mut Verdict) {
    let Some(port) = server.get("port") else {
        verdict.error(server.at("port"), "port is required");
        return;
    };
    let protocol = port.text("protocol");
    if Protocol::of(protocol) == Protocol::Unsupported {
        let supported = "HTTP, HTTP2, GRPC, GRPC-WEB, MONGO, REDIS, MYSQL, TCP";
        let message = format!("invalid protocol {}, supported protocols are {supported}", quoted(protocol));
        verdict.error(port.at("protocol"), message);
    }
    let number = port.number("number");
    if number > 0 || !server.text("bind").starts_with(UNIX) {
        verdict.error_if(&port, "number", port_error(number));
    }
    if port.number("targetPort") > 0 {
        verdict.error(port.at("targetPort"), "targetPort has no impact on Gateways");
    }
    if !port.has_text("name") {
        verdict.error(port.at("name"), format!("port name must be set: {}", printed(&port)));
    }
}

/// Source: `validateServerBind`.
fn bind(server: &Value<'_>, verdict: &mut Verdict) {
    let bind = server.text("bind");
    if let Some(address) = bind.strip_prefix(UNIX) {
        verdict.error_if(server, "bind", unix_error(address));
        if let Some(port) = server.get("port").filter(|port| port.number("number") != 0) {
            let message = format!("port number must be 0 for unix domain socket: {}", printed(&port));
            verdict.error(port.path, message);
        }
    } else if !bind.is_empty() {
        verdict.error_if(server, "bind", address_error(bind));
    }
}

/// A port as Go's protobuf prints it. It puts one or two spaces between fields, as the build has it; here are two.
fn printed(port: &Value<'_>) -> String {
    let mut parts = Vec::new();
    let number = |name: &str, words: &str| match port.number(name) {
        0 => None,
        number => Some(format!("{words}:{number}")),
    };
    let text = |name: &str| {
        let text = port.text(name);
        (!text.is_empty()).then(|| format!("{name}:{}", proto_quoted(text)))
    };
    parts.extend(number("number", "number"));
    parts.extend(text("protocol"));
    parts.extend(text("name"));
    parts.extend(number("targetPort", "target_port"));
    parts.join("  ")
}

/// A text in quotes, as Go's protobuf prints it. Source: google.golang.org/protobuf `internal/encoding/text/encode.go` (`appendString`).
fn proto_quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..'\u{20}' | '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
