//! What an entry names, followed to pods.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use ringwall_model::address::Address;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::{Entry, EntryFlaw, EntryFlawKind, EntryTarget, PodPorts};
use crate::cluster::Cluster;
use crate::port::{Port, Protocol};
use crate::port_set::PortSet;
use crate::services::{Service, ServiceKind, ServicePort, Services, Target};

/// A field of an entry's object.
#[derive(Clone, Debug)]
pub(super) struct At<'t> {
    pub(super) path: FieldPath,
    pub(super) node: Node<'t>,
}

impl<'t> At<'t> {
    pub(super) fn root(node: Node<'t>) -> Self {
        Self { path: FieldPath::root(), node }
    }

    /// A field that is there.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key).filter(|node| !node.is_null())?;
        Some(Self { path: self.path.clone().key(key), node })
    }

    /// A field, or this where it is missing.
    pub(super) fn nearest(&self, key: &str) -> Self {
        let node = self.node.get(key).unwrap_or(self.node);
        Self { path: self.path.clone().key(key), node }
    }

    /// The items of a list.
    pub(super) fn items(&self, key: &str) -> Vec<Self> {
        let path = self.path.clone().key(key);
        let items = self.node.get(key).into_iter().flat_map(Node::items).enumerate();
        items.map(|(at, node)| Self { path: path.clone().index(at), node }).collect()
    }

    /// The text of a field; none where it is missing or empty.
    pub(super) fn text(&self, key: &str) -> Option<&'t str> {
        self.node.str_at(&[key]).filter(|text| !text.is_empty())
    }

    pub(super) fn flaw(&self, object: usize, kind: EntryFlawKind, message: impl Into<String>) -> EntryFlaw {
        EntryFlaw { object, kind, path: self.path.clone(), span: self.node.span(), message: message.into() }
    }
}

/// Which port of a Service a backend means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'t> {
    /// The Service's port with this number.
    Number(u16),
    /// The Service's port with this name.
    Name(&'t str),
    /// The Service's port with this name, and the endpoints' ports with this number, which may be another than the Service's.
    Endpoint(&'t str),
    /// All of them.
    All,
}

impl Wanted<'_> {
    /// Which of the endpoints' ports behind a port of the Service are meant; `None` where it is another port.
    fn takes(self, port: &ServicePort) -> Option<Part> {
        match self {
            Self::Number(number) => (port.number == number).then_some(Part::Whole),
            Self::Name(name) => (port.name == name).then_some(Part::Whole),
            Self::Endpoint(text) if port.name == text => Some(Part::Whole),
            Self::Endpoint(text) => text.parse().ok().map(Part::Number),
            Self::All => Some(Part::Whole),
        }
    }
}

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "port {number}"),
            Self::Name(name) => write!(f, "port called \"{name}\""),
            Self::Endpoint(text) if text.parse::<u16>().is_ok() => write!(f, "port that leads to {text}"),
            Self::Endpoint(name) => write!(f, "port called \"{name}\""),
            Self::All => f.write_str("port"),
        }
    }
}

/// A Service as an entry names it.
#[derive(Debug)]
pub(super) struct Backend<'t, 'a> {
    /// All of it.
    pub(super) at: At<'t>,
    /// The key of the Service's name.
    pub(super) name_key: &'static str,
    /// Where its port is stated, or nearest to it.
    pub(super) port_at: At<'t>,
    pub(super) namespace: &'a str,
    pub(super) name: &'t str,
    pub(super) wanted: Wanted<'t>,
    pub(super) protocol: Protocol,
    /// The ports to which the outside speaks.
    pub(super) listens: &'a [Port],
}

/// What is behind ports of a Service.
#[derive(Clone, Debug, Default)]
struct Reached {
    pods: Arc<[PodPorts]>,
    addresses: Arc<[(Address, Port)]>,
}

/// Which ports of endpoints count, of those behind a port of a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// All.
    Whole,
    /// Those with this number.
    Number(u16),
}

/// Indexes of ports of a Service.
type Ports = Vec<(usize, Part)>;

