use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::text::Source;
use serde_json::{Value, json};

use super::*;

fn object(value: &Value) -> Object {
    let source = Arc::new(Source::new("object.json", value.to_string()));
    let tree = Arc::new(json::parse(&source, &Limits::default()).expect("JSON"));
    Object::read(&tree, tree.root(), FieldPath::root()).expect("an object")
}

/// Two namespaces and four pods: `shop/web`, `shop/db`, `ops/web`, and `ops/lan`, which is on further networks.
fn objects() -> Vec<Value> {
    let namespace = |name: &str, team: &str| {
        json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": { "team": team } }
        })
    };
    let pod = |namespace: &str, name: &str, networks: Option<&str>| {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "namespace": namespace, "name": name, "labels": { "app": name, "tier": "front-end" } },
            "spec": {}
        });
        if let Some(networks) = networks {
            pod["metadata"]["annotations"] = json!({ "k8s.v1.cni.cncf.io/networks": networks });
        }
        pod
    };
    vec![
        namespace("shop", "red"),
        namespace("ops", "blue"),
        pod("shop", "web", None),
        pod("shop", "db", Some(r#"[{ "name": "lan", "namespace": "ops" }]"#)),
        pod("ops", "web", None),
        pod("ops", "lan", Some("shop/wan@eth1, lan")),
    ]
}

/// The pods that a policy may be about, in each direction.
fn about(policy: &Value) -> [String; 2] {
    let mut objects = objects();
    objects.push(policy.clone());
    let snapshot = Snapshot::new(objects.iter().map(object).collect(), Facts::default());
    let cluster = Cluster::of(&snapshot, &[]);
    assert!(cluster.refusals.is_empty());
    Direction::ALL.map(|direction| {
        let pods = cluster.pods.iter().filter(|pod| {
            cluster.foreign.iter().any(|foreign| cluster.may_be_about(foreign, direction, pod))
        });
        pods.map(|pod| format!("{}/{}", pod.namespace, pod.name)).collect::<Vec<_>>().join(" ")
    })
}

const SHOP: &str = "shop/web shop/db";
const ALL: &str = "shop/web shop/db ops/web ops/lan";

#[test]
fn a_policy_of_cilium_is_about_the_endpoints_that_have_its_labels() {
    let policy = |namespace: Option<&str>, spec: Value| {
        let kind = if namespace.is_some() { "CiliumNetworkPolicy" } else { "CiliumClusterwideNetworkPolicy" };
        json!({
            "apiVersion": "cilium.io/v2", "kind": kind, "metadata": { "name": "p", "namespace": namespace }, "spec": spec
        })
    };
    let select = |selector: Value| json!({ "endpointSelector": selector, "ingress": [{}] });
    for (namespace, selector, pods) in [
        (Some("shop"), json!({}), SHOP),
        (Some("shop"), json!({ "matchLabels": { "app": "web" } }), "shop/web"),
        (Some("shop"), json!({ "matchLabels": { "k8s:app": "web" } }), "shop/web"),
        (Some("shop"), json!({ "matchLabels": { "any:app": "web" } }), "shop/web"),
        // Labels of other sources, and what a pod must not have, tell nothing for certain.
        (Some("shop"), json!({ "matchLabels": { "container:app": "other" } }), SHOP),
        (Some("shop"), json!({ "matchLabels": { "io.cilium.k8s.policy.serviceaccount": "x" } }), SHOP),
        (
            Some("shop"),
            json!({ "matchExpressions": [{ "key": "app", "operator": "NotIn", "values": ["web"] }] }),
            SHOP,
        ),
        (Some("shop"), json!({ "matchExpressions": [{ "key": "app", "operator": "DoesNotExist" }] }), SHOP),
        (
            Some("shop"),
            json!({ "matchExpressions": [{ "key": "k8s:app", "operator": "In", "values": ["db", "x"] }] }),
            "shop/db",
        ),
        (Some("shop"), json!({ "matchExpressions": [{ "key": "none", "operator": "Exists" }] }), ""),
        // A namespaced policy is about its own namespace, whatever it says.
        (Some("shop"), json!({ "matchLabels": { "k8s:io.kubernetes.pod.namespace": "ops" } }), SHOP),
        (None, json!({ "matchLabels": { "k8s:io.kubernetes.pod.namespace": "ops" } }), "ops/web ops/lan"),
        (None, json!({ "matchLabels": { "k8s:io.cilium.k8s.namespace.labels.team": "red" } }), SHOP),
        (None, json!({ "matchLabels": { "app": "web" } }), "shop/web ops/web"),
        (None, json!({}), ALL),
        (None, json!({ "matchLabels": { "reserved:host": "" } }), ALL),
    ] {
        assert_eq!(about(&policy(namespace, select(selector.clone()))), [pods, ""], "{selector}");
    }
    let all = json!({});
    for (spec, ways) in [
        (json!({ "endpointSelector": all, "egress": [{}] }), ["", SHOP]),
        (json!({ "endpointSelector": all, "ingressDeny": [{}], "egress": [] }), [SHOP, ""]),
        (
            json!({ "endpointSelector": all, "egress": [{}], "enableDefaultDeny": { "ingress": true } }),
            [SHOP, SHOP],
        ),
        (
            json!({ "endpointSelector": all, "ingress": [{}], "enableDefaultDeny": { "ingress": false } }),
            [SHOP, ""],
        ),
        (json!({ "endpointSelector": all, "ingress": [] }), ["", ""]),
        (json!({ "nodeSelector": all, "ingress": [{}], "egress": [{}] }), ["", ""]),
        (json!({ "ingress": [{}] }), [SHOP, ""]),
        (json!({ "endpointSelector": all, "ingress": "?" }), [SHOP, ""]),
    ] {
        assert_eq!(about(&policy(Some("shop"), spec.clone())), ways, "{spec}");
    }
    let mut several = policy(Some("shop"), Value::Null);
    several["specs"] = json!([
        { "endpointSelector": { "matchLabels": { "app": "web" } }, "ingress": [{}] },
        { "endpointSelector": { "matchLabels": { "app": "db" } }, "egress": [{}] }
    ]);
    assert_eq!(about(&several), ["shop/web", "shop/db"]);
}

#[test]
fn a_policy_of_calico_is_about_what_its_expression_selects() {
    let policy = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": { "name": "p", "namespace": "shop" }, "spec": spec
        })
    };
    let deep = format!("{}app == 'web'{}", "(".repeat(100_000), ")".repeat(100_000));
    for (selector, pods) in [
        ("", ALL),
        ("all()", ALL),
        ("app == 'web'", "shop/web ops/web"),
        ("app==\"web\"", "shop/web ops/web"),
        ("app != 'web'", "shop/db ops/lan"),
        ("none != 'x'", ALL),
        ("! has(app)", ""),
        ("!has( app ) || app in { 'db', \"lan\" }", "shop/db ops/lan"),
        ("app not in {'db','lan',}", "shop/web ops/web"),
        ("app in {}", ""),
        ("tier starts with 'front' && !(app contains 'e')", "shop/db ops/lan"),
        ("tier ends with 'end' && app == 'db'", "shop/db"),
        ("app == 'db' || app == 'web' && none == 'x'", "shop/db"),
        ("projectcalico.org/namespace == 'ops'", "ops/web ops/lan"),
        ("pcns.team == 'red'", ALL),
        ("!(pcns.team == 'red') && app == 'db'", "shop/db"),
        ("projectcalico.org/serviceaccount == 'x' && app == 'db'", "shop/db"),
        // What is no selector may be one that is not understood here.
        ("app = 'web'", ALL),
        ("app == web", ALL),
        ("app == 'web' app", ALL),
        ("has(app", ALL),
        ("app == 'web", ALL),
        (deep.as_str(), ALL),
    ] {
        let spec = json!({ "selector": selector });
        assert_eq!(
            about(&policy("GlobalNetworkPolicy", spec)),
            [pods, ""],
            "{}",
            &selector[..selector.len().min(80)]
        );
    }
    let own = json!({ "selector": "app == 'web'" });
    assert_eq!(about(&policy("NetworkPolicy", own)), ["shop/web", ""]);
    for (selector, pods) in [
        ("team == 'red'", SHOP),
        ("projectcalico.org/name == 'ops'", "ops/web ops/lan"),
        ("kubernetes.io/metadata.name != 'ops'", SHOP),
        ("global()", ALL),
    ] {
        let spec = json!({ "namespaceSelector": selector, "types": ["Egress"] });
        assert_eq!(about(&policy("GlobalNetworkPolicy", spec)), ["", pods], "{selector}");
    }
    for (spec, ways) in [
        (json!({ "egress": [{ "action": "Allow" }] }), ["", SHOP]),
        (json!({ "egress": [{ "action": "Allow" }], "ingress": [{ "action": "Deny" }] }), [SHOP, SHOP]),
        (json!({ "ingress": [{ "action": "Deny" }], "types": ["Egress"] }), ["", SHOP]),
        (json!({ "serviceAccountSelector": "x == 'y'" }), [SHOP, ""]),
    ] {
        assert_eq!(about(&policy("NetworkPolicy", spec.clone())), ways, "{spec}");
    }
    for kind in ["StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy"] {
        assert_eq!(about(&policy(kind, json!({ "selector": "all()" }))), ["", ""], "{kind} is not enforced");
    }
}

