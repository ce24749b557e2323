//! np-guard's rulings, on manifests as small as they can be. Its own test data is compared to the last byte in `conformance`.

use ringwall_input::{Limits, read_text};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_network::cluster::Cluster;
use ringwall_network::npguard::{
    Analysis, DIFF_SIDES, Focus, Format, diff, write_diff, write_exposure, write_list,
};
use ringwall_network::policy::Direction;
use ringwall_network::port::{Port, Protocol};

fn snapshot(manifests: &str) -> Snapshot {
    let input = read_text("test.yaml", manifests.to_owned(), &Limits::default());
    assert!(input.problems.is_empty(), "{:?}", input.problems);
    Snapshot::new(input.objects, Facts::default())
}

fn list(manifests: &str, focus: &Focus, format: Format) -> String {
    let snapshot = snapshot(manifests);
    let cluster = Cluster::of(&snapshot, &[]);
    write_list(&Analysis::new(&snapshot, &cluster).list(focus), focus.port, format)
}

fn exposure(manifests: &str, focus: &Focus, format: Format) -> String {
    let snapshot = snapshot(manifests);
    let cluster = Cluster::of(&snapshot, &[]);
    let analysis = Analysis::new(&snapshot, &cluster);
    let rows = analysis.list(focus);
    write_exposure(&rows, &analysis.exposure(focus, &rows), focus.port, format)
}

fn difference(before: &str, after: &str, format: Format) -> Option<String> {
    let (old, new) = (snapshot(before), snapshot(after));
    let (old_cluster, new_cluster) = (Cluster::of(&old, &[]), Cluster::of(&new, &[]));
    let changes = diff(&Analysis::new(&old, &old_cluster), &Analysis::new(&new, &new_cluster));
    write_diff(&changes, DIFF_SIDES, format)
}

fn deployment(name: &str, rest: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{replicas: 2, template: {{metadata: {{labels: {{app: {name}}}}}, \
         spec: {{containers: [{{name: c, image: i{rest}}}]}}}}}}\n"
    )
}

/// A policy of the namespace for the pods of one Deployment.
fn policy(app: &str, types: &str, rules: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {app}-{}, namespace: shop}}\n\
         spec: {{podSelector: {{matchLabels: {{app: {app}}}}}, policyTypes: [{types}], {rules}}}\n",
        types.to_lowercase()
    )
}

#[test]
fn what_nothing_isolates_reaches_all_but_itself() {
    let manifests = deployment("web", "") + &deployment("db", "");
    assert_eq!(
        list(&manifests, &Focus::default(), Format::Text),
        "0.0.0.0-255.255.255.255[External] => shop/db[Deployment] : All Connections\n\
         0.0.0.0-255.255.255.255[External] => shop/web[Deployment] : All Connections\n\
         shop/db[Deployment] => 0.0.0.0-255.255.255.255[External] : All Connections\n\
         shop/db[Deployment] => shop/web[Deployment] : All Connections\n\
         shop/web[Deployment] => 0.0.0.0-255.255.255.255[External] : All Connections\n\
         shop/web[Deployment] => shop/db[Deployment] : All Connections\n"
    );
}

#[test]
fn blocks_hold_no_pods_and_are_cut_where_they_end() {
    let rules = "ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/9, 10.128.0.0/9]}}], \
                 ports: [{port: 80, endPort: 90}, {port: 53, protocol: UDP}]}]";
    let manifests = deployment("web", "") + &deployment("db", "") + &policy("db", "Ingress", rules);
    let focus = Focus {
        workloads: vec!["shop/db".to_owned()],
        direction: Some(Direction::Ingress),
        ..Focus::default()
    };
    assert_eq!(
        list(&manifests, &focus, Format::Text),
        "0.0.0.0-9.255.255.255[External] => shop/db[Deployment] : TCP 80-90,UDP 53\n\
         11.0.0.0-255.255.255.255[External] => shop/db[Deployment] : TCP 80-90,UDP 53\n"
    );
    // Those of what is sent are cut by rules for what is sent alone.
    let focus = Focus { direction: Some(Direction::Egress), ..focus };
    assert!(list(&manifests, &focus, Format::Text).contains("=> 0.0.0.0-255.255.255.255[External] :"));
}

