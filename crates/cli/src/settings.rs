//! Where `ringwall.toml` is, and what day it is.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ringwall_input::{Limits, read_file};
use ringwall_model::finding::Problem;
use ringwall_model::text::Source;
use ringwall_posture::settings::{FILE_NAME, Settings};
use ringwall_report::escape;

use crate::args::{ConfigArgs, SettingsArgs};
use crate::outcome::Usage;

/// The settings that the arguments ask for.
///
/// # Errors
/// There is something wrong with the file.
pub(crate) fn load(args: &SettingsArgs) -> Result<Settings, Usage> {
    let file = if args.no_config { None } else { args.config.clone().or_else(find) };
    let mut settings = file.map_or_else(|| Ok(Settings::default()), |file| read(&file))?;
    settings.compat_ignores |= args.compat_ignores;
    Ok(settings)
}

/// The settings of verbs that look at nothing but custom kinds in them.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_config(args: &ConfigArgs) -> Result<Settings, Usage> {
    let file = if args.no_config { None } else { args.config.clone().or_else(find) };
    file.map_or_else(|| Ok(Settings::default()), |file| read(&file))
}

/// The file that is in force here: in the working directory, or in one above it that belongs to the same Git
/// repository. Outside of one, nothing above is looked at: it may be anybody's.
pub(crate) fn find() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    let root = here.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&here);
    let mut name = PathBuf::new();
    for folder in here.ancestors() {
        if folder.join(FILE_NAME).is_file() {
            return Some(name.join(FILE_NAME));
        }
        if folder == root {
            break;
        }
        name.push("..");
    }
    None
}

/// Reads a file of settings.
///
/// # Errors
/// It cannot be read, or something in it cannot be meant; then all that is wrong with it.
pub(crate) fn read(file: &Path) -> Result<Settings, Usage> {
    let source = text(file)?;
    Settings::parse(&source).map_err(|errors| Usage { message: listed(&errors), hint: String::new() })
}

/// The text of a file that an option names, under its name.
///
/// # Errors
/// It cannot be read.
pub(crate) fn text(file: &Path) -> Result<Source, Usage> {
    read_file(file, &Limits::default())
        .map_err(|problem| Usage { message: escape(&problem.to_string()).into_owned(), hint: String::new() })
}

fn listed(errors: &[Problem]) -> String {
    if let [error] = errors {
        return escape(&error.to_string()).into_owned();
    }
    let mut text = format!("the configuration has {} errors", errors.len());
    for error in errors {
        let _ = write!(text, "\n  {}", escape(&error.to_string()));
    }
    text
}

/// The day, in UTC: a run says the same wherever it takes place.
pub(crate) fn today() -> Date {
    TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}
