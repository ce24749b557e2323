//! Manifests that are broken in any way are read as far as they go: nothing panics, and what is said of them is in the text.

use proptest::prelude::*;
use ringwall_network::entries::{Entry, EntryTarget};
use serde_json::{Value, json};

use crate::manifests::World;
use crate::random::{self, Random};

/// Everything that Services and entries are made of, all of it right.
fn objects() -> Vec<Value> {
    let meta = |name: &str| json!({ "name": name, "namespace": "a", "labels": { "app": "x" } });
    let object = |version: &str, kind: &str, name: &str, spec: Value| json!({ "apiVersion": version, "kind": kind, "metadata": meta(name), "spec": spec });
    let gateway = "gateway.networking.k8s.io/v1";
    let backend =
        json!([{ "name": "web", "port": 80, "weight": 1 }, { "name": "web", "namespace": "b", "port": 80 }]);
    let filters = json!([{ "type": "RequestMirror", "requestMirror": { "backendRef": { "name": "web", "port": 80 }, "percent": 5 } }]);
    let parents = json!([
        { "name": "edge", "sectionName": "web", "port": 80 }, { "kind": "ListenerSet", "name": "set" }, { "name": "gone" },
        { "group": "", "kind": "Service", "name": "web" }
    ]);
    let allowed = json!({ "kinds": [{ "kind": "HTTPRoute" }], "namespaces": { "from": "Selector", "selector": { "matchLabels": { "a": "b" } } } });
    let listeners = json!([
        { "name": "web", "protocol": "HTTP", "port": 80, "hostname": "*.example.com" },
        { "name": "tls", "protocol": "TLS", "port": 443, "allowedRoutes": allowed }
    ]);
    let route = |kind: &str| {
        object(
            gateway,
            kind,
            "route",
            json!({
                "parentRefs": parents, "hostnames": ["a.example.com"], "useDefaultGateways": "All",
                "rules": [{ "backendRefs": backend, "filters": filters }]
            }),
        )
    };
    let mut slice = object("discovery.k8s.io/v1", "EndpointSlice", "slice", Value::Null);
    slice["metadata"]["labels"] = json!({ "kubernetes.io/service-name": "db" });
    slice["ports"] = json!([{ "name": "sql", "port": 5432, "protocol": "TCP" }]);
    slice["endpoints"] =
        json!([{ "addresses": ["192.0.2.1"], "targetRef": { "kind": "Pod", "name": "pod" } }]);
    let mut endpoints = object("v1", "Endpoints", "db", Value::Null);
    endpoints["subsets"] = json!([{ "addresses": [{ "ip": "192.0.2.1" }], "notReadyAddresses": [], "ports": [{ "name": "sql", "port": 1 }] }]);
    vec![
        object(
            "v1",
            "Pod",
            "pod",
            json!({ "containers": [{ "ports": [{ "name": "http", "containerPort": 8080 }] }] }),
        ),
        object(
            "v1",
            "Service",
            "web",
            json!({
                "type": "LoadBalancer", "selector": { "app": "x" }, "externalIPs": ["192.0.2.1"], "externalTrafficPolicy": "Local",
                "loadBalancerSourceRanges": ["10.0.0.0/8"], "clusterIP": "10.1.1.1", "clusterIPs": ["10.1.1.1"],
                "ports": [{ "name": "http", "port": 80, "targetPort": "http", "nodePort": 30080, "protocol": "TCP" }, { "name": "n", "port": 81 }]
            }),
        ),
        object("v1", "Service", "db", json!({ "ports": [{ "name": "sql", "port": 5432 }] })),
        object(
            "v1",
            "Service",
            "named",
            json!({ "type": "ExternalName", "externalName": "web.a.svc.cluster.local" }),
        ),
        slice,
        endpoints,
        object(
            "networking.k8s.io/v1",
            "Ingress",
            "in",
            json!({
                "defaultBackend": { "service": { "name": "named", "port": { "number": 80 } } },
                "rules": [{ "host": "h", "http": { "paths": [{ "path": "/", "backend": { "service": { "name": "web", "port": { "name": "http" } } } }] } }]
            }),
        ),
        object(
            "extensions/v1beta1",
            "Ingress",
            "old",
            json!({ "backend": { "serviceName": "web", "servicePort": "http" } }),
        ),
        object(
            "route.openshift.io/v1",
            "Route",
            "out",
            json!({
                "host": "h", "to": { "kind": "Service", "name": "web", "weight": 1 }, "alternateBackends": [{ "name": "db" }], "port": { "targetPort": "8080" }
            }),
        ),
        object(
            gateway,
            "Gateway",
            "edge",
            json!({ "listeners": listeners, "defaultScope": "All", "addresses": [{ "value": "192.0.2.9" }],
            "allowedListeners": { "namespaces": { "from": "Same" } } }),
        ),
        object(
            gateway,
            "ListenerSet",
            "set",
            json!({ "parentRef": { "name": "edge" }, "listeners": listeners }),
        ),
        object(
            gateway,
            "ReferenceGrant",
            "grant",
            json!({
                "from": [{ "group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "a" }], "to": [{ "group": "", "kind": "Service", "name": "web" }]
            }),
        ),
        route("HTTPRoute"),
        route("GRPCRoute"),
        route("TLSRoute"),
        route("TCPRoute"),
        route("UDPRoute"),
    ]
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The `at`th value inside of one, itself first.
fn nth<'v>(value: &'v mut Value, at: &mut usize) -> Option<&'v mut Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, at)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth(field, at)),
        _ => None,
    }
}

