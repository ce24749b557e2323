//! `ringwall net list`: all connections, grouped.

use std::collections::BTreeSet;
use std::io::{self, Write};

use ringwall_network::entries::{Entry, Seen};
use ringwall_network::port_set::PortSet;
use ringwall_posture::network::list::{self, Reached, Reachers, Row};
use ringwall_posture::network::{Network, exposure};
use ringwall_report::{ASIDE, HEADING, Style, escape};
use serde::Serialize;

use super::{
    PartyEntry, PortsEntry, family, packed, party_entries, plain, port_entries, ports, terms, with_network,
};
use crate::args::{ListOutput, NetListArgs};
use crate::document;
use crate::input::Loaded;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted};
use crate::table::{self, Cell};

/// The width of the columns of ends.
const WIDTH: usize = 44;

/// The answer, free of what it was read from.
struct Listing {
    rows: Vec<Shown>,
    services: Vec<ServiceLine>,
    entries: Vec<EntryLine>,
    on_nodes: Vec<String>,
    workloads: usize,
    policies: usize,
    foreign: usize,
    /// Whether policies speak of pods that are not there.
    potential: bool,
    ends: Vec<PartyEntry>,
    pairs: Vec<Row>,
}

struct Shown {
    from: Vec<String>,
    to: Vec<String>,
    ports: String,
}

/// A port of a Service.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceLine {
    namespace: String,
    name: String,
    port: u16,
    protocol: &'static str,
    /// The ports of the pods behind it.
    targets: Vec<PortsEntry>,
    behind: Vec<u32>,
    reached_by: Vec<u32>,
    #[serde(skip)]
    text: [String; 4],
}

/// A way in from outside.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryLine {
    kind: String,
    namespace: String,
    name: String,
    hosts: Vec<String>,
    /// Whose address policies see: `client`, `node` or `proxy`.
    seen: &'static str,
    targets: Vec<PortsEntry>,
    behind: Vec<u32>,
    reached_by: Vec<u32>,
    #[serde(skip)]
    text: [String; 4],
}

