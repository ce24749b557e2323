//! The checks of one ring: `ringwall net check`, `ringwall mesh check`.

use ringwall_model::finding::{Finding, Severity};
use ringwall_posture::quiet::Quiet;
use ringwall_report::Report;

use crate::args::RingCheckArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::settings;
use crate::verbs::scan;

/// A ring that is checked by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    /// What the ids of its checks begin with.
    pub(super) prefix: &'static str,
    /// The verb that runs them.
    pub(super) verb: &'static str,
}

impl Ring {
    /// Whether a finding is one of this ring.
    pub(super) fn holds(self, finding: &Finding) -> bool {
        finding.check.id.starts_with(self.prefix)
    }

    /// Scans, and shows what is of this ring. `root` says the root namespace of the mesh over what the input says.
    ///
    /// # Errors
    /// As [`crate::input::load`].
    pub(super) fn check(self, args: &RingCheckArgs, root: Option<&str>) -> Result<Outcome, Usage> {
        let screen = Screen::new(args.output.output, &args.output.look);
        let settings = settings::load(&args.settings)?;
        let floor = args.min_severity.or(settings.min_severity).unwrap_or(Severity::Low);
        let judged = scan::judge(&args.input, self.verb, &screen, &settings, Severity::Info, root)?;
        let (loaded, quiet, mut summary) = judged;
        let Quiet { mut open, mut set_aside } = quiet;
        open.retain(|finding| self.holds(finding));
        set_aside.retain(|finding| self.holds(finding));
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
}
