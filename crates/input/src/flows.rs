//! Records of connections that were seen, into [`Flow`]s.
//!
//! Two forms are read, told apart by the first line:
//! - what `hubble observe -o json` prints: a JSON object a line;
//! - CSV with a head: `source,destination,port,protocol`, ends as `NAMESPACE/NAME` or an address; the protocol may be left out.
//!
//! Replies, what was dropped, and what has no port (ICMP) are not connections that somebody needs; they are counted and left out. Memory grows
//! with the number of connections that differ, not with that of lines. Source of the first form: `flow.proto` of github.com/cilium/cilium
//! `api/v1/flow`, in protobuf's JSON.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _};

use ringwall_model::address::Address;
use ringwall_model::finding::Problem;
use ringwall_model::flow::{Flow, FlowEnd};
use ringwall_model::text::Position;
use serde_json::Value;

/// A line may be so long; a longer one is no record of a connection.
const LONGEST: u64 = 1 << 20;

/// So many broken lines are named; the others are counted.
const NAMED: usize = 20;

/// What a record holds.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    /// The connections, each with how often it was seen.
    pub flows: BTreeMap<Flow, u64>,
    /// How many records were read.
    pub records: u64,
    /// How many of them were replies, dropped, or without a port.
    pub left_out: u64,
    /// Lines that are no record: the first of them, and a word about the others.
    pub problems: Vec<Problem>,
}

/// Reads all records of a stream that is called `name`.
///
/// # Errors
/// The stream cannot be read. A line that is no record is a problem, and the next is read.
pub fn read_flows(mut reader: impl BufRead, name: &str) -> io::Result<Flows> {
    let mut flows = Flows::default();
    let mut broken = 0_usize;
    let mut head: Option<Columns> = None;
    let mut line = Vec::new();
    let mut number = 0_u32;
    loop {
        line.clear();
        let read = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        number = number.saturating_add(1);
        let whole = line.last() == Some(&b'\n') || (read as u64) < LONGEST;
        if !whole {
            skip_line(&mut reader)?;
        }
        let record = match std::str::from_utf8(&line) {
            _ if !whole => Err("the line is longer than 1 MiB".to_owned()),
            Err(_) => Err("the line is not UTF-8".to_owned()),
            Ok(text) => match text.trim_start_matches('\u{feff}').trim() {
                "" => continue,
                text if text.starts_with('{') => of_json(text),
                text => match &head {
                    Some(columns) => columns.read(text),
                    None => match Columns::of(text) {
                        Ok(columns) => {
                            head = Some(columns);
                            continue;
                        }
                        Err(message) => Err(message),
                    },
                },
            },
        };
        match record {
            Ok(found) => {
                flows.records += 1;
                match found {
                    Some(flow) => *flows.flows.entry(flow).or_default() += 1,
                    None => flows.left_out += 1,
                }
            }
            Err(message) => {
                broken += 1;
                if broken <= NAMED {
                    let position = Some(Position { line: number, column: 1 });
                    flows.problems.push(Problem { file: name.to_owned(), position, message, object: None });
                }
            }
        }
    }
    if broken > NAMED {
        let message = format!("{} more lines are no records of connections", broken - NAMED);
        flows.problems.push(Problem { file: name.to_owned(), position: None, message, object: None });
    }
    Ok(flows)
}

/// Passes over the rest of a line.
fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                reader.consume(end + 1);
                return Ok(());
            }
            None => {
                let length = buffer.len();
                reader.consume(length);
            }
        }
    }
}

/// The name of a protocol with ports.
fn protocol(text: &str) -> Option<&'static str> {
    ["TCP", "UDP", "SCTP"].into_iter().find(|protocol| protocol.eq_ignore_ascii_case(text))
}

/// Which column holds what.
struct Columns {
    source: usize,
    destination: usize,
    port: usize,
    protocol: Option<usize>,
}

/// The fields of a line of CSV.
fn fields(line: &str) -> Result<csv::StringRecord, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    let record = reader.records().next();
    record
        .unwrap_or_else(|| Ok(csv::StringRecord::new()))
        .map_err(|error| format!("the line is no CSV: {error}"))
}

impl Columns {
    fn of(line: &str) -> Result<Self, String> {
        let head = fields(line)?;
        let find = |name: &str| head.iter().position(|field| field.trim().eq_ignore_ascii_case(name));
        match (find("source"), find("destination"), find("port")) {
            (Some(source), Some(destination), Some(port)) => {
                Ok(Self { source, destination, port, protocol: find("protocol") })
            }
            _ => Err("expected what `hubble observe -o json` prints, or CSV that begins with source,destination,port,protocol"
                .to_owned()),
        }
    }

    fn read(&self, line: &str) -> Result<Option<Flow>, String> {
        let record = fields(line)?;
        let field = |at: usize| record.get(at).map(str::trim).unwrap_or_default();
        let end = |text: &str| {
            if let Some(address) = Address::parse(text) {
                return Ok(FlowEnd::Address(address));
            }
            if text.eq_ignore_ascii_case("internet") || text.eq_ignore_ascii_case("outside") {
                return Ok(FlowEnd::Outside);
            }
            match text.split_once('/') {
                Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                    Ok(FlowEnd::Named { namespace: namespace.to_owned(), name: name.to_owned() })
                }
                _ => Err(format!(
                    "\"{text}\" is no end of a connection, expected NAMESPACE/NAME or an address"
                )),
            }
        };
        let stated = self.protocol.map(field).filter(|text| !text.is_empty()).unwrap_or("TCP");
        let Some(protocol) = protocol(stated) else { return Ok(None) };
        let text = field(self.port);
        let port = text.parse().ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| format!("\"{text}\" is no port, expected one from 1 to 65535"))?;
        Ok(Some(Flow {
            source: end(field(self.source))?,
            destination: end(field(self.destination))?,
            protocol,
            port,
        }))
    }
}

