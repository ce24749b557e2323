//! Changes of an object as edits of the text that a user wrote.
//!
//! ```text
//!   Object + Changes ──plan──▶ what happens to each node ──block, flow──▶ Edits ──▶ text, diff
//! ```
//!
//! An edit touches the bytes of what it changes and no other: comments, blank lines, order, indentation, quotes and
//! line breaks stay as they are, and what is new is written as the text around it is. Where that is not sure (text that
//! an anchor shares, a key that stands twice), nothing is edited and a [`Refusal`] says why.
//!
//! What is meant by a change is in [`Change`]; besides:
//!
//! - A change that is already so makes no edit: a field that has the value, an item that the list holds anywhere, a
//!   field that is not there to be removed, a renamed field whose new name is there.
//! - Lists that a removal leaves empty are gone too, as mappings are, and so on outwards.
//! - With an entry go the comments on its lines and the comment lines right behind it that are indented deeper than
//!   its key. Comments above it stay.
//! - New entries stand behind the last one, before comments that follow it.
//! - Another object ([`Change::Beside`]) stands behind the object's document and the comments that end it, or behind its
//!   item and the comments that belong to that; it is written as the object is. Behind a JSON value stands another JSON
//!   value: kubectl reads such a stream. Whether the object is there already is for the caller to know.
//!
//! ```
//! # use std::sync::Arc;
//! # use ringwall_model::{fix::Change, object::Object, path::FieldPath, text::Source};
//! let text = "apiVersion: v1\nkind: Pod\nspec:\n  hostPID: true # debugging\n";
//! let source = Arc::new(Source::new("pod.yaml", text));
//! # let tree = ringwall_input::stream::decode(&source, &ringwall_input::Limits::default());
//! # let tree = tree.documents[0].tree.clone().unwrap();
//! let object = Object::read(&tree, tree.root(), FieldPath::root()).unwrap();
//! let path = FieldPath::keys(&["spec", "hostPID"]);
//! let edits = ringwall_edit::edits(&object, &[Change::Set { path, value: ringwall_model::fix::Value::Bool(false) }]);
//! assert_eq!(
//!     ringwall_edit::apply(text, &edits.unwrap()),
//!     "apiVersion: v1\nkind: Pod\nspec:\n  hostPID: false # debugging\n"
//! );
//! ```
//!
//! | module | does |
//! |---|---|
//! | `plan` | all changes of an object together, as what happens to each node |
//! | `beside` | another object behind one |
//! | `place` | where values are written, and how |
//! | `block` | edits in block style |
//! | `flow` | edits in `[]` and `{}`, JSON among them |
//! | `style` | how a file indents; values in block style |
//! | `scalar` | scalars as text |
//! | `sink` | pieces into sorted edits |
//! | `diff` | unified diffs |
//! | `refusal` | why a text is not edited |

mod beside;
mod block;
mod diff;
mod flow;
mod place;
mod plan;
mod refusal;
mod scalar;
mod sink;
mod style;
mod text;

use std::fmt;

use ringwall_model::fix::{Change, Edit, Value};
use ringwall_model::object::{Object, Rendering};
use ringwall_model::path::FieldPath;
use ringwall_model::text::Span;

use block::Writer;
pub use diff::unified_diff;
use plan::Plan;
use refusal::Fault;
pub use refusal::{Reason, Refusal};

/// A value as YAML in block style, indented by two, dashes of lists too; a line end behind each line.
pub fn yaml(value: &Value) -> String {
    let mut lines = Vec::new();
    style::block(value, 0, style::Look::PLAIN, &mut lines);
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The edits of an object's text that make all `changes`, sorted, none overlapping another. None where all is so
/// already.
///
/// Paths are read on the object as it is written: an item keeps its index whichever others the same call removes.
///
/// # Errors
/// Where one of the changes cannot be made, or not safely: then none is.
pub fn edits(object: &Object, changes: &[Change]) -> Result<Vec<Edit>, Refusal> {
    let root = object.root();
    let text = object.source().text();
    let start = root.span().start as usize;
    let refuse = |fault: Fault, path: FieldPath| Refusal {
        file: object.source().name().to_owned(),
        position: object.source().position(fault.at as u32),
        path,
        reason: fault.reason,
    };
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    if let Rendering::Rendered { by, .. } = object.rendering {
        return Err(refuse(Fault::new(start, Reason::Rendered(by)), FieldPath::root()));
    }
    let mut plan = Plan::Keep;
    for change in changes {
        let path = || change.path().cloned().unwrap_or_default();
        plan.add(root, change).map_err(|fault| refuse(fault, path()))?;
    }
    let others =
        beside::others(changes).map_err(|reason| refuse(Fault::new(start, reason), FieldPath::root()))?;
    if plan.settle() {
        return Err(refuse(Fault::new(start, Reason::Whole), FieldPath::root()));
    }
    let mut writer = Writer::new(text);
    let write = || {
        if let Plan::Inside(inside) = plan {
            let place = writer.finder.root(root);
            if place.form == place::Form::Block {
                writer.no_lone_carriage_return()?;
            }
            writer.collection(&inside, place)?;
        }
        for other in others {
            writer.beside(object, other)?;
        }
        writer.sink.finish(writer.text)
    };
    write().map_err(|fault| {
        let path = root.tree().path_at(fault.at as u32);
        let path = path.strip_prefix(&object.within).unwrap_or(path);
        refuse(fault, path)
    })
}

/// Two edits of one text that touch the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The bytes that both touch begin here.
    pub at: u32,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "two edits touch the byte at offset {}", self.at)
    }
}

impl std::error::Error for Conflict {}

/// The edits of several objects of one text as edits of that text, sorted. What two insert at one place stands in the
/// order in which they are given.
///
/// # Errors
/// Where two touch the same bytes.
pub fn merge(parts: Vec<Vec<Edit>>) -> Result<Vec<Edit>, Conflict> {
    let mut edits: Vec<Edit> = parts.into_iter().flatten().collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    for pair in edits.windows(2) {
        if let [before, after] = pair
            && before.span.end > after.span.start
        {
            return Err(Conflict { at: after.span.start });
        }
    }
    Ok(edits)
}

/// The text after the edits, which are sorted and do not overlap, as [`edits`] and [`merge`] give them. Edits that do
/// not lie in the text are left out.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut done = 0;
    for Edit { span: Span { start, end }, text: written } in edits {
        let (start, end) = (*start as usize, *end as usize);
        let Some(between) = text.get(done..start).filter(|_| text.get(start..end).is_some()) else {
            continue;
        };
        out.push_str(between);
        out.push_str(written);
        done = end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}
