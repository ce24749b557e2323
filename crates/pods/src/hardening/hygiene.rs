//! Habits that make a cluster hard to guard.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::repair::Repair;
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, Subject, who};

pub(super) const SUDO: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-059",
        name: "sudo-in-command",
        severity: Severity::Low,
        summary: "a container's command calls sudo",
        what: "A word of `command` is `sudo`, ends in `/sudo`, or begins with `sudo ` (a whole command line in one word, also in \
               `sh -c`).",
        why: "The image lets its user become root, so all that was done to run it as another is undone.",
        fix: "Give the program's user the rights that it needs on files, and leave sudo out of the image.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    command: [sudo, serve]\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    command: [serve]\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/security/linux-kernel-security-constraints/"],
        controls: &[nsa("Non-root containers and rootless container engines")],
    },
    find: sudo,
    repair: Repair::Manual("the command without sudo may lack rights that only the image can give"),
};

pub(super) const DEFAULT_NAMESPACE: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-060",
        name: "default-namespace",
        severity: Severity::Info,
        summary: "an object is in the namespace `default`",
        what: "`metadata.namespace` is `default`, or `-n default` was given for objects that state none; of a workload, a ServiceAccount, \
               ConfigMap, Secret, PersistentVolumeClaim, Service, Endpoints, EndpointSlice, Ingress, HorizontalPodAutoscaler, \
               PodDisruptionBudget, Role, RoleBinding, Lease or CSIStorageCapacity. What the cluster itself puts there is passed over: \
               the account `default`, Service and Endpoints `kubernetes`, ConfigMap `kube-root-ca.crt`; so is what another object of the \
               input owns. One that states no namespace is passed over too: where it goes is decided when it is applied.",
        why: "Policies, quotas and rights are given to namespaces; in `default` all things meet that nobody gave a place.",
        fix: "Give what belongs together a namespace of its own, with Pod Security labels and network policies.",
        bad: "kind: Pod\nmetadata:\n  name: web\n  namespace: default\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/"],
        controls: &[cis("5.7.4")],
    },
    find: default_namespace,
    repair: Repair::Manual("which namespace is meant is not in the manifest"),
};

pub(super) const NAKED_POD: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-061",
        name: "naked-pod",
        severity: Severity::Info,
        summary: "a pod is made by no controller",
        what: "A Pod has no owner in `metadata.ownerReferences`. Static pods that the kubelet mirrors name their node there and are passed \
               over, and so are the control plane's own pods.",
        why: "When its node goes, the pod is gone; and nobody can roll out a mended version of it.",
        fix: "Use a Deployment, a StatefulSet or a Job.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nmetadata:\n  name: web-1\n  ownerReferences:\n  - apiVersion: apps/v1\n    kind: ReplicaSet\n    name: web\n    uid: x\n    controller: true\nspec:\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/concepts/configuration/overview/#naked-pods-vs-replicasets-deployments-and-jobs",
        ],
        controls: &[],
    },
    find: naked_pod,
    repair: Repair::Manual("which controller is right depends on the program"),
};

pub(super) const MISSING_LABEL: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-062",
        name: "missing-label",
        severity: Severity::Info,
        summary: "a workload's pods lack a label that policies go by",
        what: "With `required` under `[labels]` in `ringwall.toml`: the pod or pod template lacks one of these labels. Without: it has none \
               of those that `recommended` names there, or else of the labels that Kubernetes recommends (`app.kubernetes.io/name`, `instance`, `version`, `component`, `part-of`, \
               `managed-by`).",
        why: "Network policies, mesh policies and constraints select pods by labels; a pod without them escapes what its owner meant for \
              it.",
        fix: "Add the label to the pod template.",
        bad: "kind: Pod\nmetadata:\n  name: web\n  labels:\n    app: web\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nmetadata:\n  name: web\n  labels:\n    app.kubernetes.io/name: web\nspec:\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"],
        controls: &[],
    },
    find: missing_label,
    repair: Repair::Manual("the label's value is not in the manifest"),
};

pub(super) const NOT_ROLLING: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-064",
        name: "recreate-strategy",
        severity: Severity::Info,
        summary: "a Deployment stops all its pods before it starts new ones",
        what: "`spec.strategy.type` of a Deployment is set to something else than `RollingUpdate`.",
        why: "Each update, also one that closes a hole, takes the service down, so updates are put off.",
        fix: "Use `RollingUpdate`, unless two versions must never run at once.",
        bad: "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  strategy:\n    type: Recreate\n  template:\n    spec:\n      containers:\n      - name: web\n",
        good: "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  strategy:\n    type: RollingUpdate\n  template:\n    spec:\n      containers:\n      - name: web\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy"],
        controls: &[],
    },
    find: not_rolling,
    repair: Repair::Manual("whether two versions may run at once is not in the manifest"),
};

