//! Findings in, bytes out: the formats in which ringwall reports.
//!
//! A [`Report`] borrows what a run found. A [`Reporter`] turns it into bytes; [`FORMATS`] lists them by the name
//! that `-o` takes. A new format is one file with a `FORMAT` and one line in that table.
//!
//! # Architecture invariants
//! - Pure: nothing here asks for a terminal, an environment variable, a file or the time. What depends on these is
//!   stated in [`Style`].
//! - Equal reports give equal bytes.
//! - Names, messages and paths come from strangers' files. No format passes on characters that a terminal would
//!   interpret: see [`escape()`].
//!
//! # Example
//! ```
//! use ringwall_report::{Report, Style, Summary, format};
//!
//! let summary = Summary { files: 12, documents: 24, objects: 24, ..Summary::default() };
//! let report = Report { summary, ..Report::default() };
//! let mut bytes = Vec::new();
//! let text = format("text").expect("there is a text format");
//! (text.reporter)(&report, &Style::default(), &mut bytes)?;
//! assert_eq!(bytes, "No findings · 24 objects in 12 files\n".as_bytes());
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{self, Write};

use ringwall_model::finding::{Finding, Note, Problem, Severity, Standing};

mod cluster;
mod escape;
mod github;
mod json;
mod junit;
mod markdown;
mod page;
mod place;
mod rules;
mod sarif;
mod style;
#[cfg(test)]
mod tests;
mod text;

pub use escape::escape;
pub use json::{ErrorEntry, LocationEntry, NoteEntry, ObjectEntry, json_schema, write_json};
pub use page::{capitalized, check_page};
pub use rules::{RuleEntry, RulesEntry, rules_schema};
pub use style::{ASIDE, BAD, DOUBT, GOOD, HEADING, Painted, Style};
pub use text::causes::FORMAT as TEXT_BY_CAUSE;
pub use text::object_name;

/// What a run found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report<'a> {
    /// What was found, sorted by [`Finding::sort_key`].
    pub findings: &'a [Finding],
    /// Findings that are not ones to act on: accepted by a suppression, or known from the baseline. Sorted alike.
    pub set_aside: &'a [Finding],
    /// Whether the run was compared with a baseline, so that each finding is either new or known.
    pub compared: bool,
    /// What could not be read, in the order in which it is to be shown.
    pub problems: &'a [Problem],
    /// What else the user should know, in the order in which it is to be shown.
    pub notes: &'a [Note],
    /// How much was looked at.
    pub summary: Summary,
}

impl Report<'_> {
    /// How many findings have this severity. Costs a pass over the findings.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// How many findings somebody accepts. Costs a pass over those that are set aside.
    pub fn suppressed(&self) -> usize {
        self.set_aside.len() - self.known()
    }

    /// How many findings are known from the baseline. Costs a pass over those that are set aside.
    pub fn known(&self) -> usize {
        self.set_aside.iter().filter(|finding| finding.standing == Standing::Known).count()
    }
}

/// How much was looked at. All are plain counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were read; standard input counts as one.
    pub files: usize,
    /// Documents in them, empty ones not counted.
    pub documents: usize,
    /// Kubernetes objects that were judged; an object that was read twice counts once.
    pub objects: usize,
    /// Those of them that make pods.
    pub workloads: usize,
    /// Documents that are no Kubernetes objects, such as chart values.
    pub foreign: usize,
    /// Findings that the user asked not to see, such as those of low severity. They are not in the report.
    pub hidden: usize,
    /// Findings of this severity and above are in the report, where the user asked for a threshold.
    pub threshold: Option<Severity>,
}

/// Writes a report in one format.
///
/// It writes in small pieces: give it a buffered writer. It fails only where the writer fails.
pub type Reporter = fn(&Report<'_>, &Style, &mut dyn Write) -> io::Result<()>;

/// A format that reports can be written in.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The name by which a user asks for it.
    pub name: &'static str,
    /// Who reads it, in one line without full stop.
    pub summary: &'static str,
    /// What writes it.
    pub reporter: Reporter,
    /// What writes problems and notes, where the format does not hold them itself: to be shown beside the report
    /// (on standard error), so that the report stays data.
    pub asides: Option<Reporter>,
    /// Whether it hands on [`Finding::fix`], so that it is worth making them.
    pub fixes: bool,
}

/// All formats; the first is the default.
pub const FORMATS: &[Format] = &[
    text::FORMAT,
    json::FORMAT,
    sarif::FORMAT,
    junit::FORMAT,
    markdown::FORMAT,
    github::FORMAT,
    cluster::POLICY_REPORT,
    cluster::OPEN_REPORTS,
];

/// Text for people at a terminal.
pub const TEXT: &Format = &text::FORMAT;
/// JSON for programs.
pub const JSON: &Format = &json::FORMAT;

/// The format with this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
