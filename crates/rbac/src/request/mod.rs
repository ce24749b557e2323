//! A request, and what the API server asks its authorizers about it. Sources: k8s.io/apiserver
//! `pkg/endpoints/request/requestinfo.go` (with the prefixes of kube-apiserver: `api` and `apis`, of which `api` is without groups) and
//! `pkg/endpoints/filters/authorization.go` (`GetAuthorizerAttributes`).

mod fields;
mod labels;
mod url;

use std::fmt;

pub use fields::{FieldOperator, FieldRequirement, parse_fields, required_value};
pub use labels::{LabelOperator, LabelRequirement, parse_labels};
pub(crate) use url::unescape_segment;
pub use url::{Parameters, Url, UrlError};

use crate::attributes::{Action, ResourceAction};

/// A selector that the API server cannot read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorError(pub String);

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SelectorError {}

/// A request of which nobody can say what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The URL is malformed: no handler sees the request.
    Url(UrlError),
    /// Nothing stands behind `watch/` or `proxy/`; the URL as the reference prints it.
    NoResource(String),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::NoResource(url) => write!(f, "unable to determine kind and namespace from url, {url}"),
        }
    }
}

impl std::error::Error for RequestError {}

/// What the API server makes of a request's method and URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo {
    /// Whether it is for a resource of the API; else only `path` and `verb` count.
    pub is_resource: bool,
    /// The path, its escapes resolved.
    pub path: String,
    /// What is to be done: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, `proxy`; empty for a
    /// method that means none of them. For a path that is no resource, the method in lower case.
    pub verb: String,
    /// `api` or `apis`.
    pub api_prefix: String,
    /// The API group; empty for the core one.
    pub group: String,
    /// The API's version.
    pub version: String,
    /// The namespace; for a Namespace itself, its own name.
    pub namespace: String,
    /// The resource's plural name.
    pub resource: String,
    /// The subresource.
    pub subresource: String,
    /// The object's name: from the path, or from a field selector that demands `metadata.name` of what is listed or watched.
    pub name: String,
    /// What stands in the path from the resource on; what is behind the subresource nobody looks at.
    pub parts: Vec<String>,
    /// The field selector as it stands in the URL; only for verbs that honour it.
    pub field_selector: String,
    /// The label selector as it stands in the URL; only for verbs that honour it.
    pub label_selector: String,
}

impl RequestInfo {
    /// What a method (as written: `GET`) and a URL ask for. Costs a look at each byte of the URL.
    ///
    /// Bytes in the URL that are no UTF-8 are replaced by U+FFFD.
    ///
    /// # Errors
    /// [`RequestError`] where the API server answers with an error of its own, whoever asks.
    pub fn of(method: &str, url: &str) -> Result<Self, RequestError> {
        let url = Url::parse(url).map_err(RequestError::Url)?;
        let path = url.path();
        let mut info = Self { verb: lower(method), ..Self::default() };
        let trimmed = path.trim_matches('/');
        let mut parts: &[&str] = &trimmed.split('/').collect::<Vec<_>>();
        path.clone_into(&mut info.path);
        // A path that is no resource has fewer parts than prefix, version and resource; in `apis`, than these and a group.
        let needed = match parts {
            ["api", ..] => 3,
            ["apis", ..] => 4,
            _ => return Ok(info),
        };
        parts[0].clone_into(&mut info.api_prefix);
        if parts.len() < 3 {
            info.api_prefix.clear();
        }
        if parts.len() < needed {
            return Ok(info);
        }
        if needed == 4 {
            parts[1].clone_into(&mut info.group);
        }
        info.is_resource = true;
        parts[needed - 2].clone_into(&mut info.version);
        parts = &parts[needed - 1..];

        let verb_in_path = matches!(parts[0], "proxy" | "watch");
        if verb_in_path {
            if parts.len() < 2 {
                return Err(RequestError::NoResource(url.to_string()));
            }
            parts[0].clone_into(&mut info.verb);
            parts = &parts[1..];
        } else {
            verb_of(method).clone_into(&mut info.verb);
        }
        if let ["namespaces", namespace, ..] = parts {
            (*namespace).clone_into(&mut info.namespace);
            // `status` and `finalize` are subresources of the Namespace, anything else is a resource in it.
            if parts.get(2).is_some_and(|part| !matches!(*part, "status" | "finalize")) {
                parts = &parts[2..];
            }
        }
        let part = |index: usize| parts.get(index).copied().unwrap_or_default().to_owned();
        info.resource = part(0);
        info.name = part(1);
        if info.verb != "proxy" {
            info.subresource = part(2);
        }
        info.parts = parts.iter().map(|part| (*part).to_owned()).collect();
        info.read_options(&url.parameters(), verb_in_path);
        Ok(info)
    }

