//! Roles that take in the rules of others.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable};
use ringwall_model::path::FieldPath;
use ringwall_model::selector::{Operator, Selector};

use super::powers::{self, Open, Which, opened};
use super::subject::{DEFAULT_TAKERS, Reach, Written, joined, rule_path};
use super::{EVERY_VERSION, Flaws, NEEDED, RbacCheck, Subject, safe};
use crate::covers::uncovered;
use crate::matching::ALL;
use crate::model::{Role, Rule};

const AGGREGATED: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles";

pub(super) const FEEDS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-034",
        name: "default-role-fed",
        severity: Severity::High,
        summary: "a ClusterRole adds rights to a default role that lead further",
        what: "A ClusterRole has a label by which `admin`, `edit` or `view` takes its rules in \
               (`rbac.authorization.k8s.io/aggregate-to-admin` and the like), and its rules give what that role does not have and what leads \
               further: to secrets, other accounts, nodes; or `*`; or, to `view`, any verb that changes something (high). The severity is \
               one lower where nobody is bound to that role in all namespaces or in `kube-system`.",
        why: "Everyone who is bound to that role, in whatever namespace, has the rights from now on, and no binding says so.",
        fix: "Take the label off, or the rules out. Custom resources of the program are what these labels are for.",
        bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ci-view
  labels:
    rbac.authorization.k8s.io/aggregate-to-view: \"true\"
rules:
- apiGroups: [\"\"]
  resources: [secrets]
  verbs: [get, list]
",
        good: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ci-view
  labels:
    rbac.authorization.k8s.io/aggregate-to-view: \"true\"
rules:
- apiGroups: [ci.example.com]
  resources: [builds]
  verbs: [get, list]
",
        versions: EVERY_VERSION,
        references: &[AGGREGATED],
        controls: &[nsa("Authentication and authorization"), mitre("T1098.006")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: feeds,
};

pub(super) const BROAD: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-035",
        name: "broad-aggregation",
        severity: Severity::High,
        summary: "a ClusterRole takes in the rules of roles that it does not know",
        what: "A selector of `aggregationRule` is empty, or demands only that labels are missing or are not something. The severity is medium \
               where nobody is bound to the role. A selector that cannot be read takes in nothing, and is told with severity low.",
        why: "An empty selector takes in every ClusterRole, `cluster-admin` too. Whoever may write some ClusterRole adds to the rights of all \
              who are bound to this one.",
        fix: "Demand a label of your own, as `rbac.example.com/aggregate-to-ci: \"true\"`.",
        bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ci
aggregationRule:
  clusterRoleSelectors:
  - matchLabels: {}
rules: []
",
        good: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ci
aggregationRule:
  clusterRoleSelectors:
  - matchLabels:
      rbac.example.com/aggregate-to-ci: \"true\"
rules: []
",
        versions: EVERY_VERSION,
        references: &[AGGREGATED],
        controls: &[nsa("Authentication and authorization"), mitre("T1098.006")],
    },
    fix: Fixable::ByHand("which roles are meant is not in the manifest"),
    find: broad,
};

pub(super) const CYCLE: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-036",
        name: "aggregation-cycle",
        severity: Severity::Medium,
        summary: "ClusterRoles take in one another's rules",
        what: "A ClusterRole with an `aggregationRule` is selected, through others or directly, by one that it selects itself.",
        why: "Which rules they have depends on what was there before: a rule that once came in goes round for ever, though its role is long gone. \
              Nobody can read off the manifests what they give.",
        fix: "Let each select labels that the other does not have.",
        bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: one
  labels:
    rbac.example.com/one: \"true\"
aggregationRule:
  clusterRoleSelectors:
  - matchLabels:
      rbac.example.com/two: \"true\"
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: two
  labels:
    rbac.example.com/two: \"true\"
aggregationRule:
  clusterRoleSelectors:
  - matchLabels:
      rbac.example.com/one: \"true\"
rules: []
",
        good: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: one
aggregationRule:
  clusterRoleSelectors:
  - matchLabels:
      rbac.example.com/two: \"true\"
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: two
  labels:
    rbac.example.com/two: \"true\"
