//! Random clusters with all that policies can say.

use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::text::Source;
use serde_json::{Value, json};

/// Numbers from a seed (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    pub(crate) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

pub(crate) const NAMESPACES: [&str; 3] = ["a", "b", "c"];
const BLOCKS: [&str; 7] =
    ["10.0.0.0/8", "10.0.1.0/24", "0.0.0.0/0", "192.0.2.0/24", "172.18.0.0/16", "fd00::/8", "::/0"];

/// Takes objects together.
pub(crate) fn snapshot(objects: &[Value]) -> Snapshot {
    let read = |object: &Value| {
        let source = Arc::new(Source::new("cluster.json", object.to_string()));
        let tree = Arc::new(json::parse(&source, &Limits::default()).expect("JSON"));
        Object::read(&tree, tree.root(), FieldPath::root()).expect("an object")
    };
    Snapshot::new(objects.iter().map(read).collect(), Facts::default())
}

/// A cluster of a few namespaces, pods and policies.
pub(crate) fn cluster(random: &mut Random) -> Vec<Value> {
    let mut objects = Vec::new();
    for at in 0..=random.below(3) {
        objects.push(namespace(random, at));
    }
    for at in 0..random.below(3) {
        objects.push(node(random, at));
    }
    for at in 0..2 + random.below(7) {
        objects.push(workload(random, at));
    }
    for at in 0..random.below(7) {
        objects.push(policy(random, at));
    }
    // Not so many that nothing is known any more.
    if random.chance(25) {
        for at in 0..=random.below(2) {
            objects.push(foreign(random, at));
        }
    }
    objects
}

/// A policy of another API.
pub(crate) fn foreign(random: &mut Random, at: usize) -> Value {
    let (cilium, calico, antrea) = ("cilium.io/v2", "projectcalico.org/v3", "crd.antrea.io/v1beta1");
    let (version, kind) = match random.below(8) {
        0 => (cilium, "CiliumNetworkPolicy"),
        1 => (cilium, "CiliumClusterwideNetworkPolicy"),
        2 => (calico, "NetworkPolicy"),
        3 => (calico, "GlobalNetworkPolicy"),
        4 => (calico, "StagedGlobalNetworkPolicy"),
        5 => (antrea, "NetworkPolicy"),
        6 => (antrea, "ClusterNetworkPolicy"),
        _ => ("k8s.cni.cncf.io/v1beta1", "MultiNetworkPolicy"),
    };
    let expression =
        random.one(&["all()", "app == 'x'", "!has(tier)", "tier in {'x', 'z'} || app != 'y'", "?"]);
    let applied = match random.below(3) {
        0 => json!({ "group": "g" }),
        1 => json!({ "podSelector": selector(random), "namespaceSelector": selector(random) }),
        _ => json!({ "podSelector": selector(random) }),
    };
    let mut spec = json!({
        "endpointSelector": selector(random), "podSelector": selector(random), "selector": expression,
        "namespaceSelector": random.one(&["all()", "app == 'x'", "tier != 'y'"]), "appliedTo": [applied]
    });
    for key in ["ingress", "egress"] {
        if random.chance(60) {
            spec[key] = json!([{}]);
        }
    }
    json!({
        "apiVersion": version, "kind": kind, "spec": spec,
        "metadata": {
            "name": format!("f{at}"), "namespace": NAMESPACES[random.below(3)],
            "annotations": { "k8s.v1.cni.cncf.io/policy-for": random.one(&["lan", "b/wan", "none"]) }
        }
    })
}

pub(crate) fn namespace(random: &mut Random, at: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACES[at], "labels": labels(random) }
    })
}

pub(crate) fn node(random: &mut Random, at: usize) -> Value {
    let mut node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": { "name": format!("n{at}"), "labels": labels(random) }, "spec": {},
        "status": { "addresses": [{ "type": "InternalIP", "address": format!("172.18.0.{}", at + 2 + random.below(2)) }] }
    });
    if random.chance(15) {
        node["spec"]["podCIDRs"] = json!([random.one(&["10.0.1.0/24", "10.0.0.0/16", "fd00::/64"])]);
    }
    node
}

fn labels(random: &mut Random) -> Value {
    let mut labels = json!({});
    for key in ["app", "tier"] {
        if random.chance(70) {
            labels[key] = json!(random.one(&["x", "y", "z"]));
        }
    }
    labels
}

/// A pod, or what makes one.
pub(crate) fn workload(random: &mut Random, at: usize) -> Value {
    let mut port = json!({ "containerPort": random.one(&[&80, &8080, &53]) });
    if random.chance(60) {
        port["name"] = json!(random.one(&["http", "dns"]));
    }
    if random.chance(30) {
        port["protocol"] = json!(random.one(&["UDP", "SCTP", "TCP"]));
    }
    let spec = json!({
        "hostNetwork": random.chance(10), "nodeName": format!("n{}", random.below(3)),
        "containers": [{ "name": "c", "image": "x", "ports": [port] }]
    });
    let namespace = NAMESPACES[random.below(3)];
    if random.chance(40) {
        return json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": format!("w{at}"), "namespace": namespace },
            "spec": { "template": { "metadata": { "labels": labels(random) }, "spec": spec } }
        });
    }
    let networks = random.one(&["", "lan", "b/wan@eth1,lan", r#"[{"name":"wan"}]"#]);
    let mut addresses = vec![json!({ "ip": format!("10.0.{}.{}", random.below(3), at + 1) })];
    if random.chance(20) {
        addresses.push(json!({ "ip": format!("fd00::{}", at + 1) }));
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("w{at}"), "namespace": namespace, "labels": labels(random),
            "annotations": { "k8s.v1.cni.cncf.io/networks": networks }
        },
        "spec": spec,
        "status": { "phase": if random.chance(5) { "Failed" } else { "Running" }, "podIPs": addresses }
    })
}