#[test]
fn pods_of_one_controller_are_one_workload() {
    let pod = |name: &str, kind: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: shop\n  \
             ownerReferences: [{{name: web-5, controller: true{kind}}}]\nspec: {{containers: [{{name: c, image: i}}]}}\n"
        )
    };
    let workload = |kind: &str| list(&(pod("a", kind) + &pod("b", kind)), &Focus::default(), Format::Csv);
    assert_eq!(
        workload(", kind: ReplicaSet"),
        "src,dst,conn\n\
         0.0.0.0-255.255.255.255[External],shop/web-5[ReplicaSet],All Connections\n\
         shop/web-5[ReplicaSet],0.0.0.0-255.255.255.255[External],All Connections\n"
    );
    assert!(workload("").contains("shop/web-5[Pod]"));
    // A node makes no workload of the pods that it runs itself.
    assert!(workload(", kind: Node").contains("shop/a[Pod]"));
}

#[test]
fn kinds_that_np_guard_does_not_know_are_no_workloads() {
    let rollout = "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web, namespace: shop}\n\
                   spec: {template: {spec: {containers: [{name: c, image: i}]}}}\n";
    assert_eq!(list(rollout, &Focus::default(), Format::Text), "");
    assert_eq!(list(rollout, &Focus::default(), Format::Json), "[]");
}

#[test]
fn names_of_ports_are_those_of_the_first_port_that_has_them() {
    let ports = ", ports: [{name: api, containerPort: 8080}, {name: api, containerPort: 9090}]";
    let rules = "ingress: [{ports: [{port: api}, {port: other}]}]";
    let manifests = deployment("web", ports) + &deployment("db", "") + &policy("web", "Ingress", rules);
    let focus = Focus {
        workloads: vec!["db".to_owned()],
        others: vec!["web".to_owned()],
        direction: Some(Direction::Egress),
        port: None,
    };
    assert_eq!(
        list(&manifests, &focus, Format::Markdown),
        "| src | dst | conn |\n|-----|-----|------|\n\
         | shop/db[Deployment] | shop/web[Deployment] | TCP 8080 |\n"
    );
}

const ENTRY: &str = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n\
                     spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}, {name: no, port: 81}]}\n\
                     ---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\n\
                     spec: {defaultBackend: {service: {name: web, port: {name: http}}}}\n\
                     ---\napiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: web, namespace: shop}\n\
                     spec: {to: {kind: Service, name: web}, port: {targetPort: 8443}}\n";

#[test]
fn ingresses_lead_to_ports_that_a_pod_declares() {
    let ports = ", ports: [{containerPort: 8080}, {containerPort: 8443}]";
    let focus = Focus { workloads: vec!["ingress-controller".to_owned()], ..Focus::default() };
    assert_eq!(
        list(&(deployment("web", ports) + ENTRY), &focus, Format::Text),
        "{ingress-controller} => shop/web[Deployment] : TCP 8080\n"
    );
    // What the pods do not let in from a namespace that nobody has named is not led to.
    let closed = policy("web", "Ingress", "ingress: [{from: [{podSelector: {}}]}]");
    assert_eq!(list(&(deployment("web", ports) + ENTRY + &closed), &focus, Format::Text), "");
    let open = policy("web", "Ingress", "ingress: [{from: [{namespaceSelector: {}}]}]");
    assert_ne!(list(&(deployment("web", ports) + ENTRY + &open), &focus, Format::Text), "");
}

#[test]
fn one_port_is_all_that_counts_where_it_is_named() {
    let manifests = deployment("web", "")
        + &deployment("db", "")
        + &policy("db", "Ingress", "ingress: [{from: [{podSelector: {}}], ports: [{port: 5432}]}]");
    let focus = |number| Focus { port: Some(Port { protocol: Protocol::Tcp, number }), ..Focus::default() };
    let text = list(&manifests, &focus(5432), Format::Text);
    assert!(text.starts_with("Permitted connections on TCP 5432:\n"), "{text}");
    assert!(text.contains("shop/web[Deployment] => shop/db[Deployment]\n"), "{text}");
    assert!(!list(&manifests, &focus(80), Format::Text).contains("=> shop/db[Deployment]"));
}

#[test]
fn nobody_is_looked_at_who_is_not_there() {
    let focus = Focus { workloads: vec!["nobody".to_owned()], ..Focus::default() };
    assert_eq!(list(&deployment("web", ""), &focus, Format::Text), "");
}

