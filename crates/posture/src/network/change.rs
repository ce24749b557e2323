//! The least policy that would let a connection pass.
//!
//! Where NetworkPolicies isolate, one more is added for exactly this pair and port. Where a rule of an administrator denies, a rule before
//! it is. What is proposed has been judged: with it, the connection passes.

use ringwall_edit::yaml;
use ringwall_model::address::Block;
use ringwall_model::finding::Verdict;
use ringwall_model::fix::Value;
use ringwall_network::cluster::{Cluster, NAME_LABEL};
use ringwall_network::draft::{Draft, DraftPeer, DraftRule, Pick, free_name, is_taken, one, telling};
use ringwall_network::judge::{End, Ground};
use ringwall_network::policy::{Action, Direction, Namespaces, Peer, PodSet, Policy, PolicyKind, Rule};

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
    // What does not do what it promises is not offered; where the other side cannot be told, it still takes what denies out of the way.
    let judged =
        Direction::ALL.map(|direction| thought.judge(direction, pair.from, pair.to, pair.port).verdict());
    if of_all(judged.into_iter()) == Verdict::No { Vec::new() } else { proposals }
}

/// A NetworkPolicy for the subject, which allows this peer and port.
fn by_policy(
    eyes: Eyes<'_>,
    thought: &mut Cluster,
    direction: Direction,
    pair: Pair<'_>,
) -> Option<Proposal> {
    let (subject, peer) = direction.sides(pair.from, pair.to);
    let pod = eyes.cluster.pods.get(subject.pod?)?;
    let (pick, alone) = telling(eyes.cluster, pod);
    let (draft_peer, shared) = peer_for(eyes, &pod.namespace, peer)?;
    let (from, to) = (eyes.called(pair.from), eyes.called(pair.to));
    let short = |name: &str| name.rsplit(['/', ' ']).next().unwrap_or(name).replace(['.', ':'], "-");
    let base = match direction {
        Direction::Ingress => format!("allow-{}-from-{}", short(&to), short(&from)),
        Direction::Egress => format!("allow-{}-to-{}", short(&from), short(&to)),
    };
    let rules = vec![DraftRule { peers: vec![draft_peer], ports: vec![pair.port] }];
    let (ingress, egress) = match direction {
        Direction::Ingress => (Some(rules), None),
        Direction::Egress => (None, Some(rules)),
    };
    let draft = Draft {
        namespace: pod.namespace.clone(),
        name: free_name(|name| is_taken(thought, &pod.namespace, name), &base, direction.key()),
        subject: pick,
        ingress,
        egress,
    };
    draft.add_to(thought);
    let mut caution = Vec::new();
    let untold = |end| format!("no label tells {} from the other pods of its namespace", eyes.called(end));
    if !alone {
        caution.push(format!("{}: the policy is about all that have these", untold(subject)));
    }
    if shared {
        caution.push(format!("{}: they are let pass too", untold(peer)));
    }
    let side = match direction {
        Direction::Ingress => format!("let {to} receive it"),
        Direction::Egress => format!("let {from} send it"),
    };
    let title = format!("add a policy to {side}");
    Some(Proposal { title, text: yaml(&draft.value()), caution: caution.join("; ") })
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
    let (_, peer) = direction.sides(pair.from, pair.to);
    let about = thought.policies.get(policy)?;
    let v2 = about.kind == PolicyKind::ClusterNetworkPolicy;
    let action = if v2 { "Accept" } else { "Allow" };
    // A NetworkPolicy that isolates the pod decides after a Pass, and so does what it allows; else the rule itself must allow.
    let pod = peer.pod.map(|pod| &eyes.cluster.pods[pod]);
    let (peer_value, peer_of) = match (pod, peer.address) {
        (Some(pod), _) => {
            let (pick, _) = telling(eyes.cluster, pod);
            let name = Pick::of(NAME_LABEL, &pod.namespace);
            let pods = Value::Mapping(vec![
                ("namespaceSelector".to_owned(), name.value()),
                ("podSelector".to_owned(), pick.value()),
            ]);
            let set = PodSet { namespaces: Namespaces::Selected(name.selector()), pods: pick.selector() };
            (Value::Mapping(vec![("pods".to_owned(), pods)]), Peer::Pods(set))
        }
        (None, Some(address)) if direction == Direction::Egress => {
            let block = Block::of(address);
            let list = Value::List(vec![block.to_string().as_str().into()]);
            (
                Value::Mapping(vec![("networks".to_owned(), list)]),
                Peer::Addresses { blocks: vec![block], except: Vec::new() },
            )
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
        let inner =
            vec![("protocol".to_owned(), pair.port.protocol.word().into()), ("port".to_owned(), number)];
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
    Some(Proposal {
        title,
        text: yaml(&text),
        caution: format!("the policy is about {subjects}, so the rule is too"),
    })
}

/// The peer of a NetworkPolicy in `namespace` that is this end, and whether other pods are it too.
fn peer_for(eyes: Eyes<'_>, namespace: &str, end: End<'_>) -> Option<(DraftPeer, bool)> {
    let Some(pod) = end.pod.map(|pod| &eyes.cluster.pods[pod]) else {
        return Some((DraftPeer::Block { block: Block::of(end.address?), except: Vec::new() }, false));
    };
    let (pick, alone) = telling(eyes.cluster, pod);
    let other = (pod.namespace != namespace).then(|| pod.namespace.clone());
    Some((DraftPeer::Pods { namespace: other, pods: pick }, !alone))
}