/// A flow of Hubble; none for a reply, for what was dropped, and for what has no port.
fn of_json(line: &str) -> Result<Option<Flow>, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("the line is no JSON: {error}"))?;
    let flow = value.get("flow").unwrap_or(&value);
    if flow.get("source").is_none() && flow.get("destination").is_none() {
        // Hubble tells of nodes and of lost events in the same stream.
        if value.get("node_status").is_some() || value.get("lost_events").is_some() {
            return Ok(None);
        }
        return Err("the object is no flow: it has neither source nor destination".to_owned());
    }
    let verdict = flow.get("verdict").and_then(Value::as_str).unwrap_or("FORWARDED");
    let is_reply = flow.get("is_reply").and_then(Value::as_bool).unwrap_or(false);
    if !matches!(verdict, "FORWARDED" | "REDIRECTED" | "TRACED" | "TRANSLATED" | "AUDIT") || is_reply {
        return Ok(None);
    }
    let Some((protocol, port)) = flow.get("l4").and_then(Value::as_object).and_then(|layers| {
        layers.iter().find_map(|(name, layer)| {
            let port = layer.get("destination_port").and_then(Value::as_u64)?;
            Some((protocol(name)?, u16::try_from(port).ok().filter(|port| *port > 0)?))
        })
    }) else {
        return Ok(None);
    };
    let end = |side: &str| -> Result<FlowEnd, String> {
        let about = flow.get(side);
        let text = |key: &str| {
            about.and_then(|about| about.get(key)).and_then(Value::as_str).filter(|text| !text.is_empty())
        };
        let workload = about.and_then(|about| about.get("workloads")).and_then(|list| list.get(0));
        let workload = workload.and_then(|workload| workload.get("name")).and_then(Value::as_str);
        if let (Some(namespace), Some(name)) = (text("namespace"), workload.or_else(|| text("pod_name"))) {
            return Ok(FlowEnd::Named { namespace: namespace.to_owned(), name: name.to_owned() });
        }
        let address = flow.get("IP").and_then(|ip| ip.get(side)).and_then(Value::as_str);
        match address.map(|text| (text, Address::parse(text))) {
            Some((_, Some(address))) => Ok(FlowEnd::Address(address)),
            Some((text, None)) => Err(format!("\"{text}\" is no address")),
            None => Err(format!("the {side} has neither a pod nor an address")),
        }
    };
    Ok(Some(Flow { source: end("source")?, destination: end("destination")?, protocol, port }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Flows {
        read_flows(text.as_bytes(), "flows").unwrap()
    }

    #[test]
    fn flows_of_hubble_are_read_without_replies_and_drops() {
        let flow = |more: &str| {
            format!(
                "{{\"flow\":{{\"verdict\":\"FORWARDED\",\"IP\":{{\"source\":\"10.0.0.1\",\"destination\":\"10.0.0.2\"}},\
                 \"l4\":{{\"TCP\":{{\"source_port\":4711,\"destination_port\":8080}}}},\
                 \"source\":{{\"namespace\":\"shop\",\"pod_name\":\"web-1\",\"workloads\":[{{\"name\":\"web\",\"kind\":\"Deployment\"}}]}},\
                 \"destination\":{{\"labels\":[\"reserved:world\"]}}{more}}},\"node_name\":\"n\"}}\n"
            )
        };
        let text = flow("") + &flow("") + &flow(",\"is_reply\":true") + &flow(",\"verdict\":\"DROPPED\"");
        let flows = read(&text);
        assert_eq!((flows.records, flows.left_out), (4, 2));
        assert!(flows.problems.is_empty());
        let source = FlowEnd::Named { namespace: "shop".to_owned(), name: "web".to_owned() };
        let destination = FlowEnd::Address(Address::parse("10.0.0.2").unwrap());
        assert_eq!(
            flows.flows,
            BTreeMap::from([(Flow { source, destination, protocol: "TCP", port: 8080 }, 2)])
        );
    }

    #[test]
    fn csv_is_read_by_its_head() {
        let flows = read(
            "Protocol,source,destination,port\nudp,a/b,10.0.0.1,53\n,a/b,internet,443\nICMP,a/b,c/d,0\n",
        );
        assert_eq!((flows.records, flows.left_out, flows.flows.len()), (3, 1, 2));
        assert!(
            flows.flows.keys().any(|flow| flow.destination == FlowEnd::Outside && flow.protocol == "TCP")
        );
    }

    #[test]
    fn a_broken_line_is_named_and_the_next_is_read() {
        let flows =
            read("source,destination,port\na/b,c/d,80\nbroken\na/b,c/d,eighty\n{\"flow\":\n\na/b,c/d,81\n");
        assert_eq!(flows.flows.len(), 2);
        let lines: Vec<u32> =
            flows.problems.iter().filter_map(|problem| Some(problem.position?.line)).collect();
        assert_eq!(lines, [3, 4, 5]);
        assert_eq!(read("what is this\n").problems.len(), 1);
        let many = format!("source,destination,port\n{}", "x\n".repeat(50));
        let problems = read(&many).problems;
        assert_eq!(problems.len(), NAMED + 1);
        assert!(problems[NAMED].message.starts_with("30 more"), "{:?}", problems[NAMED]);
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let text = format!("source,destination,port\n{}\na/b,c/d,80\n", "x".repeat(3 << 20));
        let flows = read(&text);
        assert_eq!((flows.flows.len(), flows.problems.len()), (1, 1));
    }
}
