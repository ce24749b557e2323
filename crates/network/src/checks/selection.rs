//! Selectors of pods that select none, or none that policies are about.

use std::collections::BTreeSet;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::selector::{Operator, Requirement, Selector};
use ringwall_model::tree::{Kind, Node};
use ringwall_model::workload;

use super::subject::{Placed, named};
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, dns, labels, nearest, reviewed, slips};
use crate::cluster::Pod;
use crate::policy::{Namespaces, Peer, PodSet, Policy, PolicyKind};

pub(super) const NO_SUBJECT: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-007",
        name: "policy-without-pods",
        severity: Severity::Medium,
        summary: "a policy selects no pod",
        what: "The `podSelector` of a NetworkPolicy (the `subject` of an administrator's policy) selects no pod, though the input holds \
               pods of the namespace; or it holds none of that namespace, and pods beside the policy, of another namespace, have the labels \
               (the severity is low then: most often `metadata.namespace` was forgotten). Pods that a controller makes and labels are not known: nothing is said where the label's key has a \
               domain that no pod's label has, where it is `true` and for whoever wants it, where a custom object of the namespace has these labels or this name, and where Helm or \
               another program brings pods into the namespace.",
        why: "The pods that were meant are not isolated by it: everyone may reach them, and they may reach everyone, while the policy \
              is there to be read.",
        fix: "Correct the selector, so that it has the labels of the pods' template.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: databse
  policyTypes: [Ingress]
---
kind: Pod
metadata:
  name: database
  namespace: shop
  labels:
    app: database
spec:
  containers:
  - name: postgres
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: database
  policyTypes: [Ingress]
---
kind: Pod
metadata:
  name: database
  namespace: shop
  labels:
    app: database
spec:
  containers:
  - name: postgres
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: no_subject,
};

pub(super) const NO_PEER: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-008",
        name: "peer-without-pods",
        severity: Severity::Low,
        summary: "a rule names pods of which there are none",
        what: "A peer of a rule selects no pod, though the input holds pods of every namespace in which it looks. A `podSelector` that \
               stands alone looks in the policy's own namespace. What is said of [RW-NET-007](RW-NET-007.md) about pods that are not \
               known holds here too.",
        why: "The rule allows nothing: the connection that was meant is denied. Whoever may make pods with these labels gets it.",
        fix: "Correct the selector, or put a `namespaceSelector` beside it where the pods are in another namespace.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: database
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: checkuot
---
kind: Pod
metadata:
  name: database
  namespace: shop
  labels:
    app: database
spec:
  containers:
  - name: postgres
---
kind: Pod
metadata:
  name: checkout
  namespace: shop
  labels:
    app: checkout
spec:
  containers:
  - name: checkout
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: database
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: checkout
---
kind: Pod
metadata:
  name: database
  namespace: shop
  labels:
    app: database
spec:
  containers:
  - name: postgres
---
kind: Pod
metadata:
  name: checkout
  namespace: shop
  labels:
    app: checkout
spec:
  containers:
  - name: checkout
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: no_peer,
};

pub(super) const ON_HOST: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-009",
        name: "host-network-pods-selected",
        severity: Severity::Medium,
        summary: "a selector means pods that are on the network of their node, where no policy is about them",
        what: "All pods that the `podSelector` of a policy or of a peer would select have `hostNetwork: true`; or, for a policy, are over \
               (`Succeeded`, `Failed`). The severity is low for a peer, and for pods that are over.",
        why: "A pod on the network of its node has the node's address, and traffic of the one cannot be told from that of the other. A \
              policy that selects it isolates nothing; a peer that selects it allows nothing.",
        fix: "Take the pod off the node's network, or guard the node by other means. As a peer, name the addresses of the nodes in an \
              `ipBlock`.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: agent
  namespace: monitoring
spec:
  podSelector:
    matchLabels:
      app: agent
  policyTypes: [Ingress]
---
kind: Pod
metadata:
  name: agent
  namespace: monitoring
  labels:
    app: agent
spec:
  hostNetwork: true
  containers:
  - name: agent
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: agent
  namespace: monitoring
spec:
  podSelector:
    matchLabels:
      app: agent
  policyTypes: [Ingress]
---
kind: Pod
metadata:
  name: agent
  namespace: monitoring
  labels:
    app: agent
spec:
  containers:
  - name: agent
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByHand("whether the pod needs the network of its node is not in the manifest"),
    find: on_host,
};

