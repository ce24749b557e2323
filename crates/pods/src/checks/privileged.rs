//! Privileged containers.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;

use super::{ON_PURPOSE, Revision, STANDARDS, StandardCheck, container_names, containers, even, subject};
use crate::evidence::{Offence, Value, Words};
use crate::model::PodTemplate;
use crate::policy::Level;

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-001",
        name: "privileged-container",
        severity: Severity::Critical,
        summary: "a container runs privileged",
        what: "`securityContext.privileged: true` on any container, init container or ephemeral container.",
        why: "A privileged container has all capabilities, sees all devices of the node, and is not confined by \
              seccomp, AppArmor or SELinux. Whoever takes it over takes over the node, and with it the secrets of \
              every pod that runs there.",
        fix: "Remove `privileged: true`. If the container needs one kernel feature, give it that capability alone, \
              or the one device through a device plugin.",
        bad: "spec:\n  containers:\n  - name: agent\n    securityContext:\n      privileged: true\n",
        good: "spec:\n  containers:\n  - name: agent\n    securityContext:\n      privileged: false\n",
        versions: "Baseline and restricted, every version of the standards (since v1.0).",
        references: &[STANDARDS],
        controls: &[
            pss("baseline: Privileged Containers"),
            cis("5.2.2"),
            nsa("Pod security enforcement"),
            mitre("T1611"),
        ],
    },
    id: "privileged",
    level: Level::Baseline,
    revisions: &[Revision { since: Minor(0), find, overrides: &[] }],
    words,
    finding,
    grade: even,
    repair: ON_PURPOSE,
};

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    pod.spec.visit(|place, container| {
        if container.security_context.as_ref().is_some_and(|context| context.privileged == Some(true)) {
            offences.push(Offence::new(place, "securityContext.privileged", Value::Bool(true)));
        }
    });
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let names = container_names(pod, offences);
    let detail = format!("{} must not set securityContext.privileged=true", containers(&names));
    Words { reason: "privileged", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    format!("{} runs privileged", subject(pod, offence))
}
