//! Reports as objects of a cluster: `PolicyReport` and `ClusterPolicyReport` of wgpolicyk8s.io/v1alpha2, which most
//! tools read today, and their successors `Report` and `ClusterReport` of openreports.io/v1alpha1.
//!
//! There is one report for each object that something is said of, named by the object, in its namespace: a report with
//! all results of a namespace outgrows what etcd takes. What could not be read has a result where the object is known,
//! and is shown beside the reports as are notes.
//!
//! It is one JSON document, a `List`, as `kubectl get -o json` writes it and `kubectl apply -f -` reads it. JSON is YAML
//! too, it can be written piece by piece, and text from strangers has one way to be quoted in it. There are no times:
//! `timestamp` is optional in both APIs, and equal runs shall give equal bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use ringwall_model::finding::{Finding, Problem, Severity, Standing, stable_hash};
use ringwall_model::object::ObjectId;
use serde::Serialize;
use serde::ser::Serializer;

use crate::escape::escape;
use crate::json::write_json;
use crate::{Format, Report, text};

/// The format `policyreport`.
pub(crate) const POLICY_REPORT: Format = Format {
    name: "policyreport",
    summary: "wgpolicyk8s.io PolicyReports, for `kubectl apply`",
    reporter: |report, _, out| write(report, &WGPOLICY, out),
    asides: Some(text::write_asides),
    fixes: false,
};

/// The format `openreports`.
pub(crate) const OPEN_REPORTS: Format = Format {
    name: "openreports",
    summary: "openreports.io Reports, for `kubectl apply`",
    reporter: |report, _, out| write(report, &OPENREPORTS, out),
    asides: Some(text::write_asides),
    fixes: false,
};

/// Who makes the reports.
const SOURCE: &str = "ringwall";

/// What differs between the two APIs.
struct Api {
    version: &'static str,
    /// The kind of reports in a namespace.
    kind: &'static str,
    /// The kind of reports outside of namespaces.
    cluster_kind: &'static str,
    /// Whether a report states its source, and not only its results do.
    has_source: bool,
}

const WGPOLICY: Api = Api {
    version: "wgpolicyk8s.io/v1alpha2",
    kind: "PolicyReport",
    cluster_kind: "ClusterPolicyReport",
    has_source: false,
};
const OPENREPORTS: Api = Api {
    version: "openreports.io/v1alpha1",
    kind: "Report",
    cluster_kind: "ClusterReport",
    has_source: true,
};

/// What is said of one object.
#[derive(Default)]
struct Said<'a> {
    findings: Vec<&'a Finding>,
    problems: Vec<&'a Problem>,
}

fn write(report: &Report<'_>, api: &Api, out: &mut dyn Write) -> io::Result<()> {
    let mut objects: BTreeMap<&ObjectId, Said<'_>> = BTreeMap::new();
    for finding in report.findings.iter().chain(report.set_aside) {
        objects.entry(&finding.object).or_default().findings.push(finding);
    }
    for problem in report.problems {
        if let Some(object) = &problem.object {
            objects.entry(object).or_default().problems.push(problem);
        }
    }
    let list = List { api_version: "v1", kind: "List", items: Items { api, objects } };
    write_json(&list, out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'a str,
    kind: &'a str,
    items: Items<'a>,
}

/// The reports, made one by one while they are written.
struct Items<'a> {
    api: &'a Api,
    objects: BTreeMap<&'a ObjectId, Said<'a>>,
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.objects.iter().map(|(object, said)| Entry::of(self.api, object, said)))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    scope: Scope<'a>,
    summary: Counts,
    results: Vec<ResultEntry<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    labels: Labels,
}

#[derive(Serialize)]
struct Labels {
    #[serde(rename = "app.kubernetes.io/managed-by")]
    managed_by: &'static str,
}

/// The object that a report is about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Scope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<&'a str>,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

/// How many results there are of each kind.
#[derive(Default, Serialize)]
struct Counts {
    pass: usize,
    fail: usize,
    warn: usize,
    error: usize,
    skip: usize,
}

/// How a policy ends. A warning is a fault that is not scored.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Fail,
    Warn,
    Error,
    Skip,
}

#[derive(Serialize)]
struct ResultEntry<'a> {
    source: &'a str,
    policy: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'a str>,
    result: Outcome,
    scored: bool,
    message: Cow<'a, str>,
    properties: Properties<'a>,
}

