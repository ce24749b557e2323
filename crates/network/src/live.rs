//! A cluster that changes, and the answers for all pairs kept up with it.
//!
//! What a change costs, with P pods, C classes, S predicates (the distinct peers of all rules), W rules in all rows, and B a build of
//! all at once:
//!
//! | change | cost |
//! |---|---|
//! | a policy | for each peer that nobody asked before, a test of the pods in the namespaces that it may hold in, or of all addresses; for each class that is split, one number in each row; the rows of the classes that it selects |
//! | a pod | O(S), and O(W) where no class is as it is now |
//! | a namespace's labels | the same for the pods of the namespace; B where these are more than half of all |
//! | a policy of another API | the same for the pods that it may select |
//! | a node | the policies whose rules select nodes; B where the ranges change that pods get addresses from |
//!
//! What is local stays so: a policy about one namespace makes only the rows of that anew, whatever it lets pass. One about all pods
//! (of an administrator) makes all rows anew, which costs B without the grouping. A build of all is done as well when changes have left
//! more behind than there is (classes without members, sets of ports that nobody has), so its cost is spread over as many changes.

use ringwall_model::object::Object;
use ringwall_model::workload::CustomKind;

use crate::cluster::{
    Cluster, ClusterNode, NAME_LABEL, Pod, Workload, assume, makes_pods, node_of, running_pod, template_pods,
};
use crate::engine::{Engine, Options};
use crate::foreign::{Api, Foreign};
use crate::labels::Labels;
use crate::policy::{Direction, Peer, Policy, PolicyKind, Refusal, decode};

/// What a user edits to change a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maker {
    /// The number of the object.
    pub object: usize,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// What an object says now that was added, changed or removed. Objects go by numbers, which are those of the snapshot where the cluster
/// is from one; of two that are otherwise alike, the lower is asked first.
#[derive(Clone, Debug)]
pub enum Change {
    /// The policy in an object, or that there is none any more.
    Policy {
        /// The object.
        object: usize,
        /// What it says.
        policy: Option<Box<Policy>>,
        /// What the API server would refuse in it.
        refusals: Vec<Refusal>,
    },
    /// The policy of another API in an object.
    Foreign {
        /// The object.
        object: usize,
        /// What it says.
        foreign: Option<Box<Foreign>>,
    },
    /// The pod that an object is, or those that its templates make; none where it is gone. A template is there beside the pods that
    /// were made by it: whoever sees both gives only one of them.
    Pods {
        /// The object.
        object: usize,
        /// All of its pods.
        pods: Vec<Pod>,
        /// What they belong to.
        maker: Maker,
    },
    /// The labels of a namespace; `None` where there is no object of it any more.
    Namespace {
        /// Its name.
        name: String,
        /// Its labels.
        labels: Option<Labels>,
    },
    /// A node, or that it is gone.
    Node {
        /// Its name.
        name: String,
        /// What it is now.
        node: Option<Box<ClusterNode>>,
    },
}

impl Change {
    /// Reads an object that is new or was changed; `None` where policies do not look at its kind. `custom` are further kinds with pod
    /// templates. A pod is taken to be made by nothing but itself; who knows better states its `maker`.
    pub fn put(object: &Object, number: usize, custom: &[CustomKind]) -> Option<Self> {
        let mut change = Self::remove(object, number, custom)?;
        match &mut change {
            Self::Policy { policy, refusals, .. } => *policy = decode(object, number, refusals).map(Box::new),
            Self::Foreign { foreign, .. } => *foreign = Foreign::of(object, number).map(Box::new),
            Self::Pods { pods, .. } if object.id.kind == "Pod" && object.id.group.is_empty() => {
                pods.push(running_pod(object, number));
            }
            Self::Pods { pods, .. } => *pods = template_pods(object, number, custom),
            Self::Namespace { labels, .. } => *labels = Some(Labels::of(object.root())),
            Self::Node { node, .. } => *node = Some(Box::new(node_of(object))),
        }
        Some(change)
    }

    /// That an object is gone, of which this was the last that was seen.
    pub fn remove(object: &Object, number: usize, custom: &[CustomKind]) -> Option<Self> {
        let id = &object.id;
        let change = match (id.group.as_str(), id.kind.as_str()) {
            ("", "Namespace") => Self::Namespace { name: id.name.clone(), labels: None },
            ("", "Node") => Self::Node { name: id.name.clone(), node: None },
            _ if Api::of(object).is_some() => Self::Foreign { object: number, foreign: None },
            _ if PolicyKind::of(object).is_some() => {
                Self::Policy { object: number, policy: None, refusals: Vec::new() }
            }
            ("", "Pod") => Self::Pods { object: number, pods: Vec::new(), maker: maker_of(object, number) },
            _ if makes_pods(object, custom) => {
                Self::Pods { object: number, pods: Vec::new(), maker: maker_of(object, number) }
            }
            _ => return None,
        };
        Some(change)
    }
}

