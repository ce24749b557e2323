//! Services outside of the mesh. Source: `pkg/config/analysis/analyzers/serviceentry`.

use std::collections::BTreeSet;

use ringwall_model::path::FieldPath;

use super::Context;
use super::hosts::{EVERYWHERE, scopes};
use crate::codes::{CONFLICTING_SERVICE_ENTRY_PROTOCOL, SERVICE_ENTRY_ADDRESSES_REQUIRED};
use crate::message::{Place, Reporter};
use crate::ordered::Ordered;
use crate::store::{Kind, Name, Resource};

pub(super) fn addresses(context: &Context<'_, '_>, reporter: &mut Reporter) {
    if context.mesh.auto_allocates {
        return;
    }
    for entry in context.store.all(Kind::ServiceEntry) {
        let has_some = entry.spec.items("addresses").next().is_some()
            || entry.status().items("addresses").next().is_some();
        if has_some {
            continue;
        }
        for (at, port) in entry.spec.items("ports").enumerate() {
            let protocol = port.text("protocol");
            if protocol.is_empty() || protocol.eq_ignore_ascii_case("TCP") {
                let place = Place::Named(FieldPath::keys(&["spec", "ports"]).index(at).key("name"));
                reporter.report(SERVICE_ENTRY_ADDRESSES_REQUIRED, entry, &[], place);
            }
        }
    }
}

/// Who sees which port of which host.
type Key<'s> = (&'s str, &'s str, i64);

pub(super) fn conflicts(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut index: Ordered<Key<'_>, Vec<(&str, &Resource<'_>)>> = Ordered::default();
    for entry in context.store.all(Kind::ServiceEntry) {
        for scope in scopes(&entry.spec.texts("exportTo"), entry.name.namespace) {
            for host in entry.spec.texts("hosts") {
                for port in entry.spec.items("ports") {
                    let key = (scope, host, port.number("number").unwrap_or(0));
                    index.push(key, (port.text("protocol"), entry));
                }
            }
        }
    }
    let mut reported: BTreeSet<Name<'_>> = BTreeSet::new();
    for ((scope, host, port), own) in index.iter() {
        let everywhere = index.get(&(EVERYWHERE, *host, *port)).filter(|_| *scope != EVERYWHERE);
        let entries = || own.iter().chain(everywhere.into_iter().flatten());
        let protocols: BTreeSet<String> = entries().map(|(protocol, _)| protocol.to_uppercase()).collect();
        if protocols.len() < 2 {
            continue;
        }
        let names: BTreeSet<String> = entries().map(|(_, entry)| entry.name.to_string()).collect();
        let names: Vec<String> = names.into_iter().collect();
        let protocols: Vec<String> = protocols.into_iter().collect();
        let arguments = [&*names.join(", "), host, &port.to_string(), &protocols.join(", ")];
        for (_, entry) in entries() {
            if reported.insert(entry.name) {
                let place = Place::Named(FieldPath::keys(&["metadata", "name"]));
                reporter.report(CONFLICTING_SERVICE_ENTRY_PROTOCOL, entry, &arguments, place);
            }
        }
    }
}
