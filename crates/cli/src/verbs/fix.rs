//! `ringwall fix`: mends findings in the user's own files.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use ringwall_edit::unified_diff;
use ringwall_input::{Limits, STDIN, read_text};
use ringwall_model::finding::{Finding, Location, Severity};
use ringwall_model::fix::Applicability;
use ringwall_model::snapshot::Snapshot;
use ringwall_posture::fix::{Left, Made, Mended, MendedFile, MendedWorkload, Options, Reread, fix};
use ringwall_posture::registry::Rules;
use ringwall_posture::{quiet, scan};
use ringwall_report::{
    ASIDE, BAD, DOUBT, GOOD, HEADING, LocationEntry, ObjectEntry, Style, escape, object_name,
};
use serde::Serialize;

use crate::args::FixArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted};
use crate::verbs::mesh;
use crate::{document, input, replace, settings};

pub(crate) fn run(args: &FixArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let settings = settings::load(&args.settings)?;
    let (only, errors) = Rules::read(args.only.iter().map(String::as_str));
    if let Some((_, message)) = errors.into_iter().next() {
        return Err(Usage { message, hint: "`ringwall rules` lists all checks".to_owned() });
    }
    let mut loaded = input::load(&args.input, "fix", screen.quiet)?;
    if args.write && loaded.snapshot.all().iter().any(|object| object.source().name() == STDIN) {
        return Err(Usage {
            message: "--write cannot write to standard input".to_owned(),
            hint: "without it, the difference is printed".to_owned(),
        });
    }
    debug_assert!(!(args.diff && args.write), "the command line excludes it");
    let min_severity = args.min_severity.or(settings.min_severity).unwrap_or(Severity::Low);
    let today = settings::today();
    let wanted = |findings: Vec<Finding>, snapshot: &Snapshot| {
        let mut open = quiet::apply(findings, snapshot, &settings, today).open;
        // Who names a check wants it, whatever its severity.
        open.retain(|finding| {
            if only.is_empty() { finding.severity >= min_severity } else { only.hold(finding.check) }
        });
        open
    };
    let namespace = args.input.reading.namespace.as_deref();
    let read = |name: &str, text: String| {
        let mut again = read_text(name, text, &Limits::default());
        input::place_in(namespace, &mut again.objects);
        Reread { objects: again.objects, problems: again.problems }
    };
    let stated = mesh::stated(&loaded.snapshot, None);
    let scanned = ringwall_posture::scan::Options { mesh: &stated, ..settings.scan_options() };
    let found = scan(&loaded.snapshot, scanned);
    loaded.add(found.problems, found.notes);
    let facts = loaded.snapshot.facts.clone();
    let options = Options { scan: scanned, wanted: &wanted, safe_only: args.safe, read: &read };
    let mut mended = fix(loaded.snapshot.all().to_vec(), &facts, options);
    let mut outcome = loaded.outcome(false);
    if args.write {
        let mut unwritten = Vec::new();
        for file in &mended.files {
            if let Err(error) =
                replace::file(Path::new(&file.name), file.new.as_bytes(), Some(file.old.as_bytes()))
            {
                crate::screen::say(&format!("error: cannot write {}: {error}", escape(&file.name)));
                outcome = outcome.max(Outcome::Unusable);
                unwritten.push(file.name.clone());
            }
        }
        // What is not written is not mended.
        mended.files.retain(|file| !unwritten.contains(&file.name));
        mended.workloads.retain(|workload| !unwritten.contains(&workload.location.file));
    } else {
        // A difference that is offered is a no: not all is mended.
        outcome = outcome.max(Outcome::no_if(!mended.files.is_empty()));
    }
    let written = screen.answer(
        |style, out| {
            if args.write {
                return summary(&mended, args, style, out);
            }
            mended
                .files
                .iter()
                .try_for_each(|file| out.write_all(unified_diff(&file.name, &file.old, &file.new).as_bytes()))
        },
        |out| document::write("ringwall.fix/v1", &entries(&mended, args.write), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    if !args.write {
        screen.aside(|style, out| summary(&mended, args, style, out));
    }
    loaded.hint(&screen);
    Ok(outcome.max(written))
}

/// What was done, what must be looked at, and what is left.
fn summary(mended: &Mended, args: &FixArgs, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let made: Vec<&Made> = mended.files.iter().flat_map(|file| &file.made).collect();
    if made.is_empty() {
        write!(out, "{}", style.paint(GOOD, "Nothing to mend"))?;
        if mended.left.is_empty() {
            return writeln!(out);
        }
        writeln!(out)?;
    } else {
        let (verb, files) = (if args.write { "Mended" } else { "Can be mended:" }, mended.files.len());
        let findings = counted(made.len(), "finding", "findings");
        writeln!(
            out,
            "{}",
            style.paint(HEADING, format!("{verb} {findings} in {}", counted(files, "file", "files")))
        )?;
        for (look, applicability) in [(GOOD, Applicability::Safe), (DOUBT, Applicability::NeedsReview)] {
            for (line, count) in titles(&made, applicability) {
                let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
                writeln!(
                    out,
                    "  {}  {}{times}",
                    style.paint(look, format!("{applicability:<12}")),
                    escape(&line)
                )?;
            }
        }
    }
    let restricted = mended.workloads.iter().filter(|workload| workload.restricted).count();
    if !mended.workloads.is_empty() {
        let of = mended.workloads.len();
        let (tense, look) =
            (if args.write { "meet" } else { "would meet" }, if restricted == of { GOOD } else { ASIDE });
        let line = format!(
            "{restricted} of {} {tense} the restricted level",
            counted(of, "changed workload", "changed workloads")
        );
        writeln!(out, "{}", style.paint(look, line))?;
    }
    if !mended.left.is_empty() {
        writeln!(
            out,
            "{}",
            style.paint(HEADING, format!("Left: {}", counted(mended.left.len(), "finding", "findings")))
        )?;
        for ((rule, name, reason), places) in reasons(&mended.left, args.write) {
            let head = format!("{rule} {name}");
            writeln!(out, "  {}  {}", style.paint(BAD, head), escape(reason))?;
            let shown: Vec<String> = places.iter().take(SHOWN).map(ToString::to_string).collect();
            let more = match places.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            writeln!(out, "    {}", style.paint(ASIDE, format!("{}{more}", escape(&shown.join(", ")))))?;
        }
    }
    Ok(())
}

/// What is done, each once with how often: rule, what, and what to look at.
fn titles(made: &[&Made], applicability: Applicability) -> BTreeMap<String, usize> {
    let mut titles = BTreeMap::new();
    for made in made.iter().filter(|made| made.fix.applicability == applicability) {
        let mut line = format!("{}  {}", made.finding.check.id, made.fix.title);
        if !made.fix.review.is_empty() {
            line.push_str(": look ");
            line.push_str(&made.fix.review);
        }
        *titles.entry(line).or_default() += 1;
    }
    titles
}

/// How many places a reason names; the others are counted.
const SHOWN: usize = 3;

/// Why something is left, each reason once with its places: in the files as they are, be they `written` or not.
fn reasons(left: &[Left], written: bool) -> BTreeMap<(&str, &str, &str), Vec<&Location>> {
    let mut reasons: BTreeMap<_, Vec<&Location>> = BTreeMap::new();
    for left in left {
        let check = left.finding.check;
        reasons
            .entry((check.id, check.name, left.reason.as_str()))
            .or_default()
            .push(place_of(left, written));
    }
    reasons
}

const fn place_of(left: &Left, written: bool) -> &Location {
    if written { &left.finding.location } else { &left.was }
}

/// The answer as JSON.
#[derive(Serialize)]
struct Entries<'a> {
    files: Vec<FileEntry<'a>>,
    left: Vec<LeftEntry<'a>>,
    workloads: Vec<WorkloadEntry<'a>>,
}

#[derive(Serialize)]
struct FileEntry<'a> {
    file: &'a str,
    made: Vec<MadeEntry<'a>>,
    /// A unified diff.
    diff: String,
}

