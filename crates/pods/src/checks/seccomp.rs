//! Seccomp profiles.

use std::collections::HashSet;

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Fix, Value as New};
use ringwall_model::version::Minor;

use super::{
    CONFINED_BY_NOTHING, LINUX_ONLY, Repair, Revision, SECURITY_CONTEXT, STANDARDS, StandardCheck,
    container_names, containers, even, is_privileged, quoted_values, setters, subject,
};
use crate::evidence::{Offence, Value, Words};
use crate::hardening::repair::{reviewed, safe, set};
use crate::model::{Place, PodTemplate, Profile, below};
use crate::policy::Level;
use crate::text::plural;
use ringwall_model::go::go_quote;

pub(super) const BASELINE: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-010",
        name: "seccomp-profile",
        severity: Severity::Medium,
        summary: "a seccomp profile other than the runtime's or a local one is set",
        what: "Since v1.19: `seccompProfile.type` of the pod or a container is there and neither `RuntimeDefault` nor \
               `Localhost`. Before: an annotation `seccomp.security.alpha.kubernetes.io/pod`, or \
               `container.seccomp.security.alpha.kubernetes.io/NAME` of a container that exists, is not \
               `runtime/default`, `docker/default` or `localhost/…`.",
        why: "`Unconfined` opens every system call, among them those through which containers have been left.",
        fix: "Set `seccompProfile.type: RuntimeDefault` on the pod.",
        bad: "securityContext:\n  seccompProfile:\n    type: Unconfined\n",
        good: "securityContext:\n  seccompProfile:\n    type: RuntimeDefault\n",
        versions: "Baseline, every version of the standards: annotations from v1.0 to v1.18, fields since v1.19. At \
                   restricted, since v1.19, the check `seccomp-profile-not-set` replaces it.",
        references: &[STANDARDS, "https://kubernetes.io/docs/tutorials/security/seccomp/"],
        controls: &[
            pss("baseline: Seccomp"),
            cis("5.7.2"),
            nsa("Hardening container environments"),
            mitre("T1611"),
        ],
    },
    id: "seccompProfile_baseline",
    level: Level::Baseline,
    revisions: &[
        Revision { since: Minor(0), find: find_annotations, overrides: &[] },
        Revision { since: Minor(19), find: find_explicit, overrides: &[] },
    ],
    words: words_baseline,
    finding,
    grade: even,
    repair: Repair::Template(mend_profile),
};

pub(super) const RESTRICTED: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-019",
        name: "seccomp-profile-not-set",
        severity: Severity::Low,
        summary: "no seccomp profile is set",
        what: "Neither the pod nor the container sets `seccompProfile.type` to `RuntimeDefault` or `Localhost`; or one of \
               them sets another. Windows pods (`os.name: windows`) are exempt since v1.25.",
        why: "Without a profile a container may make every system call of the kernel, unless the kubelet is configured \
              to default to the runtime's profile.",
        fix: "Set `securityContext.seccompProfile.type: RuntimeDefault` on the pod: it covers all its containers.",
        bad: "spec:\n  containers:\n  - name: web\n",
        good: "spec:\n  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\n  containers:\n  - name: web\n",
        versions: "Restricted since v1.19; Windows pods are exempt since v1.25.",
        references: &[STANDARDS, SECURITY_CONTEXT, "https://kubernetes.io/docs/tutorials/security/seccomp/"],
        controls: &[
            pss("restricted: Seccomp"),
            cis("5.7.2"),
            nsa("Hardening container environments"),
            mitre("T1611"),
        ],
    },
    id: "seccompProfile_restricted",
    level: Level::Restricted,
    revisions: &[
        Revision { since: Minor(19), find: find_restricted, overrides: &["seccompProfile_baseline"] },
        Revision { since: Minor(25), find: find_restricted_1_25, overrides: &["seccompProfile_baseline"] },
    ],
    words: words_restricted,
    finding,
    grade: even,
    repair: Repair::Template(mend_missing),
};

const FIELD: &str = "securityContext.seccompProfile.type";
const POD_ANNOTATION: &str = "seccomp.security.alpha.kubernetes.io/pod";
const CONTAINER_ANNOTATION: &str = "container.seccomp.security.alpha.kubernetes.io/";

fn find_annotations<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    let mut names: Option<HashSet<&str>> = None;
    for (key, value) in pod.metadata.annotations.iter() {
        let allowed =
            matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/");
        let concerned = key == POD_ANNOTATION
            || key.strip_prefix(CONTAINER_ANNOTATION).is_some_and(|name| {
                // Gathered once: a pod may have as many annotations as containers.
                let names = names.get_or_insert_with(|| {
                    let mut names = HashSet::new();
                    pod.spec.visit(|_, container| {
                        names.insert(container.name);
                    });
                    names
                });
                names.contains(name)
            });
        if concerned && !allowed {
            offences.push(Offence::new(Place::Annotation, "", Value::Annotation { key, value }));
        }
    }
}

