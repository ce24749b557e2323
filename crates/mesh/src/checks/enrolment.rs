//! Who is in the mesh and who is not, where it is not as it seems.

use std::collections::BTreeSet;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::examples::{injected, strict, web};
use super::{EVERY_VERSION, Flaws, INJECTION_DOCS, MeshCheck, Subject, reviewed};
use crate::enrolment::{DATAPLANE_MODE, INJECT, INJECTION, Mode as Carrier, REVISION, Reason};
use crate::mesh::Accepts;
use crate::peer::Mode;

/// Istio's own rules for pods.
const REQUIREMENTS: &str = "https://istio.io/latest/docs/ops/deployment/application-requirements/";

pub(super) const IN_VAIN: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-030",
        name: "injection-asked-in-vain",
        severity: Severity::Medium,
        summary: "a pod asks for a sidecar, and gets none",
        what: "The annotation `sidecar.istio.io/inject: \"true\"` is on pods of a namespace that asks for no injection, and the label of the name is not; \
               or the label is, and the pods are on their node's network, or a label of the namespace keeps injection out. (istioctl: \
               `IST0107` is near.)",
        why: "The API server asks the injector by labels: an annotation alone is never seen. The pods come up without a proxy, and nothing of what \
              the mesh says holds for them.",
        fix: "Write the label `sidecar.istio.io/inject: \"true\"` on the pods, or label the namespace.",
        bad: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  annotations:
    sidecar.istio.io/inject: \"true\"
spec:
  containers:
  - name: web
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: istio-system
spec:
  mtls:
    mode: STRICT
",
        good: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    sidecar.istio.io/inject: \"true\"
spec:
  containers:
  - name: web
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: istio-system
spec:
  mtls:
    mode: STRICT
",
        versions: EVERY_VERSION,
        references: &[INJECTION_DOCS],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: in_vain,
};

pub(super) const CONFLICT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-031",
        name: "conflicting-mesh-labels",
        severity: Severity::Low,
        summary: "a namespace has labels that ask for different proxies, and one of them is passed over",
        what: "A Namespace has `istio-injection` and `istio.io/rev`, or one of them and `istio.io/dataplane-mode: ambient`. The severity is medium \
               where `istio-injection` is not `enabled`, and no pod gets the sidecar of the revision. (istioctl: `IST0123`, Kiali: `KIA1311` to \
               `KIA1316`.)",
        why: "`istio-injection` counts before `istio.io/rev`, and a sidecar before ambient. What the other label says does not happen, and the next who \
              takes one away changes more than he thinks.",
        fix: "Keep the label that is meant.",
        bad: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio-injection: enabled
    istio.io/rev: canary
",
        good: "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio.io/rev: canary
",
        versions: EVERY_VERSION,
        references: &[INJECTION_DOCS, "https://istio.io/latest/docs/reference/config/analysis/ist0123/"],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand("which of the labels is meant is not in the manifest"),
    find: conflict,
};

pub(super) const PROXY_USER: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-032",
        name: "runs-as-proxy-user",
        severity: Severity::High,
        summary: "a container of a pod with a sidecar runs as the user of the sidecar, whose traffic goes past it",
        what: "`runAsUser` of a container beside the sidecar is 1337, or that of the pod where the container says nothing. (istioctl: `IST0144`.)",
        why: "What the user 1337 sends is not redirected to the proxy, or the proxy would talk to itself. So what this container sends goes out as it is: \
              no mutual TLS, no policy of the mesh for what leaves.",
        fix: "Run the container as another user.",
        bad: concat!(
            injected!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: web
    securityContext:
      runAsUser: 1337
"
        ),
        good: concat!(
            injected!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: web
    securityContext:
      runAsUser: 10001
"
        ),
        versions: EVERY_VERSION,
        references: &[REQUIREMENTS, "https://istio.io/latest/docs/reference/config/analysis/ist0144/"],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand("which user the program can run as is not in the manifest"),
    find: proxy_user,
};

