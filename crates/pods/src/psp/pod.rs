//! A pod as PodSecurityPolicy sees it: more of it than the standards look at.
//!
//! It is decoded only where policies are: groups, mounts and drivers are no business of [`crate::model`], whose decoding
//! every scan pays for.

use ringwall_model::decode::{Decode, Fields, List, fill};
use ringwall_model::decode_fields;
use ringwall_model::tree::Node;

use super::model::SeLinuxLabel;
use super::volumes::FS_TYPES;
use crate::model::{ContainerList, Metadata, Place};

/// A pod, or the pod template of a workload.
#[derive(Clone, Debug, Default)]
pub struct Pod<'t> {
    /// `metadata`.
    pub metadata: Metadata<'t>,
    /// `spec`.
    pub spec: Spec<'t>,
}
decode_fields!(Pod<'t> { "metadata" => metadata, "spec" => spec });
crate::workload::template!(Pod);

impl<'t> Pod<'t> {
    /// The pod with what the API server fills in. A template's pods get it when they are made, before admission.
    #[must_use]
    pub fn defaulted(mut self) -> Self {
        if self.spec.host_network {
            for list in [&mut self.spec.init_containers, &mut self.spec.containers] {
                for port in
                    list.as_mut_slice().iter_mut().flat_map(|container| container.ports.as_mut_slice())
                {
                    if port.host_port == 0 {
                        port.host_port = port.container_port;
                    }
                }
            }
        }
        self
    }

    /// The service account that it runs as: `default` where it states none.
    pub fn service_account(&self) -> &'t str {
        [self.spec.service_account_name, self.spec.service_account, "default"]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default()
    }

    /// The annotation of a container's AppArmor profile, or what its field stands for.
    pub(super) fn app_armor(&self, container: &Container<'t>) -> Option<String> {
        let key = format!("{}{}", crate::defaulting::APP_ARMOR_ANNOTATION, container.name);
        if let Some(annotation) = self.metadata.annotations.get(&key).filter(|value| !value.is_empty()) {
            return Some(annotation.to_owned());
        }
        let own = container.context().and_then(|context| context.app_armor_profile.as_ref());
        own.or(self.spec.security_context.app_armor_profile.as_ref()).map(ProfileField::annotation)
    }
}

/// A pod's specification.
#[derive(Clone, Debug, Default)]
pub struct Spec<'t> {
    pub(super) service_account_name: &'t str,
    pub(super) service_account: &'t str,
    pub(super) host_network: bool,
    pub(super) host_pid: bool,
    pub(super) host_ipc: bool,
    pub(super) runtime_class_name: Option<&'t str>,
    pub(super) security_context: PodContext<'t>,
    pub(super) init_containers: List<Container<'t>>,
    pub(super) containers: List<Container<'t>>,
    pub(super) ephemeral_containers: List<Container<'t>>,
    pub(super) volumes: List<Volume<'t>>,
}
decode_fields!(Spec<'t> {
    "serviceAccountName" => service_account_name,
    "serviceAccount" => service_account,
    "hostNetwork" => host_network,
    "hostPID" => host_pid,
    "hostIPC" => host_ipc,
    "runtimeClassName" => runtime_class_name,
    "securityContext" => security_context,
    "initContainers" => init_containers,
    "containers" => containers,
    "ephemeralContainers" => ephemeral_containers,
    "volumes" => volumes,
});

impl<'t> Spec<'t> {
    /// All containers with their places.
    pub(super) fn places(&self) -> Vec<(Place, &Container<'t>)> {
        [
            (ContainerList::Init, &self.init_containers),
            (ContainerList::Ordinary, &self.containers),
            (ContainerList::Ephemeral, &self.ephemeral_containers),
        ]
        .into_iter()
        .flat_map(|(list, containers)| {
            containers
                .iter()
                .enumerate()
                .map(move |(index, container)| (Place::Container { list, index: index as u32 }, container))
        })
        .collect()
    }

    /// The container at a place.
    pub(super) fn container_mut(&mut self, place: Place) -> Option<&mut Container<'t>> {
        let Place::Container { list, index } = place else { return None };
        let containers = match list {
            ContainerList::Init => &mut self.init_containers,
            ContainerList::Ordinary => &mut self.containers,
            ContainerList::Ephemeral => &mut self.ephemeral_containers,
        };
        containers.as_mut_slice().get_mut(index as usize)
    }
}

