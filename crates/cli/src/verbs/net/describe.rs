//! `ringwall net describe`: what a policy does, and what it does not do.

use std::io::{self, Write};

use ringwall_model::finding::{Finding, Location};
use ringwall_network::cni::{Cni, policy_notes};
use ringwall_network::policy::{Direction, Policy, Tier};
use ringwall_posture::network::Network;
use ringwall_posture::network::reach::EngineNote;
use ringwall_posture::network::words;
use ringwall_report::{ASIDE, HEADING, LocationEntry, Style, escape};
use serde::Serialize;

use super::can_reach::{EngineEntry, engine_entries};
use super::{PortsEntry, place, port_entries, ports, set, with_network};
use crate::args::DescribeArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::settings;

/// A policy, free of what it was read from.
struct Description {
    name: String,
    location: Location,
    subject: String,
    selects: Vec<String>,
    selects_text: String,
    tier: Tier,
    sides: Vec<Side>,
    with: Vec<String>,
    findings: Vec<Finding>,
    engine: Vec<EngineNote>,
}

/// One direction of it.
struct Side {
    direction: Direction,
    /// `None` where the policy says nothing of it.
    rules: Option<Vec<Rule>>,
    /// What the pods receive or send with all policies together: whom, on which ports.
    effective: Vec<(String, String, Vec<PortsEntry>)>,
}

struct Rule {
    text: String,
    now: String,
    matches: Vec<String>,
    path: String,
    location: Location,
}

