//! One Kubernetes object: who it is, and where it was read.

use std::fmt;
use std::sync::Arc;

use crate::path::FieldPath;
use crate::text::{Position, Source, Span};
use crate::tree::{Node, Tree};

/// Who an object is. Two objects with equal ids are the same object for the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind, as written.
    pub kind: String,
    /// Namespace, as written. `None` is kept apart from `default`: the cluster decides it at apply time.
    pub namespace: Option<String>,
    /// Name; where there is only a `generateName`, that with `*` behind it.
    pub name: String,
}

/// The kinds of Kubernetes' own APIs whose objects live outside of namespaces, with their groups.
const CLUSTER_WIDE: [(&str, &str); 36] = [
    ("", "ComponentStatus"),
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("certificates.k8s.io", "ClusterTrustBundle"),
    ("extensions", "PodSecurityPolicy"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    ("internal.apiserver.k8s.io", "StorageVersion"),
    ("networking.k8s.io", "IPAddress"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "ServiceCIDR"),
    ("node.k8s.io", "RuntimeClass"),
    ("policy", "PodSecurityPolicy"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("resource.k8s.io", "DeviceClass"),
    ("resource.k8s.io", "DeviceTaintRule"),
    ("resource.k8s.io", "ResourcePoolStatusRequest"),
    ("resource.k8s.io", "ResourceSlice"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "CSINode"),
    ("storage.k8s.io", "StorageClass"),
    ("storage.k8s.io", "VolumeAttachment"),
    ("storage.k8s.io", "VolumeAttributesClass"),
    ("storagemigration.k8s.io", "StorageVersionMigration"),
];

impl ObjectId {
    /// Whether it is of a kind of Kubernetes' own that lives outside of namespaces. Of custom kinds nothing is known.
    pub fn is_cluster_wide(&self) -> bool {
        CLUSTER_WIDE.contains(&(self.group.as_str(), self.kind.as_str()))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// How a text came to be.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Rendering {
    /// A file that the user wrote.
    #[default]
    None,
    /// What `helm template` or `kustomize build` printed for this directory. Never edited.
    Rendered {
        /// The program, as it was called.
        by: &'static str,
        /// The template that this document comes from, from its `# Source:` line.
        template: Option<String>,
    },
}

/// One object with its text.
#[derive(Clone, Debug)]
pub struct Object {
    tree: Arc<Tree>,
    root: u32,
    /// Who it is.
    pub id: ObjectId,
    /// API version without the group: `v1`, `v1beta1`.
    pub version: String,
    /// Where it stands in its document: empty, or `items[3]` of a List.
    pub within: FieldPath,
    /// How its text came to be.
    pub rendering: Rendering,
}

/// Why a node is no Kubernetes object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAnObject {
    /// No `apiVersion` and `kind` at all: some other YAML (chart values, a workflow).
    Foreign,
    /// It means to be an object, but something about its identity is wrong.
    Broken {
        /// The field.
        path: FieldPath,
        /// What is wrong, as a sentence without full stop.
        message: String,
        /// Where.
        span: Span,
    },
}

impl Object {
    /// Reads the identity of the object at node `root` of `tree`.
    ///
    /// # Errors
    /// [`NotAnObject`] where the node has not both `apiVersion` and `kind` as text, or identity fields of the
    /// wrong type.
    pub fn read(tree: &Arc<Tree>, root: Node<'_>, within: FieldPath) -> Result<Self, NotAnObject> {
        Self::read_as(tree, root, within, None)
    }

    /// As [`Object::read`], for an item of a typed list (`PodList`): one that states neither `apiVersion` nor
    /// `kind` is of those given.
    ///
    /// # Errors
    /// As [`Object::read`].
    pub fn read_item(
        tree: &Arc<Tree>,
        root: Node<'_>,
        within: FieldPath,
        api_version: &str,
        kind: &str,
    ) -> Result<Self, NotAnObject> {
        Self::read_as(tree, root, within, Some((api_version, kind)))
    }

    fn read_as(
        tree: &Arc<Tree>,
        root: Node<'_>,
        within: FieldPath,
        unstated: Option<(&str, &str)>,
    ) -> Result<Self, NotAnObject> {
        let broken = |keys: &[&str], node: Node<'_>, expected: &str| NotAnObject::Broken {
            path: FieldPath::keys(keys),
            message: format!("expected {expected}, got {}", node.kind().described()),
            span: node.span(),
        };
        let field = |key: &str| root.get(key).filter(|node| !node.is_null());
        let (api_version, kind) = match (field("apiVersion"), field("kind"), unstated) {
            (Some(api_version), Some(kind), _) => (
                api_version.as_str().ok_or_else(|| broken(&["apiVersion"], api_version, "a string"))?,
                kind.as_str().ok_or_else(|| broken(&["kind"], kind, "a string"))?,
            ),
            (None, None, Some(given)) if root.kind() == crate::tree::Kind::Mapping => given,
            _ => return Err(NotAnObject::Foreign),
        };
        if api_version.is_empty() || kind.is_empty() {
            return Err(NotAnObject::Foreign);
        }
        let text = |key: &str| -> Result<Option<&str>, NotAnObject> {
            let Some(metadata) = field("metadata") else { return Ok(None) };
            if metadata.kind() != crate::tree::Kind::Mapping {
                return Err(broken(&["metadata"], metadata, "a mapping"));
            }
            match metadata.get(key).filter(|node| !node.is_null()) {
                None => Ok(None),
                Some(node) => match node.as_str() {
                    Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
                    None => Err(broken(&["metadata", key], node, "a string")),
                },
            }
        };
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let name = match text("name")? {
            Some(name) => name.to_owned(),
            None => text("generateName")?.map(|prefix| format!("{prefix}*")).unwrap_or_default(),
        };
        let id = ObjectId {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: text("namespace")?.map(str::to_owned),
            name,
        };
        let version = version.to_owned();
        Ok(Self {
            root: root.index(),
            tree: Arc::clone(tree),
            id,
            version,
            within,
            rendering: Rendering::None,
        })
    }

    /// The object's node.
    pub fn root(&self) -> Node<'_> {
        self.tree.node(self.root)
    }

    /// The text that the object was read from.
    pub fn source(&self) -> &Arc<Source> {
        self.tree.source()
    }

    /// Group and version, as in `apiVersion`.
    pub fn api_version(&self) -> String {
        if self.id.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.id.group, self.version)
        }
    }

    /// Whether it is of this group and kind, in any version.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.id.group == group && self.id.kind == kind
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        // A null value is the zero value, as in Go.
        let value = self.root().at(&["metadata", "labels"])?.get(key)?;
        if value.is_null() { Some("") } else { value.as_str() }
    }

    /// `metadata.uid`, where it is there.
    pub fn uid(&self) -> Option<&str> {
        self.root().str_at(&["metadata", "uid"]).filter(|uid| !uid.is_empty())
    }

    /// Where a user should look for `path`, as line and column of the source.
    /// See [`Node::home_of`].
    pub fn locate(&self, path: &FieldPath) -> Position {
        self.source().position(self.root().home_of(path).start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_like_kubectl() {
        let mut id = ObjectId { kind: "Pod".into(), name: "web".into(), ..ObjectId::default() };
        assert_eq!(id.to_string(), "Pod web");
        id.namespace = Some("shop".into());
        assert_eq!(id.to_string(), "Pod shop/web");
    }
}
