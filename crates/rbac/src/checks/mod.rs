//! What is wrong with roles and bindings: rights that lead further than they look, rules that do nothing, and references to nothing.
//!
//! A new check is a place in the file of its family with an [`RbacCheck`], and one line in [`CHECKS`]. A check is a function from a
//! [`Subject`] to flaws; its example in `bad` must be found by it and the one in `good` must not, which a test demands of each.
//!
//! A flaw stands on the rule that gives the right, and says who holds it through which binding; how bad it is depends on where it is held. What
//! the API server makes itself is never a flaw. What is not in the input is not known: no check takes its absence for a fact, but where the
//! input holds what would show it.

#[macro_use]
mod examples;

mod accounts;
mod admission;
mod aggregation;
mod bindings;
mod cover;
mod destruction;
mod grants;
mod groups;
mod identities;
mod names;
mod nodes;
mod placement;
mod pods;
mod powers;
mod references;
mod refused;
mod resources;
mod secrets;
mod subject;
mod subjects;
mod traffic;
mod verbs;
mod wildcards;

use ringwall_model::check::Check;
use ringwall_model::fix::{Fixable, reviewed, safe};
use ringwall_model::near::nearest;
use ringwall_model::object::Object;
use ringwall_model::resources::Resources;
use ringwall_model::snapshot::Snapshot;

use crate::model::RbacObject;
use crate::policy::Policy;

pub use self::accounts::{AccountRights, BoundAccounts};
pub use self::subject::Subject;
pub use ringwall_model::flaw::{Flaw, Flaws};

/// A check of roles and bindings.
#[derive(Debug)]
pub struct RbacCheck {
    /// What is said about it.
    pub about: Check,
    /// Whether `ringwall fix` mends what it finds.
    pub fix: Fixable,
    /// Collects what is wrong.
    pub find: fn(&Subject<'_>, &mut Flaws),
}

/// All checks, by id.
pub static CHECKS: &[RbacCheck] = &[
    bindings::CLUSTER_ADMIN,
    bindings::DEFAULT_ROLE,
    bindings::ANONYMOUS_ACCESS,
    bindings::EVERYONE,
    bindings::DEFAULT_ACCOUNT,
    bindings::MASTERS_BOUND,
    wildcards::UNLIMITED,
    wildcards::RESOURCES,
    wildcards::VERBS,
    wildcards::GROUPS,
    grants::ESCALATION,
    grants::HAND_ON,
    identities::IMPERSONATION,
    identities::TOKENS,
    identities::CERTIFICATES,
    secrets::SECRETS,
    pods::CREATION,
    pods::EXEC,
    pods::CONNECTION,
    nodes::PROXY,
    nodes::CONTROL,
    nodes::LABELS,
    nodes::VOLUMES,
    admission::WEBHOOKS,
    admission::POLICIES,
    admission::APIS,
    traffic::TRAFFIC,
    traffic::CONFIGURATION,
    traffic::CONTROLLERS,
    identities::ANNOTATION,
    nodes::LOGS,
    destruction::DELETION,
    destruction::EVENTS,
    aggregation::FEEDS,
    aggregation::BROAD,
    aggregation::CYCLE,
    aggregation::OVERWRITTEN,
    references::ROLE,
    references::ACCOUNT,
    references::UNBOUND,
    references::NOBODY,
    references::TWICE,
    resources::STAR,
    groups::SLIP,
    resources::SLIP,
    resources::WRONG_GROUP,
    resources::UNKNOWN,
    groups::IDLE,
    verbs::SLIP,
    verbs::UNASKED,
    names::CREATED,
    names::PATTERN,
    names::URL_IN_NAMESPACE,
    names::URL_PATTERN,
    names::CLUSTER_WIDE,
    cover::COVERED,
    subjects::NOBODY,
    subjects::SPELT,
    subjects::PLACELESS,
    placement::PLACELESS,
    placement::IN_SYSTEM,
    placement::STALE,
    refused::REFUSED,
    identities::LONG_LIVED,
];

/// What is wrong with the roles and bindings of a snapshot, in the order of the checks, and what its service accounts may do by them.
///
/// Costs nothing but a pass over the objects where none of them is of RBAC or holds a token.
pub fn judge(snapshot: &Snapshot) -> (Vec<Flaw>, BoundAccounts) {
    let is_judged =
        |object: &Object| RbacObject::is_one(object) || identities::token_account(object).is_some();
    if !snapshot.objects().any(|(_, object)| is_judged(object)) {
        return (Vec::new(), BoundAccounts::default());
    }
    let (policy, unsettled) = Policy::of_snapshot(snapshot, snapshot.facts.version);
    let resources = Resources::with_crds(snapshot);
    let subject = Subject::new(snapshot, &policy, &unsettled, &resources);
    (find_in(&subject), subject.bound_accounts().clone())
}

/// Runs all checks over a policy that is there already.
pub fn find_in(subject: &Subject<'_>) -> Vec<Flaw> {
    let mut found = Vec::new();
    for check in CHECKS {
        let mut flaws = Flaws::of(&check.about, check.fix, found);
        (check.find)(subject, &mut flaws);
        found = flaws.found;
    }
    found
}

/// What checks say that hold in every version.
const EVERY_VERSION: &str = "Every version of Kubernetes.";
/// Why a right that is too much is not taken away by a tool.
const NEEDED: &str = "which of the rights are needed is not in the manifest";
/// The Kubernetes documentation of RBAC.
const RBAC: &str = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/";
/// What Kubernetes' documentation says of how to use it.
const GOOD_PRACTICES: &str = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/";

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
