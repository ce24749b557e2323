//! What of a pod the hardening checks look at, borrowed from the document.
//!
//! It is decoded apart from [`crate::model`], which admission decodes for every request and which must stay small.

use ringwall_model::decode::{Decode, List, StringMap};
use ringwall_model::decode_fields;
use ringwall_model::tree::Node;

use crate::model::{ContainerList, Place};

/// Whether a field is there, whatever it holds; `null` is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Present(pub bool);

impl<'t> Decode<'t> for Present {
    fn decode(&mut self, node: Node<'t>) {
        self.0 = !node.is_null();
    }
}

/// An amount of a resource, as far as it is there; `null` is not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amount<'t>(pub Option<Node<'t>>);

impl<'t> Decode<'t> for Amount<'t> {
    fn decode(&mut self, node: Node<'t>) {
        self.0 = Some(node).filter(|node| !node.is_null());
    }
}

impl<'t> Amount<'t> {
    /// Whether it is stated.
    pub const fn is_set(self) -> bool {
        self.0.is_some()
    }

    /// As it is written: numbers may stand there without quotes.
    pub fn text(self) -> Option<&'t str> {
        self.0.map(|node| node.as_str().unwrap_or_else(|| node.raw()))
    }
}

/// A pod, or the template of one.
#[derive(Clone, Debug, Default)]
pub struct Pod<'t> {
    /// `metadata`.
    pub metadata: Metadata<'t>,
    /// `spec`.
    pub spec: Spec<'t>,
}
decode_fields!(Pod<'t> { "metadata" => metadata, "spec" => spec });
crate::workload::template!(Pod);

/// `metadata` of a pod template.
#[derive(Clone, Debug, Default)]
pub struct Metadata<'t> {
    /// `labels`.
    pub labels: StringMap<'t>,
    /// `annotations`.
    pub annotations: StringMap<'t>,
}
decode_fields!(Metadata<'t> { "labels" => labels, "annotations" => annotations });

/// `PodSpec`.
#[derive(Clone, Debug, Default)]
pub struct Spec<'t> {
    /// `automountServiceAccountToken`.
    pub automount_token: Option<bool>,
    /// `serviceAccountName`.
    pub service_account_name: &'t str,
    /// `serviceAccount`, the old name of the same.
    pub service_account: &'t str,
    /// `shareProcessNamespace`.
    pub share_process_namespace: bool,
    /// `hostAliases`.
    pub host_aliases: List<HostAlias<'t>>,
    /// `hostUsers`.
    pub host_users: Option<bool>,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `hostPID`.
    pub host_pid: bool,
    /// `hostIPC`.
    pub host_ipc: bool,
    /// `os`.
    pub os: Option<Os<'t>>,
    /// `nodeSelector`.
    pub node_selector: StringMap<'t>,
    /// `runtimeClassName`.
    pub runtime_class_name: &'t str,
    /// `securityContext`.
    pub security_context: Option<PodSecurityContext<'t>>,
    /// `initContainers`.
    pub init_containers: List<Container<'t>>,
    /// `containers`.
    pub containers: List<Container<'t>>,
    /// `ephemeralContainers`.
    pub ephemeral_containers: List<Container<'t>>,
    /// `volumes`.
    pub volumes: List<Volume<'t>>,
}
decode_fields!(Spec<'t> {
    "automountServiceAccountToken" => automount_token,
    "serviceAccountName" => service_account_name,
    "serviceAccount" => service_account,
    "shareProcessNamespace" => share_process_namespace,
    "hostAliases" => host_aliases,
    "hostUsers" => host_users,
    "hostNetwork" => host_network,
    "hostPID" => host_pid,
    "hostIPC" => host_ipc,
    "os" => os,
    "nodeSelector" => node_selector,
    "runtimeClassName" => runtime_class_name,
    "securityContext" => security_context,
    "initContainers" => init_containers,
    "containers" => containers,
    "ephemeralContainers" => ephemeral_containers,
    "volumes" => volumes,
});

impl<'t> Spec<'t> {
    /// The containers of one list.
    pub fn list(&self, list: ContainerList) -> &[Container<'t>] {
        match list {
            ContainerList::Init => self.init_containers.as_slice(),
            ContainerList::Ordinary => self.containers.as_slice(),
            ContainerList::Ephemeral => self.ephemeral_containers.as_slice(),
        }
    }

