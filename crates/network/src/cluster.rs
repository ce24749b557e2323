//! What can send and receive: pods, nodes, addresses; and the policies about them.

use std::collections::{HashMap, HashSet};

use ringwall_model::address::{Address, Block, Family};
use ringwall_model::finding::Verdict;
use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_model::workload::{self, CUSTOM, CustomKind, Shape};

use crate::foreign::{Api, Foreign};
use crate::labels::Labels;
use crate::policy::{Direction, Namespaces, Peer, PodSet, Policy, Refusal, Tier, decode};
use crate::port::{DeclaredPort, Port, Protocol};

/// The label that the API server puts on every namespace, and that always holds its name.
pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The annotation by which a pod asks for further networks. Source: the Multi-Network Specification of the Network Plumbing Working
/// Group.
const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";

/// Where the pods of the cluster's DNS are, and the label that they have. Source: the manifests of `coredns` and kube-dns in k8s.io/kubernetes
/// `cluster/addons/dns`.
pub const DNS_NAMESPACE: &str = "kube-system";
/// See [`DNS_NAMESPACE`].
pub const DNS_LABEL: (&str, &str) = ("k8s-app", "kube-dns");

/// Where nothing says which addresses pods get, they are private ones, and any of these. Source: RFC 1918, RFC 4193.
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// A pod, or all pods that a template makes.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Index of its [`Workload`] in the cluster.
    pub workload: usize,
    /// The index in the snapshot of the object that says what follows: the pod, or what makes it.
    pub object: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name, or that of what makes it.
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
    /// Whether it is a template and no pod.
    pub template: bool,
    /// The further networks that it asks for, as its annotation names them.
    pub networks: Option<String>,
}

impl Pod {
    /// A pod that is only thought of: of no workload, without labels, addresses and ports.
    pub fn thought_of(namespace: &str, name: &str) -> Self {
        Self {
            workload: usize::MAX,
            object: usize::MAX,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            labels: Labels::default(),
            addresses: Vec::new(),
            ports: Vec::new(),
            host_network: false,
            node: None,
            finished: false,
            template: true,
            networks: None,
        }
    }

    /// Whether it seems to be made to take in requests from outside for others: an ingress controller, a router, a gateway. Its name or
    /// its label `app.kubernetes.io/name` says so; nothing else in a manifest does.
    pub fn is_proxy(&self) -> bool {
        const NAMES: [&str; 10] = [
            "ingress", "gateway", "nginx", "traefik", "haproxy", "envoy", "contour", "kong", "istio",
            "router",
        ];
        let words = [self.name.as_str(), self.labels.get("app.kubernetes.io/name").unwrap_or_default()];
        words.iter().any(|word| NAMES.iter().any(|name| word.contains(name)))
    }

    /// Whether policies are about it.
    pub fn is_subject(&self) -> bool {
        !self.host_network && !self.finished
    }
}

/// What a user edits to change pods: a Deployment, or a pod alone.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Indexes of its pods in the cluster.
    pub pods: Vec<usize>,
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterNode {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// The type and the address of each of its addresses.
    pub addresses: Vec<(String, Address)>,
    /// The blocks that its pods get their addresses from, where it says so.
    pub pod_ranges: Vec<Block>,
}

/// All that policies speak of, and the policies.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// Labels of namespaces, those without an object among them.
    pub namespaces: HashMap<String, Labels>,
    /// The namespaces of which there is an object.
    pub stated: HashSet<String>,
    /// Nodes, by name.
    pub nodes: Vec<ClusterNode>,
    /// Pods, in the order of the snapshot.
    pub pods: Vec<Pod>,
    /// What makes them.
    pub workloads: Vec<Workload>,
    /// Policies in the order in which they are asked.
    pub policies: Vec<Policy>,
    /// Policies of other APIs.
    pub foreign: Vec<Foreign>,
    /// The blocks that pods without an address may get one from.
    pub pod_ranges: Vec<Block>,
    /// Whether somebody says so, or they are any private ones.
    pub ranges_stated: bool,
    /// Those of them that the user states.
    pub given_ranges: Vec<Block>,
    /// What the API server would refuse in a policy, with the object's index.
    pub refusals: Vec<(usize, Refusal)>,
}

