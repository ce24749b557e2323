//! The declaration of a check. One declaration is everything that is said about it: `ringwall explain`, the
//! documentation page and the reports are made from it.

use std::collections::BTreeSet;

pub use crate::control::{Control, Framework};
use crate::finding::Severity;

/// A check: one thing that a ring can find.
#[derive(Debug)]
pub struct Check {
    /// Stable id, `RW-RING-NNN`. Never given to another check.
    pub id: &'static str,
    /// Name in kebab case, for the bad thing that the check finds, so that "allow NAME" reads well.
    pub name: &'static str,
    /// What an attacker gains, before the circumstances of a cluster are known.
    pub severity: Severity,
    /// What it finds, in one line without full stop.
    pub summary: &'static str,
    /// What exactly is looked at, in Markdown: fields, values, exceptions.
    pub what: &'static str,
    /// Why it matters, in Markdown.
    pub why: &'static str,
    /// How to mend it, in Markdown.
    pub fix: &'static str,
    /// A manifest that the check finds fault with.
    pub bad: &'static str,
    /// The same manifest, mended.
    pub good: &'static str,
    /// Since which Kubernetes version it applies and what changed in which, in Markdown.
    pub versions: &'static str,
    /// Where the rule comes from.
    pub references: &'static [&'static str],
    /// The controls of frameworks that the check serves.
    pub controls: &'static [Control],
}

/// What is wrong with a list of checks; empty where the list is sound. A test of the list calls it.
///
/// The rules: ids are `RW-RING-NNN`, unique and rising within a ring; names are unique and in kebab case; no
/// text is empty; a summary is one line without a full stop; references are `https` addresses.
pub fn validate<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Vec<String> {
    let mut problems = Vec::new();
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut previous: Option<&str> = None;
    for check in checks {
        let mut complain = |problem: &str| problems.push(format!("{}: {problem}", check.id));
        let parts: Vec<&str> = check.id.split('-').collect();
        let sound = matches!(parts.as_slice(), ["RW", ring, number]
            if !ring.is_empty() && ring.bytes().all(|byte| byte.is_ascii_uppercase())
                && number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()));
        if !sound {
            complain("the id is not RW-RING-NNN");
        }
        if !ids.insert(check.id) {
            complain("the id is taken");
        }
        if previous.is_some_and(|previous| {
            previous[..previous.len() - 3] == check.id[..check.id.len() - 3] && previous >= check.id
        }) {
            complain("the id does not rise");
        }
        if !names.insert(check.name) {
            complain("the name is taken");
        }
        let kebab =
            check.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !kebab || check.name.is_empty() {
            complain("the name is not in kebab case");
        }
        let texts = [
            ("summary", check.summary),
            ("what", check.what),
            ("why", check.why),
            ("fix", check.fix),
            ("bad", check.bad),
            ("good", check.good),
            ("versions", check.versions),
        ];
        for (field, text) in texts {
            if text.trim().is_empty() {
                complain(&format!("`{field}` is empty"));
            }
        }
        if check.summary.contains('\n') || check.summary.ends_with('.') {
            complain("the summary is not one line without full stop");
        }
        if check.references.is_empty() || check.references.iter().any(|link| !link.starts_with("https://")) {
            complain("references must be https addresses, and there must be one");
        }
        previous = Some(check.id);
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: Check = Check {
        id: "RW-POD-001",
        name: "some-bad-thing",
        severity: Severity::Low,
        summary: "a bad thing",
        what: "x",
        why: "x",
        fix: "x",
        bad: "x",
        good: "x",
        versions: "x",
        references: &["https://kubernetes.io"],
        controls: &[],
    };

    #[test]
    fn a_sound_check_passes_and_its_twin_does_not() {
        assert_eq!(validate([&SOUND]), Vec::<String>::new());
        let problems = validate([&SOUND, &SOUND]);
        assert!(problems.iter().any(|problem| problem.contains("the id is taken")), "{problems:?}");
    }

    #[test]
    fn each_rule_is_enforced() {
        let bad = Check { id: "POD-1", name: "Bad Name", summary: "Ends.", references: &[], ..SOUND };
        assert_eq!(validate([&bad]).len(), 4);
    }
}
