//! How what was found can be mended: changes to an object, and the edits of its text that make them.
//!
//! A check states [`Change`]s, in terms of the object's fields. `ringwall-edit` turns them into [`Edit`]s, in terms of
//! the bytes of the user's own file.

use std::fmt;

use crate::object::ObjectId;
use crate::path::FieldPath;
use crate::text::{Position, Span};
use crate::tree::{Kind, Node};

/// Whether a fix may be made without a second thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Applicability {
    /// What runs today runs on: nothing that a sane program does is taken from it.
    Safe,
    /// Right in most cases; somebody who knows the program must look.
    NeedsReview,
}

impl Applicability {
    /// The word for it in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::NeedsReview => "needsReview",
        }
    }
}

impl fmt::Display for Applicability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Safe => "safe",
            Self::NeedsReview => "needs review",
        })
    }
}

/// Whether `ringwall fix` mends what a check finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixable {
    /// It does, as a rule; what cannot be known in a case is left as it is.
    ByTool(Applicability),
    /// It does not: what is needed is not in the manifest. The reason, as a sentence without full stop.
    ByHand(&'static str),
}

impl fmt::Display for Fixable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByTool(Applicability::Safe) => f.write_str("`ringwall fix`"),
            Self::ByTool(applicability) => write!(f, "`ringwall fix` ({applicability})"),
            Self::ByHand(reason) => write!(f, "not mended by a tool: {reason}"),
        }
    }
}

/// A value that is written into a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text; it is quoted where the format would read it as something else.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A mapping, its keys in the order in which they are written.
    Mapping(Vec<(String, Self)>),
}

impl Value {
    /// The value under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Mapping(entries) = self else { return None };
        entries.iter().find(|(written, _)| written == key).map(|(_, value)| value)
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Whether a node says what this value says: keys in any order.
    pub fn is_said_by(&self, node: Node<'_>) -> bool {
        match self {
            Self::Bool(value) => node.as_bool() == Some(*value),
            Self::Integer(value) => node.as_i64() == Some(*value),
            Self::Text(value) => node.as_str() == Some(value),
            Self::List(values) => {
                node.kind() == Kind::Sequence
                    && node.items().count() == values.len()
                    && node.items().zip(values).all(|(item, value)| value.is_said_by(item))
            }
            Self::Mapping(values) => {
                node.kind() == Kind::Mapping
                    && node.entries().count() == values.len()
                    && values
                        .iter()
                        .all(|(key, value)| node.get(key).is_some_and(|node| value.is_said_by(node)))
            }
        }
    }

    /// Who the object is that this value is. `None` where it has not `apiVersion`, `kind` and `metadata.name`, all as text
    /// that is not empty, or has a namespace that is no text.
    pub fn object_id(&self) -> Option<ObjectId> {
        let text = |value: Option<&Self>| value?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let api_version = text(self.get("apiVersion"))?;
        let metadata = self.get("metadata")?;
        let namespace = match metadata.get("namespace") {
            None => None,
            Some(namespace) => Some(namespace.as_str()?.to_owned()).filter(|name| !name.is_empty()),
        };
        Some(ObjectId {
            group: api_version.rsplit_once('/').map_or("", |(group, _)| group).to_owned(),
            kind: text(self.get("kind"))?,
            namespace,
            name: text(metadata.get("name"))?,
        })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One change of an object, or beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The field has this value afterwards. Mappings on the way that are missing (or null) are made; an item of a
    /// list on the way must be there.
    Set {
        /// The field, from the object.
        path: FieldPath,
        /// Its new value.
        value: Value,
    },
    /// The list has this item behind its others; a list that is missing (or null) is made.
    Append {
        /// The list, from the object.
        path: FieldPath,
        /// The new item.
        value: Value,
    },
    /// The key of a mapping, or the item of a list, is gone. Mappings that this leaves empty are gone too.
    Remove {
        /// The field, from the object.
        path: FieldPath,
    },
    /// The key has another name and the same value.
    Rename {
        /// The field, from the object.
        path: FieldPath,
        /// Its key afterwards.
        key: &'static str,
    },
    /// Another object stands behind this one, in the same text: behind its document, or behind its item of a list. This
    /// one stays as it is. That there is no such object yet is for the caller to know.
    Beside {
        /// The whole of the other object: with `apiVersion`, `kind` and a name.
        object: Value,
    },
}

impl Change {
    /// The field that is changed; `None` where the object stays as it is and another one stands beside it.
    pub const fn path(&self) -> Option<&FieldPath> {
        match self {
            Self::Set { path, .. }
            | Self::Append { path, .. }
            | Self::Remove { path }
            | Self::Rename { path, .. } => Some(path),
            Self::Beside { .. } => None,
        }
    }

    /// The object that stands beside this one afterwards.
    pub const fn beside(&self) -> Option<&Value> {
        if let Self::Beside { object } = self { Some(object) } else { None }
    }
}

/// What makes a finding go away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What is done, as an imperative without full stop: `set allowPrivilegeEscalation to false`.
    pub title: String,
    /// Whether somebody must look.
    pub applicability: Applicability,
    /// What to look at, where somebody must; empty where nobody must. A sentence without full stop.
    pub review: String,
    /// The changes, all or none.
    pub changes: Vec<Change>,
}

/// A fix that may be made without a second thought.
pub fn safe(title: impl Into<String>, changes: Vec<Change>) -> Fix {
    Fix { title: title.into(), applicability: Applicability::Safe, review: String::new(), changes }
}

/// A fix that somebody must look at: `review` says at what.
pub fn reviewed(title: impl Into<String>, review: impl Into<String>, changes: Vec<Change>) -> Fix {
    let applicability = Applicability::NeedsReview;
    Fix { title: title.into(), applicability, review: review.into(), changes }
}

/// A replacement of bytes in one text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// The bytes that go; empty for an insertion.
    pub span: Span,
    /// What comes instead.
    pub text: String,
}

/// A fix as edits of the text in which the finding is located, for formats that hand it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedFix {
    /// What is done, as an imperative without full stop.
    pub title: String,
    /// Whether somebody must look.
    pub applicability: Applicability,
    /// The edits, in the order of the text, none overlapping another.
    pub edits: Vec<PlacedEdit>,
}

/// An [`Edit`] with the places that people and other tools count by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedEdit {
    /// Bytes, lines apart.
    pub edit: Edit,
    /// Where the bytes that go begin.
    pub start: Position,
    /// One behind where they end.
    pub end: Position,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(entries: &[(&str, Value)]) -> Value {
        Value::Mapping(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    #[test]
    fn a_value_is_an_object_where_it_has_a_kind_and_a_name() {
        let of = |api_version: &str, metadata: &[(&str, Value)]| {
            let entries =
                [("apiVersion", api_version.into()), ("kind", "Pod".into()), ("metadata", mapping(metadata))];
            mapping(&entries).object_id()
        };
        let id = of("g.io/v1", &[("name", "web".into()), ("namespace", "shop".into())]).expect("an object");
        assert_eq!((id.group.as_str(), id.to_string().as_str()), ("g.io", "Pod shop/web"));
        let id = of("v1", &[("name", "web".into()), ("namespace", "".into())]).expect("an object");
        assert_eq!((id.group.as_str(), id.namespace), ("", None));
        assert_eq!(of("v1", &[]), None);
        assert_eq!(of("", &[("name", "web".into())]), None);
        assert_eq!(of("v1", &[("name", "web".into()), ("namespace", Value::Bool(true))]), None);
        assert_eq!(Value::List(Vec::new()).object_id(), None);
    }
}
