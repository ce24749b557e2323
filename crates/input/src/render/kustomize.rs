//! Kustomizations: which files each refers to, which are part of another, and rendering.
//!
//! ```text
//!   overlays/prod ──resources──▶ base ──resources──▶ deployment.yaml     a resource: an object by itself
//!        └──patches──▶ replicas.yaml                                     a part: nothing by itself
//! ```
//! Only what no other kustomization refers to is rendered: a base is seen through its overlays.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use ringwall_model::tree::{Kind, Node};

use crate::files::{KUSTOMIZATION_FILES, Place};
use crate::names::{self, shown};
use crate::render::{Outcome, Programs, quoted, run, skipped, texts};
use crate::{Limits, Options, read, stream};

/// Kustomize's own API group; other things may be called `kustomization.yaml` too (Flux has such objects).
const GROUP: &str = "kustomize.config.k8s.io/";

/// Lists of resources: files, directories or something remote.
const RESOURCES: [&str; 2] = ["resources", "bases"];
/// Lists of files, directories or texts in place that change resources and are none.
const PARTS: [&str; 7] = [
    "components",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "patchesStrategicMerge",
];
/// Lists of mappings that name a file under `path`.
const WITH_PATH: [&str; 3] = ["patches", "patchesJson6902", "replacements"];
/// Lists of mappings whose lists name files.
const GENERATORS: [&str; 2] = ["configMapGenerator", "secretGenerator"];
/// The lists and texts that name files in an entry of a generator.
const GENERATOR_FILES: [&str; 3] = ["files", "envs", "env"];

/// What a kustomization may hold that changes nothing of its resources.
const PLAIN: [&str; 5] = ["apiVersion", "kind", "metadata", "resources", "bases"];

/// One kustomization.
#[derive(Debug)]
pub(crate) struct Kustomization {
    place: Place,
    /// Whether it is a component: a change to others, nothing by itself.
    component: bool,
    /// Files that are resources.
    resources: Vec<Place>,
    /// Files that are not.
    parts: Vec<PathBuf>,
    /// Directories that it refers to, and whether as resources.
    directories: Vec<(Place, bool)>,
    /// The first thing that would have to be fetched.
    remote: Option<String>,
    /// Whether it only lists resources, all of which are here: then building it gives these and nothing else.
    plain: bool,
}

/// The kustomizations of the input, and those that they refer to.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    by_real: BTreeMap<PathBuf, Kustomization>,
    /// Those that were found in the input itself.
    found: BTreeSet<PathBuf>,
    /// Files that are called like kustomizations and are none, or cannot be read.
    pub(crate) plain: Vec<Place>,
}

/// A kustomization that is part of no other.
#[derive(Debug)]
pub(crate) struct Top {
    /// Its directory.
    pub(crate) place: Place,
    component: bool,
    /// Files that are resources, directly or through others, by real path.
    pub(crate) resources: BTreeMap<PathBuf, Place>,
    /// Files that are not resources.
    pub(crate) parts: BTreeSet<PathBuf>,
    remote: Option<String>,
    /// Whether it and all that it refers to are plain.
    plain: bool,
}

impl Graph {
    /// Reads the kustomizations in the given directories, and those that they refer to.
    pub(crate) fn read(directories: Vec<Place>, limits: &Limits) -> Self {
        let mut graph = Self::default();
        graph.found.extend(directories.iter().map(|place| place.real.clone()));
        let mut seen: BTreeSet<PathBuf> = graph.found.clone();
        let mut waiting = VecDeque::from(directories);
        while let Some(place) = waiting.pop_front() {
            let Some(file) =
                KUSTOMIZATION_FILES.iter().map(|name| place.path.join(name)).find(|file| file.is_file())
            else {
                continue;
            };
            let real = names::real(&file).unwrap_or_else(|_| file.clone());
            let file = Place { name: shown(&file), real, path: file };
            match Kustomization::read(&place, &file, limits) {
                Some(kustomization) => {
                    for (directory, _) in &kustomization.directories {
                        if seen.insert(directory.real.clone()) {
                            waiting.push_back(directory.clone());
                        }
                    }
                    graph.by_real.insert(place.real, kustomization);
                }
                None => graph.plain.push(file),
            }
        }
        graph
    }

