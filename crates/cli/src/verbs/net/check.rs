//! `ringwall net check`: policies that do not do what their author meant.

use ringwall_model::finding::{Finding, Severity};
use ringwall_posture::quiet::Quiet;
use ringwall_report::Report;

use crate::args::NetCheckArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::settings;
use crate::verbs::scan;

/// The ids of this ring's checks begin so.
const RING: &str = "RW-NET-";

/// Whether a finding is one of this ring.
pub(super) fn is_of_ring(finding: &Finding) -> bool {
    finding.check.id.starts_with(RING)
}

pub(crate) fn run(args: &NetCheckArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output, &args.output.look);
    let settings = settings::load(&args.settings)?;
    let floor = args.min_severity.or(settings.min_severity).unwrap_or(Severity::Low);
    let (loaded, quiet, mut summary) =
        scan::judge(&args.input, "net check", &screen, &settings, Severity::Info)?;
    let Quiet { mut open, mut set_aside } = quiet;
    open.retain(is_of_ring);
    set_aside.retain(is_of_ring);
    let all = open.len();
    open.retain(|finding| finding.severity >= floor);
    set_aside.retain(|finding| finding.severity >= floor);
    summary.hidden = all - open.len();
    summary.threshold = Some(floor);
    let report = Report {
        findings: &open,
        set_aside: &set_aside,
        problems: &loaded.problems,
        notes: &loaded.notes,
        summary,
        ..Report::default()
    };
    let written = screen.report(&report);
    loaded.hint(&screen);
    Ok(Outcome::no_if(!open.is_empty()).max(loaded.outcome(false)).max(written))
}
