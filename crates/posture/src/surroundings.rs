//! What other objects say that matters for a workload: its service account, the bindings that name it, the volumes behind its
//! claims. Indexed once per snapshot.

use std::collections::{HashMap, HashSet};

use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_pods::hardening::model::Pod;
use ringwall_pods::hardening::{AccountRights, NodePath, Surroundings};
use ringwall_rbac::checks::BoundAccounts;

/// A name in a namespace; objects that state no namespace are together in one.
type Name<'s> = (Option<&'s str>, &'s str);

/// What all workloads of a snapshot may ask.
#[derive(Debug)]
pub(crate) struct Index<'s> {
    accounts: HashMap<Name<'s>, Option<bool>>,
    listed: HashSet<Option<&'s str>>,
    bound: &'s BoundAccounts,
    claims: HashMap<Name<'s>, NodePath<'s>>,
}

impl<'s> Index<'s> {
    /// Costs a pass over the snapshot's objects.
    pub(crate) fn of(snapshot: &'s Snapshot, bound: &'s BoundAccounts) -> Self {
        let mut index =
            Self { accounts: HashMap::new(), listed: HashSet::new(), bound, claims: HashMap::new() };
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
                ("", "PersistentVolume") => volumes.extend(volume_of(object)),
                _ => {}
            }
        }
        index.bind_claims(snapshot, &volumes);
        index
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
        let rights = self.bound.rights(namespace, account.1);
        let rights = rights.and_then(|rights| {
            Some(AccountRights {
                severity: rights.severity?,
                may: &rights.may,
                binding: rights.bindings.first()?,
            })
        });
        let claims = pod.spec.volumes.iter().filter_map(|volume| {
            let name = volume.claim.as_ref()?.claim_name;
            Some((name, *self.claims.get(&(namespace, name))?))
        });
        Surroundings {
            account_automounts: self.accounts.get(&account).copied().flatten(),
            account_known: self.accounts.contains_key(&account),
            accounts_listed: self.listed.contains(&namespace),
            account_bound: self.bound.is_bound(namespace, account.1),
            account_rights: rights,
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