    /// The kustomizations of the input that no other one there refers to. Of a circle, its first.
    pub(crate) fn tops(&self) -> Vec<Top> {
        let referred: BTreeSet<&PathBuf> = self
            .by_real
            .iter()
            .flat_map(|(real, kustomization)| {
                kustomization.directories.iter().map(move |(to, _)| (real, &to.real))
            })
            .filter(|(from, to)| from != to)
            .map(|(_, to)| to)
            .collect();
        let mut tops = Vec::new();
        let mut covered: BTreeSet<&PathBuf> = BTreeSet::new();
        let (inner, outer): (Vec<_>, Vec<_>) =
            self.by_real.iter().partition(|(real, _)| referred.contains(real));
        for (real, kustomization) in outer.into_iter().chain(inner) {
            if self.found.contains(real) && !covered.contains(real) {
                tops.push(self.top(real, kustomization, &mut covered));
            }
        }
        tops
    }

    /// Gathers all that a kustomization refers to.
    fn top<'g>(
        &'g self,
        real: &'g PathBuf,
        root: &Kustomization,
        covered: &mut BTreeSet<&'g PathBuf>,
    ) -> Top {
        let mut top = Top {
            place: root.place.clone(),
            component: root.component,
            resources: BTreeMap::new(),
            parts: BTreeSet::new(),
            remote: None,
            plain: true,
        };
        let mut seen = BTreeSet::from([(real, true)]);
        let mut waiting = VecDeque::from([(real, true)]);
        while let Some((real, as_resources)) = waiting.pop_front() {
            covered.insert(real);
            let Some(kustomization) = self.by_real.get(real) else {
                // A directory without a kustomization is an error that kustomize words best.
                top.plain = false;
                continue;
            };
            top.plain &= kustomization.plain;
            top.remote = top.remote.or_else(|| kustomization.remote.clone());
            top.parts.extend(kustomization.parts.iter().cloned());
            let resources = kustomization.resources.iter().map(|place| (place.real.clone(), place.clone()));
            if as_resources {
                top.resources.extend(resources);
            } else {
                top.parts.extend(resources.map(|(real, _)| real));
            }
            for (directory, resource) in &kustomization.directories {
                let next = (&directory.real, as_resources && *resource);
                if seen.insert(next) {
                    waiting.push_back(next);
                } else {
                    // A circle, or the same base twice: kustomize refuses both.
                    top.plain = false;
                }
            }
        }
        top
    }
}

impl Kustomization {
    /// Reads the kustomization file of a directory; nothing, if it is something else or cannot be read.
    fn read(place: &Place, file: &Place, limits: &Limits) -> Option<Self> {
        let source = Arc::new(read::file(file, limits).ok()?);
        let document = stream::decode(&source, limits).documents.into_iter().next()?;
        let tree = document.tree.ok()?;
        let root = tree.root();
        let ours = root
            .str_at(&["apiVersion"])
            .is_none_or(|version| version.is_empty() || version.starts_with(GROUP));
        if !ours || !matches!(root.kind(), Kind::Mapping | Kind::Null) {
            return None;
        }
        let mut kustomization = Self {
            place: place.clone(),
            component: root.str_at(&["kind"]) == Some("Component"),
            resources: Vec::new(),
            parts: Vec::new(),
            directories: Vec::new(),
            remote: None,
            plain: root.entries().all(|entry| PLAIN.contains(&entry.key)),
        };
        kustomization.plain &= !kustomization.component;
        kustomization.references(root);
        Some(kustomization)
    }

