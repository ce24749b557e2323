//! Annotations that suppress, on an object or its pod template:
//!
//! ```yaml
//! ringwall.dev/ignore.RW-POD-001: "reads the node's logs; until=2027-01-31"
//! ringwall.dev/ignore.RW-POD-001.container.agent: "reads the node's logs"
//! ```

use ringwall_model::finding::{Location, SuppressedBy};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::selector::is_qualified_name;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_model::workload::{self, CUSTOM, Shape};

use crate::quiet::directive;
use crate::quiet::mark::{About, Fault, Mark, Marks, Scope};
use crate::quiet::peers;
use crate::settings::Settings;

/// What the keys of ours begin with.
const PREFIX: &str = "ringwall.dev/ignore.";

/// What stands between the check and the name of a container.
const CONTAINER: &str = ".container.";

/// Collects the annotations of all objects.
pub(super) fn collect<'a>(snapshot: &'a Snapshot, settings: &Settings, marks: &mut Marks<'a>) {
    for (index, object) in snapshot.objects() {
        let metadata = FieldPath::keys(&["metadata"]);
        let places = [FieldPath::root()].into_iter().chain(templates(object, settings));
        for path in places.map(|place| place.join(&metadata).key("annotations")) {
            let Some(annotations) = object.root().locate(&path) else { continue };
            for entry in annotations.entries() {
                one(index, object, (entry.key, entry.value), &path, settings, marks);
            }
        }
        if settings.compat_ignores {
            labels(index, object, marks);
        }
    }
}

/// The ways to the pod templates of an object, as far as those have metadata of their own.
fn templates(object: &Object, settings: &Settings) -> Vec<FieldPath> {
    if let Some(kind) = workload::of(object) {
        // The template of a Pod is the Pod.
        return if kind.is_pod() { Vec::new() } else { vec![kind.template_path()] };
    }
    let kinds = CUSTOM.iter().chain(&settings.workloads);
    kinds
        .filter(|kind| kind.shape == Shape::Template && kind.is(object))
        .flat_map(|kind| kind.templates_in(object.root()))
        .map(|(path, _)| path)
        .collect()
}

fn one(
    index: usize,
    object: &Object,
    (key, value): (&str, Node<'_>),
    annotations: &FieldPath,
    settings: &Settings,
    marks: &mut Marks<'_>,
) {
    let about = || {
        let path = annotations.clone().key(key);
        let location = Location::of(object, &path);
        About::of(object, path, location)
    };
    let text = value.as_str().unwrap_or_default();
    let Some(rule) = key.strip_prefix(PREFIX) else {
        if settings.compat_ignores
            && let Some(directive) = peers::of_annotation(key, text, |key| {
                object.root().locate(&annotations.clone().key(key)).and_then(Node::as_str)
            })
        {
            let scope = Scope::Object { index, container: None };
            let mark = Mark::new(SuppressedBy::Annotation, directive, scope, about());
            marks.marks.push(Mark { foreign: true, ..mark });
        }
        return;
    };
    let (rule, container) = match rule.split_once(CONTAINER) {
        Some((rule, container)) => (rule, Some(container.to_owned())),
        None => (rule, None),
    };
    let mut read = directive::of_annotation(rule, text, settings.require_reason);
    if !is_qualified_name(key) {
        read = Err(
            "the API server refuses the key: behind the / there may be up to 63 letters, digits, -, _ and ., the first and \
             the last a letter or a digit; an exception in ringwall.toml has no such bound"
                .to_owned(),
        );
    }
    match read {
        Ok(directive) => {
            let scope = Scope::Object { index, container };
            marks.marks.push(Mark::new(SuppressedBy::Annotation, directive, scope, about()));
        }
        Err(message) => marks.faults.push(Fault { by: SuppressedBy::Annotation, about: about(), message }),
    }
}

/// Labels by which other scanners are told to pass over an object.
fn labels(index: usize, object: &Object, marks: &mut Marks<'_>) {
    let path = FieldPath::keys(&["metadata", "labels"]);
    let Some(labels) = object.root().locate(&path) else { return };
    for entry in labels.entries() {
        let Some(directive) = peers::of_label(entry.key, entry.value.as_str().unwrap_or_default()) else {
            continue;
        };
        let path = path.clone().key(entry.key);
        let location = Location::of(object, &path);
        let scope = Scope::Object { index, container: None };
        let about = About::of(object, path, location);
        marks
            .marks
            .push(Mark { foreign: true, ..Mark::new(SuppressedBy::Annotation, directive, scope, about) });
    }
}
