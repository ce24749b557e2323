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
//! With P pods, C classes, R rules and S selectors: classes cost O(P·S/64) words and the tests of distinct selectors on distinct
//! label sets; rows cost the sum over profiles of the classes in their peers; a pair costs two look-ups and the intersection of two
//! short lists of intervals; all pairs cost O(C²) look-ups.
//! What is not known (an address that a pod will get, a name outside, a policy of another API) is carried along as the difference
//! between the ports that are allowed for certain and those that may be.

use std::collections::HashMap;
use std::hash::Hash;

use ringwall_model::address::Address;
use ringwall_model::finding::Verdict;

use crate::classes::{Classes, Named};
use crate::cluster::Cluster;
use crate::judge::End;
use crate::policy::{Action, Direction, Peer, Policy, Tier};
use crate::port::{Port, PortMatch, Protocol};
use crate::port_set::PortSet;

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
    classes: Classes,
    ports: Interner<Ports>,
    ingress: Side,
    egress: Side,
}

/// The number of the ports that are all for certain.
const ALL: u32 = 0;

/// One direction.
#[derive(Clone, Debug, Default)]
struct Side {
    /// For each class its profile; `None` for what is no pod.
    profile: Vec<Option<u32>>,
    rows: Vec<Row>,
}

/// For each class, the number of its ports.
#[derive(Clone, Debug)]
enum Row {
    /// Those that have the default are not listed; the others are, by class.
    Sparse { default: u32, others: Vec<(u32, u32)> },
    /// All.
    Dense(Vec<u32>),
}

impl Row {
    fn get(&self, class: u32) -> u32 {
        match self {
            Self::Sparse { default, others } => {
                match others.binary_search_by_key(&class, |(class, _)| *class) {
                    Ok(at) => others[at].1,
                    Err(_) => *default,
                }
            }
            Self::Dense(ids) => ids[class as usize],
        }
    }
}

impl Side {
    fn get(&self, subject: u32, peer: u32) -> u32 {
        self.profile[subject as usize].map_or(ALL, |profile| self.rows[profile as usize].get(peer))
    }
}

