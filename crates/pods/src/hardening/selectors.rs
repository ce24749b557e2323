//! Selectors that do not select the pods of their own template.

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;
use ringwall_model::path::FieldPath;
use ringwall_model::selector::Selector;

use super::repair::Repair;
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, Subject};

pub(super) const MISMATCH: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-063",
        name: "mismatching-selector",
        severity: Severity::Medium,
        summary: "a workload's selector does not select its own pods",
        what: "`spec.selector` of a Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or ReplicationController, or `spec.jobTemplate.spec.\
               selector` of a CronJob, is set and does not match the labels of the pod template.",
        why: "The API server refuses such an object; what a reviewer believes to be deployed is not.",
        fix: "Make the labels of the template and the selector agree.",
        bad: "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: api\n    spec:\n      containers:\n      - name: web\n",
        good: "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n      containers:\n      - name: web\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/"],
        controls: &[],
    },
    find: mismatch,
    repair: Repair::Manual("whether the selector or the labels are wrong is not in the manifest"),
};

fn mismatch(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let id = &subject.object.id;
    let path: &[&str] = match (id.group.as_str(), id.kind.as_str()) {
        ("apps" | "extensions", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch", "Job") => &["spec", "selector"],
        ("", "ReplicationController") => &["spec", "selector"],
        ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "selector"],
        _ => return,
    };
    let Some(selector) = subject.object.root().at(path) else { return };
    let labels = &subject.pod.metadata.labels;
    let mut at = FieldPath::keys(path);
    if id.kind == "ReplicationController" {
        // A plain map of labels.
        let matches = selector.entries().all(|entry| labels.get(entry.key) == entry.value.as_str());
        if matches {
            return;
        }
    } else {
        // One that the API server refuses for another reason is another error.
        let Ok(compiled) = Selector::compile(selector) else { return };
        if compiled.matches(|key| labels.get(key)) {
            return;
        }
        // The part that fails, for a reader who must mend it.
        let by_labels = selector.get("matchLabels").is_some_and(|wanted| {
            wanted.entries().any(|entry| labels.get(entry.key) != entry.value.as_str())
        });
        at = at.key(if by_labels { "matchLabels" } else { "matchExpressions" });
    }
    let message = "the selector does not select the pods of its own template".to_owned();
    flaws.push(Flaw::present(At::Object(at), "", message));
}
