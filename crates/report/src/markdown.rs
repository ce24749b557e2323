//! Markdown for a comment on a pull request.
//!
//! ```text
//! ### 37 findings: 2 critical, 35 low · 24 objects in 12 files
//! | severity | findings |
//! | severity | rule | finding | where |
//! ```
//! A row is a cause: the findings of one rule that say the same but for the container's name, over all objects. The worst
//! comes first, then what is there most often.
//!
//! Names come from strangers and must neither break the table nor call people or link to anywhere. So all text of theirs
//! stands in code spans, in which Markdown and GitHub read nothing but the end of the span and, in tables, `|`.
//! A comment on GitHub holds 65,536 characters: what does not fit is counted, and it is the least.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use ringwall_model::check::Check;
use ringwall_model::finding::{Finding, Severity};

use crate::escape::escape;
use crate::page::page_address;
use crate::place::Place;
use crate::text::summary::{counted, line};
use crate::text::{lead, object_name};
use crate::{Format, Report, Style};

/// The format.
pub(crate) const FORMAT: Format = Format {
    name: "markdown",
    summary: "for a comment on a pull request",
    reporter: write,
    asides: None,
    fixes: false,
};

/// How many characters a comment on GitHub may have. Bytes are counted instead, which are never fewer.
pub(crate) const LONGEST: usize = 65_536;
/// What is kept for saying what is left out.
const KEPT: usize = 256;
/// How many places a row shows without being opened.
const OPEN_PLACES: usize = 3;
/// How many places a row lists at most.
const MOST_PLACES: usize = 50;
/// How many further lines a place names.
const MOST_LINES: usize = 5;
/// How many characters are shown of one text. Honest ones are shorter.
const LONGEST_TEXT: usize = 300;

fn write(report: &Report<'_>, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { text: String::new() };
    page.push(&format!("### {}\n", line(report, Style::default())));
    write_counts(report, &mut page);
    if !report.problems.is_empty() {
        let rows = report.problems.iter().map(|problem| {
            let object = problem.object.as_ref().map(|object| format!(" ({})", code(&object_name(object))));
            let place = lead(&problem.file, problem.position);
            format!("- {} {}{}\n", code(place.trim_end()), code(&problem.message), object.unwrap_or_default())
        });
        page.push_list("Could not read", report.problems.len(), rows);
    }
    write_findings(report.findings, &mut page);
    if !report.notes.is_empty() {
        let rows = report.notes.iter().map(|note| {
            let place = lead(&note.file, note.position);
            format!("- {} {}\n", code(place.trim_end()), code(&note.message))
        });
        page.push_list("Notes", report.notes.len(), rows);
    }
    out.write_all(page.text.as_bytes())
}

/// The text so far, which never grows beyond what a comment holds.
struct Page {
    text: String,
}

impl Page {
    /// Adds a text if there is room for it, beside what must be said at the end.
    fn push(&mut self, text: &str) -> bool {
        let fits = self.text.len() + text.len() + KEPT <= LONGEST;
        if fits {
            self.text.push_str(text);
        }
        fits
    }

    /// Adds a line on what is left out, for which [`KEPT`] is there: a page has three of them at most.
    fn push_left_out(&mut self, left_out: &str) {
        if self.text.len() + left_out.len() <= LONGEST {
            self.text.push_str(left_out);
        }
    }

    fn push_list(&mut self, heading: &str, count: usize, rows: impl Iterator<Item = String>) {
        let fits = self.push(&format!("\n**{heading}**\n\n"));
        let shown = if fits { rows.take(MOST_PLACES).take_while(|row| self.push(row)).count() } else { 0 };
        match count - shown {
            0 => {}
            more if fits => self.push_left_out(&format!("- … and {more} more\n")),
            all => self.push_left_out(&format!("\n_{heading}: {all} left out, since a comment is full._\n")),
        }
    }
}

fn write_counts(report: &Report<'_>, page: &mut Page) {
    if report.findings.is_empty() {
        return;
    }
    let mut table = String::from("\n| severity | findings |\n|---|---:|\n");
    for severity in Severity::ALL.into_iter().rev() {
        match report.count(severity) {
            0 => {}
            count => {
                let _ = writeln!(table, "| {severity} | {count} |");
            }
        }
    }
    page.push(&table);
}

/// Findings with one cause.
struct Cause<'a> {
    check: &'static Check,
    severity: Severity,
    /// What they say, with `…` for a container's name.
    shape: String,
    findings: Vec<&'a Finding>,
}

