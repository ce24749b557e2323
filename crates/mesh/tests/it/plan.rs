//! What turning STRICT breaks.

use ringwall_mesh::enrolment::Reason;
use ringwall_mesh::mesh::Mesh;
use ringwall_mesh::plan::{BrokenOutside, Callers, Plan, Remedy, Scope, WhyExempt};

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

/// Which workloads are not STRICT, why, and where that is written.
fn exempt<'m>(mesh: &'m Mesh, plan: &Plan) -> Vec<(&'m str, WhyExempt, String)> {
    let name = |index: usize| mesh.workloads.all[index].name.as_str();
    plan.exempt.iter().map(|one| (name(one.workload), one.why, one.place.path.to_string())).collect()
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
fn what_is_called_by_no_workload_needs_an_exception() {
    let text = [namespace("shop", "istio-injection: enabled"), app("shop", "web", "")].concat();
    let mesh = mesh(&text);
    let callers = Callers { outside: vec![(0, 0)], ..Callers::default() };
    let plan = Plan::of(&mesh, Scope::Mesh, callers.clone());
    assert_eq!(plan.broken_outside, [BrokenOutside { call: 0, server: 0, target: 8080 }]);
    assert!(
        matches!(&plan.remedies[..], [Remedy::Exception { policy: None, port: 8080, .. }]),
        "{:?}",
        plan.remedies
    );
    assert_eq!(plan.unsolved, []);
    let open = peer(
        "shop",
        "own",
        "{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: PERMISSIVE}}}",
    );
    let excepted = crate::meshes::mesh(&[text, open].concat());
    let plan = Plan::of(&excepted, Scope::Mesh, callers);
    assert_eq!((plan.broken_outside, plan.remedies), (Vec::new(), Vec::new()), "it is let in already");
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
    assert_eq!(exempt(&mesh, &plan), [("web", WhyExempt::Policy, "spec.mtls.mode".to_owned())]);
}

/// A workload that two Services select by different labels, and a client on its node's network.
fn two_services(more: &str) -> String {
    let service = |name: &str, label: &str, port: u16| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{selector: {{{label}}}, ports: [{{port: {port}}}]}}\n---\n"
        )
    };
    let workload = |namespace: &str, name: &str, labels: &str, spec: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  \
             template:\n    metadata: {{labels: {{{labels}}}}}\n    spec: {{{spec}containers: [{{name: c, image: c}}]}}\n---\n"
        )
    };
    [
        namespace("shop", "istio-injection: enabled"),
        workload("shop", "db", "app: db, tier: back", ""),
        workload("monitoring", "agent", "app: agent", "hostNetwork: true, "),
        service("one", "app: db", 8080),
        service("two", "tier: back", 9090),
        more.to_owned(),
    ]
    .concat()
}

#[test]
fn a_workload_of_two_services_gets_one_policy_with_both_ports() {
    let mesh = mesh(&two_services(""));
    let plan = Plan::strict(&mesh, Scope::Namespace("shop"));
    let exceptions: Vec<_> = plan
        .remedies
        .iter()
        .map(|remedy| match remedy {
            Remedy::Exception { policy: None, selector, port, .. } => {
                (selector.len(), &*selector[0].1, *port)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(exceptions, [(1, "db", 8080), (1, "db", 9090)]);
    assert_eq!(plan.unsolved, []);
}

#[test]
fn of_two_new_policies_for_one_workload_either_may_count() {
    let only = |name: &str, label: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{template: {{metadata: {{labels: \
             {{{label}}}}}, spec: {{containers: [{{name: c, image: c}}]}}}}}}\n---\n"
        )
    };
    let mesh = mesh(&two_services(&[only("front", "app: db"), only("rear", "tier: back")].concat()));
    let plan = Plan::strict(&mesh, Scope::Namespace("shop"));
    let new = |remedy: &Remedy| match remedy {
        Remedy::Exception { policy: None, selector, port, .. } => (selector[0].1.to_string(), *port),
        other => panic!("{other:?}"),
    };
    // `db` is of both, and needs both ports.
    let wanted = [("db", 8080), ("db", 9090), ("back", 8080), ("back", 9090)];
    let wanted = wanted.map(|(label, port)| (label.to_owned(), port));
    assert_eq!(plan.remedies.iter().map(new).collect::<Vec<_>>(), wanted);
    assert_eq!(plan.unsolved, []);
}

