//! Which findings somebody accepts, and says so: in a comment, in an annotation, in `ringwall.toml`.
//!
//! ```text
//!   findings ──▶ severities of the settings ──▶ suppressed? ──▶ disabled checks ──▶ open, set aside
//!                                                   │                 ▲
//!                          unused, expired, malformed suppressions ───┘
//! ```
//! A suppression that does nothing is a finding itself: [`checks`].

mod annotations;
pub mod checks;
mod comments;
mod directive;
mod mark;
mod peers;
mod place;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use ringwall_model::check::Check;
use ringwall_model::finding::{Finding, Severity, Standing, SuppressedBy, Suppression};
use ringwall_model::object::ObjectId;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;

pub use checks::CHECKS;
pub use mark::Marks;
use mark::{About, Fault, Mark, Scope};
pub use peers::checks_for;
use place::{Owners, Places};

use crate::found::{number_twins, sort};
use crate::settings::{Exception, FILE_NAME, Pattern, Settings};

/// Findings, told apart.
#[derive(Debug, Default)]
pub struct Quiet {
    /// Those to act on, with those about suppressions, sorted by [`Finding::sort_key`].
    pub open: Vec<Finding>,
    /// Those that somebody accepts, sorted alike.
    pub set_aside: Vec<Finding>,
}

/// Everything that says a finding is accepted, in the texts of a snapshot and in the settings. Costs a pass over the
/// objects' annotations and the texts.
pub fn marks<'a>(snapshot: &'a Snapshot, settings: &'a Settings) -> Marks<'a> {
    let mut marks = Marks::default();
    comments::collect(snapshot, settings, &mut marks);
    annotations::collect(snapshot, settings, &mut marks);
    marks.marks.extend(settings.exceptions.iter().enumerate().map(exception));
    marks
}

/// As [`apply_marks`], with the marks of the snapshot and the settings.
pub fn apply(findings: Vec<Finding>, snapshot: &Snapshot, settings: &Settings, today: Date) -> Quiet {
    apply_marks(findings, snapshot, settings, marks(snapshot, settings), today)
}

/// Tells findings that somebody accepts from the others. `today` decides which suppressions have expired.
///
/// Costs for each finding a look at the suppressions of its text, its objects and the settings.
pub fn apply_marks(
    mut findings: Vec<Finding>,
    snapshot: &Snapshot,
    settings: &Settings,
    marks: Marks<'_>,
    today: Date,
) -> Quiet {
    let Marks { marks, faults } = marks;
    let (mut quiet, mut ours) = (Quiet::default(), false);
    if marks.is_empty() && faults.is_empty() {
        quiet.open = findings;
    } else {
        let places = Places::new(snapshot);
        let lookup = Lookup::of(&marks);
        // Which checks each suppression has met.
        let mut met: Vec<HashSet<&'static str>> = vec![HashSet::new(); marks.len()];
        for mut finding in findings.drain(..) {
            let owners = places.of(&finding);
            let mut first = None;
            for index in lookup.near(&finding, owners) {
                let mark = &marks[index];
                if !mark.names(&finding) || !covers(mark, &finding, owners, &places) {
                    continue;
                }
                met[index].insert(finding.check.id);
                if !is_past(mark, today) {
                    first = first.or(Some(mark));
                }
            }
            match first {
                Some(mark) => {
                    finding.standing = Standing::Suppressed(Box::new(suppression(mark)));
                    quiet.set_aside.push(finding);
                }
                None => quiet.open.push(finding),
            }
        }
        let mut own: Vec<Finding> = faults.into_iter().map(malformed).collect();
        for (mark, met) in marks.iter().zip(&met) {
            own.extend(verdict(mark, met, snapshot, settings, today));
        }
        number_twins(&mut own);
        ours = !own.is_empty();
        quiet.open.extend(own);
    }
    for list in [&mut quiet.open, &mut quiet.set_aside] {
        list.retain(|finding| settings.checks.runs(finding.check));
        for finding in list.iter_mut() {
            if let Some(severity) = settings.checks.severity.get(finding.check.id) {
                finding.severity = *severity;
            }
        }
    }
    if ours {
        sort(&mut quiet.open);
    }
    quiet
}

/// Suppressions by where they hold.
struct Lookup<'m> {
    files: HashMap<&'m str, Vec<usize>>,
    objects: HashMap<usize, Vec<usize>>,
    anywhere: Vec<usize>,
}

impl<'m> Lookup<'m> {
    fn of(marks: &'m [Mark<'_>]) -> Self {
        let mut lookup = Self { files: HashMap::new(), objects: HashMap::new(), anywhere: Vec::new() };
        for (index, mark) in marks.iter().enumerate() {
            match &mark.scope {
                Scope::Block { file, .. } => lookup.files.entry(file).or_default().push(index),
                Scope::Object { index: object, .. } => lookup.objects.entry(*object).or_default().push(index),
                Scope::Exception(_) => lookup.anywhere.push(index),
            }
        }
        lookup
    }

    /// Those that may cover a finding: comments, annotations, then exceptions.
    fn near(&self, finding: &Finding, owners: Owners) -> impl Iterator<Item = usize> {
        let files = self.files.get(finding.location.file.as_str());
        let objects = owners.each().filter_map(|object| self.objects.get(&object));
        files.into_iter().chain(objects).chain([&self.anywhere]).flatten().copied()
    }
}

fn covers(mark: &Mark<'_>, finding: &Finding, owners: Owners, places: &Places<'_>) -> bool {
    match &mark.scope {
        Scope::Block { file, from, to } => {
            let position = finding.location.position;
            finding.location.file == *file && *from <= position && position < *to
        }
        // That it is of the object, the look-up has decided.
        Scope::Object { container, .. } => container.is_none() || *container == finding.container,
        Scope::Exception(exception) => selects(exception, finding, owners, places),
    }
}

