//! `ringwall rbac escalate`: who can become what, and the fewest grants to remove.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use ringwall_model::version::Minor;
use ringwall_posture::rbac::authorizers::Influence;
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
    let (loaded, (answer, others, everyone, version)) =
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
                        "system:masters" => Target::ClusterAdmin,
                        "cluster-admin" => Target::ClusterAdmin,
                        "node" => Target::Node,
                        name => Target::Identity(identity(name)),
                    };
                    Answer::To(told(&target), rights.ways_to(&facts, &target, args.all))
                }
            };
            let others = rights.authorizers.list.iter();
            let others: Vec<String> = others
                .map(|other| match other.influence {
                    Influence::AllowsAll => {
                        format!("{}; everyone comes to cluster-admin, and RBAC is not asked", other.told())
                    }
                    _ => format!("{}, which may allow more", other.told()),
                })
                .collect();
            let everyone = rights.authorizers.allows_all().is_some();
            Ok((answer, others, everyone, rights.default_version()))
        })?;
    let written = screen.answer(
        |style, out| match &answer {
            Answer::To(target, ways) => to_text(target, ways, version, style, out),
            Answer::From(subject, chains) => from_text(subject, chains, version, style, out),
        },
        |out| document::write("ringwall.rbac-escalate/v1", &entry(&answer), &loaded, out),
    );
    for other in &others {
        screen.aside(|_, out| writeln!(out, "note: {}", escape(other)));
    }
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let found = match &answer {
        // Where not all was followed, nobody can tell that nobody comes to it.
        Answer::To(_, ways) => {
            everyone || !ways.is_whole || ways.chains.iter().any(|chain| !chain.is_default)
        }
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
        let but = if ways.admins.is_empty() { "" } else { " but administrators by intent" };
        writeln!(out, "nobody whom the input names comes to {}{but}", escape(target))?;
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
    if !ways.is_named {
        writeln!(
            out,
            "note: nothing in the input names {}; who may be anyone may be it too",
            escape(target)
        )?;
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

/// Steps of several chains that are the same act on the same grounds, and all that it leads to.
struct Act<'a> {
    step: &'a Step,
    /// The acts before it that it needs, by their index.
    after: Vec<usize>,
    to: Vec<&'a str>,
    /// Whether what it takes for given, itself or before, is known.
    is_certain: bool,
}

/// What is done, on what it rests, what it takes for given, and the acts before it.
type Key<'a> = (&'a str, &'a [Ground], &'a [String], Vec<usize>);

/// The acts of all chains, each once, after those that it needs.
fn acts(chains: &[Chain]) -> Vec<Act<'_>> {
    let mut acts: Vec<Act<'_>> = Vec::new();
    let mut known: HashMap<Key<'_>, usize> = HashMap::new();
    let mut led: HashSet<(usize, &str)> = HashSet::new();
    for chain in chains {
        let mut own: Vec<usize> = Vec::new();
        for step in &chain.steps {
            let mut after: Vec<usize> = step.after.iter().filter_map(|at| own.get(*at)).copied().collect();
            after.sort_unstable();
            after.dedup();
            let key =
                (step.does.as_str(), step.grounds.as_slice(), step.assumptions.as_slice(), after.clone());
            let at = *known.entry(key).or_insert_with(|| {
                let is_certain = step.assumptions.is_empty() && after.iter().all(|at| acts[*at].is_certain);
                acts.push(Act { step, after, to: Vec::new(), is_certain });
                acts.len() - 1
            });
            if let Some(to) = step.to.as_deref()
                && led.insert((at, to))
            {
                acts[at].to.push(to);
            }
            own.push(at);
        }
    }
    acts
}

/// So much of what one act leads to is shown.
const SHOWN: usize = 5;

fn from_text(
    subject: &str,
    chains: &[Chain],
    version: Minor,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if chains.is_empty() {
        return writeln!(out, "{} comes to nothing beyond what it is given", escape(subject));
    }
    writeln!(
        out,
        "{}",
        style.paint(HEADING, escape(&format!("What {subject} comes to, the nearest first")))
    )?;
    for (at, act) in acts(chains).iter().enumerate() {
        let look = if act.is_certain { BAD } else { DOUBT };
        let does = style.paint(look, escape(&act.step.does));
        let after: Vec<String> = act.after.iter().map(|at| (at + 1).to_string()).collect();
        let after = if after.is_empty() { String::new() } else { format!("  after {}", after.join(" and ")) };
        writeln!(out, "  {}. {does}{}", at + 1, style.paint(ASIDE, after))?;
        write_grounds(&act.step.grounds, version, style, out)?;
        for assumption in &act.step.assumptions {
            writeln!(out, "     if {}", escape(assumption))?;
        }
        for to in act.to.iter().take(SHOWN) {
            writeln!(out, "     {} {}", style.paint(ASIDE, "→"), escape(to))?;
        }
        if let Some(more @ 1..) = act.to.len().checked_sub(SHOWN) {
            writeln!(out, "     {} and {more} more, which -o json tells", style.paint(ASIDE, "→"))?;
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
        write_grounds(&step.grounds, version, style, out)?;
        if let Some(to) = &step.to {
            writeln!(out, "     {} {}", style.paint(ASIDE, "→"), escape(to))?;
        }
    }
    Ok(())
}

fn write_grounds(grounds: &[Ground], version: Minor, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (mut last, mut rules) = (String::new(), HashSet::new());
    for Ground { who, binding, gives } in grounds {
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
            rules.clear();
        }
        if let Some((rule, place)) = gives {
            let line = format!("{}  {}", escape(rule), style.paint(ASIDE, shown(place, version)));
            if !rules.contains(&line) {
                writeln!(out, "       {line}")?;
                rules.insert(line);
            }
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
