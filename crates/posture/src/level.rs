//! The tightest level of the Pod Security Standards that each workload and namespace can take.

use std::collections::BTreeMap;

use ringwall_model::finding::Location;
use ringwall_model::object::ObjectId;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_pods::evaluate::{Evaluator, Failures};
use ringwall_pods::namespace::policy_of;
use ringwall_pods::policy::{Level, LevelVersion, Policy, Version};
use ringwall_pods::standing;

use crate::workloads::{Workload, Workloads};

/// Where all workloads and namespaces stand.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    /// Each workload, ordered by place.
    pub workloads: Vec<WorkloadLevel>,
    /// Each namespace that holds workloads, by name; `None` for the workloads that state none.
    pub namespaces: Vec<NamespaceLevel>,
}

/// Where a workload stands.
#[derive(Clone, Debug)]
pub struct WorkloadLevel {
    /// The workload.
    pub object: ObjectId,
    /// Its group and version.
    pub api_version: String,
    /// Where it begins.
    pub location: Location,
    /// The object that makes it, where that is in the input and stands elsewhere.
    pub owner: Option<ObjectId>,
    /// The tightest level that it can take.
    pub level: Level,
    /// The next level, and what stops it; `None` at restricted.
    pub obstacle: Option<Obstacle>,
    /// How many pods of the same owner stand the same.
    pub replicas: usize,
}

/// What stops a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The level.
    pub level: Level,
    /// Why not, in the order of the checks.
    pub reasons: Vec<Reason>,
}

/// One failed check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Id of the check.
    pub rule: &'static str,
    /// The reference's short words.
    pub reason: &'static str,
    /// Each field that is in the way.
    pub places: Vec<(FieldPath, Location)>,
}

/// Where a namespace stands.
#[derive(Clone, Debug)]
pub struct NamespaceLevel {
    /// Its name; `None` for the workloads that state none.
    pub name: Option<String>,
    /// The tightest level that all its workloads can take.
    pub level: Level,
    /// How many workloads it has.
    pub workloads: usize,
    /// How many of its workloads could not be read, and may need a wider level.
    pub unreadable: usize,
    /// Its Namespace object, where that is in the input.
    pub labelled: Option<Labelled>,
}

/// What a Namespace object says.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Where to look.
    pub location: Location,
    /// The level that it enforces by a label.
    pub enforce: Option<LevelVersion>,
    /// How many of its workloads that refuses.
    pub refused: usize,
}

/// Where the workloads and namespaces of a snapshot stand at a version of the standards.
pub fn levels(
    snapshot: &Snapshot,
    workloads: &Workloads<'_>,
    evaluator: &Evaluator,
    version: Version,
) -> Levels {
    let mut levels = Levels::default();
    let mut namespaces: BTreeMap<Option<&str>, NamespaceLevel> = BTreeMap::new();
    for family in &workloads.families {
        let first = levels.workloads.len();
        for (index, member) in family.members.iter().enumerate() {
            let mut standing = of_workload(member, evaluator, version);
            let name = member.object.id.namespace.as_deref();
            let namespace = namespaces.entry(name).or_insert_with(|| of_namespace(snapshot, name));
            namespace.level = namespace.level.min(standing.level);
            let apart = match levels.workloads[first..].iter_mut().find(|known| known.stands_as(&standing)) {
                Some(known) => {
                    known.replicas += usize::from(member.is_pod());
                    false
                }
                None => {
                    standing.owner = (index > 0).then(|| family.top.id.clone());
                    levels.workloads.push(standing);
                    true
                }
            };
            if apart {
                namespace.workloads += 1;
                if let Some(labelled) = &mut namespace.labelled
                    && labelled.enforce.is_some_and(|enforce| !evaluator.allows(enforce, &member.template))
                {
                    labelled.refused += 1;
                }
            }
        }
    }
    for object in workloads
        .problems
        .iter()
        .filter_map(|problem| problem.object.as_ref())
        .collect::<std::collections::BTreeSet<_>>()
    {
        if let Some(namespace) = namespaces.get_mut(&object.namespace.as_deref())
            && ringwall_model::workload::WorkloadKind::of(&object.group, &object.kind).is_some()
        {
            namespace.unreadable += 1;
        }
    }
    levels.workloads.sort_by(|a, b| (&a.location, &a.object).cmp(&(&b.location, &b.object)));
    levels.namespaces = namespaces.into_values().collect();
    levels
}

impl WorkloadLevel {
    /// Whether another member of the family stands the same, for the same reasons.
    fn stands_as(&self, other: &Self) -> bool {
        let reasons = |level: &Self| -> Vec<&'static str> {
            level.obstacle.iter().flat_map(|obstacle| &obstacle.reasons).map(|reason| reason.rule).collect()
        };
        self.level == other.level && reasons(self) == reasons(other)
    }
}

fn of_workload(workload: &Workload<'_>, evaluator: &Evaluator, version: Version) -> WorkloadLevel {
    let standing = standing::of(evaluator, version, &workload.template);
    let object = workload.object;
    WorkloadLevel {
        object: object.id.clone(),
        api_version: object.api_version(),
        location: Location::of(object, &FieldPath::root()),
        owner: None,
        level: standing.level,
        obstacle: standing
            .obstacle()
            .map(|(level, failures)| Obstacle { level, reasons: reasons(workload, failures) }),
        replicas: 0,
    }
}

pub(crate) fn reasons(workload: &Workload<'_>, failures: &Failures<'_>) -> Vec<Reason> {
    let reason = |failure: ringwall_pods::evaluate::Failure<'_, '_>| Reason {
        rule: failure.check.about.id,
        reason: failure.words(&workload.template).reason,
        places: failure
            .offences
            .iter()
            .map(|offence| {
                let path = workload.path_to(&offence.path());
                let location = Location::of(workload.object, &path);
                (path, location)
            })
            .collect(),
    };
    failures.iter().map(reason).collect()
}

fn of_namespace(snapshot: &Snapshot, name: Option<&str>) -> NamespaceLevel {
    let labelled = name.and_then(|name| snapshot.namespace(name)).map(|object| {
        let has_label = object.label(ringwall_pods::policy::ENFORCE).is_some();
        let key = if has_label {
            FieldPath::keys(&["metadata", "labels"]).key(ringwall_pods::policy::ENFORCE)
        } else {
            FieldPath::keys(&["metadata", "name"])
        };
        Labelled {
            location: Location::of(object, &key),
            enforce: has_label.then(|| policy_of(object, &Policy::default()).0.enforce),
            refused: 0,
        }
    });
    NamespaceLevel {
        name: name.map(str::to_owned),
        level: Level::Restricted,
        workloads: 0,
        unreadable: 0,
        labelled,
    }
}
