//! What istiod's webhook says of an object: whether it is let in, and what it warns of; and what `istioctl analyze` reports of that.
//!
//! Sources: istio.io/istio `pkg/config/validation`, `pkg/config/security/security.go`. The messages are the reference's own, in its order, so that
//! `istioctl analyze` could be answered with them; where the reference walks a Go map, the order is that of the object's text.

mod attachment;
mod authorization;
mod cel;
mod destination;
mod envoy;
mod envoy_filter;
mod exports;
mod gateway;
mod kinds;
mod locality;
mod messages;
mod metadata;
mod peer;
mod proto;
mod proxy_config;
mod request;
mod request_keys;
mod server_tls;
mod service_entry;
mod sidecar;
mod telemetry;
#[cfg(test)]
mod tests;
mod traffic_policy;
mod transport;
mod virtual_service;
mod wasm;
mod words;
mod workload;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use kinds::Kind;
use proto::{Type, Value, check, unknown};

/// What is wrong with a field, or odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The field, from the object.
    pub path: FieldPath,
    /// What it is, in the reference's words.
    pub message: String,
    /// What `istioctl analyze` reports instead of the message.
    pub analysis: Option<Analysis>,
}

/// A warning of a `VirtualService` for which `istioctl analyze` has a message of its own. Source: `AnalysisAwareError` in
/// `pkg/config/validation/validation.go`, `morePreciseMessage` in `pkg/config/analysis/analyzers/schema/validation.go`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Analysis {
    /// A rule that nothing reaches (IST0130).
    UnreachableRule {
        /// Its name in quotes, or its number: `"a"`, `#1`.
        rule: String,
        /// Why.
        reason: String,
    },
    /// A match that others take everything from (IST0131).
    IneffectiveMatch {
        /// The rule.
        rule: String,
        /// The match in it.
        matched: String,
        /// What takes it.
        other: String,
    },
}

impl Complaint {
    fn new(path: FieldPath, message: impl Into<String>) -> Self {
        Self { path, message: message.into(), analysis: None }
    }
}

/// What the webhook says of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused.
    pub errors: Vec<Complaint>,
    /// What it is warned of.
    pub warnings: Vec<Complaint>,
    /// How much is told: some messages hold whole lists, and objects may be large.
    told: usize,
}

/// How many bytes of messages are told of an object. What would be more is left out.
const MOST_TOLD: usize = 32 << 20;

impl Verdict {
    /// Whether it is let in.
    pub fn is_accepted(&self) -> bool {
        self.errors.is_empty()
    }

    /// Whether nothing more is told.
    fn is_full(&self) -> bool {
        self.told >= MOST_TOLD
    }

    fn refuse(&mut self, complaint: Complaint) {
        if !self.is_full() {
            self.told += complaint.message.len();
            self.errors.push(complaint);
        }
    }

    fn caution(&mut self, complaint: Complaint) {
        if !self.is_full() {
            self.told += complaint.message.len();
            self.warnings.push(complaint);
        }
    }

    fn error(&mut self, path: FieldPath, message: impl Into<String>) {
        self.refuse(Complaint::new(path, message));
    }

    fn warn(&mut self, path: FieldPath, message: impl Into<String>) {
        self.caution(Complaint::new(path, message));
    }

    /// An error of a field, if there is one.
    fn error_if(&mut self, of: &Value<'_>, name: &str, message: Option<String>) {
        if let Some(message) = message {
            self.error(of.at(name), message);
        }
    }

    /// Errors of a field.
    fn error_all(&mut self, path: &FieldPath, messages: impl IntoIterator<Item = String>) {
        messages.into_iter().for_each(|message| self.error(path.clone(), message));
    }

    /// Only the errors of what a function finds: the reference drops the warnings at some places.
    fn errors_of(&mut self, find: impl FnOnce(&mut Self)) {
        let mut own = Self::default();
        find(&mut own);
        own.errors.into_iter().for_each(|complaint| self.refuse(complaint));
    }
}

/// An object whose spec could be read.
struct Config<'t> {
    spec: Value<'t>,
    name: &'t str,
    namespace: &'t str,
    labels: Option<Node<'t>>,
    annotations: Option<Node<'t>>,
    /// It was copied since it was read, and maps without entries are lost.
    is_copy: bool,
}

