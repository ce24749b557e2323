//! Selectors that select nobody, or say nothing.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable};
use ringwall_model::near::nearest;
use ringwall_model::path::FieldPath;

use super::examples::{injected, policy, web};
use super::{AMBIENT, AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, PEER, Subject, reviewed};
use crate::authorization::policy::Action;
use crate::enrolment::Mode as Carrier;
use crate::place::{Pairs, is_subset};
use crate::workloads::Workload;

pub(super) const EMPTY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-008",
        name: "empty-mesh-selector",
        severity: Severity::Low,
        summary: "a policy has a selector without labels, which is everybody to sidecars and nobody to ztunnel",
        what: "The `selector` of an AuthorizationPolicy, a PeerAuthentication or a RequestAuthentication is there and has no labels. The severity \
               is high for an AuthorizationPolicy with DENY that workloads in ambient mode would take, and medium for another policy of such \
               workloads. (istiod's webhook warns of it.)",
        why: "Sidecars read it as if there were no selector: the policy is for the whole namespace. For ztunnel istiod makes a policy that is \
              bound by labels, and none are there: it is for nobody, and a DENY never fires. In the root namespace a PeerAuthentication \
              with it is the mesh's for sidecars, and not there for ambient.",
        fix: "Take the selector away.",
        bad: concat!(
            injected!(),
            web!(),
            policy!("deny"),
            "\
spec:
  selector:
    matchLabels: {}
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
            policy!("deny"),
            "\
spec:
  action: DENY
  rules:
  - from:
    - source:
        notNamespaces: [shop]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, AMBIENT],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: empty,
};

pub(super) const NOBODY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-009",
        name: "mesh-policy-for-nobody",
        severity: Severity::Medium,
        summary: "no workload has the labels that a policy of the mesh selects",
        what: "The `selector` of an AuthorizationPolicy, a PeerAuthentication or a RequestAuthentication names labels that no workload of its \
               namespace has (for one in the root namespace, no workload at all, but for a PeerAuthentication, which `RW-MESH-001` is about), while \
               the input holds workloads there, and one of the keys, or one of the values, is in a label of theirs. Nothing is said of the labels of Istio's own gateways. (istioctl: `IST0127`, Kiali: `KIA0004`.)",
        why: "The policy does nothing, and what it should guard is open.",
        fix: "Write the labels of the pods. They are those of the pod's template, not those of the Deployment.",
        bad: concat!(
            injected!(),
            web!(),
            policy!("web"),
            "\
spec:
  selector:
    matchLabels:
      app: wbe
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
  selector:
    matchLabels:
      app: web
  rules:
  - from:
    - source:
        namespaces: [shop]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, PEER],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which workload is meant is not in the manifest"),
    find: nobody,
};

/// A policy with a selector.
struct Selecting<'s> {
    object: usize,
    namespace: &'s str,
    labels: Pairs,
    /// Whether it is an `AuthorizationPolicy` that keeps out what it matches.
    denies: bool,
}

/// All policies that have a selector, but for `PeerAuthentication` objects of the root namespace with labels.
fn selecting<'s>(subject: &'s Subject<'_>) -> Vec<Selecting<'s>> {
    let mut found = Vec::new();
    for policy in &subject.policies {
        let denies = policy.action == Action::Deny && !policy.dry_run;
        let all = policy.selector.iter().cloned();
        found.extend(all.map(|labels| Selecting {
            object: policy.object,
            namespace: &policy.namespace,
            labels,
            denies,
        }));
    }
    for token in &subject.tokens {
        let all = token.selector.iter().cloned();
        found.extend(all.map(|labels| Selecting {
            object: token.object,
            namespace: &token.namespace,
            labels,
            denies: false,
        }));
    }
    let root = subject.mesh.peers.root();
    for peer in subject.mesh.peers.all.iter().filter(|peer| peer.has_selector) {
        if peer.namespace != root || peer.selector.is_empty() {
            let labels = peer.selector.clone();
            found.push(Selecting { object: peer.object, namespace: &peer.namespace, labels, denies: false });
        }
    }
    found
}

