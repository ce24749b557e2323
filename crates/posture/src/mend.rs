//! How each finding is mended: the checks' own repairs, in terms of the object in whose text the finding is.

use std::collections::HashMap;

use ringwall_model::finding::{Finding, Mending};
use ringwall_model::fix::{Applicability, Change, Fix, Value};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_pods::checks::{self, StandardCheck};
use ringwall_pods::evaluate::Evaluator;
use ringwall_pods::evidence::Offence;
use ringwall_pods::hardening::repair::Repair;
use ringwall_pods::hardening::{Flaw, HardeningCheck, Subject};
use ringwall_pods::model::{ContainerList, Place};
use ringwall_pods::namespace::{outdated, policy_of, quiet_modes, unenforced};
use ringwall_pods::policy::{AUDIT, ENFORCE, Level, LevelVersion, Policy, Version, WARN};

use crate::level;
use crate::workloads::{Workload, Workloads};

const EPHEMERAL: &str = "ephemeral containers cannot be changed once they run";
/// The check of tokens that are mounted, RW-POD-025.
const TOKEN_MOUNTED: &str = "RW-POD-025";
pub(crate) const OWNED: &str = "the object is made by another one, which is to be changed instead";

/// Why the other findings on namespaces are not mended.
pub(crate) const MEANT: &str = "what is meant is not in the manifest";
/// Why a flag of the control plane is not mended.
pub(crate) const OWN: &str = "it takes a file or a choice that is not in the manifest";

/// How a standard check would mend one offence.
pub(crate) fn offence(member: &Workload<'_>, check: &StandardCheck, offence: &Offence<'_>) -> Mending {
    let fix = match check.repair {
        _ if is_ephemeral(Some(offence.place)) => Err(EPHEMERAL.to_owned()),
        checks::Repair::Manual(reason) => Err(reason.to_owned()),
        checks::Repair::Template(mend) => {
            let fix = mend(&member.template, offence).map(|fix| at_container(member, offence.place, fix));
            fix.map(|fix| of_template(member, fix)).map_err(str::to_owned)
        }
    };
    Mending { object: member.index, fix: unless_owned(member, fix) }
}

/// How a hardening check would mend one flaw.
pub(crate) fn flaw<'s>(
    member: &Workload<'s>,
    subject: &Subject<'_, 's>,
    check: &HardeningCheck,
    flaw: &Flaw,
) -> Mending {
    let fix = match check.repair {
        _ if is_ephemeral(flaw.place()) => Err(EPHEMERAL.to_owned()),
        Repair::Manual(reason) => Err(reason.to_owned()),
        // Source: `WorkflowSpec` in github.com/argoproj/argo-workflows `pkg/apis/workflow/v1alpha1/workflow_types.go`.
        Repair::Template(_) if check.about.id == TOKEN_MOUNTED && member.is_argo() => {
            Err("Argo's executor needs a token too, of an account that is not in the manifest".to_owned())
        }
        Repair::Template(mend) => {
            mend(subject, flaw).map(|fix| of_template(member, fix)).map_err(str::to_owned)
        }
        Repair::Object(mend) => mend(subject, flaw).map_err(str::to_owned),
    };
    Mending { object: member.index, fix: unless_owned(member, fix) }
}

const fn is_ephemeral(place: Option<Place>) -> bool {
    matches!(place, Some(Place::Container { list: ContainerList::Ephemeral, .. }))
}

/// What a controller made is made anew by it.
pub(crate) fn unless_owned(member: &Workload<'_>, fix: Result<Fix, String>) -> Result<Fix, String> {
    if is_owned(member.object) { Err(OWNED.to_owned()) } else { fix }
}

/// Whether another object made this one.
pub(crate) fn is_owned(object: &Object) -> bool {
    let references = object.root().at(&["metadata", "ownerReferences"]);
    references.is_some_and(|references| references.items().next().is_some())
}

/// The fix with what it sets for the whole pod set for the container at `place`, where the kind takes only that: Knative refuses a
/// `securityContext` of the pod unless a feature is enabled. Source: `PodSecurityContextMask` in knative.dev/serving
/// `pkg/apis/serving/fieldmask.go`.
fn at_container(member: &Workload<'_>, place: Place, mut fix: Fix) -> Fix {
    if member.object.id.group != "serving.knative.dev" || !matches!(place, Place::Container { .. }) {
        return fix;
    }
    let of_pod = FieldPath::keys(&["spec", "securityContext"]);
    for change in &mut fix.changes {
        if let Change::Set { path, .. } = change
            && let Some(field) = path.strip_prefix(&of_pod)
        {
            *path = place.path().key("securityContext").join(&field);
        }
    }
    fix
}