#[test]
fn a_policy_of_antrea_is_about_what_it_is_applied_to() {
    let policy = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "crd.antrea.io/v1beta1", "kind": kind, "metadata": { "name": "p", "namespace": "shop" }, "spec": spec
        })
    };
    let web = json!({ "matchLabels": { "app": "web" } });
    for (entry, pods) in [
        (json!({ "podSelector": web }), "shop/web ops/web"),
        (json!({ "namespaceSelector": { "matchLabels": { "team": "red" } } }), SHOP),
        (
            json!({ "podSelector": web, "namespaceSelector": { "matchLabels": { "team": "red" } } }),
            "shop/web",
        ),
        (json!({ "group": "g" }), ALL),
        (json!({ "service": { "name": "s", "namespace": "shop" } }), ALL),
        (json!({ "serviceAccount": { "name": "s", "namespace": "shop" } }), SHOP),
        (json!({ "nodeSelector": {} }), ""),
        (json!({}), ALL),
        (json!({ "podSelector": { "matchLabels": { "app": 7 } } }), ALL),
    ] {
        let spec = json!({ "appliedTo": [entry], "ingress": [{ "action": "Drop" }] });
        assert_eq!(about(&policy("ClusterNetworkPolicy", spec)), [pods, ""], "{entry}");
    }
    let rules = json!({
        "ingress": [{ "appliedTo": [{ "podSelector": web }] }],
        "egress": [{ "appliedTo": [{ "podSelector": { "matchLabels": { "app": "db" } } }] }]
    });
    assert_eq!(about(&policy("NetworkPolicy", rules)), ["shop/web", "shop/db"]);
    assert_eq!(about(&policy("NetworkPolicy", json!({ "appliedTo": [{ "podSelector": {} }] }))), ["", ""]);
}

