//! `Sidecar`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateSidecar`).

use std::collections::{HashMap, HashSet};

use super::attachment::old_selector;
use super::proto::Value;
use super::server_tls::{AUTO_PASSTHROUGH, ISTIO_MUTUAL, server_tls};
use super::transport::{Protocol, UNIX, connection_pool, port_name_error, protocol_error, unix_error};
use super::virtual_service::destination;
use super::words::{
    address_error, domain_error, host_and_port, port_error, quoted, slash_host_errors, whole_number,
};
use super::{Config, Verdict};

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    if !old_selector(spec, "sidecar", verdict) {
        return;
    }
    let (ingress, egress) = (spec.items("ingress"), spec.items("egress"));
    let has_others = spec.has("outboundTrafficPolicy") || spec.has("inboundConnectionPool");
    if ingress.is_empty() && egress.is_empty() && !has_others {
        // The warning of the selector is dropped.
        verdict.warnings.clear();
        verdict.error(spec.path.clone(), "sidecar: empty configuration provided");
        return;
    }
    let mut ports = HashSet::new();
    for listener in &ingress {
        let Some(port) = listener.get("port") else {
            verdict.error(listener.at("port"), "sidecar: port is required for ingress listeners");
            continue;
        };
        takes_in(listener, &port, &mut ports, verdict);
    }
    connection_pool(spec, "inboundConnectionPool", verdict);
    sends_out(&egress, config.namespace, verdict);
    if let Some(policy) = spec.get("outboundTrafficPolicy") {
        outbound_policy(&policy, verdict);
    }
}

const UNIQUE: &str = "sidecar: ports on IP bound listeners must be unique";

fn takes_in(listener: &Value<'_>, port: &Value<'_>, ports: &mut HashSet<i128>, verdict: &mut Verdict) {
    target_port(port, verdict);
    let number = port.number("number");
    let protocol = port.text("protocol");
    if port.has_text("name") {
        verdict.error_if(port, "name", port_name_error(port.text("name")));
    }
    verdict.error_if(port, "protocol", protocol_error(protocol));
    verdict.error_if(port, "number", port_error(number));
    if listener.has_text("bind") {
        verdict.error_if(listener, "bind", address_error(listener.text("bind")));
    }
    if !ports.insert(number) {
        verdict.error(port.at("number"), UNIQUE);
    }
    endpoint(listener, verdict);
    let protocol = Protocol::of(protocol);
    if let Some(tls) = listener.get("tls") {
        let refused = [
            (
                "subjectAltNames",
                "subjectAltNames is not supported in ingress tls",
                tls.has_items("subjectAltNames"),
            ),
            ("httpsRedirect", "httpsRedirect is not supported", tls.is_true("httpsRedirect")),
            ("credentialName", "credentialName is not currently supported", tls.has_text("credentialName")),
            (
                "credentialNames",
                "credentialNames is not currently supported",
                tls.has_items("credentialNames"),
            ),
            (
                "tlsCertificates",
                "tls_certificates is not currently supported",
                tls.has_items("tlsCertificates"),
            ),
        ];
        for (name, words, _) in refused.into_iter().filter(|(_, _, is_set)| *is_set) {
            verdict.error(tls.at(name), format!("sidecar: {words}"));
        }
        if matches!(tls.choice("mode"), ISTIO_MUTUAL | AUTO_PASSTHROUGH) {
            let mode = tls.choice_name("mode");
            let message =
                format!("configuration is invalid: cannot set mode to {mode} in sidecar ingress tls");
            verdict.error(tls.at("mode"), message);
        }
        if !protocol.is_tls() {
            verdict.error(tls.path.clone(), "server cannot have TLS settings for non HTTPS/TLS ports");
        }
        server_tls(&tls, verdict);
    }
    connection_pool(listener, "connectionPool", verdict);
    let http = listener.get("connectionPool").and_then(|pool| pool.get("http"));
    if let Some(http) = http.filter(|_| !protocol.is_http()) {
        let (name, written) = (quoted(port.text("name")), port.text("protocol"));
        let message = format!(
            "sidecar: HTTP connection pool settings are configured for port {number} ({name}) but its protocol \
             is not HTTP ({written}); only TCP settings will apply"
        );
        verdict.warn(http.path, message);
    }
}

fn target_port(port: &Value<'_>, verdict: &mut Verdict) {
    if port.number("targetPort") > 0 {
        verdict.error(port.at("targetPort"), "targetPort has no impact on Sidecars");
    }
}

