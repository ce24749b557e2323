//! Each policy: whom it selects, and what it lets pass.

use std::collections::BTreeSet;

use ringwall_model::address::{Address, Family};
use ringwall_model::finding::{Location, Verdict};
use ringwall_model::path::FieldPath;
use ringwall_network::engine::Ports;
use ringwall_network::judge::End;
use ringwall_network::policy::{Direction, Policy, Tier};

use crate::network::parties::{Party, Who};
use crate::network::{Network, words};

/// A policy, and what it does now.
#[derive(Clone, Debug)]
pub struct PolicyView {
    /// Its index in the cluster.
    pub policy: usize,
    /// What it is called: `NetworkPolicy shop/web`.
    pub name: String,
    /// Where it begins.
    pub location: Location,
    /// The pods that it is about, in words.
    pub subject: String,
    /// The ends that it selects now, by index in the parties.
    pub selects: Vec<u32>,
    /// What it says of what they receive; `None` where it says nothing of it.
    pub ingress: Option<Vec<RuleView>>,
    /// What it says of what they send.
    pub egress: Option<Vec<RuleView>>,
}

impl PolicyView {
    /// What it says of a direction.
    pub fn rules(&self, direction: Direction) -> Option<&[RuleView]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }

    /// What it does to a direction, in few words.
    pub fn effect(&self, network: &Network<'_>, direction: Direction) -> String {
        let Some(rules) = self.rules(direction) else { return "-".to_owned() };
        let tier = network.cluster.policies[self.policy].tier;
        if tier != Tier::Namespaced {
            return match rules {
                [] => "-".to_owned(),
                [one] => one.text.clone(),
                rules => format!("{} rules", rules.len()),
            };
        }
        if rules.is_empty() {
            return "denies all".to_owned();
        }
        if rules.iter().any(|rule| rule.all) {
            return "allows all".to_owned();
        }
        let peers: BTreeSet<u32> = rules.iter().flat_map(|rule| rule.matches.iter().copied()).collect();
        let peers: Vec<u32> = peers.into_iter().collect();
        let mut terms: Vec<String> = network.parties.terms(&peers).iter().map(ToString::to_string).collect();
        if terms.is_empty() {
            terms.push("nobody here".to_owned());
        } else if terms.len() > 3 {
            let more = terms.len() - 2;
            terms.truncate(2);
            terms.push(format!("{more} more"));
        }
        let on = match rules {
            [one] => format!(" on {}", one.ports),
            rules => format!(" ({} rules)", rules.len()),
        };
        format!("{} {}{on}", direction.peers_key(), terms.join(", "))
    }
}

/// A rule, and whom it is about now.
#[derive(Clone, Debug)]
pub struct RuleView {
    /// The rule in words.
    pub text: String,
    /// Its ports in words.
    pub ports: String,
    /// Whether it is about everyone on all ports.
    pub all: bool,
    /// The ends that are among its peers now, by index in the parties.
    pub matches: Vec<u32>,
    /// The field, from the object.
    pub path: FieldPath,
    /// Where it is written.
    pub location: Location,
}

/// What the pods of some ends may receive or send, with all policies together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The other ends.
    pub peers: Vec<u32>,
    /// The ports.
    pub ports: Ports,
}

impl Network<'_> {
    /// All policies, in the order in which they are asked; NetworkPolicies by namespace and name. Costs a look at each end for each rule.
    pub fn policies(&self) -> Vec<PolicyView> {
        (0..self.cluster.policies.len()).map(|index| self.policy(index)).collect()
    }

    /// One of them.
    pub fn policy(&self, index: usize) -> PolicyView {
        let policy = &self.cluster.policies[index];
        let root = FieldPath::root();
        PolicyView {
            policy: index,
            name: words::policy(policy),
            location: self.eyes().place(policy, &root),
            subject: policy.subject.iter().map(words::pod_set).collect::<Vec<_>>().join("; "),
            selects: self.selected(policy),
            ingress: self.rules(policy, Direction::Ingress),
            egress: self.rules(policy, Direction::Egress),
        }
    }

    /// The ends that a policy selects, by index in the parties. Costs a look at each of them.
    pub fn selected(&self, policy: &Policy) -> Vec<u32> {
        self.those(|party| party.pod.is_some_and(|pod| self.cluster.selects(policy, &self.cluster.pods[pod])))
    }

    fn those(&self, is: impl Fn(&Party) -> bool) -> Vec<u32> {
        let all = self.parties.all.iter().enumerate().filter(|(_, party)| is(party));
        all.map(|(index, _)| index as u32).collect()
    }

    fn rules(&self, policy: &Policy, direction: Direction) -> Option<Vec<RuleView>> {
        let rules = policy.rules(direction)?;
        let view = |(at, rule): (usize, &ringwall_network::policy::Rule)| {
            let path = Policy::rule_path(direction, at);
            let matches = |party: &Party| match &rule.peers {
                None => true,
                Some(peers) => self
                    .ends_of_party(party)
                    .iter()
                    .any(|end| peers.iter().any(|peer| self.cluster.is_peer(peer, *end) == Verdict::Yes)),
            };
            RuleView {
                text: words::rule(rule, direction),
                ports: words::ports(rule.ports.as_deref()),
                all: rule.peers.is_none() && rule.ports.is_none(),
                matches: self.those(matches),
                location: self.eyes().place(policy, &path),
                path,
            }
        };
        Some(rules.iter().enumerate().map(view).collect())
    }

    /// An end of connections for each family of a party.
    pub(super) fn ends_of_party(&self, party: &Party) -> Vec<End<'_>> {
        match &party.who {
            Who::Workload { .. } => party.pod.into_iter().flat_map(|pod| self.ends_of_pod(pod)).collect(),
            Who::Addresses(ranges) => {
                // What is no pod's is looked for among no pods.
                let end = |(first, _): &(Address, Address)| End {
                    family: first.family,
                    address: Some(*first),
                    pod: None,
                    node: None,
                };
                ranges.first().into_iter().map(end).collect()
            }
        }
    }

    /// What some ends receive or send, with all policies together. Costs a look at each end for each of them.
    pub fn effective(&self, ends: &[u32], direction: Direction) -> Vec<Effective> {
        let mut all: Vec<Effective> = Vec::new();
        for (index, party) in self.parties.all.iter().enumerate() {
            let mut ports = Ports::none();
            for end in ends {
                for family in [Family::V4, Family::V6] {
                    let own = self.parties.all[*end as usize].class(family);
                    if let Some((own, other)) = own.zip(party.class(family)) {
                        let (from, to) = direction.sides(own, other);
                        ports = ports.or(self.matrix().get(from, to));
                    }
                }
            }
            if ports.is_empty() {
                continue;
            }
            match all.iter_mut().find(|known| known.ports == ports) {
                Some(known) => known.peers.push(index as u32),
                None => all.push(Effective { peers: vec![index as u32], ports }),
            }
        }
        all
    }
}
