//! `ringwall mesh analyze`: what `istioctl analyze` says.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use ringwall_istioctl::codes::Level;
use ringwall_istioctl::{Asked, Mesh, Message, Unread, View, analyze};
use ringwall_model::finding::Problem;
use ringwall_model::snapshot::Snapshot;
use ringwall_report::{BAD, DOUBT, JSON, Style, escape, write_json};
use serde::Serialize;

use super::read_yaml;
use crate::args::mesh::MeshAnalyzeArgs;
use crate::input;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted};

pub(crate) fn run(args: &MeshAnalyzeArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let mut loaded = input::load(&args.input, "mesh analyze", screen.quiet)?;
    let read = |text: &str| read_yaml("a text in an object", text);
    let (view, mesh) = if args.files_only {
        (View::Files, Mesh::default())
    } else {
        (View::All, Mesh::of(&loaded.snapshot, &read))
    };
    // A clock before 1970 knows nothing of certificates anyway.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let analysis = analyze(&loaded.snapshot, &Asked { view, mesh: &mesh, read: &read, now });
    let problems = analysis.unread.iter().filter_map(|unread| problem(&loaded.snapshot, unread)).collect();
    loaded.add(problems, Vec::new());
    let messages = &analysis.messages;
    let written = screen.answer(
        |style, out| text(messages, &loaded.snapshot, style, out),
        |out| write_json(&entries(messages, &loaded.snapshot), out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    if screen.format.name == JSON.name && !loaded.problems.is_empty() {
        // The answer is istioctl's list, in which there is no place for them.
        let count = counted(loaded.problems.len(), "document or field", "documents or fields");
        screen.aside_in_any_format(&format!(
            "error: {count} of the input cannot be read; without -o json it is told which"
        ));
    }
    loaded.hint(&screen);
    let is_bad = messages.iter().any(|message| message.code.level != Level::Info);
    Ok(loaded.outcome(false).max(Outcome::no_if(is_bad)).max(written))
}

/// An object that cannot be read, as a problem of the input.
fn problem(snapshot: &Snapshot, unread: &Unread) -> Option<Problem> {
    let object = snapshot.all().get(unread.object)?;
    Some(Problem {
        file: object.source().name().to_owned(),
        position: Some(object.locate(&unread.path)),
        message: format!("{}: {}", unread.path, unread.message),
        object: Some(object.id.clone()),
    })
}

/// `file:line` of the field that a message is about, as near as it is known.
fn reference(message: &Message, snapshot: &Snapshot) -> String {
    let Some(object) = message.object.and_then(|index| snapshot.all().get(index)) else {
        return String::new();
    };
    let line = object.locate(&message.path).line;
    format!("{}:{line}", object.source().name())
}

fn text(messages: &[Message], snapshot: &Snapshot, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if messages.is_empty() {
        writeln!(out, "No validation issues found.")?;
    }
    for message in messages {
        let level = message.code.level.name();
        let line = message.printed(&reference(message, snapshot));
        let rest = line.strip_prefix(level).unwrap_or(&line);
        match message.code.level {
            Level::Error => write!(out, "{}", style.paint(BAD, level))?,
            Level::Warning => write!(out, "{}", style.paint(DOUBT, level))?,
            Level::Info => write!(out, "{level}")?,
        }
        writeln!(out, "{}", escape(rest))?;
    }
    Ok(())
}

/// A message, in the fields of istioctl's JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    code: &'a str,
    documentation_url: String,
    level: &'a str,
    message: &'a str,
    origin: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    reference: String,
}

fn entries<'a>(messages: &'a [Message], snapshot: &Snapshot) -> Vec<Entry<'a>> {
    let entry = |message: &'a Message| Entry {
        code: message.code.id,
        documentation_url: message.code.documentation_url(),
        level: message.code.level.name(),
        message: &message.text,
        origin: &message.origin,
        reference: reference(message, snapshot),
    };
    messages.iter().map(entry).collect()
}
