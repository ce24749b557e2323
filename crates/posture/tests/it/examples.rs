//! The examples of every check are true: the bad one is found by it, the good one is not, and what is said of its fix holds
//! for the bad one.

use ringwall_input::{Options, load};
use ringwall_model::finding::{Finding, Severity};
use ringwall_model::fix::{Applicability, Fixable};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_pods::hardening::{Bounds, Settings};
use ringwall_posture::registry::{Entry, entries};
use ringwall_posture::settings::Settings as Owner;
use ringwall_posture::{quiet, scan};

/// A day on which the suppressions of the examples are still good, or not any more.
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 25);

/// What the owner of the cluster states, for the checks that cannot know by themselves.
fn settings(id: &str) -> Settings {
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    match id {
        "RW-POD-034" => {
            Settings { blocked_registries: list(&["blocked.example.com"]), ..Settings::default() }
        }
        "RW-POD-062" => {
            Settings { required_labels: list(&["app.kubernetes.io/name"]), ..Settings::default() }
        }
        "RW-POD-067" => Settings {
            memory_limit: Bounds { least: None, most: Some("1Gi".to_owned()) },
            ..Settings::default()
        },
        _ => Settings::default(),
    }
}

/// An example as whole objects. It may leave out what every object has (`apiVersion`, `kind`, the name), and a pod around
/// a container's fields.
fn whole(example: &str) -> String {
    let documents: Vec<String> = example.split("---\n").map(object).collect();
    documents.join("---\n")
}

fn object(document: &str) -> String {
    let has = |text: &str, key: &str| text.lines().any(|line| line.starts_with(&format!("{key}:")));
    let mut text = document.to_owned();
    if !has(&text, "kind") && !has(&text, "spec") {
        let fields = document.trim_end().replace('\n', "\n    ");
        text = format!("spec:\n  containers:\n  - name: web\n    {fields}\n");
    }
    if !has(&text, "kind") {
        text.insert_str(0, "kind: Pod\n");
    }
    if !has(&text, "apiVersion") {
        text.insert_str(0, "apiVersion: v1\n");
    }
    if !has(&text, "metadata") {
        text.push_str("metadata:\n");
    }
    let (before, metadata) = text.split_once("metadata:\n").expect("it is there by now");
    let named =
        metadata.lines().take_while(|line| line.starts_with(' ')).any(|line| line.starts_with("  name:"));
    if named { text } else { format!("{before}metadata:\n  name: example\n{metadata}") }
}

fn read(id: &str, example: &str) -> Snapshot {
    let text = whole(example);
    let input = load(&["-".into()], &mut text.as_bytes(), &Options::default(), &());
    assert_eq!(input.problems, [], "{id}:\n{text}");
    assert!(!input.objects.is_empty(), "{id}:\n{text}");
    Snapshot::new(input.objects, Facts::default())
}

/// What the check finds in an example. What is only to be looked at (a flag that only its owner can judge) is not counted
/// with a check that finds worse.
fn findings(id: &str, example: &str) -> Vec<Finding> {
    let snapshot = read(id, example);
    let settings = settings(id);
    let scan =
        scan(&snapshot, scan::Options { hardening: &settings, mend: true, ..scan::Options::default() });
    assert_eq!(scan.problems, [], "{id}:\n{example}");
    assert_eq!(scan.notes, [], "{id}:\n{example}");
    let mut findings = quiet::apply(scan.findings, &snapshot, &Owner::default(), TODAY).open;
    findings.retain(|it| {
        it.check.id == id && (it.severity > Severity::Info || it.check.severity == Severity::Info)
    });
    findings
}

#[test]
fn the_bad_example_of_each_check_is_found_and_the_good_one_is_not() {
    let mut wrong = Vec::new();
    for Entry { check, .. } in entries() {
        if findings(check.id, check.bad).is_empty() {
            wrong.push(format!("{} does not find its bad example:\n{}", check.id, check.bad));
        }
        for finding in findings(check.id, check.good) {
            wrong.push(format!(
                "{} finds its good example: {} at {}\n{}",
                check.id, finding.message, finding.path, check.good
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What must be beside the bad example of a check, so that it can be mended.
fn beside(id: &str) -> &'static str {
    const RESTRICTED: &str = "---
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  securityContext:
    runAsNonRoot: true
    seccompProfile:
      type: RuntimeDefault
  containers:
  - name: web
    securityContext:
      allowPrivilegeEscalation: false
      capabilities:
        drop: [ALL]
";
    match id {
        "RW-PSA-003" | "RW-PSA-004" => RESTRICTED,
        _ => "",
    }
}

#[test]
fn what_a_check_says_of_its_fix_holds_for_its_example() {
    for Entry { check, fixable, .. } in entries() {
        let found = findings(check.id, &format!("{}{}", check.bad, beside(check.id)));
        let fixes = found.iter().filter_map(|finding| finding.mending.as_ref());
        let made: Vec<Result<Applicability, String>> = fixes
            .map(|mending| mending.fix.as_ref().map(|fix| fix.applicability).map_err(String::clone))
            .collect();
        let holds = match fixable {
            Some(Fixable::ByTool(applicability)) => {
                // What cannot be known in a case is left as it is.
                let mut fixes = made.iter().flatten().peekable();
                fixes.peek().is_some() && fixes.all(|made| *made == applicability)
            }
            Some(Fixable::ByHand(reason)) => {
                !made.is_empty() && made.iter().all(|made| *made == Err(reason.to_owned()))
            }
            None => made.is_empty(),
        };
        assert!(holds, "{}: {fixable:?}, {made:?}", check.id);
    }
}
