//! A text into documents, as Kubernetes' own tools split and decode it.

use std::fmt;
use std::sync::Arc;

use ringwall_model::text::{Source, Span};
use ringwall_model::tree::Tree;

use crate::Limits;

/// Why something cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Byte offset in the source.
    pub offset: u32,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// One document of a stream.
#[derive(Clone, Debug)]
pub struct Document {
    /// The bytes of the stream that the document was read from, comments before it included.
    pub span: Span,
    /// What it says; a document of comments only is null.
    pub tree: Result<Arc<Tree>, ReadError>,
    /// What strict decoding refuses, though plain decoding takes it: a key that is written twice.
    pub strict: Option<ReadError>,
}

/// What a stream holds.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// Its documents in order, those that cannot be read among them.
    pub documents: Vec<Document>,
    /// Where the stream ends too early: at a separator that is none. What follows is not read.
    pub error: Option<ReadError>,
}

/// Decodes a stream of YAML or JSON documents.
pub fn decode(source: &Arc<Source>, limits: &Limits) -> Decoded {
    let _ = (source, limits);
    Decoded::default()
}
