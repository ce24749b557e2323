//! NetworkPolicies that are yet to be written: as objects for the user, and as policies to be judged before they are offered.

use ringwall_edit::yaml;
use ringwall_model::address::Block;
use ringwall_model::fix::Value;
use ringwall_model::selector::Selector;
use ringwall_network::cluster::{Cluster, NAME_LABEL, Pod};
use ringwall_network::labels::Labels;
use ringwall_network::policy::{Action, Direction, Namespaces, Peer, PodSet, Policy, PolicyKind, Rule, Tier};
use ringwall_network::port::{Port, PortMatch};

/// Labels that are made to tell what a pod is, the best first. Source: Kubernetes' recommended labels, and those in use before them.
const TELLING: [&str; 5] =
    ["app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/component", "name"];

/// A NetworkPolicy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The labels of its pods; none for all of the namespace.
    pub(crate) subject: Labels,
    /// Its rules; `None` where it says nothing of the direction.
    pub(crate) ingress: Option<Vec<DraftRule>>,
    pub(crate) egress: Option<Vec<DraftRule>>,
}

/// A rule of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DraftRule {
    /// Everyone where there are none.
    pub(crate) peers: Vec<DraftPeer>,
    /// All ports where there are none.
    pub(crate) ports: Vec<Port>,
}

/// A peer of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DraftPeer {
    /// Pods with labels in a namespace; in that of the policy where none is stated.
    Pods { namespace: Option<String>, labels: Labels },
    /// All pods of all namespaces.
    EveryPod,
    /// A block of addresses without others.
    Block { block: Block, except: Vec<Block> },
}

impl DraftPeer {
    fn value(&self) -> Value {
        match self {
            Self::Pods { namespace, labels } => {
                let mut entries = Vec::new();
                if let Some(name) = namespace {
                    entries.push(("namespaceSelector".to_owned(), match_labels(&name_label(name))));
                }
                if namespace.is_none() || labels.iter().next().is_some() {
                    entries.push(("podSelector".to_owned(), match_labels(labels)));
                }
                Value::Mapping(entries)
            }
            Self::EveryPod => {
                Value::Mapping(vec![("namespaceSelector".to_owned(), Value::Mapping(Vec::new()))])
            }
            Self::Block { block, except } => {
                let mut entries = vec![("cidr".to_owned(), Value::Text(block.to_string()))];
                if !except.is_empty() {
                    let list = except.iter().map(|block| Value::Text(block.to_string())).collect();
                    entries.push(("except".to_owned(), Value::List(list)));
                }
                Value::Mapping(vec![("ipBlock".to_owned(), Value::Mapping(entries))])
            }
        }
    }

    fn peer(&self, own: &str) -> Peer {
        match self {
            Self::Pods { namespace, labels } => {
                let namespaces = match namespace {
                    None => Namespaces::Own(own.to_owned()),
                    Some(name) => Namespaces::Selected(selector(&name_label(name))),
                };
                Peer::Pods(PodSet { namespaces, pods: selector(labels) })
            }
            Self::EveryPod => Peer::Pods(PodSet {
                namespaces: Namespaces::Selected(Selector::everything()),
                pods: Selector::everything(),
            }),
            Self::Block { block, except } => Peer::Addresses { blocks: vec![*block], except: except.clone() },
        }
    }
}

impl DraftRule {
    fn value(&self, direction: Direction) -> Value {
        let mut entries = Vec::new();
        if !self.peers.is_empty() {
            let peers = self.peers.iter().map(DraftPeer::value).collect();
            entries.push((direction.peers_key().to_owned(), Value::List(peers)));
        }
        if !self.ports.is_empty() {
            entries.push((
                "ports".to_owned(),
                Value::List(self.ports.iter().map(|port| port_value(*port)).collect()),
            ));
        }
        Value::Mapping(entries)
    }

    fn rule(&self, own: &str) -> Rule {
        let peers = || self.peers.iter().map(|peer| peer.peer(own)).collect();
        Rule {
            action: Action::Allow,
            peers: (!self.peers.is_empty()).then(peers),
            ports: (!self.ports.is_empty()).then(|| self.ports.iter().map(|port| one(*port)).collect()),
        }
    }
}

impl Draft {
    fn rules(&self, direction: Direction) -> Option<&[DraftRule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }

    /// The object.
    pub(crate) fn value(&self) -> Value {
        let entry = |key: &str, value: Value| (key.to_owned(), value);
        let types = Direction::ALL.into_iter().filter(|direction| self.rules(*direction).is_some());
        let types = types.map(|direction| match direction {
            Direction::Ingress => "Ingress".into(),
            Direction::Egress => "Egress".into(),
        });
        let mut spec = vec![
            entry("podSelector", match_labels(&self.subject)),
            entry("policyTypes", Value::List(types.collect())),
        ];
        for direction in Direction::ALL {
            if let Some(rules) = self.rules(direction).filter(|rules| !rules.is_empty()) {
                let rules = rules.iter().map(|rule| rule.value(direction)).collect();
                spec.push(entry(direction.key(), Value::List(rules)));
            }
        }
        let metadata = vec![
            entry("name", self.name.as_str().into()),
            entry("namespace", self.namespace.as_str().into()),
        ];
        Value::Mapping(vec![
            entry("apiVersion", "networking.k8s.io/v1".into()),
            entry("kind", "NetworkPolicy".into()),
            entry("metadata", Value::Mapping(metadata)),
            entry("spec", Value::Mapping(spec)),
        ])
    }

