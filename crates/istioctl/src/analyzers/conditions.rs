//! What a controller has written into a status. Source: `pkg/config/analysis/analyzers/conditions/conditions.go`.

use ringwall_model::path::FieldPath;

use super::Context;
use crate::codes::NEGATIVE_CONDITION_STATUS;
use crate::message::{Place, Reporter};
use crate::reader::Value;
use crate::store::{Kind, Resource};

/// Conditions that are bad when they are not so.
const WAYPOINT: &[&str] = &["istio.io/WaypointBound"];
const ACCEPTED: &[&str] = &["ZtunnelAccepted", "WaypointAccepted"];
const ROUTED: &[&str] = &["Accepted", "Programmed", "ResolvedRefs"];

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for service in &context.store.services {
        look(&service.resource, WAYPOINT, reporter);
    }
    for (kind, conditions) in [
        (Kind::ServiceEntry, WAYPOINT),
        (Kind::WorkloadEntry, WAYPOINT),
        (Kind::AuthorizationPolicy, ACCEPTED),
        (Kind::KubernetesGateway, ROUTED),
        (Kind::HttpRoute, ROUTED),
        (Kind::GrpcRoute, ROUTED),
    ] {
        for resource in context.store.all(kind) {
            look(resource, conditions, reporter);
        }
    }
}

fn look(resource: &Resource<'_>, bad_when_false: &[&str], reporter: &mut Reporter) {
    let status = resource.status();
    let path = FieldPath::keys(&["status"]);
    if matches!(resource.kind, Kind::HttpRoute | Kind::GrpcRoute) {
        for (at, parent) in status.items("parents").enumerate() {
            judge(resource, parent, &path.clone().key("parents").index(at), bad_when_false, reporter);
        }
    } else {
        judge(resource, status, &path, bad_when_false, reporter);
    }
}

fn judge(
    resource: &Resource<'_>,
    holder: Value<'_>,
    path: &FieldPath,
    bad_when_false: &[&str],
    reporter: &mut Reporter,
) {
    for (at, condition) in holder.items("conditions").enumerate() {
        let (kind, status, reason) =
            (condition.text("type"), condition.text("status"), condition.text("reason"));
        // A condition that is not known is reported where it has no status at all: the reference looks its type up in a map.
        let is_bad = status == if bad_when_false.contains(&kind) { "False" } else { "" };
        let is_partial = resource.kind == Kind::AuthorizationPolicy
            && kind == "WaypointAccepted"
            && reason == "PartiallyInvalid";
        if is_bad || is_partial {
            let place = Place::Unnamed(path.clone().key("conditions").index(at));
            reporter.report(
                NEGATIVE_CONDITION_STATUS,
                resource,
                &[kind, reason, condition.text("message")],
                place,
            );
        }
    }
}
