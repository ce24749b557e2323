//! What istiod's webhook says of an object: whether it is let in, and what it warns of.
//!
//! Sources: istio.io/istio `pkg/config/validation/validation.go`, `pkg/config/validation/agent/validation.go` and
//! `pkg/config/security/security.go`. The
//! words are near to the reference's; what is compared is whether there are any.

mod authorization;
mod destination;
mod messages;
mod proto;
mod request;
mod words;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::{Kind, Node};

use proto::{Message, Type, Value, check, unknown};

/// What is wrong with a field, or odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The field, from the object.
    pub path: FieldPath,
    /// What it is, as a sentence without full stop.
    pub message: String,
}

impl Complaint {
    fn new(path: FieldPath, message: impl Into<String>) -> Self {
        Self { path, message: message.into() }
    }
}

/// What the webhook says of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused.
    pub errors: Vec<Complaint>,
    /// What it is warned of.
    pub warnings: Vec<Complaint>,
}

impl Verdict {
    /// Whether it is let in.
    pub fn is_accepted(&self) -> bool {
        self.errors.is_empty()
    }

    fn error(&mut self, path: FieldPath, message: impl Into<String>) {
        self.errors.push(Complaint::new(path, message));
    }

    fn warn(&mut self, path: FieldPath, message: impl Into<String>) {
        self.warnings.push(Complaint::new(path, message));
    }
}

/// The annotation of a policy that is only tried.
const DRY_RUN: &str = "istio.io/dry-run";

/// Annotations that refuse an object. Source: `pkg/config/constants/constants.go`.
const REFUSED: [&str; 3] = [
    "internal.istio.io/webhook-always-reject",
    "internal.istio.io/parent-namespace",
    "internal.istio.io/parents",
];

/// A kind that is validated here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Validated {
    Authorization,
    Peer,
    Request,
    Destination,
}

impl Validated {
    fn of(object: &Object) -> Option<(Self, &'static Message, &'static [&'static str])> {
        let (security, networking) = (&["v1", "v1beta1"][..], &["v1", "v1beta1", "v1alpha3"][..]);
        match (object.id.group.as_str(), object.id.kind.as_str()) {
            ("security.istio.io", "AuthorizationPolicy") => {
                Some((Self::Authorization, &messages::AUTHORIZATION_POLICY, security))
            }
            ("security.istio.io", "PeerAuthentication") => {
                Some((Self::Peer, &messages::PEER_AUTHENTICATION, security))
            }
            ("security.istio.io", "RequestAuthentication") => {
                Some((Self::Request, &messages::REQUEST_AUTHENTICATION, security))
            }
            ("networking.istio.io", "DestinationRule") => {
                Some((Self::Destination, &messages::DESTINATION_RULE, networking))
            }
            _ => None,
        }
    }
}

/// What the webhook says of an object; nothing of one of another kind than `AuthorizationPolicy`, `PeerAuthentication`,
/// `RequestAuthentication`
/// and `DestinationRule`. Costs a walk of the object.
pub fn validate(object: &Object) -> Option<Verdict> {
    let (kind, message, versions) = Validated::of(object)?;
    let mut verdict = Verdict::default();
    if !versions.contains(&object.version.as_str()) {
        verdict.error(
            FieldPath::keys(&["apiVersion"]),
            format!("unknown kind {} {}", object.api_version(), object.id.kind),
        );
        return Some(verdict);
    }
    let root = object.root();
    for key in ["labels", "annotations"] {
        texts_only(root, key, &mut verdict);
    }
    let written = root.get("spec").filter(|spec| !spec.is_null());
    let spec = Value { node: written.unwrap_or_else(|| empty_of(root)), path: FieldPath::keys(&["spec"]) };
    if written.is_some() {
        check(&spec, message, &mut verdict.errors);
    }
    if verdict.is_accepted() {
        metadata(object, kind, &spec, &mut verdict);
    }
    if !verdict.is_accepted() {
        return Some(verdict);
    }
    match kind {
        Validated::Authorization => authorization::validate(&spec, &mut verdict),
        Validated::Peer => peer(&spec, &mut verdict),
        Validated::Request => request::validate(&spec, &mut verdict),
        Validated::Destination => destination::validate(&spec, namespace(object), &mut verdict),
    }
    Some(verdict)
}

/// The fields of an object's `spec` that its kind does not have: the API server drops them, and refuses them under strict field validation, which is
/// `kubectl`'s default. Nothing of an object of another kind than [`validate`] takes. Costs a walk of the object.
pub fn unknown_fields(object: &Object) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if let (Some((_, message, _)), Some(spec)) = (Validated::of(object), object.root().get("spec")) {
        let spec = Value { node: spec, path: FieldPath::keys(&["spec"]) };
        unknown(&spec, Type::Message(message), &mut complaints);
    }
    complaints
}

