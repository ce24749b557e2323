//! Answers in the reference's form.

use ringwall_rbac::attributes::{Action, User};
use ringwall_rbac::authorize::{Answer, forbidden_message};
use ringwall_rbac::covers::{compact_lines, uncovered};
use ringwall_rbac::model::{Rule, Subject};
use ringwall_rbac::policy::{Policy, aggregate};
use serde_json::{Map, Value, json};

/// A decision with its reason, all bindings that allow, and what the API server would say.
pub(super) fn authorize(policy: &Policy, user: &User, action: &Action<'_>) -> Value {
    let answer = policy.answer(user, action);
    let reason = policy.reason(&answer);
    let mut out = Map::new();
    let allowed = !matches!(answer, Answer::NotAllowed(_));
    out.insert("decision".to_owned(), json!(if allowed { "allow" } else { "no-opinion" }));
    let grants = policy.grants_of(user, action);
    if !grants.is_empty() {
        let by: Vec<String> =
            grants.iter().map(|grant| policy.describe(grant.binding, grant.subject)).collect();
        out.insert("allowedBy".to_owned(), json!(by));
    }
    if !allowed {
        out.insert("message".to_owned(), json!(forbidden_message(user, action, &reason)));
    }
    out.insert("reason".to_owned(), json!(reason));
    Value::Object(out)
}

pub(super) fn rules(policy: &Policy, user: &User, namespace: &str) -> Value {
    let review = policy.review(user, namespace);
    let resources: Vec<Value> = review
        .resource_rules
        .iter()
        .map(|rule| {
            let only_resources = Rule { non_resource_urls: Vec::new(), ..(*rule).clone() };
            rule_json(&only_resources)
        })
        .collect();
    let urls: Vec<Value> = review
        .non_resource_rules
        .iter()
        .map(|rule| {
            let (verbs, non_resource_urls) = (rule.verbs.clone(), rule.non_resource_urls.clone());
            rule_json(&Rule { verbs, non_resource_urls, ..Rule::default() })
        })
        .collect();
    let mut status = json!({ "resourceRules": resources, "nonResourceRules": urls, "incomplete": false });
    if let (Some(error), Some(status)) = (aggregate(&review.errors), status.as_object_mut()) {
        status.insert("evaluationError".to_owned(), json!(error));
    }
    json!({ "status": status, "table": review.table(true) })
}

pub(super) fn subjects(policy: &Policy, action: &Action<'_>) -> Value {
    let masters = Subject {
        kind: "Group".to_owned(),
        api_group: ringwall_rbac::model::GROUP.to_owned(),
        name: ringwall_rbac::attributes::MASTERS.to_owned(),
        namespace: String::new(),
    };
    let (allowed, errors) = policy.subjects_of(action);
    let subjects = std::iter::once(&masters).chain(allowed.iter().map(|allowed| allowed.subject));
    let mut out = json!({ "subjects": subjects.map(subject_json).collect::<Vec<_>>() });
    if let (Some(error), Some(out)) = (aggregate(&errors), out.as_object_mut()) {
        out.insert("error".to_owned(), json!(error));
    }
    out
}

pub(super) fn aggregated(policy: &Policy) -> Value {
    let roles = policy.roles().iter().filter(|role| role.aggregation.is_some());
    let rules = roles
        .map(|role| (role.name.clone(), Value::from(role.rules.iter().map(rule_json).collect::<Vec<_>>())));
    json!({ "aggregated": rules.collect::<Map<String, Value>>() })
}

pub(super) fn covers(owner: &[Rule], servant: &[Rule]) -> Value {
    let owner: Vec<&Rule> = owner.iter().collect();
    let missing = uncovered(&owner, servant);
    json!({
        "covered": missing.is_empty(),
        "missing": missing.iter().map(|atom| rule_json(&atom.rule())).collect::<Vec<_>>(),
        "compact": compact_lines(missing),
    })
}

/// A rule as the API writes it: empty lists are left out, but for the verbs.
pub(super) fn rule_json(rule: &Rule) -> Value {
    let mut out = Map::new();
    let verbs = if rule.verbs.is_empty() { Value::Null } else { json!(rule.verbs) };
    out.insert("verbs".to_owned(), verbs);
    let lists = [
        ("apiGroups", &rule.api_groups),
        ("resources", &rule.resources),
        ("resourceNames", &rule.resource_names),
        ("nonResourceURLs", &rule.non_resource_urls),
    ];
    for (key, list) in lists {
        if !list.is_empty() {
            out.insert(key.to_owned(), json!(list));
        }
    }
    Value::Object(out)
}

fn subject_json(subject: &Subject) -> Value {
    let mut out = json!({ "kind": subject.kind, "name": subject.name });
    if let Some(out) = out.as_object_mut() {
        for (key, text) in [("apiGroup", &subject.api_group), ("namespace", &subject.namespace)] {
            if !text.is_empty() {
                out.insert(key.to_owned(), json!(text));
            }
        }
    }
    out
}
