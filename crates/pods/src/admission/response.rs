//! An admission response, in the form of `admission.k8s.io/v1`.
//!
//! Source: k8s.io/pod-security-admission `admission/response.go`, k8s.io/apimachinery `pkg/api/errors/errors.go`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::request::Request;
use ringwall_model::go::{go_aggregate, go_quote};
use ringwall_model::invalid::FieldError;

/// A response, in the form of `admission.k8s.io/v1`, without `uid`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Whether the request goes on.
    pub allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Annotations of the audit event, without the prefix that the API server puts before them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub audit_annotations: BTreeMap<&'static str, String>,
    /// What the client is told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A `metav1.Status` that says no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    metadata: Empty,
    status: &'static str,
    /// For people.
    pub message: String,
    /// For machines.
    pub reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    /// The HTTP status code.
    pub code: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Empty {}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Details {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Cause>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Cause {
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
}

impl Status {
    fn new(code: u16, reason: &'static str, message: String, details: Option<Details>) -> Self {
        Self { metadata: Empty {}, status: "Failure", message, reason, details, code }
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(400, "BadRequest", message.to_owned(), None)
    }

    pub(super) fn internal_error(error: &str) -> Self {
        let causes = vec![Cause { message: error.to_owned(), ..Cause::default() }];
        let details = Details { causes, ..Details::default() };
        Self::new(500, "InternalError", format!("Internal error occurred: {error}"), Some(details))
    }

    pub(super) fn forbidden(request: &Request<'_>, why: &str) -> Self {
        let resource = &request.resource;
        let qualified = qualified(resource.resource, resource.group);
        let message = if resource.resource.is_empty() {
            format!("forbidden: {why}")
        } else if request.name.is_empty() {
            format!("{qualified} is forbidden: {why}")
        } else {
            format!("{qualified} {} is forbidden: {why}", go_quote(request.name))
        };
        let details = Details {
            name: request.name.to_owned(),
            group: resource.group.to_owned(),
            kind: resource.resource.to_owned(),
            causes: Vec::new(),
        };
        Self::new(403, "Forbidden", message, Some(details))
    }

    pub(super) fn invalid(request: &Request<'_>, errors: &[FieldError]) -> Self {
        let kind = &request.kind;
        let name = go_quote(request.name);
        let message = format!(
            "{} {name} is invalid: {}",
            qualified(kind.kind, kind.group),
            go_aggregate(errors).unwrap_or_default()
        );
        let causes = errors
            .iter()
            .map(|error| Cause {
                reason: error.kind.reason(),
                message: error.body(),
                field: error.path.to_string(),
            })
            .collect();
        let details = Details {
            name: request.name.to_owned(),
            group: kind.group.to_owned(),
            kind: kind.kind.to_owned(),
            causes,
        };
        Self::new(422, "Invalid", message, Some(details))
    }
}

/// `deployments.apps`, or `pods` for the core group.
fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

impl Response {
    pub(super) fn allow() -> Self {
        Self { allowed: true, ..Self::default() }
    }

    pub(super) fn allow_with(annotation: &'static str, value: impl Into<String>) -> Self {
        Self { audit_annotations: BTreeMap::from([(annotation, value.into())]), ..Self::allow() }
    }

    pub(super) fn deny(status: Status) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// A fault on the way to a verdict, with its cause in the audit event.
    pub(super) fn fault(status: Status, cause: Option<&str>) -> Self {
        let text = match cause {
            Some(cause) => format!("{}: {cause}", status.message),
            None => status.message.clone(),
        };
        Self { audit_annotations: BTreeMap::from([("error", text)]), ..Self::deny(status) }
    }
}
