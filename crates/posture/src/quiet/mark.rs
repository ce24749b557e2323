//! A suppression as it is written, and what it is about.

use jiff::civil::Date;
use ringwall_model::finding::{Finding, Location, SuppressedBy};
use ringwall_model::object::{Object, ObjectId};
use ringwall_model::path::FieldPath;
use ringwall_model::text::Position;

use crate::quiet::directive::Directive;
use crate::quiet::peers::Part;
use crate::registry::Rules;
use crate::settings::Exception;

/// Whom and what a finding about a suppression is on.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) object: ObjectId,
    pub(super) api_version: String,
    pub(super) path: FieldPath,
    pub(super) location: Location,
}

impl About {
    /// A suppression that belongs to a field of an object, and is written at `location`.
    pub(super) fn of(object: &Object, path: FieldPath, location: Location) -> Self {
        Self { object: object.id.clone(), api_version: object.api_version(), path, location }
    }
}

/// Which findings a suppression can match.
#[derive(Clone, Debug)]
pub(super) enum Scope<'a> {
    /// Those located in a part of a text, its end exclusive.
    Block { file: String, from: Position, to: Position },
    /// Those of an object, by its index in the snapshot; or of one of its containers.
    Object { index: usize, container: Option<String> },
    /// Those that an exception of the configuration selects.
    Exception(&'a Exception),
}

/// A suppression.
#[derive(Clone, Debug)]
pub(super) struct Mark<'a> {
    pub(super) by: SuppressedBy,
    pub(super) rules: Rules,
    pub(super) parts: Vec<(&'static str, Part)>,
    pub(super) reason: Option<String>,
    pub(super) until: Option<Date>,
    pub(super) scope: Scope<'a>,
    pub(super) about: About,
    /// Whether it is written for another scanner. That one says whether it is of use.
    pub(super) foreign: bool,
}

impl Mark<'_> {
    pub(super) fn new(by: SuppressedBy, directive: Directive, scope: Scope<'_>, about: About) -> Mark<'_> {
        let Directive { rules, parts, reason, until } = directive;
        Mark { by, rules, parts, reason, until, scope, about, foreign: false }
    }

    /// Whether it is about the finding's check, and the part of that check that it means.
    pub(super) fn names(&self, finding: &Finding) -> bool {
        let mut parts = self.parts.iter().filter(|(id, _)| *id == finding.check.id).peekable();
        self.rules.hold(finding.check)
            && (parts.peek().is_none() || parts.any(|(_, part)| part.holds(finding)))
    }
}

/// A suppression that cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) by: SuppressedBy,
    pub(super) about: About,
    pub(super) message: String,
}

/// All suppressions of a snapshot and its settings.
#[derive(Debug, Default)]
pub struct Marks<'a> {
    pub(super) marks: Vec<Mark<'a>>,
    pub(super) faults: Vec<Fault>,
}

impl Marks<'_> {
    /// Whether nothing is accepted, and nothing said wrongly.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.faults.is_empty()
    }
}
