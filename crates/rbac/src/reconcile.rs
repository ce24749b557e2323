//! What `kubectl auth reconcile` does with a role or a binding that is there already. Sources: k8s.io/component-helpers
//! `auth/rbac/reconciliation/reconcile_role.go` and `reconcile_rolebindings.go`.
//!
//! kubectl compares what is written with what is stored as they are: nothing is completed first. A binding that does not state
//! `roleRef.apiGroup` is therefore made anew each time, and a subject without `apiGroup` is added beside its completed self.

use std::collections::BTreeMap;

use crate::covers::{Atom, uncovered};
use crate::draft::{Draft, Texts};
use crate::model::{Binding, RbacObject, Role, RoleSelector, Rule, Subject};

/// The annotation with which an object keeps reconciliation away, where it is `false`.
pub const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Nothing.
    None,
    /// Create it.
    Create,
    /// Update it.
    Update,
    /// Delete it and create it: a `roleRef` cannot change.
    Recreate,
}

impl Operation {
    /// The reference's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Create => "create",
            Self::Update => "update",
            Self::Recreate => "recreate",
        }
    }
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Between two roles.
    Role {
        /// What the stored role does not give and should: atoms as rules, or all rules where there is no stored role.
        missing: Vec<Rule>,
        /// What it gives and should not, as atoms; not looked at where both are aggregated.
        extra: Vec<Rule>,
        /// Selectors of the aggregation rule that it lacks.
        missing_selectors: Vec<RoleSelector>,
        /// Selectors that it should not have.
        extra_selectors: Vec<RoleSelector>,
    },
    /// Between two bindings. Where the `roleRef` differs, subjects are not looked at.
    Binding {
        /// Subjects that the stored binding lacks.
        missing: Vec<Subject>,
        /// Subjects that it should not have.
        extra: Vec<Subject>,
    },
}

/// The result of a reconciliation.
#[derive(Clone, Debug)]
pub struct Reconciled {
    /// What is to be done; it is not, where the object is protected.
    pub operation: Operation,
    /// Whether the stored object keeps reconciliation away. One that must be made keeps nothing away.
    pub is_protected: bool,
    /// What differs.
    pub difference: Difference,
    /// The object as it should be stored.
    pub object: Draft,
}

/// Reconciles what is wanted with what is there. With `remove_extra` the object comes to give what is wanted and no more (as
/// `--remove-extra-permissions` for roles and `--remove-extra-subjects` for bindings); without, what is missing is added.
///
/// Labels and annotations of the stored object win. An object of another kind is as good as none.
pub fn reconcile(wanted: &Draft, stored: Option<&Draft>, remove_extra: bool) -> Reconciled {
    match (&wanted.object, stored.map(|stored| (stored, &stored.object))) {
        (RbacObject::Role(role), Some((stored, RbacObject::Role(old)))) if role.kind() == old.kind() => {
            roles((wanted, role), (stored, old), remove_extra)
        }
        (RbacObject::Binding(binding), Some((stored, RbacObject::Binding(old))))
            if binding.kind() == old.kind() =>
        {
            bindings((wanted, binding), (stored, old), remove_extra)
        }
        (RbacObject::Role(role), _) => created(
            wanted,
            Difference::Role {
                missing: role.rules.to_vec(),
                extra: Vec::new(),
                missing_selectors: role.aggregation.clone().unwrap_or_default(),
                extra_selectors: Vec::new(),
            },
        ),
        (RbacObject::Binding(binding), _) => {
            created(wanted, Difference::Binding { missing: binding.subjects.clone(), extra: Vec::new() })
        }
    }
}

fn created(wanted: &Draft, difference: Difference) -> Reconciled {
    Reconciled { operation: Operation::Create, is_protected: false, difference, object: wanted.clone() }
}

