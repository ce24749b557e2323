//! Ways that lead to nothing, and where ways in lead.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::mitre;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;
use ringwall_model::workload;

use super::{EVERY_VERSION, Flaws, NetCheck, Subject};
use crate::entries::EntryFlawKind;
use crate::port::Port;
use crate::services::ServiceKind;

const SERVICES: &str = "https://kubernetes.io/docs/concepts/services-networking/service/";
const INGRESS: &str = "https://kubernetes.io/docs/concepts/services-networking/ingress/";

pub(super) const ENTRY: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-044",
        name: "entry-to-nothing",
        severity: Severity::Low,
        summary: "an Ingress or a route leads to a Service or a port that is not there",
        what: "A backend of an Ingress, an OpenShift Route or a route of the Gateway API names a Service that the input does not hold, a port \
               that the Service does not have or that no pod behind it declares, or a Service of another namespace without a ReferenceGrant.",
        why: "Requests end in an error. And whoever may make the Service that is missing gets them, with the cookies and tokens of those who \
              send them.",
        fix: "Correct the name or the port, grant the reference, or remove the backend.",
        bad: ENTRY_BAD,
        good: ENTRY_GOOD,
        versions: EVERY_VERSION,
        references: &[INGRESS, "https://gateway-api.sigs.k8s.io/api-types/httproute/"],
        controls: &[],
    },
    fix: Fixable::ByHand("which Service is meant is not in the manifest"),
    find: entries,
};

const ENTRY_BAD: &str = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
spec:
  defaultBackend:
    service:
      name: api
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
";

const ENTRY_GOOD: &str = "\
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
";

pub(super) const SERVICE: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-045",
        name: "service-without-pods",
        severity: Severity::Low,
        summary: "a Service selects no pod",
        what: "The selector of a Service matches the labels of no pod and no template of its namespace, and nothing in the input says its \
               endpoints. Where the input holds no pod of the namespace at all, the severity is info: they may be elsewhere. Without any \
               workload in the input nothing is said.",
        why: "Connections to it fail. Whoever may make pods in the namespace can make one with these labels, and gets what is meant for another.",
        fix: "Correct the selector or the labels of the pods, or remove the Service.",
        bad: SERVICE_BAD,
        good: SERVICE_GOOD,
        versions: EVERY_VERSION,
        references: &[SERVICES],
        controls: &[],
    },
    fix: Fixable::ByHand("which pods are meant is not in the manifest"),
    find: services,
};

const SERVICE_BAD: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector:
    app: wbe
  ports:
  - port: 80
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
";

const SERVICE_GOOD: &str = "\
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
";

pub(super) const EXPOSED: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-046",
        name: "exposed-workload",
        severity: Severity::Info,
        summary: "the outside is led to a workload",
        what: "A LoadBalancer, a port of nodes, external addresses, an Ingress, an OpenShift Route or a route of the Gateway API leads to pods of \
               the workload. Whether policies let pass what comes is told by `ringwall net exposure`.",
        why: "What is in reach of the outside is attacked first: it wants to be known, and hardened before others.",
        fix: "Nothing, where it is meant. Else remove the way in.",
        bad: EXPOSED_BAD,
        good: SERVICE_GOOD,
        versions: EVERY_VERSION,
        references: &[SERVICES, INGRESS],
        controls: &[mitre("T1190")],
    },
    fix: Fixable::ByHand("whether the outside is meant is not in the manifest"),
    find: exposed,
};

const EXPOSED_BAD: &str = "\
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
";

pub(super) const SSH: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-047",
        name: "ssh-service",
        severity: Severity::Medium,
        summary: "a Service leads to the SSH port of pods",
        what: "A port of a Service leads to TCP 22 or 2222 of pods of the input.",
        why: "Who has a password or a key has a shell in the pod, past the API server: RBAC is not asked, and no audit log knows of it.",
        fix: "Use `kubectl exec`, which is authorized and logged, and remove the server from the image.",
        bad: SSH_BAD,
        good: SERVICE_GOOD,
        versions: EVERY_VERSION,
        references: &[SERVICES],
        controls: &[],
    },
    fix: Fixable::ByHand("who uses the shell is not in the manifest"),
    find: ssh,
};

const SSH_BAD: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector:
    app: web
  ports:
  - port: 22
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
";

