//! The ends of connections, and short names for sets of them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use ringwall_model::address::{Address, Block, Family};
use ringwall_network::cluster::Cluster;
use ringwall_network::engine::Engine;

/// Who is at an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Pods of a workload that policies cannot tell apart.
    Workload {
        /// Its index in the cluster.
        workload: usize,
        /// How many of its pods these are, and of how many, where policies tell its pods apart.
        share: Option<(usize, usize)>,
    },
    /// Addresses that are no pod's: the first and the last of each range.
    Addresses(Vec<(Address, Address)>),
}

/// An end of connections.
#[derive(Clone, Debug)]
pub struct Party {
    /// Who it is.
    pub who: Who,
    /// Its namespace; empty for addresses.
    pub namespace: String,
    /// What it is called: `shop/frontend`, `10.0.0.0/8`.
    pub name: String,
    /// A pod that stands for it, by index in the cluster.
    pub pod: Option<usize>,
    /// Its class in each family.
    pub classes: [Option<u32>; 2],
}

impl Party {
    /// Its class in a family.
    pub const fn class(&self, family: Family) -> Option<u32> {
        self.classes[family as usize]
    }

    /// Which part of a workload's pods it is, where policies tell them apart.
    pub(super) const fn who_share(&self) -> Option<(usize, usize)> {
        match self.who {
            Who::Workload { share, .. } => share,
            Who::Addresses(_) => None,
        }
    }

    /// Whether it is pods.
    pub const fn is_pods(&self) -> bool {
        self.pod.is_some()
    }
}

/// All ends: workloads by namespace and name, then addresses.
#[derive(Clone, Debug, Default)]
pub struct Parties {
    /// The ends.
    pub all: Vec<Party>,
    /// Workloads whose pods are all on the network of their node, by index in the cluster: policies take them for addresses of it.
    pub on_nodes: Vec<usize>,
    /// How many of them are pods; these come first.
    pods: usize,
    /// How many ends each namespace has.
    sizes: HashMap<String, usize>,
    /// The ends of each class.
    by_class: HashMap<u32, Vec<u32>>,
    /// The families that pods speak.
    pub families: Vec<Family>,
}

impl Parties {
    /// The ends in a cluster. Costs a look at each pod and range.
    pub fn of(cluster: &Cluster, engine: &Engine) -> Self {
        let mut parties = Self::default();
        let mut names: HashMap<(&str, &str), usize> = HashMap::new();
        for workload in &cluster.workloads {
            *names.entry((&workload.namespace, &workload.name)).or_default() += 1;
        }
        for (index, workload) in cluster.workloads.iter().enumerate() {
            let mut by_classes: BTreeMap<[Option<u32>; 2], Vec<usize>> = BTreeMap::new();
            let alive = workload.pods.iter().filter(|pod| !cluster.pods[**pod].finished);
            let mut on_nodes = false;
            for pod in alive {
                if !cluster.pods[*pod].is_subject() {
                    on_nodes = true;
                    continue;
                }
                let class = |family| engine.classes().of_pod(*pod, family);
                by_classes.entry([class(Family::V4), class(Family::V6)]).or_default().push(*pod);
            }
            if by_classes.is_empty() && on_nodes {
                parties.on_nodes.push(index);
            }
            let total: usize = by_classes.values().map(Vec::len).sum();
            let apart = by_classes.len() > 1;
            for (classes, pods) in by_classes {
                let Some(pod) = pods.first().copied() else { continue };
                let share = apart.then_some((pods.len(), total));
                let mut name = format!("{}/{}", workload.namespace, workload.name);
                if names
                    .get(&(workload.namespace.as_str(), workload.name.as_str()))
                    .is_some_and(|count| *count > 1)
                {
                    name.push_str(&format!(" ({})", workload.kind));
                }
                if let Some((some, of)) = share {
                    name.push_str(&format!(" ({some} of {of} pods)"));
                }
                let namespace = workload.namespace.clone();
                let who = Who::Workload { workload: index, share };
                parties.all.push(Party { who, namespace, name, pod: Some(pod), classes });
            }
        }
        parties.families = families(&parties.all);
        for (number, class) in engine.classes().iter().filter(|(_, class)| !class.is_pod) {
            if class.ranges.is_empty() || !parties.families.contains(&class.family) {
                continue;
            }
            let mut classes = [None; 2];
            classes[class.family as usize] = Some(number);
            let name = Ranges(vec![class.ranges.clone()]).to_string();
            let who = Who::Addresses(class.ranges.clone());
            parties.all.push(Party { who, namespace: String::new(), name, pod: None, classes });
        }
        Self { on_nodes: parties.on_nodes, ..Self::new(parties.all) }
    }

