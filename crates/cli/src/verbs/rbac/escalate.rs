//! `ringwall rbac escalate`: who can become what, and the fewest grants to remove.

use std::io::{self, Write};

use ringwall_model::version::Minor;
use ringwall_posture::rbac::authorizers::Authorizer;
use ringwall_posture::rbac::escalate::{Chain, Ground, Removal, Step, Ways, told};
use ringwall_posture::rbac::facts;
use ringwall_rbac::escalation::{Identity, Target};
use ringwall_report::{ASIDE, BAD, DOUBT, HEADING, Style, escape};
use serde::Serialize;

use super::{PlaceEntry, shown, with_rights};
use crate::args::rbac::EscalateArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted};
use crate::{document, settings};

const USAGE: &str = "rbac escalate";

/// The answer: who comes to a target, or what one subject comes to.
enum Answer {
    To(String, Ways),
    From(String, Vec<Chain>),
}

pub(crate) fn run(args: &EscalateArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let settings = settings::load_config(&args.config)?;
    let (loaded, (answer, others, version)) =
        with_rights(&args.paths.paths, &args.paths.source, USAGE, &screen, |rights| {
            let facts = facts::of(rights.snapshot, &rights.authorizers, &settings.workloads);
            let answer = match &args.from {
                Some(name) => {
                    let identity = identity(name);
                    let chains = rights.ways_from(&facts, &identity).ok_or_else(|| Usage {
                        message: format!("no binding names {identity}"),
                        hint: "a user, system:serviceaccount:NAMESPACE:NAME, or group:NAME".to_owned(),
                    })?;
                    Answer::From(identity.to_string(), chains)
                }
                None => {
                    let target = match args.to.as_str() {
                        "cluster-admin" => Target::ClusterAdmin,
                        "node" => Target::Node,
                        name => Target::Identity(identity(name)),
                    };
                    Answer::To(told(&target), rights.ways_to(&facts, &target, args.all))
                }
            };
            let others: Vec<String> = rights.authorizers.list.iter().map(Authorizer::told).collect();
            Ok((answer, others, rights.version))
        })?;
    let written = screen.answer(
        |style, out| match &answer {
            Answer::To(target, ways) => to_text(target, ways, version, style, out),
            Answer::From(subject, chains) => from_text(subject, chains, version, style, out),
        },
        |out| document::write("ringwall.rbac-escalate/v1", &entry(&answer), &loaded, out),
    );
    for other in &others {
        screen.aside(|_, out| writeln!(out, "note: {}, which may allow more", escape(other)));
    }
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let found = match &answer {
        Answer::To(_, ways) => ways.chains.iter().any(|chain| !chain.is_default),
        Answer::From(..) => false,
    };
    Ok(Outcome::no_if(found).max(loaded.outcome(false)).max(written))
}

/// Whom a word means.
fn identity(word: &str) -> Identity {
    match word.strip_prefix("group:") {
        Some(name) => Identity::Group(name.to_owned()),
        None => Identity::of_user(word),
    }
}

fn to_text(target: &str, ways: &Ways, version: Minor, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for chain in &ways.chains {
        let (look, may) = if chain.assumptions.is_empty() { (BAD, "can") } else { (DOUBT, "may") };
        let steps = counted(chain.steps.len(), "step", "steps");
        let line = format!("{} {may} come to {target} in {steps}", chain.subject);
        writeln!(out, "{}", style.paint(look, escape(&line)))?;
        write_steps(&chain.steps, version, style, out)?;
        for assumption in &chain.assumptions {
            writeln!(out, "  if {}", escape(assumption))?;
        }
        writeln!(out)?;
    }
    if ways.chains.is_empty() {
        writeln!(out, "nobody comes to {target} but administrators by intent")?;
        writeln!(out)?;
    }
    let heading = |what: &str, count: usize, exact: bool| {
        if exact {
            format!("The fewest grants to remove{what}: {count}")
        } else {
            format!("Grants to remove{what}: {count}; fewer may do")
        }
    };
    if !ways.cut.is_empty() {
        let what = if ways.admins.is_empty() { "" } else { ", while administrators by intent stay" };
        writeln!(out, "{}", style.paint(HEADING, heading(what, ways.cut.len(), ways.exact)))?;
        write_removals(&ways.cut, version, style, out)?;
        writeln!(out)?;
    }
    // Where others come to it through administrators, these are the shorter way.
    if ways.cut_all.len() < ways.cut.len() + ways.admins.len() && !ways.cut.is_empty() {
        let what = ", if nobody need be an administrator";
        writeln!(out, "{}", style.paint(HEADING, heading(what, ways.cut_all.len(), ways.exact_all)))?;
        write_removals(&ways.cut_all, version, style, out)?;
        writeln!(out)?;
    }
    for beyond in &ways.beyond {
        writeln!(out, "note: {} comes to it whatever is removed", escape(beyond))?;
    }
    if !ways.is_whole {
        writeln!(out, "note: there was too much to follow all of it; more may come to it")?;
    }
    if !ways.admins.is_empty() {
        writeln!(out, "{}", style.paint(HEADING, "Administrators by intent"))?;
        write_removals(&ways.admins, version, style, out)?;
    }
    Ok(())
}

fn write_removals(removals: &[Removal], version: Minor, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for Removal { subject, binding, place } in removals {
        let line = format!("{subject} in {binding}");
        writeln!(out, "  {}  {}", escape(&line), style.paint(ASIDE, shown(place, version)))?;
    }
    Ok(())
}