#[test]
fn a_policy_for_further_networks_is_about_the_pods_on_them() {
    let policy = |networks: Option<&str>, namespace: &str, spec: Value| {
        json!({
            "apiVersion": "k8s.cni.cncf.io/v1beta1", "kind": "MultiNetworkPolicy", "spec": spec,
            "metadata": {
                "name": "p", "namespace": namespace, "annotations": { "k8s.v1.cni.cncf.io/policy-for": networks }
            }
        })
    };
    for (networks, namespace, pods) in [
        (Some("lan"), "ops", "ops/lan"),
        (Some("other, ops/lan"), "ops", "ops/lan"),
        (Some("shop/wan"), "ops", "ops/lan"),
        (Some("wan"), "ops", ""),
        (Some("ops/lan"), "shop", "shop/db"),
        (Some("else"), "shop", ""),
        (None, "ops", ""),
    ] {
        let spec = json!({ "podSelector": {} });
        assert_eq!(about(&policy(networks, namespace, spec)), [pods, ""], "{networks:?} in {namespace}");
    }
    let other = json!({ "podSelector": { "matchLabels": { "app": "web" } } });
    assert_eq!(about(&policy(Some("lan"), "ops", other)), ["", ""]);
    let egress = json!({ "podSelector": {}, "egress": [{}] });
    assert_eq!(about(&policy(Some("lan"), "ops", egress)), ["ops/lan", "ops/lan"]);
}
