use std::collections::HashSet;
use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_model::address::{Address, Family};
use ringwall_model::object::Object;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::text::Source;
use serde_json::{Value, json};

use super::*;
use crate::port::Protocol;

/// Two pods that talk, a pod on the network of node `n2`, and these policies.
fn cluster(policies: &[Value]) -> Cluster {
    let pod = |name: &str, address: &str, node: &str, host: bool, spec: Value| {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "namespace": "a", "name": name, "labels": { "app": name } },
            "spec": { "nodeName": node, "hostNetwork": host }, "status": { "podIPs": [{ "ip": address }] }
        });
        for (key, value) in spec.as_object().into_iter().flatten() {
            pod["spec"][key] = value.clone();
        }
        pod
    };
    let node = |name: &str, address: &str| {
        json!({
            "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": { "node": name } },
            "status": { "addresses": [{ "type": "InternalIP", "address": address }] }
        })
    };
    let port = |name: &str, number: u16| json!({ "name": "c", "ports": [{ "name": name, "containerPort": number }] });
    let mut sidecar = port("admin", 9000);
    sidecar["restartPolicy"] = json!("Always");
    let mut objects = vec![
        node("n1", "172.18.0.1"),
        node("n2", "172.18.0.2"),
        pod("web", "10.0.0.1", "n1", false, json!({ "containers": [port("http", 80)] })),
        pod(
            "db",
            "10.0.0.2",
            "n2",
            false,
            json!({ "containers": [port("http", 8080)], "initContainers": [sidecar] }),
        ),
        pod("agent", "172.18.0.2", "n2", true, json!({ "containers": [] })),
    ];
    objects.extend_from_slice(policies);
    let read = |value: &Value| {
        let source = Arc::new(Source::new("object.json", value.to_string()));
        let tree = Arc::new(json::parse(&source, &Limits::default()).expect("JSON"));
        Object::read(&tree, tree.root(), FieldPath::root()).expect("an object")
    };
    let cluster = Cluster::of(&Snapshot::new(objects.iter().map(read).collect(), Facts::default()), &[]);
    assert!(cluster.refusals.is_empty(), "{:?}", cluster.refusals);
    cluster
}

fn network_policy(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "namespace": "a", "name": name }, "spec": spec
    })
}

fn admin_policy(kind: &str, version: &str, spec: &Value) -> Value {
    let name = if kind.starts_with("Baseline") { "default" } else { "p" };
    json!({
        "apiVersion": format!("policy.networking.k8s.io/{version}"), "kind": kind, "metadata": { "name": name }, "spec": spec
    })
}

/// The notes about a connection, each as its id, the engine's verdict, and the place.
fn asked(cni: Cni, cluster: &Cluster, direction: Direction, from: &str, to: &str, port: u16) -> Vec<String> {
    about(cni, cluster, direction, from, to, Port { protocol: Protocol::Tcp, number: port })
}

fn about(cni: Cni, cluster: &Cluster, direction: Direction, from: &str, to: &str, port: Port) -> Vec<String> {
    let end = |name: &str| match cluster.pods.iter().position(|pod| pod.name == name) {
        Some(pod) => End {
            family: Family::V4,
            address: cluster.pods[pod].addresses.first().copied(),
            pod: Some(pod),
            node: None,
        },
        None => cluster.end_of(Address::parse(name).expect("an address")),
    };
    let notes = notes(cni, cluster, direction, end(from), end(to), port);
    let words = |note: &Note| {
        let path = note.path.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {:?} {path}", note.difference.id, note.verdict)
    };
    notes.iter().map(words).collect()
}

fn written(cni: Cni, cluster: &Cluster) -> Vec<String> {
    let notes = (0..cluster.policies.len()).flat_map(|policy| policy_notes(cni, cluster, policy));
    let words = |note: Note| {
        assert_eq!(note.verdict, None);
        format!("{} {}", note.difference.id, note.path.expect("a place"))
    };
    notes.map(words).collect()
}

#[test]
fn each_difference_says_what_it_is_and_where_that_is_said() {
    let mut ids = HashSet::new();
    for difference in DIFFERENCES {
        let word = difference.cni.word();
        assert!(ids.insert(difference.id) && difference.id.starts_with(word), "{}", difference.id);
        assert!(difference.reference.starts_with("https://"), "{}", difference.id);
        assert!(!difference.about.ends_with('.') && !difference.about.contains("  "), "{}", difference.about);
    }
    for cni in Cni::ALL {
        assert_eq!(Cni::parse(cni.word()), Some(cni));
        assert!(cni.differences().count() > 1);
    }
    assert_eq!(Cni::parse("Calico"), None);
}