fn roles((wanted, role): (&Draft, &Role), (stored, old): (&Draft, &Role), remove_extra: bool) -> Reconciled {
    let (mut object, mut changed) = merged(wanted, stored);
    let mut result = old.clone();
    let missing = lacking(&old.rules, &role.rules);
    let both_aggregated = role.aggregation.is_some() && old.aggregation.is_some();
    let extra = if both_aggregated { Vec::new() } else { lacking(&role.rules, &old.rules) };
    if remove_extra && !(missing.is_empty() && extra.is_empty()) {
        result.rules.clone_from(&role.rules);
        changed = true;
    } else if !missing.is_empty() {
        result.rules.extend(missing.iter().cloned());
        changed = true;
    }

    let missing_selectors = lacking_selectors(old.aggregation.as_deref(), role.aggregation.as_deref());
    let extra_selectors = lacking_selectors(role.aggregation.as_deref(), old.aggregation.as_deref());
    if role.aggregation.is_none() && old.aggregation.is_some() {
        result.aggregation = None;
        changed = true;
    } else if remove_extra && !(missing_selectors.is_empty() && extra_selectors.is_empty()) {
        result.aggregation.clone_from(&role.aggregation);
        changed = true;
    } else if !missing_selectors.is_empty() {
        result.aggregation.get_or_insert_default().extend(missing_selectors.iter().cloned());
        changed = true;
    }
    let difference = Difference::Role { missing, extra, missing_selectors, extra_selectors };
    result.labels = object.meta.labels.clone().unwrap_or_default();
    result.annotations = object.meta.annotations.clone().unwrap_or_default();
    object.object = RbacObject::Role(result);
    let operation = if changed { Operation::Update } else { Operation::None };
    Reconciled { operation, is_protected: is_protected(stored), difference, object }
}

fn bindings(
    (wanted, binding): (&Draft, &Binding),
    (stored, old): (&Draft, &Binding),
    remove_extra: bool,
) -> Reconciled {
    let is_protected = is_protected(stored);
    if binding.role_ref != old.role_ref {
        let difference = Difference::Binding { missing: Vec::new(), extra: Vec::new() };
        return Reconciled {
            operation: Operation::Recreate,
            is_protected,
            difference,
            object: wanted.clone(),
        };
    }
    let (mut object, mut changed) = merged(wanted, stored);
    let missing = others(&binding.subjects, &old.subjects);
    let extra = others(&old.subjects, &binding.subjects);
    let mut result = old.clone();
    if remove_extra && !(missing.is_empty() && extra.is_empty()) {
        result.subjects.clone_from(&binding.subjects);
        changed = true;
    } else if !missing.is_empty() {
        result.subjects.extend(missing.iter().cloned());
        changed = true;
    }
    object.object = RbacObject::Binding(result);
    let operation = if changed { Operation::Update } else { Operation::None };
    Reconciled { operation, is_protected, difference: Difference::Binding { missing, extra }, object }
}

fn is_protected(stored: &Draft) -> bool {
    let annotations = stored.meta.annotations.as_ref();
    annotations.and_then(|all| all.get(AUTOUPDATE)).is_some_and(|value| value == "false")
}

/// The stored object with the labels and annotations that are wanted beside its own, and whether that changes it.
fn merged(wanted: &Draft, stored: &Draft) -> (Draft, bool) {
    let mut object = stored.clone();
    object.meta.labels = merge(&wanted.meta.labels, &stored.meta.labels);
    object.meta.annotations = merge(&wanted.meta.annotations, &stored.meta.annotations);
    let changed =
        object.meta.labels != stored.meta.labels || object.meta.annotations != stored.meta.annotations;
    (object, changed)
}

/// Both together, the second before the first. One that is empty is more than none, which the reference takes for a change.
fn merge(first: &Texts, second: &Texts) -> Texts {
    match (first, second) {
        (None, other) | (other, None) => other.clone(),
        (Some(first), Some(second)) => {
            let mut all: BTreeMap<String, String> = first.clone();
            all.extend(second.iter().map(|(key, value)| (key.clone(), value.clone())));
            Some(all)
        }
    }
}

/// What `servant` gives and `owner` does not, each atom as a rule.
fn lacking(owner: &[Rule], servant: &[Rule]) -> Vec<Rule> {
    let owner: Vec<&Rule> = owner.iter().collect();
    uncovered(&owner, servant).iter().map(Atom::rule).collect()
}

/// The selectors of `servant` that `owner` has not.
fn lacking_selectors(owner: Option<&[RoleSelector]>, servant: Option<&[RoleSelector]>) -> Vec<RoleSelector> {
    let owner = owner.unwrap_or_default();
    servant.unwrap_or_default().iter().filter(|selector| !owner.contains(selector)).cloned().collect()
}

/// The subjects of a list that another has not, each once.
fn others(list: &[Subject], other: &[Subject]) -> Vec<Subject> {
    let mut found: Vec<Subject> = Vec::new();
    for subject in list {
        if !other.contains(subject) && !found.contains(subject) {
            found.push(subject.clone());
        }
    }
    found
}