pub(super) const PAST_PROXY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-033",
        name: "port-past-the-proxy",
        severity: Severity::Low,
        summary: "an annotation takes a port past the proxy, where no policy of the mesh holds",
        what: "A port that a container declares or a Service leads to is in `traffic.sidecar.istio.io/excludeInboundPorts`, or not in \
               `includeInboundPorts`. Where that one is empty (a sidecar for the way out alone), nothing is said, unless a policy selects the \
               workload. The severity is medium where the workload is STRICT or has an AuthorizationPolicy, which say that it is guarded.",
        why: "What comes in there goes to the program as it is: no mutual TLS, no AuthorizationPolicy. Only NetworkPolicies are left.",
        fix: "Take the port out of the annotation; for clients without a proxy make an exception in `portLevelMtls`, where policies still hold. Else \
              guard it with a NetworkPolicy.",
        bad: concat!(
            injected!(),
            strict!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  annotations:
    traffic.sidecar.istio.io/excludeInboundPorts: \"9000\"
spec:
  containers:
  - name: web
    ports:
    - containerPort: 9000
"
        ),
        good: concat!(injected!(), strict!(), web!()),
        versions: EVERY_VERSION,
        references: &["https://istio.io/latest/docs/reference/config/annotations/", REQUIREMENTS],
        controls: &[nsa("Encryption"), nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which clients need the port in plaintext is not in the manifest"),
    find: past_proxy,
};

pub(super) const STALE: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-034",
        name: "older-than-the-mesh",
        severity: Severity::Medium,
        summary: "a pod runs without the proxy that its labels ask for",
        what: "A Pod that runs has no sidecar and no sign of ambient, and one that is made now with its labels, in its namespace, would have one. \
               (istioctl: `IST0103`.)",
        why: "Injection happens when a pod is made. One that is older than the label stays as it is: nothing of what the mesh says holds for it, and STRICT \
              servers refuse it.",
        fix: "Restart it: `kubectl rollout restart`.",
        bad: concat!(
            injected!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: web
status:
  phase: Running
"
        ),
        good: concat!(
            injected!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  annotations:
    sidecar.istio.io/status: '{\"revision\":\"default\"}'
spec:
  containers:
  - name: web
  - name: istio-proxy
status:
  phase: Running
"
        ),
        versions: EVERY_VERSION,
        references: &[INJECTION_DOCS, "https://istio.io/latest/docs/reference/config/analysis/ist0103/"],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand("a pod is restarted in the cluster, not in the manifest"),
    find: stale,
};

pub(super) const OUTSIDE: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-039",
        name: "outside-of-the-mesh",
        severity: Severity::Low,
        summary: "a workload of a namespace of the mesh has no proxy",
        what: "A namespace asks for sidecars or ambient mode, and pods in it are on their node's network, or a label or an annotation of theirs keeps the \
               proxy out. Nothing is said of Jobs and CronJobs that keep it out themselves and that no Service leads to.",
        why: "Nothing of what the mesh says holds for it: it takes plaintext from everyone, is nobody to the servers that it calls, and STRICT ones refuse it.",
        fix: "Take away what keeps the proxy out; else guard the workload with NetworkPolicies.",
        bad: concat!(
            injected!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    sidecar.istio.io/inject: \"false\"
spec:
  containers:
  - name: web
"
        ),
        good: concat!(injected!(), web!()),
        versions: EVERY_VERSION,
        references: &[INJECTION_DOCS],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand("why the workload is outside is not in the manifest"),
    find: outside,
};

/// Whether a workload is a Job that nobody calls. One with a sidecar did not end before sidecars were containers that end with it, and so many say that
/// they want none.
fn is_errand(subject: &Subject<'_>, workload: usize) -> bool {
    let (owner, _) = subject.snapshot.top_owner(subject.workload(workload).object);
    matches!(subject.object(owner).id.kind.as_str(), "Job" | "CronJob")
        && subject.services_of(workload).next().is_none()
}

