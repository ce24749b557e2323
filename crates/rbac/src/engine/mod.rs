//! All questions at once, and one in well under a microsecond: what [`Policy`] finds by walking through the bindings, from indexes.
//!
//! ```text
//!   subject ──▶ bindings, by namespace ──▶ role ──▶ rules        may this user do that?
//!   verb ∩ group ∩ resource ∩ name ──▶ rules ──▶ roles ──▶ bindings ──▶ subjects        who may do that?
//! ```
//! Texts are numbers, rules that are equal are one, and sets of rules are bitmaps. The engine owns its policy and is kept up with each
//! change of it. A test holds its answers against those of the walk.

mod access;
mod rules;
mod symbols;

use std::collections::BTreeSet;

use foldhash::HashMap;

use self::rules::{Asked, RuleId, Rules, Signature, asked};
use self::symbols::{Symbol, Symbols};
use crate::attributes::{Action, User};
use crate::authorize::Grant;
use crate::holdings::Who;
use crate::model::{RbacObject, Role, Rule, RuleList};
use crate::policy::{Policy, Unresolved};

pub use self::access::{Access, Cell};

/// Bindings of one subject.
#[derive(Clone, Debug, Default)]
struct Held {
    /// `ClusterRoleBindings`, by index.
    everywhere: Vec<u32>,
    /// `RoleBindings`, by namespace and index.
    within: HashMap<Symbol, Vec<u32>>,
}

/// What a role is to the engine.
#[derive(Clone, Debug, Default)]
struct RoleState {
    /// Its rules, in order.
    rules: Vec<RuleId>,
    /// Indexes of the bindings that resolve to it.
    bindings: Vec<u32>,
}

/// A rule that a binding of all namespaces gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Given {
    binding: u32,
    role: u32,
    /// The first place of the rule in the role.
    rule: u32,
}

/// The indexes over a policy.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    policy: Policy,
    symbols: Symbols,
    rules: Rules,
    roles: Vec<RoleState>,
    /// For each role, what tells that none of its rules allows something.
    signatures: Vec<Signature>,
    /// For each rule, the roles that have it.
    roles_of: Vec<Vec<u32>>,
    /// For each rule, the `ClusterRoleBindings` that give it.
    everywhere_of: Vec<Vec<Given>>,
    /// For each binding, its role.
    role_of: Vec<Option<u32>>,
    users: HashMap<Symbol, Held>,
    groups: HashMap<Symbol, Held>,
    access: access::Index,
}

