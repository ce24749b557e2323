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
use ringwall_model::path::{FieldPath, Segment};
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
    /// Where it was before the edits.
    pub was: Location,
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

/// What a check says of an object: about a field, and of what there (a value, a flag, a container). An edit that changes one of
/// the two leaves the finding what it was: an image gets another name, a flag another place.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Spot {
    file: String,
    check: &'static str,
    object: ObjectId,
    path: FieldPath,
}

/// As [`Spot`], by the witness.
type Named = (String, &'static str, ObjectId, String);

impl Spot {
    fn of(finding: &Finding) -> Self {
        Self {
            file: finding.location.file.clone(),
            check: finding.check.id,
            object: finding.object.clone(),
            path: finding.path.clone(),
        }
    }

    fn named(&self, witness: &str) -> Named {
        (self.file.clone(), self.check, self.object.clone(), witness.to_owned())
    }
}

/// How often something is found.
#[derive(Default)]
struct Seen {
    count: usize,
    /// What the last finding says, and of what.
    message: String,
    witness: String,
}

/// Objects with their findings.
struct State {
    objects: Vec<Object>,
    /// How often each finding is there.
    findings: HashMap<Key, usize>,
    /// What is found at each place.
    spots: BTreeMap<Spot, Seen>,
    /// How often it is found of each witness.
    named: HashMap<Named, usize>,
    /// The findings that are to be mended.
    wanted: Vec<Finding>,
    /// How many objects of each text cannot be decoded.
    problems: HashMap<String, usize>,
}

impl State {
    fn of(objects: Vec<Object>, facts: &Facts, options: Options<'_>) -> Self {
        let snapshot = Snapshot::with_repeats(objects, facts.clone());
        let found = scan(&snapshot, scan::Options { mend: true, ..options.scan });
        let (mut findings, mut named) = (HashMap::new(), HashMap::new());
        let mut spots: BTreeMap<Spot, Seen> = BTreeMap::new();
        for finding in &found.findings {
            *findings.entry(key(finding)).or_default() += 1;
            let spot = Spot::of(finding);
            *named.entry(spot.named(&finding.witness)).or_default() += 1;
            let seen = spots.entry(spot).or_default();
            seen.count += 1;
            seen.message.clone_from(&finding.message);
            seen.witness.clone_from(&finding.witness);
        }
        let wanted = (options.wanted)(found.findings, &snapshot);
        let mut problems: HashMap<String, usize> = HashMap::new();
        for problem in found.problems {
            *problems.entry(problem.file).or_default() += 1;
        }
        Self { objects: snapshot.all().to_vec(), findings, spots, named, wanted, problems }
    }
}

/// Mends what can be mended in the texts of `objects`. Texts that a program rendered are never edited.
pub fn fix(objects: Vec<Object>, facts: &Facts, options: Options<'_>) -> Mended {
    let mut state = State::of(objects, facts, options);
    let places: HashMap<Key, Location> =
        state.wanted.iter().map(|finding| (key(finding), finding.location.clone())).collect();
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
            let was = places.get(&key(&finding)).unwrap_or(&finding.location).clone();
            Some(Left { finding, reason, was })
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
    // What a namespace can enforce is known when its workloads are mended.
    let is_label = |made: &Made| made.finding.object.kind == "Namespace";
    if by_object.values().flatten().any(|made| !is_label(made)) {
        by_object.retain(|_, fixes| !fixes.iter().any(is_label));
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
    // Those first that cannot be made whatever is beside them. Most often the others then go together.
    let (mut rest, mut refused) = (Vec::with_capacity(fixes.len()), Vec::new());
    part(object, fixes, &mut rest, &mut refused);
    given_up.extend(refused);
    let all: Vec<Change> = rest.iter().flat_map(|made| made.fix.changes.iter().cloned()).collect();
    if let Ok(edits) = edits(object, &all) {
        return (edits, rest);
    }
    let (mut changes, mut kept, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for fix in rest {
        let before = changes.len();
        changes.extend(fix.fix.changes.iter().cloned());
        // What cannot be made beside others may be made after them, in the next round.
        match edits(object, &changes) {
            Ok(edits) => {
                kept = edits;
                made.push(fix);
            }
            Err(_) => changes.truncate(before),
        }
    }
    (kept, made)
}

/// Parts the fixes that can be made by themselves from those that cannot, half by half: of thousands few are refused.
fn part(object: &Object, mut fixes: Vec<Made>, fine: &mut Vec<Made>, refused: &mut Vec<(Key, String)>) {
    let changes: Vec<Change> = fixes.iter().flat_map(|made| made.fix.changes.iter().cloned()).collect();
    match edits(object, &changes) {
        Ok(_) => fine.append(&mut fixes),
        Err(refusal) if fixes.len() < 2 => {
            refused.extend(fixes.into_iter().map(|made| (key(&made.finding), refusal.to_string())));
        }
        Err(_) => {
            let second = fixes.split_off(fixes.len() / 2);
            part(object, fixes, fine, refused);
            part(object, second, fine, refused);
        }
    }
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
    let all = || round.iter().flat_map(|(_, _, made)| made);
    for (spot, seen) in &after.spots {
        let named = spot.named(&seen.witness);
        let count = |state: &State| state.named.get(&named).copied().unwrap_or_default();
        let known = before.spots.get(spot).is_some_and(|known| known.count >= seen.count);
        if known || count(before) >= count(after) {
            continue;
        }
        // Of the fixes of that object those nearest to the place; where it has none (the label of a namespace refuses a workload
        // elsewhere), those of objects that make no pods; else the whole text, or the whole round.
        let of_object =
            |made: &Made| made.finding.object == spot.object && made.finding.location.file == spot.file;
        let near = |made: &Made| {
            made.finding.check.id == spot.check
                || made.fix.changes.iter().any(|change| {
                    change.path().strip_prefix(&spot.path).is_some()
                        || spot.path.strip_prefix(change.path()).is_some()
                })
        };
        let setting = setting(&spot.path);
        let same = |made: &Made| {
            let keys = |change: &Change| change.path().segments().iter().any(|key| Some(key) == setting);
            setting.is_some() && made.fix.changes.iter().any(keys)
        };
        let blame: [&dyn Fn(&Made) -> bool; 6] = [
            &|made| of_object(made) && near(made),
            &|made| of_object(made) && same(made),
            &of_object,
            &|made| made.finding.object.kind == "Namespace",
            &|made| made.finding.location.file == spot.file,
            &|_| true,
        ];
        let reason = format!("it would bring about {}: {}", spot.check, seen.message);
        if let Some(is_to_blame) = blame.iter().find(|is_to_blame| all().any(is_to_blame)) {
            faults.extend(
                all().filter(|made| is_to_blame(made)).map(|made| (key(&made.finding), reason.clone())),
            );
        }
    }
    for made in all() {
        let key = key(&made.finding);
        let count = |state: &State| state.findings.get(&key).copied().unwrap_or_default();
        if count(after) >= count(before) {
            faults.push((key, "it would not go away by what its check proposes".to_owned()));
        }
    }
    faults
}

/// The setting of a `securityContext` that a path leads to: the pod's and the containers' belong together.
fn setting(path: &FieldPath) -> Option<&Segment> {
    let context = |key: &Segment| matches!(key, Segment::Key(key) if &**key == "securityContext");
    let segments = path.segments();
    segments.get(segments.iter().position(context)? + 1)
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
    let snapshot = Snapshot::with_repeats(state.objects.clone(), facts.clone());
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
