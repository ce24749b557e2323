//! Deciding: the checks unrolled per version, and the failures of one pod.
//!
//! Source: k8s.io/pod-security-admission `policy/registry.go` and `policy/checks.go`.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::OnceLock;

use ringwall_model::version::Minor;

use crate::checks::{CHECKS, Revision, StandardCheck};
use crate::evidence::{Offence, Words};
use crate::model::PodTemplate;
use crate::policy::{Level, LevelVersion, Version};

/// A check that runs at some version, with the revision that applies there.
#[derive(Clone, Copy, Debug)]
pub struct Applied {
    /// The check.
    pub check: &'static StandardCheck,
    /// Its revision.
    pub revision: &'static Revision,
}

/// The checks, unrolled per level and version.
#[derive(Debug)]
pub struct Evaluator {
    baseline: Vec<Vec<Applied>>,
    restricted: Vec<Vec<Applied>>,
    newest: u64,
}

impl Evaluator {
    /// The evaluator of the newest Kubernetes that ringwall knows. Made once.
    pub fn newest() -> &'static Self {
        static NEWEST: OnceLock<Evaluator> = OnceLock::new();
        NEWEST.get_or_init(|| Self::emulating(None))
    }

    /// An evaluator for which `latest` is at most the given minor, as for a server with `--emulated-version`.
    pub fn emulating(minor: Option<Minor>) -> Self {
        let registered = CHECKS
            .iter()
            .filter_map(|check| check.revisions.last())
            .map(|revision| revision.since.0)
            .max()
            .unwrap_or_default();
        let mut evaluator =
            Self { baseline: Vec::new(), restricted: Vec::new(), newest: u64::from(registered) };
        for minor in 0..=registered {
            let at = |level: Level| {
                CHECKS.iter().filter(move |check| check.level == level).filter_map(move |check| {
                    check.revision_at(Minor(minor)).map(|revision| Applied { check, revision })
                })
            };
            let baseline: Vec<Applied> = at(Level::Baseline).collect();
            let own: Vec<Applied> = at(Level::Restricted).collect();
            let overridden = |id: &str| own.iter().any(|applied| applied.revision.overrides.contains(&id));
            let restricted = baseline
                .iter()
                .copied()
                .filter(|applied| !overridden(applied.check.id))
                .chain(own.iter().copied());
            evaluator.restricted.push(restricted.collect());
            evaluator.baseline.push(baseline);
        }
        if let Some(minor) = minor {
            evaluator.newest = evaluator.newest.min(u64::from(minor.0));
        }
        evaluator
    }

    /// The checks that run at a level and version, in the order of their results: baseline checks by id, then
    /// restricted ones. `latest`, and any version newer than the newest known, mean the newest known.
    pub fn checks(&self, at: LevelVersion) -> &[Applied] {
        let table = match at.level {
            Level::Privileged => return &[],
            Level::Baseline => &self.baseline,
            Level::Restricted => &self.restricted,
        };
        let minor = match at.version {
            Version::Latest => self.newest,
            Version::Minor(minor) => minor.min(self.newest),
        };
        usize::try_from(minor).ok().and_then(|minor| table.get(minor)).map_or(&[], Vec::as_slice)
    }

    /// Runs the checks of a level and version. `failures` is emptied first, so that one buffer can serve many pods.
    pub fn evaluate<'t>(&self, at: LevelVersion, pod: &PodTemplate<'t>, failures: &mut Failures<'t>) {
        failures.clear();
        for applied in self.checks(at) {
            let before = failures.offences.len();
            (applied.revision.find)(pod, &mut failures.offences);
            let after = failures.offences.len();
            if after > before {
                failures.failed.push((applied.check, before..after));
            }
        }
    }

    /// Whether the pod passes: stops at the first offence.
    pub fn allows(&self, at: LevelVersion, pod: &PodTemplate<'_>) -> bool {
        let mut offences = Vec::new();
        self.checks(at).iter().all(|applied| {
            (applied.revision.find)(pod, &mut offences);
            offences.is_empty()
        })
    }
}

/// What a pod fails, with the evidence.
#[derive(Clone, Debug, Default)]
pub struct Failures<'t> {
    offences: Vec<Offence<'t>>,
    failed: Vec<(&'static StandardCheck, Range<usize>)>,
}

/// One failed check.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'f, 't> {
    /// The check.
    pub check: &'static StandardCheck,
    /// Its evidence; never empty.
    pub offences: &'f [Offence<'t>],
}

impl Failure<'_, '_> {
    /// The reference's words.
    pub fn words(&self, pod: &PodTemplate<'_>) -> Words {
        (self.check.words)(pod, self.offences)
    }
}

impl<'t> Failures<'t> {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.offences.clear();
        self.failed.clear();
    }

    /// Whether nothing failed.
    pub fn is_empty(&self) -> bool {
        self.failed.is_empty()
    }

    /// The failed checks in order.
    pub fn iter(&self) -> impl Iterator<Item = Failure<'_, 't>> {
        self.failed.iter().map(|(check, range)| Failure { check, offences: &self.offences[range.clone()] })
    }

    /// The reasons alone: `R1, R2`. Source: `ForbiddenReason`.
    pub fn reasons(&self, pod: &PodTemplate<'_>) -> String {
        let mut text = String::new();
        for failure in self.iter() {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(failure.words(pod).reason);
        }
        text
    }

    /// Reasons with details: `R1 (D1), R2 (D2)`, as a denial has it behind its colon. Source: `ForbiddenDetail`.
    pub fn message(&self, pod: &PodTemplate<'_>) -> String {
        let mut text = String::new();
        for failure in self.iter() {
            if !text.is_empty() {
                text.push_str(", ");
            }
            let words = failure.words(pod);
            text.push_str(words.reason);
            if !words.detail.is_empty() {
                let _ = write!(text, " ({})", words.detail);
            }
        }
        text
    }
}
