//! All checks of all rings, in the order of their ids.

use ringwall_mesh::checks::CHECKS as MESH;
use ringwall_model::check::Check;
use ringwall_model::control::Framework;
use ringwall_model::fix::{Applicability, Fixable};
use ringwall_network::checks::CHECKS as NETWORK;
use ringwall_pods::checks::{self, CHECKS};
use ringwall_pods::control_plane::{Remedy, Want};
use ringwall_pods::hardening::repair::Repair;
use ringwall_pods::hardening::{self, ACCOUNT_CHECKS};
use ringwall_pods::{control_plane, namespace};
use ringwall_rbac::checks::CHECKS as RBAC;

use crate::mend;
use crate::quiet;
use crate::suggest;

/// A check, and what its ring says of it beside.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The check.
    pub check: &'static Check,
    /// What it belongs to.
    pub group: Group,
    /// The reference's own id (`hostPathVolumes`), where the check is one of a reference.
    pub reference: Option<&'static str>,
    /// Whether `ringwall fix` mends what it finds, where that is known.
    pub fixable: Option<Fixable>,
}

/// What a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The checks that Pod Security Admission runs.
    PodSecurityStandards,
    /// What the standards do not ask for.
    Hardening,
    /// The pod security labels of namespaces.
    Namespaces,
    /// Service accounts, and the lack of them.
    ServiceAccounts,
    /// The flags of the cluster's own components.
    ControlPlane,
    /// Policies of who reaches whom, and the lack of them.
    NetworkPolicies,
    /// Roles and bindings.
    AccessControl,
    /// Policies of a service mesh.
    Mesh,
    /// Suppressions that do nothing.
    Suppressions,
}

impl Group {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::PodSecurityStandards,
        Self::Hardening,
        Self::Namespaces,
        Self::ServiceAccounts,
        Self::ControlPlane,
        Self::NetworkPolicies,
        Self::AccessControl,
        Self::Mesh,
        Self::Suppressions,
    ];

    /// The words for it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::PodSecurityStandards => "Pod Security Standards",
            Self::Hardening => "Pod hardening",
            Self::Namespaces => "Namespaces",
            Self::ServiceAccounts => "Service accounts",
            Self::ControlPlane => "Control plane",
            Self::NetworkPolicies => "Network policies",
            Self::AccessControl => "Roles and bindings",
            Self::Mesh => "Service mesh",
            Self::Suppressions => "Suppressions",
        }
    }
}

impl Entry {
    const fn new(check: &'static Check, group: Group) -> Self {
        Self { check, group, reference: None, fixable: None }
    }

    /// Whether a user who writes `text` means this check: its id or its reference's in any case, or its name.
    pub fn is_called(&self, text: &str) -> bool {
        self.names().any(|name| name.eq_ignore_ascii_case(text))
    }

    /// All that the check is called by.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.check.id, self.check.name].into_iter().chain(self.reference)
    }

    /// The ids of the framework's controls that the check serves.
    pub fn controls_of(&self, framework: Framework) -> impl Iterator<Item = &'static str> {
        let controls = self.check.controls.iter();
        controls.filter(move |control| control.framework == framework).map(|control| control.id)
    }
}

/// All checks with what is said of them.
pub fn entries() -> Vec<Entry> {
    let standard = CHECKS.iter().map(|check| Entry {
        reference: Some(check.id),
        ..Entry::new(&check.about, Group::PodSecurityStandards)
    });
    let namespace = namespace::CHECKS.iter().map(|check| Entry::new(check, Group::Namespaces));
    let hardening = hardening::CHECKS.iter().map(|check| Entry::new(&check.about, Group::Hardening));
    let accounts = ACCOUNT_CHECKS.iter().map(|check| Entry::new(check, Group::ServiceAccounts));
    let control_plane = control_plane::CHECKS.iter().map(|check| Entry::new(check, Group::ControlPlane));
    let network = NETWORK.iter().map(|check| Entry::new(&check.about, Group::NetworkPolicies));
    let rbac = RBAC.iter().map(|check| Entry::new(&check.about, Group::AccessControl));
    let mesh = MESH.iter().map(|check| Entry::new(&check.about, Group::Mesh));
    let quiet = quiet::CHECKS.iter().map(|check| Entry::new(check, Group::Suppressions));
    let all = standard.chain(namespace).chain(hardening).chain(accounts).chain(control_plane);
    let all = all.chain(network).chain(rbac).chain(mesh).chain(quiet);
    let mut entries: Vec<Entry> =
        all.map(|entry| Entry { fixable: fixable(entry.check.id), ..entry }).collect();
    entries.sort_by_key(|entry| entry.check.id);
    entries
}

/// All checks.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    entries().into_iter().map(|entry| entry.check)
}

/// The checks of namespaces and service accounts: why they have no fix, if they have none. See [`mend`].
const OF_OBJECTS: [(&str, Option<&str>); 7] = [
    ("RW-PSA-001", Some(mend::MEANT)),
    ("RW-PSA-003", None),
    ("RW-PSA-004", None),
    ("RW-PSA-005", None),
    ("RW-PSA-006", None),
    ("RW-SA-001", None),
    ("RW-SA-002", Some(mend::MEANT)),
];

/// The checks whose fix may be made without a second thought; that of any other wants a look. A test makes the fixes.
const SAFE: [&str; 5] = ["RW-POD-015", "RW-POD-019", "RW-POD-028", "RW-POD-032", "RW-PSA-006"];

