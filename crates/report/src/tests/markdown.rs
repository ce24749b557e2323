//! What reviewers of a pull request read.

use insta::assert_snapshot;

use super::*;
use crate::markdown::LONGEST;

fn render(report: &Report<'_>) -> String {
    render_as("markdown", report, Style::default())
}

/// What breaks the page: a row with other cells than it should have, an open code span, a tag that is not ours.
pub(super) fn faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.len() > LONGEST {
        faults.push(format!("{} bytes", text.len()));
    }
    let mut cells = 0;
    for line in text.lines() {
        let spans: Vec<&str> = line.split('`').collect();
        if spans.len().is_multiple_of(2) {
            faults.push(format!("an open code span: {line}"));
        }
        if line.starts_with('|') {
            // No `|` of a text is left, so that each one parts cells.
            let bars = line.matches('|').count();
            if cells > 0 && bars != cells {
                faults.push(format!("{bars} bars, not {cells}: {line}"));
            }
            cells = bars;
        } else {
            cells = 0;
        }
        let plain: String = spans.iter().step_by(2).copied().collect();
        let plain = ["<br>", "<details>", "</details>", "<summary>", "</summary>"]
            .iter()
            .fold(plain, |plain, tag| plain.replace(tag, ""));
        if plain.contains(['<', '@']) {
            faults.push(format!("not ours: {line}"));
        }
    }
    faults
}

#[test]
fn causes_are_rows() {
    let text = render(&everything().report());
    assert_eq!(faults(&text), Vec::<String>::new());
    assert_snapshot!(text);
}

#[test]
fn a_clean_run_is_one_line() {
    assert_snapshot!(render(&Report { summary: SUMMARY, ..Report::default() }), @"### No findings · 24 objects in 12 files · 3 documents are no Kubernetes objects");
}

#[test]
fn one_cause_over_many_objects_is_one_row() {
    let findings: Vec<Finding> = (0..120)
        .map(|number| {
            let name = format!("c{number}");
            let message = format!("container {name:?} runs privileged");
            let object = object("apps", "Deployment", Some("shop"), &format!("web-{number}"));
            Finding { message, container: Some(name), ..elsewhere(privileged(), object, "k8s/web.yaml") }
        })
        .collect();
    let text = render(&Report { findings: &findings, summary: SUMMARY, ..Report::default() });
    assert_eq!(text.lines().filter(|line| line.contains("RW-POD-001")).count(), 1);
    assert!(text.contains("`container … runs privileged`"), "{text}");
    assert!(
        text.contains("<summary>120 findings</summary>") && text.contains("… and 70 more</details>"),
        "{text}"
    );
}

#[test]
fn a_page_is_never_longer_than_a_comment_and_says_what_it_leaves_out() {
    let findings: Vec<Finding> = (0..2000)
        .map(|number| {
            let message = format!("{number}: {}", "a long story ".repeat(10));
            let check = if number % 2 == 0 { &PRIVILEGED } else { &NO_LIMIT };
            finding(check, (number + 1, 1), "spec", "", &message)
        })
        .collect();
    let text = render(&Report { findings: &findings, summary: SUMMARY, ..Report::default() });
    assert_eq!(faults(&text), Vec::<String>::new());
    let shown = text.matches("](https://").count();
    assert!(shown > 100);
    assert!(
        text.contains(&format!("_{} findings are left out: a comment", findings.len() - shown)),
        "{text}"
    );
    assert!(!text.contains("RW-POD-020"), "the least goes first");
}