impl Cluster {
    /// Reads pods, what makes them, nodes, namespaces and policies. `custom` are further kinds with pod templates.
    ///
    /// Costs a pass over the objects and a sort of the policies.
    pub fn of(snapshot: &Snapshot, custom: &[CustomKind]) -> Self {
        let mut cluster = Self { given_ranges: snapshot.facts.pod_ranges.clone(), ..Self::default() };
        let mut makers: HashMap<usize, usize> = HashMap::new();
        for (index, object) in snapshot.objects() {
            match (object.id.group.as_str(), object.id.kind.as_str()) {
                ("", "Namespace") => {
                    cluster.stated.insert(object.id.name.clone());
                    cluster.namespaces.insert(object.id.name.clone(), Labels::of(object.root()));
                }
                ("", "Node") => cluster.nodes.push(node_of(object)),
                ("", "Pod") => {
                    let (top, owner) = snapshot.top_owner(index);
                    cluster.pod(&mut makers, top, owner, running_pod(object, index));
                }
                _ if Api::of(object).is_some() => cluster.foreign.extend(Foreign::of(object, index)),
                _ => {
                    let mut refusals = Vec::new();
                    cluster.policies.extend(decode(object, index, &mut refusals));
                    cluster.refusals.extend(refusals.into_iter().map(|refusal| (index, refusal)));
                }
            }
        }
        cluster.templates(snapshot, custom, &mut makers);
        cluster.settle_ranges();
        for (name, labels) in &mut cluster.namespaces {
            labels.set(NAME_LABEL, name);
        }
        let of_policies = cluster.policies.iter().filter_map(|policy| policy.namespace.as_ref());
        for name in cluster.pods.iter().map(|pod| &pod.namespace).chain(of_policies) {
            assume(&mut cluster.namespaces, name);
        }
        cluster.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        // Of two policies with one priority the API says nothing; the reference asks them by name.
        cluster.policies.sort_by(|a, b| a.order().cmp(&b.order()));
        cluster
    }

    /// Finds out where pods without an address may get one from.
    pub(crate) fn settle_ranges(&mut self) {
        let of_nodes = self.nodes.iter().flat_map(|node| &node.pod_ranges);
        self.pod_ranges = self.given_ranges.iter().chain(of_nodes).copied().collect();
        self.ranges_stated = !self.pod_ranges.is_empty();
        if !self.ranges_stated {
            self.pod_ranges = PRIVATE.iter().filter_map(|text| Block::parse(text)).collect();
        }
    }

    fn pod(&mut self, makers: &mut HashMap<usize, usize>, top: usize, owner: &Object, pod: Pod) {
        let workload = *makers.entry(top).or_insert_with(|| {
            self.workloads.push(Workload {
                object: top,
                kind: owner.id.kind.clone(),
                namespace: pod.namespace.clone(),
                name: owner.id.name.clone(),
                pods: Vec::new(),
            });
            self.workloads.len() - 1
        });
        self.workloads[workload].pods.push(self.pods.len());
        self.pods.push(Pod { workload, ..pod });
    }

    /// The pods that templates will make, where none is here that one has made.
    fn templates(&mut self, snapshot: &Snapshot, custom: &[CustomKind], makers: &mut HashMap<usize, usize>) {
        for (index, object) in snapshot.objects() {
            if makers.contains_key(&index) || snapshot.top_owner(index).0 != index {
                continue;
            }
            for pod in template_pods(object, index, custom) {
                self.pod(makers, index, object, pod);
            }
        }
    }

    /// Whether the pod is one of the set. A pod on the network of its node is in none.
    pub fn holds(&self, set: &PodSet, pod: &Pod) -> bool {
        pod.is_subject()
            && self.has_namespace(&set.namespaces, &pod.namespace)
            && set.pods.matches(|key| pod.labels.get(key))
    }

    /// Whether the policy is about the pod.
    pub fn selects(&self, policy: &Policy, pod: &Pod) -> bool {
        policy.subject.iter().any(|set| self.holds(set, pod))
    }

