//! Subsets that routes go to. Source: `destinationrules.go`.

use std::collections::BTreeSet;

use super::destinations;
use crate::analyzers::Context;
use crate::analyzers::hosts::service_of;
use crate::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::message::Reporter;
use crate::store::{Kind, Name};

pub(in crate::analyzers) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut known: BTreeSet<(Name<'_>, &str)> = BTreeSet::new();
    for rule in context.store.all(Kind::DestinationRule) {
        let host = service_of(rule.name.namespace, rule.spec.text("host"));
        known.extend(rule.spec.items("subsets").map(|subset| (host, subset.text("name"))));
    }
    for service in context.store.all(Kind::VirtualService) {
        for destination in destinations(service.spec) {
            let (host, subset) = (destination.value.text("host"), destination.value.text("subset"));
            if subset.is_empty() || known.contains(&(service_of(service.name.namespace, host), subset)) {
                continue;
            }
            let what = if destination.is_mirror { "mirror" } else { "host" };
            let arguments = [&*format!("{what}+subset in destinationrule"), &format!("{host}+{subset}")];
            reporter.report(REFERENCED_RESOURCE_NOT_FOUND, service, &arguments, destination.place());
        }
    }
}
