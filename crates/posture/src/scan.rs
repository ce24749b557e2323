//! What is wrong: the findings of all rings.
//!
//! A finding is reported once, on the object that a user edits: what a Deployment's template has is not said
//! again of its ReplicaSets and Pods, only counted; what only a Pod has (a sidecar that was injected) is said of the
//! Deployment and located in the Pod. Costs each workload's checks twice (baseline and restricted), in parallel.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use ringwall_model::check::Check;
use ringwall_model::finding::{Finding, Location, Mending, Note, Problem, Severity};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::version::Minor;
use ringwall_pods::checks::{StandardCheck, container_of, witness};
use ringwall_pods::defaulting;
use ringwall_pods::evaluate::{Evaluator, Failures};
use ringwall_pods::evidence::{Offence, Value};
use ringwall_pods::hardening::model::Pod;
use ringwall_pods::hardening::{self, At, Flaw, HardeningCheck, Settings, Subject};
use ringwall_pods::model::{ContainerList, Place};
use ringwall_pods::namespace::{self, invalid_label, policy_of, refused};
use ringwall_pods::policy::{Level, LevelVersion, Policy, Version};
use ringwall_pods::psp::is_policy;

use crate::control_plane;
use crate::evaluator;
use crate::found::{finding, number_twins, sort};
use crate::mend;
use crate::mesh;
use crate::network::lint;
use crate::rbac::lint::Lint;
use crate::surroundings::Index;
use crate::workloads::{self, Family, Reading, Workload};

/// How a snapshot is scanned.
#[derive(Clone, Copy, Debug)]
pub struct Options<'o> {
    /// Which pod templates are read, and how.
    pub reading: Reading<'o>,
    /// What the owner of the cluster states about it.
    pub hardening: &'o Settings,
    /// How the mesh is set; see [`mesh::config::of`].
    pub mesh: &'o mesh::config::Stated,
    /// Whether each finding is given how its check would mend it.
    pub mend: bool,
    /// Findings below this severity are counted and not made.
    pub floor: Severity,
}

impl Default for Options<'_> {
    fn default() -> Self {
        static SETTINGS: LazyLock<Settings> = LazyLock::new(Settings::default);
        static MESH: LazyLock<mesh::config::Stated> = LazyLock::new(mesh::config::Stated::default);
        Self {
            reading: Reading { partial: true, ..Reading::default() },
            hardening: &SETTINGS,
            mesh: &MESH,
            mend: false,
            floor: Severity::Info,
        }
    }
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// What is wrong, sorted by [`Finding::sort_key`].
    pub findings: Vec<Finding>,
    /// Objects that the API server would refuse to decode, by place. They are not judged.
    pub problems: Vec<Problem>,
    /// What else there is to know, by place.
    pub notes: Vec<Note>,
    /// How many objects make pods.
    pub workloads: usize,
    /// How many findings are below the floor that was asked for.
    pub below: usize,
}

/// Runs all checks over a snapshot.
pub fn scan(snapshot: &Snapshot, options: Options<'_>) -> Scan {
    let workloads = workloads::of(snapshot, options.reading);
    let evaluator = evaluator(&snapshot.facts);
    let rights = Lint::of(snapshot);
    let index = Index::of(snapshot, &rights.accounts);
    let below = AtomicUsize::new(0);
    let mut findings: Vec<Finding> = workloads
        .families
        .par_iter()
        .flat_map_iter(|family| {
            let judged = Judge::new(snapshot, &evaluator, &index, options, family).run();
            below.fetch_add(judged.below, Ordering::Relaxed);
            judged.findings
        })
        .collect();
    let levels = options.mend.then(|| mend::levels_of(snapshot, &workloads, &evaluator));
    for (at, object) in snapshot.objects() {
        match (object.id.group.as_str(), object.id.kind.as_str()) {
            ("", "Namespace") => {
                let mend = levels.as_ref().map(|levels| (at, levels));
                findings.extend(of_namespace(object, &evaluator, &index, mend));
            }
            ("", "ServiceAccount") => findings.extend(of_account(object, options.mend.then_some(at))),
            _ => {
                let found = of_default_namespace(object, options.mend.then_some(at));
                // What a controller makes is where its owner is.
                findings.extend(found.filter(|_| snapshot.top_owner(at).0 == at));
            }
        }
    }
    findings.extend(control_plane::findings(&workloads, options.mend));
    findings.extend(lint::findings(snapshot, options.reading.custom, &workloads.problems, options.mend));
    findings.extend(mesh::lint::findings(
        snapshot,
        options.reading.custom,
        options.mesh,
        &workloads.problems,
        options.mend,
    ));
    drop(index);
    findings.extend(rights.findings(snapshot, &workloads.problems, options.mend));
    let made = findings.len();
    findings.retain(|finding| finding.severity >= options.floor);
    let below = below.into_inner() + made - findings.len();
    sort(&mut findings);
    let mut problems = workloads.problems;
    problems.sort();
    let mut notes = workloads.notes;
    notes.extend(repeats(snapshot));
    notes.extend(retired_policies(snapshot));
    notes.sort();
    Scan { findings, problems, notes, workloads: workloads.count, below }
}

