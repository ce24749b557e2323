//! Pods that no policy guards.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable};
use ringwall_model::path::FieldPath;

use super::subject::SYSTEM;
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, and_more, reviewed};
use crate::cluster::Workload;
use crate::draft::{Draft, DraftPeer, DraftRule, Pick, free_name, is_taken};
use crate::policy::{Action, Direction, Policy, PolicyKind, Tier};

const DEFAULTS: &str =
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies";

pub(super) const NAMESPACE: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-025",
        name: "namespace-without-policy",
        severity: Severity::Medium,
        summary: "no policy guards any pod of a namespace",
        what: "The input holds a Namespace and pods of it, and no policy of any kind isolates one of them or decides anything for it. Pods on \
               the network of their node are not counted, and the namespaces of the cluster itself are not meant. What a \
               policy of an API whose meaning is not known here (Cilium, Calico, Antrea) may be about counts as guarded.",
        why: "Every pod of the cluster, and whoever gets into one, may reach every port of these; and from these whatever there is to reach.",
        fix: "Put a NetworkPolicy into the namespace that denies by default (`podSelector: {}` and `policyTypes: [Ingress, Egress]`), and \
              others that allow what is needed: `ringwall net generate` writes them from what the manifests declare. What `ringwall fix` \
              adds keeps traffic within the namespace, and allows DNS.",
        bad: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: web
",
        good: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: web
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
",
        versions: EVERY_VERSION,
        references: &[POLICIES, DEFAULTS],
        controls: &[cis("5.3.2"), nsa("Network policies"), mitre("T1046")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: namespaces,
};

pub(super) const WORKLOAD: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-026",
        name: "workload-without-policy",
        severity: Severity::Medium,
        summary: "no policy isolates the pods of a workload, where others of the namespace are isolated",
        what: "Policies isolate pods of the namespace for `ingress`, and none isolates any pod of this workload or decides anything for it. \
               Pods on the network of their node are not counted. The severity is low for what runs to an end (Jobs, CronJobs), which \
               seldom listens.",
        why: "Who wrote the policies meant to guard the namespace; these pods were forgotten, came later, or have other labels than the \
              policy that is theirs selects. Everyone in the cluster may reach every port of them.",
        fix: "Write a policy that selects them, or correct the selector of the one that was meant to; best deny by default \
              (`podSelector: {}`).",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Ingress]
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
---
kind: Pod
metadata:
  name: cache
  namespace: shop
  labels:
    app: cache
spec:
  containers:
  - name: cache
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
---
kind: Pod
metadata:
  name: cache
  namespace: shop
  labels:
    app: cache
spec:
  containers:
  - name: cache
",
        versions: EVERY_VERSION,
        references: &[POLICIES, DEFAULTS],
        controls: &[cis("5.3.2"), nsa("Network policies"), mitre("T1046")],
    },
    fix: Fixable::ByHand("what the pods need to reach is not in the manifest"),
    find: workloads,
};

pub(super) const DEFAULT_DENY: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-027",
        name: "namespace-without-default-deny",
        severity: Severity::Low,
        summary: "policies guard the pods of a namespace by their labels, and none guards those that are yet to come",
        what: "The input holds a Namespace, policies isolate pods of it, and none isolates all of its pods (`podSelector: {}`) for `ingress`, \
               nor does a policy of administrators deny it for all of them. The severity is info where only `egress` lacks such a policy.",
        why: "A pod that is added tomorrow, or gets another label, is open until somebody thinks of it.",
        fix: "Put a NetworkPolicy with `podSelector: {}` and without rules into the namespace; what the others allow stays allowed.",
        bad: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Ingress]
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
",
        good: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
",
        versions: EVERY_VERSION,
        references: &[DEFAULTS],
        controls: &[cis("5.3.2"), nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: default_deny,
};

/// The namespaces of the input that are an owner's to guard, with the object's index.
fn stated<'s>(subject: &Subject<'s>) -> impl Iterator<Item = (usize, &'s str)> {
    subject.snapshot.objects().filter_map(|(index, object)| {
        let name = object.id.name.as_str();
        (object.is("", "Namespace") && !SYSTEM.contains(&name)).then_some((index, name))
    })
}