fn empty(subject: &Subject<'_>, flaws: &mut Flaws) {
    for own in selecting(subject).into_iter().filter(|own| own.labels.is_empty()) {
        let is_mesh = own.namespace == subject.mesh.peers.root();
        let pods = subject.pods().filter(|(_, pod)| is_mesh || pod.namespace == own.namespace);
        let meant: Vec<usize> = pods.map(|(index, _)| index).collect();
        let passed = subject.carried(&meant, Carrier::Ambient);
        let whole = if is_mesh { "the mesh" } else { "the namespace" };
        let message = match passed.as_slice() {
            [] => format!("says nothing: the policy is for all of {whole}, and in ambient mode for nobody"),
            some => format!(
                "is nobody to ztunnel: {} does not take the policy, which is for all of {whole} elsewhere",
                subject.whom(some)
            ),
        };
        let path = FieldPath::keys(&["spec", "selector"]);
        let fix = reviewed(
            "take the selector away",
            "whether workloads in ambient mode may take the policy, which then do",
            vec![Change::Remove { path: path.clone() }],
        );
        let flaw = flaws.add(own.object, path, "", message);
        flaw.fix(Ok(fix));
        if !passed.is_empty() {
            flaw.severity(if own.denies { Severity::High } else { Severity::Medium });
        }
    }
}

/// What labels begin with that Knative puts on the pods of its Services.
const OF_KNATIVE: &str = "serving.knative.dev/";

/// Labels that controllers put on pods; that no template has them says nothing.
const OF_CONTROLLERS: [&str; 6] = [
    "job-name",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// Whether a controller puts a label on pods.
pub(super) fn of_controller(key: &str) -> bool {
    OF_CONTROLLERS.contains(&key) || key.starts_with(OF_KNATIVE)
}

fn nobody(subject: &Subject<'_>, flaws: &mut Flaws) {
    for own in selecting(subject).into_iter().filter(|own| !own.labels.is_empty()) {
        let is_mesh = own.namespace == subject.mesh.peers.root();
        let here = |pod: &Workload| {
            is_mesh || (pod.namespace == own.namespace && subject.are_together(own.object, pod.object))
        };
        let pods: Vec<&Workload> = subject.pods().map(|(_, pod)| pod).filter(|pod| here(pod)).collect();
        let has_key = |key: &str| pods.iter().any(|pod| pod.label(key).is_some());
        // Somebody is meant who is here: by a key that is known, or by a value that stands under another one.
        let is_near = |(key, value): &(Box<str>, Box<str>)| {
            has_key(key) || pods.iter().any(|pod| pod.labels.iter().any(|(_, other)| other == value))
        };
        let of_gateways =
            |(key, value): &(Box<str>, Box<str>)| &**key == "istio" || value.starts_with("istio-");
        if pods.is_empty()
            || own.labels.iter().any(|(key, _)| of_controller(key))
            || own.labels.iter().any(of_gateways)
            || !own.labels.iter().any(is_near)
            || pods.iter().any(|pod| is_subset(&own.labels, &pod.labels))
        {
            continue;
        }
        // Machines outside may be meant.
        let entries = subject.mesh.workloads.all.iter().filter(|one| one.namespace == own.namespace);
        if entries.into_iter().any(|one| is_subset(&own.labels, &one.labels)) {
            continue;
        }
        let is_missing =
            |(key, value): &&(Box<str>, Box<str>)| !pods.iter().any(|pod| pod.label(key) == Some(&**value));
        let wrong = own.labels.iter().find(is_missing);
        let said =
            own.labels.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ");
        let hint =
            wrong.and_then(|(key, value)| nearest(value, pods.iter().filter_map(|pod| pod.label(key))));
        let hint = hint.map(|near| format!("; \"{near}\" is one that is there")).unwrap_or_default();
        let place = if is_mesh { String::new() } else { format!(" of {}", own.namespace) };
        let message = format!("is for nobody: no workload{place} has {said}{hint}");
        flaws.add(own.object, FieldPath::keys(&["spec", "selector", "matchLabels"]), said, message);
    }
}
