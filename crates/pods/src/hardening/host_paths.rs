//! Paths of the node in a pod: what each gives away. That a pod has one at all is the standards' matter (RW-POD-003).

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Fix, Value};

use super::model::Pod;
use super::repair::{Repair, reviewed, set};
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, Subject, who};
use crate::model::Place;

const HOST_PATH: &str = "https://kubernetes.io/docs/concepts/storage/volumes/#hostpath";
const NEEDED: Repair =
    Repair::Manual("whether the program can do without the node's path is not in the manifest");

pub(super) const RUNTIME_SOCKET: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-049",
        name: "container-runtime-socket",
        severity: Severity::Critical,
        summary: "a pod has the socket of the node's container runtime",
        what: "A `hostPath` volume is the socket of Docker, containerd, CRI-O, cri-dockerd, Podman, BuildKit or rkt, in any of the places \
               where distributions put it (k3s, RKE2, MicroK8s …), or the runtime's own directory that holds it.",
        why: "Whoever speaks to the socket starts containers with any right on the node: this is root on the node. That the mount is \
              read-only changes nothing, for a socket is written to all the same.",
        fix: "Build images with a tool that needs no daemon, read metrics from the kubelet, and ask the API server instead of the runtime.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n  volumes:\n  - name: runtime\n    hostPath:\n      path: /run/containerd/containerd.sock\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n  volumes:\n  - name: runtime\n    emptyDir: {}\n",
        versions: EVERY_VERSION,
        references: &[HOST_PATH, "https://docs.docker.com/engine/security/#docker-daemon-attack-surface"],
        controls: &[cis("5.2.12"), nsa("Pod security enforcement"), mitre("T1610"), mitre("T1611")],
    },
    find: runtime_socket,
    repair: NEEDED,
};

pub(super) const SENSITIVE: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-050",
        name: "sensitive-host-path",
        severity: Severity::High,
        summary: "a pod has a directory of the node that gives the node away",
        what: "A `hostPath` volume is one of these directories or lies below it: `/etc`, `/proc`, `/sys`, `/dev`, `/boot`, `/root`, `/home`, \
               `/usr`, `/bin`, `/lib`, `/var/lib/kubelet`, `/var/lib/etcd`, the data of container runtimes, `/var/log`, credentials of clouds \
               (`/etc/kubernetes/azure.json`, `~/.aws` …); or one above them: `/`, `/var`, `/var/lib`, `/run`. The message says what each gives, \
               and the severity follows it, from low (certificates, graphics devices) to critical (keys of the control plane, the kubelet's \
               directory, `/proc`). Where only writing is dangerous (programs, libraries, timed jobs) a read-only mount is low. The control \
               plane's own pods, which must have theirs, are passed over.",
        why: "From most of these there is a known way to become root on the node or to read the keys of the cluster.",
        fix: "Mount the one file that is needed, read-only; or ask the API server or the kubelet for what it tells.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n  volumes:\n  - name: etc\n    hostPath:\n      path: /etc\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n  volumes:\n  - name: etc\n    hostPath:\n      path: /opt/data\n",
        versions: EVERY_VERSION,
        references: &[HOST_PATH],
        controls: &[cis("5.2.12"), nsa("Pod security enforcement"), mitre("T1552.001"), mitre("T1611")],
    },
    find: sensitive,
    repair: NEEDED,
};

pub(super) const WRITABLE: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-051",
        name: "writable-host-path",
        severity: Severity::Medium,
        summary: "a container may write to a directory of the node",
        what: "A container mounts a `hostPath` volume without `readOnly: true`.",
        why: "What is written there outlives the pod and is read, and perhaps run, by the node and by other pods.",
        fix: "Set `readOnly: true` on the mount where the program only reads. It does not reach mounts below the directory before \
              Kubernetes v1.30 (`recursiveReadOnly`).",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    volumeMounts:\n    - name: data\n      mountPath: /data\n  volumes:\n  - name: data\n    hostPath:\n      path: /opt/data\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    volumeMounts:\n    - name: data\n      mountPath: /data\n      readOnly: true\n  volumes:\n  - name: data\n    hostPath:\n      path: /opt/data\n",
        versions: EVERY_VERSION,
        references: &[HOST_PATH],
        controls: &[cis("5.2.12"), nsa("Pod security enforcement"), mitre("T1611")],
    },
    find: writable,
    repair: Repair::Template(read_only),
};

