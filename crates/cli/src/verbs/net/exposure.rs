//! `ringwall net exposure`: what is open to the internet, to the whole cluster, to pods that are yet to come.

use std::io::{self, Write};

use ringwall_model::finding::{Location, Verdict};
use ringwall_network::engine::Ports;
use ringwall_network::policy::Direction;
use ringwall_posture::network::Network;
use ringwall_posture::network::exposure::{self, Exposure};
use ringwall_report::{ASIDE, HEADING, LocationEntry, Style, escape};
use serde::Serialize;

use super::{PortsEntry, place, plain, port_entries, ports, set, with_network, word};
use crate::args::ExposureArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::table::{self, Cell};

/// How open some workloads are, alike.
struct Line {
    ends: Vec<u32>,
    names: Vec<String>,
    text: String,
    ways: Vec<WayLine>,
    internet: Ports,
    exposure: Exposure,
}

#[derive(Clone, PartialEq, Eq)]
struct WayLine {
    entry: String,
    text: String,
    verdict: Verdict,
}

struct Potential {
    policy: String,
    peer: String,
    direction: Direction,
    ports: String,
    selects: String,
    location: Location,
}

pub(crate) fn run(args: &ExposureArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.format(), &args.look);
    if let Some(format) = args.output.np_guard() {
        return super::np_guard(&args.input, &screen, "net exposure", true, format);
    }
    let (loaded, (lines, potential)) =
        with_network(&args.input, &args.config, "net exposure", &screen, |network, _| {
            Ok((lines(network), potential(network)))
        })?;
    let written = screen.answer(
        |style, out| text(&lines, &potential, style, out),
        |out| document::write("ringwall.net-exposure/v1", &answer(&lines, &potential), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    Ok(loaded.outcome(false).max(written))
}

fn lines(network: &Network<'_>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for exposure in exposure::exposure(network) {
        let way = |way: &exposure::Way| {
            let entry = &network.entries[way.entry];
            let name = format!("{} {}/{}", super::list::entry_kind(entry), entry.namespace, entry.name);
            let text = match way.verdict {
                Verdict::Yes => format!("{} by {name}", way.ports),
                Verdict::CannotTell => format!("perhaps {} by {name}", way.ports),
                Verdict::No => format!("{name} leads to {}, which its policies close", way.ports),
            };
            WayLine { entry: name, text, verdict: way.verdict }
        };
        let ways: Vec<WayLine> = exposure.entries.iter().map(way).collect();
        let alike = |line: &&mut Line| {
            let other = &line.exposure;
            line.ways == ways
                && other.from_cluster == exposure.from_cluster
                && other.from_namespace == exposure.from_namespace
                && other.from_outside == exposure.from_outside
                && other.to_outside == exposure.to_outside
        };
        match lines.iter_mut().find(alike) {
            Some(line) => line.ends.push(exposure.party),
            None => lines.push(Line {
                ends: vec![exposure.party],
                names: Vec::new(),
                text: String::new(),
                ways,
                internet: exposure.internet(),
                exposure,
            }),
        }
    }
    for line in &mut lines {
        line.text = set(&network.parties, &line.ends);
        line.names = line.ends.iter().map(|end| network.parties.all[*end as usize].name.clone()).collect();
    }
    // The most open first.
    lines.sort_by_key(|line| {
        (
            line.internet.may.is_empty(),
            line.exposure.from_cluster.is_empty(),
            line.exposure.from_namespace.is_empty(),
        )
    });
    lines
}

fn potential(network: &Network<'_>) -> Vec<Potential> {
    exposure::potential(network)
        .map(|one| Potential {
            policy: ringwall_posture::network::words::policy(&network.cluster.policies[one.policy]),
            peer: one.peer,
            direction: one.direction,
            ports: one.ports,
            selects: set(&network.parties, &one.selects),
            location: one.location,
        })
        .collect()
}

