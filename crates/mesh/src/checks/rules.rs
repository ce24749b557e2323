//! Rules that let everyone in, and policies that only report.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable};
use ringwall_model::path::FieldPath;

use super::examples::{injected, policy, web};
use super::{AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, Subject, reviewed};
use crate::authorization::policy::{Action, AuthorizationPolicy, DRY_RUN, Rule};
use crate::enrolment::Mode as Carrier;
use crate::services::Service;

pub(super) const EVERYONE: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-022",
        name: "everyone-let-in",
        severity: Severity::Medium,
        summary: "an ALLOW rule that demands nothing makes the others of its workloads void",
        what: "An AuthorizationPolicy with ALLOW has a rule that demands nothing (`- {}`), and there are other ALLOW rules for one of its \
               workloads: of this policy, or of another one. A policy without rules, which lets nobody in, is none of these.",
        why: "One rule that matches is enough. With one that always does, no other ALLOW rule keeps anyone out.",
        fix: "Take the rule away, or the others if everyone is meant.",
        bad: concat!(
            injected!(),
            web!(),
            policy!("web"),
            "\
spec:
  rules:
  - from:
    - source:
        namespaces: [shop]
  - {}
"
        ),
        good: concat!(
            injected!(),
            web!(),
            policy!("web"),
            "\
spec:
  rules:
  - from:
    - source:
        namespaces: [shop]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which of the rules is meant is not in the manifest"),
    find: everyone,
};

pub(super) const REPORTS: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-023",
        name: "policy-only-reports",
        severity: Severity::Low,
        summary: "an AuthorizationPolicy is a dry run: it keeps nobody out",
        what: "The annotation `istio.io/dry-run` is true. The severity is medium for an ALLOW policy beside which no other ALLOW policy is for one of its \
               workloads.",
        why: "A dry run writes what it would do into logs and metrics, and does nothing. Where all ALLOW policies of a workload are such, \
              everyone is let in.",
        fix: "When its reports are as you want them, take the annotation away.",
        bad: concat!(
            injected!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: web
  namespace: shop
  annotations:
    istio.io/dry-run: \"true\"
spec:
  rules:
  - from:
    - source:
        namespaces: [shop]
"
        ),
        good: concat!(
            injected!(),
            web!(),
            policy!("web"),
            "\
spec:
  rules:
  - from:
    - source:
        namespaces: [shop]
"
        ),
        versions: EVERY_VERSION,
        references: &[
            AUTHORIZATION,
            "https://istio.io/latest/docs/tasks/security/authorization/authz-dry-run/",
        ],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: reports,
};

pub(super) const UNLIMITED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-038",
        name: "workload-without-authorization",
        severity: Severity::Low,
        summary: "workloads of the mesh have no ALLOW policy, and take calls from everyone in it",
        what: "A namespace has workloads with a sidecar or in ambient mode for which no AuthorizationPolicy with ALLOW (or CUSTOM) is enforced; policies of a waypoint before \
               their Services count too. It is said once, of the Namespace. The severity is info where the input holds no \
               AuthorizationPolicy at all. (Kiali: `KIA1301`.)",
        why: "Without an ALLOW policy every caller is let in whom no DENY keeps out: mutual TLS says who calls, and nobody asks.",
        fix: "Write an AuthorizationPolicy without rules for the namespace (it allows nothing), and one for each workload that says who may call it.",
        bad: concat!(
            injected!(),
            web!(),
            policy!("no-guests"),
            "\
spec:
  action: DENY
  rules:
  - from:
    - source:
        notNamespaces: [shop]
"
        ),
        good: concat!(
            injected!(),
            web!(),
            policy!("web"),
            "\
spec:
  rules:
  - from:
    - source:
        namespaces: [shop]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, super::PRACTICES],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("who calls the workloads is not in the manifest"),
    find: unlimited,
};

