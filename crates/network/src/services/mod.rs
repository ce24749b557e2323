//! Services: which pods are behind them, and on which ports these listen.
//!
//! ```text
//!   Service port ──targetPort──▶ number ─────────────────────▶ the same on every pod
//!                           └──▶ name ──declared by the pod──▶ another number on each pod, or no port at all
//! ```
//!
//! Policies see the port of the pod, never that of the Service. The reference is what fills EndpointSlices (k8s.io/endpointslice, and the
//! controllers `endpointslice` and `endpointslicemirroring` of k8s.io/kubernetes) and what reads them (kube-proxy), all of v1.37.

mod decode;
mod endpoints;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ringwall_model::address::{Address, Block};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use crate::cluster::{Cluster, Pod};
use crate::labels::Labels;
use crate::policy::Refusal;
use crate::port::{Port, Protocol};
use crate::port_set::PortSet;

/// How many names are followed from one Service of type `ExternalName` to the next; resolvers give up near there too.
const HOPS: usize = 8;

/// How a Service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceKind {
    /// At an address inside of the cluster.
    ClusterIp,
    /// At the addresses of its pods (`clusterIP: None`): nothing translates ports.
    Headless,
    /// At a port of every node too.
    NodePort,
    /// At a load balancer outside of the cluster too.
    LoadBalancer,
    /// Nowhere: its name stands for another name.
    ExternalName,
}

impl ServiceKind {
    /// Whether nodes translate its address and port to those of a pod. Clients of a headless Service speak to the pod's address and to
    /// whatever port they like. Source: `ShouldSkipService` in k8s.io/kubernetes `pkg/proxy/util/utils.go`.
    pub const fn translates(self) -> bool {
        matches!(self, Self::ClusterIp | Self::NodePort | Self::LoadBalancer)
    }
}

/// Which port of a pod a port of a Service stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// This number on every pod.
    Number(u16),
    /// The port that the pod declares under this name.
    Name(String),
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Its place in `spec.ports`.
    pub index: usize,
    /// Its name; empty where it has none.
    pub name: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number, at the address of the Service.
    pub number: u16,
    /// The port of every node that stands for it, where the manifest or the cluster says which.
    pub node_port: Option<u16>,
    /// The port of the pods.
    pub target: Target,
}

impl ServicePort {
    /// Where it is written in the Service.
    pub fn path(&self) -> FieldPath {
        FieldPath::keys(&["spec", "ports"]).index(self.index)
    }

    /// Protocol and number.
    pub const fn port(&self) -> Port {
        Port { protocol: self.protocol, number: self.number }
    }

    /// The port that it stands for on a pod; `None` where the pod declares none with that name and protocol, and is no endpoint of it
    /// then. Of several the first counts, those of containers before those of sidecars. Costs a look at the pod's ports.
    ///
    /// Source: `FindPort` in k8s.io/endpointslice `utils.go`.
    pub fn on(&self, pod: &Pod) -> Option<Port> {
        match &self.target {
            Target::Number(number) => Some(Port { protocol: self.protocol, number: *number }),
            Target::Name(name) => {
                let mut named = pod.ports.iter().filter(|declared| declared.name == *name);
                named.find(|declared| declared.port.protocol == self.protocol).map(|declared| declared.port)
            }
        }
    }
}

/// An address that an EndpointSlice or an Endpoints object puts behind a Service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The address.
    pub address: Address,
    /// Index in the cluster of the pod that has it.
    pub pod: Option<usize>,
    /// Its ports, each with the name of the Service's port that it is for.
    pub ports: Arc<[(String, Port)]>,
}

