//! Endpoints that no policy can tell apart.

use std::collections::{BTreeSet, HashMap};

use ringwall_model::address::{Address, Family};
use ringwall_model::finding::Verdict;
use ringwall_model::selector::Selector;

use crate::cluster::Cluster;
use crate::engine::{Interner, Options};
use crate::judge::End;
use crate::labels::Labels;
use crate::policy::{Direction, Namespaces, Peer, PodSet};
use crate::port::{Port, PortMatch};

/// A port name that policies speak of, by its number, and a port that a pod declares under it.
pub type Named = (u32, Port);

/// Endpoints that no policy can tell apart.
#[derive(Clone, Debug)]
pub struct Class {
    /// The family in which they speak.
    pub family: Family,
    /// Whether they are pods that policies are about.
    pub is_pod: bool,
    /// The pods, by index in the cluster.
    pub pods: Vec<usize>,
    /// Ranges of addresses that are no pod's, first and last.
    pub ranges: Vec<(Address, Address)>,
    /// Whether it holds the addresses of nodes that nobody knows.
    pub unknown_nodes: bool,
    /// The ports that they declare under names that policies speak of.
    pub names: Vec<Named>,
    /// Whether a policy of an API whose meaning is not known here may be about them.
    pub foreign: bool,
}

/// All classes of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Classes {
    classes: Vec<Class>,
    by_pod: HashMap<(usize, Family), u32>,
    /// The first address of each range and its class, by address.
    outside: Vec<(Address, u32)>,
    nodes: HashMap<Family, u32>,
    predicates: HashMap<Peer, u32>,
    names: HashMap<String, u32>,
    /// For each predicate the classes of which it holds, and those of which it may hold.
    holding: Vec<Vec<u32>>,
    perhaps: Vec<Vec<u32>>,
}

/// What a class is known by: its answers to all predicates, two bits each, and what else policies may look at.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    family: Family,
    is_pod: bool,
    answers: Box<[u64]>,
    names: Vec<Named>,
    foreign: bool,
}

/// Selectors, each once, and which label sets they hold.
#[derive(Default)]
struct Selectors<'c> {
    numbers: HashMap<&'c Selector, u32>,
    items: Vec<&'c Selector>,
}

impl<'c> Selectors<'c> {
    fn number(&mut self, selector: &'c Selector) -> u32 {
        let next = self.items.len() as u32;
        *self.numbers.entry(selector).or_insert_with(|| {
            self.items.push(selector);
            next
        })
    }
}

impl Classes {
    /// Groups the endpoints of a cluster.
    pub(crate) fn of(cluster: &Cluster, options: Options) -> Self {
        let mut classes = Self::default();
        let mut peers: Vec<Peer> = Vec::new();
        for policy in &cluster.policies {
            for set in &policy.subject {
                classes.add(Peer::Pods(set.clone()), &mut peers);
            }
            for rule in Direction::ALL.into_iter().filter_map(|direction| policy.rules(direction)).flatten() {
                for peer in rule.peers.iter().flatten() {
                    classes.add(peer.clone(), &mut peers);
                }
                for port in rule.ports.iter().flatten() {
                    if let PortMatch::Named { name, .. } = port
                        && !classes.names.contains_key(name)
                    {
                        classes.names.insert(name.clone(), classes.names.len() as u32);
                    }
                }
            }
        }
        classes.holding = vec![Vec::new(); peers.len()];
        classes.perhaps = vec![Vec::new(); peers.len()];
        Builder::new(cluster, options, &peers, classes).run()
    }

