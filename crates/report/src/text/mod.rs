//! Text for people at a terminal.
//!
//! ```text
//! Deployment shop/frontend  k8s/frontend.yaml
//!   21:11  critical  RW-POD-001  container "app" runs privileged          spec.template.spec.containers[0]…
//!   14:7   medium    RW-POD-014  container "app" runs as root (also …)    spec.template.spec.containers[0,1]…
//! ```
//! Objects follow the files; under an object the worst comes first, since that is what a reader of many findings
//! must see. Place, severity and rule have the same width in the whole report; the field paths stand in line within
//! an object, as far as that costs no wrapping.

pub(crate) mod causes;
mod fold;
pub(crate) mod summary;

use std::fmt::Write as _;
use std::io::{self, Write};

use ringwall_model::finding::{Location, Note, Problem};
use ringwall_model::object::ObjectId;
use ringwall_model::text::Position;

use self::fold::{Block, Row};
use crate::escape::escape;
use crate::style::{ASIDE, HEADING, Style, of_severity};
use crate::{Format, Report};

/// The format.
pub(crate) const FORMAT: Format = Format {
    name: "text",
    summary: "for people at a terminal",
    reporter: write,
    asides: Some(write_asides),
    fixes: false,
};

/// How many characters a message may have and still decide where the field paths stand. One longer message must
/// not push the paths of all others out of sight.
const LONGEST_ALIGNED: usize = 72;

/// Writes the findings and the closing line.
fn write(report: &Report<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let style = *style;
    let blocks = fold::blocks(report.findings);
    let columns = Columns::of(&blocks);
    for block in &blocks {
        write_block(block, &columns, style, out)?;
        writeln!(out)?;
    }
    writeln!(out, "{}", summary::line(report, style))
}

/// Writes what could not be read, and the notes.
pub(crate) fn write_asides(report: &Report<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if !report.problems.is_empty() {
        writeln!(out, "{}", style.paint(HEADING, "Could not read"))?;
        for problem in report.problems {
            write_problem(problem, *style, out)?;
        }
    }
    if !report.problems.is_empty() && !report.notes.is_empty() {
        writeln!(out)?;
    }
    write_notes(report, style, out)
}

/// How many notes are shown; what is worth knowing must not push what is wrong out of sight.
const NOTES: usize = 20;

/// Writes the notes, for formats that hold all else.
pub(crate) fn write_notes(report: &Report<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if !report.notes.is_empty() {
        writeln!(out, "{}", style.paint(HEADING, "Notes"))?;
        for Note { file, position, message } in report.notes.iter().take(NOTES) {
            writeln!(out, "  {}{}", lead(file, *position), escape(message))?;
        }
        if let more @ 1.. = report.notes.len().saturating_sub(NOTES) {
            writeln!(out, "  and {more} more, which -o json lists")?;
        }
    }
    Ok(())
}

/// Widths in characters that are the same in the whole report.
struct Columns {
    line: usize,
    column: usize,
    severity: usize,
    rule: usize,
}