pub(crate) fn run(args: &NetListArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.format(), &args.look);
    if let Some(format) = args.output.np_guard() {
        return super::np_guard(&args.input, &screen, "net list", false, format);
    }
    let (loaded, listing) =
        with_network(&args.input, &args.config, "net list", &screen, |network, _| Ok(of(network)))?;
    let written = screen.answer(
        |style, out| match args.output {
            ListOutput::Csv => csv(&listing, out),
            ListOutput::Dot => dot(&listing, out),
            ListOutput::Md => markdown(&listing, out),
            _ => text(&listing, style, out),
        },
        |out| json(&listing, &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    if listing.pairs.iter().any(|row| row.ports.yes != row.ports.may) {
        // A list is no question that one could fail to answer; what it rests on is said.
        screen.aside(|_, out| {
            writeln!(out, "hint: what is perhaps so depends on the addresses of pods; --pod-cidr CIDR says where these lie")
        });
    }
    Ok(loaded.outcome(false).max(written))
}

fn of(network: &Network<'_>) -> Listing {
    let pairs = list::list(network);
    let parties = &network.parties;
    let rows = pairs.iter().map(|row| Shown {
        from: terms(parties, &row.from),
        to: terms(parties, &row.to),
        ports: format!("{}{}", ports(&row.ports), family(row.family)),
    });
    let mut reachers = Reachers::default();
    Listing {
        rows: rows.collect(),
        services: list::services(network).iter().map(|reached| service(network, reached)).collect(),
        entries: network.entries.iter().map(|found| entry(network, found, &mut reachers)).collect(),
        on_nodes: parties
            .on_nodes
            .iter()
            .map(|index| {
                let workload = &network.cluster.workloads[*index];
                format!("{}/{}", workload.namespace, workload.name)
            })
            .collect(),
        workloads: network.cluster.workloads.len(),
        policies: network.cluster.policies.len(),
        foreign: network.cluster.foreign.len(),
        potential: exposure::potential(network).next().is_some(),
        ends: party_entries(parties, |index| Some(network.cluster.workloads[index].kind.clone())),
        pairs,
    }
}

fn service(network: &Network<'_>, reached: &Reached) -> ServiceLine {
    let service = &network.services.all[reached.service];
    let port = &service.ports[reached.port];
    let set = |ends: &[u32]| super::set(&network.parties, ends);
    ServiceLine {
        namespace: service.namespace.clone(),
        name: service.name.clone(),
        port: port.number,
        protocol: port.protocol.word(),
        targets: port_entries(&reached.targets),
        text: [
            format!("{}/{}:{}", service.namespace, service.name, port.number),
            if reached.behind.is_empty() { "nothing".to_owned() } else { set(&reached.behind) },
            reached.targets.to_string(),
            set(&reached.by),
        ],
        behind: reached.behind.clone(),
        reached_by: reached.by.clone(),
    }
}

fn entry(network: &Network<'_>, entry: &Entry, reachers: &mut Reachers) -> EntryLine {
    let reached = entry.reached();
    let targets = reached.values().fold(PortSet::none(), |all, ports| all.or(ports));
    let (behind, by) = reachers.of(network, reached);
    let set = |ends: &[u32]| super::set(&network.parties, ends);
    let hosts = if entry.hosts.is_empty() { String::new() } else { format!(" ({})", entry.hosts.join(", ")) };
    let kind = entry_kind(entry);
    EntryLine {
        text: [
            format!("{kind} {}/{}{hosts}", entry.namespace, entry.name),
            if behind.is_empty() { "nothing".to_owned() } else { set(&behind) },
            targets.to_string(),
            match entry.seen {
                // What comes in has the address of a node, and the one of the pod always reaches it.
                Seen::Node if !behind.is_empty() => format!("its own node, {}", set(&by)),
                _ => set(&by),
            },
        ],
        kind,
        namespace: entry.namespace.clone(),
        name: entry.name.clone(),
        hosts: entry.hosts.clone(),
        seen: match entry.seen {
            Seen::Proxy => "proxy",
            Seen::Node => "node",
            Seen::Client => "client",
        },
        targets: port_entries(&targets),
        behind,
        reached_by: by,
    }
}

/// What an entry is called: the kind of its object, or what of a Service it is.
pub(super) fn entry_kind(entry: &Entry) -> String {
    use ringwall_network::entries::EntryKind;
    match entry.kind {
        EntryKind::LoadBalancer => "LoadBalancer".to_owned(),
        EntryKind::NodePort => "NodePort".to_owned(),
        EntryKind::ExternalIps => "externalIPs of".to_owned(),
        _ => entry.object_kind.clone(),
    }
}

fn text(listing: &Listing, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if listing.workloads == 0 {
        return writeln!(out, "No workloads");
    }
    let head =
        |names: &[&str]| -> Vec<Cell> { names.iter().map(|name| ((*name).to_owned(), HEADING)).collect() };
    let mut rows = vec![head(&["FROM", "TO", "PORTS"])];
    for row in &listing.rows {
        let (from, to) = (packed(&row.from, WIDTH), packed(&row.to, WIDTH));
        for at in 0..from.len().max(to.len()) {
            let line = |lines: &[String]| plain(lines.get(at).cloned().unwrap_or_default());
            let ports = if at == 0 { plain(row.ports.clone()) } else { plain("") };
            rows.push(vec![line(&from), line(&to), ports]);
        }
    }
    if listing.rows.is_empty() {
        writeln!(out, "No connections: nobody reaches anybody")?;
    } else {
        table::write(&rows, 0, style, out)?;
    }
    let lines = |names: &[&str], lines: Vec<&[String; 4]>, out: &mut dyn Write| {
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        let mut rows = vec![head(names)];
        let cell = |text: &String| plain(escape(text).into_owned());
        rows.extend(lines.into_iter().map(|line| line.iter().map(cell).collect::<Vec<Cell>>()));
        table::write(&rows, 0, style, out)
    };
    let services = listing.services.iter().map(|line| &line.text).collect();
    lines(&["SERVICE", "BEHIND IT", "ON", "REACHED BY"], services, out)?;
    let entries = listing.entries.iter().map(|line| &line.text).collect();
    lines(&["ENTRY", "LEADS TO", "ON", "WHICH IS OPEN TO"], entries, out)?;
    if !listing.on_nodes.is_empty() {
        let names = escape(&listing.on_nodes.join(", ")).into_owned();
        let line = format!("On the network of their nodes, where no policy is about them: {names}");
        writeln!(out, "\n{}", style.paint(ASIDE, &line))?;
    }
    if listing.potential {
        let line = "Policies speak of pods that are not in the input too; `ringwall net exposure` lists them";
        writeln!(out, "\n{}", style.paint(ASIDE, line))?;
    }
    writeln!(
        out,
        "\n{} among {} · {}{}",
        counted(listing.rows.len(), "group of connections", "groups of connections"),
        counted(listing.workloads, "workload", "workloads"),
        counted(listing.policies, "policy", "policies"),
        match listing.foreign {
            0 => String::new(),
            count => format!(
                " · {} of other APIs, whose rules are not known",
                counted(count, "policy", "policies")
            ),
        },
    )
}

/// A line for each pair of ends that reach one another.
fn csv(listing: &Listing, out: &mut dyn Write) -> io::Result<()> {
    // A cell that begins so is run as a formula by spreadsheets.
    let safe = |text: &str| {
        if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
    };
    let names: Vec<String> = listing.ends.iter().map(|end| safe(&escape(&end.name))).collect();
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["source", "destination", "ports", "perhaps", "family"])?;
    for row in &listing.pairs {
        let shown = |ports: &PortSet| if ports.is_empty() { String::new() } else { ports.to_string() };
        let (certain, perhaps) = (shown(&row.ports.yes), shown(&row.ports.may.minus(&row.ports.yes)));
        let family = family(row.family).trim_matches([' ', '(', ')']);
        for from in &row.from {
            for to in row.to.iter().filter(|to| *to != from) {
                let is_pods = |end: u32| listing.ends[end as usize].kind == "workload";
                if is_pods(*from) || is_pods(*to) {
                    let ends = [*from, *to].map(|end| names[end as usize].as_str());
                    writer.write_record([ends[0], ends[1], &certain, &perhaps, family])?;
                }
            }
        }
    }
    writer.flush()
}

