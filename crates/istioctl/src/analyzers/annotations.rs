//! Annotations of Istio's: which there are, and what may carry them.
//!
//! Sources: istio.io/istio `pkg/config/analysis/analyzers/annotations/annotations.go`, `maturity/maturity.go`; istio.io/api
//! `annotation/annotations.gen.go`.

use ringwall_model::path::FieldPath;

use super::Context;
use super::annotation_values;
use super::in_mesh::INJECT;
use crate::codes::{DEPRECATED_ANNOTATION, INVALID_ANNOTATION, MISPLACED_ANNOTATION, UNKNOWN_ANNOTATION};
use crate::message::{Place, Reporter};
use crate::store::{Kind, Resource};

/// An annotation: its name, whether it is deprecated, and the kinds that may carry it.
type Known = (&'static str, bool, &'static [&'static str]);

/// What any object may carry.
const ANY: &[&str] = &["Any"];
const POD: &[&str] = &["Pod"];

/// All annotations, by name.
#[rustfmt::skip]
const KNOWN: &[Known] = &[
    ("alpha.istio.io/canonical-serviceaccounts", true, &["Service"]),
    ("alpha.istio.io/kubernetes-serviceaccounts", true, &["Service"]),
    ("ambient.istio.io/bypass-inbound-capture", false, POD),
    ("ambient.istio.io/dns-capture", false, POD),
    ("ambient.istio.io/redirection", false, POD),
    ("ambient.istio.io/waypoint-inbound-binding", false, &["GatewayClass", "Gateway"]),
    ("galley.istio.io/analyze-suppress", false, ANY),
    ("gateway.istio.io/controller-version", false, ANY),
    ("gateway.istio.io/name-override", false, &["Gateway"]),
    ("gateway.istio.io/service-account", false, &["Gateway"]),
    ("inject.istio.io/templates", false, POD),
    ("istio.io/autoRegistrationGroup", false, &["WorkloadEntry"]),
    ("istio.io/connectedAt", false, &["WorkloadEntry"]),
    ("istio.io/disconnectedAt", false, &["WorkloadEntry"]),
    ("istio.io/dry-run", false, &["AuthorizationPolicy"]),
    ("istio.io/reroute-virtual-interfaces", false, POD),
    ("istio.io/rev", false, POD),
    ("istio.io/use-waypoint-canary-weight", false, &["Service", "ServiceEntry", "Namespace"]),
    ("istio.io/workloadController", false, &["WorkloadEntry"]),
    ("kubernetes.io/ingress.class", false, &["Ingress"]),
    ("networking.istio.io/exportTo", false, &["Service"]),
    ("networking.istio.io/service-type", false, &["Gateway"]),
    ("networking.istio.io/traffic-distribution", false, &["Namespace", "Service", "ServiceEntry"]),
    ("prometheus.istio.io/merge-metrics", false, POD),
    ("proxy.istio.io/config", false, POD),
    ("proxy.istio.io/overrides", false, POD),
    ("readiness.status.sidecar.istio.io/applicationPorts", false, POD),
    ("readiness.status.sidecar.istio.io/failureThreshold", false, POD),
    ("readiness.status.sidecar.istio.io/initialDelaySeconds", false, POD),
    ("readiness.status.sidecar.istio.io/periodSeconds", false, POD),
    ("sidecar.istio.io/agentLogLevel", false, POD),
    ("sidecar.istio.io/bootstrapOverride", false, POD),
    ("sidecar.istio.io/componentLogLevel", false, POD),
    ("sidecar.istio.io/discoveryAddress", true, POD),
    ("sidecar.istio.io/extraStatTags", true, POD),
    ("sidecar.istio.io/inject", true, POD),
    ("sidecar.istio.io/interceptionMode", false, POD),
    ("sidecar.istio.io/logLevel", false, POD),
    ("sidecar.istio.io/nativeSidecar", false, POD),
    ("sidecar.istio.io/proxyCPU", false, POD),
    ("sidecar.istio.io/proxyCPULimit", false, POD),
    ("sidecar.istio.io/proxyImage", false, POD),
    ("sidecar.istio.io/proxyImageType", false, POD),
    ("sidecar.istio.io/proxyMemory", false, POD),
    ("sidecar.istio.io/proxyMemoryLimit", false, POD),
    ("sidecar.istio.io/rewriteAppHTTPProbers", false, POD),
    ("sidecar.istio.io/statsCompression", true, POD),
    ("sidecar.istio.io/statsEvictionInterval", false, POD),
    ("sidecar.istio.io/statsFlushInterval", false, POD),
    ("sidecar.istio.io/statsHistogramBins", false, POD),
    ("sidecar.istio.io/statsHistogramBuckets", false, POD),
    ("sidecar.istio.io/statsInclusionPrefixes", true, POD),
    ("sidecar.istio.io/statsInclusionRegexps", true, POD),
    ("sidecar.istio.io/statsInclusionSuffixes", true, POD),
    ("sidecar.istio.io/status", false, POD),
    ("sidecar.istio.io/userVolume", false, POD),
    ("sidecar.istio.io/userVolumeMount", false, POD),
    ("status.sidecar.istio.io/port", false, POD),
    ("topology.istio.io/controlPlaneClusters", false, &["Namespace"]),
    ("traffic.istio.io/nodeSelector", false, &["Service"]),
    ("traffic.sidecar.istio.io/excludeInboundPorts", false, POD),
    ("traffic.sidecar.istio.io/excludeInterfaces", false, POD),
    ("traffic.sidecar.istio.io/excludeOutboundIPRanges", false, POD),
    ("traffic.sidecar.istio.io/excludeOutboundPorts", false, POD),
    ("traffic.sidecar.istio.io/includeInboundPorts", false, POD),
    ("traffic.sidecar.istio.io/includeOutboundIPRanges", false, POD),
    ("traffic.sidecar.istio.io/includeOutboundPorts", false, POD),
    ("traffic.sidecar.istio.io/kubevirtInterfaces", true, POD),
];

/// Annotations that controllers write.
const IGNORED: [&str; 3] = ["gateway.istio.io/controller-version", "istio.io/rev", "sidecar.istio.io/status"];

/// Whether an annotation is Istio's.
fn is_istios(name: &str) -> bool {
    name == "kubernetes.io/ingress.class"
        || name.split('/').next().is_some_and(|domain| domain.ends_with("istio.io"))
}

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let store = context.store;
    let resources = store.all(Kind::Namespace).iter().chain(store.all(Kind::Deployment));
    let resources = resources.chain(store.services.iter().map(|service| &service.resource));
    for resource in resources.chain(store.pods.iter().map(|pod| &pod.resource)) {
        for (name, value) in &resource.annotations {
            if is_istios(name) && !IGNORED.contains(name) {
                look(resource, name, value, context, reporter);
            }
        }
    }
}

fn look(
    resource: &Resource<'_>,
    name: &str,
    value: &str,
    context: &Context<'_, '_>,
    reporter: &mut Reporter,
) {
    let place = || Place::Unnamed(FieldPath::keys(&["metadata", "annotations", name]));
    let Ok(at) = KNOWN.binary_search_by(|(known, ..)| (*known).cmp(name)) else {
        reporter.report(UNKNOWN_ANNOTATION, resource, &[name], place());
        return;
    };
    let (_, is_deprecated, carriers) = KNOWN[at];
    // Who also has the label that replaces it knows.
    if is_deprecated && !(name == INJECT && resource.labels.contains_key(INJECT)) {
        let instead = if name == INJECT { " in favor of the \"sidecar.istio.io/inject\" label" } else { "" };
        reporter.report(DEPRECATED_ANNOTATION, resource, &[name, instead], place());
    }
    if carriers == ANY {
        return;
    }
    if !carriers.contains(&resource.kind.name()) {
        reporter.report(MISPLACED_ANNOTATION, resource, &[name, &carriers.join(", ")], place());
        return;
    }
    if let Some(wrong) = annotation_values::error(name, value, context.read) {
        reporter.report(INVALID_ANNOTATION, resource, &[name, &wrong], place());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_sorted() {
        assert!(KNOWN.is_sorted_by(|one, other| one.0 < other.0));
    }
}
