//! The least policy that would let a connection pass.
//!
//! Where NetworkPolicies isolate, one more is added for exactly this pair and port. Where a rule of an administrator denies, a rule before
//! it is. What is proposed has been judged: with it, the connection passes.

use ringwall_edit::yaml;
use ringwall_model::address::Block;
use ringwall_model::finding::Verdict;
use ringwall_model::fix::Value;
use ringwall_model::selector::Selector;
use ringwall_network::cluster::{Cluster, NAME_LABEL, Pod};
use ringwall_network::judge::{End, Ground};
use ringwall_network::labels::Labels;
use ringwall_network::policy::{Action, Direction, Namespaces, Peer, PodSet, Policy, PolicyKind, Rule, Tier};
use ringwall_network::port::{Port, PortMatch};

use crate::network::eyes::{Eyes, Pair};
use crate::network::reach::of_all;
use crate::network::words;

/// Something to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What is to be done, as an imperative without full stop.
    pub title: String,
    /// The YAML of it: a policy, or a rule.
    pub text: String,
    /// What else it touches, a sentence without full stop; empty where that is nothing.
    pub caution: String,
}

/// Labels that are made to tell what a pod is, the best first. Source: Kubernetes' recommended labels, and those in use before them.
const TELLING: [&str; 5] =
    ["app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/component", "name"];

/// The least changes after which the connection passes; none where there are none that are safe to name.
pub(super) fn propose(eyes: Eyes<'_>, pair: Pair<'_>) -> Vec<Proposal> {
    let mut thought = eyes.cluster.clone();
    let mut proposals = Vec::new();
    for direction in [Direction::Egress, Direction::Ingress] {
        let judgement = thought.judge(direction, pair.from, pair.to, pair.port);
        if judgement.verdict() != Verdict::No {
            continue;
        }
        let denied = judgement.outcomes.iter().find_map(|outcome| match outcome.ground {
            Ground::Rule { policy, rule, .. } => Some((policy, rule)),
            _ => None,
        });
        let made = match denied {
            None => by_policy(eyes, &mut thought, direction, pair),
            Some((policy, rule)) => by_rule(eyes, &mut thought, direction, pair, policy, rule),
        };
        proposals.extend(made);
    }
    // What does not do what it promises is not offered.
    let judged = Direction::ALL.map(|direction| thought.judge(direction, pair.from, pair.to, pair.port).verdict());
    if of_all(judged.into_iter()) == Verdict::Yes { proposals } else { Vec::new() }
}

