//! Policies of nobody, and namespaces that are not there. Source: `pkg/config/analysis/analyzers/authz/authorizationpolicies.go`.

use std::collections::BTreeMap;

use ringwall_model::path::FieldPath;

use super::Context;
use super::in_mesh::{is_ambient, pod_in_mesh};
use crate::codes::{NO_MATCHING_WORKLOADS_FOUND, REFERENCED_RESOURCE_NOT_FOUND};
use crate::message::{Place, Reporter};
use crate::reader::{Texts, contains, selector_text};
use crate::store::{Kind, Resource};

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    // The labels of the pods of the mesh, by namespace.
    let mut pods: BTreeMap<&str, Vec<&Texts<'_>>> = BTreeMap::new();
    for pod in &context.store.pods {
        if pod_in_mesh(pod, context.store) || is_ambient(pod) {
            pods.entry(pod.resource.name.namespace).or_default().push(&pod.resource.labels);
        }
    }
    for policy in context.store.all(Kind::AuthorizationPolicy) {
        workloads(policy, &pods, context, reporter);
        namespaces(policy, context, reporter);
    }
}

fn workloads(
    policy: &Resource<'_>,
    pods: &BTreeMap<&str, Vec<&Texts<'_>>>,
    context: &Context<'_, '_>,
    reporter: &mut Reporter,
) {
    let selector = policy.spec.get("selector");
    let is_mesh_wide = policy.name.namespace == context.mesh.root_namespace;
    let own = pods.get(policy.name.namespace);
    if !selector.is_set() {
        if !is_mesh_wide && own.is_none() {
            reporter.report(NO_MATCHING_WORKLOADS_FOUND, policy, &[""], Place::Whole);
        }
        return;
    }
    let wanted = selector.map("matchLabels");
    let is_found = if is_mesh_wide {
        pods.values().flatten().any(|labels| contains(labels, &wanted))
    } else {
        own.into_iter().flatten().any(|labels| contains(labels, &wanted))
    };
    if !is_found {
        let place = Place::Unnamed(FieldPath::keys(&["spec", "selector"]));
        reporter.report(NO_MATCHING_WORKLOADS_FOUND, policy, &[&selector_text(&wanted)], place);
    }
}

fn namespaces(policy: &Resource<'_>, context: &Context<'_, '_>, reporter: &mut Reporter) {
    for (rule_at, rule) in policy.spec.items("rules").enumerate() {
        for (from_at, from) in rule.items("from").enumerate() {
            let source = from.get("source");
            for key in ["namespaces", "notNamespaces"] {
                for (at, wanted) in source.texts(key).into_iter().enumerate() {
                    let namespaces = context.store.all(Kind::Namespace);
                    if namespaces.iter().any(|namespace| matches(namespace.name.name, wanted)) {
                        continue;
                    }
                    let path = FieldPath::keys(&["spec", "rules"]).index(rule_at).key("from").index(from_at);
                    let path = path.key("source").key(key).index(at);
                    reporter.report(
                        REFERENCED_RESOURCE_NOT_FOUND,
                        policy,
                        &["namespace", wanted],
                        Place::Named(path),
                    );
                }
            }
        }
    }
}

fn matches(namespace: &str, wanted: &str) -> bool {
    if let Some(end) = wanted.strip_prefix('*') {
        return namespace.ends_with(end);
    }
    if let Some(start) = wanted.strip_suffix('*') {
        return namespace.starts_with(start);
    }
    namespace.to_lowercase() == wanted.to_lowercase()
}