fn selects(exception: &Exception, finding: &Finding, owners: Owners, places: &Places<'_>) -> bool {
    let fits = |pattern: &Option<Pattern>, text: Option<&str>| {
        pattern.as_ref().is_none_or(|pattern| text.is_some_and(|text| pattern.matches(text)))
    };
    fits(&exception.container, finding.container.as_deref())
        && (exception.path.is_none() || fits(&exception.path, Some(&finding.path.to_string())))
        && fits(&exception.file, Some(&finding.location.file))
        && match owners.located {
            Some(_) => owners.each().any(|index| {
                let object = places.object(index);
                selects_object(exception, &object.id, |key| object.label(key))
            }),
            None => selects_object(exception, &finding.object, |_| None),
        }
}

fn selects_object<'o>(exception: &Exception, id: &ObjectId, label: impl Fn(&str) -> Option<&'o str>) -> bool {
    let fits = |pattern: &Option<Pattern>, text: Option<&str>| {
        pattern.as_ref().is_none_or(|pattern| text.is_some_and(|text| pattern.matches(text)))
    };
    fits(&exception.kind, Some(&id.kind))
        && fits(&exception.namespace, id.namespace.as_deref())
        && fits(&exception.name, Some(&id.name))
        && exception.labels.iter().all(|(key, value)| label(key) == Some(value))
}

fn is_past(mark: &Mark<'_>, today: Date) -> bool {
    mark.until.is_some_and(|until| until < today)
}

fn suppression(mark: &Mark<'_>) -> Suppression {
    Suppression {
        by: mark.by,
        reason: mark.reason.clone(),
        until: mark.until.map(|until| until.to_string()),
        location: mark.about.location.clone(),
    }
}

/// An exception of the configuration.
fn exception((index, exception): (usize, &Exception)) -> Mark<'_> {
    let reason = match (&exception.reason, &exception.owner) {
        (Some(reason), Some(owner)) => Some(format!("{reason} ({owner})")),
        (reason, owner) => reason.as_ref().or(owner.as_ref()).cloned(),
    };
    Mark {
        by: SuppressedBy::Configuration,
        rules: exception.rules.clone(),
        parts: Vec::new(),
        reason,
        until: exception.until,
        scope: Scope::Exception(exception),
        about: About {
            object: ObjectId {
                group: GROUP.to_owned(),
                kind: "Configuration".to_owned(),
                namespace: None,
                name: FILE_NAME.to_owned(),
            },
            api_version: format!("{GROUP}/v1"),
            path: FieldPath::keys(&["exceptions"]).index(index),
            location: exception.location.clone(),
        },
        foreign: false,
    }
}

/// The group under which the configuration is named, where a finding is about it.
const GROUP: &str = "ringwall.dev";

/// What is wrong with a suppression that could be read: it has expired, or meets nothing.
fn verdict(
    mark: &Mark<'_>,
    met: &HashSet<&'static str>,
    snapshot: &Snapshot,
    settings: &Settings,
    today: Date,
) -> Vec<Finding> {
    let word = mark.by.word();
    if let Some(until) = mark.until.filter(|until| *until < today) {
        let message = format!("the {word} ignored {} until {until}", list(mark));
        return vec![own(&checks::EXPIRED, &mark.about, message, list(mark))];
    }
    if mark.foreign {
        return Vec::new();
    }
    let severity = match mark.scope {
        Scope::Exception(exception) if !is_pinned(exception, snapshot) => Severity::Info,
        _ => checks::UNUSED.severity,
    };
    let mut findings = Vec::new();
    let mut unused = |named: String, message: String| {
        let finding = own(&checks::UNUSED, &mark.about, message, named);
        findings.push(Finding { severity, ..finding });
    };
    if mark.rules.all {
        if met.is_empty() {
            unused("all".to_owned(), format!("the {word} ignores all checks, and none finds anything here"));
        }
        return findings;
    }
    let idle = |check: &&&'static Check| !met.contains(check.id) && settings.checks.runs(check);
    for check in mark.rules.named.iter().filter(idle) {
        let message = format!("the {word} ignores {} ({}), which finds nothing here", check.id, check.name);
        unused(check.id.to_owned(), message);
    }
    findings
}

/// Whether an exception is about one object that is in the input. Others may be about what another run reads.
fn is_pinned(exception: &Exception, snapshot: &Snapshot) -> bool {
    exception.name.as_ref().is_some_and(Pattern::is_exact)
        && snapshot
            .objects()
            .any(|(_, object)| selects_object(exception, &object.id, |key| object.label(key)))
}

/// The checks of a suppression, as it names them.
fn list(mark: &Mark<'_>) -> String {
    let all = mark.rules.all.then_some("all checks");
    let named: Vec<&str> = mark.rules.named.iter().map(|check| check.id).chain(all).collect();
    named.join(", ")
}

fn malformed(fault: Fault) -> Finding {
    let message = format!("the {} ignores nothing: {}", fault.by.word(), fault.message);
    own(&checks::MALFORMED, &fault.about, message, fault.message)
}

/// A finding about a suppression.
fn own(check: &'static Check, about: &About, message: String, witness: String) -> Finding {
    Finding {
        check,
        severity: check.severity,
        object: about.object.clone(),
        api_version: about.api_version.clone(),
        path: about.path.clone(),
        location: about.location.clone(),
        message,
        witness,
        replicas: 0,
        twin: 0,
        container: None,
        standing: Standing::Open,
        advice: None,
        fix: None,
        mending: None,
        related: Vec::new(),
    }
}
