//! The frame of the JSON documents of all verbs but `scan`, which has the report's.

use std::io::{self, Write};

use ringwall_report::{ErrorEntry, NoteEntry, write_json};
use serde::Serialize;

use crate::input::Loaded;

/// A document: what it is, the answer, and what else there is to say. Within `v1`, fields may be added.
#[derive(Debug, Serialize)]
struct Document<'a, T> {
    schema: &'a str,
    ringwall: &'a str,
    #[serde(flatten)]
    answer: &'a T,
    errors: Vec<ErrorEntry<'a>>,
    notes: Vec<NoteEntry<'a>>,
}

/// Writes an answer with the problems and notes of its input.
pub(crate) fn write<T: Serialize>(
    schema: &str,
    answer: &T,
    loaded: &Loaded,
    out: &mut dyn Write,
) -> io::Result<()> {
    let document = Document {
        schema,
        ringwall: env!("CARGO_PKG_VERSION"),
        answer,
        errors: loaded.problems.iter().map(ErrorEntry::of).collect(),
        notes: loaded.notes.iter().map(NoteEntry::of).collect(),
    };
    write_json(&document, out)
}
