//! A PodSecurityPolicy, decoded: all of its specification, and the annotations that are a part of it.
//!
//! Source: `PodSecurityPolicySpec` in k8s.io/api v0.24 `policy/v1beta1/types.go`; `extensions/v1beta1` has the same.

use ringwall_model::decode::{Decode, Fields, List, fill};
use ringwall_model::decode_fields;
use ringwall_model::object::Object;
use ringwall_model::tree::Node;

use crate::model::Metadata;

/// Group in which PodSecurityPolicy lived last.
pub const GROUP: &str = "policy";
/// Group in which it began.
pub const OLD_GROUP: &str = "extensions";
/// Its kind.
pub const KIND: &str = "PodSecurityPolicy";
/// The resource on which RBAC grants the verb `use`.
pub const RESOURCE: &str = "podsecuritypolicies";

/// The seccomp profile that a pod gets that states none.
pub const SECCOMP_DEFAULT: &str = "seccomp.security.alpha.kubernetes.io/defaultProfileName";
/// The seccomp profiles that a pod may have.
pub const SECCOMP_ALLOWED: &str = "seccomp.security.alpha.kubernetes.io/allowedProfileNames";
/// The AppArmor profile that a container gets that states none.
pub const APP_ARMOR_DEFAULT: &str = "apparmor.security.beta.kubernetes.io/defaultProfileName";
/// The AppArmor profiles that a container may have.
pub const APP_ARMOR_ALLOWED: &str = "apparmor.security.beta.kubernetes.io/allowedProfileNames";

/// A PodSecurityPolicy.
#[derive(Clone, Debug, Default)]
pub struct PodSecurityPolicy<'t> {
    /// `metadata`.
    pub metadata: Metadata<'t>,
    /// `spec`.
    pub spec: Spec<'t>,
}
decode_fields!(PodSecurityPolicy<'t> { "metadata" => metadata, "spec" => spec });

impl<'t> PodSecurityPolicy<'t> {
    /// Reads a policy. Types are checked beforehand, by `ringwall_model::schema`.
    pub fn read(object: &'t Object) -> Self {
        let mut policy = Self::default();
        fill(&mut policy, object.root());
        policy
    }

    /// The value of one of its annotations.
    pub fn annotation(&self, key: &str) -> Option<&'t str> {
        self.metadata.annotations.get(key)
    }

    /// The profiles that the annotation `key` allows; `None` where it is not there. They are split at commas; an empty
    /// one stands for a pod that states no profile.
    pub fn profiles(&self, key: &str) -> Option<Vec<&'t str>> {
        self.annotation(key).map(|value| value.split(',').collect())
    }

    /// Whether a volume type is allowed: by name or by `*`.
    pub fn allows_volume(&self, fs_type: &str) -> bool {
        self.spec.volumes.iter().any(|allowed| *allowed == fs_type || *allowed == "*")
    }

    /// `allowPrivilegeEscalation`, which is true where it is not stated.
    /// Source: `SetDefaults_PodSecurityPolicySpec` in k8s.io/kubernetes v1.24 `pkg/apis/policy/v1beta1/defaults.go`.
    pub fn allows_privilege_escalation(&self) -> bool {
        self.spec.allow_privilege_escalation.unwrap_or(true)
    }
}

/// Whether an object is a PodSecurityPolicy of a version that was served.
pub fn is_policy(object: &Object) -> bool {
    object.version == "v1beta1" && [GROUP, OLD_GROUP].iter().any(|group| object.is(group, KIND))
}

