//! Audit events in every form in which people have them, whole and broken.

mod broken;
mod forms;
mod random;
mod real;

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use ringwall_input::audit::{Options, Summary, read_events};
use ringwall_model::text::Position;
use serde_json::Value;

/// What was shown of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// The identifier of each event with its place.
    events: Vec<String>,
    /// All that was told of each event.
    told: Vec<String>,
    /// `line:column: message` of each problem.
    problems: Vec<String>,
    summary: Summary,
}

fn read_with(reader: impl Read, options: &Options) -> Seen {
    let (mut events, mut told) = (Vec::new(), Vec::new());
    let summary = read_events(reader, "log", options, |event, Position { line, column }| {
        events.push(format!("{} {line}:{column}", event.audit_id));
        told.push(format!("{event:?}"));
    });
    let problems = summary
        .problems
        .iter()
        .map(|problem| problem.to_string().trim_start_matches("log:").trim_start().to_owned())
        .collect();
    assert_eq!(summary.events, events.len() as u64);
    assert!(summary.broken >= summary.problems.len() as u64 || summary.broken > options.named as u64);
    Seen { events, told, problems, summary }
}

/// A stream that gives few bytes at a time.
struct Drops<'t>(&'t [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(into.len()).min(self.0.len());
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

/// Read at once and in drops, which must be the same.
fn read(text: impl AsRef<[u8]>) -> Seen {
    let (text, options) = (text.as_ref(), Options::default());
    let seen = read_with(text, &options);
    for size in [1, 7] {
        assert_eq!(read_with(Drops(text, size), &options), seen);
    }
    assert!(seen.summary.whole);
    assert_eq!(seen.summary.bytes, text.len() as u64);
    seen
}

/// The text without the marks `¶` and `§`, and the places where they stood.
fn marked(text: &str) -> (String, [Vec<String>; 2]) {
    let (mut plain, mut places) = (String::new(), [vec![], vec![]]);
    let (mut line, mut column) = (1, 1);
    for character in text.chars() {
        match character {
            '¶' => places[0].push(format!("{line}:{column}")),
            '§' => places[1].push(format!("{line}:{column}")),
            '\u{feff}' => plain.push(character),
            _ => {
                plain.push(character);
                (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
            }
        }
    }
    (plain, places)
}

/// That events of these identifiers begin at the marks `¶`, and nothing is broken.
#[track_caller]
fn fine(text: impl AsRef<str>, events: &[&str]) {
    broken(text, events, &[]);
}

/// That events of these identifiers begin at the marks `¶`, and these problems are at the marks `§`.
#[track_caller]
fn broken(text: impl AsRef<str>, events: &[&str], problems: &[&str]) {
    let (text, [begins, breaks]) = marked(text.as_ref());
    let seen = read(&text);
    let with = |left: &[&str], right: &[String], between: &str| -> Vec<String> {
        assert_eq!(left.len(), right.len(), "{text}: {seen:?}");
        left.iter().zip(right).map(|(left, right)| format!("{left}{between}{right}")).collect()
    };
    assert_eq!(seen.events, with(events, &begins, " "), "{text}");
    let places: Vec<&str> = breaks.iter().map(String::as_str).collect();
    let problems: Vec<String> = problems.iter().map(|problem| (*problem).to_owned()).collect();
    assert_eq!(seen.problems, with(&places, &problems, ": "), "{text}");
    assert_eq!(seen.summary.broken, problems.len() as u64);
}

/// An event, as a line.
fn event(id: &str) -> String {
    format!(r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"{id}","verb":"get"}}"#)
}

/// An item of an `EventList`, which says no kind.
fn item(id: &str) -> String {
    format!(r#"{{"level":"Metadata","auditID":"{id}"}}"#)
}

/// An `EventList`.
fn list(items: &[String]) -> String {
    format!(
        r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{}]}}"#,
        items.join(",")
    )
}

fn pretty(text: &str) -> String {
    format!("{:#}", serde_json::from_str::<Value>(text).expect("JSON"))
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes.as_ref()).expect("memory");
    packer.finish().expect("memory")
}
