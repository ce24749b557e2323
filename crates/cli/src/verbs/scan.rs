//! `ringwall scan`: what is wrong with every object.

use ringwall_posture::scan::Options;
use ringwall_report::{Note, Report};

use crate::args::{Output, ScanArgs};
use crate::input;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;

pub(crate) fn run(args: &ScanArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(&args.output);
    let mut loaded = input::load(&args.input, "scan", screen.quiet)?;
    let scan = ringwall_posture::scan(&loaded.snapshot, Options::default());
    let summary = loaded.summary(scan.workloads);
    loaded.add(scan.problems, scan.notes);
    // The threshold counts what is hidden too: a view must not change a verdict.
    let found = scan.findings.iter().any(|finding| finding.severity >= args.fail_on);
    let mut findings = scan.findings;
    let all = findings.len();
    findings.retain(|finding| finding.severity >= args.min_severity);
    if findings.len() < all {
        let hidden = all - findings.len();
        let message = match hidden {
            1 => "1 finding is below this severity and not shown".to_owned(),
            _ => format!("{hidden} findings are below this severity and not shown"),
        };
        loaded.notes.push(Note {
            file: format!("--min-severity {}", args.min_severity),
            position: None,
            message,
        });
    }
    let report =
        Report { findings: &findings, problems: &loaded.problems, notes: &loaded.notes, summary };
    let name = match screen.output {
        Output::Text => "text",
        Output::Json => "json",
    };
    let written = match ringwall_report::format(name) {
        Some(format) => screen.answer(|out| (format.reporter)(&report, &screen.style, out)),
        None => Outcome::Fault,
    };
    screen.asides(&loaded.problems, &loaded.notes);
    Ok(Outcome::no_if(found).max(loaded.outcome(false)).max(written))
}
