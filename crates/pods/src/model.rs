//! The ring's typed objects: what of a pod the checks look at, borrowed from the document.
//!
//! Everything else of a pod (commands, environment, mounts, resources …) is never decoded; its types are
//! checked by `ringwall_model::schema`.

use ringwall_model::decode::{Decode, Fields, List, StringMap, fill};
use ringwall_model::decode_fields;
use ringwall_model::path::{FieldPath, Segment};
use ringwall_model::tree::Node;

/// A pod, or the pod template of a workload.
#[derive(Clone, Debug, Default)]
pub struct PodTemplate<'t> {
    /// `metadata`.
    pub metadata: Metadata<'t>,
    /// `spec`.
    pub spec: PodSpec<'t>,
}
decode_fields!(PodTemplate<'t> { "metadata" => metadata, "spec" => spec });
crate::workload::template!(PodTemplate);

/// Metadata of a pod.
#[derive(Clone, Debug, Default)]
pub struct Metadata<'t> {
    /// `annotations`.
    pub annotations: StringMap<'t>,
}
decode_fields!(Metadata<'t> { "annotations" => annotations });

/// A pod's specification.
#[derive(Clone, Debug, Default)]
pub struct PodSpec<'t> {
    /// `hostNetwork`.
    pub host_network: bool,
    /// `hostPID`.
    pub host_pid: bool,
    /// `hostIPC`.
    pub host_ipc: bool,
    /// `hostUsers`: `false` puts the pod into a user namespace.
    pub host_users: Option<bool>,
    /// `os`.
    pub os: Option<Os<'t>>,
    /// `runtimeClassName`.
    pub runtime_class_name: Option<&'t str>,
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
decode_fields!(PodSpec<'t> {
    "hostNetwork" => host_network,
    "hostPID" => host_pid,
    "hostIPC" => host_ipc,
    "hostUsers" => host_users,
    "os" => os,
    "runtimeClassName" => runtime_class_name,
    "securityContext" => security_context,
    "initContainers" => init_containers,
    "containers" => containers,
    "ephemeralContainers" => ephemeral_containers,
    "volumes" => volumes,
});

impl<'t> PodSpec<'t> {
    /// Shows all containers in the order in which the reference visits them: init, ordinary, ephemeral.
    ///
    /// The loops are inside, and not in an iterator over three lists, because every check runs them: this way each
    /// is three plain loops over slices.
    #[inline]
    pub fn visit(&self, mut show: impl FnMut(Place, &Container<'t>)) {
        for (index, container) in self.init_containers.iter().enumerate() {
            show(Place::Container { list: ContainerList::Init, index: index as u32 }, container);
        }
        for (index, container) in self.containers.iter().enumerate() {
            show(Place::Container { list: ContainerList::Ordinary, index: index as u32 }, container);
        }
        for (index, container) in self.ephemeral_containers.iter().enumerate() {
            show(Place::Container { list: ContainerList::Ephemeral, index: index as u32 }, container);
        }
    }

    /// The containers of one list.
    pub fn list(&self, list: ContainerList) -> &[Container<'t>] {
        match list {
            ContainerList::Init => self.init_containers.as_slice(),
            ContainerList::Ordinary => self.containers.as_slice(),
            ContainerList::Ephemeral => self.ephemeral_containers.as_slice(),
        }
    }

    /// Whether the pod says that it is for Windows: exactly `os.name: windows`.
    pub fn is_windows(&self) -> bool {
        self.os.as_ref().is_some_and(|os| os.name == "windows")
    }

    /// Whether the pod has a user namespace of its own (`hostUsers: false`).
    pub fn has_user_namespace(&self) -> bool {
        self.host_users == Some(false)
    }
}

/// `os`.
#[derive(Clone, Debug, Default)]
pub struct Os<'t> {
    /// `name`.
    pub name: &'t str,
}
decode_fields!(Os<'t> { "name" => name });

/// A pod's `securityContext`.
#[derive(Clone, Debug, Default)]
pub struct PodSecurityContext<'t> {
    /// `runAsNonRoot`.
    pub run_as_non_root: Option<bool>,
    /// `runAsUser`.
    pub run_as_user: Option<i64>,
    /// `seccompProfile`.
    pub seccomp_profile: Option<Profile<'t>>,
    /// `appArmorProfile`.
    pub app_armor_profile: Option<Profile<'t>>,
    /// `seLinuxOptions`.
    pub se_linux_options: Option<Box<SeLinuxOptions<'t>>>,
    /// `windowsOptions`.
    pub windows_options: Option<WindowsOptions>,
    /// `sysctls`.
    pub sysctls: List<Sysctl<'t>>,
}
decode_fields!(PodSecurityContext<'t> {
    "runAsNonRoot" => run_as_non_root,
    "runAsUser" => run_as_user,
    "seccompProfile" => seccomp_profile,
    "appArmorProfile" => app_armor_profile,
    "seLinuxOptions" => se_linux_options,
    "windowsOptions" => windows_options,
    "sysctls" => sysctls,
});

