//! Pod hardening: what the Pod Security Standards do not ask for and a careful owner does all the same.
//!
//! A new check is a new file (or a place in the file of its family) with a [`HardeningCheck`], and one line in
//! [`CHECKS`]. A check is a pure function from a [`Subject`] to [`Flaw`]s; its example in `bad` must be found by it and
//! the one in `good` must not, which a test demands of each.

mod accounts;
mod confinement;
mod credentials;
mod environment;
mod host_paths;
mod hygiene;
mod identity;
pub(crate) mod images;
mod isolation;
pub mod model;
pub mod node_access;
mod probes;
pub mod repair;
mod resources;
mod root_filesystem;
mod selectors;
#[cfg(test)]
mod tests;
mod windows;

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

pub use self::accounts::{ACCOUNT_CHECKS, find_in_account, find_in_namespace, mend_account};
pub use self::host_paths::mounts_of;
use self::model::{Container, Pod};
use self::repair::Repair;
use crate::model::{ContainerList, Place, below};

/// A check of pod hardening.
#[derive(Debug)]
pub struct HardeningCheck {
    /// What is said about it.
    pub about: Check,
    /// Collects what is wrong with a workload.
    pub find: for<'a, 't> fn(&Subject<'a, 't>, &mut Vec<Flaw>),
    /// How one flaw is mended, or why it cannot be without knowing more.
    pub repair: Repair,
}

/// All checks of workloads, by id.
pub static CHECKS: &[HardeningCheck] = &[
    root_filesystem::CHECK,
    resources::MEMORY_LIMIT,
    resources::MEMORY_REQUEST,
    resources::CPU_LIMIT,
    resources::CPU_REQUEST,
    accounts::TOKEN_MOUNTED,
    accounts::DEFAULT_ACCOUNT,
    accounts::MISSING_ACCOUNT,
    accounts::DEPRECATED_FIELD,
    images::TAG_NOT_FIXED,
    images::WITHOUT_DIGEST,
    images::STALE,
    images::RETIRED_REGISTRY,
    images::RETIRED_INGRESS_NGINX,
    images::FORBIDDEN_REGISTRY,
    probes::LIVENESS,
    probes::READINESS,
    isolation::HOST_ALIAS,
    isolation::SHARED_PROCESSES,
    isolation::NO_USER_NAMESPACE,
    identity::ROOT_GROUP,
    identity::LOW_USER_ID,
    identity::ROOT_FS_GROUP,
    identity::NO_FS_GROUP,
    identity::NO_FS_GROUP_CHANGE_POLICY,
    identity::ROOT_SUPPLEMENTAL_GROUP,
    environment::SECRET,
    environment::DUPLICATE,
    credentials::LITERAL,
    host_paths::RUNTIME_SOCKET,
    host_paths::SENSITIVE,
    host_paths::WRITABLE,
    host_paths::CLAIM,
    host_paths::SUB_PATH,
    confinement::APP_ARMOR,
    confinement::SE_LINUX,
    confinement::NOTHING,
    windows::ADMINISTRATOR,
    windows::NO_GMSA,
    hygiene::SUDO,
    hygiene::DEFAULT_NAMESPACE,
    hygiene::NAKED_POD,
    hygiene::MISSING_LABEL,
    selectors::MISMATCH,
    hygiene::NOT_ROLLING,
    hygiene::SCHEDULED,
    isolation::SANDBOX_RUNTIME,
    resources::OUT_OF_BOUNDS,
    accounts::POWERFUL_TOKEN,
];

/// What the owner of a cluster states about it, for the checks that cannot know by themselves.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Registries or repositories (`registry.example.com`, `docker.io/library`) that images may come from; any where
    /// the list is empty.
    pub allowed_registries: Vec<String>,
    /// Registries or repositories that images may not come from.
    pub blocked_registries: Vec<String>,
    /// Further image tags that move, beside those that do so by their name.
    pub floating_tags: Vec<String>,
    /// Labels that each workload's pods must have.
    pub required_labels: Vec<String>,
    /// Labels of which each workload's pods must have one, in the place of those that Kubernetes recommends.
    pub recommended_labels: Vec<String>,
    /// Registries or repositories whose images need no digest.
    pub digest_exempt: Vec<String>,
    /// Runtime classes that a sandbox may have; any where the list is empty.
    pub sandbox_runtime_classes: Vec<String>,
    /// Bounds of `resources.limits.cpu`.
    pub cpu_limit: Bounds,
    /// Bounds of `resources.requests.cpu`.
    pub cpu_request: Bounds,
    /// Bounds of `resources.limits.memory`.
    pub memory_limit: Bounds,
    /// Bounds of `resources.requests.memory`.
    pub memory_request: Bounds,
}

/// Between which amounts a resource must be, as Kubernetes writes quantities (`500m`, `128Mi`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub least: Option<String>,
    /// The most.
    pub most: Option<String>,
}

/// What other objects say that matters for a workload. Each is what the input holds; an object that is not in the
/// input is not known, and no check takes its absence for a fact.
#[derive(Clone, Debug, Default)]
pub struct Surroundings<'s> {
    /// `automountServiceAccountToken` of the pod's service account.
    pub account_automounts: Option<bool>,
    /// Whether the pod's service account is in the input.
    pub account_known: bool,
    /// Whether the input holds any service account of the pod's namespace, so that it likely holds all.
    pub accounts_listed: bool,
    /// Whether a role is bound to the pod's service account itself: then its token is there to be used.
    pub account_bound: bool,
    /// How far the rights lead that bindings give the pod's service account itself, where they do.
    pub account_rights: Option<AccountRights<'s>>,
    /// The paths of the node that the pod's claims lead to, by name of the claim: path, and the volume that has it.
    pub claims: Vec<(&'s str, NodePath<'s>)>,
}