    /// The NetworkPolicies that isolate the pod in a direction. Costs a look at each policy.
    pub fn isolating<'c>(
        &'c self,
        direction: Direction,
        pod: &'c Pod,
    ) -> impl Iterator<Item = &'c Policy> + 'c {
        self.policies.iter().filter(move |policy| {
            policy.tier == Tier::Namespaced && policy.rules(direction).is_some() && self.selects(policy, pod)
        })
    }

    /// Whether the namespace is one of these.
    pub fn has_namespace(&self, namespaces: &Namespaces, name: &str) -> bool {
        match namespaces {
            Namespaces::Own(own) => own == name,
            Namespaces::Selected(selector) => {
                self.namespaces.get(name).is_some_and(|labels| selector.matches(|key| labels.get(key)))
            }
        }
    }

    /// Whether an address is one of those of a peer.
    pub fn is_in(peer: &Peer, address: Address) -> bool {
        let Peer::Addresses { blocks, except } = peer else { return false };
        blocks.iter().any(|block| block.contains(address))
            && !except.iter().any(|block| block.contains(address))
    }

    /// Whether an address that nobody knows yet is one of those of a peer: one of `family` that a pod will have, or a node has.
    pub fn may_be_in(&self, peer: &Peer, family: Family, is_pod: bool) -> Verdict {
        let Peer::Addresses { blocks, except } = peer else { return Verdict::No };
        let mut some = false;
        let mut all = true;
        let private = PRIVATE.iter().filter_map(|text| Block::parse(text));
        let ranges: Vec<Block> = if is_pod { self.pod_ranges.clone() } else { private.collect() };
        for range in ranges.iter().filter(|range| range.first.family == family) {
            let inside = blocks.iter().any(|block| block.covers(*range));
            let touched = inside || blocks.iter().any(|block| range.covers(*block));
            let excluded = except.iter().any(|block| block.covers(*range));
            let cut = excluded || except.iter().any(|block| range.covers(*block));
            all &= inside && !cut;
            some |= touched && !excluded;
        }
        match (some, all) {
            (true, true) => Verdict::Yes,
            (true, false) => Verdict::CannotTell,
            (false, _) => Verdict::No,
        }
    }

    /// The families of the addresses that a pod without one will get.
    pub fn families(&self, pod: &Pod) -> Vec<Family> {
        let mut families: Vec<Family> = pod.addresses.iter().map(|address| address.family).collect();
        if families.is_empty() {
            // What nothing is said of is a cluster with addresses of IPv4.
            let has = |family| self.pod_ranges.iter().any(|range| range.first.family == family);
            families = [Family::V4, Family::V6].into_iter().filter(|family| has(*family)).collect();
            families.truncate(if self.ranges_stated { 2 } else { 1 });
        }
        families.sort_unstable();
        families.dedup();
        families
    }

    /// Whether the node has the address.
    pub fn is_node_address(&self, node: &ClusterNode, address: Address) -> bool {
        node.addresses.iter().any(|(_, other)| *other == address)
    }
}

/// A namespace of which there is no object has the label that the API server gives to all.
pub(crate) fn assume(namespaces: &mut HashMap<String, Labels>, name: &str) {
    if !namespaces.contains_key(name) {
        let mut labels = Labels::default();
        labels.set(NAME_LABEL, name);
        namespaces.insert(name.to_owned(), labels);
    }
}

pub(crate) fn node_of(object: &Object) -> ClusterNode {
    let root = object.root();
    let list = |keys: &[&str]| root.at(keys).into_iter().flat_map(Node::items);
    let addresses = list(&["status", "addresses"]).filter_map(|entry| {
        let address = Address::parse(entry.str_at(&["address"])?)?;
        Some((entry.str_at(&["type"]).unwrap_or_default().to_owned(), address))
    });
    ClusterNode {
        name: object.id.name.clone(),
        labels: Labels::of(root),
        addresses: addresses.collect(),
        pod_ranges: list(&["spec", "podCIDRs"]).filter_map(|node| Block::parse(node.as_str()?)).collect(),
    }
}

/// The pod that is an object.
pub(crate) fn running_pod(object: &Object, index: usize) -> Pod {
    Pod { template: false, ..pod_of(object, index, object.root(), object.root()) }
}

