//! `ringwall net can-reach`: one connection, and why.

use std::io::{self, Write};

use ringwall_model::finding::Verdict;
use ringwall_network::policy::Direction;
use ringwall_posture::network::reach::{EngineNote, Half, Leg, Question, Reach};
use ringwall_posture::network::resolve::{self, WantedPort};
use ringwall_report::{ASIDE, HEADING, LocationEntry, Style, escape};
use serde::Serialize;

use super::{PlaceEntry, PortsEntry, look, place, port_entries, with_network, word};
use crate::args::CanReachArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;

pub(crate) fn run(args: &CanReachArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let refuse = |message: String| Usage { message, hint: String::new() };
    let (destination, port) = resolve::split(&args.destination).map_err(refuse)?;
    let (loaded, reach) = with_network(
        &args.input,
        &args.config,
        "net can-reach SOURCE DESTINATION",
        &screen,
        |network, _| {
            let namespace = args.input.reading.namespace.as_deref();
            let question = Question {
                from: network.resolve(&args.source, namespace).map_err(refuse)?,
                to: network.resolve(destination, namespace).map_err(refuse)?,
                port: port.clone(),
                cni: args.cni,
            };
            network.can_reach(&question).map_err(refuse)
        },
    )?;
    let written = screen.answer(
        |style, out| text(&reach, style, out),
        |out| document::write("ringwall.net-can-reach/v1", &entry(&reach), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let unknown = reach.verdict == Verdict::CannotTell;
    Ok(Outcome::no_if(reach.verdict == Verdict::No).max(loaded.outcome(unknown)).max(written))
}

fn text(reach: &Reach, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (word, verb) = match reach.verdict {
        Verdict::Yes => ("yes", "reaches"),
        Verdict::No => ("no", "cannot reach"),
        Verdict::CannotTell => ("cannot tell", "may or may not reach"),
    };
    let on = match &reach.port {
        Some(port) => format!(" on {port}"),
        None if !reach.ports.yes.is_empty() => format!(" on {}", reach.ports.yes),
        None => String::new(),
    };
    let (from, to) = (escape(&reach.from), escape(&reach.to));
    writeln!(out, "{}: {from} {verb} {to}{}", style.paint(look(reach.verdict), word), escape(&on))?;
    for (leg, count) in distinct(&reach.legs) {
        writeln!(out)?;
        if reach.legs.len() > 1 || reach.legs.iter().any(|leg| leg.from != reach.from || leg.to != reach.to) {
            let more = if count > 1 { format!(" (and {} more alike)", count - 1) } else { String::new() };
            let line = format!("{} to {} on {}{more}", leg.from, leg.to, leg.port);
            writeln!(out, "{}", style.paint(HEADING, &escape(&line)))?;
        }
        for half in &leg.halves {
            write_half(leg, half, style, out)?;
        }
    }
    if !reach.remarks.is_empty() {
        writeln!(out)?;
    }
    for remark in &reach.remarks {
        writeln!(out, "note: {}", escape(remark))?;
    }
    write_engine(&reach.engine, style, out)?;
    if let [first, ..] = reach.proposals.as_slice() {
        let what = if reach.proposals.len() > 1 {
            "The least changes that allow it, all needed"
        } else {
            "The least change that allows it"
        };
        writeln!(out, "\n{}", style.paint(HEADING, what))?;
        let mut before = if first.text.starts_with('-') { "" } else { "---\n" };
        for proposal in &reach.proposals {
            writeln!(out, "# {}", escape(&proposal.title))?;
            if !proposal.caution.is_empty() {
                writeln!(out, "# {}", escape(&proposal.caution))?;
            }
            write!(out, "{before}{}", proposal.text)?;
            before = if proposal.text.starts_with('-') { "" } else { "---\n" };
        }
    }
    Ok(())
}

/// What an engine reads otherwise.
pub(super) fn write_engine(notes: &[EngineNote], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if !notes.is_empty() {
        writeln!(out)?;
    }
    for note in notes {
        write!(out, "engine: {}", escape(&note.message))?;
        if let Some((policy, _, location)) = &note.place {
            write!(out, "  {}", style.paint(ASIDE, &format!("{} {}", escape(policy), place(location))))?;
        }
        writeln!(out, "\n  {}", style.paint(ASIDE, note.reference))?;
    }
    Ok(())
}

/// Connections that are decided alike, each once, with how many there are.
fn distinct(legs: &[Leg]) -> Vec<(&Leg, usize)> {
    let mut all: Vec<(&Leg, usize)> = Vec::new();
    for leg in legs {
        let alike = |known: &Leg| {
            known.verdict == leg.verdict
                && known
                    .halves
                    .iter()
                    .zip(&leg.halves)
                    .all(|(a, b)| a.because == b.because && a.miss == b.miss)
        };
        match all.iter_mut().find(|(known, _)| alike(known)) {
            Some((_, count)) => *count += 1,
            None => all.push((leg, 1)),
        }
    }
    all
}

fn write_half(leg: &Leg, half: &Half, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (side, whose) = match half.direction {
        Direction::Egress => ("egress of", &leg.from),
        Direction::Ingress => ("ingress of", &leg.to),
    };
    let verdict = match half.verdict {
        Verdict::Yes => "open",
        Verdict::No => "closed",
        Verdict::CannotTell => "cannot tell",
    };
    writeln!(out, "  {side} {}: {}", escape(whose), style.paint(look(half.verdict), verdict))?;
    for because in &half.because {
        write!(out, "    {}", escape(&because.message))?;
        match &because.place {
            Some((_, _, location)) => writeln!(out, "  {}", style.paint(ASIDE, &place(location)))?,
            None => writeln!(out)?,
        }
    }
    if let Some(miss) = &half.miss {
        let message = format!("nearest: {}, but {}", miss.policy, miss.message);
        writeln!(out, "    {}  {}", escape(&message), style.paint(ASIDE, &place(&miss.location)))?;
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    verdict: &'static str,
    source: &'a str,
    destination: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,
    /// The ports that are open, where none was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    open: Vec<PortsEntry>,
    connections: Vec<LegEntry<'a>>,
    remarks: &'a [String],
    /// What the engine that was asked for reads otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    engine: Vec<EngineEntry<'a>>,
    proposals: Vec<ProposalEntry<'a>>,
}

#[derive(Serialize)]
struct LegEntry<'a> {
    source: &'a str,
    destination: &'a str,
    protocol: &'static str,
    port: u16,
    verdict: &'static str,
    egress: HalfEntry<'a>,
    ingress: HalfEntry<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HalfEntry<'a> {
    verdict: &'static str,
    because: Vec<BecauseEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest_miss: Option<BecauseEntry<'a>>,
}

#[derive(Serialize)]
struct BecauseEntry<'a> {
    message: &'a str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    place: Option<PlaceEntry<'a>>,
}

#[derive(Serialize)]
struct ProposalEntry<'a> {
    title: &'a str,
    yaml: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    caution: &'a str,
}

