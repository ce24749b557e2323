//! What is wrong with the policies of a mesh: those that do nothing, and those that let in more than they look.
//!
//! A new check is a place in the file of its family with a [`MeshCheck`], and one line in [`CHECKS`]. A check is a function from a
//! [`Subject`] to flaws; its example in `bad` must be found by it and the one in `good` must not, which a test demands of each.
//!
//! What is not in the input is not known: a policy beside no workload is for workloads that are elsewhere, and nothing is said of whom it is
//! for.

mod callers;
mod destinations;
mod enrolment;
mod examples;
mod hosts;
mod identity;
mod known_ports;
mod layers;
mod passed_by;
mod peers;
mod plaintext;
mod ports;
mod rules;
mod scopes;
mod selection;
mod subject;
mod targets;
mod tokens;
mod values;
mod waypoints;
mod webhook;

use std::borrow::Cow;
use std::collections::HashSet;

use ringwall_model::check::Check;
use ringwall_model::fix::{Fixable, reviewed};
use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;

use crate::config::MeshConfig;
use crate::enrolment::{DATAPLANE_MODE, INJECTION, REVISION};
use crate::mesh::Settings;

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
    pub find: fn(&Subject<'_>, &mut Flaws),
}

/// All checks, by id.
pub static CHECKS: &[MeshCheck] = &[
    peers::IN_ROOT,
    scopes::PORT,
    scopes::NO_PROXY,
    scopes::PUT_ASIDE,
    peers::DISABLED,
    plaintext::ACCEPTED,
    plaintext::NOT_SENT,
    selection::EMPTY,
    selection::NOBODY,
    targets::NO_PROXY,
    targets::NO_WAYPOINT,
    layers::NEVER_FIRES,
    layers::WIDER,
    layers::LEFT_OUT,
    layers::UNSUPPORTED,
    identity::EVADED,
    identity::OF_NOBODY,
    identity::SHARED,
    values::NEVER,
    values::HOST,
    values::PATH,
    rules::EVERYONE,
    rules::REPORTS,
    tokens::NOT_REQUIRED,
    tokens::NOT_CHECKED,
    destinations::REFUSED,
    destinations::BROKEN,
    destinations::PLAINTEXT,
    destinations::DROPPED,
    enrolment::IN_VAIN,
    enrolment::CONFLICT,
    enrolment::PROXY_USER,
    enrolment::PAST_PROXY,
    enrolment::STALE,
    webhook::REFUSED,
    webhook::UNKNOWN,
    identity::ANONYMOUS,
    rules::UNLIMITED,
    enrolment::OUTSIDE,
    ports::OF_NOBODY,
    ports::WAYPOINT,
    ports::PROVIDER,
    peers::UNDER_DISABLE,
    tokens::ISSUER,
    identity::DOTS,
    waypoints::PAST_DENY,
    callers::WITHOUT_PROXY,
    passed_by::PASSED_BY,
    hosts::HOST,
    hosts::SUBSET,
];

/// Runs all checks over a snapshot whose mesh is set so. Flaws are in the order of the checks; an object that istiod's webhook refuses has only
/// the flaws for which it does.
///
/// Costs nothing but a pass over the objects where none of them is of Istio, and no namespace asks for it. Else it costs what the mesh costs, and
/// where there are `DestinationRule` objects, its matrix.
pub fn find(snapshot: &Snapshot, config: &MeshConfig, settings: &Settings<'_>) -> Vec<Flaw> {
    if !snapshot.objects().any(|(_, object)| is_judged(object)) {
        return Vec::new();
    }
    let seen = config.discovery.seen(snapshot);
    let mut found = find_in(&Subject::new(&seen, config.clone(), settings));
    if matches!(seen, Cow::Owned(_)) {
        // The webhook is asked about what istiod does not see, too.
        let is_seen: HashSet<usize> = seen.objects().map(|(index, _)| index).collect();
        let all = find_in(&Subject::new(snapshot, config.clone(), settings));
        found.extend(all.into_iter().filter(|flaw| is_of_webhook(flaw) && !is_seen.contains(&flaw.object)));
    }
    found
}

fn is_of_webhook(flaw: &Flaw) -> bool {
    [webhook::REFUSED.about.id, webhook::UNKNOWN.about.id].contains(&flaw.check.id)
}

/// Whether an object shows that there is a mesh.
fn is_judged(object: &Object) -> bool {
    match object.id.group.as_str() {
        "security.istio.io" | "networking.istio.io" | "telemetry.istio.io" | "extensions.istio.io" => true,
        "" if object.id.kind == "Namespace" => {
            let labels = object.root().at(&["metadata", "labels"]);
            let has = |key: &str| labels.is_some_and(|labels| labels.get(key).is_some());
            [INJECTION, REVISION, DATAPLANE_MODE].into_iter().any(has)
        }
        _ => false,
    }
}

/// Runs all checks over a mesh that is there already.
pub fn find_in(subject: &Subject<'_>) -> Vec<Flaw> {
    let mut found = Vec::new();
    for check in CHECKS {
        let mut flaws = Flaws::of(&check.about, check.fix, found);
        (check.find)(subject, &mut flaws);
        found = flaws.found;
    }
    found.retain(|flaw| !subject.refused.contains_key(&flaw.object) || is_of_webhook(flaw));
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
/// Istio's reference of `AuthorizationPolicy`.
const AUTHORIZATION: &str = "https://istio.io/latest/docs/reference/config/security/authorization-policy/";
/// Istio's reference of `RequestAuthentication`.
const REQUEST: &str = "https://istio.io/latest/docs/reference/config/security/request_authentication/";
/// Istio's reference of `DestinationRule`.
const DESTINATION: &str = "https://istio.io/latest/docs/reference/config/networking/destination-rule/";
/// What ambient does of policies.
const AMBIENT: &str = "https://istio.io/latest/docs/ambient/usage/l4-policy/";
/// What Istio advises.
const PRACTICES: &str = "https://istio.io/latest/docs/ops/best-practices/security/";
/// How pods get their proxies.
const INJECTION_DOCS: &str = "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/";

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