pub(super) const CLAIM: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-052",
        name: "host-path-claim",
        severity: Severity::High,
        summary: "a pod reaches a directory of the node through a PersistentVolumeClaim",
        what: "A volume of the pod is a claim, the claim is bound to a PersistentVolume of the input (by `spec.volumeName`, by the volume's \
               `claimRef`, or because both name the same storage class and no provisioner can serve it), and that volume is a `hostPath` \
               or `local` one. The severity is what sensitive-host-path says of the path, and medium for others.",
        why: "Pod Security Admission looks at the pod alone and lets it pass: the claim is a way around its rule against host paths.",
        fix: "Use a storage class that provisions volumes apart from the node's own files, and forbid hostPath volumes by a policy on \
              PersistentVolumes.",
        bad: "apiVersion: v1\nkind: PersistentVolume\nmetadata:\n  name: node\nspec:\n  claimRef:\n    namespace: shop\n    name: data\n  hostPath:\n    path: /etc\n---\nkind: Pod\nmetadata:\n  namespace: shop\nspec:\n  containers:\n  - name: web\n  volumes:\n  - name: data\n    persistentVolumeClaim:\n      claimName: data\n",
        good: "apiVersion: v1\nkind: PersistentVolume\nmetadata:\n  name: node\nspec:\n  claimRef:\n    namespace: shop\n    name: data\n  nfs:\n    server: files\n    path: /data\n---\nkind: Pod\nmetadata:\n  namespace: shop\nspec:\n  containers:\n  - name: web\n  volumes:\n  - name: data\n    persistentVolumeClaim:\n      claimName: data\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/storage/persistent-volumes/"],
        controls: &[cis("5.2.12"), nsa("Pod security enforcement"), mitre("T1611")],
    },
    find: claim,
    repair: Repair::Manual("which other storage there is is not in the manifest"),
};

pub(super) const SUB_PATH: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-053",
        name: "sub-path-of-host-path",
        severity: Severity::Low,
        summary: "a container mounts a part of a directory of the node by subPath",
        what: "A mount of a `hostPath` volume has `subPath` or `subPathExpr`.",
        why: "The kubelet follows the path on the node as root. Whoever can put a symbolic link there has reached other files of the node \
              through it (CVE-2017-1002101, CVE-2021-25741, CVE-2023-3676).",
        fix: "Mount the directory that is meant by its full path, without `subPath`.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    volumeMounts:\n    - name: data\n      mountPath: /data\n      readOnly: true\n      subPath: web\n  volumes:\n  - name: data\n    hostPath:\n      path: /opt/data\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    volumeMounts:\n    - name: data\n      mountPath: /data\n      readOnly: true\n  volumes:\n  - name: data\n    hostPath:\n      path: /opt/data/web\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath"],
        controls: &[cis("5.2.12"), nsa("Pod security enforcement"), mitre("T1611")],
    },
    find: sub_path,
    repair: Repair::Manual("the new path is the node's and needs a look"),
};

/// Sockets of container runtimes. Source: the runtimes' own defaults, `--container-runtime-endpoint` of kubeadm, k3s, RKE2,
/// k0s and `MicroK8s`.
const SOCKETS: &[(&str, &str)] = &[
    ("/run/docker.sock", "Docker"),
    ("/run/docker/containerd/containerd.sock", "containerd"),
    ("/run/containerd/containerd.sock", "containerd"),
    ("/run/containerd/containerd.sock.ttrpc", "containerd"),
    ("/run/crio/crio.sock", "CRI-O"),
    ("/run/cri-dockerd.sock", "cri-dockerd"),
    ("/run/dockershim.sock", "Docker"),
    ("/run/podman/podman.sock", "Podman"),
    ("/run/buildkit/buildkitd.sock", "BuildKit"),
    ("/run/frakti.sock", "frakti"),
    ("/run/rkt/api-service.sock", "rkt"),
    ("/run/k3s/containerd/containerd.sock", "containerd"),
    ("/run/k0s/containerd.sock", "containerd"),
    ("/run/isulad.sock", "iSulad"),
    ("/var/snap/microk8s/common/run/containerd.sock", "containerd"),
];

/// Directories that belong to one runtime and hold its socket.
const RUNTIME_DIRECTORIES: &[(&str, &str)] = &[
    ("/run/docker", "Docker"),
    ("/run/containerd", "containerd"),
    ("/run/crio", "CRI-O"),
    ("/run/podman", "Podman"),
    ("/run/buildkit", "BuildKit"),
    ("/run/k3s/containerd", "containerd"),
    ("/run/k0s", "containerd"),
    ("/var/snap/microk8s/common/run", "containerd"),
];

