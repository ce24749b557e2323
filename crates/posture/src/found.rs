//! Making findings: on the object that a user edits, numbered and sorted.

use std::collections::HashSet;

use rayon::prelude::*;
use ringwall_model::check::Check;
use ringwall_model::finding::{Finding, Location, Mending, Problem, Standing};
use ringwall_model::fix::Fix;
use ringwall_model::flaw::Flaw;
use ringwall_model::object::{Object, ObjectId};
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;

use crate::mend;

/// A finding on `top`, located in the text of `object`.
pub(crate) fn finding(
    check: &'static Check,
    top: &Object,
    object: &Object,
    path: FieldPath,
    message: String,
    witness: String,
) -> Finding {
    Finding {
        check,
        severity: check.severity,
        object: top.id.clone(),
        api_version: top.api_version(),
        location: Location::of(object, &path),
        path,
        message,
        witness,
        replicas: 0,
        twin: 0,
        related: Vec::new(),
        container: None,
        standing: Standing::Open,
        advice: None,
        fix: None,
        mending: None,
    }
}

/// What the checks of a ring find, each on the object that a user edits. An object of which `problems` says that it cannot be decoded is
/// not judged.
pub(crate) fn of_flaws(
    snapshot: &Snapshot,
    mut flaws: Vec<Flaw>,
    problems: &[Problem],
    mend: bool,
) -> Vec<Finding> {
    let broken: HashSet<(&str, &ObjectId)> = problems
        .iter()
        .filter_map(|problem| Some((problem.file.as_str(), problem.object.as_ref()?)))
        .collect();
    flaws.sort_by_key(|flaw| flaw.object);
    let mut findings = Vec::with_capacity(flaws.len());
    for same in flaws.chunk_by(|a, b| a.object == b.object) {
        let index = same[0].object;
        let object = &snapshot.all()[index];
        if broken.contains(&(object.source().name(), &object.id)) {
            continue;
        }
        let (_, top) = snapshot.top_owner(index);
        let mut of_object: Vec<Finding> = Vec::with_capacity(same.len());
        for flaw in same {
            let found = finding(
                flaw.check,
                top,
                object,
                flaw.path.clone(),
                flaw.message.clone(),
                flaw.witness.clone(),
            );
            // A place in another text has no line in the report of this one.
            let here = flaw
                .related
                .iter()
                .filter(|(other, _)| snapshot.all()[*other].source().name() == object.source().name());
            let related =
                here.map(|(other, path)| (path.clone(), Location::of(&snapshot.all()[*other], path)));
            let mending = mend.then(|| Box::new(Mending { object: index, fix: fix_of(object, flaw) }));
            of_object.push(Finding { severity: flaw.severity, related: related.collect(), mending, ..found });
        }
        number_twins(&mut of_object);
        findings.extend(of_object);
    }
    findings
}

fn fix_of(object: &Object, flaw: &Flaw) -> Result<Fix, String> {
    if mend::is_owned(object) { Err(mend::OWNED.to_owned()) } else { flaw.fix.clone() }
}

/// Numbers the findings on one object that are the same but for positions in lists.
pub(crate) fn number_twins(findings: &mut [Finding]) {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&findings[*a], &findings[*b]);
        (a.check.id, &a.witness).cmp(&(b.check.id, &b.witness))
    });
    let mut twins = Vec::new();
    for same in order.chunk_by(|a, b| {
        let (a, b) = (&findings[*a], &findings[*b]);
        (a.check.id, &a.witness) == (b.check.id, &b.witness)
    }) {
        if same.len() < 2 {
            continue;
        }
        let paths: Vec<String> = same.iter().map(|index| findings[*index].path.unnumbered()).collect();
        for (at, path) in paths.iter().enumerate().skip(1) {
            let twin = paths[..at].iter().filter(|other| *other == path).count();
            twins.push((same[at], twin));
        }
    }
    for (index, twin) in twins {
        findings[index].twin = twin;
    }
}

/// Sorts by [`Finding::sort_key`]. A finding is large: what is sorted are indexes, and each is moved once.
pub(crate) fn sort(findings: &mut [Finding]) {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.par_sort_by(|a, b| findings[*a].sort_key().cmp(&findings[*b].sort_key()));
    for start in 0..order.len() {
        // Along each cycle of the permutation.
        let mut at = start;
        while order[at] != start {
            let next = order[at];
            findings.swap(at, next);
            order[at] = at;
            at = next;
        }
        order[at] = at;
    }
}
