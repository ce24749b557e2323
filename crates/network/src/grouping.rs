//! What policies can see of an endpoint: the key of its class.

use std::collections::{HashMap, HashSet};

use ringwall_model::address::{Address, Family};
use ringwall_model::finding::Verdict;
use ringwall_model::selector::Selector;

use crate::classes::{Asked, Code, Key, Named};
use crate::cluster::Cluster;
use crate::counted::Interner;
use crate::engine::Options;
use crate::foreign::Foreign;
use crate::judge::End;
use crate::labels::Labels;
use crate::policy::{Direction, Namespaces, Peer};

/// How a predicate answers of a node whose address nobody knows: 0 for yes, 1 for perhaps.
pub(crate) fn unknown_code(cluster: &Cluster, peer: &Peer, family: Family) -> Option<Code> {
    code(cluster.is_peer(peer, End { family, address: None, pod: None, node: None }))
}

/// How a predicate answers of a pod that has no address yet, by its address.
pub(crate) fn unaddressed_code(cluster: &Cluster, peer: &Peer, family: Family) -> Option<Code> {
    code(cluster.may_be_in(peer, family, true))
}

const fn code(verdict: Verdict) -> Option<Code> {
    match verdict {
        Verdict::Yes => Some(0),
        Verdict::CannotTell => Some(1),
        Verdict::No => None,
    }
}

/// The answers about nodes whose addresses nobody knows.
pub(crate) fn unknown_codes(cluster: &Cluster, asked: &Asked, family: Family) -> Vec<Code> {
    let codes = asked.peers.iter();
    codes.filter_map(|(number, peer)| Some(number * 2 + unknown_code(cluster, peer, family)?)).collect()
}

/// The answers about an address that is no pod's; `holding` are the predicates that hold of it, sorted.
pub(crate) fn outside_codes(asked: &Asked, holding: &[u32]) -> Vec<Code> {
    let domains = asked.peers.iter().filter(|(_, peer)| matches!(peer, Peer::Domains(_)));
    let mut codes: Vec<Code> =
        holding.iter().map(|number| number * 2).chain(domains.map(|(number, _)| number * 2 + 1)).collect();
    codes.sort_unstable();
    codes
}

/// Works out the keys of some pods.
pub(crate) struct Evaluator<'c> {
    cluster: &'c Cluster,
    asked: &'c Asked,
    options: Options,
    /// For each namespace the sets of pods that may hold in it: the predicate, and the number of its pod selector.
    by_namespace: HashMap<&'c str, Vec<(u32, u32)>>,
    label_sets: Interner<&'c Labels>,
    selectors: Interner<&'c Selector>,
    /// For each label set a bit for each pod selector: whether it was asked, and whether it holds. Most are never asked: those of other
    /// namespaces.
    held: Vec<[u64; 2]>,
    width: usize,
    memo: HashMap<(&'c str, u32), Vec<Code>>,
    /// The policies of other APIs in each namespace, and those in all.
    foreign: HashMap<Option<&'c str>, Vec<&'c Foreign>>,
    /// The answers about pods without an address, by family.
    unaddressed: [Option<Vec<Code>>; 2],
}

