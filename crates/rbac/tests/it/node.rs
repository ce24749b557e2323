//! The Node authorizer's answers are the reference's. `tests/data/node.jsonl` holds what the authorizer of each version said
//! (k8s.io/kubernetes `plugin/pkg/auth/authorizer/node`, v1.34.4 to v1.37.2) of random pods, volumes and requests: a case a line, a question
//! as `nodes|none`, user, verb, group, resource, subresource, namespace, name, path and field selector with `|` between; `nodes` is for a user
//! in the group of the nodes.

use ringwall_input::{Limits, read_text};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::version::Minor;
use ringwall_rbac::attributes::{Action, Decision, MASTERS, NODES, ResourceAction, User};
use ringwall_rbac::authorize::Authorize;
use ringwall_rbac::default_policy;
use ringwall_rbac::node::{NodeAndRbac, NodeFacts, NodeGraph, Vertex, identity};
use ringwall_rbac::policy::Policy;
use ringwall_rbac::request::{RequestInfo, parse_fields};
use serde_json::{Value, json};

const CASES: &str = include_str!("../data/node.jsonl");

fn graph(case: &Value) -> NodeGraph {
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": case["objects"] });
    let read = read_text("case.json", list.to_string(), &Limits::default());
    assert_eq!(read.objects.len(), case["objects"].as_array().unwrap().len());
    let version = case["version"].as_u64().unwrap() as u32;
    NodeGraph::of(&NodeFacts::of(&Snapshot::new(read.objects, Facts::default())), Minor(version))
}

fn answer(graph: &NodeGraph, question: &str) -> String {
    let parts: Vec<&str> = question.split('|').collect();
    let [of, name, verb, group, resource, subresource, namespace, object, path, fields] = parts[..] else {
        panic!("{question}")
    };
    let groups: &[&str] = if of == "nodes" { &[NODES] } else { &[] };
    let user = User::of_groups(name, groups);
    let asked = ResourceAction { verb, group, resource, subresource, namespace, name: object };
    let action = if path.is_empty() { Action::Resource(asked) } else { Action::Path { verb, path } };
    let fields = parse_fields(fields).unwrap_or_default();
    let (decision, reason) = graph.authorize_request(&user, &action, &fields);
    format!("{} {reason}", decision.word()).trim_end().to_owned()
}

#[test]
fn nodes_are_answered_as_the_reference_answers_them() {
    let (mut asked, mut allowed) = (0, 0);
    for (line, text) in CASES.lines().enumerate() {
        let case: Value = serde_json::from_str(text).unwrap();
        let graph = graph(&case);
        let questions = case["queries"].as_array().unwrap();
        for (question, want) in questions.iter().zip(case["want"].as_array().unwrap()) {
            let question = question.as_str().unwrap();
            let got = answer(&graph, question);
            assert_eq!(got, want.as_str().unwrap(), "line {}: {question}", line + 1);
            asked += 1;
            allowed += usize::from(got == "allow");
        }
    }
    assert!(asked >= 650 && allowed > 50, "{allowed} of {asked} are allowed");
}

/// What a snapshot of these manifests says of nodes.
fn read(manifests: &str) -> NodeGraph {
    let read = read_text("cluster.yaml", manifests.to_owned(), &Limits::default());
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    NodeGraph::of(&NodeFacts::of(&Snapshot::new(read.objects, Facts::default())), Minor::NEWEST)
}

