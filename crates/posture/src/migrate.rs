//! From PodSecurityPolicy to the levels of the Pod Security Standards: for each namespace the level that fits, what that
//! level does not keep of what the policies demand, and what the policies have written into pods and manifests must say now.
//!
//! Two things tell the level: what the policies that are granted there permit, and what the workloads that are there can
//! take. The first says what was meant, the second what works today.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::finding::{Location, Problem};
use ringwall_model::object::{Object, ObjectId};
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_pods::evaluate::Evaluator;
use ringwall_pods::namespace::policy_of;
use ringwall_pods::policy::{ENFORCE, Level, Policy, Version};
use ringwall_pods::psp::{self, FIELDS, Pod, PodSecurityPolicy, Row, Setting, admit, implied, is_policy};
use ringwall_pods::standing;

use crate::grants::{self, Grant, Grants, Holder, Missing};
use crate::level::{Obstacle, levels};
use crate::workloads::{Family, Workload, Workloads};

/// What becomes of a snapshot's policies.
#[derive(Clone, Debug, Default)]
pub struct Migration {
    /// The policies, by name.
    pub policies: Vec<PolicyPlan>,
    /// The namespaces, by name; the workloads that state none come first.
    pub namespaces: Vec<NamespacePlan>,
    /// What no level keeps that is enforced where a policy is used, a group for a policy and a level.
    pub losses: Vec<Losses>,
    /// Policies that cannot be used, each with the place.
    pub problems: Vec<Problem>,
    /// Why the answer may not be whole, beside what is said of a namespace.
    pub unknown: Vec<Doubt>,
}

impl Migration {
    /// Whether something that the policies do is lost: a demand that no level keeps, or what they write into a workload.
    pub fn is_lost(&self) -> bool {
        !self.losses.is_empty()
            || self
                .namespaces
                .iter()
                .any(|namespace| !namespace.writes.is_empty() || !namespace.refused.is_empty())
    }

    /// Whether something cannot be told from the input.
    pub fn is_doubtful(&self) -> bool {
        !self.unknown.is_empty() || self.namespaces.iter().any(|namespace| !namespace.doubts.is_empty())
    }

    /// How many demands of the policies are lost somewhere, each counted once.
    pub fn lost(&self) -> usize {
        let lost = |losses: &Losses| -> Vec<(String, &'static str)> {
            losses.lost.iter().map(|lost| (losses.policy.clone(), lost.field)).collect()
        };
        self.losses.iter().flat_map(lost).collect::<BTreeSet<_>>().len()
    }

    /// How many workloads rely on what a policy writes.
    pub fn writes(&self) -> usize {
        self.namespaces.iter().map(|namespace| namespace.writes.len()).sum()
    }
}

/// What a policy implies.
#[derive(Clone, Debug)]
pub struct PolicyPlan {
    /// The policy.
    pub object: ObjectId,
    /// Its group and version.
    pub api_version: String,
    /// Where it begins.
    pub location: Location,
    /// The tightest level that contains all it permits.
    pub level: Level,
    /// The same but for what it leaves open about SELinux and `AppArmor`.
    pub meant: Level,
    /// Each field that keeps a tighter level from containing it.
    pub wide: Vec<Wide>,
    /// Each field that writes into pods.
    pub mutations: Vec<Mutation>,
    /// Who may use it, each as `HOLDER in NAMESPACE` or `HOLDER everywhere`, by words.
    pub granted: BTreeSet<String>,
}

/// A field of a policy that permits more than a level.
#[derive(Clone, Debug)]
pub struct Wide {
    /// The field, as in [`FIELDS`].
    pub field: &'static str,
    /// Where it is, or should be.
    pub location: Location,
    /// The tightest level that contains it.
    pub level: Level,
    /// Why no tighter one does.
    pub why: String,
    /// Whether it is left open rather than wished for.
    pub open: bool,
}

/// A field of a policy that writes into pods.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// The field, as in [`FIELDS`].
    pub field: &'static str,
    /// Where it is.
    pub location: Location,
    /// What it writes.
    pub sets: String,
}