impl Columns {
    fn of(blocks: &[Block<'_>]) -> Self {
        let mut widths = Self { line: 0, column: 0, severity: 0, rule: 0 };
        for row in blocks.iter().flat_map(|block| &block.rows) {
            let finding = row.first;
            widths.line = widths.line.max(digits(finding.location.position.line));
            widths.column = widths.column.max(digits(finding.location.position.column));
            widths.severity = widths.severity.max(finding.severity.word().len());
            widths.rule = widths.rule.max(finding.check.id.len());
        }
        widths
    }

    /// Where a message begins: all columns, each with the two blanks around it.
    const fn before_message(&self) -> usize {
        2 + self.line + 1 + self.column + 2 + self.severity + 2 + self.rule + 2
    }
}

/// How many decimal digits a number has.
const fn digits(number: u32) -> usize {
    match number.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

/// How wide a text is, in characters. Wide characters of East Asian scripts count as one; a column that is one off
/// there is not worth a table of widths.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// One object with its findings.
fn write_block(block: &Block<'_>, columns: &Columns, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let object = object_name(block.object);
    writeln!(out, "{}  {}", style.paint(HEADING, object), style.paint(ASIDE, origin(block.location)))?;
    let cells: Vec<(String, String)> =
        block.rows.iter().map(|row| (message(row), escape(&row.path()).into_owned())).collect();
    let aligned = aligned_width(&cells, columns, style);
    for (row, (message, path)) in block.rows.iter().zip(&cells) {
        let (finding, Position { line, column }) = (row.first, row.first.location.position);
        let severity = finding.severity.word();
        write!(
            out,
            "  {line:>line_width$}:{column:<column_width$}  {}{:pad$}  {:<rule_width$}  {message}",
            style.paint(of_severity(finding.severity), severity),
            "",
            finding.check.id,
            line_width = columns.line,
            column_width = columns.column,
            pad = columns.severity - severity.len(),
            rule_width = columns.rule,
        )?;
        if path.is_empty() {
            writeln!(out)?;
        } else {
            let pad = aligned.saturating_sub(width(message));
            writeln!(out, "{:pad$}  {}", "", style.paint(ASIDE, path))?;
        }
    }
    Ok(())
}

/// How wide the messages of an object are made, so that the field paths stand in line; 0 where that would make a
/// line longer than the terminal is wide.
fn aligned_width(cells: &[(String, String)], columns: &Columns, style: Style) -> usize {
    let aligned = cells
        .iter()
        .map(|(message, _)| width(message))
        .filter(|width| *width <= LONGEST_ALIGNED)
        .max()
        .unwrap_or(0);
    let longest_path = cells.iter().map(|(_, path)| width(path)).max().unwrap_or(0);
    let longest = columns.before_message() + aligned + 2 + longest_path;
    if style.width.is_some_and(|width| longest > width) { 0 } else { aligned }
}

/// The message of a row, with the other places that it stands for.
fn message(row: &Row<'_>) -> String {
    let mut text = escape(&row.first.message).into_owned();
    let others = row.others();
    if !others.is_empty() {
        text.push_str(" (also ");
        for (index, other) in others.iter().take(fold::SHOWN).enumerate() {
            text.push_str(if index == 0 { "" } else { ", " });
            text.push_str(&escape(other.name));
            if let Some(position) = other.position {
                text.push_str(if other.name.is_empty() { "" } else { " " });
                let _ = write!(text, "{position}");
            }
        }
        if let Some(more @ 1..) = others.len().checked_sub(fold::SHOWN) {
            let _ = write!(text, " and {more} more");
        }
        text.push(')');
    }
    match row.first.replicas {
        0 => {}
        1 => text.push_str(" (and in 1 replica)"),
        replicas => {
            let _ = write!(text, " (and in {replicas} replicas)");
        }
    }
    text
}

/// The object as `kubectl` names it, for reading: deceptive characters stand as visible escapes.
pub fn object_name(object: &ObjectId) -> String {
    let mut text = escape(&object.kind).into_owned();
    text.push(' ');
    if let Some(namespace) = &object.namespace {
        text.push_str(&escape(namespace));
        text.push('/');
    }
    text.push_str(if object.name.is_empty() { "(no name)" } else { "" });
    text.push_str(&escape(&object.name));
    text
}

/// The file of an object, and how its text came to be.
fn origin(location: &Location) -> String {
    let mut text = escape(&location.file).into_owned();
    if let Some(by) = location.rendered_by {
        // The name of a rendered text often says by what it was rendered.
        let named = location.file.ends_with(&format!("({by})"));
        let _ = match (&location.template, named) {
            (None, true) => Ok(()),
            (None, false) => write!(text, " (rendered by {by})"),
            (Some(template), true) => write!(text, " from {}", escape(template)),
            (Some(template), false) => write!(text, " (rendered by {by} from {})", escape(template)),
        };
    }
    text
}

/// `file:line:column: `, as compilers write it and editors find it.
pub(crate) fn lead(file: &str, position: Option<Position>) -> String {
    match position {
        Some(position) => format!("{}:{position}: ", escape(file)),
        None => format!("{}: ", escape(file)),
    }
}

/// One thing that could not be read.
fn write_problem(problem: &Problem, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "  {}{}", lead(&problem.file, problem.position), escape(&problem.message))?;
    if let Some(object) = &problem.object {
        write!(out, "  {}", style.paint(ASIDE, object_name(object)))?;
    }
    writeln!(out)
}
