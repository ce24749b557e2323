//! Ways in that policies close at their end: for the outside, and for the API server.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;
use ringwall_model::server_call::server_calls;

use super::services::is_closed;
use super::subject::named;
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject};
use crate::cluster::Pod;
use crate::entries::Seen;
use crate::policy::{Namespaces, Peer, Rule};
use crate::port::{Port, Protocol};
use crate::port_set::PortSet;

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

// The outside

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

fn blocked_entries(subject: &Subject<'_>, flaws: &mut Flaws) {
    // Each place to which an object leads is one: of an Ingress one backend may be closed and the others open.
    let mut said: BTreeSet<(usize, FieldPath)> = BTreeSet::new();
    for entry in subject.entries() {
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
            if !said.insert((entry.object, target.path.clone())) {
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

// The API server

fn webhooks(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, object) in subject.snapshot.objects() {
        let mut said: BTreeSet<(String, String)> = BTreeSet::new();
        for call in server_calls(object) {
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
