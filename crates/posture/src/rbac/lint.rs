//! Findings on roles and bindings, and what service accounts may do by them.

use ringwall_model::finding::{Finding, Problem};
use ringwall_model::flaw::Flaw;
use ringwall_model::snapshot::Snapshot;
use ringwall_rbac::checks::{self, BoundAccounts};

use crate::found::of_flaws;

/// What the RBAC ring says of a snapshot.
pub(crate) struct Lint {
    flaws: Vec<Flaw>,
    /// The service accounts that bindings name.
    pub(crate) accounts: BoundAccounts,
}

impl Lint {
    /// Runs the checks of roles and bindings.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let (flaws, accounts) = checks::judge(snapshot);
        Self { flaws, accounts }
    }

    /// The findings. An object of which `problems` says that it cannot be decoded is not judged.
    pub(crate) fn findings(self, snapshot: &Snapshot, problems: &[Problem], mend: bool) -> Vec<Finding> {
        of_flaws(snapshot, self.flaws, problems, mend)
    }
}
