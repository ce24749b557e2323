//! Rules compiled so that what they cover need not be looked for in each of them.
//!
//! For each text that a rule can say (a verb, a group …) there is a list of the rules that say it. For a rule that is to be covered, the lists
//! of its texts become sets of 64 rules a word, and an atom is covered where its sets have a rule in common. The answers are those of
//! [`Rule::covers`]; a test holds the two against each other.

use std::collections::HashMap;

use crate::covers::Atom;
use crate::matching::ALL;
use crate::model::Rule;

/// Rules by what they say. Takes as much room as the rules have texts.
#[derive(Clone, Debug, Default)]
pub struct Owner<'o> {
    /// How many words a set of all rules takes.
    words: usize,
    verbs: Said<'o>,
    groups: Said<'o>,
    resources: Said<'o>,
    /// Rules on a subresource of all resources, by that.
    subresources: Said<'o>,
    names: Said<'o>,
    /// Rules that name no object, and so cover all names.
    unnamed: Rules,
    urls: Said<'o>,
    /// Rules on paths with one beginning, by that.
    beginnings: Vec<(&'o str, Rules)>,
}

/// Which rules say a text.
#[derive(Clone, Debug, Default)]
struct Said<'o> {
    by: HashMap<&'o str, Rules, foldhash::fast::RandomState>,
    /// Those that say `*`.
    all: Rules,
}

impl<'o> Said<'o> {
    /// Notes what a rule says, where a star is meant for all texts.
    fn add(&mut self, text: &'o str, rule: u32) {
        if text == ALL {
            self.all.add(rule);
        } else {
            self.add_literal(text, rule);
        }
    }

    /// Notes what a rule says, where a star is a text as others are.
    fn add_literal(&mut self, text: &'o str, rule: u32) {
        self.by.entry(text).or_default().add(rule);
    }

    /// Puts the rules that say the text, or all texts, into a set.
    fn put(&self, text: &str, set: &mut [u64]) {
        self.all.put(set);
        if let Some(rules) = self.by.get(text) {
            rules.put(set);
        }
    }

    fn pack(&mut self, words: usize) {
        self.all.pack(words);
        self.by.values_mut().for_each(|rules| rules.pack(words));
    }
}

/// Some of the rules: one by one, or, where that takes less room, as a set.
#[derive(Clone, Debug)]
enum Rules {
    Few(Vec<u32>),
    Set(Vec<u64>),
}

impl Default for Rules {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Rules {
    fn add(&mut self, rule: u32) {
        match self {
            Self::Few(rules) => rules.push(rule),
            Self::Set(set) => put(rule, set),
        }
    }

    fn put(&self, set: &mut [u64]) {
        match self {
            Self::Few(rules) => rules.iter().for_each(|rule| put(*rule, set)),
            Self::Set(own) => set.iter_mut().zip(own).for_each(|(word, own)| *word |= own),
        }
    }

    fn pack(&mut self, words: usize) {
        if let Self::Few(rules) = self
            && rules.len() > words * 2
        {
            let mut set = vec![0; words];
            for rule in rules {
                put(*rule, &mut set);
            }
            *self = Self::Set(set);
        }
    }
}

fn put(rule: u32, set: &mut [u64]) {
    set[rule as usize / 64] |= 1 << (rule % 64);
}

/// Sets of rules, one for each of some texts.
#[derive(Default)]
struct Sets {
    bits: Vec<u64>,
    words: usize,
}

impl Sets {
    /// Makes a set for each text, filled by `put`.
    fn fill<'t>(&mut self, words: usize, texts: &'t [String], put: impl Fn(&'t str, &mut [u64])) {
        self.words = words;
        self.bits.clear();
        self.bits.resize(words * texts.len(), 0);
        for (set, text) in self.bits.chunks_exact_mut(words).zip(texts) {
            put(text, set);
        }
    }

    fn of(&self, index: usize) -> &[u64] {
        &self.bits[index * self.words..(index + 1) * self.words]
    }

    /// Leaves in a set only what is in all of these.
    fn leave_common(&self, set: &mut [u64]) {
        self.bits.chunks_exact(self.words).for_each(|own| leave(set, own));
    }
}

fn leave(set: &mut [u64], other: &[u64]) {
    set.iter_mut().zip(other).for_each(|(word, other)| *word &= other);
}

fn is_empty(set: &[u64]) -> bool {
    set.iter().all(|word| *word == 0)
}

fn meet(one: &[u64], other: &[u64]) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}

/// What a question needs room for, kept from one rule to the next.
#[derive(Default)]
struct Room {
    verbs: Sets,
    groups: Sets,
    resources: Sets,
    names: Sets,
    urls: Sets,
    unnamed: Vec<u64>,
    common: Vec<u64>,
    pair: Vec<u64>,
}

