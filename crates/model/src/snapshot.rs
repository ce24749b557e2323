//! All objects taken together, with facts about the cluster.
//!
//! ```text
//!   Pod ──ownerReferences──▶ ReplicaSet ──ownerReferences──▶ Deployment      top owner = what a user edits
//!    └── metadata.namespace ─▶ Namespace                                     labels decide what is enforced
//! ```
//! Building costs one pass over the objects; look-ups are hash look-ups.

use std::collections::HashMap;

use crate::address::Block;
use crate::object::{Object, ObjectId};
use crate::tree::Node;
use crate::version::Minor;

/// What is known of the cluster beside its objects. Each fact is stated or defaulted, never guessed silently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The cluster's Kubernetes version.
    pub version: Minor,
    /// The blocks that pods get their addresses from; empty where nobody says. A pod that has an address is not asked for.
    pub pod_ranges: Vec<Block>,
}

impl Default for Facts {
    fn default() -> Self {
        Self { version: Minor::NEWEST, pod_ranges: Vec::new() }
    }
}

/// One object that was read more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Index of the object that counts.
    pub kept: usize,
    /// Index of the other one.
    pub other: usize,
    /// Whether both say the same. Those that say something else are judged too: they are other text to edit.
    pub identical: bool,
}

/// All objects taken together.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    objects: Vec<Object>,
    /// Facts about the cluster.
    pub facts: Facts,
    by_id: HashMap<ObjectId, usize>,
    owners: Vec<Option<usize>>,
    repeats: Vec<Repeat>,
    dropped: Vec<bool>,
}

/// The identity under which two API versions of one object are the same.
fn canonical(id: &ObjectId) -> ObjectId {
    let group = match (id.group.as_str(), id.kind.as_str()) {
        ("extensions", "Deployment" | "DaemonSet" | "ReplicaSet") => "apps",
        ("extensions", "Ingress" | "NetworkPolicy") => "networking.k8s.io",
        ("extensions", "PodSecurityPolicy") => "policy",
        (group, _) => group,
    };
    ObjectId { group: group.to_owned(), ..id.clone() }
}

impl Snapshot {
    /// Takes the objects together. An object that is read twice counts once if both say the same.
    pub fn new(objects: Vec<Object>, facts: Facts) -> Self {
        Self::of(objects, facts, false)
    }

    /// As [`Snapshot::new`], but an object that is read twice counts twice: each is a text of its own to edit.
    pub fn with_repeats(objects: Vec<Object>, facts: Facts) -> Self {
        Self::of(objects, facts, true)
    }

    fn of(objects: Vec<Object>, facts: Facts, keep: bool) -> Self {
        let mut by_id: HashMap<ObjectId, usize> = HashMap::with_capacity(objects.len());
        let mut by_uid: HashMap<&str, usize> = HashMap::new();
        let mut repeats = Vec::new();
        let mut dropped = vec![false; objects.len()];
        for (index, object) in objects.iter().enumerate() {
            let id = canonical(&object.id);
            // Without a name nothing says that two objects are one (`generateName` makes new ones each time).
            let nameless = id.name.is_empty() || id.name.ends_with('*');
            let twin = match object.uid() {
                Some(uid) => {
                    if let Some(twin) = by_uid.get(uid) {
                        Some(*twin)
                    } else {
                        by_uid.insert(uid, index);
                        by_id.get(&id).copied().filter(|twin| objects[*twin].uid().is_none())
                    }
                }
                None => by_id.get(&id).copied(),
            };
            match twin.filter(|_| !nameless) {
                Some(kept) => {
                    // One object through two API versions says the same in other words.
                    let first: &Object = &objects[kept];
                    let other_version = object.uid().is_some()
                        && object.uid() == first.uid()
                        && canonical(&object.id) == canonical(&first.id)
                        && object.api_version() != first.api_version();
                    let identical = other_version || object.root().same_meaning(first.root());
                    dropped[index] = identical && !keep;
                    repeats.push(Repeat { kept, other: index, identical });
                }
                None => {
                    by_id.entry(id).or_insert(index);
                }
            }
        }
        let mut snapshot = Self { objects, facts, by_id, owners: Vec::new(), repeats, dropped };
        let direct: Vec<Option<usize>> =
            (0..snapshot.objects.len()).map(|index| snapshot.controller_of(index)).collect();
        snapshot.owners = (0..direct.len()).map(|index| top_of(index, &direct)).collect();
        snapshot
    }

