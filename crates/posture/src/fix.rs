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
use ringwall_model::finding::{Finding, Location, Problem, Severity};
use ringwall_model::fix::{Applicability, Change, Edit, Fix, PlacedEdit, PlacedFix, Value};
use ringwall_model::object::{Object, ObjectId, Rendering};
use ringwall_model::path::{FieldPath, Segment};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_pods::policy::{Level, LevelVersion, Version};

use crate::scan::{self, scan};
use crate::{evaluator, workloads};

/// More rounds than any chain of mendings has: then something mends in circles.
const ROUNDS: usize = 24;

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
    /// The workloads that change: whether they meet the restricted level now.
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
    severity: Option<Severity>,
}

/// Objects with their findings.
struct State {
    snapshot: Snapshot,
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
            seen.severity = seen.severity.max(Some(finding.severity));
        }
        let wanted = (options.wanted)(found.findings, &snapshot);
        let mut problems: HashMap<String, usize> = HashMap::new();
        for problem in found.problems {
            *problems.entry(problem.file).or_default() += 1;
        }
        Self { snapshot, findings, spots, named, wanted, problems }
    }
}

/// Mends what can be mended in the texts of `objects`. Texts that a program rendered are never edited.
pub fn fix(objects: Vec<Object>, facts: &Facts, options: Options<'_>) -> Mended {
    let mut state = State::of(objects, facts, options);
    let places: HashMap<Key, Location> =
        state.wanted.iter().map(|finding| (key(finding), finding.location.clone())).collect();
    let mut given_up: HashMap<Key, String> = HashMap::new();
    let mut files: BTreeMap<String, MendedFile> = BTreeMap::new();
    let mut touched: HashSet<(String, ObjectId)> = HashSet::new();
    for _ in 0..ROUNDS {
        let Some((next, round)) = one_round(&state, facts, options, &mut given_up) else { break };
        for (name, text, made) in round {
            let old = text_of(state.snapshot.all(), &name);
            let file = files.entry(name.clone()).or_insert_with(|| MendedFile {
                name,
                old,
                new: String::new(),
                made: Vec::new(),
            });
            for task in made {
                if task.changes.iter().any(|change| change.path().is_some()) {
                    touched.insert((file.name.clone(), task.object));
                }
                file.made.push(task.made);
            }
            file.new = text;
        }
        state = next;
    }
    let workloads = stand(&state, facts, options, &touched);
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

/// A finding that is being mended.
#[derive(Clone)]
struct Task {
    made: Made,
    /// The object that is changed, or beside which another one stands: most often that of the finding.
    object: ObjectId,
    /// The text in which that is.
    file: String,
    /// What is still to be done of the fix: what others put beside their objects in the same round is not.
    changes: Vec<Change>,
}

impl Task {
    fn key(&self) -> Key {
        key(&self.made.finding)
    }

    /// The objects that its fix asks for, be it that another one puts them there.
    fn asks_for(&self) -> impl Iterator<Item = ObjectId> {
        self.made.fix.changes.iter().filter_map(Change::beside).filter_map(Value::object_id)
    }

    /// Whether it labels a namespace.
    fn is_label(&self) -> bool {
        self.made.finding.object.kind == "Namespace"
            && self.made.fix.changes.iter().any(|change| change.path().is_some())
    }
}

/// The texts of a round: name, new text, what is mended.
type Round = Vec<(String, String, Vec<Task>)>;

/// Makes all edits that can be made at once, and judges them. What does not stand the judgement is given up, and the
/// round begins anew without it. `None` where there is nothing to do.
fn one_round(
    state: &State,
    facts: &Facts,
    options: Options<'_>,
    given_up: &mut HashMap<Key, String>,
) -> Option<(State, Round)> {
    // Those that wait for the next round: one of them, or of the others, brings about what must not be.
    let mut held: HashSet<Key> = HashSet::new();
    loop {
        let round = edit(state, options, given_up, &held);
        if round.is_empty() && held.is_empty() {
            return None;
        }
        if round.is_empty() {
            held.clear();
            continue;
        }
        let names: HashMap<&str, &str> =
            round.iter().map(|(name, text, _)| (name.as_str(), text.as_str())).collect();
        let mut objects = Vec::with_capacity(state.snapshot.all().len());
        let mut broken = BTreeSet::new();
        let mut read: HashSet<&str> = HashSet::new();
        for object in state.snapshot.all() {
            let name = object.source().name();
            let Some((name, text)) = names.get_key_value(name) else {
                objects.push(object.clone());
                continue;
            };
            if read.insert(name) {
                let again = (options.read)(name, (*text).to_owned());
                let tasks = round.iter().filter(|(text, ..)| text == name).flat_map(|(_, _, made)| made);
                if !holds_as_before(of_text(state.snapshot.all(), name), &again.objects, tasks) {
                    broken.insert((*name).to_owned());
                }
                objects.extend(again.objects);
            }
        }
        if !broken.is_empty() {
            for task in round.iter().filter(|(name, ..)| broken.contains(name)).flat_map(|(_, _, made)| made)
            {
                given_up.insert(task.key(), "the edited text could not be read as before".to_owned());
            }
            continue;
        }
        let next = State::of(objects, facts, options);
        let faults = judge(state, &next, &round);
        if faults.certain.is_empty() && faults.among.is_empty() {
            return Some((next, round));
        }
        let before = (given_up.len(), held.len());
        given_up.extend(faults.certain);
        // Half by half: what brings it about is in the half that stays, or in the one that waits.
        for group in faults.among {
            held.extend(group.into_iter().map(Task::key).filter(|key| !given_up.contains_key(key)));
        }
        if (given_up.len(), held.len()) == before {
            return None;
        }
    }
}

fn of_text<'o>(objects: &'o [Object], name: &'o str) -> impl Iterator<Item = &'o Object> {
    objects.iter().filter(move |object| object.source().name() == name)
}

/// Whether a text holds the objects that it held, in their order, and besides each that is put beside one of them.
fn holds_as_before<'o>(
    before: impl Iterator<Item = &'o Object>,
    after: &'o [Object],
    tasks: impl Iterator<Item = &'o Task>,
) -> bool {
    let new: HashSet<ObjectId> =
        tasks.flat_map(|task| &task.changes).filter_map(|change| change.beside()?.object_id()).collect();
    let (there, kept): (Vec<_>, Vec<_>) =
        after.iter().map(|object| &object.id).partition(|id| new.contains(id));
    there.len() == new.len() && kept.into_iter().eq(before.map(|object| &object.id))
}

