//! What the API server calls: Services that webhooks, aggregated APIs and conversions name.

use crate::object::Object;
use crate::path::FieldPath;
use crate::tree::Node;

/// A place where an object names a Service that the API server calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCall {
    /// The place.
    pub path: FieldPath,
    /// The namespace of the Service.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: u16,
    /// What the API server calls it for.
    pub what: String,
}

/// The Services that the API server calls for an object. Sources: `ServiceReference` in k8s.io/api `admissionregistration/v1`,
/// k8s.io/apiextensions-apiserver `apiextensions/v1` and k8s.io/kube-aggregator `apiregistration/v1`; the port is 443 where none is
/// stated.
pub fn server_calls(object: &Object) -> Vec<ServerCall> {
    let call = |node: Node<'_>, path: FieldPath, what: String| {
        let text = |key: &str| node.str_at(&[key]).map(str::to_owned);
        let port = node.get("port").and_then(Node::as_i64).and_then(|port| u16::try_from(port).ok());
        Some(ServerCall {
            path,
            namespace: text("namespace")?,
            name: text("name")?,
            port: port.unwrap_or(443),
            what,
        })
    };
    let root = object.root();
    let one = |keys: &[&str], what: &str| {
        root.at(keys)
            .and_then(|node| call(node, FieldPath::keys(keys), what.to_owned()))
            .into_iter()
            .collect()
    };
    match (object.id.group.as_str(), object.id.kind.as_str()) {
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => {
            let hooks = root.get("webhooks").into_iter().flat_map(Node::items).enumerate();
            hooks
                .filter_map(|(at, hook)| {
                    let path = FieldPath::keys(&["webhooks"]).index(at).key("clientConfig").key("service");
                    let name = hook.str_at(&["name"]).unwrap_or_default();
                    call(hook.at(&["clientConfig", "service"])?, path, format!("webhook {name}"))
                })
                .collect()
        }
        ("apiregistration.k8s.io", "APIService") => one(&["spec", "service"], "this API"),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            one(&["spec", "conversion", "webhook", "clientConfig", "service"], "conversion")
        }
        _ => Vec::new(),
    }
}
