//! The messages that `istioctl analyze` knows: code, level, words. Source: istio.io/istio `pkg/config/analysis/msg/messages.yaml`.

use ringwall_model::go::go_quote;

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something will not work.
    Error,
    /// Something may not do what it looks like.
    Warning,
    /// Good to know.
    Info,
}

impl Level {
    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Info => "Info",
        }
    }
}

/// One message that may be said.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Its number: `IST0101`.
    pub id: &'static str,
    /// Its name: `ReferencedResourceNotFound`.
    pub name: &'static str,
    /// How bad it is.
    pub level: Level,
    /// Its words: `{}` stands for an argument, `{q}` for one in quotes.
    template: &'static str,
}

impl Code {
    const fn new(id: &'static str, name: &'static str, level: Level, template: &'static str) -> Self {
        Self { id, name, level, template }
    }

    /// The words with these arguments. Each place takes one; an argument too few is nothing.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let mut text = String::with_capacity(self.template.len());
        let mut arguments = arguments.iter();
        let mut rest = self.template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let argument = arguments.next().copied().unwrap_or_default();
            let quoted = after.strip_prefix("q}");
            match quoted {
                Some(_) => text.push_str(&go_quote(argument)),
                None => text.push_str(argument),
            }
            rest = quoted.or_else(|| after.strip_prefix('}')).unwrap_or(after);
        }
        text.push_str(rest);
        text
    }

    /// The words with `…` for each argument.
    pub fn pattern(&self) -> String {
        self.template.replace("{q}", "\"…\"").replace("{}", "…")
    }

    /// Where it is explained.
    pub fn documentation_url(&self) -> String {
        format!(
            "https://istio.io/v1.31/docs/reference/config/analysis/{}/?ref=istioctl-analyze",
            self.id.to_lowercase()
        )
    }
}

/// The code with this number.
pub fn of(id: &str) -> Option<&'static Code> {
    ALL.iter().copied().find(|code| code.id == id)
}

pub(crate) const INTERNAL_ERROR: &Code =
    &Code::new("IST0001", "InternalError", Level::Error, "Internal error: {}");
pub(crate) const DEPRECATED: &Code = &Code::new("IST0002", "Deprecated", Level::Warning, "Deprecated: {}");
pub(crate) const REFERENCED_RESOURCE_NOT_FOUND: &Code =
    &Code::new("IST0101", "ReferencedResourceNotFound", Level::Error, "Referenced {} not found: {q}");
pub(crate) const NAMESPACE_NOT_INJECTED: &Code = &Code::new(
    "IST0102",
    "NamespaceNotInjected",
    Level::Info,
    "The namespace is not enabled for Istio injection. Run 'kubectl label namespace {} istio-injection=enabled' to enable it, or 'kubectl label namespace {} istio-injection=disabled' to explicitly mark it as not needing injection.",
);
pub(crate) const POD_MISSING_PROXY: &Code = &Code::new(
    "IST0103",
    "PodMissingProxy",
    Level::Warning,
    "The pod {} is missing the Istio proxy. This can often be resolved by restarting or redeploying the workload.",
);
pub(crate) const SCHEMA_VALIDATION_ERROR: &Code =
    &Code::new("IST0106", "SchemaValidationError", Level::Error, "Schema validation error: {}");
pub(crate) const MISPLACED_ANNOTATION: &Code = &Code::new(
    "IST0107",
    "MisplacedAnnotation",
    Level::Warning,
    "Misplaced annotation: {} can only be applied to {}",
);
pub(crate) const UNKNOWN_ANNOTATION: &Code =
    &Code::new("IST0108", "UnknownAnnotation", Level::Warning, "Unknown annotation: {}");