/// A NetworkPolicy for the subject, which allows this peer and port.
fn by_policy(eyes: Eyes<'_>, thought: &mut Cluster, direction: Direction, pair: Pair<'_>) -> Option<Proposal> {
    let (subject, peer) = sides(direction, pair);
    let index = subject.pod?;
    let pod = eyes.cluster.pods.get(index)?;
    let (labels, alone) = telling(eyes.cluster, pod);
    let (peer_value, peer_of, shared) = peer_for(eyes, &pod.namespace, peer)?;
    let to = eyes.called(pair.to);
    let from = eyes.called(pair.from);
    let short = |name: &str| name.rsplit('/').next().unwrap_or(name).replace(['.', ':'], "-");
    let base = match direction {
        Direction::Ingress => format!("allow-{}-from-{}", short(&to), short(&from)),
        Direction::Egress => format!("allow-{}-to-{}", short(&from), short(&to)),
    };
    let name = free_name(eyes.cluster, &pod.namespace, base, direction);
    let port = Value::Mapping(vec![
        ("protocol".to_owned(), pair.port.protocol.word().into()),
        ("port".to_owned(), Value::Integer(i64::from(pair.port.number))),
    ]);
    let rule = Value::Mapping(vec![
        (direction.peers_key().to_owned(), Value::List(vec![peer_value])),
        ("ports".to_owned(), Value::List(vec![port])),
    ]);
    let word = match direction {
        Direction::Ingress => "Ingress",
        Direction::Egress => "Egress",
    };
    let object = Value::Mapping(vec![
        ("apiVersion".to_owned(), "networking.k8s.io/v1".into()),
        ("kind".to_owned(), "NetworkPolicy".into()),
        (
            "metadata".to_owned(),
            Value::Mapping(vec![
                ("name".to_owned(), name.as_str().into()),
                ("namespace".to_owned(), pod.namespace.as_str().into()),
            ]),
        ),
        (
            "spec".to_owned(),
            Value::Mapping(vec![
                ("podSelector".to_owned(), match_labels(&labels)),
                ("policyTypes".to_owned(), Value::List(vec![word.into()])),
                (direction.key().to_owned(), Value::List(vec![rule])),
            ]),
        ),
    ]);
    let rules = vec![Rule { action: Action::Allow, peers: Some(vec![peer_of]), ports: Some(vec![one(pair.port)]) }];
    let (ingress, egress) = match direction {
        Direction::Ingress => (Some(rules), None),
        Direction::Egress => (None, Some(rules)),
    };
    thought.policies.push(Policy {
        kind: PolicyKind::NetworkPolicy,
        object: usize::MAX,
        namespace: Some(pod.namespace.clone()),
        name,
        tier: Tier::Namespaced,
        priority: 0,
        subject: vec![PodSet { namespaces: Namespaces::Own(pod.namespace.clone()), pods: selector(&labels) }],
        ingress,
        egress,
    });
    thought.policies.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut caution = Vec::new();
    if !alone {
        caution.push(format!("no label tells {} from the other pods of its namespace: it is about all that have these", eyes.called(subject)));
    }
    if shared {
        caution.push(format!("no label tells {} from the other pods of its namespace: they are let pass too", eyes.called(peer)));
    }
    let side = match direction {
        Direction::Ingress => format!("let {to} receive it"),
        Direction::Egress => format!("let {from} send it"),
    };
    Some(Proposal { title: format!("add a policy to {side}"), text: yaml(&object), caution: caution.join("; ") })
}

/// A rule before the one that denies, in the policy of an administrator.
fn by_rule(
    eyes: Eyes<'_>,
    thought: &mut Cluster,
    direction: Direction,
    pair: Pair<'_>,
    policy: usize,
    rule: usize,
) -> Option<Proposal> {
    let (_, peer) = sides(direction, pair);
    let about = thought.policies.get(policy)?;
    let v2 = about.kind == PolicyKind::ClusterNetworkPolicy;
    let action = if v2 { "Accept" } else { "Allow" };
    // A NetworkPolicy that isolates the pod decides after a Pass, and so does what it allows; else the rule itself must allow.
    let pod = peer.pod.map(|pod| &eyes.cluster.pods[pod]);
    let (peer_value, peer_of) = match (pod, peer.address) {
        (Some(pod), _) => {
            let (labels, _) = telling(eyes.cluster, pod);
            let mut name = Labels::default();
            name.set(NAME_LABEL, &pod.namespace);
            let pods = Value::Mapping(vec![
                ("namespaceSelector".to_owned(), match_labels(&name)),
                ("podSelector".to_owned(), match_labels(&labels)),
            ]);
            let set = PodSet { namespaces: Namespaces::Selected(selector(&name)), pods: selector(&labels) };
            (Value::Mapping(vec![("pods".to_owned(), pods)]), Peer::Pods(set))
        }
        (None, Some(address)) if direction == Direction::Egress => {
            let block = Block::of(address);
            let list = Value::List(vec![block.to_string().as_str().into()]);
            (Value::Mapping(vec![("networks".to_owned(), list)]), Peer::Addresses { blocks: vec![block], except: Vec::new() })
        }
        _ => return None,
    };
    let number = Value::Integer(i64::from(pair.port.number));
    let port = if v2 {
        let inner = Value::Mapping(vec![(
            "destinationPort".to_owned(),
            Value::Mapping(vec![("number".to_owned(), number)]),
        )]);
        ("protocols", Value::Mapping(vec![(pair.port.protocol.word().to_lowercase(), inner)]))
    } else {
        let inner = vec![("protocol".to_owned(), pair.port.protocol.word().into()), ("port".to_owned(), number)];
        ("ports", Value::Mapping(vec![("portNumber".to_owned(), Value::Mapping(inner))]))
    };
    let text = Value::List(vec![Value::Mapping(vec![
        ("action".to_owned(), action.into()),
        (direction.peers_key().to_owned(), Value::List(vec![peer_value])),
        (port.0.to_owned(), Value::List(vec![port.1])),
    ])]);
    let path = Policy::rule_path(direction, rule);
    let place = eyes.place(about, &path);
    let title = format!("add a rule to {} before {path} ({place})", words::policy(about));
    let subjects = about.subject.iter().map(words::pod_set).collect::<Vec<_>>().join(", ");
    let added = Rule { action: Action::Allow, peers: Some(vec![peer_of]), ports: Some(vec![one(pair.port)]) };
    let about = thought.policies.get_mut(policy)?;
    let rules = match direction {
        Direction::Ingress => about.ingress.as_mut()?,
        Direction::Egress => about.egress.as_mut()?,
    };
    rules.insert(rule, added);
    Some(Proposal { title, text: yaml(&text), caution: format!("the policy is about {subjects}, so the rule is too") })
}

