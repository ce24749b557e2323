//! Running as root is not ruled out.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Fix, Value as New};
use ringwall_model::version::Minor;

use super::{
    Repair, Revision, SECURITY_CONTEXT, STANDARDS, StandardCheck, container_names, containers, even, setters,
    subject,
};
use crate::evidence::{Offence, Value, Words};
use crate::hardening::images::user_of;
use crate::hardening::repair::{reviewed, set};
use crate::model::{Place, PodTemplate, below};
use crate::policy::Level;

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-017",
        name: "root-not-ruled-out",
        severity: Severity::Medium,
        summary: "a container may run as root",
        what: "Neither the pod nor the container sets `runAsNonRoot: true`; or one of them sets it to `false`. Since v1.35 \
               a pod with a user namespace (`hostUsers: false`) passes. Windows pods are not exempt.",
        why: "Root in a container is root on the node as soon as anything else gives way: a kernel fault, a mounted \
              path, a capability.",
        fix: "Set `securityContext.runAsNonRoot: true` on the pod. The kubelet then refuses to start an image that runs \
              as root: build it with a numeric `USER`, or set `runAsUser`.",
        bad: "spec:\n  containers:\n  - name: web\n",
        good: "spec:\n  securityContext:\n    runAsNonRoot: true\n    runAsUser: 1000\n  containers:\n  - name: web\n",
        versions: "Restricted, every version of the standards (since v1.0); user namespaces relax it since v1.35.",
        references: &[
            STANDARDS,
            SECURITY_CONTEXT,
            "https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/",
        ],
        controls: &[
            pss("restricted: Running as Non-root"),
            cis("5.2.7"),
            nsa("Non-root containers and rootless container engines"),
            mitre("T1611"),
        ],
    },
    id: "runAsNonRoot",
    level: Level::Restricted,
    revisions: &[
        Revision { since: Minor(0), find: find_1_0, overrides: &[] },
        Revision { since: Minor(35), find: find_1_35, overrides: &[] },
    ],
    words,
    finding,
    grade: even,
    repair: Repair::Template(mend),
};

const FIELD: &str = "securityContext.runAsNonRoot";

fn find_1_0<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    let before = offences.len();
    let pod_level = pod.spec.security_context.as_ref().and_then(|context| context.run_as_non_root);
    if pod_level == Some(false) {
        offences.push(Offence::new(Place::Pod, FIELD, Value::Bool(false)));
    }
    pod.spec.visit(|place, container| {
        if container.security_context.as_ref().and_then(|context| context.run_as_non_root) == Some(false) {
            offences.push(Offence::new(place, FIELD, Value::Bool(false)));
        }
    });
    // What is set wrongly is said alone; what is missing is said where nothing is set wrongly.
    if offences.len() > before || pod_level == Some(true) {
        return;
    }
    pod.spec.visit(|place, container| {
        if container.security_context.as_ref().and_then(|context| context.run_as_non_root).is_none() {
            offences.push(Offence::new(place, FIELD, Value::Missing));
        }
    });
}

fn find_1_35<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    if !pod.spec.has_user_namespace() {
        find_1_0(pod, offences);
    }
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let detail = if offences.iter().any(|offence| offence.value == Value::Missing) {
        let names = container_names(pod, offences);
        format!("pod or {} must set securityContext.runAsNonRoot=true", containers(&names))
    } else {
        format!("{} must not set securityContext.runAsNonRoot=false", setters(pod, offences).join(" and "))
    };
    Words { reason: "runAsNonRoot != true", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let why = if offence.value == Value::Missing { "runAsNonRoot is not set" } else { "runAsNonRoot: false" };
    format!("{} may run as root ({why})", subject(pod, offence))
}

fn mend(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> Result<Fix, &'static str> {
    let of_pod = pod.spec.security_context.as_ref();
    let pod_user = of_pod.and_then(|context| context.run_as_user);
    let (mut bare, mut root) = (false, false);
    let mut users = Vec::new();
    pod.spec.visit(|place, container| {
        let own = container.security_context.as_ref();
        let unset = own.and_then(|context| context.run_as_non_root).is_none();
        bare |= unset;
        // Whom the change concerns: the container itself, or those that leave it to the pod.
        let concerned = place == offence.place || unset;
        let user = own.and_then(|context| context.run_as_user).or(pod_user);
        root |= concerned && user == Some(0);
        // Official images start as root, though they are made for another user.
        if let Some(made_for) = user_of(container.image).filter(|_| concerned && user.is_none()) {
            users.push(set(below(place, "securityContext.runAsUser", 0), New::Integer(made_for)));
        }
    });
    // Source: `verifyRunAsNonRoot` in k8s.io/kubernetes `pkg/kubelet/kuberuntime/security_context_others.go`.
    if root && !pod.spec.is_windows() {
        return Err("the kubelet starts no container that must not be root and has runAsUser: 0");
    }
    let mut changes = Vec::new();
    if offence.value != Value::Missing {
        changes.push(set(offence.path(), New::Bool(true)));
    }
    // What is missing is set once, for the whole pod. It is said only once nothing is set wrongly.
    if bare && of_pod.is_none_or(|context| context.run_as_non_root.is_none()) {
        changes.push(set(below(Place::Pod, FIELD, 0), New::Bool(true)));
    }
    let (title, review) = if users.is_empty() {
        (
            "rule out root",
            "whether the image has a user other than root, by number: the kubelet starts it only then",
        )
    } else {
        (
            "rule out root, and run official images as the user that they are made for",
            "whether that user may read and write its volumes, and whether other images have a user by number",
        )
    };
    if !pod.spec.is_windows() {
        changes.append(&mut users);
    }
    Ok(reviewed(title, review, changes))
}
