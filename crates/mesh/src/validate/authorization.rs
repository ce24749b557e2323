//! `AuthorizationPolicy`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateAuthorizationPolicy`) and
//! `pkg/config/security/security.go`.

use ringwall_model::path::FieldPath;

use super::attachment::attachment;
use super::proto::Value;
use super::words::{
    accounts_error, block_errors, empty_error, paths_error, port_texts_errors, stars_error,
    trust_domains_error,
};
use super::{Config, Verdict};

const DENY: i128 = 1;
const CUSTOM: i128 = 3;

/// Fields of a source that another authorizer cannot ask for, as they are named to the user.
const NOT_CUSTOM: [(&str, &str); 10] = [
    ("namespaces", "From.Namespaces"),
    ("notNamespaces", "From.NotNamespaces"),
    ("serviceAccounts", "From.ServiceAccounts"),
    ("notServiceAccounts", "From.NotServiceAccounts"),
    ("trustDomains", "From.TrustDomains"),
    ("notTrustDomains", "From.NotTrustDomains"),
    ("principals", "From.Principals"),
    ("notPrincipals", "From.NotPrincipals"),
    ("requestPrincipals", "From.RequestPrincipals"),
    ("notRequestPrincipals", "From.NotRequestPrincipals"),
];

/// Fields of a source that mean something without HTTP. Trust domains are not counted.
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

const BLOCKS: [&str; 4] = ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"];

/// A field, its name to the user, and what is wrong with its values.
type Rule = (&'static str, &'static str, fn(&str, &[&str]) -> Option<String>);

/// What is asked of a source's lists, in the reference's order.
const SOURCE: [Rule; 14] = [
    ("principals", "Principals", empty_errors),
    ("requestPrincipals", "RequestPrincipals", empty_errors),
    ("namespaces", "Namespaces", empty_errors),
    ("serviceAccounts", "ServiceAccounts", accounts_error),
    ("trustDomains", "TrustDomains", trust_domains_error),
    ("ipBlocks", "IpBlocks", empty_errors),
    ("remoteIpBlocks", "RemoteIpBlocks", empty_errors),
    ("notPrincipals", "NotPrincipals", empty_errors),
    ("notRequestPrincipals", "NotRequestPrincipals", empty_errors),
    ("notNamespaces", "NotNamespaces", empty_errors),
    ("notServiceAccounts", "NotServiceAccounts", accounts_error),
    ("notTrustDomains", "NotTrustDomains", trust_domains_error),
    ("notIpBlocks", "NotIpBlocks", empty_errors),
    ("notRemoteIpBlocks", "NotRemoteIpBlocks", empty_errors),
];

/// What is asked of an operation's lists, in the reference's order.
const OPERATION: [Rule; 10] = [
    ("ports", "Ports", empty_errors),
    ("methods", "Methods", empty_errors),
    ("paths", "Paths", empty_errors),
    ("hosts", "Hosts", empty_errors),
    ("notPorts", "NotPorts", empty_errors),
    ("notMethods", "NotMethods", empty_errors),
    ("notPaths", "NotPaths", empty_errors),
    ("notHosts", "NotHosts", empty_errors),
    ("paths", "Paths", paths_error),
    ("notPaths", "NotPaths", paths_error),
];

fn empty_errors(key: &str, texts: &[&str]) -> Option<String> {
    texts.iter().find_map(|text| empty_error(key, text))
}

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let mut own = Verdict::default();
    policy(&config.spec, &mut own);
    let prefix = format!("invalid policy {}.{}:", config.name, config.namespace);
    for mut complaint in own.errors {
        if !verdict.is_full() {
            complaint.message = format!("{prefix} {}", complaint.message);
            verdict.refuse(complaint);
        }
    }
    own.warnings.into_iter().for_each(|complaint| verdict.caution(complaint));
}

