//! What a cluster takes as reports.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use insta::assert_snapshot;
use serde_json::Value;

use super::*;

/// The schemas of the custom resource definitions, by API version and kind. Unlike the API server, which drops fields
/// that it does not know, they refuse them here.
static SCHEMAS: LazyLock<BTreeMap<String, jsonschema::Validator>> = LazyLock::new(|| {
    let schemas: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("data/report-crds.json")).unwrap();
    let validator = |(kind, mut schema)| {
        close(&mut schema);
        (kind, jsonschema::validator_for(&schema).unwrap())
    };
    schemas.into_iter().map(validator).collect()
});

fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type") {
                fields.entry("additionalProperties").or_insert(false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// What the definitions say against a list of reports.
pub(super) fn faults(list: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for report in list["items"].as_array().unwrap() {
        let kind = format!("{} {}", report["apiVersion"].as_str().unwrap(), report["kind"].as_str().unwrap());
        let validator = SCHEMAS.get(&kind).unwrap_or_else(|| panic!("{kind}"));
        faults.extend(
            validator.iter_errors(report).map(|error| format!("{kind} {}: {error}", error.instance_path())),
        );
        let results = report["results"].as_array().unwrap();
        for (name, count) in report["summary"].as_object().unwrap() {
            let results = results.iter().filter(|result| result["result"] == **name).count();
            if count.as_u64() != u64::try_from(results).ok() {
                faults.push(format!("{kind}: {results} results are {name}, not {count}"));
            }
        }
    }
    faults
}

fn render(name: &str) -> String {
    let mut bytes = Vec::new();
    (format(name).unwrap().reporter)(&everything().report(), &Style::default(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn policy_reports() {
    assert_snapshot!(render("policyreport"));
}

#[test]
fn open_reports() {
    assert_snapshot!(render("openreports"));
}

#[test]
fn reports_keep_to_the_definitions() {
    for name in ["policyreport", "openreports"] {
        let text = render(name);
        assert_eq!(faults(&serde_json::from_str(&text).unwrap()), Vec::<String>::new());
        for (right, wrong) in [
            (r#""result": "fail""#, r#""result": "failed""#),
            (r#""policy": "#, r#""policies": "#),
            (r#""line": "21""#, r#""line": 21"#),
            (r#""skip": 1"#, r#""skip": 7"#),
        ] {
            assert!(text.contains(right), "{right}");
            assert!(
                !faults(&serde_json::from_str(&text.replacen(right, wrong, 1)).unwrap()).is_empty(),
                "{wrong}"
            );
        }
    }
}

#[test]
fn what_has_no_report_is_shown_beside() {
    let text = render_as("policyreport", &everything().report(), Style::default());
    assert!(text.contains("k8s/gone: no such file") && text.contains("2 objects were read twice"));
}
