//! What is said: of which object, in which words, at which field.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;

use crate::codes::Code;
use crate::store::Resource;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which one it is.
    pub code: &'static Code,
    /// The object that it is about, by its index in [`Snapshot::all`]; nothing of what istioctl puts in itself.
    pub object: Option<usize>,
    /// The object as the reference names it: `Kind namespace/name`.
    pub origin: String,
    /// The words.
    pub text: String,
    /// The field that it is about, as near as is known; empty for the whole object.
    pub path: FieldPath,
    /// The line that the reference names: of the field where it looks for one, else the object's first. 0 where there is no text.
    pub line: u32,
    /// Kind, name and namespace, by which messages of one code are sorted.
    rank: String,
}

impl Message {
    /// As `istioctl analyze` prints it in its log, with the place that the caller knows (`file.yaml:4`).
    pub fn printed(&self, place: &str) -> String {
        let space = if place.is_empty() { "" } else { " " };
        format!("{} [{}] ({}{space}{place}) {}", self.code.level.name(), self.code.id, self.origin, self.text)
    }
}

/// Where a message points.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// At the object.
    Whole,
    /// At a field, whose line the reference names where it is written.
    Named(FieldPath),
    /// At a field that the reference does not look for.
    Unnamed(FieldPath),
}

/// Takes messages.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    messages: Vec<Message>,
}

impl Reporter {
    /// Says something of a resource.
    pub(crate) fn report(
        &mut self,
        code: &'static Code,
        resource: &Resource<'_>,
        arguments: &[&str],
        place: Place,
    ) {
        if resource.suppresses(code.id) {
            return;
        }
        let (path, named) = match place {
            Place::Whole => (FieldPath::root(), false),
            Place::Named(path) => (path, true),
            Place::Unnamed(path) => (path, false),
        };
        self.messages.push(Message {
            code,
            object: resource.index,
            origin: format!("{} {}", resource.kind.name(), resource.name),
            text: code.text(arguments),
            line: resource.line(named.then_some(&path)),
            path,
            rank: format!("{}/{}/{}", resource.kind.name(), resource.name.name, resource.name.namespace),
        });
    }

    /// The messages as the reference sorts them, without those that would be printed alike.
    /// Source: istio.io/istio `pkg/config/analysis/diag/messages.go`.
    pub(crate) fn finish(self, snapshot: &Snapshot) -> Vec<Message> {
        let mut messages: Vec<(String, Message)> = self
            .messages
            .into_iter()
            .map(|message| (message.printed(&place(snapshot, &message)), message))
            .collect();
        messages
            .sort_by(|(said, one), (other_said, other)| order(one, other).then_with(|| said.cmp(other_said)));
        let mut seen = BTreeSet::new();
        messages.retain(|(said, _)| seen.insert(said.clone()));
        messages.into_iter().map(|(_, message)| message).collect()
    }
}

fn order(one: &Message, other: &Message) -> Ordering {
    (one.code.level, one.code.id)
        .cmp(&(other.code.level, other.code.id))
        .then_with(|| one.object.is_some().cmp(&other.object.is_some()))
        .then_with(|| one.rank.cmp(&other.rank))
}

/// The place that the reference prints: a file, and a line where the file is no JSON.
/// Source: istio.io/istio `pkg/config/analysis/legacy/source/kube/origin.go`.
pub fn place(snapshot: &Snapshot, message: &Message) -> String {
    let Some(object) = message.object.and_then(|index| snapshot.all().get(index)) else {
        return String::new();
    };
    let name = object.source().name();
    let is_json = name.rsplit_once('.').is_some_and(|(_, extension)| extension == "json");
    if is_json || message.line == 0 { name.to_owned() } else { format!("{name}:{}", message.line) }
}