fn policy(spec: &Value<'_>, verdict: &mut Verdict) {
    attachment(spec, spec.get("targetRef"), verdict);
    let (action, rules) = (spec.choice("action"), spec.items("rules"));
    let meaningless = |action: &str| {
        format!(
            "{action} action without `rules` is meaningless as it will never be triggered, \
             add an empty rule `{{}}` if you want it be triggered for every request"
        )
    };
    let provider = spec.get("provider");
    if action == CUSTOM {
        if rules.is_empty() {
            verdict.error(spec.at("rules"), meaningless("CUSTOM"));
        } else if !provider.as_ref().is_some_and(|provider| provider.has_text("name")) {
            verdict.error(spec.at("provider"), "`provider.name` must not be empty");
        }
        for rule in &rules {
            custom(rule, verdict);
        }
    } else if let Some(provider) = provider {
        let action = spec.choice_name("action");
        verdict
            .error(provider.path, format!("`provider` must not be with non CUSTOM action, found {action}"));
    }
    if action == DENY && rules.is_empty() {
        verdict.error(spec.at("rules"), meaningless("DENY"));
    }
    for (number, rule) in rules.iter().enumerate() {
        let (has_from, from_tcp) = sources(rule, number, verdict);
        let (has_to, to_tcp) = operations(rule, number, verdict);
        conditions(rule, verdict);
        if action == DENY && ((has_from && !has_to && !from_tcp) || (has_to && !to_tcp)) {
            let message = "configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to the \
                           use of only HTTP attributes in a DENY rule; it is recommended to explicitly specify the port";
            verdict.warn(rule.path.clone(), message);
        }
    }
}

fn custom(rule: &Value<'_>, verdict: &mut Verdict) {
    let mut refuse = |path: FieldPath, name: &str| {
        verdict.error(path, format!("{name} is currently not supported with CUSTOM action"));
    };
    for source in rule.items("from").iter().filter_map(|from| from.get("source")) {
        for (field, name) in NOT_CUSTOM.into_iter().filter(|(field, _)| source.has_items(field)) {
            refuse(source.at(field), name);
        }
    }
    for when in rule.items("when") {
        let key = when.text("key");
        let is_identity = matches!(
            key,
            "source.namespace" | "source.serviceAccount" | "source.trustDomain" | "source.principal"
        );
        if is_identity || key.starts_with("request.auth.") {
            refuse(when.at("key"), key);
        }
    }
}

/// What is wrong with each text of a list, at its place.
fn each(of: &Value<'_>, name: &str, wrong: fn(&str) -> Option<String>, verdict: &mut Verdict) {
    for (path, text) in of.texts(name) {
        if let Some(message) = wrong(text) {
            verdict.error(path, message);
        }
    }
}

fn lists(of: &Value<'_>, rules: &[Rule], verdict: &mut Verdict) {
    for (name, key, wrong) in rules {
        let texts: Vec<&str> = of.texts(name).into_iter().map(|(_, text)| text).collect();
        verdict.error_if(of, name, wrong(key, &texts));
    }
}

/// Whether there is a source at all, and one that means something without HTTP.
fn sources(rule: &Value<'_>, number: usize, verdict: &mut Verdict) -> (bool, bool) {
    let (mut is_there, mut is_tcp) = (false, false);
    for from in rule.items("from") {
        let Some(source) = from.get("source") else {
            verdict
                .error(from.at("source"), format!("`from.source` must not be nil, found at rule {number}"));
            continue;
        };
        is_there = true;
        let has = |names: &[&str]| names.iter().any(|name| source.has_items(name));
        let accounts = has(&["serviceAccounts", "notServiceAccounts"]);
        if has(&["principals", "notPrincipals", "namespaces", "notNamespaces"]) && accounts {
            let message =
                format!("cannot set serviceAccounts with namespaces or principals, found at rule {number}");
            verdict.error(source.path.clone(), message);
        }
        is_tcp |= has(&TCP_SOURCE);
        if SOURCE.iter().all(|(name, _, _)| !source.has_items(name)) {
            let message = format!("`from.source` must not be empty, found at rule {number}");
            verdict.error(source.path.clone(), message);
        }
        for name in BLOCKS {
            each(&source, name, block_errors, verdict);
        }
        lists(&source, &SOURCE, verdict);
    }
    (is_there, is_tcp)
}

