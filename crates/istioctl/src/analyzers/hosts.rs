//! Hosts, who sees them, and what stands behind them. Source: `pkg/config/analysis/analyzers/util/hosts.go`, `service_lookup.go`,
//! `exportto.go`; `pkg/config/host/name.go`.

use std::collections::BTreeSet;

use crate::ordered::Ordered;
use crate::reader::Texts;
use crate::store::{Kind, Name, Store};

/// What is seen everywhere.
pub(super) const EVERYWHERE: &str = "*";

/// A host with the namespace that sees it, or `*`.
pub(super) type Scoped = (String, String);

/// What a name without dots stands for.
pub(super) fn fqdn(namespace: &str, host: &str) -> String {
    if host.starts_with('*') || host.contains('.') {
        host.to_owned()
    } else {
        format!("{host}.{namespace}.svc.cluster.local")
    }
}

/// The Service that a host names: by its whole name, or by a short one in this namespace.
pub(super) fn service_of<'s>(namespace: &'s str, host: &'s str) -> Name<'s> {
    let full = host.strip_suffix(".svc.cluster.local").and_then(|rest| {
        // The last dot with something on both sides.
        let mut dots = rest.rmatch_indices('.').map(|(at, _)| at);
        let at = dots.find(|at| *at > 0 && *at + 1 < rest.len())?;
        Some(Name { namespace: rest.get(at + 1..)?, name: rest.get(..at)? })
    });
    full.unwrap_or(Name { namespace, name: host })
}

/// What stands behind a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Behind<'s> {
    /// The numbers of its ports.
    pub(super) ports: Vec<i64>,
    /// What a `ServiceEntry` selects by.
    pub(super) selector: Texts<'s>,
}

/// The namespaces that see something, each once, in the order of the list: itself for `.`. One that sees all is `*` alone.
pub(super) fn scopes<'s>(export_to: &[&'s str], namespace: &'s str) -> Vec<&'s str> {
    if export_to.is_empty() || export_to.contains(&EVERYWHERE) {
        return vec![EVERYWHERE];
    }
    let mut seen = BTreeSet::new();
    let scopes = export_to.iter().map(|to| if *to == "." { namespace } else { to });
    scopes.filter(|scope| seen.insert(*scope)).collect()
}

/// All hosts of a mesh, by who sees them.
#[derive(Debug, Default)]
pub(super) struct Hosts<'s> {
    all: Ordered<Scoped, Behind<'s>>,
    /// Those that begin with a star.
    wild: Vec<Scoped>,
}

impl<'s> Hosts<'s> {
    pub(super) fn of(store: &Store<'s>) -> Self {
        let mut all = Ordered::default();
        for entry in store.all(Kind::ServiceEntry) {
            let namespace = entry.name.namespace;
            let ports = entry.spec.items("ports").map(|port| port.number("number").unwrap_or(0)).collect();
            let selector = entry.spec.get("workloadSelector").map("labels");
            let behind = Behind { ports, selector };
            let export_to = entry.spec.texts("exportTo");
            let mut to_all = export_to.is_empty();
            for host in entry.spec.texts("hosts") {
                let host = fqdn(namespace, host);
                if to_all {
                    all.insert((EVERYWHERE.to_owned(), host), behind.clone());
                    continue;
                }
                for to in &export_to {
                    let scope = if *to == "." { namespace } else { to };
                    all.insert((scope.to_owned(), host.clone()), behind.clone());
                    if *to == EVERYWHERE {
                        to_all = true;
                        break;
                    }
                }
            }
        }
        for service in &store.services {
            let name = service.resource.name;
            let host = fqdn(name.namespace, name.name);
            let behind = Behind {
                ports: service.ports.iter().map(|port| port.number).collect(),
                selector: Texts::new(),
            };
            let stated = service.resource.annotation("networking.istio.io/exportTo");
            if stated.is_empty() {
                all.insert((EVERYWHERE.to_owned(), host), behind);
                continue;
            }
            for scope in stated.split(',').map(str::trim) {
                let scope = if scope == "." { name.namespace } else { scope };
                all.insert((scope.to_owned(), host.clone()), behind.clone());
            }
        }
        let wild =
            all.iter().map(|(key, _)| key).filter(|(_, host)| host.starts_with('*')).cloned().collect();
        Self { all, wild }
    }

    /// What a namespace finds behind a host. `export_to` is that of who asks. Costs look-ups, and a walk of the hosts with a star where
    /// they find nothing.
    pub(super) fn find(&self, namespace: &str, export_to: &[&str], host: &str) -> Option<&Behind<'s>> {
        let name = fqdn(namespace, host);
        let look = |scope: &str| self.all.get(&(scope.to_owned(), name.clone()));
        if let Some(behind) = look(EVERYWHERE) {
            return Some(behind);
        }
        let found = if export_to.is_empty() {
            look(namespace)
        } else {
            export_to.iter().find_map(|to| look(if *to == "." { namespace } else { to }))
        };
        if found.is_some() {
            return found;
        }
        let bare = host.strip_prefix('*').unwrap_or(host);
        let covers = |(scope, wild): &&Scoped| {
            (scope == EVERYWHERE || scope == namespace)
                && wild.strip_prefix('*').is_some_and(|end| bare.ends_with(end))
        };
        self.wild.iter().find(covers).and_then(|key| self.all.get(key))
    }
}
