//! `ringwall pods plan`: what breaks if a namespace is labelled so.

use std::io::{self, Write};

use ringwall_pods::policy::LevelVersion;
use ringwall_posture::plan::{Member, NamespacePlan};
use ringwall_posture::workloads::{self, Reading};
use ringwall_posture::{evaluator, plan};
use ringwall_report::{ASIDE, BAD, GOOD, HEADING, LocationEntry, ObjectEntry, Style, escape, object_name};
use serde::Serialize;

use super::level::{ReasonEntry, reason_entries};
use super::{configuration, counted, place};
use crate::args::PlanArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::table;
use crate::{document, input};

pub(crate) fn run(args: &PlanArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let configuration = configuration(args.config.as_deref())?;
    let mut loaded = input::load(&args.input, "pods plan --enforce restricted", screen.quiet)?;
    let mut workloads = workloads::of(&loaded.snapshot, Reading::default());
    let enforce = LevelVersion::new(args.enforce, args.enforce_version);
    let evaluator = evaluator(&loaded.snapshot.facts);
    let plans = plan(&loaded.snapshot, &workloads, &evaluator, enforce, &configuration);
    let (problems, notes) = (std::mem::take(&mut workloads.problems), std::mem::take(&mut workloads.notes));
    drop(workloads);
    loaded.add(problems, notes);
    let breaks = plans.iter().any(|plan| !plan.breaks.is_empty());
    let written = screen.answer(
        |style, out| text(&plans, enforce, style, out),
        |out| document::write("ringwall.pods-plan/v1", &entries(&plans, enforce), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    Ok(Outcome::no_if(breaks).max(loaded.outcome(false)).max(written))
}

fn text(plans: &[NamespacePlan], enforce: LevelVersion, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if plans.is_empty() {
        return writeln!(out, "No workloads");
    }
    for plan in plans {
        let name = match &plan.name {
            Some(name) => format!("Namespace {}", escape(name)),
            None => "No namespace stated".to_owned(),
        };
        write!(out, "{}", style.paint(HEADING, name))?;
        match plan.now {
            Some(now) => writeln!(out, "  {}", style.paint(ASIDE, format!("enforces {now} now")))?,
            None => writeln!(out)?,
        }
        for group in &plan.breaks {
            writeln!(out, "  {} {}", style.paint(BAD, "breaks"), group.reasons)?;
            members(&group.members, style, out)?;
        }
        for (word, look, list) in [("fine", GOOD, &plan.fine), ("exempt", ASIDE, &plan.exempt)] {
            if !list.is_empty() {
                writeln!(out, "  {}", style.paint(look, word))?;
                members(list, style, out)?;
            }
        }
        writeln!(out)?;
    }
    let count = |list: fn(&NamespacePlan) -> usize| plans.iter().map(list).sum::<usize>();
    let breaks = count(|plan| plan.breaks.iter().map(|group| group.members.len()).sum());
    let (fine, exempt) = (count(|plan| plan.fine.len()), count(|plan| plan.exempt.len()));
    let verdict = match breaks {
        0 => style.paint(GOOD, format!("{enforce} breaks nothing")),
        _ => style.paint(HEADING, format!("{enforce} breaks {}", counted(breaks))),
    };
    write!(out, "{verdict} · {fine} fine")?;
    if exempt > 0 {
        write!(out, " · {exempt} exempt")?;
    }
    writeln!(out)
}

fn members(members: &[Member], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<table::Cell>> = members
        .iter()
        .map(|member| {
            let mut name = object_name(&member.object);
            match member.replicas {
                0 => {}
                1 => name.push_str(" (and 1 pod)"),
                pods => name.push_str(&format!(" (and {pods} pods)")),
            }
            vec![(name, anstyle::Style::new()), (place(&member.location), ASIDE)]
        })
        .collect();
    table::write(&rows, 4, style, out)
}

/// The answer as JSON.
#[derive(Serialize)]
struct Entries<'a> {
    enforce: String,
    namespaces: Vec<PlanEntry<'a>>,
}

#[derive(Serialize)]
struct PlanEntry<'a> {
    /// Absent for the workloads that state none.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// What it enforces now.
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<String>,
    breaks: Vec<GroupEntry<'a>>,
    fine: Vec<MemberEntry<'a>>,
    exempt: Vec<MemberEntry<'a>>,
}

#[derive(Serialize)]
struct GroupEntry<'a> {
    reasons: &'a str,
    workloads: Vec<MemberEntry<'a>>,
}

#[derive(Serialize)]
struct MemberEntry<'a> {
    object: ObjectEntry<'a>,
    location: LocationEntry<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<ReasonEntry<'a>>,
    replicas: usize,
}

fn entries(plans: &[NamespacePlan], enforce: LevelVersion) -> Entries<'_> {
    Entries { enforce: enforce.to_string(), namespaces: plans.iter().map(namespace_entry).collect() }
}

fn namespace_entry(plan: &NamespacePlan) -> PlanEntry<'_> {
    let NamespacePlan { name, now, breaks, fine, exempt } = plan;
    PlanEntry {
        name: name.as_deref(),
        now: now.map(|now| now.to_string()),
        breaks: breaks
            .iter()
            .map(|group| GroupEntry { reasons: &group.reasons, workloads: member_entries(&group.members) })
            .collect(),
        fine: member_entries(fine),
        exempt: member_entries(exempt),
    }
}

fn member_entries(members: &[Member]) -> Vec<MemberEntry<'_>> {
    members
        .iter()
        .map(|member| MemberEntry {
            object: ObjectEntry::of(&member.object, &member.api_version),
            location: LocationEntry::of(&member.location),
            reasons: reason_entries(&member.reasons),
            replicas: member.replicas,
        })
        .collect()
}