/// Whether there is an operation at all, and one that means something without HTTP.
fn operations(rule: &Value<'_>, number: usize, verdict: &mut Verdict) -> (bool, bool) {
    let (mut is_there, mut is_tcp) = (false, false);
    for to in rule.items("to") {
        let Some(operation) = to.get("operation") else {
            verdict
                .error(to.at("operation"), format!("`to.operation` must not be nil, found at rule {number}"));
            continue;
        };
        is_there = true;
        is_tcp |= operation.has_items("ports") || operation.has_items("notPorts");
        if OPERATION.iter().all(|(name, _, _)| !operation.has_items(name)) {
            let message = format!("`to.operation` must not be empty, found at rule {number}");
            verdict.error(operation.path.clone(), message);
        }
        for name in ["ports", "notPorts"] {
            each(&operation, name, port_texts_errors, verdict);
        }
        lists(&operation, &OPERATION, verdict);
    }
    (is_there, is_tcp)
}

fn conditions(rule: &Value<'_>, verdict: &mut Verdict) {
    for when in rule.items("when") {
        let key = when.text("key");
        if key.is_empty() {
            verdict.error(when.at("key"), "`key` must not be empty");
        } else if !when.has_items("values") && !when.has_items("notValues") {
            let message = format!("at least one of `values` or `notValues` must be set for key {key}");
            verdict.error(when.path.clone(), message);
        } else {
            for (name, word) in [("values", "value"), ("notValues", "notValue")] {
                let texts: Vec<&str> = when.texts(name).into_iter().map(|(_, text)| text).collect();
                let error = attribute_error(key, &texts);
                let message = error.map(|error| format!("invalid `{word}` for `key` {key}: {error}"));
                verdict.error_if(&when, name, message);
            }
        }
    }
}

/// Several errors as one text. Source: github.com/hashicorp/go-multierror `format.go`.
pub(super) fn together(errors: &[String]) -> Option<String> {
    match errors {
        [] => None,
        [one] => Some(format!("1 error occurred:\n\t* {one}\n\n")),
        many => Some(format!("{} errors occurred:\n\t* {}\n\n", many.len(), many.join("\n\t* "))),
    }
}

/// Source: `ValidateAttribute`.
fn attribute_error(key: &str, texts: &[&str]) -> Option<String> {
    if let Some(message) = empty_errors(key, texts) {
        return Some(message);
    }
    let each = |wrong: fn(&str) -> Option<String>| {
        together(&texts.iter().filter_map(|text| wrong(text)).collect::<Vec<_>>())
    };
    let is_map = ["request.headers", "request.auth.claims", "experimental.envoy.filters."];
    match key {
        "source.ip" | "remote.ip" | "destination.ip" => each(block_errors),
        "source.trustDomain" => stars_error(key, texts),
        "destination.port" => each(port_texts_errors),
        "source.serviceAccount" => accounts_error(key, texts),
        "source.namespace" | "source.principal" | "connection.sni" => None,
        "request.auth.principal" | "request.auth.audiences" | "request.auth.presenter" => None,
        _ if is_map.iter().any(|prefix| key.starts_with(prefix)) => {
            let open = key.find('[').unwrap_or(0);
            // Something stands between the brackets.
            let is_one = key.ends_with(']') && open > 0 && open + 2 < key.len();
            (!is_one).then(|| format!("bad key ({key}): should have format a[b]"))
        }
        "destination.namespace" => Some(format!("attribute {key} is replaced by the metadata.namespace")),
        _ if key.starts_with("destination.labels") => {
            Some(format!("attribute {key} is replaced by the workload selector"))
        }
        "destination.name" | "destination.user" => {
            Some(format!("deprecated attribute {key}: only supported in v1alpha1"))
        }
        _ => Some(format!("unknown attribute: {key}")),
    }
}