/// What a directory of the node gives to who mounts it.
struct Sensitive {
    path: &'static str,
    /// Whether what lies below gives the same.
    below: bool,
    gives: &'static str,
    severity: Severity,
    /// Whether it gives that only to who may write there.
    written: bool,
}

/// A row that gives what it gives to who reads it, too.
const fn row(path: &'static str, below: bool, gives: &'static str, severity: Severity) -> Sensitive {
    Sensitive { path, below, gives, severity, written: false }
}

/// A row that gives what it gives to who may write there.
const fn written(path: &'static str, gives: &'static str, severity: Severity) -> Sensitive {
    Sensitive { path, below: true, gives, severity, written: true }
}

const ACCOUNTS: &str = "the accounts of the node";
const PROGRAMS: &str = "programs that the node runs as root";
const LIBRARIES: &str = "libraries that the node loads as root";
const CONTAINERS: &str = "the files of all containers of the node";
const DAEMONS: &str = "the sockets of the node's daemons";
const DATA: &str = "the data of the kubelet and of all containers";

/// From the particular to the general: the first that fits speaks. A row of severity info says that there is nothing to say.
const DIRECTORIES: &[Sensitive] = &[
    row("/etc/kubernetes/azure.json", true, "the cloud's credentials of the node", Severity::High),
    written(
        "/etc/kubernetes/manifests",
        "starting static pods, that is root on the node",
        Severity::Critical,
    ),
    row("/etc/kubernetes", true, "keys and manifests of the control plane", Severity::Critical),
    row("/etc/rancher", true, "keys and configuration of the node agent", Severity::Critical),
    row("/etc/ssh", true, "keys of the node's SSH server", Severity::High),
    row("/etc/shadow", true, "the passwords of the node's accounts", Severity::High),
    written("/etc/passwd", ACCOUNTS, Severity::High),
    written("/etc/group", ACCOUNTS, Severity::High),
    written("/etc/sudoers", ACCOUNTS, Severity::High),
    written("/etc/sudoers.d", ACCOUNTS, Severity::High),
    written("/etc/pam.d", ACCOUNTS, Severity::High),
    written("/etc/systemd", PROGRAMS, Severity::High),
    written("/etc/cron.d", PROGRAMS, Severity::High),
    written("/etc/crontab", PROGRAMS, Severity::High),
    written("/etc/ld.so.preload", LIBRARIES, Severity::Critical),
    row("/etc/ssl", true, "certificates of the node", Severity::Low),
    row("/etc/ca-certificates", true, "certificates of the node", Severity::Low),
    row("/etc/pki", true, "certificates of the node", Severity::Low),
    row("/etc/localtime", true, "", Severity::Info),
    row("/etc/machine-id", true, "", Severity::Info),
    row("/etc/hosts", true, "", Severity::Info),
    row("/etc/hostname", true, "", Severity::Info),
    row("/etc/resolv.conf", true, "", Severity::Info),
    row("/etc/os-release", true, "", Severity::Info),
    row("/etc/timezone", true, "", Severity::Info),
    row("/etc/cni", true, "the network of all pods of the node", Severity::High),
    written("/opt/cni/bin", PROGRAMS, Severity::High),
    row("/etc", false, "accounts, keys and timed jobs of the node", Severity::High),
    row("/etc", true, "configuration of the node", Severity::Medium),
    written(
        "/proc/sys/kernel",
        "settings of the kernel, among them what it runs as root when a program dies",
        Severity::Critical,
    ),
    row("/proc/sys", true, "settings of the kernel", Severity::Medium),
    row("/proc/sysrq-trigger", true, "stopping the node", Severity::High),
    row("/proc/cpuinfo", true, "", Severity::Info),
    row("/proc/meminfo", true, "", Severity::Info),
    row("/proc", true, "memory and environment of all processes of the node", Severity::Critical),
    row("/sys/fs/cgroup", true, "the control groups of the node", Severity::High),
    row("/sys/fs/bpf", true, "the programs in the node's kernel", Severity::High),
    row("/sys/kernel", true, "tracing and settings of the kernel", Severity::High),
    row("/sys", true, "settings of the kernel and its devices", Severity::Medium),
    row("/dev/null", true, "", Severity::Info),
    row("/dev/log", true, "", Severity::Info),
    row("/dev/dri", true, "the graphics devices of the node", Severity::Low),
    row("/dev/kvm", true, "virtual machines of the node", Severity::Medium),
    row("/dev/fuse", true, "file systems of its own", Severity::Medium),
    row("/dev/net/tun", true, "network interfaces of its own", Severity::Medium),
    row("/dev/infiniband", true, "the network devices of the node", Severity::Medium),
    row("/dev/shm", true, "memory that processes of the node share", Severity::Medium),
    row("/dev", true, "the disks and memory of the node", Severity::Critical),
    row("/boot", true, "what the node boots", Severity::Critical),
    row("/root", true, "keys of the node's administrator", Severity::Critical),
    row("/home", true, "keys of the node's users", Severity::High),
    row("/lib/modules", true, "the modules of the kernel", Severity::Low),
    row("/usr/lib/modules", true, "the modules of the kernel", Severity::Low),
    row("/usr/src", true, "", Severity::Info),
    row("/usr/share", true, "", Severity::Info),
    row("/usr/lib/os-release", true, "", Severity::Info),
    written("/usr", PROGRAMS, Severity::High),
    written("/bin", PROGRAMS, Severity::High),
    written("/sbin", PROGRAMS, Severity::High),
    written("/lib", LIBRARIES, Severity::High),
    written("/lib64", LIBRARIES, Severity::High),
    row("/var/lib/kubelet/device-plugins", true, "the devices that the kubelet hands out", Severity::Medium),
    row("/var/lib/kubelet/plugins", true, "the storage plugins of the kubelet", Severity::Medium),
    row("/var/lib/kubelet/plugins_registry", true, "the plugins of the kubelet", Severity::Medium),
    row("/var/lib/kubelet/pod-resources", true, "which devices the pods of the node have", Severity::Low),
    row("/var/lib/kubelet/pki", true, "the node's key to the API server", Severity::Critical),
    row("/var/lib/kubelet", true, "the Secrets and tokens of all pods of the node", Severity::Critical),
    row("/var/lib/etcd", true, "everything that the cluster stores", Severity::Critical),
    row("/var/lib/docker", true, CONTAINERS, Severity::Critical),
    row("/var/lib/containerd", true, CONTAINERS, Severity::Critical),
    row("/var/lib/containers", true, CONTAINERS, Severity::Critical),
    row("/var/lib/rancher", true, "keys and containers of the node agent", Severity::Critical),
    row("/var/lib/cloud", true, "the start-up data of the node, often with credentials", Severity::High),
    row(
        "/var/log",
        false,
        "files of the node through symbolic links that the kubelet follows for `kubectl logs`",
        Severity::High,
    ),
    row(
        "/var/log/pods",
        true,
        "the logs of all pods, and files of the node through links that the kubelet follows",
        Severity::High,
    ),
    row(
        "/var/log/containers",
        true,
        "the logs of all pods, and files of the node through links that the kubelet follows",
        Severity::High,
    ),
    row("/var/log", true, "logs of the node", Severity::Medium),
    written("/var/spool/cron", "timed jobs that the node runs as root", Severity::Critical),
    row("/run/secrets", true, "tokens of the node", Severity::High),
    row("/run/systemd", true, "the service manager of the node", Severity::High),
    row("/run/dbus", true, "the service manager of the node", Severity::High),
    row("/run/udev", true, "", Severity::Info),
    row("/run/xtables.lock", true, "", Severity::Info),
    row("/", false, "all files of the node", Severity::Critical),
    row("/var", false, DATA, Severity::Critical),
    row("/var/lib", false, DATA, Severity::Critical),
    row("/run", false, DAEMONS, Severity::Critical),
];

