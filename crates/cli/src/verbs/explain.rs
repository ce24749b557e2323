//! `ringwall explain`: what a check finds, why, since when, and how to mend it; and what a message of `ringwall mesh analyze` says.

use std::io::{self, Write};

use ringwall_istioctl::codes::{self, Code};
use ringwall_model::check::Check;
use ringwall_posture::quiet;
use ringwall_posture::registry::{Entry, entries};
use ringwall_report::{ASIDE, HEADING, RuleEntry, Style, capitalized, write_json};
use serde::Serialize;

use crate::args::ExplainArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::table;
use crate::verbs::rules;

/// How wide text is set where the terminal is wider, or not known.
const WIDTH: usize = 80;

pub(crate) fn run(args: &ExplainArgs) -> Result<Outcome, Usage> {
    let Some(asked) = &args.check else { return Ok(rules::list(None, &args.output)) };
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let all = entries();
    let Some(entry) = all.iter().find(|entry| entry.is_called(asked)) else {
        let Some(code) = codes::of(&asked.to_ascii_uppercase()) else { return Err(unknown(asked, &all)) };
        return Ok(screen
            .answer(|style, out| message(code, style, out), |out| write_json(&CodeEntry::of(code), out)));
    };
    Ok(screen.answer(|style, out| explain(entry, style, out), |out| write_json(&CheckEntry::of(entry), out)))
}

fn explain(entry: &Entry, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Check { id, name, severity, summary, what, why, fix, bad, good, versions, references, controls } =
        entry.check;
    let width = style.width.unwrap_or(WIDTH).clamp(40, WIDTH);
    let heading = |text: &str, out: &mut dyn Write| writeln!(out, "\n{}", style.paint(HEADING, text));
    writeln!(out, "{} {name}  {}", style.paint(HEADING, id), style.paint(ASIDE, severity))?;
    writeln!(out, "{summary}")?;
    for (title, body) in [("What", what), ("Why", why), ("How to fix", fix)] {
        heading(title, out)?;
        prose(body, width, out)?;
    }
    if let Some(fixable) = entry.fixable {
        prose(&capitalized(&format!("{fixable}.")), width, out)?;
    }
    for (title, body) in [("Bad", bad), ("Good", good)] {
        heading(title, out)?;
        for line in body.lines() {
            writeln!(out, "    {line}")?;
        }
    }
    heading("Kubernetes versions", out)?;
    prose(versions, width, out)?;
    if let Some(reference) = entry.reference {
        heading("Known to Kubernetes as", out)?;
        writeln!(out, "  {reference}")?;
    }
    if !controls.is_empty() {
        heading("Controls", out)?;
        for control in *controls {
            let title = control.title().map(|title| format!(" {title}")).unwrap_or_default();
            writeln!(out, "  {}: {}{title}", control.framework.title(), control.id)?;
        }
    }
    heading("References", out)?;
    for reference in *references {
        writeln!(out, "  {reference}")?;
    }
    Ok(())
}

/// A message of `istioctl analyze`, as it says it itself.
fn message(code: &Code, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let width = style.width.unwrap_or(WIDTH).clamp(40, WIDTH);
    let heading = |text: &str, out: &mut dyn Write| writeln!(out, "\n{}", style.paint(HEADING, text));
    let CodeEntry { id, name, level, message, page, checks, .. } = CodeEntry::of(code);
    writeln!(out, "{} {name}  {}", style.paint(HEADING, id), style.paint(ASIDE, level))?;
    prose(&message, width, out)?;
    heading("Said by", out)?;
    writeln!(out, "  `ringwall mesh analyze`, word for word as `istioctl analyze` says it")?;
    if !checks.is_empty() {
        heading("Found as well by", out)?;
        for check in checks {
            writeln!(out, "  {} {}", check.id, check.name)?;
        }
    }
    heading("References", out)?;
    writeln!(out, "  {page}")
}

