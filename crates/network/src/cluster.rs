//! What can send and receive: pods, nodes, addresses.

use std::collections::HashMap;

use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use crate::address::Address;
use crate::policy::{Flaw, Namespaces, PodSet, Policy, decode};
use crate::port::{DeclaredPort, Port, Protocol};

/// The label that the API server puts on every namespace, and that always holds its name.
pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Labels, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Vec<(Box<str>, Box<str>)>);

impl Labels {
    /// The labels in `metadata.labels` of a node.
    pub fn of(root: Node<'_>) -> Self {
        let mut labels = Self::default();
        for entry in root.at(&["metadata", "labels"]).into_iter().flat_map(Node::entries) {
            labels.set(entry.key, entry.value.as_str().unwrap_or_default());
        }
        labels
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(other, _)| (**other).cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Gives a label a value.
    pub fn set(&mut self, key: &str, value: &str) {
        match self.0.binary_search_by(|(other, _)| (**other).cmp(key)) {
            Ok(at) => self.0[at].1 = value.into(),
            Err(at) => self.0.insert(at, (key.into(), value.into())),
        }
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

/// A pod, or all pods that a template makes.
#[derive(Clone, Debug)]
pub struct Pod {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its addresses; none where it is not running yet, or a template.
    pub addresses: Vec<Address>,
    /// The ports that its containers declare.
    pub ports: Vec<DeclaredPort>,
    /// Whether it is on the network of its node: then it is nothing but an address of that.
    pub host_network: bool,
    /// The node on which it runs.
    pub node: Option<String>,
    /// Whether it is over; its address may be another's by now.
    pub finished: bool,
}

/// A node of the cluster.
#[derive(Clone, Debug)]
pub struct ClusterNode {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// The type and the address of each of its addresses.
    pub addresses: Vec<(String, Address)>,
}

/// All that policies speak of, and the policies.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// Labels of namespaces.
    pub namespaces: HashMap<String, Labels>,
    /// Nodes, by name.
    pub nodes: Vec<ClusterNode>,
    /// Pods, in the order of the snapshot.
    pub pods: Vec<Pod>,
    /// Policies in the order in which they are asked.
    pub policies: Vec<Policy>,
    /// What the API server would refuse in a policy, with the object's index.
    pub flaws: Vec<(usize, Flaw)>,
}

impl Cluster {
    /// Reads pods, nodes, namespaces and policies. Costs a pass over the objects and a sort of the policies.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut cluster = Self::default();
        for (index, object) in snapshot.objects() {
            match (object.id.group.as_str(), object.id.kind.as_str()) {
                ("", "Namespace") => {
                    cluster.namespaces.insert(object.id.name.clone(), Labels::of(object.root()));
                }
                ("", "Node") => cluster.nodes.push(node_of(object)),
                ("", "Pod") => cluster.pods.push(pod_of(object, index)),
                _ => {
                    let mut flaws = Vec::new();
                    cluster.policies.extend(decode(object, index, &mut flaws));
                    cluster.flaws.extend(flaws.into_iter().map(|flaw| (index, flaw)));
                }
            }
        }
        for pod in &cluster.pods {
            if !cluster.namespaces.contains_key(&pod.namespace) {
                cluster.namespaces.insert(pod.namespace.clone(), Labels::default());
            }
        }
        for (name, labels) in &mut cluster.namespaces {
            labels.set(NAME_LABEL, name);
        }
        cluster.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        // Of two policies with one priority the API says nothing; the reference asks them by name.
        cluster.policies.sort_by(|a, b| {
            (a.tier, a.priority, a.kind, &a.name).cmp(&(b.tier, b.priority, b.kind, &b.name))
        });
        cluster
    }

    /// Whether the pod is one of the set. A pod on the network of its node is in none.
    pub fn holds(&self, set: &PodSet, pod: &Pod) -> bool {
        let namespace = match &set.namespaces {
            Namespaces::Own(name) => *name == pod.namespace,
            Namespaces::Selected(selector) => self
                .namespaces
                .get(&pod.namespace)
                .is_some_and(|labels| selector.matches(|key| labels.get(key))),
        };
        namespace && !pod.host_network && set.pods.matches(|key| pod.labels.get(key))
    }
}

fn node_of(object: &Object) -> ClusterNode {
    let addresses = object.root().at(&["status", "addresses"]).into_iter().flat_map(Node::items);
    ClusterNode {
        name: object.id.name.clone(),
        labels: Labels::of(object.root()),
        addresses: addresses
            .filter_map(|entry| {
                let address = Address::parse(entry.str_at(&["address"])?)?;
                Some((entry.str_at(&["type"]).unwrap_or_default().to_owned(), address))
            })
            .collect(),
    }
}

fn pod_of(object: &Object, index: usize) -> Pod {
    let root = object.root();
    let list = root.at(&["status", "podIPs"]).into_iter().flat_map(Node::items);
    let mut addresses: Vec<Address> =
        list.filter_map(|entry| Address::parse(entry.str_at(&["ip"])?)).collect();
    if addresses.is_empty() {
        addresses.extend(root.str_at(&["status", "podIP"]).and_then(Address::parse));
    }
    Pod {
        object: index,
        namespace: object.id.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        name: object.id.name.clone(),
        labels: Labels::of(root),
        addresses,
        ports: root.get("spec").map(declared).unwrap_or_default(),
        host_network: root.at(&["spec", "hostNetwork"]).and_then(Node::as_bool).unwrap_or(false),
        node: root.str_at(&["spec", "nodeName"]).filter(|name| !name.is_empty()).map(str::to_owned),
        finished: matches!(root.str_at(&["status", "phase"]), Some("Succeeded" | "Failed")),
    }
}

/// The ports that the containers of a pod's spec declare; those of sidecars among init containers too, which listen as well.
fn declared(spec: Node<'_>) -> Vec<DeclaredPort> {
    let containers = spec.get("containers").into_iter().flat_map(Node::items);
    let sidecars = spec
        .get("initContainers")
        .into_iter()
        .flat_map(Node::items)
        .filter(|container| container.str_at(&["restartPolicy"]) == Some("Always"));
    let mut ports = Vec::new();
    for port in
        containers.chain(sidecars).filter_map(|container| container.get("ports")).flat_map(Node::items)
    {
        let number =
            port.get("containerPort").and_then(Node::as_i64).and_then(|number| u16::try_from(number).ok());
        let protocol = match port.str_at(&["protocol"]).unwrap_or_default() {
            "" => Some(Protocol::Tcp),
            text => Protocol::parse(text),
        };
        if let (Some(number), Some(protocol)) = (number, protocol) {
            let name = port.str_at(&["name"]).unwrap_or_default().to_owned();
            ports.push(DeclaredPort { name, port: Port { protocol, number } });
        }
    }
    ports
}
