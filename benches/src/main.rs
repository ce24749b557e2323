//! Each ring measured on the cases on which its reference is measured, in operations per second of processor
//! time: on a busy machine that is steadier than the clock on the wall. Quote ratios, not absolute figures.
//!
//! ```text
//! cargo run --release -p benches -- pods CASES.jsonl       beside   pss -mode bench < CASES.jsonl
//! cargo run --release -p benches -- net FILE_OR_FOLDER…    on what bench.py of the oracle writes
//! cargo run --release -p benches -- rbac STATE.json[.gz]   beside   rbac-oracle -bench
//! cargo run --release -p benches -- mesh               beside   mesh -mode bench -services 1000 -policies 1000
//! cargo run --release -p benches -- audit FILE…            on logs of an API server
//! cargo run --release -p benches -- yaml FILE_OR_FOLDER…
//! cargo run --release -p benches -- scan FILE_OR_FOLDER…
//! ```

mod audit;
mod measure;
mod mesh;
mod net;
mod pods;
mod rbac;
mod scan;
mod yaml;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

// What the released binary uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the rings
#[derive(Parser)]
struct Arguments {
    /// Seconds of processor time for each run
    #[arg(long, default_value_t = 1.0, global = true)]
    seconds: f64,
    /// Runs of each measurement; the median counts
    #[arg(long, default_value_t = 5, global = true)]
    runs: usize,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Pod Security: checks, decoding, and whole `AdmissionReviews`, on sweep cases
    Pods {
        /// A file of sweep cases, as `pss -mode gen` prints them
        cases: PathBuf,
    },
    /// Network policies: compiling a cluster, all pairs, one pair
    Net {
        /// Files and folders
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// RBAC: reading and indexing a state, decisions, rules, who may, the whole matrix, covering
    Rbac {
        /// A state with questions, as `rbac-oracle -bench-dump` writes it
        state: PathBuf,
    },
    /// Istio: reading a mesh, the matrix, the checks, requests; without files on what the reference's analyzers are measured on
    Mesh {
        /// Files and folders
        paths: Vec<PathBuf>,
    },
    /// Reading audit events
    Audit {
        /// Files, packed or not
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Decoding YAML into trees with spans
    Yaml {
        /// Files and folders
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Judging what was read: hardening, whole scans, and fixes
    Scan {
        /// Files and folders
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
}

#[expect(clippy::print_stderr, reason = "this is a command")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = measure::Plan { seconds: arguments.seconds, runs: arguments.runs.max(1) };
    let result = match &arguments.what {
        What::Audit { paths } => audit::run(paths, plan),
        What::Mesh { paths } => mesh::run(paths, plan),
        What::Net { paths } => net::run(paths, plan),
        What::Pods { cases } => pods::run(cases, plan),
        What::Rbac { state } => rbac::run(state, plan),
        What::Yaml { paths } => yaml::run(paths, plan),
        What::Scan { paths } => scan::run(paths, plan),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benches: {error}");
            ExitCode::from(2)
        }
    }
}
