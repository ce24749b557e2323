//! The closure: what every subject may come to, with the shortest proof of each.

use super::build::Builder;
use super::facts::Facts;
use super::graph::{End, Graph, NodeId};
use super::proof::{Grant, Proof, Teller, gained, is_told};
use super::search::{Cost, FAR, From, Routes, Walk, parts_of};
use super::thing::{Gained, Identity, Thing};
use crate::attributes::{ANONYMOUS, AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED};
use crate::model::Origin;
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

/// How a target is reached.
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
    /// Whether and how it comes to everything.
    pub cluster_admin: Option<Reach>,
    /// Whether and how it comes to a node.
    pub node: Option<Reach>,
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

/// How somebody reaches a target, kept until somebody asks.
#[derive(Clone, Debug)]
pub(super) enum Found {
    No,
    /// By edges alone.
    Route(Cost),
    /// By this way.
    Way(Cost, Vec<(NodeId, From)>),
}

impl Found {
    pub(super) const fn cost(&self) -> Cost {
        match self {
            Self::No => FAR,
            Self::Route(cost) | Self::Way(cost, _) => *cost,
        }
    }

    fn reach(&self) -> Option<Reach> {
        (self.cost() != FAR).then(|| {
            let (assumptions, hops) = parts_of(self.cost());
            Reach { assumptions, hops }
        })
    }
}

/// A target, and how each identity reaches it.
#[derive(Clone, Debug)]
pub(super) struct Solved {
    pub(super) routes: Routes,
    pub(super) found: Vec<Found>,
}

/// Who can become what in a cluster.
///
/// Every identity is expanded once into a graph: what its rights and its groups' rights open by the catalogue's rows. A subject's closure is what is
/// reached there. Rights of two identities count together where a row needs several requests: each part of the row is a thing that any identity
/// may give, and a joint fires when all are reached. Where one request needs several rights, one identity must hold them all, for which roles count
/// that may be bound to it on the way.
///
/// Costs about what the grants are, times the rows that each opens; that of all proofs grows with what is asked.
#[derive(Clone, Debug)]
pub struct Escalation<'p> {
    pub(super) graph: Graph<'p>,
    pub(super) builder: Builder,
    cluster_admin: Solved,
    node: Solved,
}

