//! SARIF 2.1.0, as GitHub's code scanning takes it.
//!
//! Sources: the OASIS standard, and "SARIF support for code scanning" in GitHub's documentation. What is not
//! obvious from these:
//!
//! - **Rules**: only those that have results. Code scanning reads a rule where a result names it and keeps what it
//!   has read for alerts that are closed; rules without results, with a page of help each, would be most of a small
//!   file. The list is sorted, so that adding a check does not shuffle it.
//! - **Places**: paths are relative to where ringwall ran, which must be the root of the repository for code scanning
//!   to find the files. What was rendered is shown at the template that it comes from: see [`Place`].
//! - **Fingerprints**: the finding's own id, which no line number is part of, and a count where one id is there
//!   several times, as GitHub's own `primaryLocationLineHash` has it.
//! - **Related locations** are further places of a result. Code scanning shows those alone that the message links to.
//! - **Suppressed findings** are results with an accepted suppression; findings that are known from a baseline are
//!   results whose `baselineState` is `unchanged`.
//! - **Bounds**: code scanning takes 25,000 results a run. Beyond that the worst are kept, and a notification says
//!   how many are left out.
//!
//! Everything borrows from the report, and results are written one by one; what is held beside it is a list of references.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use ringwall_model::check::Check;
use ringwall_model::finding::{
    self as model, Finding, Note, Problem, Severity, Standing, SuppressedBy, Suppression,
};
use ringwall_model::fix::{Applicability, PlacedEdit, PlacedFix};
use ringwall_model::path::FieldPath;
use ringwall_model::text::Position;
use serde::Serialize;
use serde::ser::Serializer;

use crate::escape::escape;
use crate::json::write_json;
use crate::page::{capitalized, check_page, first_paragraph, page_address};
use crate::place::{Place, Region};
use crate::text::object_name;
use crate::{Format, Report, Style};

/// The format.
pub(crate) const FORMAT: Format = Format {
    name: "sarif",
    summary: "SARIF 2.1.0, for code scanning",
    reporter: write,
    asides: None,
    fixes: true,
};

/// How many results code scanning takes of a run.
const MOST_RESULTS: usize = 25_000;
/// How many tags code scanning takes of a rule.
const MOST_TAGS: usize = 20;
/// How many locations of a result code scanning keeps.
const MOST_RELATED: usize = 100;
/// How many of them a message links to.
const MOST_LINKS: usize = 5;
/// How many characters code scanning takes of a short or full description.
const LONGEST_DESCRIPTION: usize = 1024;

fn write(report: &Report<'_>, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    write_most(report, MOST_RESULTS, out)
}

/// Writes a report with at most so many results.
pub(crate) fn write_most(report: &Report<'_>, most: usize, out: &mut dyn Write) -> io::Result<()> {
    let results = chosen(report, most);
    let left_out = report.findings.len() + report.set_aside.len() - results.len();
    let rules: BTreeMap<&str, &'static Check> =
        results.iter().map(|finding| (finding.check.id, finding.check)).collect();
    let index = rules.keys().enumerate().map(|(index, id)| (*id, index)).collect();
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver: Driver::of(rules.into_values()) },
            automation_details: AutomationDetails { id: "ringwall/" },
            column_kind: "unicodeCodePoints",
            original_uri_base_ids: Bases {
                root: Base {
                    description: Message::of(
                        "the directory in which ringwall ran, to be the repository's root",
                    ),
                },
            },
            invocations: [Invocation {
                execution_successful: report.problems.is_empty(),
                notifications: Notifications { report, most, left_out },
            }],
            results: Results { findings: results, compared: report.compared, index },
        }],
    };
    write_json(&log, out)
}

/// The findings that become results, in the order of the files: all, or the worst of them. What is to be acted on goes
/// before what is not.
fn chosen<'a>(report: &Report<'a>, most: usize) -> Vec<&'a Finding> {
    let mut all: Vec<&Finding> = report.findings.iter().chain(report.set_aside).collect();
    if all.len() > most {
        // The sort is stable: findings come before those that are set aside, and equals stay in the order of the files.
        all.sort_by_key(|finding| (finding.standing != Standing::Open, Reverse(finding.severity)));
        all.truncate(most);
    }
    all.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    all
}