fn mutate(random: &mut Random, object: &mut Value) {
    let mut at = random.below(count(object));
    let Some(value) = nth(object, &mut at) else { return };
    let strange = [
        Value::Null,
        json!({}),
        json!([]),
        json!(""),
        json!("*"),
        json!("*."),
        json!("80"),
        json!("::ffff:1.2.3.4/96"),
        json!("é.svc.\u{0}"),
        json!(0),
        json!(-1),
        json!(65536),
        json!(u64::MAX),
        json!(1.5),
        json!(true),
        json!([null, {}, [], "x", 1]),
        json!({ "": null, "name": 1, "port": "x" }),
        json!({ "name": "web", "port": 80, "from": "Selector", "selector": { "matchExpressions": [{}] } }),
    ];
    match random.below(4) {
        0 => {
            if let Value::Object(fields) = value {
                let key = fields.keys().nth(random.below(fields.len().max(1))).cloned();
                key.and_then(|key| fields.remove(&key));
            }
        }
        1 => {
            if let Value::Array(items) = value {
                let copy = items.clone();
                items.extend(copy);
            }
        }
        _ => *value = strange[random.below(strange.len())].clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_all_that_is_said_is_in_the_text(seed: u64) {
        let random = &mut Random::new(seed);
        let mut objects = objects();
        for _ in 0..random.below(12) {
            let which = random.below(objects.len());
            // Who an object is stays: without that it is none.
            let identity = ["apiVersion", "kind", "metadata"].map(|key| (key, objects[which][key].clone()));
            mutate(random, &mut objects[which]);
            if !objects[which].is_object() {
                objects[which] = json!({});
            }
            for (key, value) in identity {
                objects[which][key] = value;
            }
        }
        let world = World::new(random::snapshot(&objects));
        for entry in &world.entries {
            prop_assert!(entry.hosts.is_sorted());
            for flaw in entry.flaws.iter().chain(&entry.assumed) {
                prop_assert_eq!(flaw.object, entry.object);
                let object = &world.snapshot.all()[flaw.object];
                prop_assert!(object.root().span().contains(flaw.span), "{:?} {:?}", object.id, flaw);
            }
            for target in &entry.targets {
                for pod in target.pods.iter() {
                    prop_assert!(pod.pod < world.cluster.pods.len() && !pod.ports.is_empty());
                }
                prop_assert!(target.service.is_none_or(|service| service < world.services.all.len()));
            }
        }
        for (object, refusal) in &world.services.refusals {
            prop_assert!(world.snapshot.all()[*object].root().span().contains(refusal.span));
        }
    }
}

/// What is right leads somewhere: the mutations above start from manifests that mean something.
#[test]
fn the_manifests_that_are_broken_here_are_right() {
    let world = World::new(random::snapshot(&objects()));
    let leads = |entry: &Entry| !entry.targets.iter().all(EntryTarget::is_empty);
    let broken: Vec<&Entry> = world.entries.iter().filter(|entry| !leads(entry)).collect();
    assert!(broken.iter().all(|entry| entry.object_kind == "UDPRoute"), "{broken:?}");
    assert_eq!(world.entries.len(), 11);
}
