//! What turning STRICT breaks.

use ringwall_mesh::enrolment::Reason;
use ringwall_mesh::plan::{Plan, Remedy, Scope};

use crate::meshes::{app, mesh, namespace, peer, rule};

fn shop(more: &str) -> String {
    [
        namespace("shop", "istio-injection: enabled").as_str(),
        namespace("monitoring", "").as_str(),
        app("shop", "web", "").as_str(),
        app("shop", "db", "").as_str(),
        app("monitoring", "prometheus", "").as_str(),
        more,
    ]
    .concat()
}

#[test]
fn who_has_no_proxy_breaks_and_is_to_be_injected() {
    let mesh = mesh(&shop(""));
    let plan = Plan::strict(&mesh, Scope::Namespace("shop"));
    let name = |index: usize| mesh.workloads.all[index].name.as_str();
    let mut rows: Vec<_> =
        plan.rows(&plan.broken).map(|row| (name(row.client), name(row.flow.server))).collect();
    rows.sort_unstable();
    assert_eq!(rows, [("prometheus", "db"), ("prometheus", "web")]);
    let prometheus = mesh.workloads.all.iter().position(|workload| workload.name == "prometheus").unwrap();
    assert_eq!(plan.remedies, [Remedy::Inject(prometheus)]);
    assert_eq!((plan.policy, plan.unsolved), (None, Vec::new()));
    assert_eq!(mesh.servers[prometheus].enrolment.decision().reason, Reason::NothingAsks);
}

#[test]
fn who_can_have_no_proxy_needs_an_exception_on_the_port_of_the_container() {
    let host = shop("").replace(
        "metadata: {labels: {app: prometheus}}\n    spec: {containers",
        "metadata: {labels: {app: prometheus}}\n    spec: {hostNetwork: true, containers",
    );
    let mesh = mesh(&host);
    let plan = Plan::strict(&mesh, Scope::Mesh);
    let exceptions: Vec<_> = plan
        .remedies
        .iter()
        .map(|remedy| match remedy {
            Remedy::Exception { policy: None, namespace, selector, port } => {
                (namespace.as_str(), selector.iter().map(|(_, value)| &**value).collect::<Vec<_>>(), *port)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(exceptions, [("shop", vec!["db"], 8080), ("shop", vec!["web"], 8080)]);
    assert_eq!(plan.unsolved, []);
    assert_eq!(plan.unprotected.len(), 1, "prometheus itself is not protected");
}

#[test]
fn rules_probes_and_other_policies_are_told() {
    let more = [
        rule("shop", "r", "{host: db, trafficPolicy: {tls: {mode: DISABLE}}}"),
        peer("shop", "default", "{mtls: {mode: PERMISSIVE}}"),
        peer("shop", "web", "{selector: {matchLabels: {app: web}}, mtls: {mode: DISABLE}}"),
    ];
    let text = shop(&more.concat()).replace(
        "metadata: {labels: {app: db}}\n    spec: {containers: [{",
        "metadata: {labels: {app: db}, annotations: {sidecar.istio.io/rewriteAppHTTPProbers: 'false'}}\n    \
         spec: {containers: [{livenessProbe: {httpGet: {port: web}}, ",
    );
    let mesh = mesh(&text);
    let plan = Plan::strict(&mesh, Scope::Namespace("shop"));
    assert!(plan.policy.is_some_and(|policy| mesh.peers.all[policy].name == "default"));
    let rules = plan.remedies.iter().filter(|remedy| matches!(remedy, Remedy::Rule(_))).count();
    assert_eq!(rules, 1, "{:?}", plan.remedies);
    let [(workload, place)] = &plan.probes[..] else { panic!("{:?}", plan.probes) };
    assert_eq!(mesh.workloads.all[*workload].name, "db");
    assert_eq!(place.path.to_string(), "spec.template.spec.containers[0].livenessProbe.httpGet");
    let [(exempt, place)] = &plan.exempt[..] else { panic!("{:?}", plan.exempt) };
    assert_eq!(
        (mesh.workloads.all[*exempt].name.as_str(), place.path.to_string()),
        ("web", "spec.mtls.mode".to_owned())
    );
}
