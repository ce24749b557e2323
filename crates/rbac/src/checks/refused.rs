//! Objects that the API server refuses.

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::{FieldPath, Segment};

use super::{EVERY_VERSION, Flaws, RBAC, RbacCheck, Subject};
use crate::draft::Draft;
use crate::snapshot::DEFAULT_NAMESPACE;
use crate::validate::validate;

pub(super) const REFUSED: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-063",
        name: "refused-rbac-object",
        severity: Severity::Low,
        summary: "the API server refuses a role or a binding",
        what: "An object of RBAC does not pass the API server's own validation: a rule without verbs, API groups or resources, paths beside \
               resources, a `roleRef` without name or of another API group, a name that is no path segment, labels that are none. What \
               [RW-RBAC-038](RW-RBAC-038.md), [RW-RBAC-053](RW-RBAC-053.md) and [RW-RBAC-057](RW-RBAC-057.md) say of a field is not said again.",
        why: "The object is not there, and none of its rights; `kubectl apply` of a folder goes on with the others.",
        fix: "Correct the field that the message names.",
        bad: within!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: []\n"),
        good: within!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n"),
        versions: EVERY_VERSION,
        references: &[RBAC],
        controls: &[],
    },
    fix: Fixable::ByHand("what is meant is not in the manifest"),
    find: refused,
};

fn refused(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, object) in subject.snapshot.objects() {
        let Some(draft) = Draft::read(object, DEFAULT_NAMESPACE) else { continue };
        for error in validate(&draft.prepared(None)) {
            if is_said(&error.place) {
                continue;
            }
            let message = format!("the API server refuses it: {error}");
            flaws.add(index, error.place.clone(), error.path.to_string(), message);
        }
    }
}

/// Whether other checks look at a field: what subjects are, the kind of a role, paths in a Role.
fn is_said(place: &FieldPath) -> bool {
    let key = |at: usize| match place.segments().get(at) {
        Some(Segment::Key(key)) => &**key,
        _ => "",
    };
    match key(0) {
        "subjects" => true,
        "roleRef" => key(1) == "kind",
        "rules" => key(2) == "nonResourceURLs",
        _ => false,
    }
}
