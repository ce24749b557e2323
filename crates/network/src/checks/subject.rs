//! What checks look at, and what they ask of it.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::selector::{Operator, Requirement, Selector};
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use super::cover;
use crate::cluster::{Cluster, NAME_LABEL, Pod};
use crate::engine::Engine;
use crate::entries::{Entry, entries};
use crate::policy::{Direction, Namespaces, Peer, PodSet, Policy, PolicyKind, Rule};
use crate::port::{Port, PortMatch};
use crate::port_set::PortSet;
use crate::services::Services;

/// The namespaces that every cluster has.
pub(super) const SYSTEM: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// A cluster as the checks see it.
#[derive(Debug)]
pub struct Subject<'s> {
    /// All objects.
    pub snapshot: &'s Snapshot,
    /// What sends and receives, and the policies.
    pub cluster: &'s Cluster,
    /// The answers for all pairs.
    pub engine: &'s Engine,
    /// Services, and the pods behind them.
    pub services: &'s Services,
    /// Pods by namespace.
    pods_in: HashMap<&'s str, Vec<usize>>,
    /// The keys of labels that some pod has.
    pod_keys: HashSet<&'s str>,
    /// For each class what its pods declare.
    declared: OnceCell<Vec<Declared>>,
    entries: OnceCell<Vec<Entry>>,
}

/// What the pods of a class declare.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    /// The ports that one of them declares.
    pub(super) ports: PortSet,
    /// Whether one of them declares none: it may listen on any.
    pub(super) unknown: bool,
}

/// A rule with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'s> {
    /// The policy's index in the cluster.
    pub(super) at: usize,
    pub(super) policy: &'s Policy,
    pub(super) direction: Direction,
    pub(super) number: usize,
    pub(super) rule: &'s Rule,
}

impl Placed<'_> {
    /// Where the rule stands.
    pub(super) fn path(&self) -> FieldPath {
        Policy::rule_path(self.direction, self.number)
    }

    /// Where one of its peers stands.
    pub(super) fn peer_path(&self, peer: usize) -> FieldPath {
        Policy::peer_path(self.direction, self.number, peer)
    }

    /// The key of its ports.
    pub(super) const fn ports_key(&self) -> &'static str {
        match self.policy.kind {
            PolicyKind::ClusterNetworkPolicy => "protocols",
            _ => "ports",
        }
    }

    /// Where one of its ports stands.
    pub(super) fn port_path(&self, port: usize) -> FieldPath {
        self.path().key(self.ports_key()).index(port)
    }
}

impl<'s> Subject<'s> {
    /// Indexes a cluster. Costs a pass over its pods.
    pub fn new(
        snapshot: &'s Snapshot,
        cluster: &'s Cluster,
        engine: &'s Engine,
        services: &'s Services,
    ) -> Self {
        let mut pods_in: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut pod_keys = HashSet::new();
        for (index, pod) in cluster.pods.iter().enumerate() {
            pods_in.entry(&pod.namespace).or_default().push(index);
            pod_keys.extend(pod.labels.iter().map(|(key, _)| key));
        }
        Self {
            snapshot,
            cluster,
            engine,
            services,
            pods_in,
            pod_keys,
            declared: OnceCell::new(),
            entries: OnceCell::new(),
        }
    }