fn entries(subject: &Subject<'_>, flaws: &mut Flaws) {
    // A route that several Gateways take is one.
    let mut said: BTreeSet<(usize, FieldPath)> = BTreeSet::new();
    for entry in subject.entries() {
        for flaw in &entry.flaws {
            let counts = match flaw.kind {
                EntryFlawKind::ServiceMissing
                | EntryFlawKind::PortMissing
                | EntryFlawKind::PortUndeclared
                | EntryFlawKind::NotGranted
                | EntryFlawKind::Refused => true,
                // A Service without pods is told of itself.
                _ => false,
            };
            // What a Service is led to by itself is told of the Service.
            if counts && entry.kind.is_proxied() && said.insert((flaw.object, flaw.path.clone())) {
                flaws.add(flaw.object, flaw.path.clone(), flaw.message.clone(), flaw.message.clone());
            }
        }
    }
    unattached(subject, &said, flaws);
}

/// A route without a Gateway is no way in yet, and its backends may be missing all the same.
fn unattached(subject: &Subject<'_>, said: &BTreeSet<(usize, FieldPath)>, flaws: &mut Flaws) {
    let routes = subject.snapshot.objects().filter(|(_, object)| {
        object.id.group == "gateway.networking.k8s.io" && object.id.kind.ends_with("Route")
    });
    for (index, object) in routes {
        let own = object.id.namespace.as_deref().unwrap_or("default");
        let rules = object.root().at(&["spec", "rules"]).into_iter().flat_map(Node::items).enumerate();
        for (rule, node) in rules {
            let backends = node.get("backendRefs").into_iter().flat_map(Node::items).enumerate();
            for (at, backend) in backends {
                let is_service = matches!(backend.str_at(&["kind"]), None | Some("Service"))
                    && matches!(backend.str_at(&["group"]), None | Some(""));
                let Some(name) = backend.str_at(&["name"]).filter(|_| is_service) else { continue };
                let namespace = backend.str_at(&["namespace"]).unwrap_or(own);
                let path =
                    FieldPath::keys(&["spec", "rules"]).index(rule).key("backendRefs").index(at).key("name");
                if subject.services.index(namespace, name).is_none() && !said.contains(&(index, path.clone()))
                {
                    let message = format!("there is no Service {namespace}/{name} in the input");
                    flaws.add(index, path, message.clone(), message);
                }
            }
        }
    }
}

fn services(subject: &Subject<'_>, flaws: &mut Flaws) {
    if subject.cluster.pods.is_empty() {
        return;
    }
    for service in &subject.services.all {
        let Some(selector) = service.selector.as_ref().filter(|_| !service.has_backends()) else { continue };
        if service.kind == ServiceKind::ExternalName {
            continue;
        }
        let labels: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = labels.join(",");
        let message = format!("selects no pod: none of {} has the labels {labels}", service.namespace);
        let path = FieldPath::keys(&["spec", "selector"]);
        let flaw = flaws.add(service.object, path, labels, message);
        if subject.pods_in(&service.namespace).is_empty() {
            flaw.severity(Severity::Info);
        }
    }
}

fn exposed(subject: &Subject<'_>, flaws: &mut Flaws) {
    let mut led: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for entry in subject.entries() {
        for pod in entry.reached().into_keys() {
            let workload = &subject.cluster.workloads[subject.cluster.pods[pod].workload];
            led.entry(workload.object).or_default().insert(entry.to_string());
        }
    }
    for (object, entries) in led {
        let list = entries.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!("{list} leads the outside to it");
        flaws.add(object, FieldPath::keys(&["metadata", "name"]), list, message);
    }
}

fn ssh(subject: &Subject<'_>, flaws: &mut Flaws) {
    let is_ssh = |port: Port| matches!(port.number, 22 | 2222) && port.protocol == crate::port::Protocol::Tcp;
    let mut led: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for service in &subject.services.all {
        for port in &service.ports {
            for pod in &*service.pods {
                if port.on(&subject.cluster.pods[*pod]).is_some_and(is_ssh) {
                    let name = format!("{}/{}", service.namespace, service.name);
                    led.entry(subject.cluster.pods[*pod].object).or_default().insert(name);
                }
            }
        }
    }
    for (index, services) in led {
        let object = &subject.snapshot.all()[index];
        let labels = FieldPath::keys(&["metadata", "labels"]);
        let path = match workload::of(object).filter(|kind| !kind.is_pod()) {
            Some(kind) => FieldPath::keys(kind.template).join(&labels),
            None => labels,
        };
        let list = services.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!("Service {list} leads to its SSH port");
        flaws.add(index, path, list, message);
    }
}