/// The classes of a workload's pods.
fn classes_of(subject: &Subject<'_>, workload: &Workload) -> BTreeSet<u32> {
    let classes = subject.engine.classes();
    let pods = workload.pods.iter().map(|pod| (*pod, &subject.cluster.pods[*pod]));
    pods.flat_map(|(index, pod)| {
        let families = subject.cluster.families(pod);
        families.into_iter().filter_map(move |family| classes.of_pod(index, family))
    })
    .collect()
}

/// The classes that policies guard in a direction: NetworkPolicies isolate them, or one of administrators denies them something.
fn guarded(subject: &Subject<'_>, direction: Direction) -> BTreeSet<u32> {
    let guards = |policy: &&Policy| {
        policy.rules(direction).is_some_and(|rules| {
            policy.tier == Tier::Namespaced || rules.iter().any(|rule| rule.action == Action::Deny)
        })
    };
    let policies = subject.cluster.policies.iter().filter(guards);
    let mut guarded: BTreeSet<u32> = policies.flat_map(|policy| subject.subjects(policy)).collect();
    // A policy of another API may guard them.
    let foreign = subject.engine.classes().iter().filter(|(_, class)| class.foreign[direction as usize]);
    guarded.extend(foreign.map(|(number, _)| number));
    guarded
}

/// Whether a policy of another API is for the namespace.
fn is_foreign(subject: &Subject<'_>, namespace: &str) -> bool {
    let mut foreign = subject.cluster.foreign.iter();
    foreign.any(|foreign| foreign.namespace.as_deref().is_none_or(|name| name == namespace))
}

/// The workloads of a namespace that policies may be about, with the classes of their pods.
fn workloads_of<'s>(subject: &Subject<'s>, namespace: &str) -> Vec<(&'s Workload, BTreeSet<u32>)> {
    let numbers: BTreeSet<usize> =
        subject.pods_in(namespace).iter().map(|pod| subject.cluster.pods[*pod].workload).collect();
    let workloads = numbers.into_iter().map(|number| &subject.cluster.workloads[number]);
    let workloads = workloads.map(|workload| (workload, classes_of(subject, workload)));
    workloads.filter(|(_, classes)| !classes.is_empty()).collect()
}

fn name() -> FieldPath {
    FieldPath::keys(&["metadata", "name"])
}

fn namespaces(subject: &Subject<'_>, flaws: &mut Flaws) {
    let known = Direction::ALL.map(|direction| guarded(subject, direction));
    for (index, namespace) in stated(subject) {
        let workloads = workloads_of(subject, namespace);
        let mut classes = workloads.iter().flat_map(|(_, classes)| classes);
        let guarded = classes.any(|class| known.iter().any(|known| known.contains(class)));
        let Some((first, _)) = workloads.first().filter(|_| !guarded) else { continue };
        let message = format!(
            "no policy guards {}/{}{}: every pod of the cluster may reach every port of {}",
            first.namespace,
            first.name,
            and_more(workloads.len() - 1),
            if workloads.len() == 1 { "it" } else { "them" }
        );
        flaws.add(index, name(), namespace, message).fix(Ok(within(subject, namespace)));
    }
}

/// The fix that keeps the traffic of a namespace within it, but DNS.
fn within(subject: &Subject<'_>, namespace: &str) -> Fix {
    let own = || DraftRule {
        peers: vec![DraftPeer::Pods { namespace: None, pods: Pick::default() }],
        ports: Vec::new(),
    };
    let draft = Draft {
        namespace: namespace.to_owned(),
        name: free_name(|name| is_taken(subject.cluster, namespace, name), "within-the-namespace", "only"),
        subject: Pick::default(),
        ingress: Some(vec![own()]),
        egress: Some(vec![own(), DraftRule::dns(namespace)]),
    };
    reviewed(
        "keep traffic within the namespace, but DNS",
        "whether the pods call, or are called from, other namespaces or the outside",
        vec![Change::Beside { object: draft.value() }],
    )
}