fn from_text(
    subject: &str,
    chains: &[Chain],
    version: Minor,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if chains.is_empty() {
        writeln!(out, "{} comes to nothing beyond what it is given", escape(subject))?;
    }
    for chain in chains {
        let (look, comes) =
            if chain.assumptions.is_empty() { (BAD, "comes to") } else { (DOUBT, "may come to") };
        let line = match chain.steps.last() {
            Some(Step { to: None, does, .. }) => format!("{subject} {does}"),
            _ => format!("{subject} {comes} {}", chain.to),
        };
        writeln!(out, "{}", style.paint(look, escape(&line)))?;
        write_steps(&chain.steps, version, style, out)?;
        for assumption in &chain.assumptions {
            writeln!(out, "  if {}", escape(assumption))?;
        }
    }
    Ok(())
}

fn write_steps(steps: &[Step], version: Minor, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for (at, step) in steps.iter().enumerate() {
        // An act alone is told by the heading.
        if steps.len() > 1 || step.to.is_some() {
            writeln!(out, "  {}. {}", at + 1, escape(&step.does))?;
        }
        let mut last = String::new();
        for Ground { who, binding, gives } in &step.grounds {
            let held = match binding {
                Some((name, place)) => {
                    format!(
                        "{}  {}",
                        escape(&format!("{who} by {name}")),
                        style.paint(ASIDE, shown(place, version))
                    )
                }
                None => escape(who).into_owned(),
            };
            // Several rules of one binding are told below it.
            if held != last {
                writeln!(out, "     {held}")?;
                last = held;
            }
            if let Some((rule, place)) = gives {
                writeln!(out, "       {}  {}", escape(rule), style.paint(ASIDE, shown(place, version)))?;
            }
        }
        if let Some(to) = &step.to {
            writeln!(out, "     {} {}", style.paint(ASIDE, "→"), escape(to))?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    /// What is reached, or who reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    chains: Vec<ChainEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove: Option<RemoveEntry<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    administrators: Vec<RemovalEntry<'a>>,
}

#[derive(Serialize)]
struct ChainEntry<'a> {
    subject: &'a str,
    to: &'a str,
    steps: Vec<StepEntry<'a>>,
    assumptions: &'a [String],
}

#[derive(Serialize)]
struct StepEntry<'a> {
    row: &'static str,
    number: u8,
    does: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    /// Indexes of steps that it needs.
    after: &'a [usize],
    grounds: Vec<GroundEntry<'a>>,
    assumptions: &'a [String],
    references: &'static [&'static str],
}

#[derive(Serialize)]
struct GroundEntry<'a> {
    holder: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<NamedEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<NamedEntry<'a>>,
}

#[derive(Serialize)]
struct NamedEntry<'a> {
    name: &'a str,
    #[serde(flatten)]
    place: PlaceEntry<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemoveEntry<'a> {
    grants: Vec<RemovalEntry<'a>>,
    /// Whether no fewer would do.
    exact: bool,
    /// The same, if administrators by intent may go too.
    with_administrators: Vec<RemovalEntry<'a>>,
    with_administrators_exact: bool,
    beyond: &'a [String],
    all_followed: bool,
}

#[derive(Serialize)]
struct RemovalEntry<'a> {
    subject: &'a str,
    binding: &'a str,
    #[serde(flatten)]
    place: PlaceEntry<'a>,
}

fn removals(list: &[Removal]) -> Vec<RemovalEntry<'_>> {
    list.iter()
        .map(|one| RemovalEntry {
            subject: &one.subject,
            binding: &one.binding,
            place: PlaceEntry::of(&one.place),
        })
        .collect()
}

fn chain(chain: &Chain) -> ChainEntry<'_> {
    let steps = chain.steps.iter().map(|step| StepEntry {
        row: step.row.id,
        number: step.row.number,
        does: &step.does,
        to: step.to.as_deref(),
        after: &step.after,
        grounds: step
            .grounds
            .iter()
            .map(|ground| GroundEntry {
                holder: &ground.who,
                binding: ground
                    .binding
                    .as_ref()
                    .map(|(name, place)| NamedEntry { name, place: PlaceEntry::of(place) }),
                rule: ground
                    .gives
                    .as_ref()
                    .map(|(name, place)| NamedEntry { name, place: PlaceEntry::of(place) }),
            })
            .collect(),
        assumptions: &step.assumptions,
        references: step.row.references,
    });
    ChainEntry {
        subject: &chain.subject,
        to: &chain.to,
        steps: steps.collect(),
        assumptions: &chain.assumptions,
    }
}

fn entry(answer: &Answer) -> Entry<'_> {
    match answer {
        Answer::To(target, ways) => Entry {
            to: Some(target),
            from: None,
            chains: ways.chains.iter().map(chain).collect(),
            remove: Some(RemoveEntry {
                grants: removals(&ways.cut),
                exact: ways.exact,
                with_administrators: removals(&ways.cut_all),
                with_administrators_exact: ways.exact_all,
                beyond: &ways.beyond,
                all_followed: ways.is_whole,
            }),
            administrators: removals(&ways.admins),
        },
        Answer::From(subject, chains) => Entry {
            to: None,
            from: Some(subject),
            chains: chains.iter().map(chain).collect(),
            remove: None,
            administrators: Vec::new(),
        },
    }
}
