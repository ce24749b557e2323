//! `ringwall rbac`: what roles and bindings give.

pub(crate) mod can_grant;
pub(crate) mod can_i;
pub(crate) mod diff;
pub(crate) mod escalate;
pub(crate) mod matrix;
pub(crate) mod reduce;
pub(crate) mod who_can;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ringwall_model::finding::{Note, Verdict};
use ringwall_model::version::Minor;
use ringwall_posture::rbac::can_i::{Because, Question};
use ringwall_posture::rbac::matrix::Row;
use ringwall_posture::rbac::who::Way;
use ringwall_posture::rbac::{Place, Rights};
use ringwall_report::{ASIDE, LocationEntry, Style, escape};
use serde::Serialize;

use crate::args::ReadingArgs;
use crate::args::rbac::SourceArgs;
use crate::input::{self, Loaded};
use crate::outcome::Usage;
use crate::screen::{Screen, place};
use crate::table::{Cell, plain};

/// Reads the paths, and hands them to `ask` with the eyes of the RBAC ring. What the API server would refuse is told beside the answer.
///
/// # Errors
/// As [`read`], and what `ask` finds wrong with the question.
fn with_rights<T>(
    paths: &[PathBuf],
    source: &SourceArgs,
    verb: &str,
    screen: &Screen,
    ask: impl FnOnce(&Rights<'_>) -> Result<T, Usage>,
) -> Result<(Loaded, T), Usage> {
    let mut loaded = read(paths, &source.reading(), verb, screen.quiet)?;
    let rights = Rights::of(&loaded.snapshot);
    let notes = notes(&rights, paths);
    let answer = ask(&rights)?;
    drop(rights);
    loaded.add(Vec::new(), notes);
    Ok((loaded, answer))
}

/// Reads the paths. A document that cannot be read is told beside the answer, with an exit code of its own.
///
/// # Errors
/// There are none; one of them is not there, or cannot be opened: an answer without it would be about another cluster.
fn read(paths: &[PathBuf], reading: &ReadingArgs, verb: &str, quiet: bool) -> Result<Loaded, Usage> {
    for path in paths.iter().filter(|path| path.as_path() != Path::new("-")) {
        let opened = match fs::metadata(path) {
            Ok(found) if found.is_file() => fs::File::open(path).map(drop),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = opened {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "no such file or directory".to_owned(),
                io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                _ => error.to_string(),
            };
            return Err(Usage {
                message: format!("{}: {why}", path.display()),
                hint: "without it nothing can be said of the cluster".to_owned(),
            });
        }
    }
    input::load_paths(paths, reading, verb, quiet)
}

/// What is to be known of the roles and bindings that were read.
fn notes(rights: &Rights<'_>, paths: &[PathBuf]) -> Vec<Note> {
    let mut notes = rights.problems();
    if rights.is_default_only() {
        let file = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        let message = format!(
            "no role and no binding is in the input: the answer is that of the default policy of {} alone",
            rights.default_version()
        );
        notes.push(Note { file, position: None, message });
    }
    notes
}

fn refuse(message: String) -> Usage {
    Usage { message, hint: String::new() }
}

/// Splits what is typed into the verb, what it is asked of, and the paths.
///
/// # Errors
/// There are less than two words.
fn split<'w>(words: &'w [String], usage: &str) -> Result<(&'w str, &'w str, Vec<PathBuf>), Usage> {
    match words {
        [verb, what, paths @ ..] => Ok((verb, what, paths.iter().map(PathBuf::from).collect())),
        _ => Err(Usage {
            message: "a verb and a resource are needed, as in: list pods".to_owned(),
            hint: format!("`ringwall rbac {usage} k8s/`; --help shows examples"),
        }),
    }
}

/// Says of a question what kubectl would warn of, what it takes for given, and what may have been meant.
fn remark(question: &Question, hints: &[String], screen: &Screen) {
    for warning in &question.warnings {
        screen.aside(|_, out| writeln!(out, "Warning: {}", escape(warning)));
    }
    for note in question.notes.iter().chain(hints) {
        screen.aside(|_, out| writeln!(out, "note: {}", escape(note)));
    }
}

