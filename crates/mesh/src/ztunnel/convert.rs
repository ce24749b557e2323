//! An `AuthorizationPolicy` as istiod sends it to ztunnel. Source: `convertAuthorizationPolicy` in
//! `pilot/pkg/serviceregistry/ambient/authorization.go`.

use std::collections::BTreeSet;

use super::{
    AddressMatch, Authorization, Clause, ClauseOf, Effect, Group, Lists, Match, Scope, ServiceAccountMatch,
    StringMatch,
};
use crate::authorization::compile::{parse_block, parse_port};
use crate::authorization::place::{Part, Place};
use crate::authorization::policy::{Action, AuthorizationPolicy, Condition, Operation, Rule, Source, Values};

/// What istiod makes of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Converted {
    /// It is sent, with what istiod writes into the policy's status.
    Sent(Authorization, Option<String>),
    /// It is not, for the reason in the status.
    Refused(String),
    /// It is not, and nothing is said: it is for waypoints and gateways.
    NotForZtunnel,
}

/// Converts a policy.
pub(super) fn convert(policy: &AuthorizationPolicy, index: usize, root: &str) -> Converted {
    if policy.dry_run {
        return Converted::Refused(format!(
            "found policy \"{}/{}\" using dry-run annotation, but support for ambient dry-run authorizationPolicies isn't enabled",
            policy.namespace, policy.name
        ));
    }
    if !policy.targets.is_empty() {
        return Converted::NotForZtunnel;
    }
    let effect = match policy.action {
        Action::Allow => Effect::Allow,
        Action::Deny => Effect::Deny,
        Action::Audit | Action::Custom => {
            return Converted::Refused(format!(
                "ztunnel does not support the {} action",
                policy.action.name()
            ));
        }
    };
    let scope = match &policy.selector {
        Some(_) => Scope::WorkloadSelector,
        None if policy.namespace == root => Scope::Global,
        None => Scope::Namespace,
    };
    let (mut groups, mut requests) = (Vec::new(), BTreeSet::new());
    for (at, rule) in policy.rules.iter().enumerate() {
        let found: Vec<&str> = about_requests(at, rule).into_iter().map(|(_, name)| name).collect();
        let is_kept = effect == Effect::Deny || found.is_empty();
        if is_kept {
            groups.push(Group { rules: clauses(rule, &policy.namespace), rule: at });
        }
        requests.extend(found);
    }
    let status = (!requests.is_empty()).then(|| status(&requests, effect));
    let authorization = Authorization {
        name: policy.name.clone(),
        namespace: policy.namespace.clone(),
        scope,
        effect,
        groups,
        policy: Some(index),
    };
    Converted::Sent(authorization, status)
}

/// istiod's own words, which are compared with what a cluster says.
fn status(requests: &BTreeSet<&str>, effect: Effect) -> String {
    let found = requests.iter().copied().collect::<Vec<_>>().join(", ");
    let consequence = match effect {
        Effect::Deny => "DENY policy with HTTP attributes is enforced without the HTTP rules.",
        Effect::Allow => "Within an ALLOW policy, rules matching HTTP attributes are omitted.",
    };
    format!(
        "ztunnel does not support HTTP attributes (found: {found}). In ambient mode you must use a waypoint proxy to enforce HTTP rules. \
         {consequence} This will be more restrictive than requested."
    )
}

/// The conditions that ztunnel can ask. Of a peer's service account and trust domain it could, and does not.
const OF_CONNECTIONS: [&str; 5] =
    ["source.ip", "source.namespace", "source.principal", "destination.ip", "destination.port"];

