//! The bytes of np-guard's own reports.

use std::fmt::Write as _;

use ringwall_model::go::go_json_string;

use super::{Change, Exposure, Party, Row};
use crate::policy::Direction;
use crate::port::Port;

/// A form of np-guard's reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A line a connection.
    Text,
    /// Tables of Markdown.
    Markdown,
    /// Rows with commas between them.
    Csv,
    /// An object or a list; there is none of differences.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Markdown, Self::Csv, Self::Json];

    /// As np-guard's option `--output` has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Markdown => "md",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// Reads a value of np-guard's option `--output`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == text)
    }
}

/// What `list` prints, without explanation. `port` is the only one that counts, as in the focus that the rows are of.
pub fn write_list(rows: &[Row], port: Option<Port>, format: Format) -> String {
    match format {
        Format::Text => lines_of_text(rows, port),
        Format::Markdown => table(rows, Direction::Egress, port),
        Format::Csv => lines_of_csv(rows, Direction::Egress, port),
        Format::Json => json_rows(rows, port, ""),
    }
}

/// What `list --exposure` prints. `port` is the only one that counts, as in the focus that the rows are of.
pub fn write_exposure(rows: &[Row], exposure: &Exposure, port: Option<Port>, format: Format) -> String {
    let header = match port {
        Some(port) => format!("Exposure Analysis Result On {port}:"),
        None => "Exposure Analysis Result:".to_owned(),
    };
    match format {
        Format::Text => text_of_exposure(rows, exposure, port, &header),
        Format::Markdown => {
            let mut text = format!("{}## {header}\n", table(rows, Direction::Egress, port));
            for (direction, name, rows) in sections(exposure) {
                if !rows.is_empty() {
                    let _ =
                        writeln!(text, "### {name} Exposure:\n{}", table(rows, direction, port).trim_end());
                }
                if direction == Direction::Egress {
                    text.push('\n');
                }
            }
            text
        }
        Format::Csv => {
            let mut text = format!("{}{header},,\n", lines_of_csv(rows, Direction::Egress, port));
            for (direction, name, rows) in
                sections(exposure).into_iter().filter(|(.., rows)| !rows.is_empty())
            {
                let _ = writeln!(text, "{name} Exposure:,,");
                text += &lines_of_csv(rows, direction, port);
            }
            text
        }
        Format::Json => {
            let (list, found) = match port {
                Some(_) => ("connlist_conn_focus_results", "exposure_conn_focus_results"),
                None => ("connlist_results", "exposure_results"),
            };
            // What np-guard never started is null; where it leaves out connections it starts anew.
            let part = |rows: &[Row]| match (rows.is_empty(), port) {
                (true, None) => "null".to_owned(),
                _ => json_rows(rows, port, "    "),
            };
            format!(
                "{{\n  \"{list}\": {},\n  \"{found}\": {{\n    \"egress_exposure\": {},\n    \"ingress_exposure\": {}\n  }}\n}}",
                json_rows(rows, port, "  "),
                part(&exposure.egress),
                part(&exposure.ingress)
            )
        }
    }
}

/// What the two sides are called in a report of np-guard's `diff`.
pub const DIFF_SIDES: [&str; 2] = ["dir1", "dir2"];

/// What `diff` prints, where `sides` are the names of what was before and after ([`DIFF_SIDES`] on its command line). Nothing where
/// nothing changed; `None` for JSON, in which there is no such report.
pub fn write_diff(changes: &[Change], sides: [&str; 2], format: Format) -> Option<String> {
    if format == Format::Json {
        return None;
    }
    if changes.is_empty() {
        return Some(String::new());
    }
    let [before, after] = sides;
    let heads = ["diff-type", "source", "destination", before, after, "workloads-diff-info"];
    // What Ingresses lead to stands behind all the rest.
    let controlled = |change: &&Change| *change.source == Party::IngressController;
    let (last, first): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(controlled);
    let fields = first.into_iter().chain(last).map(|change| {
        [
            change.kind.word().to_owned(),
            change.source.to_string(),
            change.destination.to_string(),
            change.before.to_string(),
            change.after.to_string(),
            workloads(change),
        ]
    });
    let mut text = String::new();
    match format {
        Format::Csv => {
            text += &csv_row(&heads);
            for fields in fields {
                text += &csv_row(&fields.each_ref().map(String::as_str));
            }
        }
        Format::Markdown => {
            // The line below the heads is always the same, whatever the sides are called.
            const RULE: &str = "|-----------|--------|-------------|------|------|---------------------|";
            let _ = write!(text, "| {} |\n{RULE}", heads.join(" | "));
            for fields in fields {
                let _ = write!(text, "\n| {} |", fields.join(" | "));
            }
        }
        Format::Text | Format::Json => {
            text.push_str("Connectivity diff:\n");
            for fields in fields {
                let shown = heads.iter().zip(&fields).filter(|(_, field)| !field.is_empty());
                let parts: Vec<String> = shown.map(|(head, field)| format!("{head}: {field}")).collect();
                let _ = writeln!(text, "{}", parts.join(", "));
            }
        }
    }
    Some(text)
}

