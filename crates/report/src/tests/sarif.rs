//! What code scanning reads.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::LazyLock;

use insta::assert_snapshot;
use serde_json::Value;

use super::*;
use crate::sarif::write_most;

/// The schema of the standard.
static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let packed: &[u8] = include_bytes!("data/sarif-2.1.0.schema.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    // The schema has a stray bracket in one pattern (of a language, which is not written), and is refused for it.
    let stray = "[a-zA-Z]{2}]?$";
    assert!(text.contains(stray));
    let text = text.replace(stray, "[a-zA-Z]{2}$");
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
});

/// What the standard, and code scanning's own rules, say against a log.
pub(super) fn faults(log: &Value) -> Vec<String> {
    let mut faults: Vec<String> =
        SCHEMA.iter_errors(log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let [run] = log["runs"].as_array().unwrap().as_slice() else { panic!("one run") };
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    must(run["results"].is_array(), "a clean run has an empty list of results");
    for rule in rules {
        let properties = &rule["properties"];
        let tags = properties["tags"].as_array().unwrap();
        must(tags.len() <= 20 && tags.contains(&"security".into()), "at most 20 tags, security among them");
        let rating: f64 = properties["security-severity"].as_str().unwrap().parse().unwrap();
        must(rating > 0.0 && rating <= 10.0, "security-severity is above 0 and at most 10");
        must(rule["help"]["text"].is_string() && rule["help"]["markdown"].is_string(), "help");
        must(rule["helpUri"].as_str().unwrap().starts_with("https://"), "helpUri");
    }
    for result in run["results"].as_array().unwrap() {
        let related = result["relatedLocations"].as_array().map_or(&[][..], Vec::as_slice);
        must(related.len() <= 100, "at most 100 related locations");
        for (entry, id) in related.iter().zip(1..) {
            must(entry["id"] == id, "related locations are numbered");
            must(entry["message"]["text"].is_string(), "related locations say what they are");
        }
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        must(rules[index]["id"] == result["ruleId"], "ruleIndex leads to the rule");
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        let absolute = uri.starts_with("file:///");
        must(absolute != (place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"), "uriBaseId");
        must(absolute || !uri.contains(':'), "the address is relative");
        must(!uri.is_empty() && uri.bytes().all(|byte| byte.is_ascii_graphic()), "the address is encoded");
        must(place["region"]["startLine"].as_u64().unwrap() >= 1, "startLine is from 1");
        must(result["partialFingerprints"]["primaryLocationLineHash"].is_string(), "fingerprint");
        must(!result["message"]["text"].as_str().unwrap().is_empty(), "a message");
    }
    faults
}

fn log(report: &Report<'_>) -> Value {
    serde_json::from_str(&render_as("sarif", report, Style::default())).unwrap()
}

#[test]
fn every_field_has_its_place() {
    let text = without_version(&render_as("sarif", &everything().report(), Style::default()));
    assert!(text.contains(r#""semanticVersion": "VERSION""#));
    assert_snapshot!(text);
}

#[test]
fn reports_keep_to_the_standard_and_to_what_code_scanning_asks() {
    assert_eq!(faults(&log(&Report::default())), Vec::<String>::new());
    assert_eq!(faults(&log(&everything().report())), Vec::<String>::new());
    assert_eq!(log(&Report::default())["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn the_standard_sees_what_is_wrong() {
    let text = render_as("sarif", &everything().report(), Style::default());
    for (right, wrong) in [
        (r#""version": "2.1.0""#, r#""version": "2.0.0""#),
        (r#""level": "error""#, r#""level": "high""#),
        (r#""startLine": 21"#, r#""startLine": 0"#),
        (r#""kind": "inSource""#, r#""kind": "inLine""#),
        (r#""baselineState": "new""#, r#""baselineState": "fresh""#),
        (r#""deletedRegion""#, r#""region""#),
    ] {
        assert!(text.contains(right), "{right}");
        assert!(
            !faults(&serde_json::from_str(&text.replacen(right, wrong, 1)).unwrap()).is_empty(),
            "{wrong}"
        );
    }
}

#[test]
fn without_a_baseline_nothing_is_called_new() {
    let everything = Everything { compared: false, ..everything() };
    let log = log(&everything.report());
    assert!(
        log["runs"][0]["results"].as_array().unwrap().iter().all(|result| result["baselineState"].is_null())
    );
}

#[test]
fn equal_ids_have_fingerprints_apart() {
    let id = object("apps", "Deployment", Some("shop"), "frontend");
    let findings = ["a.yaml", "b.yaml"].map(|file| elsewhere(privileged(), id.clone(), file));
    let log = log(&Report { findings: &findings, ..Report::default() });
    let results = log["runs"][0]["results"].as_array().unwrap();
    let hashes: BTreeSet<&str> = results
        .iter()
        .map(|result| result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap())
        .collect();
    assert_eq!(hashes.len(), 2);
    assert_eq!(
        results[0]["partialFingerprints"]["ringwall/v1"],
        results[1]["partialFingerprints"]["ringwall/v1"]
    );
}

#[test]
fn beyond_the_limit_the_worst_stay_and_the_rest_is_counted() {
    let everything = everything();
    let report = everything.report();
    let mut bytes = Vec::new();
    write_most(&report, 2, &mut bytes).unwrap();
    let log: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(faults(&log), Vec::<String>::new());
    let run = &log["runs"][0];
    let kept: Vec<&str> =
        run["results"].as_array().unwrap().iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
    // In the order of the file again; the critical finding that somebody accepts is not among them.
    assert_eq!(kept, [HOST_NETWORK.id, PRIVILEGED.id]);
    let left_out = report.findings.len() + report.set_aside.len() - 2;
    let told = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(told.starts_with(&format!("{left_out} results are left out")), "{told}");
}

#[test]
fn a_rule_keeps_to_the_bounds_of_code_scanning() {
    const fn cis(id: &'static str) -> Control {
        Control { framework: Framework::Cis, id }
    }
    static CONTROLS: [Control; 24] = [
        cis("1"),
        cis("1"),
        cis("2"),
        cis("3"),
        cis("4"),
        cis("5"),
        cis("6"),
        cis("7"),
        cis("8"),
        cis("9"),
        cis("10"),
        cis("11"),
        cis("12"),
        cis("13"),
        cis("14"),
        cis("15"),
        cis("16"),
        cis("17"),
        cis("18"),
        cis("19"),
        cis("20"),
        cis("21"),
        cis("22"),
        cis("23"),
    ];
    static WORDY: Check =
        Check { why: include_str!("data/junit-10.xsd"), controls: &CONTROLS, ..PRIVILEGED_AGAIN };
    const PRIVILEGED_AGAIN: Check = Check { id: "RW-POD-001", name: "privileged-container", ..BLANK };
    let findings = [Finding { check: &WORDY, ..privileged() }];
    let log = log(&Report { findings: &findings, ..Report::default() });
    let rule = &log["runs"][0]["tool"]["driver"]["rules"][0];
    assert_eq!(rule["properties"]["tags"].as_array().unwrap().len(), 20);
    assert!(rule["fullDescription"]["text"].as_str().unwrap().chars().count() <= 1024);
    assert_eq!(faults(&log), Vec::<String>::new());
}

#[test]
fn further_places_are_bounded_and_the_first_are_linked_to() {
    let mut finding = privileged();
    let place = |line| Location { position: position((line, 3)), ..finding.location.clone() };
    finding.related = (1..=150).map(|line| ("spec.volumes[0]".parse().unwrap(), place(line))).collect();
    let findings = [finding];
    let log = log(&Report { findings: &findings, ..Report::default() });
    assert_eq!(faults(&log), Vec::<String>::new());
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["relatedLocations"].as_array().unwrap().len(), 100);
    assert_snapshot!(result["message"]["text"].as_str().unwrap(), @r#"Deployment shop/frontend: container "app" runs privileged (see [line 1](1), [line 2](2), [line 3](3), [line 4](4), [line 5](5))"#);
}

#[test]
fn what_was_rendered_is_not_linked_to() {
    let (findings, ..) = full();
    let mut finding = findings.into_iter().find(|finding| finding.location.rendered_by.is_some()).unwrap();
    finding.related = vec![("spec".parse().unwrap(), finding.location.clone())];
    let findings = [finding];
    let log = log(&Report { findings: &findings, ..Report::default() });
    let result = &log["runs"][0]["results"][0];
    assert!(!result["message"]["text"].as_str().unwrap().contains("]("));
    assert_eq!(result["relatedLocations"][0]["id"], 1);
}
