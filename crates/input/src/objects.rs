//! One text into objects, with what cannot be read of it and what is worth knowing.

use std::ops::AddAssign;
use std::sync::Arc;

use ringwall_model::finding::Problem;
use ringwall_model::object::{NotAnObject, Object, Rendering};
use ringwall_model::path::FieldPath;
use ringwall_model::text::{Position, Source, Span};
use ringwall_model::tree::{Kind, Node, Tree};

use crate::Limits;
use crate::ReadError;
use crate::outcome::{Counts, Note, NoteKind};
use crate::render::HELM_TEMPLATE;
use crate::stream::{self, Document};

/// How deep lists may lie in lists.
const LISTS_IN_LISTS: usize = 32;

/// What marks a template; no YAML that begins a value with it decodes.
const BRACES: &str = "{{";

/// The comment that `helm template` writes above each document.
const SOURCE_COMMENT: &str = "# Source: ";

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file of its own.
    File,
    /// A file of a Helm chart that is no template by its place, but may be used as one.
    ChartFile,
    /// Standard input.
    Stdin,
    /// What this program printed.
    Rendered(&'static str),
}

/// What one text holds.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) objects: Vec<Object>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notes: Vec<Note>,
    pub(crate) counts: Counts,
}

impl AddAssign for Part {
    fn add_assign(&mut self, other: Self) {
        self.objects.extend(other.objects);
        self.problems.extend(other.problems);
        self.notes.extend(other.notes);
        self.counts += other.counts;
    }
}

/// Reads the objects of a text.
pub(crate) fn read(source: Source, origin: Origin, limits: &Limits) -> Part {
    let source = Arc::new(source);
    let decoded = stream::decode(&source, limits);
    let mut reader =
        Reader { source: &source, origin, template: None, told_template: false, part: Part::default() };
    // What a program printed is no template, though it may well hold braces (alert rules, workflows).
    let may_be_template = !matches!(origin, Origin::Rendered(_)) && source.text().contains(BRACES);
    let braces = |document: &Document| may_be_template && source.slice(document.span).contains(BRACES);
    let is_template = decoded.documents.iter().any(|document| document.tree.is_err() && braces(document));
    for document in &decoded.documents {
        reader.note_template(document);
        reader.document(document, braces(document), is_template);
    }
    if let Some(error) = &decoded.error {
        reader.refuse(error, may_be_template);
    }
    let mut part = reader.part;
    part.counts.bytes = source.text().len() as u64;
    part.counts.objects = part.objects.len();
    part
}

struct Reader<'s> {
    source: &'s Arc<Source>,
    origin: Origin,
    /// The template that the document at hand was rendered from, as far as it is known.
    template: Option<String>,
    /// Whether it was reported that the text is a template itself.
    told_template: bool,
    part: Part,
}

impl Reader<'_> {
    fn document(&mut self, document: &Document, braces: bool, in_template: bool) {
        let tree = match &document.tree {
            Ok(tree) if tree.root().is_null() => return,
            Ok(tree) => tree,
            Err(error) => {
                self.part.counts.documents += 1;
                self.refuse(error, braces);
                return;
            }
        };
        self.part.counts.documents += 1;
        if braces && in_template {
            // It decodes by luck (all its braces are in quotes or comments), but its values are not yet values.
            let at = self.source.position(tree.root().span().start);
            self.unrendered(at, "not read, since another document of this file is a template");
            return;
        }
        if let Some(error) = &document.strict {
            let position = Some(self.source.position(error.offset));
            let file = self.source.name().to_owned();
            self.part.notes.push(Note {
                file,
                position,
                kind: NoteKind::Strict,
                message: error.message.clone(),
            });
        }
        if let Some(error) = &document.dropped {
            self.refuse(error, false);
        }
        self.node(tree, tree.root(), FieldPath::root(), None, 0);
    }

    /// Reads an object or the items of a list. `unstated` is the `apiVersion` and `kind` of an item that has none.
    fn node(
        &mut self,
        tree: &Arc<Tree>,
        node: Node<'_>,
        within: FieldPath,
        unstated: Option<(&str, &str)>,
        depth: usize,
    ) {
        if let Some(list) = List::of(node) {
            if let Some(items) = list.items.filter(|items| !items.is_null()) {
                if items.kind() != Kind::Sequence {
                    let got = items.kind().described();
                    self.problem(items.span(), &within.key("items"), &format!("expected a list, got {got}"));
                    return;
                }
                if depth == LISTS_IN_LISTS {
                    self.problem(node.span(), &within, "too many lists within lists");
                    return;
                }
                let of_items = list.kind.strip_suffix("List").filter(|kind| !kind.is_empty());
                let of_items = of_items.map(|kind| (list.api_version, kind));
                for (index, item) in items.items().enumerate().filter(|(_, item)| !item.is_null()) {
                    self.node(tree, item, within.clone().key("items").index(index), of_items, depth + 1);
                }
            }
            return;
        }
        let in_list = !within.is_empty();
        let read = match unstated {
            Some((api_version, kind)) => Object::read_item(tree, node, within.clone(), api_version, kind),
            None => Object::read(tree, node, within.clone()),
        };
        match read {
            Ok(object) => self.object(object),
            Err(NotAnObject::Broken { path, message, span }) => {
                self.problem(span, &within.join(&path), &message);
            }
            Err(NotAnObject::Foreign) => match missing(node, in_list) {
                Some(message) => self.problem(node.span(), &within, message),
                None => self.part.counts.foreign += 1,
            },
        }
    }

    fn object(&mut self, mut object: Object) {
        if !matches!(self.origin, Origin::Rendered(_))
            && let Some(path) = template_in_identity(&object)
        {
            // Such a name can never be one, so this is a template whose braces all stand in quotes.
            let message = format!("{}: holds `{BRACES}`", object.within.clone().join(&path));
            self.unrendered(object.locate(&path), &message);
            return;
        }
        object.rendering = match self.origin {
            Origin::Rendered(by) => Rendering::Rendered { by, template: self.template.clone() },
            Origin::Stdin if self.template.is_some() => {
                Rendering::Rendered { by: HELM_TEMPLATE, template: self.template.clone() }
            }
            _ => Rendering::None,
        };
        self.part.objects.push(object);
    }

    /// Finds the template that a document of `helm template` comes from.
    fn note_template(&mut self, document: &Document) {
        match self.origin {
            // A template with several documents (a file of definitions) has the comment above its first only.
            Origin::Rendered(HELM_TEMPLATE) => {
                if let Some(template) = source_comment(self.source.slice(document.span)) {
                    self.template = Some(template.to_owned());
                }
            }
            // Here anything may follow a chart's output.
            Origin::Stdin => {
                self.template = source_comment(self.source.slice(document.span)).map(str::to_owned);
            }
            _ => {}
        }
    }

    fn refuse(&mut self, error: &ReadError, looks_like_template: bool) {
        let position = self.source.position(error.offset);
        if looks_like_template {
            self.unrendered(position, &error.message);
        } else {
            self.push_problem(Some(position), error.message.clone());
        }
    }

    /// Reports that the file is a template, once: what else is odd about it has the same cause.
    fn unrendered(&mut self, position: Position, message: &str) {
        if std::mem::replace(&mut self.told_template, true) {
            return;
        }
        if self.origin == Origin::ChartFile {
            // Charts hold such files for their templates to use; that is no fault.
            self.part.notes.push(Note {
                file: self.source.name().to_owned(),
                position: None,
                kind: NoteKind::Elsewhere,
                message: "not read: a file of a Helm chart that looks like a template".to_owned(),
            });
        } else {
            self.push_problem(Some(position), format!("{message} (looks like a Helm template)"));
        }
    }

    fn problem(&mut self, span: Span, path: &FieldPath, message: &str) {
        let message = if path.is_empty() { message.to_owned() } else { format!("{path}: {message}") };
        self.push_problem(Some(self.source.position(span.start)), message);
    }

    fn push_problem(&mut self, position: Option<Position>, mut message: String) {
        if let (Origin::Rendered(_), Some(template)) = (self.origin, &self.template) {
            message = format!("{message} (from {template})");
        }
        self.part.problems.push(Problem {
            file: self.source.name().to_owned(),
            position,
            message,
            object: None,
        });
    }
}