/// What SARIF and code scanning call a severity: the level, and a number of which 9 and above is critical, 7 and above
/// high, 4 and above medium, above 0 low.
const fn rated(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Critical => ("error", "9.5"),
        Severity::High => ("error", "8.0"),
        Severity::Medium => ("warning", "5.5"),
        Severity::Low => ("note", "3.0"),
        Severity::Info => ("note", "0.5"),
    }
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'a str,
    version: &'a str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    automation_details: AutomationDetails,
    column_kind: &'a str,
    original_uri_base_ids: Bases,
    invocations: [Invocation<'a>; 1],
    results: Results<'a>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

/// Code scanning takes the part before the last `/` as the category of the run.
#[derive(Serialize)]
struct AutomationDetails {
    id: &'static str,
}

#[derive(Serialize)]
struct Bases {
    #[serde(rename = "%SRCROOT%")]
    root: Base,
}

#[derive(Serialize)]
struct Base {
    description: Message<'static>,
}

#[derive(Serialize)]
struct Message<'a> {
    text: Cow<'a, str>,
}

impl<'a> Message<'a> {
    fn of(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into() }
    }

    /// A message that holds words of strangers: viewers show it, and read `[text](target)` in it as a link.
    fn plain(text: &str) -> Self {
        let text = escape(text);
        if !text.contains("](") {
            return Self::of(text.into_owned());
        }
        let mut literal = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            if matches!(c, '[' | ']' | '\\') {
                literal.push('\\');
            }
            literal.push(c);
        }
        Self::of(literal)
    }

    /// With links to further places: `(see line 7)`. To a file as a whole there is nothing to see.
    fn with_links(self, related: &[RelatedEntry<'_>]) -> Self {
        let link = |entry: &RelatedEntry<'_>| {
            let region = entry.physical.region.as_ref().filter(|region| region.start_column.is_some())?;
            Some(format!("[line {}]({})", region.start_line, entry.id))
        };
        let links: Vec<String> = related.iter().filter_map(link).take(MOST_LINKS).collect();
        if links.is_empty() { self } else { Self::of(format!("{} (see {})", self.text, links.join(", "))) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

impl Driver {
    fn of(checks: impl Iterator<Item = &'static Check>) -> Self {
        Self {
            name: "ringwall",
            semantic_version: env!("CARGO_PKG_VERSION"),
            information_uri: env!("CARGO_PKG_REPOSITORY"),
            rules: checks.map(Rule::of).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: &'static str,
    short_description: Message<'static>,
    full_description: Message<'static>,
    help: Help,
    help_uri: String,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Help {
    text: Cow<'static, str>,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct RuleProperties {
    tags: Vec<String>,
    precision: &'static str,
    security_severity: &'static str,
}

impl Rule {
    fn of(check: &'static Check) -> Self {
        let (level, security_severity) = rated(check.severity);
        let short = capitalized(check.summary);
        let full = format!("{short}. {}", first_paragraph(check.why));
        Self {
            id: check.id,
            name: check.name,
            short_description: Message::of(shortened(&short)),
            full_description: Message::of(shortened(&full)),
            help: Help { text: first_paragraph(check.fix), markdown: check_page(check) },
            help_uri: page_address(check),
            default_configuration: Configuration { level },
            // Nothing is guessed: a check states a fact about fields.
            properties: RuleProperties { tags: tags(check), precision: "very-high", security_severity },
        }
    }
}

/// A text of at most [`LONGEST_DESCRIPTION`] characters.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_DESCRIPTION - 1) {
        Some((cut, last)) if cut + last.len_utf8() < text.len() => format!("{}…", &text[..cut]),
        _ => text.to_owned(),
    }
}

/// What a rule is filed under: `security`, and the controls that it serves, as `external/cis/5.2.7`.
fn tags(check: &Check) -> Vec<String> {
    let controls = check.controls.iter().map(|control| {
        let framework = control.framework.word();
        let words = control.id.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-'));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        format!("external/{framework}/{}", words.join("-"))
    });
    let mut tags = vec!["security".to_owned(), "kubernetes".to_owned()];
    for tag in controls {
        // They are a set.
        if tags.len() < MOST_TAGS && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    #[serde(rename = "toolExecutionNotifications")]
    notifications: Notifications<'a>,
}

/// What could not be read, what else there is to know, and what is left out.
struct Notifications<'a> {
    report: &'a Report<'a>,
    most: usize,
    left_out: usize,
}

impl Serialize for Notifications<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let left_out = (self.left_out > 0).then(|| Notification {
            level: "warning",
            message: Message::of(format!(
                "{} results are left out, since code scanning takes {} of a run; those that are here are the worst",
                self.left_out, self.most
            )),
            locations: Vec::new(),
        });
        let problems = self.report.problems.iter().map(|problem| {
            let Problem { file, position, message, object } = problem;
            let logical = object
                .iter()
                .map(|object| Logical { name: &object.name, ..Logical::new(object_name(object), "object") });
            Notification {
                level: "error",
                message: Message::plain(message),
                locations: vec![Location {
                    physical: Physical::of(&Place::of_text(file, *position)),
                    logical: logical.collect(),
                }],
            }
        });
        let notes = self.report.notes.iter().map(|Note { file, position, message }| Notification {
            level: "note",
            message: Message::plain(message),
            locations: vec![Location {
                physical: Physical::of(&Place::of_text(file, *position)),
                logical: Vec::new(),
            }],
        });
        serializer.collect_seq(left_out.into_iter().chain(problems).chain(notes))
    }
}

#[derive(Serialize)]
struct Notification<'a> {
    level: &'static str,
    message: Message<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location<'a>>,
}