/// What a level does not keep of a policy.
#[derive(Clone, Debug)]
pub struct Losses {
    /// The policy's name.
    pub policy: String,
    /// The level.
    pub level: Level,
    /// The namespaces in which the policy is used and this level enforced.
    pub namespaces: Vec<Option<String>>,
    /// What is lost, in the order of the fields.
    pub lost: Vec<Lost>,
}

/// One thing that a level does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The policy's field, as in [`FIELDS`].
    pub field: &'static str,
    /// Where it is, or should be.
    pub location: Location,
    /// What the policy asks for.
    pub what: String,
    /// The loosest level above that keeps it; `None` where no level does.
    pub kept_at: Option<Level>,
    /// What else keeps it.
    pub keep: &'static str,
}

/// Why something cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// What is missing, as a sentence without full stop.
    pub message: String,
    /// Where that is seen, if it is seen anywhere.
    pub location: Option<Location>,
}

/// What becomes of a namespace.
#[derive(Clone, Debug)]
pub struct NamespacePlan {
    /// Its name; `None` for the workloads that state none.
    pub name: Option<String>,
    /// Where its Namespace object is, if it is in the input.
    pub location: Option<Location>,
    /// The policies that its pods may use, by name, each with whom it is granted to there.
    pub policies: BTreeMap<String, BTreeSet<Holder>>,
    /// The policies of its pods' makers that a grant for the whole cluster gives, which are not counted.
    pub makers: BTreeMap<String, BTreeSet<Holder>>,
    /// The policy that permits most, and the level that it is meant for.
    pub widest: Option<(String, Level)>,
    /// How many workloads it has.
    pub workloads: usize,
    /// The tightest level that all its workloads can take as they are written; `None` where it has none.
    pub can_take: Option<Level>,
    /// The same, once what the policies write into them is in the manifests.
    pub could_take: Option<Level>,
    /// The level that its label enforces now.
    pub enforced: Option<Level>,
    /// What to label it with; `None` where that cannot be told.
    pub advice: Option<Advice>,
    /// What the policies write into its workloads today.
    pub writes: Vec<Writes>,
    /// Workloads that no policy admits that they may use.
    pub refused: Vec<Refused>,
    /// Workloads that keep it from the level to be reached, as they would be with all written.
    pub held_back: Vec<HeldBack>,
    /// Why something cannot be told of it.
    pub doubts: Vec<Doubt>,
}

/// The labels for a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// To enforce now.
    pub enforce: Level,
    /// To warn and audit at: the level to be reached.
    pub reach: Level,
    /// Why, as a sentence without full stop.
    pub reason: String,
}

/// What a policy writes into a workload's pods.
#[derive(Clone, Debug)]
pub struct Writes {
    /// The workload.
    pub object: ObjectId,
    /// Its group and version.
    pub api_version: String,
    /// Where it begins.
    pub location: Location,
    /// The policy that admits it.
    pub policy: String,
    /// The fields, by value.
    pub fields: Vec<Write>,
}

/// A field, or the same field of several containers, that a manifest must say once no policy writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The fields, from the object.
    pub paths: Vec<FieldPath>,
    /// The field below its container or `spec`.
    pub field: &'static str,
    /// The value.
    pub value: String,
    /// The policy's field that asks for it.
    pub source: &'static str,
    /// Whether a level of the standards looks at it: then a check finds it, and a fix may write it.
    pub standard: bool,
}

/// A workload whose pods no policy admits.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The workload.
    pub object: ObjectId,
    /// Its group and version.
    pub api_version: String,
    /// Where it begins.
    pub location: Location,
    /// The policy that comes nearest, and the fields that it refuses; `None` where no policy may be used at all.
    pub nearest: Option<(String, Vec<FieldPath>)>,
}

/// A workload that cannot take a level.
#[derive(Clone, Debug)]
pub struct HeldBack {
    /// The workload.
    pub object: ObjectId,
    /// Its group and version.
    pub api_version: String,
    /// Where it begins.
    pub location: Location,
    /// The next level, and what stops it.
    pub obstacle: Obstacle,
}

