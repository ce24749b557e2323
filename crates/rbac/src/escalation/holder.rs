//! What one holder's rights meet: an identity with its grants, or a role that may be bound to anyone.

use super::catalogue::{CATALOGUE, Gain, Names, Place};
use super::graph::{Edge, End, Given, Graph, Ground, Kind, NodeId};
use super::table::{RightId, TABLE};
use super::thing::{At, Thing};

/// A role that is held, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// Index of the role; `None` for one that gives everything.
    pub(super) role: Option<u32>,
    /// Where it counts.
    pub(super) at: At,
    /// Binding and subject, if one gives it.
    pub(super) grant: Option<(u32, u32)>,
    /// The thing that gives it, beside the holder.
    pub(super) via: Option<NodeId>,
}

/// A right of a holder.
#[derive(Clone, Copy, Debug)]
struct Source {
    given: Given,
    held: u32,
}

/// One way in which rights are met together.
#[derive(Clone, Debug)]
pub(super) struct Met<'p> {
    /// The objects to which it is limited.
    pub(super) names: Option<Vec<&'p str>>,
    /// What gives it: indexes of what is held, and of the rule.
    pub(super) by: Vec<(u32, u32)>,
}

/// The most ways of meeting rights together that are followed for one holder, place and row.
const MOST_WAYS: usize = 64;

/// A holder with its rights in order.
pub(super) struct Holder<'p> {
    pub(super) held: Vec<Held>,
    sources: Vec<Source>,
    policy: &'p crate::policy::Policy,
}

impl<'p> Holder<'p> {
    pub(super) fn new(graph: &Graph<'p>, held: Vec<Held>, everything: &[Given]) -> Self {
        let mut sources = Vec::new();
        for (at, one) in held.iter().enumerate() {
            let profile = one.role.map_or(everything, |role| graph.profiles[role as usize].as_slice());
            sources.extend(profile.iter().map(|given| Source { given: *given, held: at as u32 }));
        }
        sources.sort_by_key(|source| source.given.right);
        Self { held, sources, policy: graph.policy }
    }

    /// The same holder with more roles, and only with what gives some rights.
    pub(super) fn with(&self, graph: &Graph<'p>, more: &[Held], rights: &[RightId]) -> Self {
        let wanted = |right: RightId| {
            rights.iter().any(|one| *one == right || TABLE.apply[usize::from(*one)] == Some(right))
        };
        let mut sources: Vec<Source> =
            self.sources.iter().filter(|source| wanted(source.given.right)).copied().collect();
        let mut held = self.held.clone();
        for one in more {
            let profile = one.role.map_or(&[][..], |role| graph.profiles[role as usize].as_slice());
            let given = profile.iter().filter(|given| wanted(given.right));
            sources.extend(given.map(|given| Source { given: *given, held: held.len() as u32 }));
            held.push(*one);
        }
        sources.sort_by_key(|source| source.given.right);
        Self { held, sources, policy: self.policy }
    }

    fn of(&self, right: RightId) -> &[Source] {
        let begin = self.sources.partition_point(|source| source.given.right < right);
        let end = self.sources.partition_point(|source| source.given.right <= right);
        &self.sources[begin..end]
    }