/// The results, made one by one while they are written.
struct Results<'a> {
    findings: Vec<&'a Finding>,
    compared: bool,
    /// Where each rule stands in the list of rules.
    index: HashMap<&'a str, usize>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seen: HashMap<String, u32> = HashMap::new();
        serializer.collect_seq(self.findings.iter().map(|finding| {
            let id = finding.id();
            let count = seen.entry(id.clone()).or_default();
            *count += 1;
            let fingerprints = Fingerprints { line: format!("{id}:{count}"), own: id };
            let index = self.index.get(finding.check.id).copied();
            ResultEntry::of(finding, index, fingerprints, self.compared)
        }))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultEntry<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'a str,
    message: Message<'a>,
    locations: [Location<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<RelatedEntry<'a>>,
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressions: Option<[SuppressionEntry<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixes: Option<[FixEntry<'a>; 1]>,
    properties: ResultProperties,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "primaryLocationLineHash")]
    line: String,
    #[serde(rename = "ringwall/v1")]
    own: String,
}

/// What `level` and `message` do not say.
#[derive(Serialize)]
struct ResultProperties {
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replicas: Option<usize>,
}

impl<'a> ResultEntry<'a> {
    fn of(
        finding: &'a Finding,
        rule_index: Option<usize>,
        partial_fingerprints: Fingerprints,
        compared: bool,
    ) -> Self {
        let place = Place::of(&finding.location);
        let related_locations = RelatedEntry::all(finding);
        let message = Message::plain(&place.told(&format!("{}: {}", finding.object, finding.message)))
            .with_links(&related_locations);
        // All results of a run that is compared have a state. A suppressed one is nothing new to act on.
        let baseline_state =
            compared.then(|| if finding.standing == Standing::Open { "new" } else { "unchanged" });
        let suppressions = match &finding.standing {
            Standing::Suppressed(suppression) => Some([SuppressionEntry::of(suppression)]),
            Standing::Open | Standing::Known => None,
        };
        // Places in what was rendered are none in a file.
        let fix = finding.fix.as_deref().filter(|_| finding.location.rendered_by.is_none());
        Self {
            rule_id: finding.check.id,
            rule_index,
            level: rated(finding.severity).0,
            message,
            locations: [Location { physical: Physical::of_result(&place), logical: logical(finding) }],
            related_locations,
            partial_fingerprints,
            baseline_state,
            suppressions,
            fixes: fix.map(|fix| [FixEntry::of(fix, &place)]),
            properties: ResultProperties {
                severity: finding.severity.word(),
                replicas: Some(finding.replicas).filter(|replicas| *replicas > 0),
            },
        }
    }
}

#[derive(Serialize)]
struct Location<'a> {
    #[serde(rename = "physicalLocation")]
    physical: Physical,
    #[serde(rename = "logicalLocations", skip_serializing_if = "Vec::is_empty")]
    logical: Vec<Logical<'a>>,
}

/// A further place that makes a result one.
#[derive(Serialize)]
struct RelatedEntry<'a> {
    /// By which the message links to it.
    id: usize,
    #[serde(rename = "physicalLocation")]
    physical: Physical,
    message: Message<'a>,
}

impl RelatedEntry<'_> {
    fn all(finding: &Finding) -> Vec<Self> {
        let related = finding.related.iter().take(MOST_RELATED).zip(1..);
        let entry = |((path, location), id): (&(FieldPath, model::Location), usize)| {
            let place = Place::of(location);
            let message = Message::plain(&place.told(&path.to_string()));
            Self { id, physical: Physical::of_result(&place), message }
        };
        related.map(entry).collect()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<RegionEntry>,
}

impl Physical {
    fn of(place: &Place<'_>) -> Self {
        Self { artifact_location: Artifact::of(place), region: place.region.as_ref().map(RegionEntry::of) }
    }