/// The fix with its paths from the object.
fn of_template(member: &Workload<'_>, mut fix: Fix) -> Fix {
    for change in &mut fix.changes {
        let Some(path) = change.path().map(|path| member.path_to(path)) else { continue };
        match change {
            Change::Set { path: old, .. }
            | Change::Append { path: old, .. }
            | Change::Remove { path: old }
            | Change::Rename { path: old, .. } => *old = path,
            Change::Beside { .. } => {}
        }
    }
    fix
}

/// The tightest level that all workloads of each namespace take, and how many workloads it has.
pub(crate) type Levels<'s> = HashMap<&'s str, (Level, usize, usize)>;

/// The levels of all namespaces, at the cluster's own version.
pub(crate) fn levels_of<'s>(
    snapshot: &'s Snapshot,
    workloads: &Workloads<'s>,
    evaluator: &Evaluator,
) -> Levels<'s> {
    let levels = level::levels(snapshot, workloads, evaluator, Version::Latest);
    snapshot
        .of_kind("", "Namespace")
        .map(|namespace| {
            let name = namespace.id.name.as_str();
            let of = levels.namespaces.iter().find(|level| level.name.as_deref() == Some(name));
            let level = of.map_or((Level::Restricted, 0, 0), |of| (of.level, of.workloads, of.unreadable));
            (name, level)
        })
        .collect()
}

/// How a finding on a namespace's labels is mended.
pub(crate) fn namespace(finding: &Finding, namespace: &Object, levels: &Levels<'_>) -> Result<Fix, String> {
    const REVIEW: &str = "whether pods that are not in the input take it too";
    let (takes, workloads, unreadable) =
        levels.get(namespace.id.name.as_str()).copied().unwrap_or((Level::Privileged, 0, 0));
    let (policy, _) = policy_of(namespace, &Policy::default());
    let label = |key: &str, value: Level| Change::Set {
        path: FieldPath::keys(&["metadata", "labels"]).key(key),
        value: Value::Text(value.to_string()),
    };
    let fix = |title: String, changes: Vec<Change>| Fix {
        title,
        applicability: Applicability::NeedsReview,
        review: REVIEW.to_owned(),
        changes,
    };
    if finding.check.id == unenforced::UNENFORCED.id || finding.check.id == unenforced::NOT_RESTRICTED.id {
        if unreadable > 0 {
            return Err("one of its workloads could not be read, and may need a wider level".to_owned());
        }
        if workloads == 0 {
            return Err(
                "no workload of the namespace is in the input, so the level that it takes is not known"
                    .to_owned(),
            );
        }
        if takes <= policy.enforce.level {
            return Err(format!("its workloads take no tighter level than {takes} as they are"));
        }
        // Who is told less than is enforced is told too late.
        let mut changes = vec![label(ENFORCE, takes)];
        changes.extend([WARN, AUDIT].map(|key| label(key, Level::Restricted)));
        return Ok(fix(
            format!("enforce {takes}, which all its workloads take; warn of and audit restricted"),
            changes,
        ));
    }
    if finding.check.id == quiet_modes::CHECK.id {
        let changes = vec![Change::Set {
            path: finding.path.clone(),
            value: Value::Text(policy.enforce.level.to_string()),
        }];
        let title = format!("say what the namespace enforces: {}", policy.enforce.level);
        let applicability = Applicability::Safe;
        return Ok(Fix { title, applicability, review: String::new(), changes });
    }
    if finding.check.id == outdated::CHECK.id {
        let refused = finding.witness == "enforce" && takes < policy.enforce.level;
        if refused {
            let latest = LevelVersion::new(policy.enforce.level, Version::Latest);
            return Err(format!("one of its workloads does not take {latest}"));
        }
        let changes = vec![Change::Set { path: finding.path.clone(), value: Value::from("latest") }];
        return Ok(fix("follow the newest version of the standards".to_owned(), changes));
    }
    Err(MEANT.to_owned())
}
