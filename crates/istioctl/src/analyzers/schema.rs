//! What istiod's webhook says of objects. Source: `pkg/config/analysis/analyzers/schema/validation.go`.

use ringwall_mesh::validate::{Analysis, Complaint, analyze};

use super::Context;
use crate::codes::{
    Code, SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING, VIRTUAL_SERVICE_INEFFECTIVE_MATCH,
    VIRTUAL_SERVICE_UNREACHABLE_RULE,
};
use crate::message::{Place, Reporter};
use crate::store::{Kind, Resource};

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
            let Some(verdict) = resource.object.and_then(analyze) else { continue };
            for (complaints, code) in
                [(verdict.errors, SCHEMA_VALIDATION_ERROR), (verdict.warnings, SCHEMA_WARNING)]
            {
                for complaint in complaints {
                    say(resource, code, complaint, reporter);
                }
            }
        }
    }
}

fn say(resource: &Resource<'_>, code: &'static Code, complaint: Complaint, reporter: &mut Reporter) {
    let place = Place::Unnamed(complaint.path);
    match complaint.analysis {
        None => reporter.report(code, resource, &[&complaint.message], place),
        Some(Analysis::UnreachableRule { rule, reason }) => {
            reporter.report(VIRTUAL_SERVICE_UNREACHABLE_RULE, resource, &[&rule, &reason], place);
        }
        Some(Analysis::IneffectiveMatch { rule, matched, other }) => {
            reporter.report(VIRTUAL_SERVICE_INEFFECTIVE_MATCH, resource, &[&rule, &matched, &other], place);
        }
    }
}
