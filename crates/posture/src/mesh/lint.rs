//! Findings on the policies of a mesh.

use ringwall_mesh::checks;
use ringwall_mesh::mesh::Settings;
use ringwall_model::finding::{Finding, Problem};
use ringwall_model::snapshot::Snapshot;
use ringwall_model::workload::CustomKind;

use super::config::Stated;
use crate::found::of_flaws;

/// What the checks of the mesh find, each on the object that a user edits. An object of which `problems` says that it cannot be decoded is
/// not judged.
pub(crate) fn findings(
    snapshot: &Snapshot,
    custom: &[CustomKind],
    stated: &Stated,
    problems: &[Problem],
    mend: bool,
) -> Vec<Finding> {
    let settings = Settings { custom, injector: &stated.injector, ..Settings::default() };
    of_flaws(snapshot, checks::find(snapshot, &stated.config, &settings), problems, mend)
}
