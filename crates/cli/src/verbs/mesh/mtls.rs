//! `ringwall mesh mtls`: what each workload takes in on each port.

use std::io::{self, Write};

use ringwall_posture::mesh::mtls::{PolicyRow, PortRow, WorkloadRow};
use ringwall_report::{ASIDE, BAD, DOUBT, GOOD, HEADING, LocationEntry, Style, escape};
use serde::Serialize;

use super::{PlacedEntry, at, with_mesh, write_placed};
use crate::args::mesh::MtlsArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted, place};
use crate::table::{self, Cell, plain};

pub(crate) fn run(args: &MtlsArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let (loaded, (rows, policies)) = with_mesh(&args.mesh, ("mesh mtls", true), &screen, |meshed| {
        Ok((meshed.mtls(args.within.as_deref()), meshed.policies()))
    })?;
    let written = screen.answer(
        |style, out| text(&rows, &policies, style, out),
        |out| document::write("ringwall.mesh-mtls/v1", &entry(&rows, &policies), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    Ok(loaded.outcome(false).max(written))
}

fn text(rows: &[WorkloadRow], policies: &[PolicyRow], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        writeln!(out, "no workload is in the input")?;
    }
    let mut namespace = None;
    for group in rows.chunk_by(|left, right| left.namespace == right.namespace) {
        if let Some(first) = group.first() {
            if namespace.is_some() {
                writeln!(out)?;
            }
            writeln!(out, "{}", style.paint(HEADING, escape(&first.namespace)))?;
            namespace = Some(&first.namespace);
        }
        let cells: Vec<Vec<Cell>> = group.iter().flat_map(of_workload).collect();
        table::write(&cells, 2, style, out)?;
        for row in group {
            for port in &row.of_nobody {
                let line = format!(
                    "note: {}: its policy says something of port {port}, which no container has",
                    row.name
                );
                writeln!(out, "  {}", escape(&line))?;
            }
            if row.is_stale {
                let line = format!(
                    "note: {} runs with another proxy than it would get now: it must be restarted",
                    row.name
                );
                write_placed("  ", &line, row.location.as_ref(), style, out)?;
            }
        }
    }
    if !policies.is_empty() {
        writeln!(out)?;
        writeln!(out, "{}", style.paint(HEADING, "Policies"))?;
    }
    for policy in policies {
        let count = counted(policy.workloads, "workload", "workloads");
        let line = format!("{} is {} for {}: {count}", policy.name, policy.mode, policy.scope);
        let without = match policy.without_proxy {
            0 => String::new(),
            some => format!(", {some} of which it does not protect: no proxy"),
        };
        let mark = style.paint(DOUBT, escape(&without));
        writeln!(out, "  {}{mark}{}", escape(&line), at(policy.location.as_ref(), style))?;
    }
    Ok(())
}

fn of_workload(row: &WorkloadRow) -> Vec<Vec<Cell>> {
    let mut lines = Vec::new();
    for (index, port) in row.ports.iter().enumerate() {
        let PortRow { port, accepts, why, location } = port;
        let look = match *accepts {
            "STRICT" => GOOD,
            "PERMISSIVE" => DOUBT,
            _ => BAD,
        };
        let (name, mode) = if index == 0 { (row.name.as_str(), row.mode) } else { ("", "") };
        let location = location.as_ref().map(place).unwrap_or_default();
        lines.push(vec![
            plain(escape(name)),
            plain(mode),
            plain(port.map_or_else(|| "any port".to_owned(), |port| port.to_string())),
            ((*accepts).to_owned(), look),
            plain(escape(why)),
            (location, ASIDE),
        ]);
    }
    lines
}

#[derive(Serialize)]
struct Answer<'a> {
    workloads: Vec<WorkloadEntry<'a>>,
    policies: Vec<PolicyEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkloadEntry<'a> {
    name: &'a str,
    proxy: &'a str,
    enrolled_by: PlacedEntry<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    must_restart: bool,
    ports: Vec<PortEntry<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ports_of_nobody: &'a [u16],
}

#[derive(Serialize)]
struct PortEntry<'a> {
    /// `null` for all that are not told apart.
    port: Option<u16>,
    mode: &'a str,
    why: PlacedEntry<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyEntry<'a> {
    name: &'a str,
    mode: &'a str,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationEntry<'a>>,
    workloads: usize,
    without_proxy: usize,
}

fn entry<'a>(rows: &'a [WorkloadRow], policies: &'a [PolicyRow]) -> Answer<'a> {
    let port = |port: &'a PortRow| PortEntry {
        port: port.port,
        mode: port.accepts,
        why: PlacedEntry::of(&port.why, port.location.as_ref()),
    };
    Answer {
        workloads: rows
            .iter()
            .map(|row| WorkloadEntry {
                name: &row.name,
                proxy: row.mode,
                enrolled_by: PlacedEntry::of(row.enrolled, row.location.as_ref()),
                must_restart: row.is_stale,
                ports: row.ports.iter().map(port).collect(),
                ports_of_nobody: &row.of_nobody,
            })
            .collect(),
        policies: policies
            .iter()
            .map(|row| PolicyEntry {
                name: &row.name,
                mode: row.mode,
                scope: &row.scope,
                location: row.location.as_ref().map(LocationEntry::of),
                workloads: row.workloads,
                without_proxy: row.without_proxy,
            })
            .collect(),
    }
}
