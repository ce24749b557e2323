//! What is wrong with the policies of a mesh: those that do nothing, and those that let in more than they look.
//!
//! A new check is a place in the file of its family with a [`MeshCheck`], and one line in [`CHECKS`]. A check is a function from a
//! [`Subject`] to flaws; its example in `bad` must be found by it and the one in `good` must not, which a test demands of each.
//!
//! The mesh is taken to be set as usual: its configuration is a text in YAML in a `ConfigMap`, which nobody reads here. What is not in the input
//! is not known: a policy beside no workload is for workloads that are elsewhere, and nothing is said of whom it is for.

mod peers;
mod scopes;
mod subject;

use ringwall_model::check::Check;
use ringwall_model::fix::{Fixable, reviewed};
use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::workload::CustomKind;

use crate::peer::GROUP;

pub use self::subject::Subject;
pub use ringwall_model::flaw::{Flaw, Flaws};

/// A check of the policies of a mesh.
#[derive(Debug)]
pub struct MeshCheck {
    /// What is said about it.
    pub about: Check,
    /// Whether `ringwall fix` mends what it finds.
    pub fix: Fixable,
    /// Collects what is wrong.
    pub find: fn(&Subject, &mut Flaws),
}

/// All checks, by id.
pub static CHECKS: &[MeshCheck] = &[peers::IN_ROOT, scopes::PORT, scopes::NO_PROXY, scopes::PUT_ASIDE];

/// Runs all checks over a snapshot; `custom` are further kinds with pod templates. Flaws are in the order of the checks.
///
/// Costs nothing but a pass over the objects where none of them is a `PeerAuthentication`. Else it costs what the mesh costs.
pub fn find(snapshot: &Snapshot, custom: &[CustomKind]) -> Vec<Flaw> {
    let is_judged = |object: &Object| object.is(GROUP, "PeerAuthentication");
    if !snapshot.objects().any(|(_, object)| is_judged(object)) {
        return Vec::new();
    }
    find_in(&Subject::new(snapshot, custom))
}

/// Runs all checks over a mesh that is there already.
pub fn find_in(subject: &Subject) -> Vec<Flaw> {
    let mut found = Vec::new();
    for check in CHECKS {
        let mut flaws = Flaws::of(&check.about, check.fix, found);
        (check.find)(subject, &mut flaws);
        found = flaws.found;
    }
    found
}

/// `""`, or ` and 2 more`.
fn and_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" and {count} more") }
}

/// What checks say that hold in every version.
const EVERY_VERSION: &str = "Istio 1.31, by its sources; nothing of it depends on the version of Kubernetes.";
/// Istio's reference of `PeerAuthentication`.
const PEER: &str = "https://istio.io/latest/docs/reference/config/security/peer_authentication/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_and_each_check_says_what_it_should() {
        assert_eq!(
            ringwall_model::check::validate(CHECKS.iter().map(|check| &check.about)),
            Vec::<String>::new()
        );
    }
}
