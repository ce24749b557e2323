//! What each form of suppression covers, and what it does not.

use std::fmt::Write as _;

use proptest::prelude::*;
use ringwall_input::{Options, load};
use ringwall_model::snapshot::Facts;
use ringwall_model::text::Source;

use super::*;
use crate::scan;

const TODAY: Date = jiff::civil::date(2026, 11, 25);

fn snapshot(text: &str) -> Snapshot {
    let input = load(&["-".into()], &mut text.as_bytes(), &Options::default(), &());
    assert_eq!(input.problems, []);
    Snapshot::new(input.objects, Facts::default())
}

/// The findings of the checks of the Pod Security Standards: those that the texts here are made for.
fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = scan::scan(snapshot, scan::Options::default()).findings;
    findings.retain(|finding| finding.check.id <= "RW-POD-019");
    findings
}

fn settings(toml: &str) -> Settings {
    Settings::parse(&Source::new("ringwall.toml", toml)).unwrap()
}

fn run(text: &str, toml: &str) -> Quiet {
    let snapshot = snapshot(text);
    apply(findings(&snapshot), &snapshot, &settings(toml), TODAY)
}

/// One line a finding: what is open, and what is set aside with its reason and place.
fn shown(quiet: &Quiet) -> String {
    let mut text = String::new();
    for (word, list) in [("open", &quiet.open), ("aside", &quiet.set_aside)] {
        for finding in list {
            let _ = write!(
                text,
                "{word} {} {} {}",
                finding.location.position,
                finding.check.id,
                if finding.check.id.starts_with("RW-QUI") { &finding.message } else { &finding.witness }
            );
            if let Standing::Suppressed(suppression) = &finding.standing {
                let Suppression { by, reason, location, .. } = &**suppression;
                let reason = reason.as_deref().unwrap_or("-");
                let _ = write!(text, " ({} at {}: {reason})", by.word(), location.position);
            }
            text.push('\n');
        }
    }
    text
}

/// The rules that are open and that are set aside, in the order of the text.
fn rules(text: &str, toml: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let quiet = run(text, toml);
    let ids = |list: &[Finding]| list.iter().map(|finding| finding.check.id).collect();
    (ids(&quiet.open), ids(&quiet.set_aside))
}

/// A pod that shares three namespaces of its node and has two privileged containers, and is sound otherwise.
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: agent
  labels: {app: agent}
spec:
  hostPID: true
  hostIPC: true
  securityContext:
    runAsNonRoot: true
    seccompProfile: {type: RuntimeDefault}
  containers:
  - name: a
    securityContext:
      privileged: true
      allowPrivilegeEscalation: false
      capabilities: {drop: [ALL]}
  - name: b
    securityContext:
      privileged: true
      allowPrivilegeEscalation: false
      capabilities: {drop: [ALL]}
";

const PID_IPC_A_B: [&str; 4] = ["RW-POD-002", "RW-POD-002", "RW-POD-001", "RW-POD-001"];

fn with(line: &str, comment: &str) -> String {
    assert!(POD.contains(line));
    POD.replacen(line, &format!("{line} {comment}"), 1)
}

fn above(line: &str, comment: &str) -> String {
    assert!(POD.contains(line));
    let indent = &line[..line.len() - line.trim_start().len()];
    POD.replacen(line, &format!("{indent}{comment}\n{line}"), 1)
}

