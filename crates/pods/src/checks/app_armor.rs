//! AppArmor profiles.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Fix, Value as New};
use ringwall_model::version::Minor;

use super::{LINUX_ONLY, Repair, Revision, STANDARDS, StandardCheck, even, setters, subject};
use crate::defaulting::APP_ARMOR_ANNOTATION;
use crate::evidence::{Offence, Value, Words};
use crate::hardening::repair::{reviewed, set};
use crate::model::{Place, PodTemplate, Profile};
use crate::policy::Level;
use crate::text::{join_quote, plural, sorted};
use ringwall_model::go::go_quote;

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-007",
        name: "app-armor-profile",
        severity: Severity::Medium,
        summary: "an AppArmor profile other than the runtime's or a local one is set",
        what: "`appArmorProfile.type` of the pod or a container is there and neither `RuntimeDefault` nor `Localhost`; or \
               an annotation `container.apparmor.security.beta.kubernetes.io/NAME` has a value that is not empty, \
               `runtime/default` or `localhost/…` (whether or not a container of that name exists).",
        why: "`Unconfined` takes away the profile that the runtime puts on every container, which forbids mounts and \
              writes below `/proc` and `/sys`.",
        fix: "Remove the field or annotation, or set `type: RuntimeDefault`.",
        bad: "securityContext:\n  appArmorProfile:\n    type: Unconfined\n",
        good: "securityContext:\n  appArmorProfile:\n    type: RuntimeDefault\n",
        versions: "Baseline and restricted, every version of the standards (since v1.0).",
        references: &[STANDARDS, "https://kubernetes.io/docs/tutorials/security/apparmor/"],
        controls: &[pss("baseline: AppArmor"), nsa("Hardening container environments"), mitre("T1611")],
    },
    id: "appArmorProfile",
    level: Level::Baseline,
    revisions: &[Revision { since: Minor(0), find, overrides: &[] }],
    words,
    finding,
    grade: even,
    repair: Repair::Template(mend),
};

const FIELD: &str = "securityContext.appArmorProfile.type";

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    let mut judge = |place: Place, profile: Option<&Profile<'t>>| {
        if let Some(profile) = profile.filter(|profile| !profile.is_allowed()) {
            offences.push(Offence::new(place, FIELD, Value::Text(profile.kind())));
        }
    };
    judge(Place::Pod, pod.spec.security_context.as_ref().and_then(|c| c.app_armor_profile.as_ref()));
    pod.spec.visit(|place, container| {
        judge(place, container.security_context.as_ref().and_then(|c| c.app_armor_profile.as_ref()));
    });
    for (key, value) in pod.metadata.annotations.iter() {
        let allowed = value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
        if key.starts_with(APP_ARMOR_ANNOTATION) && !allowed {
            offences.push(Offence::new(Place::Annotation, "", Value::Annotation { key, value }));
        }
    }
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let mut who = setters(pod, offences);
    let mut annotations: Vec<String> = offences
        .iter()
        .filter_map(|offence| match offence.value {
            Value::Annotation { key, value } => Some(format!("{key}={}", go_quote(value))),
            _ => None,
        })
        .collect();
    annotations.sort();
    if !annotations.is_empty() {
        who.push(plural("annotation", "annotations", annotations.len()).to_owned());
    }
    let values: Vec<&str> = sorted(offences.iter().filter_map(Offence::text))
        .into_iter()
        .chain(annotations.iter().map(String::as_str))
        .collect();
    Words {
        reason: plural("forbidden AppArmor profile", "forbidden AppArmor profiles", values.len()),
        detail: format!(
            "{} must not set AppArmor profile type to {}",
            who.join(" and "),
            join_quote(&values)
        ),
    }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let who = subject(pod, offence);
    match offence.value {
        Value::Annotation { value, .. } => format!("{who} sets the AppArmor profile {value}"),
        Value::Text(kind) if !kind.is_empty() => format!("{who} sets the AppArmor profile {kind}"),
        _ => format!("{who} sets an AppArmor profile without a type"),
    }
}

fn mend(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> Result<Fix, &'static str> {
    if pod.spec.is_windows() {
        return Err(LINUX_ONLY);
    }
    let profile = match offence.value {
        Value::Annotation { .. } => "runtime/default",
        _ => "RuntimeDefault",
    };
    let changes = vec![set(offence.path(), New::from(profile))];
    Ok(reviewed(
        "use the runtime's own AppArmor profile",
        "whether the program does what that profile forbids",
        changes,
    ))
}
