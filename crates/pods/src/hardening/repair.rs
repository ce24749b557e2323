//! How a flaw is mended.

use ringwall_model::fix::{Applicability, Change, Fix, Value};
use ringwall_model::path::FieldPath;

use super::{Flaw, Subject};

/// How the flaws of a check are mended.
#[derive(Clone, Copy, Debug)]
pub enum Repair {
    /// Not by a tool: what is needed is not in the manifest. The reason, as a sentence without full stop.
    Manual(&'static str),
    /// By these changes of the pod template, where they can be known; else the reason why not.
    Template(Mend),
    /// By these changes of the object.
    Object(Mend),
}

/// What mends one flaw, its paths from the pod template or from the object; or the reason why nothing does.
pub type Mend = for<'a, 't> fn(&Subject<'a, 't>, &Flaw) -> Result<Fix, &'static str>;

/// A fix that may be made without a second thought.
pub(crate) fn safe(title: impl Into<String>, changes: Vec<Change>) -> Fix {
    Fix { title: title.into(), applicability: Applicability::Safe, review: String::new(), changes }
}

/// A fix that somebody must look at.
pub(crate) fn reviewed(title: impl Into<String>, review: &str, changes: Vec<Change>) -> Fix {
    let applicability = Applicability::NeedsReview;
    Fix { title: title.into(), applicability, review: review.to_owned(), changes }
}

/// A change that gives the field a value.
pub(crate) fn set(path: FieldPath, value: Value) -> Change {
    Change::Set { path, value }
}
