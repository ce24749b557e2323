//! All connections, grouped.
//!
//! Receivers that the same senders reach on the same ports are one group; so are the senders of a line. What is written grows with
//! what differs, not with the number of pods.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ringwall_model::address::Family;
use ringwall_network::engine::Ports;
use ringwall_network::port_set::PortSet;

use crate::network::Network;
use crate::network::parties::Parties;

/// Connections that are alike: each of the senders reaches each of the receivers on the ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Senders, by index in [`Parties::all`](super::parties::Parties::all), rising.
    pub from: Vec<u32>,
    /// Receivers.
    pub to: Vec<u32>,
    /// On which ports.
    pub ports: Ports,
    /// The only family in which it is so; `None` where it is so in all that both ends speak.
    pub family: Option<Family>,
}

/// All connections that are allowed or may be, by receivers. With C classes costs O(C²).
pub fn list(network: &Network<'_>) -> Vec<Row> {
    let families = network.parties.families.iter().map(|family| of_family(network, *family)).collect();
    join_families(&network.parties, families)
}

/// Rows of one family each, the same of both said once, without the addresses of either.
fn join_families(parties: &Parties, mut by_family: Vec<Vec<Row>>) -> Vec<Row> {
    let mut rows = by_family.pop().unwrap_or_default();
    if let Some(v4) = by_family.pop() {
        let mut v6 = rows;
        rows = Vec::new();
        for row in v4 {
            let twin = v6.iter().position(|other| {
                same(parties, &row.from, &other.from)
                    && same(parties, &row.to, &other.to)
                    && row.ports == other.ports
            });
            match twin.map(|at| v6.remove(at)) {
                Some(other) => rows.push(Row {
                    from: union(&row.from, &other.from),
                    to: union(&row.to, &other.to),
                    ..other
                }),
                None => rows.push(Row { family: Some(Family::V4), ..row }),
            }
        }
        rows.extend(v6.into_iter().map(|row| Row { family: Some(Family::V6), ..row }));
    }
    rows.sort_by(|a, b| (&a.to, &a.from, a.family).cmp(&(&b.to, &b.from, b.family)));
    rows
}

/// What is in either set, rising.
fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let all: BTreeSet<u32> = a.iter().chain(b).copied().collect();
    all.into_iter().collect()
}

/// Whether two sets, each of one family, are the same pods, and the same addresses where both speak of all or of none of them.
fn same(parties: &Parties, a: &[u32], b: &[u32]) -> bool {
    let pods = |set: &[u32]| -> Vec<u32> {
        set.iter().copied().filter(|index| parties.all[*index as usize].is_pods()).collect()
    };
    let (some, others) = (pods(a), pods(b));
    let outside = |set: &[u32], pods: &[u32], family: Family| {
        let all =
            parties.all.iter().filter(|party| !party.is_pods() && party.class(family).is_some()).count();
        match set.len() - pods.len() {
            0 => Some(false),
            count if count == all => Some(true),
            _ => None,
        }
    };
    some == others
        && outside(a, &some, Family::V4).is_some()
        && outside(a, &some, Family::V4) == outside(b, &others, Family::V6)
}

/// The connections of a family.
fn of_family(network: &Network<'_>, family: Family) -> Vec<Row> {
    let matrix = network.matrix();
    let closed: Vec<bool> = matrix.connections().iter().map(Ports::is_empty).collect();
    let id = |from: u32, to: u32| Some(matrix.id(from, to)).filter(|id| !closed[*id as usize]);
    grouped(&network.parties, family, id)
        .into_iter()
        .map(|(from, to, id)| Row {
            from,
            to,
            ports: matrix.connections()[id as usize].clone(),
            family: None,
        })
        .collect()
}

