//! Selectors of namespaces that no namespace meets.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::path::FieldPath;
use ringwall_model::selector::{Operator, Requirement, Selector};
use ringwall_model::tree::Node;

use super::subject::SYSTEM;
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, nearest, reviewed, safe};
use crate::cluster::NAME_LABEL;
use crate::policy::{Namespaces, PodSet, Policy};

pub(super) const NAME: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-002",
        name: "namespace-name-by-custom-label",
        severity: Severity::Medium,
        summary: "a selector means a namespace by its name, and by a label that it does not have",
        what: "A selector of namespaces demands that a label like `name`, `ns` or `namespace` is (or is not) the name of a namespace \
               that is in the input or in every cluster (`kube-system`, `default`), and no namespace of the input has that label with \
               that value.",
        why: "The API server labels each namespace with its name, under `kubernetes.io/metadata.name`; no other label is there unless \
              somebody writes it. The selector selects nothing, and what the rule allows is denied: most often DNS.",
        fix: "Use `kubernetes.io/metadata.name`.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-dns
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - namespaceSelector:
        matchLabels:
          name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
    ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-dns
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
    ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
",
        versions: "The label `kubernetes.io/metadata.name` is on every namespace since v1.21.",
        references: &[
            POLICIES,
            "https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name",
        ],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: by_name,
};

pub(super) const UNMET: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-003",
        name: "unmet-namespace-selector",
        severity: Severity::Medium,
        summary: "a selector demands a label that no namespace has",
        what: "A selector of namespaces demands a label that no namespace of the input has with such a value. It is said where the \
               input would show it: other namespaces have the label with other values, or the input is of a whole cluster \
               (`kube-system` is in it). The severity is low where the input may hold only some of the namespaces and no value is \
               much like the one that is demanded.",
        why: "The selector selects nothing: what the rule allows is denied, and what a policy of administrators denies is not.",
        fix: "Correct the label, or label the namespace.",
        bad: "\
apiVersion: v1
kind: Namespace
metadata:
  name: billing
  labels:
    team: payments
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: data
spec:
  podSelector:
    matchLabels:
      app: database
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          team: payment
    ports:
    - protocol: TCP
      port: 5432
",
        good: "\
apiVersion: v1
kind: Namespace
metadata:
  name: billing
  labels:
    team: payments
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: data
spec:
  podSelector:
    matchLabels:
      app: database
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          team: payments
    ports:
    - protocol: TCP
      port: 5432
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: unmet,
};

/// Keys under which people look for the name of a namespace.
const NAME_LIKE: [&str; 10] = [
    "name",
    "namespace",
    "ns",
    "metadata.name",
    "kubernetes.io/name",
    "kubernetes.io/namespace",
    "kubernetes.io/metadata-name",
    "k8s.io/metadata.name",
    "app.kubernetes.io/name",
    "namespace.kubernetes.io/metadata.name",
];

/// Whether the name is that of a namespace of the input or of every cluster.
fn is_namespace(subject: &Subject<'_>, name: &str) -> bool {
    subject.cluster.stated.contains(name) || SYSTEM.contains(&name) || name == "default"
}

/// Whether a namespace of the input has the label with one of the values.
fn is_met(subject: &Subject<'_>, requirement: &Requirement) -> bool {
    subject.cluster.namespaces.values().any(|labels| {
        labels.get(&requirement.key).is_some_and(|value| match requirement.operator {
            Operator::In | Operator::NotIn => requirement.values.iter().any(|wanted| wanted == value),
            Operator::Exists | Operator::DoesNotExist => true,
        })
    })
}

/// Whether the demand means a namespace by a label that it does not have.
pub(super) fn means_a_name(subject: &Subject<'_>, requirement: &Requirement) -> bool {
    matches!(requirement.operator, Operator::In | Operator::NotIn)
        && NAME_LIKE.contains(&requirement.key.as_str())
        && requirement.values.iter().any(|value| is_namespace(subject, value))
        && !is_met(subject, requirement)
}

fn requirements<'s>(subject: &Subject<'s>) -> impl Iterator<Item = (&'s Policy, FieldPath, &'s Requirement)> {
    subject.namespace_selectors().into_iter().flat_map(|(policy, path, set): (_, _, &PodSet)| {
        let selector = match &set.namespaces {
            Namespaces::Own(_) => None,
            Namespaces::Selected(selector) => Some(selector),
        };
        let requirements = selector.into_iter().flat_map(Selector::requirements);
        requirements.map(move |requirement| (policy, path.clone(), requirement))
    })
}