/// A policy with what it says.
struct Read<'s> {
    object: &'s Object,
    policy: PodSecurityPolicy<'s>,
    meant: Level,
}

/// What becomes of the policies of a snapshot, at a version of the standards.
pub fn migrate(
    snapshot: &Snapshot,
    workloads: &Workloads<'_>,
    evaluator: &Evaluator,
    version: Version,
) -> Migration {
    let mut migration = Migration::default();
    let undecodable: BTreeSet<&ObjectId> =
        workloads.problems.iter().filter_map(|problem| problem.object.as_ref()).collect();
    let mut reads: BTreeMap<&str, Read<'_>> = BTreeMap::new();
    let mut unread: BTreeSet<&str> = BTreeSet::new();
    for (_, object) in snapshot.objects().filter(|(_, object)| is_policy(object)) {
        let name = object.id.name.as_str();
        if undecodable.contains(&object.id) {
            unread.insert(name);
            continue;
        }
        let policy = PodSecurityPolicy::read(object);
        let unusable = psp::unusable(&policy);
        if !unusable.is_empty() {
            unread.insert(name);
            migration.problems.extend(unusable.into_iter().map(|wrong| Problem {
                file: object.source().name().to_owned(),
                position: Some(object.locate(&wrong.path)),
                message: format!("{}: {}", wrong.path, wrong.message),
                object: Some(object.id.clone()),
            }));
            continue;
        }
        let meant = implied(&policy).meant;
        reads.entry(name).or_insert(Read { object, policy, meant });
    }
    let grants = grants::of(snapshot);
    migration.policies = reads.values().map(|read| policy_plan(read, &grants)).collect();
    migration.unknown = doubts(&reads, &unread, &grants);
    if reads.is_empty() && unread.is_empty() && grants.list.is_empty() {
        return migration;
    }
    let join =
        Join { snapshot, workloads, evaluator, version, reads: &reads, unread: &unread, grants: &grants };
    migration.namespaces = join.namespaces();
    migration.losses = losses(&reads, &migration.namespaces);
    migration
}

fn policy_plan(read: &Read<'_>, grants: &Grants) -> PolicyPlan {
    let Read { object, policy, .. } = read;
    let implied = implied(policy);
    let at = |row: &Row| Location::of(object, &row.path());
    let wide = implied.wide.into_iter().map(|(row, permits)| Wide {
        field: row.field,
        location: at(row),
        level: permits.level,
        why: permits.why,
        open: permits.open,
    });
    let mutations = FIELDS.iter().filter_map(|row| {
        let sets = (row.sets)(policy)?;
        Some(Mutation { field: row.field, location: at(row), sets })
    });
    let granted = grants.list.iter().filter(|grant| grant.policies.holds(&object.id.name)).map(|grant| {
        let holder = &grant.holder;
        match grant.namespace.as_deref() {
            Some("") => format!("{holder} in the binding's namespace"),
            Some(namespace) => format!("{holder} in {namespace}"),
            None => format!("{holder} everywhere"),
        }
    });
    PolicyPlan {
        object: object.id.clone(),
        api_version: object.api_version(),
        location: Location::of(object, &FieldPath::root()),
        level: implied.level,
        meant: implied.meant,
        wide: wide.collect(),
        mutations: mutations.collect(),
        granted: granted.collect(),
    }
}