/// A Service.
#[derive(Clone, Debug)]
pub struct Service {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub kind: ServiceKind,
    /// The name that it stands for, if it is of type `ExternalName`.
    pub external_name: Option<String>,
    /// Addresses outside of the cluster's own at which nodes take traffic for it.
    pub external_ips: Vec<Address>,
    /// The labels of its pods; `None` where it selects none. An empty selector is a missing one.
    pub selector: Option<Labels>,
    /// Indexes in the cluster of the pods that it selects, those on the network of their node among them. None that is over; whether one
    /// is ready changes by the second and is not asked. Services with one selector share them.
    pub pods: Arc<[usize]>,
    /// What EndpointSlices and Endpoints objects put behind it beside that, by address.
    pub endpoints: Vec<Endpoint>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// The blocks that its load balancer takes traffic from; empty for any.
    pub source_ranges: Vec<Block>,
    /// Whether traffic from outside stays on the node that it comes to, and keeps its source (`externalTrafficPolicy: Local`). Nothing to
    /// a Service that the outside does not reach.
    pub local: bool,
    /// Whether an annotation of a provider makes its load balancer one that only the inside of a network reaches.
    pub internal: bool,
    /// Whether a load balancer's ports get a port of every node each, though none is stated.
    pub allocates_node_ports: bool,
}

impl Service {
    /// The ports to which `port` leads on a pod, the `index`th of the cluster: what the selector gives it and what endpoints say. Costs a
    /// look at the pod's ports and at each endpoint.
    pub fn ports_on(&self, port: &ServicePort, index: usize, pod: &Pod) -> PortSet {
        let selected = if self.pods.binary_search(&index).is_ok() { port.on(pod) } else { None };
        let stated = self.endpoints.iter().filter(|endpoint| endpoint.pod == Some(index));
        let stated = stated.flat_map(|endpoint| of_endpoint(endpoint, port));
        selected.into_iter().chain(stated).fold(PortSet::none(), |all, port| all.or(&PortSet::one(port)))
    }

    /// The pods that are reached through a port of it, by index, and their ports; none without a port. Costs a look at each pod and
    /// endpoint of the Service.
    pub fn reached(&self, port: &ServicePort, cluster: &Cluster) -> BTreeMap<usize, PortSet> {
        let selected =
            self.pods.iter().filter_map(|index| Some((*index, port.on(cluster.pods.get(*index)?)?)));
        let stated = self.endpoints.iter().filter_map(|endpoint| Some((endpoint.pod?, endpoint)));
        let stated =
            stated.flat_map(|(pod, endpoint)| of_endpoint(endpoint, port).map(move |port| (pod, port)));
        let mut reached: BTreeMap<usize, PortSet> = BTreeMap::new();
        for (pod, port) in selected.chain(stated) {
            let ports = reached.entry(pod).or_default();
            *ports = ports.or(&PortSet::one(port));
        }
        reached
    }

    /// The addresses that are reached through a port of it and are no pod's of the input. Costs a look at each endpoint.
    pub fn addresses(&self, port: &ServicePort) -> BTreeSet<(Address, Port)> {
        let strange = self.endpoints.iter().filter(|endpoint| endpoint.pod.is_none());
        strange
            .flat_map(|endpoint| of_endpoint(endpoint, port).map(move |port| (endpoint.address, port)))
            .collect()
    }

    /// Whether anything is behind it.
    pub fn has_backends(&self) -> bool {
        !self.pods.is_empty() || !self.endpoints.is_empty()
    }
}

/// The ports of an endpoint that are for a port of the Service: name and protocol must be the same.
/// Source: `ServicePortName` in k8s.io/kubernetes `pkg/proxy/types.go`, `addEndpoints` in `pkg/proxy/endpointslicecache.go`.
fn of_endpoint<'e>(endpoint: &'e Endpoint, port: &'e ServicePort) -> impl Iterator<Item = Port> + 'e {
    let same = |(name, other): &&(String, Port)| *name == port.name && other.protocol == port.protocol;
    endpoint.ports.iter().filter(same).map(|(_, port)| *port)
}

/// All Services.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// Services, in the order of the snapshot.
    pub all: Vec<Service>,
    /// What the API server would refuse in one, with the object's index.
    pub refusals: Vec<(usize, Refusal)>,
    by_name: HashMap<String, HashMap<String, usize>>,
}

