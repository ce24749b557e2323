//! Policies whose subject has nothing that enforces them.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::examples::{ambient, policy, service, web};
use super::{AMBIENT, AUTHORIZATION, EVERY_VERSION, Flaws, INJECTION_DOCS, MeshCheck, Subject};
use crate::authorization::policy::{Action, TargetRef};
use crate::enrolment::USE_WAYPOINT;

pub(super) const NO_PROXY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-010",
        name: "policy-without-proxy",
        severity: Severity::High,
        summary: "none of the workloads that an AuthorizationPolicy or RequestAuthentication is for has a proxy",
        what: "An AuthorizationPolicy or a RequestAuthentication is for workloads of the input, and none of them has a sidecar, is in ambient mode \
               or is a gateway. Nothing is said where whether they have one hangs on the labels of a Namespace that is not in the input. The \
               severity is low for AUDIT and for a dry run.",
        why: "The proxy enforces policies. Where there is none everyone is let in, whatever is written.",
        fix: "Bring the workloads into the mesh, or guard them with NetworkPolicies.",
        bad: concat!(
            "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
",
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
        good: concat!(
            ambient!(),
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
        references: &[AUTHORIZATION, INJECTION_DOCS],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("whether the workloads may have a proxy is not in the manifest"),
    find: no_proxy,
};

pub(super) const NO_WAYPOINT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-011",
        name: "target-without-waypoint",
        severity: Severity::High,
        summary: "a policy is attached to a Service that has no waypoint, so that nobody enforces it",
        what: "`targetRefs` of an AuthorizationPolicy or a RequestAuthentication names a Service or ServiceEntry, and neither it nor its \
               Namespace has the label `istio.io/use-waypoint`, or the nearer of them has `none`. Or it names a Service or a Gateway that is not \
               in the input, while others of the namespace are, or a GatewayClass outside of the root namespace. Nothing is said where the Namespace is not in the input.",
        why: "Such a policy is for waypoints alone: sidecars and ztunnel never take one with targets. Without a waypoint the traffic goes straight to \
              the pods, and no rule is asked.",
        fix: "Make a waypoint (`istioctl waypoint apply`) and label the Service or the Namespace with its name, or write the policy with a \
              `selector` and only with what ztunnel knows.",
        bad: concat!(
            ambient!(),
            web!(),
            service!(),
            policy!("web"),
            "\
spec:
  targetRefs:
  - group: \"\"
    kind: Service
    name: web
  rules:
  - to:
    - operation:
        methods: [GET]
"
        ),
        good: concat!(
            ambient!(),
            web!(),
            "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  labels:
    istio.io/use-waypoint: waypoint
spec:
  selector:
    app: web
  ports:
  - name: http
    port: 80
    targetPort: 8080
---
",
            policy!("web"),
            "\
spec:
  targetRefs:
  - group: \"\"
    kind: Service
    name: web
  rules:
  - to:
    - operation:
        methods: [GET]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, AMBIENT, "https://istio.io/latest/docs/ambient/usage/waypoint/"],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("the name of the waypoint is not in the manifest"),
    find: no_waypoint,
};

fn no_proxy(subject: &Subject<'_>, flaws: &mut Flaws) {
    let mut say = |object: usize, workloads: &[usize], is_weak: bool| {
        if workloads.is_empty() || !workloads.iter().all(|one| subject.is_outside(*one)) {
            return;
        }
        let first = workloads[0];
        let message = format!(
            "does nothing: {} has no proxy ({})",
            subject.whom(workloads),
            subject.why_outside(first)
        );
        let flaw = flaws.add(object, FieldPath::keys(&["spec"]), "", message);
        if let Some(place) = &subject.mesh.servers[first].enrolment.decision().place {
            flaw.related(place.object, place.path.clone());
        }
        if is_weak {
            flaw.severity(Severity::Low);
        }
    };
    for (policy, workloads) in subject.policies.iter().zip(&subject.takers) {
        say(policy.object, workloads, policy.dry_run || policy.action == Action::Audit);
    }
    for (token, workloads) in subject.tokens.iter().zip(&subject.token_takers) {
        say(token.object, workloads, false);
    }
}

fn no_waypoint(subject: &Subject<'_>, flaws: &mut Flaws) {
    let policies = subject.policies.iter().map(|one| (one.object, &one.namespace, &one.targets));
    let tokens = subject.tokens.iter().map(|one| (one.object, &one.namespace, &one.targets));
    for (object, namespace, targets) in policies.chain(tokens) {
        for (at, target) in targets.iter().enumerate() {
            let list = FieldPath::keys(&["spec", "targetRefs"]);
            let is_list = subject.object(object).root().locate(&list).is_some();
            let path = if is_list { list.index(at) } else { FieldPath::keys(&["spec", "targetRef"]) };
            if let Some(message) = unguarded(subject, namespace, target) {
                flaws.add(object, path.key("name"), target.name.clone(), message);
            }
        }
    }
}

/// That a Gateway is not there, where others of the namespace are.
fn without_gateway(subject: &Subject<'_>, namespace: &str, target: &TargetRef) -> Option<String> {
    let of_namespace = |object: &&Object| object.id.namespace.as_deref().unwrap_or("default") == namespace;
    let mut all =
        subject.snapshot.of_kind("gateway.networking.k8s.io", "Gateway").filter(of_namespace).peekable();
    all.peek()?;
    let is_there = all.any(|object| object.id.name == target.name);
    (!is_there).then(|| {
        format!("no Gateway {namespace}/{} is in the input: nobody enforces the policy", target.name)
    })
}

/// Why nobody enforces what is attached to the target, if so.
fn unguarded(subject: &Subject<'_>, namespace: &str, target: &TargetRef) -> Option<String> {
    let group = if target.group == "core" { "" } else { target.group.as_str() };
    match (group, target.kind.as_str()) {
        ("gateway.networking.k8s.io", "Gateway") => return without_gateway(subject, namespace, target),
        ("gateway.networking.k8s.io", "GatewayClass") if namespace != subject.mesh.config.root_namespace => {
            return Some(format!(
                "a class is only looked at in policies of {}: nobody enforces this one",
                subject.mesh.config.root_namespace
            ));
        }
        ("", "Service") | ("networking.istio.io", "ServiceEntry") => {}
        _ => return None,
    }
    let mut beside = subject
        .snapshot
        .of_kind(group, &target.kind)
        .filter(|object| object.id.namespace.as_deref().unwrap_or("default") == namespace)
        .peekable();
    beside.peek()?;
    let Some(found) = beside.find(|object| object.id.name == target.name) else {
        return Some(format!(
            "no {} {namespace}/{} is in the input: nobody enforces the policy",
            target.kind, target.name
        ));
    };
    let own = found.root().str_at(&["metadata", "labels", USE_WAYPOINT]);
    let space = subject.mesh.workloads.namespaces.get(namespace);
    if own.is_none() && space.is_none_or(|space| space.object.is_none()) {
        return None;
    }
    let label = own.or_else(|| space.and_then(|space| space.label(USE_WAYPOINT)));
    let said = match label {
        Some("none") => "its label says that it has no waypoint".to_owned(),
        Some(_) => return None,
        None => format!("neither it nor the namespace has the label {USE_WAYPOINT}"),
    };
    Some(format!(
        "{} {namespace}/{} has no waypoint ({said}): nobody enforces the policy",
        target.kind, target.name
    ))
}