/// What else there is to know. All values are texts, as the APIs have it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn of(api: &'a Api, object: &'a ObjectId, said: &Said<'a>) -> Self {
        let findings = said.findings.iter().map(|finding| ResultEntry::of(finding));
        let results: Vec<_> =
            findings.chain(said.problems.iter().map(|problem| ResultEntry::error(problem))).collect();
        let mut summary = Counts::default();
        for result in &results {
            *match result.result {
                Outcome::Fail => &mut summary.fail,
                Outcome::Warn => &mut summary.warn,
                Outcome::Error => &mut summary.error,
                Outcome::Skip => &mut summary.skip,
            } += 1;
        }
        let namespace = object.namespace.as_deref();
        let cluster_wide = namespace.is_none() && object.is_cluster_wide();
        Self {
            api_version: api.version,
            kind: if cluster_wide { api.cluster_kind } else { api.kind },
            metadata: Metadata { name: name(object), namespace, labels: Labels { managed_by: SOURCE } },
            source: api.has_source.then_some(SOURCE),
            scope: Scope {
                api_version: said.findings.first().map(|finding| finding.api_version.as_str()),
                kind: &object.kind,
                namespace,
                name: &object.name,
            },
            summary,
            results,
        }
    }
}

impl<'a> ResultEntry<'a> {
    fn of(finding: &'a Finding) -> Self {
        let suppression = match &finding.standing {
            Standing::Suppressed(suppression) => Some(suppression),
            Standing::Open | Standing::Known => None,
        };
        let result = match (&finding.standing, finding.severity) {
            (Standing::Suppressed(_) | Standing::Known, _) => Outcome::Skip,
            (Standing::Open, Severity::Info) => Outcome::Warn,
            (Standing::Open, _) => Outcome::Fail,
        };
        Self {
            source: SOURCE,
            policy: finding.check.id,
            rule: Some(finding.check.name),
            category: Some(category(finding.check.id)),
            severity: Some(finding.severity.word()),
            result,
            scored: result == Outcome::Fail,
            message: escape(&finding.message),
            properties: Properties {
                id: Some(finding.id()),
                path: finding.path.to_string(),
                container: finding.container.as_deref(),
                file: &finding.location.file,
                line: Some(finding.location.position.line.to_string()),
                column: Some(finding.location.position.column.to_string()),
                standing: match &finding.standing {
                    Standing::Open => None,
                    Standing::Suppressed(_) => Some("suppressed"),
                    Standing::Known => Some("known"),
                },
                suppressed_by: suppression.map(|suppression| suppression.by.word()),
                reason: suppression.and_then(|suppression| suppression.reason.as_deref()),
                until: suppression.and_then(|suppression| suppression.until.as_deref()),
            },
        }
    }

    /// An object that could not be judged.
    fn error(problem: &'a Problem) -> Self {
        Self {
            source: SOURCE,
            policy: SOURCE,
            rule: None,
            category: None,
            severity: None,
            result: Outcome::Error,
            scored: false,
            message: escape(&problem.message),
            properties: Properties {
                id: None,
                path: String::new(),
                container: None,
                file: &problem.file,
                line: problem.position.map(|position| position.line.to_string()),
                column: problem.position.map(|position| position.column.to_string()),
                standing: None,
                suppressed_by: None,
                reason: None,
                until: None,
            },
        }
    }
}

/// The ring that a rule belongs to, in words; that of its id where there are none.
fn category(rule: &str) -> &str {
    match rule.split('-').nth(1).unwrap_or_default() {
        "POD" => "Pod Security",
        "PSA" => "Pod Security Admission",
        ring => ring,
    }
}

/// The name of an object's report: readable at its beginning, unique by the hash at its end. It is a DNS subdomain
/// (RFC 1123), as names of objects must be.
fn name(object: &ObjectId) -> String {
    /// How much of the object's name is shown, so that the whole stays below 253 characters.
    const SHOWN: usize = 63;
    let ObjectId { group, kind, namespace, name } = object;
    let readable = format!("{kind}-{name}");
    let mut text = String::from(SOURCE);
    for word in readable.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        text.push('-');
        text.push_str(&word.to_ascii_lowercase());
    }
    // All are ASCII characters by now.
    text.truncate(SOURCE.len() + 1 + SHOWN);
    let hash = stable_hash(&[group, kind, namespace.as_deref().unwrap_or_default(), name]);
    format!("{}-{hash}", text.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(kind: &str, name: &str) -> ObjectId {
        ObjectId { kind: kind.to_owned(), name: name.to_owned(), ..ObjectId::default() }
    }

    #[test]
    fn names_are_readable_and_apart() {
        let (a, b) = (name(&id("Pod", "redis-*")), name(&id("Pod", "redis")));
        assert!(a.starts_with("ringwall-pod-redis-") && b.starts_with("ringwall-pod-redis-"));
        assert_ne!(a, b);
        assert_eq!(a, name(&id("Pod", "redis-*")));
    }

    proptest! {
        #[test]
        fn names_are_those_of_objects(kind in ".{0,80}", text in ".{0,300}") {
            let name = name(&id(&kind, &text));
            prop_assert!(name.len() <= 253);
            for part in name.split('.') {
                prop_assert!(part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
                prop_assert!(!part.starts_with('-') && !part.ends_with('-') && !part.is_empty());
            }
        }
    }
}
