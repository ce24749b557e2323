//! What a service mesh and a network plugin need, and what policies take from them.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::{cis, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::subject::named;
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, and_more, cover, mapping, reviewed};
use crate::cluster::Pod;
use crate::policy::{Action, Direction, Namespaces, Peer, Policy, PolicyKind, Rule, Tier};
use crate::port::{Port, PortMatch, Protocol};

pub(super) const CUT_OFF: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-034",
        name: "mesh-cut-off",
        severity: Severity::Medium,
        summary: "policies take from the pods of a mesh the ports that it needs",
        what: "Pods with a sidecar of Istio (by the labels of namespace and pod: `istio-injection`, `istio.io/rev`, \
               `sidecar.istio.io/inject`) are isolated for `egress`, and no rule may let them out to TCP 15012, where istiod is. Or pods in \
               ambient mode (`istio.io/dataplane-mode: ambient`) are isolated for `ingress` by rules that list ports, and none lists TCP \
               15008, where all traffic of the mesh arrives; or for `egress`, with a rule for TCP ports of other pods, and none lists 15008, for which it leaves.",
        why: "A sidecar that does not reach istiod gets no certificate and no configuration, and its pod does not become ready. In ambient \
              mode the port of the program is inside of the tunnel: a rule for it alone denies every connection of the mesh.",
        fix: "Allow TCP 15012 towards `app: istiod` in `istio-system` for pods with sidecars; allow TCP 15008 beside the ports of the \
              program for pods in ambient mode. The tunnel carries every port: which of them pods of the mesh may reach, an AuthorizationPolicy must then \
              say.",
        bad: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio.io/dataplane-mode: ambient
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector: {}
    ports:
    - protocol: TCP
      port: 8080
---
kind: Pod
metadata:
  name: api
  namespace: shop
spec:
  containers:
  - name: api
    ports:
    - containerPort: 8080
",
        good: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio.io/dataplane-mode: ambient
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector: {}
    ports:
    - protocol: TCP
      port: 8080
    - protocol: TCP
      port: 15008
---
kind: Pod
metadata:
  name: api
  namespace: shop
spec:
  containers:
  - name: api
    ports:
    - containerPort: 8080
",
        versions: EVERY_VERSION,
        references: &[
            "https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio",
            "https://istio.io/latest/docs/ambient/usage/networkpolicy/",
        ],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: cut_off,
};

pub(super) const UNENFORCED: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-035",
        name: "policies-not-enforced",
        severity: Severity::High,
        summary: "the network plugin of the cluster does not enforce NetworkPolicies",
        what: "The input holds NetworkPolicies and the DaemonSet of flannel, and no program that enforces them: none of Calico (Canal), \
               Cilium, Antrea, kube-router, Weave Net, OVN-Kubernetes or kube-network-policies. It is said once, of the DaemonSet.",
        why: "The API server takes NetworkPolicies whoever enforces them. Where nobody does, every pod reaches every other, and nothing says so.",
        fix: "Use a plugin that enforces them, or run one that does beside flannel: `netpol.enabled=true` of flannel's chart runs \
              kube-network-policies.",
        bad: "\
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: kube-flannel-ds
  namespace: kube-flannel
spec:
  selector:
    matchLabels:
      app: flannel
  template:
    metadata:
      labels:
        app: flannel
    spec:
      hostNetwork: true
      containers:
      - name: kube-flannel
        image: ghcr.io/flannel-io/flannel:v0.27.4
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
        good: "\
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: kube-flannel-ds
  namespace: kube-flannel
spec:
  selector:
    matchLabels:
      app: flannel
  template:
    metadata:
      labels:
        app: flannel
    spec:
      hostNetwork: true
      containers:
      - name: kube-flannel
        image: ghcr.io/flannel-io/flannel:v0.27.4
      - name: kube-network-policies
        image: registry.k8s.io/networking/kube-network-policies:v1.0.0
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
        references: &[POLICIES, "https://github.com/flannel-io/flannel/blob/master/Documentation/netpol.md"],
        controls: &[cis("5.3.1"), nsa("Network policies")],
    },
    fix: Fixable::ByHand("which plugin the cluster is to have is not in the manifest"),
    find: unenforced,
};

const ISTIOD: Port = Port { protocol: Protocol::Tcp, number: 15012 };
const TUNNEL: Port = Port { protocol: Protocol::Tcp, number: 15008 };

/// How a pod is in a mesh, by its labels and those of its namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sidecar,
    Ambient,
}