    /// These ends. Costs sorting them.
    pub(super) fn new(mut all: Vec<Party>) -> Self {
        // Addresses have no namespace, and stand behind.
        all.sort_by(|a, b| (!a.is_pods(), &a.namespace, &a.name).cmp(&(!b.is_pods(), &b.namespace, &b.name)));
        let mut parties = Self { families: families(&all), ..Self::default() };
        for (index, party) in all.iter().enumerate() {
            for class in party.classes.iter().flatten() {
                parties.by_class.entry(*class).or_default().push(index as u32);
            }
            if party.is_pods() {
                parties.pods += 1;
                *parties.sizes.entry(party.namespace.clone()).or_default() += 1;
            }
        }
        parties.all = all;
        parties
    }

    /// The ends of a class that are pods of a workload.
    pub fn of_pod(&self, workload: usize, class: u32) -> impl Iterator<Item = u32> + '_ {
        let ends = self.by_class.get(&class).into_iter().flatten().copied();
        ends.filter(move |end| match self.all[*end as usize].who {
            Who::Workload { workload: own, .. } => own == workload,
            Who::Addresses(_) => false,
        })
    }

    /// The ends that are pods, by index in [`Parties::all`].
    pub fn pods(&self) -> std::ops::Range<usize> {
        0..self.pods
    }

    /// The fewest words for a set of ends, given by their indexes in rising order. Costs the size of the set.
    pub fn terms(&self, set: &[u32]) -> Vec<Term> {
        let mut terms = Vec::new();
        let split = set.partition_point(|index| (*index as usize) < self.pods);
        let (pods, rest) = set.split_at(split);
        if pods.len() == self.pods && self.pods > 0 {
            terms.push(Term::EveryPod { but: Vec::new() });
        } else if self.pods >= 8 && pods.len() + 2 >= self.pods {
            terms.push(Term::EveryPod { but: self.missing(0..self.pods, pods) });
        } else {
            for group in pods.chunk_by(|a, b| self.namespace(*a) == self.namespace(*b)) {
                let Some(first) = group.first() else { continue };
                let namespace = self.namespace(*first);
                let size = self.sizes.get(namespace).copied().unwrap_or(0);
                if size > 1 && group.len() == size {
                    terms.push(Term::Namespace { name: namespace.to_owned(), but: Vec::new() });
                } else if size >= 5 && group.len() + 2 >= size {
                    let start = self
                        .all
                        .partition_point(|party| party.is_pods() && party.namespace.as_str() < namespace);
                    let but = self.missing(start..start + size, group);
                    terms.push(Term::Namespace { name: namespace.to_owned(), but });
                } else {
                    terms.extend(
                        group.iter().map(|index| Term::Workload(self.all[*index as usize].name.clone())),
                    );
                }
            }
        }
        let mut ranges = Vec::new();
        for index in rest {
            if let Who::Addresses(list) = &self.all[*index as usize].who {
                ranges.push(list.clone());
            }
        }
        if !ranges.is_empty() {
            let whole = rest.len() == self.all.len() - self.pods;
            terms.push(if whole { Term::Outside } else { Term::Addresses(Ranges(ranges)) });
        }
        terms
    }

    fn namespace(&self, index: u32) -> &str {
        &self.all[index as usize].namespace
    }

    fn missing(&self, range: std::ops::Range<usize>, set: &[u32]) -> Vec<String> {
        range
            .filter(|index| set.binary_search(&(*index as u32)).is_err())
            .map(|index| self.all[index].name.clone())
            .collect()
    }
}

