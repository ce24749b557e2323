//! JSON for programs: `ringwall.report/v1`.
//!
//! The structs here are both what is written and what the published JSON Schema is derived from. They borrow from
//! the report, and lists are written element by element, so that a report of any size costs no second copy.
//! Within `v1`, fields may be added; none is removed, renamed or given another meaning.

use std::borrow::Cow;
use std::io::{self, Write};

use ringwall_model::finding::{Finding, Location, Note, Problem, Severity, Standing, Suppression};
use ringwall_model::fix::{PlacedEdit, PlacedFix};
use ringwall_model::object::ObjectId;
use ringwall_model::path::FieldPath;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::ser::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::escape::is_deceptive;
use crate::page::first_paragraph;
use crate::{Format, Report, Style};

/// The format.
pub(crate) const FORMAT: Format =
    Format { name: "json", summary: "for programs", reporter: write, asides: None, fixes: false };

/// What the format is called in itself.
const SCHEMA: &str = "ringwall.report/v1";

/// Writes the whole report.
fn write(report: &Report<'_>, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    write_json(&ReportEntry::of(report), out)
}

/// Writes a value as all JSON of ringwall is written: pretty, with a newline at the end, and with deceptive
/// characters as escapes.
///
/// # Errors
/// Where the writer fails.
pub fn write_json<T: Serialize>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    let formatter = VisibleFormatter { pretty: PrettyFormatter::new() };
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    value.serialize(&mut serializer)?;
    writeln!(out)
}

/// The JSON Schema of the JSON report, pretty, with a newline at the end. It is published as
/// `docs/schema/report.schema.json`.
pub fn json_schema() -> String {
    schema_of::<ReportEntry<'_>>()
}

/// The JSON Schema of what a type is written as.
pub(crate) fn schema_of<T: JsonSchema>() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    // Whether a map keeps its order depends on what else is in the build; sorted it is always the same.
    schema.sort_all_objects();
    format!("{schema:#}\n")
}

/// What `ringwall` found, as JSON.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Report", title = "ringwall report")]
struct ReportEntry<'a> {
    /// Name and version of this format. Within v1, fields may be added.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'a str,
    /// The version of ringwall that wrote the report.
    ringwall: &'a str,
    /// What was found, in the order of files and lines.
    #[serde(serialize_with = "each_finding")]
    #[schemars(with = "Vec<FindingEntry<'_>>")]
    findings: &'a [Finding],
    /// What was found and is not to be acted on: somebody accepts it, or it is known from the baseline.
    #[serde(serialize_with = "each_set_aside")]
    #[schemars(with = "Vec<SetAsideEntry<'_>>")]
    set_aside: &'a [Finding],
    /// What could not be read.
    #[serde(serialize_with = "each_problem")]
    #[schemars(with = "Vec<ErrorEntry<'_>>")]
    errors: &'a [Problem],
    /// What else there is to know.
    #[serde(serialize_with = "each_note")]
    #[schemars(with = "Vec<NoteEntry<'_>>")]
    notes: &'a [Note],
    /// How much was looked at, and found.
    summary: SummaryEntry,
}

impl<'a> ReportEntry<'a> {
    fn of(report: &Report<'a>) -> Self {
        Self {
            schema: SCHEMA,
            ringwall: env!("CARGO_PKG_VERSION"),
            findings: report.findings,
            set_aside: report.set_aside,
            errors: report.problems,
            notes: report.notes,
            summary: SummaryEntry::of(report),
        }
    }
}

fn each_finding<S: Serializer>(findings: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().map(FindingEntry::of))
}

fn each_set_aside<S: Serializer>(findings: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().map(SetAsideEntry::of))
}

fn each_problem<S: Serializer>(problems: &[Problem], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(problems.iter().map(ErrorEntry::of))
}

fn each_note<S: Serializer>(notes: &[Note], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(notes.iter().map(NoteEntry::of))
}

