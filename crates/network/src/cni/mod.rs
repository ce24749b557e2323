//! Where an engine is documented to read policies otherwise than their APIs mean them.
//!
//! The answers of this ring are the APIs' meaning. Who runs one of these engines can be told where it is known to differ: each
//! [`Difference`] names the document, issue or source that says so. Most know how the engine reads the policies instead, so that a note
//! about a connection comes only where the answer would be another, with that answer.

mod table;

use ringwall_model::finding::Verdict;
use ringwall_model::path::FieldPath;

pub use table::DIFFERENCES;

use crate::cluster::{Cluster, Pod};
use crate::judge::{End, Ground, Judgement};
use crate::policy::{Direction, Policy};
use crate::port::Port;

/// An engine that enforces policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cni {
    /// Calico.
    Calico,
    /// Cilium.
    Cilium,
    /// OVN-Kubernetes.
    Ovn,
    /// kube-network-policies of SIG Network, v1.1.1.
    KubeNetworkPolicies,
}

impl Cni {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Calico, Self::Cilium, Self::Ovn, Self::KubeNetworkPolicies];

    /// The word by which a user asks for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Calico => "calico",
            Self::Cilium => "cilium",
            Self::Ovn => "ovn",
            Self::KubeNetworkPolicies => "kube-network-policies",
        }
    }

    /// Its own name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calico => "Calico",
            Self::Cilium => "Cilium",
            Self::Ovn => "OVN-Kubernetes",
            Self::KubeNetworkPolicies => "kube-network-policies",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cni| cni.word() == text)
    }

    /// What it reads otherwise.
    pub fn differences(self) -> impl Iterator<Item = &'static Difference> {
        DIFFERENCES.iter().filter(move |difference| difference.cni == self)
    }
}

/// Something that an engine reads otherwise than the API means it.
#[derive(Debug)]
pub struct Difference {
    /// A word for it that stays.
    pub id: &'static str,
    /// The engine.
    pub cni: Cni,
    /// What the engine does, as a sentence without full stop.
    pub about: &'static str,
    /// In which versions or with which settings; `None` for all that are known.
    pub when: Option<&'static str>,
    /// Where that is said.
    pub reference: &'static str,
    /// Where it is written in a policy.
    written: fn(&Cluster, &Policy) -> Vec<FieldPath>,
    /// How the engine reads the policies that select a pod, where that can be told.
    reading: Reading,
}

