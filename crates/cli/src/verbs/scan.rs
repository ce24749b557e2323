//! `ringwall scan`: what is wrong with every object.

use std::io::{self, Write};

use ringwall_posture::scan::Options;
use ringwall_report::{Report, Style};

use crate::args::ScanArgs;
use crate::input;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;

pub(crate) fn run(args: &ScanArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(&args.output);
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
    let write = |name: &str, style: Style, out: &mut dyn Write| match ringwall_report::format(name) {
        Some(format) => (format.reporter)(&report, &style, out),
        None => Err(io::Error::other(format!("there is no format {name}"))),
    };
    let written =
        screen.answer(|style, out| write("text", style, out), |out| write("json", Style::default(), out));
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    Ok(Outcome::no_if(found).max(loaded.outcome(false)).max(written))
}
