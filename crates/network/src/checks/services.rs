//! Services whose pods policies close, and rules that speak of a Service where policies see its pods.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::address::{Address, Block};
use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::ports::receivers;
use super::subject::{Placed, a_port};
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, reviewed};
use crate::cluster::Pod;
use crate::policy::{Action, Direction, Peer, PolicyKind, Rule, Tier};
use crate::port::{Port, PortMatch};
use crate::port_set::PortSet;
use crate::services::{Service, ServiceKind, ServicePort};

const SERVICES: &str = "https://kubernetes.io/docs/concepts/services-networking/service/";

pub(super) const PORT: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-036",
        name: "service-port-in-policy",
        severity: Severity::Medium,
        summary: "a rule lists the port of a Service, and policies see that of the pods",
        what: "A rule lists a port by number, none of the receiving pods declares it, and a Service in front of them has this port and leads \
               to another one of the pods (`targetPort`). The severity is info where the rule lists that one too.",
        why: "Traffic to a Service is led to a pod and its port before policies are asked. The rule allows a port on which nobody listens, and \
              the one that is used is denied.",
        fix: "List the port of the pods: that of `targetPort`.",
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
    - podSelector: {}
    ports:
    - protocol: TCP
      port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
spec:
  selector:
    app: api
  ports:
  - port: 80
    targetPort: 8080
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
    - podSelector: {}
    ports:
    - protocol: TCP
      port: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
spec:
  selector:
    app: api
  ports:
  - port: 80
    targetPort: 8080
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
        references: &[POLICIES, SERVICES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: service_ports,
};

pub(super) const UNREACHABLE: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-038",
        name: "unreachable-service",
        severity: Severity::Medium,
        summary: "a Service leads to pods that policies let nobody in to",
        what: "All pods behind a Service are isolated for `ingress`, and on none of the ports to which it leads a rule may let anyone in. Of \
               Services that the outside is led to, [RW-NET-037](RW-NET-037.md) says it.",
        why: "The Service answers nobody. Most often a default deny was put into the namespace, and the rule that lets the clients in was \
              forgotten, or lists another port.",
        fix: "Let the clients in, on the port of the pods. Where nobody is to come, remove the Service.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
---
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
spec:
  selector:
    app: api
  ports:
  - port: 80
    targetPort: 8080
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
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector: {}
    ports:
    - protocol: TCP
      port: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
spec:
  selector:
    app: api
  ports:
  - port: 80
    targetPort: 8080
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
        references: &[POLICIES, SERVICES],
        controls: &[],
    },
    fix: Fixable::ByHand("who is to reach the Service is not in the manifest"),
    find: unreachable,
};

pub(super) const ADDRESS: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-040",
        name: "block-of-service-address",
        severity: Severity::Low,
        summary: "a block of addresses names a Service, whose address policies do not see",
        what: "An `ipBlock` (or `networks`) of a rule is the `clusterIP` of a Service in the input, or lies within the range of a ServiceCIDR.",
        why: "Most network plugins ask policies when the address of the Service has been replaced by that of a pod. The rule allows nothing, and \
              it is for the plugin to say: the API leaves it open.",
        fix: "Name the pods behind the Service, by `podSelector` and `namespaceSelector`.",
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
  policyTypes: [Egress]
  egress:
  - to:
    - ipBlock:
        cidr: 10.96.12.7/32
---
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
spec:
  clusterIP: 10.96.12.7
  selector:
    app: api
  ports:
  - port: 80
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
  policyTypes: [Egress]
  egress:
  - to:
    - podSelector:
        matchLabels:
          app: api
---
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
spec:
  clusterIP: 10.96.12.7
  selector:
    app: api
  ports:
  - port: 80
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[],
    },
    fix: Fixable::ByHand("which pods are meant is not in the manifest"),
    find: service_addresses,
};

// Ports of Services in rules

