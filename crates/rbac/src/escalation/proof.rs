//! Proofs: how a subject comes to what it gains, hop by hop.

use std::collections::HashMap;

use super::catalogue::{CATALOGUE, Row};
use super::facts::Assumption;
use super::graph::{Edge, Graph, Ground, NodeId, PART_OF};
use super::search::From;
use super::thing::{At, Gained, Thing, Which};

/// A grant: a subject of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grant {
    /// Index of the binding.
    pub binding: usize,
    /// Index of the subject in it.
    pub subject: usize,
}

/// What a hop rests on: a rule that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<'e> {
    /// Who holds it: the subject itself, or whom it became before.
    pub who: Gained<'e>,
    /// The grant; none where an earlier hop bound the role.
    pub grant: Option<Grant>,
    /// Index of the role.
    pub role: Option<usize>,
    /// Index of the rule in it; none where it is the grant that counts. [`crate::policy::Policy::written_at`] says where an aggregated
    /// rule is written.
    pub rule: Option<usize>,
}

/// One step of a proof.
#[derive(Clone, Debug)]
pub struct Hop<'e> {
    /// By which row.
    pub row: &'static Row,
    /// In which namespace, where the row is about one.
    pub namespace: Option<&'e str>,
    /// The rules that give the right to it. None for what follows of itself.
    pub by: Vec<Use<'e>>,
    /// Hops before it that it needs, by their index.
    pub after: Vec<usize>,
    /// What it takes for given.
    pub assumptions: Vec<Assumption>,
    /// What is gained.
    pub to: Gained<'e>,
}

impl Hop<'_> {
    /// The row's sentence, with the place.
    pub fn say(&self) -> String {
        let place = match self.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in every namespace".to_owned(),
        };
        self.row.say(&place, &[])
    }
}

/// How something is gained. The last hop gains it.
#[derive(Clone, Debug, Default)]
pub struct Proof<'e> {
    /// The hops, each after those that it needs.
    pub hops: Vec<Hop<'e>>,
}

impl Proof<'_> {
    /// What must be so that nobody knows, each once, in order.
    pub fn assumptions(&self) -> Vec<&Assumption> {
        let mut all: Vec<&Assumption> = self.hops.iter().flat_map(|hop| &hop.assumptions).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The grants that it rests on, each once, in order.
    pub fn grants(&self) -> Vec<Grant> {
        let mut all: Vec<Grant> =
            self.hops.iter().flat_map(|hop| &hop.by).filter_map(|one| one.grant).collect();
        all.sort();
        all.dedup();
        all
    }
}

fn grounds<'g>(graph: &'g Graph<'_>, edge: &Edge) -> &'g [Ground] {
    &graph.grounds[edge.grounds.0 as usize..edge.grounds.1 as usize]
}

/// Turns a way into hops: what is merely contained in something is told with it.
pub(super) struct Teller<'e, 'p> {
    graph: &'e Graph<'p>,
    from: HashMap<NodeId, From>,
    told: HashMap<NodeId, (Option<usize>, Vec<Assumption>)>,
    hops: Vec<Hop<'e>>,
}

/// What a joint takes of a part: the hop before, who holds it, by which rules, and what it assumes.
struct Taken<'e> {
    after: Option<usize>,
    by: Vec<Use<'e>>,
    assumptions: Vec<Assumption>,
}

impl<'e, 'p> Teller<'e, 'p> {
    pub(super) fn new(graph: &'e Graph<'p>, way: &[(NodeId, From)]) -> Self {
        Self { graph, from: way.iter().copied().collect(), told: HashMap::new(), hops: Vec::new() }
    }