    fn add(&mut self, peer: Peer, peers: &mut Vec<Peer>) {
        if !self.predicates.contains_key(&peer) && peer != Peer::Nothing {
            self.predicates.insert(peer.clone(), peers.len() as u32);
            peers.push(peer);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// A class by its number.
    pub fn get(&self, class: u32) -> &Class {
        &self.classes[class as usize]
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Class)> {
        self.classes.iter().enumerate().map(|(number, class)| (number as u32, class))
    }

    /// The class of a pod in a family; a pod on the network of its node is an address of that.
    pub fn of_pod(&self, pod: usize, family: Family) -> Option<u32> {
        self.by_pod.get(&(pod, family)).copied()
    }

    /// The class of an address that is no pod's.
    pub fn of_address(&self, address: Address) -> u32 {
        let at = self.outside.partition_point(|(first, _)| *first <= address);
        // The lowest address of each family starts a range.
        self.outside[at.saturating_sub(1)].1
    }

    /// The class of nodes whose addresses nobody knows, where there may be such.
    pub fn of_node(&self, family: Family) -> Option<u32> {
        self.nodes.get(&family).copied()
    }

    /// The predicate of a peer.
    pub(crate) fn predicate(&self, peer: &Peer) -> Option<u32> {
        self.predicates.get(peer).copied()
    }

    /// The predicate of a set of pods.
    pub(crate) fn set(&self, set: &PodSet) -> Option<u32> {
        self.predicates.get(&Peer::Pods(set.clone())).copied()
    }

    /// The number of a port name.
    pub(crate) fn name(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// The classes of which a predicate holds.
    pub(crate) fn holding(&self, predicate: Option<u32>) -> &[u32] {
        predicate.map_or(&[], |predicate| &self.holding[predicate as usize])
    }

    /// The classes of which a predicate may hold.
    pub(crate) fn perhaps_holding(&self, predicate: u32) -> &[u32] {
        &self.perhaps[predicate as usize]
    }

    /// The classes of pods that declare ports under names that policies speak of.
    pub(crate) fn with_names(&self) -> impl Iterator<Item = u32> {
        self.iter().filter(|(_, class)| !class.names.is_empty()).map(|(number, _)| number)
    }
}

struct Builder<'c> {
    cluster: &'c Cluster,
    options: Options,
    peers: &'c [Peer],
    classes: Classes,
    known: HashMap<Key, u32>,
}

/// Sets of pods that hold in a namespace: the predicate, and the number of its pod selector.
type InNamespace = Vec<(u32, u32)>;

impl<'c> Builder<'c> {
    fn new(cluster: &'c Cluster, options: Options, peers: &'c [Peer], classes: Classes) -> Self {
        Self { cluster, options, peers, classes, known: HashMap::new() }
    }

    fn run(mut self) -> Classes {
        self.pods();
        self.addresses();
        self.classes
    }

    fn words(&self) -> usize {
        (self.peers.len() * 2).div_ceil(64)
    }

    /// Puts an endpoint into its class.
    fn place(&mut self, key: Key) -> u32 {
        let Self { classes, known, .. } = self;
        if let Some(class) = known.get(&key) {
            return *class;
        }
        let number = classes.classes.len() as u32;
        for (word, bits) in key.answers.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let bit = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let certain = bit.is_multiple_of(2);
                let lists = if certain { &mut classes.holding } else { &mut classes.perhaps };
                lists[bit / 2].push(number);
            }
        }
        classes.classes.push(Class {
            family: key.family,
            is_pod: key.is_pod,
            pods: Vec::new(),
            ranges: Vec::new(),
            unknown_nodes: false,
            names: key.names.clone(),
            foreign: key.foreign,
        });
        known.insert(key, number);
        number
    }

    /// The sets of pods that hold in each namespace, and the pod selectors of all sets.
    fn sets(&self) -> (HashMap<&'c str, InNamespace>, Selectors<'c>) {
        let mut selectors = Selectors::default();
        let mut by_namespace: HashMap<&str, InNamespace> = HashMap::new();
        let mut chosen: HashMap<&Selector, Vec<&str>> = HashMap::new();
        for (predicate, peer) in self.peers.iter().enumerate() {
            let Peer::Pods(set) = peer else { continue };
            let entry = (predicate as u32, selectors.number(&set.pods));
            match &set.namespaces {
                Namespaces::Own(name) => by_namespace.entry(name).or_default().push(entry),
                Namespaces::Selected(selector) => {
                    let names = chosen.entry(selector).or_insert_with(|| {
                        let all = self.cluster.namespaces.iter();
                        let held = all.filter(|(_, labels)| selector.matches(|key| labels.get(key)));
                        held.map(|(name, _)| name.as_str()).collect()
                    });
                    for name in names.iter() {
                        by_namespace.entry(name).or_default().push(entry);
                    }
                }
            }
        }
        (by_namespace, selectors)
    }

