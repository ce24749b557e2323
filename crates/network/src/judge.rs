//! One connection, judged by walking through the policies.
//!
//! The walk decides and tells what decided.

use crate::address::Address;
use crate::cluster::{Cluster, Pod};
use crate::policy::{Action, Direction, Peer, Policy, Tier};
use crate::port::Port;

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct End<'c> {
    /// Its address, where it is known.
    pub address: Option<Address>,
    /// The pod, unless it is on the network of its node.
    pub pod: Option<&'c Pod>,
    /// The node whose address it is.
    pub node: Option<&'c str>,
}

/// What decided at one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground<'c> {
    /// No policy says anything: what nothing isolates is open.
    Open,
    /// The end is no pod: no policy is about it.
    Outside,
    /// The node on which a pod runs always reaches it.
    OwnNode,
    /// A rule of a policy.
    Rule {
        /// The policy.
        policy: &'c Policy,
        /// Which of its rules for the direction.
        rule: usize,
        /// Which of the rule's peers; `None` where it is about everyone.
        peer: Option<usize>,
    },
    /// NetworkPolicies isolate the pod, and none allows it.
    Isolated,
}

/// The verdict at one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement<'c> {
    /// Whether the end lets it pass.
    pub allowed: bool,
    /// What decided.
    pub ground: Ground<'c>,
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Policy {}

impl Cluster {
    /// What is behind an address: a pod, a node, or something outside of the cluster.
    pub fn end_of(&self, address: Address) -> End<'_> {
        let mut end = End { address: Some(address), pod: None, node: None };
        for pod in self.pods.iter().filter(|pod| !pod.finished && pod.addresses.contains(&address)) {
            if pod.host_network {
                end.node = pod.node.as_deref();
            } else {
                end.pod = Some(pod);
            }
        }
        for node in &self.nodes {
            if node.addresses.iter().any(|(_, other)| *other == address) {
                end.node = Some(&node.name);
            }
        }
        end
    }

    /// Judges at one end whether `port` of the receiver may be reached. Costs a look at each policy.
    pub fn judge<'c>(
        &'c self,
        direction: Direction,
        source: End<'c>,
        destination: End<'c>,
        port: Port,
    ) -> Judgement<'c> {
        let (subject, peer) = match direction {
            Direction::Ingress => (destination, source),
            Direction::Egress => (source, destination),
        };
        let Some(pod) = subject.pod else { return Judgement { allowed: true, ground: Ground::Outside } };
        if direction == Direction::Ingress
            && peer.pod.is_none()
            && peer.node.is_some()
            && peer.node == pod.node.as_deref()
        {
            return Judgement { allowed: true, ground: Ground::OwnNode };
        }
        let mut isolated = false;
        let mut passed = None;
        for policy in &self.policies {
            // What isolates the pod is final: the tier behind is not asked.
            if passed == Some(policy.tier) || (isolated && policy.tier == Tier::Baseline) {
                continue;
            }
            let Some(rules) = policy.rules(direction) else { continue };
            if !policy.subject.iter().any(|set| self.holds(set, pod)) {
                continue;
            }
            isolated |= policy.tier == Tier::Namespaced;
            let declared = destination.pod.map_or(&[][..], |pod| &pod.ports);
            for (index, rule) in rules.iter().enumerate() {
                if rule
                    .ports
                    .as_ref()
                    .is_some_and(|ports| !ports.iter().any(|match_| match_.matches(port, declared)))
                {
                    continue;
                }
                let which = match &rule.peers {
                    None => None,
                    Some(peers) => match peers.iter().position(|other| self.is_peer(other, peer)) {
                        Some(which) => Some(which),
                        None => continue,
                    },
                };
                let ground = Ground::Rule { policy, rule: index, peer: which };
                match rule.action {
                    Action::Allow => return Judgement { allowed: true, ground },
                    Action::Deny => return Judgement { allowed: false, ground },
                    Action::Pass => {
                        passed = Some(policy.tier);
                        break;
                    }
                }
            }
        }
        if isolated {
            return Judgement { allowed: false, ground: Ground::Isolated };
        }
        Judgement { allowed: true, ground: Ground::Open }
    }

    fn is_peer(&self, peer: &Peer, end: End<'_>) -> bool {
        match peer {
            Peer::Pods(set) => end.pod.is_some_and(|pod| self.holds(set, pod)),
            Peer::Addresses { blocks, except } => end.address.is_some_and(|address| {
                blocks.iter().any(|block| block.contains(address))
                    && !except.iter().any(|block| block.contains(address))
            }),
            Peer::Nodes(selector) => end.address.is_some_and(|address| {
                self.nodes.iter().any(|node| {
                    node.addresses.iter().any(|(_, other)| *other == address)
                        && selector.matches(|key| node.labels.get(key))
                })
            }),
            Peer::Domains(_) | Peer::Nothing => false,
        }
    }
}
