//! What a request asks, and the answer.

use ringwall_rbac::policy::Policy;
use ringwall_rbac::request::RequestInfo;
use serde_json::{Value, json};

use super::{Query, answers};

/// What the API server makes of method and URL, and what RBAC says of it.
pub(crate) fn request(policy: &Policy, query: &Query<'_>) -> Value {
    let info = match RequestInfo::of(&query.method, &query.url) {
        Ok(info) => info,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let mut answer = answers::authorize(policy, &query.user(), &info.action());
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("info".to_owned(), info_json(&info));
    }
    answer
}

/// The parts that the reference's answers hold: selectors only where there are some.
fn info_json(info: &RequestInfo) -> Value {
    let mut out = json!({ "resourceRequest": info.is_resource, "verb": info.verb, "path": info.path });
    let Some(fields) = out.as_object_mut().filter(|_| info.is_resource) else { return out };
    let always = [
        ("group", &info.group),
        ("version", &info.version),
        ("resource", &info.resource),
        ("subresource", &info.subresource),
        ("namespace", &info.namespace),
        ("name", &info.name),
    ];
    let selectors = [("fieldSelector", &info.field_selector), ("labelSelector", &info.label_selector)];
    let stated = selectors.into_iter().filter(|(_, text)| !text.is_empty());
    fields.extend(always.into_iter().chain(stated).map(|(key, text)| (key.to_owned(), json!(text))));
    out
}
