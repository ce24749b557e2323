//! Which kinds make pods, and where their pod template is: one table for every ring.

use crate::object::Object;
use crate::path::FieldPath;
use crate::tree::Node;

/// A kind that makes pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkloadKind {
    /// API group.
    pub group: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Resource name, as in RBAC rules and admission requests.
    pub resource: &'static str,
    /// The way to the pod template (metadata and spec); empty for a Pod itself.
    pub template: &'static [&'static str],
}

/// The built-in kinds that make pods.
/// Source: `DefaultPodSpecExtractor` in k8s.io/pod-security-admission `admission/admission.go`.
pub const WORKLOADS: &[WorkloadKind] = &[
    WorkloadKind { group: "", kind: "Pod", resource: "pods", template: &[] },
    WorkloadKind { group: "", kind: "PodTemplate", resource: "podtemplates", template: &["template"] },
    WorkloadKind {
        group: "",
        kind: "ReplicationController",
        resource: "replicationcontrollers",
        template: &["spec", "template"],
    },
    WorkloadKind {
        group: "apps",
        kind: "ReplicaSet",
        resource: "replicasets",
        template: &["spec", "template"],
    },
    WorkloadKind {
        group: "apps",
        kind: "Deployment",
        resource: "deployments",
        template: &["spec", "template"],
    },
    WorkloadKind {
        group: "apps",
        kind: "StatefulSet",
        resource: "statefulsets",
        template: &["spec", "template"],
    },
    WorkloadKind {
        group: "apps",
        kind: "DaemonSet",
        resource: "daemonsets",
        template: &["spec", "template"],
    },
    WorkloadKind { group: "batch", kind: "Job", resource: "jobs", template: &["spec", "template"] },
    WorkloadKind {
        group: "batch",
        kind: "CronJob",
        resource: "cronjobs",
        template: &["spec", "jobTemplate", "spec", "template"],
    },
];

impl WorkloadKind {
    /// The row for a group and kind. Workloads of the retired group `extensions` count as `apps`.
    pub fn of(group: &str, kind: &str) -> Option<&'static Self> {
        let group = if group == "extensions" { "apps" } else { group };
        WORKLOADS.iter().find(|row| row.group == group && row.kind == kind)
    }

    /// The row for a group and resource.
    pub fn of_resource(group: &str, resource: &str) -> Option<&'static Self> {
        WORKLOADS.iter().find(|row| row.group == group && row.resource == resource)
    }

    /// Whether it is a pod itself and not a template for pods.
    pub fn is_pod(&self) -> bool {
        self.template.is_empty()
    }

    /// The path from the object to its pod template.
    pub fn template_path(&self) -> FieldPath {
        FieldPath::keys(self.template)
    }

    /// The pod template in an object of this kind, where it has one.
    pub fn template_in<'t>(&self, root: Node<'t>) -> Option<Node<'t>> {
        root.at(self.template).filter(|node| !node.is_null())
    }
}

/// The workload row of an object, if it makes pods.
pub fn of(object: &Object) -> Option<&'static WorkloadKind> {
    WorkloadKind::of(&object.id.group, &object.id.kind)
}
