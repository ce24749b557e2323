//! The closure: what every subject may come to, with the shortest proof of each.

use std::borrow::Cow;
use std::collections::HashSet;

use super::build::Builder;
use super::facts::Facts;
use super::graph::{End, Graph, NodeId};
use super::proof::{Grant, Proof, Teller, gained, is_told};
use super::reach::Opened;
use super::search::{Backwards, Cost, FAR, Walk, bounds, parts_of};
use super::thing::{Gained, Identity, Thing};
use crate::attributes::{ANONYMOUS, AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED};
use crate::default_policy;
use crate::policy::Policy;

/// What a subject should not come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// Everything in the cluster.
    ClusterAdmin,
    /// Root on a node, or a node's identity; who may do everything has these too.
    Node,
    /// Somebody; who may do everything has this too.
    Identity(Identity),
}

/// Whether a target is reached without assumptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Certainty {
    /// By what is known.
    Certain,
    /// If something is so that nobody knows.
    Assumed,
}

/// How near something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// How many assumptions the best proof makes, each as often as it is made.
    pub assumptions: usize,
    /// How many hops follow on one another in it.
    pub hops: usize,
}

/// A subject: whoever a binding names, and accounts that pods use.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'e> {
    /// Who.
    pub identity: &'e Identity,
    /// Whether nothing but the default policy names it: it is a target and a means of others, and no finding.
    pub is_default: bool,
    /// Whether a binding gives it everything: an administrator by intent.
    pub is_admin: bool,
    /// Whether it comes to everything.
    pub cluster_admin: Option<Certainty>,
    /// Whether it comes to a node.
    pub node: Option<Certainty>,
}

/// Something that a subject may come to.
#[derive(Clone, Debug)]
pub struct Gain<'e> {
    /// What.
    pub what: Gained<'e>,
    /// How near.
    pub reach: Reach,
    /// How.
    pub proof: Proof<'e>,
}

/// Who can become what in a cluster.
///
/// Every identity is expanded once into a graph: what its rights and its groups' rights open by the catalogue's rows. A subject's closure
/// is what is reached there. Rights of two identities count together where a row needs several requests: each part of the row is a thing
/// that any identity may give, and a joint fires when all are reached. Where one request needs several rights, one identity must hold
/// them all, for which roles count that may be bound to it on the way.
///
/// Costs about what the grants are, times the rows that each opens; that of all proofs grows with what is asked.
#[derive(Clone, Debug)]
pub struct Escalation<'p> {
    pub(super) graph: Graph<'p>,
    pub(super) builder: Builder,
    opened: [Opened; 2],
    back: Backwards,
    cluster_admin: Aim,
    node: Aim,
}

/// A target: its nodes, who reaches them without and with assumptions, and what is left to do from each node at least.
#[derive(Clone, Debug)]
struct Aim {
    goals: Vec<NodeId>,
    reached: [Vec<bool>; 2],
    bounds: [Vec<Cost>; 2],
}

impl Aim {
    fn of(graph: &Graph<'_>, opened: &[Opened; 2], back: &Backwards, target: &Target) -> Self {
        let goals = goals(graph, target);
        let reached = [opened[0].before(graph, back, &goals), opened[1].before(graph, back, &goals)];
        let bounds = [bounds(graph, back, &goals, true), bounds(graph, back, &goals, false)];
        Self { goals, reached, bounds }
    }

    fn certainty(&self, start: NodeId) -> Option<Certainty> {
        if self.reached[0][start as usize] {
            return Some(Certainty::Certain);
        }
        self.reached[1][start as usize].then_some(Certainty::Assumed)
    }
}

impl<'p> Escalation<'p> {
    /// The closure of all subjects of a policy. Aggregated roles must have their rules ([`Policy::aggregate`]), and the default policy
    /// should be there ([`Origin::Default`]): its subjects are what others become on the way.
    pub fn of(policy: &'p Policy, facts: &'p Facts) -> Self {
        let mut graph = Graph::new(policy, facts);
        let mut builder = Builder::new(&mut graph);
        builder.run(&mut graph);
        let certain = Opened::of(&graph, true, None);
        let assumed = Opened::of(&graph, false, Some(&certain));
        let opened = [certain, assumed];
        let back = Backwards::of(&graph);
        let cluster_admin = Aim::of(&graph, &opened, &back, &Target::ClusterAdmin);
        let node = Aim::of(&graph, &opened, &back, &Target::Node);
        Self { graph, builder, opened, back, cluster_admin, node }
    }

