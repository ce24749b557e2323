//! `ringwall pods`: what Pod Security Admission answers.

pub(crate) mod check;
pub(crate) mod level;
pub(crate) mod migrate_psp;
pub(crate) mod plan;

use std::path::Path;
use std::sync::Arc;

use anstyle::Style as Look;
use ringwall_input::stream::decode_one;
use ringwall_input::{Limits, read_file};
use ringwall_pods::config::Configuration;
use ringwall_pods::policy::Level;

use crate::outcome::Usage;
use crate::screen::{self, place};

/// Reads a PodSecurityConfiguration; the API server's defaults where no file is given.
///
/// # Errors
/// Where the API server would not start with it.
fn configuration(file: Option<&Path>) -> Result<Configuration, Usage> {
    let Some(file) = file else { return Ok(Configuration::default()) };
    let name = file.display();
    let refuse = |message: String| Usage { message, hint: String::new() };
    let limits = Limits::default();
    let source = read_file(file, &limits).map_err(|problem| match problem.position {
        Some(position) => refuse(format!("{name}:{position}: {}", problem.message)),
        None => refuse(format!("{name}: {}", problem.message)),
    })?;
    let source = Arc::new(source);
    let located =
        |offset: u32, message: &str| refuse(format!("{name}:{}: {message}", source.position(offset)));
    let document = decode_one(&source, &limits);
    let tree = document.tree.map_err(|error| located(error.offset, &error.message))?;
    // The API server decodes its configuration strictly.
    if let Some(strict) = document.strict {
        return Err(located(strict.offset, &strict.message));
    }
    let configuration = Configuration::read(tree.root()).map_err(|error| match error.span {
        Some(span) => located(span.start, &error.to_string()),
        None => refuse(format!("{name}: {error}")),
    })?;
    match configuration.validate().as_slice() {
        [] => Ok(configuration),
        errors => {
            Err(refuse(format!("{name}: {}", ringwall_model::go::go_aggregate(errors).unwrap_or_default())))
        }
    }
}

/// The look of a level's word.
const fn look(level: Level) -> Look {
    match level {
        Level::Privileged => ringwall_report::BAD,
        Level::Baseline => ringwall_report::DOUBT,
        Level::Restricted => ringwall_report::GOOD,
    }
}

/// `1 workload`, `2 workloads`.
fn counted(count: usize) -> String {
    screen::counted(count, "workload", "workloads")
}