/// The fields of a rule that are about requests, as istiod counts and names them, with their places.
pub(crate) fn about_requests(index: usize, rule: &Rule) -> Vec<(Place, &str)> {
    let mut found = Vec::new();
    let mut add = |part: Part, values: &Values, name: &'static str, not_name: &'static str| {
        for (list, field) in [(&values.values, name), (&values.not_values, not_name)] {
            found.extend((!list.is_empty()).then_some((Place { rule: index, part, field }, field)));
        }
    };
    for (at, operation) in rule.to.iter().enumerate() {
        add(Part::To(at), &operation.hosts, "hosts", "notHosts");
        add(Part::To(at), &operation.methods, "methods", "notMethods");
        add(Part::To(at), &operation.paths, "paths", "notPaths");
    }
    for (at, source) in rule.from.iter().enumerate() {
        add(Part::From(at), &source.remote_ip_blocks, "remoteIpBlocks", "notRemoteIpBlocks");
        add(Part::From(at), &source.request_principals, "requestPrincipals", "notRequestPrincipals");
    }
    for (at, condition) in rule.when.iter().enumerate() {
        if !OF_CONNECTIONS.contains(&condition.key.as_str()) {
            found.push((Place { rule: index, part: Part::When(at), field: "key" }, &condition.key));
        }
    }
    found
}

fn clauses(rule: &Rule, namespace: &str) -> Vec<Clause> {
    let mut clauses = Vec::new();
    if !rule.to.is_empty() {
        clauses.push(Clause { matches: rule.to.iter().map(operation).collect(), of: ClauseOf::To });
    }
    if !rule.from.is_empty() {
        clauses.push(Clause {
            matches: rule.from.iter().map(|one| source(one, namespace)).collect(),
            of: ClauseOf::From,
        });
    }
    let when = rule.when.iter().enumerate();
    clauses.extend(when.map(|(at, one)| Clause { matches: vec![condition(one)], of: ClauseOf::When(at) }));
    clauses
}

fn operation(operation: &Operation) -> Match {
    Match { destination_ports: lists(&operation.ports, parse_port), ..Match::default() }
}

fn source(source: &Source, namespace: &str) -> Match {
    let account = |value: &str| {
        let (namespace, account) = value.split_once('/').unwrap_or((namespace, value));
        let (namespace, service_account) = (namespace.to_owned(), account.to_owned());
        Some(ServiceAccountMatch { namespace, service_account })
    };
    Match {
        namespaces: lists(&source.namespaces, string),
        service_accounts: lists(&source.service_accounts, account),
        principals: lists(&source.principals, string),
        source_ips: lists(&source.ip_blocks, address),
        ..Match::default()
    }
}

fn condition(condition: &Condition) -> Match {
    let (values, mut one) = (&condition.values, Match::default());
    match condition.key.as_str() {
        "source.namespace" => one.namespaces = lists(values, string),
        "source.principal" => one.principals = lists(values, string),
        "source.ip" => one.source_ips = lists(values, address),
        "destination.ip" => one.destination_ips = lists(values, address),
        "destination.port" => one.destination_ports = lists(values, parse_port),
        _ => {}
    }
    one
}

/// Both lists of a field. What cannot be read is left out.
fn lists<T>(values: &Values, parse: impl Fn(&str) -> Option<T>) -> Lists<T> {
    let all = |list: &[String]| list.iter().filter_map(|value| parse(value)).collect();
    Lists { any: all(&values.values), none: all(&values.not_values) }
}

fn string(value: &str) -> Option<StringMatch> {
    Some(if value == "*" {
        StringMatch::Presence
    } else if let Some(end) = value.strip_prefix('*') {
        StringMatch::Suffix(end.to_owned())
    } else if let Some(start) = value.strip_suffix('*') {
        StringMatch::Prefix(start.to_owned())
    } else {
        StringMatch::Exact(value.to_owned())
    })
}

fn address(value: &str) -> Option<AddressMatch> {
    let block = parse_block(value)?;
    let (address, length) = match value.split_once('/') {
        Some((address, length)) => (address.parse().ok()?, length.parse().ok()?),
        None => (value.parse().ok()?, if value.contains(':') { 128 } else { 32 }),
    };
    Some(AddressMatch { address, length, block })
}
