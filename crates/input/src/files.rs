//! What the named paths stand for: files to read, charts and kustomizations to render.
//!
//! A directory is walked as `git` sees it: hidden and ignored files are left out, links to directories are
//! not followed (so that a loop of links is no loop here), links to files are.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use ringwall_model::finding::Problem;

use crate::names::{self, above, real, shown};
use crate::outcome::{Note, NoteKind};

/// The file names by which a directory is a kustomization.
pub(crate) const KUSTOMIZATION_FILES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The file name by which a directory is a Helm chart.
pub(crate) const CHART_FILE: &str = "Chart.yaml";

/// A file or a directory of the input.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The path by which it is opened.
    pub(crate) path: PathBuf,
    /// The name under which the user knows it.
    pub(crate) name: String,
    /// Its path without links, by which it is told from others.
    pub(crate) real: PathBuf,
}

/// A file that may be read as it is.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The file.
    pub(crate) place: Place,
    /// Whether the user named this very file.
    pub(crate) named: bool,
    /// Whether the path is a link to the file.
    link: bool,
}

/// All that the named paths stand for.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    /// Files, each once. `Chart.yaml` and kustomization files are not among them.
    pub(crate) files: Vec<Found>,
    /// Directories that hold a `Chart.yaml`, subcharts among them.
    pub(crate) charts: Vec<Place>,
    /// Directories that hold a kustomization file.
    pub(crate) kustomizations: Vec<Place>,
    /// Whether standard input is to be read.
    pub(crate) stdin: bool,
    /// What could not be looked at.
    pub(crate) problems: Vec<Problem>,
    /// What is worth knowing.
    pub(crate) notes: Vec<Note>,
}

/// Looks up what `paths` stand for.
pub(crate) fn find(paths: &[PathBuf]) -> Inventory {
    let mut inventory = Inventory::default();
    for path in paths {
        if path == Path::new("-") {
            inventory.stdin = true;
            continue;
        }
        match fs::metadata(path).and_then(|metadata| Ok((metadata.is_dir(), real(path)?))) {
            Ok((true, real)) => inventory.directory(path, &real),
            Ok((false, real)) => inventory.named_file(path, real),
            Err(error) => inventory.problems.push(unreadable(shown(path), &error)),
        }
    }
    inventory.files = once(inventory.files);
    let by_path = |places: &mut Vec<Place>| {
        places.sort_by(|a, b| (&a.real, &a.name).cmp(&(&b.real, &b.name)));
        places.dedup_by(|a, b| a.real == b.real);
    };
    by_path(&mut inventory.charts);
    by_path(&mut inventory.kustomizations);
    inventory
}

impl Inventory {
    fn directory(&mut self, path: &Path, real: &Path) {
        if let Some(chart) = Self::chart_of_template(path, real) {
            self.note(
                shown(path),
                NoteKind::Elsewhere,
                format!("templates of the Helm chart {}, which is rendered as a whole", chart.name),
            );
            self.charts.push(chart);
            return;
        }
        let before = (self.files.len(), self.charts.len(), self.kustomizations.len(), self.problems.len());
        // The user's own ignore file elsewhere must not make two machines see two inputs.
        for entry in WalkBuilder::new(path).require_git(false).git_global(false).build() {
            match entry {
                Ok(entry) if entry.depth() == 0 => {}
                Ok(entry) => self.walked(path, real, &entry),
                Err(error) => self.problems.push(walk_problem(path, &error)),
            }
        }
        let after = (self.files.len(), self.charts.len(), self.kustomizations.len(), self.problems.len());
        if before == after {
            let message = "holds no .yaml, .yml or .json file that is neither hidden nor ignored by Git";
            self.note(shown(path), NoteKind::Empty, message.to_owned());
        }
    }

