//! Callers that a policy names and that can show nothing of who they are.

use std::collections::BTreeMap;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;

use super::examples::{injected, policy, web};
use super::identity::{account, may_be_made};
use super::{AUTHORIZATION, EVERY_VERSION, Flaws, INJECTION_DOCS, MeshCheck, Subject};
use crate::authorization::policy::Action;
use crate::enrolment::Mode as Carrier;
use crate::workloads::Origin;

/// A namespace outside of the mesh with a client.
macro_rules! monitoring {
    ($label:literal) => {
        concat!(
            "\
apiVersion: v1
kind: Namespace
metadata:
  name: monitoring
",
            $label,
            "\
---
apiVersion: v1
kind: Pod
metadata:
  name: prometheus
  namespace: monitoring
spec:
  serviceAccountName: prometheus
  containers:
  - name: prometheus
---
"
        )
    };
}

/// A policy that lets it in.
macro_rules! metrics {
    () => {
        concat!(
            policy!("metrics"),
            "\
spec:
  rules:
  - from:
    - source:
        principals: [cluster.local/ns/monitoring/sa/prometheus]
    to:
    - operation:
        ports: [\"8080\"]
"
        )
    };
}

pub(super) const WITHOUT_PROXY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-047",
        name: "caller-without-proxy",
        severity: Severity::Medium,
        summary: "an ALLOW rule names a service account whose pods have no proxy, and so no certificate",
        what: "A value without a star of `principals` or `serviceAccounts`, or of a condition on `source.principal`, of an AuthorizationPolicy with ALLOW names a \
               service account of workloads of the input, and none of them has a sidecar, is in ambient mode or is a gateway. Nothing is said where whether \
               they have one hangs on the labels of a Namespace that is not in the input.",
        why: "Who calls is known by the certificate that his proxy shows. Without a proxy he calls in plaintext and is nobody: the value never matches, and the \
              rule does not let him in.",
        fix: "Bring the client into the mesh; or let it in by what a connection without a certificate shows (`ipBlocks`, `ports`), where the server takes plaintext, \
              and keep the others off by a NetworkPolicy.",
        bad: concat!(injected!(), web!(), monitoring!(""), metrics!()),
        good: concat!(
            injected!(),
            web!(),
            monitoring!("  labels:\n    istio-injection: enabled\n"),
            metrics!()
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, INJECTION_DOCS],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("whether the client may have a proxy is not in the manifest"),
    find: without_proxy,
};

/// For each account of the input the workloads that have it, where all of them are without a proxy, now and when they are made anew.
fn outside<'s>(subject: &'s Subject<'_>) -> BTreeMap<(&'s str, &'s str), Vec<usize>> {
    let mut found: BTreeMap<_, Option<Vec<usize>>> = BTreeMap::new();
    for (index, one) in subject.mesh.workloads.all.iter().enumerate() {
        let key = (one.namespace.as_str(), one.service_account.as_str());
        let all = found.entry(key).or_insert_with(|| Some(Vec::new()));
        let is_outside = one.origin != Origin::Entry
            && subject.is_outside(index)
            && subject.mesh.servers[index].enrolment.expected.mode == Carrier::None;
        match all {
            Some(all) if is_outside => all.push(index),
            _ => *all = None,
        }
    }
    found.into_iter().filter_map(|(key, all)| Some((key, all?))).collect()
}

fn without_proxy(subject: &Subject<'_>, flaws: &mut Flaws) {
    if subject.policies.is_empty() {
        return;
    }
    let outside = outside(subject);
    for (policy, takers) in subject.policies.iter().zip(&subject.takers) {
        // Of a policy that nobody enforces another check tells.
        let is_enforced = takers.is_empty() || takers.iter().any(|one| !subject.is_outside(*one));
        if policy.action != Action::Allow || !is_enforced {
            continue;
        }
        for field in policy.fields().filter(|field| !field.negated) {
            for (at, value) in field.values.iter().enumerate() {
                let Some(named) = account(subject, &field, value, &policy.namespace) else { continue };
                let Some(workloads) = outside.get(&named) else { continue };
                if may_be_made(subject, named.0, named.1) {
                    continue;
                }
                let message = format!(
                    "never matches: {} has no proxy ({}), so it has no certificate and calls in plaintext",
                    subject.whom(workloads),
                    subject.why_outside(workloads[0])
                );
                let flaw = flaws.add(policy.object, field.place.path().index(at), value.clone(), message);
                if let Some(place) = &subject.mesh.servers[workloads[0]].enrolment.decision().place {
                    flaw.related(place.object, place.path.clone());
                }
            }
        }
    }
}
