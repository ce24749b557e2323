//! Mending findings in the user's own text.
//!
//! ```text
//!   scan ──▶ mendings ──▶ edits of each text ──▶ read again ──▶ scan again ──▶ kept, or given up with the reason
//!     ▲                                                              │
//!     └────────────────────────── next round ◀───────────────────────┘
//! ```
//! A fix is offered only after the edited text was read and judged again: what it mends is gone, nothing else has
//! appeared, and every object is still there. Rounds go on until there is nothing left to mend, so that a second run
//! finds nothing to do. Each round costs a scan; there are few.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ringwall_edit::{apply, edits, merge};
use ringwall_model::finding::{Finding, Location, Problem};
use ringwall_model::fix::{Applicability, Change, Edit, Fix, PlacedEdit, PlacedFix};
use ringwall_model::object::{Object, ObjectId, Rendering};
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_pods::policy::{Level, LevelVersion, Version};

use crate::scan::{self, scan};
use crate::{evaluator, workloads};

/// More rounds than any chain of mendings has: then something mends in circles.
const ROUNDS: usize = 10;

/// What an edited text holds.
#[derive(Debug, Default)]
pub struct Reread {
    /// Its objects.
    pub objects: Vec<Object>,
    /// What cannot be read in it.
    pub problems: Vec<Problem>,
}

/// What is mended, and how.
#[derive(Clone, Copy)]
pub struct Options<'o> {
    /// How snapshots are scanned.
    pub scan: scan::Options<'o>,
    /// Which findings are to be mended: those of wanted checks that nobody suppresses. It gets all findings of a snapshot.
    pub wanted: &'o dyn Fn(Vec<Finding>, &Snapshot) -> Vec<Finding>,
    /// Whether only what is safe is done.
    pub safe_only: bool,
    /// Reads a text again: its name, and the text.
    pub read: &'o dyn Fn(&str, String) -> Reread,
}

/// What was mended, and what was not.
#[derive(Debug, Default)]
pub struct Mended {
    /// The texts that change, by name.
    pub files: Vec<MendedFile>,
    /// What is left, with the reason, sorted as findings are.
    pub left: Vec<Left>,
    /// The workloads in texts that change: whether they meet the restricted level now.
    pub workloads: Vec<MendedWorkload>,
}

/// A text that changes.
#[derive(Debug)]
pub struct MendedFile {
    /// Its name.
    pub name: String,
    /// The text as it was.
    pub old: String,
    /// The text as it is to be.
    pub new: String,
    /// What is mended in it.
    pub made: Vec<Made>,
}

/// A finding that is mended.
#[derive(Clone, Debug)]
pub struct Made {
    /// The finding.
    pub finding: Finding,
    /// What is done.
    pub fix: Fix,
}

/// A finding that is not mended.
#[derive(Clone, Debug)]
pub struct Left {
    /// The finding.
    pub finding: Finding,
    /// Why not, as a sentence without full stop.
    pub reason: String,
}

/// Where a workload stands after the edits.
#[derive(Clone, Debug)]
pub struct MendedWorkload {
    /// The workload.
    pub object: ObjectId,
    /// Where it begins, in the new text.
    pub location: Location,
    /// Whether its pods meet the restricted level at the cluster's version.
    pub restricted: bool,
}

/// By what a finding is known from one round to the next.
type Key = (String, String);

fn key(finding: &Finding) -> Key {
    (finding.location.file.clone(), finding.id())
}

/// How often each finding is there.
fn count(findings: &[Finding]) -> HashMap<Key, usize> {
    let mut counts = HashMap::new();
    for finding in findings {
        *counts.entry(key(finding)).or_default() += 1;
    }
    counts
}

/// A snapshot with its findings: all, and those to be mended.
struct State {
    objects: Vec<Object>,
    all: HashMap<Key, usize>,
    wanted: Vec<Finding>,
    /// How many objects of each text cannot be decoded.
    problems: HashMap<String, usize>,
}

impl State {
    fn of(objects: Vec<Object>, facts: &Facts, options: Options<'_>) -> Self {
        let snapshot = Snapshot::new(objects, facts.clone());
        let found = scan(&snapshot, scan::Options { mend: true, ..options.scan });
        let all = count(&found.findings);
        let wanted = (options.wanted)(found.findings, &snapshot);
        let mut problems: HashMap<String, usize> = HashMap::new();
        for problem in found.problems {
            *problems.entry(problem.file).or_default() += 1;
        }
        Self { objects: snapshot.all().to_vec(), all, wanted, problems }
    }
}