#[derive(Serialize)]
struct MadeEntry<'a> {
    id: String,
    rule: &'a str,
    object: ObjectEntry<'a>,
    path: String,
    title: &'a str,
    applicability: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    review: &'a str,
}

#[derive(Serialize)]
struct LeftEntry<'a> {
    id: String,
    rule: &'a str,
    object: ObjectEntry<'a>,
    path: String,
    location: LocationEntry<'a>,
    reason: &'a str,
}

#[derive(Serialize)]
struct WorkloadEntry<'a> {
    object: String,
    location: LocationEntry<'a>,
    restricted: bool,
}

fn entries(mended: &Mended, written: bool) -> Entries<'_> {
    Entries {
        files: mended.files.iter().map(file_entry).collect(),
        left: mended.left.iter().map(|left| left_entry(left, written)).collect(),
        workloads: mended.workloads.iter().map(workload_entry).collect(),
    }
}

fn file_entry(file: &MendedFile) -> FileEntry<'_> {
    let made = file.made.iter().map(|made| MadeEntry {
        id: made.finding.id(),
        rule: made.finding.check.id,
        object: ObjectEntry::of(&made.finding.object, &made.finding.api_version),
        path: made.finding.path.to_string(),
        title: &made.fix.title,
        applicability: match made.fix.applicability {
            Applicability::Safe => "safe",
            Applicability::NeedsReview => "needs-review",
        },
        review: &made.fix.review,
    });
    FileEntry { file: &file.name, made: made.collect(), diff: unified_diff(&file.name, &file.old, &file.new) }
}

fn left_entry(left: &Left, written: bool) -> LeftEntry<'_> {
    LeftEntry {
        id: left.finding.id(),
        rule: left.finding.check.id,
        object: ObjectEntry::of(&left.finding.object, &left.finding.api_version),
        path: left.finding.path.to_string(),
        location: LocationEntry::of(place_of(left, written)),
        reason: &left.reason,
    }
}

fn workload_entry(workload: &MendedWorkload) -> WorkloadEntry<'_> {
    WorkloadEntry {
        object: object_name(&workload.object),
        location: LocationEntry::of(&workload.location),
        restricted: workload.restricted,
    }
}