/// A graph of the groups: an edge from each term of a line to each other.
fn dot(listing: &Listing, out: &mut dyn Write) -> io::Result<()> {
    let quoted = |text: &str| format!("\"{}\"", escape(text).replace('\\', "\\\\").replace('"', "\\\""));
    writeln!(out, "digraph connections {{\n  rankdir=LR;\n  node [shape=box];")?;
    let nodes: BTreeSet<&String> =
        listing.rows.iter().flat_map(|row| row.from.iter().chain(&row.to)).collect();
    for node in nodes {
        writeln!(out, "  {};", quoted(node))?;
    }
    for row in &listing.rows {
        for from in &row.from {
            for to in &row.to {
                writeln!(out, "  {} -> {} [label={}];", quoted(from), quoted(to), quoted(&row.ports))?;
            }
        }
    }
    writeln!(out, "}}")
}

fn markdown(listing: &Listing, out: &mut dyn Write) -> io::Result<()> {
    let cell = |text: &str| escape(text).replace('\\', "\\\\").replace('|', "\\|").replace('`', "'");
    let code = |text: &str| format!("`{}`", cell(text));
    writeln!(out, "| from | to | ports |\n|---|---|---|")?;
    for row in &listing.rows {
        let list = |terms: &[String]| terms.iter().map(|term| code(term)).collect::<Vec<_>>().join(", ");
        writeln!(out, "| {} | {} | {} |", list(&row.from), list(&row.to), cell(&row.ports))?;
    }
    let lines = |heads: &str, lines: Vec<&[String; 4]>, out: &mut dyn Write| {
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{heads}\n|---|---|---|---|")?;
        for line in lines {
            let cells: Vec<String> = line.iter().map(|text| cell(text)).collect();
            writeln!(out, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    };
    lines(
        "| Service | behind it | on | reached by |",
        listing.services.iter().map(|line| &line.text).collect(),
        out,
    )?;
    lines(
        "| entry | leads to | on | which is open to |",
        listing.entries.iter().map(|line| &line.text).collect(),
        out,
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    ends: &'a [PartyEntry],
    connections: Vec<ConnectionEntry<'a>>,
    services: &'a [ServiceLine],
    entries: &'a [EntryLine],
    /// Workloads on the network of their nodes.
    on_nodes: &'a [String],
    policies: usize,
}

#[derive(Serialize)]
struct ConnectionEntry<'a> {
    /// Ends, by their numbers: each of these reaches each of `to`.
    from: &'a [u32],
    to: &'a [u32],
    ports: Vec<PortsEntry>,
    /// Ports that may be reached, where that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    perhaps: Vec<PortsEntry>,
    /// The only family in which it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'static str>,
}

fn json(listing: &Listing, loaded: &Loaded, out: &mut dyn Write) -> io::Result<()> {
    let connection = |row: &'_ Row| -> (Vec<PortsEntry>, Vec<PortsEntry>, Option<&'static str>) {
        let name = row.family.map(|_| family(row.family).trim_matches([' ', '(', ')']));
        (port_entries(&row.ports.yes), port_entries(&row.ports.may.minus(&row.ports.yes)), name)
    };
    let connections = listing.pairs.iter().map(|row| {
        let (ports, perhaps, family) = connection(row);
        ConnectionEntry { from: &row.from, to: &row.to, ports, perhaps, family }
    });
    let answer = Answer {
        ends: &listing.ends,
        connections: connections.collect(),
        services: &listing.services,
        entries: &listing.entries,
        on_nodes: &listing.on_nodes,
        policies: listing.policies,
    };
    document::write("ringwall.net-list/v1", &answer, loaded, out)
}
