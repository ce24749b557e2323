//! Rules by what they allow. Equal rules are one; a question about all of them at once is an intersection of bitmaps.

use std::collections::hash_map;

use foldhash::HashMap;
use roaring::RoaringBitmap;

use super::symbols::{Symbol, Symbols};
use crate::attributes::Action;
use crate::matching::{ALL, url_matches};
use crate::model::Rule;

/// The number of a rule among those that differ.
pub(super) type RuleId = u32;

/// A list of a rule: all, or these.
#[derive(Clone, Debug)]
struct Set {
    all: bool,
    some: Box<[Symbol]>,
}

impl Set {
    fn of(list: &[String], symbols: &mut Symbols) -> Self {
        let all = list.iter().any(|one| one == ALL);
        // Where all are, no other need be known.
        let some = if all { Box::default() } else { list.iter().map(|one| symbols.of(one)).collect() };
        Self { all, some }
    }

    fn has(&self, one: Symbol) -> bool {
        self.all || self.some.contains(&one)
    }

    /// The bits of its texts.
    fn mask(&self) -> u64 {
        if self.all { u64::MAX } else { self.some.iter().fold(0, |mask, one| mask | one.bit()) }
    }
}

/// What tells, of most rules, that they do not allow something, without a look at them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signature {
    verbs: u64,
    resources: u64,
}

impl Signature {
    /// Whether a rule may allow what is asked. What no text stands for is allowed by a star alone, whose bits are all set.
    pub(super) fn may_allow(self, asked: &Asked<'_>) -> bool {
        let fits = |mask: u64, bits: u64| mask == u64::MAX || mask & bits != 0;
        match asked {
            Asked::Resource { verb, resource, any_of_subresource, .. } => {
                fits(self.verbs, verb.bit())
                    && fits(self.resources, resource.bit() | any_of_subresource.bit())
            }
            Asked::Path { .. } => true,
        }
    }
}

/// A rule whose texts are numbers.
#[derive(Clone, Debug)]
struct Compiled {
    verbs: Set,
    groups: Set,
    resources: Set,
    /// `None` for all names.
    names: Option<Box<[Symbol]>>,
    urls: Box<[Box<str>]>,
}

/// A question whose texts are numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked<'a> {
    Resource {
        verb: Symbol,
        group: Symbol,
        /// The resource with its subresource.
        resource: Symbol,
        /// `*/subresource`, where there is one.
        any_of_subresource: Symbol,
        name: Symbol,
    },
    Path {
        verb: Symbol,
        path: &'a str,
    },
}

impl Compiled {
    fn of(rule: &Rule, symbols: &mut Symbols) -> Self {
        let names = (!rule.resource_names.is_empty())
            .then(|| rule.resource_names.iter().map(|name| symbols.of(name)).collect());
        Self {
            verbs: Set::of(&rule.verbs, symbols),
            groups: Set::of(&rule.api_groups, symbols),
            resources: Set::of(&rule.resources, symbols),
            names,
            urls: rule.non_resource_urls.iter().map(|url| url.as_str().into()).collect(),
        }
    }

    fn allows(&self, asked: &Asked<'_>) -> bool {
        match *asked {
            Asked::Resource { verb, group, resource, any_of_subresource, name } => {
                (self.resources.has(resource) || self.resources.some.contains(&any_of_subresource))
                    && self.verbs.has(verb)
                    && self.groups.has(group)
                    && self.names.as_ref().is_none_or(|names| names.contains(&name))
            }
            Asked::Path { verb, path } => {
                self.verbs.has(verb) && self.urls.iter().any(|url| url_matches(url, path))
            }
        }
    }
}

/// The rules that have a text in one of their lists.
#[derive(Clone, Debug, Default)]
struct Index {
    all: RoaringBitmap,
    some: HashMap<Symbol, RoaringBitmap>,
}

impl Index {
    fn add(&mut self, set: &Set, id: RuleId) {
        if set.all {
            self.all.insert(id);
        }
        for symbol in &set.some {
            self.some.entry(*symbol).or_default().insert(id);
        }
    }

    fn remove(&mut self, set: &Set, id: RuleId) {
        self.all.remove(id);
        for symbol in &set.some {
            if let hash_map::Entry::Occupied(mut entry) = self.some.entry(*symbol) {
                entry.get_mut().remove(id);
                if entry.get().is_empty() {
                    entry.remove();
                }
            }
        }
    }