/// Files and directories in a user's home that hold credentials of a cloud, and the clouds' system-wide ones.
const CLOUD: [&str; 9] = [
    "/.aws",
    "/.azure",
    "/.config/gcloud",
    "/gcloud",
    "/.kube",
    "/etc/google",
    "/etc/kubernetes/azure.json",
    "/.ssh",
    "/.docker",
];

/// The path without `.` and repeated slashes, with `/run` for `/var/run`, which is a link to it on all distributions.
fn normalized(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if let ["var", "run", ..] = parts.as_slice() {
        parts.remove(0);
    }
    format!("/{}", parts.join("/"))
}

fn lies_in(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whose socket the path is, or holds as its owner's directory.
fn runtime_of(path: &str) -> Option<&'static str> {
    let socket = SOCKETS.iter().find(|(socket, _)| path == *socket);
    let rootless = || {
        path.starts_with("/run/user/") && (path.ends_with("/docker.sock") || path.ends_with("/podman.sock"))
    };
    socket
        .or_else(|| RUNTIME_DIRECTORIES.iter().find(|(directory, _)| path == *directory))
        .map(|(_, runtime)| *runtime)
        .or_else(|| rootless().then_some("a rootless runtime"))
}

/// What the path gives, and how bad that is; `read_only` where nobody may write there.
fn sensitive_of(path: &str, read_only: bool) -> Option<(&'static str, Severity)> {
    if CLOUD.iter().any(|cloud| path.ends_with(cloud) || path.contains(&format!("{cloud}/"))) {
        return Some(("credentials of the node's users or its cloud", Severity::High));
    }
    let row = DIRECTORIES.iter().find(|row| path == row.path || (row.below && lies_in(path, row.path)))?;
    let severity = if row.written && read_only { Severity::Low } else { row.severity };
    (row.severity > Severity::Info).then_some((row.gives, severity))
}