fn find_explicit<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    let mut judge = |place: Place, profile: Option<&Profile<'t>>| {
        if let Some(profile) = profile.filter(|profile| !profile.is_allowed()) {
            offences.push(Offence::new(place, FIELD, Value::Text(profile.kind())));
        }
    };
    judge(Place::Pod, pod.spec.security_context.as_ref().and_then(|c| c.seccomp_profile.as_ref()));
    pod.spec.visit(|place, container| {
        judge(place, container.security_context.as_ref().and_then(|c| c.seccomp_profile.as_ref()));
    });
}

fn find_restricted<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    let before = offences.len();
    find_explicit(pod, offences);
    let pod_profile = pod.spec.security_context.as_ref().and_then(|c| c.seccomp_profile.as_ref());
    // What is set wrongly is said alone; what is missing is said where nothing is set wrongly.
    if offences.len() > before || pod_profile.is_some_and(Profile::is_allowed) {
        return;
    }
    pod.spec.visit(|place, container| {
        if container.security_context.as_ref().and_then(|c| c.seccomp_profile.as_ref()).is_none() {
            offences.push(Offence::new(place, FIELD, Value::Missing));
        }
    });
}

fn find_restricted_1_25<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    if !pod.spec.is_windows() {
        find_restricted(pod, offences);
    }
}

fn words_baseline(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let mut annotations: Vec<String> = offences
        .iter()
        .filter_map(|offence| match offence.value {
            Value::Annotation { key, value } => Some(format!("{key}={}", go_quote(value))),
            _ => None,
        })
        .collect();
    let detail = if annotations.is_empty() {
        explicit(pod, offences)
    } else {
        annotations.sort();
        let annotation = plural("annotation", "annotations", annotations.len());
        format!("forbidden {annotation} {}", annotations.join(", "))
    };
    Words { reason: "seccompProfile", detail }
}

fn explicit(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> String {
    let who = setters(pod, offences).join(" and ");
    format!("{who} must not set securityContext.seccompProfile.type to {}", quoted_values(offences))
}

fn words_restricted(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let detail = if offences.iter().any(|offence| offence.value == Value::Missing) {
        let names = container_names(pod, offences);
        format!(
            "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            containers(&names)
        )
    } else {
        explicit(pod, offences)
    };
    Words { reason: "seccompProfile", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let who = subject(pod, offence);
    match offence.value {
        Value::Annotation { value, .. } => format!("{who} sets the seccomp profile {value}"),
        Value::Text("") => format!("{who} sets a seccomp profile without a type"),
        Value::Text(kind) => format!("{who} sets the seccomp profile {kind}"),
        _ => format!("{who} has no seccomp profile"),
    }
}

/// A profile that is set, and is none of those allowed. Where the pod sets none, it gets one too: the standards say that containers
/// have none only once nothing is set wrongly.
fn mend_profile(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> Result<Fix, &'static str> {
    if pod.spec.is_windows() {
        return Err(LINUX_ONLY);
    }
    let profile = match offence.value {
        Value::Annotation { .. } => "runtime/default",
        _ => "RuntimeDefault",
    };
    let mut changes = vec![set(offence.path(), New::from(profile))];
    let pod_profile = pod.spec.security_context.as_ref().and_then(|c| c.seccomp_profile.as_ref());
    let mut bare = false;
    pod.spec.visit(|_, container| {
        bare |= container.security_context.as_ref().is_none_or(|c| c.seccomp_profile.is_none());
    });
    if bare && pod_profile.is_none() && !matches!(offence.value, Value::Annotation { .. }) {
        changes.push(set(below(Place::Pod, FIELD, 0), New::from("RuntimeDefault")));
    }
    Ok(reviewed(
        "use the runtime's own seccomp profile",
        "whether the program makes calls that it forbids",
        changes,
    ))
}

/// What is missing is set once, for the whole pod.
fn mend_missing(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> Result<Fix, &'static str> {
    if offence.value != Value::Missing {
        return mend_profile(pod, offence);
    }
    if is_privileged(pod, offence.place) {
        return Err(CONFINED_BY_NOTHING);
    }
    if pod.spec.is_windows() {
        return Err(LINUX_ONLY);
    }
    let path = below(Place::Pod, FIELD, 0);
    Ok(safe(
        "set the runtime's own seccomp profile for the pod",
        vec![set(path, New::from("RuntimeDefault"))],
    ))
}
