//! From paths to objects: looks up files, renders charts and kustomizations, reads all texts in parallel.

use std::io::Read;
use std::path::PathBuf;

use rayon::prelude::*;
use ringwall_model::text::Source;

use crate::files::{self, Place};
use crate::objects::{self, Origin, Part};
use crate::outcome::Input;
use crate::plan::{Job, Plan, Text};
use crate::read;
use crate::{Limits, Options, Progress};

/// The name of standard input.
pub const STDIN: &str = "<stdin>";

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

/// Reads the objects of one text that is at hand, such as a file after an edit. `name` is what the user knows it by.
/// Nothing is looked up and nothing rendered. Costs a pass over the bytes.
pub fn read_text(name: &str, text: String, limits: &Limits) -> Input {
    let mut part = objects::read(Source::new(name, text), Origin::File, limits);
    part.counts.files = 1;
    Input { objects: part.objects, problems: part.problems, notes: part.notes, counts: part.counts }
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
