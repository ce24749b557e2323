//! `ServiceEntry`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateServiceEntry`),
//! `pilot/pkg/networking/serviceentry/ip_autoallocation.go`.

use std::collections::HashSet;

use super::attachment::old_selector;
use super::exports::{Of, export_to};
use super::proto::Value;
use super::transport::{Protocol, port_name_error, protocol_error};
use super::words::{
    domain_error, is_address, partial_star_error, port_error, quoted, subnet_error, wildcard_domain_error,
};
use super::workload::{endpoint, endpoint_labels, endpoint_ports};
use super::{Config, Verdict};

const NONE: i128 = 0;
const STATIC: i128 = 1;
const DNS: i128 = 2;
const DNS_ROUND_ROBIN: i128 = 3;
const DYNAMIC_DNS: i128 = 4;

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    if !old_selector(spec, "service entry", verdict) {
        return;
    }
    if spec.has("workloadSelector") && spec.has_items("endpoints") {
        let message = "only one of WorkloadSelector or Endpoints is allowed in Service Entry";
        verdict.error(spec.path.clone(), message);
    }
    let resolution = spec.choice("resolution");
    let hosts = spec.texts("hosts");
    if hosts.is_empty() {
        verdict.error(spec.at("hosts"), "service entry must have at least one host");
    }
    for (path, host) in &hosts {
        if *host == "*" {
            verdict.error(path.clone(), format!("invalid host {host}"));
            continue;
        }
        verdict.error_all(path, wildcard_domain_error(host));
        if let Some(message) = partial_star_error(host).filter(|_| resolution != DYNAMIC_DNS) {
            verdict.warn(path.clone(), message);
        }
    }
    let addresses = spec.texts("addresses");
    for (path, address) in &addresses {
        verdict.error_all(path, subnet_error(address));
    }
    if addresses.iter().any(|(_, address)| address.contains('/')) && !matches!(resolution, NONE | STATIC) {
        let message = "CIDR addresses are allowed only for NONE/STATIC resolution types";
        verdict.error(spec.at("addresses"), message);
    }
    let ports = spec.items("ports");
    let names = port_list(config, &ports, resolution, verdict);
    by_resolution(config, &ports, &names, resolution, verdict);
    let is_web = |port: &Value<'_>| {
        let protocol = Protocol::of(port.text("protocol"));
        protocol.is_http() || protocol.is_tls()
    };
    if resolution != NONE
        && hosts.len() > 1
        && let Some(port) = ports.iter().find(|port| !is_web(port))
    {
        verdict.error(port.path.clone(), "multiple hosts provided with non-HTTP, non-TLS ports");
    }
    export_to(config, Of::ServiceEntry, verdict);
}

/// The ports, each on its own; their names.
fn port_list<'t>(
    config: &Config<'t>,
    ports: &[Value<'t>],
    resolution: i128,
    verdict: &mut Verdict,
) -> HashSet<&'t str> {
    let spec = &config.spec;
    let opts_out = config
        .label("networking.istio.io/enable-autoallocate-ip")
        .is_some_and(|value| value.eq_ignore_ascii_case("false"));
    let has_addresses = spec.has_items("addresses");
    let allocates = resolution != NONE && !opts_out && !has_addresses;
    let (mut names, mut numbers) = (HashSet::new(), HashSet::new());
    for port in ports {
        let (name, number, protocol) = (port.text("name"), port.number("number"), port.text("protocol"));
        if !names.insert(name) {
            verdict
                .error(port.at("name"), format!("service entry port name {} already defined", quoted(name)));
        }
        if !numbers.insert(number) {
            verdict.error(port.at("number"), format!("service entry port {number} already defined"));
        }
        if port.number("targetPort") != 0 {
            verdict.error_if(port, "targetPort", port_error(port.number("targetPort")));
        }
        if !has_addresses && !allocates && matches!(protocol, "" | "TCP") {
            let message = "addresses are required for ports serving TCP (or unset) protocol when IP Autoallocation is not enabled";
            verdict.warn(port.at("protocol"), message);
        }
        verdict.error_if(port, "name", port_name_error(name));
        verdict.error_if(port, "protocol", protocol_error(protocol));
        verdict.error_if(port, "number", port_error(number));
    }
    names
}

