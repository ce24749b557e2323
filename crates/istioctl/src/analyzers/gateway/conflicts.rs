//! Gateways that want the same hosts on the same port of the same pods. Source: `conflictinggateway.go`.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::path::FieldPath;

use crate::analyzers::Context;
use crate::codes::CONFLICTING_GATEWAYS;
use crate::message::{Place, Reporter};
use crate::reader::{Texts, contains, selector_text};
use crate::store::Kind;

use super::{port_of, selects_nobody};

/// The hosts of a server, each with the address that it is bound to.
type Bound<'s> = BTreeMap<&'s str, &'s str>;

/// A selector as text and a port, and the hosts that each Gateway has there.
type Known<'s> = BTreeMap<(String, i64), BTreeMap<String, Bound<'s>>>;

pub(in crate::analyzers) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let gateways = context.store.all(Kind::Gateway);
    let mut known: Known<'_> = BTreeMap::new();
    for gateway in gateways {
        let selector = selector_text(&gateway.spec.map("selector"));
        for server in gateway.spec.items("servers") {
            let bind = server.text("bind");
            let hosts = server.texts("hosts").into_iter().map(|host| (host, bind)).collect();
            let at = known.entry((selector.clone(), port_of(server))).or_default();
            // Of several servers on one port the last counts.
            at.insert(gateway.name.to_string(), hosts);
        }
    }
    let selectors: BTreeSet<String> = known.keys().map(|(selector, _)| selector.clone()).collect();
    for gateway in gateways {
        let selector = gateway.spec.map("selector");
        let text = selector_text(&selector);
        let alike: Vec<&String> =
            selectors.iter().filter(|other| may_meet(&text, &selector, other, context)).collect();
        if !text.is_empty() && alike.is_empty() {
            selects_nobody(gateway, &selector, reporter);
            continue;
        }
        let own = gateway.name.to_string();
        for (at, server) in gateway.spec.items("servers").enumerate() {
            let (hosts, bind, port) = (server.texts("hosts"), server.text("bind"), port_of(server));
            let mut others: Vec<String> = Vec::new();
            for selector in &alike {
                let Some(here) = known.get_mut(&((*selector).clone(), port)) else { continue };
                for (name, bound) in here.iter_mut().filter(|(name, _)| **name != own) {
                    if hosts.iter().any(|host| bound.get(host) == Some(&bind)) {
                        others.push(name.clone());
                    } else {
                        // The reference takes the hosts for known from here on.
                        bound.extend(hosts.iter().map(|host| (*host, bind)));
                    }
                }
            }
            if !others.is_empty() {
                others.sort();
                let arguments = [&*others.join(","), &text, &port.to_string(), &hosts.join(",")];
                let path = FieldPath::keys(&["spec", "servers"]).index(at).key("hosts");
                reporter.report(CONFLICTING_GATEWAYS, gateway, &arguments, Place::Unnamed(path));
            }
        }
    }
}

/// Whether two selectors are one, or one is written in the other and a pod has both.
fn may_meet(text: &str, selector: &Texts<'_>, other: &str, context: &Context<'_, '_>) -> bool {
    if text == other {
        return true;
    }
    if !other.contains(text) && !text.contains(other) {
        return false;
    }
    let parts = other.split(',').filter_map(|pair| pair.split_once('='));
    let other: Texts<'_> = parts.filter(|(_, value)| !value.contains('=')).collect();
    let mut pods = context.store.pods.iter();
    pods.any(|pod| contains(&pod.resource.labels, selector) && contains(&pod.resource.labels, &other))
}
