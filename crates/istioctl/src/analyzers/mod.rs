//! The analyzers: a file for each of the reference's packages under `pkg/config/analysis/analyzers`, and one table of them all.

mod annotation_values;
mod annotations;
mod authn;
mod authz;
mod certificate;
mod conditions;
mod deployment;
mod deprecation;
mod destinationrule;
mod envoyfilter;
mod externalcontrolplane;
mod gateway;
mod hosts;
mod in_mesh;
mod injection;
mod k8sgateway;
mod multicluster;
mod proxyconfig;
mod schema;
mod service;
mod serviceentry;
mod sidecar;
mod telemetry;
mod virtualservice;
mod webhook;

use ringwall_model::tree::ReadText;

use crate::mesh::Mesh;
use crate::message::Reporter;
use crate::store::{Kind, Store};

/// What analyzers look at.
pub(crate) struct Context<'c, 's> {
    pub(crate) store: &'c Store<'s>,
    pub(crate) mesh: &'c Mesh,
    pub(crate) read: &'c ReadText<'c>,
    pub(crate) now: u64,
}

/// An analyzer.
pub(crate) struct Analyzer {
    /// As the reference calls it.
    pub(crate) name: &'static str,
    /// The kinds that it must have.
    pub(crate) inputs: &'static [Kind],
    /// Looks, and says what it finds.
    pub(crate) run: fn(&Context<'_, '_>, &mut Reporter),
}

const fn analyzer(
    name: &'static str,
    inputs: &'static [Kind],
    run: fn(&Context<'_, '_>, &mut Reporter),
) -> Analyzer {
    Analyzer { name, inputs, run }
}

/// Kinds that carry annotations of Istio's.
const ANNOTATED: &[Kind] = &[Kind::Namespace, Kind::Service, Kind::Pod, Kind::Deployment];

/// All of them. Source: istio.io/istio `pkg/config/analysis/analyzers/all.go`, in its order.
///
/// `services.MultiClusterServiceAnalyzer` is not among them: it compares clusters, and files are of one. So is nothing of what
/// `deprecation` says of custom resource definitions: as the reference reads them from files, it never finds their names.
pub(crate) static ANALYZERS: &[Analyzer] = &[
    analyzer("annotations.K8sAnalyzer", ANNOTATED, annotations::run),
    analyzer("authn.BlockedCIDRsAnalyzer", &[Kind::RequestAuthentication, Kind::Deployment], authn::run),
    analyzer(
        "auth.AuthorizationPoliciesAnalyzer",
        &[Kind::AuthorizationPolicy, Kind::Namespace, Kind::Pod],
        authz::run,
    ),
    analyzer("conditions.ConditionAnalyzer", &[Kind::Service, Kind::ServiceEntry], conditions::run),
    analyzer(
        "deployment.MultiServiceAnalyzer",
        &[Kind::Service, Kind::Deployment, Kind::Namespace],
        deployment::services,
    ),
    analyzer("applicationUID.Analyzer", &[Kind::Pod, Kind::Deployment], deployment::users),
    analyzer(
        "destinationrule.CaCertificateAnalyzer",
        &[Kind::DestinationRule],
        destinationrule::certificates,
    ),
    analyzer(
        "destinationrule.SubsetSelectPodAnalyzer",
        &[Kind::DestinationRule, Kind::Pod, Kind::Service, Kind::ServiceEntry, Kind::Node],
        destinationrule::subsets,
    ),
    analyzer(
        "deprecation.DeprecationAnalyzer",
        &[Kind::VirtualService, Kind::Sidecar, Kind::CustomResourceDefinition],
        deprecation::run,
    ),
    analyzer("envoyfilter.EnvoyPatchAnalyzer", &[Kind::EnvoyFilter], envoyfilter::run),
    analyzer(
        "externalcontrolplane.ExternalControlPlaneAnalyzer",
        &[Kind::ValidatingWebhookConfiguration, Kind::MutatingWebhookConfiguration],
        externalcontrolplane::run,
    ),
    analyzer(
        "gateway.IngressGatewayPortAnalyzer",
        &[Kind::Gateway, Kind::Pod, Kind::Service],
        gateway::ports::run,
    ),
    analyzer("gateway.CertificateAnalyzer", &[Kind::Gateway], gateway::duplicates::run),
    analyzer("gateway.SecretAnalyzer", &[Kind::Gateway, Kind::Pod, Kind::Secret], gateway::secrets::run),
    analyzer("gateway.ConflictingGatewayAnalyzer", &[Kind::Gateway, Kind::Pod], gateway::conflicts::run),
    analyzer("injection.Analyzer", &[Kind::Namespace, Kind::Pod, Kind::ConfigMap], injection::run),
    analyzer(
        "injection.ImageAnalyzer",
        &[Kind::Namespace, Kind::Pod, Kind::ConfigMap, Kind::ProxyConfig],
        injection::images,
    ),
    analyzer(
        "injection.ImageAutoAnalyzer",
        &[Kind::Namespace, Kind::Pod, Kind::Deployment, Kind::MutatingWebhookConfiguration],
        injection::auto_images,
    ),
    analyzer("k8sgateway.SelectorAnalyzer", &[Kind::Pod], k8sgateway::selectors),
    analyzer("k8sgateway.CRDVersionAnalyzer", &[Kind::CustomResourceDefinition], k8sgateway::versions),
    analyzer("meshnetworks.MeshNetworksAnalyzer", &[Kind::Secret], multicluster::run),
    analyzer("service.PortNameAnalyzer", &[Kind::Service], service::run),
    analyzer("sidecar.SelectorAnalyzer", &[Kind::Sidecar, Kind::Pod, Kind::Namespace], sidecar::run),
    analyzer(
        "virtualservice.ConflictingMeshGatewayHostsAnalyzer",
        &[Kind::VirtualService],
        virtualservice::conflicts::run,
    ),
    analyzer(
        "virtualservice.DestinationHostAnalyzer",
        &[Kind::ServiceEntry, Kind::VirtualService, Kind::Service],
        virtualservice::destinations::run,
    ),
    analyzer(
        "virtualservice.DestinationRuleAnalyzer",
        &[Kind::VirtualService, Kind::DestinationRule],
        virtualservice::rules::run,
    ),
    analyzer(
        "virtualservice.GatewayAnalyzer",
        &[Kind::Gateway, Kind::VirtualService],
        virtualservice::gateways::run,
    ),
    analyzer(
        "virtualservice.JWTClaimRouteAnalyzer",
        &[Kind::VirtualService, Kind::RequestAuthentication, Kind::Gateway, Kind::Pod],
        virtualservice::claims::run,
    ),
    analyzer("serviceentry.Analyzer", &[Kind::ServiceEntry], serviceentry::addresses),
    analyzer(
        "serviceentry.ConflictingServiceEntryProtocolAnalyzer",
        &[Kind::ServiceEntry],
        serviceentry::conflicts,
    ),
    analyzer("webhook.Analyzer", &[Kind::MutatingWebhookConfiguration, Kind::Service], webhook::run),
    analyzer("telemetry.ProviderAnalyzer", &[Kind::Telemetry], telemetry::providers),
    analyzer("telemetry.SelectorAnalyzer", &[Kind::Telemetry, Kind::Pod], telemetry::selectors),
    analyzer("telemetry.DefaultSelectorAnalyzer", &[Kind::Telemetry], telemetry::defaults),
    analyzer("telemetry.LightstepAnalyzer", &[Kind::Telemetry], telemetry::lightstep),
    analyzer("schema.ValidationAnalyzer", schema::KINDS, schema::run),
];
