//! The kinds that are validated. Source: istio.io/istio `pkg/config/schema/collections/collections.gen.go`; all others have `EmptyValidate` there.

use ringwall_model::object::Object;

use super::proto::Message;
use super::{
    Config, Verdict, authorization, destination, envoy_filter, gateway, messages, peer, proxy_config,
    request, service_entry, sidecar, telemetry, virtual_service, wasm, workload,
};

/// A kind.
pub(super) struct Kind {
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    /// All that are served.
    pub(super) versions: &'static [&'static str],
    /// Its spec.
    pub(super) message: &'static Message,
    pub(super) validate: fn(&Config<'_>, &mut Verdict),
}

const NETWORKING: &str = "networking.istio.io";
const SECURITY: &str = "security.istio.io";
const EXTENSIONS: &str = "extensions.istio.io";

const ALL: &[&str] = &["v1", "v1beta1", "v1alpha3"];

pub(super) static KINDS: [Kind; 15] = [
    Kind {
        group: SECURITY,
        kind: "AuthorizationPolicy",
        versions: &["v1", "v1beta1"],
        message: &messages::authorization_policy::AUTHORIZATION_POLICY,
        validate: authorization::validate,
    },
    Kind {
        group: SECURITY,
        kind: "PeerAuthentication",
        versions: &["v1", "v1beta1"],
        message: &messages::peer_authentication::PEER_AUTHENTICATION,
        validate: peer::validate,
    },
    Kind {
        group: SECURITY,
        kind: "RequestAuthentication",
        versions: &["v1", "v1beta1"],
        message: &messages::request_authentication::REQUEST_AUTHENTICATION,
        validate: request::validate,
    },
    Kind {
        group: NETWORKING,
        kind: "DestinationRule",
        versions: ALL,
        message: &messages::destination_rule::DESTINATION_RULE,
        validate: destination::validate,
    },
    Kind {
        group: NETWORKING,
        kind: "EnvoyFilter",
        versions: &["v1alpha3"],
        message: &messages::envoy_filter::ENVOY_FILTER,
        validate: envoy_filter::validate,
    },
    Kind {
        group: NETWORKING,
        kind: "Gateway",
        versions: ALL,
        message: &messages::gateway::GATEWAY,
        validate: gateway::validate,
    },
    Kind {
        group: NETWORKING,
        kind: "ProxyConfig",
        versions: &["v1beta1"],
        message: &messages::proxy_config::PROXY_CONFIG,
        validate: proxy_config::validate,
    },
    Kind {
        group: NETWORKING,
        kind: "ServiceEntry",
        versions: ALL,
        message: &messages::service_entry::SERVICE_ENTRY,
        validate: service_entry::validate,
    },
    Kind {
        group: NETWORKING,
        kind: "Sidecar",
        versions: ALL,
        message: &messages::sidecar::SIDECAR,
        validate: sidecar::validate,
    },
    Kind {
        group: NETWORKING,
        kind: "VirtualService",
        versions: ALL,
        message: &messages::virtual_service::VIRTUAL_SERVICE,
        validate: virtual_service::validate,
    },
    Kind {
        group: NETWORKING,
        kind: "WorkloadEntry",
        versions: ALL,
        message: &messages::workload_entry::WORKLOAD_ENTRY,
        validate: workload::entry,
    },
    Kind {
        group: NETWORKING,
        kind: "WorkloadGroup",
        versions: ALL,
        message: &messages::workload_group::WORKLOAD_GROUP,
        validate: workload::group,
    },
    Kind {
        group: "telemetry.istio.io",
        kind: "Telemetry",
        versions: &["v1", "v1alpha1"],
        message: &messages::telemetry::TELEMETRY,
        validate: telemetry::validate,
    },
    Kind {
        group: EXTENSIONS,
        kind: "TrafficExtension",
        versions: &["v1alpha1"],
        message: &messages::traffic_extension::TRAFFIC_EXTENSION,
        validate: wasm::traffic_extension,
    },
    Kind {
        group: EXTENSIONS,
        kind: "WasmPlugin",
        versions: &["v1alpha1"],
        message: &messages::wasm::WASM_PLUGIN,
        validate: wasm::plugin,
    },
];

/// The kind of an object, if it is one of them.
pub(super) fn of(object: &Object) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| object.is(kind.group, kind.kind))
}
