//! Policies that change nothing.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;

use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, cover};
use crate::policy::{Direction, Policy, PolicyKind, Rule};

pub(super) const WITHOUT_EFFECT: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-023",
        name: "policy-without-effect",
        severity: Severity::Low,
        summary: "a policy allows only what other policies allow already",
        what: "All that the rules of a NetworkPolicy allow is allowed by rules of other policies of the namespace that are about all of its \
               pods, whatever pods there are, and these isolate them too. A policy without rules is not meant: it is a default that \
               others add to. The severity is medium where a rule of another policy allows everyone everything.",
        why: "The policy reads as if it said who may come in; it could as well not be there. Where another allows everything, nothing of \
              what it leaves out is denied.",
        fix: "Remove the policy, or narrow the other one.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: api
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: web
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: within-the-namespace
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector: {}
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: api
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: web
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByHand("which of the policies is meant is not in the manifest"),
    find: without_effect,
};

pub(super) const DUPLICATE: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-024",
        name: "duplicate-policy",
        severity: Severity::Info,
        summary: "two policies of a namespace say the same",
        what: "Two NetworkPolicies of one namespace have different names and the same `spec`.",
        why: "Who changes one of them changes nothing where it takes something away: the other still allows it.",
        fix: "Remove one of the two.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api-new
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[],
    },
    fix: Fixable::ByHand("which of the two is to stay is not in the manifest"),
    find: duplicate,
};

/// The NetworkPolicies of each namespace, in the order of their names.
fn by_namespace<'s>(subject: &Subject<'s>) -> BTreeMap<&'s str, Vec<&'s Policy>> {
    let mut all: BTreeMap<&str, Vec<&Policy>> = BTreeMap::new();
    for policy in subject.cluster.policies.iter().filter(|policy| policy.kind == PolicyKind::NetworkPolicy) {
        all.entry(policy.namespace.as_deref().unwrap_or("default")).or_default().push(policy);
    }
    all
}

fn is_same(subject: &Subject<'_>, a: &Policy, b: &Policy) -> bool {
    let spec = |policy: &Policy| subject.object(policy).root().get("spec");
    matches!((spec(a), spec(b)), (Some(a), Some(b)) if a.same_meaning(b))
}

fn duplicate(subject: &Subject<'_>, flaws: &mut Flaws) {
    for policies in by_namespace(subject).into_values() {
        for (at, policy) in policies.iter().enumerate() {
            let first = policies[..at].iter().find(|other| {
                other.name != policy.name
                    && subject.are_together(other.object, policy.object)
                    && other.subject == policy.subject
                    && other.ingress == policy.ingress
                    && other.egress == policy.egress
                    && is_same(subject, other, policy)
            });
            if let Some(first) = first {
                let message = format!("says the same as policy \"{}\"", first.name);
                flaws
                    .add(policy.object, FieldPath::keys(&["metadata", "name"]), first.name.as_str(), message)
                    .related(first.object, FieldPath::keys(&["metadata", "name"]));
            }
        }
    }
}

const fn is_open(rule: &Rule) -> bool {
    rule.peers.is_none() && rule.ports.is_none()
}

fn without_effect(subject: &Subject<'_>, flaws: &mut Flaws) {
    for policies in by_namespace(subject).into_values() {
        // Of two that make one another needless the first stays.
        let mut needless: BTreeSet<usize> = BTreeSet::new();
        for policy in policies.iter().rev() {
            let rules: usize = Direction::ALL
                .iter()
                .filter_map(|direction| policy.rules(*direction))
                .map(<[Rule]>::len)
                .sum();
            if rules == 0 {
                continue;
            }
            let others: Vec<&Policy> = policies
                .iter()
                .copied()
                .filter(|other| {
                    other.name != policy.name
                        && subject.are_together(other.object, policy.object)
                        && !needless.contains(&other.object)
                        && subject.is_subject_covered(other, policy)
                })
                .collect();
            let Some(by) = covering(subject, policy, &others) else { continue };
            needless.insert(policy.object);
            if by.iter().any(|other| is_same(subject, other, policy)) {
                continue;
            }
            let open = by.iter().find(|other| {
                Direction::ALL.iter().any(|direction| {
                    policy.rules(*direction).is_some_and(|rules| !rules.is_empty())
                        && other.rules(*direction).into_iter().flatten().any(is_open)
                })
            });
            let names: BTreeSet<&str> = by.iter().map(|policy| policy.name.as_str()).collect();
            let witness = names.iter().copied().collect::<Vec<_>>().join(", ");
            let called = match names.len() {
                1 => format!("policy \"{witness}\" allows"),
                _ => format!("policies {witness} allow"),
            };
            let message = match open {
                Some(open) => {
                    format!("changes nothing: policy \"{}\" allows everyone everything already", open.name)
                }
                None => format!(
                    "changes nothing: {called} all of it already, and isolate{} the same pods",
                    s(names.len())
                ),
            };
            let flaw = flaws.add(policy.object, FieldPath::keys(&["spec"]), witness, message);
            if let Some(other) = by.first() {
                flaw.related(other.object, FieldPath::keys(&["spec"]));
            }
            if open.is_some() {
                flaw.severity(Severity::Medium);
            }
        }
    }
}

const fn s(count: usize) -> &'static str {
    if count == 1 { "s" } else { "" }
}

/// The policies that make `policy` needless; `None` where it is not.
fn covering<'s>(subject: &Subject<'_>, policy: &Policy, others: &[&'s Policy]) -> Option<Vec<&'s Policy>> {
    let mut by: Vec<&Policy> = Vec::new();
    for direction in Direction::ALL {
        let Some(rules) = policy.rules(direction) else { continue };
        if rules.is_empty() {
            by.push(others.iter().find(|other| other.rules(direction).is_some())?);
        }
        for rule in rules {
            let covers = |other: &&&Policy| {
                let mut rules = other.rules(direction).into_iter().flatten();
                rules.any(|wide| cover::rule(subject.cluster, wide, rule))
            };
            by.push(others.iter().find(covers)?);
        }
    }
    by.sort_by_key(|policy| policy.object);
    by.dedup_by_key(|policy| policy.object);
    Some(by)
}
