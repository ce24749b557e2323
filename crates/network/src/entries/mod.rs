//! Entries: what the outside reaches, and through what.
//!
//! ```text
//!   client ──▶ Ingress, Route, HTTPRoute by a Gateway ──proxy──▶ Service ──▶ port of a pod
//!   client ──▶ load balancer, node port, external address ─────▶ Service ──▶ port of a pod
//! ```
//!
//! An entry says where traffic is led; whether a policy lets it in, [`Cluster::judge`] says. What is broken about an entry leads nowhere
//! and is told beside it. The reference is the text of the APIs (k8s.io/api v1.37 `core/v1`, `networking/v1` and `extensions/v1beta1`,
//! github.com/openshift/api `route/v1`, sigs.k8s.io/gateway-api v1.6 `apis/v1`) and, for Services, kube-proxy.

mod backend;
mod gateway;
mod ingress;
mod route;
mod service;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ringwall_model::address::{Address, Block};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::text::Span;

use self::backend::{At, Finder};
use self::gateway::Gateways;
use crate::cluster::Cluster;
use crate::port::Port;
use crate::port_set::PortSet;
use crate::services::{Service, Services, namespace_of};

/// The host of an entry that answers to any name.
pub const ANY_HOST: &str = "*";

/// Through what the outside comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// An Ingress.
    Ingress,
    /// A Route of OpenShift.
    Route,
    /// A route of the Gateway API, by a listener of a Gateway or ListenerSet.
    Gateway,
    /// The load balancer of a Service.
    LoadBalancer,
    /// A port that every node has for a Service.
    NodePort,
    /// Addresses that nodes take traffic for: `externalIPs` of a Service.
    ExternalIps,
}

impl EntryKind {
    /// Whether a proxy of the cluster (an ingress controller, a router, a gateway) takes the connection and makes one of its own to the pod.
    pub const fn is_proxied(self) -> bool {
        matches!(self, Self::Ingress | Self::Route | Self::Gateway)
    }
}

/// Whose address the pod, and so a policy, sees as the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Seen {
    /// That of the proxy, which is a pod or a node where it runs in the cluster.
    Proxy,
    /// That of the node that the traffic came to (`externalTrafficPolicy: Cluster`).
    Node,
    /// The client's own (`externalTrafficPolicy: Local`).
    Client,
}

/// A pod that is reached, and on which ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPorts {
    /// Its index in the cluster.
    pub pod: usize,
    /// Its own ports.
    pub ports: PortSet,
}

/// One place to which an entry leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryTarget {
    /// The field of the entry's object that says so.
    pub path: FieldPath,
    /// Index in [`Services::all`] of the Service that it names; `None` where that is not in the input.
    pub service: Option<usize>,
    /// The ports to which the outside speaks, where the input tells. Those of Ingresses and Routes are their controller's.
    pub listens: Vec<Port>,
    /// The pods that are reached, by index. Targets that are the same port of one Service share them.
    pub pods: Arc<[PodPorts]>,
    /// What is reached and is no pod of the input.
    pub addresses: Arc<[(Address, Port)]>,
}

impl EntryTarget {
    /// Whether it leads to nothing of the input.
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.addresses.is_empty()
    }
}

/// What is wrong about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryFlawKind {
    /// The API server would refuse it.
    Refused,
    /// The Service that it names is not in the input.
    ServiceMissing,
    /// The Service has no such port.
    PortMissing,
    /// Nothing is behind the Service.
    NothingBehind,
    /// Pods are behind the Service, and none of them declares the port by its name.
    PortUndeclared,
    /// It names a Service of another namespace, and no ReferenceGrant there allows it.
    NotGranted,
    /// No listener of the Gateway takes the route.
    NotAttached,
    /// The Gateway is not in the input.
    GatewayMissing,
    /// A selector decides by the labels of a namespace that is not in the input.
    NamespaceUnknown,
}

/// What is wrong about an entry, or taken for granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFlaw {
    /// The object's index in the snapshot: that of the entry.
    pub object: usize,
    /// What it is.
    pub kind: EntryFlawKind,
    /// The field, from the object.
    pub path: FieldPath,
    /// Where it is written, or the nearest that is.
    pub span: Span,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

