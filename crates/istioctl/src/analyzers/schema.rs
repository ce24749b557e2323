//! What istiod's webhook says of objects. Source: `pkg/config/analysis/analyzers/schema/validation.go`.

use ringwall_mesh::validate::validate;

use super::Context;
use crate::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::message::{Place, Reporter};
use crate::store::Kind;

/// Kinds of Istio's own.
pub(super) const KINDS: &[Kind] = &[
    Kind::AuthorizationPolicy,
    Kind::DestinationRule,
    Kind::EnvoyFilter,
    Kind::Gateway,
    Kind::PeerAuthentication,
    Kind::ProxyConfig,
    Kind::RequestAuthentication,
    Kind::ServiceEntry,
    Kind::Sidecar,
    Kind::Telemetry,
    Kind::TrafficExtension,
    Kind::VirtualService,
    Kind::WasmPlugin,
    Kind::WorkloadEntry,
    Kind::WorkloadGroup,
];

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for kind in KINDS {
        for resource in context.store.all(*kind) {
            let Some(verdict) = resource.object.and_then(validate) else { continue };
            for (complaints, code) in
                [(verdict.errors, SCHEMA_VALIDATION_ERROR), (verdict.warnings, SCHEMA_WARNING)]
            {
                for complaint in complaints {
                    let place = Place::Unnamed(complaint.path.clone());
                    reporter.report(code, resource, &[&complaint.message], place);
                }
            }
        }
    }
}