fn outside(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, pod) in subject.pods() {
        let namespace = subject.mesh.workloads.namespace(&pod.namespace);
        let asks = namespace.label(INJECTION) == Some("enabled")
            || namespace.label(REVISION).is_some_and(|_| namespace.label(INJECTION).is_none())
            || namespace.label(DATAPLANE_MODE) == Some("ambient");
        let enrolment = &subject.mesh.servers[index].enrolment;
        let expected = &enrolment.expected;
        let is_kept =
            matches!(expected.reason, Reason::HostNetwork | Reason::PodLabel | Reason::PodAnnotation);
        // One that asks for a sidecar by its label has a check of its own.
        let is_errand = is_errand(subject, index) && expected.reason != Reason::HostNetwork;
        if is_errand || pod.is_of_istio() {
            continue;
        }
        if !asks || enrolment.mode() != Carrier::None || expected.mode != Carrier::None || !is_kept {
            continue;
        }
        let Some(place) = expected.place.as_ref().filter(|_| pod.label(INJECT) != Some("true")) else {
            continue;
        };
        let why = match expected.reason {
            Reason::HostNetwork => "it is on its node's network",
            Reason::PodLabel => "a label keeps it out",
            _ => "an annotation keeps it out",
        };
        let message = format!("has no proxy, in a namespace of the mesh: {why}");
        flaws.add(place.object, place.path.clone(), "", message);
    }
}

fn in_vain(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, pod) in subject.pods() {
        let expected = &subject.mesh.servers[index].enrolment.expected;
        if expected.mode != Carrier::None || subject.carrier(index) != Carrier::None {
            continue;
        }
        let by_label = pod.label(INJECT) == Some("true");
        if by_label
            && matches!(
                expected.reason,
                Reason::NamespaceLabel | Reason::HostNetwork | Reason::IgnoredNamespace
            )
        {
            let place = pod.metadata("labels", INJECT);
            let message = format!("asks for a sidecar in vain: {}", subject.why_outside(index));
            let flaw = flaws.add(place.object, place.path, "", message);
            if let Some(by) = &expected.place {
                flaw.related(by.object, by.path.clone());
            }
        } else if pod.annotation(INJECT) == Some("true")
            && pod.label(INJECT).is_none()
            && subject.is_outside(index)
        {
            let place = pod.metadata("annotations", INJECT);
            let label = pod.metadata("labels", INJECT);
            let message =
                "asks for a sidecar in vain: the API server sees the label of this name, not the annotation";
            let fix = if expected.reason == Reason::NothingAsks {
                Ok(reviewed(
                    "write the label",
                    "whether the pods start as they should with a sidecar",
                    vec![Change::Set { path: label.path, value: Value::from("true") }],
                ))
            } else {
                Err(format!("{} as well", subject.why_outside(index)))
            };
            flaws.add(place.object, place.path, "", message.to_owned()).fix(fix);
        }
    }
}

fn conflict(subject: &Subject<'_>, flaws: &mut Flaws) {
    for namespace in subject.mesh.workloads.namespaces.values() {
        let Some(object) = namespace.object else { continue };
        let (injection, revision) = (namespace.label(INJECTION), namespace.label(REVISION));
        let path = |key: &str| FieldPath::keys(&["metadata", "labels", key]);
        if let (Some(injection), Some(revision)) = (injection, revision) {
            let is_off = injection != "enabled";
            let so =
                if is_off { "no pod gets a sidecar" } else { "pods get the sidecar of the default revision" };
            let message = format!("`{revision}` is passed over: {INJECTION} counts before it, and {so}");
            let flaw = flaws.add(object, path(REVISION), "", message);
            flaw.related(object, path(INJECTION));
            if is_off {
                flaw.severity(Severity::Medium);
            }
        }
        let asks =
            injection.map_or(revision.map(|_| REVISION), |value| (value == "enabled").then_some(INJECTION));
        if let (Some(key), Some("ambient")) = (asks, namespace.label(DATAPLANE_MODE)) {
            let message = format!("is passed over: {key} gives pods a sidecar, which counts before ambient");
            flaws.add(object, path(DATAPLANE_MODE), "", message).related(object, path(key));
        }
    }
}