    /// The same, where some objects are passed over as exact repeats are: what is left keeps its index. Costs a copy of what stands beside the
    /// texts.
    #[must_use]
    pub fn without(&self, is_hidden: impl Fn(&Object) -> bool) -> Self {
        let mut seen = self.clone();
        for (index, object) in self.objects.iter().enumerate() {
            seen.dropped[index] |= is_hidden(object);
        }
        seen.by_id.retain(|_, index| !seen.dropped[*index]);
        seen
    }

    /// All objects as read, those that count once and their repeats alike.
    pub fn all(&self) -> &[Object] {
        &self.objects
    }

    /// The objects that are judged, with their indexes: all but exact repeats.
    pub fn objects(&self) -> impl Iterator<Item = (usize, &Object)> {
        self.objects.iter().enumerate().filter(|(index, _)| !self.dropped[*index])
    }

    /// The objects of a group and kind.
    pub fn of_kind<'s>(&'s self, group: &'s str, kind: &'s str) -> impl Iterator<Item = &'s Object> {
        self.objects().map(|(_, object)| object).filter(move |object| object.is(group, kind))
    }

    /// The object with this id.
    pub fn find(&self, id: &ObjectId) -> Option<&Object> {
        self.by_id.get(&canonical(id)).map(|index| &self.objects[*index])
    }

    /// The Namespace object with this name.
    pub fn namespace(&self, name: &str) -> Option<&Object> {
        self.find(&ObjectId { kind: "Namespace".to_owned(), name: name.to_owned(), ..ObjectId::default() })
    }

    /// Objects that were read more than once.
    pub fn repeats(&self) -> &[Repeat] {
        &self.repeats
    }

    /// The object that a user edits to change `index`: the top of its chain of controllers, as far as the
    /// chain is in the input. An object whose controller is not in the input is its own.
    pub fn top_owner(&self, index: usize) -> (usize, &Object) {
        let top = self.owners.get(index).copied().flatten().unwrap_or(index);
        (top, &self.objects[top])
    }

    /// The direct controller of an object, where it is in the input.
    fn controller_of(&self, index: usize) -> Option<usize> {
        let object = &self.objects[index];
        let references = object.root().at(&["metadata", "ownerReferences"])?;
        let controller = references
            .items()
            .find(|reference| reference.get("controller").and_then(Node::as_bool) == Some(true))?;
        let text = |key: &str| controller.get(key).and_then(Node::as_str).unwrap_or_default();
        let api_version = text("apiVersion");
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let find = |kind: &str, name: &str| {
            self.by_id.get(&canonical(&ObjectId {
                group: group.to_owned(),
                kind: kind.to_owned(),
                namespace: object.id.namespace.clone(),
                name: name.to_owned(),
            }))
        };
        let Some(owner) = find(text("kind"), text("name")) else {
            // A dump of Deployments and Pods lacks the ReplicaSets between them. A Deployment names its ReplicaSets for
            // itself and the hash that it labels their pods with: source `getNewReplicaSet` in k8s.io/kubernetes
            // `pkg/controller/deployment/sync.go`.
            let hash = object
                .label("pod-template-hash")
                .filter(|_| text("kind") == "ReplicaSet" && group == "apps")?;
            let deployment = text("name").strip_suffix(hash)?.strip_suffix('-')?;
            return find("Deployment", deployment).copied();
        };
        // The name may have been given to another object since: then the uids differ.
        let same = match (self.objects[*owner].uid(), text("uid")) {
            (Some(uid), wanted) if !wanted.is_empty() => uid == wanted,
            _ => true,
        };
        (same && *owner != index).then_some(*owner)
    }
}

/// Follows the chain of controllers to its end; a chain that runs in a circle has none.
fn top_of(index: usize, direct: &[Option<usize>]) -> Option<usize> {
    let mut top = None;
    let mut at = index;
    for _ in 0..16 {
        match direct[at] {
            Some(next) => {
                at = next;
                top = Some(at);
            }
            None => return top,
        }
    }
    None
}