    /// All containers with their places: init containers, containers, ephemeral containers.
    pub fn all(&self) -> impl Iterator<Item = (Place, &Container<'t>)> {
        [ContainerList::Init, ContainerList::Ordinary, ContainerList::Ephemeral].into_iter().flat_map(
            |list| {
                self.list(list).iter().enumerate().map(move |(index, container)| {
                    (Place::Container { list, index: index as u32 }, container)
                })
            },
        )
    }

    /// The containers that run beside one another for as long as the pod does: containers and sidecars (init containers
    /// that are restarted always).
    pub fn lasting(&self) -> impl Iterator<Item = (Place, &Container<'t>)> {
        self.all().filter(|(place, container)| match place {
            Place::Container { list: ContainerList::Init, .. } => container.restart_policy == "Always",
            Place::Container { list: ContainerList::Ordinary, .. } => true,
            _ => false,
        })
    }

    /// The account that the pod runs as: the default one where none is named.
    pub fn account(&self) -> &'t str {
        match (self.service_account_name, self.service_account) {
            ("", "") => "default",
            ("", name) | (name, _) => name,
        }
    }

    /// Whether it shares a namespace of its node.
    pub const fn shares_with_node(&self) -> bool {
        self.host_network || self.host_pid || self.host_ipc
    }

    /// Whether it says of itself that it runs on Windows: by `os`, or by the node that it selects.
    pub fn is_windows(&self) -> bool {
        self.os.as_ref().is_some_and(|os| os.name == "windows")
            || ["kubernetes.io/os", "beta.kubernetes.io/os"]
                .iter()
                .any(|key| self.node_selector.get(key) == Some("windows"))
    }
}

/// An entry of `hostAliases`.
#[derive(Clone, Debug, Default)]
pub struct HostAlias<'t> {
    /// `ip`.
    pub ip: &'t str,
    /// `hostnames`.
    pub hostnames: List<&'t str>,
}
decode_fields!(HostAlias<'t> { "ip" => ip, "hostnames" => hostnames });

/// `PodOS`.
#[derive(Clone, Debug, Default)]
pub struct Os<'t> {
    /// `name`.
    pub name: &'t str,
}
decode_fields!(Os<'t> { "name" => name });

/// `PodSecurityContext`.
#[derive(Clone, Debug, Default)]
pub struct PodSecurityContext<'t> {
    /// `runAsNonRoot`.
    pub run_as_non_root: Option<bool>,
    /// `runAsUser`.
    pub run_as_user: Option<i64>,
    /// `runAsGroup`.
    pub run_as_group: Option<i64>,
    /// `fsGroup`.
    pub fs_group: Option<i64>,
    /// `fsGroupChangePolicy`.
    pub fs_group_change_policy: &'t str,
    /// `supplementalGroups`.
    pub supplemental_groups: List<i64>,
    /// `seLinuxOptions`.
    pub se_linux: Present,
    /// `appArmorProfile`.
    pub app_armor: Present,
    /// `seccompProfile`.
    pub seccomp: Present,
    /// `windowsOptions`.
    pub windows: Option<WindowsOptions<'t>>,
}
decode_fields!(PodSecurityContext<'t> {
    "runAsNonRoot" => run_as_non_root,
    "runAsUser" => run_as_user,
    "runAsGroup" => run_as_group,
    "fsGroup" => fs_group,
    "fsGroupChangePolicy" => fs_group_change_policy,
    "supplementalGroups" => supplemental_groups,
    "seLinuxOptions" => se_linux,
    "appArmorProfile" => app_armor,
    "seccompProfile" => seccomp,
    "windowsOptions" => windows,
});

/// `WindowsSecurityContextOptions`.
#[derive(Clone, Debug, Default)]
pub struct WindowsOptions<'t> {
    /// `runAsUserName`.
    pub run_as_user_name: &'t str,
    /// `gmsaCredentialSpecName`.
    pub gmsa_credential_spec_name: &'t str,
    /// `gmsaCredentialSpec`.
    pub gmsa_credential_spec: &'t str,
    /// `hostProcess`.
    pub host_process: bool,
}
decode_fields!(WindowsOptions<'t> {
    "runAsUserName" => run_as_user_name,
    "gmsaCredentialSpecName" => gmsa_credential_spec_name,
    "gmsaCredentialSpec" => gmsa_credential_spec,
    "hostProcess" => host_process,
});