/// The user of Istio's proxy. Source: istio.io/istio `pkg/config/analysis/analyzers/deployment/pod.go`.
const USER: i64 = 1337;

fn proxy_user(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, pod) in subject.pods() {
        let enrolment = &subject.mesh.servers[index].enrolment;
        if enrolment.mode() != Carrier::Sidecar && enrolment.expected.mode != Carrier::Sidecar {
            continue;
        }
        let root = subject.object(pod.object).root();
        let path = pod.at.clone().key("spec");
        let Some(spec) = root.locate(&path) else { continue };
        let user = |node: Node<'_>| node.at(&["securityContext", "runAsUser"]).and_then(Node::as_i64);
        let of_pod = user(spec) == Some(USER);
        let mut inherits = false;
        for list in ["initContainers", "containers"] {
            for (at, container) in spec.get(list).into_iter().flat_map(Node::items).enumerate() {
                let name = container.str_at(&["name"]).unwrap_or_default();
                if matches!(name, "istio-proxy" | "istio-init" | "istio-validation") {
                    continue;
                }
                match user(container) {
                    Some(USER) => {
                        let path = path.clone().key(list).index(at).key("securityContext").key("runAsUser");
                        let message = format!(
                            "{name} runs as 1337, the sidecar's user: what it sends goes past the sidecar"
                        );
                        flaws.add(pod.object, path, name, message);
                    }
                    Some(_) => {}
                    None => inherits = true,
                }
            }
        }
        if of_pod && inherits {
            let path = path.key("securityContext").key("runAsUser");
            let message = "runs as 1337, the sidecar's user: what it sends goes past the sidecar".to_owned();
            flaws.add(pod.object, path, "", message);
        }
    }
}

fn past_proxy(subject: &Subject<'_>, flaws: &mut Flaws) {
    let excludes = |index: usize| {
        let exclusions = &subject.mesh.servers[index].exclusions;
        exclusions.all_inbound.is_some()
            || !exclusions.inbound.is_empty()
            || exclusions.only_inbound.is_some()
    };
    if !subject.pods().any(|(index, _)| excludes(index)) {
        return;
    }
    let ports = subject.mesh.ports();
    for (index, pod) in subject.pods().filter(|(index, _)| excludes(*index)) {
        let server = &subject.mesh.servers[index];
        let has_policy = !subject.taken[index].is_empty();
        if subject.is_way_out(index) && !has_policy && server.folded.workload.is_none() {
            continue;
        }
        for port in &ports[index] {
            let Some(place) = server.exclusions.inbound_place(pod, *port) else { continue };
            if subject.mesh.accepts(index, *port) != Accepts::None {
                continue;
            }
            let is_strict = server.folded.of_port(*port) == Mode::Strict;
            let is_guarded = is_strict || has_policy;
            let message = format!(
                "port {port} goes past the proxy: no mutual TLS, and no AuthorizationPolicy holds there"
            );
            let flaw = flaws.add(place.object, place.path, port.to_string(), message);
            if is_guarded {
                flaw.severity(Severity::Medium);
            }
            if let Some(by) = server.folded.place(&subject.mesh.peers, *port).filter(|_| is_strict) {
                flaw.related(by.object, by.path);
            }
        }
    }
}

fn stale(subject: &Subject<'_>, flaws: &mut Flaws) {
    let mut told = BTreeSet::new();
    for (index, pod) in subject.pods() {
        let enrolment = &subject.mesh.servers[index].enrolment;
        let is_without = enrolment.is_stale() && enrolment.mode() == Carrier::None;
        // Said once of what makes the pods.
        if !is_without || !told.insert(subject.snapshot.top_owner(pod.object).0) {
            continue;
        }
        let has = if enrolment.expected.mode == Carrier::Ambient { "ambient mode" } else { "a sidecar" };
        let message =
            format!("runs without a proxy, and its labels ask for {has}: it is older than they are");
        let flaw = flaws.add(pod.object, FieldPath::keys(&["metadata", "name"]), "", message);
        if let Some(by) = &enrolment.expected.place {
            flaw.related(by.object, by.path.clone());
        }
    }
}
