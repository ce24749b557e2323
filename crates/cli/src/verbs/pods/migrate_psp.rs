//! `ringwall pods migrate-psp`: what takes the place of PodSecurityPolicies.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use anstyle::Style as Look;
use ringwall_model::finding::Location;
use ringwall_model::selector::is_dns_label;
use ringwall_pods::policy::{
    AUDIT, AUDIT_VERSION, ENFORCE, ENFORCE_VERSION, Level, Version, WARN, WARN_VERSION,
};
use ringwall_posture::grants::Holder;
use ringwall_posture::migrate::{
    Advice, Doubt, HeldBack, Losses, Migration, NamespacePlan, PolicyPlan, Refused, Write as FieldWrite,
    Writes,
};
use ringwall_posture::workloads::{self, Reading};
use ringwall_posture::{evaluator, migrate};
use ringwall_report::{
    ASIDE, BAD, DOUBT, GOOD, HEADING, LocationEntry, ObjectEntry, Style, escape, object_name,
};
use serde::Serialize;

use super::level::{ReasonEntry, reason_entries};
use super::{counted, look, place};
use crate::args::MigratePspArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::table::{self, Cell};
use crate::{document, input};

pub(crate) fn run(args: &MigratePspArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let mut loaded = input::load(&args.input, "pods migrate-psp", screen.quiet)?;
    let mut workloads = workloads::of(&loaded.snapshot, Reading::default());
    let evaluator = evaluator(&loaded.snapshot.facts);
    let mut migration = migrate(&loaded.snapshot, &workloads, &evaluator, args.version);
    let (mut problems, notes) =
        (std::mem::take(&mut workloads.problems), std::mem::take(&mut workloads.notes));
    drop(workloads);
    problems.append(&mut migration.problems);
    loaded.add(problems, notes);
    let written = screen.answer(
        |style, out| text(&migration, args.version, style, out),
        |out| {
            document::write("ringwall.pods-migrate-psp/v1", &entries(&migration, args.version), &loaded, out)
        },
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let lost = Outcome::no_if(migration.is_lost());
    Ok(lost.max(loaded.outcome(migration.is_doubtful())).max(written))
}

fn text(migration: &Migration, version: Version, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if migration.policies.is_empty() && migration.namespaces.is_empty() && migration.unknown.is_empty() {
        return writeln!(out, "No PodSecurityPolicies");
    }
    for policy in &migration.policies {
        policy_text(policy, style, out)?;
    }
    for namespace in &migration.namespaces {
        namespace_text(namespace, version, style, out)?;
    }
    for losses in &migration.losses {
        losses_text(losses, style, out)?;
    }
    if !migration.unknown.is_empty() {
        writeln!(out, "{}", style.paint(HEADING, "Cannot be told"))?;
        doubts(&migration.unknown, style, out)?;
        writeln!(out)?;
    }
    summary(migration, style, out)
}

fn summary(migration: &Migration, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let many =
        |count: usize, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    let policies = many(migration.policies.len(), "policy", "policies");
    let namespaces = many(migration.namespaces.len(), "namespace", "namespaces");
    write!(out, "{policies} · {namespaces}")?;
    let untold = migration.namespaces.iter().filter(|namespace| namespace.advice.is_none()).count();
    let (writes, lost) = (migration.writes(), migration.lost());
    if untold > 0 {
        write!(out, " · {}", style.paint(DOUBT, format!("{untold} without a level that can be told")))?;
    }
    if writes > 0 {
        let verb = if writes == 1 { "relies" } else { "rely" };
        write!(out, " · {}", style.paint(DOUBT, format!("{} {verb} on a mutation", counted(writes))))?;
    }
    if lost > 0 {
        let what = many(lost, "demand", "demands");
        write!(out, " · {}", style.paint(DOUBT, format!("{what} not covered")))?;
    }
    if migration.is_lost() || migration.is_doubtful() {
        return writeln!(out);
    }
    writeln!(out, " · {}", style.paint(GOOD, "all covered"))
}

fn cell(text: impl AsRef<str>, look: Look) -> Cell {
    (escape(text.as_ref()).into_owned(), look)
}

/// A name and where it is, as a heading.
fn heading(name: &str, location: Option<&Location>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}", style.paint(HEADING, name))?;
    match location {
        Some(location) => writeln!(out, "  {}", style.paint(ASIDE, place(location))),
        None => writeln!(out),
    }
}