fn unlimited(subject: &Subject<'_>, flaws: &mut Flaws) {
    let limits = |policy: &AuthorizationPolicy| {
        matches!(policy.action, Action::Allow | Action::Custom) && !policy.dry_run
    };
    let attached = |service: &Service| {
        subject.policies.iter().any(|policy| {
            limits(policy)
                && policy.namespace == service.namespace
                && policy.targets.iter().any(|target| target.kind != "Gateway" && target.name == service.name)
        })
    };
    let is_limited = subject.takes_any(limits);
    let mut open: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut enrolled: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, pod) in subject.pods() {
        let carrier = subject.carrier(index);
        // A Job serves nobody; and where nothing comes in by the proxy no policy would help.
        if !matches!(carrier, Carrier::Sidecar | Carrier::Ambient)
            || matches!(pod.kind.as_str(), "Job" | "CronJob")
            || subject.is_way_out(index)
        {
            continue;
        }
        *enrolled.entry(&pod.namespace).or_default() += 1;
        let mut services = subject.services_of(index);
        if !(is_limited[index] || carrier == Carrier::Ambient && services.any(attached)) {
            open.entry(&pod.namespace).or_default().push(index);
        }
    }
    for (name, workloads) in open {
        let Some(object) = subject.mesh.workloads.namespace(name).object else { continue };
        let of = enrolled.get(name).copied().unwrap_or_default();
        let message = format!(
            "no ALLOW policy is for {}, of {of} in the mesh: everyone in it may call",
            subject.whom(&workloads)
        );
        let flaw = flaws.add(object, FieldPath::keys(&["metadata", "name"]), "", message);
        if subject.policies.is_empty() {
            flaw.severity(Severity::Info);
        }
    }
}

fn demands_nothing(rule: &Rule) -> bool {
    rule.from.is_empty() && rule.to.is_empty() && rule.when.is_empty()
}

/// For each workload its first two policies with ALLOW that have a rule which demands something. One without rules lets nobody in, and demands nothing:
/// that another one lets in is what it is for.
fn limiting(subject: &Subject<'_>) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = vec![Vec::new(); subject.mesh.workloads.all.len()];
    for (index, policy) in subject.policies.iter().enumerate() {
        let has_rule = policy.rules.iter().any(|rule| !demands_nothing(rule));
        if policy.action == Action::Allow && !policy.dry_run && has_rule {
            for workload in &subject.takers[index] {
                if found[*workload].len() < 2 {
                    found[*workload].push(index);
                }
            }
        }
    }
    found
}

fn everyone(subject: &Subject<'_>, flaws: &mut Flaws) {
    let limiting = limiting(subject);
    for (index, policy) in subject.policies.iter().enumerate() {
        if policy.action != Action::Allow || policy.dry_run {
            continue;
        }
        let Some(at) = policy.rules.iter().position(demands_nothing) else { continue };
        let of_takers = subject.takers[index].iter().flat_map(|workload| &limiting[*workload]);
        let beside: BTreeSet<usize> = of_takers.copied().filter(|other| *other != index).collect();
        let other = beside.first().map(|other| &subject.policies[*other]);
        let more = if beside.len() > 1 { " and others" } else { "" };
        let others =
            other.map(|other| format!("AuthorizationPolicy {}/{}{more}", other.namespace, other.name));
        let message = match (policy.rules.iter().any(|rule| !demands_nothing(rule)), others) {
            (true, None) => "lets everyone in: the other rules of the policy limit nothing".to_owned(),
            (true, Some(others)) => format!(
                "lets everyone in: the other rules of the policy limit nothing, nor does {others} where this one is too"
            ),
            (false, Some(others)) => {
                format!("lets everyone in: what {others} demands does not count where this one is too")
            }
            (false, None) => continue,
        };
        let flaw = flaws.add(policy.object, AuthorizationPolicy::rule_path(at), "", message);
        if let Some(other) = other {
            flaw.related(other.object, FieldPath::keys(&["metadata", "name"]));
        }
    }
}

fn reports(subject: &Subject<'_>, flaws: &mut Flaws) {
    let enforces = subject.takes_any(|policy| policy.action == Action::Allow && !policy.dry_run);
    for (policy, takers) in subject.policies.iter().zip(&subject.takers) {
        if !policy.dry_run || policy.action == Action::Custom {
            continue;
        }
        let open = takers.iter().filter(|one| !enforces[**one]).copied();
        let open: Vec<usize> = open.collect();
        let is_open = policy.action == Action::Allow && !open.is_empty();
        let message = if is_open {
            format!(
                "only reports, and no other ALLOW policy is for {}: everyone is let in",
                subject.whom(&open)
            )
        } else {
            "only reports: the policy keeps nobody out".to_owned()
        };
        let path = FieldPath::keys(&["metadata", "annotations", DRY_RUN]);
        let fix = reviewed(
            "enforce the policy",
            "at what it reports today: it is kept out then",
            vec![Change::Remove { path: path.clone() }],
        );
        let flaw = flaws.add(policy.object, path, "", message);
        flaw.fix(Ok(fix));
        if is_open {
            flaw.severity(Severity::Medium);
        }
    }
}