impl Engine {
    /// Compiles the policies of a cluster.
    pub fn new(cluster: &Cluster, options: Options) -> Self {
        let classes = Classes::of(cluster, options);
        let mut ports = Interner::default();
        ports.number(Ports::all());
        let ingress = Compiler::new(cluster, &classes, Direction::Ingress).run(&mut ports);
        let egress = Compiler::new(cluster, &classes, Direction::Egress).run(&mut ports);
        Self { classes, ports, ingress, egress }
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
        for from in 0..count {
            for (profile, row) in self.ingress.rows.iter().enumerate() {
                column[profile] = match row {
                    Row::Sparse { default, .. } => *default,
                    Row::Dense(ids) => ids[from],
                };
            }
            for (profile, id) in &by_source[from] {
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

/// Values by number, each once.
#[derive(Clone, Debug)]
pub(crate) struct Interner<T> {
    pub(crate) items: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { items: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    pub(crate) fn number(&mut self, item: T) -> u32 {
        if let Some(number) = self.numbers.get(&item) {
            return *number;
        }
        let number = self.items.len() as u32;
        self.items.push(item.clone());
        self.numbers.insert(item, number);
        number
    }
}

/// A rule with its place in the order, its peers as predicates and its ports as intervals.
struct Step {
    tier: Tier,
    action: Action,
    /// Predicates of which one must hold; `None` for everyone.
    peers: Option<Vec<u32>>,
    ports: Option<StepPorts>,
}

struct StepPorts {
    fixed: PortSet,
    named: Vec<(u32, Option<Protocol>)>,
}

impl Step {
    /// The ports of the rule on a pod that declares these names.
    fn ports_on(&self, names: &[Named]) -> PortSet {
        let Some(ports) = &self.ports else { return PortSet::all() };
        let mut set = ports.fixed.clone();
        for (name, protocol) in &ports.named {
            for (other, port) in names {
                if other == name && protocol.is_none_or(|protocol| protocol == port.protocol) {
                    set = set.or(&PortSet::one(*port));
                }
            }
        }
        set
    }
}

/// Makes the rows of one direction.
struct Compiler<'c> {
    classes: &'c Classes,
    direction: Direction,
    /// The rules of each policy; `None` where it says nothing of the direction.
    policies: Vec<Option<Vec<Step>>>,
    subjects: Vec<&'c Policy>,
}

/// Which rules match a class: twice the number of the rule, and one more where that is not certain.
type Pattern = Vec<u32>;

impl<'c> Compiler<'c> {
    fn new(cluster: &'c Cluster, classes: &'c Classes, direction: Direction) -> Self {
        let policies = cluster.policies.iter().map(|policy| {
            let rules = policy.rules(direction)?;
            let step = |rule: &crate::policy::Rule| Step {
                tier: policy.tier,
                action: rule.action,
                peers: rule
                    .peers
                    .as_ref()
                    .map(|peers| peers.iter().filter_map(|peer: &Peer| classes.predicate(peer)).collect()),
                ports: rule.ports.as_ref().map(|ports| {
                    let mut step = StepPorts { fixed: PortSet::none(), named: Vec::new() };
                    for port in ports {
                        match port {
                            PortMatch::Range { protocol, first, last } => {
                                step.fixed = step.fixed.or(&PortSet::range(*protocol, *first, *last));
                            }
                            PortMatch::Named { name, protocol } => {
                                step.named.extend(classes.name(name).map(|name| (name, *protocol)));
                            }
                            PortMatch::Nothing => {}
                        }
                    }
                    step
                }),
            };
            Some(rules.iter().map(step).collect())
        });
        Self { classes, direction, policies: policies.collect(), subjects: cluster.policies.iter().collect() }
    }

    fn run(&self, ports: &mut Interner<Ports>) -> Side {
        let count = self.classes.len();
        let mut selected: Vec<Vec<u32>> = vec![Vec::new(); count];
        for (index, policy) in
            self.subjects.iter().enumerate().filter(|(index, _)| self.policies[*index].is_some())
        {
            for set in &policy.subject {
                for class in self.classes.holding(self.classes.set(set)) {
                    if selected[*class as usize].last() != Some(&(index as u32)) {
                        selected[*class as usize].push(index as u32);
                    }
                }
            }
        }
        let mut side = Side { profile: Vec::with_capacity(count), rows: Vec::new() };
        let mut known: HashMap<(Vec<u32>, Vec<Named>, bool), u32> = HashMap::new();
        let mut patterns: Vec<Pattern> = vec![Pattern::new(); count];
        for (class, selected) in selected.into_iter().enumerate() {
            let about = self.classes.get(class as u32);
            if !about.is_pod {
                side.profile.push(None);
                continue;
            }
            let steps =
                || selected.iter().filter_map(|index| self.policies[*index as usize].as_ref()).flatten();
            let named = steps().any(|step| step.ports.as_ref().is_some_and(|ports| !ports.named.is_empty()));
            // Named ports are those of the receiver: the subject of ingress rules.
            let own =
                if named && self.direction == Direction::Ingress { about.names.clone() } else { Vec::new() };
            let profile =
                known.entry((selected, own, about.foreign)).or_insert_with_key(|(selected, own, foreign)| {
                    let row = self.row(selected, own, named, *foreign, &mut patterns, ports);
                    side.rows.push(row);
                    side.rows.len() as u32 - 1
                });
            side.profile.push(Some(*profile));
        }
        side
    }

    fn row(
        &self,
        selected: &[u32],
        own: &[Named],
        named: bool,
        foreign: bool,
        patterns: &mut [Pattern],
        ports: &mut Interner<Ports>,
    ) -> Row {
        if foreign {
            let unknown = ports.number(Ports { yes: PortSet::none(), may: PortSet::all() });
            return Row::Sparse { default: unknown, others: Vec::new() };
        }
        let steps: Vec<&Step> =
            selected.iter().filter_map(|index| self.policies[*index as usize].as_ref()).flatten().collect();
        let isolated = selected.iter().any(|index| self.subjects[*index as usize].tier == Tier::Namespaced);
        let by_peer = named && self.direction == Direction::Egress;
        let mut touched: Vec<u32> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let code = at as u32 * 2;
            for predicate in step.peers.iter().flatten() {
                for class in self.classes.holding(Some(*predicate)) {
                    mark(&mut patterns[*class as usize], code, *class, &mut touched);
                }
                for class in self.classes.perhaps_holding(*predicate) {
                    mark(&mut patterns[*class as usize], code + 1, *class, &mut touched);
                }
            }
        }
        if by_peer {
            touched.extend(self.classes.with_names().filter(|class| patterns[*class as usize].is_empty()));
        }
        let default = ports.number(evaluate(&steps, isolated, &[], own));
        let mut memo: HashMap<(Pattern, &[Named]), u32> = HashMap::new();
        let mut others = Vec::with_capacity(touched.len());
        for class in touched {
            let pattern = std::mem::take(&mut patterns[class as usize]);
            let names = if by_peer { self.classes.get(class).names.as_slice() } else { own };
            let id = *memo.entry((pattern, names)).or_insert_with_key(|(pattern, names)| {
                ports.number(evaluate(&steps, isolated, pattern, names))
            });
            if id != default {
                others.push((class, id));
            }
        }
        others.sort_unstable();
        if others.len() > self.classes.len() / 3 {
            let mut ids = vec![default; self.classes.len()];
            for (class, id) in others {
                ids[class as usize] = id;
            }
            return Row::Dense(ids);
        }
        Row::Sparse { default, others }
    }
}

/// Notes that a rule matches a class; certainty wins over possibility.
fn mark(pattern: &mut Pattern, code: u32, class: u32, touched: &mut Vec<u32>) {
    if pattern.is_empty() {
        touched.push(class);
    }
    match pattern.last_mut() {
        Some(last) if *last / 2 == code / 2 => *last = code.min(*last),
        _ => pattern.push(code),
    }
}

/// Walks the rules that match, in order; `isolated` tells whether a NetworkPolicy isolates the subject.
fn evaluate(steps: &[&Step], isolated: bool, pattern: &[u32], names: &[Named]) -> Ports {
    let (mut allowed, mut denied) = (PortSet::none(), PortSet::none());
    // The ports that may still be on their way in this tier, and those that may have passed on to the next.
    let (mut active, mut passed) = (PortSet::all(), PortSet::none());
    let mut tier = Tier::Admin;
    let enter =
        |next: Tier, tier: &mut Tier, active: &mut PortSet, passed: &mut PortSet, denied: &mut PortSet| {
            if *tier < Tier::Namespaced && next >= Tier::Namespaced {
                *active = active.or(&std::mem::take(passed));
            }
            if *tier < Tier::Baseline && next == Tier::Baseline && isolated {
                *denied = denied.or(&std::mem::take(active));
            }
            *tier = next;
        };
    let mut pattern = pattern.iter().copied().peekable();
    for (at, step) in steps.iter().enumerate() {
        let listed = pattern.next_if(|code| *code / 2 == at as u32);
        let certain = match (&step.peers, listed) {
            (None, _) => true,
            (Some(_), Some(code)) => code % 2 == 0,
            (Some(_), None) => continue,
        };
        if step.tier != tier {
            enter(step.tier, &mut tier, &mut active, &mut passed, &mut denied);
        }
        let hit = step.ports_on(names).and(&active);
        match step.action {
            Action::Allow => allowed = allowed.or(&hit),
            Action::Deny => denied = denied.or(&hit),
            Action::Pass => passed = passed.or(&hit),
        }
        if certain {
            active = active.minus(&hit);
        }
    }
    enter(Tier::Baseline, &mut tier, &mut active, &mut passed, &mut denied);
    allowed = allowed.or(&active).or(&passed);
    Ports { yes: allowed.minus(&denied), may: allowed }
}