    /// What the query says about a request for many objects.
    fn read_options(&mut self, parameters: &Parameters, verb_in_path: bool) {
        if self.name.is_empty() && self.verb == "get" {
            let (watch, name) = match ListOptions::decode(parameters) {
                Some(options) => (options.watch, options.name),
                // Of options that cannot be read, only this one counts, and it is read otherwise.
                None => (parameters.first("watch").is_some_and(|value| !is_no(value)), None),
            };
            let verb = if watch { "watch" } else { "list" };
            verb.clone_into(&mut self.verb);
            self.name = name.filter(|name| is_path_segment(name)).unwrap_or_default();
        }
        if self.name.is_empty() && self.verb == "delete" {
            "deletecollection".clone_into(&mut self.verb);
        }
        if !verb_in_path && matches!(self.verb.as_str(), "list" | "watch" | "deletecollection") {
            let text = |key: &str| parameters.first(key).unwrap_or_default().to_owned();
            self.field_selector = text("fieldSelector");
            self.label_selector = text("labelSelector");
        }
    }

    /// What the authorizers are asked.
    pub fn action(&self) -> Action<'_> {
        if !self.is_resource {
            return Action::Path { verb: &self.verb, path: &self.path };
        }
        Action::Resource(ResourceAction {
            verb: &self.verb,
            group: &self.group,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
        })
    }

    /// The terms of the field selector, which the Node authorizer, webhooks and CEL rules are told. RBAC does not look at them.
    ///
    /// # Errors
    /// [`SelectorError`]; the authorizers are told that instead, and the request is refused only where it is served.
    pub fn field_requirements(&self) -> Result<Vec<FieldRequirement>, SelectorError> {
        parse_fields(&self.field_selector)
    }

    /// The terms of the label selector, as [`RequestInfo::field_requirements`].
    ///
    /// # Errors
    /// [`SelectorError`].
    pub fn label_requirements(&self) -> Result<Vec<LabelRequirement>, SelectorError> {
        parse_labels(&self.label_selector)
    }
}

/// The verb of a method, for a resource. Methods are in capitals.
fn verb_of(method: &str) -> &'static str {
    match method {
        "POST" => "create",
        "GET" | "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

/// Go's `strings.ToLower`: each character by itself.
pub(crate) fn lower(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

/// Whether the name of an object can stand in a path. Source: `IsPathSegmentName` in k8s.io/apimachinery
/// `pkg/api/validate/content/path.go`.
fn is_path_segment(name: &str) -> bool {
    name != "." && name != ".." && !name.contains(['/', '%'])
}

/// Whether a `watch` says no; everything else, nothing among it, says yes.
fn is_no(value: &str) -> bool {
    value == "0" || value.eq_ignore_ascii_case("false")
}

/// What counts here of `ListOptions`.
struct ListOptions {
    watch: bool,
    name: Option<String>,
}

impl ListOptions {
    /// Decodes the parameters; `None` where one of them cannot be. Sources: `Convert_url_Values_To_v1_ListOptions` in
    /// k8s.io/apimachinery `pkg/apis/meta/v1`, `Convert_Slice_string_To_bool` in `pkg/runtime/conversion.go`.
    fn decode(parameters: &Parameters) -> Option<Self> {
        for key in ["timeoutSeconds", "limit"] {
            if let Some(number) = parameters.first(key) {
                number.parse::<i64>().ok()?;
            }
        }
        parse_labels(parameters.first("labelSelector").unwrap_or_default()).ok()?;
        let fields = parse_fields(parameters.first("fieldSelector").unwrap_or_default()).ok()?;
        // Here the two are compared as `strings.EqualFold` does, to which the long s is an s.
        let watch = parameters.first("watch").is_some_and(|value| !is_no(&value.replace('ſ', "s")));
        Some(Self { watch, name: required_value(&fields, "metadata.name").map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests;
