//! SELinux options.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Fix, Value as New};
use ringwall_model::version::Minor;

use super::{Repair, Revision, STANDARDS, StandardCheck, even, setters, subject};
use crate::evidence::{Offence, Value, Words};
use crate::hardening::repair::{reviewed, set};
use crate::model::{Place, PodTemplate, SeLinuxOptions, below};
use crate::policy::Level;
use crate::text::{join_quote, plural, sorted};

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-009",
        name: "se-linux-options",
        severity: Severity::Medium,
        summary: "SELinux options with a custom type, user or role are set",
        what: "`seLinuxOptions` of the pod or a container has a `type` other than container_t, container_init_t, \
               container_kvm_t (since v1.31 also container_engine_t), or any `user` or `role`.",
        why: "Another type, such as `spc_t`, takes the container out of SELinux's confinement: it may touch the files \
              and processes of the node.",
        fix: "Remove `type`, `user` and `role`; `level` is free.",
        bad: "securityContext:\n  seLinuxOptions:\n    type: spc_t\n",
        good: "securityContext:\n  seLinuxOptions:\n    level: s0:c123,c456\n",
        versions: "Baseline and restricted, every version of the standards (since v1.0); container_engine_t is allowed \
                   since v1.31.",
        references: &[STANDARDS],
        controls: &[pss("baseline: SELinux"), nsa("Hardening container environments"), mitre("T1611")],
    },
    id: "seLinuxOptions",
    level: Level::Baseline,
    revisions: &[
        Revision { since: Minor(0), find: find_1_0, overrides: &[] },
        Revision { since: Minor(31), find: find_1_31, overrides: &[] },
    ],
    words,
    finding,
    grade: even,
    repair: Repair::Template(mend),
};

const TYPE: &str = "securityContext.seLinuxOptions.type";
const USER: &str = "securityContext.seLinuxOptions.user";
const ROLE: &str = "securityContext.seLinuxOptions.role";
pub(crate) const TYPES: [&str; 5] =
    ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

fn find_1_0<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    find(pod, offences, &TYPES[..4]);
}

fn find_1_31<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    find(pod, offences, &TYPES);
}

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>, types: &[&str]) {
    let mut judge = |place: Place, options: Option<&SeLinuxOptions<'t>>| {
        let Some(options) = options else { return };
        if !types.contains(&options.kind) {
            offences.push(Offence::new(place, TYPE, Value::Text(options.kind)));
        }
        for (field, value) in [(USER, options.user), (ROLE, options.role)] {
            if !value.is_empty() {
                offences.push(Offence::new(place, field, Value::Text(value)));
            }
        }
    };
    judge(Place::Pod, pod.spec.security_context.as_ref().and_then(|c| c.se_linux_options.as_deref()));
    pod.spec.visit(|place, container| {
        judge(place, container.security_context.as_ref().and_then(|c| c.se_linux_options.as_deref()));
    });
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let types = sorted(offences.iter().filter(|offence| offence.field == TYPE).filter_map(Offence::text));
    let mut bad = Vec::new();
    if !types.is_empty() {
        bad.push(format!("{} {}", plural("type", "types", types.len()), join_quote(&types)));
    }
    for (field, text) in [(USER, "user may not be set"), (ROLE, "role may not be set")] {
        if offences.iter().any(|offence| offence.field == field) {
            bad.push(text.to_owned());
        }
    }
    let who = setters(pod, offences).join(" and ");
    let detail = format!("{who} set forbidden securityContext.seLinuxOptions: {}", bad.join("; "));
    Words { reason: "seLinuxOptions", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let option = match offence.field {
        TYPE => "type",
        USER => "user",
        _ => "role",
    };
    format!("{} sets the SELinux {option} {}", subject(pod, offence), offence.text().unwrap_or_default())
}

/// The options do not go as a whole: without any, the container states no label, which is a flaw of its own.
fn mend(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> Result<Fix, &'static str> {
    let (is_type, windows) = (offence.field == TYPE, pod.spec.is_windows());
    let mut changes = Vec::new();
    if !is_type || windows {
        changes.push(Change::Remove { path: offence.path() });
    }
    if !windows && (is_type || options(pod, offence.place).is_some_and(|options| options.kind.is_empty())) {
        changes.push(set(below(offence.place, TYPE, 0), New::from(ORDINARY)));
    }
    Ok(reviewed(
        "run under the label of ordinary containers",
        "whether the program reads files that only this label may read",
        changes,
    ))
}

/// The type that runtimes give to containers that ask for none.
const ORDINARY: &str = "container_t";

fn options<'a, 't>(pod: &'a PodTemplate<'t>, place: Place) -> Option<&'a SeLinuxOptions<'t>> {
    match place {
        Place::Container { list, index } => {
            let container = pod.spec.list(list).get(index as usize)?;
            container.security_context.as_ref()?.se_linux_options.as_deref()
        }
        _ => pod.spec.security_context.as_ref()?.se_linux_options.as_deref(),
    }
}
