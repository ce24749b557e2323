//! The fewest grants without which nobody comes to a target.
//!
//! A grant is one subject of one binding: that is what a person takes away when a right goes too far. Proofs are found one after another:
//! each says that one of its grants must go; the smallest choice that hits all proofs known so far is tried by judging anew without those
//! grants, which finds more proofs, until there are none. Since every proof must be hit, a choice that leaves none is the smallest there
//! is.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Builder;
use super::closure::{
    Escalation, Target, goals, is_admin_grant, is_default, is_default_grant, public, start_of,
};
use super::graph::{Graph, NodeId};
use super::hitting::smallest;
use super::proof::Grant;
use super::reach::Opened;
use super::search::Backwards;
use super::thing::{Identity, Thing};
use super::ways::{Grants, Ways};
use crate::attributes::{AUTHENTICATED, NODES};

/// How to cut.
#[derive(Clone, Debug)]
pub struct CutOptions {
    /// Whether administrators by intent stay: their grants that give everything are kept, and they are not kept from the target.
    pub keep_admins: bool,
    /// Grants that must stay.
    pub keep: Vec<Grant>,
    /// How often it is judged anew for the exact answer; beyond, a small choice is found that may not be the smallest.
    pub rounds: usize,
    /// How many proofs are looked at in search of the smallest choice, in each round and each part of it that shares no grant with others.
    pub steps: usize,
}

impl Default for CutOptions {
    fn default() -> Self {
        Self { keep_admins: false, keep: Vec::new(), rounds: 100, steps: 2_000_000 }
    }
}

/// What to take away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Grants by which somebody comes to the target who is no administrator by intent, in order.
    pub grants: Vec<Grant>,
    /// Grants that make administrators by intent, in order: they give everything by themselves.
    pub admins: Vec<Grant>,
    /// Whether no fewer would do. Otherwise their number is an upper bound.
    pub exact: bool,
    /// Who comes to the target whatever is taken away: by what must stay, or by no grant at all.
    pub beyond: Vec<Identity>,
}

impl Cut {
    /// All grants to take away, in order.
    pub fn all(&self) -> Vec<Grant> {
        let mut all: Vec<Grant> = self.grants.iter().chain(&self.admins).copied().collect();
        all.sort();
        all
    }
}

impl Escalation<'_> {
    /// The fewest grants without which no subject comes to a target, but those of the default policy, and the target itself. What
    /// assumptions a proof makes does not matter: what may be is cut too.
    pub fn cut(&self, target: &Target, options: &CutOptions) -> Cut {
        let graph = self.graph.clone();
        let mut cutting = Cutting::new(graph, self.builder.clone(), target, options);
        cutting.run(options)
    }
}

struct Cutting<'p> {
    graph: Graph<'p>,
    builder: Builder,
    target: Target,
    keep: BTreeSet<(u32, u32)>,
    keep_admins: bool,
    starts: Vec<u32>,
    beyond: BTreeSet<u32>,
    /// Numbers for grants that may go.
    number: BTreeMap<(u32, u32), u32>,
    grants: Vec<(u32, u32)>,
    members: BTreeMap<u32, Vec<u32>>,
}

impl<'p> Cutting<'p> {
    fn new(graph: Graph<'p>, builder: Builder, target: &Target, options: &CutOptions) -> Self {
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (identity, groups) in graph.groups.iter().enumerate() {
            for group in groups {
                members.entry(*group).or_default().push(identity as u32);
            }
        }
        let own = match target {
            Target::Identity(identity) => graph.identity(identity),
            _ => None,
        };
        let is_start = |at: &u32| {
            let admin = graph.own[*at as usize].iter().any(|grant| is_admin_grant(&graph, *grant));
            !is_default(&graph, *at) && Some(*at) != own && !(options.keep_admins && admin)
        };
        let starts = (0..graph.identities.len() as u32).filter(is_start).collect();
        let keep = options.keep.iter().map(|grant| (grant.binding as u32, grant.subject as u32));
        Self {
            keep: keep.collect(),
            keep_admins: options.keep_admins,
            starts,
            beyond: BTreeSet::new(),
            number: BTreeMap::new(),
            grants: Vec::new(),
            members,
            target: target.clone(),
            graph,
            builder,
        }
    }

    fn may_go(&self, grant: (u32, u32)) -> bool {
        let admin = self.keep_admins && is_admin_grant(&self.graph, grant);
        !(admin || self.keep.contains(&grant) || is_default_grant(&self.graph, grant))
    }

