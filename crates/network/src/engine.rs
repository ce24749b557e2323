//! All connections at once.
//!
//! ```text
//!   pods, addresses ──signature over all selectors and blocks──▶ classes     what no policy can tell apart
//!   policies ──who is selected──▶ profiles                                  classes under the same policies
//!   profile × class ──which rules match──▶ pattern ──evaluated once──▶ ports
//! ```
//! - A class is a set of endpoints that answer every selector, block and port name of every policy alike. Replicas, and workloads
//!   that nothing tells apart, are one. Nothing below is done for pods.
//! - A profile is a list of policies that select a class. For each profile there is a row: the ports that each class may be reached
//!   on (or may reach). A row is made from the classes that its rules' peers hold; what no rule touches has the row's default.
//! - Which rules of a profile match a class is its pattern. Ports are computed once a pattern, as intervals.
//!
//! With P pods, C classes, S selectors and blocks (each counted once), and L label sets of pods: classes cost O(S·L) tests of
//! selectors, one look-up of each pod's address among the bounds of all blocks, and the answers of each pod; rows cost the sum over
//! profiles of the classes in their rules' peers, and one walk through the rules for each pattern; a pair costs two look-ups and the
//! intersection of two short lists of intervals; all pairs cost O(C²) look-ups. What a change costs is told in [`crate::live`].
//!
//! What is not known (an address that a pod will get, a name outside, a policy of another API) is carried along as the difference
//! between the ports that are allowed for certain and those that may be.

use std::collections::HashMap;

use ringwall_model::address::Address;
use ringwall_model::finding::Verdict;

use crate::classes::{Asked, Classes};
use crate::cluster::Cluster;
use crate::counted::{Interner, insert, slot};
use crate::judge::End;
use crate::policy::Direction;
use crate::port::Port;
use crate::port_set::PortSet;
use crate::rows::{Row, Side, Source};
use crate::rules::{News, Rules};

/// Ports that are reached for certain, and those that may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Those that are allowed for certain.
    pub yes: PortSet,
    /// Those that are allowed or may be.
    pub may: PortSet,
}

impl Ports {
    /// All ports, for certain.
    pub fn all() -> Self {
        Self { yes: PortSet::all(), may: PortSet::all() }
    }

    /// No port.
    pub const fn none() -> Self {
        Self { yes: PortSet::none(), may: PortSet::none() }
    }

    /// Those of either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self { yes: self.yes.or(&other.yes), may: self.may.or(&other.may) }
    }

    /// Those that both sides let pass.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let yes = self.yes.and(&other.yes);
        // Where all is certain, which is the rule, the second list is the first.
        let may = if self.yes == self.may && other.yes == other.may {
            yes.clone()
        } else {
            self.may.and(&other.may)
        };
        Self { yes, may }
    }

    /// The verdict on one port.
    pub fn verdict(&self, port: Port) -> Verdict {
        match (self.yes.contains(port), self.may.contains(port)) {
            (true, _) => Verdict::Yes,
            (false, true) => Verdict::CannotTell,
            (false, false) => Verdict::No,
        }
    }

    /// Whether nothing can be reached.
    pub fn is_empty(&self) -> bool {
        self.may.is_empty()
    }
}

/// How policies are read where engines differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether a block of addresses holds the pods whose addresses are in it, as the API means it. Cilium, for one, does not take
    /// it so.
    pub pods_by_address: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { pods_by_address: true }
    }
}

/// The answers for all pairs of a cluster.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) options: Options,
    pub(crate) classes: Classes,
    pub(crate) ports: Interner<Ports>,
    pub(crate) ingress: Side,
    pub(crate) egress: Side,
    /// Policies by number; none where the number is given to none.
    pub(crate) rules: Vec<Option<Rules>>,
    /// The numbers of the cluster's policies, in their order.
    pub(crate) order: Vec<u32>,
    /// For each predicate the policies that are about what it holds.
    pub(crate) subjects: Vec<Vec<u32>>,
    /// How many sets of ports there were when all was made at once.
    pub(crate) sets: usize,
}

/// The number of the ports that are all for certain.
pub(crate) const ALL: u32 = 0;

impl Engine {
    /// Compiles the policies of a cluster.
    pub fn new(cluster: &Cluster, options: Options) -> Self {
        let (mut asked, mut news) = (Asked::default(), News::default());
        let rules = cluster.policies.iter().map(|policy| Some(Rules::compile(policy, &mut asked, &mut news)));
        let rules: Vec<Option<Rules>> = rules.collect();
        let classes = Classes::of(cluster, options, asked);
        let order: Vec<u32> = (0..rules.len() as u32).collect();
        let mut subjects: Vec<Vec<u32>> = Vec::new();
        for (number, rules) in rules.iter().enumerate() {
            for set in rules.iter().flat_map(|rules| &rules.subject) {
                insert(slot(&mut subjects, *set), number as u32);
            }
        }
        let mut ports = Interner::default();
        ports.number(Ports::all());
        let source = Source { classes: &classes, rules: &rules };
        let ingress = Side::of(Direction::Ingress, source, &order, &mut ports);
        let egress = Side::of(Direction::Egress, source, &order, &mut ports);
        let sets = ports.items.len();
        Self { options, classes, ports, ingress, egress, rules, order, subjects, sets }
    }