/// The pods that a set would hold if policies were about all pods.
fn would_hold<'s>(subject: &Subject<'s>, set: &PodSet) -> Vec<&'s Pod> {
    let namespaces = subject.namespaces_of(set);
    let pods = namespaces.iter().flat_map(|name| subject.pods_in(name));
    let pods = pods.map(|pod| &subject.cluster.pods[*pod]);
    pods.filter(|pod| set.pods.matches(|key| pod.labels.get(key))).collect()
}

/// The namespaces in which a set of a policy looks, where the input holds pods of each, and of no other that it may mean.
fn looked_in<'s>(subject: &Subject<'s>, policy: &Policy, set: &'s PodSet) -> Option<Vec<&'s str>> {
    let beside = |name: &str| {
        subject
            .pods_in(name)
            .iter()
            .any(|pod| subject.are_together(policy.object, subject.cluster.pods[*pod].object))
    };
    if matches!(&set.namespaces, Namespaces::Own(name) if !beside(name)) {
        return None;
    }
    let known = subject.namespaces_of(set);
    let names: Vec<&str> = match &set.namespaces {
        Namespaces::Own(name) => vec![name],
        // Namespaces that are meant by a label may be another file's.
        Namespaces::Selected(selector) if selector.is_everything() && !subject.holds_all_pods() => {
            return None;
        }
        Namespaces::Selected(selector) => match named(selector) {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => known,
        },
    };
    let inhabited = || names.iter().all(|name| subject.is_inhabited(name));
    let some = names.iter().any(|name| subject.is_inhabited(name));
    let enough = if subject.holds_all_pods() { some } else { inhabited() };
    (enough && !names.is_empty()).then_some(names)
}

/// Whether pods with such labels may be made by something whose pods the input does not show.
pub(super) fn may_be_made(subject: &Subject<'_>, namespaces: &[&str], selector: &Selector) -> bool {
    /// Labels that controllers of the cluster put on what they make.
    const OF_CONTROLLERS: [&str; 4] =
        ["job-name", "controller-uid", "pod-template-hash", "controller-revision-hash"];
    /// Objects that bring pods of which nothing is written.
    const BRINGERS: [&str; 8] = [
        "HelmRelease",
        "HelmChart",
        "HelmChartConfig",
        "Application",
        "ApplicationSet",
        "Bundle",
        "Subscription",
        "Kustomization",
    ];
    let demanded = || {
        let requirements = selector.requirements().iter();
        requirements.filter(|requirement| matches!(requirement.operator, Operator::In | Operator::Exists))
    };
    // A selector that only leaves pods out is about those that will come; a label that is `true` is for whoever wants it.
    let is_opted = |requirement: &Requirement| {
        requirement.operator == Operator::In
            && matches!(requirement.values.as_slice(), [value] if matches!(value.as_str(), "true" | "yes" | "enabled" | "allow" | "allowed"))
            && !subject.is_pod_key(&requirement.key)
    };
    if demanded().next().is_none() || demanded().any(is_opted) {
        return true;
    }
    let is_controllers = demanded().any(|requirement| {
        let key = requirement.key.as_str();
        let of_a_domain =
            key.contains('/') && !key.starts_with("app.kubernetes.io/") && !subject.is_pod_key(key);
        of_a_domain || OF_CONTROLLERS.contains(&key)
    });
    if is_controllers {
        return true;
    }
    subject.snapshot.objects().map(|(_, object)| object).any(|object| {
        let here = object.id.namespace.as_deref().is_none_or(|namespace| namespaces.contains(&namespace));
        if !here || !is_custom(object) {
            return false;
        }
        let is_named = || demanded().any(|requirement| requirement.values.contains(&object.id.name));
        BRINGERS.contains(&object.id.kind.as_str()) || is_named() || holds_labels(object.root(), selector)
    })
}

/// Whether it is of a kind that Kubernetes does not have itself, and no policy.
fn is_custom(object: &Object) -> bool {
    let group = object.id.group.as_str();
    let built_in = group.is_empty()
        || group.ends_with(".k8s.io")
        || matches!(group, "apps" | "batch" | "autoscaling" | "policy" | "extensions");
    !built_in && workload::of(object).is_none() && PolicyKind::of(object).is_none()
}

/// Whether somewhere in it labels are written that the selector demands.
fn holds_labels(node: Node<'_>, selector: &Selector) -> bool {
    let is_labels = |key: &str| key == "labels" || key.ends_with("Labels");
    node.entries().any(|entry| {
        let value = entry.value;
        let meets = || selector.matches(|key| value.get(key).and_then(Node::as_str));
        (value.kind() == Kind::Mapping && is_labels(entry.key) && entry.key != "matchLabels" && meets())
            || holds_labels(value, selector)
    }) || node.items().any(|item| holds_labels(item, selector))
}

