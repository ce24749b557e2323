//! Ports of rules that no pod has.

use std::collections::BTreeSet;

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};

use super::subject::Placed;
use super::{
    EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, and_more, is_near, mapping, reviewed, services,
};
use crate::policy::{Direction, Peer, PolicyKind};
use crate::port::{DeclaredPort, Port, PortMatch, Protocol};
use crate::port_set::PortSet;

pub(super) const NAME: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-015",
        name: "unmet-port-name",
        severity: Severity::Medium,
        summary: "a rule names a port by a name that no pod's port has",
        what: "A rule lists a port by name, and of the receiving pods that the input holds (those of the policy for `ingress`, the peers' \
               for `egress`) none declares a container port with that name and protocol; or the peers are addresses outside, which have \
               no names. That some of the pods have no such port is usual, and nothing is said of it.",
        why: "A name stands for the number that each receiving pod declares under it; where there is none, the rule allows nothing. \
              It is the name in the pod's `ports` that counts, not that of the Service's port.",
        fix: "Write the name that the containers' `ports` have, or the number.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: metrics
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: monitoring
    ports:
    - port: metrics
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
    ports:
    - name: http-metrics
      containerPort: 9090
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: metrics
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: monitoring
    ports:
    - port: http-metrics
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
    ports:
    - name: http-metrics
      containerPort: 9090
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: unmet_names,
};

pub(super) const UNDECLARED: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-016",
        name: "undeclared-port",
        severity: Severity::Info,
        summary: "a rule allows a port that none of the pods declares",
        what: "A rule lists a port by number. All receiving pods that the input holds declare ports, and none declares this one, nor one \
               of the range. Ports that a service mesh opens in a pod (15000 to 15099) are not meant.",
        why: "Declaring a port opens nothing, so a pod may listen on others. More often the number is that of the Service, while \
              policies see the pod's; or the port was moved and the rule was not.",
        fix: "Write the port on which the pod listens, or declare it in the container's `ports`.",
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
  ingress:
  - ports:
    - protocol: TCP
      port: 80
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
    ports:
    - containerPort: 8080
",
        good: "\
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
  ingress:
  - ports:
    - protocol: TCP
      port: 8080
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
    ports:
    - containerPort: 8080
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByHand("which port the pods listen on is not in the manifest"),
    find: undeclared,
};

pub(super) const ALL_PORTS: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-017",
        name: "all-ports-allowed",
        severity: Severity::Info,
        summary: "a rule opens all ports of pods that declare theirs",
        what: "A rule for `ingress` of a NetworkPolicy with a `podSelector` names its peers and no `ports`, and all pods of the policy that \
               the input holds declare the ports that they listen on.",
        why: "The peers reach whatever else listens in the pods: a debugger, metrics, the port of a sidecar.",
        fix: "List the `ports` that the peers need.",
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
kind: Pod
metadata:
  name: api
  namespace: shop
  labels:
    app: api
spec:
  containers:
  - name: api
    ports:
    - containerPort: 8080
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
    ports:
    - protocol: TCP
      port: 8080
---
kind: Pod
metadata:
  name: api
  namespace: shop
  labels:
    app: api
spec:
  containers:
  - name: api
    ports:
    - containerPort: 8080
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies"), mitre("T1046")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: all_ports,
};

/// The classes of the pods that receive what a rule is about, where the input holds some for each of the rule's peers.
pub(super) fn receivers(subject: &Subject<'_>, placed: &Placed<'_>) -> Vec<u32> {
    if placed.direction == Direction::Ingress {
        return subject.subjects(placed.policy);
    }
    let Some(peers) = &placed.rule.peers else { return Vec::new() };
    let mut classes = Vec::new();
    for peer in peers {
        let held = subject.peers(peer);
        if peer.pods().is_none() || held.is_empty() {
            return Vec::new();
        }
        classes.extend_from_slice(held);
    }
    classes.sort_unstable();
    classes.dedup();
    classes
}

fn unmet_names(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules() {
        for (at, port) in placed.rule.ports.iter().flatten().enumerate() {
            let PortMatch::Named { name, protocol } = port else { continue };
            let called = protocol.map_or_else(|| name.clone(), |protocol| format!("{protocol} {name}"));
            if is_outside(subject, &placed) {
                let message = format!(
                    "allows nothing: the peers are addresses outside, where no port is called \"{name}\""
                );
                flaws.add(placed.policy.object, placed.port_path(at), called, message);
                continue;
            }
            let classes = receivers(subject, &placed);
            if classes.iter().any(|class| !subject.resolve(port, *class).is_empty()) {
                continue;
            }
            let Some((who, more)) = subject.called(&classes) else { continue };
            let declared = declared(subject, &classes);
            let (hint, meant) = meant(&declared, name, *protocol);
            let message = match more {
                0 => format!("allows nothing: {who} has no port called \"{called}\"{hint}"),
                more => format!(
                    "allows nothing: no pod of {who}{} has a port called \"{called}\"{hint}",
                    and_more(more)
                ),
            };
            let fix = match (meant, placed.policy.kind) {
                (Some(meant), PolicyKind::NetworkPolicy) => Ok(rename(&placed, at, meant)),
                _ => Err("which port is meant is not in the manifest".to_owned()),
            };
            flaws.add(placed.policy.object, placed.port_path(at), called, message).fix(fix);
        }
    }
}

/// What the pods of some classes declare, each once.
fn declared<'s>(subject: &Subject<'s>, classes: &[u32]) -> BTreeSet<&'s DeclaredPort> {
    let pods = classes.iter().flat_map(|class| &subject.engine.classes().get(*class).pods);
    pods.flat_map(|pod| &subject.cluster.pods[*pod].ports).collect()
}

