//! Which object a finding is located in, and which it is reported on.

use std::collections::HashMap;

use ringwall_model::finding::Finding;
use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::text::Position;

/// The objects of a snapshot by their place.
pub(super) struct Places<'s> {
    snapshot: &'s Snapshot,
    /// For each text, where its objects begin and end, and their indexes, by their beginning.
    files: HashMap<&'s str, Vec<(Position, Position, usize)>>,
}

/// The objects that a finding belongs to, as indexes in the snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owners {
    /// The one whose text it is located in.
    pub(super) located: Option<usize>,
    /// The one that it is reported on.
    pub(super) reported: Option<usize>,
}

impl Owners {
    /// Both, each once.
    pub(super) fn each(self) -> impl Iterator<Item = usize> {
        let reported = self.reported.filter(|reported| Some(*reported) != self.located);
        self.located.into_iter().chain(reported)
    }
}

impl<'s> Places<'s> {
    /// Costs a pass over the objects and a sort.
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        let mut files: HashMap<&str, Vec<(Position, Position, usize)>> = HashMap::new();
        for (index, object) in snapshot.objects() {
            let (source, span) = (object.source(), object.root().span());
            let (from, to) = (source.position(span.start), source.position(span.end));
            files.entry(source.name()).or_default().push((from, to, index));
        }
        for objects in files.values_mut() {
            objects.sort_unstable();
        }
        Self { snapshot, files }
    }

    pub(super) fn object(&self, index: usize) -> &'s Object {
        &self.snapshot.all()[index]
    }

    /// Costs a binary search over the objects of the finding's text.
    pub(super) fn of(&self, finding: &Finding) -> Owners {
        let Some(objects) = self.files.get(finding.location.file.as_str()) else { return Owners::default() };
        let position = finding.location.position;
        let before = objects.partition_point(|(from, _, _)| *from <= position);
        let around = before
            .checked_sub(1)
            .and_then(|at| objects.get(at))
            .filter(|(_, to, _)| position < *to)
            .map(|(_, _, index)| *index)
            .filter(|index| self.is_of(*index, finding));
        // What an alias stands for is written in another object at times.
        let located = around.or_else(|| {
            objects.iter().map(|(_, _, index)| *index).find(|index| self.object(*index).id == finding.object)
        });
        let reported = located.and_then(|index| self.reported(index, finding));
        Owners { located, reported }
    }

    /// Whether a finding of that object is reported as this one is.
    fn is_of(&self, index: usize, finding: &Finding) -> bool {
        self.reported(index, finding).is_some()
    }

    /// The object that a finding located in `index` is reported on.
    fn reported(&self, index: usize, finding: &Finding) -> Option<usize> {
        let (top, owner) = self.snapshot.top_owner(index);
        if self.object(index).id == finding.object {
            Some(index)
        } else {
            (owner.id == finding.object).then_some(top)
        }
    }
}