    fn references(&mut self, root: Node<'_>) {
        for entry in RESOURCES.iter().flat_map(|key| texts(root, key)) {
            self.reference(entry, true);
        }
        for key in PARTS {
            // A component's resources are resources of who uses it.
            texts(root, key).for_each(|entry| self.reference(entry, key == "components"));
        }
        let items = |keys: &'static [&'static str]| {
            keys.iter().filter_map(move |key| root.get(key)).flat_map(Node::items)
        };
        let paths = items(&WITH_PATH).filter_map(|item| item.str_at(&["path"]));
        paths.chain(root.str_at(&["openapi", "path"])).for_each(|entry| self.reference(entry, false));
        for generator in items(&GENERATORS) {
            for key in GENERATOR_FILES {
                let single = generator.str_at(&[key]);
                for entry in texts(generator, key).chain(single) {
                    // `key=path` gives the file another name.
                    self.reference(entry.split_once('=').map_or(entry, |(_, path)| path), false);
                }
            }
        }
    }

    /// Takes down what `entry` refers to. As in kustomize, what exists here is local, whatever it looks like.
    fn reference(&mut self, entry: &str, resource: bool) {
        // A text in place of a path.
        if entry.contains('\n') || entry.is_empty() {
            return;
        }
        let path = self.place.path.join(entry);
        let Ok(real) = fs::canonicalize(&path) else {
            self.plain = false;
            if self.remote.is_none() && is_remote(entry) {
                self.remote = Some(entry.to_owned());
            }
            return;
        };
        if real.is_dir() {
            self.directories.push((names::place(&path, &real), resource));
        } else if !resource {
            self.parts.push(real);
        } else if real.starts_with(&self.place.real) {
            self.resources.push(names::place(&path, &real));
        } else {
            // Kustomize refuses files elsewhere; a directory may lie anywhere.
            self.plain = false;
        }
    }
}

/// Whether something that does not exist here may be meant to be fetched.
fn is_remote(entry: &str) -> bool {
    ["://", "git@", "git::", "?ref=", ".git", "//"].iter().any(|mark| entry.contains(mark))
        || ["github.com", "gitlab.com", "bitbucket.org"].iter().any(|host| entry.starts_with(host))
}

/// Renders a kustomization.
pub(crate) fn render(top: &Top, programs: &Programs, options: &Options) -> Outcome {
    let place = &top.place;
    if top.component {
        let message =
            "kustomize component that no kustomization here uses: its resource files are read as they are";
        return skipped(place, message.to_owned());
    }
    if top.plain {
        // Its resources say all there is, and a finding in them is located in the user's own file.
        return Outcome::AsWritten;
    }
    let unrendered = |why: &str| {
        let way = format!("kustomize build {} | ringwall scan -", quoted(&place.name));
        let instead = "its resource files are read as they are, without its patches";
        skipped(place, format!("kustomization not rendered: {why}; {instead}; pipe `{way}`"))
    };
    let Some((program, argument, by)) = &programs.kustomize else {
        let absent = "neither `kustomize` nor `kubectl` is on PATH";
        return unrendered(if options.render { absent } else { "rendering is switched off" });
    };
    if let Some(remote) = top.remote.as_ref().filter(|_| !options.fetch) {
        return unrendered(&format!("it refers to {remote}, which would have to be fetched"));
    }
    run(program, &[argument, "."], by, place, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_fetched_is_told_from_what_is_missing() {
        for remote in [
            "https://example.com/x.yaml",
            "github.com/org/repo//deploy?ref=v1",
            "git@github.com:org/repo",
            "ssh://git@example.com/org/repo.git",
            "example.com/org/repo?ref=main",
        ] {
            assert!(is_remote(remote), "{remote}");
        }
        for local in ["missing.yaml", "../base", "./x/y.yml"] {
            assert!(!is_remote(local), "{local}");
        }
    }
}
