//! `WorkloadEntry` and `WorkloadGroup`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateWorkloadEntry`, `ValidateWorkloadGroup`).

use std::collections::HashSet;

use super::proto::Value;
use super::transport::{UNIX, port_name_error, unix_error};
use super::words::{domain_error, is_address, label_errors, port_error, probe_name_error, quoted};
use super::{Config, Verdict};

pub(super) fn entry(config: &Config<'_>, verdict: &mut Verdict) {
    endpoint(&config.spec, None, verdict);
}

/// An endpoint; as one of a `ServiceEntry` with the names of its ports, and then without names of DNS. Source: `validateWorkloadEntry`.
pub(super) fn endpoint(entry: &Value<'_>, services: Option<&HashSet<&str>>, verdict: &mut Verdict) {
    let address = entry.text("address");
    if address.is_empty() {
        let network = entry.text("network");
        if network.is_empty() {
            verdict.error(entry.at("address"), "address is required");
            return;
        }
        verdict.warn(entry.at("address"), format!("address is unset with network {}", quoted(network)));
    }
    let socket = address.strip_prefix(UNIX);
    if let Some(socket) = socket {
        verdict.error_if(entry, "address", unix_error(socket));
        if entry.has_items("ports") {
            verdict.error(entry.at("ports"), format!("unix endpoint {address} must not include ports"));
        }
    } else if !address.is_empty() && !is_address(address) {
        let what = match services {
            Some(_) => Some("IP address"),
            None => domain_error(address).map(|_| "FQDN or an IP address"),
        };
        let message = what.map(|what| format!("endpoint address {} is not a valid {what}", quoted(address)));
        verdict.error_if(entry, "address", message);
    }
    endpoint_ports(entry, services, verdict);
    endpoint_labels(entry, verdict);
    if socket.is_some() && services.is_some_and(|services| services.len() != 1) {
        verdict.error(entry.at("address"), "exactly 1 service port required for unix endpoints");
    }
}

/// The ports of an endpoint.
pub(super) fn endpoint_ports(entry: &Value<'_>, services: Option<&HashSet<&str>>, verdict: &mut Verdict) {
    for (name, port) in entry.entries("ports") {
        let number = port.integer();
        if services.is_some_and(|services| !services.contains(name)) {
            let message = format!("endpoint port {number} is not defined by the service entry");
            verdict.error(port.path.clone(), message);
        }
        verdict.error_all(&port.path, port_name_error(name).into_iter().chain(port_error(number)));
    }
}

/// The labels of an endpoint.
pub(super) fn endpoint_labels(entry: &Value<'_>, verdict: &mut Verdict) {
    for (key, value) in entry.entries("labels") {
        verdict.error_all(&value.path, label_errors(key, value.as_text()));
    }
}

pub(super) fn group(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    if !spec.has("template") {
        verdict.error(spec.at("template"), "template is required");
        return;
    }
    if let Some(metadata) = spec.get("metadata") {
        let labels = metadata.entries("labels");
        let errors: Vec<_> =
            labels.iter().flat_map(|(key, value)| label_errors(key, value.as_text())).collect();
        if let Some(message) = super::authorization::together(&errors) {
            verdict.error(metadata.at("labels"), format!("invalid labels: {message}"));
            return;
        }
    }
    if let Some(probe) = spec.get("probe") {
        readiness(&probe, verdict);
    }
}

/// Source: `validateReadinessProbe`.
fn readiness(probe: &Value<'_>, verdict: &mut Verdict) {
    for name in
        ["periodSeconds", "initialDelaySeconds", "timeoutSeconds", "successThreshold", "failureThreshold"]
    {
        if probe.number(name) < 0 {
            verdict.error(probe.at(name), format!("{name} must be non-negative"));
        }
    }
    if let Some(http) = probe.get("httpGet") {
        verdict.error_if(&http, "port", port_error(http.number("port")));
        if !matches!(http.text("scheme"), "" | "HTTPS" | "HTTP") {
            verdict.error(http.at("scheme"), "httpGet.scheme must be one of \"HTTPS\", \"HTTP\"");
        }
        for header in http.items("httpHeaders") {
            verdict.error_if(&header, "name", probe_name_error(header.text("name")));
        }
    } else if let Some(socket) = probe.get("tcpSocket") {
        verdict.error_if(&socket, "port", port_error(socket.number("port")));
    } else if let Some(exec) = probe.get("exec") {
        if !exec.has_items("command") {
            verdict.error(exec.at("command"), "exec.command is required");
        }
    } else {
        let other = if probe.has("grpc") { "*v1alpha3.ReadinessProbe_Grpc" } else { "<nil>" };
        verdict.error(probe.path.clone(), format!("unknown health check method {other}"));
    }
}