fn selector(random: &mut Random) -> Value {
    match random.below(5) {
        0 => json!({}),
        1 => json!({ "matchLabels": { "app": random.one(&["x", "y"]) } }),
        2 => json!({ "matchExpressions": [
            { "key": random.one(&["app", "tier"]), "operator": random.one(&["In", "NotIn"]), "values": ["x", "z"] }
        ] }),
        3 => json!({ "matchExpressions": [
            { "key": "tier", "operator": random.one(&["Exists", "DoesNotExist"]) }
        ] }),
        _ => json!({ "matchLabels": { "tier": random.one(&["x", "y", "z"]) } }),
    }
}

fn some<T>(random: &mut Random, most: usize, make: impl Fn(&mut Random) -> T) -> Vec<T> {
    (0..random.below(most + 1)).map(|_| make(random)).collect()
}

/// A policy of any kind.
pub(crate) fn policy(random: &mut Random, at: usize) -> Value {
    match random.below(6) {
        0 => cluster_policy(random, at, "AdminNetworkPolicy", "v1alpha1"),
        1 => cluster_policy(random, at, "BaselineAdminNetworkPolicy", "v1alpha1"),
        2 => cluster_policy(random, at, "ClusterNetworkPolicy", "v1alpha2"),
        _ => {
            let mut spec = json!({ "podSelector": selector(random) });
            for (key, peers) in [("ingress", "from"), ("egress", "to")] {
                if random.chance(60) {
                    spec[key] = json!(some(random, 2, |random| json!({
                        peers: some(random, 2, peer), "ports": some(random, 2, port)
                    })));
                }
            }
            if random.chance(60) {
                let all = [json!(["Ingress"]), json!(["Egress"]), json!(["Ingress", "Egress"])];
                spec["policyTypes"] = all[random.below(3)].clone();
            }
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": { "name": format!("p{at}"), "namespace": NAMESPACES[random.below(3)] }, "spec": spec
            })
        }
    }
}

fn peer(random: &mut Random) -> Value {
    match random.below(4) {
        0 => json!({ "podSelector": selector(random) }),
        1 => json!({ "namespaceSelector": selector(random) }),
        2 => json!({ "namespaceSelector": selector(random), "podSelector": selector(random) }),
        _ => {
            let cidr = random.one(&BLOCKS);
            let except =
                if cidr == "10.0.0.0/8" || cidr == "0.0.0.0/0" { json!(["10.0.1.0/24"]) } else { json!([]) };
            json!({ "ipBlock": { "cidr": cidr, "except": except } })
        }
    }
}

fn port(random: &mut Random) -> Value {
    let mut port = json!({});
    if random.chance(60) {
        port["protocol"] = json!(random.one(&["TCP", "UDP", "SCTP"]));
    }
    match random.below(4) {
        0 => {}
        1 => port["port"] = json!(random.one(&["http", "dns"])),
        2 => port["port"] = json!(random.one(&[&80, &8080, &53])),
        _ => (port["port"], port["endPort"]) = (json!(random.one(&[&50, &80])), json!(8080)),
    }
    port
}

fn cluster_policy(random: &mut Random, at: usize, kind: &str, version: &str) -> Value {
    let newer = kind == "ClusterNetworkPolicy";
    let pods = |random: &mut Random| match random.below(2) {
        0 => json!({ "namespaces": selector(random) }),
        _ => json!({ "pods": { "namespaceSelector": selector(random), "podSelector": selector(random) } }),
    };
    let mut spec = json!({ "subject": pods(random) });
    if kind != "BaselineAdminNetworkPolicy" {
        spec["priority"] = json!(random.below(4));
    }
    if newer {
        spec["tier"] = json!(random.one(&["Admin", "Baseline"]));
    }
    let actions: &[&str] = match kind {
        "BaselineAdminNetworkPolicy" => &["Allow", "Deny"],
        "ClusterNetworkPolicy" => &["Accept", "Deny", "Pass"],
        _ => &["Allow", "Deny", "Pass"],
    };
    for (key, peers) in [("ingress", "from"), ("egress", "to")] {
        spec[key] = json!(some(random, 3, |random| {
            let peer = |random: &mut Random| match random.below(if key == "egress" { 5 } else { 2 }) {
                0 | 1 => pods(random),
                2 => json!({ "nodes": selector(random) }),
                3 => json!({ "networks": [random.one(&BLOCKS)] }),
                _ => json!({ "domainNames": ["example.org"] }),
            };
            let mut list = some(random, 2, peer);
            list.push(pods(random));
            let mut rule = json!({ "action": random.one(actions), peers: list });
            if newer {
                rule["protocols"] = json!(some(random, 2, |random| match random.below(4) {
                    0 => json!({ "udp": {} }),
                    1 => json!({ "tcp": { "destinationPort": { "number": 8080 } } }),
                    2 => json!({ "tcp": { "destinationPort": { "range": { "start": 50, "end": 100 } } } }),
                    _ => json!({ "destinationNamedPort": "http" }),
                }));
            } else {
                rule["ports"] = json!(some(random, 2, |random| match random.below(3) {
                    0 => json!({ "portNumber": { "protocol": random.one(&["TCP", "UDP"]), "port": 8080 } }),
                    1 => json!({ "portRange": { "protocol": "TCP", "start": 50, "end": 100 } }),
                    _ => json!({ "namedPort": "http" }),
                }));
            }
            rule
        }));
    }
    let name = if kind == "BaselineAdminNetworkPolicy" { "default".to_owned() } else { format!("p{at}") };
    json!({
        "apiVersion": format!("policy.networking.k8s.io/{version}"), "kind": kind, "metadata": { "name": name }, "spec": spec
    })
}