/// Source: the injection policy in "Installing the sidecar" and "Add workloads to the mesh" in the documentation of Istio; a label of the
/// pod wins over that of its namespace.
fn mode_of(subject: &Subject<'_>, pod: &Pod) -> Option<Mode> {
    let namespace = subject.cluster.namespaces.get(&pod.namespace);
    let of_namespace = |key: &str| namespace.and_then(|labels| labels.get(key));
    let ambient =
        pod.labels.get("istio.io/dataplane-mode").or_else(|| of_namespace("istio.io/dataplane-mode"));
    let injected = match pod.labels.get("sidecar.istio.io/inject") {
        Some(inject) => inject == "true",
        None => match of_namespace("istio-injection") {
            Some(injection) => injection == "enabled",
            None => pod.labels.get("istio.io/rev").is_some() || of_namespace("istio.io/rev").is_some(),
        },
    };
    match (ambient, injected) {
        (Some("ambient"), _) => Some(Mode::Ambient),
        (_, true) => Some(Mode::Sidecar),
        _ => None,
    }
}

/// The rules about a class in a direction that allow something.
fn rules_about<'s>(
    subject: &Subject<'s>,
    class: u32,
    direction: Direction,
) -> Vec<(&'s Policy, usize, &'s Rule)> {
    let pods = &subject.engine.classes().get(class).pods;
    let Some(pod) = pods.first().map(|pod| &subject.cluster.pods[*pod]) else { return Vec::new() };
    let policies = subject.cluster.policies.iter();
    policies
        .filter(|policy| subject.cluster.selects(policy, pod))
        .flat_map(|policy| {
            let rules = policy.rules(direction).into_iter().flatten().enumerate();
            rules.map(move |(number, rule)| (policy, number, rule))
        })
        .filter(|(_, _, rule)| rule.action != Action::Deny)
        .collect()
}

fn takes(rule: &Rule, port: Port) -> bool {
    rule.ports.as_ref().is_none_or(|ports| cover::numbers(ports).contains(port))
}

/// Whether istiod may be among the peers of a rule.
fn may_be_istiod(rule: &Rule) -> bool {
    let is_mesh = |namespace: &str| namespace.contains("istio") || namespace.contains("mesh");
    let may_be = |peer: &Peer| match peer {
        Peer::Pods(set) => match &set.namespaces {
            Namespaces::Own(name) => is_mesh(name),
            Namespaces::Selected(selector) => {
                named(selector).is_none_or(|names| names.iter().any(|name| is_mesh(name)))
            }
        },
        peer => *peer != Peer::Nothing,
    };
    rule.peers.as_ref().is_none_or(|peers| peers.iter().any(may_be))
}

/// Whether a rule lets pods out to a TCP port of other pods, besides the one of DNS.
fn may_call_mesh(rule: &Rule) -> bool {
    let is_pods = |peer: &Peer| matches!(peer, Peer::Pods(_));
    let is_tcp = |port: &PortMatch| {
        matches!(port, PortMatch::Range { protocol: Protocol::Tcp, first, last } if (*first, *last) != (53, 53))
            || matches!(port, PortMatch::Named { protocol, .. } if protocol.is_none_or(|one| one == Protocol::Tcp))
    };
    rule.peers.as_ref().is_none_or(|peers| peers.iter().any(is_pods))
        && rule.ports.as_ref().is_some_and(|ports| ports.iter().any(is_tcp))
}