/// The Service whose port a number of a rule is, and the port of the pods to which it leads; `receivers` are the classes of these. Costs a
/// look at each Service where no pod declares the port.
pub(super) fn meant_port<'s>(
    subject: &'s Subject<'_>,
    receivers: &[u32],
    asked: Port,
) -> Option<(&'s Service, &'s ServicePort, Port)> {
    if receivers.iter().any(|class| subject.declared(*class).ports.contains(asked)) {
        return None;
    }
    let first = subject.first_of(receivers)?;
    let services = subject.services.all.iter();
    let mut found = None;
    for service in
        services.filter(|service| service.kind.translates() && service.pods.binary_search(&first).is_ok())
    {
        for port in &service.ports {
            let Some(target) = port.on(&subject.cluster.pods[first]) else { continue };
            // A Service that leads to the port says that the pods listen on it.
            if target == asked {
                return None;
            }
            if port.port() == asked && found.is_none() {
                found = Some((service, port, target));
            }
        }
    }
    found
}

fn service_ports(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules() {
        let mut classes: Option<Vec<u32>> = None;
        for (at, port) in placed.rule.ports.iter().flatten().enumerate() {
            let PortMatch::Range { protocol, first, last } = port else { continue };
            if first != last {
                continue;
            }
            let classes = classes.get_or_insert_with(|| receivers(subject, &placed));
            let asked = Port { protocol: *protocol, number: *first };
            let Some((service, port, target)) = meant_port(subject, classes, asked) else { continue };
            let message = format!(
                "allows {asked}, which is the port of Service {}/{}: its pods listen on {target}, and policies see that",
                service.namespace, service.name
            );
            let fix = match placed.policy.kind {
                PolicyKind::NetworkPolicy if target.protocol == *protocol => Ok(reviewed(
                    format!("allow {target}"),
                    "whether the pods do not listen on the other port too",
                    vec![Change::Set {
                        path: placed.port_path(at).key("port"),
                        value: Value::Integer(target.number.into()),
                    }],
                )),
                _ => Err("how the port is to be written is not in the manifest".to_owned()),
            };
            let witness = format!("{asked} {}/{}", service.namespace, service.name);
            let flaw = flaws.add(placed.policy.object, placed.port_path(at), witness, message);
            flaw.related(service.object, port.path()).fix(fix);
            // Some list both ports: then nothing is denied by it.
            let lists_it = |other: &PortMatch| {
                classes.iter().any(|class| subject.resolve(other, *class).contains(target))
            };
            let both = placed.rule.ports.iter().flatten().any(lists_it);
            if both {
                flaw.severity(Severity::Info);
            }
        }
    }
}

// What is let in at all

/// What may be let in at the pods of a class on some ports.
struct Gate<'s> {
    /// The rules that allow one of the ports.
    rules: Vec<&'s Rule>,
    /// Whether a policy isolates the class for ingress, or decides something of it.
    governed: bool,
}

/// The rules that let anyone in to a pod on some ports.
fn gate<'s>(subject: &Subject<'s>, pod: &Pod, class: u32, ports: &PortSet) -> Gate<'s> {
    let policies = subject.cluster.policies.iter();
    let about = policies.filter(|policy| subject.cluster.selects(policy, pod));
    let (mut rules, mut isolated, mut denied) = (Vec::new(), false, false);
    for policy in about {
        let Some(own) = policy.rules(Direction::Ingress) else { continue };
        isolated |= policy.tier == Tier::Namespaced && subject.are_together(policy.object, pod.object);
        for rule in own {
            let hit = match &rule.ports {
                None => true,
                Some(list) => list.iter().any(|port| !subject.resolve(port, class).and(ports).is_empty()),
            };
            match rule.action {
                Action::Deny => denied |= hit,
                Action::Allow if hit => rules.push(rule),
                // What is passed on is allowed by a rule of another tier, or by nothing.
                Action::Allow | Action::Pass => {}
            }
        }
    }
    // Where only administrators deny, what they do not deny is open, and the engine knows it better.
    Gate { rules, governed: isolated && !denied }
}

/// Whether all pods that are reached, on their ports, are closed to whom `may` admits; and a pod of them with a port.
pub(super) fn is_closed<'s>(
    subject: &Subject<'s>,
    reached: &BTreeMap<usize, PortSet>,
    may: impl Fn(&Rule, &Pod) -> bool,
) -> Option<(&'s Pod, Port)> {
    let mut first = None;
    for (index, ports) in reached {
        let pod = &subject.cluster.pods[*index];
        let classes = subject.engine.classes();
        for family in subject.cluster.families(pod) {
            // A pod on the network of its node is an address of that, and no policy is about it.
            let class = classes.of_pod(*index, family)?;
            if classes.get(class).foreign[Direction::Ingress as usize] {
                return None;
            }
            let gate = gate(subject, pod, class, ports);
            if !gate.governed || gate.rules.iter().any(|rule| may(rule, pod)) {
                return None;
            }
        }
        first = first.or_else(|| Some((pod, a_port(Some(pod), ports)?)));
    }
    first
}

