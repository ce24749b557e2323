//! The Gateway API: routes that listeners of Gateways take.
//!
//! ```text
//!   HTTPRoute ──parentRefs──▶ listener of a Gateway or ListenerSet     allowed by kind, namespace, host name: attached
//!       └──────backendRefs──▶ Service                                  in another namespace: allowed by a ReferenceGrant
//! ```

mod attach;
mod listeners;

use std::collections::HashMap;

use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use self::attach::Attached;
use self::listeners::{Grant, Parents};
use super::backend::{At, Backend, Finder, Wanted, is_weightless};
use super::{Entry, EntryFlawKind, EntryKind};
use crate::cluster::Cluster;
use crate::port::{Port, Protocol};
use crate::services::port_number;

/// The group of the API.
pub(super) const GROUP: &str = "gateway.networking.k8s.io";

/// Which kind of route it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RouteKind {
    Http,
    Grpc,
    Tls,
    Tcp,
    Udp,
}

impl RouteKind {
    fn of(object: &Object) -> Option<Self> {
        match object.id.kind.as_str() {
            "HTTPRoute" => Some(Self::Http),
            "GRPCRoute" => Some(Self::Grpc),
            "TLSRoute" => Some(Self::Tls),
            "TCPRoute" => Some(Self::Tcp),
            "UDPRoute" => Some(Self::Udp),
            _ => None,
        }
    }

    const fn protocol(self) -> Protocol {
        match self {
            Self::Udp => Protocol::Udp,
            _ => Protocol::Tcp,
        }
    }

    /// Whether it is told from others by the names of hosts.
    const fn has_hosts(self) -> bool {
        matches!(self, Self::Http | Self::Grpc | Self::Tls)
    }

    /// Whether a listener of this protocol can take it; protocols that implementations have made can take any.
    /// Source: the comments of `ProtocolType` and `ListenerTLSConfig` in `gateway_types.go`; TCPRoutes may be behind terminated TLS.
    fn is_taken_by(self, protocol: &str) -> bool {
        match protocol {
            "HTTP" | "HTTPS" => matches!(self, Self::Http | Self::Grpc),
            "TLS" => matches!(self, Self::Tls | Self::Tcp),
            "TCP" => self == Self::Tcp,
            "UDP" => self == Self::Udp,
            _ => true,
        }
    }
}

/// Gateways, ListenerSets and ReferenceGrants.
pub(super) struct Gateways<'s> {
    cluster: &'s Cluster,
    parents: Parents<'s>,
    /// Grants by the namespace in which they allow.
    grants: HashMap<&'s str, Vec<Grant<'s>>>,
}

impl<'s> Gateways<'s> {
    pub(super) fn of(snapshot: &'s Snapshot, cluster: &'s Cluster) -> Self {
        let mut grants: HashMap<&str, Vec<Grant<'_>>> = HashMap::new();
        for grant in snapshot.objects().filter_map(|(_, object)| Grant::of(object)) {
            grants.entry(grant.namespace()).or_default().push(grant);
        }
        Self { cluster, parents: Parents::of(snapshot), grants }
    }

    /// What a route lets in; nothing where no parent of it is a Gateway or a ListenerSet, as with those of a mesh.
    pub(super) fn entry(&self, object: &Object, index: usize, finder: &mut Finder<'_>) -> Option<Entry> {
        let kind = RouteKind::of(object)?;
        let mut entry = Entry::of(object, index, EntryKind::Gateway);
        let root = At::root(object.root());
        let Some(spec) = root.get("spec") else {
            let message = format!("a {} needs a spec", entry.object_kind);
            entry.flaw(EntryFlawKind::Refused, &root.nearest("spec"), message);
            return Some(entry);
        };
        let attached = self.attach(&mut entry, kind, &spec)?;
        if attached.is_attached {
            entry.hosts = attached.hosts.iter().cloned().collect();
            for rule in spec.items("rules") {
                self.rule(&mut entry, kind, &rule, &attached, finder);
            }
        }
        Some(entry)
    }

    /// Follows what a rule leads to, and what gets a copy of it or is asked about it.
    /// Source: `HTTPRouteFilter` and `HTTPBackendRef` in `httproute_types.go`.
    fn rule(
        &self,
        entry: &mut Entry,
        kind: RouteKind,
        rule: &At<'_>,
        attached: &Attached,
        finder: &mut Finder<'_>,
    ) {
        let listens: Vec<Port> = attached.listens.iter().copied().collect();
        let backends = rule.items("backendRefs");
        let backends: Vec<At<'_>> = backends.into_iter().filter(|backend| !is_weightless(backend)).collect();
        let filters = rule.items("filters").into_iter();
        let filters = filters.chain(backends.iter().flat_map(|backend| backend.items("filters")));
        let asides: Vec<At<'_>> = filters.filter_map(|filter| aside(&filter)).collect();
        for backend in backends.into_iter().chain(asides) {
            self.backend(entry, kind, backend, &listens, finder);
        }
    }

    fn backend(
        &self,
        entry: &mut Entry,
        kind: RouteKind,
        at: At<'_>,
        listens: &[Port],
        finder: &mut Finder<'_>,
    ) {
        let is_service = at.text("group").is_none() && at.text("kind").is_none_or(|kind| kind == "Service");
        if !is_service {
            return;
        }
        let Some(name) = at.text("name") else {
            entry.flaw(EntryFlawKind::Refused, &at.nearest("name"), "a backend needs the name of a Service");
            return;
        };
        let Some(number) = at.get("port").and_then(|port| port_number(port.node)) else {
            let message = "a backend that is a Service needs a port from 1 to 65535";
            entry.flaw(EntryFlawKind::Refused, &at.nearest("port"), message);
            return;
        };
        let own = entry.namespace.clone();
        let namespace = at.text("namespace").unwrap_or(&own);
        let (place, port_at) = (at.nearest("namespace"), at.nearest("port"));
        let backend = Backend {
            at,
            name_key: "name",
            port_at,
            namespace,
            name,
            wanted: Wanted::Number(number),
            protocol: kind.protocol(),
            listens,
        };
        let mut grants = self.grants.get(namespace).into_iter().flatten();
        let granted = namespace == own || grants.any(|grant| grant.allows(&entry.object_kind, &own, name));
        if granted {
            finder.lead(entry, &backend);
        } else {
            let route = &entry.object_kind;
            let message = format!(
                "no ReferenceGrant of namespace {namespace} lets {route}s of {own} name Service {name}"
            );
            entry.flaw(EntryFlawKind::NotGranted, &place, message);
            entry.targets.push(finder.target(&backend));
        }
    }
}

/// The backend of a filter that sends requests elsewhere beside the rule's own backends.
fn aside<'t>(filter: &At<'t>) -> Option<At<'t>> {
    let key = match filter.text("type")? {
        "RequestMirror" => "requestMirror",
        "ExternalAuth" => "externalAuth",
        _ => return None,
    };
    let aside = filter.get(key)?;
    let none = aside.node.get("percent").and_then(Node::as_i64) == Some(0);
    aside.get("backendRef").filter(|_| !none)
}