fn text(lines: &[Line], potential: &[Potential], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return writeln!(out, "No workloads");
    }
    let head = ["WORKLOAD", "FROM THE INTERNET", "FROM ANY POD", "FROM ITS NAMESPACE", "TO THE INTERNET"];
    let mut rows: Vec<Vec<Cell>> = vec![head.map(|name| (name.to_owned(), HEADING)).to_vec()];
    let shown = |open: &Ports| if open.is_empty() { "-".to_owned() } else { ports(open) };
    for line in lines {
        let names = super::packed(&line.text.split(", ").map(str::to_owned).collect::<Vec<_>>(), 40);
        let ways: Vec<String> = line.ways.iter().map(|way| escape(&way.text).into_owned()).collect();
        for at in 0..names.len().max(ways.len()).max(1) {
            let first = |text: String| if at == 0 { plain(text) } else { plain("") };
            let way = match ways.get(at) {
                Some(way) => way.clone(),
                None if at == 0 => "-".to_owned(),
                None => String::new(),
            };
            rows.push(vec![
                plain(names.get(at).cloned().unwrap_or_default()),
                plain(way),
                first(shown(&line.exposure.from_cluster)),
                first(shown(&line.exposure.from_namespace)),
                first(shown(&line.exposure.to_outside)),
            ]);
        }
    }
    table::write(&rows, 0, style, out)?;
    if !potential.is_empty() {
        writeln!(out, "\n{}", style.paint(HEADING, "Pods that are not there, and that policies let pass"))?;
        for one in potential {
            let does = match one.direction {
                Direction::Ingress => "may reach",
                Direction::Egress => "may be reached by",
            };
            let line = format!("  {} {does} {} on {}", one.peer, one.selects, one.ports);
            writeln!(out, "{}  {}", escape(&line), style.paint(ASIDE, &place(&one.location)))?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Answer<'a> {
    workloads: Vec<Entry<'a>>,
    /// Pods that policies speak of and that are not there.
    potential: Vec<PotentialEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    names: &'a [String],
    /// What the outside reaches for certain, by any of the entries.
    internet: Vec<PortsEntry>,
    perhaps_internet: Vec<PortsEntry>,
    entries: Vec<WayEntry<'a>>,
    /// What policies let any address outside reach, were there a way to it.
    from_outside: Vec<PortsEntry>,
    from_any_pod: Vec<PortsEntry>,
    from_namespace: Vec<PortsEntry>,
    to_outside: Vec<PortsEntry>,
    to_any_pod: Vec<PortsEntry>,
}

#[derive(Serialize)]
struct WayEntry<'a> {
    entry: &'a str,
    ports: Vec<PortsEntry>,
    open: &'static str,
}

#[derive(Serialize)]
struct PotentialEntry<'a> {
    policy: &'a str,
    peer: &'a str,
    direction: &'static str,
    ports: &'a str,
    selects: &'a str,
    location: LocationEntry<'a>,
}

fn answer<'a>(lines: &'a [Line], potential: &'a [Potential]) -> Answer<'a> {
    let entry = |line: &'a Line| Entry {
        names: &line.names,
        internet: port_entries(&line.internet.yes),
        perhaps_internet: port_entries(&line.internet.may.minus(&line.internet.yes)),
        entries: line
            .ways
            .iter()
            .zip(&line.exposure.entries)
            .map(|(way, stated)| WayEntry {
                entry: &way.entry,
                ports: port_entries(&stated.ports),
                open: word(way.verdict),
            })
            .collect(),
        from_outside: port_entries(&line.exposure.from_outside.may),
        from_any_pod: port_entries(&line.exposure.from_cluster.may),
        from_namespace: port_entries(&line.exposure.from_namespace.may),
        to_outside: port_entries(&line.exposure.to_outside.may),
        to_any_pod: port_entries(&line.exposure.to_cluster.may),
    };
    Answer {
        workloads: lines.iter().map(entry).collect(),
        potential: potential
            .iter()
            .map(|one| PotentialEntry {
                policy: &one.policy,
                peer: &one.peer,
                direction: one.direction.key(),
                ports: &one.ports,
                selects: &one.selects,
                location: LocationEntry::of(&one.location),
            })
            .collect(),
    }
}