/// Groups what `id` gives for pairs of classes; nothing between addresses, and nothing where it gives none. With C classes costs O(C²).
pub(super) fn grouped(
    parties: &Parties,
    family: Family,
    mut id: impl FnMut(u32, u32) -> Option<u32>,
) -> Vec<(Vec<u32>, Vec<u32>, u32)> {
    // Ends by class: what no policy tells apart is looked at once.
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (index, party) in parties.all.iter().enumerate() {
        if let Some(class) = party.class(family) {
            members.entry(class).or_default().push(index as u32);
        }
    }
    let is_pods = |ends: &[u32]| ends.first().is_some_and(|end| parties.all[*end as usize].is_pods());
    let classes: Vec<(u32, bool)> = members.iter().map(|(class, ends)| (*class, is_pods(ends))).collect();
    let mut columns: HashMap<Vec<u32>, Vec<u32>> = HashMap::new();
    for (to, to_is_pod) in &classes {
        let column = classes.iter().map(|(from, from_is_pod)| {
            if *to_is_pod || *from_is_pod { id(*from, *to).unwrap_or(NONE) } else { NONE }
        });
        columns.entry(column.collect()).or_default().push(*to);
    }
    // Lines with the same senders and ports are one.
    let mut lines: HashMap<(Vec<u32>, u32), Vec<u32>> = HashMap::new();
    for (column, to) in columns {
        let mut senders: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for ((from, _), id) in classes.iter().zip(column).filter(|(_, id)| *id != NONE) {
            senders.entry(id).or_default().push(*from);
        }
        for (id, from) in senders {
            lines.entry((from, id)).or_default().extend(&to);
        }
    }
    let ends = |classes: Vec<u32>| {
        let mut ends: Vec<u32> =
            classes.iter().filter_map(|class| members.get(class)).flatten().copied().collect();
        ends.sort_unstable();
        ends
    };
    lines.into_iter().map(|((from, id), to)| (ends(from), ends(to), id)).collect()
}

/// No number of anything.
const NONE: u32 = u32::MAX;

/// What is reached on a port of a Service.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Index of the Service in [`Services::all`](ringwall_network::services::Services::all).
    pub service: usize,
    /// Its port, by index among its ports.
    pub port: usize,
    /// The ports of the pods behind it.
    pub targets: PortSet,
    /// The ends that are behind it.
    pub behind: Vec<u32>,
    /// The ends that reach one of them on its port for certain.
    pub by: Vec<u32>,
}

/// What is reached on each port of each Service, in the order of the snapshot. Costs, for each Service, a look at each pod behind it, and
/// at each class for each class and port behind it that was not met before.
pub fn services(network: &Network<'_>) -> Vec<Reached> {
    let mut all = Vec::new();
    let mut reachers = Reachers::default();
    for (index, service) in network.services.all.iter().enumerate() {
        for (at, port) in service.ports.iter().enumerate() {
            let reached = service.reached(port, &network.cluster);
            let targets = reached.values().fold(PortSet::none(), |all, ports| all.or(ports));
            let (behind, by) = reachers.of(network, reached);
            all.push(Reached { service: index, port: at, targets, behind, by });
        }
    }
    all
}

/// Who reaches pods on ports; what was asked once is known.
#[derive(Debug, Default)]
pub struct Reachers {
    known: HashMap<(u32, PortSet), Vec<u32>>,
}

impl Reachers {
    /// The ends of pods, and the ends that reach one of them on one of its ports for certain.
    pub fn of(
        &mut self,
        network: &Network<'_>,
        pods: impl IntoIterator<Item = (usize, PortSet)>,
    ) -> (Vec<u32>, Vec<u32>) {
        let (mut behind, mut by) = (BTreeSet::new(), BTreeSet::new());
        for (pod, ports) in pods {
            for family in &network.parties.families {
                if let Some(class) = network.engine.classes().of_pod(pod, *family) {
                    behind.extend(network.parties.of_pod(network.cluster.pods[pod].workload, class));
                    let key = (class, ports.clone());
                    by.extend(
                        self.known
                            .entry(key)
                            .or_insert_with_key(|(class, ports)| reaching(network, *class, ports))
                            .iter(),
                    );
                }
            }
        }
        (behind.into_iter().collect(), by.into_iter().collect())
    }
}

/// The ends that reach a class on one of the ports for certain.
fn reaching(network: &Network<'_>, class: u32, ports: &PortSet) -> Vec<u32> {
    let family = network.engine.classes().get(class).family;
    let ends = network.parties.all.iter().enumerate().filter(|(_, party)| {
        party.class(family).is_some_and(|from| network.matrix().get(from, class).yes.meets(ports))
    });
    ends.map(|(index, _)| index as u32).collect()
}
