//! What people read.

use insta::assert_snapshot;

use super::*;

const PLAIN: Style = Style { color: false, width: None };

fn render(findings: &[Finding], summary: Summary) -> String {
    render_as("text", &Report { findings, summary, ..Report::default() }, PLAIN)
}

#[test]
fn a_clean_run_is_one_line() {
    assert_snapshot!(render(&[], Summary { foreign: 0, ..SUMMARY }), @"No findings · 24 objects in 12 files");
    assert_snapshot!(render(&[], SUMMARY), @"No findings · 24 objects in 12 files · 3 documents are no Kubernetes objects");
}

#[test]
fn one_of_each_is_singular() {
    let summary =
        Summary { files: 1, documents: 2, objects: 1, workloads: 1, foreign: 1, hidden: 0, threshold: None };
    assert_snapshot!(render(&[host_network()], summary), @"
    Deployment shop/frontend  k8s/frontend.yaml
      12:7  high  RW-POD-003  the pod shares its node's network  spec.template.spec.hostNetwork

    1 finding: 1 high · 1 object in 1 file · 1 document is no Kubernetes object
    ");
}

#[test]
fn what_is_not_shown_is_counted() {
    let summary = Summary { foreign: 0, hidden: 2, ..SUMMARY };
    assert_snapshot!(render(&[], summary), @"No findings to show · 2 findings not shown · 24 objects in 12 files");
    assert_snapshot!(render(&[], Summary { hidden: 1, ..summary }), @"No findings to show · 1 finding not shown · 24 objects in 12 files");
}

#[test]
fn what_is_set_aside_is_counted_and_not_listed() {
    let everything = everything();
    let summary = Summary { foreign: 0, ..SUMMARY };
    let report = Report { findings: &[], problems: &[], notes: &[], summary, ..everything.report() };
    assert_snapshot!(render_as("text", &report, PLAIN), @"No new findings · 2 suppressed · 2 known from the baseline · 24 objects in 12 files");
}

#[test]
fn a_run_that_judged_nothing_does_not_read_like_a_pass() {
    assert_snapshot!(render(&[], Summary::default()), @"Nothing was judged · 0 objects in 0 files");
    assert_snapshot!(render(&[], Summary { files: 1, documents: 2, foreign: 2, ..Summary::default() }), @"Nothing was judged · 0 objects in 1 file · 2 documents are no Kubernetes objects");
}

#[test]
fn a_run_with_problems_does_not_look_like_a_pass() {
    let problems = full().1;
    let report = Report { problems: &problems, summary: SUMMARY, ..Report::default() };
    assert_snapshot!(render_as("text", &report, PLAIN), @"
    No findings · 24 objects in 12 files · 3 documents are no Kubernetes objects · 2 places could not be read
    Could not read
      k8s/gone: no such file
      k8s/broken.yaml:3:7: expected a mapping, got a list  Job shop/nightly
    ");
}

#[test]
fn everything_at_once() {
    let (findings, problems, notes) = full();
    let report = Report {
        findings: &findings,
        problems: &problems,
        notes: &notes,
        summary: SUMMARY,
        ..Report::default()
    };
    assert_snapshot!(render_as("text", &report, PLAIN), @r#"
    Deployment shop/api  charts/api (helm template) from api/templates/api.yaml
      311:9   low       RW-POD-020  nothing limits its memory

    Deployment shop/frontend  k8s/frontend.yaml
       21:11  critical  RW-POD-001  container "app" runs privileged    spec.template.spec.containers[0].securityContext.privileged
       12:7   high      RW-POD-003  the pod shares its node's network  spec.template.spec.hostNetwork
       19:9   medium    RW-POD-010  container "app" may gain more privileges than it starts with (also proxy 34:9, logs 147:9)  spec.template.spec.containers[0,1,2].securityContext.allowPrivilegeEscalation

    Pod redis-*  redis.yaml
        9:14  medium    RW-POD-012  container "redis" adds capability SYS_ADMIN (and in 2 replicas)  spec.containers[0].securityContext.capabilities.add[1]

    7 findings: 1 critical, 1 high, 4 medium, 1 low · 24 objects in 12 files · 3 documents are no Kubernetes objects · 2 places could not be read
    Could not read
      k8s/gone: no such file
      k8s/broken.yaml:3:7: expected a mapping, got a list  Job shop/nightly

    Notes
      ringwall.toml:12:1: this exception matches nothing
      k8s: 2 objects were read twice
    "#);
}

#[test]
fn a_narrow_terminal_gets_no_padding() {
    let findings = full().0;
    let report = Report { findings: &findings[1..], summary: SUMMARY, ..Report::default() };
    assert_snapshot!(render_as("text", &report, Style { color: false, width: Some(100) }), @r#"
    Deployment shop/frontend  k8s/frontend.yaml
      21:11  critical  RW-POD-001  container "app" runs privileged  spec.template.spec.containers[0].securityContext.privileged
      12:7   high      RW-POD-003  the pod shares its node's network  spec.template.spec.hostNetwork
      19:9   medium    RW-POD-010  container "app" may gain more privileges than it starts with (also proxy 34:9, logs 147:9)  spec.template.spec.containers[0,1,2].securityContext.allowPrivilegeEscalation

    Pod redis-*  redis.yaml
       9:14  medium    RW-POD-012  container "redis" adds capability SYS_ADMIN (and in 2 replicas)  spec.containers[0].securityContext.capabilities.add[1]

    6 findings: 1 critical, 1 high, 4 medium · 24 objects in 12 files · 3 documents are no Kubernetes objects
    "#);
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
    assert_snapshot!(render(&findings, SUMMARY), @r#"
    Deployment shop/frontend  k8s/frontend.yaml
      10:9  low  RW-POD-020  container "worker-0" has no memory limit (also worker-1 17:9, worker-2 24:9, worker-3 31:9, worker-4 38:9, worker-5 45:9 and 6 more) (and in 1 replica)  spec.template.spec.containers[0,1,2,3,4,5,…].resources.limits

    12 findings: 12 low · 24 objects in 12 files · 3 documents are no Kubernetes objects
    "#);
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
    assert_snapshot!(render(&findings, SUMMARY), @"
    Deployment shop/frontend  k8s/frontend.yaml
      50:5   critical  RW-POD-001  a rule allows 3 things                       rules[0]
      51:5   critical  RW-POD-001  a rule allows 4 things                       rules[1]
      30:5   high      RW-POD-003  value a is open (also b)                     spec.containers[0].securityContext.capabilities.add
      10:12  medium    RW-POD-012  container 0 adds NET_ADMIN (also BPF 11:12)  spec.containers[0].securityContext.capabilities.add[0,1]
      20:12  medium    RW-POD-012  container 1 adds BPF                         spec.containers[1].securityContext.capabilities.add[0]
      60:5   medium    RW-POD-010  a rule is odd                                rules[0]
      60:5   medium    RW-POD-010  a rule is odd                                rules[0]
      40:5   low       RW-POD-020  a rule is empty (also 41:5)                  rules[0,1]

    11 findings: 2 critical, 2 high, 5 medium, 2 low · 24 objects in 12 files · 3 documents are no Kubernetes objects
    ");
}

#[test]
fn an_object_in_two_files_is_shown_with_each() {
    let here = host_network();
    let there = elsewhere(host_network(), here.object.clone(), "overlay/frontend.yaml");
    let mut rendered = host_network();
    rendered.location.rendered_by = Some("kustomize build");
    assert_snapshot!(render(&[here, rendered, there], SUMMARY), @"
    Deployment shop/frontend  k8s/frontend.yaml
      12:7  high  RW-POD-003  the pod shares its node's network  spec.template.spec.hostNetwork

    Deployment shop/frontend  k8s/frontend.yaml (rendered by kustomize build)
      12:7  high  RW-POD-003  the pod shares its node's network  spec.template.spec.hostNetwork

    Deployment shop/frontend  overlay/frontend.yaml
      12:7  high  RW-POD-003  the pod shares its node's network  spec.template.spec.hostNetwork

    3 findings: 3 high · 24 objects in 12 files · 3 documents are no Kubernetes objects
    ");
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
    let report = Report {
        findings: &findings,
        problems: &problems,
        notes: &notes,
        summary: SUMMARY,
        ..Report::default()
    };
    let text = render_as("text", &report, PLAIN);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert_snapshot!(text, @r#"
    Deploy\rment a\u{202e}b/web\u{1b}]0;owned\u{7}\nNo findings · 1 object in 1 file  k8s/\u{9b}2J.yaml (rendered by helm template from x\t\u{200b}.yaml)
      21:11  critical  RW-POD-001  image \u{1b}[32mok\u{1b}[0m  metadata.labels["a\u{1b}[8m"]

    Pod shop/(no name)  l.yaml
      12:7   high      RW-POD-003  the pod shares its node's network  spec.template.spec.hostNetwork

    2 findings: 1 critical, 1 high · 24 objects in 12 files · 3 documents are no Kubernetes objects · 1 place could not be read
    Could not read
      \u{1b}c: bad\u{7f}  \u{85} \u{2028}

    Notes
      \u{0}: \u{feff}x
    "#);
}

#[test]
fn colour_adds_codes_and_nothing_else() {
    let (findings, problems, notes) = full();
    let report = Report {
        findings: &findings,
        problems: &problems,
        notes: &notes,
        summary: SUMMARY,
        ..Report::default()
    };
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
    assert_snapshot!(line, @r#"   21:11  ^[1m^[31mcritical^[0m  RW-POD-001  container "app" runs privileged    ^[2mspec.template.spec.containers[0].securityContext.privileged^[0m"#);
}

#[test]
fn no_line_ends_in_blanks() {
    let (findings, problems, notes) = full();
    let report = Report {
        findings: &findings,
        problems: &problems,
        notes: &notes,
        summary: SUMMARY,
        ..Report::default()
    };
    let text = render_as("text", &report, PLAIN);
    assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
}