/// Which workloads came or went with a change.
fn workloads(change: &Change) -> String {
    if change.workloads.is_empty() {
        return String::new();
    }
    let names: Vec<String> = change.workloads.iter().map(ToString::to_string).collect();
    format!("workload {} {}", names.join(" and "), change.kind.word())
}

fn sections(exposure: &Exposure) -> [(Direction, &'static str, &[Row]); 2] {
    [(Direction::Egress, "Egress", &exposure.egress), (Direction::Ingress, "Ingress", &exposure.ingress)]
}

fn lines_of_text(rows: &[Row], port: Option<Port>) -> String {
    let mut text = String::new();
    if let Some(port) = port {
        let _ = writeln!(text, "Permitted connections on {port}:");
    }
    for Row { source, destination, connection } in rows {
        let _ = write!(text, "{source} => {destination}");
        if port.is_none() {
            let _ = write!(text, " : {connection}");
        }
        text.push('\n');
    }
    text
}

fn text_of_exposure(rows: &[Row], exposure: &Exposure, port: Option<Port>, header: &str) -> String {
    let mut text = lines_of_text(rows, port);
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{header}");
    let width =
        exposure.exposed.iter().map(|party| party.to_string().chars().count()).max().unwrap_or_default();
    let mut before = "";
    for (direction, name, rows) in sections(exposure).into_iter().filter(|(.., rows)| !rows.is_empty()) {
        let _ = writeln!(text, "{before}{name} Exposure:");
        before = "\n";
        for row in rows {
            let (own, other) = ends(row, direction);
            let arrow = if direction == Direction::Ingress { "<=" } else { "=>" };
            let _ = write!(text, "{own:width$} \t{arrow} \t{other}");
            if port.is_none() {
                let _ = write!(text, " : {}", row.connection);
            }
            text.push('\n');
        }
    }
    if !exposure.unprotected.is_empty() && port.is_none() {
        text.push_str("\nWorkloads not protected by network policies:\n");
        for item in &exposure.unprotected {
            let direction = if item.direction == Direction::Ingress { "Ingress" } else { "Egress" };
            let _ = writeln!(text, "{} is not protected on {direction}", item.workload);
        }
    }
    text
}

/// The workload, and what is at the other end.
fn ends(row: &Row, direction: Direction) -> (String, String) {
    let (source, destination) = (row.source.to_string(), row.destination.to_string());
    direction.sides(source, destination)
}

/// The heads of a table that begins with the sender or, for what is received, with the receiver.
fn heads(direction: Direction, port: Option<Port>) -> Vec<&'static str> {
    let mut heads = match direction {
        Direction::Egress => vec!["src", "dst"],
        Direction::Ingress => vec!["dst", "src"],
    };
    heads.extend(port.is_none().then_some("conn"));
    heads
}

/// The cells below the heads.
fn cells(row: &Row, direction: Direction, port: Option<Port>) -> Vec<String> {
    let (first, second) = ends(row, direction);
    [first, second].into_iter().chain(port.is_none().then(|| row.connection.to_string())).collect()
}

fn table(rows: &[Row], direction: Direction, port: Option<Port>) -> String {
    let heads = heads(direction, port);
    let rule: Vec<String> = heads.iter().map(|head| "-".repeat(head.len() + 2)).collect();
    let mut text = format!("| {} |\n|{}|\n", heads.join(" | "), rule.join("|"));
    for row in rows {
        let _ = writeln!(text, "| {} |", cells(row, direction, port).join(" | "));
    }
    text
}

fn lines_of_csv(rows: &[Row], direction: Direction, port: Option<Port>) -> String {
    let mut text = csv_row(&heads(direction, port));
    for row in rows {
        let cells = cells(row, direction, port);
        text += &csv_row(&cells.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

/// A row as Go's encoding/csv writes it.
fn csv_row(fields: &[&str]) -> String {
    let quoted = |field: &&str| {
        let needed = field.contains([',', '"', '\r', '\n'])
            || field.starts_with(|first: char| first.is_whitespace())
            || *field == r"\.";
        if needed { format!("\"{}\"", field.replace('"', "\"\"")) } else { (*field).to_owned() }
    };
    let mut row = fields.iter().map(quoted).collect::<Vec<_>>().join(",");
    row.push('\n');
    row
}

/// A list as Go's encoding/json writes it, indented.
fn json_rows(rows: &[Row], port: Option<Port>, indent: &str) -> String {
    if rows.is_empty() {
        return "[]".to_owned();
    }
    let item = |row: &Row| {
        let keys = heads(Direction::Egress, port);
        let values = cells(row, Direction::Egress, port);
        let fields = keys
            .iter()
            .zip(&values)
            .map(|(key, value)| format!("{indent}    \"{key}\": {}", go_json_string(value)));
        format!("{indent}  {{\n{}\n{indent}  }}", fields.collect::<Vec<_>>().join(",\n"))
    };
    format!("[\n{}\n{indent}]", rows.iter().map(item).collect::<Vec<_>>().join(",\n"))
}
