//! What people read.

use insta::assert_snapshot;

use super::*;

const PLAIN: Style = Style { color: false, width: None };

fn render(findings: &[Finding], summary: Summary) -> String {
    render_as("text", &Report { findings, summary, ..Report::default() }, PLAIN)
}

#[test]
fn a_clean_run_is_one_line() {
    assert_snapshot!(render(&[], Summary { foreign: 0, ..SUMMARY }), @"");
    assert_snapshot!(render(&[], SUMMARY), @"");
}

#[test]
fn one_of_each_is_singular() {
    let summary = Summary { files: 1, documents: 2, objects: 1, workloads: 1, foreign: 1 };
    assert_snapshot!(render(&[host_network()], summary), @"");
}

#[test]
fn a_run_that_judged_nothing_does_not_read_like_a_pass() {
    assert_snapshot!(render(&[], Summary::default()), @"");
    assert_snapshot!(render(&[], Summary { files: 1, documents: 2, foreign: 2, ..Summary::default() }), @"");
}

#[test]
fn a_run_with_problems_does_not_look_like_a_pass() {
    let problems = full().1;
    let report = Report { problems: &problems, summary: SUMMARY, ..Report::default() };
    assert_snapshot!(render_as("text", &report, PLAIN), @"");
}

#[test]
fn everything_at_once() {
    let (findings, problems, notes) = full();
    let report = Report { findings: &findings, problems: &problems, notes: &notes, summary: SUMMARY };
    assert_snapshot!(render_as("text", &report, PLAIN), @"");
}

#[test]
fn a_narrow_terminal_gets_no_padding() {
    let findings = full().0;
    let report = Report { findings: &findings[1..], summary: SUMMARY, ..Report::default() };
    assert_snapshot!(render_as("text", &report, Style { color: false, width: Some(100) }), @"");
}

#[test]
fn many_places_are_counted_and_replicas_named() {
    let findings: Vec<Finding> = (0..12)
        .map(|index| {
            let path = format!("spec.template.spec.containers[{index}].resources.limits");
            let name = format!("worker-{index}");
            let message = format!("container {name:?} has no memory limit");
            let finding = finding(&NO_LIMIT, (10 + 7 * index, 9), &path, &name, &message);
            Finding { replicas: 1, ..finding }
        })
        .collect();
    assert_snapshot!(render(&findings, SUMMARY), @"");
}

#[test]
fn only_what_says_the_same_is_folded() {
    let base = "spec.containers[0].securityContext.capabilities.add";
    let add = |line, index, container: usize, name: &str| {
        let path = format!("spec.containers[{container}].securityContext.capabilities.add[{index}]");
        finding(&CAPABILITY, (line, 12), &path, name, &format!("container {container} adds {name}"))
    };
    let findings = [
        // Two of one container fold; that of another container differs in two steps of the path.
        add(10, 0, 0, "NET_ADMIN"),
        add(11, 1, 0, "BPF"),
        add(20, 0, 1, "BPF"),
        // One field, several values: there is no other place to name.
        finding(&HOST_NETWORK, (30, 5), base, "a", "value a is open"),
        finding(&HOST_NETWORK, (30, 5), base, "b", "value b is open"),
        // Equal messages on several lines: only places to name.
        finding(&NO_LIMIT, (40, 5), "rules[0]", "x", "a rule is empty"),
        finding(&NO_LIMIT, (41, 5), "rules[1]", "y", "a rule is empty"),
        // What differs is in no witness.
        finding(&PRIVILEGED, (50, 5), "rules[0]", "x", "a rule allows 3 things"),
        finding(&PRIVILEGED, (51, 5), "rules[1]", "y", "a rule allows 4 things"),
        // Nothing to tell them apart: a row each, or one would be lost.
        finding(&ESCALATION, (60, 5), "rules[0]", "x", "a rule is odd"),
        finding(&ESCALATION, (60, 5), "rules[0]", "y", "a rule is odd"),
    ];
    assert_snapshot!(render(&findings, SUMMARY), @"");
}

#[test]
fn an_object_in_two_files_is_shown_with_each() {
    let here = host_network();
    let there = elsewhere(host_network(), here.object.clone(), "overlay/frontend.yaml");
    let mut rendered = host_network();
    rendered.location.rendered_by = Some("kustomize build");
    assert_snapshot!(render(&[here, rendered, there], SUMMARY), @"");
}

#[test]
fn hostile_names_are_shown_escaped() {
    let name = "web\u{1b}]0;owned\u{7}\nNo findings · 1 object in 1 file";
    let mut hostile = elsewhere(
        privileged(),
        object("apps", "Deploy\rment", Some("a\u{202e}b"), name),
        "k8s/\u{9b}2J.yaml",
    );
    hostile.message = "image \u{1b}[32mok\u{1b}[0m".to_owned();
    hostile.path = ringwall_model::path::FieldPath::keys(&["metadata", "labels", "a\u{1b}[8m"]);
    hostile.location.rendered_by = Some("helm template");
    hostile.location.template = Some("x\t\u{200b}.yaml".to_owned());
    let nameless = elsewhere(host_network(), object("", "Pod", Some("shop"), ""), "l.yaml");
    let problems = [Problem {
        file: "\u{1b}c".to_owned(),
        position: None,
        message: "bad\u{7f}".to_owned(),
        object: Some(object("", "\u{85}", None, "\u{2028}")),
    }];
    let notes = [Note { file: "\0".to_owned(), position: None, message: "\u{feff}x".to_owned() }];
    let findings = [hostile, nameless];
    let report = Report { findings: &findings, problems: &problems, notes: &notes, summary: SUMMARY };
    let text = render_as("text", &report, PLAIN);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert_snapshot!(text, @"");
}

#[test]
fn colour_adds_codes_and_nothing_else() {
    let (findings, problems, notes) = full();
    let report = Report { findings: &findings, problems: &problems, notes: &notes, summary: SUMMARY };
    let plain = render_as("text", &report, PLAIN);
    let colored = render_as("text", &report, Style { color: true, width: None });
    assert!(!plain.contains('\u{1b}'));
    let mut stripped = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        stripped.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    assert_eq!(stripped + rest, plain);
    let line = colored.lines().find(|line| line.contains("critical")).unwrap().replace('\u{1b}', "^");
    assert_snapshot!(line, @"");
}

#[test]
fn no_line_ends_in_blanks() {
    let (findings, problems, notes) = full();
    let report = Report { findings: &findings, problems: &problems, notes: &notes, summary: SUMMARY };
    let text = render_as("text", &report, PLAIN);
    assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
}
