//! Whom an action is allowed to. Source: k8s.io/kubernetes `plugin/pkg/auth/authorizer/rbac/subject_locator.go`.

use crate::attributes::Action;
use crate::model::Subject;
use crate::policy::{Policy, Unresolved};

/// A subject of a binding that allows an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed<'p> {
    /// The subject as its binding states it.
    pub subject: &'p Subject,
    /// Index of the binding.
    pub binding: usize,
    /// Index of the role.
    pub role: usize,
    /// Index of the first rule that allows it.
    pub rule: usize,
}

impl Policy {
    /// The subjects to whom the action is allowed, each as often as a binding names it, and the roles that could not be resolved, whoever is
    /// bound to them. `system:masters` may do everything and is not among them.
    pub fn subjects_of(&self, action: &Action<'_>) -> (Vec<Allowed<'_>>, Vec<Unresolved>) {
        let (mut allowed, mut errors) = (Vec::new(), Vec::new());
        for index in self.counting_in(action.namespace()) {
            let binding = &self.bindings()[index];
            match self.resolve(&binding.role_ref, binding.namespace.as_deref().unwrap_or_default()) {
                Ok(role) => {
                    let rules = &self.roles()[role].rules;
                    if let Some(rule) = rules.iter().position(|rule| rule.allows(action)) {
                        let subjects = binding.subjects.iter();
                        allowed.extend(subjects.map(|subject| Allowed {
                            subject,
                            binding: index,
                            role,
                            rule,
                        }));
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        (allowed, errors)
    }
}
