//! All checks of all rings, in the order of their ids.

use ringwall_model::check::Check;
use ringwall_pods::checks::CHECKS;
use ringwall_pods::hardening::{self, ACCOUNT_CHECKS};
use ringwall_pods::{control_plane, namespace};

use crate::quiet;
use crate::suggest;

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
    let quiet = quiet::CHECKS.iter().map(|check| Entry { check, reference: None });
    let mut entries: Vec<Entry> = standard
        .chain(namespace)
        .chain(hardening)
        .chain(accounts)
        .chain(control_plane)
        .chain(quiet)
        .collect();
    entries.sort_by_key(|entry| entry.check.id);
    entries
}

/// All checks.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    entries().into_iter().map(|entry| entry.check)
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
