//! `ringwall net policies`: each policy, and what it does now.

use std::collections::HashMap;
use std::io::{self, Write};

use ringwall_model::finding::{Finding, Location};
use ringwall_model::object::ObjectId;
use ringwall_network::policy::Direction;
use ringwall_posture::network::Network;
use ringwall_posture::scan::Options;
use ringwall_posture::settings::Settings;
use ringwall_report::{ASIDE, HEADING, LocationEntry, Style, escape};
use serde::Serialize;

use super::{place, plain, set, with_network};
use crate::args::PoliciesArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::settings;
use crate::table;

/// A policy, free of what it was read from.
struct Line {
    kind: &'static str,
    namespace: Option<String>,
    name: String,
    location: Location,
    subject: String,
    selects: String,
    selected: Vec<String>,
    effects: [String; 2],
    findings: Vec<&'static str>,
}

pub(crate) fn run(args: &PoliciesArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    if args.all_namespaces && args.input.reading.namespace.is_some() {
        return Err(Usage {
            message: "--all-namespaces and --namespace do not go together".to_owned(),
            hint: "leave one of them out".to_owned(),
        });
    }
    let settings = settings::load_config(&args.config)?;
    let wanted = args.input.reading.namespace.as_deref();
    let (loaded, lines) =
        with_network(&args.input, &args.config, "net policies", &screen, |network, loaded| {
            let findings = findings(loaded, &settings);
            Ok(lines(network, wanted, &findings))
        })?;
    let written = screen.answer(
        |style, out| text(&lines, style, out),
        |out| document::write("ringwall.net-policies/v1", &answer(&lines), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    Ok(loaded.outcome(false).max(written))
}

/// The findings of this ring, by the object that they are on.
pub(super) fn findings(
    loaded: &crate::input::Loaded,
    settings: &Settings,
) -> HashMap<ObjectId, Vec<Finding>> {
    let scan = ringwall_posture::scan(&loaded.snapshot, Options { ..settings.scan_options() });
    let mut by_object: HashMap<ObjectId, Vec<Finding>> = HashMap::new();
    for finding in scan.findings.into_iter().filter(|finding| super::check::RING.holds(finding)) {
        by_object.entry(finding.object.clone()).or_default().push(finding);
    }
    by_object
}

fn lines(
    network: &Network<'_>,
    wanted: Option<&str>,
    findings: &HashMap<ObjectId, Vec<Finding>>,
) -> Vec<Line> {
    let views = network.policies();
    let shown = views.iter().filter(|view| {
        let namespace = network.cluster.policies[view.policy].namespace.as_deref();
        wanted.is_none() || namespace.is_none() || namespace == wanted
    });
    shown
        .map(|view| {
            let policy = &network.cluster.policies[view.policy];
            let id = &network.snapshot.all()[policy.object].id;
            let mut found: Vec<&'static str> =
                findings.get(id).into_iter().flatten().map(|finding| finding.check.id).collect();
            found.sort_unstable();
            found.dedup();
            Line {
                kind: ringwall_posture::network::words::kind(policy.kind),
                namespace: policy.namespace.clone(),
                name: policy.name.clone(),
                location: view.location.clone(),
                subject: view.subject.clone(),
                selects: if view.selects.is_empty() {
                    "no pod".to_owned()
                } else {
                    set(&network.parties, &view.selects)
                },
                selected: view
                    .selects
                    .iter()
                    .map(|end| network.parties.all[*end as usize].name.clone())
                    .collect(),
                effects: [Direction::Ingress, Direction::Egress]
                    .map(|direction| view.effect(network, direction)),
                findings: found,
            }
        })
        .collect()
}

fn text(lines: &[Line], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return writeln!(out, "No policies");
    }
    let head = ["NAMESPACE", "POLICY", "SELECTS NOW", "INGRESS", "EGRESS", "FINDINGS"];
    let mut rows = vec![head.map(|name| (name.to_owned(), HEADING)).to_vec()];
    for line in lines {
        let name = match line.kind {
            "NetworkPolicy" => line.name.clone(),
            kind => format!("{kind} {}", line.name),
        };
        let findings = if line.findings.is_empty() { "-".to_owned() } else { line.findings.join(", ") };
        let [ingress, egress] = &line.effects;
        rows.push(vec![
            plain(escape(line.namespace.as_deref().unwrap_or("-")).into_owned()),
            plain(escape(&name).into_owned()),
            plain(line.selects.clone()),
            plain(escape(ingress).into_owned()),
            plain(escape(egress).into_owned()),
            plain(findings),
            (place(&line.location), ASIDE),
        ]);
    }
    table::write(&rows, 0, style, out)
}

#[derive(Serialize)]
struct Answer<'a> {
    policies: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    location: LocationEntry<'a>,
    subject: &'a str,
    selects: &'a [String],
    ingress: &'a str,
    egress: &'a str,
    findings: &'a [&'static str],
}

fn answer(lines: &[Line]) -> Answer<'_> {
    Answer {
        policies: lines
            .iter()
            .map(|line| Entry {
                kind: line.kind,
                namespace: line.namespace.as_deref(),
                name: &line.name,
                location: LocationEntry::of(&line.location),
                subject: &line.subject,
                selects: &line.selected,
                ingress: &line.effects[0],
                egress: &line.effects[1],
                findings: &line.findings,
            })
            .collect(),
    }
}
