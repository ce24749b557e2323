//! `ringwall net diff`: what a change opens and closes.

use std::io::{self, Write};
use std::slice;

use ringwall_network::cluster::Cluster;
use ringwall_network::npguard::{self, Analysis};
use ringwall_posture::network::Network;
use ringwall_posture::network::diff::{self, Diff, DiffRow};
use ringwall_report::{BAD, GOOD, HEADING, Style, escape};
use serde::Serialize;

use super::{PartyEntry, PortsEntry, family, party_entries, port_entries, ports, set};
use crate::args::NetDiffArgs;
use crate::input::Loaded;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::{document, input, settings};

pub(crate) fn run(args: &NetDiffArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.format(), &args.look);
    let settings = settings::load_config(&args.config)?;
    let read =
        |path| input::load_paths(slice::from_ref(path), &args.reading, "net diff BASE HEAD", screen.quiet);
    let (mut base, mut head) = (read(&args.base)?, read(&args.head)?);
    if let Some(format) = args.output.np_guard() {
        return np_guard(base, head, format, &screen);
    }
    let before = Network::of(&base.snapshot, &settings.workloads);
    let after = Network::of(&head.snapshot, &settings.workloads);
    let found = diff::diff(&before, &after);
    let entries = entries_of(&before, &after);
    let problems = [before.problems(), after.problems()];
    drop((before, after));
    let [old, new] = problems;
    base.add(old, Vec::new());
    head.add(new, Vec::new());
    let (problems, notes) = (std::mem::take(&mut base.problems), std::mem::take(&mut base.notes));
    let lacking = base.outcome(false);
    head.add(problems, notes);
    let unknown = found.rows.iter().any(|row| row.after.yes != row.after.may);
    let written = screen.answer(
        |style, out| text(&found, &entries, style, out),
        |out| document::write("ringwall.net-diff/v1", &answer(&found, &entries), &head, out),
    );
    screen.asides(&head.problems, &head.notes);
    head.hint(&screen);
    let differs = !found.rows.is_empty() || !entries.is_empty();
    Ok(Outcome::no_if(differs).max(head.outcome(unknown)).max(lacking).max(written))
}

/// Answers as np-guard's analyzer does.
///
/// # Errors
/// It has no such format.
fn np_guard(
    mut base: Loaded,
    mut head: Loaded,
    format: npguard::Format,
    screen: &Screen,
) -> Result<Outcome, Usage> {
    let (old, new) = (Cluster::of(&base.snapshot, &[]), Cluster::of(&head.snapshot, &[]));
    let (old, new) = (Analysis::new(&base.snapshot, &old), Analysis::new(&head.snapshot, &new));
    let changes = npguard::diff(&old, &new);
    let Some(report) = npguard::write_diff(&changes, npguard::DIFF_SIDES, format) else {
        return Err(Usage {
            message: "np-guard's analyzer writes no differences as JSON".to_owned(),
            hint: "-o json is ringwall's own".to_owned(),
        });
    };
    drop((old, new));
    let written = screen.answer(|_, out| out.write_all(report.as_bytes()), |_| Ok(()));
    let lacking = base.outcome(false);
    head.add(std::mem::take(&mut base.problems), std::mem::take(&mut base.notes));
    screen.asides(&head.problems, &head.notes);
    Ok(Outcome::no_if(!changes.is_empty()).max(head.outcome(false)).max(lacking).max(written))
}

/// A way in from outside that one of the sets has and the other has not.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct EntryChange {
    change: &'static str,
    entry: String,
    leads_to: Vec<String>,
}

fn entries_of(before: &Network<'_>, after: &Network<'_>) -> Vec<EntryChange> {
    let of = |network: &Network<'_>| -> Vec<(String, Vec<String>)> {
        let line = |entry: &ringwall_network::entries::Entry| {
            let name = format!("{} {}/{}", super::list::entry_kind(entry), entry.namespace, entry.name);
            let mut to: Vec<String> = entry
                .reached()
                .into_iter()
                .map(|(pod, ports)| {
                    let workload = &network.cluster.workloads[network.cluster.pods[pod].workload];
                    format!("{}/{} {ports}", workload.namespace, workload.name)
                })
                .collect();
            to.sort();
            to.dedup();
            (name, to)
        };
        let mut all: Vec<(String, Vec<String>)> = network.entries.iter().map(line).collect();
        all.sort();
        all
    };
    let (old, new) = (of(before), of(after));
    let lacking = |from: &[(String, Vec<String>)], other: &[(String, Vec<String>)], change: &'static str| {
        let missing = from.iter().filter(|line| !other.contains(line)).cloned();
        missing.map(|(entry, leads_to)| EntryChange { change, entry, leads_to }).collect::<Vec<_>>()
    };
    let mut all = lacking(&new, &old, "added");
    all.extend(lacking(&old, &new, "removed"));
    all.sort();
    all
}

