//! Audit events of an API server, one after the other, into [`Event`]s.
//!
//! Read are events of audit.k8s.io/v1 (and v1beta1, whose fields are the same) in every form in which people have them:
//! - an event a line, as `--audit-log-path` writes them;
//! - an `EventList` a line, or one that is a whole file, as `--audit-webhook-config-file` posts them; a `List`; an array;
//! - any of these one behind the other, on one line or over many;
//! - each of them gzipped, in one part or several.
//!
//! A list is read item by item. Memory does not grow with the stream: it is bounded by a few times the largest event that
//! [`Options::event_bytes`] allows.
//!
//! What cannot be read is a [`Problem`] with its line and column, and the rest is read: after a broken line the next line, inside of a list
//! that has an item a line the next item. What was cut off keeps what came before.
//!
//! ```
//! use ringwall_input::audit::{Options, read_events};
//!
//! let log = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1","verb":"get","user":{"username":"alice"}}
//! {"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"2","verb":7}
//! {"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"auditID":"3","verb":"list","user":{"username":"bob"}}]}
//! "#;
//! let mut seen = Vec::new();
//! let summary = read_events(log.as_bytes(), "audit.log", &Options::default(), |event, place| {
//!     seen.push(format!("{}: {} {}", place.line, event.user.username, event.verb));
//! });
//! assert_eq!(seen, ["1: alice get", "3: bob list"]);
//! assert_eq!(summary.problems[0].to_string(), "audit.log:2:69: verb: invalid type: integer `7`, expected a string");
//! ```

mod buffer;
mod decode;
mod judge;
mod reader;
mod scan;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ringwall_model::audit::Event;
use ringwall_model::finding::Problem;
use ringwall_model::text::Position;

use crate::files::described;

/// What is taken from a stream of audit events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Longest event, in bytes. A longer one is a problem, and is passed over.
    pub event_bytes: usize,
    /// Deepest nesting of one event. The reference's own bound is 10,000.
    pub depth: usize,
    /// Whether the objects of requests and responses are wanted; if not, they are passed over and not looked into.
    pub bodies: bool,
    /// So many problems are named; the others are counted.
    pub named: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { event_bytes: 16 << 20, depth: 10_000, bodies: false, named: 20 }
    }
}

/// What came of reading a stream of audit events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many events were read.
    pub events: u64,
    /// How many events, lines and ends could not be read.
    pub broken: u64,
    /// The first of them in the order of the stream, a word about the others, and at last why the stream could not be read on.
    pub problems: Vec<Problem>,
    /// How many bytes were read, after unpacking.
    pub bytes: u64,
    /// Whether the stream was read to its end. It may break off in the middle of an event all the same, which is a problem.
    pub whole: bool,
}

/// Reads all audit events of a stream that is called `name` in problems, and shows each to `visit` with the place where it begins.
///
/// Never fails as a whole; see [`Summary`]. Costs one pass over the bytes, a second one over events that are longer than a few kilobytes or
/// broken, and a few allocations an event.
pub fn read_events(
    reader: impl Read,
    name: &str,
    options: &Options,
    visit: impl FnMut(Event<'_>, Position),
) -> Summary {
    reader::Reader::new(reader, name, options, visit).run()
}

/// Reads all audit events of a file, as [`read_events`] does. A file that cannot be opened is a problem.
pub fn read_file(path: &Path, options: &Options, visit: impl FnMut(Event<'_>, Position)) -> Summary {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_events(file, &name, options, visit),
        Err(error) => {
            let problem = Problem { file: name, position: None, message: described(&error), object: None };
            Summary { broken: 1, problems: vec![problem], ..Summary::default() }
        }
    }
}