pub(crate) const CONFLICTING_MESH_GATEWAY_VIRTUAL_SERVICE_HOSTS: &Code = &Code::new(
    "IST0109",
    "ConflictingMeshGatewayVirtualServiceHosts",
    Level::Error,
    "The VirtualServices {} associated with mesh gateway define the same host {} which can lead to undefined behavior. This can be fixed by merging the conflicting VirtualServices into a single resource.",
);
pub(crate) const CONFLICTING_SIDECAR_WORKLOAD_SELECTORS: &Code = &Code::new(
    "IST0110",
    "ConflictingSidecarWorkloadSelectors",
    Level::Error,
    "The Sidecars {} in namespace {q} select the same workload pod {q}, which can lead to undefined behavior.",
);
pub(crate) const MULTIPLE_SIDECARS_WITHOUT_WORKLOAD_SELECTORS: &Code = &Code::new(
    "IST0111",
    "MultipleSidecarsWithoutWorkloadSelectors",
    Level::Error,
    "The Sidecars {} in namespace {q} have no workload selector, which can lead to undefined behavior.",
);
pub(crate) const VIRTUAL_SERVICE_DESTINATION_PORT_SELECTOR_REQUIRED: &Code = &Code::new(
    "IST0112",
    "VirtualServiceDestinationPortSelectorRequired",
    Level::Error,
    "This VirtualService routes to a service {q} that exposes multiple ports {}. Specifying a port in the destination is required to disambiguate.",
);
pub(crate) const DEPLOYMENT_ASSOCIATED_TO_MULTIPLE_SERVICES: &Code = &Code::new(
    "IST0116",
    "DeploymentAssociatedToMultipleServices",
    Level::Warning,
    "This deployment {} is associated with multiple services using port {} but different protocols: {}",
);
pub(crate) const PORT_NAME_IS_NOT_UNDER_NAMING_CONVENTION: &Code = &Code::new(
    "IST0118",
    "PortNameIsNotUnderNamingConvention",
    Level::Info,
    "Port name {} (port: {}, targetPort: {}) doesn't follow the naming convention of Istio port.",
);
pub(crate) const NAMESPACE_MULTIPLE_INJECTION_LABELS: &Code = &Code::new(
    "IST0123",
    "NamespaceMultipleInjectionLabels",
    Level::Warning,
    "The namespace has more than one type of injection labels {}, which may lead to undefined behavior. Make sure only one injection label exists.",
);
pub(crate) const INVALID_ANNOTATION: &Code =
    &Code::new("IST0125", "InvalidAnnotation", Level::Warning, "Invalid annotation {}: {}");
pub(crate) const UNKNOWN_MESH_NETWORKS_SERVICE_REGISTRY: &Code = &Code::new(
    "IST0126",
    "UnknownMeshNetworksServiceRegistry",
    Level::Error,
    "Unknown service registry {} in network {}",
);
pub(crate) const NO_MATCHING_WORKLOADS_FOUND: &Code = &Code::new(
    "IST0127",
    "NoMatchingWorkloadsFound",
    Level::Warning,
    "No matching workloads for this resource with the following labels: {}",
);
pub(crate) const NO_SERVER_CERTIFICATE_VERIFICATION_DESTINATION_LEVEL: &Code = &Code::new(
    "IST0128",
    "NoServerCertificateVerificationDestinationLevel",
    Level::Warning,
    "DestinationRule {} in namespace {} has TLS mode set to {} but no caCertificates are set to validate server identity for host: {}",
);
pub(crate) const NO_SERVER_CERTIFICATE_VERIFICATION_PORT_LEVEL: &Code = &Code::new(
    "IST0129",
    "NoServerCertificateVerificationPortLevel",
    Level::Warning,
    "DestinationRule {} in namespace {} has TLS mode set to {} but no caCertificates are set to validate server identity for host: {} at port {}",
);
pub(crate) const VIRTUAL_SERVICE_UNREACHABLE_RULE: &Code = &Code::new(
    "IST0130",
    "VirtualServiceUnreachableRule",
    Level::Warning,
    "VirtualService rule {} not used ({}).",
);
pub(crate) const VIRTUAL_SERVICE_INEFFECTIVE_MATCH: &Code = &Code::new(
    "IST0131",
    "VirtualServiceIneffectiveMatch",
    Level::Info,
    "VirtualService rule {} match {} is not used (duplicate/overlapping match in rule {}).",
);
pub(crate) const VIRTUAL_SERVICE_HOST_NOT_FOUND_IN_GATEWAY: &Code = &Code::new(
    "IST0132",
    "VirtualServiceHostNotFoundInGateway",
    Level::Warning,
    "one or more host {} defined in VirtualService {} not found in Gateway {}.",
);
pub(crate) const SCHEMA_WARNING: &Code =
    &Code::new("IST0133", "SchemaWarning", Level::Warning, "Schema validation warning: {}");
