//! Policies in words.

use ringwall_model::selector::{Operator, Requirement, Selector};
use ringwall_network::cluster::NAME_LABEL;
use ringwall_network::policy::{Action, Direction, Namespaces, Peer, PodSet, Policy, PolicyKind, Rule};
use ringwall_network::port::PortMatch;

/// A selector, as `kubectl get -l` takes it: `app=web,tier in (a, b),!legacy`.
pub fn selector(selector: &Selector) -> String {
    let requirement = |requirement: &Requirement| {
        let Requirement { key, operator, values } = requirement;
        let list = || values.join(", ");
        match (operator, values.as_slice()) {
            (Operator::In, [value]) => format!("{key}={value}"),
            (Operator::NotIn, [value]) => format!("{key}!={value}"),
            (Operator::In, _) => format!("{key} in ({})", list()),
            (Operator::NotIn, _) => format!("{key} notin ({})", list()),
            (Operator::Exists, _) => key.clone(),
            (Operator::DoesNotExist, _) => format!("!{key}"),
        }
    };
    selector.requirements().iter().map(requirement).collect::<Vec<_>>().join(",")
}

/// The name that a selector of namespaces asks for, if that is all it does.
fn only_name(selector: &Selector) -> Option<&str> {
    match selector.requirements() {
        [Requirement { key, operator: Operator::In, values }] if key == NAME_LABEL => match values.as_slice()
        {
            [name] => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// Pods by labels: `pods app=web of namespace shop`.
pub fn pod_set(set: &PodSet) -> String {
    let pods = if set.pods.is_everything() {
        "all pods".to_owned()
    } else {
        format!("pods {}", selector(&set.pods))
    };
    match &set.namespaces {
        Namespaces::Own(name) => format!("{pods} of namespace {name}"),
        Namespaces::Selected(namespaces) if namespaces.is_everything() => format!("{pods} of all namespaces"),
        Namespaces::Selected(namespaces) => match only_name(namespaces) {
            Some(name) => format!("{pods} of namespace {name}"),
            None => format!("{pods} of namespaces {}", selector(namespaces)),
        },
    }
}

/// A peer: `10.0.0.0/8 except 10.1.0.0/16`.
pub fn peer(peer: &Peer) -> String {
    match peer {
        Peer::Pods(set) => pod_set(set),
        Peer::Addresses { blocks, except } => {
            let list = |blocks: &[ringwall_model::address::Block]| {
                blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            match except.as_slice() {
                [] => list(blocks),
                except => format!("{} except {}", list(blocks), list(except)),
            }
        }
        Peer::Nodes(nodes) if nodes.is_everything() => "all nodes".to_owned(),
        Peer::Nodes(nodes) => format!("nodes {}", selector(nodes)),
        Peer::Domains(names) => names.join(", "),
        Peer::Nothing => "nothing (the API server refuses this peer)".to_owned(),
    }
}

/// What a rule says of ports: `TCP 80, 8000-8100`, `port "http"`, `all ports`.
pub fn ports(ports: Option<&[PortMatch]>) -> String {
    let Some(ports) = ports else { return "all ports".to_owned() };
    let word = |port: &PortMatch| match port {
        PortMatch::Range { protocol, first: 0 | 1, last: u16::MAX } => format!("all of {protocol}"),
        PortMatch::Range { protocol, first, last } if first == last => format!("{protocol} {first}"),
        PortMatch::Range { protocol, first, last } => format!("{protocol} {first}-{last}"),
        PortMatch::Named { name, protocol: Some(protocol) } => format!("{protocol} \"{name}\""),
        PortMatch::Named { name, protocol: None } => format!("port \"{name}\""),
        PortMatch::Nothing => "no port (the API server refuses it)".to_owned(),
    };
    ports.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// A rule: `from pods app=web of namespace shop on TCP 80`.
pub fn rule(rule: &Rule, direction: Direction) -> String {
    let peers = match &rule.peers {
        None => "everyone, outside too".to_owned(),
        Some(peers) => peers.iter().map(peer).collect::<Vec<_>>().join("; "),
    };
    let action = match rule.action {
        Action::Allow => "",
        Action::Deny => "deny ",
        Action::Pass => "pass on ",
    };
    format!("{action}{} {peers} on {}", direction.peers_key(), ports(rule.ports.as_deref()))
}

/// What a policy is called: `NetworkPolicy shop/web`.
pub fn policy(policy: &Policy) -> String {
    match &policy.namespace {
        Some(namespace) => format!("{} {namespace}/{}", kind(policy.kind), policy.name),
        None => format!("{} {}", kind(policy.kind), policy.name),
    }
}

/// The name of a kind.
pub const fn kind(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::NetworkPolicy => "NetworkPolicy",
        PolicyKind::AdminNetworkPolicy => "AdminNetworkPolicy",
        PolicyKind::BaselineAdminNetworkPolicy => "BaselineAdminNetworkPolicy",
        PolicyKind::ClusterNetworkPolicy => "ClusterNetworkPolicy",
    }
}