#[test]
fn a_comment_covers_what_begins_on_its_line_or_the_next() {
    assert_eq!(rules(POD, "").0, PID_IPC_A_B);
    let ignore = |rule: &str| format!("# ringwall:ignore {rule}");
    let table: &[(String, &[&str])] = &[
        // Behind a field: that field alone, though the mapping of its parent begins there too.
        (with("  hostPID: true", &ignore("RW-POD-002")), &["RW-POD-002"]),
        (with("  hostPID: true", &ignore("all")), &["RW-POD-002"]),
        // Behind the key of a mapping: all of it.
        (with("spec:", &ignore("host-namespace")), &["RW-POD-002", "RW-POD-002"]),
        // Behind the head of a list item, and above it: the item.
        (with("  - name: a", &ignore("RW-POD-001")), &["RW-POD-001"]),
        (above("  - name: b", &ignore("privileged-container")), &["RW-POD-001"]),
        (above("  containers:", &ignore("all")), &["RW-POD-001", "RW-POD-001"]),
        (above("  hostIPC: true", &ignore("RW-POD-002, RW-POD-001")), &["RW-POD-002"]),
        (
            POD.replacen("  - name: b", &format!("  {}\n  -\n    name: b", ignore("RW-POD-001")), 1),
            &["RW-POD-001"],
        ),
        (
            POD.replacen("  - name: b", &format!("  - {}\n    name: b", ignore("RW-POD-001")), 1),
            &["RW-POD-001"],
        ),
        // At the head of the document, before and after `---`, and behind it.
        (format!("{}\n{POD}", ignore("all")), &PID_IPC_A_B),
        (format!("# licence\n{}\n\n---\n{POD}", ignore("all")), &PID_IPC_A_B),
        (format!("---\n# about\n{}\n{POD}", ignore("RW-POD-001")), &["RW-POD-001", "RW-POD-001"]),
        (format!("--- {}\n{POD}", ignore("RW-POD-001")), &["RW-POD-001", "RW-POD-001"]),
        // Behind the first line: that line.
        (with("apiVersion: v1", &ignore("all")), &[]),
        // No comment: in a text, without a blank before it, not at its beginning.
        (with("  name: agent", "\n  annotations: {x: '# ringwall:ignore all'}"), &[]),
        (with("  name: agent", "\n  annotations:\n    x: |\n      # ringwall:ignore all\n      y"), &[]),
        (with("  name: agent", "\n  annotations:\n    x: a# ringwall:ignore all"), &[]),
        (with("spec:", "# see ringwall:ignore all"), &[]),
    ];
    for (text, aside) in table {
        assert_eq!(rules(text, "").1, *aside, "{text}");
    }
}

