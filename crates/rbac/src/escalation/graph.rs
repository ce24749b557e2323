//! The graph that the closure walks: things that may be held, edges from one to what it gives, and joints that need several.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use super::catalogue::Fact;
use super::facts::{Assumption, Facts, Known};
use super::table::{Limit, RightId, TABLE};
use super::thing::{At, Identity, Thing, Which};
use crate::attributes::{AUTHENTICATED, NODES};
use crate::policy::Policy;

/// Index of a [`Thing`] in the graph.
pub(super) type NodeId = u32;

/// What an edge rests on beside its beginning: a rule, and the grant by which it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ground {
    /// Binding and subject in it; none where the role was bound by whoever goes this way.
    pub(super) grant: Option<(u32, u32)>,
    pub(super) role: Option<u32>,
    pub(super) rule: Option<u32>,
}

/// No row: one thing is part of the other.
pub(super) const PART_OF: u16 = u16::MAX;

/// An edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) to: NodeId,
    /// Index in the catalogue, or [`PART_OF`].
    pub(super) row: u16,
    /// Index of a set of assumptions.
    pub(super) assumes: u32,
    /// Which namespace the row is about.
    pub(super) at: At,
    /// A range in the grounds.
    pub(super) grounds: (u32, u32),
}

impl Edge {
    /// One that needs no right.
    pub(super) const fn plain(to: NodeId, row: u16, assumes: u32, at: At) -> Self {
        Self { to, row, assumes, at, grounds: (0, 0) }
    }
}

/// Something gained that goes no further.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) row: u16,
    pub(super) at: At,
    pub(super) assumes: u32,
    pub(super) grounds: (u32, u32),
    pub(super) names: Vec<String>,
}

/// Several things that together give one.
#[derive(Clone, Debug)]
pub(super) struct Joint {
    pub(super) parts: Vec<NodeId>,
    pub(super) edge: Edge,
    /// Whether it still stands.
    pub(super) lives: bool,
}

/// A right that a role's rule gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) right: RightId,
    pub(super) rule: u32,
    pub(super) kind: Kind,
}

/// [`Limit`] without its names, which the rule has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Free,
    Names,
    Created,
}

/// The most edges and joints that are made; beyond, the graph says that it is not whole.
const MOST: usize = 8_000_000;

/// The graph.
#[derive(Clone, Debug)]
pub(super) struct Graph<'p> {
    pub(super) policy: &'p Policy,
    pub(super) facts: &'p Facts,
    /// Namespaces, sorted, and then other names.
    pub(super) names: Vec<String>,
    namespaces: u32,
    by_name: HashMap<String, u32>,
    /// All identities, sorted.
    pub(super) identities: Vec<Identity>,
    by_identity: HashMap<Identity, u32>,
    /// For each identity the grants that name it, one a binding: binding and subject.
    pub(super) own: Vec<Vec<(u32, u32)>>,
    /// For each identity its groups, as far as a binding names them.
    pub(super) groups: Vec<Vec<u32>>,
    /// For each binding where it counts, and its role if there is one.
    pub(super) bindings: Vec<(At, Option<u32>)>,
    /// Accounts by their name.
    by_account: HashMap<String, Vec<u32>>,
    /// What must be taken for given, by the alternative and the place.
    by_alternative: HashMap<(u16, At), Option<u32>>,
    /// Grants that are taken away.
    pub(super) removed: HashSet<(u32, u32)>,
    /// For each role what its rules give.
    pub(super) profiles: Vec<Vec<Given>>,
    pub(super) things: Vec<Thing>,
    by_thing: HashMap<Thing, NodeId>,
    pub(super) edges: Vec<Vec<Edge>>,
    pub(super) ends: Vec<Vec<End>>,
    pub(super) joints: Vec<Joint>,
    /// For each node the joints that it is a part of.
    pub(super) part_of: Vec<Vec<u32>>,
    known_joints: HashMap<(Vec<NodeId>, NodeId), u32>,
    pub(super) grounds: Vec<Ground>,
    pub(super) assumptions: Vec<Vec<Assumption>>,
    by_assumptions: HashMap<Vec<Assumption>, u32>,
    /// Nodes that are still to be expanded.
    pub(super) todo: Vec<NodeId>,
    /// Rights that an identity holds in part, where one request needs several.
    pub(super) partials: Vec<Vec<(u16, u8, At)>>,
    /// Nodes whose partials are new.
    pub(super) partial_todo: Vec<NodeId>,
    size: usize,
    /// Whether something was left out because there was too much.
    pub(super) cut_short: bool,
}

