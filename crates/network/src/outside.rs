//! Addresses, cut where the answer of a peer changes.

use std::collections::{BTreeMap, HashMap};

use ringwall_model::address::{Address, Block, Family};

use crate::cluster::Cluster;
use crate::policy::Peer;

/// From one address to another, both among them.
pub(crate) type Span = (Address, Address);

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// The highest address of a family.
pub(crate) const fn last_of(family: Family) -> Address {
    let bits = match family {
        Family::V4 => u32::MAX as u128,
        Family::V6 => u128::MAX,
    };
    Address { family, bits }
}

/// The address behind this one, in its family.
pub(crate) fn behind(address: Address) -> Option<Address> {
    (address != last_of(address.family)).then(|| Address { bits: address.bits + 1, ..address })
}

/// The address before this one, which must not be the lowest.
fn before(address: Address) -> Address {
    Address { bits: address.bits.saturating_sub(1), ..address }
}

/// The addresses of which it is certain that they are one of the peer's: apart from one another, by address.
pub(crate) fn spans(cluster: &Cluster, peer: &Peer) -> Vec<Span> {
    match peer {
        Peer::Addresses { blocks, except } => minus(&union(blocks), &union(except)),
        Peer::Nodes(selector) => {
            let nodes = cluster.nodes.iter().filter(|node| selector.matches(|key| node.labels.get(key)));
            let addresses = nodes.flat_map(|node| &node.addresses);
            union(&addresses.map(|(_, address)| Block::of(*address)).collect::<Vec<_>>())
        }
        _ => Vec::new(),
    }
}

fn union(blocks: &[Block]) -> Vec<Span> {
    let mut spans: Vec<Span> = blocks.iter().map(|block| (block.first, block.last())).collect();
    spans.sort_unstable();
    let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
    for (first, last) in spans {
        match apart.last_mut() {
            Some((_, end)) if first <= *end || behind(*end) == Some(first) => *end = last.max(*end),
            _ => apart.push((first, last)),
        }
    }
    apart
}

fn minus(spans: &[Span], others: &[Span]) -> Vec<Span> {
    let mut left = Vec::with_capacity(spans.len() + others.len());
    for (first, last) in spans {
        let mut next = Some(*first);
        for (low, high) in others.iter().filter(|(low, high)| low <= last && first <= high) {
            if let Some(first) = next.filter(|first| first < low) {
                left.push((first, before(*low)));
            }
            next = behind(*high);
        }
        left.extend(
            next.filter(|first| first <= last && first.family == last.family).map(|first| (first, *last)),
        );
    }
    left
}

/// Where the spans of predicates begin, and the addresses behind them.
pub(crate) fn bounds(spans: &[Span]) -> impl Iterator<Item = Address> + '_ {
    spans.iter().flat_map(|(first, last)| [Some(*first), behind(*last)]).flatten()
}

/// Cuts both families where a span begins or ends: the first address of each part, and the predicates that hold in it.
///
/// Costs a sort of the bounds, and the predicates of each part.
pub(crate) fn sweep(spans: &[Vec<Span>]) -> Vec<(Address, Vec<u32>)> {
    let mut events: BTreeMap<Address, Vec<(u32, bool)>> = BTreeMap::new();
    for family in FAMILIES {
        events.entry(Address { family, bits: 0 }).or_default();
    }
    for (predicate, spans) in spans.iter().enumerate() {
        for (first, last) in spans {
            events.entry(*first).or_default().push((predicate as u32, true));
            if let Some(next) = behind(*last) {
                events.entry(next).or_default().push((predicate as u32, false));
            }
        }
    }
    let mut holding = Vec::new();
    let mut parts = Vec::with_capacity(events.len());
    for (first, events) in events {
        if first.bits == 0 {
            holding.clear();
        }
        for (predicate, begins) in events {
            if begins {
                crate::counted::insert(&mut holding, predicate);
            } else {
                crate::counted::remove(&mut holding, predicate);
            }
        }
        parts.push((first, holding.clone()));
    }
    parts
}

/// All addresses in ranges, each with its class.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outside {
    /// The first address of each range and its class, by address.
    ranges: Vec<(Address, u32)>,
    /// How many spans begin or end before an address.
    cuts: HashMap<Address, u32>,
    /// For each family the class of nodes whose addresses nobody knows.
    pub(crate) nodes: [u32; 2],
}

impl Outside {
    /// Takes ranges as [`sweep`] cuts them.
    pub(crate) fn new(ranges: Vec<(Address, u32)>, spans: &[Vec<Span>]) -> Self {
        let mut cuts = HashMap::new();
        let lowest = FAMILIES.map(|family| Address { family, bits: 0 });
        for bound in spans.iter().flat_map(|spans| bounds(spans)).chain(lowest) {
            *cuts.entry(bound).or_insert(0) += 1;
        }
        Self { ranges, cuts, nodes: [0; 2] }
    }

