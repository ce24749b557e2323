//! Endpoints that no policy can tell apart.

use std::collections::HashMap;
use std::sync::Arc;

use ringwall_model::address::{Address, Family};

use crate::cluster::Cluster;
use crate::counted::{Counted, insert, remove, slot};
use crate::engine::Options;
use crate::grouping::{Evaluator, outside_codes, unaddressed_code, unknown_code, unknown_codes};
use crate::outside::{Outside, Span, bounds, spans, sweep};
use crate::policy::{Peer, PodSet};
use crate::port::Port;

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
    /// For each direction, whether a policy of an API whose meaning is not known here may be about them.
    pub foreign: [bool; 2],
}

impl Class {
    /// How many members it has.
    fn size(&self) -> usize {
        self.pods.len() + self.ranges.len() + usize::from(self.unknown_nodes)
    }
}

/// What policies ask of endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The peers of rules, and what policies are about.
    pub(crate) peers: Counted<Peer>,
    /// Names of ports.
    pub(crate) names: Counted<String>,
}

/// A predicate and how it answers: twice its number where it holds, and one more where it may.
pub(crate) type Code = u32;

/// What a class is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) family: Family,
    pub(crate) is_pod: bool,
    /// The answers of predicates but those that do not hold, sorted.
    pub(crate) codes: Vec<Code>,
    pub(crate) names: Vec<Named>,
    pub(crate) foreign: [bool; 2],
}

/// Members of one class.
#[derive(Default)]
pub(crate) struct Part {
    pub(crate) pods: Vec<usize>,
    pub(crate) ranges: Vec<Span>,
    pub(crate) unknown_nodes: bool,
}

/// No class.
pub(crate) const NONE: u32 = u32::MAX;

/// All classes of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Classes {
    classes: Vec<Class>,
    /// What each class is known by; `None` where a number is given to none.
    keys: Vec<Option<Arc<Key>>>,
    known: HashMap<Arc<Key>, u32>,
    free: Vec<u32>,
    /// Classes that have lost all members; their numbers are free once nothing refers to them.
    pub(crate) dead: Vec<u32>,
    /// For each pod its class in each family.
    by_pod: Vec<[u32; 2]>,
    /// The pods of each namespace that policies are about.
    by_namespace: HashMap<String, Vec<usize>>,
    outside: Outside,
    pub(crate) asked: Asked,
    /// For each predicate the addresses of which it holds.
    spans: Vec<Vec<Span>>,
    /// For each predicate the classes of which it holds, and those of which it may hold, sorted.
    holding: Vec<Vec<u32>>,
    perhaps: Vec<Vec<u32>>,
}

impl Classes {
    /// Groups the endpoints of a cluster by what is asked of them.
    pub(crate) fn of(cluster: &Cluster, options: Options, asked: Asked) -> Self {
        let mut classes = Self { asked, ..Self::default() };
        let bound = classes.asked.peers.bound();
        classes.spans = vec![Vec::new(); bound];
        classes.holding = vec![Vec::new(); bound];
        classes.perhaps = vec![Vec::new(); bound];
        for (predicate, peer) in classes.asked.peers.iter() {
            classes.spans[predicate as usize] = spans(cluster, peer);
        }
        let parts = sweep(&classes.spans);
        let at = |address: Address| {
            let part = parts.partition_point(|(first, _)| *first <= address).saturating_sub(1);
            parts[part].1.as_slice()
        };
        let pods: Vec<usize> = (0..cluster.pods.len()).collect();
        classes.by_pod = vec![[NONE; 2]; pods.len()];
        let asked = std::mem::take(&mut classes.asked);
        let mut evaluator = Evaluator::new(cluster, &asked, options, &pods);
        for index in pods {
            evaluator.keys(index, at, |key| {
                let family = key.family;
                let (class, _) = classes.place(key);
                classes.join_pod(class, index, family);
            });
            let pod = &cluster.pods[index];
            if pod.is_subject() {
                // A name is made anew only for the first pod of a namespace.
                match classes.by_namespace.get_mut(&pod.namespace) {
                    Some(pods) => pods.push(index),
                    None => drop(classes.by_namespace.insert(pod.namespace.clone(), vec![index])),
                }
            }
        }
        let mut ranges = Vec::with_capacity(parts.len());
        for (first, holding) in &parts {
            let codes = outside_codes(&asked, holding);
            let (class, _) = classes.place(Key::outside(first.family, codes));
            ranges.push((*first, class));
        }
        let mut outside = Outside::new(ranges, &classes.spans);
        for (range, class) in outside.iter() {
            classes.classes[class as usize].ranges.push(range);
        }
        for family in [Family::V4, Family::V6] {
            let codes = unknown_codes(cluster, &asked, family);
            let (class, _) = classes.place(Key::outside(family, codes));
            classes.classes[class as usize].unknown_nodes = true;
            outside.nodes[family as usize] = class;
        }
        (classes.outside, classes.asked) = (outside, asked);
        classes
    }

