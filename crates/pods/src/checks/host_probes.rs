//! Probes and lifecycle handlers that connect to a host.

use ringwall_model::check::Check;
use ringwall_model::control::pss;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Fix};
use ringwall_model::version::Minor;

use super::{Repair, Revision, STANDARDS, StandardCheck, container_names, even, subject};
use crate::evidence::{Offence, Value, Words};
use crate::hardening::repair::reviewed;
use crate::model::{Handler, Place, PodTemplate};
use crate::policy::Level;
use crate::text::{join_quote, plural, sorted};

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-005",
        name: "probe-or-lifecycle-host",
        severity: Severity::Medium,
        summary: "a probe or lifecycle handler names a host to connect to",
        what: "A non-empty `host` in `httpGet` or `tcpSocket` of `livenessProbe`, `readinessProbe`, `startupProbe`, \
               `lifecycle.postStart` or `lifecycle.preStop`. `127.0.0.1` counts too.",
        why: "The kubelet makes the connection, from the node's network. A host of the author's choice turns the \
              kubelet into a way to reach what the pod itself cannot (server-side request forgery).",
        fix: "Remove `host`: the kubelet then connects to the pod's own address. For an HTTP virtual host set a \
              `Host` header in `httpHeaders`.",
        bad: "livenessProbe:\n  httpGet:\n    host: 10.0.0.1\n    port: 8080\n",
        good: "livenessProbe:\n  httpGet:\n    port: 8080\n",
        versions: "Baseline and restricted since v1.34.",
        references: &[STANDARDS, "https://github.com/kubernetes/enhancements/issues/4940"],
        controls: &[pss("baseline: Host Probes / Lifecycle Hooks")],
    },
    id: "hostProbesAndHostLifecycle",
    level: Level::Baseline,
    revisions: &[Revision { since: Minor(34), find, overrides: &[] }],
    words,
    finding,
    grade: even,
    repair: Repair::Template(mend),
};

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    pod.spec.visit(|place, container| {
        let lifecycle = container.lifecycle.as_deref();
        let handlers = [
            (
                container.liveness_probe.as_deref(),
                "livenessProbe.httpGet.host",
                "livenessProbe.tcpSocket.host",
            ),
            (
                container.readiness_probe.as_deref(),
                "readinessProbe.httpGet.host",
                "readinessProbe.tcpSocket.host",
            ),
            (container.startup_probe.as_deref(), "startupProbe.httpGet.host", "startupProbe.tcpSocket.host"),
            (
                lifecycle.and_then(|lifecycle| lifecycle.post_start.as_ref()),
                "lifecycle.postStart.httpGet.host",
                "lifecycle.postStart.tcpSocket.host",
            ),
            (
                lifecycle.and_then(|lifecycle| lifecycle.pre_stop.as_ref()),
                "lifecycle.preStop.httpGet.host",
                "lifecycle.preStop.tcpSocket.host",
            ),
        ];
        for (handler, http, tcp) in handlers {
            if let Some(handler) = handler {
                hosts(place, handler, http, tcp, offences);
            }
        }
    });
}

fn hosts<'t>(
    place: Place,
    handler: &Handler<'t>,
    http: &'static str,
    tcp: &'static str,
    offences: &mut Vec<Offence<'t>>,
) {
    for (target, field) in [(&handler.http_get, http), (&handler.tcp_socket, tcp)] {
        if let Some(target) = target.as_ref().filter(|target| !target.host.is_empty()) {
            offences.push(Offence::new(place, field, Value::Text(target.host)));
        }
    }
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    // Here, and only here, the reference sorts the containers' names and names each once.
    let names = sorted(container_names(pod, offences));
    let hosts = sorted(offences.iter().filter_map(Offence::text));
    let detail = format!(
        "{} {} {} {} {}",
        plural("container", "containers", names.len()),
        join_quote(&names),
        plural("uses", "use", names.len()),
        plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.len()),
        join_quote(&hosts)
    );
    Words { reason: "probe or lifecycle host", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    let hook = match offence.field.split('.').nth(usize::from(offence.field.starts_with("lifecycle."))) {
        Some("livenessProbe") => "liveness probe",
        Some("readinessProbe") => "readiness probe",
        Some("startupProbe") => "startup probe",
        Some("postStart") => "post-start hook",
        _ => "pre-stop hook",
    };
    format!("{} sends its {hook} to the host {}", subject(pod, offence), offence.text().unwrap_or_default())
}

fn mend(_: &PodTemplate<'_>, offence: &Offence<'_>) -> Result<Fix, &'static str> {
    let changes = vec![Change::Remove { path: offence.path() }];
    Ok(reviewed("ask the pod itself", "whether the program listens on the pod's own address", changes))
}