/// A way in from outside.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The index in the snapshot of the object that makes it.
    pub object: usize,
    /// The kind of that object.
    pub object_kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What kind of entry it is.
    pub kind: EntryKind,
    /// The host names or addresses that it answers to, sorted; [`ANY_HOST`] is any. None where the input does not show what the cluster
    /// gives it.
    pub hosts: Vec<String>,
    /// Whose address the pods see.
    pub seen: Seen,
    /// Where it leads, in the order of the text.
    pub targets: Vec<EntryTarget>,
    /// The blocks that may use it; empty for anyone.
    pub sources: Vec<Block>,
    /// What is broken about it. Of several entries of one Service, the first has them.
    pub flaws: Vec<EntryFlaw>,
    /// What is taken for granted because the input does not show it: a Gateway that is not there takes the route.
    pub assumed: Vec<EntryFlaw>,
}

impl Entry {
    /// All pods that it reaches, by index, with all ports of each. Costs a look at each target's pods.
    pub fn reached(&self) -> BTreeMap<usize, PortSet> {
        let mut reached: BTreeMap<usize, PortSet> = BTreeMap::new();
        for PodPorts { pod, ports } in self.targets.iter().flat_map(|target| target.pods.iter()) {
            let all = reached.entry(*pod).or_default();
            *all = all.or(ports);
        }
        reached
    }

    fn of(object: &Object, index: usize, kind: EntryKind) -> Self {
        Self {
            object: index,
            object_kind: object.id.kind.clone(),
            namespace: namespace_of(object).to_owned(),
            name: object.id.name.clone(),
            kind,
            hosts: Vec::new(),
            seen: Seen::Proxy,
            targets: Vec::new(),
            sources: Vec::new(),
            flaws: Vec::new(),
            assumed: Vec::new(),
        }
    }

    fn flaw(&mut self, kind: EntryFlawKind, at: &At<'_>, message: impl Into<String>) {
        self.flaws.push(at.flaw(self.object, kind, message));
    }

    fn assume(&mut self, kind: EntryFlawKind, at: &At<'_>, message: impl Into<String>) {
        self.assumed.push(at.flaw(self.object, kind, message));
    }

    fn nothing_behind(&mut self, at: &At<'_>, service: &Service) {
        let title = format!("Service {}/{}", service.namespace, service.name);
        let message = match service.selector {
            Some(_) => format!("{title} selects no pod of the input"),
            None => format!("{title} selects no pods, and nothing in the input says its endpoints"),
        };
        self.flaw(EntryFlawKind::NothingBehind, at, message);
    }
}

/// `Ingress shop/web`, or `node port of Service shop/web`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            EntryKind::LoadBalancer => "load balancer of ",
            EntryKind::NodePort => "node port of ",
            EntryKind::ExternalIps => "external address of ",
            EntryKind::Ingress | EntryKind::Route | EntryKind::Gateway => "",
        })?;
        write!(f, "{} {}/{}", self.object_kind, self.namespace, self.name)
    }
}

/// All entries, in the order of the snapshot; of one Service the load balancer before the ports of nodes before addresses.
///
/// An object of which nothing comes in is no entry: a route whose parents are Services only, a Service of the cluster alone. One that is
/// meant to be an entry and leads nowhere is one, with the reason among its flaws.
///
/// Costs a pass over the objects, for each route a look at the listeners of its Gateways, and for each port of a Service that is named a
/// look at its pods.
pub fn entries(snapshot: &Snapshot, cluster: &Cluster, services: &Services) -> Vec<Entry> {
    let mut finder = Finder::new(cluster, services);
    let gateways = Gateways::of(snapshot, cluster);
    let mut entries = Vec::new();
    for (index, object) in snapshot.objects() {
        match (object.id.group.as_str(), object.id.kind.as_str()) {
            ("networking.k8s.io" | "extensions", "Ingress") => {
                entries.push(ingress::entry(object, index, &mut finder));
            }
            // The group is missing in manifests from before OpenShift 3.6.
            ("route.openshift.io" | "", "Route") => entries.push(route::entry(object, index, &mut finder)),
            (gateway::GROUP, _) => entries.extend(gateways.entry(object, index, &mut finder)),
            _ => {}
        }
    }
    for (at, service) in services.all.iter().enumerate() {
        if let Some(object) = snapshot.all().get(service.object) {
            service::entries(object, service, at, &mut finder, &mut entries);
        }
    }
    entries.sort_by_key(|entry| (entry.object, entry.kind));
    entries
}