    fn run(&mut self, options: &CutOptions) -> Cut {
        let mut proofs: BTreeSet<Vec<u32>> = BTreeSet::new();
        let (mut chosen, mut exact) = (BTreeSet::new(), true);
        let mut round = 0;
        loop {
            let found = self.proofs();
            if found.is_empty() {
                break;
            }
            round += 1;
            if round <= options.rounds {
                proofs.extend(found);
                let sets: Vec<Vec<u32>> = proofs.iter().cloned().collect();
                let choice = smallest(&sets, options.steps);
                // Every proof must be hit, so that a smallest choice that leaves none is the smallest there is.
                exact = choice.exact;
                chosen = choice.elements.into_iter().collect();
            } else {
                // From now on nothing comes back, so that it ends.
                exact = false;
                let choice = smallest(&found.into_iter().collect::<Vec<_>>(), 1);
                chosen.extend(choice.elements);
            }
            self.remove(&chosen);
        }
        let gone: Vec<(u32, u32)> = chosen.iter().map(|one| self.grants[*one as usize]).collect();
        let (mut admins, mut grants): (Vec<_>, Vec<_>) =
            gone.into_iter().partition(|grant| is_admin_grant(&self.graph, *grant));
        admins.sort_unstable();
        grants.sort_unstable();
        let beyond = self.beyond.iter().map(|at| self.graph.identities[*at as usize].clone());
        Cut { grants: public(&grants), admins: public(&admins), exact, beyond: beyond.collect() }
    }

    /// For each subject that still comes to the target, and each first step by which it does, the grants of a proof that may go.
    fn proofs(&mut self) -> BTreeSet<Vec<u32>> {
        let back = Backwards::of(&self.graph);
        let goals = goals(&self.graph, &self.target);
        let opened = Opened::of(&self.graph, false, None);
        let mut ways = Ways::to(&self.graph, &back, &opened, &goals);
        let found: Vec<(u32, Vec<Grants>)> =
            self.starts.iter().map(|at| (*at, ways.from(start_of(&self.graph, *at)))).collect();
        let mut all = BTreeSet::new();
        for (at, ways) in found {
            for grants in ways {
                let grants: Vec<(u32, u32)> =
                    grants.iter().copied().filter(|grant| self.may_go(*grant)).collect();
                if grants.is_empty() {
                    self.beyond.insert(at);
                } else {
                    all.insert(grants.into_iter().map(|grant| self.number_of(grant)).collect());
                }
            }
        }
        let beyond = &self.beyond;
        self.starts.retain(|at| !beyond.contains(at));
        all
    }

    fn number_of(&mut self, grant: (u32, u32)) -> u32 {
        let next = self.grants.len() as u32;
        *self.number.entry(grant).or_insert_with(|| {
            self.grants.push(grant);
            next
        })
    }

    /// Judges anew without the chosen grants, and with those that were chosen before and are no more.
    fn remove(&mut self, chosen: &BTreeSet<u32>) {
        let wanted: BTreeSet<(u32, u32)> = chosen.iter().map(|one| self.grants[*one as usize]).collect();
        let before: BTreeSet<(u32, u32)> = self.graph.removed.iter().copied().collect();
        let changed: BTreeSet<(u32, u32)> = before.symmetric_difference(&wanted).copied().collect();
        self.graph.removed = wanted.into_iter().collect();
        let mut nodes: BTreeSet<NodeId> = BTreeSet::new();
        for (binding, subject) in changed {
            let binding = &self.graph.policy.bindings()[binding as usize];
            let within = binding.namespace.as_deref().unwrap_or_default();
            let Some(identity) = Identity::of(&binding.subjects[subject as usize], within) else { continue };
            let Some(at) = self.graph.identity(&identity) else { continue };
            let members = self.members.get(&at).into_iter().flatten().copied();
            nodes.extend(
                std::iter::once(at).chain(members).filter_map(|one| self.graph.find(Thing::Identity(one))),
            );
            let of_nodes = match &identity {
                Identity::Group(name) => name == NODES || name == AUTHENTICATED,
                Identity::User(name) => name.starts_with("system:node:"),
                Identity::Account { .. } => false,
            };
            if of_nodes {
                let all = self.graph.things.iter().enumerate();
                let of_nodes = all.filter(|(_, thing)| matches!(thing, Thing::NodeIdentity(_)));
                nodes.extend(of_nodes.map(|(node, _)| node as NodeId));
            }
        }
        for node in nodes {
            self.builder.renew(&mut self.graph, node);
        }
        self.builder.settle(&mut self.graph);
    }
}
