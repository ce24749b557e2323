//! Making findings: on the object that a user edits, numbered and sorted.

use rayon::prelude::*;
use ringwall_model::check::Check;
use ringwall_model::finding::{Finding, Location, Standing};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

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