/// The fix that denies by default what others send to a namespace.
fn deny(subject: &Subject<'_>, namespace: &str) -> Fix {
    let draft = Draft {
        namespace: namespace.to_owned(),
        name: free_name(|name| is_taken(subject.cluster, namespace, name), "default-deny", "ingress"),
        subject: Pick::default(),
        ingress: Some(Vec::new()),
        egress: None,
    };
    reviewed(
        "deny ingress by default",
        "who calls the pods that no other policy selects",
        vec![Change::Beside { object: draft.value() }],
    )
}

fn workloads(subject: &Subject<'_>, flaws: &mut Flaws) {
    let [ingress, egress] = Direction::ALL.map(|direction| guarded(subject, direction));
    let mut by_namespace: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for policy in &subject.cluster.policies {
        if policy.rules(Direction::Ingress).is_some() && !subject.subjects(policy).is_empty() {
            by_namespace
                .entry(policy.namespace.as_deref().unwrap_or_default())
                .or_default()
                .push(policy.object);
        }
    }
    by_namespace.remove("");
    for (namespace, policies) in by_namespace.into_iter().filter(|(name, _)| !SYSTEM.contains(name)) {
        for (workload, classes) in workloads_of(subject, namespace) {
            if classes.iter().any(|class| ingress.contains(class))
                || !policies.iter().any(|policy| subject.are_together(*policy, workload.object))
            {
                continue;
            }
            let who = format!("{namespace}/{}", workload.name);
            let by_egress = classes.iter().any(|class| egress.contains(class));
            let message = if by_egress {
                format!("no policy isolates {who} for ingress: every pod of the cluster may reach it")
            } else {
                format!("no policy selects {who}: every pod of the cluster may reach it, and it every pod")
            };
            let flaw = flaws.add(workload.object, name(), who, message);
            if matches!(workload.kind.as_str(), "Job" | "CronJob") {
                flaw.severity(Severity::Low);
            }
        }
    }
}

fn default_deny(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, namespace) in stated(subject) {
        if is_foreign(subject, namespace) {
            continue;
        }
        let own = || {
            let policies = subject.cluster.policies.iter();
            policies.filter(|policy| policy.namespace.as_deref() == Some(namespace))
        };
        let isolates = |direction: Direction| own().any(|policy| policy.rules(direction).is_some());
        if !subject.is_inhabited(namespace) || !Direction::ALL.into_iter().any(isolates) {
            continue;
        }
        let missing: Vec<&str> = Direction::ALL
            .into_iter()
            .filter(|direction| !is_denied_by_default(subject, namespace, *direction))
            .map(Direction::key)
            .collect();
        let severity = match missing.as_slice() {
            [] => continue,
            ["egress"] => Severity::Info,
            _ => Severity::Low,
        };
        let message = format!(
            "no policy isolates all pods of {namespace} for {}: one that comes tomorrow is open",
            missing.join(" and ")
        );
        let fix = if severity == Severity::Info {
            Err("what the pods need to reach is not in the manifest".to_owned())
        } else {
            Ok(deny(subject, namespace))
        };
        flaws.add(index, name(), missing.join(" "), message).severity(severity).fix(fix);
    }
}

/// Whether a policy isolates all pods of a namespace, or one of administrators denies something for all of them.
fn is_denied_by_default(subject: &Subject<'_>, namespace: &str, direction: Direction) -> bool {
    subject.cluster.policies.iter().any(|policy| {
        let Some(rules) = policy.rules(direction) else { return false };
        let denies = policy.kind == PolicyKind::NetworkPolicy
            || rules.iter().any(|rule| rule.action == Action::Deny && policy.tier != Tier::Namespaced);
        let all = policy
            .subject
            .iter()
            .any(|set| set.pods.is_everything() && subject.cluster.has_namespace(&set.namespaces, namespace));
        denies && all
    })
}