fn policy_text(policy: &PolicyPlan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    heading(&object_name(&policy.object), Some(&policy.location), style, out)?;
    let mut implies = format!("  implies {}", style.paint(look(policy.meant), policy.meant));
    if policy.level < policy.meant {
        implies.push_str(", but for what it leaves open");
    }
    writeln!(out, "{implies}")?;
    match policy.granted.len() {
        0 => writeln!(out, "  {}", style.paint(DOUBT, "granted to nobody in the input"))?,
        _ => {
            let granted: Vec<_> = policy.granted.iter().map(|holder| escape(holder)).collect();
            writeln!(out, "  granted to {}", granted.join(", "))?;
        }
    }
    let mut rows = Vec::new();
    // What keeps the next level from containing it; the rest makes no difference while this stands.
    let open = policy.level < policy.meant;
    for wide in policy.wide.iter().filter(|wide| if wide.open { open } else { wide.level == policy.meant }) {
        let word = if wide.open { "open" } else { wide.level.word() };
        let looks = if wide.open { DOUBT } else { look(wide.level) };
        rows.push(vec![
            cell(word, looks),
            cell(place(&wide.location), ASIDE),
            cell(wide.field, Look::new()),
            cell(&wide.why, Look::new()),
        ]);
    }
    for mutation in &policy.mutations {
        rows.push(vec![
            cell("writes", Look::new()),
            cell(place(&mutation.location), ASIDE),
            cell(mutation.field, Look::new()),
            cell(&mutation.sets, Look::new()),
        ]);
    }
    table::write(&rows, 2, style, out)?;
    writeln!(out)
}

fn namespace_name(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("Namespace {}", escape(name)),
        None => "No namespace stated".to_owned(),
    }
}

fn namespace_text(
    namespace: &NamespacePlan,
    version: Version,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    heading(&namespace_name(namespace.name.as_deref()), namespace.location.as_ref(), style, out)?;
    match &namespace.widest {
        Some((policy, level)) if namespace.policies.len() > 1 => {
            let names: Vec<_> = namespace.policies.keys().map(|name| escape(name)).collect();
            let level = style.paint(look(*level), level);
            writeln!(
                out,
                "  policies   {}; the widest, {}, permits {level}",
                names.join(", "),
                escape(policy)
            )?;
        }
        Some((policy, level)) => {
            writeln!(out, "  policies   {} permits {}", escape(policy), style.paint(look(*level), level))?;
        }
        None => writeln!(out, "  policies   none is known to be granted there")?,
    }
    let mut makers: BTreeMap<Vec<String>, Vec<&str>> = BTreeMap::new();
    for (policy, holders) in &namespace.makers {
        makers.entry(holders.iter().map(ToString::to_string).collect()).or_default().push(policy);
    }
    for (holders, policies) in makers {
        let (holders, policies) = (holders.join(", "), policies.join(", "));
        let text = format!("not counted: {policies}, for pods that {holders} may make");
        writeln!(out, "             {}", style.paint(ASIDE, escape(&text)))?;
    }
    match (namespace.can_take, namespace.could_take) {
        (Some(can), could) => {
            write!(
                out,
                "  workloads  {} can take {}",
                counted(namespace.workloads),
                style.paint(look(can), can)
            )?;
            match could.filter(|could| *could > can) {
                Some(could) => writeln!(out, ", with all written {}", style.paint(look(could), could))?,
                None => writeln!(out)?,
            }
        }
        (None, _) => writeln!(out, "  workloads  none in the input")?,
    }
    if let Some(advice) = &namespace.advice {
        advice_text(namespace, advice, version, style, out)?;
    } else {
        writeln!(out, "  {}", style.paint(DOUBT, "which level fits cannot be told"))?;
    }
    doubts(&namespace.doubts, style, out)?;
    for writes in &namespace.writes {
        writes_text(writes, style, out)?;
    }
    for refused in &namespace.refused {
        write!(out, "  {} {}", style.paint(BAD, "refused by every policy:"), object_name(&refused.object))?;
        write!(out, "  {}", style.paint(ASIDE, place(&refused.location)))?;
        match &refused.nearest {
            Some((policy, fields)) => {
                let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
                writeln!(out, "  {} refuses {}", escape(policy), escape(&fields.join(", ")))?;
            }
            None => writeln!(out, "  it may use none")?,
        }
    }
    for held in &namespace.held_back {
        let reasons: Vec<_> = held.obstacle.reasons.iter().map(|reason| reason.reason).collect();
        let name = object_name(&held.object);
        write!(out, "  stops {} {name}  ", style.paint(look(held.obstacle.level), held.obstacle.level))?;
        writeln!(out, "{}  {}", style.paint(ASIDE, place(&held.location)), reasons.join(", "))?;
    }
    writeln!(out)
}

