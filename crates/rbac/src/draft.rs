//! Roles and bindings as somebody writes them, with all of their metadata: what validation, escalation checks and reconciliation look at, and
//! the authorizer does not. Source: k8s.io/apimachinery `pkg/apis/meta/v1/types.go` (`ObjectMeta`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use ringwall_model::decode::{Decode, Fields, List, fill};
use ringwall_model::decode_fields;
use ringwall_model::object::Object;
use ringwall_model::tree::Node;

use crate::model::{Origin, RbacObject, Subject};

/// Labels or annotations; `None` where there is no such field, which differs from an empty one in what is reconciled.
pub type Texts = Option<BTreeMap<String, String>>;

/// The metadata of an object, as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectMeta {
    /// `name`; empty where there is only a `generateName`.
    pub name: String,
    /// `generateName`.
    pub generate_name: String,
    /// `namespace`, which an object of all namespaces should not have.
    pub namespace: String,
    /// `selfLink`, long unused.
    pub self_link: String,
    /// `uid`.
    pub uid: String,
    /// `resourceVersion`.
    pub resource_version: String,
    /// `generation`.
    pub generation: i64,
    /// `creationTimestamp`.
    pub creation_timestamp: Option<Time>,
    /// `deletionTimestamp`.
    pub deletion_timestamp: Option<Time>,
    /// `deletionGracePeriodSeconds`.
    pub deletion_grace_period_seconds: Option<i64>,
    /// `labels`.
    pub labels: Texts,
    /// `annotations`.
    pub annotations: Texts,
    /// `ownerReferences`.
    pub owner_references: List<OwnerReference>,
    /// `finalizers`.
    pub finalizers: List<String>,
    /// `managedFields`.
    pub managed_fields: List<ManagedFields>,
}

decode_fields!(ObjectMeta {
    "name" => name,
    "generateName" => generate_name,
    "namespace" => namespace,
    "selfLink" => self_link,
    "uid" => uid,
    "resourceVersion" => resource_version,
    "generation" => generation,
    "creationTimestamp" => creation_timestamp,
    "deletionTimestamp" => deletion_timestamp,
    "deletionGracePeriodSeconds" => deletion_grace_period_seconds,
    "labels" => labels,
    "annotations" => annotations,
    "ownerReferences" => owner_references,
    "finalizers" => finalizers,
    "managedFields" => managed_fields,
});

/// An owner of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnerReference {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `name`.
    pub name: String,
    /// `uid`.
    pub uid: String,
    /// `controller`.
    pub controller: Option<bool>,
    /// `blockOwnerDeletion`.
    pub block_owner_deletion: Option<bool>,
}

decode_fields!(OwnerReference {
    "apiVersion" => api_version,
    "kind" => kind,
    "name" => name,
    "uid" => uid,
    "controller" => controller,
    "blockOwnerDeletion" => block_owner_deletion,
});

/// What one manager says of its fields, as far as it is validated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManagedFields {
    /// `manager`.
    pub manager: String,
    /// `operation`.
    pub operation: String,
    /// `fieldsType`.
    pub fields_type: String,
    /// `subresource`.
    pub subresource: String,
}

decode_fields!(ManagedFields {
    "manager" => manager,
    "operation" => operation,
    "fieldsType" => fields_type,
    "subresource" => subresource,
});

/// A point in time as it is written. Two are equal where they mean the same instant.
#[derive(Clone, Debug, Default)]
pub struct Time(pub String);

impl Time {
    /// The instant; `None` where the text states none.
    pub fn instant(&self) -> Option<Timestamp> {
        self.0.parse().ok()
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        match (self.instant(), other.instant()) {
            (Some(one), Some(other)) => one == other,
            _ => self.0 == other.0,
        }
    }
}

impl Decode<'_> for Time {
    fn decode(&mut self, node: Node<'_>) {
        self.0.decode(node);
    }
}

impl ObjectMeta {
    /// Whether two differ by nothing but what a garbage collector must be able to change.
    /// Source: k8s.io/kubernetes `pkg/registry/rbac/helpers.go` (`IsOnlyMutatingGCFields`).
    fn is_for_gc_as(&self, other: &Self) -> bool {
        // Everything is stated, so that a field that is added cannot be forgotten here.
        let Self {
            name,
            generate_name,
            namespace,
            self_link: _,
            uid,
            resource_version,
            generation,
            creation_timestamp,
            deletion_timestamp,
            deletion_grace_period_seconds,
            labels,
            annotations,
            owner_references: _,
            finalizers: _,
            managed_fields: _,
        } = self;
        *name == other.name
            && *generate_name == other.generate_name
            && *namespace == other.namespace
            && *uid == other.uid
            && *resource_version == other.resource_version
            && *generation == other.generation
            && *creation_timestamp == other.creation_timestamp
            && *deletion_timestamp == other.deletion_timestamp
            && *deletion_grace_period_seconds == other.deletion_grace_period_seconds
            && same_texts(labels, &other.labels)
            && same_texts(annotations, &other.annotations)
    }
}

/// Whether both hold the same, where none is as good as an empty one.
fn same_texts(one: &Texts, other: &Texts) -> bool {
    let (one, other) = (one.iter().flatten(), other.iter().flatten());
    one.eq(other)
}

/// A role or binding as somebody writes it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its metadata. Of an object in a namespace that states none, the namespace is the one that it was read with.
    pub meta: ObjectMeta,
    /// The rest of it, as written: groups of a `roleRef` and of subjects are not completed.
    pub object: RbacObject,
}