/// A container of any of the three lists.
#[derive(Clone, Debug, Default)]
pub struct Container<'t> {
    /// `name`.
    pub name: &'t str,
    /// `image`.
    pub image: &'t str,
    /// `imagePullPolicy`.
    pub image_pull_policy: &'t str,
    /// `restartPolicy`: `Always` makes an init container a sidecar.
    pub restart_policy: &'t str,
    /// `command`.
    pub command: List<&'t str>,
    /// `args`.
    pub args: List<&'t str>,
    /// `env`.
    pub env: List<EnvVar<'t>>,
    /// `envFrom`.
    pub env_from: List<EnvFrom<'t>>,
    /// `resources`.
    pub resources: Resources<'t>,
    /// `volumeMounts`.
    pub volume_mounts: List<VolumeMount<'t>>,
    /// `volumeDevices`.
    pub volume_devices: List<VolumeDevice<'t>>,
    /// `livenessProbe`.
    pub liveness_probe: Present,
    /// `readinessProbe`.
    pub readiness_probe: Present,
    /// `securityContext`.
    pub security_context: Option<SecurityContext<'t>>,
}
decode_fields!(Container<'t> {
    "name" => name,
    "image" => image,
    "imagePullPolicy" => image_pull_policy,
    "restartPolicy" => restart_policy,
    "command" => command,
    "args" => args,
    "env" => env,
    "envFrom" => env_from,
    "resources" => resources,
    "volumeMounts" => volume_mounts,
    "volumeDevices" => volume_devices,
    "livenessProbe" => liveness_probe,
    "readinessProbe" => readiness_probe,
    "securityContext" => security_context,
});

/// `EnvVar`.
#[derive(Clone, Debug, Default)]
pub struct EnvVar<'t> {
    /// `name`.
    pub name: &'t str,
    /// `value`.
    pub value: &'t str,
    /// `valueFrom`.
    pub value_from: Option<ValueFrom<'t>>,
}
decode_fields!(EnvVar<'t> { "name" => name, "value" => value, "valueFrom" => value_from });

/// `EnvVarSource`.
#[derive(Clone, Debug, Default)]
pub struct ValueFrom<'t> {
    /// `secretKeyRef`.
    pub secret: Option<Reference<'t>>,
}
decode_fields!(ValueFrom<'t> { "secretKeyRef" => secret });

/// What names another object.
#[derive(Clone, Debug, Default)]
pub struct Reference<'t> {
    /// `name`.
    pub name: &'t str,
    /// `key`.
    pub key: &'t str,
}
decode_fields!(Reference<'t> { "name" => name, "key" => key });

/// `EnvFromSource`.
#[derive(Clone, Debug, Default)]
pub struct EnvFrom<'t> {
    /// `secretRef`.
    pub secret: Option<Reference<'t>>,
}
decode_fields!(EnvFrom<'t> { "secretRef" => secret });

/// `ResourceRequirements`, as far as it is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resources<'t> {
    /// `limits`.
    pub limits: Amounts<'t>,
    /// `requests`.
    pub requests: Amounts<'t>,
}
decode_fields!(Resources<'t> { "limits" => limits, "requests" => requests });

/// Which amounts are stated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amounts<'t> {
    /// `cpu`.
    pub cpu: Amount<'t>,
    /// `memory`.
    pub memory: Amount<'t>,
}
decode_fields!(Amounts<'t> { "cpu" => cpu, "memory" => memory });

/// `VolumeDevice`.
#[derive(Clone, Debug, Default)]
pub struct VolumeDevice<'t> {
    /// `name`.
    pub name: &'t str,
    /// `devicePath`.
    pub device_path: &'t str,
}
decode_fields!(VolumeDevice<'t> { "name" => name, "devicePath" => device_path });

/// `VolumeMount`.
#[derive(Clone, Debug, Default)]
pub struct VolumeMount<'t> {
    /// `name`.
    pub name: &'t str,
    /// `mountPath`.
    pub mount_path: &'t str,
    /// `readOnly`.
    pub read_only: bool,
    /// `subPath`.
    pub sub_path: &'t str,
    /// `subPathExpr`.
    pub sub_path_expr: &'t str,
}
decode_fields!(VolumeMount<'t> {
    "name" => name,
    "mountPath" => mount_path,
    "readOnly" => read_only,
    "subPath" => sub_path,
    "subPathExpr" => sub_path_expr,
});