    fn at(&self, address: Address) -> usize {
        // The lowest address of each family starts a range.
        self.ranges.partition_point(|(first, _)| *first <= address).saturating_sub(1)
    }

    /// The class of an address.
    pub(crate) fn of(&self, address: Address) -> u32 {
        self.ranges[self.at(address)].1
    }

    /// The range at a place.
    fn range(&self, at: usize) -> Span {
        let first = self.ranges[at].0;
        let next = self.ranges.get(at + 1).filter(|(next, _)| next.family == first.family);
        (first, next.map_or(last_of(first.family), |(next, _)| before(*next)))
    }

    /// The ranges in a span, whose bounds are cuts.
    pub(crate) fn within(&self, span: Span) -> impl Iterator<Item = (Span, u32)> + '_ {
        let from = self.at(span.0);
        let to = self.ranges.partition_point(|(first, _)| *first <= span.1);
        (from..to).map(|at| (self.range(at), self.ranges[at].1))
    }

    /// All ranges.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Span, u32)> + '_ {
        (0..self.ranges.len()).map(|at| (self.range(at), self.ranges[at].1))
    }

    /// Gives a range to another class.
    pub(crate) fn assign(&mut self, first: Address, class: u32) {
        let at = self.at(first);
        self.ranges[at].1 = class;
    }

    /// Cuts a range in two of one class, unless it is cut there; the two, and the class.
    pub(crate) fn cut(&mut self, bound: Address) -> Option<(Span, Span, u32)> {
        let count = self.cuts.entry(bound).or_insert(0);
        *count += 1;
        if *count > 1 {
            return None;
        }
        let at = self.at(bound);
        let class = self.ranges[at].1;
        self.ranges.insert(at + 1, (bound, class));
        Some((self.range(at), self.range(at + 1), class))
    }

    /// Takes back a cut; where it was the last there, the two ranges, which must be of one class, and that.
    pub(crate) fn join(&mut self, bound: Address) -> Option<(Span, Span, u32)> {
        let count = self.cuts.get_mut(&bound)?;
        *count -= 1;
        if *count > 0 {
            return None;
        }
        self.cuts.remove(&bound);
        let at = self.at(bound);
        let (left, right) = (self.range(at - 1), self.range(at));
        let (_, class) = self.ranges.remove(at);
        Some((left, right, class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(first: &str, last: &str) -> Span {
        (Address::parse(first).expect("an address"), Address::parse(last).expect("an address"))
    }

    fn of(blocks: &[&str], except: &[&str]) -> Vec<Span> {
        let read = |texts: &[&str]| texts.iter().map(|text| Block::parse(text).expect("a block")).collect();
        spans(&Cluster::default(), &Peer::Addresses { blocks: read(blocks), except: read(except) })
    }

    #[test]
    fn spans_are_what_blocks_hold_without_exceptions() {
        assert_eq!(of(&["10.0.0.0/8"], &[]), [span("10.0.0.0", "10.255.255.255")]);
        assert_eq!(of(&["10.0.0.0/9", "10.128.0.0/9"], &[]), [span("10.0.0.0", "10.255.255.255")]);
        assert_eq!(
            of(&["10.0.0.0/8"], &["10.1.0.0/16", "10.3.0.0/16"]),
            [
                span("10.0.0.0", "10.0.255.255"),
                span("10.2.0.0", "10.2.255.255"),
                span("10.4.0.0", "10.255.255.255")
            ]
        );
        assert_eq!(of(&["0.0.0.0/0"], &["0.0.0.0/8", "255.0.0.0/8"]), [span("1.0.0.0", "254.255.255.255")]);
        assert_eq!(of(&["10.0.0.0/8"], &["0.0.0.0/0"]), []);
        assert_eq!(
            of(&["::/0", "0.0.0.0/0"], &[]),
            [span("0.0.0.0", "255.255.255.255"), span("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
        );
    }

    #[test]
    fn a_sweep_knows_the_predicates_of_each_part() {
        let parts = sweep(&[of(&["10.0.0.0/8"], &[]), of(&["0.0.0.0/0"], &["10.1.0.0/16"])]);
        let at = |text: &str| {
            let address = Address::parse(text).expect("an address");
            parts[parts.partition_point(|(first, _)| *first <= address) - 1].1.clone()
        };
        assert_eq!(at("9.9.9.9"), [1]);
        assert_eq!(at("10.0.9.9"), [0, 1]);
        assert_eq!(at("10.1.9.9"), [0]);
        assert_eq!(at("255.255.255.255"), [1]);
        assert!(at("::1").is_empty());
    }
}
