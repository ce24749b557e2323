//! Services whose pods policies close, and rules that speak of a Service where policies see its pods.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::address::{Address, Block};
use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::ports::receivers;
use super::subject::{Placed, named};
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, reviewed};
use crate::cluster::Pod;
use crate::entries::{Entry, Seen, entries};
use crate::policy::{Action, Direction, Namespaces, Peer, PolicyKind, Rule, Tier};
use crate::port::{Port, PortMatch, Protocol};
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
               to another one of the pods (`targetPort`).",
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

pub(super) const ENTRY: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-037",
        name: "blocked-entry",
        severity: Severity::Medium,
        summary: "the outside is led to pods that policies let nobody in to from there",
        what: "An Ingress, a Route, a route of the Gateway API, or a Service of type LoadBalancer or NodePort leads to pods of the input, and on \
               none of their ports a rule may let in who comes: a proxy (whose pods may be in any other namespace), a node or an address \
               outside. The severity is low where it is a load balancer or the port of nodes: a node reaches its own pods, so that some of \
               the connections pass.",
        why: "The way in is closed at its end: clients see time-outs. Or the policy is right, and the way in should not be there.",
        fix: "Let the proxy's pods in (`namespaceSelector` for the namespace of the ingress controller), or the addresses of clients; or \
              remove the way in.",
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
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
spec:
  defaultBackend:
    service:
      name: web
      port:
        number: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector:
    app: web
  ports:
  - port: 80
    targetPort: 8080
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
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: ingress-nginx
    ports:
    - protocol: TCP
      port: 8080
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
spec:
  defaultBackend:
    service:
      name: web
      port:
        number: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector:
    app: web
  ports:
  - port: 80
    targetPort: 8080
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
        references: &[POLICIES, "https://kubernetes.io/docs/concepts/services-networking/ingress/"],
        controls: &[],
    },
    fix: Fixable::ByHand("who is to come in is not in the manifest"),
    find: blocked_entries,
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

pub(super) const WEBHOOK: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-039",
        name: "cut-off-webhook",
        severity: Severity::Medium,
        summary: "policies keep the API server from the pods of a webhook or of an API of its own",
        what: "A webhook (of admission, or of conversion) or an APIService names a Service, and the policies of the pods behind it let in no \
               address outside of the cluster, no node and no pod of `kube-system` on its port.",
        why: "The API server is no pod that a selector knows: it comes with the address of its node, or from outside. With `failurePolicy: Fail` \
              nothing that the webhook is for can be written any more, and with `Ignore` nobody is asked; an API that cannot be reached hangs \
              whoever lists all of them.",
        fix: "Let the port in from everyone (`ports` without `from`), or from the API server's addresses by `ipBlock`. The webhook \
              authenticates the API server itself.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: guard
  namespace: guard
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector: {}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: guard
webhooks:
- name: guard.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig:
    service:
      name: guard
      namespace: guard
---
apiVersion: v1
kind: Service
metadata:
  name: guard
  namespace: guard
spec:
  selector:
    app: guard
  ports:
  - port: 443
    targetPort: 9443
---
kind: Pod
metadata:
  name: guard
  namespace: guard
  labels:
    app: guard
spec:
  containers:
  - name: guard
    ports:
    - containerPort: 9443
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: guard
  namespace: guard
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - ports:
    - protocol: TCP
      port: 9443
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: guard
webhooks:
- name: guard.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig:
    service:
      name: guard
      namespace: guard
---
apiVersion: v1
kind: Service
metadata:
  name: guard
  namespace: guard
spec:
  selector:
    app: guard
  ports:
  - port: 443
    targetPort: 9443
---
kind: Pod
metadata:
  name: guard
  namespace: guard
  labels:
    app: guard
spec:
  containers:
  - name: guard
    ports:
    - containerPort: 9443
",
        versions: EVERY_VERSION,
        references: &[
            POLICIES,
            "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
        ],
        controls: &[],
    },
    fix: Fixable::ByHand("which addresses the API server has is not in the manifest"),
    find: webhooks,
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