/// Follows backends; what it has found behind ports of a Service it gives again.
pub(super) struct Finder<'a> {
    cluster: &'a Cluster,
    services: &'a Services,
    found: HashMap<(usize, Ports), Reached>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(cluster: &'a Cluster, services: &'a Services) -> Self {
        Self { cluster, services, found: HashMap::new() }
    }

    /// A target that leads nowhere yet.
    pub(super) fn target(&self, backend: &Backend<'_, '_>) -> EntryTarget {
        EntryTarget {
            path: backend.at.path.clone(),
            service: self.services.index(backend.namespace, backend.name),
            listens: backend.listens.to_vec(),
            pods: Arc::default(),
            addresses: Arc::default(),
        }
    }

    /// Follows a backend to pods. What is broken about it is said of the entry.
    pub(super) fn lead(&mut self, entry: &mut Entry, backend: &Backend<'_, '_>) {
        let mut target = self.target(backend);
        let named = target.service.and_then(|index| Some((index, self.services.all.get(index)?)));
        if let Some((index, service)) = named {
            if let Some((index, wanted)) = self.resolve(entry, backend, index, service) {
                self.follow(entry, backend, &mut target, index, wanted);
            }
        } else {
            let (namespace, name) = (backend.namespace, backend.name);
            let message = format!("there is no Service {namespace}/{name} in the input");
            entry.flaw(EntryFlawKind::ServiceMissing, &backend.at.nearest(backend.name_key), message);
        }
        entry.targets.push(target);
    }

    /// The Service that is meant in the end, and which port of it. Clients of an `ExternalName` call the number of its port at another
    /// name; what is out of the input is not looked at.
    fn resolve<'t>(
        &self,
        entry: &mut Entry,
        backend: &Backend<'t, '_>,
        index: usize,
        service: &Service,
    ) -> Option<(usize, Wanted<'t>)> {
        if service.kind != ServiceKind::ExternalName {
            return Some((index, backend.wanted));
        }
        let number = match backend.wanted {
            Wanted::Number(number) => number,
            Wanted::Endpoint(text) if text.parse::<u16>().is_ok() => text.parse().ok()?,
            Wanted::Name(name) | Wanted::Endpoint(name) => {
                let port = service.ports.iter().find(|port| port.name == name);
                if port.is_none() {
                    entry.flaw(EntryFlawKind::PortMissing, &backend.port_at, no_port(service, backend));
                }
                port?.number
            }
            Wanted::All => return None,
        };
        Some((self.services.behind(index)?, Wanted::Number(number)))
    }

    fn follow(
        &mut self,
        entry: &mut Entry,
        backend: &Backend<'_, '_>,
        target: &mut EntryTarget,
        index: usize,
        wanted: Wanted<'_>,
    ) {
        let Some(service) = self.services.all.get(index) else { return };
        let ports = service.ports.iter().enumerate();
        let ports = ports.filter(|(_, port)| port.protocol == backend.protocol);
        let ports: Ports = ports.filter_map(|(at, port)| Some((at, wanted.takes(port)?))).collect();
        self.reach(target, index, &ports);
        if !service.has_backends() {
            entry.nothing_behind(&backend.at.nearest(backend.name_key), service);
        } else if target.is_empty() {
            let whole = ports.iter().find(|(_, part)| *part == Part::Whole);
            let (kind, message) = match whole.and_then(|(at, _)| service.ports.get(*at)) {
                Some(port) => unserved_port(service, port),
                None => (EntryFlawKind::PortMissing, no_port(service, backend)),
            };
            entry.flaw(kind, &backend.port_at, message);
        }
    }

    /// Takes what is behind ports of the `index`th Service. Costs a look at each pod and endpoint of it the first time.
    pub(super) fn reach(&mut self, target: &mut EntryTarget, index: usize, ports: &[(usize, Part)]) {
        let Some(service) = self.services.all.get(index).filter(|_| !ports.is_empty()) else { return };
        let found = self.found.entry((index, ports.to_vec())).or_insert_with(|| {
            let mut pods: BTreeMap<usize, PortSet> = BTreeMap::new();
            let mut addresses = BTreeSet::new();
            for (at, part) in ports {
                let Some(port) = service.ports.get(*at) else { continue };
                let counted = match part {
                    Part::Whole => PortSet::all(),
                    Part::Number(number) => PortSet::one(Port { protocol: port.protocol, number: *number }),
                };
                for (pod, ports) in service.reached(port, self.cluster) {
                    let ports = ports.and(&counted);
                    if !ports.is_empty() {
                        let all = pods.entry(pod).or_default();
                        *all = all.or(&ports);
                    }
                }
                let strange = service.addresses(port).into_iter();
                addresses.extend(strange.filter(|(_, port)| counted.contains(*port)));
            }
            Reached {
                pods: pods.into_iter().map(|(pod, ports)| PodPorts { pod, ports }).collect(),
                addresses: addresses.into_iter().collect(),
            }
        });
        target.pods = Arc::clone(&found.pods);
        target.addresses = Arc::clone(&found.addresses);
    }
}

fn no_port(service: &Service, backend: &Backend<'_, '_>) -> String {
    let (namespace, name) = (&service.namespace, &service.name);
    format!("Service {namespace}/{name} has no {} {}", backend.protocol, backend.wanted)
}

/// Why a port of a Service leads nowhere though something is behind the Service.
pub(super) fn unserved_port(service: &Service, port: &ServicePort) -> (EntryFlawKind, String) {
    let (namespace, name, protocol) = (&service.namespace, &service.name, port.protocol);
    match &port.target {
        Target::Name(declared) if !service.pods.is_empty() => {
            let message = format!(
                "no pod of Service {namespace}/{name} declares a {protocol} port called \"{declared}\""
            );
            (EntryFlawKind::PortUndeclared, message)
        }
        _ => {
            let message = format!(
                "no endpoint of Service {namespace}/{name} has a port for its {protocol} port {}",
                port.number
            );
            (EntryFlawKind::NothingBehind, message)
        }
    }
}

/// Whether no traffic is led to a backend. A weight that is missing is not 0.
pub(super) fn is_weightless(backend: &At<'_>) -> bool {
    backend.node.get("weight").and_then(Node::as_i64) == Some(0)
}
