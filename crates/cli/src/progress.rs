//! Progress on a terminal, for runs that take long.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringwall_input::Progress;

/// Runs that end sooner show nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar on standard error that shows itself when a run takes long.
pub(crate) struct Bar {
    bar: ProgressBar,
    /// Closed when the run is over.
    _over: Option<mpsc::Sender<()>>,
}

impl Bar {
    /// A bar, which stays hidden where standard error is no terminal or is to be `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        if quiet || !io::stderr().is_terminal() {
            return Self { bar, _over: None };
        }
        if let Ok(style) = ProgressStyle::with_template("reading {bar:30} {pos}/{len} files") {
            bar.set_style(style);
        }
        let (over, wait) = mpsc::channel::<()>();
        let shown = bar.clone();
        thread::spawn(move || {
            if wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) && !shown.is_finished() {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(100));
            }
        });
        Self { bar, _over: Some(over) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn found(&self, files: usize) {
        self.bar.set_length(files as u64);
    }

    fn done(&self, _file: &Path, _bytes: u64) {
        self.bar.inc(1);
    }
}
