//! What holds of all hardening checks: their lists, and that each finds its own bad example and not its good one.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_lists_of_checks_are_sound() {
    let checks = CHECKS.iter().map(|check| &check.about);
    assert_eq!(ringwall_model::check::validate(checks), Vec::<String>::new());
    assert_eq!(ringwall_model::check::validate(ACCOUNT_CHECKS.iter().copied()), Vec::<String>::new());
    let ids: BTreeSet<&str> = CHECKS.iter().map(|check| check.about.id).collect();
    assert_eq!(ids.len(), CHECKS.len());
}
