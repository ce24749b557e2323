//! From arguments to a snapshot.

use std::io;
use std::path::{Path, PathBuf};

use ringwall_input::{Counts, NoteKind, Options, STDIN, load as read};
use ringwall_model::finding::{Note, Problem};
use ringwall_model::object::Object;
use ringwall_model::schema;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::version::Minor;
use ringwall_model::workload;
use ringwall_report::Summary;

use crate::args::{InputArgs, ReadingArgs};
use crate::outcome::{Outcome, Usage};
use crate::progress::Bar;
use crate::screen::{Screen, say};

/// What was read.
pub(crate) struct Loaded {
    /// All objects.
    pub(crate) snapshot: Snapshot,
    /// What could not be read.
    pub(crate) problems: Vec<Problem>,
    /// What else there is to know.
    pub(crate) notes: Vec<Note>,
    counts: Counts,
    /// Whether something that belongs to the input was left unread, or there was nothing at all.
    lacking: bool,
    allow_unknown: bool,
}

impl Loaded {
    /// How much was read; `workloads` of the objects make pods.
    pub(crate) fn summary(&self, workloads: usize) -> Summary {
        Summary {
            files: self.counts.files + self.counts.rendered,
            documents: self.counts.documents,
            objects: self.snapshot.objects().count(),
            workloads,
            foreign: self.counts.foreign,
            hidden: 0,
            threshold: None,
        }
    }

    /// What the input alone makes of the outcome; `unknown` if some answer is that one cannot tell.
    pub(crate) fn outcome(&self, unknown: bool) -> Outcome {
        let unreadable = if self.problems.is_empty() { Outcome::Yes } else { Outcome::Unusable };
        unreadable.max(Outcome::no_if((unknown || self.lacking) && !self.allow_unknown))
    }

    /// Says why the outcome is no pass, where nothing else shows it.
    pub(crate) fn hint(&self, screen: &Screen) {
        if self.lacking
            && self.problems.is_empty()
            && !self.allow_unknown
            && screen.format.asides.is_some()
            && !screen.quiet
        {
            say(
                "hint: not all of the input could be judged, so this is no pass; --allow-unknown lets it be one",
            );
        }
    }

    /// Takes in what was found out about the objects after they were read.
    pub(crate) fn add(&mut self, problems: Vec<Problem>, notes: Vec<Note>) {
        self.problems.extend(problems);
        self.problems.sort();
        self.notes.extend(notes);
        self.notes.sort();
    }
}

/// Reads what the arguments name.
///
/// # Errors
/// Where they name nothing: the directory that one happens to be in is hardly ever what is meant.
pub(crate) fn load(args: &InputArgs, verb: &str, quiet: bool) -> Result<Loaded, Usage> {
    load_paths(&args.paths, &args.reading, verb, quiet)
}

/// Reads these paths.
///
/// # Errors
/// There are none.
pub(crate) fn load_paths(
    paths: &[PathBuf],
    args: &ReadingArgs,
    verb: &str,
    quiet: bool,
) -> Result<Loaded, Usage> {
    if paths.is_empty() {
        return Err(Usage {
            message: "no path is given".to_owned(),
            hint: format!("`ringwall {verb} k8s/` reads a directory, `ringwall {verb} -` standard input"),
        });
    }
    let options = Options { render: !args.no_render, ..Options::default() };
    let mut input = {
        let progress = Bar::new(quiet);
        read(paths, &mut io::stdin(), &options, &progress)
    };
    place_in(args.namespace.as_deref(), &mut input.objects);
    let noted = |kind| input.notes.iter().any(|note| note.kind == kind);
    let unrendered = noted(NoteKind::NotRendered);
    // A pipe without anything is most likely the end of a program that failed, and an empty directory a wrong name.
    let nothing = input.counts.documents == 0 && input.problems.is_empty();
    let piped = paths.iter().all(|path| path == Path::new("-"));
    let empty_pipe = nothing && piped;
    // So is a pipe with nothing but words: what was to be judged never came.
    let only_words =
        piped && input.counts.documents > 0 && input.objects.is_empty() && input.problems.is_empty();
    let empty = empty_pipe || only_words || (nothing && noted(NoteKind::Empty));
    let mut notes: Vec<Note> = input
        .notes
        .into_iter()
        .map(|note| Note { file: note.file, position: note.position, message: note.message })
        .collect();
    if empty_pipe {
        notes.push(Note { file: STDIN.to_owned(), position: None, message: "holds no document".to_owned() });
    }
    if only_words {
        let message = "holds no Kubernetes object".to_owned();
        notes.push(Note { file: STDIN.to_owned(), position: None, message });
    }
    let mut facts = Facts { pod_ranges: args.pod_cidr.clone(), ..Facts::default() };
    if let Some(version) = args.kubernetes_version {
        facts.version = version;
        if version > Minor::NEWEST {
            let newest = Minor::NEWEST;
            let message = format!("{version} is newer than this ringwall knows; judged as {newest}");
            notes.push(Note { file: "--kubernetes-version".to_owned(), position: None, message });
        }
    }
    Ok(Loaded {
        snapshot: Snapshot::new(input.objects, facts),
        problems: input.problems,
        notes,
        counts: input.counts,
        // Who says --no-render knows what is left out.
        lacking: (unrendered && !args.no_render) || empty,
        allow_unknown: args.allow_unknown,
    })
}

/// Gives objects that live in a namespace and state none the one that the user names.
pub(crate) fn place_in(namespace: Option<&str>, objects: &mut [Object]) {
    let Some(namespace) = namespace else { return };
    for object in objects.iter_mut().filter(|object| object.id.namespace.is_none() && is_namespaced(object)) {
        object.id.namespace = Some(namespace.to_owned());
    }
}

/// Whether the object lives in a namespace, as far as that is known: the built-in kinds but those of clusters.
fn is_namespaced(object: &Object) -> bool {
    let id = &object.id;
    let built_in =
        schema::of(&id.group, &object.version, &id.kind).is_some() || workload::of(object).is_some();
    built_in && !id.is_cluster_wide()
}
