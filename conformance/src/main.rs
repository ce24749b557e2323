//! Runs the reference's cases against the rings, and says where they differ.
//!
//! ```text
//! cargo run --release -p conformance -- [--area AREA] [--verdicts OUT] PATH…
//! cargo run --release -p conformance -- --claims conformance/expected.toml
//! ```
//! Exit code 0 where every case agrees, 1 where any differs, 2 where a file cannot be read.

mod areas;
mod claims;
mod files;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Answers the reference's cases with the rings, and compares
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The area of the cases, where no folder above a file is named for one
    #[arg(long)]
    area: Option<String>,
    /// Also write our answers here, a JSON line a case
    #[arg(long, value_name = "OUT")]
    verdicts: Option<PathBuf>,
    /// Run what this file claims, and demand that nothing differs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "area"])]
    claims: Option<PathBuf>,
    /// Show at most this many differences of each file
    #[arg(long, default_value_t = 3)]
    show: usize,
    /// Case files, or folders of case files
    #[arg(required_unless_present = "claims")]
    paths: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = match run::Output::new(arguments.verdicts.as_deref(), arguments.show) {
        Ok(output) => output,
        Err(error) => return fail(&error),
    };
    let result = match &arguments.claims {
        Some(file) => claims::run(file, &mut output),
        None => run::paths(&arguments.paths, arguments.area.as_deref(), &mut output),
    };
    match result.and_then(|agree| output.finish().map(|()| agree)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => fail(&error),
    }
}

#[expect(clippy::print_stderr, reason = "this is a command")]
fn fail(error: &str) -> ExitCode {
    eprintln!("conformance: {error}");
    ExitCode::from(2)
}