/// What the input lacks as a whole.
fn doubts(reads: &BTreeMap<&str, Read<'_>>, unread: &BTreeSet<&str>, grants: &Grants) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if !reads.is_empty() && grants.list.is_empty() {
        let message = "no RBAC grant of `use` is in the input, so it cannot be told where the policies apply";
        doubts.push(Doubt { message: message.to_owned(), location: None });
    }
    let mut absent: BTreeMap<&str, &Location> = BTreeMap::new();
    for grant in &grants.list {
        if let grants::Granted::Named(names) = &grant.policies {
            let unknown = names
                .iter()
                .map(String::as_str)
                .filter(|name| !reads.contains_key(name) && !unread.contains(name));
            unknown.for_each(|name| {
                absent.entry(name).or_insert(&grant.location);
            });
        }
    }
    doubts.extend(absent.into_iter().map(|(name, location)| Doubt {
        message: format!("PodSecurityPolicy {name} is granted and is not in the input"),
        location: Some(location.clone()),
    }));
    let mut roles: BTreeMap<&str, (&Missing, usize)> = BTreeMap::new();
    for missing in grants.missing.iter().filter(|_| !reads.is_empty()) {
        roles.entry(&missing.role).or_insert((missing, 0)).1 += 1;
    }
    doubts.extend(roles.into_values().map(|(missing, bindings)| {
        let more = if bindings > 1 { format!(" (bound {bindings} times)") } else { String::new() };
        let message = format!("{} is not in the input{more}; it may grant a policy", missing.role);
        Doubt { message, location: Some(missing.location.clone()) }
    }));
    doubts
}

/// What a namespace is judged from.
struct Join<'a, 's> {
    snapshot: &'s Snapshot,
    workloads: &'a Workloads<'s>,
    evaluator: &'a Evaluator,
    version: Version,
    reads: &'a BTreeMap<&'s str, Read<'s>>,
    unread: &'a BTreeSet<&'s str>,
    grants: &'a Grants,
}

