//! What breaks if a namespace is labelled so: the API server's dry run, without its limits.
//!
//! The API server looks at the pods that run, at most 3,000 of them and for at most a second. Here every
//! workload counts: templates that have no pods now, CronJobs, workloads scaled to zero.

use std::collections::BTreeMap;

use ringwall_model::finding::Location;
use ringwall_model::object::ObjectId;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_pods::config::Configuration;
use ringwall_pods::evaluate::{Evaluator, Failures};
use ringwall_pods::namespace::policy_of;
use ringwall_pods::policy::LevelVersion;

use crate::check::exemption;
use crate::level::{Reason, reasons};
use crate::workloads::Workloads;

/// What a label would do to one namespace.
#[derive(Clone, Debug, Default)]
pub struct NamespacePlan {
    /// The namespace; `None` for the workloads that state none.
    pub name: Option<String>,
    /// What it enforces now, where its Namespace object is in the input.
    pub now: Option<LevelVersion>,
    /// What breaks, grouped by equal reasons and ordered by them.
    pub breaks: Vec<Group>,
    /// What does not break.
    pub fine: Vec<Member>,
    /// What the configuration exempts.
    pub exempt: Vec<Member>,
}

/// Workloads that break for the same reasons.
#[derive(Clone, Debug)]
pub struct Group {
    /// The reference's short words, as its dry run has them.
    pub reasons: String,
    /// The workloads, by name.
    pub members: Vec<Member>,
}

/// A workload.
#[derive(Clone, Debug)]
pub struct Member {
    /// The workload.
    pub object: ObjectId,
    /// Its group and version.
    pub api_version: String,
    /// Where it begins.
    pub location: Location,
    /// What is in the way; empty where nothing is.
    pub reasons: Vec<Reason>,
    /// How many pods of the same owner share this.
    pub replicas: usize,
}

impl Member {
    fn key(&self) -> (&str, &str, &Location) {
        (&self.object.name, &self.object.kind, &self.location)
    }
}

/// What breaks in each namespace if `enforce` is set there, by name. Namespaces without workloads are left out.
pub fn plan(
    snapshot: &Snapshot,
    workloads: &Workloads<'_>,
    evaluator: &Evaluator,
    enforce: LevelVersion,
    configuration: &Configuration,
) -> Vec<NamespacePlan> {
    let mut plans: BTreeMap<Option<&str>, NamespacePlan> = BTreeMap::new();
    let mut failures = Failures::default();
    for family in &workloads.families {
        // What was said of an earlier member of the family: it is not said again.
        let mut said: Vec<(String, Member)> = Vec::new();
        for workload in &family.members {
            let exempt = exemption(configuration, workload).is_some();
            failures.clear();
            if !exempt {
                evaluator.evaluate(enforce, &workload.template, &mut failures);
            }
            let words = if exempt { "exempt".to_owned() } else { failures.reasons(&workload.template) };
            if let Some((_, known)) = said.iter_mut().find(|(known, _)| *known == words) {
                known.replicas += usize::from(workload.is_pod());
                continue;
            }
            let member = Member {
                object: workload.object.id.clone(),
                api_version: workload.object.api_version(),
                location: Location::of(workload.object, &FieldPath::root()),
                reasons: reasons(workload, &failures),
                replicas: 0,
            };
            said.push((words, member));
        }
        let Some(name) = family.members.first().map(|member| member.object.id.namespace.as_deref()) else {
            continue;
        };
        let plan = plans.entry(name).or_insert_with(|| empty(snapshot, name, configuration));
        for (words, member) in said {
            match (words.as_str(), member.reasons.is_empty()) {
                ("exempt", true) => plan.exempt.push(member),
                (_, true) => plan.fine.push(member),
                (_, false) => match plan.breaks.iter_mut().find(|group| group.reasons == words) {
                    Some(group) => group.members.push(member),
                    None => plan.breaks.push(Group { reasons: words, members: vec![member] }),
                },
            }
        }
    }
    let mut plans: Vec<NamespacePlan> = plans.into_values().collect();
    for plan in &mut plans {
        plan.breaks.sort_by(|a, b| a.reasons.cmp(&b.reasons));
        let lists = plan.breaks.iter_mut().map(|group| &mut group.members);
        for list in lists.chain([&mut plan.fine, &mut plan.exempt]) {
            list.sort_by(|a, b| a.key().cmp(&b.key()));
        }
    }
    plans
}

fn empty(snapshot: &Snapshot, name: Option<&str>, configuration: &Configuration) -> NamespacePlan {
    let object = name.and_then(|name| snapshot.namespace(name));
    NamespacePlan {
        name: name.map(str::to_owned),
        now: object.map(|object| policy_of(object, &configuration.default_policy()).0.enforce),
        ..NamespacePlan::default()
    }
}
