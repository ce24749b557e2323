//! `ringwall mesh can`: whether a client may call a server.

use std::fs;
use std::io::{self, Write};
use std::sync::Arc;

use ringwall_input::{Limits, yaml_text};
use ringwall_model::address::Address;
use ringwall_model::finding::Verdict;
use ringwall_model::text::Source;
use ringwall_posture::mesh::can::{AskedToken, Call, Can, Judged, Told, Way};
use ringwall_report::{BAD, DOUBT, GOOD, HEADING, Style, escape};
use serde::Serialize;

use super::{PlacedEntry, with_mesh, write_placed};
use crate::args::mesh::MeshCanArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;

fn refuse(message: String) -> Usage {
    Usage { message, hint: String::new() }
}

pub(crate) fn run(args: &MeshCanArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let claims = match &args.jwt_claims {
        None => None,
        Some(given) => {
            let text = if given.trim_start().starts_with('{') {
                given.clone()
            } else {
                fs::read_to_string(given).map_err(|error| refuse(format!("cannot read {given}: {error}")))?
            };
            let source = Arc::new(Source::new("--jwt-claims", text.as_str()));
            let tree = yaml_text(&source, &Limits::default());
            Some(tree.map_err(|error| refuse(format!("--jwt-claims: {error}")))?)
        }
    };
    let split =
        |header: &'_ String| header.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers: Option<Vec<(String, String)>> = args.header.iter().map(split).collect();
    let headers = headers.ok_or_else(|| refuse("--header takes NAME=VALUE".to_owned()))?;
    let call = Call {
        client: &args.client,
        server: &args.server,
        port: args.port,
        method: args.method.as_deref(),
        path: args.path.as_deref(),
        host: args.host.as_deref(),
        headers: headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        source: args.source_ip.and_then(|address| Address::parse(&address.to_string())),
        token: match &claims {
            Some(tree) => AskedToken::Claims(tree.root()),
            None if args.bad_token => AskedToken::Bad,
            None => AskedToken::Missing,
        },
    };
    let (loaded, can) =
        with_mesh(&args.mesh, ("mesh can CLIENT SERVER --port PORT", false), &screen, |meshed| {
            meshed.can(&call).map_err(refuse)
        })?;
    let written = screen.answer(
        |style, out| text(&can, style, out),
        |out| document::write("ringwall.mesh-can/v1", &entry(&can), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let unknown = can.verdict == Verdict::CannotTell;
    Ok(Outcome::no_if(can.verdict == Verdict::No).max(loaded.outcome(unknown)).max(written))
}

fn said(verdict: Verdict, style: Style) -> String {
    let (look, word) = match verdict {
        Verdict::Yes => (GOOD, "yes"),
        Verdict::No => (BAD, "no"),
        Verdict::CannotTell => (DOUBT, "cannot tell"),
    };
    style.paint(look, word).to_string()
}

fn text(can: &Can, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} - {}", said(can.verdict, style), escape(&can.reason))?;
    for way in &can.ways {
        let by = way.service.as_ref().map_or_else(String::new, |service| format!(" by Service {service}"));
        let head = format!("{} → {}:{}{by}", way.client, way.server, way.port);
        writeln!(out, "{}", style.paint(HEADING, escape(&head)))?;
        if can.ways.len() > 1 {
            writeln!(out, "  {} - {}", said(way.judged.verdict, style), escape(&way.judged.reason))?;
        }
        let all = |prefix: &str, told: &[Told], out: &mut dyn Write| {
            told.iter().try_for_each(|one| {
                write_placed("  ", &format!("{prefix}{}", one.what), one.location.as_ref(), style, out)
            })
        };
        all("", &way.transport, out)?;
        let identity = way.identity.as_deref().unwrap_or("none: the server does not know who calls");
        writeln!(out, "  identity: {}", escape(identity))?;
        writeln!(out, "  asked: {}", way.backend)?;
        all("", &way.judged.because, out)?;
        all("nearest: ", &way.judged.misses, out)?;
        for (backend, judged) in &way.others {
            writeln!(
                out,
                "  note: the same policies at {backend}: {} - {}",
                said(judged.verdict, style),
                escape(&judged.reason)
            )?;
        }
        all("note: ", &way.remarks, out)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Answer<'a> {
    verdict: &'static str,
    reason: &'a str,
    ways: Vec<WayEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WayEntry<'a> {
    client: &'a str,
    server: &'a str,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    transport: Vec<PlacedEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    identity: Option<&'a str>,
    asked: &'static str,
    #[serde(flatten)]
    judged: JudgedEntry<'a>,
    others: Vec<OtherEntry<'a>>,
    remarks: Vec<PlacedEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JudgedEntry<'a> {
    verdict: &'static str,
    reason: &'a str,
    because: Vec<PlacedEntry<'a>>,
    nearest_miss: Vec<PlacedEntry<'a>>,
}

#[derive(Serialize)]
struct OtherEntry<'a> {
    asked: &'static str,
    #[serde(flatten)]
    judged: JudgedEntry<'a>,
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Yes => "yes",
        Verdict::No => "no",
        Verdict::CannotTell => "cannotTell",
    }
}

fn placed(all: &[Told]) -> Vec<PlacedEntry<'_>> {
    all.iter().map(|told| PlacedEntry::of(&told.what, told.location.as_ref())).collect()
}

fn judged(judged: &Judged) -> JudgedEntry<'_> {
    JudgedEntry {
        verdict: word(judged.verdict),
        reason: &judged.reason,
        because: placed(&judged.because),
        nearest_miss: placed(&judged.misses),
    }
}

fn entry(can: &Can) -> Answer<'_> {
    Answer { verdict: word(can.verdict), reason: &can.reason, ways: can.ways.iter().map(way_entry).collect() }
}

fn way_entry(way: &Way) -> WayEntry<'_> {
    WayEntry {
        client: &way.client,
        server: &way.server,
        port: way.port,
        service: way.service.as_deref(),
        transport: placed(&way.transport),
        outcome: way.outcome.map(ringwall_mesh::sends::Outcome::name),
        identity: way.identity.as_deref(),
        asked: way.backend.name(),
        judged: judged(&way.judged),
        others: way
            .others
            .iter()
            .map(|(backend, said)| OtherEntry { asked: backend.name(), judged: judged(said) })
            .collect(),
        remarks: placed(&way.remarks),
    }
}
