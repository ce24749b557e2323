//! EndpointSlices and Endpoints objects: what others than a selector put behind Services.

use std::collections::HashMap;
use std::sync::Arc;

use ringwall_model::address::Address;
use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use super::{Endpoint, ServiceKind, Services, namespace_of, port_number, protocol_of};
use crate::cluster::Cluster;
use crate::port::Port;

/// Puts behind Services what EndpointSlices and Endpoints objects say.
///
/// kube-proxy takes every EndpointSlice that has the name of the Service in its label, whoever wrote it, and goes by the address:
/// `targetRef` is asked only where no pod is known to have that. Endpoints objects are mirrored where the Service has no selector. What
/// controllers have written for a selector says nothing new, unless the input lacks the pods.
pub(super) fn read(services: &mut Services, snapshot: &Snapshot, cluster: &Cluster) {
    let mut pods = None;
    for (_, object) in snapshot.objects() {
        let Some((name, by_controller)) = named(object) else { continue };
        let namespace = namespace_of(object);
        let Some(index) = services.index(namespace, name) else { continue };
        let service = &mut services.all[index];
        let known = by_controller && service.selector.is_some() && !service.pods.is_empty();
        if service.kind == ServiceKind::ExternalName || known {
            continue;
        }
        let pods = pods.get_or_insert_with(|| Pods::of(cluster));
        let root = object.root();
        if object.id.kind == "EndpointSlice" {
            let ports = ports_of(root.get("ports"));
            // kube-proxy takes the first address alone; a name has all of them.
            let most = if service.kind == ServiceKind::Headless { usize::MAX } else { 1 };
            for entry in root.get("endpoints").into_iter().flat_map(Node::items) {
                for address in entry.get("addresses").into_iter().flat_map(Node::items).take(most) {
                    service.endpoints.extend(pods.endpoint(address.as_str(), entry, namespace, &ports));
                }
            }
        } else {
            for subset in root.get("subsets").into_iter().flat_map(Node::items) {
                let ports = ports_of(subset.get("ports"));
                let lists = ["addresses", "notReadyAddresses"].into_iter();
                for entry in lists.filter_map(|key| subset.get(key)).flat_map(Node::items) {
                    service.endpoints.extend(pods.endpoint(entry.str_at(&["ip"]), entry, namespace, &ports));
                }
            }
        }
    }
    for service in &mut services.all {
        service.endpoints.sort();
        service.endpoints.dedup();
    }
}

/// The name of the Service that the object is about, and whether only a controller writes it where that has a selector.
/// Source: `shouldMirror`, `skipMirror` and `hasLeaderElection` in k8s.io/kubernetes `pkg/controller/endpointslicemirroring`.
fn named(object: &Object) -> Option<(&str, bool)> {
    match (object.id.group.as_str(), object.id.kind.as_str()) {
        ("discovery.k8s.io", "EndpointSlice") => {
            let name = object.label("kubernetes.io/service-name")?;
            let by = object.label("endpointslice.kubernetes.io/managed-by");
            Some((name, by == Some("endpointslice-controller.k8s.io")))
        }
        ("", "Endpoints") => {
            let leader = ["metadata", "annotations", "control-plane.alpha.kubernetes.io/leader"];
            let skipped = object.label("endpointslice.kubernetes.io/skip-mirror") == Some("true")
                || object.root().at(&leader).is_some();
            (!skipped).then_some((object.id.name.as_str(), true))
        }
        _ => None,
    }
}

/// The pods by what endpoints say of them.
struct Pods<'c> {
    by_address: HashMap<Address, usize>,
    by_name: HashMap<(&'c str, &'c str), usize>,
}

impl<'c> Pods<'c> {
    fn of(cluster: &'c Cluster) -> Self {
        let mut pods = Self { by_address: HashMap::new(), by_name: HashMap::new() };
        for (index, pod) in cluster.pods.iter().enumerate().filter(|(_, pod)| !pod.finished) {
            if !pod.template {
                pods.by_name.entry((&pod.namespace, &pod.name)).or_insert(index);
            }
            // An address of a node is that of many pods.
            for address in pod.addresses.iter().filter(|_| !pod.host_network) {
                pods.by_address.entry(*address).or_insert(index);
            }
        }
        pods
    }

    fn endpoint(
        &self,
        address: Option<&str>,
        entry: Node<'_>,
        namespace: &str,
        ports: &Arc<[(String, Port)]>,
    ) -> Option<Endpoint> {
        let address = Address::parse(address?)?;
        let reference = entry.get("targetRef").filter(|node| node.str_at(&["kind"]) == Some("Pod"));
        let named = reference.and_then(|node| {
            let namespace = node.str_at(&["namespace"]).unwrap_or(namespace);
            self.by_name.get(&(namespace, node.str_at(&["name"])?))
        });
        let pod = self.by_address.get(&address).or(named).copied();
        Some(Endpoint { address, pod, ports: Arc::clone(ports) })
    }
}

/// The ports of an EndpointSlice or of a subset. One without a number is for nobody, as in kube-proxy.
fn ports_of(list: Option<Node<'_>>) -> Arc<[(String, Port)]> {
    let port = |node: Node<'_>| {
        let number = node.get("port").and_then(port_number)?;
        let protocol = protocol_of(node.get("protocol"))?;
        Some((node.str_at(&["name"]).unwrap_or_default().to_owned(), Port { protocol, number }))
    };
    list.into_iter().flat_map(Node::items).filter_map(port).collect()
}
