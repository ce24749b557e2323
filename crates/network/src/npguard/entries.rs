//! What Ingresses and Routes lead to, as np-guard follows them: to ports of TCP that a pod of the Service declares.

use std::collections::{BTreeMap, HashMap};

use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::{Kind, Node};

use super::view::View;
use crate::cluster::Pod;
use crate::port::{Port, Protocol};
use crate::port_set::PortSet;

/// A workload that Ingresses and Routes lead to.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its index among the workloads of the view.
    pub(super) peer: usize,
    /// The ports to which they lead.
    pub(super) ports: PortSet,
}

/// A port by number or name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which<'s> {
    Number(i64),
    Name(&'s str),
}

impl<'s> Which<'s> {
    fn of(node: Option<Node<'s>>) -> Option<Self> {
        let node = node?;
        let number = node.as_i64().map(Which::Number);
        number
            .or_else(|| node.as_str().map(Which::Name))
            .filter(|which| !matches!(which, Which::Number(0) | Which::Name("")))
    }
}

/// A Service that an Ingress or a Route names, and the port of it; all ports where there is none.
struct Backend<'s> {
    namespace: &'s str,
    service: &'s str,
    port: Option<Which<'s>>,
}

/// All workloads that are led to, in the order of the view.
pub(super) fn find(snapshot: &Snapshot, view: &View) -> Vec<Entry> {
    let services: HashMap<(&str, &str), &Object> = snapshot
        .of_kind("", "Service")
        .map(|service| ((namespace(service), service.id.name.as_str()), service))
        .collect();
    let mut led: BTreeMap<usize, PortSet> = BTreeMap::new();
    for backend in snapshot.objects().flat_map(|(_, object)| backends(object)) {
        let Some(service) = services.get(&(backend.namespace, backend.service)) else { continue };
        let Some(selector) =
            service.root().at(&["spec", "selector"]).filter(|node| node.kind() == Kind::Mapping)
        else {
            continue;
        };
        for (index, peer) in view.peers.iter().enumerate() {
            let pod = &view.cluster.pods[peer.pod];
            let selected = pod.namespace == backend.namespace
                && selector.entries().all(|entry| pod.labels.get(entry.key) == entry.value.as_str());
            if selected {
                let ports = led.entry(index).or_default();
                for target in targets(service, backend.port) {
                    *ports = ports.or(&on(pod, target));
                }
            }
        }
    }
    led.into_iter().map(|(peer, ports)| Entry { peer, ports }).collect()
}

fn namespace(object: &Object) -> &str {
    object.id.namespace.as_deref().unwrap_or("default")
}

/// The Services that an object leads to, if it is an Ingress or a Route.
fn backends(object: &Object) -> Vec<Backend<'_>> {
    let namespace = namespace(object);
    let Some(spec) = object.root().get("spec") else { return Vec::new() };
    if object.is("networking.k8s.io", "Ingress") {
        let paths = spec.get("rules").into_iter().flat_map(Node::items);
        let paths = paths.filter_map(|rule| rule.at(&["http", "paths"])).flat_map(Node::items);
        let services = paths.filter_map(|path| path.at(&["backend", "service"]));
        let services = spec.at(&["defaultBackend", "service"]).into_iter().chain(services);
        return services
            .filter_map(|node| {
                let by = |key: &str| Which::of(node.at(&["port", key]));
                let port = by("name").or_else(|| by("number"));
                Some(Backend { namespace, service: node.str_at(&["name"])?, port })
            })
            .collect();
    }
    if object.is("route.openshift.io", "Route") {
        let port = Which::of(spec.at(&["port", "targetPort"]));
        let others = spec.get("alternateBackends").into_iter().flat_map(Node::items);
        return spec
            .get("to")
            .into_iter()
            .chain(others)
            .filter(|node| matches!(node.str_at(&["kind"]), None | Some("" | "Service")))
            .filter_map(|node| Some(Backend { namespace, service: node.str_at(&["name"])?, port }))
            .collect();
    }
    Vec::new()
}

/// The ports of pods behind a port of a Service: the first that the backend may mean, or all where it means none.
fn targets<'s>(service: &'s Object, wanted: Option<Which<'s>>) -> Vec<Which<'s>> {
    let ports = service.root().at(&["spec", "ports"]).into_iter().flat_map(Node::items);
    let mut targets = ports.filter_map(|port| {
        let (number, target) = (Which::of(port.get("port")), Which::of(port.get("targetPort")));
        let means = |wanted| {
            Which::of(port.get("name")) == Some(wanted) || number == Some(wanted) || target == Some(wanted)
        };
        if wanted.is_none_or(means) { target.or(number) } else { None }
    });
    match wanted {
        Some(_) => targets.next().into_iter().collect(),
        None => targets.collect(),
    }
}

/// The port, if a container of the pod declares it.
fn on(pod: &Pod, target: Which<'_>) -> PortSet {
    let number = match target {
        // The first port with the name is the one; of others than TCP none is led to.
        Which::Name(name) => {
            let first = pod.ports.iter().find(|port| port.name == name);
            first.filter(|port| port.port.protocol == Protocol::Tcp).map(|port| port.port.number)
        }
        Which::Number(number) => u16::try_from(number).ok(),
    };
    match number.filter(|number| pod.ports.iter().any(|port| port.port.number == *number)) {
        Some(number) => PortSet::one(Port { protocol: Protocol::Tcp, number }),
        None => PortSet::none(),
    }
}
