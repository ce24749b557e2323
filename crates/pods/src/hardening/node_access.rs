//! Whether whoever is in a pod can take over its node.

use super::host_paths::{gives_node, is_log_folder};
use super::model::Pod;

/// Capabilities that are as good as root on the node, and what each gives. Source: capabilities(7).
const CAPABILITIES: [(&str, &str); 6] = [
    ("ALL", "all capabilities"),
    ("SYS_ADMIN", "capability SYS_ADMIN: mounting the node's disks"),
    ("SYS_MODULE", "capability SYS_MODULE: loading modules into the kernel"),
    ("SYS_RAWIO", "capability SYS_RAWIO: the node's memory and disks"),
    ("DAC_READ_SEARCH", "capability DAC_READ_SEARCH: opening any file of the node by its handle"),
    ("BPF", "capability BPF: programs in the node's kernel"),
];

/// Why whoever is in the pod can take over its node; `None` where nothing that the pod states lets them. A flaw of the kernel or the runtime is not
/// thought of.
pub fn takes_node(pod: &Pod<'_>) -> Option<String> {
    for (_, container) in pod.spec.all() {
        let Some(context) = &container.security_context else { continue };
        if context.privileged {
            return Some(format!("container \"{}\" is privileged", container.name));
        }
        let added: Vec<&str> = context
            .capabilities
            .iter()
            .flat_map(|capabilities| capabilities.add.iter())
            .map(|name| name.strip_prefix("CAP_").unwrap_or(name))
            .collect();
        if let Some((_, gives)) = CAPABILITIES.iter().find(|(name, _)| added.contains(name)) {
            return Some(format!("container \"{}\" has {gives}", container.name));
        }
        if pod.spec.host_pid && added.contains(&"SYS_PTRACE") {
            return Some(format!("container \"{}\" may trace the processes of the node", container.name));
        }
    }
    pod.spec.volumes.iter().find_map(|volume| {
        let path = volume.host_path.as_ref()?.path;
        let gives = gives_node(path, is_read_only(pod, volume.name))?;
        Some(format!("volume \"{}\" is {path} of the node: {gives}", volume.name))
    })
}

/// Whether whoever is in the pod may write to the folder in which the kubelet looks for logs.
pub fn writes_node_logs(pod: &Pod<'_>) -> bool {
    pod.spec.volumes.iter().any(|volume| {
        volume.host_path.as_ref().is_some_and(|host| is_log_folder(host.path))
            && !is_read_only(pod, volume.name)
    })
}

/// Whether no container may write to a volume. One that no container mounts is there for nobody.
fn is_read_only(pod: &Pod<'_>, volume: &str) -> bool {
    let mut mounts = pod.spec.all().flat_map(|(_, container)| container.volume_mounts.iter());
    mounts.all(|mount| mount.name != volume || mount.read_only)
}
