//! Which field of which rule decided, so that an answer can point at it.

use ringwall_model::path::FieldPath;

/// Where a rule stands in its policy.
pub(super) fn rule_path(rule: usize) -> FieldPath {
    FieldPath::keys(&["spec", "rules"]).index(rule)
}

/// A list of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// An item of `from`.
    From(usize),
    /// An item of `to`.
    To(usize),
    /// An item of `when`.
    When(usize),
}

/// A field of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The rule.
    pub rule: usize,
    /// The item in it.
    pub part: Part,
    /// The field's key: `principals`, `notPaths`, `values`.
    pub field: &'static str,
}

impl Place {
    /// Where the field stands in the object.
    pub fn path(&self) -> FieldPath {
        let rule = rule_path(self.rule);
        match self.part {
            Part::From(at) => rule.key("from").index(at).key("source").key(self.field),
            Part::To(at) => rule.key("to").index(at).key("operation").key(self.field),
            Part::When(at) => rule.key("when").index(at).key(self.field),
        }
    }
}
