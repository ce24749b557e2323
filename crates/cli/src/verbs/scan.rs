//! `ringwall scan`: what is wrong with every object.

use std::path::Path;

use ringwall_model::finding::{Note, Severity};
use ringwall_posture::baseline::Baseline;
use ringwall_posture::fix;
use ringwall_posture::quiet::{self, Quiet};
use ringwall_posture::scan::Options;
use ringwall_posture::settings::{FailOn, Settings};
use ringwall_report::{Report, Summary, TEXT, TEXT_BY_CAUSE, escape};

use crate::args::{GroupBy, InputArgs, ScanArgs};
use crate::input::{self, Loaded};
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::settings;
use crate::verbs::mesh;

pub(crate) fn run(args: &ScanArgs) -> Result<Outcome, Usage> {
    let format = match args.group_by {
        GroupBy::Object => args.output.output,
        GroupBy::Cause => &TEXT_BY_CAUSE,
    };
    let screen = Screen::new(format, &args.output.look);
    let settings = settings::load(&args.settings)?;
    let fail_on = args.fail_on.or(settings.fail_on).unwrap_or_default();
    let min_severity = args.min_severity.or(settings.min_severity).unwrap_or(Severity::Low);
    let baseline = args.baseline.as_deref().map(read_baseline).transpose()?;
    check(args, fail_on)?;
    // A baseline may hold what is not shown.
    let floor = if baseline.is_some() {
        Severity::Info
    } else {
        fail_on.least().map_or(min_severity, |least| least.min(min_severity))
    };
    let (mut loaded, Quiet { mut open, mut set_aside }, mut summary) =
        judge(&args.input, "scan", &screen, &settings, floor, None)?;
    if let (Some(baseline), Some(file)) = (&baseline, &args.baseline) {
        let compared = baseline.compare(open);
        open = compared.new;
        set_aside.extend(compared.known);
        set_aside.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        if let Some(message) = gone(compared.gone) {
            let note = Note { file: file.display().to_string(), position: None, message };
            loaded.add(Vec::new(), vec![note]);
        }
    }
    // The threshold counts what is hidden too: a view must not change a verdict.
    let found = open.iter().any(|finding| fail_on.counts(finding));
    let all = open.len();
    open.retain(|finding| finding.severity >= min_severity);
    set_aside.retain(|finding| finding.severity >= min_severity);
    summary.hidden += all - open.len();
    summary.threshold = Some(min_severity);
    let report = Report {
        findings: &open,
        set_aside: &set_aside,
        compared: baseline.is_some(),
        problems: &loaded.problems,
        notes: &loaded.notes,
        summary,
    };
    let written = screen.report(&report);
    if found && open.is_empty() {
        let hidden = format!(
            "hint: --fail-on {fail_on} counts findings that --min-severity {min_severity} does not show"
        );
        screen.aside_in_any_format(&hidden);
    } else if screen.is_terminal()
        && screen.format.name == TEXT.name
        && args.group_by == GroupBy::Object
        && open.len() > LONG
    {
        screen.aside_in_any_format("hint: --group-by cause lists them by what is wrong, the worst first");
    }
    loaded.hint(&screen);
    Ok(Outcome::no_if(found).max(loaded.outcome(false)).max(written))
}

/// From so many findings on, a list by object is hard to read.
const LONG: usize = 100;

/// Reads what the arguments name, judges it, and tells what somebody accepts from the rest. Findings below `floor` are only
/// counted, where nobody says anything about them. `root` says the root namespace of the mesh over what the input says.
///
/// # Errors
/// As [`input::load`].
pub(super) fn judge(
    args: &InputArgs,
    verb: &str,
    screen: &Screen,
    settings: &Settings,
    floor: Severity,
    root: Option<&str>,
) -> Result<(Loaded, Quiet, Summary), Usage> {
    let mut loaded = input::load(args, verb, screen.quiet)?;
    let marks = quiet::marks(&loaded.snapshot, settings);
    let all = !marks.is_empty() || !settings.checks.is_default();
    let floor = if all { Severity::Info } else { floor };
    let stated = mesh::stated(&loaded.snapshot, root);
    let options = Options { floor, mend: screen.format.fixes, mesh: &stated, ..settings.scan_options() };
    let scan = ringwall_posture::scan(&loaded.snapshot, options);
    let summary = Summary { hidden: scan.below, ..loaded.summary(scan.workloads) };
    let mut quiet = quiet::apply_marks(scan.findings, &loaded.snapshot, settings, marks, settings::today());
    if screen.format.fixes {
        fix::place(&mut quiet.open, &loaded.snapshot);
    }
    loaded.add(scan.problems, scan.notes);
    loaded.add(Vec::new(), stated.notes);
    Ok((loaded, quiet, summary))
}

/// Refuses what does not go together.
fn check(args: &ScanArgs, fail_on: FailOn) -> Result<(), Usage> {
    if fail_on.new && args.baseline.is_none() {
        return Err(Usage {
            message: format!(
                "--fail-on {fail_on} asks what is new, and there is no --baseline to compare with"
            ),
            hint: "`ringwall baseline write ringwall-baseline.json k8s/` writes one".to_owned(),
        });
    }
    if args.group_by == GroupBy::Cause && args.output.output.name != TEXT.name {
        return Err(Usage {
            message: "--group-by cause is a view for people".to_owned(),
            hint: "other formats list findings one by one; leave it out, or use -o text".to_owned(),
        });
    }
    Ok(())
}

/// Reads a baseline.
///
/// # Errors
/// It cannot be read, or is none.
pub(super) fn read_baseline(file: &Path) -> Result<Baseline, Usage> {
    let source = settings::text(file)?;
    Baseline::parse(source.text()).map_err(|error| Usage {
        message: escape(&format!("{}:{error}", source.name())).into_owned(),
        hint: "`ringwall baseline write` writes such a file".to_owned(),
    })
}

/// What to say of findings that a baseline has and that are no more.
fn gone(count: usize) -> Option<String> {
    let what = match count {
        0 => return None,
        1 => "1 finding of the baseline is gone".to_owned(),
        _ => format!("{count} findings of the baseline are gone"),
    };
    Some(format!("{what}; `ringwall baseline write` makes it smaller"))
}
