//! All checks of all rings, in the order of their ids.

use ringwall_model::check::Check;
use ringwall_pods::checks::CHECKS;
use ringwall_pods::hardening::{self, ACCOUNT_CHECKS};
use ringwall_pods::{control_plane, namespace};

/// A check, and by what name its reference knows it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The check.
    pub check: &'static Check,
    /// The reference's own id (`hostPathVolumes`), where the check is one of a reference.
    pub reference: Option<&'static str>,
}

impl Entry {
    /// Whether a user who writes `text` means this check: its id or its reference's in any case, or its name.
    pub fn is_called(&self, text: &str) -> bool {
        self.names().any(|name| name.eq_ignore_ascii_case(text))
    }

    /// All that the check is called by.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.check.id, self.check.name].into_iter().chain(self.reference)
    }
}

/// All checks with the names of their references.
pub fn entries() -> Vec<Entry> {
    let standard = CHECKS.iter().map(|check| Entry { check: &check.about, reference: Some(check.id) });
    let namespace = namespace::CHECKS.iter().map(|check| Entry { check, reference: None });
    let hardening = hardening::CHECKS.iter().map(|check| Entry { check: &check.about, reference: None });
    let accounts = ACCOUNT_CHECKS.iter().map(|check| Entry { check, reference: None });
    let control_plane = control_plane::CHECKS.iter().map(|check| Entry { check, reference: None });
    let mut entries: Vec<Entry> =
        standard.chain(namespace).chain(hardening).chain(accounts).chain(control_plane).collect();
    entries.sort_by_key(|entry| entry.check.id);
    entries
}

/// All checks.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    entries().into_iter().map(|entry| entry.check)
}

#[cfg(test)]
mod tests {
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
}