impl<'o> Owner<'o> {
    /// Compiles rules; costs a look-up a text.
    pub fn of(rules: impl IntoIterator<Item = &'o Rule>) -> Self {
        let mut owner = Self::default();
        let mut beginnings: HashMap<&str, usize> = HashMap::new();
        let mut count = 0_u32;
        for rule in rules {
            let index = count;
            count += 1;
            rule.verbs.iter().for_each(|verb| owner.verbs.add(verb, index));
            rule.api_groups.iter().for_each(|group| owner.groups.add(group, index));
            for resource in &rule.resources {
                owner.resources.add(resource, index);
                if let Some(subresource) = resource.strip_prefix("*/") {
                    owner.subresources.add_literal(subresource, index);
                }
            }
            // Names know no star, and who gives only some covers no path.
            for name in &rule.resource_names {
                owner.names.add_literal(name, index);
            }
            if rule.resource_names.is_empty() {
                owner.unnamed.add(index);
            }
            for url in &rule.non_resource_urls {
                owner.urls.add_literal(url, index);
                if url.ends_with('*') {
                    let beginning = url.trim_end_matches('*');
                    let place = *beginnings.entry(beginning).or_insert_with(|| {
                        owner.beginnings.push((beginning, Rules::default()));
                        owner.beginnings.len() - 1
                    });
                    owner.beginnings[place].1.add(index);
                }
            }
        }
        let words = (count as usize).div_ceil(64);
        let said = [
            &mut owner.verbs,
            &mut owner.groups,
            &mut owner.resources,
            &mut owner.subresources,
            &mut owner.names,
            &mut owner.urls,
        ];
        for said in said {
            said.pack(words);
        }
        owner.unnamed.pack(words);
        owner.beginnings.iter_mut().for_each(|(_, rules)| rules.pack(words));
        owner.words = words;
        owner
    }

    /// The atoms of `servant` that no rule covers, in their order; none where all are covered. Costs as much as the texts of the servant are said
    /// by rules, and for each atom of a rule that none alone covers a look at all rules, 64 at once.
    pub fn uncovered<'s>(&self, servant: impl IntoIterator<Item = &'s Rule>) -> Vec<Atom<'s>> {
        let mut missing = Vec::new();
        if self.words == 0 {
            missing.extend(servant.into_iter().flat_map(Rule::atoms));
            return missing;
        }
        let mut room = Room::default();
        for rule in servant {
            self.of_rule(rule, &mut room, &mut missing);
        }
        missing
    }

    fn of_rule<'s>(&self, rule: &'s Rule, room: &mut Room, missing: &mut Vec<Atom<'s>>) {
        let words = self.words;
        room.unnamed.clear();
        room.unnamed.resize(words, 0);
        self.unnamed.put(&mut room.unnamed);
        let unnamed: &[u64] = &room.unnamed;
        room.verbs.fill(words, &rule.verbs, |verb, set| self.verbs.put(verb, set));
        room.groups.fill(words, &rule.api_groups, |group, set| self.groups.put(group, set));
        room.resources.fill(words, &rule.resources, |resource, set| {
            self.resources.put(resource, set);
            if let Some((_, subresource)) = resource.split_once('/') {
                self.subresources.put(subresource, set);
            }
        });
        room.names.fill(words, &rule.resource_names, |name, set| {
            set.copy_from_slice(unnamed);
            self.names.put(name, set);
        });
        room.urls.fill(words, &rule.non_resource_urls, |url, set| {
            self.urls.put(url, set);
            for (beginning, rules) in &self.beginnings {
                if url.starts_with(beginning) {
                    rules.put(set);
                }
            }
            leave(set, unnamed);
        });
        // Mostly one rule covers all of another; then no atom need be looked at.
        let common = &mut room.common;
        common.clear();
        common.resize(words, u64::MAX);
        room.verbs.leave_common(common);
        room.groups.leave_common(common);
        room.resources.leave_common(common);
        room.urls.leave_common(common);
        if rule.resource_names.is_empty() {
            leave(common, unnamed);
        } else {
            room.names.leave_common(common);
        }
        if !is_empty(common) {
            return;
        }
        for (group_at, group) in rule.api_groups.iter().enumerate() {
            for (resource_at, resource) in rule.resources.iter().enumerate() {
                room.pair.clear();
                room.pair.extend_from_slice(room.groups.of(group_at));
                leave(&mut room.pair, room.resources.of(resource_at));
                for (verb_at, verb) in rule.verbs.iter().enumerate() {
                    let mut look = |name: Option<&'s str>, named: &[u64]| {
                        let verbs = room.verbs.of(verb_at);
                        let mut sets = room.pair.iter().zip(verbs).zip(named);
                        if !sets.any(|((pair, verb), named)| pair & verb & named != 0) {
                            missing.push(Atom::Resource { group, resource, verb, name });
                        }
                    };
                    if rule.resource_names.is_empty() {
                        look(None, unnamed);
                    }
                    for (name_at, name) in rule.resource_names.iter().enumerate() {
                        look(Some(name), room.names.of(name_at));
                    }
                }
            }
        }
        for (url_at, url) in rule.non_resource_urls.iter().enumerate() {
            for (verb_at, verb) in rule.verbs.iter().enumerate() {
                if !meet(room.urls.of(url_at), room.verbs.of(verb_at)) {
                    missing.push(Atom::Path { url, verb });
                }
            }
        }
    }
}