fn advice_text(
    namespace: &NamespacePlan,
    advice: &Advice,
    version: Version,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let enforce = style.paint(look(advice.enforce), advice.enforce);
    writeln!(out, "  enforce    {enforce}: {}", escape(&advice.reason))?;
    let labels = labels(advice, version);
    // A name that is none is not put into a line that is meant for a shell.
    match namespace.name.as_deref().filter(|name| is_dns_label(name)) {
        Some(name) => {
            writeln!(out, "    kubectl label --overwrite namespace {name} \\")?;
            // A level and its version stand on one line.
            let pairs: Vec<_> = labels.chunks(2).collect();
            for (index, pair) in pairs.iter().enumerate() {
                let words: Vec<_> = pair.iter().map(|(key, value)| format!("{key}={value}")).collect();
                let end = if index + 1 == pairs.len() { "" } else { " \\" };
                writeln!(out, "      {}{end}", words.join(" "))?;
            }
            Ok(())
        }
        None => labels.iter().try_for_each(|(key, value)| writeln!(out, "    {key}: {value}")),
    }
}

fn labels(advice: &Advice, version: Version) -> [(&'static str, String); 6] {
    [
        (ENFORCE, advice.enforce.to_string()),
        (ENFORCE_VERSION, version.to_string()),
        (WARN, advice.reach.to_string()),
        (WARN_VERSION, version.to_string()),
        (AUDIT, advice.reach.to_string()),
        (AUDIT_VERSION, version.to_string()),
    ]
}

fn writes_text(writes: &Writes, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let name = object_name(&writes.object);
    let from = style.paint(ASIDE, place(&writes.location));
    writeln!(out, "  write into {name}  {from}  what {} writes today", escape(&writes.policy))?;
    let rows: Vec<Vec<Cell>> = writes
        .fields
        .iter()
        .map(|write| {
            vec![
                cell(format!("{}: {}", written_path(write), write.value), Look::new()),
                cell(
                    format!(
                        "{}{}",
                        write.source,
                        if write.standard { "; restricted asks for it too" } else { "" }
                    ),
                    ASIDE,
                ),
            ]
        })
        .collect();
    table::write(&rows, 4, style, out)
}

/// The path of a field, or of the same field in several containers.
fn written_path(write: &FieldWrite) -> String {
    match write.paths.as_slice() {
        [one] => one.to_string(),
        more => format!("{} of {} containers", write.field, more.len()),
    }
}

fn losses_text(losses: &Losses, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<_> = losses
        .namespaces
        .iter()
        .map(|name| name.as_deref().map_or_else(|| "(none stated)".into(), escape))
        .collect();
    let level = style.paint(look(losses.level), losses.level);
    let title = style.paint(HEADING, format!("Not covered of PodSecurityPolicy {}", escape(&losses.policy)));
    writeln!(out, "{title}  at {level}, in {}", names.join(", "))?;
    for level in [Level::Baseline, Level::Restricted] {
        let kept: Vec<_> =
            losses.lost.iter().filter(|lost| lost.kept_at == Some(level)).map(|lost| lost.field).collect();
        if !kept.is_empty() {
            writeln!(out, "  {} would keep {}", style.paint(look(level), level), kept.join(", "))?;
        }
    }
    let never = losses.lost.iter().filter(|lost| lost.kept_at.is_none());
    let rows: Vec<Vec<Cell>> = never
        .map(|lost| {
            vec![
                cell(place(&lost.location), ASIDE),
                cell(lost.field, Look::new()),
                cell(&lost.what, Look::new()),
                cell(format!("kept by {}", lost.keep), ASIDE),
            ]
        })
        .collect();
    table::write(&rows, 2, style, out)?;
    writeln!(out)
}

fn doubts(doubts: &[Doubt], style: Style, out: &mut dyn Write) -> io::Result<()> {
    for doubt in doubts {
        write!(out, "  {}", style.paint(DOUBT, escape(&doubt.message)))?;
        match &doubt.location {
            Some(location) => writeln!(out, "  {}", style.paint(ASIDE, place(location)))?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

/// The answer as JSON.
#[derive(Serialize)]
struct Entries<'a> {
    version: String,
    policies: Vec<PolicyEntry<'a>>,
    namespaces: Vec<NamespaceEntry<'a>>,
    /// What no level covers that is advised to be enforced.
    losses: Vec<LossesEntry<'a>>,
    /// What the input lacks.
    unknown: Vec<DoubtEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyEntry<'a> {
    object: ObjectEntry<'a>,
    location: LocationEntry<'a>,
    /// The tightest level that contains all it permits.
    level: &'static str,
    /// The same but for what it leaves open about SELinux and AppArmor.
    meant: &'static str,
    granted: &'a BTreeSet<String>,
    wide: Vec<WideEntry<'a>>,
    mutations: Vec<MutationEntry<'a>>,
}

#[derive(Serialize)]
struct WideEntry<'a> {
    field: &'static str,
    location: LocationEntry<'a>,
    level: &'static str,
    why: &'a str,
    open: bool,
}

#[derive(Serialize)]
struct MutationEntry<'a> {
    field: &'static str,
    location: LocationEntry<'a>,
    writes: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NamespaceEntry<'a> {
    /// Absent for the workloads that state none.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationEntry<'a>>,
    /// The policies that its pods may use, each with whom it is granted to.
    policies: BTreeMap<&'a str, Vec<String>>,
    /// The policies of who makes pods there by a grant for the whole cluster; not counted.
    makers: BTreeMap<&'a str, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    widest: Option<&'a str>,
    /// The level that the widest permits.
    #[serde(skip_serializing_if = "Option::is_none")]
    permits: Option<&'static str>,
    workloads: usize,
    /// What all its workloads can take as they are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    can_take: Option<&'static str>,
    /// What they could take with all written that policies write today.
    #[serde(skip_serializing_if = "Option::is_none")]
    could_take: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<AdviceEntry<'a>>,
    writes: Vec<WritesEntry<'a>>,
    refused: Vec<RefusedEntry<'a>>,
    held_back: Vec<HeldBackEntry<'a>>,
    doubts: Vec<DoubtEntry<'a>>,
}

#[derive(Serialize)]
struct AdviceEntry<'a> {
    enforce: &'static str,
    reach: &'static str,
    reason: &'a str,
    labels: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct WritesEntry<'a> {
    object: ObjectEntry<'a>,
    location: LocationEntry<'a>,
    policy: &'a str,
    fields: Vec<WriteEntry<'a>>,
}

