//! Which kinds make pods, and where their pod template is: one table for every ring.
//!
//! [`WORKLOADS`] are Kubernetes' own kinds, which Pod Security Admission judges. [`CUSTOM`] are the custom kinds that are in wide
//! use; a user's configuration adds more.

use std::borrow::Cow;

use crate::object::Object;
use crate::path::{FieldPath, Segment};
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

/// How a custom kind writes down its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A `PodTemplateSpec`: metadata and spec.
    Template,
    /// A `PodSpec` alone.
    Spec,
    /// A `PodSpec` alone, which an operator completes: what is not written there is not missing.
    PartialSpec,
    /// A template of Argo Workflows: one `container` or `script`, `sidecars`, and the fields of a pod beside them.
    ArgoTemplate,
}

/// A custom kind that makes pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomKind {
    /// API group.
    pub group: Cow<'static, str>,
    /// Kind.
    pub kind: Cow<'static, str>,
    /// The way to its pod templates, as `spec.template`; `[]` behind a key stands for each item of a list, `{}` for each value of a
    /// mapping.
    pub template: Cow<'static, str>,
    /// What stands there.
    pub shape: Shape,
}

const fn custom(group: &'static str, kind: &'static str, template: &'static str, shape: Shape) -> CustomKind {
    CustomKind {
        group: Cow::Borrowed(group),
        kind: Cow::Borrowed(kind),
        template: Cow::Borrowed(template),
        shape,
    }
}

/// The custom kinds that are known. Sources: the `CustomResourceDefinition`s of the projects.
pub static CUSTOM: &[CustomKind] = &[
    custom("argoproj.io", "Rollout", "spec.template", Shape::Template),
    custom("argoproj.io", "Workflow", "spec.templates[]", Shape::ArgoTemplate),
    custom("argoproj.io", "WorkflowTemplate", "spec.templates[]", Shape::ArgoTemplate),
    custom("argoproj.io", "ClusterWorkflowTemplate", "spec.templates[]", Shape::ArgoTemplate),
    custom("argoproj.io", "CronWorkflow", "spec.workflowSpec.templates[]", Shape::ArgoTemplate),
    custom("serving.knative.dev", "Service", "spec.template", Shape::Template),
    custom("serving.knative.dev", "Configuration", "spec.template", Shape::Template),
    custom("serving.knative.dev", "Revision", "spec", Shape::Spec),
    custom("apps.openshift.io", "DeploymentConfig", "spec.template", Shape::Template),
    custom("agents.x-k8s.io", "Sandbox", "spec.podTemplate", Shape::Template),
    custom("extensions.agents.x-k8s.io", "SandboxTemplate", "spec.podTemplate", Shape::Template),
    custom("monitoring.coreos.com", "Prometheus", "spec", Shape::PartialSpec),
    custom("monitoring.coreos.com", "PrometheusAgent", "spec", Shape::PartialSpec),
    custom("monitoring.coreos.com", "Alertmanager", "spec", Shape::PartialSpec),
    custom("monitoring.coreos.com", "ThanosRuler", "spec", Shape::PartialSpec),
    custom("apps.kruise.io", "CloneSet", "spec.template", Shape::Template),
    custom("apps.kruise.io", "StatefulSet", "spec.template", Shape::Template),
    custom("apps.kruise.io", "DaemonSet", "spec.template", Shape::Template),
    custom("apps.kruise.io", "AdvancedCronJob", "spec.template.jobTemplate.spec.template", Shape::Template),
    custom("batch.volcano.sh", "Job", "spec.tasks[].template", Shape::Template),
    custom("jobset.x-k8s.io", "JobSet", "spec.replicatedJobs[].template.spec.template", Shape::Template),
    custom(
        "leaderworkerset.x-k8s.io",
        "LeaderWorkerSet",
        "spec.leaderWorkerTemplate.leaderTemplate",
        Shape::Template,
    ),
    custom(
        "leaderworkerset.x-k8s.io",
        "LeaderWorkerSet",
        "spec.leaderWorkerTemplate.workerTemplate",
        Shape::Template,
    ),
    custom("kubeflow.org", "PyTorchJob", "spec.pytorchReplicaSpecs{}.template", Shape::Template),
    custom("kubeflow.org", "TFJob", "spec.tfReplicaSpecs{}.template", Shape::Template),
    custom("kubeflow.org", "MPIJob", "spec.mpiReplicaSpecs{}.template", Shape::Template),
    custom("ray.io", "RayCluster", "spec.headGroupSpec.template", Shape::Template),
    custom("ray.io", "RayCluster", "spec.workerGroupSpecs[].template", Shape::Template),
    custom("actions.github.com", "AutoscalingRunnerSet", "spec.template", Shape::Template),
];

impl CustomKind {
    /// Whether the object is of this kind, in any version.
    pub fn is(&self, object: &Object) -> bool {
        object.is(&self.group, &self.kind)
    }

    /// The pod templates in an object of this kind, with the path to each.
    pub fn templates_in<'t>(&self, root: Node<'t>) -> Vec<(FieldPath, Node<'t>)> {
        let mut found = vec![(FieldPath::root(), root)];
        for part in self.template.split('.').filter(|part| !part.is_empty()) {
            let (key, each) = match (part.strip_suffix("[]"), part.strip_suffix("{}")) {
                (Some(key), _) => (key, Some('[')),
                (_, Some(key)) => (key, Some('{')),
                _ => (part, None),
            };
            let mut next = Vec::new();
            for (path, node) in found {
                let Some(child) = node.get(key).filter(|child| !child.is_null()) else { continue };
                let path = path.key(key);
                match each {
                    None => next.push((path, child)),
                    Some('[') => next.extend(
                        child.items().enumerate().map(|(index, item)| (path.clone().index(index), item)),
                    ),
                    Some(_) => {
                        next.extend(child.entries().map(|entry| (path.clone().key(entry.key), entry.value)));
                    }
                }
            }
            found = next;
        }
        found
    }
}

impl Shape {
    /// Where a field of a pod template stands in what has this shape: `spec.containers[0].image` is `container.image` in a template
    /// of Argo. `is_script` tells whether that has a `script` for its container.
    pub fn place(self, field: &FieldPath, is_script: bool) -> FieldPath {
        let in_spec = FieldPath::of;
        match (self, field.segments()) {
            (Self::Template, _) => field.clone(),
            (Self::Spec | Self::PartialSpec, [Segment::Key(spec), rest @ ..]) if &**spec == "spec" => {
                in_spec(rest)
            }
            (
                Self::ArgoTemplate,
                [Segment::Key(spec), Segment::Key(list), Segment::Index(index), rest @ ..],
            ) if &**spec == "spec" && &**list == "containers" => {
                let base = match index {
                    0 => FieldPath::keys(&[if is_script { "script" } else { "container" }]),
                    _ => FieldPath::keys(&["sidecars"]).index(index - 1),
                };
                base.join(&in_spec(rest))
            }
            (Self::ArgoTemplate, [Segment::Key(spec), rest @ ..]) if &**spec == "spec" => in_spec(rest),
            _ => field.clone(),
        }
    }
}