    /// The highest number of a class, and one more. Where nothing was changed since the engine was made, so many there are.
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
        let classes = self.classes.iter().zip(&self.keys).enumerate();
        classes.filter(|(_, (_, key))| key.is_some()).map(|(number, (class, _))| (number as u32, class))
    }

    /// The class of a pod in a family; a pod on the network of its node is an address of that.
    pub fn of_pod(&self, pod: usize, family: Family) -> Option<u32> {
        self.by_pod.get(pod).map(|classes| classes[family as usize]).filter(|class| *class != NONE)
    }

    /// The class of an address that is no pod's.
    pub fn of_address(&self, address: Address) -> u32 {
        self.outside.of(address)
    }

    /// The class of nodes whose addresses nobody knows, where there may be such.
    pub fn of_node(&self, family: Family) -> Option<u32> {
        Some(self.outside.nodes[family as usize])
    }

    /// The number of a peer that policies ask for.
    pub fn predicate(&self, peer: &Peer) -> Option<u32> {
        self.asked.peers.number(peer)
    }

    /// The number of a set of pods that policies ask for.
    pub fn set(&self, set: &PodSet) -> Option<u32> {
        self.predicate(&Peer::Pods(set.clone()))
    }

    /// The number of a name of ports that policies ask for.
    pub(crate) fn name(&self, name: &String) -> Option<u32> {
        self.asked.names.number(name)
    }

    /// The classes of which it is certain that they are the peer of this number, sorted.
    pub fn holding(&self, predicate: Option<u32>) -> &[u32] {
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

    /// The answers about a class.
    pub(crate) fn codes(&self, class: u32) -> &[Code] {
        self.keys[class as usize].as_ref().map_or(&[], |key| &key.codes)
    }

    /// Whether the class has members.
    pub(crate) fn is_alive(&self, class: u32) -> bool {
        self.keys[class as usize].is_some()
    }

    /// How many numbers are given to none.
    pub(crate) fn holes(&self) -> usize {
        self.free.len() + self.dead.len()
    }

    /// The pods of a namespace that policies are about.
    pub(crate) fn pods_in(&self, namespace: &str) -> &[usize] {
        self.by_namespace.get(namespace).map_or(&[], Vec::as_slice)
    }

    fn list(&mut self, code: Code) -> &mut Vec<u32> {
        let lists = if code.is_multiple_of(2) { &mut self.holding } else { &mut self.perhaps };
        slot(lists, code / 2)
    }

    /// The class of a key, and whether it is new, and has no members.
    pub(crate) fn place(&mut self, key: Key) -> (u32, bool) {
        if let Some(class) = self.known.get(&key) {
            return (*class, false);
        }
        let number = self.free.pop().unwrap_or(self.classes.len() as u32);
        for code in &key.codes {
            insert(self.list(*code), number);
        }
        let class = Class {
            family: key.family,
            is_pod: key.is_pod,
            pods: Vec::new(),
            ranges: Vec::new(),
            unknown_nodes: false,
            names: key.names.clone(),
            foreign: key.foreign,
        };
        let key = Arc::new(key);
        if number as usize == self.classes.len() {
            self.classes.push(class);
            self.keys.push(Some(Arc::clone(&key)));
        } else {
            self.classes[number as usize] = class;
            self.keys[number as usize] = Some(Arc::clone(&key));
        }
        self.known.insert(key, number);
        (number, true)
    }

    /// Takes a pod into a class.
    fn join_pod(&mut self, class: u32, pod: usize, family: Family) {
        self.classes[class as usize].pods.push(pod);
        self.by_pod[pod][family as usize] = class;
    }

    /// Takes a pod out of its class; one without members dies.
    fn leave_pod(&mut self, pod: usize, family: Family) {
        let class = std::mem::replace(&mut self.by_pod[pod][family as usize], NONE);
        if class == NONE {
            return;
        }
        let pods = &mut self.classes[class as usize].pods;
        if let Some(at) = pods.iter().position(|other| *other == pod) {
            pods.swap_remove(at);
        }
        if self.classes[class as usize].size() == 0 {
            self.bury(class);
        }
    }

    /// Forgets a class without members.
    fn bury(&mut self, class: u32) {
        let Some(key) = self.keys[class as usize].take() else { return };
        for code in &key.codes {
            remove(self.list(*code), class);
        }
        self.known.remove(&key);
        self.classes[class as usize].is_pod = false;
        self.dead.push(class);
    }

    /// Lets the numbers of dead classes be given again.
    pub(crate) fn free_dead(&mut self) {
        self.free.append(&mut self.dead);
    }

    /// Gives all members of a class another key, which no class has.
    fn rename(&mut self, class: u32, key: Key) {
        let Some(old) = self.keys[class as usize].take() else { return };
        self.known.remove(&old);
        for code in old.codes.iter().filter(|code| key.codes.binary_search(code).is_err()) {
            remove(self.list(*code), class);
        }
        for code in key.codes.iter().filter(|code| old.codes.binary_search(code).is_err()) {
            insert(self.list(*code), class);
        }
        let about = &mut self.classes[class as usize];
        (about.names, about.foreign) = (key.names.clone(), key.foreign);
        let key = Arc::new(key);
        self.keys[class as usize] = Some(Arc::clone(&key));
        self.known.insert(key, class);
    }

    /// Gives some members of a class another key. The class where they are now is told where it is new.
    fn shift(&mut self, from: u32, part: Part, change: impl FnOnce(&mut Key)) -> Option<u32> {
        let Some(key) = &self.keys[from as usize] else { return None };
        let mut key = Key::clone(key);
        change(&mut key);
        let family = key.family;
        let whole =
            part.pods.len() + part.ranges.len() + usize::from(part.unknown_nodes) == self.get(from).size();
        if whole && !self.known.contains_key(&key) {
            self.rename(from, key);
            return None;
        }
        let (to, is_new) = self.place(key);
        for pod in &part.pods {
            self.by_pod[*pod][family as usize] = to;
        }
        for (first, _) in &part.ranges {
            self.outside.assign(*first, to);
        }
        if part.unknown_nodes {
            self.outside.nodes[family as usize] = to;
        }
        let Self { classes, by_pod, outside, .. } = self;
        let old = &mut classes[from as usize];
        if whole {
            (old.pods, old.ranges, old.unknown_nodes) = (Vec::new(), Vec::new(), false);
        } else {
            if !part.pods.is_empty() {
                old.pods.retain(|pod| by_pod[*pod][family as usize] == from);
            }
            if !part.ranges.is_empty() {
                old.ranges.retain(|(first, _)| outside.of(*first) == from);
            }
            old.unknown_nodes &= !part.unknown_nodes;
        }
        let new = &mut classes[to as usize];
        new.pods.extend(part.pods);
        new.unknown_nodes |= part.unknown_nodes;
        if !part.ranges.is_empty() {
            new.ranges.extend(part.ranges);
            new.ranges.sort_unstable();
        }
        if whole {
            self.bury(from);
        }
        is_new.then_some(to)
    }

    /// Answers a predicate that is new; what no policy told apart before is split. New classes are told, with those they come from.
    ///
    /// Costs a look at the pods of the namespaces that a set of pods may be in, and at all for a peer of addresses.
    pub(crate) fn introduce(
        &mut self,
        cluster: &Cluster,
        options: Options,
        predicate: u32,
        born: &mut Vec<(u32, u32)>,
    ) {
        let Some(peer) = self.asked.peers.get(predicate).cloned() else { return };
        *slot(&mut self.spans, predicate) = spans(cluster, &peer);
        slot(&mut self.holding, predicate);
        slot(&mut self.perhaps, predicate);
        let spans = self.spans[predicate as usize].clone();
        for bound in bounds(&spans) {
            if let Some((left, right, class)) = self.outside.cut(bound) {
                let ranges = &mut self.classes[class as usize].ranges;
                if let Ok(at) = ranges.binary_search(&(left.0, right.1)) {
                    ranges[at] = left;
                    ranges.insert(at + 1, right);
                }
            }
        }
        let mut parts = Answering { classes: self, parts: HashMap::new() };
        let (yes, maybe) = (predicate * 2, predicate * 2 + 1);
        match &peer {
            Peer::Pods(set) => {
                let namespaces = parts.classes.by_namespace.iter();
                let mut held: Vec<usize> = namespaces
                    .filter(|(name, _)| cluster.has_namespace(&set.namespaces, name))
                    .flat_map(|(_, pods)| pods)
                    .copied()
                    .filter(|pod| set.pods.matches(|key| cluster.pods[*pod].labels.get(key)))
                    .collect();
                held.sort_unstable();
                for pod in held {
                    for family in [Family::V4, Family::V6] {
                        parts.pod(yes, pod, family);
                    }
                }
            }
            Peer::Domains(_) => {
                let ranges: Vec<(Span, u32)> = parts.classes.outside.iter().collect();
                for (range, class) in ranges {
                    parts.range(maybe, range, class);
                }
            }
            _ => {
                for span in &spans {
                    let ranges: Vec<(Span, u32)> = parts.classes.outside.within(*span).collect();
                    for (range, class) in ranges {
                        parts.range(yes, range, class);
                    }
                }
                if options.pods_by_address {
                    parts.pods_by_address(cluster, &peer, &spans, yes);
                }
            }
        }
        for family in [Family::V4, Family::V6] {
            if let Some(code) = unknown_code(cluster, &peer, family) {
                parts.unknown_nodes(predicate * 2 + code, family);
            }
        }
        let mut parts: Vec<((u32, Code), Part)> = parts.parts.into_iter().collect();
        parts.sort_unstable_by_key(|(place, _)| *place);
        for ((class, code), part) in parts {
            let new = self.shift(class, part, |key| insert(&mut key.codes, code));
            born.extend(new.map(|new| (new, class)));
        }
    }

    /// Forgets a predicate that nobody asks any more; what it alone told apart is one again.
    pub(crate) fn retire(&mut self, predicate: u32) {
        let at = predicate as usize;
        for (list, code) in
            [(self.holding[at].clone(), predicate * 2), (self.perhaps[at].clone(), predicate * 2 + 1)]
        {
            for class in list {
                self.shift_all(class, |key| remove(&mut key.codes, code));
            }
        }
        for bound in bounds(&std::mem::take(&mut self.spans[at])) {
            if let Some((left, right, class)) = self.outside.join(bound) {
                let ranges = &mut self.classes[class as usize].ranges;
                if let Ok(at) = ranges.binary_search(&left) {
                    ranges[at] = (left.0, right.1);
                    ranges.remove(at + 1);
                }
            }
        }
    }

    fn shift_all(&mut self, class: u32, change: impl FnOnce(&mut Key)) {
        let about = &self.classes[class as usize];
        let part = Part {
            pods: about.pods.clone(),
            ranges: about.ranges.clone(),
            unknown_nodes: about.unknown_nodes,
        };
        self.shift(class, part, change);
    }

    /// Looks for the ports of a name that is new. Costs a look at all pods.
    pub(crate) fn introduce_name(&mut self, cluster: &Cluster, number: u32, born: &mut Vec<(u32, u32)>) {
        let Some(name) = self.asked.names.get(number).cloned() else { return };
        let mut parts: HashMap<(u32, Vec<Named>), Vec<usize>> = HashMap::new();
        for (index, pod) in cluster.pods.iter().enumerate() {
            let ports = pod.ports.iter().filter(|port| port.name == name && !name.is_empty());
            let mut ports: Vec<Named> = ports.map(|port| (number, port.port)).collect();
            if ports.is_empty() {
                continue;
            }
            ports.sort_unstable();
            ports.dedup();
            for class in self.by_pod[index].into_iter().filter(|class| *class != NONE) {
                parts.entry((class, ports.clone())).or_default().push(index);
            }
        }
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort_unstable();
        for ((class, ports), pods) in parts {
            let new = self.shift(class, Part { pods, ..Part::default() }, |key| {
                key.names.extend(ports);
                key.names.sort_unstable();
            });
            born.extend(new.map(|new| (new, class)));
        }
    }

    /// Forgets a name of ports that nobody asks for any more.
    pub(crate) fn retire_name(&mut self, number: u32) {
        let with: Vec<u32> = self.with_names().collect();
        for class in with {
            if self.get(class).names.iter().any(|(name, _)| *name == number) {
                self.shift_all(class, |key| key.names.retain(|(name, _)| *name != number));
            }
        }
    }

    /// Puts pods, which are new or were changed, where they belong. New classes are told.
    ///
    /// Costs a look at each predicate, and one at each of the pods for the predicates that are about its namespace.
    pub(crate) fn regroup(&mut self, cluster: &Cluster, options: Options, pods: &[usize]) -> Vec<u32> {
        let mut fresh = Vec::new();
        let asked = std::mem::take(&mut self.asked);
        let mut evaluator = Evaluator::new(cluster, &asked, options, pods);
        for index in pods {
            let mut keys: [Option<Key>; 2] = [None, None];
            // What holds of an address, whoever has it, is known of its range.
            let at = |address: Address| -> Vec<u32> {
                let codes = self.codes(self.outside.of(address)).iter();
                codes.filter(|code| code.is_multiple_of(2)).map(|code| code / 2).collect()
            };
            evaluator.keys(*index, at, |key| {
                let family = key.family as usize;
                keys[family] = Some(key);
            });
            if self.by_pod.len() <= *index {
                self.by_pod.resize(index + 1, [NONE; 2]);
            }
            for (family, key) in [Family::V4, Family::V6].into_iter().zip(keys) {
                let class = self.by_pod[*index][family as usize];
                if class != NONE && self.keys[class as usize].as_deref() == key.as_ref() {
                    continue;
                }
                self.leave_pod(*index, family);
                if let Some(key) = key {
                    let (class, is_new) = self.place(key);
                    self.join_pod(class, *index, family);
                    fresh.extend(is_new.then_some(class));
                }
            }
        }
        self.asked = asked;
        fresh
    }

    /// Notes that a pod is now in a namespace, or in none; `before` is where it was.
    pub(crate) fn move_pod(&mut self, pod: usize, before: Option<&str>, after: Option<&str>) {
        if before == after {
            return;
        }
        if let Some(pods) = before.and_then(|name| self.by_namespace.get_mut(name)) {
            pods.retain(|other| *other != pod);
        }
        if let Some(name) = after {
            self.by_namespace.entry(name.to_owned()).or_default().push(pod);
        }
    }

    /// Forgets a pod; the last one has its index then.
    pub(crate) fn swap_remove_pod(&mut self, pod: usize, last: usize, namespace_of_last: &str) {
        for family in [Family::V4, Family::V6] {
            self.leave_pod(pod, family);
        }
        if pod != last {
            for class in self.by_pod[last].into_iter().filter(|class| *class != NONE) {
                self.classes[class as usize]
                    .pods
                    .iter_mut()
                    .filter(|other| **other == last)
                    .for_each(|other| *other = pod);
            }
            for other in self.by_namespace.get_mut(namespace_of_last).into_iter().flatten() {
                if *other == last {
                    *other = pod;
                }
            }
            self.by_pod[pod] = self.by_pod[last];
        }
        self.by_pod.truncate(last);
    }
}

