//! What each Linux capability gives to a process in a container.
//!
//! Sources: capabilities(7), and the known ways from a container to its node.

use ringwall_model::finding::Severity;

/// What a capability gives.
pub(super) struct Gain {
    name: &'static str,
    /// What its holder gets.
    pub(super) gives: &'static str,
    /// How bad that is.
    pub(super) severity: Severity,
}

const fn gain(name: &'static str, gives: &'static str, severity: Severity) -> Gain {
    Gain { name, gives, severity }
}

const GAINS: &[Gain] = &[
    gain("ALL", "all rights of root on the node", Severity::Critical),
    gain("SYS_ADMIN", "mounting, namespaces and most of root's rights on the node", Severity::Critical),
    gain("SYS_MODULE", "loading code into the node's kernel", Severity::Critical),
    gain("SYS_RAWIO", "the node's memory and devices", Severity::Critical),
    gain("SYS_PTRACE", "the memory of other processes, the node's too where it sees them", Severity::High),
    gain("SYS_BOOT", "restarting the node and loading another kernel", Severity::High),
    gain("DAC_READ_SEARCH", "reading any file of the node by its handle", Severity::Critical),
    gain("DAC_OVERRIDE", "reading and writing files against their modes", Severity::Medium),
    gain("BPF", "programs in the node's kernel that see its traffic and processes", Severity::High),
    gain("PERFMON", "watching all processes of the node", Severity::High),
    gain("NET_ADMIN", "the network's set-up: routes, filters, interfaces", Severity::High),
    gain("NET_RAW", "forged packets: taking over other pods' names and connections", Severity::Medium),
    gain("MAC_ADMIN", "changing the node's SELinux, AppArmor or Smack policy", Severity::High),
    gain("MAC_OVERRIDE", "passing over the node's Smack policy", Severity::High),
    gain("SYS_CHROOT", "changing its root directory", Severity::Low),
    gain("SYS_TIME", "setting the clock of the node", Severity::Medium),
    gain("SYS_RESOURCE", "passing over limits and quotas", Severity::Medium),
    gain("SYS_NICE", "the priority and memory placement of other processes", Severity::Medium),
    gain("SYS_PACCT", "process accounting of the node", Severity::Medium),
    gain("SYS_TTY_CONFIG", "terminals of the node", Severity::Medium),
    gain("SYSLOG", "the kernel's log and its addresses", Severity::Medium),
    gain("AUDIT_CONTROL", "turning the node's audit off", Severity::High),
    gain("AUDIT_READ", "the node's audit log", Severity::Medium),
    gain("AUDIT_WRITE", "writing into the node's audit log", Severity::Low),
    gain("CHECKPOINT_RESTORE", "the state of other processes", Severity::Medium),
    gain("BLOCK_SUSPEND", "keeping the node from sleeping", Severity::Low),
    gain("WAKE_ALARM", "waking the node", Severity::Low),
    gain("IPC_LOCK", "locking memory of the node", Severity::Low),
    gain("IPC_OWNER", "shared memory of others", Severity::Medium),
    gain("LEASE", "leases on any file", Severity::Low),
    gain("LINUX_IMMUTABLE", "making files unchangeable", Severity::Low),
    gain("NET_BROADCAST", "broadcasts", Severity::Low),
    gain("MKNOD", "making device files", Severity::Medium),
    gain("CHOWN", "giving any file to anybody", Severity::Low),
    gain("FOWNER", "changing files of others", Severity::Low),
    gain("FSETID", "keeping set-user-ID bits", Severity::Low),
    gain("KILL", "signals to processes of others", Severity::Low),
    gain("SETGID", "becoming any group", Severity::Low),
    gain("SETUID", "becoming any user", Severity::Low),
    gain("SETPCAP", "giving capabilities on", Severity::Low),
    gain("SETFCAP", "giving capabilities to files", Severity::Low),
    gain("NET_BIND_SERVICE", "ports below 1024", Severity::Low),
];

/// What a capability gives, as a manifest names it: the kernel's own prefix is not part of the name, but is met.
pub(super) fn gain_of(capability: &str) -> Option<&'static Gain> {
    let name = capability.strip_prefix("CAP_").unwrap_or(capability);
    GAINS.iter().find(|gain| gain.name == name)
}