/// A check that fires on an object.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Finding")]
struct FindingEntry<'a> {
    /// Stable id, made of rule, object, field and witness; lines and file names play no part in it.
    #[schemars(regex(pattern = "^[0-9a-f]{16}$"))]
    id: String,
    /// Id of the rule, such as RW-POD-001.
    #[schemars(regex(pattern = "^RW-[A-Z]+-[0-9]{3}$"))]
    rule: &'a str,
    /// Name of the rule, in kebab case.
    name: &'a str,
    /// What an attacker gains in this cluster.
    severity: SeverityEntry,
    /// The object that a user edits.
    object: ObjectEntry<'a>,
    /// The field, such as `spec.containers[0].image`; empty for the object itself.
    path: String,
    /// The container that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    container: Option<&'a str>,
    /// Where to look.
    location: LocationEntry<'a>,
    /// Further places that make it one: the name beside a value, the mounts of a volume. In the same file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<RelatedEntry<'a>>,
    /// What is wrong, as a sentence without full stop.
    message: &'a str,
    /// What tells this finding from others of the same rule on the same field: a container's name, a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    witness: Option<&'a str>,
    /// How many further objects have the same finding through this object, such as the pods of a Deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize", range(min = 1))]
    replicas: Option<usize>,
    /// How to mend it, in one paragraph of Markdown.
    fix: Cow<'a, str>,
    /// What makes it go away, as edits of the file, where that was asked for and there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "EditsEntry<'_>")]
    edits: Option<EditsEntry<'a>>,
    /// Where the rule comes from.
    references: &'a [&'a str],
}

impl<'a> FindingEntry<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            id: finding.id(),
            rule: finding.check.id,
            name: finding.check.name,
            severity: SeverityEntry::of(finding.severity),
            object: ObjectEntry::of(&finding.object, &finding.api_version),
            path: finding.path.to_string(),
            container: finding.container.as_deref(),
            location: LocationEntry::of(&finding.location),
            related: finding.related.iter().map(RelatedEntry::of).collect(),
            message: &finding.message,
            witness: Some(finding.witness.as_str()).filter(|witness| !witness.is_empty()),
            replicas: Some(finding.replicas).filter(|replicas| *replicas > 0),
            fix: first_paragraph(finding.advice.as_deref().unwrap_or(finding.check.fix)),
            edits: finding.fix.as_deref().map(EditsEntry::of),
            references: finding.check.references,
        }
    }
}

/// A further place that makes a finding one.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Related")]
struct RelatedEntry<'a> {
    /// The field, such as `spec.containers[0].volumeMounts[0]`.
    path: String,
    /// Where it stands.
    location: LocationEntry<'a>,
}

impl<'a> RelatedEntry<'a> {
    fn of((path, location): &'a (FieldPath, Location)) -> Self {
        Self { path: path.to_string(), location: LocationEntry::of(location) }
    }
}

/// A finding that is not to be acted on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SetAside")]
struct SetAsideEntry<'a> {
    #[serde(flatten)]
    finding: FindingEntry<'a>,
    /// Why it is not.
    standing: StandingEntry<'a>,
}

impl<'a> SetAsideEntry<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self { finding: FindingEntry::of(finding), standing: StandingEntry::of(&finding.standing) }
    }
}

/// Why a finding is not to be acted on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Standing")]
struct StandingEntry<'a> {
    /// Whether it is suppressed, or known from the baseline.
    #[schemars(extend("enum" = ["suppressed", "known"]))]
    kind: &'a str,
    /// How it is suppressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("enum" = ["comment", "annotation", "configuration"]))]
    by: Option<&'a str>,
    /// Why it is accepted, where a reason is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    reason: Option<&'a str>,
    /// The last day on which it is accepted, as `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    until: Option<&'a str>,
    /// Where it is said that it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LocationEntry<'_>")]
    location: Option<LocationEntry<'a>>,
}

impl<'a> StandingEntry<'a> {
    fn of(standing: &'a Standing) -> Self {
        let known = Self { kind: "known", by: None, reason: None, until: None, location: None };
        let Standing::Suppressed(suppression) = standing else {
            return known;
        };
        let Suppression { by, reason, until, location } = &**suppression;
        Self {
            kind: "suppressed",
            by: Some(by.word()),
            reason: reason.as_deref(),
            until: until.as_deref(),
            location: Some(LocationEntry::of(location)),
        }
    }
}