impl<'s> Join<'_, 's> {
    fn namespaces(&self) -> Vec<NamespacePlan> {
        let mut names: BTreeSet<Option<&str>> = BTreeSet::new();
        names.extend(self.snapshot.of_kind("", "Namespace").map(|object| Some(object.id.name.as_str())));
        names.extend(self.grants.list.iter().filter_map(|grant| grant.namespace.as_deref()).map(stated));
        names.extend(self.workloads.families.iter().flat_map(|family| &family.members).map(namespace_of));
        let levels = levels(self.snapshot, self.workloads, self.evaluator, self.version);
        let mut families: BTreeMap<Option<&str>, Vec<&Family<'s>>> = BTreeMap::new();
        for family in &self.workloads.families {
            if let Some(first) = family.members.first() {
                families.entry(namespace_of(first)).or_default().push(family);
            }
        }
        names
            .into_iter()
            .map(|name| {
                let level = levels.namespaces.iter().find(|level| level.name.as_deref() == name);
                let mut plan = self.empty(name);
                if let Some(level) = level {
                    plan.workloads = level.workloads;
                    plan.can_take = Some(level.level);
                    plan.could_take = Some(Level::Restricted);
                }
                let unreadable = level.map_or(0, |level| level.unreadable);
                if unreadable > 0 {
                    let message = format!("{unreadable} of its workloads could not be read");
                    plan.doubts.push(Doubt { message, location: None });
                }
                let mut standings = Vec::new();
                for workload in families.get(&name).into_iter().flatten().flat_map(|family| judged(family)) {
                    standings.push(self.workload(workload, &mut plan));
                }
                plan.advice = advice(&plan);
                // What needs privileged is always worth knowing.
                let reach = plan.advice.as_ref().map(|advice| advice.reach.max(Level::Baseline));
                let behind =
                    standings.into_iter().filter(|(level, _)| reach.is_some_and(|reach| *level < reach));
                plan.held_back = behind.filter_map(|(_, held)| held).collect();
                plan
            })
            .collect()
    }

    fn empty(&self, name: Option<&str>) -> NamespacePlan {
        let object = name.and_then(|name| self.snapshot.namespace(name));
        let labelled = object.filter(|object| object.label(ENFORCE).is_some());
        let mut plan = NamespacePlan {
            name: name.map(str::to_owned),
            location: object.map(|object| Location::of(object, &FieldPath::root())),
            policies: BTreeMap::new(),
            makers: BTreeMap::new(),
            widest: None,
            workloads: 0,
            can_take: None,
            could_take: None,
            enforced: labelled.map(|object| policy_of(object, &Policy::default()).0.enforce.level),
            advice: None,
            writes: Vec::new(),
            refused: Vec::new(),
            held_back: Vec::new(),
            doubts: Vec::new(),
        };
        for grant in self.grants.list.iter().filter(|grant| holds_in(grant, name)) {
            let counts = grant.namespace.is_some() || reaches_pods(&grant.holder, name);
            let list = if counts { &mut plan.policies } else { &mut plan.makers };
            for policy in self.reads.keys().filter(|policy| grant.policies.holds(policy)) {
                list.entry((*policy).to_owned()).or_default().insert(grant.holder.clone());
            }
            for policy in self.unread.iter().filter(|policy| counts && grant.policies.holds(policy)) {
                let message = format!("PodSecurityPolicy {policy} applies there and could not be read");
                plan.doubts.push(Doubt { message, location: None });
            }
        }
        plan.doubts.sort();
        plan.doubts.dedup();
        let widest =
            plan.policies.keys().filter_map(|policy| Some((self.reads.get(policy.as_str())?.meant, policy)));
        plan.widest = widest.min().map(|(level, policy)| (policy.clone(), level));
        plan
    }

    /// Judges a workload: where it would stand with all written that policies write today, and what stops its next level.
    fn workload(&self, workload: &Workload<'s>, plan: &mut NamespacePlan) -> (Level, Option<HeldBack>) {
        let object = workload.object;
        let location = Location::of(object, &FieldPath::root());
        let pod = workload.decode::<Pod<'_>>().defaulted();
        let mut template = workload.template.clone();
        match self.admission(workload, &pod, plan) {
            Ok((_, changes)) if changes.is_empty() => {}
            Ok((policy, changes)) => {
                for change in &changes {
                    change.apply(&mut template);
                }
                plan.writes.push(Writes {
                    object: object.id.clone(),
                    api_version: object.api_version(),
                    location: location.clone(),
                    policy: policy.to_owned(),
                    fields: written(workload, &changes),
                });
            }
            // Where nothing is known of policies, no workload is refused by one.
            Err(None) if plan.policies.is_empty() => {}
            Err(nearest) => plan.refused.push(Refused {
                object: object.id.clone(),
                api_version: object.api_version(),
                location: location.clone(),
                nearest: nearest.map(|(policy, fields)| {
                    (policy.to_owned(), fields.iter().map(|field| workload.path_to(field)).collect())
                }),
            }),
        }
        let standing = standing::of(self.evaluator, self.version, &template);
        plan.could_take = Some(plan.could_take.map_or(standing.level, |level| level.min(standing.level)));
        let held = standing.obstacle().map(|(level, failures)| {
            let mut changed = workload.clone();
            changed.template.clone_from(&template);
            let reasons = crate::level::reasons(&changed, failures);
            HeldBack {
                object: object.id.clone(),
                api_version: object.api_version(),
                location,
                obstacle: Obstacle { level, reasons },
            }
        });
        (standing.level, held)
    }

    /// The policy that admits a workload's pods, and what it writes: by name the first that leaves them as they are, else the
    /// first at all.
    ///
    /// # Errors
    /// Where none does: the one with the fewest refused fields.
    /// Source: `computeSecurityContext` in k8s.io/kubernetes v1.24
    /// `plugin/pkg/admission/security/podsecuritypolicy/admission.go`.
    #[expect(clippy::type_complexity, reason = "said in words above, and used once")]
    fn admission(
        &self,
        workload: &Workload<'s>,
        pod: &Pod<'s>,
        plan: &NamespacePlan,
    ) -> Result<(&'s str, Vec<psp::Change<'s>>), Option<(&'s str, Vec<FieldPath>)>> {
        let name = plan.name.as_deref();
        let may_use = |policy: &str| {
            self.grants.list.iter().any(|grant| {
                grant.policies.holds(policy)
                    && holds_in(grant, name)
                    && may_make(grant, name, pod.service_account(), workload.is_pod())
            })
        };
        let mut mutated: Option<(&str, Vec<psp::Change<'s>>)> = None;
        let mut nearest: Option<(&str, Vec<FieldPath>)> = None;
        for (policy, read) in self.reads.iter().filter(|(policy, _)| may_use(policy)) {
            match admit(&read.policy, pod) {
                Ok(changes) if changes.is_empty() => return Ok((policy, changes)),
                Ok(changes) => mutated = mutated.or(Some((policy, changes))),
                Err(fields) => {
                    if nearest.as_ref().is_none_or(|(_, known)| fields.len() < known.len()) {
                        nearest = Some((policy, fields));
                    }
                }
            }
        }
        mutated.ok_or(nearest)
    }
}