/// PodSecurityPolicies, which do nothing in a cluster that does not serve them any more.
fn retired_policies(snapshot: &Snapshot) -> impl Iterator<Item = Note> {
    let retired = snapshot.facts.version >= Minor(25);
    snapshot.objects().map(|(_, object)| object).filter(move |object| retired && is_policy(object)).map(|object| {
        let message = "PodSecurityPolicy is not served since v1.25, and keeps nothing; `ringwall pods migrate-psp` tells \
                       what takes its place";
        Note::of(object, &FieldPath::keys(&["kind"]), message.to_owned())
    })
}

fn of_namespace(
    namespace: &Object,
    evaluator: &Evaluator,
    index: &Index<'_>,
    mend: Option<(usize, &mend::Levels<'_>)>,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = invalid_label::find(namespace)
        .into_iter()
        .map(|label| {
            finding(&invalid_label::CHECK, namespace, namespace, label.path, label.message, label.value)
        })
        .collect();
    let mut found = namespace::find(namespace, evaluator);
    found.extend(hardening::find_in_namespace(namespace, index.lists_accounts(&namespace.id.name)));
    findings.extend(found.into_iter().map(|(check, flaw)| of_object(check, namespace, flaw)));
    if let Some((object, levels)) = mend {
        for finding in &mut findings {
            let fix = mend::namespace(finding, namespace, levels);
            finding.mending = Some(Box::new(Mending { object, fix }));
        }
    }
    findings
}

fn of_account(account: &Object, mend: Option<usize>) -> impl Iterator<Item = Finding> {
    let found = hardening::find_in_account(account);
    found.into_iter().map(move |(check, flaw)| {
        let mending = mend.map(|object| {
            let fix = hardening::mend_account(check, &flaw).map_err(str::to_owned);
            Box::new(Mending { object, fix })
        });
        Finding { mending, ..of_object(check, account, flaw) }
    })
}

/// That another object than a workload or an account is in the namespace `default`.
fn of_default_namespace(object: &Object, mend: Option<usize>) -> Option<Finding> {
    let (check, flaw) = hardening::find_in_default_namespace(object)?;
    let mending = mend.map(|at| {
        let fix = Err("which namespace is meant is not in the manifest".to_owned());
        Box::new(Mending { object: at, fix })
    });
    Some(Finding { mending, ..of_object(check, object, flaw) })
}

/// A flaw of an object that makes no pods.
fn of_object(check: &'static Check, object: &Object, flaw: Flaw) -> Finding {
    let severity = flaw.severity.unwrap_or(check.severity);
    let (path, _) = flaw.path();
    Finding { severity, ..finding(check, object, object, path, flaw.message, flaw.witness) }
}

/// By what a finding of one member is known in another.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    check: &'static str,
    /// The number of the template in its object.
    template: usize,
    /// The list of its container.
    list: Option<&'static str>,
    witness: String,
    field: &'static str,
}

/// What was said of a pod already.
#[derive(Default)]
struct Said {
    fields: HashSet<(Place, &'static str, u32)>,
    places: HashSet<Place>,
}

impl Said {
    /// Whether something was said of the same field, or of a part of what the offence is about as a whole.
    fn covers(&self, offence: &Offence<'_>) -> bool {
        self.fields.contains(&(offence.place, offence.field, offence.index))
            || (offence.field.is_empty() && self.places.contains(&offence.place))
    }
}

/// Judges one family.
struct Judge<'a, 's> {
    snapshot: &'s Snapshot,
    evaluator: &'a Evaluator,
    index: &'a Index<'s>,
    options: Options<'a>,
    family: &'a Family<'s>,
    findings: Vec<Finding>,
    /// How many flaws are below the floor.
    below: usize,
    /// For each key: the finding, the member that it was first found in, and the last in which it was met.
    known: HashMap<Key, (usize, usize, usize)>,
}

impl<'a, 's> Judge<'a, 's> {
    fn new(
        snapshot: &'s Snapshot,
        evaluator: &'a Evaluator,
        index: &'a Index<'s>,
        options: Options<'a>,
        family: &'a Family<'s>,
    ) -> Self {
        Self {
            snapshot,
            evaluator,
            index,
            options,
            family,
            findings: Vec::new(),
            below: 0,
            known: HashMap::new(),
        }
    }

