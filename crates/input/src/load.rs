//! From paths to objects: looks up files, renders charts and kustomizations, reads all texts in parallel.

use std::fmt;
use std::io::Read;
use std::ops::AddAssign;
use std::path::PathBuf;

use rayon::prelude::*;
use ringwall_model::finding::Problem;
use ringwall_model::object::Object;
use ringwall_model::text::{Position, Source};

use crate::files::{self, Place};
use crate::objects::{self, Origin, Part};
use crate::plan::{Job, Plan, Text};
use crate::read;
use crate::{Options, Progress};

/// The name of standard input.
pub const STDIN: &str = "<stdin>";

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

/// Reads all objects that `paths` lead to: files, directories, charts, kustomizations, and `stdin` for `-`.
///
/// Never fails as a whole: what cannot be read is among the problems, and the rest is read. The result does not
/// depend on the order of `paths` nor on the number of threads. Costs one walk over the directories, a child
/// process for each chart and kustomization, and a pass over the bytes.
///
/// ```
/// use ringwall_input::{Options, load};
///
/// let mut stdin = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n".as_bytes();
/// let input = load(&["-".into()], &mut stdin, &Options::default(), &());
/// assert_eq!(input.objects[0].id.to_string(), "Pod web");
/// ```
pub fn load(
    paths: &[PathBuf],
    stdin: &mut dyn Read,
    options: &Options,
    progress: &(dyn Progress + Sync),
) -> Input {
    let mut inventory = files::find(paths);
    let stdin = inventory.stdin.then(|| read::stream(stdin, 0, &options.limits));
    let mut input = Part {
        problems: std::mem::take(&mut inventory.problems),
        notes: std::mem::take(&mut inventory.notes),
        ..Part::default()
    };
    let plan = Plan::new(inventory, &options.limits);
    let texts = plan.texts() + usize::from(stdin.is_some());
    progress.found(texts);
    let mut work = plan.render(options, progress);
    if work.more > 0 {
        progress.found(texts + work.more);
    }
    input.problems.append(&mut work.problems);
    input.notes.append(&mut work.notes);
    if let Some(text) = stdin {
        let place = Place { path: STDIN.into(), name: STDIN.to_owned(), real: STDIN.into() };
        match text {
            Ok(text) => work.jobs.push(Job { place, text: Text::Ready { text, origin: Origin::Stdin } }),
            Err(refused) => {
                input.problems.push(refused.of(STDIN));
                progress.done(&place.path, 0);
            }
        }
    }
    work.jobs.sort_by(|a, b| (&a.place.name, &a.place.path).cmp(&(&b.place.name, &b.place.path)));
    let parts: Vec<Part> = work.jobs.into_par_iter().map(|job| read_job(job, options, progress)).collect();
    for part in parts {
        input += part;
    }
    input.problems.sort();
    input.problems.dedup();
    input.notes.sort();
    input.notes.dedup();
    Input { objects: input.objects, problems: input.problems, notes: input.notes, counts: input.counts }
}

fn read_job(job: Job, options: &Options, progress: &(dyn Progress + Sync)) -> Part {
    let Job { place, text } = job;
    let source = match text {
        Text::Ready { text, origin } => Ok((Source::new(place.name.as_str(), text), origin)),
        Text::File { origin } => read::file(&place, &options.limits).map(|source| (source, origin)),
    };
    let part = match source {
        Ok((source, origin)) => {
            let mut part = objects::read(source, origin, &options.limits);
            match origin {
                Origin::Rendered(_) => part.counts.rendered = 1,
                _ => part.counts.files = 1,
            }
            part
        }
        Err(refused) => Part { problems: vec![refused.of(&place.name)], ..Part::default() },
    };
    progress.done(&place.path, part.counts.bytes);
    part
}