/// The namespace that a question is about; an empty one is none, as kubectl has it.
fn asked(namespace: Option<&str>, all: bool) -> &str {
    if all { "" } else { namespace.filter(|namespace| !namespace.is_empty()).unwrap_or("default") }
}

/// A place, for reading.
fn shown(at: &Place, version: Minor) -> String {
    match at {
        Place::Input(location) => place(location),
        Place::Default => format!("default policy of {version}"),
    }
}

/// A line of an explanation, with its place.
fn write_because(
    kind: &str,
    because: &Because,
    version: Minor,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "  {kind}{}", escape(&because.message))?;
    match &because.place {
        Some(at) => writeln!(out, "  {}", style.paint(ASIDE, shown(at, version))),
        None => writeln!(out),
    }
}

/// A line of an explanation, in JSON.
#[derive(Debug, Serialize)]
struct BecauseEntry<'a> {
    message: &'a str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    place: Option<PlaceEntry<'a>>,
}

impl<'a> BecauseEntry<'a> {
    fn of(because: &'a Because) -> Self {
        Self { message: &because.message, place: because.place.as_ref().map(PlaceEntry::of) }
    }
}

/// A verdict in JSON.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Yes => "yes",
        Verdict::No => "no",
        Verdict::CannotTell => "cannotTell",
    }
}

/// A way as two lines below an indent: the binding that names the subject, and the rule of its role.
fn write_way(way: &Way, version: Minor, indent: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let aside = |at: &Place| style.paint(ASIDE, shown(at, version)).to_string();
    writeln!(out, "{indent}{}  {}", escape(&way.binding), aside(&way.binding_place))?;
    let gives = format!("{} gives {}", way.role, way.rule);
    writeln!(out, "{indent}  {}  {}", escape(&gives), aside(&way.rule_place))
}

/// Where something is written, in JSON; the default policy has no text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlaceEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationEntry<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default_policy: bool,
}

impl<'a> PlaceEntry<'a> {
    fn of(at: &'a Place) -> Self {
        match at {
            Place::Input(location) => {
                Self { location: Some(LocationEntry::of(location)), default_policy: false }
            }
            Place::Default => Self { location: None, default_policy: true },
        }
    }
}

#[derive(Debug, Serialize)]
struct WayEntry<'a> {
    binding: &'a str,
    subject: PlaceEntry<'a>,
    role: &'a str,
    gives: &'a str,
    rule: PlaceEntry<'a>,
}

impl<'a> WayEntry<'a> {
    fn of(way: &'a Way) -> Self {
        Self {
            binding: &way.binding,
            subject: PlaceEntry::of(&way.binding_place),
            role: &way.role,
            gives: &way.rule,
            rule: PlaceEntry::of(&way.rule_place),
        }
    }
}

/// What stands in a row: the resource with its group, and where.
fn row_cells(row: &Row, version: Minor) -> Vec<Cell> {
    let mut resource = ringwall_posture::rbac::words::resource(&row.resource, row.group.as_deref());
    if let Some(name) = &row.name {
        resource.push_str(&format!(" [{name}]"));
    }
    let scope = match &row.namespaces {
        None => "everywhere".to_owned(),
        Some(namespaces) => namespaces.join(", "),
    };
    let (binding, at) = &row.by;
    vec![
        plain(escape(&scope)),
        plain(escape(&resource)),
        plain(escape(&row.verbs.join(" "))),
        (format!("{} {}", escape(binding), shown(at, version)), ASIDE),
    ]
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RowEntry<'a> {
    /// `null` everywhere.
    namespaces: &'a Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    verbs: &'a [String],
    binding: &'a str,
    rule: PlaceEntry<'a>,
}

impl<'a> RowEntry<'a> {
    fn of(row: &'a Row) -> Self {
        let is_path = row.group.is_none();
        Self {
            namespaces: &row.namespaces,
            api_group: row.group.as_deref(),
            resource: (!is_path).then_some(row.resource.as_str()),
            path: is_path.then_some(row.resource.as_str()),
            name: row.name.as_deref(),
            verbs: &row.verbs,
            binding: &row.by.0,
            rule: PlaceEntry::of(&row.by.1),
        }
    }
}

/// A subject's kind, namespace and name on one line.
fn who(kind: &str, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}