    /// The object as YAML.
    pub(crate) fn yaml(&self) -> String {
        yaml(&self.value())
    }

    /// The policy that the object is read as.
    pub(crate) fn policy(&self) -> Policy {
        let rules = |direction| {
            let rules = self.rules(direction)?;
            Some(rules.iter().map(|rule| rule.rule(&self.namespace)).collect())
        };
        Policy {
            kind: PolicyKind::NetworkPolicy,
            object: usize::MAX,
            namespace: Some(self.namespace.clone()),
            name: self.name.clone(),
            tier: Tier::Namespaced,
            priority: 0,
            subject: vec![PodSet {
                namespaces: Namespaces::Own(self.namespace.clone()),
                pods: selector(&self.subject),
            }],
            ingress: rules(Direction::Ingress),
            egress: rules(Direction::Egress),
        }
    }

    /// Puts it among the policies of a cluster that is thought of.
    pub(crate) fn add_to(&self, cluster: &mut Cluster) {
        cluster.policies.push(self.policy());
        cluster.policies.sort_by(|a, b| a.order().cmp(&b.order()));
    }
}

fn name_label(name: &str) -> Labels {
    let mut labels = Labels::default();
    labels.set(NAME_LABEL, name);
    labels
}

pub(crate) const fn one(port: Port) -> PortMatch {
    PortMatch::Range { protocol: port.protocol, first: port.number, last: port.number }
}

fn port_value(port: Port) -> Value {
    Value::Mapping(vec![
        ("protocol".to_owned(), port.protocol.word().into()),
        ("port".to_owned(), Value::Integer(i64::from(port.number))),
    ])
}

/// A selector of these labels, as an object has it.
pub(crate) fn match_labels(labels: &Labels) -> Value {
    let entries: Vec<(String, Value)> =
        labels.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    if entries.is_empty() {
        return Value::Mapping(Vec::new());
    }
    Value::Mapping(vec![("matchLabels".to_owned(), Value::Mapping(entries))])
}

pub(crate) fn selector(labels: &Labels) -> Selector {
    Selector::of_labels(labels.iter())
}

/// The fewest labels that tell the pods of a workload from all others of its namespace, and whether they do. Costs a look at each pod for
/// each label.
pub(crate) fn telling(cluster: &Cluster, pod: &Pod) -> (Labels, bool) {
    let others: Vec<&Pod> = cluster
        .pods
        .iter()
        .filter(|other| other.workload != pod.workload && other.namespace == pod.namespace && !other.finished)
        .collect();
    let alone = |labels: &Labels| {
        !others.iter().any(|other| labels.iter().all(|(key, value)| other.labels.get(key) == Some(value)))
    };
    // What changes with every version of a template tells nothing, and what a controller adds to pods is not in it.
    let passing = |key: &str| {
        matches!(key, "pod-template-hash" | "controller-revision-hash" | "statefulset.kubernetes.io/pod-name")
            || key.ends_with("generation")
            || key.ends_with("job-name")
            || key.ends_with("controller-uid")
            || key == "apps.kubernetes.io/pod-index"
    };
    let stays: Vec<(&str, &str)> = pod.labels.iter().filter(|(key, _)| !passing(key)).collect();
    let known = TELLING.iter().filter_map(|key| stays.iter().find(|(other, _)| other == key));
    for (key, value) in known.chain(&stays) {
        let mut labels = Labels::default();
        labels.set(key, value);
        if alone(&labels) {
            return (labels, true);
        }
    }
    let mut labels = Labels::default();
    for (key, value) in stays {
        labels.set(key, value);
    }
    let is_alone = alone(&labels);
    (labels, is_alone)
}

/// A name that no NetworkPolicy of the namespace has, of at most 63 characters; `suffix` is tried first where it is taken.
pub(crate) fn free_name(taken: impl Fn(&str) -> bool, base: &str, suffix: &str) -> String {
    let base: String = base.chars().take(50).collect();
    let base = base.trim_end_matches('-');
    if !taken(base) {
        return base.to_owned();
    }
    let base = format!("{base}-{suffix}");
    let mut name = base.clone();
    let mut number = 2;
    while taken(&name) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}

/// Whether a NetworkPolicy of the namespace has the name.
pub(crate) fn is_taken(cluster: &Cluster, namespace: &str, name: &str) -> bool {
    cluster
        .policies
        .iter()
        .any(|policy| policy.namespace.as_deref() == Some(namespace) && policy.name == name)
}