/// A node that is a list of objects.
struct List<'t> {
    api_version: &'t str,
    kind: &'t str,
    items: Option<Node<'t>>,
}

impl<'t> List<'t> {
    /// The list that `node` is: of kind `List`, or of another kind ending so that has `items` which are a list.
    fn of(node: Node<'t>) -> Option<Self> {
        let kind = node.get("kind")?.as_str().filter(|kind| kind.ends_with("List"))?;
        let api_version = node.get("apiVersion")?.as_str()?;
        let items = node.get("items");
        let plain = kind == "List" && api_version == "v1";
        let typed = items.is_some_and(|items| matches!(items.kind(), Kind::Sequence | Kind::Null));
        (plain || typed).then_some(Self { api_version, kind, items })
    }
}

/// What is missing in something that has not both `apiVersion` and `kind`; nothing, if it means to be no object.
fn missing(node: Node<'_>, in_list: bool) -> Option<&'static str> {
    let has = |key: &str| node.get(key).and_then(Node::as_str).is_some_and(|text| !text.is_empty());
    let like_object = node.get("metadata").is_some_and(|metadata| metadata.kind() == Kind::Mapping);
    let is_object = |item: Node<'_>| item.get("apiVersion").is_some() && item.get("kind").is_some();
    match (has("apiVersion"), has("kind")) {
        _ if !in_list && node.items().any(is_object) => {
            Some("expected an object: objects in a bare list are not read; make it a `List`, or documents")
        }
        _ if in_list && node.kind() != Kind::Mapping => Some("expected an object"),
        (false, false) if in_list => Some("`apiVersion` and `kind` are missing"),
        (false, true) if in_list || like_object => Some("`apiVersion` is missing"),
        (true, false) if in_list || like_object => Some("`kind` is missing"),
        _ => None,
    }
}

/// The first field of an object's identity that holds template syntax.
fn template_in_identity(object: &Object) -> Option<FieldPath> {
    let id = &object.id;
    let holds = |text: &str| text.contains(BRACES);
    let fields = [
        (holds(&id.group) || holds(&object.version), &["apiVersion"][..]),
        (holds(&id.kind), &["kind"]),
        (id.namespace.as_deref().is_some_and(holds), &["metadata", "namespace"]),
        (holds(&id.name), &["metadata", "name"]),
    ];
    fields.iter().find(|(found, _)| *found).map(|(_, keys)| FieldPath::keys(keys))
}

/// The template that the comments at the head of a document name.
fn source_comment(text: &str) -> Option<&str> {
    text.lines()
        .take_while(|line| line.trim().is_empty() || line.starts_with('#') || line.starts_with("---"))
        .filter_map(|line| line.strip_prefix(SOURCE_COMMENT))
        .last()
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_comment_is_taken_from_the_head_of_a_document_only() {
        assert_eq!(
            source_comment("---\n# Source: web/templates/a.yaml\nkind: Pod\n"),
            Some("web/templates/a.yaml")
        );
        assert_eq!(source_comment("# Source: a\n# Source: b \n"), Some("b"));
        assert_eq!(source_comment("data: |\n# Source: a\n"), None);
    }
}
