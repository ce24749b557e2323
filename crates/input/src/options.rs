//! How input is read, and who is told of its progress.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::Limits;

/// How input is read.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is taken before it is refused; also bounds what a program may print.
    pub limits: Limits,
    /// Whether `helm` and `kustomize` may be run. Without them, templates stay unread and the resources of
    /// kustomizations are read as they are written; a note says so.
    pub render: bool,
    /// Whether a kustomization that refers to something remote may be rendered, which lets `kustomize` fetch it.
    pub fetch: bool,
    /// Where programs are looked for, in the form of the variable `PATH`; that variable where this is `None`.
    pub path: Option<OsString>,
    /// How long one program may run before it is stopped.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            render: true,
            fetch: false,
            path: None,
            timeout: Duration::from_secs(60),
        }
    }
}

/// Who is told how far reading has come. Calls come from several threads.
pub trait Progress {
    /// So many texts are to be read, all in all: files, standard input and renderings.
    /// Called again with a larger number where more come to light.
    fn found(&self, files: usize) {
        let _ = files;
    }

    /// One text was dealt with: its name, and how many bytes it had (0 if it could not be read).
    fn done(&self, file: &Path, bytes: u64) {
        let _ = (file, bytes);
    }
}

/// Tells nobody.
impl Progress for () {}
