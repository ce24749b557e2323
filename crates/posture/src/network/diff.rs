//! What two sets of manifests allow that differs: what a change opens and closes.

use std::collections::{BTreeMap, HashMap};

use ringwall_model::address::{Address, Family};
use ringwall_network::engine::Ports;
use ringwall_network::port_set::PortSet;

use crate::network::Network;
use crate::network::list::grouped;
use crate::network::parties::{Parties, Party, Ranges, Who};

/// What differs.
#[derive(Debug)]
pub struct Diff {
    /// The ends of both sets; addresses are cut where either cuts them.
    pub parties: Parties,
    /// Connections that differ, grouped.
    pub rows: Vec<DiffRow>,
    /// Workloads that only the second set has, by name.
    pub added: Vec<String>,
    /// Workloads that only the first set has.
    pub removed: Vec<String>,
}

/// Connections that differ alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffRow {
    /// Senders, by index in the ends of both.
    pub from: Vec<u32>,
    /// Receivers.
    pub to: Vec<u32>,
    /// The ports before.
    pub before: Ports,
    /// The ports after.
    pub after: Ports,
    /// Whether one of the two ends is only in one of the sets.
    pub with_workload: bool,
    /// The only family in which it is so, where there are two.
    pub family: Option<Family>,
}

impl DiffRow {
    /// The ports that were closed for certain, or perhaps, and may be reached now.
    pub fn opened(&self) -> PortSet {
        self.after.may.minus(&self.before.yes)
    }

    /// The ports that may have been reached, and are not reached for certain now.
    pub fn closed(&self) -> PortSet {
        self.before.may.minus(&self.after.yes)
    }
}

/// The classes of an end before and after.
type Joint = (Option<u32>, Option<u32>);

/// Compares two sets. With J pairs of classes that an end has before and after costs O(J²).
pub fn diff(base: &Network<'_>, head: &Network<'_>) -> Diff {
    let mut ends: Vec<(Party, [Joint; 2])> = Vec::new();
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    let by_workload = |network: &Network<'_>| -> BTreeMap<(String, String, String), Vec<usize>> {
        let mut all: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for index in network.parties.pods() {
            if let Who::Workload { workload, .. } = network.parties.all[index].who {
                let workload = &network.cluster.workloads[workload];
                let key = (workload.namespace.clone(), workload.kind.clone(), workload.name.clone());
                all.entry(key).or_default().push(index);
            }
        }
        all
    };
    let (before, mut after) = (by_workload(base), by_workload(head));
    for (key, old) in before {
        match after.remove(&key) {
            None => {
                for index in old {
                    let party = &base.parties.all[index];
                    removed.push(party.name.clone());
                    ends.push((party.clone(), party.classes.map(|class| (class, None))));
                }
            }
            Some(new) => {
                for (was, now) in beside(&old, &new, base, head) {
                    let party = if now.who_share().is_none() { was } else { now };
                    let joint = [0, 1].map(|family| (was.classes[family], now.classes[family]));
                    ends.push((party.clone(), joint));
                }
            }
        }
    }
    for index in after.into_values().flatten() {
        let party = &head.parties.all[index];
        added.push(party.name.clone());
        ends.push((party.clone(), party.classes.map(|class| (None, class))));
    }
    ends.extend(addresses(base, head));
    // What is the same before and after is looked at once: a class for each two classes.
    let mut numbers: HashMap<(usize, Joint), u32> = HashMap::new();
    let mut joints: Vec<Joint> = Vec::new();
    let mut all = Vec::with_capacity(ends.len());
    for (party, joint) in ends {
        let classes = [0, 1].map(|family| {
            let joint: Joint = joint[family];
            (joint != (None, None)).then(|| {
                *numbers.entry((family, joint)).or_insert_with(|| {
                    joints.push(joint);
                    joints.len() as u32 - 1
                })
            })
        });
        all.push(Party { classes, ..party });
    }
    let parties = Parties::new(all);
    let mut rows = Vec::new();
    for family in &parties.families {
        let mut pairs: HashMap<(u32, u32, bool), u32> = HashMap::new();
        let mut kinds: Vec<(Ports, Ports, bool)> = Vec::new();
        let id = |from: u32, to: u32| {
            let (from, to) = (joints[from as usize], joints[to as usize]);
            let id = |network: &Network<'_>, from: Option<u32>, to: Option<u32>| {
                from.zip(to).map_or(u32::MAX, |(from, to)| network.matrix().id(from, to))
            };
            let (old, new) = (id(base, from.0, to.0), id(head, from.1, to.1));
            let with_workload = [from, to].iter().any(|joint| joint.0.is_none() || joint.1.is_none());
            let number = *pairs.entry((old, new, with_workload)).or_insert_with(|| {
                let of =
                    |network: &Network<'_>, id: u32| match network.matrix().connections().get(id as usize) {
                        Some(ports) => ports.clone(),
                        None => Ports::none(),
                    };
                let (before, after) = (of(base, old), of(head, new));
                if before == after {
                    return u32::MAX;
                }
                kinds.push((before, after, with_workload));
                kinds.len() as u32 - 1
            });
            (number != u32::MAX).then_some(number)
        };
        let found = grouped(&parties, *family, id);
        rows.extend(found.into_iter().map(|(from, to, kind)| {
            let (before, after, with_workload) = kinds[kind as usize].clone();
            let family = (parties.families.len() > 1).then_some(*family);
            DiffRow { from, to, before, after, with_workload, family }
        }));
    }
    rows.sort_by(|a, b| {
        (a.with_workload, &a.to, &a.from, a.family).cmp(&(b.with_workload, &b.to, &b.from, b.family))
    });
    added.sort();
    removed.sort();
    Diff { parties, rows, added, removed }
}