    fn pods(&mut self) {
        let cluster = self.cluster;
        let (by_namespace, selectors) = self.sets();
        let mut label_sets: Interner<&Labels> = Interner::default();
        let numbers: Vec<u32> = cluster.pods.iter().map(|pod| label_sets.number(&pod.labels)).collect();
        // For each label set, a bit for each pod selector.
        let width = selectors.items.len().div_ceil(64);
        let mut held = vec![0_u64; width * label_sets.items.len()];
        for (at, labels) in label_sets.items.iter().enumerate() {
            for (number, selector) in selectors.items.iter().enumerate() {
                if selector.matches(|key| labels.get(key)) {
                    held[at * width + number / 64] |= 1 << (number % 64);
                }
            }
        }
        let mut answers: HashMap<(&str, u32), Box<[u64]>> = HashMap::new();
        for (index, pod) in cluster.pods.iter().enumerate().filter(|(_, pod)| pod.is_subject()) {
            let labels = numbers[index];
            let by_labels = answers.entry((pod.namespace.as_str(), labels)).or_insert_with(|| {
                let mut bits = vec![0_u64; self.words()].into_boxed_slice();
                for (predicate, selector) in by_namespace.get(pod.namespace.as_str()).into_iter().flatten() {
                    let (selector, bit) = (*selector as usize, *predicate as usize * 2);
                    if held[labels as usize * width + selector / 64] & (1 << (selector % 64)) != 0 {
                        bits[bit / 64] |= 1 << (bit % 64);
                    }
                }
                bits
            });
            let by_labels = by_labels.clone();
            let mut names: Vec<Named> = pod
                .ports
                .iter()
                .filter_map(|port| {
                    Some((self.classes.name(&port.name).filter(|_| !port.name.is_empty())?, port.port))
                })
                .collect();
            names.sort_unstable();
            names.dedup();
            let foreign = cluster.foreign.iter().any(|foreign| {
                foreign.namespace.as_ref().is_none_or(|namespace| *namespace == pod.namespace)
            });
            for family in cluster.families(pod) {
                let mut answers = by_labels.clone();
                if self.options.pods_by_address {
                    let address = pod.addresses.iter().copied().find(|address| address.family == family);
                    let end = End { family, address, pod: Some(index), node: None };
                    self.answer(&mut answers, end, |peer| !matches!(peer, Peer::Pods(_)));
                }
                let key = Key { family, is_pod: true, answers, names: names.clone(), foreign };
                let class = self.place(key);
                self.classes.classes[class as usize].pods.push(index);
                self.classes.by_pod.insert((index, family), class);
            }
        }
    }

    /// Asks the predicates that are not of labels.
    fn answer(&self, answers: &mut [u64], end: End<'_>, asked: impl Fn(&Peer) -> bool) {
        for (predicate, peer) in self.peers.iter().enumerate().filter(|(_, peer)| asked(peer)) {
            let bit = predicate * 2
                + match self.cluster.is_peer(peer, end) {
                    Verdict::Yes => 0,
                    Verdict::CannotTell => 1,
                    Verdict::No => continue,
                };
            answers[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Cuts the addresses of both families where a block or a node's address begins or ends.
    fn addresses(&mut self) {
        let mut cuts: BTreeSet<Address> =
            [Family::V4, Family::V6].map(|family| Address { family, bits: 0 }).into();
        let mut cut = |first: Address, last: Address| {
            cuts.insert(first);
            if last.bits < last_of(last.family) {
                cuts.insert(Address { bits: last.bits + 1, ..last });
            }
        };
        for peer in self.peers {
            match peer {
                Peer::Addresses { blocks, except } => {
                    for block in blocks.iter().chain(except) {
                        cut(block.first, block.last());
                    }
                }
                Peer::Nodes(_) => {
                    for (_, address) in self.cluster.nodes.iter().flat_map(|node| &node.addresses) {
                        cut(*address, *address);
                    }
                }
                _ => {}
            }
        }
        let cuts: Vec<Address> = cuts.into_iter().collect();
        for (at, first) in cuts.iter().enumerate() {
            let next = cuts.get(at + 1).filter(|next| next.family == first.family);
            let last = Address { bits: next.map_or(last_of(first.family), |next| next.bits - 1), ..*first };
            let end = End { family: first.family, address: Some(*first), pod: None, node: None };
            let class = self.outside(end);
            self.classes.classes[class as usize].ranges.push((*first, last));
            self.classes.outside.push((*first, class));
        }
        for family in [Family::V4, Family::V6] {
            let class = self.outside(End { family, address: None, pod: None, node: None });
            self.classes.classes[class as usize].unknown_nodes = true;
            self.classes.nodes.insert(family, class);
        }
    }

    fn outside(&mut self, end: End<'_>) -> u32 {
        let mut answers = vec![0_u64; self.words()].into_boxed_slice();
        self.answer(&mut answers, end, |_| true);
        self.place(Key { family: end.family, is_pod: false, answers, names: Vec::new(), foreign: false })
    }
}

/// The highest address of a family.
const fn last_of(family: Family) -> u128 {
    match family {
        Family::V4 => u32::MAX as u128,
        Family::V6 => u128::MAX,
    }
}
