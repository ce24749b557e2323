//! What other objects say that matters for a workload: its service account, the bindings that name it, the volumes behind its
//! claims. Indexed once per snapshot.

use std::collections::{HashMap, HashSet};

use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_pods::hardening::model::Pod;
use ringwall_pods::hardening::{NodePath, Surroundings};

/// A name in a namespace; objects that state no namespace are together in one.
type Name<'s> = (Option<&'s str>, &'s str);

/// What all workloads of a snapshot may ask.
#[derive(Debug, Default)]
pub(crate) struct Index<'s> {
    accounts: HashMap<Name<'s>, Option<bool>>,
    listed: HashSet<Option<&'s str>>,
    bound: HashSet<Name<'s>>,
    /// Namespaces all whose accounts are bound.
    bound_groups: HashSet<&'s str>,
    claims: HashMap<Name<'s>, NodePath<'s>>,
}

impl<'s> Index<'s> {
    /// Costs a pass over the snapshot's objects.
    pub(crate) fn of(snapshot: &'s Snapshot) -> Self {
        let mut index = Self::default();
        let mut volumes = Vec::new();
        for (_, object) in snapshot.objects() {
            match (object.id.group.as_str(), object.id.kind.as_str()) {
                ("", "ServiceAccount") => {
                    let automounts =
                        object.root().get("automountServiceAccountToken").and_then(Node::as_bool);
                    index.accounts.insert(name_of(object), automounts);
                    // The default account is made by the cluster and says nothing of whether the others are here.
                    if object.id.name != "default" {
                        index.listed.insert(object.id.namespace.as_deref());
                    }
                }
                ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => index.binding(object),
                ("", "PersistentVolume") => volumes.extend(volume_of(object)),
                _ => {}
            }
        }
        index.bind_claims(snapshot, &volumes);
        index
    }

    fn binding(&mut self, binding: &'s Object) {
        for subject in binding.root().get("subjects").into_iter().flat_map(Node::items) {
            let text = |key| subject.str_at(&[key]);
            match (text("kind"), text("name")) {
                (Some("ServiceAccount"), Some(name)) => {
                    // A RoleBinding's subject without a namespace is refused by the API server; tools mean the binding's.
                    let namespace = text("namespace").or(binding.id.namespace.as_deref());
                    self.bound.insert((namespace, name));
                }
                // Rights of all accounts alike (discovery and the like) make no single token one that is used.
                (Some("Group"), Some(group)) => {
                    if let Some(namespace) = group.strip_prefix("system:serviceaccounts:") {
                        self.bound_groups.insert(namespace);
                    }
                }
                _ => {}
            }
        }
    }

    /// Which claim is bound to which of the volumes. Source: k8s.io/kubernetes `pkg/controller/volume/persistentvolume` (binding by
    /// `volumeName`, by `claimRef`, then by storage class).
    fn bind_claims(&mut self, snapshot: &'s Snapshot, volumes: &[HostVolume<'s>]) {
        if volumes.is_empty() {
            return;
        }
        for claim in snapshot.of_kind("", "PersistentVolumeClaim") {
            let name = name_of(claim);
            let wanted = claim.root().str_at(&["spec", "volumeName"]);
            let class = claim.root().str_at(&["spec", "storageClassName"]);
            let provisioned = class.is_none_or(|class| {
                !class.is_empty()
                    && snapshot.of_kind("storage.k8s.io", "StorageClass").any(|known| {
                        known.id.name == class
                            && known.root().str_at(&["provisioner"]) != Some("kubernetes.io/no-provisioner")
                    })
            });
            let behind = volumes.iter().find(|volume| match (wanted, volume.claim) {
                (Some(wanted), _) => wanted == volume.path.volume,
                (None, Some(claim)) => claim == name,
                (None, None) => !provisioned && volume.class == class.unwrap_or_default(),
            });
            if let Some(volume) = behind {
                self.claims.insert(name, volume.path);
            }
        }
        // A claim that is not in the input is known by the volume that waits for it.
        for volume in volumes {
            if let Some(claim) = volume.claim {
                self.claims.entry(claim).or_insert(volume.path);
            }
        }
    }

    /// Whether a service account other than the default one is known in a namespace.
    pub(crate) fn lists_accounts(&self, namespace: &str) -> bool {
        self.listed.contains(&Some(namespace))
    }

    /// What matters for a pod in a namespace.
    pub(crate) fn around(&self, namespace: Option<&'s str>, pod: &Pod<'s>) -> Surroundings<'s> {
        let account = (namespace, pod.spec.account());
        let bound = self.bound.contains(&account)
            || namespace.is_some_and(|namespace| self.bound_groups.contains(namespace));
        let claims = pod.spec.volumes.iter().filter_map(|volume| {
            let name = volume.claim.as_ref()?.claim_name;
            Some((name, *self.claims.get(&(namespace, name))?))
        });
        Surroundings {
            account_automounts: self.accounts.get(&account).copied().flatten(),
            account_known: self.accounts.contains_key(&account),
            accounts_listed: self.listed.contains(&namespace),
            account_bound: bound,
            claims: claims.collect(),
        }
    }
}

fn name_of(object: &Object) -> Name<'_> {
    (object.id.namespace.as_deref(), &object.id.name)
}

/// A `PersistentVolume` that is a path of the node.
struct HostVolume<'s> {
    path: NodePath<'s>,
    /// The claim that it is kept for.
    claim: Option<Name<'s>>,
    class: &'s str,
}

fn volume_of(object: &Object) -> Option<HostVolume<'_>> {
    let root = object.root();
    let path = ["hostPath", "local"].iter().find_map(|source| root.str_at(&["spec", source, "path"]))?;
    let claim = root.str_at(&["spec", "claimRef", "name"]);
    Some(HostVolume {
        path: NodePath { path, volume: &object.id.name },
        claim: claim.map(|name| (root.str_at(&["spec", "claimRef", "namespace"]), name)),
        class: root.str_at(&["spec", "storageClassName"]).unwrap_or_default(),
    })
}