fn entry(reach: &Reach) -> Answer<'_> {
    Answer {
        verdict: word(reach.verdict),
        source: &reach.from,
        destination: &reach.to,
        port: reach.port.as_ref().map(WantedPort::to_string),
        open: port_entries(&reach.ports.yes),
        connections: reach.legs.iter().map(leg_entry).collect(),
        remarks: &reach.remarks,
        engine: engine_entries(&reach.engine),
        proposals: reach
            .proposals
            .iter()
            .map(|proposal| ProposalEntry {
                title: &proposal.title,
                yaml: &proposal.text,
                caution: &proposal.caution,
            })
            .collect(),
    }
}

/// What an engine reads otherwise, in JSON.
#[derive(Serialize)]
pub(super) struct EngineEntry<'a> {
    message: &'a str,
    reference: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    place: Option<PlaceEntry<'a>>,
}

pub(super) fn engine_entries(notes: &[EngineNote]) -> Vec<EngineEntry<'_>> {
    notes
        .iter()
        .map(|note| EngineEntry {
            message: &note.message,
            reference: note.reference,
            place: note.place.as_ref().map(|(object, path, location)| PlaceEntry {
                object,
                path: path.to_string(),
                location: LocationEntry::of(location),
            }),
        })
        .collect()
}

fn leg_entry(leg: &Leg) -> LegEntry<'_> {
    let [egress, ingress] = &leg.halves;
    LegEntry {
        source: &leg.from,
        destination: &leg.to,
        protocol: leg.port.protocol.word(),
        port: leg.port.number,
        verdict: word(leg.verdict),
        egress: half_entry(egress),
        ingress: half_entry(ingress),
    }
}

fn half_entry(half: &Half) -> HalfEntry<'_> {
    let because = half.because.iter().map(|because| BecauseEntry {
        message: &because.message,
        place: because.place.as_ref().map(|(object, path, location)| PlaceEntry {
            object,
            path: path.to_string(),
            location: LocationEntry::of(location),
        }),
    });
    let miss = half.miss.as_ref().map(|miss| BecauseEntry {
        message: &miss.message,
        place: Some(PlaceEntry {
            object: &miss.policy,
            path: miss.path.to_string(),
            location: LocationEntry::of(&miss.location),
        }),
    });
    HalfEntry { verdict: word(half.verdict), because: because.collect(), nearest_miss: miss }
}
