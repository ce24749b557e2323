//! `EnvoyFilter`. Sources: istio.io/istio `pkg/config/validation/envoyfilter/envoyfilter.go`, `pkg/config/xds/xds.go`.

use super::attachment::old_selector;
use super::envoy::{read, untyped};
use super::proto::Value;
use super::words::{quoted, regexp_error};
use super::{Config, Verdict};

const WAYPOINT: i128 = 4;
const REMOVE: i128 = 3;
const HTTP_FILTER: i128 = 4;

/// The message of each object that a patch can be applied to, from 1 on. Source: `BuildXDSObjectFromStruct`.
const OBJECTS: [&str; 11] = [
    "envoy.config.listener.v3.Listener",
    "envoy.config.listener.v3.FilterChain",
    "envoy.config.listener.v3.Filter",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
    "envoy.config.route.v3.RouteConfiguration",
    "envoy.config.route.v3.VirtualHost",
    "envoy.config.route.v3.Route",
    "envoy.config.cluster.v3.Cluster",
    "envoy.config.core.v3.TypedExtensionConfig",
    "envoy.config.bootstrap.v3.Bootstrap",
    "envoy.config.listener.v3.ListenerFilter",
];

/// Names of filters that were renamed. Source: `pkg/config/xds/deprecated.go`.
const RENAMED: [(&str, &str); 27] = [
    ("envoy.buffer", "envoy.filters.http.buffer"),
    ("envoy.cors", "envoy.filters.http.cors"),
    ("envoy.csrf", "envoy.filters.http.csrf"),
    ("envoy.http_dynamo_filter", "envoy.filters.http.dynamo"),
    // One of network filters has the same old name; the reference takes any of the two.
    ("envoy.ext_authz", "envoy.filters.http.ext_authz"),
    ("envoy.fault", "envoy.filters.http.fault"),
    ("envoy.grpc_http1_bridge", "envoy.filters.http.grpc_http1_bridge"),
    ("envoy.grpc_json_transcoder", "envoy.filters.http.grpc_json_transcoder"),
    ("envoy.grpc_web", "envoy.filters.http.grpc_web"),
    ("envoy.gzip", "envoy.filters.http.gzip"),
    ("envoy.health_check", "envoy.filters.http.health_check"),
    ("envoy.ip_tagging", "envoy.filters.http.ip_tagging"),
    ("envoy.lua", "envoy.filters.http.lua"),
    ("envoy.rate_limit", "envoy.filters.http.ratelimit"),
    ("envoy.router", "envoy.filters.http.router"),
    ("envoy.squash", "envoy.filters.http.squash"),
    ("envoy.listener.http_inspector", "envoy.filters.listener.http_inspector"),
    ("envoy.listener.original_dst", "envoy.filters.listener.original_dst"),
    ("envoy.listener.original_src", "envoy.filters.listener.original_src"),
    ("envoy.listener.proxy_protocol", "envoy.filters.listener.proxy_protocol"),
    ("envoy.listener.tls_inspector", "envoy.filters.listener.tls_inspector"),
    ("envoy.client_ssl_auth", "envoy.filters.network.client_ssl_auth"),
    ("envoy.http_connection_manager", MANAGER),
    ("envoy.mongo_proxy", "envoy.filters.network.mongo_proxy"),
    ("envoy.ratelimit", "envoy.filters.network.ratelimit"),
    ("envoy.redis_proxy", "envoy.filters.network.redis_proxy"),
    ("envoy.tcp_proxy", "envoy.filters.network.tcp_proxy"),
];

const MANAGER: &str = "envoy.filters.network.http_connection_manager";

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let message = "EnvoyFilter exposes internal implementation details that may change at any time. \
                   Prefer other APIs if possible, and exercise extreme caution, especially around upgrades.";
    verdict.warn(config.spec.path.clone(), message);
    if !old_selector(&config.spec, "Envoy filter", verdict) {
        // Only the errors of the selector are told.
        verdict.warnings.clear();
        return;
    }
    for patch in config.spec.items("configPatches") {
        let is_waypoint = patch.get("match").is_some_and(|matched| matched.choice("context") == WAYPOINT);
        if !is_waypoint {
            config_patch(&patch, verdict);
        }
    }
}

