//! What changed between two sets of manifests.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Analysis, Connection, Focus, Party};

/// How a connection changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It has other ports.
    Changed,
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
}

impl ChangeKind {
    /// As np-guard writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}

/// A connection that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// How it changed.
    pub kind: ChangeKind,
    /// Who sends.
    pub source: Arc<Party>,
    /// Who receives.
    pub destination: Arc<Party>,
    /// The ports before.
    pub before: Arc<Connection>,
    /// The ports after.
    pub after: Arc<Connection>,
    /// Those of the two ends that came or went with it.
    pub workloads: Vec<Arc<Party>>,
}

/// What was before and what is after.
type Both<'r> = [Option<&'r Arc<Connection>>; 2];

/// Ranges with which a party has connections: the first address, the one behind the last, and the ports.
type Ranges<'r> = Vec<(u64, u64, &'r Arc<Connection>)>;

/// All connections that changed: first those with other ports, then those that came, then those that went. Ranges of addresses are
/// as long as nothing changes in them. Costs the sum of the rows of both, and a sort of what changed.
pub fn diff(before: &Analysis<'_>, after: &Analysis<'_>) -> Vec<Change> {
    let sides = [before.list(&Focus::default()), after.list(&Focus::default())];
    let mut numbers: HashMap<&Party, u32> = HashMap::new();
    let mut parties: Vec<&Arc<Party>> = Vec::new();
    let mut pairs: HashMap<(u32, u32), Both<'_>> = HashMap::new();
    // By the party and whether it receives.
    let mut outside: HashMap<(u32, bool), [Ranges<'_>; 2]> = HashMap::new();
    for (side, rows) in sides.iter().enumerate() {
        for row in rows {
            let mut number = |party| number_of(party, &mut numbers, &mut parties);
            match (&*row.source, &*row.destination) {
                (Party::Range(first, last), _) => {
                    let ranges = outside.entry((number(&row.destination), true)).or_default();
                    ranges[side].push(bounds(*first, *last, &row.connection));
                }
                (_, Party::Range(first, last)) => {
                    let ranges = outside.entry((number(&row.source), false)).or_default();
                    ranges[side].push(bounds(*first, *last, &row.connection));
                }
                _ => {
                    let key = (number(&row.source), number(&row.destination));
                    pairs.entry(key).or_default()[side] = Some(&row.connection);
                }
            }
        }
    }
    let known = |analysis: &Analysis<'_>| analysis.workloads().cloned().collect::<HashSet<Party>>();
    let known = [known(before), known(after)];
    let mut changes: Vec<Change> = pairs
        .into_iter()
        .filter_map(|((source, destination), both)| {
            change([parties[source as usize], parties[destination as usize]], both, &known)
        })
        .collect();
    for ((party, receives), ranges) in outside {
        let party = parties[party as usize];
        for (first, last, both) in parts(&ranges) {
            let range = Arc::new(Party::Range(first, last));
            let ends = if receives { [&range, party] } else { [party, &range] };
            changes.extend(change(ends, both, &known));
        }
    }
    changes.sort_by_cached_key(|change| {
        (change.kind, change.source.to_string(), change.destination.to_string())
    });
    changes
}

fn number_of<'r>(
    party: &'r Arc<Party>,
    numbers: &mut HashMap<&'r Party, u32>,
    parties: &mut Vec<&'r Arc<Party>>,
) -> u32 {
    *numbers.entry(party).or_insert_with(|| {
        parties.push(party);
        parties.len() as u32 - 1
    })
}

fn bounds(first: Ipv4Addr, last: Ipv4Addr, connection: &Arc<Connection>) -> (u64, u64, &Arc<Connection>) {
    (u64::from(u32::from(first)), u64::from(u32::from(last)) + 1, connection)
}

/// The change between two connections of the same ends, if there is one.
fn change(
    [source, destination]: [&Arc<Party>; 2],
    [before, after]: Both<'_>,
    [old, new]: &[HashSet<Party>; 2],
) -> Option<Change> {
    let (kind, others) = match (before, after) {
        (Some(before), Some(after)) if before == after => return None,
        (Some(_), Some(_)) => (ChangeKind::Changed, None),
        (None, Some(_)) => (ChangeKind::Added, Some(old)),
        (Some(_), None) => (ChangeKind::Removed, Some(new)),
        (None, None) => return None,
    };
    let is_new = |party: &&Arc<Party>| {
        matches!(***party, Party::Workload { .. }) && others.is_some_and(|others| !others.contains(&***party))
    };
    let none = || Arc::new(Connection::default());
    Some(Change {
        kind,
        source: Arc::clone(source),
        destination: Arc::clone(destination),
        before: before.map_or_else(none, Arc::clone),
        after: after.map_or_else(none, Arc::clone),
        workloads: [source, destination].into_iter().filter(is_new).map(Arc::clone).collect(),
    })
}

/// A range of addresses, and what is had with it before and after.
type Part<'r> = (Ipv4Addr, Ipv4Addr, Both<'r>);

/// The longest ranges in which the same was before, and the same is after.
fn parts<'r>(sides: &[Ranges<'r>; 2]) -> Vec<Part<'r>> {
    let mut cuts: Vec<u64> = sides.iter().flatten().flat_map(|(first, end, _)| [*first, *end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let sorted = sides.each_ref().map(|ranges| {
        let mut ranges = ranges.clone();
        ranges.sort_unstable_by_key(|(first, ..)| *first);
        ranges
    });
    let at = |side: &Ranges<'r>, address: u64| {
        let index = side.partition_point(|(_, end, _)| *end <= address);
        side.get(index).filter(|(first, ..)| *first <= address).map(|(.., connection)| *connection)
    };
    let address = |bits: u64| u32::try_from(bits).map_or(Ipv4Addr::BROADCAST, Ipv4Addr::from);
    let mut parts: Vec<Part<'r>> = Vec::new();
    let mut begun: Option<(u64, u64, Both<'r>)> = None;
    for pair in cuts.windows(2) {
        let both = sorted.each_ref().map(|side| at(side, pair[0]));
        match &mut begun {
            Some((_, end, last)) if *last == both => *end = pair[1],
            _ => {
                parts.extend(begun.map(|(first, end, both)| (address(first), address(end - 1), both)));
                begun = Some((pair[0], pair[1], both));
            }
        }
    }
    parts.extend(begun.map(|(first, end, both)| (address(first), address(end - 1), both)));
    parts
}
