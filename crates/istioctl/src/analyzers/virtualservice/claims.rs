//! Routes by what a token claims, where nobody looks at tokens. Source: `jwtclaimroute.go`, `pkg/jwt/routing.go`.

use std::collections::BTreeMap;

use ringwall_model::path::FieldPath;

use super::MESH;
use crate::analyzers::Context;
use crate::codes::JWT_CLAIM_BASED_ROUTING_WITHOUT_REQUEST_AUTH_N;
use crate::message::{Place, Reporter};
use crate::reader::{Texts, Value, contains};
use crate::store::{ISTIO_SYSTEM, Kind, Name};

/// What the names of headers begin with that stand for claims.
const CLAIMS: &str = "@request.auth.claims";

pub(in crate::analyzers) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut looked_at: BTreeMap<&str, Vec<Texts<'_>>> = BTreeMap::new();
    for authentication in context.store.all(Kind::RequestAuthentication) {
        let selector = authentication.spec.get("selector").map("matchLabels");
        looked_at.entry(authentication.name.namespace).or_default().push(selector);
    }
    for service in context.store.all(Kind::VirtualService) {
        let Some((key, path)) = claim_of(service.spec) else { continue };
        for text in service.spec.texts("gateways").into_iter().filter(|text| *text != MESH) {
            let name = Name::short_or_full(service.name.namespace, text);
            let Some(gateway) = context.store.find(Kind::Gateway, name) else { continue };
            let selector = gateway.spec.map("selector");
            for pod in context.store.pods.iter().filter(|pod| contains(&pod.resource.labels, &selector)) {
                let own = [ISTIO_SYSTEM, pod.resource.name.namespace];
                let mut selectors =
                    own.into_iter().filter_map(|namespace| looked_at.get(namespace)).flatten();
                if !selectors.any(|selector| contains(&pod.resource.labels, selector)) {
                    let arguments = [key, &name.to_string(), pod.resource.name.name];
                    let place = Place::Unnamed(path.clone());
                    reporter.report(
                        JWT_CLAIM_BASED_ROUTING_WITHOUT_REQUEST_AUTH_N,
                        service,
                        &arguments,
                        place,
                    );
                }
            }
        }
    }
}

/// The first header that stands for a claim, and where it is written.
fn claim_of(spec: Value<'_>) -> Option<(&str, FieldPath)> {
    for (at, rule) in spec.items("http").enumerate() {
        for (match_at, request) in rule.items("match").enumerate() {
            for field in ["headers", "withoutHeaders"] {
                let mut keys = request.keys(field);
                keys.sort_unstable();
                if let Some(key) = keys.into_iter().find(|key| is_claim(key)) {
                    let path = FieldPath::keys(&["spec", "http"]).index(at).key("match").index(match_at);
                    return Some((key, path.key(field).key(key)));
                }
            }
        }
    }
    None
}

fn is_claim(header: &str) -> bool {
    let Some((start, name)) = header.split_at_checked(CLAIMS.len()) else { return false };
    let in_brackets = name.len() > 2 && name.starts_with('[') && name.ends_with(']');
    start.eq_ignore_ascii_case(CLAIMS) && (name.len() > 1 && name.starts_with('.') || in_brackets)
}
