//! All rings together: what a user asks of a whole snapshot.
//!
//! | module | answers |
//! |---|---|
//! | [`scan`](mod@scan) | what is wrong: findings of all rings, each once, on the object that a user edits |
//! | [`check`](mod@check) | the API server's verdict on each workload at a level of the Pod Security Standards |
//! | [`level`] | the tightest level that each workload and namespace can take |
//! | [`plan`](mod@plan) | what breaks if a namespace is labelled so |
//! | [`migrate`](mod@migrate) | what takes the place of PodSecurityPolicies, namespace by namespace |
//! | [`network`] | who reaches whom on what, why, and what a change opens |
//! | [`rbac`] | who may do what, through what, and what it leads to |
//! | [`settings`] | what `ringwall.toml` says |
//! | [`quiet`] | which findings somebody accepts, and which suppressions do nothing |
//! | [`baseline`] | which findings were there before |
//! | [`registry`] | all checks of all rings |
//! | [`workloads`] | the pod templates of a snapshot, grouped by the object that a user edits |
//!
//! # Architecture invariants
//! - Pure: everything that is needed is in the [`Snapshot`](ringwall_model::snapshot::Snapshot) and the question.
//! - What joins two rings lives here; a ring knows no other.

pub mod baseline;
pub mod check;
mod control_plane;
pub mod fix;
mod found;
pub mod grants;
pub mod level;
mod mend;
pub mod mesh;
pub mod migrate;
pub mod network;
pub mod plan;
pub mod quiet;
pub mod rbac;
pub mod registry;
pub mod scan;
pub mod settings;
mod suggest;
mod surroundings;
#[cfg(test)]
mod tests;
pub mod workloads;

use ringwall_model::finding::{Evidence, Location};
use ringwall_model::snapshot::Facts;
use ringwall_pods::evaluate::{Evaluator, Failures};

use crate::workloads::Workload;

pub use check::check;
pub use migrate::migrate;
pub use plan::plan;
pub use scan::{Scan, scan};

/// The Pod Security checks as the cluster runs them: `latest` is the cluster's own version.
pub fn evaluator(facts: &Facts) -> Evaluator {
    Evaluator::emulating(Some(facts.version))
}

/// The evidence of failed checks, in the order of the checks and located in the workload's text.
fn evidence(workload: &Workload<'_>, failures: &Failures<'_>) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for failure in failures.iter() {
        for offence in failure.offences {
            let path = workload.path_to(&offence.path());
            evidence.push(Evidence {
                rule: failure.check.id.to_owned(),
                location: Location::of(workload.object, &path),
                path,
                note: (failure.check.finding)(&workload.template, offence),
            });
        }
    }
    evidence
}
