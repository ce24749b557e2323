//! `ringwall rbac can-grant`: whether a user may write roles and bindings.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ringwall_model::finding::{Note, Verdict};
use ringwall_model::object::Object;
use ringwall_model::version::Minor;
use ringwall_posture::rbac::grant::Writing;
use ringwall_rbac::model::GROUP;
use ringwall_rbac::write::Verb;
use ringwall_report::{ASIDE, BAD, DOUBT, GOOD, LocationEntry, Style, escape};
use serde::Serialize;

use super::can_i::user;
use super::{BecauseEntry, with_rights, word, write_because};
use crate::args::rbac::{CanGrantArgs, WriteVerb};
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, place};
use crate::{document, input};

const USAGE: &str = "rbac can-grant --as USER -f FILE";

pub(crate) fn run(args: &CanGrantArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let user = user(&args.user)?;
    let verb = args.verb.map(|verb| match verb {
        WriteVerb::Create => Verb::Create,
        WriteVerb::Update => Verb::Update,
        WriteVerb::Patch => Verb::Patch,
    });
    let reading = args.paths.source.reading();
    let mut drafts = input::load_paths(&args.filename, &reading, USAGE, screen.quiet)?;
    let (mut loaded, (answers, version)) =
        with_rights(&args.paths.paths, &args.paths.source, USAGE, &screen, |rights| {
            Ok((rights.can_grant(&user, drafts.snapshot.all(), verb), rights.default_version()))
        })?;
    if answers.is_empty() && drafts.problems.is_empty() {
        return Err(Usage {
            message: "the file holds no role and no binding".to_owned(),
            hint: "-f FILE is what is written, the paths are what is there".to_owned(),
        });
    }
    drafts.add(Vec::new(), passed_over(drafts.snapshot.all()));
    let lacking = drafts.outcome(false);
    loaded.add(std::mem::take(&mut drafts.problems), std::mem::take(&mut drafts.notes));
    let written = screen.answer(
        |style, out| text(&user.name, &answers, version, style, out),
        |out| document::write("ringwall.rbac-can-grant/v1", &entry(&user.name, &answers), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let any = |verdict| answers.iter().any(|answer| answer.verdict == verdict);
    let unknown = any(Verdict::CannotTell);
    Ok(Outcome::no_if(any(Verdict::No)).max(loaded.outcome(unknown)).max(lacking).max(written))
}

/// A note for each file that holds objects of other kinds as well.
fn passed_over(objects: &[Object]) -> Vec<Note> {
    let mut files: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects.iter().filter(|object| object.id.group != GROUP) {
        *files.entry(object.source().name()).or_default() += 1;
    }
    let note = |(file, count): (&str, usize)| Note {
        file: file.to_owned(),
        position: None,
        message: match count {
            1 => "1 object is neither a role nor a binding, and passed over".to_owned(),
            _ => format!("{count} objects are neither roles nor bindings, and passed over"),
        },
    };
    files.into_iter().map(note).collect()
}

fn text(
    user: &str,
    answers: &[Writing],
    version: Minor,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for answer in answers {
        let (look, verdict, may) = match answer.verdict {
            Verdict::Yes => (GOOD, "yes", "may"),
            Verdict::No => (BAD, "no", "may not"),
            Verdict::CannotTell => (DOUBT, "cannot tell", "may or may not"),
        };
        let line = format!("{user} {may} {} {}", answer.verb.word(), answer.object);
        let at = place(&answer.location);
        writeln!(out, "{}: {}  {}", style.paint(look, verdict), escape(&line), style.paint(ASIDE, at))?;
        // The API server's message has lines of its own; each is shown as one.
        for line in answer.message.iter().flat_map(|message| message.lines()) {
            writeln!(out, "  {}", escape(line))?;
        }
        for because in &answer.because {
            // What is missing stands in the message already.
            if !because.message.starts_with("not held: ") {
                write_because("", because, version, style, out)?;
            }
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    objects: Vec<WritingEntry<'a>>,
}

#[derive(Serialize)]
struct WritingEntry<'a> {
    object: &'a str,
    location: LocationEntry<'a>,
    verb: &'static str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    because: Vec<BecauseEntry<'a>>,
}

fn entry<'a>(user: &'a str, answers: &'a [Writing]) -> Answer<'a> {
    let objects = answers.iter().map(|answer| WritingEntry {
        object: &answer.object,
        location: LocationEntry::of(&answer.location),
        verb: answer.verb.word(),
        verdict: word(answer.verdict),
        message: answer.message.as_deref(),
        because: answer.because.iter().map(BecauseEntry::of).collect(),
    });
    Answer { user, objects: objects.collect() }
}