    fn names(&self, source: &Source) -> &'p [String] {
        let policy: &'p crate::policy::Policy = self.policy;
        self.held[source.held as usize].role.map_or(&[], |role| {
            &policy.roles()[role as usize].rules[source.given.rule as usize].resource_names
        })
    }

    /// The sources of a right that count at a place.
    fn counting<'s>(
        &'s self,
        graph: &'s Graph<'p>,
        right: RightId,
        at: At,
    ) -> impl Iterator<Item = &'s Source> {
        let place = TABLE.rights[usize::from(right)].place();
        self.of(right).iter().filter(move |source| match (self.held[source.held as usize].at, place) {
            (At::All, _) => true,
            (At::In(_), Place::Cluster) => false,
            (At::In(own), Place::In(namespace)) => graph.text(own) == namespace,
            (own @ At::In(_), Place::Here) => own == at,
        })
    }

    /// The ways in which one right is met: without a limit if there is such, otherwise all with one.
    fn right(&self, graph: &Graph<'p>, right: RightId, at: At) -> Vec<Met<'p>> {
        let names = TABLE.rights[usize::from(right)].names();
        let (mut limited, mut any): (Vec<Met<'p>>, Option<Met<'p>>) = (Vec::new(), None);
        for source in self.counting(graph, right, at) {
            let by = (source.held, source.given.rule);
            let own = self.names(source);
            let (own, by): (Vec<&'p str>, _) = match source.given.kind {
                Kind::Free => return vec![Met { names: None, by: vec![by] }],
                Kind::Names => (own.iter().map(String::as_str).collect(), vec![by]),
                Kind::Created => match self.applied(graph, right, at, own) {
                    Some((names, patch)) => (names, vec![by, patch]),
                    None => continue,
                },
            };
            match names {
                Names::Limit => limited.push(Met { names: Some(own), by }),
                Names::Namespace => {
                    let here = matches!(at, At::In(own_name) if own.contains(&graph.text(own_name)));
                    if here && any.is_none() {
                        any = Some(Met { names: None, by });
                    }
                }
                Names::Any | Names::Of(_) | Names::Prefix(_) if any.is_none() => {
                    any = Some(Met { names: None, by });
                }
                _ => {}
            }
        }
        any.map_or(limited, |any| vec![any])
    }

    /// Of names that may be created, those that may be patched too, and what gives that.
    fn applied(
        &self,
        graph: &Graph<'p>,
        right: RightId,
        at: At,
        created: &'p [String],
    ) -> Option<(Vec<&'p str>, (u32, u32))> {
        let patch = TABLE.apply[usize::from(right)]?;
        self.counting(graph, patch, at).find_map(|source| {
            let own = self.names(source);
            let both = created.iter().filter(|name| match source.given.kind {
                Kind::Free => true,
                Kind::Names => own.contains(name),
                Kind::Created => false,
            });
            let both: Vec<&'p str> = both.map(String::as_str).collect();
            (!both.is_empty()).then_some((both, (source.held, source.given.rule)))
        })
    }

    /// The ways in which rights are met together at a place.
    pub(super) fn group(&self, graph: &Graph<'p>, rights: &[RightId], at: At) -> Vec<Met<'p>> {
        let mut ways = vec![Met { names: None, by: Vec::new() }];
        for right in rights {
            let more = self.right(graph, *right, at);
            let mut both = Vec::new();
            for way in &ways {
                for other in &more {
                    if both.len() >= MOST_WAYS {
                        break;
                    }
                    let names = match (&way.names, &other.names) {
                        (Some(own), Some(others)) => {
                            let common: Vec<&'p str> =
                                own.iter().copied().filter(|name| others.contains(name)).collect();
                            if common.is_empty() {
                                continue;
                            }
                            Some(common)
                        }
                        (own, others) => own.clone().or_else(|| others.clone()),
                    };
                    let mut by = way.by.clone();
                    by.extend(&other.by);
                    both.push(Met { names, by });
                }
            }
            ways = both;
            if ways.is_empty() {
                break;
            }
        }
        ways
    }

    /// How many of the rights are met by themselves.
    fn share(&self, graph: &Graph<'p>, rights: &[RightId], at: At) -> usize {
        rights.iter().filter(|right| !self.right(graph, **right, at).is_empty()).count()
    }

    /// The places that its rights are about: everywhere, and the namespaces of its bindings and of the names in its rules.
    fn places(&self, graph: &mut Graph<'p>) -> Vec<u32> {
        let mut places: Vec<u32> = Vec::new();
        for held in &self.held {
            if let At::In(namespace) = held.at {
                places.push(namespace);
            }
        }
        for source in &self.sources {
            let of_namespaces = TABLE.rights[usize::from(source.given.right)].names() == Names::Namespace;
            if of_namespaces && source.given.kind == Kind::Names {
                for name in self.names(source) {
                    places.push(graph.name(name));
                }
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The alternatives that a right of the holder is part of and that are about this place.
    fn candidates(&self, at: At) -> Vec<u16> {
        let mut found: Vec<u16> = Vec::new();
        let mut last = None;
        for source in &self.sources {
            let right = source.given.right;
            let asked = &TABLE.rights[usize::from(right)];
            let relevant = match (at, self.held[source.held as usize].at) {
                (At::All, At::All) => true,
                (At::All, At::In(_)) => matches!(asked.place(), Place::In(_)),
                (At::In(_), At::All) => asked.names() == Names::Namespace && source.given.kind == Kind::Names,
                (here, own) => here == own && asked.place() == Place::Here,
            };
            if relevant && last != Some(right) {
                found.extend(&TABLE.uses[usize::from(right)]);
                last = Some(right);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The grounds of a way, in order.
    fn grounds(&self, by: &[(u32, u32)]) -> Vec<Ground> {
        let mut grounds: Vec<Ground> = Vec::new();
        for (held, rule) in by {
            let one = &self.held[*held as usize];
            let ground = Ground { grant: one.grant, role: one.role, rule: one.role.map(|_| *rule) };
            if !grounds.contains(&ground) {
                grounds.push(ground);
            }
        }
        grounds
    }

    /// The things beside the holder that a way needs.
    pub(super) fn via(&self, met: &Met<'_>) -> Vec<NodeId> {
        let mut via: Vec<NodeId> =
            met.by.iter().filter_map(|(held, _)| self.held[*held as usize].via).collect();
        via.sort_unstable();
        via.dedup();
        via
    }

    /// The edges of one way of an alternative at a place: to what it gains, or to the part that it is.
    pub(super) fn edges(
        &self,
        graph: &mut Graph<'p>,
        alternative: u16,
        part: u8,
        at: At,
        met: &Met<'p>,
    ) -> Vec<Edge> {
        let way = &TABLE.alternatives[usize::from(alternative)];
        if !way.is_single() {
            let to = graph.node(Thing::Part { alternative, part, at });
            let grounds = graph.ground(&self.grounds(&met.by));
            return vec![Edge { to, row: super::graph::PART_OF, assumes: 0, at, grounds }];
        }
        let gain = CATALOGUE[usize::from(way.row)].gain;
        let Some(assumes) = graph.granted_for(alternative, at) else { return Vec::new() };
        if let Gain::JoinBindings { role, everywhere } = gain {
            return self.joined(graph, way.row, role, everywhere, at, met, assumes);
        }
        let targets = graph.targets(way.row, gain, at, met.names.as_deref());
        if targets.is_empty() {
            return Vec::new();
        }
        let grounds = graph.ground(&self.grounds(&met.by));
        targets
            .into_iter()
            .map(|thing| Edge { to: graph.node(thing), row: way.row, assumes, at, grounds })
            .collect()
    }

    /// The roles of bindings to which the holder may add itself: the binding must be one that it may change.
    #[expect(clippy::too_many_arguments, reason = "what an edge is made of")]
    fn joined(
        &self,
        graph: &mut Graph<'p>,
        row: u16,
        kind: crate::model::RoleKind,
        everywhere: bool,
        at: At,
        met: &Met<'p>,
        assumes: u32,
    ) -> Vec<Edge> {
        let policy: &'p crate::policy::Policy = self.policy;
        let way = TABLE.alternatives.iter().find(|one| one.row == row);
        let Some(change) = way.and_then(|way| way.groups.first()).and_then(|group| group.get(1)).copied()
        else {
            return Vec::new();
        };
        let mut edges = Vec::new();
        let bindings: Vec<usize> = match at {
            _ if everywhere => policy.cluster_bindings().to_vec(),
            At::In(namespace) => policy.bindings_in(graph.text(namespace)).to_vec(),
            At::All => (0..policy.bindings().len())
                .filter(|one| policy.bindings()[*one].namespace.is_some())
                .collect(),
        };
        for index in bindings {
            let binding = &policy.bindings()[index];
            let (scope, role) = graph.bindings[index];
            let named =
                met.names.as_ref().is_none_or(|names| names.contains(&binding.role_ref.name.as_str()));
            if !named || binding.role_ref.kind != kind.kind() {
                continue;
            }
            let by = self.counting(graph, change, at).find(|source| {
                let names = self.names(source);
                names.is_empty() || names.contains(&binding.name)
            });
            let Some(by) = by.map(|source| (source.held, source.given.rule)) else { continue };
            let Some(role) = role else { continue };
            let bind = met.by.first().copied();
            let grounds: Vec<(u32, u32)> = bind.into_iter().chain([by]).collect();
            let grounds = graph.ground(&self.grounds(&grounds));
            let to = graph.node(Thing::Bound(role, scope));
            edges.push(Edge { to, row, assumes, at: scope, grounds });
        }
        edges
    }

    /// All edges of a holder, and what it gains that goes no further.
    pub(super) fn follow(&self, graph: &mut Graph<'p>, node: NodeId) {
        let mut found = Found::default();
        let free = self.at(graph, At::All, &[], &mut found);
        if !found.everything {
            for namespace in self.places(graph) {
                self.at(graph, At::In(namespace), &free, &mut found);
            }
        }
        found.settle(graph, node);
    }

    /// What is met at a place. Alternatives that are met everywhere without a limit are not met again in a namespace; they are returned.
    fn at(&self, graph: &mut Graph<'p>, at: At, known: &[u16], found: &mut Found) -> Vec<u16> {
        let mut free = Vec::new();
        for alternative in self.candidates(at) {
            let way = &TABLE.alternatives[usize::from(alternative)];
            let apart = at != At::All && (!way.placed || known.binary_search(&alternative).is_ok());
            if apart || found.everything {
                continue;
            }
            let row = &CATALOGUE[usize::from(way.row)];
            if let Gain::JoinBindings { role, everywhere } = row.gain {
                // Who makes bindings need not join them.
                let makes = |one: &u16| {
                    CATALOGUE[usize::from(TABLE.alternatives[usize::from(*one)].row)].gain
                        == Gain::BindRoles { role, everywhere }
                };
                if free.iter().any(makes) || known.iter().any(makes) {
                    continue;
                }
            }
            for (part, rights) in way.groups.iter().enumerate() {
                let ways = self.group(graph, rights, at);
                let part = part as u8;
                if ways.is_empty() {
                    let is_end = matches!(row.gain, Gain::Effect(_));
                    if rights.len() > 1 && !is_end && self.share(graph, rights, at) > 0 {
                        found.partials.push((alternative, part, at));
                    }
                    continue;
                }
                for met in ways {
                    if way.is_single() && met.names.is_none() {
                        free.push(alternative);
                    }
                    if let Gain::Effect(_) = row.gain
                        && way.is_single()
                    {
                        let Some(assumes) = graph.granted_for(alternative, at) else { continue };
                        let grounds = graph.ground(&self.grounds(&met.by));
                        let names =
                            met.names.unwrap_or_default().iter().map(|name| (*name).to_owned()).collect();
                        found.ends.push(End { row: way.row, at, assumes, grounds, names });
                        continue;
                    }
                    for edge in self.edges(graph, alternative, part, at, &met) {
                        found.everything |=
                            graph.things[edge.to as usize] == Thing::Everything && edge.assumes == 0;
                        found.edges.push(edge);
                    }
                }
            }
        }
        free.sort_unstable();
        free.dedup();
        free
    }
}

/// What was found for one holder.
#[derive(Default)]
struct Found {
    edges: Vec<Edge>,
    ends: Vec<End>,
    partials: Vec<(u16, u8, At)>,
    everything: bool,
}

impl Found {
    /// Keeps one edge to each thing: the one that assumes least, and of those the first in the catalogue.
    fn settle(mut self, graph: &mut Graph<'_>, node: NodeId) {
        if self.everything {
            // Nothing else is of interest to who may do everything.
            self.edges
                .retain(|edge| graph.things[edge.to as usize] == Thing::Everything && edge.assumes == 0);
            self.ends.clear();
            self.partials.clear();
        }
        let assumed = |graph: &Graph<'_>, set: u32| graph.assumptions[set as usize].len();
        self.edges.sort_by_key(|edge| (edge.to, assumed(graph, edge.assumes)));
        self.edges.dedup_by_key(|edge| edge.to);
        self.edges.retain(|edge| edge.to != node);
        self.ends.sort_by_key(|end| (end.row, end.at, assumed(graph, end.assumes)));
        self.ends.dedup_by(|next, kept| {
            let same = (next.row, next.at) == (kept.row, kept.at);
            if same && !kept.names.is_empty() {
                kept.names = if next.names.is_empty() {
                    Vec::new()
                } else {
                    let more = next.names.iter().filter(|name| !kept.names.contains(name)).cloned();
                    kept.names.iter().cloned().chain(more.collect::<Vec<_>>()).collect()
                };
            }
            same
        });
        for edge in self.edges {
            graph.push(node, edge);
        }
        graph.ends[node as usize] = self.ends;
        if !self.partials.is_empty() {
            graph.partial_todo.push(node);
        }
        graph.partials[node as usize] = self.partials;
    }
}
