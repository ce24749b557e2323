//! The closing line.

use ringwall_model::finding::Severity;

use crate::Report;
use crate::style::{GOOD, HEADING, Style, of_severity};

/// `37 findings: 2 critical, 35 low · 24 objects in 12 files`.
pub(crate) fn line(report: &Report<'_>, style: Style) -> String {
    let summary = &report.summary;
    let objects = counted(summary.objects, "object", "objects");
    let mut parts = vec![verdict(report, style)];
    if summary.hidden > 0 {
        parts.push(match summary.threshold {
            Some(threshold) => format!("{} below {threshold} not shown", summary.hidden),
            None => format!("{} not shown", counted(summary.hidden, "finding", "findings")),
        });
    }
    match report.suppressed() {
        0 => {}
        suppressed => parts.push(format!("{suppressed} suppressed")),
    }
    match report.known() {
        0 => {}
        known => parts.push(format!("{known} known from the baseline")),
    }
    parts.push(format!("{objects} in {}", counted(summary.files, "file", "files")));
    match summary.foreign {
        0 => {}
        1 => parts.push("1 document is no Kubernetes object".to_owned()),
        foreign => parts.push(format!("{foreign} documents are no Kubernetes objects")),
    }
    if !report.problems.is_empty() {
        parts.push(format!("{} could not be read", counted(report.problems.len(), "place", "places")));
    }
    parts.join(" · ")
}

/// What was found, in a few words.
fn verdict(report: &Report<'_>, style: Style) -> String {
    let by_severity: Vec<String> = Severity::ALL
        .into_iter()
        .rev()
        .map(|severity| (report.count(severity), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| {
            style.paint(of_severity(severity), format_args!("{count} {severity}")).to_string()
        })
        .collect();
    if !by_severity.is_empty() {
        let findings = counted(report.findings.len(), "finding", "findings");
        return format!("{}: {}", style.paint(HEADING, findings), by_severity.join(", "));
    }
    // A run that judged nothing must not read like a pass.
    if report.summary.objects == 0 {
        return style.paint(HEADING, "Nothing was judged").to_string();
    }
    // What is worth knowing only is no fault.
    let grave = report.summary.threshold.is_none_or(|threshold| threshold > Severity::Low);
    if report.summary.hidden > 0 && grave {
        return style.paint(HEADING, "No findings to show").to_string();
    }
    let look = if report.problems.is_empty() { GOOD } else { HEADING };
    style.paint(look, if report.compared { "No new findings" } else { "No findings" }).to_string()
}

/// A count with its noun.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