/// A fix as edits of the file in which the finding is located: all or none of them.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Edits")]
struct EditsEntry<'a> {
    /// What is done, as an imperative without full stop.
    title: &'a str,
    /// Whether it may be done without a second thought.
    #[schemars(extend("enum" = ["safe", "needsReview"]))]
    applicability: &'a str,
    /// The edits, in the order of the text, none overlapping another.
    replacements: Vec<ReplacementEntry<'a>>,
}

/// A part of a text, and what is to stand in its place.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Replacement")]
struct ReplacementEntry<'a> {
    /// Line of the beginning, from 1.
    #[schemars(range(min = 1))]
    line: u32,
    /// Column of the beginning, from 1, in Unicode characters.
    #[schemars(range(min = 1))]
    column: u32,
    /// Line of the end, from 1.
    #[schemars(range(min = 1))]
    end_line: u32,
    /// Column one behind the end, from 1, in Unicode characters; that of the beginning where something is only put in.
    #[schemars(range(min = 1))]
    end_column: u32,
    /// What stands there afterwards.
    text: &'a str,
}

impl<'a> EditsEntry<'a> {
    fn of(fix: &'a PlacedFix) -> Self {
        let PlacedFix { title, applicability, edits } = fix;
        let applicability = applicability.word();
        let replacement = |PlacedEdit { edit, start, end }: &'a PlacedEdit| ReplacementEntry {
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            text: &edit.text,
        };
        Self { title, applicability, replacements: edits.iter().map(replacement).collect() }
    }
}

/// What an attacker gains.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Severity")]
pub(crate) enum SeverityEntry {
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

impl SeverityEntry {
    pub(crate) const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Low => Self::Low,
            Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        }
    }
}

/// A Kubernetes object.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Object")]
pub struct ObjectEntry<'a> {
    /// Group and version, as written.
    api_version: &'a str,
    /// Kind, as written.
    kind: &'a str,
    /// Namespace, if one is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    namespace: Option<&'a str>,
    /// Name; where there is only a `generateName`, that with `*` behind it; empty where there is none.
    name: &'a str,
}

impl<'a> ObjectEntry<'a> {
    /// The entry of an object of this group and version.
    pub fn of(object: &'a ObjectId, api_version: &'a str) -> Self {
        let ObjectId { group: _, kind, namespace, name } = object;
        Self { api_version, kind, namespace: namespace.as_deref(), name }
    }
}

/// A place in a text that was read.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Location")]
pub struct LocationEntry<'a> {
    /// A path, or `<stdin>`.
    file: &'a str,
    /// Line, from 1.
    #[schemars(range(min = 1))]
    line: u32,
    /// Column, from 1, in Unicode characters.
    #[schemars(range(min = 1))]
    column: u32,
    /// For a rendered text: the chart template that the object comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    template: Option<&'a str>,
    /// For a rendered text: the program that rendered it. Line and column count in what it printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    rendered_by: Option<&'a str>,
}

impl<'a> LocationEntry<'a> {
    /// The entry of a place.
    pub fn of(location: &'a Location) -> Self {
        let Location { file, position, width: _, template, rendered_by } = location;
        Self {
            file,
            line: position.line,
            column: position.column,
            template: template.as_deref(),
            rendered_by: *rendered_by,
        }
    }
}

/// Something that could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Error")]
pub struct ErrorEntry<'a> {
    /// A path, or `<stdin>`.
    file: &'a str,
    /// Line, from 1, if the file could be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1))]
    line: Option<u32>,
    /// Column, from 1, in Unicode characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1))]
    column: Option<u32>,
    /// What is wrong, as a sentence without full stop.
    message: &'a str,
    /// The object, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "KnownObject<'_>")]
    object: Option<KnownObject<'a>>,
}