/// A container of any of the three lists.
#[derive(Clone, Debug, Default)]
pub struct Container<'t> {
    /// `name`.
    pub name: &'t str,
    /// `image`.
    pub image: &'t str,
    /// `securityContext`.
    pub security_context: Option<SecurityContext<'t>>,
    /// `ports`.
    pub ports: Ports,
    /// `livenessProbe`.
    pub liveness_probe: Option<Box<Handler<'t>>>,
    /// `readinessProbe`.
    pub readiness_probe: Option<Box<Handler<'t>>>,
    /// `startupProbe`.
    pub startup_probe: Option<Box<Handler<'t>>>,
    /// `lifecycle`.
    pub lifecycle: Option<Box<Lifecycle<'t>>>,
}
decode_fields!(Container<'t> {
    "name" => name,
    "image" => image,
    "securityContext" => security_context,
    "ports" => ports,
    "livenessProbe" => liveness_probe,
    "readinessProbe" => readiness_probe,
    "startupProbe" => startup_probe,
    "lifecycle" => lifecycle,
});

/// A container's `securityContext`.
#[derive(Clone, Debug, Default)]
pub struct SecurityContext<'t> {
    /// `allowPrivilegeEscalation`.
    pub allow_privilege_escalation: Option<bool>,
    /// `privileged`.
    pub privileged: Option<bool>,
    /// `runAsNonRoot`.
    pub run_as_non_root: Option<bool>,
    /// `runAsUser`.
    pub run_as_user: Option<i64>,
    /// `procMount`.
    pub proc_mount: Option<&'t str>,
    /// `capabilities`.
    pub capabilities: Option<Capabilities<'t>>,
    /// `seccompProfile`.
    pub seccomp_profile: Option<Profile<'t>>,
    /// `appArmorProfile`.
    pub app_armor_profile: Option<Profile<'t>>,
    /// `seLinuxOptions`.
    pub se_linux_options: Option<Box<SeLinuxOptions<'t>>>,
    /// `windowsOptions`.
    pub windows_options: Option<WindowsOptions>,
}
decode_fields!(SecurityContext<'t> {
    "allowPrivilegeEscalation" => allow_privilege_escalation,
    "privileged" => privileged,
    "runAsNonRoot" => run_as_non_root,
    "runAsUser" => run_as_user,
    "procMount" => proc_mount,
    "capabilities" => capabilities,
    "seccompProfile" => seccomp_profile,
    "appArmorProfile" => app_armor_profile,
    "seLinuxOptions" => se_linux_options,
    "windowsOptions" => windows_options,
});

/// `capabilities`.
#[derive(Clone, Debug, Default)]
pub struct Capabilities<'t> {
    /// `add`.
    pub add: List<&'t str>,
    /// `drop`.
    pub drop: Dropped<'t>,
}
decode_fields!(Capabilities<'t> { "add" => add, "drop" => drop });

/// `capabilities.drop`, and whether it holds `ALL`: the one thing that is asked of it, known once it is read.
#[derive(Clone, Debug, Default)]
pub struct Dropped<'t> {
    list: List<&'t str>,
    all: bool,
}

impl Dropped<'_> {
    /// Whether the list holds exactly `ALL`.
    pub const fn all(&self) -> bool {
        self.all
    }
}