fn rename(placed: &Placed<'_>, at: usize, meant: &str) -> Fix {
    let change = Change::Set { path: placed.port_path(at).key("port"), value: Value::from(meant) };
    reviewed(format!("name the port \"{meant}\""), "whether this port is meant", vec![change])
}

/// Whether all peers are addresses that no pod has.
fn is_outside(subject: &Subject<'_>, placed: &Placed<'_>) -> bool {
    let Some(peers) = &placed.rule.peers else { return false };
    let classes = subject.engine.classes();
    let outside = |peer: &Peer| {
        let Peer::Addresses { blocks, .. } = peer else { return false };
        let pods = subject.peers(peer).iter().chain(
            classes.predicate(peer).into_iter().flat_map(|predicate| classes.perhaps_holding(predicate)),
        );
        let ranges = &subject.cluster.pod_ranges;
        let may_be_pods = blocks
            .iter()
            .any(|block| ranges.iter().any(|range| range.covers(*block) || block.covers(*range)));
        !may_be_pods && !pods.into_iter().any(|class| classes.get(*class).is_pod)
    };
    placed.direction == Direction::Egress && !peers.is_empty() && peers.iter().all(outside)
}

/// What the pods have instead, in words, and the one name that is much like what is asked for.
fn meant<'p>(
    declared: &BTreeSet<&'p DeclaredPort>,
    name: &str,
    protocol: Option<Protocol>,
) -> (String, Option<&'p str>) {
    if let Some(other) = declared.iter().find(|declared| declared.name == name) {
        return (format!("; the one of that name is {}", other.port), None);
    }
    let right = declared.iter().filter(|declared| {
        !declared.name.is_empty() && protocol.is_none_or(|protocol| protocol == declared.port.protocol)
    });
    let names: BTreeSet<&str> = right.map(|declared| declared.name.as_str()).collect();
    let mut like = names.iter().filter(|other| {
        other.contains(name) || (name.contains(**other) && other.len() > 2) || is_near(name, other)
    });
    let meant = match (like.next(), like.next()) {
        (Some(meant), None) => Some(*meant),
        _ => None,
    };
    let hint = match (meant, names.is_empty()) {
        (Some(meant), _) => format!("; \"{meant}\" may be meant"),
        (None, true) => String::new(),
        (None, false) => {
            let listed: Vec<&str> = names.iter().take(4).copied().collect();
            format!("; there is {}{}", listed.join(", "), and_more(names.len() - listed.len()))
        }
    };
    (hint, meant)
}

/// Ports that the proxies of a mesh listen on. Source: "Ports used by Istio" in the documentation of Istio.
const OF_MESHES: std::ops::RangeInclusive<u16> = 15000..=15099;

fn undeclared(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules() {
        let ports = placed.rule.ports.iter().flatten().enumerate();
        let mut received: Option<Vec<u32>> = None;
        for (at, port) in ports {
            let PortMatch::Range { protocol, first, last } = port else { continue };
            // All ports of a protocol are no port.
            if (*first <= 1 && *last == u16::MAX) || OF_MESHES.contains(first) {
                continue;
            }
            let classes = received.get_or_insert_with(|| receivers(subject, &placed));
            let asked = PortSet::range(*protocol, *first, *last);
            let may_listen = |class: &u32| {
                let declared = subject.declared(*class);
                declared.unknown || !declared.ports.and(&asked).is_empty()
            };
            if classes.iter().any(may_listen) {
                continue;
            }
            // What a Service in front of them is called by is said by another check.
            let one = Port { protocol: *protocol, number: *first };
            if first == last && services::meant_port(subject, classes, one).is_some() {
                continue;
            }
            let Some((who, more)) = subject.called(classes) else { continue };
            let more = and_more(more);
            let other =
                classes.iter().fold(PortSet::none(), |all, class| all.or(&subject.declared(*class).ports));
            let message = format!("allows {asked}, which {who}{more} does not declare: there is {other}");
            flaws.add(placed.policy.object, placed.port_path(at), asked.to_string(), message);
        }
    }
}

fn all_ports(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules_of(Direction::Ingress) {
        let is_narrow = placed.policy.subject.iter().all(|set| !set.pods.is_everything());
        if placed.policy.kind != PolicyKind::NetworkPolicy
            || !is_narrow
            || placed.rule.ports.is_some()
            || placed.rule.peers.is_none()
        {
            continue;
        }
        let classes = receivers(subject, &placed);
        if classes.iter().any(|class| subject.declared(*class).unknown) {
            continue;
        }
        let Some((who, more)) = subject.called(&classes) else { continue };
        let more = and_more(more);
        let pods = classes.iter().flat_map(|class| &subject.engine.classes().get(*class).pods);
        let sets: BTreeSet<BTreeSet<Port>> = pods
            .map(|pod| subject.cluster.pods[*pod].ports.iter().map(|declared| declared.port).collect())
            .collect();
        let all = sets.iter().flatten().fold(PortSet::none(), |all, port| all.or(&PortSet::one(*port)));
        let message =
            format!("opens all ports of {who}{more} to the peers, and not only what is declared: {all}");
        let fix = match sets.first().filter(|_| sets.len() == 1) {
            Some(ports) => {
                let entry = |port: &Port| {
                    let number = Value::Integer(port.number.into());
                    mapping([("protocol", Value::from(port.protocol.word())), ("port", number)])
                };
                let value = Value::List(ports.iter().map(entry).collect());
                let change = Change::Set { path: placed.path().key("ports"), value };
                Ok(reviewed("list the declared ports", "which of them the peers need", vec![change]))
            }
            None => Err("the pods declare ports of their own each".to_owned()),
        };
        flaws.add(placed.policy.object, placed.path(), all.to_string(), message).fix(fix);
    }
}
