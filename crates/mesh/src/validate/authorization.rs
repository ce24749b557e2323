//! `AuthorizationPolicy`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateAuthorizationPolicy`).

use super::messages::ACTIONS;
use super::proto::Value;
use super::words::{account_error, block_error, path_error, port_error, star_error, trust_domain_error};
use super::{Verdict, attachment};

const DENY: i128 = 1;
const CUSTOM: i128 = 3;

/// What an authorizer outside cannot be asked by.
const NOT_CUSTOM: [&str; 10] = [
    "namespaces",
    "notNamespaces",
    "serviceAccounts",
    "notServiceAccounts",
    "trustDomains",
    "notTrustDomains",
    "principals",
    "notPrincipals",
    "requestPrincipals",
    "notRequestPrincipals",
];

/// The fields of a source that mean something without HTTP, as the reference counts them.
const TCP_SOURCE: [&str; 10] = [
    "principals",
    "notPrincipals",
    "ipBlocks",
    "notIpBlocks",
    "namespaces",
    "notNamespaces",
    "remoteIpBlocks",
    "notRemoteIpBlocks",
    "serviceAccounts",
    "notServiceAccounts",
];

pub(super) fn validate(spec: &Value<'_>, verdict: &mut Verdict) {
    attachment(spec, verdict);
    let action = spec.choice("action", ACTIONS);
    let rules = spec.items("rules");
    let provider = spec.get("provider");
    let never = "is meaningless without `rules`, as it will never be triggered; an empty rule `{}` is triggered for every request";
    if action == CUSTOM {
        if rules.is_empty() {
            verdict.error(spec.at("rules"), format!("CUSTOM action {never}"));
        } else if provider.as_ref().is_none_or(|provider| provider.text("name").is_empty()) {
            verdict.error(spec.at("provider"), "`provider.name` must not be empty");
        }
        for rule in &rules {
            custom(rule, verdict);
        }
    } else if let Some(provider) = provider {
        verdict.error(provider.path, "`provider` must not be with non CUSTOM action");
    }
    if action == DENY && rules.is_empty() {
        verdict.error(spec.at("rules"), format!("DENY action {never}"));
    }
    for rule in &rules {
        let (has_from, from_tcp) = sources(rule, verdict);
        let (has_to, to_tcp) = operations(rule, verdict);
        conditions(rule, verdict);
        if action == DENY && ((has_from && !has_to && !from_tcp) || (has_to && !to_tcp)) {
            let message = "this will deny all traffic to TCP ports under its scope, since a DENY rule uses only HTTP attributes; \
                           it is recommended to explicitly specify the port";
            verdict.warn(rule.path.clone(), message);
        }
    }
}

fn custom(rule: &Value<'_>, verdict: &mut Verdict) {
    for source in rule.items("from").iter().filter_map(|from| from.get("source")) {
        for name in NOT_CUSTOM.into_iter().filter(|name| !source.items(name).is_empty()) {
            verdict.error(source.at(name), format!("{name} is currently not supported with CUSTOM action"));
        }
    }
    for when in rule.items("when") {
        let key = when.text("key");
        let is_identity = matches!(
            key,
            "source.namespace" | "source.serviceAccount" | "source.trustDomain" | "source.principal"
        );
        if is_identity || key.starts_with("request.auth.") {
            verdict.error(when.at("key"), format!("{key} is currently not supported with CUSTOM action"));
        }
    }
}

/// What is wrong with the texts of a list, each at its place.
fn texts(of: &Value<'_>, name: &str, wrong: fn(&str) -> Option<String>, verdict: &mut Verdict) {
    for (path, text) in of.texts(name) {
        if let Some(message) = wrong(text) {
            verdict.error(path, format!("{message}, found in {name}"));
        }
    }
}

fn empty_error(text: &str) -> Option<String> {
    text.is_empty().then(|| "empty value not allowed".to_owned())
}