#[test]
fn the_policy_that_counts_for_the_workload_is_the_one_that_grows() {
    let own = peer(
        "shop",
        "own",
        "{selector: {matchLabels: {tier: back}}, portLevelMtls: {7070: {mode: DISABLE}}}",
    );
    let loser = peer("shop", "z", "{selector: {matchLabels: {app: db}}, mtls: {mode: PERMISSIVE}}");
    let mesh = mesh(&two_services(&[own, loser].concat()));
    let plan = Plan::strict(&mesh, Scope::Namespace("shop"));
    let grown = |remedy: &Remedy| match remedy {
        Remedy::Exception { policy: Some(policy), port, .. } => (mesh.peers.all[*policy].name.clone(), *port),
        other => panic!("{other:?}"),
    };
    let grown: Vec<_> = plan.remedies.iter().map(grown).collect();
    assert_eq!(grown, [("own".to_owned(), 8080), ("own".to_owned(), 9090)]);
    assert_eq!(plan.unsolved, []);
}

#[test]
fn what_no_exception_can_open_is_unsolved() {
    // In the root namespace policies with selectors are for nobody.
    let text = two_services("").replace("shop", "istio-system");
    let mesh = mesh(&text);
    let plan = Plan::strict(&mesh, Scope::Mesh);
    assert_eq!((plan.remedies.len(), plan.unsolved.len()), (0, 2), "{:?}", plan.remedies);
}

#[test]
fn in_ambient_mode_what_ztunnel_makes_of_policies_counts() {
    let ambient = |more: &str| {
        [namespace("shop", "istio.io/dataplane-mode: ambient").as_str(), app("shop", "db", "").as_str(), more]
            .concat()
    };
    // Ztunnel is not told of a policy of the root namespace with an empty selector.
    let hidden = mesh(&ambient(&peer("istio-system", "default", "{selector: {}, mtls: {mode: PERMISSIVE}}")));
    let plan = Plan::strict(&hidden, Scope::Mesh);
    assert_eq!(exempt(&hidden, &plan), [("db", WhyExempt::EmptySelector, "spec.selector".to_owned())]);
    // What a policy without any selector says, it is.
    let plain = mesh(&ambient(&peer("istio-system", "default", "{mtls: {mode: PERMISSIVE}}")));
    assert_eq!(exempt(&plain, &Plan::strict(&plain, Scope::Mesh)), []);
    let of_ports = |spec: &str| {
        let spec = format!("{{selector: {{matchLabels: {{app: db}}}}, {spec}}}");
        let mesh = mesh(&ambient(&peer("shop", "db", &spec)));
        let plan = Plan::strict(&mesh, Scope::Mesh);
        exempt(&mesh, &plan).into_iter().map(|(_, why, path)| (why, path)).collect::<Vec<_>>()
    };
    let open = of_ports("portLevelMtls: {8080: {mode: PERMISSIVE}}");
    assert_eq!(open, [(WhyExempt::Policy, "spec.portLevelMtls.8080.mode".to_owned())]);
    // Under what is strict above a disabled port is no exception for ztunnel, as it is for a sidecar.
    assert_eq!(of_ports("portLevelMtls: {8080: {mode: DISABLE}}"), []);
    let missing = of_ports("mtls: {mode: PERMISSIVE}, portLevelMtls: {8080: {mode: STRICT}}");
    assert_eq!(missing, [(WhyExempt::MissingPolicy, "spec.portLevelMtls".to_owned())]);
}