fn prose(text: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    table::wrapped(text, width - 2).iter().try_for_each(|line| writeln!(out, "  {line}"))
}

/// The error for a check that there is none of, with those that look most alike.
fn unknown(asked: &str, all: &[Entry]) -> Usage {
    let theirs = quiet::checks_for(asked);
    if !theirs.is_empty() {
        let ours: Vec<String> =
            theirs.iter().map(|check| format!("`ringwall explain {}` ({})", check.id, check.name)).collect();
        return Usage {
            message: format!("{} is a check of another scanner", ringwall_report::escape(asked)),
            hint: format!("what it finds, here {} finds", ours.join(", ")),
        };
    }
    let message = format!("there is no check \"{}\"", ringwall_report::escape(asked));
    if let Some(whose) = whose(asked) {
        return Usage {
            message,
            hint: format!(
                "it looks like one of {whose}, and none here stands for it; `ringwall rules` lists all"
            ),
        };
    }
    let asked_lower = asked.to_ascii_lowercase();
    // What is further off than half of its letters is not meant.
    let limit = asked_lower.chars().count() / 2;
    let mut near: Vec<(usize, &Entry)> = all
        .iter()
        .filter_map(|entry| {
            let distances =
                entry.names().map(|name| strsim::levenshtein(&asked_lower, &name.to_ascii_lowercase()));
            distances.min().filter(|distance| *distance <= limit).map(|distance| (distance, entry))
        })
        .collect();
    near.sort_by_key(|(distance, entry)| (*distance, entry.check.id));
    let names: Vec<String> =
        near.iter().take(3).map(|(_, entry)| format!("{} ({})", entry.check.id, entry.check.name)).collect();
    let hint = match names.as_slice() {
        [] => "`ringwall rules` lists all".to_owned(),
        [name] => format!("the nearest is {name}; `ringwall rules` lists all"),
        names => format!("the nearest are {}; `ringwall rules` lists all", names.join(", ")),
    };
    Usage { message, hint }
}

/// Whose code it is by its form, where that is of the mesh: `IST0162` or `KIA0203`.
fn whose(asked: &str) -> Option<&'static str> {
    let upper = asked.to_ascii_uppercase();
    let whose = [("IST", "istioctl"), ("KIA", "Kiali")];
    let is_number = |rest: &str| rest.len() == 4 && rest.bytes().all(|byte| byte.is_ascii_digit());
    whose
        .into_iter()
        .find(|(prefix, _)| upper.strip_prefix(prefix).is_some_and(is_number))
        .map(|(_, whose)| whose)
}

/// A message of `istioctl analyze` as JSON.
#[derive(Serialize)]
struct CodeEntry {
    id: &'static str,
    name: &'static str,
    level: &'static str,
    message: String,
    /// Who says it.
    verb: &'static str,
    page: String,
    /// Our checks that find the same.
    checks: Vec<OwnCheck>,
}

/// A check of ours, in few words.
#[derive(Serialize)]
struct OwnCheck {
    id: &'static str,
    name: &'static str,
}

impl CodeEntry {
    fn of(code: &Code) -> Self {
        let own = |check: &'static Check| OwnCheck { id: check.id, name: check.name };
        Self {
            id: code.id,
            name: code.name,
            level: code.level.name(),
            message: code.pattern(),
            verb: "mesh analyze",
            page: code.documentation_url(),
            checks: quiet::checks_for(code.id).into_iter().map(own).collect(),
        }
    }
}

/// All of a check as JSON.
#[derive(Serialize)]
struct CheckEntry {
    #[serde(flatten)]
    rule: RuleEntry,
    what: &'static str,
    why: &'static str,
    fix: &'static str,
    bad: &'static str,
    good: &'static str,
    versions: &'static str,
}

impl CheckEntry {
    fn of(entry: &Entry) -> Self {
        let Check { what, why, fix, bad, good, versions, .. } = *entry.check;
        Self { rule: rules::data(entry), what, why, fix, bad, good, versions }
    }
}