const CLUSTER: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, uid: u1}
spec:
  nodeName: n1
  serviceAccountName: web
  imagePullSecrets: [{name: pull}]
  containers:
  - name: app
    image: i
    envFrom: [{secretRef: {name: env}}, {configMapRef: {name: settings}}]
  volumes:
  - {name: data, persistentVolumeClaim: {claimName: data}}
  - {name: scratch, ephemeral: {volumeClaimTemplate: {spec: {}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: static-n2, namespace: kube-system, uid: u2, annotations: {kubernetes.io/config.mirror: x}}
spec:
  nodeName: n2
  serviceAccountName: admin
  containers: [{name: a, image: i, envFrom: [{secretRef: {name: root}}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: waiting, namespace: shop, uid: u3}
spec:
  serviceAccountName: late
  containers: [{name: a, image: i}]
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv}
spec:
  claimRef: {namespace: shop, name: data}
  csi:
    driver: d
    volumeHandle: h
    nodeStageSecretRef: {namespace: storage, name: stage}
    controllerPublishSecretRef: {namespace: storage, name: publish}
";

#[test]
fn a_node_reads_what_its_pods_refer_to() {
    let graph = read(CLUSTER);
    assert_eq!(
        graph.leading_to(Vertex::Secret, "n1"),
        [("shop", "env"), ("shop", "pull"), ("storage", "stage")],
        "the volume's secret too, but not that of its controller"
    );
    assert_eq!(graph.leading_to(Vertex::ConfigMap, "n1"), [("shop", "settings")]);
    assert_eq!(graph.leading_to(Vertex::VolumeClaim, "n1"), [("shop", "data"), ("shop", "web-scratch")]);
    assert_eq!(graph.leading_to(Vertex::Volume, "n1"), [("", "pv")]);
    assert_eq!(graph.leading_to(Vertex::ServiceAccount, "n1"), [("shop", "web")]);
    assert_eq!(graph.nodes(), ["n1", "n2"]);
}

#[test]
fn a_pod_that_a_kubelet_makes_up_gives_it_nothing() {
    let graph = read(CLUSTER);
    assert_eq!(graph.leading_to(Vertex::Pod, "n2"), [("kube-system", "static-n2")]);
    for vertex in [Vertex::Secret, Vertex::ServiceAccount] {
        assert_eq!(graph.leading_to(vertex, "n2"), []);
    }
}

#[test]
fn what_admission_will_fill_in_is_filled_in() {
    let graph = read(
        "
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: shop}
imagePullSecrets: [{name: registry}]
---
apiVersion: v1
kind: Pod
metadata: {name: new, namespace: shop}
spec: {nodeName: n1, containers: [{name: a, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: tokenless, namespace: pay}
spec: {nodeName: n1, automountServiceAccountToken: false, containers: [{name: a, image: i}]}
",
    );
    assert_eq!(graph.leading_to(Vertex::ServiceAccount, "n1"), [("pay", "default"), ("shop", "default")]);
    assert_eq!(graph.leading_to(Vertex::Secret, "n1"), [("shop", "registry")]);
    assert_eq!(graph.leading_to(Vertex::ConfigMap, "n1"), [("shop", "kube-root-ca.crt")]);
}

#[test]
fn a_node_is_known_by_name_and_group() {
    assert_eq!(identity(&User::of_groups("system:node:n1", &[NODES])), Some("n1"));
    assert_eq!(identity(&User::of_groups("system:node:n1", &[])), None);
    assert_eq!(identity(&User::of_groups("n1", &[NODES])), None);
    assert_eq!(identity(&User::of_groups("system:node:", &[NODES])), Some(""));
}

#[test]
fn after_the_node_authorizer_comes_rbac() {
    let (graph, policy) = (read(CLUSTER), Policy::of(default_policy::of(Minor::NEWEST)));
    let both = NodeAndRbac { node: &graph, rbac: &policy };
    let asks = |user: &User, url: &str| {
        let request = RequestInfo::of("GET", url).unwrap();
        both.authorize_request(user, &request.action(), &request.field_requirements().unwrap())
    };
    let node = User::of_groups("system:node:n1", &[NODES, "system:authenticated"]);
    let allow = (Decision::Allow, String::new());
    assert_eq!(asks(&node, "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1"), allow);
    assert_eq!(asks(&node, "/api/v1/namespaces/shop/secrets/env"), allow);
    assert_eq!(asks(&node, "/api/v1/services"), allow);
    // The role `system:node` allows it, but nobody is bound to that.
    let (decision, reason) = asks(&node, "/api/v1/namespaces/shop/secrets/other");
    assert_eq!(decision, Decision::NoOpinion);
    assert_eq!(reason, "node: no relationship found between node 'n1' and this object");
    let (decision, reason) = asks(&node, "/healthz");
    assert_eq!(decision, Decision::Allow, "every known user may");
    assert!(reason.starts_with("RBAC: allowed by ClusterRoleBinding"), "{reason}");
    let list = RequestInfo::of("GET", "/api/v1/pods").unwrap();
    let (_, reason) = both.authorize(&node, &list.action());
    assert_eq!(reason, "node: can only list/watch pods with spec.nodeName field selector");
    let master = User::of_groups("system:node:n1", &[NODES, MASTERS]);
    assert_eq!(asks(&master, "/api/v1/secrets"), allow);
}