pub(crate) fn run(args: &DescribeArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let settings = settings::load_config(&args.config)?;
    let (loaded, all) =
        with_network(&args.input, &args.config, "net describe POLICY", &screen, |network, loaded| {
            let found = find(network, &args.policy, args.input.reading.namespace.as_deref())?;
            let mut findings = super::policies::findings(loaded, &settings);
            let describe = |index: usize| {
                let id = &network.snapshot.all()[network.cluster.policies[index].object].id;
                describe(network, index, findings.remove(id).unwrap_or_default(), args.cni)
            };
            Ok(found.into_iter().map(describe).collect::<Vec<Description>>())
        })?;
    let written = screen.answer(
        |style, out| {
            for (at, one) in all.iter().enumerate() {
                if at > 0 {
                    writeln!(out)?;
                }
                text(one, style, out)?;
            }
            Ok(())
        },
        |out| {
            let policies = all.iter().map(entry).collect();
            document::write("ringwall.net-describe/v1", &Answer { policies }, &loaded, out)
        },
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    Ok(loaded.outcome(false).max(written))
}

/// The policies that are meant.
///
/// # Errors
/// There is none of that name.
fn find(network: &Network<'_>, text: &str, namespace: Option<&str>) -> Result<Vec<usize>, Usage> {
    let (stated, name) = match text.rsplit_once('/') {
        Some((place, name)) => (Some(place), name),
        None => (None, text),
    };
    let policies = network.cluster.policies.iter().enumerate();
    let found: Vec<usize> = policies
        .filter(|(_, policy)| {
            let kind = words::kind(policy.kind);
            let is_kind = |word: &str| {
                let short = [
                    ("netpol", "NetworkPolicy"),
                    ("anp", "AdminNetworkPolicy"),
                    ("banp", "BaselineAdminNetworkPolicy"),
                    ("cnp", "ClusterNetworkPolicy"),
                ];
                word.eq_ignore_ascii_case(kind)
                    || short.iter().any(|(short, long)| *short == word && *long == kind)
            };
            policy.name == name
                && match stated {
                    None => {
                        policy.namespace.is_none()
                            || namespace.is_none_or(|wanted| policy.namespace.as_deref() == Some(wanted))
                    }
                    Some(word) => policy.namespace.as_deref() == Some(word) || is_kind(word),
                }
        })
        .map(|(index, _)| index)
        .collect();
    if found.is_empty() {
        let near = network
            .cluster
            .policies
            .iter()
            .map(|policy| (strsim::osa_distance(&policy.name, name), policy))
            .min_by_key(|(distance, _)| *distance);
        let hint = near
            .filter(|(distance, _)| *distance <= 3)
            .map(|(_, policy)| format!("is \"{}\" meant?", words::policy(policy)));
        return Err(Usage {
            message: format!("there is no policy called \"{}\" in the input", escape(text)),
            hint: hint.unwrap_or_else(|| "`ringwall net policies` lists all".to_owned()),
        });
    }
    Ok(found)
}

fn describe(network: &Network<'_>, index: usize, findings: Vec<Finding>, cni: Option<Cni>) -> Description {
    let notes = cni.map(|cni| policy_notes(cni, &network.cluster, index)).unwrap_or_default();
    let view = network.policy(index);
    let policy = &network.cluster.policies[index];
    let names =
        |ends: &[u32]| ends.iter().map(|end| network.parties.all[*end as usize].name.clone()).collect();
    let sides = [Direction::Ingress, Direction::Egress].map(|direction| Side {
        direction,
        rules: view.rules(direction).map(|rules| {
            rules
                .iter()
                .map(|rule| Rule {
                    text: rule.text.clone(),
                    now: set(&network.parties, &rule.matches),
                    matches: names(&rule.matches),
                    path: rule.path.to_string(),
                    location: rule.location.clone(),
                })
                .collect()
        }),
        effective: network
            .effective(&view.selects, direction)
            .iter()
            .map(|one| (set(&network.parties, &one.peers), ports(&one.ports), port_entries(&one.ports.may)))
            .collect(),
    });
    let with = network.cluster.policies.iter().enumerate().filter(|(other, _)| *other != index);
    let shares = |other: &Policy| network.selected(other).iter().any(|end| view.selects.contains(end));
    Description {
        name: view.name.clone(),
        location: view.location.clone(),
        subject: view.subject.clone(),
        selects: names(&view.selects),
        selects_text: if view.selects.is_empty() {
            "no pod of the input".to_owned()
        } else {
            set(&network.parties, &view.selects)
        },
        tier: policy.tier,
        sides: sides.into(),
        with: with.filter(|(_, other)| shares(other)).map(|(_, policy)| words::policy(policy)).collect(),
        findings,
        engine: notes.iter().map(|note| network.engine_note(note)).collect(),
    }
}

fn text(one: &Description, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let aside = |location: &Location| style.paint(ASIDE, &place(location)).to_string();
    writeln!(out, "{}  {}", style.paint(HEADING, &escape(&one.name)), aside(&one.location))?;
    writeln!(out, "Selects {}", escape(&one.subject))?;
    writeln!(out, "  now: {}", one.selects_text)?;
    for side in &one.sides {
        let (title, verb) = match side.direction {
            Direction::Ingress => ("Ingress", "receive"),
            Direction::Egress => ("Egress", "send"),
        };
        writeln!(out)?;
        let Some(rules) = &side.rules else {
            writeln!(
                out,
                "{}  it says nothing of what they {verb}: that stays as other policies leave it",
                style.paint(HEADING, title)
            )?;
            write_effective(one, side, out)?;
            continue;
        };
        let does = match (one.tier, rules.is_empty()) {
            (Tier::Namespaced, true) => format!("they {verb} nothing but what other policies allow"),
            (Tier::Namespaced, false) => {
                format!("they {verb} what a rule here or of another policy allows, and nothing else")
            }
            (Tier::Admin, _) => "the first rule that matches decides, before any NetworkPolicy".to_owned(),
            (Tier::Baseline, _) => {
                "the first rule that matches decides, where no NetworkPolicy isolates the pod".to_owned()
            }
        };
        writeln!(out, "{}  {does}", style.paint(HEADING, title))?;
        for rule in rules {
            writeln!(out, "  {}  {}", escape(&rule.text), aside(&rule.location))?;
            writeln!(out, "    now: {}", rule.now)?;
        }
        write_effective(one, side, out)?;
    }
    if !one.with.is_empty() {
        writeln!(out, "\nAlso about these pods: {}", escape(&one.with.join(", ")))?;
    }
    if !one.findings.is_empty() {
        writeln!(out, "\n{}", style.paint(HEADING, "What it does not do"))?;
        for finding in &one.findings {
            let message = escape(&finding.message).into_owned();
            writeln!(out, "  {}  {message}  {}", finding.check.id, aside(&finding.location))?;
        }
    }
    super::can_reach::write_engine(&one.engine, style, out)
}

fn write_effective(one: &Description, side: &Side, out: &mut dyn Write) -> io::Result<()> {
    if one.selects.is_empty() {
        return Ok(());
    }
    let (none, word) = match side.direction {
        Direction::Ingress => ("nobody reaches them", "reached by"),
        Direction::Egress => ("they reach nobody", "reach"),
    };
    writeln!(out, "  With all policies together:")?;
    if side.effective.is_empty() {
        writeln!(out, "    {none}")?;
    }
    for (peers, ports, _) in &side.effective {
        writeln!(out, "    {word} {peers} on {ports}")?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Answer<'a> {
    policies: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    location: LocationEntry<'a>,
    subject: &'a str,
    selects: &'a [String],
    ingress: SideEntry<'a>,
    egress: SideEntry<'a>,
    with: &'a [String],
    findings: Vec<FindingEntry<'a>>,
    /// What the engine that was asked for reads otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    engine: Vec<EngineEntry<'a>>,
}

#[derive(Serialize)]
struct SideEntry<'a> {
    /// Absent where the policy says nothing of the direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<RuleEntry<'a>>>,
    effective: Vec<EffectiveEntry<'a>>,
}

#[derive(Serialize)]
struct RuleEntry<'a> {
    text: &'a str,
    matches: &'a [String],
    path: &'a str,
    location: LocationEntry<'a>,
}

#[derive(Serialize)]
struct EffectiveEntry<'a> {
    peers: &'a str,
    ports: &'a [PortsEntry],
}

#[derive(Serialize)]
struct FindingEntry<'a> {
    rule: &'static str,
    message: &'a str,
    location: LocationEntry<'a>,
}

fn entry(one: &Description) -> Entry<'_> {
    let side = |at: usize| {
        let side = &one.sides[at];
        SideEntry {
            rules: side.rules.as_ref().map(|rules| {
                rules
                    .iter()
                    .map(|rule| RuleEntry {
                        text: &rule.text,
                        matches: &rule.matches,
                        path: &rule.path,
                        location: LocationEntry::of(&rule.location),
                    })
                    .collect()
            }),
            effective: side
                .effective
                .iter()
                .map(|(peers, _, ports)| EffectiveEntry { peers, ports })
                .collect(),
        }
    };
    Entry {
        name: &one.name,
        location: LocationEntry::of(&one.location),
        subject: &one.subject,
        selects: &one.selects,
        ingress: side(0),
        egress: side(1),
        with: &one.with,
        engine: engine_entries(&one.engine),
        findings: one
            .findings
            .iter()
            .map(|finding| FindingEntry {
                rule: finding.check.id,
                message: &finding.message,
                location: LocationEntry::of(&finding.location),
            })
            .collect(),
    }
}