impl<'c> Evaluator<'c> {
    /// Costs the tests of the selectors of namespaces on those of the pods, and of the selectors of pods on their label sets.
    pub(crate) fn new(cluster: &'c Cluster, asked: &'c Asked, options: Options, pods: &[usize]) -> Self {
        let pods = || pods.iter().map(|index| &cluster.pods[*index]).filter(|pod| pod.is_subject());
        let mut names: Vec<&str> = pods().map(|pod| pod.namespace.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let known: HashSet<&str> = names.iter().copied().collect();
        let mut selectors: Interner<&Selector> = Interner::default();
        let mut by_namespace: HashMap<&str, Vec<(u32, u32)>> = HashMap::new();
        let mut chosen: HashMap<&Selector, Vec<&str>> = HashMap::new();
        for (predicate, peer) in asked.peers.iter() {
            let Peer::Pods(set) = peer else { continue };
            match &set.namespaces {
                Namespaces::Own(name) => {
                    if let Some(name) = known.get(name.as_str()) {
                        let entry = (predicate, selectors.number(&set.pods));
                        by_namespace.entry(name).or_default().push(entry);
                    }
                }
                Namespaces::Selected(selector) => {
                    let chosen = chosen.entry(selector).or_insert_with(|| {
                        let names = names.iter().copied();
                        names.filter(|name| cluster.has_namespace(&set.namespaces, name)).collect()
                    });
                    if !chosen.is_empty() {
                        let entry = (predicate, selectors.number(&set.pods));
                        for name in chosen.iter() {
                            by_namespace.entry(name).or_default().push(entry);
                        }
                    }
                }
            }
        }
        let mut label_sets: Interner<&Labels> = Interner::default();
        for pod in pods() {
            label_sets.number(&pod.labels);
        }
        let width = selectors.items.len().div_ceil(64);
        let held = vec![[0_u64; 2]; width * label_sets.items.len()];
        let mut foreign: HashMap<Option<&str>, Vec<&Foreign>> = HashMap::new();
        for policy in &cluster.foreign {
            foreign.entry(policy.namespace.as_deref()).or_default().push(policy);
        }
        let (memo, unaddressed) = (HashMap::new(), [None, None]);
        Self {
            cluster,
            asked,
            options,
            by_namespace,
            label_sets,
            selectors,
            held,
            width,
            memo,
            foreign,
            unaddressed,
        }
    }

    /// The keys of one of the pods, one for each family in which it speaks. `holding` gives the predicates that hold of an address,
    /// sorted.
    pub(crate) fn keys<A: AsRef<[u32]>>(
        &mut self,
        index: usize,
        holding: impl Fn(Address) -> A,
        mut each: impl FnMut(Key),
    ) {
        let cluster = self.cluster;
        let pod = &cluster.pods[index];
        if !pod.is_subject() {
            return;
        }
        let labels = self.label_sets.number(&pod.labels);
        let Self { by_namespace, selectors, held, width, memo, foreign, .. } = self;
        let by_labels = memo.entry((pod.namespace.as_str(), labels)).or_insert_with(|| {
            let held = &mut held[labels as usize * *width..];
            let sets = by_namespace.get(pod.namespace.as_str()).into_iter().flatten();
            let sets = sets.filter(|(_, selector)| {
                let selector = *selector as usize;
                let ([asked, holds], bit) = (&mut held[selector / 64], 1 << (selector % 64));
                if *asked & bit == 0 {
                    *asked |= bit;
                    if selectors.items[selector].matches(|key| pod.labels.get(key)) {
                        *holds |= bit;
                    }
                }
                *holds & bit != 0
            });
            sets.map(|(predicate, _)| predicate * 2).collect()
        });
        let by_labels = by_labels.clone();
        let ports = pod.ports.iter().filter(|port| !port.name.is_empty());
        let mut names: Vec<Named> =
            ports.filter_map(|port| Some((self.asked.names.number(&port.name)?, port.port))).collect();
        names.sort_unstable();
        names.dedup();
        let foreign = Direction::ALL.map(|direction| {
            let mut here = [None, Some(pod.namespace.as_str())]
                .into_iter()
                .filter_map(|name| foreign.get(&name))
                .flatten();
            here.any(|foreign| cluster.may_be_about(foreign, direction, pod))
        });
        for family in cluster.families(pod) {
            let mut codes = by_labels.clone();
            if self.options.pods_by_address {
                match pod.addresses.iter().find(|address| address.family == family) {
                    Some(address) => {
                        codes.extend(holding(*address).as_ref().iter().map(|predicate| predicate * 2));
                    }
                    None => codes.extend_from_slice(self.unaddressed(family)),
                }
                codes.sort_unstable();
            }
            each(Key { family, is_pod: true, codes, names: names.clone(), foreign });
        }
    }

    fn unaddressed(&mut self, family: Family) -> &[Code] {
        let Self { cluster, asked, unaddressed, .. } = self;
        unaddressed[family as usize].get_or_insert_with(|| {
            let codes = asked.peers.iter();
            codes
                .filter_map(|(number, peer)| Some(number * 2 + unaddressed_code(cluster, peer, family)?))
                .collect()
        })
    }
}