impl<'t> Decode<'t> for Dropped<'t> {
    fn decode(&mut self, node: Node<'t>) {
        self.list.decode(node);
        self.all = self.list.iter().any(|capability| *capability == "ALL");
    }
}

/// A seccomp or AppArmor profile, and whether the standards allow its type: known once it is read, so that no
/// check goes back to the text.
#[derive(Clone, Debug, Default)]
pub struct Profile<'t> {
    kind: &'t str,
    allowed: bool,
}

impl<'t> Profile<'t> {
    /// A profile of this type.
    pub fn new(kind: &'t str) -> Self {
        Self { kind, allowed: matches!(kind, "RuntimeDefault" | "Localhost") }
    }

    /// `type`; empty where a profile is there without one.
    pub const fn kind(&self) -> &'t str {
        self.kind
    }

    /// Whether the type is `RuntimeDefault` or `Localhost`.
    pub const fn is_allowed(&self) -> bool {
        self.allowed
    }
}

impl<'t> Decode<'t> for Profile<'t> {
    fn decode(&mut self, node: Node<'t>) {
        fill(self, node);
    }
}

impl<'t> Fields<'t> for Profile<'t> {
    fn field(&mut self, key: &'t str, value: Node<'t>) {
        if key == "type" {
            let mut kind = self.kind;
            kind.decode(value);
            *self = Self::new(kind);
        }
    }
}

/// `seLinuxOptions`.
#[derive(Clone, Debug, Default)]
pub struct SeLinuxOptions<'t> {
    /// `type`.
    pub kind: &'t str,
    /// `user`.
    pub user: &'t str,
    /// `role`.
    pub role: &'t str,
}
decode_fields!(SeLinuxOptions<'t> { "type" => kind, "user" => user, "role" => role });

/// `windowsOptions`.
#[derive(Clone, Debug, Default)]
pub struct WindowsOptions {
    /// `hostProcess`.
    pub host_process: Option<bool>,
}

impl<'t> Decode<'t> for WindowsOptions {
    fn decode(&mut self, node: Node<'t>) {
        fill(self, node);
    }
}

impl<'t> Fields<'t> for WindowsOptions {
    fn field(&mut self, key: &'t str, value: Node<'t>) {
        if key == "hostProcess" {
            self.host_process.decode(value);
        }
    }
}

/// A kernel parameter that the pod sets.
#[derive(Clone, Debug, Default)]
pub struct Sysctl<'t> {
    /// `name`.
    pub name: &'t str,
}
decode_fields!(Sysctl<'t> { "name" => name });

/// A container's port.
#[derive(Clone, Debug, Default)]
pub struct Port {
    /// `containerPort`.
    pub container_port: i32,
    /// `hostPort`.
    pub host_port: i32,
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

/// A container's `ports`, and whether one of them is open on the node: most containers have none.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    list: List<Port>,
    on_node: bool,
}

impl Ports {
    /// The ports.
    pub fn as_slice(&self) -> &[Port] {
        self.list.as_slice()
    }

    /// Whether one of them has a `hostPort`.
    pub const fn on_node(&self) -> bool {
        self.on_node
    }

    /// Gives each port without `hostPort` its `containerPort` as one, as API defaulting does under `hostNetwork`.
    pub fn open_on_node(&mut self) {
        for port in self.list.as_mut_slice() {
            if port.host_port == 0 {
                port.host_port = port.container_port;
            }
        }
        self.note();
    }

    fn note(&mut self) {
        self.on_node = self.list.iter().any(|port| port.host_port != 0);
    }
}

impl<'t> Decode<'t> for Ports {
    fn decode(&mut self, node: Node<'t>) {
        self.list.decode(node);
        self.note();
    }
}

/// `lifecycle`.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle<'t> {
    /// `postStart`.
    pub post_start: Option<Handler<'t>>,
    /// `preStop`.
    pub pre_stop: Option<Handler<'t>>,
}
decode_fields!(Lifecycle<'t> { "postStart" => post_start, "preStop" => pre_stop });

/// A probe or a lifecycle handler.
#[derive(Clone, Debug, Default)]
pub struct Handler<'t> {
    /// `httpGet`.
    pub http_get: Option<Target<'t>>,
    /// `tcpSocket`.
    pub tcp_socket: Option<Target<'t>>,
}
decode_fields!(Handler<'t> { "httpGet" => http_get, "tcpSocket" => tcp_socket });

/// What a handler connects to.
#[derive(Clone, Debug, Default)]
pub struct Target<'t> {
    /// `host`.
    pub host: &'t str,
}
decode_fields!(Target<'t> { "host" => host });

/// A volume: its name, and which sources are set.
#[derive(Clone, Debug, Default)]
pub struct Volume<'t> {
    /// `name`.
    pub name: &'t str,
    sources: u32,
}

