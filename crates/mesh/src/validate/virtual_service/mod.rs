//! `VirtualService`. Sources: istio.io/istio `pkg/config/validation/validation.go` (`ValidateVirtualService`), `virtualservice.go`.

mod http;
mod overlap;
mod route;

use super::exports::{Of, export_to};
use super::proto::Value;
use super::words::{
    gateway_domain_error, is_address, is_claim, is_dns_label, label_errors, listed, port_error, quoted,
    subnet_error, subset_of, wildcard_domain_error,
};
use super::{Config, Verdict};
use crate::host::overlap;

pub(super) use route::destination;

/// How many hosts are compared with one another. The reference compares all.
const MOST_HOSTS: usize = 1000;

/// Where a `VirtualService` is in force.
struct Context<'t> {
    hosts: Vec<&'t str>,
    /// No sidecar obeys it.
    is_gateway: bool,
    /// It was made from a route of the Gateway API.
    is_converted: bool,
}

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    let gateways: Vec<&str> = spec.texts("gateways").into_iter().map(|(_, name)| name).collect();
    let hosts: Vec<&str> = spec.texts("hosts").into_iter().map(|(_, host)| host).collect();
    if hosts.is_empty() {
        for (name, words) in [("gateways", "gateways"), ("tls", "tls route"), ("tcp", "tcp route")] {
            if spec.has_items(name) {
                verdict
                    .error(spec.at(name), format!("delegate virtual service must have no {words} specified"));
            }
        }
    }
    let context = Context {
        hosts,
        is_gateway: !gateways.contains(&"mesh"),
        is_converted: config.annotation("internal.istio.io/route-semantics") == Some("gateway"),
    };
    gateway_names(spec, context.is_converted, verdict);
    let only_gateway = !gateways.is_empty() && context.is_gateway;
    let http = spec.items("http");
    if !only_gateway {
        claims(&http, &gateways, verdict);
    }
    host_list(spec, only_gateway, verdict);
    let (tls, tcp) = (spec.items("tls"), spec.items("tcp"));
    if http.is_empty() && tcp.is_empty() && tls.is_empty() {
        verdict.error(spec.path.clone(), "http, tcp or tls must be provided in virtual service");
    }
    for route in &http {
        http::validate(route, &context, verdict);
    }
    for route in &tls {
        tls_route(route, &context, verdict);
    }
    for route in &tcp {
        verdict.errors_of(|own| tcp_route(route, &context, own));
    }
    export_to(config, Of::Other, verdict);
    overlap::http(&http, verdict);
    overlap::plain(&tcp, verdict);
    overlap::plain(&tls, verdict);
}

