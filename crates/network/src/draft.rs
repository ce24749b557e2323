//! NetworkPolicies that are yet to be written: as objects for the user, and as policies to be judged before they are offered.

use crate::cluster::{Cluster, DNS_LABEL, DNS_NAMESPACE, NAME_LABEL, Pod};
use crate::labels::Labels;
use crate::policy::{Action, Direction, Namespaces, Peer, PodSet, Policy, PolicyKind, Rule, Tier};
use crate::port::{Port, PortMatch, Protocol};
use ringwall_model::address::Block;
use ringwall_model::fix::Value;
use ringwall_model::selector::Selector;

/// Labels that are made to tell what a pod is, the best first. Source: Kubernetes' recommended labels, and those in use before them.
const TELLING: [&str; 5] =
    ["app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/component", "name"];

/// A NetworkPolicy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its pods.
    pub subject: Pick,
    /// Its rules for what they receive; `None` where it says nothing of it.
    pub ingress: Option<Vec<DraftRule>>,
    /// The same for what they send.
    pub egress: Option<Vec<DraftRule>>,
}

/// A rule of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftRule {
    /// Everyone where there are none.
    pub peers: Vec<DraftPeer>,
    /// All ports where there are none.
    pub ports: Vec<Port>,
}

/// Pods of a namespace: those that have these labels, and none of these keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pick {
    /// Labels that they all have.
    pub labels: Labels,
    /// Keys that none of them has.
    pub absent: Vec<String>,
}

impl Pick {
    /// Those with a label.
    pub fn of(key: &str, value: &str) -> Self {
        let mut labels = Labels::default();
        labels.set(key, value);
        Self { labels, absent: Vec::new() }
    }

    fn is_everything(&self) -> bool {
        self.absent.is_empty() && self.labels.iter().next().is_none()
    }

    fn holds(&self, pod: &Pod) -> bool {
        self.labels.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
            && !self.absent.iter().any(|key| pod.labels.get(key).is_some())
    }

    /// The selector, as an object has it.
    pub fn value(&self) -> Value {
        let mut entries = Vec::new();
        let labels: Vec<(String, Value)> =
            self.labels.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        if !labels.is_empty() {
            entries.push(("matchLabels".to_owned(), Value::Mapping(labels)));
        }
        let absent = self.absent.iter().map(|key| {
            let operator = ("operator".to_owned(), "DoesNotExist".into());
            Value::Mapping(vec![("key".to_owned(), key.as_str().into()), operator])
        });
        let absent: Vec<Value> = absent.collect();
        if !absent.is_empty() {
            entries.push(("matchExpressions".to_owned(), Value::List(absent)));
        }
        Value::Mapping(entries)
    }

    /// The selector that the object is read as.
    pub fn selector(&self) -> Selector {
        Selector::of_labels(self.labels.iter()).without(self.absent.iter().map(String::as_str))
    }
}

/// A peer of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DraftPeer {
    /// Pods with labels in a namespace; in that of the policy where none is stated.
    Pods {
        /// The namespace.
        namespace: Option<String>,
        /// Which of its pods.
        pods: Pick,
    },
    /// All pods of all namespaces.
    EveryPod,
    /// A block of addresses without others.
    Block {
        /// The block.
        block: Block,
        /// What is left out of it.
        except: Vec<Block>,
    },
}

impl DraftPeer {
    fn value(&self) -> Value {
        match self {
            Self::Pods { namespace, pods } => {
                let mut entries = Vec::new();
                if let Some(name) = namespace {
                    entries.push(("namespaceSelector".to_owned(), Pick::of(NAME_LABEL, name).value()));
                }
                if namespace.is_none() || !pods.is_everything() {
                    entries.push(("podSelector".to_owned(), pods.value()));
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
            Self::Pods { namespace, pods } => {
                let namespaces = match namespace {
                    None => Namespaces::Own(own.to_owned()),
                    Some(name) => Namespaces::Selected(Pick::of(NAME_LABEL, name).selector()),
                };
                Peer::Pods(PodSet { namespaces, pods: pods.selector() })
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
    /// What lets pods of a namespace ask for names: the pods of the cluster's DNS, over UDP and, for long answers, TCP.
    pub fn dns(namespace: &str) -> Self {
        let other = (namespace != DNS_NAMESPACE).then(|| DNS_NAMESPACE.to_owned());
        Self {
            peers: vec![DraftPeer::Pods { namespace: other, pods: Pick::of(DNS_LABEL.0, DNS_LABEL.1) }],
            ports: [Protocol::Udp, Protocol::Tcp].map(|protocol| Port { protocol, number: 53 }).into(),
        }
    }

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
    pub fn value(&self) -> Value {
        let entry = |key: &str, value: Value| (key.to_owned(), value);
        let types = Direction::ALL.into_iter().filter(|direction| self.rules(*direction).is_some());
        let types = types.map(|direction| match direction {
            Direction::Ingress => "Ingress".into(),
            Direction::Egress => "Egress".into(),
        });
        let mut spec = vec![
            entry("podSelector", self.subject.value()),
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

    /// The policy that the object is read as.
    pub fn policy(&self) -> Policy {
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
                pods: self.subject.selector(),
            }],
            ingress: rules(Direction::Ingress),
            egress: rules(Direction::Egress),
        }
    }

    /// Puts it among the policies of a cluster that is thought of.
    pub fn add_to(&self, cluster: &mut Cluster) {
        cluster.policies.push(self.policy());
        cluster.policies.sort_by(|a, b| a.order().cmp(&b.order()));
    }
}

/// What a rule says for one port.
pub const fn one(port: Port) -> PortMatch {
    PortMatch::Range { protocol: port.protocol, first: port.number, last: port.number }
}

fn port_value(port: Port) -> Value {
    Value::Mapping(vec![
        ("protocol".to_owned(), port.protocol.word().into()),
        ("port".to_owned(), Value::Integer(i64::from(port.number))),
    ])
}

/// The shortest selector that tells the pods of a workload from all others of its namespace, and whether it does: pods with the very same
/// labels are never told apart. Costs a look at each pod for each label.
pub fn telling(cluster: &Cluster, pod: &Pod) -> (Pick, bool) {
    let others: Vec<&Pod> = cluster
        .pods
        .iter()
        .filter(|other| other.workload != pod.workload && other.namespace == pod.namespace && !other.finished)
        .collect();
    let alone = |pick: &Pick| !others.iter().any(|other| pick.holds(other));
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
        let pick = Pick::of(key, value);
        if alone(&pick) {
            return (pick, true);
        }
    }
    let mut pick = Pick::default();
    for (key, value) in stays {
        pick.labels.set(key, value);
    }
    // Others that have all of these have more.
    for other in &others {
        let more = || other.labels.iter().find(|(key, _)| pod.labels.get(key).is_none() && !passing(key));
        if pick.holds(other)
            && let Some((key, _)) = more()
        {
            pick.absent.push(key.to_owned());
        }
    }
    pick.absent.sort();
    pick.absent.dedup();
    let is_alone = alone(&pick);
    (pick, is_alone)
}

/// A name that no NetworkPolicy of the namespace has, of at most 63 characters; `suffix` is tried first where it is taken.
pub fn free_name(taken: impl Fn(&str) -> bool, base: &str, suffix: &str) -> String {
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
pub fn is_taken(cluster: &Cluster, namespace: &str, name: &str) -> bool {
    cluster
        .policies
        .iter()
        .any(|policy| policy.namespace.as_deref() == Some(namespace) && policy.name == name)
}