    /// The classes of endpoints.
    pub const fn classes(&self) -> &Classes {
        &self.classes
    }

    /// What the policies about `subject` let pass, to it or from it, where the other end is `peer`. Costs two look-ups.
    pub fn side(&self, direction: Direction, subject: u32, peer: u32) -> &Ports {
        let side = match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        };
        &self.ports.items[side.get(subject, peer) as usize]
    }

    /// Whether a policy isolates or decides anything for the class in this direction.
    pub fn is_governed(&self, direction: Direction, class: u32) -> bool {
        let side = match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        };
        side.profile[class as usize].is_some_and(
            |profile| !matches!(&side.rows[profile as usize], Row::Sparse { default: ALL, others } if others.is_empty()),
        )
    }

    /// The ports of `to` that `from` reaches. What a pod reaches of itself, and its node of it, is not asked of policies.
    pub fn connection(&self, from: u32, to: u32) -> Ports {
        self.side(Direction::Egress, from, to).and(self.side(Direction::Ingress, to, from))
    }

    /// The verdict on one port. Costs two look-ups and two searches among intervals.
    pub fn verdict(&self, from: u32, to: u32, port: Port) -> Verdict {
        let egress = self.side(Direction::Egress, from, to).verdict(port);
        let ingress = self.side(Direction::Ingress, to, from).verdict(port);
        match (egress, ingress) {
            (Verdict::Yes, Verdict::Yes) => Verdict::Yes,
            (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
            _ => Verdict::CannotTell,
        }
    }

    /// All pairs of classes. Costs O(C²) look-ups, and one intersection for each two sets of ports that meet.
    pub fn matrix(&self) -> Matrix {
        let count = self.classes.len();
        let mut connections: Interner<Ports> = Interner::default();
        connections.number(Ports::all());
        let sets = self.ports.items.len();
        // Numbers of the intersections of the sets that meet; `u32::MAX` where they have not met yet.
        let mut memo: HashMap<(u32, u32), u32> = HashMap::new();
        let mut table = if sets <= 512 { vec![u32::MAX; sets * sets] } else { Vec::new() };
        let mut by_source: Vec<Vec<(u32, u32)>> = vec![Vec::new(); count];
        for (profile, row) in self.ingress.rows.iter().enumerate() {
            if let Row::Sparse { others, .. } = row {
                for (class, id) in others {
                    by_source[*class as usize].push((profile as u32, *id));
                }
            }
        }
        let mut column = vec![ALL; self.ingress.rows.len()];
        let mut ids = Vec::with_capacity(count * count);
        for (from, sparse) in by_source.iter().enumerate() {
            for (profile, row) in self.ingress.rows.iter().enumerate() {
                column[profile] = match row {
                    Row::Sparse { default, .. } => *default,
                    Row::Dense { default, ids } => ids.get(from).copied().unwrap_or(*default),
                };
            }
            for (profile, id) in sparse {
                column[*profile as usize] = *id;
            }
            for to in 0..count {
                let out = self.egress.get(from as u32, to as u32);
                let into = self.ingress.profile[to].map_or(ALL, |profile| column[profile as usize]);
                if out == ALL && into == ALL {
                    ids.push(ALL);
                    continue;
                }
                let mut meet = || {
                    connections.number(self.ports.items[out as usize].and(&self.ports.items[into as usize]))
                };
                let id = if table.is_empty() {
                    *memo.entry((out, into)).or_insert_with(meet)
                } else {
                    let known = &mut table[out as usize * sets + into as usize];
                    if *known == u32::MAX {
                        *known = meet();
                    }
                    *known
                };
                ids.push(id);
            }
        }
        Matrix { count, ids, connections: connections.items }
    }

    /// The class of an end of a connection.
    pub fn class_of(&self, end: End<'_>) -> Option<u32> {
        match (end.pod, end.address) {
            (Some(pod), _) => self.classes.of_pod(pod, end.family),
            (None, Some(address)) => Some(self.classes.of_address(address)),
            (None, None) => self.classes.of_node(end.family),
        }
    }

    /// The class of an address, whoever has it.
    pub fn class_of_address(&self, cluster: &Cluster, address: Address) -> Option<u32> {
        self.class_of(cluster.end_of(address))
    }
}

/// The connections of all pairs of classes.
#[derive(Clone, Debug)]
pub struct Matrix {
    count: usize,
    ids: Vec<u32>,
    connections: Vec<Ports>,
}

impl Matrix {
    /// How many classes there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The connection from one class to another, by its number in [`Matrix::connections`].
    pub fn id(&self, from: u32, to: u32) -> u32 {
        self.ids[from as usize * self.count + to as usize]
    }

    /// The connection from one class to another.
    pub fn get(&self, from: u32, to: u32) -> &Ports {
        &self.connections[self.id(from, to) as usize]
    }

    /// All connections that differ.
    pub fn connections(&self) -> &[Ports] {
        &self.connections
    }
}