impl Key {
    fn outside(family: Family, codes: Vec<Code>) -> Self {
        Self { family, is_pod: false, codes, names: Vec::new(), foreign: [false; 2] }
    }
}

/// Gathers the members of classes for which a predicate that is new holds.
struct Answering<'c> {
    classes: &'c mut Classes,
    parts: HashMap<(u32, Code), Part>,
}

impl Answering<'_> {
    fn pod(&mut self, code: Code, pod: usize, family: Family) {
        if let Some(class) = self.classes.of_pod(pod, family) {
            self.parts.entry((class, code)).or_default().pods.push(pod);
        }
    }

    fn range(&mut self, code: Code, range: Span, class: u32) {
        self.parts.entry((class, code)).or_default().ranges.push(range);
    }

    fn unknown_nodes(&mut self, code: Code, family: Family) {
        let class = self.classes.outside.nodes[family as usize];
        self.parts.entry((class, code)).or_default().unknown_nodes = true;
    }

    /// Pods are where their addresses are.
    fn pods_by_address(&mut self, cluster: &Cluster, peer: &Peer, spans: &[Span], yes: Code) {
        let unaddressed = [Family::V4, Family::V6]
            .map(|family| unaddressed_code(cluster, peer, family).map(|code| yes + code));
        for (index, pod) in cluster.pods.iter().enumerate() {
            for family in [Family::V4, Family::V6] {
                let code = match pod.addresses.iter().find(|address| address.family == family) {
                    Some(address) => {
                        let at = spans.partition_point(|(first, _)| first <= address);
                        spans[..at].last().filter(|(_, last)| address <= last).map(|_| yes)
                    }
                    None => unaddressed[family as usize],
                };
                if let Some(code) = code {
                    self.pod(code, index, family);
                }
            }
        }
    }
}
