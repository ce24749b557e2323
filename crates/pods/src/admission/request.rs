//! An admission request, and the objects in it.

use ringwall_model::decode::{Decode, List, StringMap, fill};
use ringwall_model::decode_fields;
use ringwall_model::schema;
use ringwall_model::tree::{Kind, Node};
use ringwall_model::workload::WorkloadKind;

use crate::model::PodTemplate;

/// An admission request, borrowed from its document. Objects stay nodes until they are needed.
#[derive(Clone, Debug, Default)]
pub struct Request<'t> {
    /// `uid`: the answer repeats it.
    pub uid: &'t str,
    /// `kind`.
    pub kind: GroupVersionKind<'t>,
    /// `resource`.
    pub resource: GroupVersionResource<'t>,
    /// `requestSubResource`: the subresource as the client asked for it.
    pub subresource: &'t str,
    /// `name`.
    pub name: &'t str,
    /// `namespace`.
    pub namespace: &'t str,
    /// `operation`: `CREATE`, `UPDATE` …
    pub operation: &'t str,
    /// `userInfo`.
    pub user: User<'t>,
    /// `object`.
    pub object: Option<NodeRef<'t>>,
    /// `oldObject`.
    pub old_object: Option<NodeRef<'t>>,
}
decode_fields!(Request<'t> {
    "uid" => uid,
    "kind" => kind,
    "resource" => resource,
    "requestSubResource" => subresource,
    "name" => name,
    "namespace" => namespace,
    "operation" => operation,
    "userInfo" => user,
    "object" => object,
    "oldObject" => old_object,
});

/// `userInfo`.
#[derive(Clone, Debug, Default)]
pub struct User<'t> {
    /// `username`.
    pub name: &'t str,
}
decode_fields!(User<'t> { "username" => name });

/// `kind` of a request.
#[derive(Clone, Debug, Default)]
pub struct GroupVersionKind<'t> {
    /// `group`.
    pub group: &'t str,
    /// `version`.
    pub version: &'t str,
    /// `kind`.
    pub kind: &'t str,
}
decode_fields!(GroupVersionKind<'t> { "group" => group, "version" => version, "kind" => kind });

/// `resource` of a request.
#[derive(Clone, Debug, Default)]
pub struct GroupVersionResource<'t> {
    /// `group`.
    pub group: &'t str,
    /// `resource`.
    pub resource: &'t str,
}
decode_fields!(GroupVersionResource<'t> { "group" => group, "resource" => resource });

/// A node that is kept for later.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeRef<'t>(Option<Node<'t>>);

impl<'t> Decode<'t> for NodeRef<'t> {
    fn decode(&mut self, node: Node<'t>) {
        self.0 = Some(node);
    }
}

impl<'t> Request<'t> {
    /// Reads a request from the node under `request` of an `AdmissionReview`.
    pub fn read(node: Node<'t>) -> Self {
        let mut request = Self::default();
        fill(&mut request, node);
        request
    }

    pub(super) fn object(&self) -> Option<Node<'t>> {
        self.object.and_then(|object| object.0)
    }

    pub(super) fn old_object(&self) -> Option<Node<'t>> {
        self.old_object.and_then(|object| object.0)
    }
}

/// A pod that runs already, as far as a namespace's dry run looks at it.
#[derive(Clone, Debug, Default)]
pub struct RunningPod<'t> {
    /// Its name.
    pub name: &'t str,
    /// The uid of its controller.
    pub controller: Option<&'t str>,
    /// The pod.
    pub template: PodTemplate<'t>,
}

#[derive(Default)]
struct PodMetadata<'t> {
    name: &'t str,
    owners: List<OwnerReference<'t>>,
}
decode_fields!(PodMetadata<'t> { "name" => name, "ownerReferences" => owners });

#[derive(Default)]
struct OwnerReference<'t> {
    uid: &'t str,
    controller: Option<bool>,
}
decode_fields!(OwnerReference<'t> { "uid" => uid, "controller" => controller });

impl<'t> RunningPod<'t> {
    /// Reads a pod whose types are known to be right.
    pub fn read(node: Node<'t>) -> Self {
        let mut metadata = PodMetadata::default();
        let mut template = PodTemplate::default();
        fill(&mut template, node);
        for entry in node.entries().filter(|entry| entry.key == "metadata") {
            fill(&mut metadata, entry.value);
        }
        let controller =
            metadata.owners.iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid);
        Self { name: metadata.name, controller, template }
    }
}

