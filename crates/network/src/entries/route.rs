//! Routes of OpenShift.

use ringwall_model::object::Object;
use ringwall_model::tree::Node;

use super::backend::{At, Backend, Finder, Wanted, is_weightless};
use super::{Entry, EntryFlawKind, EntryKind};
use crate::port::Protocol;

/// Source: `RouteSpec` in github.com/openshift/api `route/v1/types.go`; what a port means: `endpointsForAlias` in
/// github.com/openshift/router `pkg/router/template/router.go`. It is the name of a Service's port or the number of an endpoint's, also
/// where that is written as text; without one all endpoints get traffic.
pub(super) fn entry(object: &Object, index: usize, finder: &mut Finder<'_>) -> Entry {
    let mut entry = Entry::of(object, index, EntryKind::Route);
    let root = At::root(object.root());
    let Some(spec) = root.get("spec") else {
        entry.flaw(EntryFlawKind::Refused, &root.nearest("spec"), "a Route needs a spec");
        return entry;
    };
    entry.hosts.extend(spec.text("host").map(str::to_owned));
    if entry.hosts.is_empty() {
        let admitted = root.get("status").map(|status| status.items("ingress")).unwrap_or_default();
        entry.hosts = admitted.iter().filter_map(|router| router.text("host")).map(str::to_owned).collect();
        entry.hosts.sort();
        entry.hosts.dedup();
    }
    let port = spec.get("port").and_then(|port| port.get("targetPort"));
    let number = port.as_ref().and_then(|port| port.node.as_i64()).filter(|number| *number != 0);
    let number = number.map(|number| number.to_string());
    let text = port.as_ref().and_then(|port| port.node.as_str()).filter(|text| !text.is_empty());
    let wanted = number.as_deref().or(text).map_or(Wanted::All, Wanted::Endpoint);
    let namespace = entry.namespace.clone();
    let to = spec.get("to");
    if to.is_none() {
        entry.flaw(EntryFlawKind::Refused, &spec.nearest("to"), "a Route needs the Service that it leads to");
    }
    for at in to.into_iter().chain(spec.items("alternateBackends")) {
        if at.text("kind").is_some_and(|kind| kind != "Service") {
            entry.flaw(EntryFlawKind::Refused, &at.nearest("kind"), "expected a Service");
            continue;
        }
        let Some(name) = at.node.get("name").and_then(Node::as_str).filter(|name| !name.is_empty()) else {
            entry.flaw(EntryFlawKind::Refused, &at.nearest("name"), "a backend needs the name of a Service");
            continue;
        };
        if is_weightless(&at) {
            continue;
        }
        let port_at = port.clone().unwrap_or_else(|| at.clone());
        let backend = Backend {
            at,
            name_key: "name",
            port_at,
            namespace: &namespace,
            name,
            wanted,
            protocol: Protocol::Tcp,
            listens: &[],
        };
        finder.lead(&mut entry, &backend);
    }
    entry
}
