//! `ringwall pods level`: the tightest level that each workload and namespace can take.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ringwall_model::finding::Location;
use ringwall_pods::policy::{ENFORCE, ENFORCE_VERSION, Level, Version};
use ringwall_posture::evaluator;
use ringwall_posture::level::{Levels, NamespaceLevel, Obstacle, Reason, WorkloadLevel, levels};
use ringwall_posture::workloads::{self, Reading};
use ringwall_report::{ASIDE, HEADING, LocationEntry, ObjectEntry, Style, escape, object_name};
use serde::Serialize;

use super::{counted, look};
use crate::args::LevelArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::table::{self, Cell, plain};
use crate::{document, input};

pub(crate) fn run(args: &LevelArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let mut loaded = input::load(&args.input, "pods level", screen.quiet)?;
    let mut workloads = workloads::of(&loaded.snapshot, Reading::default());
    let levels = levels(&loaded.snapshot, &workloads, &evaluator(&loaded.snapshot.facts), args.version);
    let (problems, notes) = (std::mem::take(&mut workloads.problems), std::mem::take(&mut workloads.notes));
    drop(workloads);
    loaded.add(problems, notes);
    let written = screen.answer(
        |style, out| text(&levels, args.version, style, out),
        |out| document::write("ringwall.pods-level/v1", &entries(&levels, args.version), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    Ok(loaded.outcome(false).max(written))
}

fn heads(names: [&str; 4]) -> Vec<Cell> {
    names.into_iter().map(|name| (name.to_owned(), HEADING)).collect()
}

fn text(levels: &Levels, version: Version, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if levels.workloads.is_empty() {
        return writeln!(out, "No workloads");
    }
    let mut rows = vec![heads(["WORKLOAD", "LEVEL", "NEXT", "STOPPED BY"])];
    for workload in &levels.workloads {
        rows.extend(workload_rows(workload));
    }
    table::write(&rows, 0, style, out)?;
    writeln!(out)?;
    let mut rows = vec![heads(["NAMESPACE", "LEVEL", "ENFORCES", "HOLDS"])];
    rows.extend(levels.namespaces.iter().map(namespace_row));
    table::write(&rows, 0, style, out)?;
    let mut first = true;
    for namespace in &levels.namespaces {
        let Some(name) = namespace.name.as_deref().filter(|_| needs_label(namespace)) else { continue };
        if std::mem::take(&mut first) {
            writeln!(out, "\n{}", style.paint(HEADING, "Labels to write"))?;
        }
        write!(out, "  Namespace {}", escape(name))?;
        match &namespace.labelled {
            Some(labelled) => writeln!(out, "  {}", style.paint(ASIDE, super::place(&labelled.location)))?,
            None => writeln!(out)?,
        }
        for (key, value) in labels(namespace, version) {
            writeln!(out, "    {key}: {value}")?;
        }
    }
    Ok(())
}

/// A row for the workload, and one for each further place where something stops its next level.
fn workload_rows(workload: &WorkloadLevel) -> Vec<Vec<Cell>> {
    let mut name = object_name(&workload.object);
    if let Some(owner) = &workload.owner {
        name.push_str(" (of ");
        name.push_str(&object_name(owner));
        name.push(')');
    }
    let level = (workload.level.word().to_owned(), look(workload.level));
    let Some(Obstacle { level: next, reasons }) = &workload.obstacle else {
        return vec![vec![plain(name), level]];
    };
    let mut rows = Vec::new();
    for (place, words) in by_place(reasons) {
        let reason = plain(format!("{place}  {words}"));
        rows.push(if rows.is_empty() {
            vec![plain(std::mem::take(&mut name)), level.clone(), plain(next.word()), reason]
        } else {
            vec![plain(""), plain(""), plain(""), reason]
        });
    }
    rows
}

/// Reasons whose first place is the same line stand together: what is missing in one container often is.
fn by_place(reasons: &[Reason]) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for reason in reasons {
        let Some((_, Location { file, position, .. })) = reason.places.first() else { continue };
        let place = format!("{}:{}", escape(file), position.line);
        let mut words = reason.reason.to_owned();
        if let Some(more @ 1..) = reason.places.len().checked_sub(1) {
            words.push_str(&format!(" (and {more} more)"));
        }
        match lines.iter_mut().find(|(known, _)| *known == place) {
            Some((_, line)) => {
                line.push_str(", ");
                line.push_str(&words);
            }
            None => lines.push((place, words)),
        }
    }
    lines
}

fn namespace_row(namespace: &NamespaceLevel) -> Vec<Cell> {
    let name = namespace
        .name
        .as_deref()
        .map_or_else(|| "(none stated)".to_owned(), |name| escape(name).into_owned());
    let enforces = match &namespace.labelled {
        None => "not in the input".to_owned(),
        Some(labelled) => match labelled.enforce {
            None => "no label".to_owned(),
            Some(enforce) if labelled.refused > 0 => format!("{enforce}, refuses {}", labelled.refused),
            Some(enforce) => enforce.to_string(),
        },
    };
    let mut holds = counted(namespace.workloads);
    if namespace.unreadable > 0 {
        holds.push_str(&format!(", and {} that could not be read", namespace.unreadable));
    }
    vec![
        plain(name),
        (namespace.level.word().to_owned(), look(namespace.level)),
        plain(enforces),
        plain(holds),
    ]
}

/// Whether the namespace can take a tighter level than it is labelled with. No label means privileged. Where the label
/// is tighter than what its workloads can take, they are to be mended: a looser label is never advised.
fn needs_label(namespace: &NamespaceLevel) -> bool {
    let enforced = namespace.labelled.as_ref().and_then(|labelled| labelled.enforce);
    namespace.unreadable == 0
        && enforced.map_or(Level::Privileged, |enforced| enforced.level) < namespace.level
}

fn labels(namespace: &NamespaceLevel, version: Version) -> [(&'static str, String); 2] {
    [(ENFORCE, namespace.level.to_string()), (ENFORCE_VERSION, version.to_string())]
}

/// The answer as JSON.
#[derive(Serialize)]
struct Entries<'a> {
    version: String,
    workloads: Vec<WorkloadEntry<'a>>,
    namespaces: Vec<NamespaceEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkloadEntry<'a> {
    object: ObjectEntry<'a>,
    location: LocationEntry<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_by: Option<String>,
    level: &'static str,
    /// The next level and what stops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<NextEntry<'a>>,
    replicas: usize,
}

#[derive(Serialize)]
struct NextEntry<'a> {
    level: &'static str,
    reasons: Vec<ReasonEntry<'a>>,
}