impl<'t> Config<'t> {
    fn annotation(&self, key: &str) -> Option<&'t str> {
        Some(self.annotations?.get(key)?.as_str().unwrap_or_default())
    }

    fn label(&self, key: &str) -> Option<&'t str> {
        Some(self.labels?.get(key)?.as_str().unwrap_or_default())
    }
}

/// What the webhook says of an object; nothing of one of a kind that it does not look at (the fifteen of Istio's own groups are looked at). Costs a walk of
/// the object.
///
/// An object that cannot be read has a single error, that of the first field that is of the wrong type, in the words of Go's decoder.
pub fn validate(object: &Object) -> Option<Verdict> {
    let kind = kinds::of(object)?;
    let mut verdict = Verdict::default();
    if !kind.versions.contains(&object.version.as_str()) {
        let message = format!("unknown kind {}, Kind={}", object.api_version(), object.id.kind);
        verdict.error(FieldPath::keys(&["apiVersion"]), message);
        return Some(verdict);
    }
    if let Some(complaint) = metadata::unreadable(object.root()) {
        verdict.refuse(complaint);
        return Some(verdict);
    }
    let root = object.root();
    let (labels, annotations) = (root.at(&["metadata", "labels"]), root.at(&["metadata", "annotations"]));
    read(object, kind, Some((labels, annotations)), &mut verdict);
    Some(verdict)
}

/// What `istioctl analyze` reports of an object by the webhook's rules: it shows them its name, its namespace and its spec, but no labels and no
/// annotations, and takes every version. Nothing of one of another kind than [`validate`] takes; one that cannot be read has the error of
/// [`validate`], which `istioctl analyze` tells otherwise. Costs a walk of the object.
pub fn analyze(object: &Object) -> Option<Verdict> {
    let mut verdict = Verdict::default();
    read(object, kinds::of(object)?, None, &mut verdict);
    Some(verdict)
}

/// `metadata` are labels and annotations, where they are shown to the rules.
fn read<'t>(
    object: &'t Object,
    kind: &'static Kind,
    metadata: Option<(Option<Node<'t>>, Option<Node<'t>>)>,
    verdict: &mut Verdict,
) {
    let root = object.root();
    let written = root.get("spec").filter(|spec| !spec.is_null());
    // Where there is no spec, a node that has no fields stands for it.
    let node = written.unwrap_or_else(|| root.get("kind").unwrap_or(root));
    let spec = Value { node, path: FieldPath::keys(&["spec"]), kind: Type::Message(kind.message) };
    if written.is_some()
        && let Err(complaint) = check(&spec)
    {
        verdict.refuse(complaint);
        return;
    }
    let namespace = object.id.namespace.as_deref().unwrap_or_default();
    let (labels, annotations) = metadata.unwrap_or_default();
    let config =
        Config { spec, name: &object.id.name, namespace, labels, annotations, is_copy: metadata.is_none() };
    match metadata::refused(&config, kind) {
        Some(complaint) => verdict.refuse(complaint),
        None => (kind.validate)(&config, verdict),
    }
}

/// The fields of an object's `spec` that its kind does not have: the API server drops them, and refuses them under strict field validation, which is
/// `kubectl`'s default. Nothing of an object of another kind than [`validate`] takes. Costs a walk of the object.
pub fn unknown_fields(object: &Object) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if let (Some(kind), Some(node)) = (kinds::of(object), object.root().get("spec")) {
        let spec = Value { node, path: FieldPath::keys(&["spec"]), kind: Type::Message(kind.message) };
        unknown(&spec, &mut complaints);
    }
    complaints
}

/// Why an object of these kinds cannot be read at all: its first field of a wrong type, in the words of Go's decoder. Nothing of one that can, or of
/// another kind than [`validate`] takes. Costs a walk of the object.
pub fn unreadable(object: &Object) -> Option<Complaint> {
    let kind = kinds::of(object)?;
    let root = object.root();
    metadata::unreadable(root).or_else(|| {
        let node = root.get("spec").filter(|spec| !spec.is_null())?;
        check(&Value { node, path: FieldPath::keys(&["spec"]), kind: Type::Message(kind.message) }).err()
    })
}