/// A policy's specification.
#[derive(Clone, Debug, Default)]
pub struct Spec<'t> {
    /// `privileged`.
    pub privileged: bool,
    /// `defaultAddCapabilities`.
    pub default_add_capabilities: List<&'t str>,
    /// `requiredDropCapabilities`.
    pub required_drop_capabilities: List<&'t str>,
    /// `allowedCapabilities`.
    pub allowed_capabilities: List<&'t str>,
    /// `volumes`: none where it is empty.
    pub volumes: List<&'t str>,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `hostPorts`.
    pub host_ports: List<PortRange>,
    /// `hostPID`.
    pub host_pid: bool,
    /// `hostIPC`.
    pub host_ipc: bool,
    /// `seLinux`.
    pub se_linux: SeLinux<'t>,
    /// `runAsUser`.
    pub run_as_user: Strategy<'t>,
    /// `runAsGroup`: any group where it is not there.
    pub run_as_group: Option<Strategy<'t>>,
    /// `supplementalGroups`.
    pub supplemental_groups: Strategy<'t>,
    /// `fsGroup`.
    pub fs_group: Strategy<'t>,
    /// `readOnlyRootFilesystem`.
    pub read_only_root_filesystem: bool,
    /// `defaultAllowPrivilegeEscalation`.
    pub default_allow_privilege_escalation: Option<bool>,
    /// `allowPrivilegeEscalation`; see [`PodSecurityPolicy::allows_privilege_escalation`].
    pub allow_privilege_escalation: Option<bool>,
    /// `allowedHostPaths`: all where it is empty and `volumes` allows `hostPath`.
    pub allowed_host_paths: List<HostPath<'t>>,
    /// `allowedFlexVolumes`: all drivers where it is empty.
    pub allowed_flex_volumes: List<FlexVolume<'t>>,
    /// `allowedCSIDrivers`: all drivers where it is empty.
    pub allowed_csi_drivers: List<CsiDriver<'t>>,
    /// `allowedUnsafeSysctls`.
    pub allowed_unsafe_sysctls: List<&'t str>,
    /// `forbiddenSysctls`.
    pub forbidden_sysctls: List<&'t str>,
    /// `allowedProcMountTypes`: `Default` alone where it is empty.
    pub allowed_proc_mount_types: List<&'t str>,
    /// `runtimeClass`: any class where it is not there.
    pub runtime_class: Option<RuntimeClass<'t>>,
}
decode_fields!(Spec<'t> {
    "privileged" => privileged,
    "defaultAddCapabilities" => default_add_capabilities,
    "requiredDropCapabilities" => required_drop_capabilities,
    "allowedCapabilities" => allowed_capabilities,
    "volumes" => volumes,
    "hostNetwork" => host_network,
    "hostPorts" => host_ports,
    "hostPID" => host_pid,
    "hostIPC" => host_ipc,
    "seLinux" => se_linux,
    "runAsUser" => run_as_user,
    "runAsGroup" => run_as_group,
    "supplementalGroups" => supplemental_groups,
    "fsGroup" => fs_group,
    "readOnlyRootFilesystem" => read_only_root_filesystem,
    "defaultAllowPrivilegeEscalation" => default_allow_privilege_escalation,
    "allowPrivilegeEscalation" => allow_privilege_escalation,
    "allowedHostPaths" => allowed_host_paths,
    "allowedFlexVolumes" => allowed_flex_volumes,
    "allowedCSIDrivers" => allowed_csi_drivers,
    "allowedUnsafeSysctls" => allowed_unsafe_sysctls,
    "forbiddenSysctls" => forbidden_sysctls,
    "allowedProcMountTypes" => allowed_proc_mount_types,
    "runtimeClass" => runtime_class,
});

/// What a strategy does with an id (a user, a group) that it rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Any id, or none.
    RunAsAny,
    /// None, or one within the ranges.
    MayRunAs,
    /// One within the ranges; who states none gets the lowest of the first range.
    MustRunAs,
    /// Any but 0; who states no user must be kept from root by `runAsNonRoot`.
    MustRunAsNonRoot,
}

