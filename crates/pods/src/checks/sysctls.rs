//! Kernel parameters.

use ringwall_model::check::Check;
use ringwall_model::control::pss;
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;

use super::{ON_PURPOSE, Revision, STANDARDS, StandardCheck, even, subject};
use crate::evidence::{Offence, Value, Words};
use crate::model::{Place, PodTemplate};
use crate::policy::Level;

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-011",
        name: "unsafe-sysctl",
        severity: Severity::Medium,
        summary: "the pod sets a kernel parameter that is not known to be safe",
        what: "A name in `spec.securityContext.sysctls` outside the safe list: kernel.shm_rmid_forced, \
               net.ipv4.ip_local_port_range, net.ipv4.tcp_syncookies, net.ipv4.ping_group_range, \
               net.ipv4.ip_unprivileged_port_start, and those added later (see versions). The form with slashes is \
               not understood.",
        why: "A kernel parameter outside the safe list may weaken the node or starve its other pods.",
        fix: "Remove the parameter, or set it on the node.",
        bad: "spec:\n  securityContext:\n    sysctls:\n    - name: kernel.msgmax\n      value: \"65536\"\n",
        good: "spec:\n  securityContext:\n    sysctls:\n    - name: net.ipv4.tcp_syncookies\n      value: \"1\"\n",
        versions: "Baseline and restricted, every version of the standards. Allowed since v1.27: \
                   net.ipv4.ip_local_reserved_ports; since v1.29: net.ipv4.tcp_keepalive_time, tcp_fin_timeout, \
                   tcp_keepalive_intvl, tcp_keepalive_probes; since v1.32: net.ipv4.tcp_rmem, tcp_wmem; since v1.37: \
                   net.ipv4.tcp_slow_start_after_idle, tcp_notsent_lowat.",
        references: &[STANDARDS, "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/"],
        controls: &[pss("baseline: Sysctls")],
    },
    id: "sysctls",
    level: Level::Baseline,
    revisions: &[
        Revision { since: Minor(0), find: find_1_0, overrides: &[] },
        Revision { since: Minor(27), find: find_1_27, overrides: &[] },
        Revision { since: Minor(29), find: find_1_29, overrides: &[] },
        Revision { since: Minor(32), find: find_1_32, overrides: &[] },
        Revision { since: Minor(37), find: find_1_37, overrides: &[] },
    ],
    words,
    finding,
    grade: even,
    repair: ON_PURPOSE,
};

/// The safe list, in the order in which it grew.
pub(crate) const SAFE: [&str; 14] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_notsent_lowat",
];

fn find_1_0<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    find(pod, offences, &SAFE[..5]);
}

fn find_1_27<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    find(pod, offences, &SAFE[..6]);
}

fn find_1_29<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    find(pod, offences, &SAFE[..10]);
}

fn find_1_32<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    find(pod, offences, &SAFE[..12]);
}

fn find_1_37<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    find(pod, offences, &SAFE);
}

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>, safe: &[&str]) {
    let Some(context) = &pod.spec.security_context else { return };
    for (index, sysctl) in context.sysctls.iter().enumerate() {
        if !safe.contains(&sysctl.name) {
            let field = "securityContext.sysctls[].name";
            offences.push(Offence {
                place: Place::Pod,
                field,
                index: index as u32,
                value: Value::Text(sysctl.name),
            });
        }
    }
}

fn words(_pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let names: Vec<&str> = offences.iter().filter_map(Offence::text).collect();
    Words { reason: "forbidden sysctls", detail: names.join(", ") }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let name = offence.text().unwrap_or_default();
    format!("{} sets the kernel parameter {name}", subject(pod, offence))
}
