//! How a flaw is mended.

use ringwall_model::fix::{Change, Fix, Value};
pub(crate) use ringwall_model::fix::{reviewed, safe};
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

/// A change that gives the field a value.
pub(crate) fn set(path: FieldPath, value: Value) -> Change {
    Change::Set { path, value }
}
