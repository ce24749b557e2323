//! What comes of reading.

use std::fmt;
use std::ops::AddAssign;

use ringwall_model::finding::Problem;
use ringwall_model::object::Object;
use ringwall_model::text::Position;

/// What was read.
#[derive(Debug, Default)]
pub struct Input {
    /// All objects, ordered by the names of their files and by their place in them.
    pub objects: Vec<Object>,
    /// What could not be read, ordered by place. Where there is any, the input is not whole.
    /// A file that is a template gives one problem, however many of its documents show it.
    pub problems: Vec<Problem>,
    /// What is worth knowing but hides nothing, ordered by place.
    pub notes: Vec<Note>,
    /// How much was read.
    pub counts: Counts,
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were read as they are, standard input among them.
    pub files: usize,
    /// Charts and kustomizations that were rendered.
    pub rendered: usize,
    /// Documents in all texts; those of nothing but comments do not count.
    pub documents: usize,
    /// Objects; each item of a list is one.
    pub objects: usize,
    /// Documents that are no Kubernetes objects and do not mean to be (chart values, workflows).
    pub foreign: usize,
    /// Bytes of all texts.
    pub bytes: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.rendered += other.rendered;
        self.documents += other.documents;
        self.objects += other.objects;
        self.foreign += other.foreign;
        self.bytes += other.bytes;
    }
}

/// A calm fact about the input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Name of the text or directory.
    pub file: String,
    /// Where in the text, if it concerns a place in it.
    pub position: Option<Position>,
    /// What sort of fact it is.
    pub kind: NoteKind,
    /// The fact, as a sentence without full stop.
    pub message: String,
}

/// What a [`Note`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoteKind {
    /// A chart or kustomization that was not rendered, and what to do about it.
    NotRendered,
    /// A file that is read as part of something else, so that nobody misses it.
    Elsewhere,
    /// Something that strict decoding refuses: a repeated key.
    Strict,
    /// A directory without anything to read.
    Empty,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(position) = self.position {
            write!(f, ":{position}")?;
        }
        write!(f, ": {}", self.message)
    }
}
