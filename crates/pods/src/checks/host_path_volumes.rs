//! Volumes of the node's file system.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;

use super::{ON_PURPOSE, Revision, STANDARDS, StandardCheck, even, subject};
use crate::evidence::{Offence, Value, Words};
use crate::model::{Place, PodTemplate};
use crate::policy::Level;
use crate::text::{join_quote, plural};

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-003",
        name: "host-path-volume",
        severity: Severity::High,
        summary: "a volume mounts a path of the node",
        what: "`spec.volumes[*].hostPath` is set, whatever the path.",
        why: "A path of the node is shared by all pods and by the node itself. Depending on the path it holds \
              credentials, other pods' files, or the container runtime's socket; a writable one lets the container \
              run code on the node.",
        fix: "Use an `emptyDir` for scratch space, a `persistentVolumeClaim` for data, a `configMap` or `secret` for \
              configuration. A node agent that must read the node's logs belongs in a namespace of its own.",
        bad: "spec:\n  volumes:\n  - name: data\n    hostPath:\n      path: /var/lib/data\n",
        good: "spec:\n  volumes:\n  - name: data\n    persistentVolumeClaim:\n      claimName: data\n",
        versions: "Baseline, every version of the standards (since v1.0). At restricted, the check \
                   `restricted-volume-type` covers it.",
        references: &[STANDARDS],
        controls: &[
            pss("baseline: HostPath Volumes"),
            cis("5.2.12"),
            nsa("Pod security enforcement"),
            mitre("T1611"),
        ],
    },
    id: "hostPathVolumes",
    level: Level::Baseline,
    revisions: &[Revision { since: Minor(0), find, overrides: &[] }],
    words,
    finding,
    grade: even,
    repair: ON_PURPOSE,
};

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    for (index, volume) in pod.spec.volumes.iter().enumerate() {
        if volume.is_host_path() {
            offences.push(Offence::new(Place::Volume(index as u32), "hostPath", Value::Text(volume.name)));
        }
    }
}

fn words(_pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let names = join_quote(offences.iter().filter_map(Offence::text));
    Words {
        reason: "hostPath volumes",
        detail: format!("{} {names}", plural("volume", "volumes", offences.len())),
    }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    format!("{} mounts a path of the node", subject(pod, offence))
}
