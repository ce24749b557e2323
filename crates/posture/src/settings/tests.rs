//! What `ringwall.toml` may say, and every error of a text at once.

use ringwall_model::check::Check;
use ringwall_model::text::Source;

use super::*;

fn parse(text: &str) -> Result<Settings, Vec<String>> {
    let source = Source::new("ringwall.toml", text);
    Settings::parse(&source).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

const WHOLE: &str = r#"
[scan]
fail-on = "new,high"
min-severity = "medium"

[checks]
disable = ["all"]
enable = ["privileged-container", "rw-pod-003"]
severity = { RW-POD-003 = "critical" }

[suppressions]
require-reason = true
compat-ignores = true

[[exceptions]]
rules = ["RW-POD-003", "host-namespace"]
reason = "reads the node's logs"
owner = "team-observability"
until = 2027-01-31
kind = "daemonset"
namespace = "logging"
name = "fluent-*"
labels = { app = "fluent-bit" }
container = "agent"
path = "spec.template.spec.volumes[*].hostPath"
file = "k8s/**"

[[workloads]]
group = "example.com"
kind = "Fleet"
template = "spec.crews[].template"
shape = "spec"

[images]
allowed-registries = ["registry.example.com/shop"]
blocked-registries = ["docker.io"]
floating-tags = ["edge"]

[labels]
required = ["app.kubernetes.io/name"]
recommended = ["tier"]

[sandboxes]
runtime-classes = ["gvisor"]

[resources]
memory-limit = { most = "1Gi" }
"#;

#[test]
fn everything_that_may_be_said_is_read() {
    let settings = parse(WHOLE).unwrap();
    assert_eq!(settings.fail_on.map(|fail_on| fail_on.to_string()), Some("new,high".to_owned()));
    assert_eq!(settings.min_severity, Some(Severity::Medium));
    let runs = |check: &Check| settings.checks.runs(check);
    let running: Vec<&str> = registry::checks().filter(|check| runs(check)).map(|check| check.id).collect();
    assert_eq!(running, ["RW-POD-001", "RW-POD-003"]);
    assert_eq!(settings.checks.severity.get("RW-POD-003"), Some(&Severity::Critical));
    assert!(settings.require_reason && settings.compat_ignores);
    let exception = &settings.exceptions[0];
    assert_eq!(exception.location.to_string(), "ringwall.toml:15:1");
    assert_eq!(exception.until.map(|until| until.to_string()), Some("2027-01-31".to_owned()));
    assert_eq!(exception.owner.as_deref(), Some("team-observability"));
    assert!(exception.kind.as_ref().is_some_and(|kind| kind.matches("DaemonSet")));
    assert!(
        exception.path.as_ref().is_some_and(|path| path.matches("spec.template.spec.volumes[2].hostPath"))
    );
    assert_eq!(settings.workloads[0].template, "spec.crews[].template");
    assert_eq!(settings.workloads[0].shape, Shape::Spec);
    assert_eq!(settings.hardening.blocked_registries, ["docker.io"]);
    assert_eq!(settings.hardening.floating_tags, ["edge"]);
    assert_eq!(settings.hardening.required_labels, ["app.kubernetes.io/name"]);
    assert_eq!(settings.hardening.recommended_labels, ["tier"]);
    assert_eq!(settings.hardening.sandbox_runtime_classes, ["gvisor"]);
    assert_eq!(settings.hardening.memory_limit.most.as_deref(), Some("1Gi"));
    let errors = parse("[resources]\ncpu-limit = { most = \"many\" }\n").unwrap_err();
    assert!(errors[0].contains("resources.cpu-limit.most: \"many\" is no quantity"), "{}", errors[0]);
    assert!(parse("").is_ok(), "an empty file sets nothing");
}

#[test]
fn every_error_is_said_with_its_place_and_what_was_meant() {
    let text = r#"
[scan]
fail_on = "high"
min-severity = 3
[chekcs]
disable = ["RW-POD-1", "privilegd-container"]
[checks]
disable = ["privilegd-container", "RW-POD-001", 4]
enable = ["nothing-like-it"]
severity = { RW-POD-001 = "hihg", RW-POD-999 = "low" }
[[exceptions]]
rules = []
until = "2027-02-30"
name = "[a"
[[exceptions]]
reason = "why"
[[exceptions]]
rules = "RW-POD-001"
until = 2027-01-31T10:00:00
[[workloads]]
group = "apps"
kind = "Deployment"
template = "spec.template[0]"
shape = "pod"
[[workloads]]
kind = "Rollout"
[[workloads]]
group = "argoproj.io"
kind = "Rollout"
template = "spec.template"
[images]
allowed-registries = ["https://docker.io"]
[labels]
required = ["-"]
"#;
    insta::assert_snapshot!(parse(text).unwrap_err().join("\n"), @r#"
    ringwall.toml:3:1: there is no key scan.fail_on; did you mean fail-on?
    ringwall.toml:4:16: scan.min-severity: expected a string, got a number
    ringwall.toml:5:2: there is no key chekcs; did you mean checks?
    ringwall.toml:8:12: checks.disable: there is no check "privilegd-container"; did you mean privileged-container?
    ringwall.toml:8:49: checks.disable[2]: expected a string, got a number
    ringwall.toml:9:11: checks.enable: there is no check "nothing-like-it"
    ringwall.toml:10:27: checks.severity: expected info, low, medium, high or critical, got "hihg"; did you mean high?
    ringwall.toml:10:35: checks.severity: there is no check "RW-POD-999"; did you mean RW-POD-009?
    ringwall.toml:12:9: exceptions[0].rules: expected at least one check
    ringwall.toml:13:9: exceptions[0].until: expected a day such as 2027-01-31, got "2027-02-30"
    ringwall.toml:14:8: exceptions[0].name: "[a" is no glob: unclosed character class; missing ']'
    ringwall.toml:15:1: exceptions[1].rules: expected the checks that it is about
    ringwall.toml:18:9: exceptions[2].rules: expected an array, got a string
    ringwall.toml:23:12: workloads[0].template: expected a path such as spec.template, or spec.tasks[].template, got "spec.template[0]"
    ringwall.toml:24:9: workloads[0].shape: expected template (metadata and spec) or spec, got "pod"
    ringwall.toml:25:1: workloads[1].group: expected one
    ringwall.toml:25:1: workloads[1].template: expected one
    ringwall.toml:27:1: workloads[2]: that Rollout of argoproj.io makes pods is known already
    ringwall.toml:32:23: images.allowed-registries: "https://docker.io" is no registry; expected such as registry.example.com/team
    ringwall.toml:34:13: labels.required: "-" is no label key
    "#);
}

#[test]
fn a_severity_of_the_wrong_name_is_found_beside_a_sound_list() {
    let errors =
        parse("checks.disable = ['RW-POD-01']\nchecks.severity = {RW-POD-001 = 'hihg'}\n").unwrap_err();
    insta::assert_snapshot!(errors.join("\n"), @r#"
    ringwall.toml:1:19: checks.disable: there is no check "RW-POD-01"; did you mean RW-POD-001?
    ringwall.toml:2:33: checks.severity: expected info, low, medium, high or critical, got "hihg"; did you mean high?
    "#);
}

#[test]
fn a_text_that_is_no_toml_is_said_as_such() {
    insta::assert_snapshot!(parse("[scan\nfail-on = \n[checks]\na = 1\na = 2\n").unwrap_err().join("\n"), @"
    ringwall.toml:1:6: unclosed table, expected `]`
    ringwall.toml:5:1: duplicate key
    ");
}

#[test]
fn a_reason_can_be_required() {
    let text = "[suppressions]\nrequire-reason = true\n[[exceptions]]\nrules = ['all']\nreason = ' '\n";
    insta::assert_snapshot!(parse(text).unwrap_err().join("\n"), @"ringwall.toml:4:9: exceptions[0].reason: expected one, since suppressions.require-reason is set");
}

#[test]
fn the_schema_takes_what_is_read_and_refuses_what_is_not() {
    let validator = jsonschema::validator_for(&file::schema()).unwrap();
    let as_json = |text: &str| serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    // JSON has no dates; in a TOML file that a schema is held against, they are texts.
    let whole = WHOLE.replace("2027-01-31", "\"2027-01-31\"");
    let errors: Vec<String> =
        validator.iter_errors(&as_json(&whole)).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    for bad in ["scan.fail_on = 'low'", "exceptions = [{rules = []}]", "checks.disable = 'all'"] {
        assert!(!validator.is_valid(&as_json(bad)), "{bad}");
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn dates_are_days_of_the_calendar_in_one_form() {
    assert!(date("2028-02-29").is_ok());
    for bad in ["2027-02-29", "20270131", "2027-1-31", "2027-01-31T00:00", "+2027-01-3", "", "31.01.2027"] {
        assert!(date(bad).is_err(), "{bad}");
    }
}