/// The objects that a round puts beside others.
#[derive(Default)]
struct Added<'o> {
    /// What each is, and the text in which it stands.
    objects: HashMap<ObjectId, (Value, &'o str)>,
}

impl<'o> Added<'o> {
    /// Leaves of the tasks of an object those that can be made beside what is there. Those that nothing is left to be done
    /// of come back, each with the text that holds what it asks for.
    fn part(
        &self,
        snapshot: &'o Snapshot,
        tasks: &mut Vec<Task>,
        given_up: &mut HashMap<Key, String>,
    ) -> Vec<(&'o str, Task)> {
        let mut done = Vec::new();
        tasks.retain_mut(|task| {
            let (mut text, mut there, mut other, mut waits) = (None, None, None, false);
            task.changes.retain(|change| {
                let Some((new, id)) = change.beside().and_then(|new| Some((new, new.object_id()?))) else {
                    return true;
                };
                if let Some(known) = snapshot.find(&id) {
                    let same = new.is_said_by(known.root());
                    *(if same { &mut there } else { &mut other }) = Some(id);
                    return !same;
                }
                match self.objects.get(&id) {
                    Some((added, of)) if added == new => {
                        text = Some(*of);
                        false
                    }
                    // Whether it is needed still, the next round knows.
                    Some(_) => {
                        waits = true;
                        true
                    }
                    None => true,
                }
            });
            let nothing = task.changes.is_empty();
            if let Some(id) = other.or(there.filter(|_| nothing && text.is_none())) {
                given_up.insert(task.key(), format!("{id} is there already"));
                return false;
            }
            if let Some(text) = text.filter(|_| nothing) {
                done.push((text, task.clone()));
            }
            !(waits || nothing && text.is_some())
        });
        done
    }