/// The Service whose port a number of a rule is, and the port of the pods to which it leads.
pub(super) fn meant_port<'s>(
    subject: &'s Subject<'_>,
    pods: &[&Pod],
    protocol: Protocol,
    number: u16,
) -> Option<(&'s Service, &'s ServicePort, Port)> {
    let (first, asked) = (pods.first()?, Port { protocol, number });
    let on_pods =
        |port: &Port| pods.iter().any(|pod| pod.ports.iter().any(|declared| declared.port == *port));
    if on_pods(&asked) {
        return None;
    }
    let services = subject.services.all.iter().filter(|service| {
        service.namespace == first.namespace
            && service.kind.translates()
            && service
                .pods
                .iter()
                .any(|pod| pods.iter().any(|other| std::ptr::eq(*other, &subject.cluster.pods[*pod])))
    });
    let mut found = None;
    for service in services {
        for port in &service.ports {
            let Some(target) = port.on(first) else { continue };
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
        for (at, port) in placed.rule.ports.iter().flatten().enumerate() {
            let PortMatch::Range { protocol, first, last } = port else { continue };
            if first != last {
                continue;
            }
            let pods = receivers(subject, &placed);
            let Some((service, port, target)) = meant_port(subject, &pods, *protocol, *first) else {
                continue;
            };
            let asked = Port { protocol: *protocol, number: *first };
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
            flaws
                .add(placed.policy.object, placed.port_path(at), witness, message)
                .related(service.object, port.path())
                .fix(fix);
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
    let about = policies.filter(|policy| policy.subject.iter().any(|set| subject.cluster.holds(set, pod)));
    let (mut rules, mut isolated, mut denied) = (Vec::new(), false, false);
    for policy in about {
        let Some(own) = policy.rules(Direction::Ingress) else { continue };
        isolated |= policy.tier == Tier::Namespaced;
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

/// Whether the pods of a namespace may be a proxy's through which the outside comes.
fn may_be_proxy(subject: &Subject<'_>, peer: &Peer, own: &str) -> bool {
    const WORDS: [&str; 14] = [
        "ingress", "nginx", "traefik", "haproxy", "envoy", "gateway", "contour", "kong", "istio", "router",
        "proxy", "edge", "caddy", "balancer",
    ];
    let Peer::Pods(set) = peer else { return *peer != Peer::Nothing };
    let sounds = |name: &str| WORDS.iter().any(|word| name.contains(word));
    let labels = set.pods.requirements().iter().flat_map(|requirement| &requirement.values);
    if labels.into_iter().any(|value| sounds(value)) {
        return true;
    }
    let in_namespace = |name: &str| {
        let pods = subject.pods_in(name).iter().map(|pod| &subject.cluster.pods[*pod]);
        let mut held = pods.filter(|pod| set.pods.matches(|key| pod.labels.get(key)));
        held.any(|pod| sounds(&subject.cluster.workloads[pod.workload].name))
    };
    match &set.namespaces {
        // A proxy that is in the namespace of the pods has a name of its own.
        Namespaces::Own(name) => sounds(name) || in_namespace(name),
        Namespaces::Selected(selector) => match named(selector) {
            Some(names) => names.iter().any(|name| {
                sounds(name) || in_namespace(name) || (name != own && !subject.is_inhabited(name))
            }),
            None => true,
        },
    }
}

/// Whether an address outside of the cluster, or a node, may be let in.
fn may_be_outside(rule: &Rule) -> bool {
    rule.peers
        .as_ref()
        .is_none_or(|peers| peers.iter().any(|peer| !matches!(peer, Peer::Pods(_) | Peer::Nothing)))
}

/// Whether all pods that are reached, on their ports, are closed to whom `may` admits; and a pod of them with a port.
fn is_closed<'s>(
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
            if classes.get(class).foreign {
                return None;
            }
            let gate = gate(subject, pod, class, ports);
            if !gate.governed || gate.rules.iter().any(|rule| may(rule, pod)) {
                return None;
            }
        }
        first = first.or_else(|| Some((pod, subject.a_port(Some(pod), ports)?)));
    }
    first
}

fn blocked_entries(subject: &Subject<'_>, flaws: &mut Flaws) {
    for entry in all_entries(subject) {
        // Each place to which it leads is one: of an Ingress one backend may be closed and the others open.
        let mut said: BTreeSet<FieldPath> = BTreeSet::new();
        for target in &entry.targets {
            let mut reached: BTreeMap<usize, PortSet> = BTreeMap::new();
            for pod in target.pods.iter() {
                let ports = reached.entry(pod.pod).or_default();
                *ports = ports.or(&pod.ports);
            }
            if reached.is_empty() || !target.addresses.is_empty() {
                continue;
            }
            let may = |rule: &Rule, pod: &Pod| match entry.seen {
                Seen::Proxy => rule
                    .peers
                    .as_ref()
                    .is_none_or(|peers| peers.iter().any(|peer| may_be_proxy(subject, peer, &pod.namespace))),
                Seen::Node | Seen::Client => may_be_outside(rule),
            };
            let Some((pod, port)) = is_closed(subject, &reached, may) else { continue };
            if !said.insert(target.path.clone()) {
                continue;
            }
            let who = subject.who(pod);
            let (from, severity) = match entry.seen {
                Seen::Proxy => ("a proxy of another namespace", Severity::Medium),
                Seen::Node => ("a node, but its own", Severity::Low),
                Seen::Client => ("an address outside", Severity::Low),
            };
            let witness = format!("{entry} -> {who} {port}");
            let message = format!(
                "leads to {who} {port}, where no policy lets in {from}: whoever comes by {entry} is denied"
            );
            flaws.add(entry.object, target.path.clone(), witness, message).severity(severity);
        }
    }
}

fn all_entries(subject: &Subject<'_>) -> Vec<Entry> {
    // Without a policy that isolates nothing is closed.
    if !subject.cluster.policies.iter().any(|policy| policy.ingress.is_some()) {
        return Vec::new();
    }
    entries(subject.snapshot, subject.cluster, subject.services)
}

fn unreachable(subject: &Subject<'_>, flaws: &mut Flaws) {
    let led_to: BTreeSet<usize> = all_entries(subject)
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
            reached.values_mut().for_each(|ports| *ports = PortSet::all());
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

// The API server

/// A place where an object names a Service that the API server calls.
struct Call {
    path: FieldPath,
    namespace: String,
    name: String,
    port: u16,
    /// What the API server calls it for.
    what: String,
}

/// The Services that the API server calls for an object. Sources: `ServiceReference` in k8s.io/api `admissionregistration/v1`,
/// k8s.io/apiextensions-apiserver `apiextensions/v1` and k8s.io/kube-aggregator `apiregistration/v1`; the port is 443 where none is
/// stated.
fn calls(object: &Object) -> Vec<Call> {
    let call = |node: Node<'_>, path: FieldPath, what: String| {
        let text = |key: &str| node.str_at(&[key]).map(str::to_owned);
        let port = node.get("port").and_then(Node::as_i64).and_then(|port| u16::try_from(port).ok());
        Some(Call {
            path,
            namespace: text("namespace")?,
            name: text("name")?,
            port: port.unwrap_or(443),
            what,
        })
    };
    let root = object.root();
    let one = |keys: &[&str], what: &str| {
        root.at(keys)
            .and_then(|node| call(node, FieldPath::keys(keys), what.to_owned()))
            .into_iter()
            .collect()
    };
    match (object.id.group.as_str(), object.id.kind.as_str()) {
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => {
            let hooks = root.get("webhooks").into_iter().flat_map(Node::items).enumerate();
            hooks
                .filter_map(|(at, hook)| {
                    let path = FieldPath::keys(&["webhooks"]).index(at).key("clientConfig").key("service");
                    let name = hook.str_at(&["name"]).unwrap_or_default();
                    call(hook.at(&["clientConfig", "service"])?, path, format!("webhook {name}"))
                })
                .collect()
        }
        ("apiregistration.k8s.io", "APIService") => one(&["spec", "service"], "this API"),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            one(&["spec", "conversion", "webhook", "clientConfig", "service"], "conversion")
        }
        _ => Vec::new(),
    }
}

fn webhooks(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, object) in subject.snapshot.objects() {
        let mut said: BTreeSet<(String, String)> = BTreeSet::new();
        for call in calls(object) {
            let Some(service) = subject.services.find(&call.namespace, &call.name) else { continue };
            let asked = Port { protocol: Protocol::Tcp, number: call.port };
            let Some(port) = service.ports.iter().find(|port| port.port() == asked) else { continue };
            let reached = service.reached(port, subject.cluster);
            if reached.is_empty() || service.endpoints.iter().any(|endpoint| endpoint.pod.is_none()) {
                continue;
            }
            // Managed clusters have agents in kube-system through which the API server comes.
            let may = |rule: &Rule, _: &Pod| may_be_outside(rule) || may_be_agent(subject, rule);
            let Some((pod, port)) = is_closed(subject, &reached, may) else { continue };
            if !said.insert((call.namespace.clone(), call.name.clone())) {
                continue;
            }
            let who = subject.who(pod);
            let witness = format!("API server -> {who} {port}");
            let message = format!(
                "the API server asks Service {}/{} for {}, and the policies of {who} let in no node and no address outside on {port}",
                call.namespace, call.name, call.what
            );
            flaws.add(index, call.path, witness, message);
        }
    }
}

/// Whether a rule may be about the pods of `kube-system`.
fn may_be_agent(subject: &Subject<'_>, rule: &Rule) -> bool {
    rule.peers.iter().flatten().filter_map(Peer::pods).any(|set| match &set.namespaces {
        Namespaces::Own(name) => name == "kube-system",
        Namespaces::Selected(selector) => match named(selector) {
            Some(names) => names.iter().any(|name| name == "kube-system"),
            None => {
                !subject.cluster.stated.contains("kube-system")
                    || subject.cluster.has_namespace(&set.namespaces, "kube-system")
            }
        },
    })
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