/// The sources of a volume. Those that `restricted` allows come first; the rest stand in the order in which the
/// reference names them.
const SOURCES: [&str; 30] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];
const RESTRICTED_ALLOWS: u32 = (1 << 9) - 1;
const HOST_PATH: u32 = 1 << 9;
const EMPTY_DIR: u32 = 1 << 3;

impl Volume<'_> {
    /// Whether `hostPath` is set.
    pub const fn is_host_path(&self) -> bool {
        self.sources & HOST_PATH != 0
    }

    /// Whether one of the sources is set that `restricted` allows.
    pub const fn has_allowed_source(&self) -> bool {
        self.sources & RESTRICTED_ALLOWS != 0
    }

    /// Whether no source is set.
    pub const fn is_sourceless(&self) -> bool {
        self.sources == 0
    }

    /// Makes it an `emptyDir`, as API defaulting does for a volume without source.
    pub const fn make_empty_dir(&mut self) {
        self.sources |= EMPTY_DIR;
    }

    /// The first source that `restricted` does not allow, or `unknown`.
    pub fn restricted_type(&self) -> &'static str {
        let index = (self.sources & !RESTRICTED_ALLOWS).trailing_zeros() as usize;
        SOURCES.get(index).copied().unwrap_or("unknown")
    }
}

impl<'t> Decode<'t> for Volume<'t> {
    fn decode(&mut self, node: Node<'t>) {
        fill(self, node);
    }
}

impl<'t> Fields<'t> for Volume<'t> {
    fn field(&mut self, key: &'t str, value: Node<'t>) {
        if key == "name" {
            return self.name.decode(value);
        }
        if let Some(index) = SOURCES.iter().position(|source| *source == key) {
            // `emptyDir: null` is no source.
            if value.is_null() {
                self.sources &= !(1 << index);
            } else {
                self.sources |= 1 << index;
            }
        }
    }
}

/// The three lists of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContainerList {
    /// `initContainers`.
    Init,
    /// `containers`.
    Ordinary,
    /// `ephemeralContainers`.
    Ephemeral,
}

impl ContainerList {
    /// The field's name.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Ordinary => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }

    /// What one container of it is called.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Init => "init container",
            Self::Ordinary => "container",
            Self::Ephemeral => "ephemeral container",
        }
    }
}

/// A part of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The pod as a whole.
    Pod,
    /// A container.
    Container {
        /// In which list.
        list: ContainerList,
        /// At which index, from 0.
        index: u32,
    },
    /// A volume, by index.
    Volume(u32),
    /// An annotation.
    Annotation,
}

impl Place {
    /// The path of this part, from the pod template.
    pub fn path(self) -> FieldPath {
        match self {
            Self::Pod => FieldPath::keys(&["spec"]),
            Self::Container { list, index } => FieldPath::keys(&["spec", list.field()]).index(index as usize),
            Self::Volume(index) => FieldPath::keys(&["spec", "volumes"]).index(index as usize),
            Self::Annotation => FieldPath::keys(&["metadata", "annotations"]),
        }
    }
}

/// A path below a [`Place`], in which `[]` stands for an index: `ports[].hostPort`.
pub(crate) fn below(place: Place, field: &str, index: u32) -> FieldPath {
    let mut path = place.path();
    for part in field.split('.').filter(|part| !part.is_empty()) {
        match part.strip_suffix("[]") {
            Some(list) => {
                path.push(Segment::key(list));
                path.push(Segment::Index(index as usize));
            }
            None => path.push(Segment::key(part)),
        }
    }
    path
}