/// A node that has no fields: where there is no `spec`, the text of `kind` stands for it.
fn empty_of(root: Node<'_>) -> Node<'_> {
    root.get("kind").unwrap_or(root)
}

fn namespace(object: &Object) -> &str {
    object.id.namespace.as_deref().unwrap_or_default()
}

/// Labels and annotations are texts, or the object cannot be read at all.
fn texts_only(root: Node<'_>, key: &str, verdict: &mut Verdict) {
    let Some(map) = root.at(&["metadata", key]).filter(|map| !map.is_null()) else { return };
    let path = FieldPath::keys(&["metadata", key]);
    if map.kind() != Kind::Mapping {
        verdict
            .error(path, format!("expected {}, got {}", Kind::Mapping.described(), map.kind().described()));
        return;
    }
    for entry in map.entries().filter(|entry| !entry.value.is_null() && entry.value.as_str().is_none()) {
        let message = format!("expected a string, got {}", entry.value.kind().described());
        verdict.error(path.clone().key(entry.key), message);
    }
}

/// Source: `validateMetadata` and `checkDryRunAnnotation`.
fn metadata(object: &Object, kind: Validated, spec: &Value<'_>, verdict: &mut Verdict) {
    let Some(annotations) = object.root().at(&["metadata", "annotations"]) else { return };
    let path = |key: &str| FieldPath::keys(&["metadata", "annotations", key]);
    if let Some(dry_run) = annotations.get(DRY_RUN) {
        let action = spec.choice("action", messages::ACTIONS);
        // Source: Go's `strconv.ParseBool`.
        let booleans = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];
        if kind != Validated::Authorization {
            verdict.error(path(DRY_RUN), format!("unsupported annotation {DRY_RUN}, please remove it"));
        } else if !matches!(action, 0 | 1) {
            verdict.error(
                path(DRY_RUN),
                format!("the annotation {DRY_RUN} supports only the actions ALLOW and DENY"),
            );
        } else if !booleans.contains(&dry_run.as_str().unwrap_or_default()) {
            verdict.error(path(DRY_RUN), format!("annotation {DRY_RUN} is neither true nor false"));
        }
    }
    for key in REFUSED {
        if annotations.entry(key).is_some() {
            verdict.error(path(key), format!("annotation {key} may not be set by users"));
        }
    }
}

/// Source: `ValidatePeerAuthentication`.
fn peer(spec: &Value<'_>, verdict: &mut Verdict) {
    let selects = spec.get("selector").is_some_and(|selector| !selector.entries("matchLabels").is_empty());
    if let Some(ports) = spec.get("portLevelMtls") {
        let entries = spec.entries("portLevelMtls");
        if entries.is_empty() {
            verdict.error(ports.path.clone(), "port level mTLS, if defined, must have at least one element");
        } else if !selects {
            verdict
                .error(ports.path.clone(), "mesh/namespace peer authentication cannot have port level mTLS");
        }
        for (port, entry) in entries {
            if !port.trim().parse().is_ok_and(|port: u64| (1..=65535).contains(&port)) {
                verdict.error(entry.path, "port must be in range 1..65535");
            }
        }
    }
    selector(spec, "selector", verdict);
}

/// Source: `validateWorkloadSelector`.
fn selector(spec: &Value<'_>, name: &str, verdict: &mut Verdict) {
    let Some(selector) = spec.get(name) else { return };
    let labels = selector.entries("matchLabels");
    if labels.is_empty() {
        verdict.warn(selector.path.clone(), "workload selector specified without labels");
    }
    for (key, value) in labels {
        let label = format!("\"{key}={}\"", value.node.as_str().unwrap_or_default());
        if key.is_empty() {
            verdict.error(value.path.clone(), format!("empty key is not supported in selector: {label}"));
        }
        if label.contains('*') {
            verdict.error(value.path, format!("wildcard is not supported in selector: {label}"));
        }
    }
}

/// What a policy is attached to. Source: `validateOneOfSelectorType`, `validatePolicyTargetReference`.
fn attachment(spec: &Value<'_>, verdict: &mut Verdict) {
    let (own, one, many) = (spec.get("selector"), spec.get("targetRef"), spec.items("targetRefs"));
    if usize::from(own.is_some()) + usize::from(one.is_some()) + usize::from(!many.is_empty()) > 1 {
        verdict.error(spec.path.clone(), "only one of targetRefs or workloadSelector can be set");
    }
    selector(spec, "selector", verdict);
    for target in one.into_iter().chain(many) {
        if target.text("name").is_empty() {
            verdict.error(target.at("name"), "targetRef name must be set");
        }
        if !target.text("namespace").is_empty() {
            let message = "targetRef namespace must not be set; cross namespace referencing is not supported";
            verdict.error(target.at("namespace"), message);
        }
        let (group, kind) = (target.text("group"), target.text("kind"));
        let is_allowed = matches!(
            (group, kind),
            ("" | "core", "Service")
                | ("networking.istio.io", "ServiceEntry")
                | ("gateway.networking.k8s.io", "Gateway" | "GatewayClass")
        );
        if !is_allowed {
            let message = format!(
                "targetRef must be to one of Service, ServiceEntry, Gateway and GatewayClass, but was {group}/{kind}"
            );
            verdict.error(target.path.clone(), message);
        }
    }
}