/// A pod's `securityContext`. Absent and empty are the same to PodSecurityPolicy.
#[derive(Clone, Debug, Default)]
pub struct PodContext<'t> {
    pub(super) fs_group: Option<i64>,
    pub(super) supplemental_groups: List<i64>,
    pub(super) run_as_user: Option<i64>,
    pub(super) run_as_group: Option<i64>,
    pub(super) run_as_non_root: Option<bool>,
    pub(super) se_linux_options: Option<SeLinuxLabel<'t>>,
    pub(super) seccomp_profile: Option<ProfileField<'t>>,
    pub(super) app_armor_profile: Option<ProfileField<'t>>,
    pub(super) sysctls: List<Sysctl<'t>>,
}
decode_fields!(PodContext<'t> {
    "fsGroup" => fs_group,
    "supplementalGroups" => supplemental_groups,
    "runAsUser" => run_as_user,
    "runAsGroup" => run_as_group,
    "runAsNonRoot" => run_as_non_root,
    "seLinuxOptions" => se_linux_options,
    "seccompProfile" => seccomp_profile,
    "appArmorProfile" => app_armor_profile,
    "sysctls" => sysctls,
});

/// A container.
#[derive(Clone, Debug, Default)]
pub struct Container<'t> {
    pub(super) name: &'t str,
    pub(super) security_context: Option<Box<Context<'t>>>,
    pub(super) ports: List<Port>,
    pub(super) volume_mounts: List<Mount<'t>>,
}
decode_fields!(Container<'t> {
    "name" => name,
    "securityContext" => security_context,
    "ports" => ports,
    "volumeMounts" => volume_mounts,
});

impl<'t> Container<'t> {
    pub(super) fn context(&self) -> Option<&Context<'t>> {
        self.security_context.as_deref()
    }

    pub(super) fn context_mut(&mut self) -> &mut Context<'t> {
        self.security_context.get_or_insert_default()
    }
}

/// A container's `securityContext`.
#[derive(Clone, Debug, Default)]
pub struct Context<'t> {
    pub(super) privileged: Option<bool>,
    pub(super) allow_privilege_escalation: Option<bool>,
    pub(super) read_only_root_filesystem: Option<bool>,
    pub(super) run_as_user: Option<i64>,
    pub(super) run_as_group: Option<i64>,
    pub(super) run_as_non_root: Option<bool>,
    pub(super) proc_mount: Option<&'t str>,
    pub(super) capabilities: Option<Capabilities<'t>>,
    pub(super) se_linux_options: Option<SeLinuxLabel<'t>>,
    pub(super) seccomp_profile: Option<ProfileField<'t>>,
    pub(super) app_armor_profile: Option<ProfileField<'t>>,
    /// The profile that a policy gives it; never read from a document.
    pub(super) app_armor_default: Option<&'t str>,
}
decode_fields!(Context<'t> {
    "privileged" => privileged,
    "allowPrivilegeEscalation" => allow_privilege_escalation,
    "readOnlyRootFilesystem" => read_only_root_filesystem,
    "runAsUser" => run_as_user,
    "runAsGroup" => run_as_group,
    "runAsNonRoot" => run_as_non_root,
    "procMount" => proc_mount,
    "capabilities" => capabilities,
    "seLinuxOptions" => se_linux_options,
    "seccompProfile" => seccomp_profile,
    "appArmorProfile" => app_armor_profile,
});

/// `capabilities`.
#[derive(Clone, Debug, Default)]
pub struct Capabilities<'t> {
    pub(super) add: List<&'t str>,
    pub(super) drop: List<&'t str>,
}
decode_fields!(Capabilities<'t> { "add" => add, "drop" => drop });

/// `seccompProfile` or `appArmorProfile`.
#[derive(Clone, Debug, Default)]
pub struct ProfileField<'t> {
    kind: &'t str,
    localhost_profile: &'t str,
}
decode_fields!(ProfileField<'t> { "type" => kind, "localhostProfile" => localhost_profile });

impl ProfileField<'_> {
    /// The annotation that the field stands for.
    /// Source: `SeccompAnnotationForField` in k8s.io/kubernetes v1.24 `pkg/api/pod/util.go`.
    pub(super) fn annotation(&self) -> String {
        match self.kind {
            "RuntimeDefault" => "runtime/default".to_owned(),
            "Unconfined" => "unconfined".to_owned(),
            "Localhost" => format!("localhost/{}", self.localhost_profile),
            _ => String::new(),
        }
    }
}

/// A kernel parameter that the pod sets.
#[derive(Clone, Debug, Default)]
pub struct Sysctl<'t> {
    pub(super) name: &'t str,
}
decode_fields!(Sysctl<'t> { "name" => name });

/// A container's port.
#[derive(Clone, Debug, Default)]
pub struct Port {
    pub(super) container_port: i32,
    pub(super) host_port: i32,
}

impl<'t> Decode<'t> for Port {
    fn decode(&mut self, node: Node<'t>) {
        fill(self, node);
    }
}

impl<'t> Fields<'t> for Port {
    fn field(&mut self, key: &'t str, value: Node<'t>) {
        match key {
            "containerPort" => self.container_port.decode(value),
            "hostPort" => self.host_port.decode(value),
            _ => {}
        }
    }
}

/// An entry of `volumeMounts`.
#[derive(Clone, Debug, Default)]
pub struct Mount<'t> {
    pub(super) name: &'t str,
    pub(super) read_only: bool,
}
decode_fields!(Mount<'t> { "name" => name, "readOnly" => read_only });

/// A volume, with what of its source a policy may look at.
#[derive(Clone, Debug, Default)]
pub struct Volume<'t> {
    pub(super) name: &'t str,
    sources: u32,
    /// Sources that no policy knows, such as `image`.
    others: bool,
    pub(super) host_path: PathSource<'t>,
    pub(super) flex_volume: DriverSource<'t>,
    pub(super) csi: DriverSource<'t>,
    pub(super) projected: Projected<'t>,
}