fn unreachable(subject: &Subject<'_>, flaws: &mut Flaws) {
    let led_to: BTreeSet<usize> = subject
        .entries()
        .iter()
        .flat_map(|entry| entry.targets.iter().filter_map(|target| target.service))
        .collect();
    for (index, service) in subject.services.all.iter().enumerate() {
        if led_to.contains(&index) || service.kind == ServiceKind::ExternalName {
            continue;
        }
        let mut reached: BTreeMap<usize, PortSet> = BTreeMap::new();
        for port in &service.ports {
            for (pod, ports) in service.reached(port, subject.cluster) {
                let all = reached.entry(pod).or_default();
                *all = all.or(&ports);
            }
        }
        // Clients of a headless Service speak to the pods, on whatever port.
        if service.kind == ServiceKind::Headless {
            for ports in reached.values_mut() {
                *ports = PortSet::all();
            }
        }
        let nothing_else = service.endpoints.iter().all(|endpoint| endpoint.pod.is_some());
        if reached.is_empty() || !nothing_else {
            continue;
        }
        let some = |rule: &Rule| {
            rule.peers.as_ref().is_none_or(|peers| peers.iter().any(|peer| *peer != Peer::Nothing))
        };
        let Some((pod, port)) = is_closed(subject, &reached, |rule, _| some(rule)) else { continue };
        let who = subject.who(pod);
        let message = format!("leads to {who} {port}, where policies let nobody in");
        flaws.add(service.object, FieldPath::keys(&["spec", "selector"]), format!("{who} {port}"), message);
    }
}

// Addresses of Services

fn service_addresses(subject: &Subject<'_>, flaws: &mut Flaws) {
    let addressed = |placed: &Placed<'_>| {
        placed.rule.peers.iter().flatten().any(|peer| matches!(peer, Peer::Addresses { .. }))
    };
    let rules: Vec<Placed<'_>> = subject.rules_of(Direction::Egress).filter(addressed).collect();
    if rules.is_empty() {
        return;
    }
    let mut addresses: BTreeMap<Address, String> = BTreeMap::new();
    for service in &subject.services.all {
        let root = subject.snapshot.all()[service.object].root();
        let list =
            root.at(&["spec", "clusterIPs"]).into_iter().flat_map(Node::items).filter_map(Node::as_str);
        for text in list.chain(root.str_at(&["spec", "clusterIP"])) {
            if let Some(address) = Address::parse(text) {
                addresses.entry(address).or_insert_with(|| format!("{}/{}", service.namespace, service.name));
            }
        }
    }
    let ranges: Vec<Block> = subject
        .snapshot
        .of_kind("networking.k8s.io", "ServiceCIDR")
        .flat_map(|object| object.root().at(&["spec", "cidrs"]).into_iter().flat_map(Node::items))
        .filter_map(|node| Block::parse(node.as_str()?))
        .collect();
    for placed in rules {
        for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
            let Peer::Addresses { blocks, .. } = peer else { continue };
            for (number, block) in blocks.iter().enumerate() {
                let one = block.prefix == block.first.family.bits();
                let what = match (
                    addresses.get(&block.first).filter(|_| one),
                    ranges.iter().find(|range| range.covers(*block)),
                ) {
                    (Some(service), _) => format!("the address of Service {service}"),
                    (None, Some(range)) => {
                        format!("within {range}, from which Services have their addresses")
                    }
                    (None, None) => continue,
                };
                let path = match placed.policy.kind {
                    PolicyKind::NetworkPolicy => placed.peer_path(at).key("ipBlock").key("cidr"),
                    _ => placed.peer_path(at).key("networks").index(number),
                };
                let message = format!("{block} is {what}: policies see the addresses of the pods behind it");
                flaws.add(placed.policy.object, path, block.to_string(), message);
            }
        }
    }
}
