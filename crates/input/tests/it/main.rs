//! Reading real files, directories, charts and kustomizations.

mod audit;
mod files;
mod helm;
mod kustomize;
mod objects;
mod programs;
mod spans;
mod texts;

use std::fs;
use std::path::{Path, PathBuf};

use ringwall_input::{Input, Options, load};

/// A directory that is gone after the test.
struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let dir = Self::new();
        for (path, text) in files {
            dir.write(path, text);
        }
        dir
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, bytes).expect("a file");
    }

    /// Reads these paths of the directory without running programs.
    fn read(&self, paths: &[&str]) -> Seen {
        self.read_with(paths, &Options { render: false, ..Options::default() })
    }

    fn read_with(&self, paths: &[&str], options: &Options) -> Seen {
        let paths: Vec<PathBuf> = paths.iter().map(|path| self.path(path)).collect();
        Seen::new(load(&paths, &mut std::io::empty(), options, &()), self.0.path())
    }
}

/// What was read, in words that do not hold the name of a temporary directory.
struct Seen {
    input: Input,
    /// `file: Kind name` for each object.
    objects: Vec<String>,
    /// `file:line:column: message` for each problem.
    problems: Vec<String>,
    /// The same for each note.
    notes: Vec<String>,
}

impl Seen {
    fn new(input: Input, root: &Path) -> Self {
        let root = format!("{}/", root.display());
        let short = |text: String| text.replace(&root, "");
        Self {
            objects: input
                .objects
                .iter()
                .map(|object| short(format!("{}: {}", object.source().name(), object.id)))
                .collect(),
            problems: input.problems.iter().map(|problem| short(problem.to_string())).collect(),
            notes: input.notes.iter().map(|note| short(note.to_string())).collect(),
            input,
        }
    }
}

/// A manifest of a `ConfigMap`.
fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n")
}