pub(crate) const SERVICE_ENTRY_ADDRESSES_REQUIRED: &Code = &Code::new(
    "IST0134",
    "ServiceEntryAddressesRequired",
    Level::Warning,
    "ServiceEntry addresses are required for this protocol.",
);
pub(crate) const DEPRECATED_ANNOTATION: &Code = &Code::new(
    "IST0135",
    "DeprecatedAnnotation",
    Level::Info,
    "Annotation {q} has been deprecated{} and may not work in future Istio versions.",
);
pub(crate) const ALPHA_ANNOTATION: &Code = &Code::new(
    "IST0136",
    "AlphaAnnotation",
    Level::Info,
    "Annotation {q} is part of an alpha-phase feature and may be incompletely supported.",
);
pub(crate) const DEPLOYMENT_CONFLICTING_PORTS: &Code = &Code::new(
    "IST0137",
    "DeploymentConflictingPorts",
    Level::Warning,
    "This deployment {} is associated with multiple services {} using targetPort {q} but different ports: {}.",
);
pub(crate) const GATEWAY_DUPLICATE_CERTIFICATE: &Code = &Code::new(
    "IST0138",
    "GatewayDuplicateCertificate",
    Level::Warning,
    "Duplicate certificate in multiple gateways {} may cause 404s if clients re-use HTTP2 connections.",
);
pub(crate) const INVALID_WEBHOOK: &Code = &Code::new("IST0139", "InvalidWebhook", Level::Error, "{}");
pub(crate) const INGRESS_ROUTE_RULES_NOT_AFFECTED: &Code = &Code::new(
    "IST0140",
    "IngressRouteRulesNotAffected",
    Level::Warning,
    "Subset in virtual service {} has no effect on ingress gateway {} requests",
);
pub(crate) const INSUFFICIENT_PERMISSIONS: &Code = &Code::new(
    "IST0141",
    "InsufficientPermissions",
    Level::Error,
    "Missing required permission to create resource {} ({})",
);
pub(crate) const UNSUPPORTED_KUBERNETES_VERSION: &Code = &Code::new(
    "IST0142",
    "UnsupportedKubernetesVersion",
    Level::Error,
    "The Kubernetes Version {q} is lower than the minimum version: {}",
);
pub(crate) const LOCALHOST_LISTENER: &Code = &Code::new(
    "IST0143",
    "LocalhostListener",
    Level::Error,
    "Port {} is exposed in a Service but listens on localhost. It will not be exposed to other pods.",
);
pub(crate) const INVALID_APPLICATION_UID: &Code = &Code::new(
    "IST0144",
    "InvalidApplicationUID",
    Level::Warning,
    "User ID (UID) 1337 is reserved for the sidecar proxy.",
);
pub(crate) const CONFLICTING_GATEWAYS: &Code = &Code::new(
    "IST0145",
    "ConflictingGateways",
    Level::Error,
    "Conflict with gateways {} (workload selector {}, port {}, hosts {}).",
);
pub(crate) const IMAGE_AUTO_WITHOUT_INJECTION_WARNING: &Code = &Code::new(
    "IST0146",
    "ImageAutoWithoutInjectionWarning",
    Level::Warning,
    "{} {} contains `image: auto` but does not match any Istio injection webhook selectors.",
);
pub(crate) const IMAGE_AUTO_WITHOUT_INJECTION_ERROR: &Code = &Code::new(
    "IST0147",
    "ImageAutoWithoutInjectionError",
    Level::Error,
    "{} {} contains `image: auto` but does not match any Istio injection webhook selectors.",
);
pub(crate) const NAMESPACE_INJECTION_ENABLED_BY_DEFAULT: &Code = &Code::new(
    "IST0148",
    "NamespaceInjectionEnabledByDefault",
    Level::Info,
    "is enabled for Istio injection, as Istio is installed with enableNamespacesByDefault as true.",
);
pub(crate) const JWT_CLAIM_BASED_ROUTING_WITHOUT_REQUEST_AUTH_N: &Code = &Code::new(
    "IST0149",
    "JwtClaimBasedRoutingWithoutRequestAuthN",
    Level::Error,
    "The virtual service uses the JWT claim based routing (key: {}) but found no request authentication for the gateway ({}) pod ({}). The request authentication must first be applied for the gateway pods to validate the JWT token and make the claims available for routing.",
);
pub(crate) const EXTERNAL_NAME_SERVICE_TYPE_INVALID_PORT_NAME: &Code = &Code::new(
    "IST0150",
    "ExternalNameServiceTypeInvalidPortName",
    Level::Warning,
    "Port name for ExternalName service is invalid. Proxy may prevent tcp named ports and unmatched traffic for ports serving TCP protocol from being forwarded correctly",
);
pub(crate) const ENVOY_FILTER_USES_RELATIVE_OPERATION: &Code = &Code::new(
    "IST0151",
    "EnvoyFilterUsesRelativeOperation",
    Level::Warning,
    "This EnvoyFilter does not have a priority and has a relative patch operation set which can cause the EnvoyFilter not to be applied. Using the INSERT_FIRST of ADD option or setting the priority may help in ensuring the EnvoyFilter is applied correctly.",
);
pub(crate) const ENVOY_FILTER_USES_REPLACE_OPERATION_INCORRECTLY: &Code = &Code::new(
    "IST0152",
    "EnvoyFilterUsesReplaceOperationIncorrectly",
    Level::Error,
    "The REPLACE operation is only valid for HTTP_FILTER and NETWORK_FILTER.",
);
pub(crate) const ENVOY_FILTER_USES_ADD_OPERATION_INCORRECTLY: &Code = &Code::new(
    "IST0153",
    "EnvoyFilterUsesAddOperationIncorrectly",
    Level::Error,
    "The ADD operation will be ignored when applyTo is set to ROUTE_CONFIGURATION, or HTTP_ROUTE.",
);
pub(crate) const ENVOY_FILTER_USES_REMOVE_OPERATION_INCORRECTLY: &Code = &Code::new(
    "IST0154",
    "EnvoyFilterUsesRemoveOperationIncorrectly",
    Level::Error,
    "The REMOVE operation will be ignored when applyTo is set to ROUTE_CONFIGURATION, or HTTP_ROUTE.",
);
pub(crate) const ENVOY_FILTER_USES_RELATIVE_OPERATION_WITH_PROXY_VERSION: &Code = &Code::new(
    "IST0155",
    "EnvoyFilterUsesRelativeOperationWithProxyVersion",
    Level::Warning,
    "This EnvoyFilter does not have a priority and has a relative patch operation (NSTERT_BEFORE/AFTER, REPLACE, MERGE, DELETE) and proxyVersion set which can cause the EnvoyFilter not to be applied during an upgrade. Using the INSERT_FIRST or ADD option or setting the priority may help in ensuring the EnvoyFilter is applied correctly.",
);
pub(crate) const UNSUPPORTED_GATEWAY_API_VERSION: &Code = &Code::new(
    "IST0156",
    "UnsupportedGatewayAPIVersion",
    Level::Error,
    "The Gateway API CRD version {} is lower than the minimum version: {}",
);
pub(crate) const INVALID_TELEMETRY_PROVIDER: &Code = &Code::new(
    "IST0157",
    "InvalidTelemetryProvider",
    Level::Warning,
    "The Telemetry {} in namespace {q} with empty providers will be ignored.",
);
pub(crate) const PODS_ISTIO_PROXY_IMAGE_MISMATCH_IN_NAMESPACE: &Code = &Code::new(
    "IST0158",
    "PodsIstioProxyImageMismatchInNamespace",
    Level::Warning,
    "The Istio proxy images of the pods running in the namespace do not match the image defined in the injection configuration (pod names: {}). This often happens after upgrading the Istio control-plane and can be fixed by redeploying the pods.",
);
pub(crate) const CONFLICTING_TELEMETRY_WORKLOAD_SELECTORS: &Code = &Code::new(
    "IST0159",
    "ConflictingTelemetryWorkloadSelectors",
    Level::Error,
    "The Telemetries {} in namespace {q} select the same workload pod {q}, which can lead to undefined behavior.",
);
pub(crate) const MULTIPLE_TELEMETRIES_WITHOUT_WORKLOAD_SELECTORS: &Code = &Code::new(
    "IST0160",
    "MultipleTelemetriesWithoutWorkloadSelectors",
    Level::Error,
    "The Telemetries {} in namespace {q} have no workload selector, which can lead to undefined behavior.",
);
pub(crate) const INVALID_GATEWAY_CREDENTIAL: &Code = &Code::new(
    "IST0161",
    "InvalidGatewayCredential",
    Level::Error,
    "The credential referenced by the Gateway {} in namespace {} is invalid, which can cause the traffic not to work as expected.",
);
pub(crate) const GATEWAY_PORT_NOT_DEFINED_ON_SERVICE: &Code = &Code::new(
    "IST0162",
    "GatewayPortNotDefinedOnService",
    Level::Warning,
    "The gateway is listening on a target port (port {}) that is not defined in the Service associated with its workload instances (Pod selector {}). If you need to access the gateway port through the gateway Service, it will not be available.",
);
pub(crate) const INVALID_EXTERNAL_CONTROL_PLANE_CONFIG: &Code = &Code::new(
    "IST0163",
    "InvalidExternalControlPlaneConfig",
    Level::Warning,
    "The hostname ({}) that was provided for the webhook ({}) to reach the ingress gateway on the external control plane cluster {}. Traffic may not flow properly.",
);
pub(crate) const EXTERNAL_CONTROL_PLANE_ADDRESS_IS_NOT_A_HOSTNAME: &Code = &Code::new(
    "IST0164",
    "ExternalControlPlaneAddressIsNotAHostname",
    Level::Info,
    "The address ({}) that was provided for the webhook ({}) to reach the ingress gateway on the external control plane cluster is an IP address. This is not recommended for a production environment.",
);
pub(crate) const REFERENCED_INTERNAL_GATEWAY: &Code = &Code::new(
    "IST0165",
    "ReferencedInternalGateway",
    Level::Warning,
    "Gateway reference in VirtualService {} is to an implementation-generated internal Gateway: {}.",
);
pub(crate) const INEFFECTIVE_SELECTOR: &Code = &Code::new(
    "IST0166",
    "IneffectiveSelector",
    Level::Warning,
    "Ineffective selector on Kubernetes Gateway {}. Use the TargetRef field instead.",
);
pub(crate) const INEFFECTIVE_POLICY: &Code =
    &Code::new("IST0167", "IneffectivePolicy", Level::Warning, "The policy has no impact: {}.");
