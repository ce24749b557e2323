//! What rings answer: verdicts with evidence, and findings.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::check::Check;
use crate::fix::{Fix, PlacedFix};
use crate::object::{Object, ObjectId, Rendering};
use crate::path::FieldPath;
use crate::text::{Position, Span};

/// What an attacker gains by what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is gained by it alone.
    Info,
    /// A layer of defence is missing that others cover.
    Low,
    /// One more step is easy for who is already inside the container.
    Medium,
    /// A way out of the container, or to other workloads' data, with some effort.
    High,
    /// The node or the cluster is taken by whoever is inside the container.
    Critical,
}

impl Severity {
    /// All, from the least.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.word().eq_ignore_ascii_case(text))
            .ok_or_else(|| "expected info, low, medium, high or critical".to_owned())
    }
}

/// A three-valued answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The input does not hold what the answer depends on. Never shown as a pass.
    CannotTell,
}

/// What a verdict rests on: a field of an object, seen by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The rule, as its reference names it.
    pub rule: String,
    /// The field, from the object.
    pub path: FieldPath,
    /// Where a user should look.
    pub location: Location,
    /// What the rule says of it, without full stop.
    pub note: String,
}

/// A place in a text that was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Name of the text: a path, or `<stdin>`.
    pub file: String,
    /// Line and column.
    pub position: Position,
    /// How many characters of that line, from the position on, are what the location is about: a key, or an item of a list as
    /// far as it stands on this line. 0 where it is a place between characters.
    pub width: u32,
    /// For a rendered text: the chart template that the document comes from.
    pub template: Option<String>,
    /// For a rendered text: the program that rendered it.
    pub rendered_by: Option<&'static str>,
}

impl Location {
    /// Where a user should look for `path` of `object`.
    pub fn of(object: &Object, path: &FieldPath) -> Self {
        Self::at(object, object.root().home_of(path))
    }

    /// A place in the text of `object`.
    pub fn at(object: &Object, span: Span) -> Self {
        let source = object.source();
        let first_line = source.slice(span).lines().next().unwrap_or_default();
        let width = u32::try_from(first_line.trim_end().chars().count()).unwrap_or(u32::MAX);
        let position = source.position(span.start);
        let (template, rendered_by) = match &object.rendering {
            Rendering::None => (None, None),
            Rendering::Rendered { by, template } => (template.clone(), Some(*by)),
        };
        Self { file: source.name().to_owned(), position, width, template, rendered_by }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.position)
    }
}

/// Why a finding is not one to act on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is one to act on.
    Open,
    /// Somebody accepts it, and says so in the text itself or in the configuration.
    Suppressed(Box<Suppression>),
    /// It is in the baseline: it was there before.
    Known,
}

/// Who accepts a finding, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// How it is said.
    pub by: SuppressedBy,
    /// Why, where a reason is given.
    pub reason: Option<String>,
    /// The last day on which it holds, as `YYYY-MM-DD`.
    pub until: Option<String>,
    /// Where it is said.
    pub location: Location,
}

/// How a finding is suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuppressedBy {
    /// A comment in the manifest.
    Comment,
    /// An annotation of the object or its pod template.
    Annotation,
    /// An exception in the configuration.
    Configuration,
}

impl SuppressedBy {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Annotation => "annotation",
            Self::Configuration => "configuration",
        }
    }
}

/// A check that fires on an object.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// Severity in this cluster.
    pub severity: Severity,
    /// The object that a user edits.
    pub object: ObjectId,
    /// Group and version of that object, as in `apiVersion`.
    pub api_version: String,
    /// The field, from the object in whose text it is located.
    pub path: FieldPath,
    /// Where a user should look.
    pub location: Location,
    /// What is wrong with this object, as a sentence without full stop.
    pub message: String,
    /// What tells this finding from others of the same check on the same field: a container's name, a value.
    pub witness: String,
    /// How many further objects have the same finding through this owner (replicas of a dump).
    pub replicas: usize,
    /// How many findings before it have the same rule, object, witness and field but for positions in lists.
    pub twin: usize,
    /// Further places that make it one: the name beside a value, the mounts of a volume. In the same text.
    pub related: Vec<(FieldPath, Location)>,
    /// The container that it is about, if it is about one.
    pub container: Option<String>,
    /// Whether it is one to act on.
    pub standing: Standing,
    /// How to mend this one, in Markdown, where what its check says is said of several things.
    pub advice: Option<String>,
    /// What makes it go away, where that was asked for and there is something.
    pub fix: Option<Box<PlacedFix>>,
    /// How its check would mend it, where that was asked for.
    pub mending: Option<Box<Mending>>,
}

/// How a check would mend a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mending {
    /// The index in the snapshot of the object that is changed: most often that in whose text the finding is.
    pub object: usize,
    /// The changes of that object, or beside it; or why there are none, as a sentence without full stop.
    pub fix: Result<Fix, String>,
}

impl Finding {
    /// A stable id, made of rule, object, field and witness. Lines, file names and positions in lists play no part in
    /// it (the witness names the container and the value), so it survives edits elsewhere in the file. Equal findings of
    /// equal objects in different files share it.
    pub fn id(&self) -> String {
        let namespace = self.object.namespace.as_deref().unwrap_or_default();
        // An item that is added where there was none is still the same thing about the same list.
        let mut path = self.path.unnumbered().trim_end_matches("[]").to_owned();
        if self.twin > 0 {
            let _ = write!(path, "#{}", self.twin);
        }
        let parts = [
            self.check.id,
            &self.object.group,
            &self.object.kind,
            namespace,
            &self.object.name,
            &path,
            &self.witness,
        ];
        stable_hash(&parts)
    }

    /// The key by which findings are sorted: place first, so that output follows the files.
    pub fn sort_key(&self) -> impl Ord + '_ {
        (&self.location.file, self.location.position, self.check.id, &self.path, &self.witness, &self.object)
    }
}

/// A hash of texts, as 16 hexadecimal digits, that is the same in every build and on every platform (FNV-1a, 64 bits).
pub fn stable_hash(parts: &[&str]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

/// Something that is worth knowing, and neither a finding nor a problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Name of the text, or the path, that it is about.
    pub file: String,
    /// Where in it, if it is about a place.
    pub position: Option<Position>,
    /// The fact, as a sentence without full stop.
    pub message: String,
}

impl Note {
    /// A note about a field of an object.
    pub fn of(object: &Object, path: &FieldPath, message: String) -> Self {
        Self { file: object.source().name().to_owned(), position: Some(object.locate(path)), message }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        placed(f, &self.file, self.position, &self.message)
    }
}

/// `file:line:column: message`, as compilers write it.
fn placed(f: &mut fmt::Formatter<'_>, file: &str, position: Option<Position>, message: &str) -> fmt::Result {
    f.write_str(file)?;
    if let Some(position) = position {
        write!(f, ":{position}")?;
    }
    write!(f, ": {message}")
}

/// Something that could not be read, with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Name of the text, or the path that could not be opened.
    pub file: String,
    /// Where, if the file could be read at all.
    pub position: Option<Position>,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
    /// The object, as far as it is known.
    pub object: Option<ObjectId>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        placed(f, &self.file, self.position, &self.message)
    }
}