fn config_patch(config_patch: &Value<'_>, verdict: &mut Verdict) {
    let apply_to = config_patch.choice("applyTo");
    let patch = config_patch.get("patch");
    let operation = patch.as_ref().map_or(0, |patch| patch.choice("operation"));
    let value = patch.as_ref().and_then(|patch| patch.get("value"));
    let missing = if apply_to == 0 {
        "applyTo"
    } else if patch.is_none() {
        "patch"
    } else if operation == 0 {
        "patch operation"
    } else if operation != REMOVE && value.is_none() {
        "patch value for non-remove operation"
    } else {
        ""
    };
    if !missing.is_empty() {
        verdict.error(config_patch.path.clone(), format!("Envoy filter: missing {missing}"));
        return;
    }
    let matched = config_patch.get("match");
    if let Some(matched) = &matched {
        let proxy = matched.get("proxy");
        if let Some(proxy) = proxy.filter(|proxy| proxy.has_text("proxyVersion")) {
            let version = proxy.text("proxyVersion");
            if version.len() > 1024 {
                let message = "Envoy filter: proxyVersion match exceeds 1024 characters and will be ignored";
                verdict.warn(proxy.at("proxyVersion"), message);
            } else if let Some(error) = regexp_error(version) {
                let message = format!("Envoy filter: invalid regex for proxy version, [{error}]");
                verdict.error(proxy.at("proxyVersion"), message);
                return;
            }
        }
        if !object_match(matched, apply_to, &config_patch.choice_name("applyTo"), verdict) {
            return;
        }
    }
    let Some(value) = value else { return };
    let object = usize::try_from(apply_to - 1).ok().and_then(|at| OBJECTS.get(at));
    match object {
        Some(object) => patch_value(&value, object, verdict),
        None => {
            let message = format!("Envoy filter: unknown object type for applyTo {apply_to}");
            verdict.error(config_patch.at("applyTo"), message);
        }
    }
}

/// What is in a patch.
fn patch_value(value: &Value<'_>, object: &str, verdict: &mut Verdict) {
    if let Err(mut complaint) = read(value, object, false) {
        complaint.message = format!("Envoy filter: {}", complaint.message);
        if complaint.message.contains("could not resolve Any message type") {
            let hint =
                if complaint.message.contains(".v2.") { " (hint: try using the v3 XDS API)" } else { "" };
            complaint.message = format!("referenced type unknown{hint}: {}", complaint.message);
        }
        verdict.refuse(complaint);
    } else if let Err(mut complaint) = read(value, object, true) {
        complaint.message = format!("Envoy filter: {}", complaint.message);
        verdict.caution(complaint);
    } else {
        let names = untyped(value.node, object);
        if !names.is_empty() {
            let message =
                format!("using deprecated types by name without typed_config; {}", names.join(", "));
            verdict.warn(value.path.clone(), message);
        }
    }
}

/// Whether what follows is looked at.
fn object_match(matched: &Value<'_>, apply_to: i128, name: &str, verdict: &mut Verdict) -> bool {
    let objects = ["listener", "routeConfiguration", "cluster", "waypoint"];
    if !objects.iter().any(|object| matched.has(object)) {
        return true;
    }
    let (class, wanted, words) = match apply_to {
        1..=HTTP_FILTER => ("listener", "listener", "listener"),
        5..=7 => ("http route", "routeConfiguration", "route configuration"),
        8 => ("cluster", "cluster", "cluster"),
        _ => return true,
    };
    let Some(object) = matched.get(wanted) else {
        let message =
            format!("Envoy filter: applyTo for {class} class objects cannot have non {words} match");
        verdict.error(matched.path.clone(), message);
        return wanted != "listener";
    };
    let filter = (wanted == "listener").then(|| object.get("filterChain")?.get("filter")).flatten();
    filter.is_none_or(|filter| filter_match(&filter, apply_to, name, verdict))
}

fn filter_match(filter: &Value<'_>, apply_to: i128, applied: &str, verdict: &mut Verdict) -> bool {
    if matches!(apply_to, 1 | 2) {
        let message = format!("Envoy filter: filter match has no effect when used with {applied}");
        verdict.warn(filter.path.clone(), message);
    }
    let (name, sub) = (filter.text("name"), filter.get("subFilter"));
    let error = if name.is_empty() {
        "filter match has no name to match on".to_owned()
    } else if let Some(sub) = &sub {
        if apply_to != HTTP_FILTER {
            "subfilter match can be used with applyTo HTTP_FILTER only".to_owned()
        } else if name != MANAGER && name != "envoy.http_connection_manager" {
            format!("subfilter match requires filter match with {MANAGER}")
        } else if !sub.has_text("name") {
            "subfilter match has no name to match on".to_owned()
        } else {
            String::new()
        }
    } else {
        String::new()
    };
    if !error.is_empty() {
        verdict.error(filter.path.clone(), format!("Envoy filter: {error}"));
        return false;
    }
    for of in [Some(filter), sub.as_ref()].into_iter().flatten() {
        let name = of.text("name");
        if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == name) {
            let message =
                format!("using deprecated filter name {}; use {} instead", quoted(name), quoted(new));
            verdict.warn(of.at("name"), message);
        }
    }
    true
}
