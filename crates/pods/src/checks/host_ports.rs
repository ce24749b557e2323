//! Ports of the node.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, pss};
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;

use super::{ON_PURPOSE, Revision, STANDARDS, StandardCheck, container_names, containers, even, subject};
use crate::evidence::{Offence, Value, Words};
use crate::model::PodTemplate;
use crate::policy::Level;
use crate::text::plural;

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-004",
        name: "host-port",
        severity: Severity::Medium,
        summary: "a container listens on a port of its node",
        what: "Any `ports[*].hostPort` other than 0. A pod with `hostNetwork: true` gets a `hostPort` for each \
               `containerPort` by API defaulting; a pod template does not.",
        why: "The port is open on the node's own address, past Services and often past NetworkPolicies, to whoever \
              reaches the node.",
        fix: "Remove `hostPort` and put a Service in front of the pods.",
        bad: "spec:\n  containers:\n  - name: web\n    ports:\n    - containerPort: 8080\n      hostPort: 8080\n",
        good: "spec:\n  containers:\n  - name: web\n    ports:\n    - containerPort: 8080\n",
        versions: "Baseline and restricted, every version of the standards (since v1.0).",
        references: &[STANDARDS],
        controls: &[pss("baseline: Host Ports"), cis("5.2.13")],
    },
    id: "hostPorts",
    level: Level::Baseline,
    revisions: &[Revision { since: Minor(0), find, overrides: &[] }],
    words,
    finding,
    grade: even,
    repair: ON_PURPOSE,
};

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    pod.spec.visit(|place, container| {
        if !container.ports.on_node() {
            return;
        }
        for (index, port) in container.ports.as_slice().iter().enumerate() {
            if port.host_port != 0 {
                let value = Value::Number(i64::from(port.host_port));
                offences.push(Offence { place, field: "ports[].hostPort", index: index as u32, value });
            }
        }
    });
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let names = container_names(pod, offences);
    // The reference sorts ports as texts.
    let mut ports: Vec<String> = offences
        .iter()
        .filter_map(|offence| match offence.value {
            Value::Number(port) => Some(port.to_string()),
            _ => None,
        })
        .collect();
    ports.sort();
    ports.dedup();
    let detail = format!(
        "{} {} {} {}",
        containers(&names),
        plural("uses", "use", names.len()),
        plural("hostPort", "hostPorts", ports.len()),
        ports.join(", ")
    );
    Words { reason: "hostPort", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let who = subject(pod, offence);
    match offence.value {
        Value::Number(port) => format!("{who} takes port {port} of its node"),
        _ => format!("{who} takes a port of its node"),
    }
}
