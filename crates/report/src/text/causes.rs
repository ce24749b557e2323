//! The findings by what is wrong, whatever objects it is wrong with: what to mend first.
//!
//! ```text
//! critical  RW-POD-001  a container runs privileged · 3 findings on 2 objects
//!   container "…" runs privileged
//!     k8s/frontend.yaml  Deployment shop/frontend 21:11, 34:11
//!     charts/api (helm template) from charts/api/templates/api.yaml  Deployment shop/api 31:9
//! ```
//! The worst comes first, then what is there most. A cause is a check and a message, of which the name of the container
//! or volume is left out. What comes from one template stands in one line: it is mended in one place.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use ringwall_model::check::Check;
use ringwall_model::finding::{Finding, Severity};
use ringwall_model::object::ObjectId;
use ringwall_model::text::Position;

use super::{object_name, origin, summary, write_asides};
use crate::escape::escape;
use crate::style::{ASIDE, HEADING, Style, of_severity};
use crate::{Format, Report};

/// The format. It is a view of the text format, and no format of its own to ask for.
pub const FORMAT: Format = Format {
    name: "text",
    summary: "for people at a terminal, by cause",
    reporter: write,
    asides: Some(write_asides),
    fixes: false,
};

/// How many objects of a text are named; the others are counted.
const OBJECTS: usize = 4;

/// Findings of one check and severity.
struct Cause<'a> {
    check: &'static Check,
    severity: Severity,
    /// By what is said of them, by the text that they are in, by object: where.
    patterns: BTreeMap<String, BTreeMap<String, BTreeMap<&'a ObjectId, BTreeSet<Position>>>>,
    findings: usize,
    objects: BTreeSet<(&'a ObjectId, &'a str)>,
}

fn write(report: &Report<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let style = *style;
    for cause in causes(report.findings) {
        let Cause { check, severity, patterns, findings, objects } = cause;
        let count = format!("{} on {}", counted(findings, "finding"), counted(objects.len(), "object"));
        writeln!(
            out,
            "{}  {}  {} {}",
            style.paint(of_severity(severity), severity),
            style.paint(HEADING, check.id),
            escape(check.summary),
            style.paint(ASIDE, format_args!("· {count}")),
        )?;
        for (message, texts) in patterns {
            writeln!(out, "  {}", escape(&message))?;
            for (text, objects) in texts {
                write!(out, "    {}  ", style.paint(ASIDE, text))?;
                for (index, (object, places)) in objects.iter().take(OBJECTS).enumerate() {
                    let places: Vec<String> = places.iter().map(ToString::to_string).collect();
                    let comma = if index == 0 { "" } else { "; " };
                    write!(out, "{comma}{} {}", object_name(object), places.join(", "))?;
                }
                match objects.len().checked_sub(OBJECTS) {
                    None | Some(0) => writeln!(out)?,
                    Some(more) => writeln!(out, "; and {more} more")?,
                }
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", summary::line(report, style))
}

/// The causes, the worst first. Costs a look-up a finding.
fn causes(findings: &[Finding]) -> Vec<Cause<'_>> {
    let mut causes: BTreeMap<(Reverse<Severity>, &str), Cause<'_>> = BTreeMap::new();
    for finding in findings {
        let key = (Reverse(finding.severity), finding.check.id);
        let cause = causes.entry(key).or_insert_with(|| Cause {
            check: finding.check,
            severity: finding.severity,
            patterns: BTreeMap::new(),
            findings: 0,
            objects: BTreeSet::new(),
        });
        let texts = cause.patterns.entry(pattern(finding)).or_default();
        let objects = texts.entry(origin(&finding.location)).or_default();
        objects.entry(&finding.object).or_default().insert(finding.location.position);
        cause.findings += 1;
        cause.objects.insert((&finding.object, &finding.location.file));
    }
    let mut causes: Vec<Cause<'_>> = causes.into_values().collect();
    causes.sort_by_key(|cause| (Reverse(cause.severity), Reverse(cause.findings), cause.check.id));
    causes
}

/// The message without the name of the container or volume that it is about.
fn pattern(finding: &Finding) -> String {
    let witness = finding.witness.split('/').next().unwrap_or_default();
    let name = finding.container.as_deref().unwrap_or(witness);
    if name.is_empty() {
        return finding.message.clone();
    }
    finding.message.replacen(&format!("\"{name}\""), "\"…\"", 1)
}

/// A count with its noun.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
