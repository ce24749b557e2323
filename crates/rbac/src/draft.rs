//! Roles and bindings as somebody writes them, with all of their metadata: what validation, escalation checks and reconciliation look at, and
//! the authorizer does not. Source: k8s.io/apimachinery `pkg/apis/meta/v1/types.go` (`ObjectMeta`).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use ringwall_model::decode::{Decode, Fields, List, fill};
use ringwall_model::decode_fields;
use ringwall_model::object::Object;
use ringwall_model::tree::{Kind, Node};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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

impl OwnerReference {
    /// Takes over what a patch states of the same owner.
    fn merge(&mut self, new: &Self) {
        let texts = [
            (&new.api_version, &mut self.api_version),
            (&new.kind, &mut self.kind),
            (&new.name, &mut self.name),
        ];
        for (new, old) in texts.into_iter().filter(|(new, _)| !new.is_empty()) {
            old.clone_from(new);
        }
        self.controller = new.controller.or(self.controller);
        self.block_owner_deletion = new.block_owner_deletion.or(self.block_owner_deletion);
    }
}

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

/// Which fields a text states. A patch leaves the others alone, and takes away those that are null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// All that the object has: it was not read from a text.
    #[default]
    Everything,
    /// Fields of mappings by their keys from the root, and whether they are null. What lies within a list is not told apart.
    Fields(BTreeMap<Vec<String>, bool>),
}

impl Said {
    /// What a text states.
    pub fn of(root: Node<'_>) -> Self {
        fn walk(node: Node<'_>, at: &mut Vec<String>, fields: &mut BTreeMap<Vec<String>, bool>) {
            for entry in node.entries() {
                at.push(entry.key.to_owned());
                fields.insert(at.clone(), entry.value.is_null());
                if entry.value.kind() == Kind::Mapping {
                    walk(entry.value, at, fields);
                }
                at.pop();
            }
        }
        let mut fields = BTreeMap::new();
        walk(root, &mut Vec::new(), &mut fields);
        Self::Fields(fields)
    }

    /// The same, with null for each field that `last` states and this does not: so `kubectl apply` takes away what it had put there.
    #[must_use]
    pub fn taking_away(&self, last: &BTreeSet<Vec<String>>) -> Self {
        let Self::Fields(fields) = self else { return Self::Everything };
        let mut all = fields.clone();
        // It writes an annotation of its own, so that annotations never go as a whole.
        all.insert(vec!["metadata".to_owned(), "annotations".to_owned()], false);
        for path in last {
            // Of what goes as a whole, no part is named.
            let parent_stays = (1..path.len()).all(|length| all.get(&path[..length]) == Some(&false));
            if parent_stays && !all.contains_key(path) {
                all.insert(path.clone(), true);
            }
        }
        Self::Fields(all)
    }

    /// The fields that are stated and not null; none where nothing is known of a text.
    pub fn paths(&self) -> BTreeSet<Vec<String>> {
        match self {
            Self::Everything => BTreeSet::new(),
            Self::Fields(fields) => {
                fields.iter().filter(|(_, null)| !**null).map(|(path, _)| path.clone()).collect()
            }
        }
    }

    /// Whether a field has a value (`Some(true)`), is null (`Some(false)`), or is not stated.
    fn get(&self, path: &[&str]) -> Option<bool> {
        let Self::Fields(fields) = self else { return Some(true) };
        for length in 1..=path.len() {
            let part: Vec<String> = path[..length].iter().map(|key| (*key).to_owned()).collect();
            match fields.get(&part) {
                None => return None,
                Some(true) => return Some(false),
                Some(false) => {}
            }
        }
        Some(true)
    }

    /// Puts a value of a patch over the old one.
    fn put<T: Clone + Default>(&self, path: &[&str], new: &T, old: &mut T) {
        match self.get(path) {
            None => {}
            Some(true) => old.clone_from(new),
            Some(false) => *old = T::default(),
        }
    }

    /// Merges a map of a patch into the old one.
    fn merge(&self, key: &str, new: &Texts, old: &mut Texts) {
        match self.get(&["metadata", key]) {
            None => return,
            Some(false) => {
                *old = None;
                return;
            }
            Some(true) => {}
        }
        let merged = old.get_or_insert_default();
        if *self == Self::Everything {
            merged.clear();
        }
        for (name, value) in new.iter().flatten() {
            if self.get(&["metadata", key, name]) == Some(true) {
                merged.insert(name.clone(), value.clone());
            }
        }
        if let Self::Fields(fields) = self {
            for (path, _) in fields.iter().filter(|(_, null)| **null) {
                if let [metadata, map, name] = path.as_slice()
                    && (metadata.as_str(), map.as_str()) == ("metadata", key)
                {
                    merged.remove(name);
                }
            }
        }
        if merged.is_empty() {
            *old = None;
        }
    }
}

