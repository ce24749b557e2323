//! `ringwall scan`: what is wrong with every object.

use ringwall_posture::scan::Options;
use ringwall_report::Report;

use crate::args::ScanArgs;
use crate::input;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;

pub(crate) fn run(args: &ScanArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output, &args.output.look);
    let mut loaded = input::load(&args.input, "scan", screen.quiet)?;
    let scan = ringwall_posture::scan(&loaded.snapshot, Options::default());
    let mut summary = loaded.summary(scan.workloads);
    loaded.add(scan.problems, scan.notes);
    // The threshold counts what is hidden too: a view must not change a verdict.
    let found = scan.findings.iter().any(|finding| finding.severity >= args.fail_on);
    let mut findings = scan.findings;
    let all = findings.len();
    findings.retain(|finding| finding.severity >= args.min_severity);
    summary.hidden = all - findings.len();
    let report = Report {
        findings: &findings,
        problems: &loaded.problems,
        notes: &loaded.notes,
        summary,
        ..Report::default()
    };
    let written = screen.report(&report);
    loaded.hint(&screen);
    Ok(Outcome::no_if(found).max(loaded.outcome(false)).max(written))
}
