//! Findings on roles and bindings.

use ringwall_model::finding::{Finding, Problem};
use ringwall_model::snapshot::Snapshot;
use ringwall_rbac::checks;

use crate::found::of_flaws;

/// What the checks of roles and bindings find. An object of which `problems` says that it cannot be decoded is not judged.
pub(crate) fn findings(snapshot: &Snapshot, problems: &[Problem], mend: bool) -> Vec<Finding> {
    of_flaws(snapshot, checks::find(snapshot), problems, mend)
}