    fn run(mut self) -> Self {
        let (mut baseline, mut restricted) = (Failures::default(), Failures::default());
        let mut flaws = Vec::new();
        let family = self.family;
        for (index, member) in family.members.iter().enumerate() {
            self.evaluator.evaluate(at(Level::Baseline), &member.template, &mut baseline);
            self.evaluator.evaluate(at(Level::Restricted), &member.template, &mut restricted);
            for failure in baseline.iter() {
                for offence in failure.offences {
                    self.offence(index, member, failure.check, offence);
                }
            }
            for failure in restricted.iter().filter(|failure| failure.check.level == Level::Restricted) {
                let said = self.said(failure.check, &baseline);
                for offence in failure.offences.iter().filter(|offence| !said.covers(offence)) {
                    self.offence(index, member, failure.check, offence);
                }
            }
            self.harden(index, member, &mut flaws);
            self.refusal(index, member);
        }
        number_twins(&mut self.findings);
        self
    }

    /// Runs the hardening checks over a member.
    fn harden(&mut self, index: usize, member: &Workload<'s>, flaws: &mut Vec<Flaw>) {
        let pod: Pod<'s> = member.decode();
        let surroundings = self.index.around(member.object.id.namespace.as_deref(), &pod);
        let subject = Subject {
            object: member.object,
            pod: &pod,
            is_pod: member.is_pod(),
            is_owned: index > 0,
            is_control_plane: member.is_pod()
                && member.node().is_some_and(|node| {
                    ringwall_pods::control_plane::is_part(node, member.object.id.namespace.as_deref())
                }),
            surroundings: &surroundings,
            settings: self.options.hardening,
        };
        for check in hardening::CHECKS {
            (check.find)(&subject, flaws);
            for flaw in flaws.drain(..).filter(|flaw| !(flaw.missing && member.is_partial())) {
                if flaw.severity.unwrap_or(check.about.severity) < self.options.floor {
                    // What a controller makes has the flaws of its template.
                    self.below += usize::from(index == 0);
                    continue;
                }
                self.flaw(index, member, &subject, check, flaw);
            }
        }
    }

    fn flaw(
        &mut self,
        index: usize,
        member: &Workload<'s>,
        subject: &Subject<'_, 's>,
        check: &'static HardeningCheck,
        flaw: Flaw,
    ) {
        let place = flaw.place();
        let list = match place {
            Some(Place::Container { list, .. }) => Some(ContainerList::field(list)),
            _ => None,
        };
        let field = match &flaw.at {
            At::Template(_, field, _) => field,
            At::TemplatePath(_) | At::Object(_) => "",
        };
        let key = || Key {
            check: check.about.id,
            template: member.number(),
            list,
            witness: flaw.witness.clone(),
            field,
        };
        if self.is_known(index, member, key) {
            return;
        }
        let path_of = |at: &At| match at.path() {
            (path, true) => member.path_to(&path),
            (path, false) => path,
        };
        let related = flaw.related.iter().map(|at| {
            let path = path_of(at);
            let location = Location::of(member.object, &path);
            (path, location)
        });
        let related = related.collect();
        let container =
            place.and_then(|place| subject.container(place)).map(|container| container.name.to_owned());
        let severity = flaw.severity.unwrap_or(check.about.severity);
        let path = path_of(&flaw.at);
        let mending = self.options.mend.then(|| Box::new(mend::flaw(member, subject, check, &flaw)));
        let found = finding(&check.about, self.family.top, member.object, path, flaw.message, flaw.witness);
        self.findings.push(Finding { severity, related, container, mending, ..found });
    }

    /// What baseline checks said that `check` replaces at restricted: of fields, and of parts of the pod.
    fn said(&self, check: &StandardCheck, baseline: &Failures<'_>) -> Said {
        let checks = self.evaluator.checks(at(Level::Restricted));
        let overrides = checks
            .iter()
            .find(|applied| applied.check.id == check.id)
            .map_or(&[][..], |applied| applied.revision.overrides);
        let mut said = Said::default();
        for failure in baseline.iter().filter(|failure| overrides.contains(&failure.check.id)) {
            for offence in failure.offences {
                said.fields.insert((offence.place, offence.field, offence.index));
                said.places.insert(offence.place);
            }
        }
        said
    }