impl<'p> Escalation<'p> {
    /// The closure of all subjects of a policy. Aggregated roles must have their rules ([`Policy::aggregate`]), and the default policy should be
    /// there ([`Origin::Default`]): its subjects are what others become on the way.
    pub fn of(policy: &'p Policy, facts: &'p Facts) -> Self {
        let mut graph = Graph::new(policy, facts);
        let mut builder = Builder::new(&mut graph);
        builder.run(&mut graph);
        let cluster_admin = solve(&graph, &goals(&graph, &Target::ClusterAdmin));
        let node = solve(&graph, &goals(&graph, &Target::Node));
        Self { graph, builder, cluster_admin, node }
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
            cluster_admin: self.cluster_admin.found[at].reach(),
            node: self.node.found[at].reach(),
        }
    }

    /// The best proof that a subject comes to a target: with the fewest assumptions, of those the shortest, of those the first in the order of the
    /// catalogue and the bindings. `None` if it does not come to it.
    pub fn proof(&self, identity: &Identity, target: &Target) -> Option<Proof<'_>> {
        let at = self.graph.identity(identity)?;
        match target {
            Target::ClusterAdmin => self.prove(&self.cluster_admin, at),
            Target::Node => self.prove(&self.node, at),
            Target::Identity(_) => {
                let goals = goals(&self.graph, target);
                self.prove(&solve(&self.graph, &goals), at)
            }
        }
    }

    fn prove(&self, solved: &Solved, at: u32) -> Option<Proof<'_>> {
        let way = way(&self.graph, solved, at)?;
        let goal = way.last()?.0;
        Some(Teller::new(&self.graph, &way).tell(goal))
    }

    /// All that a subject comes to, the nearest first; nothing that is farther than everything, which holds it all. Costs a walk through what it
    /// reaches.
    pub fn gains(&self, identity: &Identity) -> Vec<Gain<'_>> {
        let graph = &self.graph;
        let Some(at) = graph.identity(identity) else { return Vec::new() };
        let start = start_of(graph, at);
        let (mut walk, mut seen): (Walk, Vec<(NodeId, Cost)>) = (Walk::new(), Vec::new());
        walk.run(
            graph,
            start,
            FAR,
            |_| true,
            |node, cost| {
                seen.push((node, cost));
                graph.things[node as usize] == Thing::Everything
            },
        );
        let own = [Thing::Start(at), Thing::Identity(at)];
        let mut gains = Vec::new();
        let mut ends = std::collections::HashSet::new();
        for (node, cost) in seen {
            let reach = |cost: Cost| {
                let (assumptions, hops) = parts_of(cost);
                Reach { assumptions, hops }
            };
            if is_told(graph, node) && !own.contains(&graph.things[node as usize]) {
                let proof = Teller::new(graph, &walk.way(graph, node)).tell(node);
                gains.push(Gain { what: gained(graph, node), reach: reach(cost), proof });
            }
            for End { row, at, assumes, grounds, .. } in &graph.ends[node as usize] {
                if ends.insert((*row, *at)) {
                    let proof = Teller::new(graph, &walk.way(graph, node));
                    let proof = proof.tell_end(node, *row, *at, *assumes, *grounds);
                    let what = proof.hops.last().map_or(Gained::Effect(None), |hop| hop.to);
                    let assumed = graph.assumptions[usize::from(*assumes)].len();
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

/// How all identities reach goals.
pub(super) fn solve(graph: &Graph<'_>, goals: &[NodeId]) -> Solved {
    let routes = Routes::to(graph, goals);
    let mut walk = Walk::new();
    let found =
        (0..graph.identities.len() as u32).map(|at| reach(graph, &routes, goals, at, &mut walk)).collect();
    Solved { routes, found }
}

/// How one identity reaches goals.
pub(super) fn reach(graph: &Graph<'_>, routes: &Routes, goals: &[NodeId], at: u32, walk: &mut Walk) -> Found {
    let start = start_of(graph, at);
    let known = routes.cost[start as usize];
    if routes.may_improve(start) {
        let mut better = None;
        walk.run(
            graph,
            start,
            known,
            |node| routes.useful[node as usize],
            |node, cost| {
                let is_goal = goals.contains(&node);
                if is_goal {
                    better = Some((node, cost));
                }
                is_goal
            },
        );
        if let Some((goal, cost)) = better {
            return Found::Way(cost, walk.way(graph, goal));
        }
    }
    if known == FAR { Found::No } else { Found::Route(known) }
}

/// How an identity reaches the target, if it does.
pub(super) fn way(graph: &Graph<'_>, solved: &Solved, at: u32) -> Option<Vec<(NodeId, From)>> {
    match &solved.found[at as usize] {
        Found::No => None,
        Found::Route(_) => Some(solved.routes.way(graph, start_of(graph, at))),
        Found::Way(_, way) => Some(way.clone()),
    }
}

/// The bindings that every API server makes and whom they name, beside those of controllers.
/// Source: k8s.io/kubernetes `plugin/pkg/auth/authorizer/rbac/bootstrappolicy`.
const DEFAULT: &[(&str, &str, &str)] = &[
    ("cluster-admin", "Group", "system:masters"),
    ("system:monitoring", "Group", "system:monitoring"),
    ("system:discovery", "Group", "system:authenticated"),
    ("system:basic-user", "Group", "system:authenticated"),
    ("system:public-info-viewer", "Group", "system:authenticated"),
    ("system:public-info-viewer", "Group", "system:unauthenticated"),
    ("system:service-account-issuer-discovery", "Group", "system:serviceaccounts"),
    ("system:cluster-trust-bundle-discovery", "Group", "system:serviceaccounts"),
    ("system:node-proxier", "User", "system:kube-proxy"),
    ("system:kube-controller-manager", "User", "system:kube-controller-manager"),
    ("system:kube-scheduler", "User", "system:kube-scheduler"),
    ("system:volume-scheduler", "User", "system:kube-scheduler"),
    ("system:kube-dns", "ServiceAccount", "kube-dns"),
    ("system::extension-apiserver-authentication-reader", "User", "system:kube-controller-manager"),
    ("system::extension-apiserver-authentication-reader", "User", "system:kube-scheduler"),
    ("system::leader-locking-kube-controller-manager", "User", "system:kube-controller-manager"),
    ("system::leader-locking-kube-controller-manager", "ServiceAccount", "kube-controller-manager"),
    ("system::leader-locking-kube-controller-manager", "ServiceAccount", "leader-election-controller"),
    ("system::leader-locking-kube-scheduler", "User", "system:kube-scheduler"),
    ("system::leader-locking-kube-scheduler", "ServiceAccount", "kube-scheduler"),
];

/// Whether a grant is of the policy that every cluster has. In a dump, where it is an object like others, it is told by its names.
pub(super) fn is_default_grant(graph: &Graph<'_>, grant: (u32, u32)) -> bool {
    let binding = &graph.policy.bindings()[grant.0 as usize];
    if binding.origin == Origin::Default {
        return true;
    }
    let Some(subject) = binding.subjects.get(grant.1 as usize) else { return false };
    let role = binding.role_ref.name.as_str();
    let same_role = role == binding.name || Some(role) == binding.name.strip_prefix("system::");
    let in_system = subject.kind != "ServiceAccount" || subject.namespace == "kube-system";
    let of_controller = binding.name.strip_prefix("system:controller:") == Some(subject.name.as_str());
    let listed = DEFAULT.contains(&(binding.name.as_str(), subject.kind.as_str(), subject.name.as_str()));
    same_role && in_system && (listed || (of_controller && subject.kind == "ServiceAccount"))
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