/// The causes, the worst and then the most frequent first.
fn causes(findings: &[Finding]) -> Vec<Cause<'_>> {
    let mut index = HashMap::new();
    let mut causes: Vec<Cause<'_>> = Vec::new();
    for finding in findings {
        let shape = shape(finding);
        let at = *index.entry((finding.check.id, finding.severity, shape.clone())).or_insert(causes.len());
        if at == causes.len() {
            causes.push(Cause {
                check: finding.check,
                severity: finding.severity,
                shape,
                findings: Vec::new(),
            });
        }
        causes[at].findings.push(finding);
    }
    // Equals stay in the order of the files.
    causes.sort_by_key(|cause| (Reverse(cause.severity), Reverse(cause.findings.len()), cause.check.id));
    causes
}

/// What a finding says, but for the name of its container.
fn shape(finding: &Finding) -> String {
    let name = finding.container.as_deref().unwrap_or(&finding.witness);
    if name.is_empty() {
        return finding.message.clone();
    }
    finding.message.replacen(&format!("{name:?}"), "…", 1)
}

fn write_findings(findings: &[Finding], page: &mut Page) {
    if findings.is_empty() {
        return;
    }
    page.push("\n| severity | rule | finding | where |\n|---|---|---|---|\n");
    let causes = causes(findings);
    let shown = causes.iter().take_while(|cause| page.push(&cause.row())).count();
    if let Some(rest @ [_, ..]) = causes.get(shown..) {
        let findings = rest.iter().map(|cause| cause.findings.len()).sum();
        let left_out = counted(findings, "finding is", "findings are");
        page.push_left_out(&format!(
            "\n_{left_out} left out: a comment on GitHub holds {LONGEST} characters._\n"
        ));
    }
}

impl Cause<'_> {
    fn row(&self) -> String {
        let alone = match self.findings.as_slice() {
            [finding] => Some(finding),
            _ => None,
        };
        let message = alone.map_or(self.shape.as_str(), |finding| finding.message.as_str());
        let mut row = format!(
            "| {} | [{}]({}) | {} | ",
            self.severity,
            self.check.id,
            page_address(self.check),
            code(message)
        );
        let places: Vec<String> =
            self.findings.iter().take(MOST_PLACES).map(|finding| place(finding)).collect();
        let list = places.join("<br>");
        let count = self.findings.len();
        if count <= OPEN_PLACES {
            row.push_str(&list);
        } else {
            let _ = write!(row, "<details><summary>{count} findings</summary>{list}");
            if count > places.len() {
                let _ = write!(row, "<br>… and {} more", count - places.len());
            }
            row.push_str("</details>");
        }
        row.push_str(" |\n");
        row
    }
}

/// Where a finding is: object, container, file and line.
fn place(finding: &Finding) -> String {
    let mut text = code(&object_name(&finding.object));
    if let Some(container) = &finding.container {
        let _ = write!(text, " {}", code(container));
    }
    let place = Place::of(&finding.location);
    let location = match &place.region {
        Some(region) => format!("{}:{}", place.file, region.start.line),
        None => place.file.into_owned(),
    };
    let _ = write!(text, " in {}", code(&location));
    // Lines of what was rendered are none of a file.
    if let Some(region) = &place.region {
        let mut lines: Vec<u32> =
            finding.related.iter().map(|(_, location)| location.position.line).collect();
        lines.sort_unstable();
        lines.dedup();
        lines.retain(|line| *line != region.start.line);
        let more = if lines.len() > MOST_LINES { ", …" } else { "" };
        let lines: Vec<String> = lines.iter().take(MOST_LINES).map(u32::to_string).collect();
        if !lines.is_empty() {
            let noun = if lines.len() == 1 { "line" } else { "lines" };
            let _ = write!(text, " (see {noun} {}{more})", lines.join(", "));
        }
    }
    text
}

/// A text as a code span that is good in a table too. What would end the span or the cell stands as a visible escape,
/// as do characters that deceive.
fn code(text: &str) -> String {
    let escaped = escape(text);
    let mut span = String::with_capacity(escaped.len() + 2);
    span.push('`');
    for (count, c) in escaped.chars().enumerate() {
        if count == LONGEST_TEXT {
            span.push('…');
            break;
        }
        match c {
            '`' | '|' => span.extend(c.escape_unicode()),
            c => span.push(c),
        }
    }
    // Nothing between two backticks is no span at all, and neither are blanks alone shown as one.
    if escaped.trim().is_empty() {
        span.push('…');
    }
    span.push('`');
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_cannot_be_left() {
        assert_eq!(code("a`b|c\nd"), r"`a\u{60}b\u{7c}c\nd`");
        assert_eq!(code(""), "`…`");
        assert_eq!(code(&"x".repeat(1000)).chars().count(), LONGEST_TEXT + 3);
    }
}
