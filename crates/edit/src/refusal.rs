//! Why a text is not edited.

use std::fmt;

use ringwall_model::path::FieldPath;
use ringwall_model::text::Position;

/// What stands in the way of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The text was printed by this program; nobody wrote it.
    Rendered(&'static str),
    /// An anchor with its alias, or a merge key, uses the text in two places.
    Shared,
    /// The key stands in its mapping more than once.
    Repeated(String),
    /// What is written on the way is of another type.
    WrongType {
        /// The type that the change needs, with its article.
        expected: &'static str,
        /// The type that is written, with its article.
        got: &'static str,
    },
    /// The list has no such item, counted from 0.
    NoItem(usize),
    /// There is no such field to be renamed.
    NoField,
    /// The mapping has the new name of a field already.
    Exists(String),
    /// The new key is longer than YAML lets a key on one line be.
    LongKey,
    /// Two changes of one call exclude each other.
    Contradiction,
    /// A YAML tag says what the value is, and may not fit the new one.
    Tagged,
    /// The key is written with `?`.
    ExplicitKey,
    /// The block scalar ends with the text, without a line break: a line behind it would change its value.
    OpenBlockScalar,
    /// Nothing of the object would remain.
    Whole,
    /// What is to stand beside the object has no kind or no name.
    NoObject,
    /// The list takes objects of one kind only, and this is its kind.
    OneKind(String),
    /// A lone carriage return ends a line of a YAML text.
    CarriageReturn,
    /// The text is laid out as no change here is sure of: what was expected.
    Layout(&'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rendered(by) => write!(f, "`{by}` printed this text; change what it was rendered from"),
            Self::Shared => f.write_str("an anchor or a merge key shares this text with another place"),
            Self::Repeated(key) => write!(f, "the key \"{key}\" is here twice"),
            Self::WrongType { expected, got } => write!(f, "expected {expected}, got {got}"),
            Self::NoItem(index) => write!(f, "the list has no item {index}"),
            Self::NoField => f.write_str("there is no such field to rename"),
            Self::Exists(key) => write!(f, "the mapping has a key \"{key}\" already"),
            Self::LongKey => f.write_str("a new key is longer than YAML's 1024 characters"),
            Self::Contradiction => f.write_str("another change says otherwise about this field"),
            Self::Tagged => f.write_str("a tag (`!`) says what this value is"),
            Self::ExplicitKey => f.write_str("a key written with `?` is not edited"),
            Self::OpenBlockScalar => {
                f.write_str("a line behind this block scalar would change it: end its last line first")
            }
            Self::Whole => f.write_str("nothing of the object would remain"),
            Self::NoObject => {
                f.write_str("what is to stand beside it has not `apiVersion`, `kind` and `metadata.name`")
            }
            Self::OneKind(list) => write!(f, "a {list} takes no objects of another kind"),
            Self::CarriageReturn => f.write_str("a lone carriage return ends this line; use line feeds"),
            Self::Layout(expected) => write!(f, "the layout here is not safe to edit: expected {expected}"),
        }
    }
}

/// Why a change is not made, and where. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The name of the text.
    pub file: String,
    /// The place that stands in the way.
    pub position: Position,
    /// The field, from the object.
    pub path: FieldPath,
    /// What stands in the way.
    pub reason: Reason,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.position)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        self.reason.fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// A [`Reason`] at a byte of the text.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) reason: Reason,
}

impl Fault {
    pub(crate) const fn layout(at: usize, expected: &'static str) -> Self {
        Self { at, reason: Reason::Layout(expected) }
    }

    pub(crate) const fn new(at: usize, reason: Reason) -> Self {
        Self { at, reason }
    }
}
