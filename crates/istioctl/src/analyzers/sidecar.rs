//! Sidecars of the same pods, and of none. Source: `pkg/config/analysis/analyzers/sidecar/selector.go`.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::path::FieldPath;

use super::Context;
use super::in_mesh::{is_ambient, is_ambient_namespace};
use crate::codes::{
    CONFLICTING_SIDECAR_WORKLOAD_SELECTORS, INEFFECTIVE_POLICY, MULTIPLE_SIDECARS_WITHOUT_WORKLOAD_SELECTORS,
    REFERENCED_RESOURCE_NOT_FOUND,
};
use crate::message::{Place, Reporter};
use crate::reader::{contains, go_list, selector_text};
use crate::store::{Kind, Pod, Resource};

/// The names of resources, sorted.
pub(super) fn names(resources: &[&Resource<'_>]) -> String {
    let mut names: Vec<&str> = resources.iter().map(|resource| resource.name.name).collect();
    names.sort_unstable();
    go_list(names)
}

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut of_namespaces: BTreeMap<&str, Vec<&Resource<'_>>> = BTreeMap::new();
    let mut of_pods: BTreeMap<usize, Vec<&Resource<'_>>> = BTreeMap::new();
    for sidecar in context.store.all(Kind::Sidecar) {
        let selector = sidecar.spec.get("workloadSelector").map("labels");
        let namespace = sidecar.name.namespace;
        if selector.is_empty() {
            of_namespaces.entry(namespace).or_default().push(sidecar);
            continue;
        }
        let is_selected = |pod: &Pod<'_>| {
            pod.resource.name.namespace == namespace && contains(&pod.resource.labels, &selector)
        };
        let mut is_found = false;
        for (at, _) in context.store.pods.iter().enumerate().filter(|(_, pod)| is_selected(pod)) {
            is_found = true;
            of_pods.entry(at).or_default().push(sidecar);
        }
        if !is_found {
            let path = FieldPath::keys(&["spec", "workloadSelector", "labels"]);
            let place = Place::Named(selector.keys().next().map_or(path.clone(), |label| path.key(label)));
            let arguments = ["selector", &selector_text(&selector)];
            reporter.report(REFERENCED_RESOURCE_NOT_FOUND, sidecar, &arguments, place);
        }
    }
    let mut reported: BTreeSet<_> = BTreeSet::new();
    let mut in_vain = |sidecar: &Resource<'_>, why: &str, reporter: &mut Reporter| {
        if reported.insert(sidecar.name.to_string()) {
            reporter.report(INEFFECTIVE_POLICY, sidecar, &[why], Place::Whole);
        }
    };
    for (at, sidecars) in of_pods {
        let Some(pod) = context.store.pods.get(at) else { continue };
        if is_ambient(pod) {
            for sidecar in sidecars {
                in_vain(sidecar, "selected workload is in ambient mode, the policy has no impact", reporter);
            }
        } else if sidecars.len() > 1 {
            let arguments = [&*names(&sidecars), pod.resource.name.namespace, pod.resource.name.name];
            for sidecar in &sidecars {
                let place = Place::Named(FieldPath::keys(&["metadata", "name"]));
                reporter.report(CONFLICTING_SIDECAR_WORKLOAD_SELECTORS, sidecar, &arguments, place);
            }
        }
    }
    for (namespace, sidecars) in of_namespaces {
        if context.store.namespace(namespace).is_some_and(is_ambient_namespace) {
            for sidecar in sidecars {
                in_vain(sidecar, "namespace is in ambient mode, the policy has no impact", reporter);
            }
        } else if sidecars.len() > 1 {
            let arguments = [&*names(&sidecars), namespace];
            for sidecar in &sidecars {
                reporter.report(
                    MULTIPLE_SIDECARS_WITHOUT_WORKLOAD_SELECTORS,
                    sidecar,
                    &arguments,
                    Place::Whole,
                );
            }
        }
    }
}
