//! `ringwall pods check`: the API server's own verdict and words for each workload.

use std::io::{self, Write};

use anstyle::Style as Look;
use ringwall_model::finding::{Evidence, Verdict};
use ringwall_pods::policy::LevelVersion;
use ringwall_posture::check::{Answer, Question};
use ringwall_posture::workloads::{self, Reading};
use ringwall_posture::{check, evaluator};
use ringwall_report::{
    ASIDE, BAD, DOUBT, GOOD, HEADING, LocationEntry, ObjectEntry, Style, escape, object_name,
};
use serde::Serialize;

use super::{configuration, counted, place};
use crate::args::CheckArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::{document, input};

pub(crate) fn run(args: &CheckArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let configuration = configuration(args.config.as_deref())?;
    let mut loaded = input::load(&args.input, "pods check", screen.quiet)?;
    let evaluator = evaluator(&loaded.snapshot.facts);
    let mut workloads =
        workloads::of(&loaded.snapshot, Reading { defaulting: !args.raw, ..Reading::default() });
    let level = args.level.map(|level| LevelVersion::new(level, args.version));
    let question = Question { level, configuration: &configuration };
    let answers = check(&loaded.snapshot, &workloads, &evaluator, question);
    let (problems, notes) = (std::mem::take(&mut workloads.problems), std::mem::take(&mut workloads.notes));
    drop(workloads);
    loaded.add(problems, notes);
    let count = |verdict| answers.iter().filter(|answer| answer.verdict == verdict).count();
    let written = screen.answer(
        |style, out| text(&answers, style, out),
        |out| document::write("ringwall.pods-check/v1", &entries(&answers), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let refused = Outcome::no_if(count(Verdict::No) > 0);
    Ok(refused.max(loaded.outcome(count(Verdict::CannotTell) > 0)).max(written))
}

const fn word(verdict: Verdict) -> (&'static str, Look) {
    match verdict {
        Verdict::Yes => ("allowed", GOOD),
        Verdict::No => ("forbidden", BAD),
        Verdict::CannotTell => ("unknown", DOUBT),
    }
}

fn text(answers: &[Answer], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if answers.is_empty() {
        return writeln!(out, "No workloads");
    }
    for answer in answers {
        let (word, look) = word(answer.verdict);
        let object = style.paint(HEADING, object_name(&answer.object));
        let from = style.paint(ASIDE, place(&answer.location));
        write!(out, "{}{:pad$}  {object}  {from}", style.paint(look, word), "", pad = 9 - word.len())?;
        if let Some(owner) = &answer.owner {
            write!(out, "  made by {}", object_name(owner))?;
        }
        match (answer.exempt, answer.policy) {
            (Some(why), _) => write!(out, "  exempt by its {why}")?,
            (None, Some(policy)) if answer.verdict == Verdict::Yes => write!(out, "  {policy}")?,
            _ => {}
        }
        match answer.replicas {
            0 => {}
            1 => write!(out, "  (and 1 pod of it)")?,
            pods => write!(out, "  (and {pods} pods of it)")?,
        }
        writeln!(out)?;
        if !answer.message.is_empty() {
            writeln!(out, "  {}", escape(&answer.message))?;
        }
        for Evidence { location, note, path, .. } in &answer.evidence {
            let path = path.to_string();
            writeln!(out, "  {}: {}  {}", place(location), escape(note), style.paint(ASIDE, escape(&path)))?;
        }
    }
    writeln!(out)?;
    let mut parts = vec![counted(answers.len())];
    for verdict in [Verdict::No, Verdict::CannotTell, Verdict::Yes] {
        let count = answers.iter().filter(|answer| answer.verdict == verdict).count();
        let (word, look) = word(verdict);
        if count > 0 {
            parts.push(style.paint(look, format!("{count} {word}")).to_string());
        }
    }
    writeln!(out, "{}", parts.join(" · "))
}

/// The answer as JSON.
#[derive(Serialize)]
struct Entries<'a> {
    workloads: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    object: ObjectEntry<'a>,
    location: LocationEntry<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_by: Option<String>,
    /// `allowed`, `forbidden` or `unknown`.
    verdict: &'static str,
    /// Level and version that it was judged at.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// What the configuration exempts it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt: Option<&'static str>,
    /// The API server's words, or what is missing.
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
    evidence: Vec<EvidenceEntry<'a>>,
    replicas: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EvidenceEntry<'a> {
    /// The reference's id of the check.
    rule: &'a str,
    path: String,
    location: LocationEntry<'a>,
    note: &'a str,
}

fn entries(answers: &[Answer]) -> Entries<'_> {
    Entries { workloads: answers.iter().map(entry).collect() }
}

fn entry(answer: &Answer) -> Entry<'_> {
    let Answer { object, api_version, location, owner, verdict, policy, exempt, message, evidence, replicas } =
        answer;
    Entry {
        object: ObjectEntry::of(object, api_version),
        location: LocationEntry::of(location),
        made_by: owner.as_ref().map(ToString::to_string),
        verdict: word(*verdict).0,
        policy: policy.map(|policy| policy.to_string()),
        exempt: *exempt,
        message,
        evidence: evidence.iter().map(of_evidence).collect(),
        replicas: *replicas,
    }
}

fn of_evidence(evidence: &Evidence) -> EvidenceEntry<'_> {
    let Evidence { rule, path, location, note } = evidence;
    EvidenceEntry { rule, path: path.to_string(), location: LocationEntry::of(location), note }
}
