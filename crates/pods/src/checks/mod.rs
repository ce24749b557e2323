//! The checks of the Pod Security Standards, a file each family.
//!
//! A new check is a new file with a [`StandardCheck`], and one line in [`CHECKS`].
//!
//! Source of each rule: k8s.io/pod-security-admission `policy/check_*.go`.

mod app_armor;
mod capabilities;
mod capability;
mod host_namespaces;
mod host_path_volumes;
mod host_ports;
mod host_probes;
mod privilege_escalation;
mod privileged;
mod proc_mount;
mod restricted_volumes;
mod run_as_non_root;
mod run_as_user;
mod se_linux;
mod seccomp;
mod sysctls;
mod windows_host_process;

pub(crate) use capabilities::DEFAULT as DEFAULT_CAPABILITIES;
pub(crate) use se_linux::TYPES as SE_LINUX_TYPES;
pub(crate) use sysctls::SAFE as SAFE_SYSCTLS;

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fix;
use ringwall_model::version::Minor;

use crate::evidence::{Offence, Value, Words};
use crate::model::{Container, ContainerList, Place, PodTemplate};
use crate::policy::Level;
use crate::text::{join_quote, plural};

/// A check of the Pod Security Standards.
#[derive(Debug)]
pub struct StandardCheck {
    /// What is said about it.
    pub about: Check,
    /// The reference's id.
    pub id: &'static str,
    /// The level that it belongs to. Baseline checks run at restricted too, unless they are overridden there.
    pub level: Level,
    /// What it looks for from which version on; strictly rising.
    pub revisions: &'static [Revision],
    /// The reference's words for some evidence.
    pub words: fn(&PodTemplate<'_>, &[Offence<'_>]) -> Words,
    /// One offence as a plain sentence without full stop. It holds every part of [`witness`].
    pub finding: fn(&PodTemplate<'_>, &Offence<'_>) -> String,
    /// How bad one offence is, where that differs from the check's own severity.
    pub grade: fn(&Offence<'_>) -> Option<Severity>,
    /// How one offence is mended.
    pub repair: Repair,
}

/// How the offences of a check are mended.
#[derive(Clone, Copy, Debug)]
pub enum Repair {
    /// Not by a tool: the reason, as a sentence without full stop.
    Manual(&'static str),
    /// By these changes of the pod template, where they can be known; else the reason why not.
    Template(Mend),
}

/// What mends one offence, its paths from the pod template; or the reason why nothing does.
pub type Mend = for<'a, 't> fn(&'a PodTemplate<'t>, &'a Offence<'t>) -> Result<Fix, &'static str>;

/// For checks all of whose offences are equally bad.
const fn even(_: &Offence<'_>) -> Option<Severity> {
    None
}

/// Why a right that was given is not taken back by a tool.
const ON_PURPOSE: Repair = Repair::Manual(
    "somebody gave it this on purpose, and whether the program can do without is not in the manifest",
);

/// Why a pod for Windows is not given what older versions of the standards ask of it. Source: `validateWindows` in
/// k8s.io/kubernetes `pkg/apis/core/validation/validation.go`.
const LINUX_ONLY: &str = "the API server refuses this field on a pod for Windows";

/// A check as it is from some version on.
#[derive(Debug)]
pub struct Revision {
    /// The first version.
    pub since: Minor,
    /// Collects what is wrong with a pod.
    pub find: for<'a, 't> fn(&'a PodTemplate<'t>, &'a mut Vec<Offence<'t>>),
    /// The baseline checks that do not run at restricted where this one does.
    pub overrides: &'static [&'static str],
}

impl StandardCheck {
    /// The revision that applies at a version, if there is one yet.
    pub fn revision_at(&self, minor: Minor) -> Option<&'static Revision> {
        self.revisions.iter().rev().find(|revision| revision.since <= minor)
    }
}

/// All checks: baseline by the reference's id, then restricted by id. This order is the order of results.
pub static CHECKS: &[StandardCheck] = &[
    app_armor::CHECK,
    capabilities::BASELINE,
    host_namespaces::CHECK,
    host_path_volumes::CHECK,
    host_ports::CHECK,
    host_probes::CHECK,
    privileged::CHECK,
    proc_mount::BASELINE,
    se_linux::CHECK,
    seccomp::BASELINE,
    sysctls::CHECK,
    windows_host_process::CHECK,
    privilege_escalation::CHECK,
    capabilities::RESTRICTED,
    proc_mount::RESTRICTED,
    restricted_volumes::CHECK,
    run_as_non_root::CHECK,
    run_as_user::CHECK,
    seccomp::RESTRICTED,
];

/// The Kubernetes documentation of the standards.
pub(crate) const STANDARDS: &str = "https://kubernetes.io/docs/concepts/security/pod-security-standards/";
/// The Kubernetes documentation of security contexts.
const SECURITY_CONTEXT: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";

/// Whom an offence is about, as findings name it: `the pod`, `init container "setup"`, `volume "data"`.
fn subject(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    match (offence.place, offence.value) {
        (Place::Container { list, .. }, _) => format!("{} \"{}\"", list.noun(), name_of(pod, offence.place)),
        (Place::Volume(_), _) => format!("volume \"{}\"", name_of(pod, offence.place)),
        (Place::Annotation, Value::Annotation { key, .. }) => format!("the annotation {key}"),
        _ => "the pod".to_owned(),
    }
}

