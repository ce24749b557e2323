//! Telemetry: providers, and who is selected twice. Source: `pkg/config/analysis/analyzers/telemetry`.

use std::collections::BTreeMap;

use ringwall_model::path::FieldPath;

use super::Context;
use super::sidecar::names;
use crate::codes::{
    CONFLICTING_TELEMETRY_WORKLOAD_SELECTORS, DEPRECATED, INVALID_TELEMETRY_PROVIDER,
    MULTIPLE_TELEMETRIES_WITHOUT_WORKLOAD_SELECTORS, REFERENCED_RESOURCE_NOT_FOUND,
};
use crate::message::{Place, Reporter};
use crate::reader::{contains, selector_text};
use crate::store::{Kind, Resource};

pub(super) fn providers(context: &Context<'_, '_>, reporter: &mut Reporter) {
    if context.mesh.logs_by_default {
        return;
    }
    for telemetry in context.store.all(Kind::Telemetry) {
        for (at, logging) in telemetry.spec.items("accessLogging").enumerate() {
            if !logging.is_true("disabled") && logging.items("providers").next().is_none() {
                let arguments = [telemetry.name.name, telemetry.name.namespace];
                let place = Place::Unnamed(FieldPath::keys(&["spec", "accessLogging"]).index(at));
                reporter.report(INVALID_TELEMETRY_PROVIDER, telemetry, &arguments, place);
            }
        }
    }
}

pub(super) fn selectors(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut of_pods: BTreeMap<usize, Vec<&Resource<'_>>> = BTreeMap::new();
    for telemetry in context.store.all(Kind::Telemetry) {
        let selector = telemetry.spec.get("selector").map("matchLabels");
        if selector.is_empty() {
            continue;
        }
        let mut is_found = false;
        for (at, pod) in context.store.pods.iter().enumerate() {
            if pod.resource.name.namespace == telemetry.name.namespace
                && contains(&pod.resource.labels, &selector)
            {
                is_found = true;
                of_pods.entry(at).or_default().push(telemetry);
            }
        }
        if !is_found {
            let path = FieldPath::keys(&["spec", "selector", "matchLabels"]);
            let place = Place::Named(selector.keys().next().map_or(path.clone(), |label| path.key(label)));
            let arguments = ["selector", &selector_text(&selector)];
            reporter.report(REFERENCED_RESOURCE_NOT_FOUND, telemetry, &arguments, place);
        }
    }
    for (at, telemetries) in of_pods {
        let Some(pod) = context.store.pods.get(at).filter(|_| telemetries.len() > 1) else { continue };
        let arguments = [&*names(&telemetries), pod.resource.name.namespace, pod.resource.name.name];
        for telemetry in &telemetries {
            let place = Place::Named(FieldPath::keys(&["metadata", "name"]));
            reporter.report(CONFLICTING_TELEMETRY_WORKLOAD_SELECTORS, telemetry, &arguments, place);
        }
    }
}

pub(super) fn defaults(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut of_namespaces: BTreeMap<&str, Vec<&Resource<'_>>> = BTreeMap::new();
    for telemetry in context.store.all(Kind::Telemetry) {
        if !telemetry.spec.get("selector").is_set() {
            of_namespaces.entry(telemetry.name.namespace).or_default().push(telemetry);
        }
    }
    for (namespace, telemetries) in of_namespaces.into_iter().filter(|(_, telemetries)| telemetries.len() > 1)
    {
        let arguments = [&*names(&telemetries), namespace];
        for telemetry in &telemetries {
            reporter.report(
                MULTIPLE_TELEMETRIES_WITHOUT_WORKLOAD_SELECTORS,
                telemetry,
                &arguments,
                Place::Whole,
            );
        }
    }
}

pub(super) fn lightstep(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for telemetry in context.store.all(Kind::Telemetry) {
        for (at, tracing) in telemetry.spec.items("tracing").enumerate() {
            for (provider_at, provider) in tracing.items("providers").enumerate() {
                let name = provider.text("name");
                if context.mesh.lightstep.iter().any(|known| known == name) {
                    let words = format!(
                        "The Lightstep provider {name} is deprecated, please migrate to OpenTelemetry provider."
                    );
                    let path =
                        FieldPath::keys(&["spec", "tracing"]).index(at).key("providers").index(provider_at);
                    reporter.report(DEPRECATED, telemetry, &[&words], Place::Unnamed(path));
                }
            }
        }
    }
}
