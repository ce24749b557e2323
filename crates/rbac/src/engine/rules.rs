//! Rules by what they allow. Equal rules are one; a question about all of them at once is an intersection of bitmaps.

use std::collections::hash_map::Entry;

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
struct Signature {
    verbs: u64,
    resources: u64,
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
            if let Entry::Occupied(mut entry) = self.some.entry(*symbol) {
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
    /// By their resources, the rules that some binding of all namespaces gives.
    everywhere: Index,
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
            self.everywhere.remove(&compiled.resources, id);
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
        if let Asked::Resource { verb, resource, any_of_subresource, .. } = asked {
            let Signature { verbs, resources } = self.signatures[id as usize];
            // What no text stands for is allowed by a star alone, whose bits are all set.
            let fits = |mask: u64, bits: u64| mask == u64::MAX || mask & bits != 0;
            if !fits(verbs, verb.bit()) || !fits(resources, resource.bit() | any_of_subresource.bit()) {
                return false;
            }
        }
        self.compiled[id as usize].as_ref().is_some_and(|rule| rule.allows(asked))
    }

    /// The rules bound everywhere that allow what is asked.
    pub(super) fn matching_everywhere<'r>(
        &'r self,
        asked: &'r Asked<'r>,
    ) -> impl Iterator<Item = RuleId> + 'r {
        let candidates = match *asked {
            Asked::Resource { resource, any_of_subresource, .. } => {
                self.everywhere.with(&[resource, any_of_subresource])
            }
            Asked::Path { .. } => self.paths.clone(),
        };
        candidates.into_iter().filter(|id| self.allows(*id, asked))
    }

    /// Says whether some binding of all namespaces gives a rule.
    pub(super) fn set_everywhere(&mut self, id: RuleId, bound: bool) {
        let Some(rule) = &self.compiled[id as usize] else { return };
        if bound {
            self.everywhere.add(&rule.resources, id);
        } else {
            self.everywhere.remove(&rule.resources, id);
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

    /// All rules that allow what is asked of a resource for some object, whatever their names say.
    pub(super) fn matching_any_name(&self, asked: &Asked<'_>) -> RoaringBitmap {
        match *asked {
            Asked::Resource { verb, group, resource, any_of_subresource, .. } => {
                let mut found = self.resources.with(&[resource, any_of_subresource]);
                found &= self.verbs.with(&[verb]);
                found &= self.groups.with(&[group]);
                found
            }
            Asked::Path { .. } => self.matching(asked),
        }
    }

    /// The rules that are for all names.
    pub(super) fn unnamed(&self) -> &RoaringBitmap {
        &self.names.all
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
