//! What an object is for: selectors and references. Source: istio.io/istio `pkg/config/validation/validation.go`.

use super::proto::Value;
use super::words::quoted;
use super::{Complaint, Verdict};

/// Source: `validateWorkloadSelector`.
pub(super) fn selector(spec: &Value<'_>, name: &str, verdict: &mut Verdict) {
    let Some(selector) = spec.get(name) else { return };
    labels(&selector, "matchLabels", verdict);
    if !selector.has_items("matchLabels") {
        verdict.warn(selector.path, "workload selector specified without labels");
    }
}

fn labels(selector: &Value<'_>, name: &str, verdict: &mut Verdict) {
    for (key, value) in selector.entries(name) {
        let label = quoted(&format!("{key}={}", value.as_text()));
        if key.is_empty() {
            verdict.error(value.path.clone(), format!("empty key is not supported in selector: {label}"));
        }
        if key.contains('*') || value.as_text().contains('*') {
            verdict.error(value.path, format!("wildcard is not supported in selector: {label}"));
        }
    }
}

/// The selector of networking's older kinds: whether it is right, and what to warn of. Source: `ValidateAlphaWorkloadSelector`.
pub(super) fn old_selector(spec: &Value<'_>, what: &str, verdict: &mut Verdict) -> bool {
    let Some(selector) = spec.get("workloadSelector") else { return true };
    let before = verdict.errors.len();
    labels(&selector, "labels", verdict);
    if verdict.errors.len() > before {
        return false;
    }
    if !selector.has_items("labels") {
        let empty = "workload selector specified without labels";
        verdict.warn(selector.path, format!("{what}: {empty}, will be applied to all services in namespace"));
    }
    true
}

/// What a policy is attached to; `one` where a kind has a single reference beside the list. Source: `validateOneOfSelectorType`,
/// `validateWorkloadSelector`, `validatePolicyTargetReference(s)`.
pub(super) fn attachment(spec: &Value<'_>, one: Option<Value<'_>>, verdict: &mut Verdict) {
    let many = spec.items("targetRefs");
    let ways = [spec.has("selector"), one.is_some(), !many.is_empty()];
    if ways.into_iter().filter(|is_set| *is_set).count() > 1 {
        verdict.error(spec.path.clone(), "only one of targetRefs or workloadSelector can be set");
    }
    selector(spec, "selector", verdict);
    for target in one.into_iter().chain(many) {
        for complaint in target_errors(&target) {
            verdict.refuse(complaint);
        }
    }
}

fn target_errors(target: &Value<'_>) -> Vec<Complaint> {
    let mut errors = Vec::new();
    if !target.has_text("name") {
        errors.push(Complaint::new(target.at("name"), "targetRef name must be set"));
    }
    if target.has_text("namespace") {
        let message = "targetRef namespace must not be set; cross namespace referencing is not supported";
        errors.push(Complaint::new(target.at("namespace"), message));
    }
    let (group, kind) = (target.text("group"), target.text("kind"));
    let is_allowed = matches!(
        (group, kind),
        ("" | "core", "Service")
            | ("networking.istio.io", "ServiceEntry")
            | ("gateway.networking.k8s.io", "Gateway" | "GatewayClass")
    );
    if !is_allowed {
        let allowed = "[core/v1/Service networking.istio.io/v1/ServiceEntry gateway.networking.k8s.io/v1/Gateway \
                       gateway.networking.k8s.io/v1/GatewayClass]";
        let message = format!("targetRef must be to one of {allowed} but was {group}/{kind}");
        errors.push(Complaint::new(target.path.clone(), message));
    }
    errors
}