fn stated(namespace: &str) -> Option<&str> {
    Some(namespace).filter(|namespace| !namespace.is_empty())
}

fn namespace_of<'w>(workload: &'w Workload<'_>) -> Option<&'w str> {
    workload.object.id.namespace.as_deref()
}

/// Whether a grant holds in a namespace. One of a binding that states no namespace holds where nothing is stated.
fn holds_in(grant: &Grant, namespace: Option<&str>) -> bool {
    grant.namespace.as_deref().is_none_or(|known| known == namespace.unwrap_or_default())
}

/// Whether pods of a namespace have a grant of their own: not only who makes them.
fn reaches_pods(holder: &Holder, namespace: Option<&str>) -> bool {
    let namespace = namespace.unwrap_or_default();
    holder.is_every_pod_of(namespace)
        || holder.is_controller()
        || matches!(holder, Holder::ServiceAccount { namespace: known, .. } if known == namespace)
}

/// Whether a grant lets a pod be made that runs as a service account: by itself, or by its maker. Who makes a bare pod is not
/// in the input: any of those to whom a policy is granted in the namespace may.
fn may_make(grant: &Grant, namespace: Option<&str>, account: &str, bare: bool) -> bool {
    let namespace = namespace.unwrap_or_default();
    match &grant.holder {
        Holder::ServiceAccount { namespace: known, name } if known == namespace && name == account => true,
        holder if holder.is_every_pod_of(namespace) => true,
        holder if !bare => holder.is_controller(),
        Holder::ServiceAccount { namespace: known, .. } if known == namespace => false,
        _ => grant.namespace.is_some(),
    }
}

/// The members of a family whose pods a policy is asked about: what a user wrote, not what was made of it, which a policy has
/// been through.
fn judged<'f, 's>(family: &'f Family<'s>) -> Vec<&'f Workload<'s>> {
    let members = &family.members;
    match members.first() {
        Some(first) if std::ptr::eq(first.object, family.top) => vec![first],
        _ if members.iter().any(|member| !member.is_pod()) => {
            members.iter().filter(|member| !member.is_pod()).collect()
        }
        first => first.into_iter().collect(),
    }
}

/// Changes as fields to write: one entry for the same value in several containers.
fn written(workload: &Workload<'_>, changes: &[psp::Change<'_>]) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    for change in changes {
        let (field, value, path) =
            (change.setting.field(), change.setting.value(), workload.path_to(&change.path()));
        match writes
            .iter_mut()
            .find(|write| (write.field, &write.value, write.source) == (field, &value, change.source))
        {
            Some(write) => write.paths.push(path),
            None => writes.push(Write {
                paths: vec![path],
                field,
                value,
                source: change.source,
                standard: is_standard(&change.setting),
            }),
        }
    }
    writes
}

/// Whether a level of the standards asks for what is written.
fn is_standard(setting: &Setting<'_>) -> bool {
    match setting {
        Setting::RunAsNonRoot | Setting::AllowPrivilegeEscalation(false) => true,
        Setting::Seccomp(profile) => *profile != "unconfined",
        Setting::DropCapabilities(names) => names.contains(&"ALL"),
        _ => false,
    }
}