    /// The place of a result. Code scanning shows none without a line: a whole file is shown at its first.
    fn of_result(place: &Place<'_>) -> Self {
        let here = Self::of(place);
        Self { region: here.region.or(Some(RegionEntry::FIRST_LINE)), ..here }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

impl Artifact {
    fn of(place: &Place<'_>) -> Self {
        let (uri, relative) = place.uri();
        Self { uri, uri_base_id: relative.then_some("%SRCROOT%") }
    }
}

/// A part of a text: lines and columns from 1, the end exclusive.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegionEntry {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
}

impl RegionEntry {
    const FIRST_LINE: Self = Self { start_line: 1, start_column: None, end_line: None, end_column: None };

    const fn of(region: &Region) -> Self {
        Self::between(region.start, region.end)
    }

    const fn between(start: Position, end: Position) -> Self {
        Self {
            start_line: start.line,
            start_column: Some(start.column),
            end_line: Some(end.line),
            end_column: Some(end.column),
        }
    }
}

/// The object, or a field of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    fully_qualified_name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<ObjectProperties<'a>>,
}

/// What identifies an object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectProperties<'a> {
    api_version: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
}

impl Logical<'_> {
    const fn new(fully_qualified_name: String, kind: &'static str) -> Self {
        Self { name: "", fully_qualified_name, kind, properties: None }
    }
}

/// The object of a finding, and its field.
fn logical(finding: &Finding) -> Vec<Logical<'_>> {
    let object = Logical {
        name: &finding.object.name,
        properties: Some(ObjectProperties {
            api_version: &finding.api_version,
            kind: &finding.object.kind,
            namespace: finding.object.namespace.as_deref(),
            container: finding.container.as_deref(),
        }),
        ..Logical::new(object_name(&finding.object), "object")
    };
    let field = (!finding.path.is_empty()).then(|| Logical::new(finding.path.to_string(), "property"));
    std::iter::once(object).chain(field).collect()
}

#[derive(Serialize)]
struct SuppressionEntry<'a> {
    kind: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<Cow<'a, str>>,
    location: Location<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Until<'a>>,
}

/// The last day of a suppression.
#[derive(Serialize)]
struct Until<'a> {
    until: &'a str,
}

impl<'a> SuppressionEntry<'a> {
    fn of(suppression: &'a Suppression) -> Self {
        let Suppression { by, reason, until, location } = suppression;
        Self {
            kind: match by {
                SuppressedBy::Comment | SuppressedBy::Annotation => "inSource",
                SuppressedBy::Configuration => "external",
            },
            status: "accepted",
            justification: reason.as_deref().map(escape),
            location: Location { physical: Physical::of(&Place::of(location)), logical: Vec::new() },
            properties: until.as_deref().map(|until| Until { until }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FixEntry<'a> {
    description: Message<'a>,
    artifact_changes: [ArtifactChange<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange<'a> {
    artifact_location: Artifact,
    replacements: Vec<Replacement<'a>>,
}

/// A part of the file that goes, and what comes instead.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    deleted_region: RegionEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    inserted_content: Option<Message<'a>>,
}

impl<'a> FixEntry<'a> {
    fn of(fix: &'a PlacedFix, place: &Place<'_>) -> Self {
        let PlacedFix { title, applicability, edits } = fix;
        let description = match applicability {
            Applicability::Safe => title.clone(),
            Applicability::NeedsReview => format!("{title} ({applicability})"),
        };
        let replacement = |PlacedEdit { edit, start, end }: &'a PlacedEdit| Replacement {
            deleted_region: RegionEntry::between(*start, *end),
            // The very text: it is put into a file, not shown.
            inserted_content: (!edit.text.is_empty()).then(|| Message::of(edit.text.as_str())),
        };
        Self {
            description: Message::plain(&description),
            artifact_changes: [ArtifactChange {
                artifact_location: Artifact::of(place),
                replacements: edits.iter().map(replacement).collect(),
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_a_message_is_none() {
        assert_eq!(
            Message::plain("image [x](https://evil.example)").text,
            r"image \[x\](https://evil.example)"
        );
        assert_eq!(Message::plain("spec.containers[0] is bad").text, "spec.containers[0] is bad");
    }

    #[test]
    fn descriptions_are_cut_at_characters() {
        let long = "ü".repeat(LONGEST_DESCRIPTION + 1);
        assert_eq!(shortened(&long).chars().count(), LONGEST_DESCRIPTION);
        assert_eq!(shortened(&long[..LONGEST_DESCRIPTION * 2]), long[..LONGEST_DESCRIPTION * 2]);
    }

    #[test]
    fn ratings_follow_the_severities() {
        let numbers = Severity::ALL.map(|severity| rated(severity).1.parse::<f64>().unwrap());
        assert!(numbers.is_sorted() && numbers[0] > 0.0 && numbers[4] <= 10.0);
    }
}