aggregationRule:
  clusterRoleSelectors:
  - matchLabels:
      rbac.example.com/one: \"true\"
rules: []
",
        versions: EVERY_VERSION,
        references: &[AGGREGATED],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which of them is meant to take in the other is not in the manifest"),
    find: cycles,
};

pub(super) const OVERWRITTEN: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-037",
        name: "overwritten-rules",
        severity: Severity::Low,
        summary: "a ClusterRole has rules that a controller overwrites",
        what: "A ClusterRole has an `aggregationRule` and rules beside it, and is no object that a cluster wrote. The rules of an aggregated role \
               are those of the roles that it selects, and no others.",
        why: "The rules hold for a moment and are gone: what is built on them fails, and who reads the manifest is misled.",
        fix: "Move the rules into a ClusterRole of their own with the label that is selected. `ringwall fix` takes them out.",
        bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ci
aggregationRule:
  clusterRoleSelectors:
  - matchLabels:
      rbac.example.com/aggregate-to-ci: \"true\"
rules:
- apiGroups: [\"\"]
  resources: [pods]
  verbs: [get]
",
        good: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ci
aggregationRule:
  clusterRoleSelectors:
  - matchLabels:
      rbac.example.com/aggregate-to-ci: \"true\"
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ci-pods
  labels:
    rbac.example.com/aggregate-to-ci: \"true\"
rules:
- apiGroups: [\"\"]
  resources: [pods]
  verbs: [get]
",
        versions: EVERY_VERSION,
        references: &[AGGREGATED],
        controls: &[],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: overwritten,
};

fn feeds(subject: &Subject<'_>, flaws: &mut Flaws) {
    for taker in DEFAULT_TAKERS {
        let label = format!("rbac.authorization.k8s.io/aggregate-to-{taker}");
        let is_fed = |written: &&Written| {
            !written.is_default && written.role.labels.get(&label).map(String::as_str) == Some("true")
        };
        let mut feeding = subject.roles().iter().filter(is_fed).peekable();
        if feeding.peek().is_none() {
            continue;
        }
        let own: Vec<(usize, &Rule)> =
            subject.default_rules(&Role { name: taker.to_owned(), ..Role::default() });
        let known = opened(subject, &own, &Reach::default(), Which::All);
        let known: Vec<&str> = known.iter().map(|open| open.power.row).collect();
        let own: Vec<&Rule> = own.into_iter().map(|(_, rule)| rule).collect();
        for written in feeding {
            feed(subject, written, (taker, &label), (&own, &known), flaws);
        }
    }
}

fn feed(
    subject: &Subject<'_>,
    written: &Written,
    (taker, label): (&str, &str),
    (own, known): (&[&Rule], &[&str]),
    flaws: &mut Flaws,
) {
    // What the default role has already is not added.
    let added: Vec<(usize, &Rule)> =
        written.rules().filter(|(_, rule)| !uncovered(own, [*rule]).is_empty()).collect();
    let nobody = Reach::default();
    let open = opened(subject, &added, &nobody, Which::All);
    let open: Vec<&Open> = open.iter().filter(|open| !known.contains(&open.power.row)).collect();
    let everything =
        |rule: &Rule| [&rule.verbs, &rule.resources].iter().all(|list| list.iter().any(|one| one == ALL));
    let is_unlimited =
        added.iter().any(|(_, rule)| everything(rule) && rule.has_group("") && rule.has_group(ALL));
    let writes =
        |rule: &Rule| rule.verbs.iter().any(|verb| !matches!(verb.as_str(), "get" | "list" | "watch"));
    let changing: Vec<usize> = added.iter().filter(|(_, rule)| writes(rule)).map(|(at, _)| *at).collect();
    let (what, severity, first) = if is_unlimited {
        ("everything".to_owned(), Severity::Critical, added.first().map(|(at, _)| *at))
    } else if !open.is_empty() {
        let mut by_risk = open.clone();
        by_risk.sort_by_key(|open| std::cmp::Reverse(open.everywhere));
        let worst = by_risk.first().map_or(Severity::Low, |open| open.everywhere);
        let first = by_risk.first().and_then(|open| open.by.first().copied());
        (format!("the right to {}", powers::said(&by_risk, &nobody)), worst, first)
    } else if taker == "view" && !changing.is_empty() {
        ("rights to change something".to_owned(), Severity::High, changing.first().copied())
    } else {
        return;
    };
    let reach = subject.reach(&written.role);
    let through = reach.holders.iter().filter(|holder| holder.through == Some(taker)).copied().collect();
    let through = Reach { holders: through, into: vec![taker], ..Reach::default() };
    let who = if through.holders.is_empty() { String::new() } else { format!(": {}", through.who()) };
    let message = format!("everyone who is bound to ClusterRole {taker} gets {what} by this label{who}");
    let severity = through.rate(severity);
    let path = FieldPath::keys(&["metadata", "labels"]).key(label);
    let mut rows: Vec<&str> = open.iter().map(|open| open.power.row).collect();
    rows.sort_unstable();
    let flaw = flaws
        .add(written.object, path, format!("{taker}:{}/{}", rows.join("+"), through.witness()), message)
        .severity(severity);
    if let Some(first) = first {
        flaw.related(written.object, rule_path(first));
    }
}

/// Whether a selector selects by what is not there alone.
fn is_broad(selector: &Selector) -> bool {
    selector
        .requirements()
        .iter()
        .all(|requirement| matches!(requirement.operator, Operator::NotIn | Operator::DoesNotExist))
}

fn selector_path(at: usize) -> FieldPath {
    FieldPath::keys(&["aggregationRule", "clusterRoleSelectors"]).index(at)
}

fn broad(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles().iter().filter(|written| !written.is_default) {
        let reach = subject.reach(&written.role);
        for (at, selector) in written.role.aggregation.iter().flatten().enumerate() {
            let Some(compiled) = &selector.compiled else {
                let message = "the selector cannot be read, and no role is taken in".to_owned();
                let witness = format!("unreadable/{at}");
                flaws.add(written.object, selector_path(at), witness, message).severity(Severity::Low);
                continue;
            };
            if !is_broad(compiled) {
                continue;
            }
            let what = if compiled.is_everything() {
                "every ClusterRole, cluster-admin too".to_owned()
            } else {
                "every ClusterRole that lacks a label".to_owned()
            };
            let message = if reach.holders.is_empty() {
                format!("the role takes in {what}; in the input nobody is bound to it")
            } else {
                format!("the role takes in {what}, and {} has them{}", reach.who(), reach.place())
            };
            let severity =
                if reach.holders.is_empty() { Severity::Medium } else { reach.rate(Severity::Critical) };
            let flaw =
                flaws.add(written.object, selector_path(at), reach.witness(), message).severity(severity);
            for (object, path) in reach.places() {
                flaw.related(object, path);
            }
        }
    }
}

fn cycles(subject: &Subject<'_>, flaws: &mut Flaws) {
    for cycle in &subject.unsettled.cycles {
        let mut names: Vec<&str> =
            cycle.iter().map(|role| subject.policy.roles()[*role].name.as_str()).collect();
        names.sort_unstable();
        let own = subject.roles().iter().filter(|written| {
            written.role.namespace.is_none()
                && written.role.aggregation.is_some()
                && names.contains(&written.role.name.as_str())
        });
        for written in own {
            let others: Vec<&str> = names.iter().copied().filter(|name| *name != written.role.name).collect();
            let message = format!(
                "the role takes in ClusterRole {}, and is taken in again: which rules it has depends on what was there before",
                joined(&others)
            );
            let path = FieldPath::root().key("aggregationRule");
            flaws.add(written.object, path, names.join(","), message);
        }
    }
}

fn overwritten(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        let role = &written.role;
        if role.aggregation.is_none() || role.stored || role.rules.is_empty() || written.is_default {
            continue;
        }
        let message =
            "the rules are overwritten with those of the roles that aggregationRule selects".to_owned();
        let path = FieldPath::root().key("rules");
        let changes = (0..role.rules.len()).rev().map(|at| Change::Remove { path: rule_path(at) }).collect();
        let fix = safe("take out the rules that are overwritten", changes);
        flaws.add(written.object, path, "rules", message).fix(Ok(fix));
    }
}