/// Rights of a service account that lead further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRights<'s> {
    /// How far.
    pub severity: Severity,
    /// What they lead to, as it follows `may`.
    pub may: &'s str,
    /// A binding that gives them, as `ClusterRoleBinding ci`.
    pub binding: &'s str,
}

/// A path of the node behind a `PersistentVolume`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodePath<'s> {
    /// The path.
    pub path: &'s str,
    /// The name of the `PersistentVolume`.
    pub volume: &'s str,
}

/// Whether an object that makes no pods is in the namespace `default`, of the kinds of which that is said. What the cluster itself
/// puts there is not meant.
pub fn find_in_default_namespace(object: &Object) -> Option<(&'static Check, Flaw)> {
    let (group, kind, name) = (object.id.group.as_str(), object.id.kind.as_str(), object.id.name.as_str());
    let of_the_cluster = match (group, kind) {
        ("", "ServiceAccount") => name == "default",
        ("", "ConfigMap") => name == "kube-root-ca.crt",
        ("", "Service" | "Endpoints") | ("discovery.k8s.io", "EndpointSlice") => name == "kubernetes",
        ("", "Secret" | "PersistentVolumeClaim")
        | ("networking.k8s.io" | "extensions", "Ingress")
        | ("autoscaling", "HorizontalPodAutoscaler")
        | ("policy", "PodDisruptionBudget")
        | ("rbac.authorization.k8s.io", "Role" | "RoleBinding")
        | ("coordination.k8s.io", "Lease")
        | ("storage.k8s.io", "CSIStorageCapacity") => false,
        _ => return None,
    };
    if of_the_cluster {
        return None;
    }
    let check = CHECKS.iter().find(|check| check.about.id == hygiene::DEFAULT_NAMESPACE.about.id)?;
    Some((&check.about, hygiene::in_default_namespace(object)?))
}

/// A workload as the checks see it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a, 't> {
    /// The object.
    pub object: &'a Object,
    /// Its pod, or the template of its pods.
    pub pod: &'a Pod<'t>,
    /// Whether the object is a pod itself.
    pub is_pod: bool,
    /// Whether another object of the input makes it.
    pub is_owned: bool,
    /// Whether it is a pod of the control plane itself: the kubelet runs it from a file, without the API server, and it must have
    /// what it has of the node.
    pub is_control_plane: bool,
    /// What other objects say.
    pub surroundings: &'a Surroundings<'a>,
    /// What the owner of the cluster states.
    pub settings: &'a Settings,
}

/// Where a flaw is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// In the pod template: a part of the pod and a field below it; `[]` in the field stands for the index.
    Template(Place, &'static str, u32),
    /// In the pod template, under a key that is data: a label.
    TemplatePath(FieldPath),
    /// In the object, outside of the pod template.
    Object(FieldPath),
}

impl At {
    /// The field: from the pod template (true), or from the object (false).
    pub fn path(&self) -> (FieldPath, bool) {
        match self {
            Self::Template(place, field, index) => (below(*place, field, *index), true),
            Self::TemplatePath(path) => (path.clone(), true),
            Self::Object(path) => (path.clone(), false),
        }
    }
}

/// What is wrong at one place of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where.
    pub at: At,
    /// What is wrong, as a sentence without full stop. It holds each part of the witness.
    pub message: String,
    /// What tells it from others of the same check: names and values, parted by `/`.
    pub witness: String,
    /// How bad it is, where that differs from the check's own severity.
    pub severity: Option<Severity>,
    /// Further places that make it one: the name beside a value, the mounts of a volume.
    pub related: Vec<At>,
    /// Whether it is that something is missing. It is not said of a template that an operator completes.
    pub missing: bool,
}

impl Flaw {
    /// A flaw in a value that is there.
    pub(crate) fn present(at: At, witness: impl Into<String>, message: String) -> Self {
        Self { at, message, witness: witness.into(), severity: None, related: Vec::new(), missing: false }
    }

    /// A flaw that consists in a value not being there.
    pub(crate) fn missing(at: At, witness: impl Into<String>, message: String) -> Self {
        Self { at, message, witness: witness.into(), severity: None, related: Vec::new(), missing: true }
    }

    /// With another severity than the check's.
    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// With a further place.
    pub(crate) fn related(mut self, at: At) -> Self {
        self.related.push(at);
        self
    }

    /// The field: from the pod template (true), or from the object (false).
    pub fn path(&self) -> (FieldPath, bool) {
        self.at.path()
    }

    /// The part of the pod, where it is in one.
    pub const fn place(&self) -> Option<Place> {
        match &self.at {
            At::Template(place, ..) => Some(*place),
            At::TemplatePath(_) | At::Object(_) => None,
        }
    }
}

impl<'t> Subject<'_, 't> {
    /// The container at a place.
    pub fn container(&self, place: Place) -> Option<&Container<'t>> {
        match place {
            Place::Container { list, index } => self.pod.spec.list(list).get(index as usize),
            _ => None,
        }
    }
}

/// How a container is called in messages: `init container "setup"`.
pub(crate) fn who(place: Place, container: &Container<'_>) -> String {
    let noun = match place {
        Place::Container { list: ContainerList::Init, .. } if container.restart_policy == "Always" => {
            "sidecar"
        }
        Place::Container { list, .. } => list.noun(),
        _ => "the pod",
    };
    format!("{noun} \"{}\"", container.name)
}

/// What checks say that hold in every version.
pub(crate) const EVERY_VERSION: &str = "Every version of Kubernetes.";
/// The Kubernetes documentation of security contexts.
pub(crate) const SECURITY_CONTEXT: &str =
    "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";