/// Claims of tokens are known at gateways only.
fn claims(routes: &[Value<'_>], gateways: &[&str], verdict: &mut Verdict) {
    for matched in routes.iter().flat_map(|route| route.items("match")) {
        for name in ["headers", "withoutHeaders"] {
            for (key, header) in matched.entries(name).into_iter().filter(|(key, _)| is_claim(key)) {
                if verdict.is_full() {
                    return;
                }
                let found = listed(gateways.iter().copied());
                let message = format!(
                    "JWT claim based routing (key: {key}) is only supported for gateway, found no gateways: {found}"
                );
                verdict.error(header.path, message);
            }
        }
    }
}

fn host_list(spec: &Value<'_>, only_gateway: bool, verdict: &mut Verdict) {
    let is_sni = || {
        spec.items("tls")
            .iter()
            .flat_map(|tls| tls.items("match"))
            .any(|matched| matched.has_items("sniHosts"))
    };
    let is_sni = only_gateway && is_sni();
    let hosts = spec.texts("hosts");
    let mut are_valid = true;
    for (path, host) in &hosts {
        let error =
            if only_gateway { gateway_domain_error(is_sni, host) } else { wildcard_domain_error(host) };
        match error {
            Some(error) if !is_address(host) => {
                verdict.error(path.clone(), error);
                are_valid = false;
            }
            None if !only_gateway && *host == "*" => {
                let message = "wildcard host * is not allowed for virtual services bound to the mesh gateway";
                verdict.error(path.clone(), message);
                are_valid = false;
            }
            _ => {}
        }
    }
    if !are_valid {
        return;
    }
    for (index, (_, host)) in hosts.iter().enumerate().take(MOST_HOSTS) {
        for (path, other) in
            hosts.iter().take(MOST_HOSTS).skip(index + 1).filter(|(_, other)| overlap(host, other))
        {
            verdict.error(path.clone(), format!("duplicate hosts in virtual service: {host} & {other}"));
        }
    }
}

/// Source: `validateGatewayNames`. The first one without a namespace ends the list.
fn gateway_names(of: &Value<'_>, is_converted: bool, verdict: &mut Verdict) {
    for (path, gateway) in of.texts("gateways") {
        let Some((namespace, name)) = gateway.split_once('/') else {
            let mut parts = gateway.split('.');
            if let (Some(name), Some(namespace)) = (parts.next(), parts.next()) {
                let recommended = quoted(&format!("{namespace}/{name}"));
                let prefer = "prefer the <namespace>/<name> format";
                let message =
                    format!("using legacy gatewayName format {}; {prefer}: {recommended}", quoted(gateway));
                verdict.warn(path.clone(), message);
            }
            verdict.error_all(&path, super::words::domain_error(gateway));
            return;
        };
        if namespace.is_empty() || name.is_empty() {
            verdict.error(path.clone(), "config namespace and gateway name cannot be empty");
        }
        if !is_dns_label(namespace) {
            verdict.error(path.clone(), format!("invalid value for namespace: {}", quoted(namespace)));
        }
        if !is_dns_label(name) && !is_converted {
            verdict.error(path, format!("invalid value for gateway name: {}", quoted(name)));
        }
    }
}

/// What matches of all protocols have in common: the port, the labels of the source and the gateways.
fn matched_by(matched: &Value<'_>, verdict: &mut Verdict) {
    if matched.number("port") != 0 {
        verdict.error_if(matched, "port", port_error(matched.number("port")));
    }
    for (key, value) in matched.entries("sourceLabels") {
        verdict.error_all(&value.path, label_errors(key, value.as_text()));
    }
    gateway_names(matched, false, verdict);
}

fn subnets(matched: &Value<'_>, verdict: &mut Verdict) {
    for (path, subnet) in matched.texts("destinationSubnets") {
        verdict.error_all(&path, subnet_error(subnet));
    }
}

/// Source: `validateTLSRoute`.
fn tls_route(route: &Value<'_>, context: &Context<'_>, verdict: &mut Verdict) {
    let matches = route.items("match");
    if matches.is_empty() {
        verdict.error(route.at("match"), "TLS route must have at least one match condition");
    }
    for matched in matches {
        let hosts = matched.texts("sniHosts");
        if hosts.is_empty() {
            verdict.error(matched.at("sniHosts"), "TLS match must have at least one SNI host");
        }
        for (path, host) in hosts {
            if verdict.is_full() {
                return;
            }
            let error = if context.is_gateway {
                gateway_domain_error(true, host)
            } else {
                wildcard_domain_error(host)
            };
            if error.is_some() && is_address(host) {
                let who = "goes against SNI spec and most clients do not support this";
                verdict.warn(path, format!("using an IP address ({}) {who}", quoted(host)));
            } else if let Some(error) = error {
                verdict.error(path, error);
            } else if !context.hosts.iter().any(|own| subset_of(host, own)) {
                let (host, hosts) = (quoted(host), context.hosts.join(", "));
                let what = "is not a compatible subset of any of the virtual service hosts";
                verdict.error(path, format!("SNI host {host} {what}: [{hosts}]"));
            }
        }
        subnets(&matched, verdict);
        matched_by(&matched, verdict);
    }
    if !route.has_items("route") {
        verdict.error(route.at("route"), "TLS route is required");
    }
    route::destinations(route, context, verdict);
}

/// Source: `validateTCPRoute`.
fn tcp_route(route: &Value<'_>, context: &Context<'_>, verdict: &mut Verdict) {
    for matched in route.items("match") {
        subnets(&matched, verdict);
        matched_by(&matched, verdict);
    }
    if !route.has_items("route") {
        verdict.error(route.at("route"), "TCP route is required");
    }
    route::destinations(route, context, verdict);
}
