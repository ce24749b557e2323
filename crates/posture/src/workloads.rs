//! The pod templates of a snapshot, decoded, and grouped by the object that a user edits.

use std::collections::HashMap;

use rayon::prelude::*;
use ringwall_model::finding::{Note, Problem};
use ringwall_model::object::Object;
use ringwall_model::path::{FieldPath, Segment};
use ringwall_model::schema::{self, Fits, Schema, SchemaError};
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_model::workload::{self, CUSTOM, CustomKind, Shape, WORKLOADS, WorkloadKind};
use ringwall_pods::defaulting;
use ringwall_pods::model::PodTemplate;
use ringwall_pods::workload::{
    Template, TemplateError, decode, decode_checked, decode_custom, takes_argo_context,
};

/// A workload with its pod template. An object with several templates is several workloads.
#[derive(Clone, Debug)]
pub struct Workload<'s> {
    /// Its index in the snapshot.
    pub index: usize,
    /// The object.
    pub object: &'s Object,
    /// Its pod template.
    pub template: PodTemplate<'s>,
    /// How the object writes it down.
    source: TemplateSource<'s>,
}

/// Where a pod template comes from.
#[derive(Clone, Debug)]
enum TemplateSource<'s> {
    /// A kind of Kubernetes' own.
    BuiltIn(&'static WorkloadKind),
    /// A custom kind: the path to the template, what stands there, and how.
    Custom {
        path: FieldPath,
        node: Node<'s>,
        shape: Shape,
        /// Its number among the templates of the object.
        number: usize,
    },
}

impl<'s> Workload<'s> {
    /// The path of a field of the template, from the object.
    pub fn path_to(&self, field: &FieldPath) -> FieldPath {
        match &self.source {
            TemplateSource::BuiltIn(kind) => kind.template_path().join(field),
            TemplateSource::Custom { path, node, shape, .. } => {
                let placed = shape.place(field, node.get("script").is_some());
                let is_context =
                    matches!(placed.segments(), [Segment::Key(key), ..] if &**key == "securityContext");
                if is_context && self.is_argo() && takes_argo_context(*node, self.object.root()) {
                    // The template is an item of a list of the workflow, which has what is meant.
                    let above = path.segments().len().saturating_sub(2);
                    return FieldPath::of(&path.segments()[..above]).join(&placed);
                }
                path.clone().join(&placed)
            }
        }
    }

    /// Whether the object is a pod itself and not a template for pods.
    pub fn is_pod(&self) -> bool {
        matches!(self.source, TemplateSource::BuiltIn(kind) if kind.is_pod())
    }

    /// Whether an operator completes the template, so that what is not written there is not missing.
    pub const fn is_partial(&self) -> bool {
        matches!(self.source, TemplateSource::Custom { shape: Shape::PartialSpec, .. })
    }

    /// Whether it is a template of Argo Workflows.
    pub const fn is_argo(&self) -> bool {
        matches!(self.source, TemplateSource::Custom { shape: Shape::ArgoTemplate, .. })
    }

    /// Its number among the templates of the object.
    pub const fn number(&self) -> usize {
        match &self.source {
            TemplateSource::BuiltIn(_) => 0,
            TemplateSource::Custom { number, .. } => *number,
        }
    }

    /// The node of its pod template, where that is metadata and spec.
    pub fn node(&self) -> Option<Node<'s>> {
        match &self.source {
            TemplateSource::BuiltIn(kind) => kind.template_in(self.object.root()),
            TemplateSource::Custom { node, shape: Shape::Template, .. } => Some(*node),
            TemplateSource::Custom { .. } => None,
        }
    }

    /// The pod template, decoded as another type.
    pub fn decode<T: Template<'s>>(&self) -> T {
        match &self.source {
            TemplateSource::BuiltIn(kind) => decode_checked(self.object.root(), kind).unwrap_or_default(),
            TemplateSource::Custom { node, shape, .. } => decode_custom(*shape, *node, self.object.root()),
        }
    }
}

/// All workloads of a snapshot.
#[derive(Debug, Default)]
pub struct Workloads<'s> {
    /// Grouped, in the order of the input.
    pub families: Vec<Family<'s>>,
    /// How many workloads there are, those that could not be decoded among them.
    pub count: usize,
    /// Values of wrong types, of all built-in kinds: the API server refuses such objects, and they are not judged.
    pub problems: Vec<Problem>,
    /// Workloads that are judged though the API server does not serve their version, and fields that no kind has.
    pub notes: Vec<Note>,
}

/// What one user-edited object makes: a Deployment with its ReplicaSets and their Pods, or a Pod alone.
#[derive(Clone, Debug)]
pub struct Family<'s> {
    /// The object that a user edits. It may be of a custom kind, and then is no member.
    pub top: &'s Object,
    /// The workloads: the top itself first, if it is one, then those that it owns in the order of the input.
    /// ReplicaSets that a Deployment has scaled to zero are left out: they are its past.
    pub members: Vec<Workload<'s>>,
}

