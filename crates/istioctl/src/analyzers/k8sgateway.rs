//! Gateways of the Gateway API. Source: `pkg/config/analysis/analyzers/k8sgateway`, `pkg/config/schema/gatewayapi`.

use std::collections::BTreeMap;

use ringwall_model::path::FieldPath;

use super::Context;
use crate::codes::{GATEWAY_APICRD_VERSION_BELOW_MINIMUM, INEFFECTIVE_SELECTOR};
use crate::message::{Place, Reporter};
use crate::reader::contains;
use crate::store::{Kind, Resource};

/// The label with the name of its Gateway on a pod.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

pub(super) fn selectors(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut pods: BTreeMap<&str, Vec<&Resource<'_>>> = BTreeMap::new();
    for pod in context.store.pods.iter().filter(|pod| pod.resource.labels.contains_key(GATEWAY_NAME)) {
        pods.entry(pod.resource.name.namespace).or_default().push(&pod.resource);
    }
    for kind in [Kind::AuthorizationPolicy, Kind::RequestAuthentication, Kind::Telemetry, Kind::WasmPlugin] {
        for policy in context.store.all(kind) {
            let selector = policy.spec.get("selector");
            if !selector.is_set() || policy.spec.get("targetRef").is_set() {
                continue;
            }
            let wanted = selector.map("matchLabels");
            for pod in pods.get(policy.name.namespace).into_iter().flatten() {
                if contains(&pod.labels, &wanted) {
                    let place = Place::Unnamed(FieldPath::keys(&["spec", "selector"]));
                    reporter.report(INEFFECTIVE_SELECTOR, policy, &[pod.label(GATEWAY_NAME)], place);
                }
            }
        }
    }
}

/// The annotation with the version of the Gateway API that a definition is of.
const BUNDLE_VERSION: &str = "gateway.networking.k8s.io/bundle-version";

/// The oldest versions that are served.
const MINIMUM: [(&str, [u64; 3]); 4] = [
    ("grpcroutes.gateway.networking.k8s.io", [1, 1, 0]),
    ("backendtlspolicies.gateway.networking.k8s.io", [1, 4, 0]),
    ("tlsroutes.gateway.networking.k8s.io", [1, 5, 0]),
    ("tcproutes.gateway.networking.k8s.io", [1, 6, 0]),
];

pub(super) fn versions(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for definition in context.store.all(Kind::CustomResourceDefinition) {
        let name = definition.name.name;
        let Some((_, minimum)) = MINIMUM.iter().find(|(known, _)| *known == name) else { continue };
        let Some(stated) = definition.annotations.get(BUNDLE_VERSION) else { continue };
        let Some((numbers, written)) = version_of(stated) else { continue };
        if numbers < *minimum {
            let place = Place::Unnamed(FieldPath::keys(&["metadata", "annotations", BUNDLE_VERSION]));
            let arguments = [name, &written, &dotted(*minimum)];
            reporter.report(GATEWAY_APICRD_VERSION_BELOW_MINIMUM, definition, &arguments, place);
        }
    }
}

fn dotted([major, minor, patch]: [u64; 3]) -> String {
    format!("{major}.{minor}.{patch}")
}

/// A version's numbers, and how it is written out. Source: github.com/Masterminds/semver/v3 `version.go`, `coerceNewVersion`.
fn version_of(text: &str) -> Option<([u64; 3], String)> {
    // `MaxVersionLen`
    if text.len() > 256 {
        return None;
    }
    let rest = text.strip_prefix('v').unwrap_or(text);
    let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
    let (numbers, before) = rest.split_once('-').map_or((rest, None), |(rest, before)| (rest, Some(before)));
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let are_parts = |text: Option<&str>| text.is_none_or(|text| text.split('.').all(is_part));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let zeros = before.is_some_and(|before| {
        before.split('.').any(|part| part.len() > 1 && part.starts_with('0') && is_number(part))
    });
    let parts: Vec<&str> = numbers.split('.').collect();
    if parts.len() > 3
        || !parts.iter().all(|part| is_number(part))
        || !are_parts(before)
        || !are_parts(build)
        || zeros
    {
        return None;
    }
    let mut found = [0; 3];
    for (number, part) in found.iter_mut().zip(parts) {
        *number = part.parse().ok()?;
    }
    let mut written = dotted(found);
    for (sign, part) in [('-', before), ('+', build)] {
        if let Some(part) = part {
            written.push(sign);
            written.push_str(part);
        }
    }
    Some((found, written))
}
