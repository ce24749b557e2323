//! The checks of suppressions themselves.

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;

/// All of them, by id.
pub static CHECKS: &[&Check] = &[&UNUSED, &EXPIRED, &MALFORMED];

const REFERENCES: &[&str] = &["https://github.com/ringwall/ringwall/blob/main/docs/suppressions.md"];

const BOUND: &str = "Not bound to a version of Kubernetes.";

/// A suppression that matches nothing.
pub static UNUSED: Check = Check {
    id: "RW-QUI-001",
    name: "unused-suppression",
    severity: Severity::Low,
    summary: "a suppression matches no finding",
    what: "A comment, an annotation or an exception of `ringwall.toml` names a check that finds nothing where the \
           suppression holds. Of several checks, each is looked at by itself. Suppressions of checks that are disabled, and \
           those of other scanners, are not looked at. An exception for objects that are not all known by name may be \
           about some that are not in the input: then the severity is info.",
    why: "It hides the next finding of that check, which nobody has looked at. Often it has a slip in it, and what it was to \
          hide is still there.",
    fix: "Remove it, or mend what it says.",
    bad: "spec:\n  hostPID: false # ringwall:ignore host-namespace reason=\"debugging\"\n",
    good: "spec:\n  hostPID: false\n",
    versions: BOUND,
    references: REFERENCES,
    controls: &[],
};

/// A suppression that has run out.
pub static EXPIRED: Check = Check {
    id: "RW-QUI-002",
    name: "expired-suppression",
    severity: Severity::Low,
    summary: "a suppression has expired",
    what: "The day that a comment, an annotation or an exception of `ringwall.toml` gives as its last (`until`) has passed. \
           It suppresses nothing any more. Days are counted in UTC.",
    why: "Somebody accepted a risk for a time, and the time is over.",
    fix: "Mend what it suppressed and remove it, or decide anew and give another day.",
    bad: "spec:\n  hostPID: true # ringwall:ignore host-namespace reason=\"until the agent is replaced\" until=2020-01-31\n",
    good: "spec:\n  hostPID: false\n",
    versions: BOUND,
    references: REFERENCES,
    controls: &[],
};

/// A suppression that cannot be read.
pub static MALFORMED: Check = Check {
    id: "RW-QUI-003",
    name: "malformed-suppression",
    severity: Severity::Low,
    summary: "a suppression cannot be read, and suppresses nothing",
    what: "A comment that begins with `ringwall:`, or an annotation whose key begins with `ringwall.dev/ignore.`, names a check \
           that there is none of, gives a day that no calendar has, lacks a reason although `require-reason` is set, stands \
           where nothing begins, or has a key that no annotation can have.",
    why: "Its author believes that a finding was accepted, and it was not.",
    fix: "Write it as `docs/suppressions.md` says.",
    bad: "spec:\n  hostPID: true # ringwall:ignore host-namespaces until=tomorrow\n",
    good: "spec:\n  hostPID: true # ringwall:ignore host-namespace reason=\"debugging\" until=2027-01-31\n",
    versions: BOUND,
    references: REFERENCES,
    controls: &[],
};