/// What becomes of one object.
enum Decoded<'s> {
    Other(Vec<Note>),
    Workload(Box<Workload<'s>>, Vec<Note>),
    /// An object of a custom kind, with its templates.
    Custom(Vec<Workload<'s>>),
    /// A workload without a template.
    Bare,
    Wrong(Vec<Problem>),
}

/// Which pod templates are read, and how.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'r> {
    /// Whether what the API server would fill in is filled in.
    pub defaulting: bool,
    /// Custom kinds beside those that are known.
    pub custom: &'r [CustomKind],
    /// Whether templates are read that an operator completes. Whoever asks for a verdict on whole pods leaves them out.
    pub partial: bool,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Self { defaulting: true, custom: &[], partial: false }
    }
}

/// Decodes the workloads of a snapshot, and checks the types of all objects of built-in kinds. Costs a walk of each object;
/// objects are walked in parallel.
pub fn of<'s>(snapshot: &'s Snapshot, reading: Reading<'_>) -> Workloads<'s> {
    let objects: Vec<(usize, &Object)> = snapshot.objects().collect();
    let decoded: Vec<Decoded<'_>> =
        objects.par_iter().map(|(index, object)| decode_one(*index, object, reading)).collect();
    let mut all = Workloads::default();
    let mut list = Vec::new();
    for ((_, object), decoded) in objects.iter().zip(decoded) {
        all.count += usize::from(workload::of(object).is_some());
        match decoded {
            Decoded::Bare => {}
            Decoded::Other(notes) => all.notes.extend(notes),
            Decoded::Workload(workload, notes) => {
                list.push(*workload);
                all.notes.extend(notes);
            }
            Decoded::Custom(mut workloads) => {
                all.count += 1;
                list.append(&mut workloads);
            }
            Decoded::Wrong(mut problems) => all.problems.append(&mut problems),
        }
    }
    all.families = families(snapshot, list);
    all
}

fn decode_one<'s>(index: usize, object: &'s Object, reading: Reading<'_>) -> Decoded<'s> {
    let Some(kind) = workload::of(object) else {
        let workloads = custom(index, object, reading);
        if !workloads.is_empty() {
            return Decoded::Custom(workloads);
        }
        if let Some(problem) = misplaced(object) {
            return Decoded::Wrong(vec![problem]);
        }
        return match schema::of(&object.id.group, &object.version, &object.id.kind) {
            Some(schema) => match schema.fits(object.root()) {
                Fits { types: false, .. } => {
                    Decoded::Wrong(wrong_types(object, &schema.check(object.root())))
                }
                Fits { fields: true, .. } => Decoded::Other(Vec::new()),
                Fits { .. } => Decoded::Other(unknown_fields(object, schema)),
            },
            None => Decoded::Other(asides(object)),
        };
    };
    let Some(schema) = schema::of(&object.id.group, &object.version, &object.id.kind) else {
        return of_retired_version(index, object, kind, reading);
    };
    match schema.fits(object.root()) {
        Fits { types: false, .. } => Decoded::Wrong(wrong_types(object, &schema.check(object.root()))),
        Fits { fields, .. } => {
            let notes = if fields { Vec::new() } else { unknown_fields(object, schema) };
            built_in(index, object, kind, decode_checked(object.root(), kind), notes, reading)
        }
    }
}

/// A workload of a version that the API server does not serve any more: it is judged as one of today.
fn of_retired_version<'s>(
    index: usize,
    object: &'s Object,
    kind: &'static WorkloadKind,
    reading: Reading<'_>,
) -> Decoded<'s> {
    let today = if kind.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", kind.group) };
    let message = format!("the API server does not serve {}; judged as {today}", object.api_version());
    let notes = vec![Note::of(object, &FieldPath::keys(&["apiVersion"]), message)];
    match decode(object.root(), kind.group, "v1", kind.kind) {
        Ok(template) => built_in(index, object, kind, template, notes, reading),
        Err(TemplateError::Undecodable(errors)) => Decoded::Wrong(wrong_types(object, &errors)),
        Err(_) => Decoded::Bare,
    }
}

fn built_in<'s>(
    index: usize,
    object: &'s Object,
    kind: &'static WorkloadKind,
    template: Option<PodTemplate<'s>>,
    notes: Vec<Note>,
    reading: Reading<'_>,
) -> Decoded<'s> {
    let Some(mut template) = template else { return Decoded::Bare };
    if reading.defaulting {
        defaulting::apply(&mut template, kind.is_pod());
    }
    let source = TemplateSource::BuiltIn(kind);
    Decoded::Workload(Box::new(Workload { index, object, template, source }), notes)
}

/// The pod templates of an object of a custom kind.
fn custom<'s>(index: usize, object: &'s Object, reading: Reading<'_>) -> Vec<Workload<'s>> {
    let mut workloads = Vec::new();
    for kind in CUSTOM.iter().chain(reading.custom).filter(|kind| kind.is(object)) {
        for (path, node) in kind.templates_in(object.root()) {
            if kind.shape == Shape::PartialSpec && !reading.partial {
                continue;
            }
            // Steps and graphs of a workflow run no container of their own.
            let runs = ["container", "script"].iter().any(|key| node.get(key).is_some());
            if kind.shape == Shape::ArgoTemplate && !runs {
                continue;
            }
            let mut template = decode_custom(kind.shape, node, object.root());
            if reading.defaulting {
                defaulting::apply(&mut template, false);
            }
            let source = TemplateSource::Custom { path, node, shape: kind.shape, number: workloads.len() };
            workloads.push(Workload { index, object, template, source });
        }
    }
    workloads
}

