//! Where a workload stands: the tightest level that it can take, and what stops the next.

use crate::evaluate::{Evaluator, Failures};
use crate::model::PodTemplate;
use crate::policy::{Level, LevelVersion, Version};

/// Where a pod stands at one version of the standards.
#[derive(Clone, Debug)]
pub struct Standing<'t> {
    /// The tightest level that it can take.
    pub level: Level,
    /// What it fails at baseline.
    pub baseline: Failures<'t>,
    /// What it fails at restricted.
    pub restricted: Failures<'t>,
}

impl<'t> Standing<'t> {
    /// What stops the next level; `None` where there is none.
    pub fn obstacle(&self) -> Option<(Level, &Failures<'t>)> {
        match self.level {
            Level::Privileged => Some((Level::Baseline, &self.baseline)),
            Level::Baseline => Some((Level::Restricted, &self.restricted)),
            Level::Restricted => None,
        }
    }
}

/// The tightest level that the pod can take at `version`.
///
/// A pod can pass restricted and fail baseline (a volume with two sources): its level is then privileged, since
/// a namespace that is labelled restricted today may be relabelled baseline tomorrow; API validation refuses
/// such a pod anyway.
pub fn of<'t>(evaluator: &Evaluator, version: Version, pod: &PodTemplate<'t>) -> Standing<'t> {
    let run = |level| {
        let mut failures = Failures::default();
        evaluator.evaluate(LevelVersion::new(level, version), pod, &mut failures);
        failures
    };
    let (baseline, restricted) = (run(Level::Baseline), run(Level::Restricted));
    let level = match (baseline.is_empty(), restricted.is_empty()) {
        (false, _) => Level::Privileged,
        (true, false) => Level::Baseline,
        (true, true) => Level::Restricted,
    };
    Standing { level, baseline, restricted }
}
