//! What the outside reaches of a Service itself.

use ringwall_model::address::Address;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::backend::{At, Finder, Part, unserved_port};
use super::{Entry, EntryKind, EntryTarget, Seen};
use crate::port::Port;
use crate::services::{Service, ServiceKind, ServicePort};

/// The entries of the `at`th Service. Source: the comments of `ServiceSpec` in k8s.io/api `core/v1/types.go`; kube-proxy heeds the source
/// ranges at the address of the load balancer alone, so that they do not hold for the ports of nodes.
pub(super) fn entries(
    object: &Object,
    service: &Service,
    at: usize,
    finder: &mut Finder<'_>,
    entries: &mut Vec<Entry>,
) {
    let mut kinds = Vec::new();
    if service.kind == ServiceKind::LoadBalancer {
        kinds.push(EntryKind::LoadBalancer);
    }
    if service.ports.iter().any(|port| has_node_port(service, port)) {
        kinds.push(EntryKind::NodePort);
    }
    if service.kind.translates() && !service.external_ips.is_empty() {
        kinds.push(EntryKind::ExternalIps);
    }
    for (which, kind) in kinds.into_iter().enumerate() {
        let mut entry = Entry::of(object, service.object, kind);
        entry.seen = seen(object.root(), service, kind);
        entry.hosts = hosts(object.root(), service, kind);
        if kind == EntryKind::LoadBalancer {
            entry.sources.clone_from(&service.source_ranges);
        }
        for (place, port) in service.ports.iter().enumerate() {
            let listens = match kind {
                EntryKind::NodePort if !has_node_port(service, port) => continue,
                EntryKind::NodePort => port.node_port.map(|number| Port { protocol: port.protocol, number }),
                _ => Some(port.port()),
            };
            let mut target = EntryTarget {
                path: port.path(),
                service: Some(at),
                listens: Vec::from_iter(listens),
                ..EntryTarget::default()
            };
            finder.reach(&mut target, at, &[(place, Part::Whole)]);
            // What is broken about a Service is said once.
            if which == 0 && target.is_empty() && service.has_backends() {
                let (kind, message) = unserved_port(service, port);
                entry.flaw(kind, &nearest(object, port.path().key("targetPort")), message);
            }
            entry.targets.push(target);
        }
        if which == 0 && !service.has_backends() {
            entry.nothing_behind(&nearest(object, FieldPath::keys(&["spec", "selector"])), service);
        }
        entries.push(entry);
    }
}

fn nearest(object: &Object, path: FieldPath) -> At<'_> {
    let node = object.root().locate_nearest(&path).0;
    At { path, node }
}

fn has_node_port(service: &Service, port: &ServicePort) -> bool {
    match service.kind {
        ServiceKind::NodePort => true,
        ServiceKind::LoadBalancer => service.allocates_node_ports || port.node_port.is_some(),
        _ => false,
    }
}

/// What the load balancer was given, and what it was asked for before that.
fn hosts(root: Node<'_>, service: &Service, kind: EntryKind) -> Vec<String> {
    let mut hosts: Vec<String> = match kind {
        EntryKind::LoadBalancer => {
            let given = given(root).filter_map(|node| node.str_at(&["hostname"]).or(node.str_at(&["ip"])));
            given.map(str::to_owned).collect()
        }
        EntryKind::ExternalIps => service.external_ips.iter().map(Address::to_string).collect(),
        _ => Vec::new(),
    };
    if kind == EntryKind::LoadBalancer && hosts.is_empty() {
        let asked = root.str_at(&["spec", "loadBalancerIP"]).filter(|address| !address.is_empty());
        hosts.extend(asked.map(str::to_owned));
    }
    hosts.sort();
    hosts.dedup();
    hosts
}

/// The places that the load balancer has.
fn given(root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    root.at(&["status", "loadBalancer", "ingress"]).into_iter().flat_map(Node::items)
}

/// Whose address the pods see. A load balancer that says that it is a proxy is what the node sees.
/// Source: `LoadBalancerIPModeProxy` in k8s.io/api `core/v1/types.go`; masquerading: k8s.io/kubernetes `pkg/proxy/iptables/proxier.go`.
fn seen(root: Node<'_>, service: &Service, kind: EntryKind) -> Seen {
    let is_proxy = |node: Node<'_>| node.str_at(&["ipMode"]) == Some("Proxy");
    match kind {
        _ if !service.local => Seen::Node,
        EntryKind::LoadBalancer if given(root).any(is_proxy) => Seen::Proxy,
        _ => Seen::Client,
    }
}
