//! The `ringwall` binary: arguments, exit codes, progress. What it says comes from the crates below.
//!
//! ```text
//!   arguments ──▶ input ──▶ Snapshot ──▶ posture ──▶ text or JSON
//!    args.rs     input.rs               verbs/*.rs    verbs/*.rs, report
//! ```
//! One file a verb, under `verbs/`. Data goes to standard output, all else to standard error.

mod args;
mod document;
mod input;
mod outcome;
mod progress;
mod replace;
mod screen;
mod settings;
mod table;
mod verbs;

use std::panic;
use std::process::ExitCode;
use std::thread;

use clap::Parser as _;

use crate::args::Cli;
use crate::outcome::Outcome;
use crate::screen::say;

/// Results are many small allocations on several threads, which the system's allocator (musl's above all) is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Documents may nest 10,000 deep, and what walks them may do so by recursion.
const STACK: usize = 256 << 20;

fn main() -> ExitCode {
    guarded(run).into()
}

fn run() -> Outcome {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are answers too; where nobody reads them on, that is no fault.
            let _ = answer.print();
            return if answer.use_stderr() { Outcome::Unusable } else { Outcome::Yes };
        }
    };
    match verbs::run(&cli) {
        Ok(outcome) => outcome,
        Err(usage) => {
            say(&usage.to_string());
            Outcome::Unusable
        }
    }
}

/// Runs `work` on a thread with a large stack. A panic is a fault of ours: one line asks for a report of it.
fn guarded(work: impl FnOnce() -> Outcome + Send + 'static) -> Outcome {
    panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("a panic without words").replace('\n', " ");
        let place = panic
            .location()
            .map(|place| format!(" at {}:{}", place.file(), place.line()))
            .unwrap_or_default();
        say(&format!(
            "error: ringwall {} failed: {message}{place}; this is a bug, please report it at {}/issues",
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_REPOSITORY"),
        ));
    }));
    let thread = thread::Builder::new().name("ringwall".to_owned()).stack_size(STACK).spawn(work);
    thread.ok().and_then(|thread| thread.join().ok()).unwrap_or(Outcome::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_fault_of_ours() {
        assert_eq!(guarded(|| panic!("on purpose")), Outcome::Fault);
        assert_eq!(guarded(|| Outcome::No), Outcome::No);
    }
}
