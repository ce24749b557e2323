//! How `/proc` is mounted.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, pss};
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;

use super::{
    ON_PURPOSE, Revision, STANDARDS, StandardCheck, container_names, containers, even, quoted_values, subject,
};
use crate::evidence::{Offence, Value, Words};
use crate::model::PodTemplate;
use crate::policy::Level;

pub(super) const BASELINE: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-008",
        name: "unmasked-proc",
        severity: Severity::High,
        summary: "a container gets /proc without the runtime's masks",
        what: "`securityContext.procMount` is there and is not exactly `Default`. Since v1.35 any value is allowed in a \
               pod with a user namespace (`hostUsers: false`).",
        why: "The masks hide parts of `/proc` that show and change the node's kernel. Without them a container can \
              read kernel memory maps and write kernel parameters.",
        fix: "Remove `procMount`. To run containers inside a container, set `hostUsers: false` as well.",
        bad: "securityContext:\n  procMount: Unmasked\n",
        good: "securityContext:\n  procMount: Default\n",
        versions: "Baseline, every version of the standards (since v1.0); user namespaces relax it since v1.35. At \
                   restricted, since v1.35, the check `unmasked-proc-restricted` replaces it.",
        references: &[STANDARDS, "https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/"],
        controls: &[pss("baseline: /proc Mount Type"), mitre("T1611")],
    },
    id: "procMount",
    level: Level::Baseline,
    revisions: &[
        Revision { since: Minor(0), find, overrides: &[] },
        Revision { since: Minor(35), find: find_1_35, overrides: &[] },
    ],
    words,
    finding,
    grade: even,
    repair: ON_PURPOSE,
};

pub(super) const RESTRICTED: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-014",
        name: "unmasked-proc-restricted",
        severity: Severity::Medium,
        summary: "a container gets /proc without the runtime's masks, user namespace or not",
        what: "`securityContext.procMount` is there and is not exactly `Default`. `hostUsers: false` does not relax it \
               at restricted.",
        why: "A user namespace takes most of the danger from an unmasked `/proc`; restricted still forbids it, \
              because nothing but nested containers needs it.",
        fix: "Remove `procMount`, or label the namespace baseline where nested containers are wanted.",
        bad: "spec:\n  hostUsers: false\n  containers:\n  - name: build\n    securityContext:\n      procMount: Unmasked\n",
        good: "spec:\n  containers:\n  - name: build\n    securityContext:\n      procMount: Default\n",
        versions: "Restricted since v1.35; before that, `unmasked-proc` applies.",
        references: &[STANDARDS],
        controls: &[pss("restricted: /proc Mount Type"), mitre("T1611")],
    },
    id: "procMount_restricted",
    level: Level::Restricted,
    revisions: &[Revision { since: Minor(35), find, overrides: &["procMount"] }],
    words,
    finding,
    grade: even,
    repair: ON_PURPOSE,
};

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    pod.spec.visit(|place, container| {
        let proc_mount = container.security_context.as_ref().and_then(|context| context.proc_mount);
        if let Some(kind) = proc_mount.filter(|kind| *kind != "Default") {
            offences.push(Offence::new(place, "securityContext.procMount", Value::Text(kind)));
        }
    });
}

fn find_1_35<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    if !pod.spec.has_user_namespace() {
        find(pod, offences);
    }
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let names = container_names(pod, offences);
    let detail = format!(
        "{} must not set securityContext.procMount to {}",
        containers(&names),
        quoted_values(offences)
    );
    Words { reason: "procMount", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let kind = offence.text().unwrap_or_default();
    format!("{} gets /proc without the runtime's masks (procMount: {kind:?})", subject(pod, offence))
}