/// The demand of a selector that no pod of the namespaces meets, if one alone is the reason; and the value that may be meant.
fn reason<'s>(
    subject: &Subject<'s>,
    namespaces: &[&str],
    selector: &'s Selector,
) -> Option<(&'s Requirement, Option<&'s str>)> {
    let pods =
        || namespaces.iter().flat_map(|name| subject.pods_in(name)).map(|pod| &subject.cluster.pods[*pod]);
    let requirement = selector.requirements().iter().find(|requirement| {
        let alone = Selector::one((*requirement).clone());
        !pods().any(|pod| alone.matches(|key| pod.labels.get(key)))
    })?;
    let known: BTreeSet<&str> = pods().filter_map(|pod| pod.labels.get(&requirement.key)).collect();
    let meant = match requirement.values.as_slice() {
        [value] if requirement.operator == Operator::In => nearest(value, known.into_iter()),
        _ => None,
    };
    Some((requirement, meant))
}

/// What is said of a selector that selects nothing: which label no pod has, and how it is mended.
fn described(
    subject: &Subject<'_>,
    policy: &Policy,
    path: &FieldPath,
    namespaces: &[&str],
    selector: &Selector,
) -> (FieldPath, String, String, Result<Fix, String>) {
    let of = match namespaces {
        [name] => name.to_string(),
        [name, ..] => format!("{name}{}", super::and_more(namespaces.len() - 1)),
        [] => String::new(),
    };
    let unknown = || Err("which pods are meant is not in the manifest".to_owned());
    let Some((requirement, meant)) = reason(subject, namespaces, selector) else {
        let all: Vec<String> = selector.requirements().iter().map(labels::read).collect();
        let all = all.join(", ");
        return (path.clone(), all.clone(), format!("no pod of {of} has all of the labels {all}"), unknown());
    };
    let label = labels::read(requirement);
    let at = subject.requirement_path(policy, path, requirement);
    let hint = meant.map_or_else(String::new, |meant| format!("; \"{meant}\" may be meant"));
    let not = matches!(requirement.operator, Operator::NotIn | Operator::DoesNotExist);
    let message = if not {
        format!("every pod of {of} has the label {label}, which the selector leaves out")
    } else {
        format!("no pod of {of} has the label {label}{hint}")
    };
    let fix = match meant {
        Some(meant) => correct(subject, policy, &at, meant),
        None => unknown(),
    };
    (at, label, message, fix)
}

fn correct(subject: &Subject<'_>, policy: &Policy, path: &FieldPath, meant: &str) -> Result<Fix, String> {
    if subject.node(policy, path).and_then(Node::as_str).is_none() {
        return Err("the label is not written as a value".to_owned());
    }
    let changes = vec![Change::Set { path: path.clone(), value: Value::from(meant) }];
    Ok(reviewed(format!("select \"{meant}\""), "whether these pods are meant", changes))
}

fn no_subject(subject: &Subject<'_>, flaws: &mut Flaws) {
    for policy in &subject.cluster.policies {
        let [set] = policy.subject.as_slice() else { continue };
        if !subject.subjects(policy).is_empty() || !would_hold(subject, set).is_empty() {
            continue;
        }
        let Some(namespaces) = looked_in(subject, policy, set) else {
            misplaced(subject, policy, set, flaws);
            continue;
        };
        if set.pods.is_everything() || may_be_made(subject, &namespaces, &set.pods) {
            continue;
        }
        let path = match policy.kind {
            PolicyKind::NetworkPolicy => FieldPath::keys(&["spec", "podSelector"]),
            _ => FieldPath::keys(&["spec", "subject", "pods", "podSelector"]),
        };
        let (at, witness, message, fix) = described(subject, policy, &path, &namespaces, &set.pods);
        flaws.add(policy.object, at, witness, format!("selects no pod: {message}")).fix(fix);
    }
}