/// Whether there is a source at all, and one that means something without HTTP.
fn sources(rule: &Value<'_>, verdict: &mut Verdict) -> (bool, bool) {
    let (mut is_there, mut is_tcp) = (false, false);
    for from in rule.items("from") {
        let Some(source) = from.get("source") else {
            verdict.error(from.at("source"), "`from.source` must not be nil");
            continue;
        };
        is_there = true;
        let has = |names: &[&str]| names.iter().any(|name| !source.items(name).is_empty());
        let accounts = ["serviceAccounts", "notServiceAccounts"];
        if has(&["principals", "notPrincipals", "namespaces", "notNamespaces"]) && has(&accounts) {
            verdict.error(source.path.clone(), "cannot set serviceAccounts with namespaces or principals");
        }
        is_tcp |= has(&TCP_SOURCE);
        if !has(&TCP_SOURCE) && !has(&NOT_CUSTOM) {
            verdict.error(source.path.clone(), "`from.source` must not be empty");
        }
        for name in ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"] {
            texts(&source, name, block_error, verdict);
        }
        for name in [
            "principals",
            "requestPrincipals",
            "namespaces",
            "notPrincipals",
            "notRequestPrincipals",
            "notNamespaces",
        ] {
            texts(&source, name, empty_error, verdict);
        }
        for name in accounts {
            many_accounts(&source, name, verdict);
        }
        for name in ["trustDomains", "notTrustDomains"] {
            texts(&source, name, trust_domain_error, verdict);
        }
    }
    (is_there, is_tcp)
}

fn many_accounts(of: &Value<'_>, name: &str, verdict: &mut Verdict) {
    if of.items(name).len() > 16 {
        verdict.error(of.at(name), "may not have more than 16 values");
    } else {
        texts(of, name, account_error, verdict);
    }
}

/// Whether there is an operation at all, and one that means something without HTTP.
fn operations(rule: &Value<'_>, verdict: &mut Verdict) -> (bool, bool) {
    let (mut is_there, mut is_tcp) = (false, false);
    for to in rule.items("to") {
        let Some(operation) = to.get("operation") else {
            verdict.error(to.at("operation"), "`to.operation` must not be nil");
            continue;
        };
        is_there = true;
        let has = |name: &str| !operation.items(name).is_empty();
        let ports = has("ports") || has("notPorts");
        is_tcp |= ports;
        let http = ["methods", "notMethods", "paths", "notPaths", "hosts", "notHosts"];
        if !ports && !http.into_iter().any(has) {
            verdict.error(operation.path.clone(), "`to.operation` must not be empty");
        }
        for name in ["ports", "notPorts"] {
            texts(&operation, name, port_error, verdict);
        }
        for name in http {
            texts(&operation, name, empty_error, verdict);
        }
        for name in ["paths", "notPaths"] {
            texts(&operation, name, path_error, verdict);
        }
    }
    (is_there, is_tcp)
}

fn conditions(rule: &Value<'_>, verdict: &mut Verdict) {
    for when in rule.items("when") {
        let key = when.text("key");
        if key.is_empty() {
            verdict.error(when.at("key"), "`key` must not be empty");
        } else if when.items("values").is_empty() && when.items("notValues").is_empty() {
            let message = format!("at least one of `values` or `notValues` must be set for key {key}");
            verdict.error(when.path.clone(), message);
        } else {
            attribute(&when, key, verdict);
        }
    }
}

/// Source: `pkg/config/security/security.go` (`ValidateAttribute`).
fn attribute(when: &Value<'_>, key: &str, verdict: &mut Verdict) {
    for name in ["values", "notValues"] {
        texts(when, name, empty_error, verdict);
    }
    let mut each = |wrong: fn(&str) -> Option<String>| {
        for name in ["values", "notValues"] {
            texts(when, name, wrong, verdict);
        }
    };
    let is_map = ["request.headers", "request.auth.claims", "experimental.envoy.filters."];
    match key {
        "source.ip" | "remote.ip" | "destination.ip" => each(block_error),
        "source.trustDomain" => each(star_error),
        "destination.port" => each(port_error),
        "source.serviceAccount" => {
            for name in ["values", "notValues"] {
                many_accounts(when, name, verdict);
            }
        }
        "source.namespace" | "source.principal" | "connection.sni" => {}
        "request.auth.principal" | "request.auth.audiences" | "request.auth.presenter" => {}
        _ if is_map.iter().any(|prefix| key.starts_with(prefix)) => {
            let open = key.find('[').unwrap_or(0);
            // Something stands between the brackets.
            if !(key.ends_with(']') && open > 0 && open + 2 < key.len()) {
                verdict.error(when.at("key"), format!("bad key ({key}): should have format a[b]"));
            }
        }
        "destination.namespace" => {
            verdict.error(when.at("key"), format!("attribute {key} is replaced by the metadata.namespace"));
        }
        _ if key.starts_with("destination.labels") => {
            verdict.error(when.at("key"), format!("attribute {key} is replaced by the workload selector"));
        }
        "destination.name" | "destination.user" => {
            verdict.error(when.at("key"), format!("deprecated attribute {key}: only supported in v1alpha1"));
        }
        _ => verdict.error(when.at("key"), format!("unknown attribute: {key}")),
    }
}