/// The shares of a workload's pods before and after that are to be compared: one by one where there are as many, as of objects with one name
/// that stand in both sets; else each with each share that it may have been of.
fn beside<'p>(
    old: &[usize],
    new: &[usize],
    base: &'p Network<'_>,
    head: &'p Network<'_>,
) -> Vec<(&'p Party, &'p Party)> {
    let was = old.iter().map(|index| &base.parties.all[*index]);
    let now = new.iter().map(|index| &head.parties.all[*index]);
    if old.len() == new.len() {
        return was.zip(now).collect();
    }
    let each = now.flat_map(|now| was.clone().map(move |was| (was, now)));
    each.filter(|(was, now)| {
        old.len() == 1 || was.who_share() == now.who_share() || now.who_share().is_none()
    })
    .collect()
}

/// The ranges of both sets, cut where either cuts them, and joined again where neither tells them apart.
fn addresses(base: &Network<'_>, head: &Network<'_>) -> Vec<(Party, [Joint; 2])> {
    let mut ends = Vec::new();
    let speaks =
        |family: &Family| base.parties.families.contains(family) || head.parties.families.contains(family);
    for family in [Family::V4, Family::V6].into_iter().filter(speaks) {
        let of = |network: &Network<'_>| -> Vec<(Address, Address, u32)> {
            let mut all: Vec<(Address, Address, u32)> = network
                .engine
                .classes()
                .iter()
                .filter(|(_, class)| class.family == family)
                .flat_map(|(number, class)| {
                    class.ranges.iter().map(move |(first, last)| (*first, *last, number))
                })
                .collect();
            all.sort_unstable();
            all
        };
        let (old, new) = (of(base), of(head));
        let mut joined: BTreeMap<(u32, u32), Vec<(Address, Address)>> = BTreeMap::new();
        let (mut a, mut b) = (0, 0);
        while let (Some(x), Some(y)) = (old.get(a), new.get(b)) {
            let (first, last) = (x.0.max(y.0), x.1.min(y.1));
            if first <= last {
                joined.entry((x.2, y.2)).or_default().push((first, last));
            }
            if x.1 <= y.1 {
                a += 1;
            }
            if y.1 <= x.1 {
                b += 1;
            }
        }
        for ((old, new), ranges) in joined {
            let mut joint = [(None, None); 2];
            joint[family as usize] = (Some(old), Some(new));
            let name = Ranges(vec![ranges.clone()]).to_string();
            let party = Party {
                who: Who::Addresses(ranges),
                namespace: String::new(),
                name,
                pod: None,
                classes: [None; 2],
            };
            ends.push((party, joint));
        }
    }
    ends
}