fn maker_of(object: &Object, number: usize) -> Maker {
    Maker { object: number, kind: object.id.kind.clone(), name: object.id.name.clone() }
}

/// How a change was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Only what it is about was made anew.
    Updated,
    /// All was, as [`Engine::new`] does it.
    Rebuilt,
}

/// A cluster and its engine.
#[derive(Clone, Debug)]
pub struct Live {
    cluster: Cluster,
    engine: Engine,
}

impl Live {
    /// Compiles the policies of a cluster.
    pub fn new(cluster: Cluster, options: Options) -> Self {
        let engine = Engine::new(&cluster, options);
        Self { cluster, engine }
    }

    /// The cluster as it is now. Pods are in no order; indexes of pods, workloads and policies hold until the next change.
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The answers about it. Numbers of classes hold until the next change.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Takes in a change. See the module for what it costs.
    pub fn apply(&mut self, change: Change) -> Effect {
        let local = match change {
            Change::Policy { object, policy, refusals } => self.policy(object, policy, refusals),
            Change::Foreign { object, foreign } => self.foreign(object, foreign),
            Change::Pods { object, pods, maker } => self.pods(object, pods, &maker),
            Change::Namespace { name, labels } => self.namespace(&name, labels),
            Change::Node { name, node } => self.node(&name, node),
        };
        if local && !self.engine.is_worn() {
            return Effect::Updated;
        }
        self.engine = Engine::new(&self.cluster, self.engine.options);
        Effect::Rebuilt
    }

    fn policy(&mut self, object: usize, policy: Option<Box<Policy>>, refusals: Vec<Refusal>) -> bool {
        let cluster = &mut self.cluster;
        cluster.refusals.retain(|(other, _)| *other != object);
        let at = cluster.refusals.partition_point(|(other, _)| *other < object);
        cluster.refusals.splice(at..at, refusals.into_iter().map(|refusal| (object, refusal)));
        let gone = cluster.policies.iter().position(|other| other.object == object);
        let old = gone.map(|at| cluster.policies.remove(at));
        let come = policy.map(|policy| {
            let at = cluster.policies.partition_point(|other| {
                other.order().cmp(&policy.order()).then(other.object.cmp(&object)).is_lt()
            });
            if let Some(namespace) = &policy.namespace {
                assume(&mut cluster.namespaces, namespace);
            }
            cluster.policies.insert(at, *policy);
            at
        });
        if let Some(namespace) = old.and_then(|old| old.namespace) {
            self.forget_namespace(&namespace);
        }
        self.engine.replace_policy(&self.cluster, gone, come);
        true
    }

    fn foreign(&mut self, object: usize, foreign: Option<Box<Foreign>>) -> bool {
        let list = &mut self.cluster.foreign;
        let gone = list.iter().position(|other| other.object == object).map(|at| list.remove(at));
        let come = foreign.map(|foreign| {
            let at = list.partition_point(|other| other.object < object);
            list.insert(at, *foreign);
            list[at].clone()
        });
        let pods: Vec<usize> = (0..self.cluster.pods.len())
            .filter(|pod| {
                let pod = &self.cluster.pods[*pod];
                let mut about = gone.iter().chain(&come);
                pod.is_subject()
                    && about
                        .any(|foreign| foreign.namespace.as_ref().is_none_or(|name| *name == pod.namespace))
            })
            .collect();
        self.regroup(&pods)
    }

    /// Puts pods where they belong; not where that is most of them.
    fn regroup(&mut self, pods: &[usize]) -> bool {
        let local = pods.len() <= 64.max(self.cluster.pods.len() / 2);
        if local {
            self.engine.regroup(&self.cluster, pods);
        }
        local
    }

    fn pods(&mut self, object: usize, pods: Vec<Pod>, maker: &Maker) -> bool {
        let old = self.cluster.pods.iter().enumerate().filter(|(_, pod)| pod.object == object);
        let old: Vec<usize> = old.map(|(index, _)| index).collect();
        // Those that are too many go, the last first, so that what takes the place of one is none of them.
        for index in old.iter().skip(pods.len()).rev() {
            self.remove_pod(*index);
        }
        let mut changed = Vec::with_capacity(pods.len());
        for (at, pod) in pods.into_iter().enumerate() {
            let index = old.get(at).copied();
            changed.push(self.put_pod(index, pod, maker));
        }
        self.regroup(&changed)
    }

