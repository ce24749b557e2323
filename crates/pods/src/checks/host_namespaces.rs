//! The node's network, process and IPC namespaces.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;

use super::{ON_PURPOSE, Revision, STANDARDS, StandardCheck, even};
use crate::evidence::{Offence, Value, Words};
use crate::model::{Place, PodTemplate};
use crate::policy::Level;

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-002",
        name: "host-namespace",
        severity: Severity::High,
        summary: "the pod shares a namespace of its node",
        what: "`spec.hostNetwork`, `spec.hostPID` or `spec.hostIPC` is `true`.",
        why: "With `hostNetwork` the pod sees the node's interfaces and loopback, reaches what listens there (the \
              kubelet, cloud metadata), and no NetworkPolicy applies to it. With `hostPID` it sees every process of \
              the node with its environment, and may reach their files through `/proc/PID/root`. With `hostIPC` it \
              reads shared memory of other processes.",
        fix: "Remove the field. Node agents that need it belong in a namespace of their own, labelled privileged, \
              that few people may write to.",
        bad: "spec:\n  hostNetwork: true\n  hostPID: true\n",
        good: "spec:\n  hostNetwork: false\n",
        versions: "Baseline and restricted, every version of the standards (since v1.0).",
        references: &[STANDARDS],
        controls: &[
            pss("baseline: Host Namespaces"),
            cis("5.2.3"),
            cis("5.2.4"),
            cis("5.2.5"),
            nsa("Pod security enforcement"),
            mitre("T1611"),
        ],
    },
    id: "hostNamespaces",
    level: Level::Baseline,
    revisions: &[Revision { since: Minor(0), find, overrides: &[] }],
    words,
    finding,
    grade: even,
    repair: ON_PURPOSE,
};

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    let spec = &pod.spec;
    let namespaces =
        [("hostNetwork", spec.host_network), ("hostPID", spec.host_pid), ("hostIPC", spec.host_ipc)];
    for (field, _) in namespaces.into_iter().filter(|(_, shared)| *shared) {
        offences.push(Offence::new(Place::Pod, field, Value::Bool(true)));
    }
}

fn words(_pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let shared: Vec<String> = offences.iter().map(|offence| format!("{}=true", offence.field)).collect();
    Words { reason: "host namespaces", detail: shared.join(", ") }
}

fn finding(_pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let shared = match offence.field {
        "hostNetwork" => "network",
        "hostPID" => "processes",
        _ => "IPC",
    };
    format!("the pod shares its node's {shared} ({})", offence.field)
}