#[test]
fn a_suppression_that_does_nothing_is_a_finding() {
    let text = POD
        .replacen("kind: Pod", "kind: Pod # ringwall:ignore all", 1)
        .replacen("spec:", "spec: # ringwall:ignore RW-POD-001, RW-POD-003 reason=\"an agent\"", 1)
        .replacen("  hostPID: true", "  hostPID: true # ringwall:ignore RW-POD-002 until=2026-11-24", 1)
        .replacen("  hostIPC: true", "  # ringwall:ignore RW-POD-002 until=2026-11-25\n  hostIPC: true", 1)
        .replacen("  - name: a", "  - name: a # ringwall:ignore RW-POD-0001 reason=x because", 1)
        .replacen("  - name: b", "  - name: b # ringwall:ignored all", 1)
        + "# ringwall:ignore all\n";
    insta::assert_snapshot!(shown(&run(&text, "")), @r#"
    open 2:11 RW-QUI-001 the comment ignores all checks, and none finds anything here
    open 6:7 RW-QUI-001 the comment ignores RW-POD-003 (host-path-volume), which finds nothing here
    open 7:3 RW-POD-002 
    open 7:17 RW-QUI-002 the comment ignored RW-POD-002 until 2026-11-24
    open 14:13 RW-QUI-003 the comment ignores nothing: there is no check "RW-POD-0001"; did you mean RW-POD-001?; expected reason="…" or until=YYYY-MM-DD, got "because"
    open 19:13 RW-QUI-003 the comment ignores nothing: there is no comment "ringwall:ignored"; expected ringwall:ignore; did you mean ignore?
    open 24:1 RW-QUI-003 the comment ignores nothing: nothing follows it in its document
    aside 9:3 RW-POD-002  (comment at 8:3: -)
    aside 16:7 RW-POD-001 a (comment at 6:7: an agent)
    aside 21:7 RW-POD-001 b (comment at 6:7: an agent)
    "#);
}

#[test]
fn a_required_reason_is_required() {
    let text = with("  hostPID: true", "# ringwall:ignore RW-POD-002");
    let text = text.replacen(
        "  hostIPC: true",
        "  hostIPC: true # ringwall:ignore RW-POD-002 reason=\"a debugger\"",
        1,
    );
    insta::assert_snapshot!(shown(&run(&text, "suppressions.require-reason = true")), @"
    open 7:3 RW-POD-002 
    open 7:17 RW-QUI-003 the comment ignores nothing: it must say why: suppressions.require-reason is set
    open 15:7 RW-POD-001 a
    open 20:7 RW-POD-001 b
    aside 8:3 RW-POD-002  (comment at 8:17: a debugger)
    ");
}

#[test]
fn an_annotation_covers_its_object_or_one_container() {
    let annotated = |annotations: &str| {
        POD.replacen("  labels:", &format!("  annotations: {{{annotations}}}\n  labels:"), 1)
    };
    let long = "x".repeat(40);
    let table: &[(String, &[&str])] = &[
        (annotated("ringwall.dev/ignore.RW-POD-001: an agent"), &["RW-POD-001", "RW-POD-001"]),
        (
            annotated("ringwall.dev/ignore.host-namespace: 'x; until=2026-11-25'"),
            &["RW-POD-002", "RW-POD-002"],
        ),
        (annotated("ringwall.dev/ignore.host-namespace: 'x; until=2026-11-24'"), &[]),
        (annotated("ringwall.dev/ignore.RW-POD-001.container.b: an agent"), &["RW-POD-001"]),
        (annotated("ringwall.dev/ignore.all.container.c: no such container"), &[]),
        (annotated(&format!("ringwall.dev/ignore.RW-POD-001.container.{long}: too long")), &[]),
        (annotated("ringwall.dev/ignore.all: ''"), &PID_IPC_A_B),
    ];
    for (text, aside) in table {
        assert_eq!(rules(text, "").1, *aside, "{text}");
    }
    let odd = annotated(&format!(
        "ringwall.dev/ignore.RW-POD-01: x, ringwall.dev/ignore.RW-POD-002: 'until=soon', \
         ringwall.dev/ignore.RW-POD-001.container.{long}: x, ringwall.dev/ignore.all.container.c: x"
    ));
    insta::assert_snapshot!(shown(&run(&odd, "checks.disable = ['RW-POD-001', 'RW-POD-002']")), @r#"
    open 5:17 RW-QUI-003 the annotation ignores nothing: there is no check "RW-POD-01"; did you mean RW-POD-001?
    open 5:51 RW-QUI-003 the annotation ignores nothing: until: expected a day such as 2027-01-31, got "soon"
    open 5:97 RW-QUI-003 the annotation ignores nothing: the API server refuses the key: behind the / there may be up to 63 letters, digits, -, _ and ., the first and the last a letter or a digit; an exception in ringwall.toml has no such bound
    open 5:183 RW-QUI-001 the annotation ignores all checks, and none finds anything here
    "#);
}

const OWNED: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {TEMPLATE}
    spec: &spec
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: app
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-1
  namespace: shop
  annotations: {POD}
  ownerReferences:
  - {apiVersion: apps/v1, kind: Deployment, name: web, controller: true}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: app
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  - name: sidecar
    securityContext: {privileged: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
";

#[test]
fn what_is_found_in_a_pod_can_be_accepted_there_or_on_its_owner() {
    let owned = |template: &str, pod: &str| OWNED.replace("{TEMPLATE}", template).replace("{POD}", pod);
    let ignore = "{annotations: {ringwall.dev/ignore.RW-POD-001: injected}}";
    for (text, toml, aside) in [
        (owned("{}", "{}"), "", 0),
        (owned(ignore, "{}"), "", 1),
        (owned("{}", "{ringwall.dev/ignore.RW-POD-001: injected}"), "", 1),
        (owned("{}", "{}"), "exceptions = [{rules = ['all'], kind = 'Deployment', name = 'web'}]", 1),
        (
            owned("{}", "{}"),
            "exceptions = [{rules = ['all'], kind = 'Pod', name = 'web-*', container = 'sidecar'}]",
            1,
        ),
        (owned("{}", "{}"), "exceptions = [{rules = ['all'], kind = 'Pod', name = 'web'}]", 0),
    ] {
        let (open, set_aside) = rules(&text, toml);
        assert_eq!(set_aside.len(), aside, "{text} {toml}");
        assert_eq!(open.iter().filter(|rule| **rule == "RW-POD-001").count(), 1 - aside, "{text} {toml}");
    }
}

#[test]
fn exceptions_select_by_all_that_they_say() {
    for (selectors, aside) in [
        ("", 4),
        ("kind = 'pod'", 4),
        ("kind = 'Deployment'", 0),
        ("name = 'ag*'", 4),
        ("name = 'agents'", 0),
        ("namespace = '*'", 0),
        ("labels = {app = 'agent'}", 4),
        ("labels = {app = 'other'}", 0),
        ("container = 'a'", 1),
        ("container = '*'", 2),
        ("path = 'spec.host*'", 2),
        ("path = 'spec.containers[1].securityContext.privileged'", 1),
        ("file = '<stdin>'", 4),
        ("file = 'k8s/**'", 0),
        ("kind = 'Pod', container = 'b', path = 'spec.host*'", 0),
        ("until = 2026-11-25", 4),
        ("until = 2026-11-24", 0),
    ] {
        let comma = if selectors.is_empty() { "" } else { ", " };
        let toml = format!("exceptions = [{{rules = ['all']{comma}{selectors}}}]");
        assert_eq!(rules(POD, &toml).1.len(), aside, "{toml}");
    }
}

#[test]
fn an_exception_that_may_be_about_other_input_is_worth_a_look_only() {
    let toml = "
[[exceptions]]
rules = ['host-port']
name = 'agent'
[[exceptions]]
rules = ['host-port']
name = 'somewhere-else'
[[exceptions]]
rules = ['host-port']
name = 'ag*'
[[exceptions]]
rules = ['RW-POD-001', 'RW-POD-002']
reason = 'an agent'
owner = 'team-nodes'
[[exceptions]]
rules = ['all']
until = 2020-01-01
";
    let quiet = run(POD, toml);
    let severities: Vec<(&str, Severity)> =
        quiet.open.iter().map(|finding| (finding.check.id, finding.severity)).collect();
    assert_eq!(
        severities,
        [
            ("RW-QUI-001", Severity::Low),
            ("RW-QUI-001", Severity::Info),
            ("RW-QUI-001", Severity::Info),
            ("RW-QUI-002", Severity::Low),
        ]
    );
    insta::assert_snapshot!(shown(&quiet), @"
    open 2:1 RW-QUI-001 the configuration ignores RW-POD-004 (host-port), which finds nothing here
    open 5:1 RW-QUI-001 the configuration ignores RW-POD-004 (host-port), which finds nothing here
    open 8:1 RW-QUI-001 the configuration ignores RW-POD-004 (host-port), which finds nothing here
    open 15:1 RW-QUI-002 the configuration ignored all checks until 2020-01-01
    aside 7:3 RW-POD-002  (configuration at 11:1: an agent (team-nodes))
    aside 8:3 RW-POD-002  (configuration at 11:1: an agent (team-nodes))
    aside 15:7 RW-POD-001 a (configuration at 11:1: an agent (team-nodes))
    aside 20:7 RW-POD-001 b (configuration at 11:1: an agent (team-nodes))
    ");
}

#[test]
fn items_of_a_list_are_told_apart() {
    let item = |name: &str, rest: &str| {
        format!(
            "- apiVersion: v1\n  kind: Pod\n  metadata: {{name: {name}{rest}}}\n  spec: {{hostPID: true, containers: []}}\n"
        )
    };
    let list = |items: &[String]| format!("apiVersion: v1\nkind: List\nitems:\n{}", items.concat());
    let annotation = ", annotations: {ringwall.dev/ignore.RW-POD-002: x}";
    for (text, names) in [
        (list(&[item("a", ""), format!("# ringwall:ignore RW-POD-002\n{}", item("b", ""))]), vec!["b"]),
        (list(&[item("a", ""), item("b", annotation)]), vec!["b"]),
        (format!("# ringwall:ignore RW-POD-002\n{}", list(&[item("a", ""), item("b", "")])), vec!["a", "b"]),
    ] {
        let quiet = run(&text, "");
        let aside: Vec<&str> = quiet.set_aside.iter().map(|finding| finding.object.name.as_str()).collect();
        assert_eq!(aside, names, "{text}");
        assert!(quiet.open.iter().all(|finding| finding.check.id == "RW-POD-002"), "{}", shown(&quiet));
    }
}

#[test]
fn json_has_annotations_only() {
    let json = r##"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a # ringwall:ignore all",
  "annotations": {"ringwall.dev/ignore.RW-POD-002": "# ringwall:ignore all"}},
 "spec": {"hostPID": true, "hostIPC": true, "containers": []}}"##;
    assert_eq!(rules(json, ""), (vec![], vec!["RW-POD-002", "RW-POD-002"]));
}

#[test]
fn what_is_missing_can_be_accepted_where_it_is_missed() {
    let text = "\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsNonRoot: true}
  containers:
  - name: a # ringwall:ignore seccomp-profile-not-set reason=\"an old node\"
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  - name: b
    # ringwall:ignore seccomp-profile-not-set, privilege-escalation
    securityContext: {capabilities: {drop: [ALL]}}
";
    insta::assert_snapshot!(shown(&run(text, "")), @"
    aside 8:5 RW-POD-019 a (comment at 7:13: an old node)
    aside 11:5 RW-POD-015 b (comment at 10:5: -)
    aside 11:5 RW-POD-019 b (comment at 10:5: -)
    ");
}

#[test]
fn a_name_stands_for_what_it_names_wherever_it_is_written() {
    let text = "\
apiVersion: v1
kind: Pod
metadata:
  labels: {app: web}
  name: web # ringwall:ignore host-namespace
spec:
  hostPID: true
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - image: a:1
    securityContext: {capabilities: {drop: [ALL]}}
    name: a # ringwall:ignore privilege-escalation
  - image: b:1
    name: b
";
    let quiet = run(text, "");
    let aside: Vec<(&str, Option<&str>)> =
        quiet.set_aside.iter().map(|finding| (finding.check.id, finding.container.as_deref())).collect();
    assert_eq!(aside, [("RW-POD-002", None), ("RW-POD-015", Some("a"))]);
}

#[test]
fn checks_can_be_turned_off_and_weighed() {
    let toml = "checks = {disable = ['all'], enable = ['host-namespace'], severity = {RW-POD-002 = 'info'}}";
    let quiet = run(&with("spec:", "# ringwall:ignore RW-POD-003"), toml);
    let open: Vec<(&str, Severity)> =
        quiet.open.iter().map(|finding| (finding.check.id, finding.severity)).collect();
    assert_eq!(open, [("RW-POD-002", Severity::Info), ("RW-POD-002", Severity::Info)]);
}

#[test]
fn other_scanners_forms_count_where_that_is_asked_for() {
    let annotated = |annotations: &str| {
        POD.replacen("  labels:", &format!("  annotations: {{{annotations}}}\n  labels:"), 1)
    };
    let table: &[(String, &[&str])] = &[
        (annotated("checkov.io/skip1: CKV_K8S_16=an agent"), &["RW-POD-001", "RW-POD-001"]),
        (annotated("checkov.io/skip2: CKV_K8S_17=an agent"), &["RW-POD-002"]),
        (annotated("ignore-check.kube-linter.io/host-ipc: x"), &["RW-POD-002"]),
        (annotated("kube-linter.io/ignore-all: x"), &PID_IPC_A_B),
        (
            annotated("kube-score/ignore: container-security-context-privileged"),
            &["RW-POD-001", "RW-POD-001"],
        ),
        (annotated("kubescape.io/skip-controls: 'C-0057,C-0038'"), &PID_IPC_A_B),
        (
            annotated("kubescape.io/skip-controls: C-0057, kubescape.io/skip-expiry: '2020-01-01T00:00:00Z'"),
            &[],
        ),
        (POD.replacen("{app: agent}", "{kubescape.io/ignore: 'true'}", 1), &PID_IPC_A_B),
        (above("  - name: b", "#trivy:ignore:AVD-KSV-0017"), &["RW-POD-001"]),
        (above("  hostPID: true", "# trivy:ignore:KSV009"), &[]),
        (above("      privileged: true", "#checkov:skip=CKV_K8S_16:x"), &["RW-POD-001", "RW-POD-001"]),
        (above("  hostIPC: true", "# kics-scan ignore-line"), &["RW-POD-002"]),
        (above("  containers:", "# kics-scan ignore-line"), &[]),
        (above("  containers:", "# kics-scan ignore-block"), &["RW-POD-001", "RW-POD-001"]),
    ];
    for (text, aside) in table {
        assert_eq!(rules(text, ""), (PID_IPC_A_B.to_vec(), vec![]), "{text}");
        let (open, set_aside) = rules(text, "suppressions.compat-ignores = true");
        assert_eq!(set_aside, *aside, "{text}");
        let complaints: Vec<&&str> = open.iter().filter(|rule| rule.starts_with("RW-QUI")).collect();
        let expired = text.contains("skip-expiry");
        assert_eq!(complaints, if expired { vec![&"RW-QUI-002"] } else { vec![] }, "{text}");
    }
}

#[test]
fn texts_with_anchors_long_lines_and_hidden_keys_are_read() {
    let text = "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a, annotations: {x: \"# ringwall:ignore all\", x: '# ringwall:ignore all'}}
  spec: &spec # ringwall:ignore RW-POD-002
    hostPID: true
    containers: []
- apiVersion: v1
  kind: Pod
  metadata: {name: b}
  spec: *spec
";
    // Both pods have the field that is written, and accepted, once.
    let quiet = run(text, "");
    assert_eq!(quiet.set_aside.len(), 2, "{}", shown(&quiet));
    assert!(quiet.open.is_empty(), "{}", shown(&quiet));
}

/// The blocks of a page in this language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

#[test]
fn the_examples_of_the_pages_do_what_they_say() {
    let pages =
        [include_str!("../../../../docs/suppressions.md"), include_str!("../../../../docs/configuration.md")];
    let configurations: Vec<&str> = pages.iter().flat_map(|page| blocks(page, "toml")).collect();
    assert_eq!(configurations.len(), 2);
    for toml in configurations {
        assert!(!settings(toml).exceptions.is_empty());
    }
    let manifests = blocks(pages[0], "yaml");
    assert_eq!(manifests.len(), 2);
    for manifest in manifests {
        let quiet = run(manifest, "suppressions.require-reason = true");
        assert!(!quiet.set_aside.is_empty());
        assert!(
            quiet.open.iter().all(|finding| !finding.check.id.starts_with("RW-QUI")),
            "{}",
            shown(&quiet)
        );
    }
}

proptest! {
    /// Whatever line a comment is put on, it hides no finding of another check and none outside of what is written
    /// deeper than its line, and without it nothing is hidden.
    #[test]
    fn a_comment_hides_nothing_else(at in 6_usize..22, own_line: bool, rule in 0_usize..4) {
        let rule = ["RW-POD-001", "RW-POD-002", "RW-POD-003", "RW-POD-015"][rule];
        let lines: Vec<&str> = POD.lines().collect();
        let line = lines[at];
        let depth = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
        let dashed = line.trim_start().starts_with('-');
        let mut text = String::new();
        for (index, other) in lines.iter().enumerate() {
            if index == at && own_line {
                let _ = writeln!(text, "# ringwall:ignore {rule}\n{other}");
            } else if index == at {
                let _ = writeln!(text, "{other} # ringwall:ignore {rule}");
            } else {
                let _ = writeln!(text, "{other}");
            }
        }
        // The lines of the block: those that follow and are deeper, or as deep in a list item that begins here.
        let inside = |index: usize| {
            index == at || (index > at && lines[at + 1..=index].iter().all(|other| {
                let begins = other.trim_start().starts_with('-');
                depth(other) > depth(line) || (dashed && !begins && depth(other) >= depth(line)) ||
                    (!dashed && begins && depth(other) - 2 >= depth(line))
            }))
        };
        let quiet = run(&text, "");
        for finding in &quiet.set_aside {
            prop_assert_eq!(finding.check.id, rule);
            let line = finding.location.position.line as usize - 1;
            let index = if own_line && line > at { line - 1 } else { line };
            prop_assert!(inside(index), "{} at {}\n{}", finding.check.id, finding.location, text);
        }
        let before = run(POD, "").open.len();
        let after = quiet.open.iter().filter(|finding| !finding.check.id.starts_with("RW-QUI")).count();
        prop_assert_eq!(after + quiet.set_aside.len(), before);
    }

    /// No text makes it panic, and comments never lose a finding.
    #[test]
    fn odd_comments_lose_nothing(
        comment in "[ #:=\",a-zA-Z0-9é\\-]{0,40}", at in 0_usize..22, prefix: bool
    ) {
        let prefix = if prefix { "ringwall:ignore " } else { "ringwall:" };
        let mut text = String::new();
        for (index, line) in POD.lines().enumerate() {
            let _ = writeln!(text, "{line}{}", if index == at { format!(" # {prefix}{comment}") } else { String::new() });
        }
        let quiet = run(&text, "");
        let others = quiet.open.iter().filter(|finding| !finding.check.id.starts_with("RW-QUI")).count();
        prop_assert_eq!(others + quiet.set_aside.len(), PID_IPC_A_B.len());
        prop_assert!(quiet.open.len() + quiet.set_aside.len() > PID_IPC_A_B.len() || !quiet.set_aside.is_empty());
    }
}