    /// The rules that have one of these, or all.
    fn with(&self, symbols: &[Symbol]) -> RoaringBitmap {
        let mut found = self.all.clone();
        for symbol in symbols {
            if let Some(some) = self.some.get(symbol) {
                found |= some;
            }
        }
        found
    }
}

/// Rules by each resource, verb and group that they have together, a star being one of its own.
#[derive(Clone, Debug, Default)]
struct Triples {
    rules: HashMap<[Symbol; 3], Vec<Entry>>,
}

/// A rule, and whether nothing more need be looked at to know that it allows what it was found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    id: RuleId,
    sure: bool,
}

/// So many triples of one rule are indexed; those of larger ones by their resources alone.
const TRIPLES: usize = 256;

impl Triples {
    /// Under what a rule is found, and whether that is all that it asks for.
    fn keys(rule: &Compiled) -> (Vec<[Symbol; 3]>, bool) {
        let list = |set: &Set| if set.all { vec![Symbol::ALL] } else { set.some.to_vec() };
        let (resources, mut verbs, mut groups) =
            (list(&rule.resources), list(&rule.verbs), list(&rule.groups));
        let is_large = resources.len() * verbs.len() * groups.len() > TRIPLES;
        if is_large {
            (verbs, groups) = (vec![Symbol::MANY], vec![Symbol::MANY]);
        }
        let keys = resources.iter().flat_map(|resource| {
            let groups = &groups;
            verbs.iter().flat_map(move |verb| groups.iter().map(move |group| [*resource, *verb, *group]))
        });
        (keys.collect(), rule.names.is_none() && !is_large)
    }

    fn set(&mut self, rule: &Compiled, id: RuleId, bound: bool) {
        let (keys, sure) = Self::keys(rule);
        for key in keys {
            let list = self.rules.entry(key).or_default();
            match (list.binary_search_by_key(&id, |entry| entry.id), bound) {
                (Err(place), true) => list.insert(place, Entry { id, sure }),
                (Ok(place), false) => drop(list.remove(place)),
                _ => {}
            }
            if list.is_empty() {
                self.rules.remove(&key);
            }
        }
    }

    /// The rules that may allow a verb on one of these resources; one that does so in two ways twice.
    fn about(&self, resources: [Symbol; 3], verb: Symbol, group: Symbol) -> impl Iterator<Item = &Entry> {
        let kinds =
            [[verb, group], [verb, Symbol::ALL], [Symbol::ALL, group], [Symbol::ALL; 2], [Symbol::MANY; 2]];
        let known = |resource: &Symbol| *resource != Symbol::UNKNOWN;
        let keys = resources
            .into_iter()
            .filter(known)
            .flat_map(move |resource| kinds.map(|[verb, group]| [resource, verb, group]));
        keys.filter_map(|key| self.rules.get(&key)).flatten()
    }
}

/// All rules that differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    ids: HashMap<Rule, RuleId>,
    compiled: Vec<Option<Compiled>>,
    signatures: Vec<Signature>,
    /// How many roles have each.
    uses: Vec<u32>,
    /// Numbers that are free again.
    free: Vec<RuleId>,
    verbs: Index,
    groups: Index,
    resources: Index,
    names: Index,
    /// The rules that some binding of all namespaces gives.
    everywhere: Triples,
    /// Rules that name paths.
    paths: RoaringBitmap,
}

impl Rules {
    /// The number of a rule, which one more role has now.
    pub(super) fn take(&mut self, rule: &Rule, symbols: &mut Symbols) -> RuleId {
        if let Some(id) = self.ids.get(rule) {
            self.uses[*id as usize] += 1;
            return *id;
        }
        let compiled = Compiled::of(rule, symbols);
        let id = self.free.pop().unwrap_or(self.compiled.len() as RuleId);
        self.verbs.add(&compiled.verbs, id);
        self.groups.add(&compiled.groups, id);
        self.resources.add(&compiled.resources, id);
        self.names.add(&Self::names_of(&compiled), id);
        if !compiled.urls.is_empty() {
            self.paths.insert(id);
        }
        let signature = Signature { verbs: compiled.verbs.mask(), resources: compiled.resources.mask() };
        if id as usize == self.compiled.len() {
            self.compiled.push(Some(compiled));
            self.signatures.push(signature);
            self.uses.push(1);
        } else {
            self.compiled[id as usize] = Some(compiled);
            self.signatures[id as usize] = signature;
            self.uses[id as usize] = 1;
        }
        self.ids.insert(rule.clone(), id);
        id
    }