impl Services {
    /// Reads Services, EndpointSlices and Endpoints objects. What is of a wrong type is passed over.
    ///
    /// Costs a pass over the objects and the labels of the pods; a Service looks at the pods with its rarest label.
    pub fn of(snapshot: &Snapshot, cluster: &Cluster) -> Self {
        let mut services = Self::default();
        for (index, object) in snapshot.objects().filter(|(_, object)| object.is("", "Service")) {
            let Some(service) = decode::service(object, index, &mut services.refusals) else { continue };
            let names = services.by_name.entry(service.namespace.clone()).or_default();
            names.entry(service.name.clone()).or_insert(services.all.len());
            services.all.push(service);
        }
        services.select(cluster);
        endpoints::read(&mut services, snapshot, cluster);
        services
    }

    /// The index in [`Services::all`] of the Service with this name; of two that say different things the first. Costs two hash look-ups.
    pub fn index(&self, namespace: &str, name: &str) -> Option<usize> {
        self.by_name.get(namespace)?.get(name).copied()
    }

    /// The Service with this name.
    pub fn find(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.all.get(self.index(namespace, name)?)
    }

    /// The Service that is reached by the name of the `index`th one: itself, or that of the input to which its `externalName` leads, as
    /// `api.shop.svc.cluster.local` does. `None` where that leads out of the cluster, to a Service that is not in the input, or in a
    /// circle.
    ///
    /// Source: the comment of `ExternalName` in k8s.io/api `core/v1/types.go` (a CNAME record and no proxying), and of
    /// `BackendObjectReference` in sigs.k8s.io/gateway-api `apis/v1/object_reference_types.go`, after CVE-2021-25740.
    pub fn behind(&self, index: usize) -> Option<usize> {
        let mut at = index;
        for _ in 0..HOPS {
            let service = self.all.get(at)?;
            if service.kind != ServiceKind::ExternalName {
                return Some(at);
            }
            let (namespace, name) = inside(service.external_name.as_deref()?)?;
            at = self.index(namespace, name)?;
        }
        None
    }

    /// Finds the pods of each selector.
    fn select(&mut self, cluster: &Cluster) {
        let mut by_label: HashMap<(&str, &str, &str), Vec<usize>> = HashMap::new();
        for (index, pod) in cluster.pods.iter().enumerate().filter(|(_, pod)| !pod.finished) {
            for (key, value) in pod.labels.iter() {
                by_label.entry((&pod.namespace, key, value)).or_default().push(index);
            }
        }
        let mut by_selector: HashMap<(&str, &Labels), Arc<[usize]>> = HashMap::new();
        for service in &mut self.all {
            let Service { namespace, selector: Some(selector), pods, .. } = service else { continue };
            let found = by_selector.entry((namespace, selector)).or_insert_with(|| {
                let listed = |(key, value)| {
                    by_label.get(&(namespace.as_str(), key, value)).map_or(&[][..], Vec::as_slice)
                };
                let rarest = selector.iter().map(listed).min_by_key(|pods| pods.len()).unwrap_or_default();
                let has_all = |index: &&usize| {
                    let labels = &cluster.pods[**index].labels;
                    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
                };
                rarest.iter().filter(has_all).copied().collect()
            });
            *pods = Arc::clone(found);
        }
    }
}

/// The namespace of an object; one that is not stated is `default`, as with policies and pods.
pub(crate) fn namespace_of(object: &Object) -> &str {
    object.id.namespace.as_deref().unwrap_or("default")
}

/// A number of a port, from 1 to 65535.
pub(crate) fn port_number(node: Node<'_>) -> Option<u16> {
    node.as_i64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)
}

/// A protocol; one that is missing is TCP.
fn protocol_of(node: Option<Node<'_>>) -> Option<Protocol> {
    match node.filter(|node| !node.is_null()).map(|node| node.as_str().unwrap_or("?")) {
        None | Some("") => Some(Protocol::Tcp),
        Some(text) => Protocol::parse(text),
    }
}

/// Namespace and name of the Service whose full name this is.
fn inside(name: &str) -> Option<(&str, &str)> {
    let mut parts = name.trim_end_matches('.').split('.');
    let (service, namespace) = (parts.next()?, parts.next()?);
    let domain = parts.next().filter(|part| *part == "svc").and_then(|_| parts.next());
    domain.map(|_| (namespace, service))
}