    /// Whether all was followed. Otherwise there was too much of it, and subjects may come to more than is told.
    pub fn is_whole(&self) -> bool {
        !self.graph.cut_short
    }

    /// Authorizers beside RBAC that may allow more.
    pub fn other_authorizers(&self) -> &'p [String] {
        &self.graph.facts.other_authorizers
    }

    /// The policy.
    pub fn policy(&self) -> &'p Policy {
        self.graph.policy
    }

    /// All subjects, sorted: accounts, groups, users.
    pub fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        (0..self.graph.identities.len()).map(|at| self.at(at))
    }

    /// A subject; `None` if nobody names it.
    pub fn subject(&self, identity: &Identity) -> Option<Subject<'_>> {
        self.graph.identity(identity).map(|at| self.at(at as usize))
    }

    fn at(&self, at: usize) -> Subject<'_> {
        Subject {
            identity: &self.graph.identities[at],
            is_default: is_default(&self.graph, at as u32),
            is_admin: admin_grants(&self.graph, at as u32).next().is_some(),
            cluster_admin: self.cluster_admin.certainty(start_of(&self.graph, at as u32)),
            node: self.node.certainty(start_of(&self.graph, at as u32)),
        }
    }

    /// The best proof that a subject comes to a target: with the fewest assumptions, of those the shortest, of those the first in the
    /// order of the catalogue and the bindings. `None` if it does not come to it. For all subjects, [`Self::proofs`] costs less.
    pub fn proof(&self, identity: &Identity, target: &Target) -> Option<Proof<'_>> {
        let at = self.graph.identity(identity)?;
        self.prove(&self.aim(target), at, &mut Walk::default())
    }

    /// The best proof of each subject that comes to a target, in the order of [`Self::subjects`]. Costs a walk for each that does,
    /// through no more than may be on a way as short.
    pub fn proofs(&self, target: &Target) -> impl Iterator<Item = (Subject<'_>, Proof<'_>)> {
        let (aim, mut walk) = (self.aim(target), Walk::default());
        (0..self.graph.identities.len())
            .filter_map(move |at| Some((self.at(at), self.prove(&aim, at as u32, &mut walk)?)))
    }

    fn aim(&self, target: &Target) -> Cow<'_, Aim> {
        match target {
            Target::ClusterAdmin => Cow::Borrowed(&self.cluster_admin),
            Target::Node => Cow::Borrowed(&self.node),
            Target::Identity(_) => Cow::Owned(Aim::of(&self.graph, &self.opened, &self.back, target)),
        }
    }

    fn prove(&self, aim: &Aim, at: u32, walk: &mut Walk) -> Option<Proof<'_>> {
        let start = start_of(&self.graph, at);
        let certain = aim.certainty(start)? == Certainty::Certain;
        let (bounds, mut goal) = (&aim.bounds[usize::from(!certain)], None);
        let bound = |node: NodeId| bounds[node as usize];
        walk.run(&self.graph, start, certain, bound, |node, _| {
            let found = aim.goals.contains(&node);
            if found {
                goal = Some(node);
            }
            found
        });
        let goal = goal?;
        Some(Teller::new(&self.graph, &walk.way(&self.graph, &self.back, goal)).tell(goal))
    }

    /// All that a subject comes to, the nearest first; nothing that is farther than everything, which holds it all. Costs a walk through
    /// what it reaches.
    pub fn gains(&self, identity: &Identity) -> Vec<Gain<'_>> {
        let graph = &self.graph;
        let Some(at) = graph.identity(identity) else { return Vec::new() };
        let start = start_of(graph, at);
        let (mut walk, mut seen): (Walk, Vec<(NodeId, Cost)>) = (Walk::default(), Vec::new());
        walk.run(
            graph,
            start,
            false,
            |_| 0,
            |node, cost| {
                seen.push((node, cost));
                graph.things[node as usize] == Thing::Everything
            },
        );
        let own = [Thing::Start(at), Thing::Identity(at)];
        let mut gains = Vec::new();
        let mut ends = HashSet::new();
        for (node, cost) in seen {
            if is_told(graph, node) && !own.contains(&graph.things[node as usize]) {
                let proof = Teller::new(graph, &walk.way(graph, &self.back, node)).tell(node);
                gains.extend(reach(cost).map(|reach| Gain { what: gained(graph, node), reach, proof }));
            }
            for End { row, at, assumes, grounds, .. } in &graph.ends[node as usize] {
                if ends.insert((*row, *at)) {
                    let proof = Teller::new(graph, &walk.way(graph, &self.back, node));
                    let proof = proof.tell_end(node, *row, *at, *assumes, *grounds);
                    let what = proof.hops.last().map_or(Gained::Effect(None), |hop| hop.to);
                    let assumed = graph.assumptions[*assumes as usize].len();
                    let (assumptions, hops) = parts_of(cost);
                    gains.push(Gain {
                        what,
                        reach: Reach { assumptions: assumptions + assumed, hops: hops + 1 },
                        proof,
                    });
                }
            }
        }
        gains.sort_by_key(|gain| gain.reach);
        gains
    }
}

