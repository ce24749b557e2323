//! The volume types of PodSecurityPolicy, and what the standards say of each.

use crate::policy::Level;

/// A volume type.
#[derive(Clone, Copy, Debug)]
pub(super) struct FsType {
    /// Its name in a policy.
    pub(super) name: &'static str,
    /// The field of a volume that makes it one; it differs for `cephFS`.
    pub(super) source: &'static str,
    /// The tightest level that allows it.
    pub(super) level: Level,
}

const fn restricted(name: &'static str) -> FsType {
    FsType { name, source: name, level: Level::Restricted }
}

const fn baseline(name: &'static str) -> FsType {
    FsType { name, source: name, level: Level::Baseline }
}

/// All types, in the order in which a volume with several sources is known by the first.
/// Source: `GetVolumeFSType` in k8s.io/kubernetes v1.24 `pkg/security/podsecuritypolicy/util/util.go`.
pub(super) const FS_TYPES: [FsType; 29] = [
    FsType { name: "hostPath", source: "hostPath", level: Level::Privileged },
    restricted("emptyDir"),
    baseline("gcePersistentDisk"),
    baseline("awsElasticBlockStore"),
    baseline("gitRepo"),
    restricted("secret"),
    baseline("nfs"),
    baseline("iscsi"),
    baseline("glusterfs"),
    restricted("persistentVolumeClaim"),
    baseline("rbd"),
    baseline("flexVolume"),
    baseline("cinder"),
    FsType { name: "cephFS", source: "cephfs", level: Level::Baseline },
    baseline("flocker"),
    restricted("downwardAPI"),
    baseline("fc"),
    baseline("azureFile"),
    restricted("configMap"),
    baseline("vsphereVolume"),
    baseline("quobyte"),
    baseline("azureDisk"),
    baseline("photonPersistentDisk"),
    baseline("storageos"),
    restricted("projected"),
    baseline("portworxVolume"),
    baseline("scaleIO"),
    restricted("csi"),
    restricted("ephemeral"),
];