#[test]
fn blocks_hold_no_pods_and_no_nodes_in_cilium() {
    let cluster = cluster(&[network_policy(
        "p",
        &json!({ "podSelector": { "matchLabels": { "app": "web" } }, "policyTypes": ["Egress"], "egress": [
            { "to": [{ "podSelector": { "matchLabels": { "app": "none" } } }, { "ipBlock": { "cidr": "0.0.0.0/0" } }] }
        ] }),
    )]);
    let ask = |to: &str| asked(Cni::Cilium, &cluster, Direction::Egress, "web", to, 80);
    assert_eq!(ask("db"), ["cilium-ip-blocks Some(No) spec.egress[0].to[1]"]);
    assert_eq!(ask("172.18.0.2"), ["cilium-ip-blocks Some(No) spec.egress[0].to[1]"]);
    assert_eq!(ask("172.18.0.1"), [""; 0], "of its own node nothing is certain");
    assert_eq!(ask("8.8.8.8"), [""; 0]);
    assert_eq!(asked(Cni::Calico, &cluster, Direction::Egress, "web", "db", 80), [""; 0]);
    assert_eq!(
        asked(Cni::Cilium, &cluster, Direction::Ingress, "web", "db", 80),
        [""; 0],
        "nothing isolates db"
    );
    assert_eq!(written(Cni::Cilium, &cluster), ["cilium-ip-blocks spec.egress[0].to[1]"]);
}

#[test]
fn a_rule_beside_it_makes_the_difference_none() {
    let cluster = cluster(&[network_policy(
        "p",
        &json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [
            { "to": [{ "ipBlock": { "cidr": "10.0.0.0/8" } }] }, { "to": [{ "podSelector": {} }] }
        ] }),
    )]);
    assert_eq!(asked(Cni::Cilium, &cluster, Direction::Egress, "web", "db", 80), [""; 0]);
}

#[test]
fn names_and_ranges_of_ports_are_read_otherwise() {
    let policy = |direction: &str, port: Value| {
        network_policy(
            "p",
            &json!({ "podSelector": {}, "policyTypes": [direction], direction.to_lowercase(): [{ "ports": [port] }] }),
        )
    };
    let cluster_of = |direction, port| cluster(&[policy(direction, port)]);
    // Two pods have the name for different numbers.
    let named = cluster_of("Egress", json!({ "port": "http" }));
    assert_eq!(
        asked(Cni::Cilium, &named, Direction::Egress, "web", "db", 8080),
        ["cilium-named-ports Some(No) spec.egress[0]"]
    );
    assert_eq!(written(Cni::Cilium, &named), ["cilium-named-ports spec.egress[0].ports[0]"]);
    assert_eq!(
        asked(Cni::Ovn, &named, Direction::Egress, "web", "db", 22),
        ["ovn-named-ports Some(Yes) spec.egress[0]"]
    );
    assert_eq!(asked(Cni::Ovn, &named, Direction::Egress, "web", "db", 8080), [""; 0]);
    assert_eq!(asked(Cni::KubeNetworkPolicies, &named, Direction::Egress, "web", "db", 8080), [""; 0]);
    let received = cluster_of("Ingress", json!({ "port": "http" }));
    assert_eq!(asked(Cni::Cilium, &received, Direction::Ingress, "web", "db", 8080), [""; 0]);
    assert_eq!(written(Cni::Cilium, &received), [""; 0]);
    // One that only a sidecar among the init containers declares.
    let sidecar = cluster_of("Ingress", json!({ "port": "admin" }));
    for (cni, id) in [
        (Cni::Calico, "calico-sidecar-ports"),
        (Cni::KubeNetworkPolicies, "kube-network-policies-sidecar-ports"),
    ] {
        assert_eq!(
            asked(cni, &sidecar, Direction::Ingress, "web", "db", 9000),
            [format!("{id} Some(No) spec.ingress[0]")]
        );
        assert_eq!(asked(cni, &received, Direction::Ingress, "web", "db", 8080), [""; 0]);
    }
    let range = cluster_of("Ingress", json!({ "port": 8000, "endPort": 9000 }));
    assert_eq!(
        asked(Cni::Cilium, &range, Direction::Ingress, "web", "db", 8080),
        ["cilium-end-port Some(No) spec.ingress[0]"]
    );
    assert_eq!(asked(Cni::Cilium, &range, Direction::Ingress, "web", "db", 8000), [""; 0]);
    assert_eq!(written(Cni::Cilium, &range), ["cilium-end-port spec.ingress[0].ports[0]"]);
    let all = cluster_of("Ingress", json!({ "protocol": "UDP" }));
    assert_eq!(written(Cni::Cilium, &all), [""; 0], "all ports of a protocol are no range");
    let sctp = cluster_of("Ingress", json!({ "protocol": "SCTP", "port": 80 }));
    let port = |protocol| Port { protocol, number: 80 };
    assert_eq!(
        about(Cni::Cilium, &sctp, Direction::Ingress, "web", "db", port(Protocol::Sctp)),
        ["cilium-sctp None spec.ingress[0].ports[0]"]
    );
    assert_eq!(about(Cni::Cilium, &sctp, Direction::Ingress, "web", "db", port(Protocol::Tcp)), [""; 0]);
}