/// Mends what can be mended in the texts of `objects`. Texts that a program rendered are never edited.
pub fn fix(objects: Vec<Object>, facts: &Facts, options: Options<'_>) -> Mended {
    let mut state = State::of(objects, facts, options);
    let mut given_up: HashMap<Key, String> = HashMap::new();
    let mut files: BTreeMap<String, MendedFile> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let Some((next, round)) = one_round(&state, facts, options, &mut given_up) else { break };
        for (name, text, made) in round {
            let old = text_of(&state.objects, &name);
            let file = files.entry(name.clone()).or_insert_with(|| MendedFile {
                name,
                old,
                new: String::new(),
                made: Vec::new(),
            });
            file.new = text;
            file.made.extend(made);
        }
        state = next;
    }
    let workloads = stand(&state, facts, options, &files);
    let mut left: Vec<Left> = state
        .wanted
        .into_iter()
        .filter_map(|finding| {
            let reason = match &finding.mending.as_ref()?.fix {
                Err(reason) => reason.clone(),
                Ok(fix) if options.safe_only && fix.applicability == Applicability::NeedsReview => {
                    format!("it needs review: {}", fix.review)
                }
                Ok(_) => given_up
                    .get(&key(&finding))
                    .cloned()
                    .unwrap_or_else(|| "mending it did not come to an end".to_owned()),
            };
            Some(Left { finding, reason })
        })
        .collect();
    left.sort_by(|a, b| a.finding.sort_key().cmp(&b.finding.sort_key()));
    files.retain(|_, file| file.old != file.new);
    Mended { files: files.into_values().collect(), left, workloads }
}

fn text_of(objects: &[Object], name: &str) -> String {
    let object = objects.iter().find(|object| object.source().name() == name);
    object.map(|object| object.source().text().to_owned()).unwrap_or_default()
}

/// The texts of a round: name, new text, what is mended.
type Round = Vec<(String, String, Vec<Made>)>;

/// Makes all edits that can be made at once, and judges them. What does not stand the judgement is given up, and the
/// round begins anew without it. `None` where there is nothing to do.
fn one_round(
    state: &State,
    facts: &Facts,
    options: Options<'_>,
    given_up: &mut HashMap<Key, String>,
) -> Option<(State, Round)> {
    loop {
        let round = edit(state, options, given_up);
        if round.is_empty() {
            return None;
        }
        let names: HashMap<&str, &str> =
            round.iter().map(|(name, text, _)| (name.as_str(), text.as_str())).collect();
        let mut objects = Vec::with_capacity(state.objects.len());
        let mut broken = BTreeSet::new();
        let mut read: HashSet<&str> = HashSet::new();
        for object in &state.objects {
            let name = object.source().name();
            let Some((name, text)) = names.get_key_value(name) else {
                objects.push(object.clone());
                continue;
            };
            if read.insert(name) {
                let again = (options.read)(name, (*text).to_owned());
                let same = again
                    .objects
                    .iter()
                    .map(|object| &object.id)
                    .eq(of_text(&state.objects, name).map(|object| &object.id));
                if !same {
                    broken.insert((*name).to_owned());
                }
                objects.extend(again.objects);
            }
        }
        if !broken.is_empty() {
            for made in round.iter().filter(|(name, ..)| broken.contains(name)).flat_map(|(_, _, made)| made)
            {
                given_up.insert(key(&made.finding), "the edited text could not be read as before".to_owned());
            }
            continue;
        }
        let next = State::of(objects, facts, options);
        let faults = judge(state, &next, &round);
        if faults.is_empty() {
            return Some((next, round));
        }
        let before = given_up.len();
        given_up.extend(faults);
        if given_up.len() == before {
            return None;
        }
    }
}

fn of_text<'o>(objects: &'o [Object], name: &'o str) -> impl Iterator<Item = &'o Object> {
    objects.iter().filter(move |object| object.source().name() == name)
}

/// The edits of all texts.
fn edit(state: &State, options: Options<'_>, given_up: &mut HashMap<Key, String>) -> Round {
    let mut by_object: BTreeMap<usize, Vec<Made>> = BTreeMap::new();
    for finding in &state.wanted {
        let Some(mending) = &finding.mending else { continue };
        let Ok(fix) = &mending.fix else { continue };
        let review = fix.applicability == Applicability::NeedsReview;
        if (options.safe_only && review) || given_up.contains_key(&key(finding)) {
            continue;
        }
        let made = Made { finding: finding.clone(), fix: fix.clone() };
        by_object.entry(mending.object).or_default().push(made);
    }
    let mut by_text: BTreeMap<&str, (Vec<Vec<Edit>>, Vec<Made>)> = BTreeMap::new();
    for (index, fixes) in by_object {
        let Some(object) = state.objects.get(index) else { continue };
        let (edits, made) = edits_of(object, fixes, given_up);
        if !edits.is_empty() {
            let (parts, all) = by_text.entry(object.source().name()).or_default();
            parts.push(edits);
            all.extend(made);
        }
    }
    let mut round = Vec::new();
    for (name, (parts, made)) in by_text {
        match merge(parts) {
            Ok(edits) => {
                let text = apply(&text_of(&state.objects, name), &edits);
                round.push((name.to_owned(), text, made));
            }
            Err(conflict) => {
                for made in made {
                    given_up.insert(key(&made.finding), conflict.to_string());
                }
            }
        }
    }
    round
}

