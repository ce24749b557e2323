//! Reports of made-up findings.

use ringwall_model::check::{Check, Control, Framework};
use ringwall_model::finding::{
    Finding, Location, Note, Problem, Severity, Standing, SuppressedBy, Suppression,
};
use ringwall_model::fix::{Applicability, Edit, PlacedEdit, PlacedFix};
use ringwall_model::object::ObjectId;
use ringwall_model::text::{Position, Span};

use crate::{FORMATS, Report, Style, Summary, format};

mod cluster;
mod github;
mod hostile;
mod json;
mod junit;
mod markdown;
mod sarif;
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
    controls: &[
        Control { framework: Framework::PodSecurityStandards, id: "baseline: Privileged Containers" },
        Control { framework: Framework::Cis, id: "5.2.2" },
        Control { framework: Framework::Mitre, id: "T1611" },
    ],
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
        advice: None,
        fix: None,
        mending: None,
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
        file: "charts/api (helm template)".to_owned(),
        template: Some("api/templates/api.yaml".to_owned()),
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

/// Everything that a run can hand to a reporter.
struct Everything {
    findings: Vec<Finding>,
    set_aside: Vec<Finding>,
    problems: Vec<Problem>,
    notes: Vec<Note>,
    compared: bool,
}

impl Everything {
    fn report(&self) -> Report<'_> {
        Report {
            findings: &self.findings,
            set_aside: &self.set_aside,
            compared: self.compared,
            problems: &self.problems,
            notes: &self.notes,
            summary: SUMMARY,
        }
    }
}

/// A report after a comparison with a baseline, with a fix and with findings that are set aside.
fn everything() -> Everything {
    let (mut findings, problems, notes) = full();
    for finding in &mut findings {
        if finding.check.id == PRIVILEGED.id {
            finding.container = Some("app".to_owned());
            finding.location.width = 10;
            let path = "spec.template.spec.containers[0].volumeMounts[1]";
            let at = |line| Location { position: position((line, 9)), ..finding.location.clone() };
            finding.related =
                vec![(path.parse().unwrap(), at(26)), ("spec.template".parse().unwrap(), at(14))];
            finding.fix = Some(Box::new(PlacedFix {
                title: "set privileged to false".to_owned(),
                applicability: Applicability::NeedsReview,
                edits: vec![PlacedEdit {
                    edit: Edit { span: Span::new(301, 305), text: "false".to_owned() },
                    start: position((21, 23)),
                    end: position((21, 27)),
                }],
            }));
        }
    }
    let cron = object("batch", "CronJob", None, "backup");
    let suppressed = |finding: Finding, by, reason: Option<&str>, file: &str, place| Finding {
        standing: Standing::Suppressed(Box::new(Suppression {
            by,
            reason: reason.map(str::to_owned),
            until: reason.map(|_| "2027-01-31".to_owned()),
            location: Location {
                file: file.to_owned(),
                position: position(place),
                ..finding.location.clone()
            },
        })),
        ..elsewhere(finding, cron.clone(), "k8s/backup.yaml")
    };
    let reason = Some("the node's own agent");
    let mut set_aside = vec![
        suppressed(host_network(), SuppressedBy::Comment, reason, "k8s/backup.yaml", (11, 7)),
        suppressed(privileged(), SuppressedBy::Configuration, None, "ringwall.toml", (3, 1)),
        Finding {
            standing: Standing::Known,
            ..elsewhere(host_network(), object("", "Node", None, "n1"), "k8s/node.yaml")
        },
    ];
    // One of three containers is accepted: the case of the rule on that object fails still.
    let escalation = findings.iter().position(|finding| finding.witness == "proxy").unwrap();
    let mut escalation = findings.remove(escalation);
    escalation.standing = Standing::Known;
    set_aside.push(escalation);
    set_aside.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    Everything { findings, set_aside, problems, notes, compared: true }
}

/// The version that changes with each release made constant.
fn without_version(text: &str) -> String {
    text.replace(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"VERSION\"")
}

#[test]
fn two_runs_give_the_same_bytes_in_every_format() {
    for format in FORMATS {
        let run = || render_as(format.name, &everything().report(), Style::default());
        assert_eq!(run(), run());
        assert!(run().ends_with('\n') && !run().ends_with("\n\n"), "{}", format.name);
    }
}

#[test]
fn an_empty_report_is_good_in_every_format() {
    for format in FORMATS {
        render_as(format.name, &Report::default(), Style::default());
    }
}

const SUMMARY: Summary =
    Summary { files: 12, documents: 27, objects: 24, workloads: 9, foreign: 3, hidden: 0, threshold: None };

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
