//! Kernel security modules that could confine a container further.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;

use super::repair::Repair;
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, SECURITY_CONTEXT, Subject, who};

pub(super) const APP_ARMOR: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-054",
        name: "app-armor-profile-missing",
        severity: Severity::Info,
        summary: "a container names no AppArmor profile",
        what: "Neither `appArmorProfile` of the container or the pod nor an annotation `container.apparmor.security.beta.kubernetes.io/NAME` \
               is set. Windows pods are passed over. Where the node has AppArmor, the runtime's default profile then applies all the same.",
        why: "The default keeps containers from little. A profile of its own keeps the program to the files and rights that it needs.",
        fix: "Write a profile, load it on the nodes, and name it: `type: Localhost`. `RuntimeDefault` says that the default is meant.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  securityContext:\n    appArmorProfile:\n      type: RuntimeDefault\n  containers:\n  - name: web\n",
        versions: "The field since v1.30; the annotation before.",
        references: &["https://kubernetes.io/docs/tutorials/security/apparmor/"],
        controls: &[cis("5.7.3"), nsa("Hardening container environments")],
    },
    find: app_armor,
    repair: Repair::Manual("whether the nodes have AppArmor is not in the manifest"),
};

pub(super) const SE_LINUX: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-055",
        name: "se-linux-options-missing",
        severity: Severity::Info,
        summary: "a container states no SELinux label",
        what: "Neither the container nor the pod sets `seLinuxOptions`. Windows pods are passed over. Where the node has SELinux, the \
               runtime then chooses a label of its own for each pod, which is right in most cases.",
        why: "A label that is stated keeps a program to the files that are labelled for it, also where pods share volumes.",
        fix: "Set `securityContext.seLinuxOptions.level` where pods share volumes, a `type` where a policy for the program is loaded.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  securityContext:\n    seLinuxOptions:\n      level: s0:c123,c456\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[SECURITY_CONTEXT],
        controls: &[cis("5.7.3"), nsa("Hardening container environments")],
    },
    find: se_linux,
    repair: Repair::Manual("whether the nodes have SELinux is not in the manifest"),
};

pub(super) const NOTHING: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-056",
        name: "unconfined-container",
        severity: Severity::Info,
        summary: "nothing confines a container: no seccomp, AppArmor or SELinux setting, and no capability is dropped",
        what: "Neither the container nor the pod sets `seccompProfile`, `appArmorProfile` (field or annotation) or `seLinuxOptions`, and the \
               container drops no capability. Windows pods are passed over.",
        why: "All calls of the kernel are open to whoever gets in, with all rights that a container has by default.",
        fix: "Begin with `seccompProfile: {type: RuntimeDefault}` and `capabilities: {drop: [ALL]}`; `ringwall fix` writes both.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[SECURITY_CONTEXT],
        controls: &[cis("5.7.2"), cis("5.7.3"), nsa("Hardening container environments"), mitre("T1611")],
    },
    find: nothing,
    repair: Repair::Manual("the fixes of RW-POD-013 and RW-POD-019 mend it"),
};

/// Whether an annotation names a profile for the container.
fn annotated(subject: &Subject<'_, '_>, container: &str) -> bool {
    let annotations = &subject.pod.metadata.annotations;
    !annotations.is_empty()
        && annotations.get(&format!("{}{container}", crate::defaulting::APP_ARMOR_ANNOTATION)).is_some()
}

fn app_armor(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let spec = &subject.pod.spec;
    if spec.is_windows() || spec.security_context.as_ref().is_some_and(|context| context.app_armor.0) {
        return;
    }
    for (place, container) in spec.all() {
        let set = container.security_context.as_ref().is_some_and(|context| context.app_armor.0);
        if !set && !annotated(subject, container.name) {
            let message = format!("{} names no AppArmor profile", who(place, container));
            let at = At::Template(place, "securityContext.appArmorProfile", 0);
            flaws.push(Flaw::missing(at, container.name, message));
        }
    }
}

fn se_linux(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let spec = &subject.pod.spec;
    if spec.is_windows() || spec.security_context.as_ref().is_some_and(|context| context.se_linux.0) {
        return;
    }
    for (place, container) in spec.all() {
        if !container.security_context.as_ref().is_some_and(|context| context.se_linux.0) {
            let message = format!("{} states no SELinux label", who(place, container));
            let at = At::Template(place, "securityContext.seLinuxOptions", 0);
            flaws.push(Flaw::missing(at, container.name, message));
        }
    }
}

fn nothing(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let spec = &subject.pod.spec;
    let pod = spec.security_context.as_ref();
    let confined = pod.is_some_and(|context| context.app_armor.0 || context.se_linux.0 || context.seccomp.0);
    if spec.is_windows() || confined {
        return;
    }
    for (place, container) in spec.all() {
        let confined = container.security_context.as_ref().is_some_and(|context| {
            context.app_armor.0
                || context.se_linux.0
                || context.seccomp.0
                || context.capabilities.as_ref().is_some_and(|capabilities| !capabilities.drop.is_empty())
        });
        if !confined && !annotated(subject, container.name) {
            let message = format!("nothing confines {}", who(place, container));
            flaws.push(Flaw::missing(At::Template(place, "securityContext", 0), container.name, message));
        }
    }
}