#[derive(Serialize)]
pub(super) struct ReasonEntry<'a> {
    rule: &'static str,
    reason: &'static str,
    places: Vec<PlaceEntry<'a>>,
}

#[derive(Serialize)]
struct PlaceEntry<'a> {
    path: String,
    location: LocationEntry<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NamespaceEntry<'a> {
    /// Absent for the workloads that state none.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    level: &'static str,
    workloads: usize,
    unreadable: usize,
    /// What its Namespace object enforces by a label.
    #[serde(skip_serializing_if = "Option::is_none")]
    enforces: Option<String>,
    /// How many workloads that refuses.
    refused: usize,
    /// Where the label is, or should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationEntry<'a>>,
    /// The labels to write, where it can take a tighter level than it has.
    labels: BTreeMap<&'static str, String>,
}

fn entries(levels: &Levels, version: Version) -> Entries<'_> {
    Entries {
        version: version.to_string(),
        workloads: levels.workloads.iter().map(workload_entry).collect(),
        namespaces: levels.namespaces.iter().map(|namespace| namespace_entry(namespace, version)).collect(),
    }
}

fn workload_entry(workload: &WorkloadLevel) -> WorkloadEntry<'_> {
    WorkloadEntry {
        object: ObjectEntry::of(&workload.object, &workload.api_version),
        location: LocationEntry::of(&workload.location),
        made_by: workload.owner.as_ref().map(ToString::to_string),
        level: workload.level.word(),
        next: workload
            .obstacle
            .as_ref()
            .map(|next| NextEntry { level: next.level.word(), reasons: reason_entries(&next.reasons) }),
        replicas: workload.replicas,
    }
}

pub(super) fn reason_entries(reasons: &[Reason]) -> Vec<ReasonEntry<'_>> {
    reasons
        .iter()
        .map(|reason| ReasonEntry {
            rule: reason.rule,
            reason: reason.reason,
            places: reason
                .places
                .iter()
                .map(|(path, location)| PlaceEntry {
                    path: path.to_string(),
                    location: LocationEntry::of(location),
                })
                .collect(),
        })
        .collect()
}

fn namespace_entry(namespace: &NamespaceLevel, version: Version) -> NamespaceEntry<'_> {
    let labelled = namespace.labelled.as_ref();
    NamespaceEntry {
        name: namespace.name.as_deref(),
        level: namespace.level.word(),
        workloads: namespace.workloads,
        unreadable: namespace.unreadable,
        enforces: labelled.and_then(|labelled| labelled.enforce).map(|enforce| enforce.to_string()),
        refused: labelled.map_or(0, |labelled| labelled.refused),
        location: labelled.map(|labelled| LocationEntry::of(&labelled.location)),
        labels: labels(namespace, version).into_iter().filter(|_| needs_label(namespace)).collect(),
    }
}