#[derive(Serialize)]
struct WriteEntry<'a> {
    paths: Vec<String>,
    value: &'a str,
    source: &'static str,
    standard: bool,
}

#[derive(Serialize)]
struct RefusedEntry<'a> {
    object: ObjectEntry<'a>,
    location: LocationEntry<'a>,
    /// The policy that comes nearest; absent where none may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    fields: Vec<String>,
}

#[derive(Serialize)]
struct HeldBackEntry<'a> {
    object: ObjectEntry<'a>,
    location: LocationEntry<'a>,
    level: &'static str,
    reasons: Vec<ReasonEntry<'a>>,
}

#[derive(Serialize)]
struct LossesEntry<'a> {
    policy: &'a str,
    level: &'static str,
    /// `null` stands for the workloads that state none.
    namespaces: Vec<Option<&'a str>>,
    lost: Vec<LostEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LostEntry<'a> {
    field: &'static str,
    location: LocationEntry<'a>,
    what: &'a str,
    /// The loosest level above that keeps it; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_at: Option<&'static str>,
    /// What else keeps it.
    keep: &'static str,
}

#[derive(Serialize)]
struct DoubtEntry<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationEntry<'a>>,
}

fn entries(migration: &Migration, version: Version) -> Entries<'_> {
    Entries {
        version: version.to_string(),
        policies: migration.policies.iter().map(policy_entry).collect(),
        namespaces: migration
            .namespaces
            .iter()
            .map(|namespace| namespace_entry(namespace, version))
            .collect(),
        losses: migration.losses.iter().map(losses_entry).collect(),
        unknown: migration.unknown.iter().map(doubt_entry).collect(),
    }
}

