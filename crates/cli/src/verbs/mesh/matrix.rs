//! `ringwall mesh matrix`: what each client sends to each server, and what becomes of it.

use std::io::{self, Write};

use ringwall_mesh::sends::Outcome as Fate;
use ringwall_posture::mesh::matrix::{Filter, FlowRow};
use ringwall_report::{BAD, DOUBT, GOOD, HEADING, Style, escape};
use serde::Serialize;

use super::{PlacedEntry, at, with_mesh};
use crate::args::mesh::{MeshMatrixArgs, MeshOutput};
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;

/// So many clients of one line are named in text.
const SHOWN: usize = 4;

pub(crate) fn run(args: &MeshMatrixArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.format(), &args.look);
    let filter = Filter {
        client: args.client.clone(),
        server: args.server.clone(),
        outcomes: args.outcome.iter().map(|one| Fate::from(*one)).collect(),
    };
    let (loaded, rows) =
        with_mesh(&args.mesh, ("mesh matrix", true), &screen, |meshed| Ok(meshed.flows(&filter)))?;
    let written = screen.answer(
        |style, out| match args.output {
            MeshOutput::Csv => csv(&rows, out),
            _ => text(&rows, style, out),
        },
        |out| document::write("ringwall.mesh-matrix/v1", &entry(&rows), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let is_lost = |row: &FlowRow| matches!(row.outcome, Fate::Refused | Fate::Broken);
    Ok(Outcome::no_if(rows.iter().any(is_lost)).max(loaded.outcome(false)).max(written))
}

fn text(rows: &[FlowRow], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(out, "no client and no service that it asks about is in the input");
    }
    let head = |row: &FlowRow| {
        let subset = row.subset.as_ref().map_or_else(String::new, |subset| format!(" subset {subset}"));
        format!("{}:{}{subset} → {}:{}", row.service, row.port, row.server, row.target)
    };
    for (index, group) in rows.chunk_by(|left, right| head(left) == head(right)).enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let Some(first) = group.first() else { continue };
        writeln!(out, "{}", style.paint(HEADING, escape(&head(first))))?;
        let (why, location) = &first.why_accepts;
        writeln!(out, "  takes {}: {}{}", first.accepts, escape(why), at(location.as_ref(), style))?;
        for row in group {
            let look = match row.outcome {
                Fate::Mtls => GOOD,
                Fate::Refused | Fate::Broken | Fate::Blocked => BAD,
                Fate::Plaintext | Fate::TlsToApp | Fate::CertDependent | Fate::Unknown => DOUBT,
            };
            let named = row.clients.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = match row.clients.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let (why, location) = &row.why_sends;
            let fate = style.paint(look, row.outcome.name());
            writeln!(out, "  {fate}  {}{more}", escape(&named))?;
            if let Some((waypoint, named)) = &row.through {
                let waypoint = escape(waypoint);
                writeln!(out, "    goes through the waypoint {waypoint}{}", at(named.as_ref(), style))?;
            }
            let who = if row.through.is_some() { "the waypoint sends" } else { "sends" };
            writeln!(out, "    {who} {}: {}{}", row.sends, escape(why), at(location.as_ref(), style))?;
        }
    }
    Ok(())
}

fn csv(rows: &[FlowRow], out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "client",
        "service",
        "port",
        "subset",
        "server",
        "targetPort",
        "waypoint",
        "sends",
        "accepts",
        "outcome",
    ])?;
    for row in rows {
        for client in &row.clients {
            let (port, target) = (row.port.to_string(), row.target.to_string());
            let subset = row.subset.as_deref().unwrap_or_default();
            writer.write_record([
                client.as_str(),
                &row.service,
                &port,
                subset,
                &row.server,
                &target,
                row.through.as_ref().map_or("", |(waypoint, _)| waypoint),
                row.sends,
                row.accepts,
                row.outcome.name(),
            ])?;
        }
    }
    writer.flush()
}

#[derive(Serialize)]
struct Answer<'a> {
    flows: Vec<FlowEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FlowEntry<'a> {
    clients: &'a [String],
    service: &'a str,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    subset: Option<&'a str>,
    server: &'a str,
    target_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<PlacedEntry<'a>>,
    sends: &'a str,
    why_sends: PlacedEntry<'a>,
    accepts: &'a str,
    why_accepts: PlacedEntry<'a>,
    outcome: &'a str,
}

fn entry(rows: &[FlowRow]) -> Answer<'_> {
    let flows = rows.iter().map(|row| FlowEntry {
        clients: &row.clients,
        service: &row.service,
        port: row.port,
        subset: row.subset.as_deref(),
        server: &row.server,
        target_port: row.target,
        through: row.through.as_ref().map(|(waypoint, place)| PlacedEntry::of(waypoint, place.as_ref())),
        sends: row.sends,
        why_sends: PlacedEntry::of(&row.why_sends.0, row.why_sends.1.as_ref()),
        accepts: row.accepts,
        why_accepts: PlacedEntry::of(&row.why_accepts.0, row.why_accepts.1.as_ref()),
        outcome: row.outcome.name(),
    });
    Answer { flows: flows.collect() }
}