impl<'a> ErrorEntry<'a> {
    /// The entry of a problem.
    pub fn of(problem: &'a Problem) -> Self {
        Self {
            file: &problem.file,
            line: problem.position.map(|position| position.line),
            column: problem.position.map(|position| position.column),
            message: &problem.message,
            object: problem.object.as_ref().map(KnownObject::of),
        }
    }
}

/// An object of which not all may be known.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KnownObject")]
struct KnownObject<'a> {
    /// API group; absent for the core group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    group: Option<&'a str>,
    /// Kind, as written.
    kind: &'a str,
    /// Namespace, if one is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    namespace: Option<&'a str>,
    /// Name; empty where there is none.
    name: &'a str,
}

impl<'a> KnownObject<'a> {
    fn of(object: &'a ObjectId) -> Self {
        let ObjectId { group, kind, namespace, name } = object;
        Self {
            group: Some(group.as_str()).filter(|group| !group.is_empty()),
            kind,
            namespace: namespace.as_deref(),
            name,
        }
    }
}

/// Something else that there is to know.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Note")]
pub struct NoteEntry<'a> {
    /// A path, or `<stdin>`.
    file: &'a str,
    /// Line, from 1, if the note is about one place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1))]
    line: Option<u32>,
    /// Column, from 1, in Unicode characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1))]
    column: Option<u32>,
    /// What there is to know, as a sentence without full stop.
    message: &'a str,
}

impl<'a> NoteEntry<'a> {
    /// The entry of a note.
    pub fn of(note: &'a Note) -> Self {
        Self {
            file: &note.file,
            line: note.position.map(|position| position.line),
            column: note.position.map(|position| position.column),
            message: &note.message,
        }
    }
}

/// How much was looked at, and found.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Summary")]
struct SummaryEntry {
    /// Files that were read; standard input counts as one.
    files: usize,
    /// Documents in them, empty ones not counted.
    documents: usize,
    /// Kubernetes objects that were judged.
    objects: usize,
    /// Those of them that make pods.
    workloads: usize,
    /// Documents that are no Kubernetes objects.
    foreign: usize,
    /// Findings that the user asked not to see. They are not in the report.
    hidden: usize,
    /// Findings that somebody accepts.
    suppressed: usize,
    /// Findings that are known from the baseline.
    known: usize,
    /// Findings to act on, of any severity.
    findings: usize,
    /// Findings to act on, by severity.
    by_severity: BySeverity,
}

/// Findings to act on, by severity.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BySeverity {
    /// Findings of severity critical.
    critical: usize,
    /// Findings of severity high.
    high: usize,
    /// Findings of severity medium.
    medium: usize,
    /// Findings of severity low.
    low: usize,
    /// Findings of severity info.
    info: usize,
}

impl SummaryEntry {
    fn of(report: &Report<'_>) -> Self {
        let crate::Summary { files, documents, objects, workloads, foreign, hidden, threshold: _ } =
            report.summary;
        let by_severity = BySeverity {
            critical: report.count(Severity::Critical),
            high: report.count(Severity::High),
            medium: report.count(Severity::Medium),
            low: report.count(Severity::Low),
            info: report.count(Severity::Info),
        };
        let findings = report.findings.len();
        let (suppressed, known) = (report.suppressed(), report.known());
        Self {
            files,
            documents,
            objects,
            workloads,
            foreign,
            hidden,
            suppressed,
            known,
            findings,
            by_severity,
        }
    }
}

/// Pretty JSON in which deceptive characters stand as `\u` escapes. They mean the same to a program, and are
/// harmless where somebody looks at the output in a terminal. (JSON itself only demands it below U+0020.)
struct VisibleFormatter {
    pretty: PrettyFormatter<'static>,
}

impl Formatter for VisibleFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_deceptive) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            for unit in chars.next().into_iter().flat_map(utf16) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(writer)
    }
}

/// The UTF-16 units of a character, as JSON escapes them.
fn utf16(c: char) -> impl Iterator<Item = u16> {
    let mut units = [0; 2];
    let count = c.encode_utf16(&mut units).len();
    units.into_iter().take(count)
}