/// What a path of the node gives, where that is the node itself; `read_only` where nobody may write there.
pub(super) fn gives_node(path: &str, read_only: bool) -> Option<&'static str> {
    let path = normalized(path);
    // A socket answers to whoever can open it.
    if runtime_of(&path).is_some() {
        return Some("the socket of a container runtime");
    }
    sensitive_of(&path, read_only)
        .filter(|(_, severity)| *severity >= Severity::Critical)
        .map(|(gives, _)| gives)
}

/// Whether a path of the node is, or holds, the folder from which the kubelet reads logs.
pub(super) fn is_log_folder(path: &str) -> bool {
    matches!(normalized(path).as_str(), "/var/log" | "/var" | "/")
}

/// Whether all mounts of a volume are read-only, and there is one.
fn is_read_only(subject: &Subject<'_, '_>, volume: &str) -> bool {
    let spec = &subject.pod.spec;
    let mut mounts = spec
        .all()
        .flat_map(|(_, container)| container.volume_mounts.iter())
        .filter(|mount| mount.name == volume)
        .peekable();
    mounts.peek().is_some() && mounts.all(|mount| mount.read_only)
}

/// The volumes with a path of the node: index, name, path as written.
fn host_paths<'a, 't>(subject: &Subject<'a, 't>) -> impl Iterator<Item = (u32, &'t str, &'t str)> + 'a
where
    't: 'a,
{
    let volumes = subject.pod.spec.volumes.as_slice();
    volumes.iter().enumerate().filter_map(|(index, volume)| {
        let host_path = volume.host_path.as_ref()?;
        Some((index as u32, volume.name, host_path.path))
    })
}

/// Where a volume of a pod is mounted.
pub fn mounts_of(pod: &Pod<'_>, volume: &str) -> Vec<At> {
    let mut mounts = Vec::new();
    for (place, container) in pod.spec.all() {
        let of_volume = container.volume_mounts.iter().enumerate().filter(|(_, mount)| mount.name == volume);
        mounts.extend(of_volume.map(|(index, _)| At::Template(place, "volumeMounts[]", index as u32)));
    }
    mounts
}

fn on_volume(subject: &Subject<'_, '_>, index: u32, name: &str, message: String) -> Flaw {
    let mut flaw = Flaw::present(At::Template(Place::Volume(index), "hostPath.path", 0), name, message);
    flaw.related = mounts_of(subject.pod, name);
    flaw
}

fn runtime_socket(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (index, name, path) in host_paths(subject) {
        if let Some(runtime) = runtime_of(&normalized(path)) {
            let message = format!("volume \"{name}\" is {path}, the socket of {runtime}: root on the node");
            flaws.push(on_volume(subject, index, name, message));
        }
    }
}

fn sensitive(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    if subject.is_control_plane {
        return;
    }
    for (index, name, path) in host_paths(subject) {
        let normalized = normalized(path);
        if runtime_of(&normalized).is_some() {
            continue;
        }
        if let Some((gives, severity)) = sensitive_of(&normalized, is_read_only(subject, name)) {
            let message = format!("volume \"{name}\" is {path} of the node, which gives {gives}");
            flaws.push(on_volume(subject, index, name, message).severity(severity));
        }
    }
}

