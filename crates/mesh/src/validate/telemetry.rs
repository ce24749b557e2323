//! `Telemetry`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateTelemetry`).

use super::attachment::attachment;
use super::proto::Value;
use super::{Config, Verdict};

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    attachment(spec, spec.get("targetRef"), verdict);
    for metrics in spec.items("metrics") {
        providers(&metrics, verdict);
        for over in metrics.items("overrides") {
            overrides(&over, verdict);
        }
    }
    tracing(spec, verdict);
    for logging in spec.items("accessLogging") {
        if let Some(filter) = logging.get("filter") {
            let error = super::cel::error(filter.text("expression"));
            let message = error.map(|error| format!("must be a valid CEL expression, {error}"));
            verdict.error_if(&filter, "expression", message);
        }
        providers(&logging, verdict);
    }
}

/// Source: `validateTelemetryProviders`.
fn providers(of: &Value<'_>, verdict: &mut Verdict) {
    if let Some(provider) = of.items("providers").iter().find(|provider| !provider.has_text("name")) {
        verdict.error(provider.at("name"), "providers.name may not be empty");
    }
}

/// Source: `validateTelemetryMetrics`.
fn overrides(over: &Value<'_>, verdict: &mut Verdict) {
    for (name, tag) in over.entries("tagOverrides") {
        if name.is_empty() {
            verdict.warn(tag.path.clone(), "tagOverrides.name may not be empty");
        }
        let value = tag.text("value");
        match tag.choice("operation") {
            0 if value.is_empty() => {
                verdict.error(tag.at("value"), "tagOverrides.value must be set when operation is UPSERT");
            }
            1 if !value.is_empty() => {
                verdict.error(tag.at("value"), "tagOverrides.value may only be set when operation is UPSERT");
            }
            _ => {}
        }
    }
    let custom = over.get("match").and_then(|matched| matched.get("customMetric"));
    if let Some(custom) = custom.filter(|custom| custom.as_text().is_empty()) {
        verdict.error(custom.path, "customMetric may not be empty");
    }
}

/// Source: `validateTelemetryTracing`.
fn tracing(spec: &Value<'_>, verdict: &mut Verdict) {
    let tracing = spec.items("tracing");
    if tracing.len() > 1 {
        verdict.warn(spec.at("tracing"), "multiple tracing is not currently supported");
    }
    for one in tracing {
        if one.items("providers").len() > 1 {
            verdict.warn(one.at("providers"), "multiple providers is not currently supported");
        }
        providers(&one, verdict);
        if one
            .double("randomSamplingPercentage")
            .is_some_and(|percentage| !percentage.is_nan() && !(0.0..=100.0).contains(&percentage))
        {
            let message = "randomSamplingPercentage must be in range [0.0, 100.0]";
            verdict.error(one.at("randomSamplingPercentage"), message);
        }
        for (name, tag) in one.entries("customTags") {
            if name.is_empty() {
                verdict.error(tag.path.clone(), "tag name may not be empty");
            }
            let kinds = [
                ("literal", "value", "literal tag value may not be empty"),
                ("header", "name", "header tag name may not be empty"),
                ("environment", "name", "environment tag name may not be empty"),
            ];
            for (kind, field, message) in kinds {
                if let Some(of) = tag.get(kind).filter(|of| !of.has_text(field)) {
                    verdict.error(of.at(field), message);
                }
            }
        }
    }
}