    /// Notes what tasks put beside an object of the text `name`.
    fn note(&mut self, tasks: &[Task], name: &'o str) {
        for other in tasks.iter().flat_map(|task| &task.changes).filter_map(Change::beside) {
            if let Some(id) = other.object_id() {
                self.objects.entry(id).or_insert_with(|| (other.clone(), name));
            }
        }
    }
}

/// The edits of all texts, but those of what is given up or waits.
fn edit(
    state: &State,
    options: Options<'_>,
    given_up: &mut HashMap<Key, String>,
    held: &HashSet<Key>,
) -> Round {
    let mut by_object: BTreeMap<usize, Vec<Task>> = BTreeMap::new();
    for finding in &state.wanted {
        let Some(mending) = &finding.mending else { continue };
        let Ok(fix) = &mending.fix else { continue };
        let review = fix.applicability == Applicability::NeedsReview;
        let waits = || given_up.contains_key(&key(finding)) || held.contains(&key(finding));
        if (options.safe_only && review) || waits() {
            continue;
        }
        let Some(object) = state.snapshot.all().get(mending.object) else { continue };
        let made = Made { finding: finding.clone(), fix: fix.clone() };
        let file = object.source().name().to_owned();
        let task = Task { made, object: object.id.clone(), file, changes: fix.changes.clone() };
        by_object.entry(mending.object).or_default().push(task);
    }
    // What a namespace can enforce is known when its workloads are mended.
    if by_object.values().flatten().any(|task| !task.is_label()) {
        for tasks in by_object.values_mut() {
            tasks.retain(|task| !task.is_label());
        }
    }
    let mut by_text: BTreeMap<&str, (Vec<Vec<Edit>>, Vec<Task>)> = BTreeMap::new();
    let mut added = Added::default();
    for (index, mut tasks) in by_object {
        let Some(object) = state.snapshot.all().get(index) else { continue };
        for (name, done) in added.part(&state.snapshot, &mut tasks, given_up) {
            by_text.entry(name).or_default().1.push(done);
        }
        let (edits, made) = edits_of(object, tasks, given_up);
        if !edits.is_empty() {
            let name = object.source().name();
            added.note(&made, name);
            let (parts, all) = by_text.entry(name).or_default();
            parts.push(edits);
            all.extend(made);
        }
    }
    let mut round = Vec::new();
    for (name, (parts, made)) in by_text {
        match merge(parts) {
            Ok(edits) => {
                let text = apply(&text_of(state.snapshot.all(), name), &edits);
                round.push((name.to_owned(), text, made));
            }
            Err(conflict) => {
                given_up.extend(made.iter().map(|task| (task.key(), conflict.to_string())));
            }
        }
    }
    round
}

