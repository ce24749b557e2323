//! What is wrong with network policies: rules that do not do what they look like, and pods that nothing guards.
//!
//! A new check is a place in the file of its family with a [`NetCheck`], and one line in [`CHECKS`]. A check is a function from a
//! [`Subject`] to flaws; its example in `bad` must be found by it and the one in `good` must not, which a test demands of each.
//!
//! What a check says of traffic it has from the engine, and where it can it names a witness: a sender, a receiver and a port. What is
//! not in the input is not known: no check takes its absence for a fact, but where the input holds what would show it.

mod blocks;
mod cover;
mod coverage;
mod dns;
mod effect;
mod exposure;
mod labels;
mod mesh;
mod one_sided;
mod ports;
mod selection;
mod services;
mod slips;
mod subject;
mod tiers;
mod ways;
mod ways_in;

use ringwall_model::check::Check;
use ringwall_model::fix::{Fixable, Value, reviewed, safe};
use ringwall_model::near::{is_near, nearest};
use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::{Kind, Node};
use ringwall_model::workload::CustomKind;

use crate::cluster::Cluster;
use crate::engine::{Engine, Options};
use crate::policy::PolicyKind;
use crate::services::Services;

pub use self::subject::Subject;
pub use ringwall_model::flaw::{Flaw, Flaws};

/// A check of network policies.
#[derive(Debug)]
pub struct NetCheck {
    /// What is said about it.
    pub about: Check,
    /// Whether `ringwall fix` mends what it finds.
    pub fix: Fixable,
    /// Collects what is wrong.
    pub find: fn(&Subject<'_>, &mut Flaws),
}

/// All checks, by id.
pub static CHECKS: &[NetCheck] = &[
    one_sided::CHECK,
    labels::NAME,
    labels::UNMET,
    dns::ONE_PROTOCOL,
    dns::NONE,
    dns::MISSED,
    selection::NO_SUBJECT,
    selection::NO_PEER,
    selection::ON_HOST,
    slips::SPLIT,
    slips::EMPTY_LIST,
    slips::IGNORED,
    slips::HALF_DENY,
    slips::OPEN_RULE,
    ports::NAME,
    ports::UNDECLARED,
    ports::ALL_PORTS,
    blocks::METADATA,
    blocks::PODS,
    blocks::UNDONE,
    blocks::ONE_FAMILY,
    blocks::UNCLEAR,
    effect::WITHOUT_EFFECT,
    effect::DUPLICATE,
    coverage::NAMESPACE,
    coverage::WORKLOAD,
    coverage::DEFAULT_DENY,
    tiers::EQUAL,
    tiers::SYSTEM,
    tiers::NETWORKS,
    tiers::PASS,
    tiers::DOMAINS,
    tiers::DENIED,
    mesh::CUT_OFF,
    mesh::UNENFORCED,
    services::PORT,
    ways_in::ENTRY,
    services::UNREACHABLE,
    ways_in::WEBHOOK,
    services::ADDRESS,
    exposure::LOAD_BALANCER,
    exposure::NODE_PORT,
    exposure::EXTERNAL_IPS,
    ways::ENTRY,
    ways::SERVICE,
    ways::EXPOSED,
    ways::SSH,
];

/// Runs all checks over a snapshot; `custom` are further kinds with pod templates. Flaws are in the order of the checks.
///
/// Costs nothing but a pass over the objects where none of them is a policy, a namespace, a Service or a way in. Else it costs what the cluster and the
/// engine cost, and for each rule the pairs of the classes that it names; a pair is two look-ups.
pub fn find(snapshot: &Snapshot, custom: &[CustomKind]) -> Vec<Flaw> {
    let is_judged = |object: &Object| {
        let group = object.id.group.as_str();
        PolicyKind::of(object).is_some()
            || matches!((group, object.id.kind.as_str()), ("", "Namespace" | "Service"))
            || matches!(
                group,
                "networking.k8s.io" | "extensions" | "gateway.networking.k8s.io" | "route.openshift.io"
            )
    };
    if !snapshot.objects().any(|(_, object)| is_judged(object)) {
        return Vec::new();
    }
    let cluster = Cluster::of(snapshot, custom);
    let engine = Engine::new(&cluster, Options::default());
    let services = Services::of(snapshot, &cluster);
    find_in(&Subject::new(snapshot, &cluster, &engine, &services))
}

/// Runs all checks over a cluster that is there already.
pub fn find_in(subject: &Subject<'_>) -> Vec<Flaw> {
    let mut found = Vec::new();
    for check in CHECKS {
        let mut flaws = Flaws::of(&check.about, check.fix, found);
        (check.find)(subject, &mut flaws);
        found = flaws.found;
    }
    found
}

/// A mapping that is written into a manifest.
fn mapping<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Mapping(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

/// What stands in a manifest, to be written elsewhere; `None` where it holds a number that is not whole.
fn copied(node: Node<'_>) -> Option<Value> {
    Some(match node.kind() {
        Kind::Bool => Value::Bool(node.as_bool()?),
        Kind::Integer => Value::Integer(node.as_i64()?),
        Kind::String => Value::from(node.as_str()?),
        Kind::Sequence => Value::List(node.items().map(copied).collect::<Option<_>>()?),
        Kind::Mapping => {
            let entries = node.entries().filter(|entry| !entry.value.is_null());
            Value::Mapping(
                entries
                    .map(|entry| Some((entry.key.to_owned(), copied(entry.value)?)))
                    .collect::<Option<_>>()?,
            )
        }
        Kind::Null | Kind::Unsigned | Kind::Float => return None,
    })
}

/// An object that says no namespace.
fn without_namespace(mut object: Value) -> Value {
    if let Value::Mapping(entries) = &mut object {
        for (_, metadata) in entries.iter_mut().filter(|(key, _)| key == "metadata") {
            if let Value::Mapping(metadata) = metadata {
                metadata.retain(|(key, _)| key != "namespace");
            }
        }
    }
    object
}

/// `""`, or ` and 2 more`.
fn and_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" and {count} more") }
}

/// What checks say that hold in every version.
const EVERY_VERSION: &str = "Every version of Kubernetes.";
/// The Kubernetes documentation of network policies.
const POLICIES: &str = "https://kubernetes.io/docs/concepts/services-networking/network-policies/";
/// The documentation of the policies of administrators.
const ADMIN_POLICIES: &str = "https://network-policy-api.sigs.k8s.io/api-overview/";

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