fn reach(cost: Cost) -> Option<Reach> {
    (cost != FAR).then(|| {
        let (assumptions, hops) = parts_of(cost);
        Reach { assumptions, hops }
    })
}

/// The nodes of a target.
pub(super) fn goals(graph: &Graph<'_>, target: &Target) -> Vec<NodeId> {
    let everything = graph.find(Thing::Everything);
    match target {
        Target::ClusterAdmin => everything.into_iter().collect(),
        Target::Node => {
            let all = graph.things.iter().enumerate().filter(|(_, thing)| {
                matches!(thing, Thing::Everything | Thing::NodeRoot(_) | Thing::NodeIdentity(_))
            });
            all.map(|(at, _)| at as NodeId).collect()
        }
        Target::Identity(identity) => {
            let own = graph.identity(identity).and_then(|at| graph.find(Thing::Identity(at)));
            own.into_iter().chain(everything).collect()
        }
    }
}

/// Where an identity begins.
pub(super) fn start_of(graph: &Graph<'_>, identity: u32) -> NodeId {
    graph.find(Thing::Start(identity)).or_else(|| graph.find(Thing::Identity(identity))).unwrap_or(0)
}

/// Whether a grant is of the policy that every cluster has.
pub(super) fn is_default_grant(graph: &Graph<'_>, grant: (u32, u32)) -> bool {
    default_policy::is_default_grant(&graph.policy.bindings()[grant.0 as usize], grant.1 as usize)
}

/// Whether nothing but the default policy names an identity.
pub(super) fn is_default(graph: &Graph<'_>, identity: u32) -> bool {
    let own = &graph.own[identity as usize];
    let system = match &graph.identities[identity as usize] {
        Identity::Group(name) => name == crate::attributes::MASTERS,
        _ => false,
    };
    system || (!own.is_empty() && own.iter().all(|grant| is_default_grant(graph, *grant)))
}

/// The grants that give an identity everything by themselves.
pub(super) fn admin_grants<'g>(graph: &'g Graph<'_>, identity: u32) -> impl Iterator<Item = (u32, u32)> + 'g {
    graph.own[identity as usize].iter().copied().filter(|grant| is_admin_grant(graph, *grant))
}

/// Whether a grant gives everything by itself.
pub(super) fn is_admin_grant(graph: &Graph<'_>, grant: (u32, u32)) -> bool {
    let binding = &graph.policy.bindings()[grant.0 as usize];
    // Nobody means everyone, or whatever runs without an account of its own, to be an administrator.
    if binding.subjects.get(grant.1 as usize).is_some_and(is_everyone) {
        return false;
    }
    let resolved = binding.namespace.is_none().then(|| graph.policy.resolve(&binding.role_ref, ""));
    resolved.and_then(Result::ok).is_some_and(|role| {
        let gives = |list: &[String]| list.iter().any(|one| one == crate::matching::ALL);
        graph.policy.roles()[role].rules.iter().any(|rule| {
            gives(&rule.verbs) && gives(&rule.api_groups) && gives(&rule.resources) && rule.has_name("")
        })
    })
}

/// Whether a subject is whoever comes, or a pod that names no account.
fn is_everyone(subject: &crate::model::Subject) -> bool {
    let name = subject.name.as_str();
    match subject.kind.as_str() {
        "Group" => {
            [AUTHENTICATED, UNAUTHENTICATED, SERVICE_ACCOUNTS].contains(&name)
                || name.strip_prefix(SERVICE_ACCOUNTS).is_some_and(|rest| rest.starts_with(':'))
        }
        "User" => name == ANONYMOUS,
        "ServiceAccount" => name == "default",
        _ => false,
    }
}

/// The grants that a way rests on, as callers know them.
pub(super) fn public(grants: &[(u32, u32)]) -> Vec<Grant> {
    let all = grants.iter();
    all.map(|(binding, subject)| Grant { binding: *binding as usize, subject: *subject as usize }).collect()
}