    fn walked(&mut self, root: &Path, real_root: &Path, entry: &ignore::DirEntry) {
        let path = entry.path();
        let wanted = is_manifest_name(path) || is_kustomization_file(path);
        let Some(kind) = entry.file_type().filter(|kind| wanted && !kind.is_dir()) else { return };
        let link = kind.is_symlink();
        let real = if link {
            match fs::metadata(path) {
                // Anything but a regular file (a directory, a pipe, a socket) is no manifest.
                Ok(metadata) if !metadata.is_file() => return,
                Ok(_) => real(path),
                Err(error) => Err(error),
            }
        } else if kind.is_file() {
            Ok(real_root.join(path.strip_prefix(root).unwrap_or(path)))
        } else {
            return;
        };
        match real {
            Ok(real) => self.file(path.to_owned(), real, false, link),
            Err(error) => self.problems.push(unreadable(shown(path), &error)),
        }
    }

    fn named_file(&mut self, path: &Path, real: PathBuf) {
        if let Some(chart) = Self::chart_of_template(path, &real) {
            self.note(
                shown(path),
                NoteKind::Elsewhere,
                format!("a template of the Helm chart {}, which is rendered as a whole", chart.name),
            );
            self.charts.push(chart);
            return;
        }
        let link = path.is_symlink();
        self.file(path.to_owned(), real, true, link);
    }

    fn file(&mut self, path: PathBuf, real: PathBuf, named: bool, link: bool) {
        let chart = path.file_name() == Some(OsStr::new(CHART_FILE));
        if chart || is_kustomization_file(&path) {
            // A link leads to a file, but it is the directory of the link that the file makes a chart.
            let directory = path.parent().map_or_else(PathBuf::new, Path::to_owned);
            let directory = if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory };
            match names::real(&directory) {
                Ok(real) => {
                    let place = Place { name: shown(&directory), path: directory, real };
                    if chart { self.charts.push(place) } else { self.kustomizations.push(place) }
                }
                Err(error) => self.problems.push(unreadable(shown(&path), &error)),
            }
            return;
        }
        let place = Place { name: shown(&path), path, real };
        self.files.push(Found { place, named, link });
    }

    /// The chart among whose templates `path` lies, where it is named without its chart.
    fn chart_of_template(path: &Path, real: &Path) -> Option<Place> {
        let chart = real.ancestors().skip(1).find(|directory| directory.join(CHART_FILE).is_file())?;
        let inside = real.strip_prefix(chart).ok()?;
        inside.starts_with("templates").then(|| above(path, inside.components().count(), chart))
    }

    fn note(&mut self, file: String, kind: NoteKind, message: String) {
        self.notes.push(Note { file, position: None, kind, message });
    }
}

/// Of several ways to one file, the one that was named, else the one that is no link, else the first by name.
fn once(files: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::with_capacity(files.len());
    let mut by_real: HashMap<PathBuf, usize> = HashMap::with_capacity(files.len());
    for file in files {
        match by_real.get(&file.place.real) {
            None => {
                by_real.insert(file.place.real.clone(), kept.len());
                kept.push(file);
            }
            Some(index) => {
                let rank = |file: &Found| (!file.named, file.link, file.place.name.clone());
                let other = &mut kept[*index];
                if rank(&file) < rank(other) {
                    *other = file;
                }
            }
        }
    }
    kept
}

fn is_manifest_name(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    ["yaml", "yml", "json"].iter().any(|wanted| extension.eq_ignore_ascii_case(wanted))
}

fn is_kustomization_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| KUSTOMIZATION_FILES.iter().any(|wanted| name == *wanted))
}

/// The problem of a path that cannot be opened or looked at.
pub(crate) fn unreadable(file: String, error: &io::Error) -> Problem {
    Problem { file, position: None, message: described(error), object: None }
}

/// What went wrong, as a sentence without full stop.
pub(crate) fn described(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned()
        }
    }
}

fn walk_problem(root: &Path, error: &ignore::Error) -> Problem {
    let mut at = error;
    let mut path = root;
    loop {
        match at {
            ignore::Error::WithPath { path: inner, err } => {
                path = inner;
                at = err;
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => at = err,
            ignore::Error::Io(error) => return unreadable(shown(path), error),
            other => {
                return Problem {
                    file: shown(path),
                    position: None,
                    message: other.to_string(),
                    object: None,
                };
            }
        }
    }
}