fn cut_off(subject: &Subject<'_>, flaws: &mut Flaws) {
    let classes = subject.engine.classes();
    // By policy and rule: the pods.
    let mut without_istiod: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let mut without_tunnel: BTreeMap<(usize, Direction, usize), BTreeSet<String>> = BTreeMap::new();
    let ways = [
        (Mode::Sidecar, Direction::Egress),
        (Mode::Ambient, Direction::Ingress),
        (Mode::Ambient, Direction::Egress),
    ];
    for (number, class) in classes.iter().filter(|(_, class)| class.is_pod) {
        for (mode, direction) in ways {
            let pods = class.pods.iter().map(|pod| &subject.cluster.pods[*pod]);
            let names: BTreeSet<String> =
                pods.filter(|pod| mode_of(subject, pod) == Some(mode)).map(|pod| subject.who(pod)).collect();
            if names.is_empty() {
                continue;
            }
            if class.foreign[direction as usize] {
                continue;
            }
            let mut isolating: Vec<&Policy> = subject.isolating(direction, number).collect();
            // What isolates all pods is where the rule is missing.
            isolating.sort_by_key(|policy| !policy.subject.iter().all(|set| set.pods.is_everything()));
            let Some(policy) = isolating.first() else { continue };
            let rules = rules_about(subject, number, direction);
            if mode == Mode::Sidecar {
                let any = |(_, _, rule): &(&Policy, usize, &Rule)| takes(rule, ISTIOD) && may_be_istiod(rule);
                if !rules.iter().any(any) {
                    without_istiod.entry(policy.object).or_default().extend(names);
                }
            } else if !rules.iter().any(|(_, _, rule)| takes(rule, TUNNEL)) {
                let mut of_namespaces = rules.iter().filter(|(policy, ..)| policy.tier == Tier::Namespaced);
                let first =
                    of_namespaces.find(|(_, _, rule)| direction == Direction::Ingress || may_call_mesh(rule));
                if let Some((policy, rule, _)) = first {
                    without_tunnel.entry((policy.object, direction, *rule)).or_default().extend(names);
                }
            }
        }
    }
    for (object, names) in without_istiod {
        let Some(first) = names.first() else { continue };
        let witness = format!("{first} -> istio-system/istiod {ISTIOD}");
        let message = format!(
            "cuts the sidecar of {first}{} off from istiod: no rule lets it out to {ISTIOD}",
            and_more(names.len() - 1)
        );
        flaws.add(object, FieldPath::keys(&["spec"]), witness, message);
    }
    for ((object, direction, rule), names) in without_tunnel {
        let Some(first) = names.first() else { continue };
        let way = if direction == Direction::Ingress { "arrives on" } else { "leaves for" };
        let message = format!(
            "denies {first}{} all traffic of the mesh, which {way} {TUNNEL} in ambient mode, whatever the program's port",
            and_more(names.len() - 1)
        );
        let path = Policy::rule_path(direction, rule);
        let number = Value::Integer(TUNNEL.number.into());
        let value = mapping([("protocol", Value::from("TCP")), ("port", number)]);
        let change = Change::Append { path: path.clone().key("ports"), value };
        let fix = reviewed(
            format!("allow {TUNNEL} too"),
            "the tunnel carries every port: which of them pods of the mesh may reach is then for an AuthorizationPolicy to say, in `to.operation.ports`",
            vec![change],
        );
        flaws.add(object, path, format!("{first} {TUNNEL}"), message).fix(Ok(fix));
    }
}

// Who enforces policies

fn unenforced(subject: &Subject<'_>, flaws: &mut Flaws) {
    /// Parts of the names of containers' images of programs that enforce policies.
    const ENFORCERS: [&str; 12] = [
        "calico/node",
        "calico-node",
        "cilium/cilium",
        "cilium-agent",
        "antrea",
        "kube-router",
        "weave-npc",
        "ovn-kube",
        "kube-ovn",
        "kube-network-policies",
        "aws-network-policy-agent",
        "azure-npm",
    ];
    if !subject.cluster.policies.iter().any(|policy| policy.kind == PolicyKind::NetworkPolicy) {
        return;
    }
    let mut flannel = None;
    for (index, object) in subject.snapshot.objects() {
        if !object.is("apps", "DaemonSet") && !object.is("extensions", "DaemonSet") {
            continue;
        }
        let containers = object.root().at(&["spec", "template", "spec", "containers"]);
        for container in containers.into_iter().flat_map(Node::items) {
            let image = container.str_at(&["image"]).unwrap_or_default();
            let name = container.str_at(&["name"]).unwrap_or_default();
            if ENFORCERS.iter().any(|part| image.contains(part) || name.contains(part)) {
                return;
            }
            // Where Calico is beside it (Canal) its name is another.
            if image.contains("flannel-io/flannel:") || image.contains("/flannel:") || name == "kube-flannel"
            {
                flannel = Some(index);
            }
        }
    }
    if let Some(index) = flannel {
        let policies = subject.cluster.policies.iter();
        let count = policies.filter(|policy| policy.kind == PolicyKind::NetworkPolicy).count();
        let message = format!(
            "flannel does not enforce NetworkPolicies, and nothing here does: {}",
            if count == 1 {
                "the one that is here denies nothing".to_owned()
            } else {
                format!("the {count} that are here deny nothing")
            }
        );
        flaws.add(index, FieldPath::keys(&["metadata", "name"]), "flannel", message);
    }
}
