//! Which part every file plays, so that nothing is read twice and nothing is left out.
//!
//! ```text
//!   a file of a chart ── templates, values ──▶ left to helm
//!                     └─ crds ───────────────▶ left to helm where it renders the chart, else read
//!   a file that a kustomization refers to ───▶ left to kustomize where it renders one that does,
//!                                              else read if it is a resource, left out if it is a patch
//!   any other file ──────────────────────────▶ read
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use rayon::prelude::*;
use ringwall_model::finding::Problem;

use crate::files::{Found, Inventory, Place};
use crate::objects::Origin;
use crate::outcome::{Note, NoteKind};
use crate::render::charts::{Charts, FilePart};
use crate::render::kustomize::{Graph, Top};
use crate::render::{Outcome, Programs, charts, kustomize};
use crate::{Limits, Options, Progress};

/// One text to read.
#[derive(Debug)]
pub(crate) struct Job {
    /// Its name, and for a file its path.
    pub(crate) place: Place,
    /// Where its bytes are.
    pub(crate) text: Text,
}

/// Where the bytes of a text are.
#[derive(Debug)]
pub(crate) enum Text {
    /// In the file.
    File { origin: Origin },
    /// Here.
    Ready { text: String, origin: Origin },
}

/// The texts to read, after charts and kustomizations were rendered.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) jobs: Vec<Job>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notes: Vec<Note>,
    /// How many texts there are more than the plan had.
    pub(crate) more: usize,
}

/// What to render, and the files that may be read.
#[derive(Debug)]
pub(crate) struct Plan {
    files: Vec<Found>,
    charts: Charts,
    /// The kustomizations that are not part of another.
    tops: Vec<Top>,
    /// Files that are called like kustomizations and are read as they are.
    plain: Vec<Place>,
}

/// What is to be rendered.
enum Target<'p> {
    Chart(&'p Place),
    Kustomization(&'p Top),
}

impl<'p> Target<'p> {
    fn place(&self) -> &'p Place {
        match self {
            Self::Chart(chart) => chart,
            Self::Kustomization(top) => &top.place,
        }
    }
}

impl Plan {
    /// Reads what charts and kustomizations say of themselves.
    pub(crate) fn new(inventory: Inventory, limits: &Limits) -> Self {
        let charts = Charts::new(inventory.charts);
        // What lies among a chart's templates is a template, whatever its name.
        let own = |place: &Place| {
            !matches!(charts.part(&place.real.join("x")), Some((_, FilePart::Helm | FilePart::Definitions)))
        };
        let kustomizations = inventory.kustomizations.into_iter().filter(own).collect();
        let graph = Graph::read(kustomizations, limits);
        Self { files: inventory.files, charts, tops: graph.tops(), plain: graph.plain }
    }

    /// How many texts there are to deal with, as far as can be told.
    pub(crate) fn texts(&self) -> usize {
        self.charts.tops().len() + self.tops.len() + self.files.len()
    }

    /// Renders what can be rendered, and decides on every file.
    pub(crate) fn render(self, options: &Options, progress: &(dyn Progress + Sync)) -> Work {
        let mut targets: Vec<Target<'_>> = self.charts.tops().iter().map(Target::Chart).collect();
        targets.extend(self.tops.iter().map(Target::Kustomization));
        let programs = if targets.is_empty() { Programs::default() } else { Programs::find(options) };
        let outcomes: Vec<Outcome> = targets
            .par_iter()
            .map(|target| match target {
                Target::Chart(chart) => charts::render(chart, &programs, options),
                Target::Kustomization(top) => kustomize::render(top, &programs, options),
            })
            .collect();

        let mut decided = Decisions::default();
        let mut work = Work::default();
        for (target, outcome) in targets.iter().zip(outcomes) {
            let place = target.place();
            let rendered = matches!(outcome, Outcome::Rendered { .. });
            decided.target(target, rendered);
            if !rendered {
                progress.done(&place.path, 0);
            }
            match outcome {
                Outcome::Rendered { text, by } => work.jobs.push(Job {
                    place: Place { name: format!("{} ({by})", place.name), ..place.clone() },
                    text: Text::Ready { text, origin: Origin::Rendered(by) },
                }),
                Outcome::Failed(problem) => work.problems.push(problem),
                Outcome::Skipped(note) => work.notes.push(note),
                Outcome::AsWritten => {}
            }
        }
        self.files(&decided, &mut work, progress);
        work
    }

    /// Adds the files that are read as they are.
    fn files(&self, decided: &Decisions<'_>, work: &mut Work, progress: &(dyn Progress + Sync)) {
        let mut seen = HashSet::new();
        for file in &self.files {
            seen.insert(&file.place.real);
            match self.decide(&file.place, decided) {
                Ok(origin) => work.jobs.push(Job { place: file.place.clone(), text: Text::File { origin } }),
                Err(reason) => {
                    progress.done(&file.place.path, 0);
                    // Who names a file should not look for it in vain.
                    if file.named {
                        work.notes.push(Note {
                            file: file.place.name.clone(),
                            position: None,
                            kind: NoteKind::Elsewhere,
                            message: reason,
                        });
                    }
                }
            }
        }
        for place in self.plain.iter().chain(decided.resources.values().copied()) {
            if !seen.insert(&place.real) {
                continue;
            }
            if let Ok(origin) = self.decide(place, decided) {
                work.more += 1;
                work.jobs.push(Job { place: place.clone(), text: Text::File { origin } });
            }
        }
    }

    /// The origin of a file that is read, or why it is not read as it is.
    fn decide(&self, place: &Place, decided: &Decisions<'_>) -> Result<Origin, String> {
        let real = &place.real;
        let part = self.charts.part(real);
        match &part {
            Some((chart, FilePart::Helm)) => {
                return Err(format!("not read as it is: it is part of the Helm chart {}", chart.name));
            }
            Some((chart, FilePart::Definitions)) if decided.charts.contains(&chart.real) => {
                return Err(format!("read as part of the Helm chart {}", chart.name));
            }
            _ => {}
        }
        if let Some(name) = decided.rendered.get(real) {
            return Err(format!("read as part of the kustomization {name}"));
        }
        if !decided.resources.contains_key(real)
            && let Some(name) = decided.parts.get(real)
        {
            return Err(format!("not read as it is: it is a patch or setting of the kustomization {name}"));
        }
        Ok(if part.is_some() { Origin::ChartFile } else { Origin::File })
    }
}

/// What has become of charts and kustomizations, by real paths.
#[derive(Default)]
struct Decisions<'p> {
    /// Charts that were rendered.
    charts: HashSet<&'p PathBuf>,
    /// Files that a rendered kustomization refers to, with its name.
    rendered: HashMap<&'p PathBuf, &'p str>,
    /// Resources of kustomizations that were not rendered.
    resources: BTreeMap<&'p PathBuf, &'p Place>,
    /// Patches and the like of kustomizations that were not rendered, with its name.
    parts: HashMap<&'p PathBuf, &'p str>,
}

impl<'p> Decisions<'p> {
    fn target(&mut self, target: &Target<'p>, rendered: bool) {
        match target {
            Target::Chart(chart) if rendered => {
                self.charts.insert(&chart.real);
            }
            Target::Chart(_) => {}
            Target::Kustomization(top) => {
                let name = top.place.name.as_str();
                if rendered {
                    for real in top.resources.keys().chain(&top.parts) {
                        self.rendered.entry(real).or_insert(name);
                    }
                } else {
                    self.resources.extend(&top.resources);
                    for real in &top.parts {
                        self.parts.entry(real).or_insert(name);
                    }
                }
            }
        }
    }
}
