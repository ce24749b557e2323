//! Whom a request goes on as, and what was asked on the way.

use ringwall_rbac::attributes::Action;
use ringwall_rbac::authorize::Authorize;
use ringwall_rbac::impersonate::{Check, Filter, Headers, Outcome, impersonate as attempt};
use ringwall_rbac::policy::Policy;
use ringwall_rbac::request::RequestInfo;
use serde_json::{Value, json};

use super::Query;

/// The answer of the filter that newer API servers have, and what the request then may.
pub(super) fn impersonate(policy: &Policy, query: &Query<'_>) -> Value {
    let request = match RequestInfo::of(&query.method, &query.url) {
        Ok(request) => request,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let pairs = query.headers.iter();
    let headers: Headers =
        pairs.flat_map(|(name, values)| values.iter().map(move |value| (name, value))).collect();
    let requestor = query.user();
    let attempt = attempt(Filter::Constrained, policy, &requestor, &headers, &request);
    let mut checks: Vec<String> = attempt.checks.iter().map(check).collect();
    // The reference walks headers in no order; from so many on, the recorded checks are sorted.
    if query.headers.len() > 3 {
        checks.sort_unstable();
    }
    let user = match attempt.outcome {
        Outcome::Refused { code, message } => {
            return json!({ "code": code, "message": message, "checks": checks });
        }
        Outcome::NotAsked => requestor,
        Outcome::As { user, .. } => user,
    };
    let (then, _) = policy.authorize(&user, &request.action());
    let mut out = json!({
        "code": 200,
        "checks": checks,
        "user": user.name,
        "groups": user.groups,
        "then": then.word(),
    });
    if let Some(out) = out.as_object_mut() {
        if !user.uid.is_empty() {
            out.insert("uid".to_owned(), json!(user.uid));
        }
        if !user.extra.is_empty() {
            out.insert("extra".to_owned(), json!(user.extra));
        }
    }
    out
}

/// `allow: impersonate users. name=bob`.
fn check(check: &Check) -> String {
    let what = match check.asked.action() {
        Action::Path { path, .. } => path.to_owned(),
        Action::Resource(action) => {
            let mut what = format!("{}.{}", action.combined(), action.group);
            for (key, value) in [("name", action.name), ("ns", action.namespace)] {
                if !value.is_empty() {
                    what.push_str(&format!(" {key}={value}"));
                }
            }
            what
        }
    };
    format!("{}: {} {what}", check.decision.word(), check.asked.action().verb())
}