fn by_resolution(
    config: &Config<'_>,
    ports: &[Value<'_>],
    names: &HashSet<&str>,
    resolution: i128,
    verdict: &mut Verdict,
) {
    let spec = &config.spec;
    let endpoints = spec.items("endpoints");
    match resolution {
        NONE => {
            if !endpoints.is_empty() {
                let message = "no endpoints should be provided for resolution type none";
                verdict.error(spec.at("endpoints"), message);
            }
            if let Some(selector) = spec.get("workloadSelector") {
                verdict
                    .warn(selector.path, "workloadSelector should not be set when resolution mode is NONE");
            }
        }
        STATIC => {
            for entry in &endpoints {
                endpoint(entry, Some(names), verdict);
            }
        }
        DNS | DNS_ROUND_ROBIN => by_name(spec, ports, &endpoints, names, resolution, verdict),
        DYNAMIC_DNS => dynamically(config, ports, verdict),
        _ => verdict.error(spec.at("resolution"), "unsupported resolution type "),
    }
}

fn by_name(
    spec: &Value<'_>,
    ports: &[Value<'_>],
    endpoints: &[Value<'_>],
    names: &HashSet<&str>,
    resolution: i128,
    verdict: &mut Verdict,
) {
    let mode = spec.choice_name("resolution");
    let hosts = spec.texts("hosts");
    if endpoints.is_empty()
        && let Some((path, error)) = hosts.iter().find_map(|(path, host)| Some((path, domain_error(host)?)))
    {
        let prefix = "hosts must be FQDN or contain only prefix wildcards if no endpoints are provided for resolution mode";
        verdict.error(path.clone(), format!("{prefix} {mode}, {error}"));
    }
    if resolution == DNS_ROUND_ROBIN && endpoints.len() > 1 {
        let message = format!("there must only be 0 or 1 endpoint for resolution mode {mode}");
        verdict.error(spec.at("endpoints"), message);
    }
    for entry in endpoints {
        let address = entry.text("address");
        if !is_address(address) && domain_error(address).is_some() {
            let message =
                format!("endpoint address {} is not a valid FQDN or an IP address", quoted(address));
            verdict.error(entry.at("address"), message);
        }
        endpoint_labels(entry, verdict);
        endpoint_ports(entry, Some(names), verdict);
    }
    let is_tcp = |port: &Value<'_>| Protocol::of(port.text("protocol")).is_tcp();
    if spec.has_items("addresses") && hosts.len() > 1 && ports.iter().any(is_tcp) {
        let message = "service entry can not have more than one host specified simultaneously with address and tcp port";
        verdict.warn(spec.at("hosts"), message);
    }
}

fn dynamically(config: &Config<'_>, ports: &[Value<'_>], verdict: &mut Verdict) {
    let spec = &config.spec;
    let mode = spec.choice_name("resolution");
    let hosts = spec.texts("hosts");
    if hosts.is_empty() {
        let message = format!("at least one wildcard host must be provided for resolution type {mode}");
        verdict.error(spec.at("hosts"), message);
    }
    for (path, _) in hosts.into_iter().filter(|(_, host)| !host.starts_with('*')) {
        verdict.error(path, format!("host must be wildcarded for resolution mode {mode}"));
    }
    if spec.has_items("addresses") {
        let message = format!(
            "addresses cannot be set for resolution type {mode}. HTTP route domains will only be generatedfrom the hosts field values"
        );
        verdict.error(spec.at("addresses"), message);
    }
    if spec.has_items("endpoints") {
        let message = format!(
            "endpoints cannot be set for resolution type {mode}. Destination IP address determined from hostsfield values"
        );
        verdict.error(spec.at("endpoints"), message);
    }
    let is_known = |port: &&Value<'_>| {
        matches!(
            Protocol::of(port.text("protocol")),
            Protocol::Http | Protocol::Tls | Protocol::Grpc | Protocol::Http2
        )
    };
    for port in ports.iter().filter(|port| !is_known(port)) {
        let message =
            format!("only HTTP, TLS, GRPC, and HTTP2 protocols are supported for resolution type {mode}");
        verdict.error(port.at("protocol"), message);
    }
    const MESH_INTERNAL: i128 = 1;
    let location = spec.choice("location");
    if !matches!(location, 0 | MESH_INTERNAL) {
        let message = format!("location must be MESH_EXTERNAL or MESH_INTERNAL for resolution type {mode}");
        verdict.error(spec.at("location"), message);
    }
    let waypoint = config.label("istio.io/use-waypoint").unwrap_or_default();
    if location == MESH_INTERNAL && !waypoint.is_empty() && !waypoint.eq_ignore_ascii_case("none") {
        let message = format!(
            "location MESH_INTERNAL with resolution type {mode} is not supported when using waypoints"
        );
        verdict.error(spec.at("location"), message);
    }
}