/// The edits of one object: of all its fixes together, or where one is refused, of those that can be made together.
fn edits_of(
    object: &Object,
    tasks: Vec<Task>,
    given_up: &mut HashMap<Key, String>,
) -> (Vec<Edit>, Vec<Task>) {
    if let Ok(edits) = edits(object, &changes_of(&tasks)) {
        return (edits, tasks);
    }
    // Those first that cannot be made whatever is beside them. Most often the others then go together.
    let (mut rest, mut refused) = (Vec::with_capacity(tasks.len()), Vec::new());
    part(object, tasks, &mut rest, &mut refused);
    given_up.extend(refused);
    if let Ok(edits) = edits(object, &changes_of(&rest)) {
        return (edits, rest);
    }
    let (mut changes, mut kept, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for task in rest {
        let before = changes.len();
        changes.extend(task.changes.iter().cloned());
        // What cannot be made beside others may be made after them, in the next round.
        match edits(object, &changes) {
            Ok(edits) => {
                kept = edits;
                made.push(task);
            }
            Err(_) => changes.truncate(before),
        }
    }
    (kept, made)
}

fn changes_of(tasks: &[Task]) -> Vec<Change> {
    tasks.iter().flat_map(|task| task.changes.iter().cloned()).collect()
}

/// Parts the fixes that can be made by themselves from those that cannot, half by half: of thousands few are refused.
fn part(object: &Object, mut tasks: Vec<Task>, fine: &mut Vec<Task>, refused: &mut Vec<(Key, String)>) {
    match edits(object, &changes_of(&tasks)) {
        Ok(_) => fine.append(&mut tasks),
        Err(refusal) if tasks.len() < 2 => {
            refused.extend(tasks.into_iter().map(|task| (task.key(), refusal.to_string())));
        }
        Err(_) => {
            let second = tasks.split_off(tasks.len() / 2);
            part(object, tasks, fine, refused);
            part(object, second, fine, refused);
        }
    }
}

/// What is wrong with a round.
#[derive(Default)]
struct Faults<'r> {
    /// Fixes after which their finding is still there, or another one is: each with the reason.
    certain: Vec<(Key, String)>,
    /// The second half of those of which one brings another finding about, and nothing tells which.
    among: Vec<Vec<&'r Task>>,
}

/// Which fixes are to blame, and whether all of them are and not one among them.
type Blame<'b> = (&'b dyn Fn(&Task) -> bool, bool);

/// What is wrong with a round: fixes after which their finding is still there, or another one is.
fn judge<'r>(before: &State, after: &State, round: &'r Round) -> Faults<'r> {
    let mut faults = Vec::new();
    let mut among = Vec::new();
    for (name, _, made) in round {
        let count = |state: &State| state.problems.get(name).copied().unwrap_or_default();
        if count(after) > count(before) {
            let reason = "the API server would not take the edited object";
            faults.extend(made.iter().map(|task| (task.key(), reason.to_owned())));
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
        // elsewhere), those of objects that make no pods; else the whole text, or the whole round. Of an object that is new, those
        // that ask for it; of what objects of a kind say of a namespace, those that put one of them there. What policies let pass is
        // for all of them together to say.
        let of_object = |task: &Task| {
            let finding = &task.made.finding;
            (finding.object == spot.object && finding.location.file == spot.file)
                || (task.object == spot.object && task.file == spot.file)
        };
        let near = |task: &Task| {
            task.made.finding.check.id == spot.check
                || task.changes.iter().filter_map(Change::path).any(|path| {
                    path.strip_prefix(&spot.path).is_some() || spot.path.strip_prefix(path).is_some()
                })
        };
        let setting = setting(&spot.path);
        let same = |task: &Task| {
            let keys = |path: &FieldPath| path.segments().iter().any(|key| Some(key) == setting);
            setting.is_some() && task.changes.iter().filter_map(Change::path).any(keys)
        };
        let new_around =
            |task: &Task| task.asks_for().any(|id| namespace_of(&id) == namespace_of(&spot.object));
        let of_ring = |task: &Task| ring(task.made.finding.check.id) == ring(spot.check);
        let of_policies = |task: &Task| ring(spot.check) == NETWORK && of_ring(task);
        // Each with whether all that it holds of are to blame, and not one of them.
        let blame: [Blame<'_>; 10] = [
            (&|task| task.asks_for().any(|id| id == spot.object), true),
            (&|task| of_object(task) && near(task), true),
            (&|task| of_object(task) && same(task), true),
            (&of_policies, false),
            (&|task| new_around(task) && of_ring(task), true),
            (&of_object, true),
            (&Task::is_label, true),
            (&new_around, true),
            (&|task| task.file == spot.file, false),
            (&|_| true, false),
        ];
        let reason = format!("it would bring about {}: {}", spot.check, seen.message);
        if let Some((is_to_blame, together)) = blame.iter().find(|(is_to_blame, _)| all().any(is_to_blame)) {
            let mut blamed: Vec<&Task> = all().filter(|task| is_to_blame(task)).collect();
            // What is worse may go though something less bad comes to light: a workload that is in the mesh at last has no policy there.
            let is_worse =
                |task: &&Task| ring(spot.check) == MESH && Some(task.made.finding.severity) > seen.severity;
            blamed.retain(|task| !is_worse(task));
            if blamed.is_empty() {
                continue;
            }
            if *together || blamed.len() == 1 {
                faults.extend(blamed.into_iter().map(|task| (task.key(), reason.clone())));
            } else {
                among.push(blamed.split_off(blamed.len().div_ceil(2)));
            }
        }
    }
    for task in all() {
        let key = task.key();
        let count = |state: &State| state.findings.get(&key).copied().unwrap_or_default();
        if count(after) >= count(before) {
            faults.push((key, "it would not go away by what its check proposes".to_owned()));
        }
    }
    Faults { certain: faults, among }
}