/// A title, and which rows stand under it.
type Section = (&'static str, fn(&DiffRow) -> bool);

fn text(found: &Diff, entries: &[EntryChange], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if found.rows.is_empty() && entries.is_empty() {
        return writeln!(out, "No connection differs");
    }
    let sections: [Section; 4] = [
        ("Opened", |row| !row.with_workload && !row.opened().is_empty()),
        ("Closed", |row| !row.with_workload && row.opened().is_empty() && !row.closed().is_empty()),
        ("Opened with workloads that are new", |row| row.with_workload && !row.opened().is_empty()),
        ("Gone with workloads that are gone", |row| row.with_workload && row.opened().is_empty()),
    ];
    let mut first = true;
    for (title, is_in) in sections {
        let rows: Vec<&DiffRow> = found.rows.iter().filter(|row| is_in(row)).collect();
        if rows.is_empty() {
            continue;
        }
        if !std::mem::take(&mut first) {
            writeln!(out)?;
        }
        writeln!(out, "{}", style.paint(HEADING, title))?;
        for row in rows {
            let (from, to) = (set(&found.parties, &row.from), set(&found.parties, &row.to));
            let (sign, look) = if row.opened().is_empty() { ("-", GOOD) } else { ("+", BAD) };
            let (before, after) = (ports(&row.before), ports(&row.after));
            let what = if row.with_workload {
                if sign == "+" { after } else { before }
            } else {
                match (row.before.is_empty(), row.after.is_empty()) {
                    (true, _) => after,
                    (_, true) => before,
                    _ => format!("{after} (was {before})"),
                }
            };
            let sign = style.paint(look, sign);
            writeln!(out, "  {sign} {from} -> {to}: {what}{}", family(row.family))?;
        }
    }
    if !entries.is_empty() {
        if !first {
            writeln!(out)?;
        }
        writeln!(out, "{}", style.paint(HEADING, "Entries"))?;
        for entry in entries {
            let (sign, look) = if entry.change == "added" { ("+", BAD) } else { ("-", GOOD) };
            let to = if entry.leads_to.is_empty() { "nothing".to_owned() } else { entry.leads_to.join(", ") };
            let line = format!("{} leads to {to}", entry.entry);
            writeln!(out, "  {} {}", style.paint(look, sign), escape(&line))?;
        }
    }
    for (title, names) in [("New workloads", &found.added), ("Workloads that are gone", &found.removed)] {
        if !names.is_empty() {
            writeln!(out, "\n{}: {}", style.paint(HEADING, title), escape(&names.join(", ")))?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Answer<'a> {
    ends: Vec<PartyEntry>,
    changes: Vec<ChangeEntry<'a>>,
    entries: &'a [EntryChange],
    added: &'a [String],
    removed: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeEntry<'a> {
    /// Ends, by their numbers.
    from: &'a [u32],
    to: &'a [u32],
    before: Vec<PortsEntry>,
    after: Vec<PortsEntry>,
    opened: Vec<PortsEntry>,
    closed: Vec<PortsEntry>,
    /// Whether one of the ends is only in one of the sets.
    with_workload: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'static str>,
}

fn answer<'a>(found: &'a Diff, entries: &'a [EntryChange]) -> Answer<'a> {
    let change = |row: &'a DiffRow| ChangeEntry {
        from: &row.from,
        to: &row.to,
        before: port_entries(&row.before.may),
        after: port_entries(&row.after.may),
        opened: port_entries(&row.opened()),
        closed: port_entries(&row.closed()),
        with_workload: row.with_workload,
        family: row.family.map(|_| family(row.family).trim_matches([' ', '(', ')'])),
    };
    Answer {
        ends: party_entries(&found.parties, |_| None),
        changes: found.rows.iter().map(change).collect(),
        entries,
        added: &found.added,
        removed: &found.removed,
    }
}
