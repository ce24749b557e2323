//! One connection, judged by walking through the policies.
//!
//! The walk decides and tells what decided, three-valued where an address or a name is not known. [`crate::engine`] answers for all
//! pairs at once; a test holds the two against each other.

use ringwall_model::address::{Address, Family};
use ringwall_model::finding::Verdict;

use crate::cluster::Cluster;
use crate::policy::{Action, Direction, Peer, Policy, Tier};
use crate::port::Port;

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct End<'c> {
    /// The family in which it speaks.
    pub family: Family,
    /// Its address, where it is known.
    pub address: Option<Address>,
    /// The pod, by index in the cluster, unless it is on the network of its node.
    pub pod: Option<usize>,
    /// The node whose address it is.
    pub node: Option<&'c str>,
}

/// What decided at one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// No policy says anything: what nothing isolates is open.
    Open,
    /// The end is no pod: no policy is about it.
    Outside,
    /// The node on which a pod runs always reaches it.
    OwnNode,
    /// A rule of a policy.
    Rule {
        /// The policy's index in the cluster.
        policy: usize,
        /// Which of its rules for the direction.
        rule: usize,
        /// Which of the rule's peers; `None` where it is about everyone.
        peer: Option<usize>,
    },
    /// NetworkPolicies isolate the pod, and none allows it.
    Isolated,
    /// A policy of an API whose meaning is not known here may be about the pod; its index in [`Cluster::foreign`].
    Foreign(usize),
}

/// One way in which it can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it is let pass.
    pub allowed: bool,
    /// What decides.
    pub ground: Ground,
}

/// The verdict at one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// All ways in which it can end, first those that are asked first. More than one where what decides is not known here.
    pub outcomes: Vec<Outcome>,
}

impl Judgement {
    fn only(allowed: bool, ground: Ground) -> Self {
        Self { outcomes: vec![Outcome { allowed, ground }] }
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        let any = |allowed| self.outcomes.iter().any(|outcome| outcome.allowed == allowed);
        match (any(true), any(false)) {
            (true, false) => Verdict::Yes,
            (false, true) => Verdict::No,
            _ => Verdict::CannotTell,
        }
    }
}

impl Cluster {
    /// What is behind an address: a pod, a node, or something outside of the cluster. Costs a look at each pod and node.
    pub fn end_of(&self, address: Address) -> End<'_> {
        let mut end = End { family: address.family, address: Some(address), pod: None, node: None };
        let pods = self.pods.iter().enumerate();
        for (index, pod) in pods.filter(|(_, pod)| !pod.finished && pod.addresses.contains(&address)) {
            if pod.host_network {
                end.node = pod.node.as_deref();
            } else {
                end.pod = Some(index);
            }
        }
        for node in &self.nodes {
            if self.is_node_address(node, address) {
                end.node = Some(&node.name);
            }
        }
        end
    }

    /// Judges at one end whether `port` of the receiver may be reached. Costs a look at each policy.
    pub fn judge(
        &self,
        direction: Direction,
        source: End<'_>,
        destination: End<'_>,
        port: Port,
    ) -> Judgement {
        self.judge_by(self.policies.iter().enumerate(), direction, source, destination, port)
    }

    /// Judges by some policies, which come in their order with their indexes.
    pub(crate) fn judge_by<'p>(
        &self,
        policies: impl Iterator<Item = (usize, &'p Policy)>,
        direction: Direction,
        source: End<'_>,
        destination: End<'_>,
        port: Port,
    ) -> Judgement {
        let (subject, peer) = direction.sides(source, destination);
        let Some(pod) = subject.pod.and_then(|pod| self.pods.get(pod)) else {
            return Judgement::only(true, Ground::Outside);
        };
        let own_node = peer.pod.is_none() && peer.node.is_some() && peer.node == pod.node.as_deref();
        if direction == Direction::Ingress && own_node {
            return Judgement::only(true, Ground::OwnNode);
        }
        let mut outcomes = Vec::new();
        for (index, foreign) in self.foreign.iter().enumerate() {
            if self.may_be_about(foreign, direction, pod) {
                let ground = Ground::Foreign(index);
                outcomes.extend([true, false].map(|allowed| Outcome { allowed, ground }));
            }
        }
        let declared = destination.pod.and_then(|pod| self.pods.get(pod)).map_or(&[][..], |pod| &pod.ports);
        // Whether the walk may still be on its way in this tier, and whether it may have passed on to the next.
        let (mut active, mut passed) = (true, false);
        let (mut isolated, mut tier) = (false, Tier::Admin);
        for (index, policy) in policies {
            if policy.tier != tier {
                if isolated {
                    break;
                }
                tier = policy.tier;
                active |= passed;
                passed = false;
            }
            let Some(rules) = policy.rules(direction) else { continue };
            if !self.selects(policy, pod) {
                continue;
            }
            isolated |= tier == Tier::Namespaced;
            for (at, rule) in rules.iter().enumerate() {
                if !active {
                    break;
                }
                let ports = rule.ports.as_ref();
                if ports.is_some_and(|ports| !ports.iter().any(|other| other.matches(port, declared))) {
                    continue;
                }
                let (matched, which) = match &rule.peers {
                    None => (Verdict::Yes, None),
                    Some(peers) => self.which(peers, peer),
                };
                if matched == Verdict::No {
                    continue;
                }
                let ground = Ground::Rule { policy: index, rule: at, peer: which };
                match rule.action {
                    Action::Pass => passed = true,
                    action => outcomes.push(Outcome { allowed: action == Action::Allow, ground }),
                }
                active &= matched != Verdict::Yes;
            }
        }
        if active || passed {
            let ground = if isolated { Ground::Isolated } else { Ground::Open };
            outcomes.push(Outcome { allowed: !isolated, ground });
        }
        Judgement { outcomes }
    }

    /// Which of the peers the end is; the first that it is for certain, or else the first that it may be.
    fn which(&self, peers: &[Peer], end: End<'_>) -> (Verdict, Option<usize>) {
        let mut maybe = None;
        for (at, peer) in peers.iter().enumerate() {
            match self.is_peer(peer, end) {
                Verdict::Yes => return (Verdict::Yes, Some(at)),
                Verdict::CannotTell => maybe = maybe.or(Some(at)),
                Verdict::No => {}
            }
        }
        (if maybe.is_some() { Verdict::CannotTell } else { Verdict::No }, maybe)
    }

    /// Whether the end is the peer.
    pub fn is_peer(&self, peer: &Peer, end: End<'_>) -> Verdict {
        let answer = |yes| if yes { Verdict::Yes } else { Verdict::No };
        match peer {
            Peer::Pods(set) => {
                answer(end.pod.and_then(|pod| self.pods.get(pod)).is_some_and(|pod| self.holds(set, pod)))
            }
            Peer::Addresses { .. } => match end.address {
                Some(address) => answer(Self::is_in(peer, address)),
                None => self.may_be_in(peer, end.family, end.pod.is_some()),
            },
            Peer::Nodes(_) if end.pod.is_none() && end.address.is_none() => Verdict::CannotTell,
            Peer::Nodes(selector) => answer(end.address.is_some_and(|address| {
                self.nodes.iter().any(|node| {
                    self.is_node_address(node, address) && selector.matches(|key| node.labels.get(key))
                })
            })),
            // A name may stand for any address outside; a pod has none that a resolver outside tells.
            Peer::Domains(_) if end.pod.is_none() => Verdict::CannotTell,
            Peer::Domains(_) | Peer::Nothing => Verdict::No,
        }
    }
}
