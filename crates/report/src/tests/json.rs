//! What programs read.

use insta::assert_snapshot;
use serde_json::Value;

use ringwall_model::fix::Fixable;

use super::*;
use crate::{RuleEntry, RulesEntry, json_schema, rules_schema};

/// The JSON text, with the version that changes with each release made constant.
fn render(report: &Report<'_>) -> String {
    let text = without_version(&render_as("json", report, Style { color: true, width: Some(10) }));
    assert!(text.contains(r#""ringwall": "VERSION""#));
    text
}

fn render_full() -> String {
    let (findings, problems, notes) = full();
    render(&Report {
        findings: &findings,
        problems: &problems,
        notes: &notes,
        summary: SUMMARY,
        ..Report::default()
    })
}

/// What the published schema says against a text.
fn faults(text: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let report: Value = serde_json::from_str(text).unwrap();
    validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn an_empty_report_has_empty_lists() {
    assert_snapshot!(render(&Report::default()), @r#"
    {
      "schema": "ringwall.report/v1",
      "ringwall": "VERSION",
      "findings": [],
      "setAside": [],
      "errors": [],
      "notes": [],
      "summary": {
        "files": 0,
        "documents": 0,
        "objects": 0,
        "workloads": 0,
        "foreign": 0,
        "hidden": 0,
        "suppressed": 0,
        "known": 0,
        "findings": 0,
        "bySeverity": {
          "critical": 0,
          "high": 0,
          "medium": 0,
          "low": 0,
          "info": 0
        }
      }
    }
    "#);
}

#[test]
fn every_field_has_its_place() {
    let (mut findings, problems, notes) = full();
    findings.retain(|finding| finding.object.name != "frontend");
    findings.push(privileged());
    let report = Report {
        findings: &findings,
        problems: &problems,
        notes: &notes,
        summary: SUMMARY,
        ..Report::default()
    };
    assert_snapshot!(render(&report), @r#"
    {
      "schema": "ringwall.report/v1",
      "ringwall": "VERSION",
      "findings": [
        {
          "id": "f4cca9f3cd9657dc",
          "rule": "RW-POD-020",
          "name": "no-limit",
          "severity": "low",
          "object": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "api"
          },
          "path": "",
          "location": {
            "file": "charts/api (helm template)",
            "line": 311,
            "column": 9,
            "template": "api/templates/api.yaml",
            "renderedBy": "helm template"
          },
          "message": "nothing limits its memory",
          "fix": "x",
          "references": [
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
          ]
        },
        {
          "id": "d65b58f9c417cc97",
          "rule": "RW-POD-012",
          "name": "added-capability",
          "severity": "medium",
          "object": {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": "redis-*"
          },
          "path": "spec.containers[0].securityContext.capabilities.add[1]",
          "location": {
            "file": "redis.yaml",
            "line": 9,
            "column": 14
          },
          "message": "container \"redis\" adds capability SYS_ADMIN",
          "witness": "redis/SYS_ADMIN",
          "replicas": 2,
          "fix": "x",
          "references": [
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
          ]
        },
        {
          "id": "59ef8eb42c6c220e",
          "rule": "RW-POD-001",
          "name": "privileged-container",
          "severity": "critical",
          "object": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "frontend"
          },
          "path": "spec.template.spec.containers[0].securityContext.privileged",
          "location": {
            "file": "k8s/frontend.yaml",
            "line": 21,
            "column": 11
          },
          "message": "container \"app\" runs privileged",
          "witness": "app",
          "fix": "Set `securityContext.privileged` to `false`.",
          "references": [
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
          ]
        }
      ],
      "setAside": [],
      "errors": [
        {
          "file": "k8s/gone",
          "message": "no such file"
        },
        {
          "file": "k8s/broken.yaml",
          "line": 3,
          "column": 7,
          "message": "expected a mapping, got a list",
          "object": {
            "group": "batch",
            "kind": "Job",
            "namespace": "shop",
            "name": "nightly"
          }
        }
      ],
      "notes": [
        {
          "file": "ringwall.toml",
          "line": 12,
          "column": 1,
          "message": "this exception matches nothing"
        },
        {
          "file": "k8s",
          "message": "2 objects were read twice"
        }
      ],
      "summary": {
        "files": 12,
        "documents": 27,
        "objects": 24,
        "workloads": 9,
        "foreign": 3,
        "hidden": 0,
        "suppressed": 0,
        "known": 0,
        "findings": 3,
        "bySeverity": {
          "critical": 1,
          "high": 0,
          "medium": 1,
          "low": 1,
          "info": 0
        }
      }
    }
    "#);
}

#[test]
fn reports_keep_to_the_published_schema() {
    assert_eq!(faults(&render_full()), Vec::<String>::new());
    assert_eq!(faults(&render(&Report::default())), Vec::<String>::new());
}

#[test]
fn what_is_set_aside_and_what_mends_have_their_places() {
    let everything = everything();
    let text = render(&everything.report());
    assert_eq!(faults(&text), Vec::<String>::new());
    let report: Value = serde_json::from_str(&text).unwrap();
    let of_rule = |list: &str, rule: &str| -> Value {
        let list = report[list].as_array().unwrap();
        list.iter().find(|finding| finding["rule"] == rule).unwrap().clone()
    };
    let found = of_rule("findings", "RW-POD-001");
    assert_eq!(found["container"], "app");
    assert_snapshot!(serde_json::to_string_pretty(&found["related"]).unwrap(), @r#"
    [
      {
        "location": {
          "column": 9,
          "file": "k8s/frontend.yaml",
          "line": 26
        },
        "path": "spec.template.spec.containers[0].volumeMounts[1]"
      },
      {
        "location": {
          "column": 9,
          "file": "k8s/frontend.yaml",
          "line": 14
        },
        "path": "spec.template"
      }
    ]
    "#);
    assert_snapshot!(serde_json::to_string_pretty(&found["edits"]).unwrap(), @r#"
    {
      "applicability": "needsReview",
      "replacements": [
        {
          "column": 23,
          "endColumn": 27,
          "endLine": 21,
          "line": 21,
          "text": "false"
        }
      ],
      "title": "set privileged to false"
    }
    "#);
    let suppressed = of_rule("setAside", "RW-POD-003");
    assert_snapshot!(serde_json::to_string_pretty(&suppressed["standing"]).unwrap(), @r#"
    {
      "by": "comment",
      "kind": "suppressed",
      "location": {
        "column": 7,
        "file": "k8s/backup.yaml",
        "line": 11
      },
      "reason": "the node's own agent",
      "until": "2027-01-31"
    }
    "#);
    let known = of_rule("setAside", "RW-POD-010");
    assert_eq!(known["standing"], serde_json::json!({"kind": "known"}));
    assert_eq!((&report["summary"]["suppressed"], &report["summary"]["known"]), (&2.into(), &2.into()));
}

#[test]
fn the_schema_sees_what_is_wrong() {
    let text = render_full();
    for (right, wrong) in [
        ("ringwall.report/v1", "ringwall.report/v2"),
        ("\"severity\": \"low\"", "\"severity\": \"unknown\""),
        ("\"line\": 311", "\"line\": 0"),
        ("\"rule\": \"RW-POD-020\"", "\"rule\": \"20\""),
        ("\"errors\"", "\"problems\""),
    ] {
        assert!(text.contains(right), "{right}");
        assert_eq!(faults(&text.replacen(right, wrong, 1)).len(), 1, "{wrong}");
    }
}

#[test]
fn the_published_schema_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/report.schema.json");
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        published.replace("\r\n", "\n") == json_schema(),
        "docs/schema/report.schema.json is not what the code says; `cargo xtask generate` mends it"
    );
}

#[test]
fn the_published_schema_of_rules_is_fresh_and_says_what_they_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/rules.schema.json");
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        published.replace("\r\n", "\n") == rules_schema(),
        "docs/schema/rules.schema.json is not what the code says; `cargo xtask generate` mends it"
    );
    let schema: Value = serde_json::from_str(&published).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let hand = Some(Fixable::ByHand("the digest is not in the manifest"));
    let tool = Some(Fixable::ByTool(Applicability::NeedsReview));
    let rules = RulesEntry::of(vec![
        RuleEntry::of(&PRIVILEGED, "Pods", Some("privileged"), tool),
        RuleEntry::of(&ESCALATION, "Pods", None, hand),
        RuleEntry::of(&CAPABILITY, "Pods", None, None),
    ]);
    let mut rules = serde_json::to_value(&rules).unwrap();
    assert_eq!(validator.iter_errors(&rules).count(), 0);
    rules["rules"][0]["controls"][0]["framework"] = "iso".into();
    assert_eq!(validator.iter_errors(&rules).count(), 1);
}

#[test]
fn two_runs_give_the_same_bytes() {
    let text = render_full();
    assert_eq!(text, render_full());
    assert!(text.ends_with("}\n") && !text.ends_with("\n\n"));
}

#[test]
fn hostile_text_comes_back_whole_but_is_harmless_to_look_at() {
    let name = "a\u{1b}[31m\u{9b}\u{202e}\u{e0041}\"\\\n/\u{7f}ü";
    let finding = elsewhere(privileged(), object("apps", "Deployment", None, name), "k8s/a.yaml");
    let findings = [finding];
    let text = render(&Report { findings: &findings, ..Report::default() });
    assert!(text.contains(r#""a\u001b[31m\u009b\u202e\udb40\udc41\"\\\n/\u007fü""#), "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["findings"][0]["object"]["name"], name);
}