#[derive(Default)]
struct Wire(ObjectMeta);

impl<'t> Fields<'t> for Wire {
    fn field(&mut self, key: &'t str, value: Node<'t>) {
        if key == "metadata" {
            self.0.decode(value);
        }
    }
}

impl Draft {
    /// Reads an object of RBAC; `None` where it is none. One that states no namespace and is of a kind in namespaces is in
    /// `default_namespace`.
    pub fn read(object: &Object, default_namespace: &str) -> Option<Self> {
        let read = RbacObject::read_as_written(object, Origin::None, default_namespace)?;
        let mut wire = Wire::default();
        fill(&mut wire, object.root());
        let Wire(mut meta) = wire;
        if let Some(namespace) = read.namespace() {
            namespace.clone_into(&mut meta.namespace);
        }
        Some(Self { meta, object: read })
    }

    /// The namespace; `""` for an object of all namespaces, whatever it states.
    pub fn namespace(&self) -> &str {
        self.object.namespace().unwrap_or_default()
    }

    /// As the API server completes it.
    #[must_use]
    pub fn completed(&self) -> Self {
        let mut completed = self.clone();
        completed.object.complete();
        completed
    }

    /// As the API server prepares it before it is validated: completed, with what only the server sets. An object that is created is wiped of it
    /// and has its name made; one that is written over another takes it from there.
    /// Sources: k8s.io/apiserver `pkg/registry/rest/{meta,create,update}.go`, `pkg/registry/generic/registry/store.go`.
    #[must_use]
    pub fn prepared(&self, old: Option<&Self>) -> Self {
        let mut prepared = self.completed();
        let meta = &mut prepared.meta;
        if self.object.namespace().is_none() {
            meta.namespace.clear();
        }
        let Some(old) = old.map(|old| &old.meta) else {
            meta.uid.clear();
            meta.self_link.clear();
            meta.creation_timestamp = None;
            meta.deletion_timestamp = None;
            meta.deletion_grace_period_seconds = None;
            if meta.name.is_empty() && !meta.generate_name.is_empty() {
                // Any five letters and digits will do.
                meta.name = format!("{}xxxxx", meta.generate_name);
            }
            return prepared;
        };
        meta.generation = old.generation;
        if meta.uid.is_empty() {
            old.uid.clone_into(&mut meta.uid);
        }
        if old.creation_timestamp.is_some() {
            meta.creation_timestamp.clone_from(&old.creation_timestamp);
        }
        if old.deletion_timestamp.is_some() {
            meta.deletion_timestamp.clone_from(&old.deletion_timestamp);
        }
        if meta.deletion_grace_period_seconds.is_none() {
            meta.deletion_grace_period_seconds = old.deletion_grace_period_seconds;
        }
        // No version is any version. What was not read from a cluster states none, and would have one there.
        if meta.resource_version.is_empty() {
            let version = if old.resource_version.is_empty() { "1" } else { &old.resource_version };
            version.clone_into(&mut meta.resource_version);
        }
        prepared
    }

    /// What comes of it where it is applied over `old`, as `kubectl apply` does it: what it does not state of its metadata is the old object's.
    #[must_use]
    pub fn applied_over(&self, old: &Self) -> Self {
        let mut meta = old.meta.clone();
        let new = &self.meta;
        for (new, meta) in [(&new.labels, &mut meta.labels), (&new.annotations, &mut meta.annotations)] {
            if let Some(new) = new {
                let added = new.iter().map(|(key, value)| (key.clone(), value.clone()));
                meta.get_or_insert_default().extend(added);
            }
        }
        if !new.finalizers.is_empty() {
            meta.finalizers.clone_from(&new.finalizers);
        }
        if !new.owner_references.is_empty() {
            meta.owner_references.clone_from(&new.owner_references);
        }
        Self { meta, object: self.object.clone() }
    }

    /// Whether writing it over `old` changes nothing but finalizers, owners and managed fields. Empty lists and maps are as good as none;
    /// the order of a list counts. Source: as [`ObjectMeta::is_for_gc_as`].
    pub(crate) fn changes_only_for_gc(&self, old: &Self) -> bool {
        if !self.meta.is_for_gc_as(&old.meta) {
            return false;
        }
        match (&self.object, &old.object) {
            (RbacObject::Role(role), RbacObject::Role(old)) => {
                role.kind() == old.kind() && role.rules == old.rules && role.aggregation == old.aggregation
            }
            (RbacObject::Binding(binding), RbacObject::Binding(old)) => {
                let subjects = |list: &[Subject]| list.iter().map(Subject::completed).collect::<Vec<_>>();
                binding.kind() == old.kind()
                    && binding.role_ref.completed() == old.role_ref.completed()
                    && subjects(&binding.subjects) == subjects(&old.subjects)
            }
            _ => false,
        }
    }
}

/// As if it were written with no more metadata than the authorizer knows.
impl From<RbacObject> for Draft {
    fn from(object: RbacObject) -> Self {
        let some = |map: &BTreeMap<String, String>| (!map.is_empty()).then(|| map.clone());
        let (labels, annotations) = match &object {
            RbacObject::Role(role) => (some(&role.labels), some(&role.annotations)),
            RbacObject::Binding(_) => (None, None),
        };
        let meta = ObjectMeta {
            name: object.name().to_owned(),
            namespace: object.namespace().unwrap_or_default().to_owned(),
            labels,
            annotations,
            ..ObjectMeta::default()
        };
        Self { meta, object }
    }
}