#[test]
fn what_changed_is_told_with_who_came_and_went() {
    let closed = policy("db", "Ingress", "ingress: [{from: [{podSelector: {}}], ports: [{port: 5432}]}]");
    let before =
        deployment("web", "") + &deployment("db", "") + &policy("web", "Ingress", "ingress: []") + &closed;
    let after = deployment("new", "")
        + &deployment("db", "")
        + &policy("new", "Ingress, Egress", "ingress: [], egress: [{to: [{podSelector: {}}]}]")
        + &policy("db", "Ingress", "ingress: [{from: [{podSelector: {}}, {ipBlock: {cidr: 10.0.0.0/8}}]}]");
    assert_eq!(
        difference(&before, &after, Format::Text).as_deref(),
        Some(
            "Connectivity diff:\n\
             diff-type: added, source: 10.0.0.0-10.255.255.255[External], destination: shop/db[Deployment], \
             dir1: No Connections, dir2: All Connections\n\
             diff-type: added, source: shop/new[Deployment], destination: shop/db[Deployment], \
             dir1: No Connections, dir2: All Connections, workloads-diff-info: workload shop/new[Deployment] added\n\
             diff-type: removed, source: shop/web[Deployment], destination: 0.0.0.0-255.255.255.255[External], \
             dir1: All Connections, dir2: No Connections, workloads-diff-info: workload shop/web[Deployment] removed\n\
             diff-type: removed, source: shop/web[Deployment], destination: shop/db[Deployment], \
             dir1: TCP 5432, dir2: No Connections, workloads-diff-info: workload shop/web[Deployment] removed\n"
        )
    );
    assert_eq!(difference(&before, &before, Format::Csv).as_deref(), Some(""));
    assert_eq!(difference(&before, &after, Format::Json), None);
}

#[test]
fn ranges_are_as_long_as_nothing_changes_in_them() {
    let open = |blocks: &str| {
        let rules = format!("egress: [{{to: [{blocks}]}}]");
        deployment("web", "") + &policy("web", "Ingress", "ingress: []") + &policy("web", "Egress", &rules)
    };
    let before = open("{ipBlock: {cidr: 10.0.0.0/8}}, {ipBlock: {cidr: 11.0.0.0/8}}");
    let after = open("{ipBlock: {cidr: 10.64.0.0/10}}");
    assert_eq!(
        difference(&before, &after, Format::Csv).as_deref(),
        Some(
            "diff-type,source,destination,dir1,dir2,workloads-diff-info\n\
             removed,shop/web[Deployment],10.0.0.0-10.63.255.255[External],All Connections,No Connections,\n\
             removed,shop/web[Deployment],10.128.0.0-11.255.255.255[External],All Connections,No Connections,\n"
        )
    );
}

#[test]
fn pods_that_may_come_are_described_as_rules_describe_them() {
    let rules = "ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}, \
                 podSelector: {matchExpressions: [{key: app, operator: In, values: [job, api]}]}}], ports: [{port: 80}]}, \
                 {from: [{namespaceSelector: {}}], ports: [{port: 443}]}, {from: [{podSelector: {}}]}]";
    let manifests = deployment("web", "") + &policy("web", "Ingress", rules);
    assert_eq!(
        exposure(&manifests, &Focus::default(), Format::Text),
        "shop/web[Deployment] => 0.0.0.0-255.255.255.255[External] : All Connections\n\
         \n\
         Exposure Analysis Result:\n\
         Egress Exposure:\n\
         shop/web[Deployment] \t=> \t0.0.0.0-255.255.255.255[External] : All Connections\n\
         shop/web[Deployment] \t=> \tentire-cluster : All Connections\n\
         \n\
         Ingress Exposure:\n\
         shop/web[Deployment] \t<= \t[namespace with {team=a}]/[pod with {{Key:app,Operator:In,Values:[job api],}}] : TCP 80,443\n\
         shop/web[Deployment] \t<= \tentire-cluster : TCP 443\n\
         shop/web[Deployment] \t<= \tshop/[all pods] : All Connections\n\
         \n\
         Workloads not protected by network policies:\n\
         shop/web[Deployment] is not protected on Egress\n"
    );
}

#[test]
fn what_lets_nobody_come_is_not_exposed() {
    let block = "[{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]";
    let manifests =
        deployment("web", "") + &policy("web", "Ingress, Egress", &format!("ingress: [], egress: {block}"));
    assert_eq!(
        exposure(&manifests, &Focus::default(), Format::Text),
        "shop/web[Deployment] => 10.0.0.0-10.255.255.255[External] : All Connections\n\nExposure Analysis Result:\n"
    );
    assert_eq!(
        exposure(&manifests, &Focus::default(), Format::Json),
        "{\n  \"connlist_results\": [\n    {\n      \"src\": \"shop/web[Deployment]\",\n      \
         \"dst\": \"10.0.0.0-10.255.255.255[External]\",\n      \"conn\": \"All Connections\"\n    }\n  ],\n  \
         \"exposure_results\": {\n    \"egress_exposure\": null,\n    \"ingress_exposure\": null\n  }\n}"
    );
}