    fn offence(
        &mut self,
        index: usize,
        member: &Workload<'_>,
        check: &'static StandardCheck,
        offence: &Offence<'_>,
    ) {
        if offence.value == Value::Missing && member.is_partial() {
            return;
        }
        // What API defaulting made of another field (a hostPort of hostNetwork, an AppArmor field of an annotation)
        // is said of that field.
        let path = member.path_to(&offence.path());
        if defaulting::may_have_made(&member.template, member.is_pod(), offence)
            && member.object.root().locate(&path).is_none()
        {
            return;
        }
        let list = match offence.place {
            Place::Container { list, .. } => Some(ContainerList::field(list)),
            _ => None,
        };
        let witness = witness(&member.template, offence);
        let key = || Key {
            check: check.about.id,
            template: member.number(),
            list,
            witness: witness.clone(),
            field: offence.field,
        };
        if self.is_known(index, member, key) {
            return;
        }
        let message = (check.finding)(&member.template, offence);
        let container = container_of(&member.template, offence.place);
        let related = match offence.place {
            Place::Volume(_) => mounts(member, &witness),
            _ => Vec::new(),
        };
        let found = finding(&check.about, self.family.top, member.object, path, message, witness);
        let severity = (check.grade)(offence).unwrap_or(check.about.severity);
        let container = container.map(str::to_owned);
        let mending = self.options.mend.then(|| Box::new(mend::offence(member, check, offence)));
        self.findings.push(Finding { severity, container, related, mending, ..found });
    }

    /// Whether an earlier member has the same finding: then this one is counted there.
    fn is_known(&mut self, index: usize, member: &Workload<'_>, key: impl FnOnce() -> Key) -> bool {
        if self.family.members.len() == 1 {
            return false;
        }
        let key = key();
        let Some((finding, first, last)) = self.known.get_mut(&key) else {
            self.known.insert(key, (self.findings.len(), index, index));
            return false;
        };
        if *first == index {
            // Twice in one member, at two places.
            return false;
        }
        if *last != index && member.is_pod() {
            self.findings[*finding].replicas += 1;
        }
        *last = index;
        true
    }

    /// Whether the namespace's own level refuses the member's pods.
    fn refusal(&mut self, index: usize, member: &Workload<'_>) {
        let Some(namespace) =
            member.object.id.namespace.as_deref().and_then(|name| self.snapshot.namespace(name))
        else {
            return;
        };
        let (policy, _) = policy_of(namespace, &Policy::default());
        let mut failures = Failures::default();
        let Some(words) = refused::words(self.evaluator, policy.enforce, &member.template, &mut failures)
        else {
            return;
        };
        let key = || Key {
            check: refused::CHECK.id,
            template: member.number(),
            list: None,
            witness: String::new(),
            field: "",
        };
        if self.is_known(index, member, key) {
            return;
        }
        let message = match (member.is_pod(), index) {
            (false, _) => format!("its pods would be refused as they are written: {words}"),
            (true, 0) => format!("the pod would be refused as it is written: {words}"),
            (true, _) => format!("its pod \"{}\" would be refused: {words}", member.object.id.name),
        };
        let path = FieldPath::keys(&["metadata", "namespace"]);
        self.findings.push(finding(
            &refused::CHECK,
            self.family.top,
            member.object,
            path,
            message,
            String::new(),
        ));
    }
}

/// Where a volume is mounted.
fn mounts(member: &Workload<'_>, volume: &str) -> Vec<(FieldPath, Location)> {
    let pod: Pod<'_> = member.decode();
    let mounts = hardening::mounts_of(&pod, volume).into_iter().map(|at| {
        let path = member.path_to(&at.path().0);
        let location = Location::of(member.object, &path);
        (path, location)
    });
    mounts.collect()
}

const fn at(level: Level) -> LevelVersion {
    LevelVersion::new(level, Version::Latest)
}

/// Objects that were read twice, counted for each text: those that say something else each time are judged each
/// time, exact repeats once.
fn repeats(snapshot: &Snapshot) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut others: BTreeMap<&str, (usize, &Object, &Object)> = BTreeMap::new();
    for repeat in snapshot.repeats() {
        let (kept, other) = (&snapshot.all()[repeat.kept], &snapshot.all()[repeat.other]);
        if repeat.identical {
            *counts.entry((other.source().name(), kept.source().name())).or_default() += 1;
        } else {
            others.entry(other.source().name()).or_insert((0, other, kept)).0 += 1;
        }
    }
    notes.extend(others.into_values().map(|(count, other, kept)| {
        let first = Location::of(kept, &FieldPath::root());
        let more = match count {
            1 => "both are judged".to_owned(),
            _ => format!("both are judged, and so are {} more of this text", count - 1),
        };
        let message = format!("{} is here with other content than in {first}; {more}", other.id);
        Note::of(other, &FieldPath::root(), message)
    }));
    notes.extend(counts.into_iter().map(|((file, kept), count)| {
        let place = if file == kept { "is here twice" } else { "is in another file too" };
        let places = if file == kept { "are here twice" } else { "are in another file too" };
        let which = if file == kept { String::new() } else { format!(" ({kept})") };
        let message = match count {
            1 => format!("1 object {place}{which} and counts once"),
            _ => format!("{count} objects {places}{which} and count once"),
        };
        Note { file: file.to_owned(), position: None, message }
    }));
    notes
}
