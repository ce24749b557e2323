//! Ingresses of all versions.

use std::collections::BTreeSet;

use ringwall_model::object::Object;

use super::backend::{At, Backend, Finder, Wanted};
use super::{ANY_HOST, Entry, EntryFlawKind, EntryKind};
use crate::port::Protocol;
use crate::services::port_number;

/// Source: `IngressSpec` and `IngressBackend` in k8s.io/api `networking/v1/types.go`, and in `extensions/v1beta1/types.go` for what
/// they were before.
pub(super) fn entry(object: &Object, index: usize, finder: &mut Finder<'_>) -> Entry {
    let mut entry = Entry::of(object, index, EntryKind::Ingress);
    let root = At::root(object.root());
    let Some(spec) = root.get("spec") else {
        entry.flaw(EntryFlawKind::Refused, &root.nearest("spec"), "an Ingress needs a spec");
        return entry;
    };
    let newer = object.version == "v1";
    let default = spec.get(if newer { "defaultBackend" } else { "backend" });
    let rules = spec.items("rules");
    if default.is_none() && rules.is_empty() {
        entry.flaw(EntryFlawKind::Refused, &spec, "an Ingress needs a default backend or rules");
    }
    let mut hosts = BTreeSet::new();
    if default.is_some() {
        hosts.insert(ANY_HOST);
    }
    let mut backends = Vec::from_iter(default);
    for rule in &rules {
        let http = rule.get("http");
        // A rule without paths sends everything for its host to the default backend.
        hosts.insert(rule.text("host").unwrap_or(ANY_HOST));
        for path in http.iter().flat_map(|http| http.items("paths")) {
            let backend = path.get("backend");
            if backend.is_none() {
                entry.flaw(EntryFlawKind::Refused, &path.nearest("backend"), "a path needs a backend");
            }
            backends.extend(backend);
        }
    }
    entry.hosts = hosts.into_iter().map(str::to_owned).collect();
    let namespace = entry.namespace.clone();
    for backend in backends.into_iter().filter(|backend| backend.get("resource").is_none()) {
        let found = if newer { current(&mut entry, &backend) } else { older(&mut entry, backend) };
        let Some((at, name_key, name, port_at, wanted)) = found else { continue };
        let backend = Backend {
            at,
            name_key,
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

/// Where a backend stands, the key and the text of its name, where its port stands, and which it is.
type Named<'t> = (At<'t>, &'static str, &'t str, At<'t>, Wanted<'t>);

/// A backend of `networking.k8s.io/v1`.
fn current<'t>(entry: &mut Entry, at: &At<'t>) -> Option<Named<'t>> {
    let Some(service) = at.get("service") else {
        entry.flaw(EntryFlawKind::Refused, at, "a backend needs a service or a resource");
        return None;
    };
    let Some(name) = service.text("name") else {
        entry.flaw(EntryFlawKind::Refused, &service.nearest("name"), "a backend needs the name of a Service");
        return None;
    };
    let port = service.nearest("port");
    let number = port.get("number").filter(|number| number.node.as_i64() != Some(0));
    let wanted = match (port.text("name"), number.map(|number| port_number(number.node))) {
        (Some(name), None) => Wanted::Name(name),
        (None, Some(Some(number))) => Wanted::Number(number),
        _ => {
            let expected = "expected either the name or the number of a port of the Service";
            entry.flaw(EntryFlawKind::Refused, &port, expected);
            return None;
        }
    };
    Some((service, "name", name, port, wanted))
}

/// A backend of the versions before.
fn older<'t>(entry: &mut Entry, at: At<'t>) -> Option<Named<'t>> {
    let Some(name) = at.text("serviceName") else {
        let message = "a backend needs the name of a Service";
        entry.flaw(EntryFlawKind::Refused, &at.nearest("serviceName"), message);
        return None;
    };
    let port = at.nearest("servicePort");
    let number = at.node.get("servicePort").and_then(port_number);
    let Some(wanted) = number.map(Wanted::Number).or(at.text("servicePort").map(Wanted::Name)) else {
        entry.flaw(EntryFlawKind::Refused, &port, "expected the name or the number of a port of the Service");
        return None;
    };
    Some((at, "serviceName", name, port, wanted))
}
