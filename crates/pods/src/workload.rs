//! The pod template of an object, decoded as the API server decodes it.

use std::fmt;

use ringwall_model::decode::{Decode, Fields, fill};
use ringwall_model::object::Object;
use ringwall_model::schema::{self, SchemaError};
use ringwall_model::tree::Node;
use ringwall_model::workload::{Shape, WorkloadKind};

use crate::model::PodTemplate;

/// Why an object has no pod template that can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// Not of a kind that makes pods.
    NotAWorkload,
    /// The API server knows the kind, but not in this version.
    UnknownVersion,
    /// The API server cannot decode it: these values have the wrong types.
    Undecodable(Vec<SchemaError>),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAWorkload => f.write_str("the object does not make pods"),
            Self::UnknownVersion => f.write_str("the API server does not serve this version of the kind"),
            Self::Undecodable(errors) => match errors.first() {
                Some(error) => error.fmt(f),
                None => f.write_str("the object cannot be decoded"),
            },
        }
    }
}

impl std::error::Error for TemplateError {}

/// The pod template of an object that makes pods; `None` for one that leaves it out (a
/// `ReplicationController` without template).
///
/// # Errors
/// [`TemplateError`] where the API server would not come as far as judging it.
pub fn template_of(object: &Object) -> Result<Option<PodTemplate<'_>>, TemplateError> {
    decode(object.root(), &object.id.group, &object.version, &object.id.kind)
}

/// The pod template in a node of the given group, version and kind. See [`template_of`].
///
/// # Errors
/// As [`template_of`].
pub fn decode<'t>(
    root: Node<'t>,
    group: &str,
    version: &str,
    kind: &str,
) -> Result<Option<PodTemplate<'t>>, TemplateError> {
    let row = WorkloadKind::of(group, kind).ok_or(TemplateError::NotAWorkload)?;
    let schema = schema::of(group, version, kind).ok_or(TemplateError::UnknownVersion)?;
    if !schema.accepts(root) {
        return Err(TemplateError::Undecodable(schema.check(root)));
    }
    Ok(decode_checked(root, row))
}

/// What can be read of a pod template: the fields that admission judges, or those of the hardening checks.
pub trait Template<'t>: Decode<'t> + Fields<'t> {
    /// Fills a field of the pod's `spec`.
    fn spec_field(&mut self, key: &'t str, value: Node<'t>);

    /// Gives the pod these containers, the first of which is the main one of a template of Argo.
    fn set_containers(&mut self, containers: &[Node<'t>]);
}

/// Implements [`Template`] for a struct with a `spec` that has `containers`.
macro_rules! template {
    ($type:ident) => {
        impl<'t> $crate::workload::Template<'t> for $type<'t> {
            fn spec_field(&mut self, key: &'t str, value: ringwall_model::tree::Node<'t>) {
                ringwall_model::decode::Fields::field(&mut self.spec, key, value);
            }

            fn set_containers(&mut self, containers: &[ringwall_model::tree::Node<'t>]) {
                let mut list: Vec<Container<'t>> = Vec::with_capacity(containers.len());
                for node in containers {
                    let mut container = Container::default();
                    ringwall_model::decode::Decode::decode(&mut container, *node);
                    list.push(container);
                }
                // Argo's own name for it. Source: `MainContainerName` in github.com/argoproj/argo-workflows
                // `workflow/common/common.go`.
                if let Some(main) = list.first_mut().filter(|first| first.name.is_empty()) {
                    main.name = "main";
                }
                self.spec.containers = list.into();
            }
        }
    };
}
pub(crate) use template;

/// The pod template of a custom kind, at `node` of an object whose root is `root`. Values of wrong types are passed over: what
/// they should be, the kind's own schema knows.
pub fn decode_custom<'t, T: Template<'t>>(shape: Shape, node: Node<'t>, root: Node<'t>) -> T {
    let mut template = T::default();
    match shape {
        Shape::Template => fill(&mut template, node),
        Shape::Spec | Shape::PartialSpec => template.field("spec", node),
        Shape::ArgoTemplate => {
            // What the workflow says for all its pods, then what the template says.
            for of_workflow in argo_workflow(root).into_iter().flat_map(Node::entries) {
                let replaced = of_workflow.key == "securityContext" && !takes_argo_context(node, root);
                if ARGO_WORKFLOW.contains(&of_workflow.key) && !replaced {
                    template.spec_field(of_workflow.key, of_workflow.value);
                }
            }
            let mut containers = Vec::new();
            for entry in node.entries() {
                match entry.key {
                    "metadata" => template.field("metadata", entry.value),
                    "container" | "script" => containers.insert(0, entry.value),
                    "sidecars" => containers.extend(entry.value.items()),
                    key => template.spec_field(key, entry.value),
                }
            }
            template.set_containers(&containers);
        }
    }
    template
}

/// What holds a workflow's templates, and what it says for all its pods.
fn argo_workflow(root: Node<'_>) -> Option<Node<'_>> {
    root.at(&["spec", "workflowSpec"]).or_else(|| root.get("spec"))
}

/// Whether the pods of the template of Argo at `node` have the `securityContext` of the workflow at `root`. One of the template's own
/// replaces it as a whole. Source: `addSchedulingConstraints` in github.com/argoproj/argo-workflows
/// `workflow/controller/workflowpod.go`.
pub fn takes_argo_context(node: Node<'_>, root: Node<'_>) -> bool {
    let has = |node: Node<'_>| node.get("securityContext").is_some_and(|context| !context.is_null());
    !has(node) && argo_workflow(root).is_some_and(has)
}

/// The fields of a workflow's `spec` that all its pods have. Source: `WorkflowSpec` in
/// github.com/argoproj/argo-workflows `pkg/apis/workflow/v1alpha1/workflow_types.go`.
const ARGO_WORKFLOW: [&str; 8] = [
    "automountServiceAccountToken",
    "hostAliases",
    "hostNetwork",
    "nodeSelector",
    "securityContext",
    "serviceAccountName",
    "volumes",
    "tolerations",
];

/// The pod template of a node whose types are checked already.
pub fn decode_checked<'t, T: Template<'t>>(root: Node<'t>, row: &WorkloadKind) -> Option<T> {
    if row.kind == "ReplicationController" {
        // The one template that is a pointer in Go: absent is not empty.
        let mut template = None;
        descend(row.template, root, &mut |node| Decode::decode(&mut template, node));
        return template;
    }
    let mut template = T::default();
    descend(row.template, root, &mut |node| fill(&mut template, node));
    Some(template)
}

/// Follows the path to the template through every repetition of its keys, as Go's decoder does.
fn descend<'t>(path: &[&str], node: Node<'t>, found: &mut dyn FnMut(Node<'t>)) {
    match path.split_first() {
        None => found(node),
        Some((first, rest)) => {
            for entry in node.entries().filter(|entry| entry.key == *first) {
                descend(rest, entry.value, found);
            }
        }
    }
}
