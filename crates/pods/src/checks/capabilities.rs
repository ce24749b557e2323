//! Linux capabilities.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Fix, Value as New};
use ringwall_model::version::Minor;

use super::capability::gain_of;
use super::{
    CONFINED_BY_NOTHING, LINUX_ONLY, ON_PURPOSE, Repair, Revision, SECURITY_CONTEXT, STANDARDS,
    StandardCheck, container_names, containers, is_privileged, quoted_values, subject,
};
use crate::evidence::{Offence, Value, Words};
use crate::hardening::repair::reviewed;
use crate::model::PodTemplate;
use crate::policy::Level;

pub(super) const BASELINE: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-006",
        name: "non-default-capability",
        severity: Severity::High,
        summary: "a container adds a capability beyond the runtime's default set",
        what: "`securityContext.capabilities.add` holds anything but AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, \
               KILL, MKNOD, NET_BIND_SERVICE, SETFCAP, SETGID, SETPCAP, SETUID, SYS_CHROOT. Names are compared \
               exactly: `CAP_CHOWN` and `chown` are not known.",
        why: "Capabilities are parts of root's power. SYS_ADMIN, SYS_PTRACE, SYS_MODULE or DAC_READ_SEARCH lead out of \
              the container; NET_ADMIN and NET_RAW let it forge and read the traffic of others.",
        fix: "Remove the capability. Find out which system call needs it, and whether the work can be done elsewhere: \
              in an init container, by a device plugin, or by a port above 1023.",
        bad: "securityContext:\n  capabilities:\n    add: [SYS_ADMIN]\n",
        good: "securityContext:\n  capabilities:\n    drop: [ALL]\n",
        versions: "Baseline, every version of the standards (since v1.0). At restricted, since v1.22, the check \
                   `unrestricted-capabilities` replaces it.",
        references: &[STANDARDS, SECURITY_CONTEXT],
        controls: &[
            pss("baseline: Capabilities"),
            cis("5.2.8"),
            cis("5.2.9"),
            nsa("Pod security enforcement"),
            mitre("T1611"),
        ],
    },
    id: "capabilities_baseline",
    level: Level::Baseline,
    revisions: &[Revision { since: Minor(0), find: find_non_default, overrides: &[] }],
    words: words_non_default,
    finding,
    grade,
    repair: ON_PURPOSE,
};

pub(super) const RESTRICTED: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-013",
        name: "unrestricted-capabilities",
        severity: Severity::Low,
        summary: "a container does not drop all capabilities, or adds one other than NET_BIND_SERVICE",
        what: "`securityContext.capabilities.drop` does not hold exactly `ALL` (upper case), or `add` holds anything but \
               NET_BIND_SERVICE. Windows pods (`os.name: windows`) are exempt since v1.25.",
        why: "The runtime's default set still lets root in the container change owners of files, make device nodes \
              and send raw packets. Most programs need none of it.",
        fix: "Set `capabilities.drop: [ALL]` on every container, init containers included.",
        bad: "securityContext:\n  capabilities:\n    drop: [NET_RAW]\n",
        good: "securityContext:\n  capabilities:\n    drop: [ALL]\n    add: [NET_BIND_SERVICE]\n",
        versions: "Restricted since v1.22; Windows pods are exempt since v1.25.",
        references: &[STANDARDS, SECURITY_CONTEXT],
        controls: &[
            pss("restricted: Capabilities"),
            cis("5.2.8"),
            cis("5.2.9"),
            cis("5.2.10"),
            nsa("Pod security enforcement"),
            mitre("T1611"),
        ],
    },
    id: "capabilities_restricted",
    level: Level::Restricted,
    revisions: &[
        Revision { since: Minor(22), find: find_unrestricted, overrides: &["capabilities_baseline"] },
        Revision { since: Minor(25), find: find_unrestricted_1_25, overrides: &["capabilities_baseline"] },
    ],
    words: words_unrestricted,
    finding,
    grade,
    repair: Repair::Template(mend),
};

const ADD: &str = "securityContext.capabilities.add[]";
const DROP: &str = "securityContext.capabilities.drop";

/// The default set of container runtimes, less `NET_RAW`.
pub(crate) const DEFAULT: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn find_non_default<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    pod.spec.visit(|place, container| {
        let Some(capabilities) = container.security_context.as_ref().and_then(|c| c.capabilities.as_ref())
        else {
            return;
        };
        for (index, capability) in capabilities.add.iter().enumerate() {
            if !DEFAULT.contains(capability) {
                offences.push(Offence {
                    place,
                    field: ADD,
                    index: index as u32,
                    value: Value::Text(capability),
                });
            }
        }
    });
}

fn words_non_default(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    Words { reason: "non-default capabilities", detail: must_not_add(pod, offences) }
}

fn must_not_add(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> String {
    let names = container_names(pod, offences);
    let values = quoted_values(offences);
    format!("{} must not include {values} in securityContext.capabilities.add", containers(&names))
}

fn find_unrestricted<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    pod.spec.visit(|place, container| {
        let capabilities = container.security_context.as_ref().and_then(|c| c.capabilities.as_ref());
        if !capabilities.is_some_and(|capabilities| capabilities.drop.all()) {
            offences.push(Offence::new(place, DROP, Value::Missing));
        }
        for (index, capability) in
            capabilities.into_iter().flat_map(|capabilities| capabilities.add.iter().enumerate())
        {
            if *capability != "NET_BIND_SERVICE" {
                offences.push(Offence {
                    place,
                    field: ADD,
                    index: index as u32,
                    value: Value::Text(capability),
                });
            }
        }
    });
}

fn find_unrestricted_1_25<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    if !pod.spec.is_windows() {
        find_unrestricted(pod, offences);
    }
}

fn words_unrestricted(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let (missing, added): (Vec<Offence<'_>>, Vec<Offence<'_>>) =
        offences.iter().partition(|offence| offence.value == Value::Missing);
    let mut details = Vec::new();
    if !missing.is_empty() {
        let names = container_names(pod, &missing);
        details.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers(&names)));
    }
    if !added.is_empty() {
        details.push(must_not_add(pod, &added));
    }
    Words { reason: "unrestricted capabilities", detail: details.join("; ") }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let who = subject(pod, offence);
    match offence.text() {
        Some(capability) => match gain_of(capability) {
            Some(gain) => format!("{who} adds the capability {capability}: {}", gain.gives),
            None => format!("{who} adds the capability {capability}"),
        },
        None => format!("{who} does not drop ALL capabilities"),
    }
}

/// A capability is as bad as what it gives.
fn grade(offence: &Offence<'_>) -> Option<Severity> {
    offence.text().and_then(gain_of).map(|gain| gain.severity)
}

fn mend(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> Result<Fix, &'static str> {
    if is_privileged(pod, offence.place) {
        return Err(CONFINED_BY_NOTHING);
    }
    if pod.spec.is_windows() {
        return Err(LINUX_ONLY);
    }
    if offence.value != Value::Missing {
        return Err(
            "somebody gave it this on purpose, and whether the program can do without is not in the manifest",
        );
    }
    let changes = vec![Change::Append { path: offence.path(), value: New::from("ALL") }];
    let review = "whether the program needs a capability, such as NET_BIND_SERVICE for a port below 1024";
    Ok(reviewed("drop ALL capabilities", review, changes))
}
