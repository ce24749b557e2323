//! What a check of a ring finds in an object of a snapshot, before it is a finding.

use crate::check::Check;
use crate::finding::Severity;
use crate::fix::{Fix, Fixable};
use crate::path::FieldPath;

/// What is wrong at one place of an object.
#[derive(Clone, Debug)]
pub struct Flaw {
    /// The check.
    pub check: &'static Check,
    /// The object's index in the snapshot.
    pub object: usize,
    /// The field, from the object.
    pub path: FieldPath,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
    /// What tells it from others of the same check.
    pub witness: String,
    /// How bad it is.
    pub severity: Severity,
    /// Further places that make it one: the object's index in the snapshot, and the field.
    pub related: Vec<(usize, FieldPath)>,
    /// What mends it; or why nothing does, as a sentence without full stop.
    pub fix: Result<Fix, String>,
}

impl Flaw {
    /// Says how bad it is.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// Adds a place that makes it one, if it is not named yet.
    pub fn related(&mut self, object: usize, path: FieldPath) -> &mut Self {
        let place = (object, path);
        if (place.0, &place.1) != (self.object, &self.path) && !self.related.contains(&place) {
            self.related.push(place);
        }
        self
    }

    /// Says what mends it, or why nothing does.
    pub fn fix(&mut self, fix: Result<Fix, String>) -> &mut Self {
        self.fix = fix;
        self
    }
}

/// What checks find, while one of them looks.
#[derive(Debug)]
pub struct Flaws {
    check: &'static Check,
    fixable: Fixable,
    /// All that was found, by the checks before it too.
    pub found: Vec<Flaw>,
}

impl Flaws {
    /// For the next check, with what those before it found.
    pub const fn of(check: &'static Check, fixable: Fixable, found: Vec<Flaw>) -> Self {
        Self { check, fixable, found }
    }

    /// A flaw in a field of an object, with the severity of its check, and mended by hand until something else is said.
    pub fn add(
        &mut self,
        object: usize,
        path: FieldPath,
        witness: impl Into<String>,
        message: String,
    ) -> &mut Flaw {
        let reason = match self.fixable {
            Fixable::ByHand(reason) => reason,
            Fixable::ByTool(_) => "what is meant is not in the manifest",
        };
        self.found.push(Flaw {
            check: self.check,
            object,
            path,
            message,
            witness: witness.into(),
            severity: self.check.severity,
            related: Vec::new(),
            fix: Err(reason.to_owned()),
        });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }
}