    /// One role less has the rule.
    pub(super) fn give_back(&mut self, rule: &Rule) {
        let Some(id) = self.ids.get(rule).copied() else { return };
        self.uses[id as usize] -= 1;
        if self.uses[id as usize] > 0 {
            return;
        }
        if let Some(compiled) = self.compiled[id as usize].take() {
            self.verbs.remove(&compiled.verbs, id);
            self.groups.remove(&compiled.groups, id);
            self.resources.remove(&compiled.resources, id);
            self.names.remove(&Self::names_of(&compiled), id);
            self.everywhere.set(&compiled, id, false);
        }
        self.paths.remove(id);
        self.ids.remove(rule);
        self.free.push(id);
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.compiled.len()
    }

    fn names_of(compiled: &Compiled) -> Set {
        Set { all: compiled.names.is_none(), some: compiled.names.clone().unwrap_or_default() }
    }

    /// Whether a rule allows what is asked.
    pub(super) fn allows(&self, id: RuleId, asked: &Asked<'_>) -> bool {
        if !self.signatures[id as usize].may_allow(asked) {
            return false;
        }
        self.compiled[id as usize].as_ref().is_some_and(|rule| rule.allows(asked))
    }

    /// Calls `found` with the rules bound everywhere that allow what is asked; with one that does so in two ways twice.
    pub(super) fn matching_everywhere(&self, asked: &Asked<'_>, mut found: impl FnMut(RuleId)) {
        match *asked {
            Asked::Resource { verb, group, resource, any_of_subresource, .. } => {
                for entry in self.everywhere.about([resource, any_of_subresource, Symbol::ALL], verb, group) {
                    if entry.sure || self.allows(entry.id, asked) {
                        found(entry.id);
                    }
                }
            }
            Asked::Path { .. } => {
                self.paths.iter().filter(|id| self.allows(*id, asked)).for_each(found);
            }
        }
    }

    /// What tells of a list of rules that none of them allows something.
    pub(super) fn signature(&self, ids: &[RuleId]) -> Signature {
        let each = ids.iter().map(|id| self.signatures[*id as usize]);
        each.fold(Signature::default(), |all, one| Signature {
            verbs: all.verbs | one.verbs,
            resources: all.resources | one.resources,
        })
    }

    /// Says whether some binding of all namespaces gives a rule.
    pub(super) fn set_everywhere(&mut self, id: RuleId, bound: bool) {
        if let Some(rule) = &self.compiled[id as usize] {
            self.everywhere.set(rule, id, bound);
        }
    }

    /// All rules that allow what is asked.
    pub(super) fn matching(&self, asked: &Asked<'_>) -> RoaringBitmap {
        match *asked {
            Asked::Resource { verb, group, resource, any_of_subresource, name } => {
                let mut found = self.resources.with(&[resource, any_of_subresource]);
                found &= self.verbs.with(&[verb]);
                found &= self.groups.with(&[group]);
                found &= self.names.with(&[name]);
                found
            }
            Asked::Path { .. } => self.paths.iter().filter(|id| self.allows(*id, asked)).collect(),
        }
    }
}

/// An action with numbers for texts.
pub(super) fn asked<'a>(action: &Action<'a>, symbols: &Symbols) -> Asked<'a> {
    match action {
        Action::Path { verb, path } => Asked::Path { verb: symbols.find(verb), path },
        Action::Resource(action) => {
            let (resource, any_of_subresource) = if action.subresource.is_empty() {
                (symbols.find(action.resource), Symbol::UNKNOWN)
            } else {
                // The texts are put together as rules write them.
                let mut text = String::with_capacity(action.resource.len() + action.subresource.len() + 2);
                text.push_str("*/");
                text.push_str(action.subresource);
                let any = symbols.find(&text);
                text.replace_range(0..1, action.resource);
                (symbols.find(&text), any)
            };
            Asked::Resource {
                verb: symbols.find(action.verb),
                group: symbols.find(action.group),
                resource,
                any_of_subresource,
                name: symbols.find(action.name),
            }
        }
    }
}