/// The families that pods speak.
fn families(all: &[Party]) -> Vec<Family> {
    let speaks = |family: &Family| all.iter().any(|party| party.is_pods() && party.class(*family).is_some());
    [Family::V4, Family::V6].into_iter().filter(speaks).collect()
}

/// A name for some ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// Every pod of the cluster but these.
    EveryPod {
        /// Those that are left out.
        but: Vec<String>,
    },
    /// Every pod of a namespace but these.
    Namespace {
        /// Its name.
        name: String,
        /// Those that are left out.
        but: Vec<String>,
    },
    /// One workload.
    Workload(String),
    /// All addresses that are no pod's.
    Outside,
    /// Some of them.
    Addresses(Ranges),
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let but = match self {
            Self::EveryPod { but } => {
                f.write_str("every pod")?;
                but
            }
            Self::Namespace { name, but } => {
                write!(f, "{name}/*")?;
                but
            }
            Self::Workload(name) => return f.write_str(name),
            Self::Outside => return f.write_str("outside"),
            Self::Addresses(ranges) => return ranges.fmt(f),
        };
        if !but.is_empty() {
            write!(f, " but {}", but.join(", "))?;
        }
        Ok(())
    }
}

/// Ranges of addresses, in the shortest form of blocks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ranges(pub Vec<Vec<(Address, Address)>>);

impl Ranges {
    /// The ranges, joined where they touch.
    pub fn joined(&self) -> Vec<(Address, Address)> {
        let mut list: Vec<(Address, Address)> = self.0.iter().flatten().copied().collect();
        list.sort_unstable();
        let mut joined: Vec<(Address, Address)> = Vec::with_capacity(list.len());
        for (first, last) in list {
            match joined.last_mut() {
                Some((_, end))
                    if end.family == first.family
                        && end.bits.checked_add(1).is_none_or(|next| next >= first.bits) =>
                {
                    *end = (*end).max(last);
                }
                _ => joined.push((first, last)),
            }
        }
        joined
    }
}

/// `10.0.0.0/8, 192.168.0.0/16`, or `0.0.0.0/0 except 10.0.0.0/8` where that is shorter.
impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = self.joined();
        let mut before = "";
        for family in [Family::V4, Family::V6] {
            let inside: Vec<(Address, Address)> =
                joined.iter().copied().filter(|(first, _)| first.family == family).collect();
            if inside.is_empty() {
                continue;
            }
            f.write_str(before)?;
            before = ", ";
            let blocks = |ranges: &[(Address, Address)]| -> Vec<Block> {
                ranges.iter().flat_map(|(first, last)| Block::of_range(*first, *last)).collect()
            };
            let (blocks, except) = (blocks(&inside), blocks(&complement(family, &inside)));
            let list = |blocks: &[Block]| blocks.iter().map(Block::to_string).collect::<Vec<_>>().join(", ");
            let whole = if family == Family::V4 { "0.0.0.0/0" } else { "::/0" };
            if except.len() + 1 < blocks.len() {
                write!(f, "{whole} except {}", list(&except))?;
            } else {
                f.write_str(&list(&blocks))?;
            }
        }
        Ok(())
    }
}

/// The ranges between these.
fn complement(family: Family, ranges: &[(Address, Address)]) -> Vec<(Address, Address)> {
    let mut gaps = Vec::new();
    let mut next = Some(0_u128);
    for (first, last) in ranges {
        if let Some(start) = next.filter(|start| *start < first.bits) {
            gaps.push((Address { family, bits: start }, Address { family, bits: first.bits - 1 }));
        }
        next = if last.bits == family.last() { None } else { Some(last.bits + 1) };
    }
    if let Some(start) = next {
        gaps.push((Address { family, bits: start }, Address { family, bits: family.last() }));
    }
    gaps
}