impl<'p> Graph<'p> {
    /// The graph without edges: identities and what roles give.
    pub(super) fn new(policy: &'p Policy, facts: &'p Facts) -> Self {
        let mut found: BTreeSet<Identity> = BTreeSet::new();
        for binding in policy.bindings() {
            let within = binding.namespace.as_deref().unwrap_or_default();
            found.extend(binding.subjects.iter().filter_map(|subject| Identity::of(subject, within)));
        }
        let account = |namespace: &str, name: &str| Identity::Account {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        found.extend(facts.pods.iter().map(|pod| account(&pod.namespace, &pod.account)));
        found.extend(facts.accounts.iter().map(|(namespace, name)| account(namespace, name)));
        let identities: Vec<Identity> = found.into_iter().collect();
        let by_identity: HashMap<Identity, u32> =
            identities.iter().enumerate().map(|(at, one)| (one.clone(), at as u32)).collect();
        let mut own: Vec<Vec<(u32, u32)>> = vec![Vec::new(); identities.len()];
        for (index, binding) in policy.bindings().iter().enumerate() {
            let within = binding.namespace.as_deref().unwrap_or_default();
            for (subject, stated) in binding.subjects.iter().enumerate() {
                let Some(at) = Identity::of(stated, within).and_then(|one| by_identity.get(&one)) else {
                    continue;
                };
                let grants = &mut own[*at as usize];
                if grants.last().is_none_or(|(last, _)| *last != index as u32) {
                    grants.push((index as u32, subject as u32));
                }
            }
        }
        let groups = identities.iter().map(|one| {
            let groups = one.groups().into_iter();
            groups.filter_map(|group| by_identity.get(&Identity::Group(group)).copied()).collect()
        });
        let profiles = policy.roles().iter().map(|role| profile(&role.rules)).collect();
        let mut graph = Self {
            policy,
            facts,
            names: Vec::new(),
            namespaces: 0,
            by_name: HashMap::new(),
            groups: groups.collect(),
            identities,
            by_identity,
            own,
            bindings: Vec::new(),
            by_account: HashMap::new(),
            by_alternative: HashMap::new(),
            removed: HashSet::new(),
            profiles,
            things: Vec::new(),
            by_thing: HashMap::new(),
            edges: Vec::new(),
            ends: Vec::new(),
            joints: Vec::new(),
            part_of: Vec::new(),
            known_joints: HashMap::new(),
            grounds: Vec::new(),
            assumptions: vec![Vec::new()],
            by_assumptions: std::iter::once((Vec::new(), 0)).collect(),
            todo: Vec::new(),
            partials: Vec::new(),
            partial_todo: Vec::new(),
            size: 0,
            cut_short: false,
        };
        // Namespaces come first, so that their numbers are sorted.
        let mut namespaces: BTreeSet<String> = facts.namespaces.keys().cloned().collect();
        namespaces.extend(policy.bindings().iter().filter_map(|binding| binding.namespace.clone()));
        namespaces.extend(graph.identities.iter().filter_map(|one| match one {
            Identity::Account { namespace, .. } => Some(namespace.clone()),
            _ => None,
        }));
        namespaces.extend(facts.pods.iter().map(|pod| pod.namespace.clone()));
        // That every cluster has.
        namespaces.insert("kube-system".to_owned());
        for namespace in namespaces {
            graph.name(&namespace);
        }
        graph.namespaces = graph.names.len() as u32;
        for binding in policy.bindings() {
            let at = binding.namespace.as_deref().map_or(At::All, |namespace| At::In(graph.name(namespace)));
            let role = policy.resolve(&binding.role_ref, binding.namespace.as_deref().unwrap_or_default());
            graph.bindings.push((at, role.ok().map(|role| role as u32)));
        }
        for (at, identity) in graph.identities.iter().enumerate() {
            if let Identity::Account { name, .. } = identity {
                graph.by_account.entry(name.clone()).or_default().push(at as u32);
            }
        }
        graph
    }

    /// The number of a name.
    pub(super) fn name(&mut self, name: &str) -> u32 {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        let next = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), next);
        next
    }

    /// The namespaces that are known, in order.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.namespaces
    }

    pub(super) fn text(&self, name: u32) -> &str {
        &self.names[name as usize]
    }

    pub(super) fn identity(&self, identity: &Identity) -> Option<u32> {
        self.by_identity.get(identity).copied()
    }

    pub(super) fn group(&self, name: &str) -> Option<u32> {
        self.identity(&Identity::Group(name.to_owned()))
    }

    /// The node of a thing, which is expanded later if it is new.
    pub(super) fn node(&mut self, thing: Thing) -> NodeId {
        if let Some(known) = self.by_thing.get(&thing) {
            return *known;
        }
        let next = self.things.len() as NodeId;
        self.things.push(thing);
        self.by_thing.insert(thing, next);
        self.edges.push(Vec::new());
        self.ends.push(Vec::new());
        self.part_of.push(Vec::new());
        self.partials.push(Vec::new());
        self.todo.push(next);
        next
    }

    pub(super) fn find(&self, thing: Thing) -> Option<NodeId> {
        self.by_thing.get(&thing).copied()
    }

    fn has_room(&mut self) -> bool {
        self.size += 1;
        let room = self.size < MOST;
        self.cut_short |= !room;
        room
    }

    /// One thing is part of another, or is one.
    pub(super) fn contain(&mut self, from: NodeId, thing: Thing) {
        let to = self.node(thing);
        let known = self.edges[from as usize].iter().any(|edge| edge.to == to && edge.row == PART_OF);
        if from != to && !known && self.has_room() {
            self.edges[from as usize].push(Edge::plain(to, PART_OF, 0, At::All));
        }
    }

    /// The same for many of which none is known yet.
    pub(super) fn contain_all(&mut self, from: NodeId, things: Vec<Thing>) {
        for thing in things {
            let to = self.node(thing);
            if self.has_room() {
                self.edges[from as usize].push(Edge::plain(to, PART_OF, 0, At::All));
            }
        }
    }

    /// An edge that needs no right.
    pub(super) fn follow(&mut self, from: NodeId, row: u16, assumes: u32, at: At, to: Thing) {
        let to = self.node(to);
        if self.has_room() {
            self.edges[from as usize].push(Edge::plain(to, row, assumes, at));
        }
    }

    pub(super) fn push(&mut self, from: NodeId, edge: Edge) {
        if self.has_room() {
            self.edges[from as usize].push(edge);
        }
    }

    /// Several things that give one. What one part alone gives by a containing thing is the caller's to see.
    pub(super) fn join(&mut self, mut parts: Vec<NodeId>, edge: Edge) -> Option<u32> {
        parts.sort_unstable();
        parts.dedup();
        let key = (parts, edge.to);
        if let Some(known) = self.known_joints.get(&key) {
            let fewer = |edge: &Edge| self.assumptions[edge.assumes as usize].len();
            let joint = &self.joints[*known as usize];
            if joint.lives && fewer(&joint.edge) <= fewer(&edge) {
                return None;
            }
            self.joints[*known as usize] = Joint { parts: key.0, edge, lives: true };
            return Some(*known);
        }
        if !self.has_room() {
            return None;
        }
        let next = self.joints.len() as u32;
        for part in &key.0 {
            self.part_of[*part as usize].push(next);
        }
        self.joints.push(Joint { parts: key.0.clone(), edge, lives: true });
        self.known_joints.insert(key, next);
        Some(next)
    }

    pub(super) fn ground(&mut self, grounds: &[Ground]) -> (u32, u32) {
        let begin = self.grounds.len() as u32;
        self.grounds.extend_from_slice(grounds);
        (begin, self.grounds.len() as u32)
    }

    /// The number of a set of assumptions.
    pub(super) fn assume(&mut self, mut assumptions: Vec<Assumption>) -> u32 {
        assumptions.sort();
        assumptions.dedup();
        if let Some(known) = self.by_assumptions.get(&assumptions) {
            return *known;
        }
        let next = self.assumptions.len() as u32;
        self.assumptions.push(assumptions.clone());
        self.by_assumptions.insert(assumptions, next);
        next
    }

    /// Takes a fact for given, whatever is known of it.
    pub(super) fn suppose(&mut self, fact: Fact, at: At) -> u32 {
        let namespace = match at {
            At::In(namespace) if is_local(fact) => Some(self.text(namespace).to_owned()),
            _ => None,
        };
        self.assume(vec![Assumption { fact, namespace }])
    }

    /// What must be taken for given so that all facts hold; `None` where one does not.
    pub(super) fn granted(&mut self, facts: &[Fact], at: At) -> Option<u32> {
        let mut assumed = Vec::new();
        for fact in facts {
            match self.judge(*fact, at) {
                Known::Yes => {}
                Known::No => return None,
                Known::Unknown => {
                    let namespace = match at {
                        At::In(namespace) if is_local(*fact) => Some(self.text(namespace).to_owned()),
                        _ => None,
                    };
                    assumed.push(Assumption { fact: *fact, namespace });
                }
            }
        }
        Some(self.assume(assumed))
    }

    fn judge(&self, fact: Fact, at: At) -> Known {
        let namespace = match at {
            At::All => None,
            At::In(namespace) => Some(self.text(namespace)),
        };
        match fact {
            Fact::PrivilegedPods if namespace.is_none() => {
                let all = self.namespaces().map(|one| self.facts.judge(fact, Some(self.text(one))));
                let found: Vec<Known> = all.collect();
                if found.contains(&Known::Yes) {
                    Known::Yes
                } else {
                    Known::of(false).unless(!self.facts.complete || found.contains(&Known::Unknown))
                }
            }
            Fact::MissingRole => Known::of(self.policy.bindings().iter().any(|binding| {
                binding.namespace.is_some()
                    && binding.role_ref.kind == "Role"
                    && namespace.is_none_or(|one| binding.namespace.as_deref() == Some(one))
                    && self
                        .policy
                        .resolve(&binding.role_ref, binding.namespace.as_deref().unwrap_or_default())
                        .is_err()
            })),
            Fact::MissingAccount => {
                if !self.facts.complete {
                    return Known::Unknown;
                }
                let missing = (0..self.identities.len() as u32).any(|one| {
                    let here = match &self.identities[one as usize] {
                        Identity::Account { namespace: own, .. } => namespace.is_none_or(|one| one == own),
                        _ => false,
                    };
                    here && !self.exists(one)
                });
                Known::of(missing)
            }
            Fact::AggregatedRole => Known::of(self.policy.bindings().iter().any(|binding| {
                let role = self.policy.cluster_role(&binding.role_ref.name);
                binding.role_ref.kind == "ClusterRole"
                    && role.is_some_and(|role| self.policy.roles()[role].aggregation.is_some())
            })),
            Fact::BroadAggregation => Known::of(self.policy.roles().iter().any(|role| {
                let selectors = role.aggregation.iter().flatten();
                selectors.clone().any(|one| {
                    one.match_labels.is_empty()
                        && one
                            .match_expressions
                            .iter()
                            .all(|own| own.operator == "NotIn" || own.operator == "DoesNotExist")
                })
            })),
            _ => self.facts.judge(fact, namespace),
        }
    }

    /// Whether an account is there, as far as anybody knows.
    pub(super) fn exists(&self, identity: u32) -> bool {
        match &self.identities[identity as usize] {
            Identity::Account { namespace, name } if self.facts.complete => {
                name == "default" || self.facts.accounts.contains(&(namespace.clone(), name.clone()))
            }
            _ => true,
        }
    }

    /// The grants of an identity, its own and then those of its groups, without those that are taken away.
    pub(super) fn grants_of(&self, identity: u32) -> Vec<(u32, u32)> {
        let groups = &self.groups[identity as usize];
        let all = std::iter::once(identity).chain(groups.iter().copied());
        all.flat_map(|one| self.own[one as usize].iter().copied())
            .filter(|grant| !self.removed.contains(grant))
            .collect()
    }

    /// The grants of a node's own identity: those of the group of nodes, of all who are known, and of its user.
    pub(super) fn grants_of_node(&self, node: Which<u32>) -> Vec<(u32, u32)> {
        let user = match node {
            Which::Named(name) => self.identity(&Identity::User(format!("system:node:{}", self.text(name)))),
            _ => None,
        };
        let all = [user, self.group(NODES), self.group(AUTHENTICATED)];
        let all = all.into_iter().flatten().flat_map(|one| self.own[one as usize].iter().copied());
        all.filter(|grant| !self.removed.contains(grant)).collect()
    }

    /// The accounts of this name, in any namespace.
    pub(super) fn accounts_of_name(&self, name: &str) -> &[u32] {
        self.by_account.get(name).map_or(&[], Vec::as_slice)
    }

    /// What must be taken for given so that the facts of an alternative hold at a place; `None` where one does not.
    pub(super) fn granted_for(&mut self, alternative: u16, at: At) -> Option<u32> {
        if let Some(known) = self.by_alternative.get(&(alternative, at)) {
            return *known;
        }
        let granted = self.granted(&TABLE.alternatives[usize::from(alternative)].facts, at);
        self.by_alternative.insert((alternative, at), granted);
        granted
    }
}

/// Whether a fact is about a namespace.
const fn is_local(fact: Fact) -> bool {
    matches!(
        fact,
        Fact::PrivilegedPods
            | Fact::PodsOfOthers
            | Fact::PodOnHost
            | Fact::PodWithNodeLogs
            | Fact::TokenSecret
            | Fact::MissingAccount
            | Fact::MissingRole
            | Fact::InsideOfPod
    )
}

/// What rules give, by right.
pub(super) fn profile(rules: &[crate::model::Rule]) -> Vec<Given> {
    let mut all = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        all.extend(TABLE.given_by(rule).into_iter().map(|(right, limit)| Given {
            right,
            rule: at as u32,
            kind: match limit {
                Limit::Free => Kind::Free,
                Limit::Names(_) => Kind::Names,
                Limit::Created(_) => Kind::Created,
            },
        }));
    }
    all.sort_by_key(|given| (given.right, given.rule));
    all
}
