//! Annotations of a GitHub workflow: commands that the runner reads from the output of a step.
//!
//! GitHub shows ten annotations of each type (error, warning, notice) for a step, and all in the log. So the worst comes
//! first, behind what could not be read. Commands and their escapes: "Workflow commands for GitHub Actions" in GitHub's
//! documentation, and `packages/core/src/command.ts` of `actions/toolkit`, which states the escapes exactly.

use std::cmp::Reverse;
use std::io::{self, Write};

use ringwall_model::finding::{Finding, Note, Problem, Severity};

use crate::escape::escape;
use crate::place::Place;
use crate::text::object_name;
use crate::{Format, Report, Style};

/// The format.
pub(crate) const FORMAT: Format = Format {
    name: "github",
    summary: "annotations in a GitHub workflow",
    reporter: write,
    asides: None,
    fixes: false,
};

fn write(report: &Report<'_>, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    for Problem { file, position, message, object } in report.problems {
        let place = Place::of_text(file, *position);
        let message = match object {
            Some(object) => format!("{}: {message}", object_name(object)),
            None => message.clone(),
        };
        command("error", &place, "could not be read", &message, out)?;
    }
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    for finding in findings {
        let title = format!("{} {}", finding.check.id, finding.check.name);
        let place = Place::of(&finding.location);
        let message = place.told(&format!("{}: {}", finding.object, finding.message));
        command(kind(finding.severity), &place, &title, &message, out)?;
    }
    for Note { file, position, message } in report.notes {
        command("notice", &Place::of_text(file, *position), "note", message, out)?;
    }
    Ok(())
}

/// What GitHub calls a severity.
const fn kind(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    }
}

/// `::error file=k8s/web.yaml,line=21,endLine=21,col=11,endColumn=21,title=RW-POD-001 …::message`.
fn command(kind: &str, place: &Place<'_>, title: &str, message: &str, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "::{kind} file={}", property(&place.file))?;
    if let Some(region) = &place.region {
        let (start, end) = (region.start, region.end);
        write!(
            out,
            ",line={},endLine={},col={},endColumn={}",
            start.line, end.line, start.column, end.column
        )?;
    }
    writeln!(out, ",title={}::{}", property(title), data(message))
}

/// A text behind `::`. What breaks a line is visible already.
fn data(text: &str) -> String {
    escape(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