impl Volume<'_> {
    /// Its type's name in a policy; `None` where no policy knows it. A volume without a source becomes an emptyDir.
    pub(super) fn fs_type(&self) -> Option<&'static str> {
        match FS_TYPES.get(self.sources.trailing_zeros() as usize) {
            Some(known) => Some(known.name),
            None if self.others => None,
            None => Some("emptyDir"),
        }
    }
}

impl<'t> Decode<'t> for Volume<'t> {
    fn decode(&mut self, node: Node<'t>) {
        fill(self, node);
    }
}

impl<'t> Fields<'t> for Volume<'t> {
    fn field(&mut self, key: &'t str, value: Node<'t>) {
        match key {
            "name" => return self.name.decode(value),
            "hostPath" => self.host_path.decode(value),
            "flexVolume" => self.flex_volume.decode(value),
            "csi" => self.csi.decode(value),
            "projected" => self.projected.decode(value),
            _ => {}
        }
        match FS_TYPES.iter().position(|known| known.source == key) {
            Some(index) if value.is_null() => self.sources &= !(1 << index),
            Some(index) => self.sources |= 1 << index,
            None => self.others |= !value.is_null(),
        }
    }
}

/// `hostPath`.
#[derive(Clone, Debug, Default)]
pub struct PathSource<'t> {
    pub(super) path: &'t str,
}
decode_fields!(PathSource<'t> { "path" => path });

/// `flexVolume` or `csi`.
#[derive(Clone, Debug, Default)]
pub struct DriverSource<'t> {
    pub(super) driver: &'t str,
}
decode_fields!(DriverSource<'t> { "driver" => driver });

/// `projected`: whether it is what every pod's token volume is.
#[derive(Clone, Debug, Default)]
pub struct Projected<'t> {
    sources: List<Projection<'t>>,
}
decode_fields!(Projected<'t> { "sources" => sources });

impl Projected<'_> {
    /// Whether it holds nothing but a service account's token, the cluster's certificate and the namespace's name.
    /// Source: `IsOnlyServiceAccountTokenSources` in k8s.io/kubernetes v1.24
    /// `pkg/security/podsecuritypolicy/util/util.go`.
    pub(super) fn is_token_only(&self) -> bool {
        self.sources.iter().all(|source| {
            let known =
                source.token.is_some() || source.config_map.is_some() || source.downward_api.is_some();
            let token =
                source.token.as_ref().is_none_or(|token| token.path == "token" && token.audience.is_empty());
            let map = source.config_map.as_ref().is_none_or(|map| map.name == "kube-root-ca.crt");
            let downward = source.downward_api.as_ref().is_none_or(|api| {
                api.items.iter().all(|item| {
                    item.path == "namespace"
                        && item.field_ref.as_ref().is_some_and(|field| {
                            field.field_path == "metadata.namespace" && matches!(field.api_version, "" | "v1")
                        })
                })
            });
            known && token && map && downward
        })
    }
}

#[derive(Clone, Debug, Default)]
struct Projection<'t> {
    token: Option<Token<'t>>,
    config_map: Option<Named<'t>>,
    downward_api: Option<Downward<'t>>,
}
decode_fields!(Projection<'t> {
    "serviceAccountToken" => token,
    "configMap" => config_map,
    "downwardAPI" => downward_api,
});

#[derive(Clone, Debug, Default)]
struct Token<'t> {
    path: &'t str,
    audience: &'t str,
}
decode_fields!(Token<'t> { "path" => path, "audience" => audience });

#[derive(Clone, Debug, Default)]
struct Named<'t> {
    name: &'t str,
}
decode_fields!(Named<'t> { "name" => name });

#[derive(Clone, Debug, Default)]
struct Downward<'t> {
    items: List<DownwardItem<'t>>,
}
decode_fields!(Downward<'t> { "items" => items });

#[derive(Clone, Debug, Default)]
struct DownwardItem<'t> {
    path: &'t str,
    field_ref: Option<FieldRef<'t>>,
}
decode_fields!(DownwardItem<'t> { "path" => path, "fieldRef" => field_ref });

#[derive(Clone, Debug, Default)]
struct FieldRef<'t> {
    api_version: &'t str,
    field_path: &'t str,
}
decode_fields!(FieldRef<'t> { "apiVersion" => api_version, "fieldPath" => field_path });