/// How a demand is read: `name=kube-system`, `team in (a, b)`.
pub(super) fn read(requirement: &Requirement) -> String {
    match (requirement.operator, requirement.values.as_slice()) {
        (Operator::In | Operator::NotIn, [value]) => format!("{}={value}", requirement.key),
        (Operator::In | Operator::NotIn, values) => {
            format!("{} in ({})", requirement.key, values.join(", "))
        }
        (Operator::Exists | Operator::DoesNotExist, _) => requirement.key.clone(),
    }
}

fn by_name(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (policy, selector, requirement) in requirements(subject) {
        if !means_a_name(subject, requirement) {
            continue;
        }
        let path = subject.requirement_path(policy, &selector, requirement);
        let label = read(requirement);
        let effect = match requirement.operator {
            Operator::NotIn => "it is not left out",
            _ => "the selector selects nothing",
        };
        let message = format!(
            "no namespace here has the label {label}, so {effect}: the label that always holds a namespace's name is {NAME_LABEL}"
        );
        let fix = rename(subject, policy, &selector, &path);
        flaws.add(policy.object, path, label, message).fix(fix);
    }
}

fn rename(
    subject: &Subject<'_>,
    policy: &Policy,
    selector: &FieldPath,
    path: &FieldPath,
) -> Result<Fix, String> {
    let written = |path: &FieldPath| subject.node(policy, path).is_some();
    if written(&selector.clone().key("matchLabels").key(NAME_LABEL)) {
        return Err(format!("the selector has {NAME_LABEL} already"));
    }
    let change = if written(&path.clone().key("key")) {
        Change::Set { path: path.clone().key("key"), value: Value::from(NAME_LABEL) }
    } else {
        Change::Rename { path: path.clone(), key: NAME_LABEL }
    };
    Ok(safe(format!("select the namespace by {NAME_LABEL}"), vec![change]))
}

fn unmet(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (policy, selector, requirement) in requirements(subject) {
        let is_demand = matches!(requirement.operator, Operator::In | Operator::Exists);
        if !is_demand || is_met(subject, requirement) || means_a_name(subject, requirement) {
            continue;
        }
        let stated =
            || subject.cluster.namespaces.iter().filter(|(name, _)| subject.cluster.stated.contains(*name));
        let mut known: Vec<&str> = stated().filter_map(|(_, labels)| labels.get(&requirement.key)).collect();
        if requirement.key == NAME_LABEL {
            known.extend(SYSTEM);
        }
        known.sort_unstable();
        known.dedup();
        let meant = match requirement.values.as_slice() {
            [value] => nearest(value, known.iter().copied()),
            _ => None,
        };
        let whole = subject.is_whole_cluster();
        // A namespace whose name is not known here may be another file's; so may one with a label that none here has.
        if !whole && (known.is_empty() || (requirement.key == NAME_LABEL && meant.is_none())) {
            continue;
        }
        let path = subject.requirement_path(policy, &selector, requirement);
        let label = read(requirement);
        let hint = match (meant, known.as_slice()) {
            (Some(meant), _) => format!("; \"{meant}\" may be meant"),
            (None, []) => String::new(),
            (None, _) if requirement.key == NAME_LABEL => String::new(),
            (None, known) => format!("; those that have the label have {}", known.join(", ")),
        };
        let message = format!("no namespace has the label {label}, so the selector selects nothing{hint}");
        let fix = match meant {
            Some(meant) => correct(subject, policy, &path, meant),
            None => Err("which namespace is meant is not in the manifest".to_owned()),
        };
        let flaw = flaws.add(policy.object, path, label, message).fix(fix);
        if !whole && meant.is_none() {
            flaw.severity(Severity::Low);
        }
    }
}

fn correct(subject: &Subject<'_>, policy: &Policy, path: &FieldPath, meant: &str) -> Result<Fix, String> {
    let list = path.clone().key("values");
    let path = match subject.node(policy, &list) {
        Some(values) if values.items().count() == 1 => list.index(0),
        Some(_) => return Err("several values are listed".to_owned()),
        None if subject.node(policy, path).and_then(Node::as_str).is_some() => path.clone(),
        None => return Err("the label is not written as a value".to_owned()),
    };
    let changes = vec![Change::Set { path, value: Value::from(meant) }];
    Ok(reviewed(format!("demand \"{meant}\""), "whether this namespace is meant", changes))
}
