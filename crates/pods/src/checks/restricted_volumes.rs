//! Volume types.

use ringwall_model::check::Check;
use ringwall_model::control::pss;
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;

use super::{ON_PURPOSE, Revision, STANDARDS, StandardCheck, even, subject};
use crate::evidence::{Offence, Value, Words};
use crate::model::{Place, PodTemplate, Volume};
use crate::policy::Level;
use crate::text::{join_quote, plural, sorted};

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-016",
        name: "restricted-volume-type",
        severity: Severity::Low,
        summary: "a volume has a type that restricted does not allow",
        what: "A volume in `spec.volumes` without one of configMap, csi, downwardAPI, emptyDir, ephemeral, image, \
               persistentVolumeClaim, projected, secret. A volume without any source becomes an emptyDir by API \
               defaulting.",
        why: "Other types (nfs, iscsi, hostPath, cloud disks named directly) reach storage past the administrator, who \
              controls PersistentVolumes and StorageClasses.",
        fix: "Use a `persistentVolumeClaim`, and let an administrator define the volume.",
        bad: "spec:\n  volumes:\n  - name: data\n    nfs:\n      server: 10.0.0.1\n      path: /data\n",
        good: "spec:\n  volumes:\n  - name: data\n    persistentVolumeClaim:\n      claimName: data\n",
        versions: "Restricted, every version of the standards (since v1.0); it replaces `host-path-volume` there.",
        references: &[STANDARDS, "https://kubernetes.io/docs/concepts/storage/volumes/"],
        controls: &[pss("restricted: Volume Types")],
    },
    id: "restrictedVolumes",
    level: Level::Restricted,
    revisions: &[Revision { since: Minor(0), find, overrides: &["hostPathVolumes"] }],
    words,
    finding,
    grade: even,
    repair: ON_PURPOSE,
};

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    for (index, volume) in pod.spec.volumes.iter().enumerate() {
        if !volume.has_allowed_source() {
            offences.push(Offence::new(Place::Volume(index as u32), "", Value::Text(volume.name)));
        }
    }
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let names: Vec<&str> = offences.iter().filter_map(Offence::text).collect();
    let types = sorted(offences.iter().filter_map(|offence| match offence.place {
        Place::Volume(index) => {
            pod.spec.volumes.as_slice().get(index as usize).map(super::super::model::Volume::restricted_type)
        }
        _ => None,
    }));
    let detail = format!(
        "{} {} {} {} {}",
        plural("volume", "volumes", names.len()),
        join_quote(&names),
        plural("uses", "use", names.len()),
        plural("restricted volume type", "restricted volume types", types.len()),
        join_quote(&types)
    );
    Words { reason: "restricted volume types", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let volume = match offence.place {
        Place::Volume(index) => pod.spec.volumes.as_slice().get(index as usize),
        _ => None,
    };
    let kind = volume.map_or("unknown", Volume::restricted_type);
    format!("{} is of the type {kind}", subject(pod, offence))
}
