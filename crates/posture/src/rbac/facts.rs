//! What the escalation catalogue must know beside roles and bindings, from the other objects of a snapshot: namespaces and their Pod Security
//! level, accounts, pods with what they mount and whether they can take over their node, nodes, tokens, what is installed.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_model::workload::CustomKind;
use ringwall_pods::hardening::model::Pod as Decoded;
use ringwall_pods::hardening::node_access::{takes_node, writes_node_logs};
use ringwall_pods::policy::{Level as Standard, Policy};
use ringwall_rbac::escalation::facts::{Facts, Level, NodeFact, Pod, TokenSecret};
use ringwall_rbac::snapshot::DEFAULT_NAMESPACE;

use super::authorizers::Authorizers;
use crate::workloads::{self, Reading, Workload};

/// API groups whose objects judge what is written, beside Pod Security.
const ADMISSION: [&str; 5] = [
    "admissionregistration.k8s.io",
    "constraints.gatekeeper.sh",
    "kyverno.io",
    "policies.kyverno.io",
    "policies.kubewarden.io",
];

/// Reads them. Costs a pass over the objects, and decoding the pod templates.
pub fn of(snapshot: &Snapshot, authorizers: &Authorizers, custom: &[CustomKind]) -> Facts {
    let mut facts = Facts {
        minor: Some(snapshot.facts.version.0),
        other_authorizers: authorizers.list.iter().map(|one| one.name.clone()).collect(),
        ..Facts::default()
    };
    let defaults = Policy::default();
    let mut automounts: BTreeMap<(String, String), bool> = BTreeMap::new();
    for (_, object) in snapshot.objects() {
        let namespace = || object.id.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        match (object.id.group.as_str(), object.id.kind.as_str()) {
            ("", "Namespace") => {
                let (policy, _) = ringwall_pods::namespace::policy_of(object, &defaults);
                let level = match policy.enforce.level {
                    Standard::Privileged => Level::Privileged,
                    Standard::Baseline => Level::Baseline,
                    Standard::Restricted => Level::Restricted,
                };
                facts.namespaces.insert(object.id.name.clone(), Some(level));
            }
            ("", "ServiceAccount") => {
                let key = (namespace(), object.id.name.clone());
                if let Some(mounts) =
                    object.root().get("automountServiceAccountToken").and_then(Node::as_bool)
                {
                    automounts.insert(key.clone(), mounts);
                }
                facts.accounts.insert(key);
            }
            ("", "Node") => facts.nodes.push(NodeFact {
                name: object.id.name.clone(),
                control_plane: object.label("node-role.kubernetes.io/control-plane").is_some(),
            }),
            ("", "Secret") => facts.token_secrets.extend(token(object, namespace())),
            ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                facts.installed.extend(object.root().str_at(&["spec", "group"]).map(str::to_owned));
            }
            (group, _) => {
                facts.other_admission |= ADMISSION.contains(&group);
                // An object of a group shows that the group is served, or will be.
                if group.contains('.') && !group.ends_with(".k8s.io") {
                    facts.installed.insert(group.to_owned());
                }
            }
        }
    }
    let reading = Reading { custom, partial: true, ..Reading::default() };
    let workloads = workloads::of(snapshot, reading);
    for workload in workloads.families.iter().flat_map(|family| &family.members) {
        facts.pods.push(pod(workload, &automounts));
    }
    let has = |group: &str, kind: &str| {
        snapshot.objects().any(|(_, object)| object.id.group == group && object.id.kind == kind)
    };
    // What people write by hand has no nodes; a dump that has them and one of each other kind that is asked for has them all.
    facts.complete = has("", "Node")
        && has("", "Pod")
        && has("", "Secret")
        && has("apiextensions.k8s.io", "CustomResourceDefinition")
        && facts.namespaces.contains_key("kube-system")
        && facts.accounts.iter().any(|(namespace, _)| namespace == "kube-system");
    facts
}

/// A secret that holds the token of an account.
fn token(object: &Object, namespace: String) -> Option<TokenSecret> {
    let root = object.root();
    if root.str_at(&["type"]) != Some("kubernetes.io/service-account-token") {
        return None;
    }
    let account = root.str_at(&["metadata", "annotations", "kubernetes.io/service-account.name"])?;
    Some(TokenSecret { namespace, name: object.id.name.clone(), account: account.to_owned() })
}

fn pod(workload: &Workload<'_>, automounts: &BTreeMap<(String, String), bool>) -> Pod {
    let decoded: Decoded<'_> = workload.decode();
    let object = workload.object;
    let namespace = object.id.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    let account = decoded.spec.account().to_owned();
    let stated = decoded.spec.automount_token;
    let by_account = automounts.get(&(namespace.clone(), account.clone())).copied();
    let spec = workload.node().and_then(|template| template.get("spec"));
    Pod {
        name: object.id.name.clone(),
        is_pod: workload.is_pod(),
        account,
        has_token: stated.or(by_account).unwrap_or(true),
        node: spec.and_then(|spec| spec.str_at(&["nodeName"])).map(str::to_owned),
        on_all_nodes: object.id.kind == "DaemonSet",
        secrets: secrets(&decoded, spec),
        takes_node: takes_node(&decoded),
        writes_node_logs: writes_node_logs(&decoded),
        namespace,
    }
}

/// The secrets that a pod mounts or has in its environment.
fn secrets(pod: &Decoded<'_>, spec: Option<Node<'_>>) -> Vec<String> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (_, container) in pod.spec.all() {
        let values =
            container.env.iter().filter_map(|variable| variable.value_from.as_ref()?.secret.as_ref());
        names.extend(values.map(|reference| reference.name));
        names.extend(
            container.env_from.iter().filter_map(|from| from.secret.as_ref()).map(|reference| reference.name),
        );
    }
    let volumes = spec.and_then(|spec| spec.get("volumes")).into_iter().flat_map(Node::items);
    for volume in volumes {
        names.extend(volume.str_at(&["secret", "secretName"]));
        let sources = volume.at(&["projected", "sources"]).into_iter().flat_map(Node::items);
        names.extend(sources.filter_map(|source| source.str_at(&["secret", "name"])));
    }
    names.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
