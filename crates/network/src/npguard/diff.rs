//! What changed between two sets of manifests.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::Ipv4Addr;

use super::{Analysis, Connection, Focus, Party, Row};

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
    pub source: Party,
    /// Who receives.
    pub destination: Party,
    /// The ports before.
    pub before: Connection,
    /// The ports after.
    pub after: Connection,
    /// Those of the two ends that came or went with it.
    pub workloads: Vec<Party>,
}

/// The connections before and after.
type Pair = (Connection, Connection);

/// All connections that changed: first those with other ports, then those that came, then those that went. Ranges of addresses are
/// as long as nothing changes in them. Costs the sum of the rows, each range cut where one of another row begins or ends.
pub fn diff(before: &Analysis<'_>, after: &Analysis<'_>) -> Vec<Change> {
    let sets = [before.list(&Focus::default()), after.list(&Focus::default())];
    let mut starts = BTreeSet::new();
    for row in sets.iter().flatten() {
        for party in [&row.source, &row.destination] {
            if let Party::Range(first, last) = party {
                starts.extend([u64::from(u32::from(*first)), u64::from(u32::from(*last)) + 1]);
            }
        }
    }
    let mut pairs: BTreeMap<(Party, Party), Pair> = BTreeMap::new();
    for (is_after, rows) in [false, true].into_iter().zip(&sets) {
        for row in rows {
            for ends in atoms(row, &starts) {
                let pair = pairs.entry(ends).or_default();
                let side = if is_after { &mut pair.1 } else { &mut pair.0 };
                *side = row.connection.clone();
            }
        }
    }
    let known = |analysis: &Analysis<'_>| analysis.workloads().cloned().collect::<HashSet<Party>>();
    let (old, new) = (known(before), known(after));
    let mut changes: Vec<Change> = join(pairs)
        .into_iter()
        .filter(|(_, (before, after))| before != after)
        .map(|((source, destination), (before, after))| {
            let (kind, others) = match (before.is_empty(), after.is_empty()) {
                (true, _) => (ChangeKind::Added, Some(&old)),
                (_, true) => (ChangeKind::Removed, Some(&new)),
                _ => (ChangeKind::Changed, None),
            };
            let is_new = |party: &&Party| {
                matches!(party, Party::Workload { .. })
                    && others.is_some_and(|others| !others.contains(*party))
            };
            let workloads = [&source, &destination].into_iter().filter(is_new).cloned().collect();
            Change { kind, source, destination, before, after, workloads }
        })
        .collect();
    changes.sort_by_cached_key(|change| {
        (change.kind, change.source.to_string(), change.destination.to_string())
    });
    changes
}

/// The ends of a row, a range cut at the starts.
fn atoms(row: &Row, starts: &BTreeSet<u64>) -> Vec<(Party, Party)> {
    let cut = |party: &Party| match party {
        Party::Range(first, last) => {
            let (first, end) = (u64::from(u32::from(*first)), u64::from(u32::from(*last)) + 1);
            let bounds: Vec<u64> = starts.range(first..=end).copied().collect();
            let address = |bits: u64| u32::try_from(bits).map_or(Ipv4Addr::BROADCAST, Ipv4Addr::from);
            bounds.windows(2).map(|pair| Party::Range(address(pair[0]), address(pair[1] - 1))).collect()
        }
        other => vec![other.clone()],
    };
    let destinations = cut(&row.destination);
    let with = |source: Party| {
        let ends = |destination: &Party| (source.clone(), destination.clone());
        destinations.iter().map(ends).collect::<Vec<_>>()
    };
    cut(&row.source).into_iter().flat_map(with).collect()
}

/// Joins ranges that touch, where the same changed at the same other end.
fn join(pairs: BTreeMap<(Party, Party), Pair>) -> Vec<((Party, Party), Pair)> {
    let mut joined: Vec<((Party, Party), Pair)> = Vec::with_capacity(pairs.len());
    // By the other end, and then by address: ranges of sources and of destinations each stand together.
    let mut rest: Vec<_> = pairs.into_iter().collect();
    rest.sort_by(|((a, b), _), ((c, d), _)| {
        let key = |source: &Party, destination: &Party| match source {
            Party::Range(..) => (true, destination.clone(), source.clone()),
            _ => (false, source.clone(), destination.clone()),
        };
        key(a, b).cmp(&key(c, d))
    });
    for ((source, destination), pair) in rest {
        if let Some(((last_source, last_destination), last_pair)) = joined.last_mut()
            && *last_pair == pair
        {
            let whole = match (&*last_source, &source, &*last_destination, &destination) {
                (Party::Range(first, end), Party::Range(next, last), a, b)
                    if a == b && touch(*end, *next) =>
                {
                    Some((Party::Range(*first, *last), destination.clone()))
                }
                (a, b, Party::Range(first, end), Party::Range(next, last))
                    if a == b && touch(*end, *next) =>
                {
                    Some((source.clone(), Party::Range(*first, *last)))
                }
                _ => None,
            };
            if let Some((source, destination)) = whole {
                (*last_source, *last_destination) = (source, destination);
                continue;
            }
        }
        joined.push(((source, destination), pair));
    }
    joined
}

/// Whether an address is the next.
fn touch(end: Ipv4Addr, next: Ipv4Addr) -> bool {
    u32::from(end).checked_add(1) == Some(u32::from(next))
}
