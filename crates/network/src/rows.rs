//! The rows of one direction: what each class may reach, or be reached by, under the same policies.

use std::collections::HashMap;
use std::sync::Arc;

use crate::classes::{Classes, NONE, Named};
use crate::counted::Interner;
use crate::engine::{ALL, Ports};
use crate::patterns::Patterns;
use crate::policy::{Direction, Tier};
use crate::port_set::PortSet;
use crate::rules::{Rules, Step, evaluate};

/// For each class, the number of its ports.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    /// Those that have the default are not listed; the others are, by class.
    Sparse { default: u32, others: Vec<(u32, u32)> },
    /// All; a class that came later has the default.
    Dense { default: u32, ids: Vec<u32> },
}

impl Row {
    pub(crate) fn get(&self, class: u32) -> u32 {
        match self {
            Self::Sparse { default, others } => {
                match others.binary_search_by_key(&class, |(class, _)| *class) {
                    Ok(at) => others[at].1,
                    Err(_) => *default,
                }
            }
            Self::Dense { default, ids } => ids.get(class as usize).copied().unwrap_or(*default),
        }
    }

    const fn default(&self) -> u32 {
        match self {
            Self::Sparse { default, .. } | Self::Dense { default, .. } => *default,
        }
    }

    /// Gives classes other numbers; `changes` are sorted by class.
    fn set(&mut self, changes: &[(u32, u32)]) {
        match self {
            Self::Dense { default, ids } => {
                for (class, id) in changes {
                    let at = *class as usize;
                    if at >= ids.len() {
                        ids.resize(at + 1, *default);
                    }
                    ids[at] = *id;
                }
            }
            Self::Sparse { default, others } if changes.len() < 8 => {
                for (class, id) in changes {
                    match others.binary_search_by_key(class, |(class, _)| *class) {
                        Ok(at) if id == default => drop(others.remove(at)),
                        Ok(at) => others[at].1 = *id,
                        Err(_) if id == default => {}
                        Err(at) => others.insert(at, (*class, *id)),
                    }
                }
            }
            Self::Sparse { default, others } => {
                let mut merged = Vec::with_capacity(others.len() + changes.len());
                let mut old = others.iter().copied().peekable();
                for (class, id) in changes {
                    while let Some(entry) = old.next_if(|(other, _)| other < class) {
                        merged.push(entry);
                    }
                    old.next_if(|(other, _)| other == class);
                    if id != default {
                        merged.push((*class, *id));
                    }
                }
                merged.extend(old);
                *others = merged;
            }
        }
    }
}

/// What classes of one row have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Profile {
    /// The policies that select them and are about the direction, in the order in which they are asked.
    pub(crate) selected: Vec<u32>,
    /// The ports that they declare under names of which the policies speak, where these mean the ports of the selected.
    own: Vec<Named>,
    foreign: bool,
}

/// What rows are made from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'e> {
    pub(crate) classes: &'e Classes,
    pub(crate) rules: &'e [Option<Rules>],
}

impl<'e> Source<'e> {
    fn policies(self, selected: &'e [u32]) -> impl Iterator<Item = &'e Rules> {
        selected.iter().filter_map(move |number| self.rules[*number as usize].as_ref())
    }

    /// The profile of a class that these policies select.
    pub(crate) fn profile(self, direction: Direction, class: u32, selected: Vec<u32>) -> Profile {
        let about = self.classes.get(class);
        if about.foreign[direction as usize] {
            return Profile { foreign: true, ..Profile::default() };
        }
        let mut own = Vec::new();
        // Named ports are those of the receiver: the subject of ingress rules.
        if direction == Direction::Ingress && !about.names.is_empty() {
            own.clone_from(&about.names);
            own.retain(|(name, _)| {
                self.policies(&selected).any(|rules| rules.names[direction as usize].contains(name))
            });
        }
        Profile { selected, own, foreign: false }
    }
}

/// One direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Side {
    /// For each class its profile; `None` for what is no pod.
    pub(crate) profile: Vec<Option<u32>>,
    /// For each profile its row.
    pub(crate) rows: Vec<Row>,
    /// The profiles, and how many classes have each; none where the number is given to none.
    profiles: Vec<Option<(Arc<Profile>, u32)>>,
    known: HashMap<Arc<Profile>, u32>,
    free: Vec<u32>,
}

impl Side {
    pub(crate) fn get(&self, subject: u32, peer: u32) -> u32 {
        self.profile[subject as usize].map_or(ALL, |profile| self.rows[profile as usize].get(peer))
    }

