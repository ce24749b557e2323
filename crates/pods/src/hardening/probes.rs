//! How the kubelet learns that a container is well.

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;

use super::repair::Repair;
use super::{At, Flaw, HardeningCheck, Subject, who};

const PROBES: &str =
    "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/";
const UNKNOWN: Repair = Repair::Manual("which address tells that the program is well is not in the manifest");

pub(super) const LIVENESS: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-035",
        name: "liveness-probe-missing",
        severity: Severity::Info,
        summary: "nothing tells when a container hangs",
        what: "A container or sidecar has no `livenessProbe`. Jobs, CronJobs, workflows of Argo and other batch kinds are passed over: they end by themselves.",
        why: "A program that hangs keeps its place and answers nobody, until somebody sees it.",
        fix: "Add a `livenessProbe` that fails only where a restart helps.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    livenessProbe:\n      httpGet:\n        path: /healthz\n        \
               port: 8080\n",
        versions: "Every version of Kubernetes; sidecars since v1.28.",
        references: &[PROBES],
        controls: &[],
    },
    find: liveness,
    repair: UNKNOWN,
};

pub(super) const READINESS: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-036",
        name: "readiness-probe-missing",
        severity: Severity::Info,
        summary: "a container gets requests before it can answer them",
        what: "A container or sidecar has no `readinessProbe`. Jobs, CronJobs, workflows of Argo and other batch kinds are passed over: nothing sends them requests.",
        why: "Services send requests to the pod from the moment that its process starts, and go on while it is overloaded.",
        fix: "Add a `readinessProbe` that succeeds when the program can serve.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    readinessProbe:\n      httpGet:\n        path: /ready\n        \
               port: 8080\n",
        versions: "Every version of Kubernetes; sidecars since v1.28.",
        references: &[PROBES],
        controls: &[],
    },
    find: readiness,
    repair: UNKNOWN,
};

/// Whether the pods run to an end, so that nobody waits for them to answer.
fn ends_by_itself(subject: &Subject<'_, '_>) -> bool {
    match (subject.object.id.group.as_str(), subject.object.id.kind.as_str()) {
        ("batch", "Job" | "CronJob")
        | ("batch.volcano.sh", "Job")
        | ("jobset.x-k8s.io", "JobSet")
        | ("apps.kruise.io", "AdvancedCronJob")
        | ("kubeflow.org", "PyTorchJob" | "TFJob" | "MPIJob") => true,
        // Steps of workflows end; their sidecars are stopped with them.
        ("argoproj.io", kind) => kind.contains("Workflow"),
        _ => false,
    }
}

fn liveness(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (place, container) in subject.pod.spec.lasting().filter(|_| !ends_by_itself(subject)) {
        if !container.liveness_probe.0 {
            let message = format!("{} has no liveness probe", who(place, container));
            flaws.push(Flaw::missing(At::Template(place, "livenessProbe", 0), container.name, message));
        }
    }
}

fn readiness(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (place, container) in subject.pod.spec.lasting().filter(|_| !ends_by_itself(subject)) {
        if !container.readiness_probe.0 {
            let message = format!("{} has no readiness probe", who(place, container));
            flaws.push(Flaw::missing(At::Template(place, "readinessProbe", 0), container.name, message));
        }
    }
}