impl Engine {
    /// Indexes a policy whose roles are aggregated already. Costs a pass over its rules and subjects.
    pub fn new(policy: Policy) -> Self {
        let mut engine = Self { policy, ..Self::default() };
        for role in 0..engine.policy.roles().len() {
            engine.index_role(role);
        }
        for binding in 0..engine.policy.bindings().len() {
            engine.index_binding(binding);
        }
        engine
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The first grant, in the authorizer's order, that allows the action; `None` where none does. `system:masters` is not looked at. Costs
    /// one look-up for the user and each of its groups, and a look at the rules of what they hold.
    pub fn grant(&self, user: &User, action: &Action<'_>) -> Option<Grant> {
        let asked = asked(action, &self.symbols);
        let namespace = action.namespace();
        let held = std::iter::once(self.users.get(&self.symbols.find(&user.name)))
            .chain(user.groups.iter().map(|group| self.groups.get(&self.symbols.find(group))));
        let held: Vec<&Held> = held.flatten().collect();
        let first = |lists: &mut dyn Iterator<Item = &[u32]>| {
            let mut best: Option<(u32, u32, usize)> = None;
            for list in lists {
                for binding in list.iter().copied() {
                    if best.is_some_and(|(first, ..)| first <= binding) {
                        break;
                    }
                    if let Some((role, rule)) = self.allowed_by(binding, &asked) {
                        best = Some((binding, role, rule));
                        break;
                    }
                }
            }
            best
        };
        let mut best = first(&mut held.iter().map(|held| held.everywhere.as_slice()));
        if best.is_none() && !namespace.is_empty() {
            let namespace = self.symbols.find(namespace);
            best = first(&mut held.iter().filter_map(|held| held.within.get(&namespace)).map(Vec::as_slice));
        }
        let (binding, role, rule) = best?;
        let binding = binding as usize;
        let stated = &self.policy.bindings()[binding];
        let within = stated.namespace.as_deref().unwrap_or_default();
        let subject = stated.subjects.iter().position(|subject| subject.is(user, within))?;
        Some(Grant { binding, subject, role: role as usize, rule })
    }

    /// What [`Policy::rules_for`] finds: all rules that hold for a user in a namespace, in the authorizer's order, and what could not be
    /// resolved. Costs one look-up for the user and each of its groups, and what they hold.
    pub fn rules_for(&self, user: &User, namespace: &str) -> (Vec<&Rule>, Vec<Unresolved>) {
        let (mut rules, mut errors) = (Vec::new(), Vec::new());
        for binding in self.bindings_of(user, namespace) {
            let binding = binding as usize;
            match self.role_of[binding] {
                Some(role) => rules.extend(&self.policy.roles()[role as usize].rules),
                None => {
                    let stated = &self.policy.bindings()[binding];
                    let within = stated.namespace.as_deref().unwrap_or_default();
                    errors.extend(self.policy.resolve(&stated.role_ref, within).err());
                }
            }
        }
        (rules, errors)
    }

    /// The bindings that hold for a user in a namespace, in the authorizer's order.
    fn bindings_of(&self, user: &User, namespace: &str) -> Vec<u32> {
        let held = std::iter::once(self.users.get(&self.symbols.find(&user.name)))
            .chain(user.groups.iter().map(|group| self.groups.get(&self.symbols.find(group))));
        let held: Vec<&Held> = held.flatten().collect();
        let mut bindings: Vec<u32> = held.iter().flat_map(|held| held.everywhere.iter().copied()).collect();
        bindings.sort_unstable();
        bindings.dedup();
        if !namespace.is_empty() {
            let namespace = self.symbols.find(namespace);
            let start = bindings.len();
            bindings.extend(held.iter().filter_map(|held| held.within.get(&namespace)).flatten());
            bindings[start..].sort_unstable();
            // Those of all namespaces are others.
            bindings.dedup();
        }
        bindings
    }

    /// Whether the action is allowed, to `system:masters` too.
    pub fn allows(&self, user: &User, action: &Action<'_>) -> bool {
        user.is_master() || self.grant(user, action).is_some()
    }

    /// The role of a binding and the first of its rules that allows what is asked.
    fn allowed_by(&self, binding: u32, asked: &Asked<'_>) -> Option<(u32, usize)> {
        let role = self.role_of[binding as usize]?;
        if !self.signatures[role as usize].may_allow(asked) {
            return None;
        }
        let rules = &self.roles[role as usize].rules;
        let rule = rules.iter().position(|rule| self.rules.allows(*rule, asked))?;
        Some((role, rule))
    }

    /// Puts an object in the place of the one of its kind, namespace and name, or adds it, and keeps all indexes up. Costs what the object and
    /// those that refer to it hold.
    pub fn set(&mut self, object: RbacObject) {
        match object {
            RbacObject::Role(role) => {
                let old = self.policy.role(role.namespace.as_deref(), &role.name);
                if let Some(old) = old {
                    self.forget_role(old);
                }
                let is_cluster_role = role.namespace.is_none();
                let key = (role.namespace.clone(), role.name.clone());
                let index = self.policy.set(RbacObject::Role(role));
                self.index_role(index);
                if old.is_none() {
                    self.resolve_again(key.0.as_deref(), &key.1);
                }
                if is_cluster_role {
                    self.aggregate_again();
                }
            }
            RbacObject::Binding(binding) => {
                if let Some(old) = self.policy.binding(binding.namespace.as_deref(), &binding.name) {
                    self.forget_binding(old);
                }
                let index = self.policy.set(RbacObject::Binding(binding));
                self.index_binding(index);
            }
        }
    }

    /// Takes a role away, if it is there.
    pub fn remove_role(&mut self, namespace: Option<&str>, name: &str) {
        let Some(index) = self.policy.role(namespace, name) else { return };
        self.forget_role(index);
        for binding in std::mem::take(&mut self.roles[index].bindings) {
            self.role_of[binding as usize] = None;
        }
        self.policy.remove_role(namespace, name);
        if namespace.is_none() {
            self.aggregate_again();
        }
    }

    /// Takes a binding away, if it is there.
    pub fn remove_binding(&mut self, namespace: Option<&str>, name: &str) {
        let Some(index) = self.policy.binding(namespace, name) else { return };
        self.forget_binding(index);
        self.policy.remove_binding(namespace, name);
    }

    fn index_role(&mut self, index: usize) {
        if self.roles.len() <= index {
            self.roles.resize_with(index + 1, RoleState::default);
        }
        let rules = &self.policy.roles()[index].rules;
        let ids: Vec<RuleId> = rules.iter().map(|rule| self.rules.take(rule, &mut self.symbols)).collect();
        if self.roles_of.len() < self.rules.len() {
            self.roles_of.resize_with(self.rules.len(), Vec::new);
        }
        self.everywhere_of.resize_with(self.roles_of.len(), Vec::new);
        let distinct: BTreeSet<RuleId> = ids.iter().copied().collect();
        for id in distinct {
            self.roles_of[id as usize].push(index as u32);
        }
        self.signatures.resize_with(self.roles.len(), Signature::default);
        self.signatures[index] = self.rules.signature(&ids);
        self.roles[index].rules = ids;
        for binding in self.roles[index].bindings.clone() {
            self.give(binding, index, true);
        }
    }

    /// Notes for each rule of a role that a binding of all namespaces gives it, or gives it no longer.
    fn give(&mut self, binding: u32, role: usize, gives: bool) {
        if self.policy.bindings()[binding as usize].namespace.is_some() {
            return;
        }
        for (rule, id) in self.roles[role].rules.iter().copied().enumerate() {
            let list = &mut self.everywhere_of[id as usize];
            let was = !list.is_empty();
            let given = Given { binding, role: role as u32, rule: rule as u32 };
            match (list.binary_search_by_key(&binding, |given| given.binding), gives) {
                (Err(place), true) => list.insert(place, given),
                (Ok(place), false) => drop(list.remove(place)),
                _ => {}
            }
            let is = !list.is_empty();
            if was != is {
                self.rules.set_everywhere(id, is);
            }
        }
    }

    fn forget_role(&mut self, index: usize) {
        for binding in self.roles[index].bindings.clone() {
            self.give(binding, index, false);
        }
        let ids = std::mem::take(&mut self.roles[index].rules);
        for id in ids {
            self.roles_of[id as usize].retain(|role| *role as usize != index);
        }
        for rule in &self.policy.roles()[index].rules {
            self.rules.give_back(rule);
        }
    }

    fn index_binding(&mut self, index: usize) {
        let binding = &self.policy.bindings()[index];
        let role =
            self.policy.resolve(&binding.role_ref, binding.namespace.as_deref().unwrap_or_default()).ok();
        if self.role_of.len() <= index {
            self.role_of.resize(index + 1, None);
        }
        self.role_of[index] = role.map(|role| role as u32);
        if let Some(role) = role {
            self.roles[role].bindings.push(index as u32);
            self.give(index as u32, role, true);
        }
        let binding = &self.policy.bindings()[index];
        let within = binding.namespace.as_deref();
        let namespace = within.map(|within| self.symbols.of(within));
        let mut ids = Vec::with_capacity(binding.subjects.len());
        for subject in &binding.subjects {
            let Some(Who { is_group, name }) = Who::of(subject, binding) else { continue };
            let symbol = self.symbols.of(&name);
            let held = if is_group { &mut self.groups } else { &mut self.users };
            let held = held.entry(symbol).or_default();
            let list = match namespace {
                Some(namespace) => held.within.entry(namespace).or_default(),
                None => &mut held.everywhere,
            };
            if let Err(place) = list.binary_search(&(index as u32)) {
                list.insert(place, index as u32);
            }
            ids.push(self.access.subject(is_group, &name));
        }
        self.access.bind(index, ids, within);
    }

    fn forget_binding(&mut self, index: usize) {
        if let Some(role) = self.role_of[index].take() {
            self.give(index as u32, role as usize, false);
            self.roles[role as usize].bindings.retain(|binding| *binding as usize != index);
        }
        let binding = &self.policy.bindings()[index];
        let namespace = binding.namespace.as_deref().map(|namespace| self.symbols.find(namespace));
        for subject in &binding.subjects {
            let Some(Who { is_group, name }) = Who::of(subject, binding) else { continue };
            let symbol = self.symbols.find(&name);
            let held = if is_group { &mut self.groups } else { &mut self.users };
            let Some(held) = held.get_mut(&symbol) else { continue };
            match namespace {
                Some(namespace) => {
                    if let Some(list) = held.within.get_mut(&namespace) {
                        list.retain(|one| *one as usize != index);
                    }
                }
                None => held.everywhere.retain(|one| *one as usize != index),
            }
        }
        self.access.unbind(index);
    }

    /// Bindings that referred to a role that was not there, and is now.
    fn resolve_again(&mut self, namespace: Option<&str>, name: &str) {
        let Some(role) = self.policy.role(namespace, name) else { return };
        let kind = self.policy.roles()[role].kind().kind();
        let candidates: Vec<usize> = match namespace {
            Some(namespace) => self.policy.bindings_in(namespace).to_vec(),
            None => (0..self.policy.bindings().len()).collect(),
        };
        for index in candidates {
            let binding = &self.policy.bindings()[index];
            let refers = binding.role_ref.kind == kind && binding.role_ref.name == name;
            if refers && !binding.subjects.is_empty() && self.role_of[index].is_none() {
                self.role_of[index] = Some(role as u32);
                self.roles[role].bindings.push(index as u32);
                self.give(index as u32, role, true);
            }
        }
    }

    /// Aggregated roles take in again what they select; those that change are indexed again.
    fn aggregate_again(&mut self) {
        let aggregated: Vec<usize> = (0..self.policy.roles().len())
            .filter(|role| self.policy.roles()[*role].aggregation.is_some())
            .collect();
        if aggregated.is_empty() {
            return;
        }
        let before: Vec<RuleList> =
            aggregated.iter().map(|role| self.policy.roles()[*role].rules.clone()).collect();
        self.policy.aggregate(|role: &Role| role.stored);
        for (index, before) in aggregated.into_iter().zip(before) {
            if self.policy.roles()[index].rules == before {
                continue;
            }
            // The rules that are given back are those from before.
            for binding in self.roles[index].bindings.clone() {
                self.give(binding, index, false);
            }
            for id in std::mem::take(&mut self.roles[index].rules) {
                self.roles_of[id as usize].retain(|role| *role as usize != index);
            }
            for rule in &before {
                self.rules.give_back(rule);
            }
            self.index_role(index);
        }
    }
}