/// What to label a namespace with.
fn advice(plan: &NamespacePlan) -> Option<Advice> {
    if !plan.doubts.is_empty() {
        return None;
    }
    let permitted = plan.widest.as_ref();
    let (enforce, reach, reason) = match (permitted, plan.can_take) {
        (None, None) => return None,
        (Some((policy, level)), None) => {
            (*level, *level, format!("the policy {policy} permits it, and no workloads are in the input"))
        }
        (None, Some(can)) => {
            let reach = can.max(plan.could_take.unwrap_or(can));
            (can, reach, "all workloads can take it, and no policy is known to be granted there".to_owned())
        }
        (Some((policy, level)), Some(can)) => {
            let could = plan.could_take.unwrap_or(can);
            let reach = can.max(could).max(*level);
            let reason = if can > *level {
                format!(
                    "all workloads can take it, and none needs the {level} that the policy {policy} permits"
                )
            } else if can == Level::Privileged && *level == can {
                format!("workloads need it, and the policy {policy} permits it")
            } else if can == *level {
                format!("all workloads can take it, and the policy {policy} permits no more")
            } else if could >= *level {
                format!("workloads can take no more as they are written; with all written, {could}")
            } else {
                format!("workloads need it, though the policy {policy} permits only {level}")
            };
            (can, reach, reason)
        }
    };
    match plan.enforced {
        // A looser label is never advised.
        Some(now) if now > enforce => Some(Advice {
            enforce: now,
            reach: reach.max(now),
            reason: format!("{now} is enforced now, which is tighter: {reason}"),
        }),
        _ => Some(Advice { enforce, reach, reason }),
    }
}

/// What the levels lose, grouped by policy and level.
fn losses(reads: &BTreeMap<&str, Read<'_>>, namespaces: &[NamespacePlan]) -> Vec<Losses> {
    let mut groups: Vec<Losses> = Vec::new();
    for namespace in namespaces {
        let Some(level) = namespace.advice.as_ref().map(|advice| advice.enforce) else { continue };
        for name in namespace.policies.keys() {
            let Some(read) = reads.get(name.as_str()) else { continue };
            let lost = lost(read, reads, namespace, level);
            if lost.is_empty() {
                continue;
            }
            let same =
                |group: &&mut Losses| group.policy == *name && group.level == level && group.lost == lost;
            match groups.iter_mut().find(same) {
                Some(group) => group.namespaces.push(namespace.name.clone()),
                None => groups.push(Losses {
                    policy: name.clone(),
                    level,
                    namespaces: vec![namespace.name.clone()],
                    lost,
                }),
            }
        }
    }
    groups.sort_by(|a, b| (&a.policy, a.level, &a.namespaces).cmp(&(&b.policy, b.level, &b.namespaces)));
    groups
}

/// What a level loses of a policy in a namespace.
fn lost(
    read: &Read<'_>,
    reads: &BTreeMap<&str, Read<'_>>,
    namespace: &NamespacePlan,
    level: Level,
) -> Vec<Lost> {
    let every = namespace.name.as_deref().unwrap_or_default();
    // What a policy that is as wide lets every pod do is not kept today either.
    let wider: Vec<&PodSecurityPolicy<'_>> = namespace
        .policies
        .iter()
        .filter(|(_, holders)| holders.iter().any(|holder| holder.is_every_pod_of(every)))
        .filter_map(|(other, _)| reads.get(other.as_str()))
        .filter(|other| other.meant <= read.meant)
        .map(|other| &other.policy)
        .collect();
    let of_row = |row: &Row| {
        let what = (row.loses)(&read.policy, level)?;
        if wider.iter().any(|other| (row.loses)(other, level).is_none()) {
            return None;
        }
        let above = [Level::Baseline, Level::Restricted].into_iter().filter(|above| *above > level);
        Some(Lost {
            field: row.field,
            location: Location::of(read.object, &row.path()),
            what,
            kept_at: above.filter(|above| row.is_kept(&read.policy, *above)).min(),
            keep: row.keep,
        })
    };
    FIELDS.iter().filter_map(of_row).collect()
}
