//! The project's own chores.
//!
//! ```text
//! cargo xtask generate          write what is made from the code: docs/checks, docs/frameworks.md, docs/schema
//! cargo xtask generate --check  say what is stale, and fail
//! cargo xtask resources DIR…    write crates/model/src/resources.txt from `api/discovery` of a Kubernetes source
//! cargo xtask ci                what .ci/run runs: format, lints, tests, generated files, conformance
//! ```

mod generate;
mod resources;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

/// The project's own chores
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Write the files that are made from the code
    Generate {
        /// Write nothing; fail where a file is stale
        #[arg(long)]
        check: bool,
    },
    /// Write the table of Kubernetes' resources from the folders `api/discovery` of its sources
    Resources {
        /// The folders: that of the newest version, then those of older ones
        #[arg(required = true)]
        discovery: Vec<PathBuf>,
    },
    /// Run what CI runs
    Ci,
}

/// The top of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

#[expect(clippy::print_stderr, reason = "this is a command")]
fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Generate { check } => generate::run(&root(), check),
        Chore::Resources { discovery } => resources::run(&root(), &discovery),
        Chore::Ci => ci(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is a command")]
fn ci() -> Result<(), String> {
    let steps: [&[&str]; 5] = [
        &["fmt", "--all", "--check"],
        &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
        &["test", "--workspace", "--locked"],
        &["xtask", "generate", "--check"],
        &["run", "--release", "--locked", "-p", "conformance", "--", "--claims", "conformance/expected.toml"],
    ];
    for step in steps {
        eprintln!("== cargo {}", step.join(" "));
        let status = Command::new(env!("CARGO"))
            .args(step)
            .current_dir(root())
            .env("INSTA_UPDATE", "no")
            .status()
            .map_err(|error| format!("cargo {}: {error}", step.join(" ")))?;
        if !status.success() {
            return Err(format!("cargo {} failed", step.join(" ")));
        }
    }
    Ok(())
}