    /// The rows of all classes; `order` are the policies in the order in which they are asked.
    pub(crate) fn of(
        direction: Direction,
        source: Source<'_>,
        order: &[u32],
        ports: &mut Interner<Ports>,
    ) -> Self {
        let count = source.classes.len();
        let mut selected: Vec<Vec<u32>> = vec![Vec::new(); count];
        for number in order {
            let rules = source.rules[*number as usize].as_ref().filter(|rules| rules.is_about(direction));
            for set in rules.map_or(&[][..], |rules| &rules.subject) {
                for class in source.classes.holding(Some(*set)) {
                    if selected[*class as usize].last() != Some(number) {
                        selected[*class as usize].push(*number);
                    }
                }
            }
        }
        let mut side = Self { profile: vec![None; count], ..Self::default() };
        let mut patterns = Patterns::default();
        for (class, selected) in selected.into_iter().enumerate() {
            let class = class as u32;
            if source.classes.get(class).is_pod {
                let profile = source.profile(direction, class, selected);
                side.attach(direction, source, class, profile, &mut patterns, ports);
            }
        }
        side
    }

    /// Gives a class a profile, whose row is made unless another class has it.
    pub(crate) fn attach(
        &mut self,
        direction: Direction,
        source: Source<'_>,
        class: u32,
        profile: Profile,
        patterns: &mut Patterns,
        ports: &mut Interner<Ports>,
    ) {
        let number = match self.known.get(&profile) {
            Some(number) => *number,
            None => {
                let row = row(direction, source, &profile, patterns, ports);
                let profile = Arc::new(profile);
                let about = Some((Arc::clone(&profile), 0));
                let number = self.free.pop().unwrap_or(self.rows.len() as u32);
                if number as usize == self.rows.len() {
                    self.rows.push(row);
                    self.profiles.push(about);
                } else {
                    self.rows[number as usize] = row;
                    self.profiles[number as usize] = about;
                }
                self.known.insert(profile, number);
                number
            }
        };
        if let Some((_, uses)) = &mut self.profiles[number as usize] {
            *uses += 1;
        }
        *crate::counted::slot(&mut self.profile, class) = Some(number);
    }

    /// The profile of a class.
    pub(crate) fn profile_of(&self, class: u32) -> Option<&Profile> {
        let number = (*self.profile.get(class as usize)?)?;
        self.profiles[number as usize].as_ref().map(|(profile, _)| &**profile)
    }

    /// Takes its profile from a class; a row that no class has is forgotten.
    pub(crate) fn detach(&mut self, class: u32) {
        let Some(number) = self.profile.get_mut(class as usize).and_then(Option::take) else { return };
        let Some((profile, uses)) = &mut self.profiles[number as usize] else { return };
        *uses -= 1;
        if *uses == 0 {
            self.known.remove(profile);
            self.profiles[number as usize] = None;
            self.rows[number as usize] = Row::Sparse { default: ALL, others: Vec::new() };
            self.free.push(number);
        }
    }

    /// Makes room for all classes.
    pub(crate) fn reach(&mut self, classes: usize) {
        self.profile.resize(classes.max(self.profile.len()), None);
    }

    /// Gives classes in all rows what those have from which they were split.
    ///
    /// Costs a look-up for each class and row, or a pass over all rows where there are many.
    pub(crate) fn copy(&mut self, born: &[(u32, u32)]) {
        let mut changes = Vec::with_capacity(born.len());
        for (row, about) in self.rows.iter_mut().zip(&self.profiles) {
            if about.is_some() {
                changes.clear();
                changes.extend(born.iter().map(|(class, parent)| (*class, row.get(*parent))));
                row.set(&changes);
            }
        }
    }

    /// Works out for classes what all rows say of them.
    ///
    /// Costs a look at each rule of each row, and the rules that match the classes.
    pub(crate) fn add(
        &mut self,
        direction: Direction,
        source: Source<'_>,
        fresh: &[u32],
        ports: &mut Interner<Ports>,
    ) {
        // For each predicate the classes of which it holds, or may.
        let mut asked: HashMap<u32, Vec<(usize, u32)>> = HashMap::new();
        for (at, class) in fresh.iter().enumerate() {
            for code in source.classes.codes(*class) {
                asked.entry(code / 2).or_default().push((at, code % 2));
            }
        }
        let mut patterns = Patterns::default();
        let mut changes = Vec::with_capacity(fresh.len());
        for (row, about) in self.rows.iter_mut().zip(&self.profiles) {
            let Some((profile, _)) = about else { continue };
            let walk = Walk::new(direction, source, profile);
            patterns.begin(fresh.len());
            for (at, step) in walk.steps.iter().enumerate() {
                for (place, code) in step.peers.iter().flatten().filter_map(|peer| asked.get(peer)).flatten()
                {
                    patterns.mark(*place, at as u32 * 2 + code);
                }
            }
            let mut ids = Ids::new(&walk);
            changes.clear();
            for (place, class) in fresh.iter().enumerate() {
                let pattern = patterns.of(place);
                let id = match pattern {
                    // A policy of another API has a row without rules.
                    0 if walk.names(*class).is_empty() || !walk.by_peer => row.default(),
                    _ => ids.of(&patterns, pattern, *class, ports),
                };
                changes.push((*class, id));
            }
            row.set(&changes);
        }
    }
}