pub(crate) const UNKNOWN_UPGRADE_COMPATIBILITY: &Code = &Code::new(
    "IST0168",
    "UnknownUpgradeCompatibility",
    Level::Warning,
    "The configuration {q} changed in release {}, but compatibility cannot be automatically detected: {}. Or, install with `--set compatibilityVersion={}` to retain the old default.",
);
pub(crate) const UPDATE_INCOMPATIBILITY: &Code = &Code::new(
    "IST0169",
    "UpdateIncompatibility",
    Level::Warning,
    "The configuration {q} changed in release {}: {}. Or, install with `--set compatibilityVersion={}` to retain the old default.",
);
pub(crate) const MULTI_CLUSTER_INCONSISTENT_SERVICE: &Code = &Code::new(
    "IST0170",
    "MultiClusterInconsistentService",
    Level::Warning,
    "The service {} in namespace {q} is inconsistent across clusters {q}, which can lead to undefined behaviors. The inconsistent behaviors are: {}.",
);
pub(crate) const NEGATIVE_CONDITION_STATUS: &Code = &Code::new(
    "IST0171",
    "NegativeConditionStatus",
    Level::Warning,
    "A condition with a negative status is present: type={}, reason={}, message={}.",
);
pub(crate) const FUTURE_UNSUPPORTED_GATEWAY_API_VERSION: &Code = &Code::new(
    "IST0172",
    "FutureUnsupportedGatewayAPIVersion",
    Level::Warning,
    "The Gateway API CRD version {} is lower than the minimum version: {}",
);
pub(crate) const DESTINATION_RULE_SUBSET_NOT_SELECT_PODS: &Code = &Code::new(
    "IST0173",
    "DestinationRuleSubsetNotSelectPods",
    Level::Error,
    "The Subset {} defined in the DestinationRule does not select any pods. Which may lead to 503 UH (NoHealthyUpstream).",
);
pub(crate) const UNKNOWN_DESTINATION_RULE_HOST: &Code = &Code::new(
    "IST0174",
    "UnknownDestinationRuleHost",
    Level::Warning,
    "The host {} defined in the DestinationRule does not match any services in the mesh.",
);
pub(crate) const JWKS_URI_FETCH_UNRESTRICTED: &Code = &Code::new(
    "IST0175",
    "JwksUriFetchUnrestricted",
    Level::Warning,
    "BLOCKED_CIDRS_IN_JWKS_URIS is not configured but {} RequestAuthentication resource(s) exist ({}). Consider configuring it to restrict JWKS URI fetches to trusted networks.",
);
pub(crate) const GATEWAY_APICRD_VERSION_BELOW_MINIMUM: &Code = &Code::new(
    "IST0176",
    "GatewayAPICRDVersionBelowMinimum",
    Level::Warning,
    "Gateway API CRD {q} is at version {q} but Istio requires at least {q}; resources of this kind will not be processed. Upgrade the Gateway API CRDs to satisfy the minimum version.",
);
pub(crate) const CONFLICTING_SERVICE_ENTRY_PROTOCOL: &Code = &Code::new(
    "IST0177",
    "ConflictingServiceEntryProtocol",
    Level::Warning,
    "Multiple ServiceEntries ({}) define the same host {q} and port {} with conflicting protocols ({}).",
);