fn writable(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    if subject.is_control_plane {
        return;
    }
    for (_, name, path) in host_paths(subject) {
        for (place, container) in subject.pod.spec.all() {
            let mounts = container.volume_mounts.iter().enumerate();
            for (at, mount) in mounts.filter(|(_, mount)| mount.name == name && !mount.read_only) {
                let message = format!(
                    "{} may write to {path} of the node at {}",
                    who(place, container),
                    mount.mount_path
                );
                let at = At::Template(place, "volumeMounts[].readOnly", at as u32);
                let witness = format!("{}/{}", container.name, mount.mount_path);
                flaws.push(Flaw::present(at, witness, message));
            }
        }
    }
}

fn read_only(_: &Subject<'_, '_>, flaw: &Flaw) -> Result<Fix, &'static str> {
    let changes = vec![set(flaw.path().0, Value::Bool(true))];
    Ok(reviewed("mount the node's directory read-only", "whether the program writes there", changes))
}

fn claim(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let volumes = subject.pod.spec.volumes.iter().enumerate();
    for (index, volume) in volumes {
        let Some(claim) = &volume.claim else { continue };
        let claims = &subject.surroundings.claims;
        let Some((_, behind)) = claims.iter().find(|(name, _)| *name == claim.claim_name) else { continue };
        let message = format!(
            "volume \"{}\" is {} of the node, through claim \"{}\" and PersistentVolume \"{}\"",
            volume.name, behind.path, claim.claim_name, behind.volume
        );
        let at = At::Template(Place::Volume(index as u32), "persistentVolumeClaim.claimName", 0);
        let mut flaw = Flaw::present(at, volume.name, message);
        flaw.related = mounts_of(subject.pod, volume.name);
        let path = normalized(behind.path);
        let severity = match runtime_of(&path) {
            Some(_) => Severity::Critical,
            None => sensitive_of(&path, claim.read_only || is_read_only(subject, volume.name))
                .map_or(Severity::Medium, |(_, severity)| severity),
        };
        flaws.push(flaw.severity(severity));
    }
}

fn sub_path(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (_, name, path) in host_paths(subject) {
        for (place, container) in subject.pod.spec.all() {
            for (at, mount) in
                container.volume_mounts.iter().enumerate().filter(|(_, mount)| mount.name == name)
            {
                let (field, part) = match (mount.sub_path, mount.sub_path_expr) {
                    ("", "") => continue,
                    ("", expr) => ("volumeMounts[].subPathExpr", expr),
                    (part, _) => ("volumeMounts[].subPath", part),
                };
                let message =
                    format!("{} mounts the part {part} of {path} of the node", who(place, container));
                let witness = format!("{}/{part}", container.name);
                flaws.push(Flaw::present(At::Template(place, field, at as u32), witness, message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_known_however_the_path_is_written() {
        for path in [
            "/var/run/docker.sock",
            "//run/./docker.sock",
            "/run/x/../docker.sock",
            "/var/run/docker",
            "/run/user/1000/podman/podman.sock",
        ] {
            assert!(runtime_of(&normalized(path)).is_some(), "{path}");
        }
        assert_eq!(runtime_of(&normalized("/run")), None);
        assert_eq!(runtime_of(&normalized("/srv/docker.sock.d")), None);
    }

    #[test]
    fn directories_give_what_the_nearest_row_says() {
        let severity = |path| sensitive_of(&normalized(path), false).map(|(_, severity)| severity);
        assert_eq!(severity("/"), Some(Severity::Critical));
        assert_eq!(severity("/proc/sys/kernel/core_pattern"), Some(Severity::Critical));
        assert_eq!(severity("/var/log/pods"), Some(Severity::High));
        assert_eq!(severity("/var/run"), Some(Severity::Critical));
        assert_eq!(severity("/home/ada/.aws/credentials"), Some(Severity::High));
        assert_eq!(severity("/etc/localtime"), None);
        assert_eq!(severity("/etc/nginx"), Some(Severity::Medium));
        assert_eq!(severity("/var/log/dmesg"), Some(Severity::Medium));
        assert_eq!(severity("/var/lib/kubelet/pod-resources"), Some(Severity::Low));
        let read = |path| sensitive_of(path, true).map(|(_, severity)| severity);
        assert_eq!(read("/usr/bin"), Some(Severity::Low), "who cannot write there changes no program");
        assert_eq!(read("/etc/kubernetes"), Some(Severity::Critical), "keys are read");
        assert_eq!(severity("/etcd"), None);
        assert_eq!(severity("/opt/data"), None);
    }
}
