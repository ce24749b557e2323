//! Who may do something, and through what.

use ringwall_rbac::attributes::Action;
use ringwall_rbac::engine::Access;
use ringwall_rbac::holdings;
use ringwall_rbac::model::RuleAt;

use super::{Place, Rights, words};

/// One subject that may, and what lets it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The subject, as [`words::subject`] names it.
    pub subject: String,
    /// What lets it: the first in the authorizer's order, then others.
    pub ways: Vec<Way>,
    /// Whether all that lets it is of the default policy.
    pub is_default: bool,
}

/// One binding that lets a subject do something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// The binding.
    pub binding: String,
    /// Where the subject stands in it.
    pub binding_place: Place,
    /// The role.
    pub role: String,
    /// The rule in words.
    pub rule: String,
    /// Where the rule stands.
    pub rule_place: Place,
}

/// A binding whose role is not there: whoever is bound may get more, once it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// The binding.
    pub binding: String,
    /// The reference's words.
    pub message: String,
    /// Where the role is named.
    pub place: Place,
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// Those who may, by name; `system:masters` always may and is not among them.
    pub holders: Vec<Holder>,
    /// Bindings that count here and whose role is not there.
    pub unknown: Vec<Unknown>,
}

impl Rights<'_> {
    /// Who may do something.
    pub fn who_can(&self, action: &Action<'_>) -> Who {
        let mut holders: std::collections::BTreeMap<String, Holder> = std::collections::BTreeMap::new();
        for access in self.engine.who_can(action) {
            let binding = &self.policy().bindings()[access.binding];
            for (index, subject) in binding.subjects.iter().enumerate() {
                // A subject of an unknown kind, or an account without a namespace, is nobody.
                if holdings::Who::of(subject, binding).is_none() {
                    continue;
                }
                let name = words::subject(subject, binding.namespace.as_deref());
                let holder = holders.entry(name.clone()).or_insert_with(|| Holder {
                    subject: name,
                    ways: Vec::new(),
                    is_default: true,
                });
                holder.is_default &= self.is_default_grant(access.binding, index);
                let way = self.way(access, index);
                if !holder.ways.contains(&way) {
                    holder.ways.push(way);
                }
            }
        }
        let namespace = action.namespace();
        let unknown = self.policy().counting_in(namespace).filter_map(|index| {
            let binding = &self.policy().bindings()[index];
            let within = binding.namespace.as_deref().unwrap_or_default();
            let error = self.policy().resolve(&binding.role_ref, within).err()?;
            Some(Unknown {
                binding: words::binding(binding),
                message: error.to_string(),
                place: self.role_ref_place(index),
            })
        });
        Who { unknown: unknown.collect(), holders: holders.into_values().collect() }
    }

    pub(super) fn way(&self, access: Access, subject: usize) -> Way {
        let Access { binding, role, rule } = access;
        let at = RuleAt { role, rule };
        Way {
            binding: words::binding(&self.policy().bindings()[binding]),
            binding_place: self.subject_place(binding, subject),
            role: words::role(&self.policy().roles()[role]),
            rule: words::rule(&self.policy().roles()[role].rules[rule]),
            rule_place: self.rule_place(at),
        }
    }
}
