//! `ringwall net generate`: default deny, and the least policies that keep what is needed.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use ringwall_input::flows::{Flows, read_flows};
use ringwall_model::finding::Note;
use ringwall_posture::network::generate::{self, Generated};
use ringwall_posture::network::{flows, needs};
use ringwall_report::{ASIDE, Style, escape};
use serde::Serialize;

use super::with_network;
use crate::args::GenerateArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted};

/// So many lines are said of one policy.
const TOLD: usize = 12;

/// The answer in words.
struct Answer {
    generated: Generated,
    open: Vec<String>,
    kept: usize,
}

pub(crate) fn run(args: &GenerateArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let both = args.input.paths.iter().any(|path| path == Path::new("-"));
    let seen = match &args.from_flows {
        Some(file) if both && file == Path::new("-") => {
            return Err(Usage {
                message: "both the objects and the flows are to come from standard input".to_owned(),
                hint: "name a file for one of them".to_owned(),
            });
        }
        Some(file) => {
            let seen = read(file)?;
            if seen.flows.is_empty() {
                // Policies that keep nothing would be an outage.
                let name = escape(&file.display().to_string()).into_owned();
                let first = seen.problems.first().map(|problem| {
                    let line = problem.position.map(|position| format!("{position}: ")).unwrap_or_default();
                    format!(": {line}{}", escape(&problem.message))
                });
                return Err(Usage {
                    message: format!("{name} holds no connection that was seen{}", first.unwrap_or_default()),
                    hint: String::new(),
                });
            }
            Some(seen)
        }
        None => None,
    };
    let (mut loaded, (answer, unknown)) =
        with_network(&args.input, &args.config, "net generate", &screen, |network, _| {
            let (needs, unknown) = match &seen {
                Some(seen) => flows::needs(network, &seen.flows),
                None => (needs::declared(network), Vec::new()),
            };
            let generated = generate::generate(network, needs);
            let open = generated
                .open
                .iter()
                .map(|(need, reason)| format!("not kept: {}; {reason}", generate::told(network, need)))
                .collect();
            Ok((Answer { kept: generated.kept.len(), generated, open }, unknown))
        })?;
    let mut notes: Vec<Note> = Vec::new();
    let mut problems = Vec::new();
    if let Some(seen) = seen {
        let file = args.from_flows.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        let note = |message: String| Note { file: file.clone(), position: None, message };
        notes.extend(unknown.into_iter().map(note));
        if seen.left_out > 0 {
            notes.push(note(format!(
                "{} of {} records are replies, dropped or without a port",
                seen.left_out, seen.records
            )));
        }
        problems = seen.problems;
    }
    loaded.add(problems, notes);
    let written = screen.answer(
        |style, out| text(&answer, style, out),
        |out| document::write("ringwall.net-generate/v1", &entries(&answer), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    screen.aside(|style, out| asides(&answer, style, out));
    loaded.hint(&screen);
    Ok(Outcome::no_if(!answer.open.is_empty()).max(loaded.outcome(false)).max(written))
}

/// Reads records of flows.
///
/// # Errors
/// The file cannot be read.
fn read(file: &Path) -> Result<Flows, Usage> {
    let name = escape(&file.display().to_string()).into_owned();
    let refuse = |error: io::Error| Usage { message: format!("{name}: {error}"), hint: String::new() };
    if file == Path::new("-") {
        return read_flows(io::stdin().lock(), "<stdin>").map_err(refuse);
    }
    let opened = File::open(file).map_err(refuse)?;
    read_flows(BufReader::new(opened), &name).map_err(refuse)
}

fn text(answer: &Answer, _: Style, out: &mut dyn Write) -> io::Result<()> {
    for policy in &answer.generated.policies {
        writeln!(out, "---")?;
        for line in policy.because.iter().take(TOLD) {
            writeln!(out, "# {}", escape(line))?;
        }
        if policy.because.len() > TOLD {
            writeln!(out, "# and {} more", policy.because.len() - TOLD)?;
        }
        write!(out, "{}", policy.text)?;
    }
    Ok(())
}

fn asides(answer: &Answer, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for line in &answer.open {
        writeln!(out, "{}", escape(line))?;
    }
    for (from, to, ports) in answer.generated.wider.iter().take(TOLD) {
        let line =
            format!("wider than needed: {from} reaches {to} on {ports}, since labels do not tell them apart");
        writeln!(out, "{}", escape(&line))?;
    }
    for remark in &answer.generated.remarks {
        writeln!(out, "note: {}", escape(remark))?;
    }
    let policies = counted(answer.generated.policies.len(), "policy is", "policies are");
    let line = format!("{policies} written · {} kept", counted(answer.kept, "connection", "connections"));
    writeln!(out, "{}", style.paint(ASIDE, &line))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entries<'a> {
    policies: Vec<PolicyEntry<'a>>,
    kept: usize,
    not_kept: &'a [String],
    wider: Vec<WiderEntry<'a>>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct PolicyEntry<'a> {
    namespace: &'a str,
    name: &'a str,
    yaml: &'a str,
    because: &'a [String],
}

#[derive(Serialize)]
struct WiderEntry<'a> {
    source: &'a str,
    destination: &'a str,
    ports: &'a str,
}

fn entries(answer: &Answer) -> Entries<'_> {
    Entries {
        policies: answer
            .generated
            .policies
            .iter()
            .map(|policy| PolicyEntry {
                namespace: &policy.namespace,
                name: &policy.name,
                yaml: &policy.text,
                because: &policy.because,
            })
            .collect(),
        kept: answer.kept,
        not_kept: &answer.open,
        wider: answer
            .generated
            .wider
            .iter()
            .map(|(source, destination, ports)| WiderEntry { source, destination, ports })
            .collect(),
        remarks: &answer.generated.remarks,
    }
}