/// An object of a request, decoded as far as its kind.
pub(super) struct Decoded<'t> {
    pub(super) node: Node<'t>,
    pub(super) group: &'t str,
    pub(super) version: &'t str,
    pub(super) kind: &'t str,
    pub(super) workload: Option<&'static WorkloadKind>,
}

/// Finds the kind of an object (where it does not say, the request's) and checks its types.
pub(super) fn decode_object<'t>(
    request: &Request<'t>,
    object: Option<Node<'t>>,
) -> Result<Option<Decoded<'t>>, String> {
    let Some(node) = object else { return Ok(None) };
    if node.kind() != Kind::Mapping {
        return Err(format!("expected a mapping, got {}", node.kind().described()));
    }
    let text = |key: &str| match node.get(key) {
        Some(value) if !value.is_null() => value
            .as_str()
            .ok_or_else(|| format!("{key}: expected a string, got {}", value.kind().described())),
        _ => Ok(""),
    };
    let (api_version, mut kind) = (text("apiVersion")?, text("kind")?);
    let (mut group, mut version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    if kind.is_empty() {
        kind = request.kind.kind;
    }
    if group.is_empty() && version.is_empty() {
        (group, version) = (request.kind.group, request.kind.version);
    } else if version.is_empty() && group == request.kind.group {
        version = request.kind.version;
    }
    let list = kind.strip_suffix("List").filter(|_| node.get("items").is_some());
    let schema = schema::of(group, version, kind).filter(|_| matches!(group, "" | "apps" | "batch"));
    match (schema, list.and_then(|kind| schema::of(group, version, kind))) {
        (Some(schema), _) => {
            if !schema.accepts(node) {
                let error = schema.check(node).into_iter().next();
                return Err(error
                    .map_or_else(|| "the object cannot be decoded".to_owned(), |error| error.to_string()));
            }
        }
        (None, Some(_)) => {}
        (None, None) => {
            let api_version = qualified_version(group, version);
            return Err(format!("no kind \"{kind}\" is registered for version \"{api_version}\""));
        }
    }
    Ok(Some(Decoded { node, group, version, kind, workload: WorkloadKind::of(group, kind) }))
}

fn qualified_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

pub(super) fn pod_of<'t>(
    request: &Request<'t>,
    object: Option<Node<'t>>,
) -> Result<Option<PodTemplate<'t>>, String> {
    let decoded = decode_object(request, object)?;
    Ok(decoded.filter(|decoded| decoded.workload.is_some_and(WorkloadKind::is_pod)).map(|decoded| {
        let mut pod = PodTemplate::default();
        fill(&mut pod, decoded.node);
        pod
    }))
}

#[derive(Default)]
struct NamespaceObject<'t> {
    metadata: NamespaceMetadata<'t>,
}
decode_fields!(NamespaceObject<'t> { "metadata" => metadata });

#[derive(Default)]
struct NamespaceMetadata<'t> {
    name: &'t str,
    labels: StringMap<'t>,
}
decode_fields!(NamespaceMetadata<'t> { "name" => name, "labels" => labels });

/// The labels of a namespace object; `None` where the object is something else.
pub(super) fn labels_of<'t>(
    request: &Request<'t>,
    object: Option<Node<'t>>,
) -> Result<Option<StringMap<'t>>, String> {
    let decoded = decode_object(request, object)?;
    Ok(decoded.filter(|decoded| decoded.group.is_empty() && decoded.kind == "Namespace").map(|decoded| {
        let mut namespace = NamespaceObject::default();
        fill(&mut namespace, decoded.node);
        namespace.metadata.labels
    }))
}

pub(super) fn name_of(object: Option<Node<'_>>) -> &str {
    let mut namespace = NamespaceObject::default();
    if let Some(node) = object {
        fill(&mut namespace, node);
    }
    namespace.metadata.name
}
