//! Privilege escalation.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Fix, Value as New};
use ringwall_model::version::Minor;

use super::{
    LINUX_ONLY, Repair, Revision, SECURITY_CONTEXT, STANDARDS, StandardCheck, container_names, containers,
    even, subject,
};
use crate::evidence::{Offence, Value, Words};
use crate::hardening::repair::{safe, set};
use crate::model::{Place, PodTemplate};
use crate::policy::Level;

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-015",
        name: "privilege-escalation",
        severity: Severity::Medium,
        summary: "a container's processes may gain more rights than they started with",
        what: "`securityContext.allowPrivilegeEscalation` is not explicitly `false` on a container, init container or \
               ephemeral container. Windows pods (`os.name: windows`) are exempt since v1.25.",
        why: "Left out, the field means true: a set-user-ID program in the image makes a process root again, and \
              `runAsNonRoot` is worth little.",
        fix: "Set `allowPrivilegeEscalation: false` on every container. Programs that use `sudo` or `ping` with set-user-ID \
              stop working; most images have none.",
        bad: "spec:\n  containers:\n  - name: web\n",
        good: "spec:\n  containers:\n  - name: web\n    securityContext:\n      allowPrivilegeEscalation: false\n",
        versions: "Restricted since v1.8; Windows pods are exempt since v1.25.",
        references: &[STANDARDS, SECURITY_CONTEXT],
        controls: &[
            pss("restricted: Privilege Escalation"),
            cis("5.2.6"),
            nsa("Pod security enforcement"),
            mitre("T1068"),
        ],
    },
    id: "allowPrivilegeEscalation",
    level: Level::Restricted,
    revisions: &[
        Revision { since: Minor(8), find: find_1_8, overrides: &[] },
        Revision { since: Minor(25), find: find_1_25, overrides: &[] },
    ],
    words,
    finding,
    grade: even,
    repair: Repair::Template(mend),
};

fn find_1_8<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    pod.spec.visit(|place, container| {
        let allowed =
            container.security_context.as_ref().and_then(|context| context.allow_privilege_escalation);
        if allowed != Some(false) {
            let value = allowed.map_or(Value::Missing, Value::Bool);
            offences.push(Offence::new(place, "securityContext.allowPrivilegeEscalation", value));
        }
    });
}

fn find_1_25<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    if !pod.spec.is_windows() {
        find_1_8(pod, offences);
    }
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let names = container_names(pod, offences);
    let detail = format!("{} must set securityContext.allowPrivilegeEscalation=false", containers(&names));
    Words { reason: "allowPrivilegeEscalation != false", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    format!("{} may gain more rights than it starts with", subject(pod, offence))
}

fn mend(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> Result<Fix, &'static str> {
    let Place::Container { list, index } = offence.place else {
        return Err("the offence is in no container");
    };
    if pod.spec.is_windows() {
        return Err(LINUX_ONLY);
    }
    let context =
        pod.spec.list(list).get(index as usize).and_then(|container| container.security_context.as_ref());
    // Source: `ValidateSecurityContext` in k8s.io/kubernetes `pkg/apis/core/validation/validation.go`.
    if context.is_some_and(|context| context.privileged == Some(true)) {
        return Err("the API server refuses allowPrivilegeEscalation: false on a privileged container");
    }
    let adds = context.and_then(|context| context.capabilities.as_ref());
    if adds.is_some_and(|capabilities| capabilities.add.iter().any(|added| *added == "CAP_SYS_ADMIN")) {
        return Err(
            "the API server refuses allowPrivilegeEscalation: false beside the capability CAP_SYS_ADMIN",
        );
    }
    Ok(safe("set allowPrivilegeEscalation to false", vec![set(offence.path(), New::Bool(false))]))
}
