//! `ringwall baseline write`: accept the findings that are there.

use std::path::Path;

use ringwall_model::finding::Severity;
use ringwall_posture::baseline::Baseline;
use ringwall_report::{TEXT, escape, write_json};

use crate::args::BaselineWriteArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, say};
use crate::verbs::scan;
use crate::{replace, settings};

pub(crate) fn write(args: &BaselineWriteArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(TEXT, &args.look);
    let settings = settings::load(&args.settings)?;
    let piped = args.file == Path::new("-");
    let older = if piped || !args.file.exists() { None } else { Some(scan::read_baseline(&args.file)?) };
    let (loaded, quiet, _) =
        scan::judge(&args.input, "baseline write FILE", &screen, &settings, Severity::Info, None)?;
    screen.asides(&loaded.problems, &loaded.notes);
    if !loaded.problems.is_empty() {
        // What could not be read has findings that nobody has seen, and a good baseline may be lost.
        say("error: not all of the input could be read, so no baseline is written");
        return Ok(Outcome::Unusable);
    }
    let baseline = Baseline::of(&quiet.open, args.reason.as_deref(), older.as_ref());
    if piped {
        return Ok(screen.answer(|_, out| write_json(&baseline, out), |out| write_json(&baseline, out)));
    }
    let mut bytes = Vec::new();
    let name = args.file.display().to_string();
    let written = write_json(&baseline, &mut bytes).and_then(|()| replace::file(&args.file, &bytes, None));
    if let Err(error) = written {
        let message = format!("{}: cannot be written: {error}", escape(&name));
        return Err(Usage { message, hint: String::new() });
    }
    if !screen.quiet {
        let findings = if baseline.len() == 1 { "finding" } else { "findings" };
        say(&format!("{}: {} {findings}", escape(&name), baseline.len()));
    }
    Ok(loaded.outcome(false))
}
