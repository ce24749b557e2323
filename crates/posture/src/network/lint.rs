//! Findings on network policies, and on what none of them guards.

use std::collections::HashSet;

use ringwall_model::finding::{Finding, Location, Mending, Problem};
use ringwall_model::object::{Object, ObjectId};
use ringwall_model::snapshot::Snapshot;
use ringwall_model::workload::CustomKind;
use ringwall_network::checks;

use crate::found::{finding, number_twins};
use crate::mend;

/// What the checks of network policies find, each on the object that a user edits. An object of which `problems` says that it
/// cannot be decoded is not judged.
pub(crate) fn findings(
    snapshot: &Snapshot,
    custom: &[CustomKind],
    problems: &[Problem],
    mend: bool,
) -> Vec<Finding> {
    let mut flaws = checks::find(snapshot, custom);
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

fn fix_of(object: &Object, flaw: &checks::Flaw) -> Result<ringwall_model::fix::Fix, String> {
    if mend::is_owned(object) { Err(mend::OWNED.to_owned()) } else { flaw.fix.clone() }
}
