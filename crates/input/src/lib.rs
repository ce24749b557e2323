//! Reads files, directories and streams into objects that know where they were written.
//!
//! ```text
//!   paths ──▶ files, charts, kustomizations ──▶ texts ──▶ documents ──▶ objects
//!              walked          rendered by helm, kustomize     decoded in parallel
//! ```
//!
//! [`load()`] is the way in; [`stream`] and [`json`] decode a text that somebody else has read.
//!
//! | module | does |
//! |---|---|
//! | `load` | all of it, in order |
//! | `files` | what the named paths stand for |
//! | `names` | paths as users know them |
//! | `plan` | which part every file plays, so that nothing is read twice or left out |
//! | `render` | Helm charts and kustomizations, through their own programs |
//! | `read` | bytes into text: size, encoding |
//! | `objects` | one text into objects, problems and notes |
//! | `outcome` | what comes of it all |
//! | [`stream`] | a text into documents, as Kubernetes' own tools split and decode it |
//! | `yaml` | one YAML document into a tree |
//! | [`audit`] | audit events of an API server, one after the other |
//! | [`flows`] | records of connections that were seen |
//! | [`json`] | JSON values into trees, as the API server decodes them |

pub mod audit;
mod error;
mod files;
pub mod flows;
pub mod json;
mod limits;
mod load;
mod names;
mod objects;
mod options;
mod outcome;
mod plan;
mod read;
mod render;
pub mod stream;
mod yaml;

use std::sync::Arc;

use ringwall_model::text::{Source, Span};
use ringwall_model::tree::Tree;

/// Reads the first YAML document of a text, which need be no Kubernetes object: a configuration inside of one.
///
/// # Errors
/// The first thing that Kubernetes' tools refuse, or a limit that is passed.
pub fn yaml_text(source: &Arc<Source>, limits: &Limits) -> Result<Tree, ReadError> {
    let piece = Span::new(0, source.text().len() as u32);
    yaml::document(source, piece, limits).map(|read| read.tree)
}

pub use error::ReadError;
pub use limits::Limits;
pub use load::{STDIN, load, read_text};
pub use options::{Options, Progress};
pub use outcome::{Counts, Input, Note, NoteKind};
pub use read::read_file;