/// A policy in a namespace of which no pod is in the input, though pods of another one that are beside it are what it selects.
fn misplaced(subject: &Subject<'_>, policy: &Policy, set: &PodSet, flaws: &mut Flaws) {
    let Namespaces::Own(own) = &set.namespaces else { return };
    if !subject.pods_in(own).is_empty() || may_be_made(subject, &[own.as_str()], &set.pods) {
        return;
    }
    let mut others = subject.cluster.pods.iter().filter(|pod| {
        pod.is_subject()
            && set.pods.matches(|key| pod.labels.get(key))
            && subject.are_beside(policy.object, pod.object)
    });
    let Some(pod) = others.next() else { return };
    let path = FieldPath::keys(&["metadata", "namespace"]);
    let message = format!(
        "selects no pod: {}, which has the labels that it asks for, is of another namespace, and the policy is in {own}",
        subject.who(pod)
    );
    let selector = FieldPath::keys(&["spec", "podSelector"]);
    flaws
        .add(policy.object, path, subject.who(pod), message)
        .severity(Severity::Low)
        .related(policy.object, selector);
}

fn no_peer(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules() {
        let slip = slips::split(subject, &placed);
        for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
            let Peer::Pods(set) = peer else { continue };
            if !subject.peers(peer).is_empty()
                || set.pods.is_everything()
                || !would_hold(subject, set).is_empty()
                || slip.is_some_and(|slip| slip.pods == at)
                || dns::is_missed(subject, &placed)
            {
                continue;
            }
            let Some(namespaces) = looked_in(subject, placed.policy, set) else { continue };
            if may_be_made(subject, &namespaces, &set.pods) {
                continue;
            }
            let path = match placed.policy.kind {
                PolicyKind::NetworkPolicy => placed.peer_path(at).key("podSelector"),
                _ => placed.peer_path(at).key("pods").key("podSelector"),
            };
            let (path, witness, message, fix) =
                described(subject, placed.policy, &path, &namespaces, &set.pods);
            let elsewhere = elsewhere(subject, &placed, set);
            let message = format!("allows nothing: {message}{elsewhere}");
            flaws.add(placed.policy.object, path, witness, message).fix(fix);
        }
    }
}

/// A word about pods of another namespace that have the labels, where a selector looks in its own.
fn elsewhere(subject: &Subject<'_>, placed: &Placed<'_>, set: &PodSet) -> String {
    let Namespaces::Own(own) = &set.namespaces else { return String::new() };
    let mut others = subject.cluster.pods.iter().filter(|pod| {
        pod.is_subject() && pod.namespace != *own && set.pods.matches(|key| pod.labels.get(key))
    });
    let Some(pod) = others.next() else { return String::new() };
    format!(
        "; {} has it, and {} is not where a podSelector alone looks",
        subject.who(pod),
        placed.policy.namespace.as_ref().map_or("that", |_| "its namespace")
    )
}

fn on_host(subject: &Subject<'_>, flaws: &mut Flaws) {
    for policy in &subject.cluster.policies {
        let [set] = policy.subject.as_slice() else { continue };
        if !subject.subjects(policy).is_empty() {
            continue;
        }
        let pods = would_hold(subject, set);
        // What has ended may be one of many that a controller makes anew.
        let comes_again = |pod: &&Pod| {
            let kind = subject.cluster.workloads[pod.workload].kind.as_str();
            pod.finished && !matches!(kind, "Pod" | "Job")
        };
        if pods.is_empty() || pods.iter().any(comes_again) {
            continue;
        }
        let path = match policy.kind {
            PolicyKind::NetworkPolicy => FieldPath::keys(&["spec", "podSelector"]),
            _ => FieldPath::keys(&["spec", "subject"]),
        };
        let who = subject.who(pods[0]);
        let more = super::and_more(pods.len() - 1);
        let over = pods.iter().all(|pod| pod.finished);
        let message = if over {
            format!("selects only pods that are over: {who}{more}")
        } else {
            format!("isolates nothing: {who}{more}, which it selects, is on the network of its node")
        };
        let flaw = flaws.add(policy.object, path, who, message);
        if over {
            flaw.severity(Severity::Low);
        }
    }
    for placed in subject.rules() {
        for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
            let Peer::Pods(set) = peer else { continue };
            if !subject.peers(peer).is_empty() || dns::is_missed(subject, &placed) {
                continue;
            }
            let pods = would_hold(subject, set);
            if pods.is_empty() || !pods.iter().all(|pod| pod.host_network) {
                continue;
            }
            let who = subject.who(pods[0]);
            let more = super::and_more(pods.len() - 1);
            let message =
                format!("allows nothing: {who}{more}, which it names, is on the network of its node");
            flaws.add(placed.policy.object, placed.peer_path(at), who, message).severity(Severity::Low);
        }
    }
}