/// The edits of one object: of all its fixes together, or where one is refused, of those that can be made together.
fn edits_of(
    object: &Object,
    fixes: Vec<Made>,
    given_up: &mut HashMap<Key, String>,
) -> (Vec<Edit>, Vec<Made>) {
    let all: Vec<Change> = fixes.iter().flat_map(|made| made.fix.changes.iter().cloned()).collect();
    if let Ok(edits) = edits(object, &all) {
        return (edits, fixes);
    }
    let (mut changes, mut kept, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for fix in fixes {
        let before = changes.len();
        changes.extend(fix.fix.changes.iter().cloned());
        match edits(object, &changes) {
            Ok(edits) => {
                kept = edits;
                made.push(fix);
            }
            Err(refusal) => {
                changes.truncate(before);
                given_up.insert(key(&fix.finding), refusal.to_string());
            }
        }
    }
    (kept, made)
}

/// What is wrong with a round: fixes after which their finding is still there, or another one is.
fn judge(before: &State, after: &State, round: &Round) -> Vec<(Key, String)> {
    let mut faults = Vec::new();
    for (name, _, made) in round {
        let count = |state: &State| state.problems.get(name).copied().unwrap_or_default();
        if count(after) > count(before) {
            let reason = "the API server would not take the edited object";
            faults.extend(made.iter().map(|made| (key(&made.finding), reason.to_owned())));
        }
    }
    let appeared: Vec<&Key> = after
        .all
        .iter()
        .filter(|(key, count)| before.all.get(*key).copied().unwrap_or_default() < **count)
        .map(|(key, _)| key)
        .collect();
    let all = || round.iter().flat_map(|(_, _, made)| made);
    for found in appeared {
        // The fixes of the same object are to blame; where there are none (a namespace's label refuses a workload elsewhere), those
        // of all objects that make no pods; else the whole text, or the whole round.
        let finding = after.wanted.iter().find(|finding| key(finding) == *found);
        let why = || match finding {
            Some(finding) => format!("it would bring about {} ({})", finding.check.id, finding.message),
            None => "it would bring about another finding".to_owned(),
        };
        let blame: [&dyn Fn(&Made) -> bool; 4] = [
            &|made| finding.is_some_and(|finding| finding.object == made.finding.object),
            &|made| made.finding.object.kind == "Namespace",
            &|made| made.finding.location.file == found.0,
            &|_| true,
        ];
        if let Some(is_to_blame) = blame.iter().find(|is_to_blame| all().any(|made| is_to_blame(made))) {
            faults.extend(all().filter(|made| is_to_blame(made)).map(|made| (key(&made.finding), why())));
        }
    }
    for made in all() {
        let key = key(&made.finding);
        let count = |state: &State| state.all.get(&key).copied().unwrap_or_default();
        if count(after) >= count(before) {
            faults.push((key, "it would not go away by what its check proposes".to_owned()));
        }
    }
    faults
}

/// Where the workloads stand whose texts change.
fn stand(
    state: &State,
    facts: &Facts,
    options: Options<'_>,
    files: &BTreeMap<String, MendedFile>,
) -> Vec<MendedWorkload> {
    let touched: HashSet<(&str, &ObjectId)> = files
        .values()
        .flat_map(|file| file.made.iter().map(|made| (file.name.as_str(), &made.finding.object)))
        .collect();
    let snapshot = Snapshot::new(state.objects.clone(), facts.clone());
    let workloads = workloads::of(&snapshot, options.scan.reading);
    let evaluator = evaluator(facts);
    let restricted = LevelVersion::new(Level::Restricted, Version::Latest);
    let members = workloads.families.iter().flat_map(|family| &family.members);
    let mut standing: Vec<MendedWorkload> = members
        .filter(|member| touched.contains(&(member.object.source().name(), &member.object.id)))
        .filter(|member| !member.is_partial())
        .map(|member| MendedWorkload {
            object: member.object.id.clone(),
            location: Location::of(member.object, &FieldPath::root()),
            restricted: evaluator.allows(restricted, &member.template),
        })
        .collect();
    standing.sort_by(|a, b| (&a.location, &a.object).cmp(&(&b.location, &b.object)));
    standing
}

/// Gives each finding that can be mended its fix as edits of the text in which it is located, for formats that hand it on. Each
/// stands for itself: two that touch the same text cannot both be made.
pub fn place(findings: &mut [Finding], snapshot: &Snapshot) {
    for finding in findings {
        let Some(mending) = finding.mending.take() else { continue };
        let (Ok(fix), Some(object)) = (&mending.fix, snapshot.all().get(mending.object)) else { continue };
        if object.rendering != Rendering::None {
            continue;
        }
        let Ok(edits) = edits(object, &fix.changes) else { continue };
        let source = object.source();
        let edits: Vec<PlacedEdit> = edits
            .into_iter()
            .map(|edit| PlacedEdit {
                start: source.position(edit.span.start),
                end: source.position(edit.span.end),
                edit,
            })
            .collect();
        if !edits.is_empty() {
            let (title, applicability) = (fix.title.clone(), fix.applicability);
            finding.fix = Some(Box::new(PlacedFix { title, applicability, edits }));
        }
    }
}
