//! Hosts that routes go to. Source: `destinationhosts.go`.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::path::FieldPath;

use super::{Destination, destinations};
use crate::analyzers::Context;
use crate::analyzers::hosts::{Behind, Hosts};
use crate::codes::{
    INGRESS_ROUTE_RULES_NOT_AFFECTED, REFERENCED_RESOURCE_NOT_FOUND,
    VIRTUAL_SERVICE_DESTINATION_PORT_SELECTOR_REQUIRED,
};
use crate::message::{Place, Reporter};
use crate::reader::go_list;
use crate::store::{Kind, Name, Resource};

pub(in crate::analyzers) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let hosts = Hosts::of(context.store);
    let services = context.store.all(Kind::VirtualService);
    // The objects that send a host of their own to a subset of it, by that host.
    let mut with_subset: BTreeMap<&str, BTreeSet<Name<'_>>> = BTreeMap::new();
    for service in services {
        let own = service.spec.texts("hosts");
        for route in service.spec.items("http").flat_map(|rule| rule.items("route")) {
            let destination = route.get("destination");
            let host = destination.text("host");
            if !destination.text("subset").is_empty() && own.contains(&host) {
                with_subset.entry(host).or_default().insert(service.name);
            }
        }
    }
    for service in services {
        let export_to = service.spec.texts("exportTo");
        for destination in destinations(service.spec) {
            let host = destination.value.text("host");
            match hosts.find(service.name.namespace, &export_to, host) {
                Some(behind) => ports(service, &destination, behind, reporter),
                None => {
                    let what = if destination.is_mirror { "mirror host" } else { "host" };
                    reporter.report(
                        REFERENCED_RESOURCE_NOT_FOUND,
                        service,
                        &[what, host],
                        destination.place(),
                    );
                }
            }
        }
        unaffected(service, &with_subset, reporter);
    }
}

/// Whether the port is one that the host has.
fn ports(
    service: &Resource<'_>,
    destination: &Destination<'_>,
    behind: &Behind<'_>,
    reporter: &mut Reporter,
) {
    let host = destination.value.text("host");
    let port = destination.value.get("port");
    if !port.is_set() {
        if behind.ports.len() > 1 {
            let arguments = [host, &go_list(&behind.ports)];
            let place = destination.place();
            reporter.report(VIRTUAL_SERVICE_DESTINATION_PORT_SELECTOR_REQUIRED, service, &arguments, place);
        }
        return;
    }
    let number = port.number("number").unwrap_or(0);
    if !behind.ports.contains(&number) {
        let arguments = ["host:port", &format!("{host}:{number}")];
        reporter.report(REFERENCED_RESOURCE_NOT_FOUND, service, &arguments, destination.place());
    }
}

/// Routes of gateways to a host whose subsets are chosen in another object.
fn unaffected(
    service: &Resource<'_>,
    with_subset: &BTreeMap<&str, BTreeSet<Name<'_>>>,
    reporter: &mut Reporter,
) {
    if service.spec.texts("gateways").is_empty() {
        return;
    }
    for (at, rule) in service.spec.items("http").enumerate() {
        for (route_at, route) in rule.items("route").enumerate() {
            let destination = route.get("destination");
            if !destination.text("subset").is_empty() {
                continue;
            }
            for other in with_subset.get(destination.text("host")).into_iter().flatten() {
                let path = FieldPath::keys(&["spec", "http"]).index(at).key("route").index(route_at);
                let place = Place::Unnamed(path.key("destination").key("host"));
                let arguments = [&*other.to_string(), &service.name.to_string()];
                reporter.report(INGRESS_ROUTE_RULES_NOT_AFFECTED, service, &arguments, place);
            }
        }
    }
}
