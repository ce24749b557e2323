//! Reports of made-up findings.

use ringwall_model::check::Check;
use ringwall_model::finding::{Finding, Location, Note, Problem, Severity, Standing};
use ringwall_model::object::ObjectId;
use ringwall_model::text::Position;

use crate::{Report, Style, Summary, format};

mod json;
mod text;

const BLANK: Check = Check {
    id: "",
    name: "",
    severity: Severity::Info,
    summary: "x",
    what: "x",
    why: "x",
    fix: "x",
    bad: "x",
    good: "x",
    versions: "x",
    references: &["https://kubernetes.io/docs/concepts/security/pod-security-standards/"],
    controls: &[],
};

static PRIVILEGED: Check = Check {
    id: "RW-POD-001",
    name: "privileged-container",
    severity: Severity::Critical,
    fix: "Set `securityContext.privileged`\nto `false`.\n\nGive single capabilities instead.",
    ..BLANK
};
static HOST_NETWORK: Check =
    Check { id: "RW-POD-003", name: "host-network", severity: Severity::High, ..BLANK };
static ESCALATION: Check =
    Check { id: "RW-POD-010", name: "privilege-escalation", severity: Severity::Medium, ..BLANK };
static CAPABILITY: Check =
    Check { id: "RW-POD-012", name: "added-capability", severity: Severity::Medium, ..BLANK };
static NO_LIMIT: Check = Check { id: "RW-POD-020", name: "no-limit", severity: Severity::Low, ..BLANK };

/// A finding on `Deployment shop/frontend` in `k8s/frontend.yaml`.
fn finding(check: &'static Check, place: (u32, u32), path: &str, witness: &str, message: &str) -> Finding {
    Finding {
        check,
        severity: check.severity,
        object: object("apps", "Deployment", Some("shop"), "frontend"),
        api_version: "apps/v1".to_owned(),
        path: path.parse().unwrap(),
        location: Location {
            file: "k8s/frontend.yaml".to_owned(),
            position: position(place),
            width: 0,
            template: None,
            rendered_by: None,
        },
        message: message.to_owned(),
        witness: witness.to_owned(),
        replicas: 0,
        twin: 0,
        related: Vec::new(),
        container: None,
        standing: Standing::Open,
        fix: None,
    }
}

fn object(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectId {
    ObjectId {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

const fn position((line, column): (u32, u32)) -> Position {
    Position { line, column }
}

fn privileged() -> Finding {
    let path = "spec.template.spec.containers[0].securityContext.privileged";
    finding(&PRIVILEGED, (21, 11), path, "app", r#"container "app" runs privileged"#)
}

fn host_network() -> Finding {
    finding(&HOST_NETWORK, (12, 7), "spec.template.spec.hostNetwork", "", "the pod shares its node's network")
}

/// Containers `app`, `proxy` and `logs`, each of which may escalate.
fn escalations() -> Vec<Finding> {
    [("app", 19), ("proxy", 34), ("logs", 147)]
        .into_iter()
        .enumerate()
        .map(|(index, (name, line))| {
            let path =
                format!("spec.template.spec.containers[{index}].securityContext.allowPrivilegeEscalation");
            let message = format!("container {name:?} may gain more privileges than it starts with");
            finding(&ESCALATION, (line, 9), &path, name, &message)
        })
        .collect()
}

/// Moves a finding to another object and file.
fn elsewhere(finding: Finding, object: ObjectId, file: &str) -> Finding {
    Finding { object, location: Location { file: file.to_owned(), ..finding.location }, ..finding }
}

/// Everything that a report can hold.
fn full() -> (Vec<Finding>, Vec<Problem>, Vec<Note>) {
    let mut findings = vec![privileged(), host_network()];
    findings.extend(escalations());
    let redis = object("", "Pod", None, "redis-*");
    let message = r#"container "redis" adds capability SYS_ADMIN"#;
    let path = "spec.containers[0].securityContext.capabilities.add[1]";
    let capability = finding(&CAPABILITY, (9, 14), path, "redis/SYS_ADMIN", message);
    findings.push(Finding {
        api_version: "v1".to_owned(),
        replicas: 2,
        ..elsewhere(capability, redis, "redis.yaml")
    });
    let mut chart = finding(&NO_LIMIT, (311, 9), "", "", "nothing limits its memory");
    chart.object.name = "api".to_owned();
    chart.location = Location {
        file: "charts/api".to_owned(),
        template: Some("charts/api/templates/api.yaml".to_owned()),
        rendered_by: Some("helm template"),
        ..chart.location
    };
    findings.push(chart);
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    let problems = vec![
        Problem {
            file: "k8s/gone".to_owned(),
            position: None,
            message: "no such file".to_owned(),
            object: None,
        },
        Problem {
            file: "k8s/broken.yaml".to_owned(),
            position: Some(position((3, 7))),
            message: "expected a mapping, got a list".to_owned(),
            object: Some(object("batch", "Job", Some("shop"), "nightly")),
        },
    ];
    let notes = vec![
        Note {
            file: "ringwall.toml".to_owned(),
            position: Some(position((12, 1))),
            message: "this exception matches nothing".to_owned(),
        },
        Note { file: "k8s".to_owned(), position: None, message: "2 objects were read twice".to_owned() },
    ];
    (findings, problems, notes)
}

const SUMMARY: Summary =
    Summary { files: 12, documents: 27, objects: 24, workloads: 9, foreign: 3, hidden: 0 };

/// The report in the format of that name, and what stands beside it.
fn render_as(name: &str, report: &Report<'_>, style: Style) -> String {
    let format = format(name).unwrap();
    let mut bytes = Vec::new();
    (format.reporter)(report, &style, &mut bytes).unwrap();
    if let Some(asides) = format.asides {
        asides(report, &style, &mut bytes).unwrap();
    }
    String::from_utf8(bytes).unwrap()
}