    /// The object of a policy.
    pub(super) fn object(&self, policy: &Policy) -> &'s Object {
        &self.snapshot.all()[policy.object]
    }

    /// What is written at a path of a policy.
    pub(super) fn node(&self, policy: &Policy, path: &FieldPath) -> Option<Node<'s>> {
        self.object(policy).root().locate(path)
    }

    /// All rules of all policies.
    pub(super) fn rules(&self) -> impl Iterator<Item = Placed<'s>> + '_ {
        Direction::ALL.into_iter().flat_map(|direction| self.rules_of(direction))
    }

    /// All rules for a direction.
    pub(super) fn rules_of(&self, direction: Direction) -> impl Iterator<Item = Placed<'s>> + '_ {
        let cluster = self.cluster;
        cluster.policies.iter().enumerate().flat_map(move |(at, policy)| {
            let rules = policy.rules(direction).into_iter().flatten().enumerate();
            rules.map(move |(number, rule)| Placed { at, policy, direction, number, rule })
        })
    }

    /// Pods of a namespace, those that no policy is about among them.
    pub(super) fn pods_in(&self, namespace: &str) -> &[usize] {
        self.pods_in.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// Whether the input holds pods of the namespace that policies are about.
    pub(super) fn is_inhabited(&self, namespace: &str) -> bool {
        self.pods_in(namespace).iter().any(|pod| self.cluster.pods[*pod].is_subject())
    }

    /// The names of the namespaces of a set that the input knows.
    pub(super) fn namespaces_of(&self, set: &PodSet) -> Vec<&'s str> {
        // Most sets are of one namespace.
        if let Namespaces::Own(own) = &set.namespaces {
            let known = self.cluster.namespaces.get_key_value(own);
            return known.map(|(name, _)| name.as_str()).into_iter().collect();
        }
        let names = self.cluster.namespaces.keys().map(String::as_str);
        let mut names: Vec<&str> =
            names.filter(|name| self.cluster.has_namespace(&set.namespaces, name)).collect();
        names.sort_unstable();
        names
    }

    /// Whether the input seems to hold all namespaces of a cluster: those that the cluster makes itself are there.
    pub(super) fn is_whole_cluster(&self) -> bool {
        self.cluster.stated.contains("kube-system")
    }

    /// Whether the input seems to hold all pods of a cluster: some of those that every cluster runs are there.
    pub(super) fn holds_all_pods(&self) -> bool {
        self.is_whole_cluster() && !self.pods_in("kube-system").is_empty()
    }

    /// Whether some pod has a label with this key.
    pub(super) fn is_pod_key(&self, key: &str) -> bool {
        self.pod_keys.contains(key)
    }

    /// The classes of the pods that a policy is about.
    pub(super) fn subjects(&self, policy: &Policy) -> Vec<u32> {
        let classes = self.engine.classes();
        let held = policy.subject.iter().flat_map(|set| classes.holding(classes.set(set)));
        let mut held: Vec<u32> = held.copied().collect();
        held.sort_unstable();
        held.dedup();
        held
    }

    /// The classes that are a peer for certain.
    pub(super) fn peers(&self, peer: &Peer) -> &[u32] {
        let classes = self.engine.classes();
        classes.holding(classes.predicate(peer))
    }

    /// Whether one of the pods of a class is of a set; of the sets of a policy all are or none is.
    pub(super) fn pods_of(&self, classes: &[u32]) -> BTreeSet<usize> {
        classes.iter().flat_map(|class| &self.engine.classes().get(*class).pods).copied().collect()
    }

    /// The first pod of some classes, by index.
    pub(super) fn first_of(&self, classes: &[u32]) -> Option<usize> {
        classes.iter().filter_map(|class| self.engine.classes().get(*class).pods.first().copied()).min()
    }

    /// A word for the pods of some classes: the first workload, and how many more there are.
    pub(super) fn called(&self, classes: &[u32]) -> Option<(String, usize)> {
        let pods = classes.iter().flat_map(|class| &self.engine.classes().get(*class).pods);
        let workloads: HashSet<usize> = pods.map(|pod| self.cluster.pods[*pod].workload).collect();
        let first = self.first_of(classes)?;
        Some((self.who(&self.cluster.pods[first]), workloads.len() - 1))
    }

    /// What the pods of a class declare. Computed for all when it is first asked for, at the cost of a look at each port.
    pub(super) fn declared(&self, class: u32) -> &Declared {
        let all = self.declared.get_or_init(|| {
            let mut all = vec![Declared::default(); self.engine.classes().len()];
            for (number, class) in self.engine.classes().iter() {
                let declared = &mut all[number as usize];
                let mut ports: Vec<Port> = Vec::new();
                for pod in class.pods.iter().map(|pod| &self.cluster.pods[*pod]) {
                    declared.unknown |= pod.ports.is_empty();
                    ports.extend(pod.ports.iter().map(|declared| declared.port));
                }
                ports.sort_unstable();
                ports.dedup();
                declared.ports =
                    ports.into_iter().fold(PortSet::none(), |all, port| all.or(&PortSet::one(port)));
            }
            all
        });
        &all[class as usize]
    }

    /// What the outside is led to.
    pub(super) fn entries(&self) -> &[Entry] {
        self.entries.get_or_init(|| entries(self.snapshot, self.cluster, self.services))
    }

    /// The pod that stands for a class in what is said: the first by name.
    pub(super) fn witness(&self, class: u32) -> Option<&'s Pod> {
        let pods = self.engine.classes().get(class).pods.iter();
        let pods = pods.map(|pod| &self.cluster.pods[*pod]);
        pods.min_by_key(|pod| (&pod.namespace, self.name(pod)))
    }

    fn name(&self, pod: &Pod) -> &'s str {
        &self.cluster.workloads[pod.workload].name
    }

    /// How a pod is called: the namespace and the name of what a user edits.
    pub(super) fn who(&self, pod: &Pod) -> String {
        let workload = &self.cluster.workloads[pod.workload];
        format!("{}/{}", workload.namespace, workload.name)
    }

    /// The ports of one entry of a rule on a pod of this class, if it is one.
    pub(super) fn resolve(&self, port: &PortMatch, receiver: u32) -> PortSet {
        match port {
            PortMatch::Range { protocol, first, last } => PortSet::range(*protocol, *first, *last),
            PortMatch::Named { name, protocol } => {
                // Pods of a class declare the same under each name that policies speak of.
                let pod = self.engine.classes().get(receiver).pods.first();
                let declared = pod.map_or(&[][..], |pod| &self.cluster.pods[*pod].ports).iter();
                let named = declared.filter(|declared| {
                    declared.name == *name
                        && protocol.is_none_or(|protocol| protocol == declared.port.protocol)
                });
                named.fold(PortSet::none(), |all, declared| all.or(&PortSet::one(declared.port)))
            }
            PortMatch::Nothing => PortSet::none(),
        }
    }

    /// The NetworkPolicies that isolate the pods of a class in a direction.
    pub(super) fn isolating(
        &self,
        direction: Direction,
        class: u32,
    ) -> impl Iterator<Item = &'s Policy> + '_ {
        let pod = self.engine.classes().get(class).pods.first().map(|pod| &self.cluster.pods[*pod]);
        pod.into_iter().flat_map(move |pod| self.cluster.isolating(direction, pod))
    }

    /// Whether two objects are of one namespace, and not only taken to be: where one does not say its namespace, both are in one folder.
    /// What is in folders apart and says no namespace is often applied to several.
    pub(super) fn are_together(&self, a: usize, b: usize) -> bool {
        let states = |object: usize| self.snapshot.all()[object].id.namespace.is_some();
        (states(a) && states(b)) || self.are_beside(a, b)
    }

    /// Whether two objects are in one folder.
    pub(super) fn are_beside(&self, a: usize, b: usize) -> bool {
        let folder = |object: usize| {
            let name = self.snapshot.all()[object].source().name();
            name.rsplit_once('/').map_or("", |(folder, _)| folder)
        };
        folder(a) == folder(b)
    }

    /// Whether every pod that `narrow` is about is one that `wide` is about.
    pub(super) fn is_subject_covered(&self, wide: &Policy, narrow: &Policy) -> bool {
        narrow
            .subject
            .iter()
            .all(|narrow| wide.subject.iter().any(|wide| cover::pods(self.cluster, wide, narrow)))
    }

    /// Where a selector's demand is written.
    pub(super) fn requirement_path(
        &self,
        policy: &Policy,
        selector: &FieldPath,
        requirement: &Requirement,
    ) -> FieldPath {
        let labels = selector.clone().key("matchLabels").key(&requirement.key);
        let same = |node: Node<'_>| [node.as_str().unwrap_or_default()] == *requirement.values;
        if requirement.operator == Operator::In && self.node(policy, &labels).is_some_and(same) {
            return labels;
        }
        let list = selector.clone().key("matchExpressions");
        let items = self.node(policy, &list).into_iter().flat_map(Node::items).enumerate();
        let operator = requirement.operator.to_string();
        let mut items = items.filter(|(_, item)| {
            item.str_at(&["key"]) == Some(&requirement.key) && item.str_at(&["operator"]) == Some(&operator)
        });
        items.next().map_or_else(|| selector.clone(), |(at, _)| list.index(at))
    }

    /// All selectors of namespaces, each with its policy and place.
    pub(super) fn namespace_selectors(&self) -> Vec<(&'s Policy, FieldPath, &'s PodSet)> {
        let mut found = Vec::new();
        let whole = |policy: &Policy| policy.kind == PolicyKind::NetworkPolicy;
        let place = |policy: &Policy, path: FieldPath| {
            if whole(policy) {
                return path.key("namespaceSelector");
            }
            let namespaces = path.clone().key("namespaces");
            match self.node(policy, &namespaces) {
                Some(_) => namespaces,
                None => path.key("pods").key("namespaceSelector"),
            }
        };
        for policy in self.cluster.policies.iter().filter(|policy| !whole(policy)) {
            let path = FieldPath::keys(&["spec", "subject"]);
            found.extend(policy.subject.iter().map(|set| (policy, place(policy, path.clone()), set)));
        }
        for placed in self.rules() {
            for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
                if let Peer::Pods(set) = peer {
                    found.push((placed.policy, place(placed.policy, placed.peer_path(at)), set));
                }
            }
        }
        found
    }
}

/// The names that a selector of namespaces allows, where it says so.
pub(super) fn named(selector: &Selector) -> Option<&[String]> {
    let mut by_name = selector
        .requirements()
        .iter()
        .filter(|requirement| requirement.key == NAME_LABEL && requirement.operator == Operator::In);
    by_name.next().map(|requirement| requirement.values.as_slice())
}

/// A port of a set that is worth naming: one that the receiver declares, else the lowest.
pub(super) fn a_port(receiver: Option<&Pod>, ports: &PortSet) -> Option<Port> {
    let declared = receiver.into_iter().flat_map(|pod| &pod.ports).map(|declared| declared.port);
    declared.filter(|port| ports.contains(*port)).min().or_else(|| ports.first())
}