/// The namespace of an object; of a namespace, its own name.
fn namespace_of(id: &ObjectId) -> Option<&str> {
    if id.group.is_empty() && id.kind == "Namespace" { Some(&id.name) } else { id.namespace.as_deref() }
}

/// The ring of the mesh.
const MESH: &str = "RW-MESH";

/// The ring of network policies.
const NETWORK: &str = "RW-NET";

/// What the ids of a ring's checks begin with.
fn ring(check: &str) -> &str {
    check.rsplit_once('-').map_or(check, |(ring, _)| ring)
}

/// The setting of a `securityContext` that a path leads to: the pod's and the containers' belong together.
fn setting(path: &FieldPath) -> Option<&Segment> {
    let context = |key: &Segment| matches!(key, Segment::Key(key) if &**key == "securityContext");
    let segments = path.segments();
    segments.get(segments.iter().position(context)? + 1)
}

/// Where the workloads stand that change; `touched` are the objects that do, with the names of their texts.
fn stand(
    state: &State,
    facts: &Facts,
    options: Options<'_>,
    touched: &HashSet<(String, ObjectId)>,
) -> Vec<MendedWorkload> {
    let touched: HashSet<(&str, &ObjectId)> = touched.iter().map(|(name, id)| (name.as_str(), id)).collect();
    let snapshot = Snapshot::with_repeats(state.snapshot.all().to_vec(), facts.clone());
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
/// stands for itself: two that touch the same text cannot both be made. Of those that put the same object beside another one, the
/// first has it; one that is there already is not put there again.
pub fn place(findings: &mut [Finding], snapshot: &Snapshot) {
    let mut added: HashSet<ObjectId> = HashSet::new();
    for finding in findings {
        let Some(mending) = finding.mending.take() else { continue };
        let (Ok(fix), Some(object)) = (&mending.fix, snapshot.all().get(mending.object)) else { continue };
        let source = object.source();
        if object.rendering != Rendering::None || source.name() != finding.location.file {
            continue;
        }
        let new: Vec<ObjectId> =
            fix.changes.iter().filter_map(|change| change.beside()?.object_id()).collect();
        if new.iter().any(|id| added.contains(id) || snapshot.find(id).is_some()) {
            continue;
        }
        let Ok(edits) = edits(object, &fix.changes) else { continue };
        let edits: Vec<PlacedEdit> = edits
            .into_iter()
            .map(|edit| PlacedEdit {
                start: source.position(edit.span.start),
                end: source.position(edit.span.end),
                edit,
            })
            .collect();
        if !edits.is_empty() {
            added.extend(new);
            let (title, applicability) = (fix.title.clone(), fix.applicability);
            finding.fix = Some(Box::new(PlacedFix { title, applicability, edits }));
        }
    }
}