    /// The proof of the last node of the way.
    pub(super) fn tell(mut self, goal: NodeId) -> Proof<'e> {
        self.emit(goal);
        Proof { hops: self.hops }
    }

    /// The same for something that ends there, by an edge that is not in the graph.
    pub(super) fn tell_end(
        mut self,
        holder: NodeId,
        row: u16,
        at: At,
        assumes: u32,
        by: (u32, u32),
    ) -> Proof<'e> {
        let (after, mut assumptions) = self.emit(holder);
        assumptions.extend(self.graph.assumptions[assumes as usize].iter().cloned());
        let by = self.uses(holder, &self.graph.grounds[by.0 as usize..by.1 as usize]);
        let namespace = self.namespace(at);
        self.hops.push(Hop {
            row: &CATALOGUE[usize::from(row)],
            namespace,
            by,
            after: after.into_iter().collect(),
            assumptions,
            to: Gained::Effect(namespace),
        });
        Proof { hops: self.hops }
    }

    fn namespace(&self, at: At) -> Option<&'e str> {
        match at {
            At::All => None,
            At::In(namespace) => Some(self.graph.text(namespace)),
        }
    }

    fn uses(&self, who: NodeId, grounds: &[Ground]) -> Vec<Use<'e>> {
        let who = gained(self.graph, who);
        let all = grounds.iter().map(|ground| Use {
            who,
            grant: ground
                .grant
                .map(|(binding, subject)| Grant { binding: binding as usize, subject: subject as usize }),
            role: ground.role.map(|role| role as usize),
            rule: ground.rule.map(|rule| rule as usize),
        });
        all.collect()
    }

    /// Tells the hop that gains a node; none if it is had from the beginning. Assumptions that no hop carries yet are handed on.
    fn emit(&mut self, node: NodeId) -> (Option<usize>, Vec<Assumption>) {
        if let Some(known) = self.told.get(&node) {
            return known.clone();
        }
        let mut assumptions = Vec::new();
        let mut at = node;
        let result = loop {
            match self.from.get(&at).copied().unwrap_or(From::Nothing) {
                From::Nothing => break (None, assumptions),
                From::Edge(from, index) => {
                    let edge = self.graph.edges[from as usize][index as usize];
                    assumptions.extend(self.graph.assumptions[edge.assumes as usize].iter().cloned());
                    if edge.row == PART_OF {
                        at = from;
                        continue;
                    }
                    let (after, more) = self.emit(from);
                    assumptions.extend(more);
                    let by = self.uses(from, grounds(self.graph, &edge));
                    let hop = self.hop(&edge, by, after.into_iter().collect(), assumptions, node);
                    break (Some(hop), Vec::new());
                }
                From::Joint(joint) => {
                    let all = &self.graph.joints[joint as usize];
                    let edge = all.edge;
                    assumptions.extend(self.graph.assumptions[edge.assumes as usize].iter().cloned());
                    let (mut by, mut after) = (Vec::new(), Vec::new());
                    let holder = all.parts.first().copied();
                    for part in all.parts.clone() {
                        let taken = self.take(part);
                        by.extend(taken.by);
                        after.extend(taken.after);
                        assumptions.extend(taken.assumptions);
                    }
                    // The rights that one holder has and another thing completes.
                    by.extend(
                        holder
                            .map(|holder| self.uses(holder, grounds(self.graph, &edge)))
                            .into_iter()
                            .flatten(),
                    );
                    after.sort_unstable();
                    after.dedup();
                    let hop = self.hop(&edge, by, after, assumptions, node);
                    break (Some(hop), Vec::new());
                }
            }
        };
        self.told.insert(node, result.clone());
        result
    }

    fn hop(
        &mut self,
        edge: &Edge,
        by: Vec<Use<'e>>,
        after: Vec<usize>,
        mut assumptions: Vec<Assumption>,
        to: NodeId,
    ) -> usize {
        assumptions.sort();
        assumptions.dedup();
        self.hops.push(Hop {
            row: &CATALOGUE[usize::from(edge.row)],
            namespace: self.namespace(edge.at),
            by,
            after,
            assumptions,
            to: gained(self.graph, to),
        });
        self.hops.len() - 1
    }

    fn take(&mut self, part: NodeId) -> Taken<'e> {
        let (mut at, mut assumptions) = (part, Vec::new());
        while let From::Edge(from, index) = self.from.get(&at).copied().unwrap_or(From::Nothing) {
            let edge = self.graph.edges[from as usize][index as usize];
            if edge.row != PART_OF {
                break;
            }
            let own = grounds(self.graph, &edge);
            // A right that somebody has, or a role that is bound to whom one became.
            let is_right = !own.is_empty() || is_means(self.graph.things[at as usize]);
            assumptions.extend(self.graph.assumptions[edge.assumes as usize].iter().cloned());
            if is_right && !is_means(self.graph.things[from as usize]) {
                let by = self.uses(from, own);
                let (after, more) = self.emit(from);
                assumptions.extend(more);
                return Taken { after, by, assumptions };
            }
            at = from;
        }
        let (after, more) = self.emit(part);
        Taken { after, by: Vec::new(), assumptions: more }
    }
}