#[test]
fn policies_of_administrators_are_read_otherwise_or_not_at_all() {
    let deny = |subject: Value, ports: Value| {
        json!({
            "priority": 150, "subject": subject,
            "ingress": [{ "action": "Deny", "from": [{ "namespaces": {} }], "ports": ports }]
        })
    };
    let all = json!({ "namespaces": {} });
    let admin = cluster(&[admin_policy(
        "AdminNetworkPolicy",
        "v1alpha1",
        &deny(all.clone(), json!([{ "namedPort": "http" }])),
    )]);
    assert_eq!(
        asked(Cni::Cilium, &admin, Direction::Ingress, "web", "db", 8080),
        ["cilium-admin-policies Some(Yes) spec.ingress[0]"]
    );
    assert_eq!(
        asked(Cni::Ovn, &admin, Direction::Ingress, "web", "db", 8080),
        ["ovn-priorities Some(Yes) spec.ingress[0]"]
    );
    assert_eq!(written(Cni::Ovn, &admin), ["ovn-priorities spec.priority"]);
    assert_eq!(
        asked(Cni::KubeNetworkPolicies, &admin, Direction::Ingress, "web", "db", 22),
        ["kube-network-policies-admin-ports Some(No) spec.ingress[0]"]
    );
    let cluster_wide = |action: &str, rule: Value| {
        let mut rule = rule;
        rule["action"] = json!(action);
        let spec = json!({ "priority": 1, "tier": "Admin", "subject": all, "egress": [rule] });
        cluster(&[
            admin_policy("ClusterNetworkPolicy", "v1alpha2", &spec),
            network_policy("deny", &json!({ "podSelector": {}, "policyTypes": ["Egress"] })),
        ])
    };
    let named = json!({ "to": [{ "namespaces": {} }], "protocols": [{ "destinationNamedPort": "http" }] });
    let accept = cluster_wide("Accept", named.clone());
    assert_eq!(
        asked(Cni::Calico, &accept, Direction::Egress, "web", "db", 8080),
        ["calico-cluster-rules Some(No) spec.egress[0]"]
    );
    assert_eq!(
        asked(Cni::Cilium, &accept, Direction::Egress, "web", "db", 8080),
        ["cilium-cluster-policies Some(No) spec.egress[0]"]
    );
    assert_eq!(written(Cni::Calico, &accept), ["calico-cluster-rules spec.egress[0]"]);
    let pass = cluster(&[admin_policy(
        "ClusterNetworkPolicy",
        "v1alpha2",
        &json!({ "priority": 1, "tier": "Admin", "subject": all, "egress": [
            { "action": "Pass", "to": [{ "nodes": { "matchLabels": { "node": "n2" } } }] }
        ] }),
    )]);
    assert_eq!(
        asked(Cni::Calico, &pass, Direction::Egress, "web", "db", 80),
        ["calico-cluster-rules Some(No) spec.egress[0]"]
    );
}

