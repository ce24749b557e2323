//! `ringwall net`: what network policies decide.

pub(crate) mod can_reach;
pub(crate) mod check;
pub(crate) mod describe;
pub(crate) mod diff;
pub(crate) mod exposure;
pub(crate) mod generate;
pub(crate) mod list;
pub(crate) mod policies;

use anstyle::Style as Look;
use ringwall_model::address::{Address, Family};
use ringwall_model::finding::Verdict;
use ringwall_network::cluster::Cluster;
use ringwall_network::engine::Ports;
use ringwall_network::npguard::{self, Analysis};
use ringwall_network::port::Protocol;
use ringwall_network::port_set::PortSet;
use ringwall_posture::network::Network;
use ringwall_posture::network::parties::{Parties, Ranges, Term, Who};
use ringwall_report::{BAD, DOUBT, GOOD, LocationEntry, escape};
use serde::Serialize;

use crate::args::{ConfigArgs, InputArgs};
use crate::input::{self, Loaded};
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, place};
use crate::settings;
use crate::table::plain;

/// So many terms of a set are written in text; formats for programs have all.
const SHOWN: usize = 12;

/// Reads what the arguments name, and hands it to `ask` with the eyes of the network ring.
///
/// # Errors
/// As [`input::load`], and what `ask` finds wrong with the question.
fn with_network<T>(
    input: &InputArgs,
    config: &ConfigArgs,
    verb: &str,
    screen: &Screen,
    ask: impl FnOnce(&Network<'_>, &Loaded) -> Result<T, Usage>,
) -> Result<(Loaded, T), Usage> {
    let settings = settings::load_config(config)?;
    let mut loaded = input::load(input, verb, screen.quiet)?;
    let network = Network::of(&loaded.snapshot, &settings.workloads);
    let problems = network.problems();
    let answer = ask(&network, &loaded)?;
    drop(network);
    loaded.add(problems, Vec::new());
    Ok((loaded, answer))
}

/// Answers as np-guard's analyzer does; `exposed` with what it says of pods that are yet to come.
///
/// # Errors
/// As [`input::load`].
fn np_guard(
    args: &InputArgs,
    screen: &Screen,
    verb: &str,
    exposed: bool,
    format: npguard::Format,
) -> Result<Outcome, Usage> {
    let loaded = input::load(args, verb, screen.quiet)?;
    let cluster = Cluster::of(&loaded.snapshot, &[]);
    let analysis = Analysis::new(&loaded.snapshot, &cluster);
    let focus = npguard::Focus::default();
    let rows = analysis.list(&focus);
    let report = if exposed {
        let exposure = analysis.exposure(&focus, &rows);
        npguard::write_exposure(&rows, &exposure, focus.port, format)
    } else {
        npguard::write_list(&rows, focus.port, format)
    };
    drop(analysis);
    let written = screen.answer(|_, out| out.write_all(report.as_bytes()), |_| Ok(()));
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(screen);
    Ok(loaded.outcome(false).max(written))
}

/// The look of a verdict.
const fn look(verdict: Verdict) -> Look {
    match verdict {
        Verdict::Yes => GOOD,
        Verdict::No => BAD,
        Verdict::CannotTell => DOUBT,
    }
}

/// The word for a verdict in JSON.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Yes => "yes",
        Verdict::No => "no",
        Verdict::CannotTell => "cannotTell",
    }
}

/// The terms of a set, as many as fit in text.
fn terms(parties: &Parties, set: &[u32]) -> Vec<String> {
    shortened(&parties.terms(set))
}

fn shortened(terms: &[Term]) -> Vec<String> {
    let count = terms.len();
    let mut list: Vec<String> =
        terms.iter().take(SHOWN).map(|term| escape(&term.to_string()).into_owned()).collect();
    if count > SHOWN {
        list.push(format!("and {} more", count - SHOWN));
    }
    list
}

/// A set of ends on one line.
fn set(parties: &Parties, ends: &[u32]) -> String {
    if ends.is_empty() { "nobody".to_owned() } else { terms(parties, ends).join(", ") }
}

/// Terms in lines of at most `width` characters, where a comma allows it.
fn packed(terms: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (at, term) in terms.iter().enumerate() {
        let comma = if at + 1 < terms.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.chars().count() + term.chars().count() + 2 <= width => {
                line.push(' ');
                line.push_str(term);
                line.push_str(comma);
            }
            _ => lines.push(format!("{term}{comma}")),
        }
    }
    lines
}

/// Ports in words; what is not certain is said.
fn ports(ports: &Ports) -> String {
    if ports.yes == ports.may {
        return ports.yes.to_string();
    }
    let perhaps = ports.may.minus(&ports.yes);
    if ports.yes.is_empty() {
        format!("perhaps {perhaps}")
    } else {
        format!("{}; perhaps {perhaps}", ports.yes)
    }
}

/// The family that a line is about, in brackets; nothing where it is about all.
const fn family(family: Option<Family>) -> &'static str {
    match family {
        None => "",
        Some(Family::V4) => " (IPv4)",
        Some(Family::V6) => " (IPv6)",
    }
}

/// Adjacent ports of a protocol, in JSON.
#[derive(Debug, Serialize)]
struct PortsEntry {
    protocol: &'static str,
    first: u16,
    last: u16,
}

/// The intervals of a set of ports; port 0, which nobody can ask for, is left out.
fn port_entries(ports: &PortSet) -> Vec<PortsEntry> {
    let of = |protocol: Protocol| {
        ports.of(protocol).filter(|(_, last)| *last > 0).map(move |(first, last)| PortsEntry {
            protocol: protocol.word(),
            first: first.max(1),
            last,
        })
    };
    Protocol::ALL.into_iter().flat_map(of).collect()
}

/// An end of connections, in JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartyEntry {
    /// Its number in this document.
    id: usize,
    /// `workload` or `addresses`.
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// The kind of the object that makes the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    object_kind: Option<String>,
    /// First and last address of each range.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<RangeEntry>,
}

#[derive(Debug, Serialize)]
struct RangeEntry {
    first: String,
    last: String,
}

fn party_entries(parties: &Parties, kind_of: impl Fn(usize) -> Option<String>) -> Vec<PartyEntry> {
    let entry = |(id, party): (usize, &ringwall_posture::network::parties::Party)| {
        let range = |(first, last): (Address, Address)| RangeEntry {
            first: first.to_string(),
            last: last.to_string(),
        };
        let (kind, ranges, object_kind) = match &party.who {
            Who::Workload { workload, .. } => ("workload", Vec::new(), kind_of(*workload)),
            Who::Addresses(ranges) => {
                ("addresses", Ranges(vec![ranges.clone()]).joined().into_iter().map(range).collect(), None)
            }
        };
        let namespace = party.is_pods().then(|| party.namespace.clone());
        PartyEntry { id, kind, name: party.name.clone(), namespace, object_kind, ranges }
    };
    parties.all.iter().enumerate().map(entry).collect()
}

/// What names an object and a field, and where it is written, in JSON.
#[derive(Debug, Serialize)]
struct PlaceEntry<'a> {
    object: &'a str,
    path: String,
    location: LocationEntry<'a>,
}