/// One of the three lists of containers.
fn container_list<'p, 't>(pod: &'p PodTemplate<'t>, list: ContainerList) -> &'p [Container<'t>] {
    match list {
        ContainerList::Init => pod.spec.init_containers.as_slice(),
        ContainerList::Ordinary => pod.spec.containers.as_slice(),
        ContainerList::Ephemeral => pod.spec.ephemeral_containers.as_slice(),
    }
}

/// The name of the container or volume at a place; empty for the pod itself.
fn name_of<'t>(pod: &PodTemplate<'t>, place: Place) -> &'t str {
    match place {
        Place::Container { list, index } => {
            container_list(pod, list).get(index as usize).map(|container| container.name).unwrap_or_default()
        }
        Place::Volume(index) => {
            pod.spec.volumes.as_slice().get(index as usize).map(|volume| volume.name).unwrap_or_default()
        }
        Place::Pod | Place::Annotation => "",
    }
}

/// The name of the container at a place, if there is one.
pub fn container_of<'t>(pod: &PodTemplate<'t>, place: Place) -> Option<&'t str> {
    matches!(place, Place::Container { .. }).then(|| name_of(pod, place))
}

/// Whether the container at a place is privileged: then nothing confines it, whatever is written beside that.
fn is_privileged(pod: &PodTemplate<'_>, place: Place) -> bool {
    let Place::Container { list, index } = place else { return false };
    let container = container_list(pod, list).get(index as usize);
    container.and_then(|container| container.security_context.as_ref()).and_then(|context| context.privileged)
        == Some(true)
}

/// Why a privileged container is not mended in part.
const CONFINED_BY_NOTHING: &str = "the container is privileged, and nothing else that is written confines it";

/// What tells an offence from others of the same check on the same field: the names of its container or volume,
/// and the value where that is a text or a number, such as `app/NET_ADMIN`. Positions in lists play no part in it.
pub fn witness(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let name = name_of(pod, offence.place);
    let value = match offence.value {
        Value::Text(text) if !matches!(offence.place, Place::Volume(_)) => text.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Annotation { key, value } => format!("{key}={value}"),
        _ => String::new(),
    };
    match (name.is_empty(), value.is_empty()) {
        (false, false) => format!("{name}/{value}"),
        (false, true) => name.to_owned(),
        (true, _) => value,
    }
}

/// The names of the containers in some evidence, in the order of the visits, each container once.
fn container_names<'t>(pod: &PodTemplate<'t>, offences: &[Offence<'_>]) -> Vec<&'t str> {
    let mut names = Vec::new();
    let mut last = None;
    for offence in offences {
        let Place::Container { list, index } = offence.place else { continue };
        if last == Some(offence.place) {
            continue;
        }
        last = Some(offence.place);
        if let Some(container) = container_list(pod, list).get(index as usize) {
            names.push(container.name);
        }
    }
    names
}

/// `container "a"` or `containers "a", "b"`.
fn containers(names: &[&str]) -> String {
    format!("{} {}", plural("container", "containers", names.len()), join_quote(names))
}

/// `pod`, `container "a"`, `pod and containers "a", "b"`: who set something.
fn setters(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Vec<String> {
    let mut setters = Vec::new();
    if offences.iter().any(|offence| offence.place == Place::Pod) {
        setters.push("pod".to_owned());
    }
    let names = container_names(pod, offences);
    if !names.is_empty() {
        setters.push(containers(&names));
    }
    setters
}

/// The texts of some evidence, in byte order, each once, quoted.
fn quoted_values(offences: &[Offence<'_>]) -> String {
    join_quote(crate::text::sorted(offences.iter().filter_map(Offence::text)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_of_checks_is_sound() {
        let mut by_id: Vec<&Check> = CHECKS.iter().map(|check| &check.about).collect();
        by_id.sort_by_key(|check| check.id);
        assert_eq!(ringwall_model::check::validate(by_id), Vec::<String>::new());
    }

    #[test]
    fn checks_stand_in_the_order_of_the_reference() {
        let order: Vec<(Level, &str)> = CHECKS.iter().map(|check| (check.level, check.id)).collect();
        assert!(order.is_sorted(), "{order:?}");
        let ids: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), CHECKS.len(), "ids are unique");
    }

    /// The rules of `validateChecks` in the reference's registry.
    #[test]
    fn revisions_rise_and_overrides_name_baseline_checks() {
        for check in CHECKS {
            assert!(!check.revisions.is_empty(), "{}", check.id);
            assert!(check.revisions.windows(2).all(|pair| pair[0].since < pair[1].since), "{}", check.id);
            for overridden in check.revisions.iter().flat_map(|revision| revision.overrides) {
                assert_eq!(check.level, Level::Restricted, "{}", check.id);
                let target = CHECKS.iter().find(|other| other.id == *overridden);
                assert_eq!(target.map(|target| target.level), Some(Level::Baseline), "{overridden}");
            }
        }
    }
}