/// Whether a thing is but a means to join others.
const fn is_means(thing: Thing) -> bool {
    matches!(
        thing,
        Thing::Part { .. }
            | Thing::BoundTo(..)
            | Thing::BoundAny(..)
            | Thing::BoundMissing(..)
            | Thing::BoundMissingAny(..)
            | Thing::BindsAny(..)
            | Thing::AggregatedBound(_)
            | Thing::Feed
            | Thing::HaveNode
            | Thing::InPod(_)
            | Thing::UnknownPods(_)
            | Thing::Start(_)
    )
}

/// A node as people see it; for what is but a means, that of which it is one, as near as there is a word for it.
pub(super) fn gained<'e>(graph: &'e Graph<'_>, node: NodeId) -> Gained<'e> {
    let place = |at: At| match at {
        At::All => None,
        At::In(namespace) => Some(graph.text(namespace)),
    };
    let which = |which: Which<u32>| match which {
        Which::Any => Which::Any,
        Which::Named(name) => Which::Named(graph.text(name)),
        Which::Some => Which::Some,
    };
    match graph.things[node as usize] {
        Thing::Start(identity) | Thing::Identity(identity) => {
            Gained::Identity(&graph.identities[identity as usize])
        }
        Thing::NodeIdentity(node) => Gained::NodeIdentity(which(node)),
        Thing::NodeRoot(node) => Gained::NodeRoot(which(node)),
        Thing::HaveNode => Gained::NodeRoot(Which::Some),
        Thing::Everything => Gained::Everything,
        Thing::EverythingIn(namespace) => Gained::EverythingIn(graph.text(namespace)),
        Thing::Bound(role, at) | Thing::BoundTo(role, at) => {
            Gained::Role { role: role as usize, namespace: place(at) }
        }
        Thing::RolesOf(at) | Thing::BindsAny(_, at) => Gained::Roles(place(at)),
        Thing::RoleRules(role) => Gained::RoleRules(role as usize),
        Thing::AllRoleRules(kind, at) | Thing::BoundAny(kind, at) => Gained::AllRoleRules(kind, place(at)),
        Thing::NewRoles(kind, at, name) => {
            Gained::NewRoles(kind, place(at), name.map(|name| graph.text(name)))
        }
        Thing::BoundMissing(kind, at, name) => Gained::NewRoles(kind, place(at), Some(graph.text(name))),
        Thing::BoundMissingAny(kind, at) => Gained::NewRoles(kind, place(at), None),
        Thing::Feed | Thing::AggregatedBound(_) => {
            Gained::AllRoleRules(crate::model::RoleKind::ClusterRole, None)
        }
        Thing::Accounts(at) => Gained::Accounts(place(at)),
        Thing::Users => Gained::Users,
        Thing::AnyUser => Gained::AnyUser,
        Thing::Secrets(at) => Gained::Secrets(place(at)),
        Thing::Secret(namespace, name) => {
            Gained::Secret { namespace: graph.text(namespace), name: graph.text(name) }
        }
        Thing::OwnPods(at) => Gained::OwnPods(place(at)),
        Thing::Pods(at) | Thing::UnknownPods(at) => Gained::Pods(place(at)),
        Thing::Pod(pod) | Thing::InPod(pod) => Gained::Pod(pod as usize),
        Thing::PodsOfNode(name) => Gained::PodsOfNode(graph.text(name)),
        Thing::Labels(at) => Gained::NamespaceLabels(place(at)),
        Thing::NewAccounts(at) => Gained::NewAccounts(place(at)),
        Thing::Controller(_) => Gained::Controller,
        Thing::Part { at, .. } => Gained::Effect(place(at)),
    }
}

/// Whether a node is something to tell of by itself.
pub(super) fn is_told(graph: &Graph<'_>, node: NodeId) -> bool {
    !is_means(graph.things[node as usize])
}