/// Where what comes in is passed on to.
fn endpoint(listener: &Value<'_>, verdict: &mut Verdict) {
    let endpoint = listener.text("defaultEndpoint");
    let path = listener.at("defaultEndpoint");
    if endpoint.is_empty() {
        return;
    }
    if let Some(address) = endpoint.strip_prefix(UNIX) {
        verdict.error_if(listener, "defaultEndpoint", unix_error(address));
        return;
    }
    let (host, port) = host_and_port(endpoint).unwrap_or_else(|error| {
        verdict.error(path.clone(), error);
        ("", "")
    });
    if !matches!(host, "" | "127.0.0.1" | "0.0.0.0" | "::1" | "::") {
        let forms = "127.0.0.1:<port>,0.0.0.0:<port>,[::1]:port,[::]:port,unix://filepath or unset";
        verdict.error(path.clone(), format!("sidecar: defaultEndpoint must be of form {forms}"));
    }
    match whole_number(port) {
        Err(error) => {
            verdict.error(path, format!("sidecar: defaultEndpoint port ({port}) is not a number: {error}"));
        }
        Ok(number) => verdict.error_if(listener, "defaultEndpoint", port_error(number.into())),
    }
}

fn sends_out(egress: &[Value<'_>], namespace: &str, verdict: &mut Verdict) {
    let (mut ports, mut sockets, mut has_rest) = (HashSet::new(), HashSet::new(), false);
    for (index, listener) in egress.iter().enumerate() {
        match listener.get("port") {
            None if has_rest => {
                let message = "sidecar: egress can have only one listener with empty port";
                verdict.error(listener.path.clone(), message);
                continue;
            }
            None if index + 1 == egress.len() => has_rest = true,
            None => {
                let message =
                    "sidecar: the egress listener with empty port should be the last listener in the list";
                verdict.error(listener.path.clone(), message);
            }
            Some(port) => {
                target_port(&port, verdict);
                egress_port(listener, &port, verdict);
                let number = port.number("number");
                if number == 0 {
                    if !sockets.insert(listener.text("bind")) {
                        let message = "sidecar: unix domain socket values for listeners must be unique";
                        verdict.error(listener.at("bind"), message);
                    }
                } else if !ports.insert(number) {
                    verdict.error(port.at("number"), UNIQUE);
                }
            }
        }
        hosts(listener, namespace, verdict);
    }
}

/// Source: `validateSidecarEgressPortBindAndCaptureMode`.
fn egress_port(listener: &Value<'_>, port: &Value<'_>, verdict: &mut Verdict) {
    if port.has_text("name") {
        verdict.error_if(port, "name", port_name_error(port.text("name")));
    }
    verdict.error_if(port, "protocol", protocol_error(port.text("protocol")));
    let bind = listener.text("bind");
    if port.number("number") != 0 {
        verdict.error_if(port, "number", port_error(port.number("number")));
        if !bind.is_empty() {
            verdict.error_if(listener, "bind", address_error(bind));
        }
        return;
    }
    let error = match bind.strip_prefix(UNIX) {
        None => Some("sidecar: ports with 0 value must have a unix domain socket bind address".to_owned()),
        Some(address) => unix_error(address),
    };
    verdict.error_if(listener, "bind", error);
    if !matches!(listener.choice("captureMode"), 0 | 2) {
        let message = "sidecar: captureMode must be DEFAULT/NONE for unix domain socket listeners";
        verdict.error(listener.at("captureMode"), message);
    }
}

fn hosts(listener: &Value<'_>, namespace: &str, verdict: &mut Verdict) {
    let hosts = listener.texts("hosts");
    if hosts.is_empty() {
        verdict.error(listener.at("hosts"), "sidecar: egress listener must contain at least one host");
        return;
    }
    let mut seen: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (path, host) in hosts {
        if let Some((of, service)) = host.split_once('/').filter(|(of, _)| !of.starts_with('~')) {
            let services = seen.entry(if of == "." { namespace } else { of }).or_default();
            let is_repeated = if service == "*" {
                !services.is_empty()
            } else {
                services.contains(service) || services.contains("*")
            };
            if is_repeated {
                verdict.warn(path.clone(), format!("duplicated egress host: {host}"));
            }
            services.insert(service);
        }
        verdict.error_all(&path, slash_host_errors(host, false, false));
    }
    if seen.len() != 1 && seen.get("*").is_some_and(|services| services.contains("*")) {
        let message = "`*/*` host select all resources, no other hosts can be added";
        verdict.warn(listener.at("hosts"), message);
    }
}

/// Source: `validateSidecarOutboundTrafficPolicy`.
fn outbound_policy(policy: &Value<'_>, verdict: &mut Verdict) {
    const ALLOW_ANY: i128 = 1;
    // The number that it has in the configuration of the mesh.
    const DYNAMIC: i128 = 3;
    let mode = policy.choice("mode");
    if mode == DYNAMIC {
        let message =
            "sidecar: ALLOW_ANY_DYNAMIC_DNS mode is only supported in MeshConfig, not in Sidecar resource";
        verdict.error(policy.at("mode"), message);
        return;
    }
    let Some(proxy) = policy.get("egressProxy") else { return };
    if mode != ALLOW_ANY {
        let message = "sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy mode";
        verdict.error(proxy.path, message);
        return;
    }
    verdict.error_if(&proxy, "host", domain_error(proxy.text("host")));
    if proxy.has("port") {
        destination(&proxy, verdict);
    } else {
        verdict.error(proxy.at("port"), "sidecar: egress_proxy port must be non-nil");
    }
}