const fn sides<'p>(direction: Direction, pair: Pair<'p>) -> (End<'p>, End<'p>) {
    match direction {
        Direction::Ingress => (pair.to, pair.from),
        Direction::Egress => (pair.from, pair.to),
    }
}

const fn one(port: Port) -> PortMatch {
    PortMatch::Range { protocol: port.protocol, first: port.number, last: port.number }
}

/// The peer of a NetworkPolicy in `namespace` that is this end, and whether other pods are it too.
fn peer_for(eyes: Eyes<'_>, namespace: &str, end: End<'_>) -> Option<(Value, Peer, bool)> {
    let Some(pod) = end.pod.map(|pod| &eyes.cluster.pods[pod]) else {
        let block = Block::of(end.address?);
        let cidr = Value::Mapping(vec![("cidr".to_owned(), block.to_string().as_str().into())]);
        let peer = Peer::Addresses { blocks: vec![block], except: Vec::new() };
        return Some((Value::Mapping(vec![("ipBlock".to_owned(), cidr)]), peer, false));
    };
    let (labels, alone) = telling(eyes.cluster, pod);
    let mut entries = Vec::new();
    let mut namespaces = Namespaces::Own(namespace.to_owned());
    if pod.namespace != namespace {
        let mut name = Labels::default();
        name.set(NAME_LABEL, &pod.namespace);
        entries.push(("namespaceSelector".to_owned(), match_labels(&name)));
        namespaces = Namespaces::Selected(selector(&name));
    }
    entries.push(("podSelector".to_owned(), match_labels(&labels)));
    Some((Value::Mapping(entries), Peer::Pods(PodSet { namespaces, pods: selector(&labels) }), !alone))
}

/// The fewest labels that tell the pods of a workload from all others of its namespace, and whether they do.
fn telling(cluster: &Cluster, pod: &Pod) -> (Labels, bool) {
    let others: Vec<&Pod> = cluster
        .pods
        .iter()
        .filter(|other| other.workload != pod.workload && other.namespace == pod.namespace && !other.finished)
        .collect();
    let alone = |labels: &Labels| {
        !others.iter().any(|other| labels.iter().all(|(key, value)| other.labels.get(key) == Some(value)))
    };
    // What changes with every version of a template tells nothing.
    let passing = |key: &str| key == "pod-template-hash" || key == "controller-revision-hash" || key.ends_with("generation");
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

fn match_labels(labels: &Labels) -> Value {
    let entries: Vec<(String, Value)> = labels.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    if entries.is_empty() {
        return Value::Mapping(Vec::new());
    }
    Value::Mapping(vec![("matchLabels".to_owned(), Value::Mapping(entries))])
}

fn selector(labels: &Labels) -> Selector {
    Selector::of_labels(labels.iter())
}

/// A name that no NetworkPolicy of the namespace has, of at most 63 characters.
fn free_name(cluster: &Cluster, namespace: &str, mut base: String, direction: Direction) -> String {
    base.truncate(50);
    let base = base.trim_end_matches('-').to_owned();
    let taken = |name: &str| {
        cluster.policies.iter().any(|policy| policy.namespace.as_deref() == Some(namespace) && policy.name == name)
    };
    if !taken(&base) {
        return base;
    }
    let base = format!("{base}-{}", direction.key());
    let mut name = base.clone();
    let mut number = 2;
    while taken(&name) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}