/// A kind that a built-in group does not have and that was meant to be one of its own: `v1` Deployment, `v1` pod. No custom
/// resource can be meant, and to pass it over would read like a pass.
fn misplaced(object: &Object) -> Option<Problem> {
    let id = &object.id;
    if is_unknown(object) && !WORKLOADS.iter().any(|row| row.kind == id.kind) {
        let meant = schema::nearest_kind(&id.group, &object.version, &id.kind)?;
        let message =
            format!("apiVersion: {} has no kind {}; did you mean {meant}?", object.api_version(), id.kind);
        return Some(problem(object, &FieldPath::keys(&["kind"]), message));
    }
    if !matches!(object.id.group.as_str(), "" | "apps" | "batch" | "extensions") {
        return None;
    }
    let right = WORKLOADS.iter().find(|row| row.kind == object.id.kind)?;
    let api_version = if right.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", right.group) };
    let message =
        format!("apiVersion: {} has no kind {}; {api_version} has", object.api_version(), right.kind);
    Some(problem(object, &FieldPath::keys(&["apiVersion"]), message))
}

/// Whether the object is of a built-in group and version that does not have its kind.
fn is_unknown(object: &Object) -> bool {
    let id = &object.id;
    // A kubeconfig looks like an object and is none.
    let other = id.kind == "Config" || ["List", "Options", "Status"].iter().any(|end| id.kind.ends_with(end));
    schema::serves(&id.group, &object.version)
        && schema::of(&id.group, &object.version, &id.kind).is_none()
        && !other
}

/// What is worth knowing of an object that is not judged.
fn asides(object: &Object) -> Vec<Note> {
    if !is_unknown(object) {
        return Vec::new();
    }
    let message =
        format!("{} has no kind {}; the object is passed over", object.api_version(), object.id.kind);
    vec![Note::of(object, &FieldPath::keys(&["kind"]), message)]
}

/// Fields that a built-in kind does not have: most are misspelt, and do nothing.
fn unknown_fields(object: &Object, schema: Schema) -> Vec<Note> {
    schema
        .unknown_fields(object.root())
        .into_iter()
        .map(|field| {
            let meant = field.meant.map_or_else(String::new, |name| format!("; did you mean {name}?"));
            let kind = &object.id.kind;
            let message = format!(
                "{}: {kind} has no such field; kubectl refuses it, and the API server passes it over{meant}",
                field.path
            );
            Note::of(object, &field.path, message)
        })
        .collect()
}

fn problem(object: &Object, path: &FieldPath, message: String) -> Problem {
    let file = object.source().name().to_owned();
    Problem { file, position: Some(object.locate(path)), message, object: Some(object.id.clone()) }
}

fn wrong_types(object: &Object, errors: &[SchemaError]) -> Vec<Problem> {
    let secret = object.is("", "Secret");
    errors
        .iter()
        .map(|error| {
            // The value of a Secret is never shown, not even a broken one.
            let message =
                if secret { error.message.split(": ").next().unwrap_or_default() } else { &error.message };
            let position = object.source().position(error.span.start);
            let message =
                if error.path.is_empty() { message.to_owned() } else { format!("{}: {message}", error.path) };
            let file = object.source().name().to_owned();
            Problem { file, position: Some(position), message, object: Some(object.id.clone()) }
        })
        .collect()
}

/// Groups workloads by the object that a user edits.
fn families<'s>(snapshot: &'s Snapshot, list: Vec<Workload<'s>>) -> Vec<Family<'s>> {
    let mut families: Vec<Family<'s>> = Vec::new();
    let mut by_top: HashMap<usize, usize> = HashMap::new();
    for workload in list {
        let (mut top, mut owner) = snapshot.top_owner(workload.index);
        // A node is said to own its static pods, but nobody edits them there.
        if owner.is("", "Node") {
            (top, owner) = (workload.index, workload.object);
        }
        if top != workload.index && is_past(&workload, owner) {
            continue;
        }
        let family = *by_top.entry(top).or_insert_with(|| {
            families.push(Family { top: owner, members: Vec::new() });
            families.len() - 1
        });
        let members = &mut families[family].members;
        if top == workload.index {
            let own = members.iter().take_while(|member| member.index == top).count();
            members.insert(own, workload);
        } else {
            members.push(workload);
        }
    }
    families
}

/// Whether this is an old revision: a ReplicaSet that its Deployment has scaled to zero.
fn is_past(workload: &Workload<'_>, owner: &Object) -> bool {
    let replicas =
        || workload.object.root().at(&["spec", "replicas"]).and_then(ringwall_model::tree::Node::as_i64);
    owner.is("apps", "Deployment")
        && matches!(workload.object.id.group.as_str(), "apps" | "extensions")
        && workload.object.id.kind == "ReplicaSet"
        && replicas() == Some(0)
}