    fn put_pod(&mut self, old: Option<usize>, pod: Pod, maker: &Maker) -> usize {
        let cluster = &mut self.cluster;
        assume(&mut cluster.namespaces, &pod.namespace);
        let index = old.unwrap_or(cluster.pods.len());
        let after = Some(pod.namespace.clone()).filter(|_| pod.is_subject());
        let mut before = None;
        if let Some(old) = old {
            let pod = &cluster.pods[old];
            before = Some((pod.namespace.clone(), pod.is_subject()));
            leave_workload(cluster, old);
        }
        let workload = cluster.workloads.iter().position(|workload| workload.object == maker.object);
        let workload = workload.unwrap_or_else(|| {
            cluster.workloads.push(Workload {
                object: maker.object,
                kind: maker.kind.clone(),
                namespace: pod.namespace.clone(),
                name: maker.name.clone(),
                pods: Vec::new(),
            });
            cluster.workloads.len() - 1
        });
        cluster.workloads[workload].pods.push(index);
        let pod = Pod { workload, ..pod };
        if old.is_some() {
            cluster.pods[index] = pod;
        } else {
            cluster.pods.push(pod);
        }
        let from = before.as_ref().filter(|(_, subject)| *subject).map(|(name, _)| name.as_str());
        self.engine.classes.move_pod(index, from, after.as_deref());
        if let Some((name, _)) = before {
            self.forget_namespace(&name);
        }
        index
    }

    fn remove_pod(&mut self, index: usize) {
        let cluster = &mut self.cluster;
        leave_workload(cluster, index);
        let last = cluster.pods.len() - 1;
        if index != last {
            let workload = cluster.pods[last].workload;
            let pods = &mut cluster.workloads[workload].pods;
            pods.iter_mut().filter(|pod| **pod == last).for_each(|pod| *pod = index);
        }
        let of_last = cluster.pods[last].namespace.clone();
        let pod = cluster.pods.swap_remove(index);
        let before = Some(pod.namespace.as_str()).filter(|_| pod.is_subject());
        self.engine.classes.move_pod(index, before, None);
        self.engine.swap_remove_pod(index, last, &of_last);
        self.forget_namespace(&pod.namespace);
    }

    fn namespace(&mut self, name: &str, labels: Option<Labels>) -> bool {
        let cluster = &mut self.cluster;
        if labels.is_some() {
            cluster.stated.insert(name.to_owned());
        } else {
            cluster.stated.remove(name);
        }
        let mut labels = labels.unwrap_or_default();
        labels.set(NAME_LABEL, name);
        let before = cluster.namespaces.insert(name.to_owned(), labels);
        let changed = before.as_ref() != cluster.namespaces.get(name);
        self.forget_namespace(name);
        let pods = if changed { self.engine.classes.pods_in(name).to_vec() } else { Vec::new() };
        self.regroup(&pods)
    }

    fn node(&mut self, name: &str, node: Option<Box<ClusterNode>>) -> bool {
        let cluster = &mut self.cluster;
        let gone =
            cluster.nodes.iter().position(|other| other.name == name).map(|at| cluster.nodes.remove(at));
        // What a node says of itself all the time is mostly nothing new.
        let same = gone.as_ref() == node.as_deref();
        if let Some(node) = node {
            let at = cluster.nodes.partition_point(|other| other.name < node.name);
            cluster.nodes.insert(at, *node);
        }
        if same {
            return true;
        }
        let before = std::mem::take(&mut cluster.pod_ranges);
        cluster.settle_ranges();
        if before != cluster.pod_ranges {
            return false;
        }
        // Policies whose rules select nodes are taken out and in again.
        let about_nodes = |policy: &Policy| {
            let rules = Direction::ALL.into_iter().filter_map(|direction| policy.rules(direction)).flatten();
            let mut peers = rules.filter_map(|rule| rule.peers.as_ref()).flatten();
            peers.any(|peer| matches!(peer, Peer::Nodes(_)))
        };
        let policies: Vec<usize> =
            (0..cluster.policies.len()).filter(|at| about_nodes(&cluster.policies[*at])).collect();
        for at in policies.iter().rev() {
            self.engine.replace_policy(&self.cluster, Some(*at), None);
        }
        for at in &policies {
            self.engine.replace_policy(&self.cluster, None, Some(*at));
        }
        true
    }

    /// Forgets a namespace of which there is no object, and in which nothing is.
    fn forget_namespace(&mut self, name: &str) {
        let cluster = &mut self.cluster;
        if !cluster.stated.contains(name)
            && cluster.pods.iter().all(|pod| pod.namespace != name)
            && cluster.policies.iter().all(|policy| policy.namespace.as_deref() != Some(name))
        {
            cluster.namespaces.remove(name);
        }
    }
}

/// Takes a pod out of its workload; one without pods is gone.
fn leave_workload(cluster: &mut Cluster, pod: usize) {
    let at = cluster.pods[pod].workload;
    let pods = &mut cluster.workloads[at].pods;
    pods.retain(|other| *other != pod);
    if pods.is_empty() {
        cluster.workloads.swap_remove(at);
        for pod in cluster.workloads.get(at).map(|moved| moved.pods.clone()).unwrap_or_default() {
            cluster.pods[pod].workload = at;
        }
    }
}
