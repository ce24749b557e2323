//! `VirtualService` objects of one host. Source: `conflictingmeshgatewayhosts.go`.

use ringwall_mesh::host::overlap;
use std::collections::BTreeSet;

use ringwall_model::path::FieldPath;

use super::MESH;
use crate::analyzers::Context;
use crate::analyzers::hosts::{EVERYWHERE, Scoped, fqdn, scopes};
use crate::codes::CONFLICTING_MESH_GATEWAY_VIRTUAL_SERVICE_HOSTS;
use crate::message::{Place, Reporter};
use crate::ordered::Ordered;
use crate::store::{Kind, Name, Resource};

pub(in crate::analyzers) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut hosts: Ordered<Scoped, Vec<&Resource<'_>>> = Ordered::default();
    for service in context.store.all(Kind::VirtualService) {
        let gateways = service.spec.texts("gateways");
        if !gateways.is_empty() && !gateways.contains(&MESH) {
            continue;
        }
        let namespace = service.name.namespace;
        for scope in scopes(&service.spec.texts("exportTo"), namespace) {
            for host in service.spec.texts("hosts") {
                hosts.push((scope.to_owned(), fqdn(namespace, host)), service);
            }
        }
    }
    let mut reported: BTreeSet<Name<'_>> = BTreeSet::new();
    let everywhere: Vec<_> = hosts.iter().filter(|((scope, _), _)| scope == EVERYWHERE).collect();
    for ((scope, host), own) in hosts.iter() {
        let mut all = own.clone();
        if scope != EVERYWHERE {
            let covering = everywhere.iter().filter(|((_, other), _)| overlap(host, other));
            all.extend(covering.flat_map(|(_, services)| services.iter().copied()));
        }
        if all.len() < 2 {
            continue;
        }
        let mut names: Vec<String> = all.iter().map(|service| service.name.to_string()).collect();
        names.sort();
        let arguments = [&*names.join(","), &format!("{scope}/{host}")];
        for service in all {
            if reported.insert(service.name) {
                let place = Place::Named(FieldPath::keys(&["metadata", "name"]));
                reporter.report(CONFLICTING_MESH_GATEWAY_VIRTUAL_SERVICE_HOSTS, service, &arguments, place);
            }
        }
    }
}