fn policy_entry(policy: &PolicyPlan) -> PolicyEntry<'_> {
    PolicyEntry {
        object: ObjectEntry::of(&policy.object, &policy.api_version),
        location: LocationEntry::of(&policy.location),
        level: policy.level.word(),
        meant: policy.meant.word(),
        granted: &policy.granted,
        wide: policy
            .wide
            .iter()
            .map(|wide| WideEntry {
                field: wide.field,
                location: LocationEntry::of(&wide.location),
                level: wide.level.word(),
                why: &wide.why,
                open: wide.open,
            })
            .collect(),
        mutations: policy
            .mutations
            .iter()
            .map(|mutation| MutationEntry {
                field: mutation.field,
                location: LocationEntry::of(&mutation.location),
                writes: &mutation.sets,
            })
            .collect(),
    }
}

fn holders(policies: &BTreeMap<String, BTreeSet<Holder>>) -> BTreeMap<&str, Vec<String>> {
    let shown = |holders: &BTreeSet<Holder>| holders.iter().map(ToString::to_string).collect();
    policies.iter().map(|(policy, holders)| (policy.as_str(), shown(holders))).collect()
}

fn namespace_entry(namespace: &NamespacePlan, version: Version) -> NamespaceEntry<'_> {
    NamespaceEntry {
        name: namespace.name.as_deref(),
        location: namespace.location.as_ref().map(LocationEntry::of),
        policies: holders(&namespace.policies),
        makers: holders(&namespace.makers),
        widest: namespace.widest.as_ref().map(|(policy, _)| policy.as_str()),
        permits: namespace.widest.as_ref().map(|(_, level)| level.word()),
        workloads: namespace.workloads,
        can_take: namespace.can_take.map(Level::word),
        could_take: namespace.could_take.map(Level::word),
        advice: namespace.advice.as_ref().map(|advice| AdviceEntry {
            enforce: advice.enforce.word(),
            reach: advice.reach.word(),
            reason: &advice.reason,
            labels: labels(advice, version).into_iter().collect(),
        }),
        writes: namespace.writes.iter().map(writes_entry).collect(),
        refused: namespace.refused.iter().map(refused_entry).collect(),
        held_back: namespace.held_back.iter().map(held_back_entry).collect(),
        doubts: namespace.doubts.iter().map(doubt_entry).collect(),
    }
}

fn writes_entry(writes: &Writes) -> WritesEntry<'_> {
    WritesEntry {
        object: ObjectEntry::of(&writes.object, &writes.api_version),
        location: LocationEntry::of(&writes.location),
        policy: &writes.policy,
        fields: writes
            .fields
            .iter()
            .map(|write| WriteEntry {
                paths: write.paths.iter().map(ToString::to_string).collect(),
                value: &write.value,
                source: write.source,
                standard: write.standard,
            })
            .collect(),
    }
}

fn refused_entry(refused: &Refused) -> RefusedEntry<'_> {
    let nearest = refused.nearest.as_ref();
    RefusedEntry {
        object: ObjectEntry::of(&refused.object, &refused.api_version),
        location: LocationEntry::of(&refused.location),
        policy: nearest.map(|(policy, _)| policy.as_str()),
        fields: nearest.iter().flat_map(|(_, fields)| fields).map(ToString::to_string).collect(),
    }
}

fn held_back_entry(held: &HeldBack) -> HeldBackEntry<'_> {
    HeldBackEntry {
        object: ObjectEntry::of(&held.object, &held.api_version),
        location: LocationEntry::of(&held.location),
        level: held.obstacle.level.word(),
        reasons: reason_entries(&held.obstacle.reasons),
    }
}

fn losses_entry(losses: &Losses) -> LossesEntry<'_> {
    LossesEntry {
        policy: &losses.policy,
        level: losses.level.word(),
        namespaces: losses.namespaces.iter().map(Option::as_deref).collect(),
        lost: losses
            .lost
            .iter()
            .map(|lost| LostEntry {
                field: lost.field,
                location: LocationEntry::of(&lost.location),
                what: &lost.what,
                kept_at: lost.kept_at.map(Level::word),
                keep: lost.keep,
            })
            .collect(),
    }
}

fn doubt_entry(doubt: &Doubt) -> DoubtEntry<'_> {
    DoubtEntry { message: &doubt.message, location: doubt.location.as_ref().map(LocationEntry::of) }
}