#[test]
fn nodes_and_the_baseline_are_read_otherwise_by_kube_network_policies() {
    let nodes = cluster(&[admin_policy(
        "AdminNetworkPolicy",
        "v1alpha1",
        &json!({ "priority": 1, "subject": { "namespaces": {} }, "egress": [
            { "action": "Deny", "to": [{ "nodes": { "matchLabels": { "node": "n2" } } }] }
        ] }),
    )]);
    let ask = |to: &str| asked(Cni::KubeNetworkPolicies, &nodes, Direction::Egress, "web", to, 80);
    assert_eq!(ask("172.18.0.2"), ["kube-network-policies-nodes Some(Yes) spec.egress[0].to[0]"]);
    assert_eq!(ask("db"), ["kube-network-policies-nodes Some(No) spec.egress[0].to[0]"]);
    assert_eq!(ask("8.8.8.8"), [""; 0]);
    let baseline = admin_policy(
        "BaselineAdminNetworkPolicy",
        "v1alpha1",
        &json!({ "subject": { "namespaces": {} }, "ingress": [{ "action": "Deny", "from": [{ "namespaces": {} }] }] }),
    );
    let other = network_policy("p", &json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{}] }));
    let both = cluster(&[baseline.clone(), other]);
    assert_eq!(
        asked(Cni::KubeNetworkPolicies, &both, Direction::Ingress, "web", "db", 80),
        ["kube-network-policies-baseline Some(Yes) spec.ingress[0]"]
    );
    assert_eq!(
        asked(Cni::KubeNetworkPolicies, &cluster(&[baseline]), Direction::Ingress, "web", "db", 80),
        [""; 0]
    );
}

#[test]
fn peers_hold_pods_on_the_network_of_their_node_in_ovn() {
    let to = |peer: Value| {
        cluster(&[network_policy(
            "p",
            &json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "to": [peer] }] }),
        )])
    };
    let own = to(json!({ "podSelector": { "matchLabels": { "app": "agent" } } }));
    let ask =
        |cluster: &Cluster, address: &str| asked(Cni::Ovn, cluster, Direction::Egress, "web", address, 80);
    assert_eq!(ask(&own, "172.18.0.2"), ["ovn-host-network Some(Yes) spec.egress[0].to[0]"]);
    assert_eq!(ask(&own, "172.18.0.1"), [""; 0]);
    assert_eq!(written(Cni::Ovn, &own), ["ovn-host-network spec.egress[0].to[0]"]);
    let spaces = to(json!({ "namespaceSelector": {} }));
    assert_eq!(ask(&spaces, "172.18.0.2"), [""; 0], "a namespaceSelector alone does not");
    assert_eq!(written(Cni::Ovn, &to(json!({ "podSelector": { "matchLabels": { "app": "db" } } }))), [""; 0]);
}

#[test]
fn what_cannot_be_told_or_is_always_allowed_needs_no_note() {
    let policy = network_policy(
        "p",
        &json!({ "podSelector": {}, "ingress": [{ "from": [{ "ipBlock": { "cidr": "0.0.0.0/0" } }] }] }),
    );
    let foreign = json!({
        "apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": { "namespace": "a", "name": "f" },
        "spec": { "endpointSelector": {}, "ingress": [{}] }
    });
    let both = cluster(&[policy.clone(), foreign]);
    assert_eq!(asked(Cni::Cilium, &both, Direction::Ingress, "web", "db", 80), [""; 0]);
    let own = cluster(&[policy]);
    assert_eq!(asked(Cni::Cilium, &own, Direction::Ingress, "172.18.0.2", "db", 80), [""; 0]);
    assert_eq!(asked(Cni::Cilium, &own, Direction::Ingress, "172.18.0.1", "db", 80).len(), 1);
    let pods = cluster(&[]);
    let end = End { family: Family::V4, address: None, pod: None, node: None };
    let port = Port { protocol: Protocol::Tcp, number: 80 };
    assert!(notes(Cni::Cilium, &pods, Direction::Ingress, end, end, port).is_empty());
    assert!(policy_notes(Cni::Cilium, &pods, 7).is_empty());
}

#[test]
fn a_note_reads_like_a_sentence() {
    let cluster = cluster(&[network_policy(
        "p",
        &json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "ports": [{ "port": "http" }] }] }),
    )]);
    let end = |pod: usize| End { family: Family::V4, address: None, pod: Some(pod), node: None };
    let port = Port { protocol: Protocol::Tcp, number: 22 };
    let notes = notes(Cni::Ovn, &cluster, Direction::Egress, end(0), end(1), port);
    assert_eq!(
        notes[0].message(),
        "OVN-Kubernetes takes the name of a port in a NetworkPolicy for all ports of the protocol: there, it is allowed"
    );
    let written = policy_notes(Cni::Cilium, &cluster, 0);
    assert_eq!(
        written[0].message(),
        "Cilium lets nothing pass by the name of a port in a rule of egress where pods of the cluster have the name for different \
         numbers (before v1.20)"
    );
}