/// Whether an object has templates of pods.
pub(crate) fn makes_pods(object: &Object, custom: &[CustomKind]) -> bool {
    match workload::of(object) {
        Some(kind) => !kind.is_pod() && kind.kind != "PodTemplate",
        None => custom.iter().chain(CUSTOM).any(|kind| kind.is(object)),
    }
}

/// The pods that the templates of an object make.
pub(crate) fn template_pods(object: &Object, index: usize, custom: &[CustomKind]) -> Vec<Pod> {
    let root = object.root();
    let kind = workload::of(object).filter(|kind| !kind.is_pod() && kind.kind != "PodTemplate");
    let mut pods = Vec::new();
    if let Some(node) = kind.and_then(|kind| kind.template_in(root)) {
        let mut pod = pod_of(object, index, node, node);
        if object.id.kind == "Job" {
            // Source: `JobNameLabel` in k8s.io/api `batch/v1/types.go`, and the older label beside it.
            pod.labels.set("batch.kubernetes.io/job-name", &object.id.name);
            pod.labels.set("job-name", &object.id.name);
        }
        pods.push(pod);
    } else if kind.is_none() {
        for kind in custom.iter().chain(CUSTOM).filter(|kind| kind.is(object)) {
            if matches!(kind.shape, Shape::Template | Shape::ArgoTemplate) {
                let templates = kind.templates_in(root).into_iter();
                pods.extend(templates.map(|(_, node)| pod_of(object, index, node, node)));
            }
        }
    }
    pods
}

/// The pod that `node` describes; `metadata` holds its labels.
fn pod_of(object: &Object, index: usize, node: Node<'_>, metadata: Node<'_>) -> Pod {
    let list = node.at(&["status", "podIPs"]).into_iter().flat_map(Node::items);
    let mut addresses: Vec<Address> =
        list.filter_map(|entry| Address::parse(entry.str_at(&["ip"])?)).collect();
    if addresses.is_empty() {
        addresses.extend(node.str_at(&["status", "podIP"]).and_then(Address::parse));
    }
    // A template of Argo has what a spec has beside its metadata.
    let spec = node.get("spec").unwrap_or(node);
    Pod {
        workload: usize::MAX,
        object: index,
        namespace: object.id.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        name: object.id.name.clone(),
        labels: Labels::of(metadata),
        addresses,
        ports: declared(spec),
        host_network: spec.get("hostNetwork").and_then(Node::as_bool).unwrap_or(false),
        node: spec.str_at(&["nodeName"]).filter(|name| !name.is_empty()).map(str::to_owned),
        finished: matches!(node.str_at(&["status", "phase"]), Some("Succeeded" | "Failed")),
        template: true,
        networks: metadata
            .at(&["metadata", "annotations"])
            .and_then(|node| node.str_at(&[NETWORKS]))
            .map(str::to_owned),
    }
}

/// The ports that the containers of a pod's spec declare; those of sidecars among init containers too, which listen as well.
fn declared(spec: Node<'_>) -> Vec<DeclaredPort> {
    let list = |key: &str| spec.get(key).into_iter().flat_map(Node::items);
    let sidecars =
        list("initContainers").filter(|container| container.str_at(&["restartPolicy"]) == Some("Always"));
    let argo = ["container", "script"].into_iter().filter_map(|key| spec.get(key));
    let containers = list("containers").chain(argo).chain(list("sidecars")).map(|node| (node, false));
    let mut ports = Vec::new();
    for (container, sidecar) in containers.chain(sidecars.map(|node| (node, true))) {
        for port in container.get("ports").into_iter().flat_map(Node::items) {
            let number = port.get("containerPort").and_then(Node::as_i64);
            let number = number.and_then(|number| u16::try_from(number).ok());
            let protocol = match port.str_at(&["protocol"]).unwrap_or_default() {
                "" => Some(Protocol::Tcp),
                text => Protocol::parse(text),
            };
            if let (Some(number), Some(protocol)) = (number, protocol) {
                let name = port.str_at(&["name"]).unwrap_or_default().to_owned();
                ports.push(DeclaredPort { name, port: Port { protocol, number }, sidecar });
            }
        }
    }
    ports
}
