//! Windows `HostProcess` containers.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;

use super::{ON_PURPOSE, Revision, STANDARDS, StandardCheck, even, setters, subject};
use crate::evidence::{Offence, Value, Words};
use crate::model::{Place, PodTemplate};
use crate::policy::Level;

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-012",
        name: "windows-host-process",
        severity: Severity::Critical,
        summary: "a Windows container runs as a process of its node",
        what: "`windowsOptions.hostProcess: true` on the pod or a container.",
        why: "A HostProcess container is not isolated at all: it is a process of the Windows node with its files, \
              network and users.",
        fix: "Remove `hostProcess`, or keep such pods in a namespace of their own, labelled privileged.",
        bad: "securityContext:\n  windowsOptions:\n    hostProcess: true\n",
        good: "securityContext:\n  windowsOptions:\n    runAsUserName: ContainerUser\n",
        versions: "Baseline and restricted, every version of the standards (since v1.0).",
        references: &[
            STANDARDS,
            "https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/",
        ],
        controls: &[
            pss("baseline: HostProcess"),
            cis("5.2.11"),
            nsa("Pod security enforcement"),
            mitre("T1611"),
        ],
    },
    id: "windowsHostProcess",
    level: Level::Baseline,
    revisions: &[Revision { since: Minor(0), find, overrides: &[] }],
    words,
    finding,
    grade: even,
    repair: ON_PURPOSE,
};

fn find<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    let mut judge = |place: Place, host_process: Option<bool>| {
        if host_process == Some(true) {
            offences.push(Offence::new(
                place,
                "securityContext.windowsOptions.hostProcess",
                Value::Bool(true),
            ));
        }
    };
    let pod_options = pod.spec.security_context.as_ref().and_then(|context| context.windows_options.as_ref());
    judge(Place::Pod, pod_options.and_then(|options| options.host_process));
    pod.spec.visit(|place, container| {
        let options =
            container.security_context.as_ref().and_then(|context| context.windows_options.as_ref());
        judge(place, options.and_then(|options| options.host_process));
    });
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let who = setters(pod, offences).join(" and ");
    let detail = format!("{who} must not set securityContext.windowsOptions.hostProcess=true");
    Words { reason: "hostProcess", detail }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    format!("{} runs as a process of its Windows node", subject(pod, offence))
}