pub(super) const SCHEDULED: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-065",
        name: "scheduled-workload",
        severity: Severity::Info,
        summary: "a CronJob starts pods again and again",
        what: "A CronJob that is not suspended. Something to know, not a fault: each should be one that somebody can name.",
        why: "A CronJob that an attacker leaves behind comes back after every clean-up.",
        fix: "Check that each CronJob is wanted; set `suspend: true` on those that are not needed now.",
        bad: "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: web\nspec:\n  schedule: '0 3 * * *'\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n          - name: web\n",
        good: "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: web\nspec:\n  schedule: '0 3 * * *'\n  suspend: true\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n          - name: web\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"],
        controls: &[mitre("T1053.007")],
    },
    find: scheduled,
    repair: Repair::Manual("whether it is wanted is not in the manifest"),
};

fn sudo(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let calls = |word: &str| {
        let first = word.split_whitespace().next().unwrap_or_default();
        first == "sudo" || first.ends_with("/sudo")
    };
    for (place, container) in subject.pod.spec.all() {
        for (field, words) in [("command[]", &container.command), ("args[]", &container.args)] {
            // Words of `args` are only commands where there is a shell before them, or no command at all.
            for (index, _) in words.iter().enumerate().filter(|(_, word)| calls(word)) {
                // The rest of the word may hold what nobody should read.
                let message = format!("{} calls sudo", who(place, container));
                let witness = container.name;
                flaws.push(Flaw::present(At::Template(place, field, index as u32), witness, message));
            }
        }
    }
}

fn default_namespace(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    if !subject.is_owned {
        flaws.extend(in_default_namespace(subject.object));
    }
}

/// Whether an object is in the namespace `default`.
pub(super) fn in_default_namespace(object: &Object) -> Option<Flaw> {
    if object.id.namespace.as_deref() != Some("default") {
        return None;
    }
    let at = At::Object(FieldPath::keys(&["metadata", "namespace"]));
    let message = format!("the {} is in the namespace default", object.id.kind);
    Some(Flaw::present(at, "", message))
}

fn naked_pod(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let owners = subject.object.root().at(&["metadata", "ownerReferences"]);
    if subject.is_pod
        && !subject.is_control_plane
        && owners.is_none_or(|owners| owners.items().next().is_none())
    {
        let message = "no controller makes the pod again where it is lost".to_owned();
        flaws.push(Flaw::present(At::Object(FieldPath::root()), "", message));
    }
}

/// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>.
const RECOMMENDED: [&str; 6] = ["name", "instance", "version", "component", "part-of", "managed-by"];

fn missing_label(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let labels = &subject.pod.metadata.labels;
    let at = |key: &str| At::TemplatePath(FieldPath::keys(&["metadata", "labels"]).key(key));
    let required = &subject.settings.required_labels;
    if required.is_empty() {
        let recommended = &subject.settings.recommended_labels;
        if !recommended.is_empty() {
            if !recommended.iter().any(|key| labels.get(key).is_some()) {
                let message = format!("the pods have none of the labels {}", recommended.join(", "));
                flaws.push(Flaw::missing(at(&recommended[0]), "", message));
            }
        } else if !RECOMMENDED.iter().any(|name| labels.get(&format!("app.kubernetes.io/{name}")).is_some()) {
            let message = "the pods have none of the labels app.kubernetes.io/*".to_owned();
            flaws.push(Flaw::missing(at("app.kubernetes.io/name"), "", message));
        }
        return;
    }
    for key in required.iter().filter(|key| labels.get(key).is_none()) {
        let message = format!("the pods lack the label {key}");
        flaws.push(Flaw::missing(at(key), key.as_str(), message).severity(Severity::Low));
    }
}

fn not_rolling(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let strategy = subject.object.root().str_at(&["spec", "strategy", "type"]).unwrap_or_default();
    if subject.object.is("apps", "Deployment") && !matches!(strategy, "" | "RollingUpdate") {
        let at = At::Object(FieldPath::keys(&["spec", "strategy", "type"]));
        let message = match strategy {
            "Recreate" => "all pods stop before new ones start (strategy Recreate)".to_owned(),
            other => format!("the API server knows no strategy {other}"),
        };
        flaws.push(Flaw::present(at, strategy, message));
    }
}

fn scheduled(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let root = subject.object.root();
    let suspended = root.at(&["spec", "suspend"]).and_then(ringwall_model::tree::Node::as_bool) == Some(true);
    if subject.object.is("batch", "CronJob") && !suspended {
        let Some(schedule) = root.str_at(&["spec", "schedule"]) else { return };
        let message = format!("pods are started again and again ({schedule})");
        flaws.push(Flaw::present(At::Object(FieldPath::keys(&["spec", "schedule"])), "", message));
    }
}