/// `SecurityContext` of a container.
#[derive(Clone, Debug, Default)]
pub struct SecurityContext<'t> {
    /// `readOnlyRootFilesystem`.
    pub read_only_root_filesystem: Option<bool>,
    /// `privileged`.
    pub privileged: bool,
    /// `runAsNonRoot`.
    pub run_as_non_root: Option<bool>,
    /// `runAsUser`.
    pub run_as_user: Option<i64>,
    /// `runAsGroup`.
    pub run_as_group: Option<i64>,
    /// `capabilities`.
    pub capabilities: Option<Capabilities<'t>>,
    /// `seLinuxOptions`.
    pub se_linux: Present,
    /// `appArmorProfile`.
    pub app_armor: Present,
    /// `seccompProfile`.
    pub seccomp: Present,
    /// `windowsOptions`.
    pub windows: Option<WindowsOptions<'t>>,
}
decode_fields!(SecurityContext<'t> {
    "readOnlyRootFilesystem" => read_only_root_filesystem,
    "privileged" => privileged,
    "runAsNonRoot" => run_as_non_root,
    "runAsUser" => run_as_user,
    "runAsGroup" => run_as_group,
    "capabilities" => capabilities,
    "seLinuxOptions" => se_linux,
    "appArmorProfile" => app_armor,
    "seccompProfile" => seccomp,
    "windowsOptions" => windows,
});

/// `Capabilities`.
#[derive(Clone, Debug, Default)]
pub struct Capabilities<'t> {
    /// `add`.
    pub add: List<&'t str>,
    /// `drop`.
    pub drop: List<&'t str>,
}
decode_fields!(Capabilities<'t> { "add" => add, "drop" => drop });

/// `Volume`, as far as its source matters here.
#[derive(Clone, Debug, Default)]
pub struct Volume<'t> {
    /// `name`.
    pub name: &'t str,
    /// `hostPath`.
    pub host_path: Option<HostPath<'t>>,
    /// `persistentVolumeClaim`.
    pub claim: Option<Claim<'t>>,
    /// `secret`.
    pub secret: Present,
    /// `projected`.
    pub projected: Option<Projected<'t>>,
}
decode_fields!(Volume<'t> {
    "name" => name,
    "hostPath" => host_path,
    "persistentVolumeClaim" => claim,
    "secret" => secret,
    "projected" => projected,
});

/// `HostPathVolumeSource`.
#[derive(Clone, Debug, Default)]
pub struct HostPath<'t> {
    /// `path`.
    pub path: &'t str,
}
decode_fields!(HostPath<'t> { "path" => path });

/// `PersistentVolumeClaimVolumeSource`.
#[derive(Clone, Debug, Default)]
pub struct Claim<'t> {
    /// `claimName`.
    pub claim_name: &'t str,
    /// `readOnly`.
    pub read_only: bool,
}
decode_fields!(Claim<'t> { "claimName" => claim_name, "readOnly" => read_only });

/// `ProjectedVolumeSource`.
#[derive(Clone, Debug, Default)]
pub struct Projected<'t> {
    /// `sources`.
    pub sources: List<Projection<'t>>,
}
decode_fields!(Projected<'t> { "sources" => sources });

/// `VolumeProjection`.
#[derive(Clone, Debug, Default)]
pub struct Projection<'t> {
    /// `serviceAccountToken`.
    pub token: Option<TokenProjection<'t>>,
}
decode_fields!(Projection<'t> { "serviceAccountToken" => token });

/// `ServiceAccountTokenProjection`.
#[derive(Clone, Debug, Default)]
pub struct TokenProjection<'t> {
    /// `audience`.
    pub audience: &'t str,
}
decode_fields!(TokenProjection<'t> { "audience" => audience });
