//! Of the rules that might have allowed a connection, the one that is nearest to it.

use ringwall_model::finding::{Location, Verdict};
use ringwall_model::path::FieldPath;
use ringwall_model::selector::{Operator, Requirement, Selector};
use ringwall_network::judge::{End, Ground, Judgement};
use ringwall_network::labels::Labels;
use ringwall_network::policy::{Action, Direction, Namespaces, Peer, Policy, Rule};

use crate::network::eyes::{Eyes, Pair};
use crate::network::words;

/// A rule that does not match, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The policy.
    pub policy: String,
    /// What keeps the rule from matching, a sentence without full stop.
    pub message: String,
    /// The field that does, from the object.
    pub path: FieldPath,
    /// Where it is written.
    pub location: Location,
}

/// Why something does not match: how many things would have to be other, and which.
struct Fault {
    count: usize,
    message: String,
    path: FieldPath,
}

/// The rule that lacks the least, among those of the policies that isolate the end. Costs a look at each of their rules.
pub(super) fn nearest(
    eyes: Eyes<'_>,
    direction: Direction,
    pair: Pair<'_>,
    judgement: &Judgement,
) -> Option<Miss> {
    // Where a rule denies, no other is at fault.
    if judgement.outcomes.iter().any(|outcome| outcome.ground != Ground::Isolated) {
        return None;
    }
    let (subject, peer) = direction.sides(pair.from, pair.to);
    let mut best: Option<(&Policy, Fault)> = None;
    for policy in eyes.isolating(direction, subject) {
        let rules = policy.rules(direction).unwrap_or_default().iter().enumerate();
        for (at, rule) in rules.filter(|(_, rule)| rule.action == Action::Allow) {
            let fault = fault(eyes, direction, pair, peer, rule, at);
            if best.as_ref().is_none_or(|(_, known)| fault.count < known.count) {
                best = Some((policy, fault));
            }
        }
    }
    let (policy, fault) = best?;
    let location = eyes.place(policy, &fault.path);
    Some(Miss { policy: words::policy(policy), message: fault.message, path: fault.path, location })
}

fn fault(
    eyes: Eyes<'_>,
    direction: Direction,
    pair: Pair<'_>,
    peer: End<'_>,
    rule: &Rule,
    at: usize,
) -> Fault {
    let declared = pair.to.pod.map_or(&[][..], |pod| &eyes.cluster.pods[pod].ports);
    let port = pair.port;
    let has_port =
        rule.ports.as_ref().is_none_or(|ports| ports.iter().any(|other| other.matches(port, declared)));
    let path = Policy::rule_path(direction, at);
    let ports = (!has_port).then(|| Fault {
        count: 1,
        message: format!("it is for {}, not {port}", words::ports(rule.ports.as_deref())),
        path: path.clone().key("ports"),
    });
    let peers = rule.peers.as_ref().and_then(|peers| {
        let faults =
            peers.iter().enumerate().map(|(which, other)| of_peer(eyes, direction, peer, other, at, which));
        let faults: Option<Vec<Fault>> = faults.collect();
        // One without a fault matches.
        faults.and_then(|faults| faults.into_iter().min_by_key(|fault| fault.count))
    });
    match (peers, ports) {
        (Some(peers), Some(ports)) => Fault {
            count: peers.count + ports.count,
            message: format!("{}, and {}", peers.message, ports.message),
            path: peers.path,
        },
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => Fault { count: usize::MAX, message: "it matches".to_owned(), path },
    }
}

/// Why an end is not a peer; `None` if it is.
fn of_peer(
    eyes: Eyes<'_>,
    direction: Direction,
    end: End<'_>,
    peer: &Peer,
    rule: usize,
    which: usize,
) -> Option<Fault> {
    if eyes.cluster.is_peer(peer, end) == Verdict::Yes {
        return None;
    }
    let path = Policy::peer_path(direction, rule, which);
    let called = eyes.called(end);
    let plain = |message: String| Some(Fault { count: 3, message, path: path.clone() });
    let Peer::Pods(set) = peer else {
        return match peer {
            Peer::Nothing => plain("the API server refuses its peer".to_owned()),
            _ => plain(format!("it is about {}, and {called} is not among them", words::peer(peer))),
        };
    };
    let Some(pod) = end.pod.map(|pod| &eyes.cluster.pods[pod]) else {
        return plain(format!(
            "it is about {}, and {called} is no pod of the cluster's network",
            words::peer(peer)
        ));
    };
    let mut faults: Vec<(String, &str)> = Vec::new();
    match &set.namespaces {
        Namespaces::Own(own) if *own != pod.namespace => {
            faults.push((
                format!("it is about pods of namespace {own}, and {called} is in {}", pod.namespace),
                "podSelector",
            ));
        }
        Namespaces::Own(_) => {}
        Namespaces::Selected(selector) => {
            let labels = eyes.cluster.namespaces.get(&pod.namespace);
            let whose = format!("namespace {}", pod.namespace);
            faults.extend(unmet(selector, labels, &whose).map(|fault| (fault, "namespaceSelector")));
        }
    }
    faults.extend(unmet(&set.pods, Some(&pod.labels), &called).map(|fault| (fault, "podSelector")));
    let key = faults.first().map_or("podSelector", |(_, key)| key);
    let path = path.key(key);
    let count = faults.len();
    let message = faults.into_iter().map(|(fault, _)| fault).collect::<Vec<_>>().join(", and ");
    Some(Fault { count, message, path })
}

/// What of a selector the labels do not meet.
pub(super) fn unmet<'l>(
    selector: &'l Selector,
    labels: Option<&'l Labels>,
    whose: &'l str,
) -> impl Iterator<Item = String> + 'l {
    selector.requirements().iter().filter_map(move |requirement| {
        let Requirement { key, operator, values } = requirement;
        let value = labels.and_then(|labels| labels.get(key));
        let is_in = value.is_some_and(|value| values.iter().any(|other| other == value));
        let wants = || match values.as_slice() {
            [value] => format!("{key}={value}"),
            values => format!("{key} in ({})", values.join(", ")),
        };
        let has =
            || value.map_or_else(|| format!("has no label {key}"), |value| format!("has {key}={value}"));
        match operator {
            Operator::In if !is_in => Some(format!("it wants {}, and {whose} {}", wants(), has())),
            Operator::NotIn if is_in => Some(format!("it wants none with {}, and {whose} is one", wants())),
            Operator::Exists if value.is_none() => {
                Some(format!("it wants the label {key}, and {whose} has none"))
            }
            Operator::DoesNotExist if value.is_some() => {
                Some(format!("it wants none with the label {key}, and {whose} {}", has()))
            }
            _ => None,
        }
    })
}