/// How an engine reads policies.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// It changes the policies that select the pod at one end of a connection.
    Known(fn(&Case<'_>, &mut Vec<(usize, Policy)>)),
    /// What comes of it is not known; whether it may matter to a connection that a rule with it decides.
    Unknown(fn(&Case<'_>) -> bool),
}

/// One end of a connection.
#[derive(Debug)]
struct Case<'c> {
    cluster: &'c Cluster,
    direction: Direction,
    /// The pod at this end.
    subject: &'c Pod,
    /// The other end.
    peer: End<'c>,
    /// The pod that receives, if it is one.
    receiver: Option<&'c Pod>,
    port: Port,
}

/// A difference that concerns a policy or a connection.
#[derive(Clone, Debug)]
pub struct Note {
    /// The difference.
    pub difference: &'static Difference,
    /// The policy, by index in the cluster.
    pub policy: Option<usize>,
    /// Where it is written in the policy.
    pub path: Option<FieldPath>,
    /// What the engine's answer is at this end of a connection, where that can be told.
    pub verdict: Option<Verdict>,
}

impl Note {
    /// What is to be said, as a sentence without full stop.
    pub fn message(&self) -> String {
        let Difference { cni, about, when, .. } = self.difference;
        let when = when.map_or_else(String::new, |when| format!(" ({when})"));
        let verdict = match self.verdict {
            Some(Verdict::Yes) => ": there, it is allowed",
            Some(Verdict::No) => ": there, it is not allowed",
            Some(Verdict::CannotTell) => ": there, it cannot be told",
            None => "",
        };
        format!("{} {about}{when}{verdict}", cni.name())
    }
}

/// What an engine reads otherwise in a policy, whatever connection it is about.
pub fn policy_notes(cni: Cni, cluster: &Cluster, policy: usize) -> Vec<Note> {
    let Some(read) = cluster.policies.get(policy) else { return Vec::new() };
    let mut notes = Vec::new();
    for difference in cni.differences() {
        for path in (difference.written)(cluster, read) {
            notes.push(Note { difference, policy: Some(policy), path: Some(path), verdict: None });
        }
    }
    notes
}

/// What an engine reads otherwise at one end of a connection, so that its answer there is another, or may be.
///
/// Costs a look at each policy, and a walk through those about the pod for each difference.
pub fn notes(
    cni: Cni,
    cluster: &Cluster,
    direction: Direction,
    source: End<'_>,
    destination: End<'_>,
    port: Port,
) -> Vec<Note> {
    let (subject, peer) = direction.sides(source, destination);
    let pod = |end: End<'_>| end.pod.and_then(|pod| cluster.pods.get(pod));
    let Some(subject) = pod(subject) else { return Vec::new() };
    let meant = cluster.judge(direction, source, destination, port);
    let judges =
        |outcome: &crate::judge::Outcome| matches!(outcome.ground, Ground::OwnNode | Ground::Foreign(_));
    if meant.outcomes.iter().any(judges) {
        return Vec::new();
    }
    let case = Case { cluster, direction, subject, peer, receiver: pod(destination), port };
    let about: Vec<(usize, Policy)> = cluster
        .policies
        .iter()
        .enumerate()
        .filter(|(_, policy)| cluster.selects(policy, subject))
        .map(|(index, policy)| (index, policy.clone()))
        .collect();
    let mut notes = Vec::new();
    for difference in cni.differences() {
        match difference.reading {
            Reading::Unknown(concerns) if concerns(&case) => {
                let written = |policy: &usize| (difference.written)(cluster, &cluster.policies[*policy]);
                let Some((policy, rule)) = deciding(&meant) else { continue };
                let rule = Policy::rule_path(direction, rule);
                let path = written(&policy).into_iter().find(|path| path.strip_prefix(&rule).is_some());
                if path.is_some() {
                    notes.push(Note { difference, policy: Some(policy), path, verdict: None });
                }
            }
            Reading::Unknown(_) => {}
            Reading::Known(read) => {
                let mut policies = about.clone();
                read(&case, &mut policies);
                let list = policies.iter().map(|(index, policy)| (*index, policy));
                let read = cluster.judge_by(list, direction, source, destination, port);
                if read.verdict() == meant.verdict() {
                    continue;
                }
                let (policy, path) = place(&case, &meant, &read, &about, &policies);
                notes.push(Note { difference, policy, path, verdict: Some(read.verdict()) });
            }
        }
    }
    notes
}

/// The rule that decides first.
fn deciding(judgement: &Judgement) -> Option<(usize, usize)> {
    judgement.outcomes.iter().find_map(|outcome| match outcome.ground {
        Ground::Rule { policy, rule, .. } => Some((policy, rule)),
        _ => None,
    })
}

/// The place that is read otherwise: the rule that decides in one of the readings and is another in the other one, or else the first
/// policy of which that is so.
fn place(
    case: &Case<'_>,
    meant: &Judgement,
    read: &Judgement,
    before: &[(usize, Policy)],
    after: &[(usize, Policy)],
) -> (Option<usize>, Option<FieldPath>) {
    let rules = |list: &[(usize, Policy)], index: usize| {
        let policy = list.iter().find(|(other, _)| *other == index).map(|(_, policy)| policy);
        policy.and_then(|policy| policy.rules(case.direction)).map(<[_]>::to_vec)
    };
    for outcome in meant.outcomes.iter().chain(&read.outcomes) {
        let Ground::Rule { policy, rule, peer } = outcome.ground else { continue };
        let at = |list: &[(usize, Policy)]| rules(list, policy).and_then(|rules| rules.get(rule).cloned());
        let (old, new) = (at(before), at(after));
        if old == new {
            continue;
        }
        let whole = Policy::rule_path(case.direction, rule);
        // A peer is the place if it is what is read otherwise.
        let peers = [&old, &new].map(|rule| rule.as_ref().and_then(|rule| rule.peers.as_ref()));
        let path = match (peer, peers) {
            (Some(peer), [Some(old), Some(new)])
                if old.len() == new.len() && old.get(peer) != new.get(peer) =>
            {
                Policy::peer_path(case.direction, rule, peer)
            }
            _ => whole,
        };
        return (Some(policy), Some(path));
    }
    let changed = before.iter().find(|(index, _)| rules(before, *index) != rules(after, *index));
    (changed.map(|(index, _)| *index), changed.map(|_| FieldPath::keys(&["spec"])))
}

#[cfg(test)]
mod tests;