/// The rules of a profile, to be walked for one peer after another.
struct Walk<'e> {
    classes: &'e Classes,
    steps: Vec<&'e Step>,
    /// Whether a NetworkPolicy isolates the subject.
    isolated: bool,
    /// Whether names of ports are those of the peer.
    by_peer: bool,
    own: &'e [Named],
}

impl<'e> Walk<'e> {
    fn new(direction: Direction, source: Source<'e>, profile: &'e Profile) -> Self {
        let policies = || source.policies(&profile.selected);
        Self {
            classes: source.classes,
            steps: policies()
                .filter_map(|rules| rules.steps[direction as usize].as_ref())
                .flatten()
                .collect(),
            isolated: policies().any(|rules| rules.tier == Tier::Namespaced),
            by_peer: direction == Direction::Egress
                && policies().any(|rules| !rules.names[direction as usize].is_empty()),
            own: &profile.own,
        }
    }

    fn names(&self, peer: u32) -> &'e [Named] {
        if self.by_peer { &self.classes.get(peer).names } else { self.own }
    }
}

/// The row of a profile.
///
/// Costs the classes that the peers of its rules hold, and one walk through the rules for each list of those that match.
fn row(
    direction: Direction,
    source: Source<'_>,
    profile: &Profile,
    patterns: &mut Patterns,
    ports: &mut Interner<Ports>,
) -> Row {
    let classes = source.classes;
    if profile.foreign {
        let unknown = ports.number(Ports { yes: PortSet::none(), may: PortSet::all() });
        return Row::Sparse { default: unknown, others: Vec::new() };
    }
    let walk = Walk::new(direction, source, profile);
    patterns.begin(classes.len());
    for (at, step) in walk.steps.iter().enumerate() {
        let code = at as u32 * 2;
        for predicate in step.peers.iter().flatten() {
            for class in classes.holding(Some(*predicate)) {
                patterns.mark(*class as usize, code);
            }
            for class in classes.perhaps_holding(*predicate) {
                patterns.mark(*class as usize, code + 1);
            }
        }
    }
    let default = ports.number(evaluate(&walk.steps, walk.isolated, &[], walk.own));
    // A rule about everyone means other ports on each class that declares a name of it.
    let with_names = classes.with_names().filter(|class| walk.by_peer && patterns.of(*class as usize) == 0);
    let with_names: Vec<u32> = with_names.collect();
    let mut ids = Ids::new(&walk);
    let listed = patterns.touched().iter().chain(&with_names);
    let listed = listed.map(|class| (*class, ids.of(patterns, patterns.of(*class as usize), *class, ports)));
    let most = classes.len() / 3;
    if patterns.touched().len() + with_names.len() > most {
        let mut row = vec![default; classes.len()];
        let mut count = 0;
        for (class, id) in listed {
            row[class as usize] = id;
            count += usize::from(id != default);
        }
        if count > most {
            return Row::Dense { default, ids: row };
        }
        let others = row.into_iter().enumerate().filter(|(_, id)| *id != default);
        return Row::Sparse { default, others: others.map(|(class, id)| (class as u32, id)).collect() };
    }
    let mut others: Vec<(u32, u32)> = listed.filter(|(_, id)| *id != default).collect();
    others.sort_unstable();
    Row::Sparse { default, others }
}

/// The numbers of the ports that one row gives.
struct Ids<'e> {
    walk: &'e Walk<'e>,
    by_pattern: Vec<u32>,
    /// Those that hang on the names of the peer's ports.
    by_names: HashMap<(u32, &'e [Named]), u32>,
}

impl<'e> Ids<'e> {
    fn new(walk: &'e Walk<'e>) -> Self {
        Self { walk, by_pattern: Vec::new(), by_names: HashMap::new() }
    }

    /// The number for a class that the rules match by this pattern.
    fn of(&mut self, patterns: &Patterns, pattern: u32, class: u32, ports: &mut Interner<Ports>) -> u32 {
        let walk = self.walk;
        let names = walk.names(class);
        let mut work_out =
            || ports.number(evaluate(&walk.steps, walk.isolated, &patterns.codes(pattern), names));
        if walk.by_peer && !names.is_empty() {
            return *self.by_names.entry((pattern, names)).or_insert_with(work_out);
        }
        let at = pattern as usize;
        if at >= self.by_pattern.len() {
            self.by_pattern.resize(at + 1, NONE);
        }
        if self.by_pattern[at] == NONE {
            self.by_pattern[at] = work_out();
        }
        self.by_pattern[at]
    }
}