/// All messages, by number.
pub const ALL: &[&Code] = &[
    INTERNAL_ERROR,
    DEPRECATED,
    REFERENCED_RESOURCE_NOT_FOUND,
    NAMESPACE_NOT_INJECTED,
    POD_MISSING_PROXY,
    SCHEMA_VALIDATION_ERROR,
    MISPLACED_ANNOTATION,
    UNKNOWN_ANNOTATION,
    CONFLICTING_MESH_GATEWAY_VIRTUAL_SERVICE_HOSTS,
    CONFLICTING_SIDECAR_WORKLOAD_SELECTORS,
    MULTIPLE_SIDECARS_WITHOUT_WORKLOAD_SELECTORS,
    VIRTUAL_SERVICE_DESTINATION_PORT_SELECTOR_REQUIRED,
    DEPLOYMENT_ASSOCIATED_TO_MULTIPLE_SERVICES,
    PORT_NAME_IS_NOT_UNDER_NAMING_CONVENTION,
    NAMESPACE_MULTIPLE_INJECTION_LABELS,
    INVALID_ANNOTATION,
    UNKNOWN_MESH_NETWORKS_SERVICE_REGISTRY,
    NO_MATCHING_WORKLOADS_FOUND,
    NO_SERVER_CERTIFICATE_VERIFICATION_DESTINATION_LEVEL,
    NO_SERVER_CERTIFICATE_VERIFICATION_PORT_LEVEL,
    VIRTUAL_SERVICE_UNREACHABLE_RULE,
    VIRTUAL_SERVICE_INEFFECTIVE_MATCH,
    VIRTUAL_SERVICE_HOST_NOT_FOUND_IN_GATEWAY,
    SCHEMA_WARNING,
    SERVICE_ENTRY_ADDRESSES_REQUIRED,
    DEPRECATED_ANNOTATION,
    ALPHA_ANNOTATION,
    DEPLOYMENT_CONFLICTING_PORTS,
    GATEWAY_DUPLICATE_CERTIFICATE,
    INVALID_WEBHOOK,
    INGRESS_ROUTE_RULES_NOT_AFFECTED,
    INSUFFICIENT_PERMISSIONS,
    UNSUPPORTED_KUBERNETES_VERSION,
    LOCALHOST_LISTENER,
    INVALID_APPLICATION_UID,
    CONFLICTING_GATEWAYS,
    IMAGE_AUTO_WITHOUT_INJECTION_WARNING,
    IMAGE_AUTO_WITHOUT_INJECTION_ERROR,
    NAMESPACE_INJECTION_ENABLED_BY_DEFAULT,
    JWT_CLAIM_BASED_ROUTING_WITHOUT_REQUEST_AUTH_N,
    EXTERNAL_NAME_SERVICE_TYPE_INVALID_PORT_NAME,
    ENVOY_FILTER_USES_RELATIVE_OPERATION,
    ENVOY_FILTER_USES_REPLACE_OPERATION_INCORRECTLY,
    ENVOY_FILTER_USES_ADD_OPERATION_INCORRECTLY,
    ENVOY_FILTER_USES_REMOVE_OPERATION_INCORRECTLY,
    ENVOY_FILTER_USES_RELATIVE_OPERATION_WITH_PROXY_VERSION,
    UNSUPPORTED_GATEWAY_API_VERSION,
    INVALID_TELEMETRY_PROVIDER,
    PODS_ISTIO_PROXY_IMAGE_MISMATCH_IN_NAMESPACE,
    CONFLICTING_TELEMETRY_WORKLOAD_SELECTORS,
    MULTIPLE_TELEMETRIES_WITHOUT_WORKLOAD_SELECTORS,
    INVALID_GATEWAY_CREDENTIAL,
    GATEWAY_PORT_NOT_DEFINED_ON_SERVICE,
    INVALID_EXTERNAL_CONTROL_PLANE_CONFIG,
    EXTERNAL_CONTROL_PLANE_ADDRESS_IS_NOT_A_HOSTNAME,
    REFERENCED_INTERNAL_GATEWAY,
    INEFFECTIVE_SELECTOR,
    INEFFECTIVE_POLICY,
    UNKNOWN_UPGRADE_COMPATIBILITY,
    UPDATE_INCOMPATIBILITY,
    MULTI_CLUSTER_INCONSISTENT_SERVICE,
    NEGATIVE_CONDITION_STATUS,
    FUTURE_UNSUPPORTED_GATEWAY_API_VERSION,
    DESTINATION_RULE_SUBSET_NOT_SELECT_PODS,
    UNKNOWN_DESTINATION_RULE_HOST,
    JWKS_URI_FETCH_UNRESTRICTED,
    GATEWAY_APICRD_VERSION_BELOW_MINIMUM,
    CONFLICTING_SERVICE_ENTRY_PROTOCOL,
];
