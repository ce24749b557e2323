//! `ringwall rbac reduce`: the least roles that an audit log proves are needed.

use std::io::{self, Write};
use std::path::Path;

use ringwall_input::audit::{Options as Reading, Summary, read_events, read_file};
use ringwall_model::finding::Note;
use ringwall_model::version::Minor;
use ringwall_posture::rbac::reduce::{Least, Options, Reduced, Seen, Unused};
use ringwall_report::{ASIDE, Style, escape};
use serde::Serialize;

use super::{PlaceEntry, shown, with_rights};
use crate::args::rbac::ReduceArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted};

const USAGE: &str = "rbac reduce --audit-log FILE";

/// So many lines of a kind are said.
const TOLD: usize = 12;

pub(crate) fn run(args: &ReduceArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let is_pipe = |path: &Path| path == Path::new("-");
    if args.audit_log.iter().chain(&args.paths.paths).filter(|path| is_pipe(path)).count() > 1 {
        return Err(Usage {
            message: "both the objects and the log are to come from standard input".to_owned(),
            hint: "name a file for one of them".to_owned(),
        });
    }
    let mut seen = Seen::default();
    let (mut problems, mut notes, mut broken) = (Vec::new(), Vec::new(), 0);
    for path in &args.audit_log {
        let Summary { problems: found, broken: count, .. } = if is_pipe(path) {
            read_events(io::stdin().lock(), "<stdin>", &Reading::default(), |event, _| seen.see(&event))
        } else {
            read_file(path, &Reading::default(), |event, _| seen.see(&event))
        };
        broken += count;
        problems.extend(found);
    }
    let name = args.audit_log.first().map(|path| path.display().to_string()).unwrap_or_default();
    let note = |message: String| Note { file: name.clone(), position: None, message };
    if broken > problems.len() as u64 {
        let more = usize::try_from(broken).unwrap_or(usize::MAX) - problems.len();
        notes.push(note(format!("{} more could not be read", counted(more, "event", "events"))));
    }
    // Of a log that was not read nothing can be said to be unused.
    if seen.events == 0
        && let Some(problem) = problems.first()
    {
        return Err(Usage {
            message: format!("no event could be read: {}", escape(&problem.to_string())),
            hint: String::new(),
        });
    }
    if seen.allowed == 0 && problems.is_empty() {
        return Err(Usage {
            message: format!("{} holds no request that was allowed", escape(&name)),
            hint: "the log of kube-apiserver, from a policy that logs at least Metadata".to_owned(),
        });
    }
    if !args.users.is_empty() {
        let missing = seen.only(&args.users);
        notes.extend(
            missing.into_iter().map(|user| note(format!("{user} has no allowed request in the log"))),
        );
    }
    let options = Options { most_names: args.any_name_above, only: args.users.clone() };
    let (mut loaded, (reduced, version)) =
        with_rights(&args.paths.paths, &args.paths.source, USAGE, &screen, |rights| {
            Ok((rights.reduce(&seen, &options), rights.default_version()))
        })?;
    loaded.add(problems, notes);
    let written = screen.answer(
        |_, out| text(&reduced, &args.users, version, out),
        |out| document::write("ringwall.rbac-reduce/v1", &entry(&seen, &reduced), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    screen.aside(|style, out| asides(&seen, &reduced, args.any_name_above, style, out));
    loaded.hint(&screen);
    Ok(Outcome::no_if(!reduced.lost.is_empty()).max(loaded.outcome(false)).max(written))
}

/// Manifests that can be applied; what was not used, in comments behind them.
fn text(reduced: &Reduced, only: &[String], version: Minor, out: &mut dyn Write) -> io::Result<()> {
    for Least { subject, namespace, text, .. } in &reduced.least {
        let place = namespace.as_ref().map_or_else(
            || "at the cluster scope".to_owned(),
            |namespace| format!("in namespace {namespace}"),
        );
        writeln!(out, "---\n# What {} used {}", escape(subject), escape(&place))?;
        write!(out, "{text}")?;
    }
    if !reduced.unused.is_empty() {
        let by = if only.is_empty() { String::new() } else { format!(" by {}", only.join(", ")) };
        writeln!(out, "# Not used in this log{}:", escape(&by))?;
    }
    for Unused { message, place } in &reduced.unused {
        writeln!(out, "# - {}  {}", escape(message), shown(place, version))?;
    }
    Ok(())
}

fn asides(
    seen: &Seen,
    reduced: &Reduced,
    most: Option<usize>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut told = |what: &str, lines: &[String]| -> io::Result<()> {
        for line in lines.iter().take(TOLD) {
            writeln!(out, "{what}{}", escape(line))?;
        }
        if lines.len() > TOLD {
            writeln!(out, "{what}and {} more", lines.len() - TOLD)?;
        }
        Ok(())
    };
    told("not allowed by what is written: ", &reduced.lost)?;
    told("allowed in the log, and not by the input: ", &reduced.not_by_input)?;
    told("note: ", &reduced.passed_over)?;
    if seen.unreadable > 0 {
        let count = usize::try_from(seen.unreadable).unwrap_or(usize::MAX);
        writeln!(out, "note: {} of the log ask for nothing", counted(count, "URL", "URLs"))?;
    }
    if most.is_none() && reduced.most_names > TOLD {
        writeln!(
            out,
            "note: some verbs are given for {} names; --any-name-above 5 gives those for all",
            reduced.most_names
        )?;
    }
    let events = usize::try_from(seen.events).unwrap_or(usize::MAX);
    let line = format!(
        "{} ({} allowed, {} refused, {} undecided) · {} replayed, {} not allowed again · {} written · {} unused",
        counted(events, "event", "events"),
        seen.allowed,
        seen.refused,
        seen.undecided,
        counted(reduced.replayed, "request", "requests"),
        reduced.lost.len(),
        counted(reduced.least.len(), "role", "roles"),
        counted(reduced.unused.len(), "grant", "grants"),
    );
    writeln!(out, "{}", style.paint(ASIDE, line))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    events: u64,
    allowed: u64,
    refused: u64,
    undecided: u64,
    roles: Vec<LeastEntry<'a>>,
    replayed: usize,
    /// Requests that the roles do not allow again.
    lost: &'a [String],
    /// Requests that the log allowed and the input does not.
    not_by_input: &'a [String],
    passed_over: &'a [String],
    unused: Vec<UnusedEntry<'a>>,
}

#[derive(Serialize)]
struct LeastEntry<'a> {
    subject: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
    yaml: &'a str,
}

#[derive(Serialize)]
struct UnusedEntry<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: PlaceEntry<'a>,
}

fn entry<'a>(seen: &Seen, reduced: &'a Reduced) -> Answer<'a> {
    Answer {
        events: seen.events,
        allowed: seen.allowed,
        refused: seen.refused,
        undecided: seen.undecided,
        roles: reduced
            .least
            .iter()
            .map(|least| LeastEntry {
                subject: &least.subject,
                namespace: least.namespace.as_deref(),
                name: &least.role.name,
                yaml: &least.text,
            })
            .collect(),
        replayed: reduced.replayed,
        lost: &reduced.lost,
        not_by_input: &reduced.not_by_input,
        passed_over: &reduced.passed_over,
        unused: reduced
            .unused
            .iter()
            .map(|unused| UnusedEntry { message: &unused.message, place: PlaceEntry::of(&unused.place) })
            .collect(),
    }
}