/// A rule on ids, with the ranges that it allows.
#[derive(Clone, Debug, Default)]
pub struct Strategy<'t> {
    /// `rule`, as written.
    pub rule: &'t str,
    /// `ranges`.
    pub ranges: List<IdRange>,
}
decode_fields!(Strategy<'t> { "rule" => rule, "ranges" => ranges });

impl Strategy<'_> {
    /// The rule; `None` where it is one that Kubernetes does not know.
    pub fn rule(&self) -> Option<Rule> {
        match self.rule {
            "RunAsAny" => Some(Rule::RunAsAny),
            "MayRunAs" => Some(Rule::MayRunAs),
            "MustRunAs" => Some(Rule::MustRunAs),
            "MustRunAsNonRoot" => Some(Rule::MustRunAsNonRoot),
            _ => None,
        }
    }

    /// Whether one of the ranges holds `id`.
    pub fn holds(&self, id: i64) -> bool {
        self.ranges.iter().any(|range| (range.min..=range.max).contains(&id))
    }
}

/// `seLinux`.
#[derive(Clone, Debug, Default)]
pub struct SeLinux<'t> {
    /// `rule`, as written: `RunAsAny` or `MustRunAs`.
    pub rule: &'t str,
    /// `seLinuxOptions`.
    pub options: Option<SeLinuxLabel<'t>>,
}
decode_fields!(SeLinux<'t> { "rule" => rule, "seLinuxOptions" => options });

/// An SELinux label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeLinuxLabel<'t> {
    /// `user`.
    pub user: &'t str,
    /// `role`.
    pub role: &'t str,
    /// `type`.
    pub kind: &'t str,
    /// `level`.
    pub level: &'t str,
}
decode_fields!(SeLinuxLabel<'t> { "user" => user, "role" => role, "type" => kind, "level" => level });

/// `runtimeClass`.
#[derive(Clone, Debug, Default)]
pub struct RuntimeClass<'t> {
    /// `allowedRuntimeClassNames`: `*` allows all.
    pub allowed: List<&'t str>,
    /// `defaultRuntimeClassName`.
    pub default: Option<&'t str>,
}
decode_fields!(RuntimeClass<'t> { "allowedRuntimeClassNames" => allowed, "defaultRuntimeClassName" => default });

/// An entry of `allowedHostPaths`.
#[derive(Clone, Debug, Default)]
pub struct HostPath<'t> {
    /// `pathPrefix`.
    pub path_prefix: &'t str,
    /// `readOnly`: all mounts of such a volume must be read-only.
    pub read_only: bool,
}
decode_fields!(HostPath<'t> { "pathPrefix" => path_prefix, "readOnly" => read_only });

/// An entry of `allowedFlexVolumes`.
#[derive(Clone, Debug, Default)]
pub struct FlexVolume<'t> {
    /// `driver`.
    pub driver: &'t str,
}
decode_fields!(FlexVolume<'t> { "driver" => driver });

/// An entry of `allowedCSIDrivers`.
#[derive(Clone, Debug, Default)]
pub struct CsiDriver<'t> {
    /// `name`.
    pub name: &'t str,
}
decode_fields!(CsiDriver<'t> { "name" => name });

/// Implements decoding for a range that borrows nothing from the document.
macro_rules! decode_range {
    ($type:ident) => {
        impl<'t> Decode<'t> for $type {
            fn decode(&mut self, node: Node<'t>) {
                fill(self, node);
            }
        }
        impl<'t> Fields<'t> for $type {
            fn field(&mut self, key: &'t str, value: Node<'t>) {
                match key {
                    "min" => self.min.decode(value),
                    "max" => self.max.decode(value),
                    _ => {}
                }
            }
        }
    };
}

/// A range of ids, both ends within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdRange {
    /// `min`.
    pub min: i64,
    /// `max`.
    pub max: i64,
}
decode_range!(IdRange);

/// A range of host ports, both ends within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortRange {
    /// `min`.
    pub min: i32,
    /// `max`.
    pub max: i32,
}
decode_range!(PortRange);
