//! Who may do something, everywhere at once: subjects and namespaces as bitmaps.

use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;

use super::rules::asked;
use super::{Engine, Given};
use crate::attributes::Action;

/// A subject's number in an engine.
pub(super) type SubjectId = u32;

/// Numbers of subjects and namespaces, and who is bound by which binding.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    subjects: Vec<(bool, String)>,
    numbers: HashMap<(bool, String), SubjectId>,
    namespaces: Vec<String>,
    namespace_numbers: HashMap<String, u32>,
    /// For each binding, its subjects and its namespace.
    bindings: Vec<(Vec<SubjectId>, Option<u32>)>,
}

impl Index {
    pub(super) fn subject(&mut self, is_group: bool, name: &str) -> SubjectId {
        let key = (is_group, name.to_owned());
        if let Some(id) = self.numbers.get(&key) {
            return *id;
        }
        let id = self.subjects.len() as SubjectId;
        self.subjects.push(key.clone());
        self.numbers.insert(key, id);
        id
    }

    pub(super) fn bind(&mut self, binding: usize, mut subjects: Vec<SubjectId>, within: Option<&str>) {
        if self.bindings.len() <= binding {
            self.bindings.resize_with(binding + 1, Default::default);
        }
        subjects.sort_unstable();
        subjects.dedup();
        let namespace = within.map(|within| match self.namespace_numbers.get(within) {
            Some(number) => *number,
            None => {
                let number = self.namespaces.len() as u32;
                self.namespaces.push(within.to_owned());
                self.namespace_numbers.insert(within.to_owned(), number);
                number
            }
        });
        self.bindings[binding] = (subjects, namespace);
    }

    pub(super) fn unbind(&mut self, binding: usize) {
        self.bindings[binding].0.clear();
    }
}

/// Who may do one thing, where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Subjects that may in all namespaces and at the cluster scope.
    pub everywhere: RoaringBitmap,
    /// For each other subject, by number, the namespaces in which it may.
    pub within: BTreeMap<u32, RoaringBitmap>,
}

/// A set of small numbers.
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// Whether it was not there yet.
    fn insert(&mut self, one: usize) -> bool {
        let (word, bit) = (&mut self.0[one / 64], 1 << (one % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn contains(&self, one: usize) -> bool {
        self.0[one / 64] & 1 << (one % 64) != 0
    }
}

/// One way in which a subject may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Access {
    /// Index of the binding.
    pub binding: usize,
    /// Index of the role.
    pub role: usize,
    /// Index of the first of its rules that allows it.
    pub rule: usize,
}

impl Engine {
    /// The bindings by which an action is allowed to their subjects: those of all namespaces, then those of the action's. Their order is no
    /// other than that equal engines give it alike. Costs a look at each rule about the resource
    /// that is given everywhere, and at the bindings of the namespace.
    pub fn who_can(&self, action: &Action<'_>) -> Vec<Access> {
        let asked = asked(action, &self.symbols);
        let mut found: Vec<Access> = Vec::new();
        // Several rules of a role may allow it; the first counts.
        let mut seen = Bits::new(self.role_of.len());
        let mut again: Vec<Access> = Vec::new();
        self.rules.matching_everywhere(&asked, |id| {
            for Given { binding, role, rule } in &self.everywhere_of[id as usize] {
                let (binding, role, rule) = (*binding as usize, *role as usize, *rule as usize);
                let list = if seen.insert(binding) { &mut found } else { &mut again };
                list.push(Access { binding, role, rule });
            }
        });
        if !again.is_empty() {
            again.sort_unstable();
            again.dedup_by_key(|access| access.binding);
            let mut seen = Bits::new(self.role_of.len());
            for access in &again {
                seen.insert(access.binding);
            }
            for access in found.iter_mut().filter(|access| seen.contains(access.binding)) {
                let other = again.binary_search_by_key(&access.binding, |other| other.binding);
                if let Some(other) = other.ok().map(|at| again[at]) {
                    *access = (*access).min(other);
                }
            }
        }
        for binding in self.policy.bindings_in(action.namespace()) {
            if let Some((role, rule)) = self.allowed_by(*binding as u32, &asked) {
                found.push(Access { binding: *binding, role: role as usize, rule });
            }
        }
        found
    }

    /// Who may do something in which namespaces, all at once; the action's own namespace is not looked at. A rule that names objects counts only
    /// for the name that the action has.
    pub fn cell(&self, action: &Action<'_>) -> Cell {
        let matching = self.rules.matching(&asked(action, &self.symbols));
        self.cell_of(&matching)
    }

    fn cell_of(&self, matching: &RoaringBitmap) -> Cell {
        let mut roles = RoaringBitmap::new();
        for rule in matching {
            roles.extend(self.roles_of[rule as usize].iter().copied());
        }
        let mut cell = Cell::default();
        let bindings = || roles.iter().flat_map(|role| self.roles[role as usize].bindings.iter());
        for binding in bindings() {
            if let (subjects, None) = &self.access.bindings[*binding as usize] {
                cell.everywhere.extend(subjects.iter().copied());
            }
        }
        for binding in bindings() {
            if let (subjects, Some(namespace)) = &self.access.bindings[*binding as usize] {
                for subject in subjects {
                    if !cell.everywhere.contains(*subject) {
                        cell.within.entry(*subject).or_default().insert(*namespace);
                    }
                }
            }
        }
        cell
    }

    /// A subject by its number: whether it is a group, and its name as a user or group has it.
    pub fn subject(&self, number: u32) -> Option<(bool, &str)> {
        let (is_group, name) = self.access.subjects.get(number as usize)?;
        Some((*is_group, name))
    }

    /// How many subjects have numbers.
    pub fn subject_count(&self) -> usize {
        self.access.subjects.len()
    }

    /// A namespace by its number.
    pub fn namespace(&self, number: u32) -> Option<&str> {
        self.access.namespaces.get(number as usize).map(String::as_str)
    }
}