/// A role or binding as somebody writes it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its metadata. Of an object in a namespace that states none, the namespace is the one that it was read with.
    pub meta: ObjectMeta,
    /// The rest of it, as written: groups of a `roleRef` and of subjects are not completed.
    pub object: RbacObject,
    /// What the text states.
    pub said: Said,
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
        Some(Self { meta, object: read, said: Said::of(object.root()) })
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
    /// and has its name made; one that is written over another takes it from there. An owner that is named twice counts once, and the server
    /// keeps the managed fields itself.
    /// Sources: k8s.io/apiserver `pkg/registry/rest/{meta,create,update}.go`, `pkg/registry/generic/registry/store.go`,
    /// `pkg/endpoints/handlers/rest.go` (`dedupOwnerReferences`).
    #[must_use]
    pub fn prepared(&self, old: Option<&Self>) -> Self {
        let mut prepared = self.completed();
        let meta = &mut prepared.meta;
        if self.object.namespace().is_none() {
            meta.namespace.clear();
        }
        meta.managed_fields = List::default();
        let mut seen: HashSet<&OwnerReference> = HashSet::new();
        if meta.owner_references.iter().any(|owner| !seen.insert(owner)) {
            let mut seen = HashSet::new();
            let once = meta.owner_references.iter().filter(|owner| seen.insert(*owner)).cloned();
            meta.owner_references = once.collect::<Vec<_>>().into();
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

    /// What comes of it where it is a patch of `old`: fields that it does not state stay, those that are null go, maps are merged, lists are
    /// replaced but for owners (merged by their uid) and finalizers (added to).
    /// Sources: k8s.io/apimachinery `pkg/util/strategicpatch/patch.go`, the patch strategies of `pkg/apis/meta/v1/types.go`; k8s.io/api
    /// `rbac/v1/types.go`, whose lists have none.
    #[must_use]
    pub fn applied_over(&self, old: &Self) -> Self {
        let mut result = Self { meta: old.meta.clone(), object: old.object.clone(), said: Said::Everything };
        let said = &self.said;
        result.patch_meta(&self.meta, said);
        match (&self.object, &mut result.object) {
            (RbacObject::Role(new), RbacObject::Role(role)) => {
                said.put(&["rules"], &new.rules, &mut role.rules);
                match said.get(&["aggregationRule", "clusterRoleSelectors"]) {
                    Some(true) => role.aggregation.clone_from(&new.aggregation),
                    // The rule is there, and says nothing of the selectors, or takes them away.
                    gone if said.get(&["aggregationRule"]) == Some(true) => {
                        let selectors = role.aggregation.get_or_insert_default();
                        if gone.is_some() {
                            selectors.clear();
                        }
                    }
                    Some(false) => role.aggregation = None,
                    None => {}
                }
                role.labels = result.meta.labels.clone().unwrap_or_default();
                role.annotations = result.meta.annotations.clone().unwrap_or_default();
            }
            (RbacObject::Binding(new), RbacObject::Binding(binding)) => {
                said.put(&["subjects"], &new.subjects, &mut binding.subjects);
                let (new, old) = (&new.role_ref, &mut binding.role_ref);
                said.put(&["roleRef", "apiGroup"], &new.api_group, &mut old.api_group);
                said.put(&["roleRef", "kind"], &new.kind, &mut old.kind);
                said.put(&["roleRef", "name"], &new.name, &mut old.name);
            }
            _ => {}
        }
        result
    }

    fn patch_meta(&mut self, new: &ObjectMeta, said: &Said) {
        let meta = &mut self.meta;
        said.put(&["metadata", "generateName"], &new.generate_name, &mut meta.generate_name);
        said.put(&["metadata", "selfLink"], &new.self_link, &mut meta.self_link);
        said.put(&["metadata", "uid"], &new.uid, &mut meta.uid);
        said.put(&["metadata", "resourceVersion"], &new.resource_version, &mut meta.resource_version);
        said.put(&["metadata", "generation"], &new.generation, &mut meta.generation);
        said.put(&["metadata", "creationTimestamp"], &new.creation_timestamp, &mut meta.creation_timestamp);
        said.put(&["metadata", "deletionTimestamp"], &new.deletion_timestamp, &mut meta.deletion_timestamp);
        let seconds = (&new.deletion_grace_period_seconds, &mut meta.deletion_grace_period_seconds);
        said.put(&["metadata", "deletionGracePeriodSeconds"], seconds.0, seconds.1);
        said.merge("labels", &new.labels, &mut meta.labels);
        said.merge("annotations", &new.annotations, &mut meta.annotations);
        if *said == Said::Everything {
            meta.finalizers.clone_from(&new.finalizers);
            meta.owner_references.clone_from(&new.owner_references);
            return;
        }
        match said.get(&["metadata", "finalizers"]) {
            None => {}
            Some(false) => meta.finalizers = List::default(),
            Some(true) => {
                let mut seen = HashSet::new();
                let both = meta.finalizers.iter().chain(&new.finalizers);
                let all: Vec<String> = both.filter(|one| seen.insert(*one)).cloned().collect();
                meta.finalizers = all.into();
            }
        }
        match said.get(&["metadata", "ownerReferences"]) {
            None => {}
            Some(false) => meta.owner_references = List::default(),
            Some(true) => {
                let mut all: Vec<OwnerReference> = meta.owner_references.iter().cloned().collect();
                let mut at: BTreeMap<String, usize> =
                    all.iter().enumerate().map(|(index, owner)| (owner.uid.clone(), index)).collect();
                for owner in &new.owner_references {
                    match at.get(&owner.uid).and_then(|index| all.get_mut(*index)) {
                        Some(old) => old.merge(owner),
                        None => {
                            at.insert(owner.uid.clone(), all.len());
                            all.push(owner.clone());
                        }
                    }
                }
                meta.owner_references = all.into();
            }
        }
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
        Self { meta, object, said: Said::Everything }
    }
}
