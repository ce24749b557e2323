//! The checks of the Pod Security Standards, a file each family.
//!
//! A new check is a new file with a [`StandardCheck`], and one line in [`CHECKS`].
//!
//! Source of each rule: k8s.io/pod-security-admission `policy/check_*.go`.

mod app_armor;
mod capabilities;
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

use ringwall_model::check::Check;
use ringwall_model::version::Minor;

use crate::evaluate::{Offence, Words};
use crate::model::{Place, PodTemplate};
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
}

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
const STANDARDS: &str = "https://kubernetes.io/docs/concepts/security/pod-security-standards/";
/// The Kubernetes documentation of security contexts.
const SECURITY_CONTEXT: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";

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
        let containers = match list {
            crate::model::ContainerList::Init => &pod.spec.init_containers,
            crate::model::ContainerList::Ordinary => &pod.spec.containers,
            crate::model::ContainerList::Ephemeral => &pod.spec.ephemeral_containers,
        };
        if let Some(container) = containers.as_slice().get(index as usize) {
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