/// Whether `ringwall fix` mends what a check finds. `None` where its ring does not say.
fn fixable(id: &str) -> Option<Fixable> {
    if let Some(check) = NETWORK.iter().find(|check| check.about.id == id) {
        return Some(check.fix);
    }
    if let Some(check) = RBAC.iter().find(|check| check.about.id == id) {
        return Some(check.fix);
    }
    if let Some(check) = MESH.iter().find(|check| check.about.id == id) {
        return Some(check.fix);
    }
    let standard = CHECKS.iter().find(|check| check.about.id == id).map(|check| match check.repair {
        checks::Repair::Manual(reason) => Some(reason),
        checks::Repair::Template(_) => None,
    });
    let hardening = hardening::CHECKS.iter().find(|check| check.about.id == id);
    let hardening = hardening.map(|check| match check.repair {
        Repair::Manual(reason) => Some(reason),
        Repair::Template(_) | Repair::Object(_) => None,
    });
    let of_objects = OF_OBJECTS.iter().find(|(check, _)| *check == id).map(|(_, reason)| *reason);
    let control_plane = control_plane::CHECKS.iter().find(|check| check.id == id).map(|check| {
        let mut rules = control_plane::RULES.iter().filter(|rule| rule.check.id == check.id);
        let by_owner =
            rules.all(|rule| matches!(rule.remedy, Remedy::Own(_)) || matches!(rule.want, Want::Judged));
        by_owner.then_some(mend::OWN)
    });
    Some(match standard.or(hardening).or(of_objects).or(control_plane)? {
        Some(reason) => Fixable::ByHand(reason),
        None if SAFE.contains(&id) => Fixable::ByTool(Applicability::Safe),
        None => Fixable::ByTool(Applicability::NeedsReview),
    })
}

/// The check that a user means by `text`.
///
/// # Errors
/// Where there is none, a sentence without full stop that names the nearest.
pub fn find(text: &str) -> Result<&'static Check, String> {
    let entries = entries();
    if let Some(entry) = entries.iter().find(|entry| entry.is_called(text)) {
        return Ok(entry.check);
    }
    let meant = suggest::nearest(text, entries.iter().flat_map(Entry::names).chain([ALL]));
    Err(format!("there is no check \"{text}\"{}", suggest::did_you_mean(meant)))
}

/// The word for all checks.
const ALL: &str = "all";

/// Some checks, or all: what a suppression or a setting is about.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Whether `all` is named.
    pub all: bool,
    /// The checks that are named, in the order of the text.
    pub named: Vec<&'static Check>,
}

impl Rules {
    /// Reads names of checks, each an id or a name in any case, or `all`.
    ///
    /// # Errors
    /// For each name that is not known, its index and a sentence without full stop. The known ones are there too.
    pub fn read<'n>(names: impl IntoIterator<Item = &'n str>) -> (Self, Vec<(usize, String)>) {
        let (mut rules, mut errors) = (Self::default(), Vec::new());
        for (index, name) in names.into_iter().enumerate() {
            if name.eq_ignore_ascii_case(ALL) {
                rules.all = true;
                continue;
            }
            match find(name) {
                Ok(check) if rules.named.iter().any(|known| known.id == check.id) => {}
                Ok(check) => rules.named.push(check),
                Err(message) => errors.push((index, message)),
            }
        }
        (rules, errors)
    }

    /// Whether the check is among them.
    pub fn hold(&self, check: &Check) -> bool {
        self.all || self.named.iter().any(|named| named.id == check.id)
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        !self.all && self.named.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ringwall_model::control::{CONTROLS, Control};

    use super::*;

    #[test]
    fn the_registry_is_sound() {
        assert_eq!(ringwall_model::check::validate(checks()), Vec::<String>::new());
    }

    #[test]
    fn no_name_means_two_checks() {
        let mut names: Vec<String> =
            entries().iter().flat_map(Entry::names).map(str::to_ascii_lowercase).collect();
        names.sort();
        // The reference calls this one as we do.
        names.dedup_by(|a, b| a == b && a == "privileged");
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    /// A control that is misspelt, or that its framework does not have, is in no list.
    #[test]
    fn checks_serve_the_controls_that_are_listed_and_each_is_served() {
        let served: BTreeSet<Control> = checks().flat_map(|check| check.controls).copied().collect();
        let listed: BTreeSet<Control> = CONTROLS.iter().map(|(control, _)| *control).collect();
        assert_eq!(served, listed);
        assert_eq!(listed.len(), CONTROLS.len(), "each is listed once");
    }

    #[test]
    fn a_check_names_its_controls_by_framework_and_each_once() {
        let position = |control: &Control| CONTROLS.iter().position(|(listed, _)| listed == control);
        for check in checks() {
            let places: Vec<_> = check.controls.iter().map(position).collect();
            assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{}: {:?}", check.id, check.controls);
        }
    }

    #[test]
    fn ids_of_frameworks_have_their_form_and_numbers_have_titles() {
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
        for (control, title) in CONTROLS {
            let sound = match control.framework {
                Framework::PodSecurityStandards => {
                    control.id.starts_with("baseline: ") || control.id.starts_with("restricted: ")
                }
                Framework::Cis => control.id.split('.').all(number) && !title.is_empty(),
                Framework::Nsa => control.id.starts_with(|c: char| c.is_ascii_uppercase()),
                Framework::Mitre => {
                    control.id.strip_prefix('T').is_some_and(|id| id.split('.').all(number))
                        && !title.is_empty()
                }
            };
            assert!(sound, "{control:?} {title}");
        }
    }

    #[test]
    fn what_is_safe_to_fix_is_fixed_at_all() {
        for id in SAFE {
            assert_eq!(fixable(id), Some(Fixable::ByTool(Applicability::Safe)), "{id}");
        }
    }
}
