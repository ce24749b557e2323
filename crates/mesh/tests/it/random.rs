//! What holds of every input.

use proptest::prelude::*;
use ringwall_input::{Limits, read_text};
use ringwall_mesh::checks;
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::enrolment::Mode as Carrier;
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::{Mesh, Settings};
use ringwall_mesh::peer::{Mode, PeerAuthentication};
use ringwall_mesh::plan::{Plan, Remedy, Scope, Unsolved};
use ringwall_mesh::sends::{Outcome, Why};
use ringwall_mesh::validate::validate;
use ringwall_model::snapshot::{Facts, Snapshot};

use crate::meshes::{app, namespace, peer, rule};

fn of(text: &str) -> Mesh {
    let input = read_text("mesh.yaml", text.to_owned(), &Limits::default());
    for object in &input.objects {
        drop(validate(object));
    }
    let snapshot = Snapshot::new(input.objects, Facts::default());
    drop(checks::find(&snapshot, &MeshConfig::default(), &Settings::default()));
    Mesh::of(&snapshot, MeshConfig::default(), &Settings::default())
}

/// A value that may stand anywhere.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9*./:-]{0,12}".prop_map(|text| format!("'{text}'")),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("[null]".to_owned()),
        Just("[{}]".to_owned()),
        Just("STRICT".to_owned()),
        Just("1s".to_owned()),
    ]
}

/// A mapping of the fields of our kinds, with values that may be wrong.
fn any_spec() -> impl Strategy<Value = String> {
    const KEYS: [&str; 24] = [
        "selector",
        "matchLabels",
        "mtls",
        "mode",
        "portLevelMtls",
        "8080",
        "host",
        "trafficPolicy",
        "tls",
        "subsets",
        "labels",
        "exportTo",
        "workloadSelector",
        "portLevelSettings",
        "port",
        "number",
        "loadBalancer",
        "rules",
        "from",
        "source",
        "to",
        "operation",
        "when",
        "jwtRules",
    ];
    let key = || prop::sample::select(&KEYS[..]);
    any_value().prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::btree_map(key(), inner.clone(), 0..5).prop_map(|map| {
                let entries: Vec<String> =
                    map.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
            prop::collection::vec(inner, 0..3).prop_map(|list| format!("[{}]", list.join(", "))),
        ]
    })
}

fn policies() -> impl Strategy<Value = Vec<String>> {
    let scope = prop::sample::select(&["a", "b", "istio-system"][..]);
    let mode = prop::sample::select(&["{}", "{mode: STRICT}", "{mode: PERMISSIVE}", "{mode: DISABLE}"][..]);
    let selector = prop::sample::select(&["{}", "{matchLabels: {app: x}}", "{matchLabels: {app: y}}"][..]);
    let one = (scope, mode, selector, 0..3_usize, any::<bool>()).prop_map(
        |(scope, mode, selector, name, ports)| {
            let ports = if ports { ", portLevelMtls: {8080: {mode: DISABLE}}" } else { "" };
            peer(scope, &format!("p{name}"), &format!("{{mtls: {mode}, selector: {selector}{ports}}}"))
        },
    );
    prop::collection::vec(one, 0..8)
}

fn rules() -> impl Strategy<Value = Vec<String>> {
    let scope = prop::sample::select(&["a", "b", "istio-system"][..]);
    let host = prop::sample::select(&["x", "x.a.svc.cluster.local", "*.local", "*"][..]);
    let tls = prop::sample::select(
        &["{tls: {mode: DISABLE}}", "{tls: {mode: ISTIO_MUTUAL}}", "{loadBalancer: {simple: PASSTHROUGH}}"][..],
    );
    let more = prop::sample::select(
        &["", ", exportTo: ['.']", ", exportTo: [a]", ", workloadSelector: {matchLabels: {app: x}}"][..],
    );
    let one = (scope, host, tls, more, 0..3_usize).prop_map(|(scope, host, tls, more, name)| {
        rule(scope, &format!("r{name}"), &format!("{{host: '{host}', trafficPolicy: {tls}{more}}}"))
    });
    prop::collection::vec(one, 0..6)
}

fn base() -> String {
    let on = "istio-injection: enabled";
    let text = [namespace("a", on), namespace("b", on), namespace("c", "istio.io/dataplane-mode: ambient")];
    let apps =
        [app("a", "x", ""), app("a", "y", ""), app("b", "x", ""), app("c", "z", ""), app("d", "old", "")];
    [text.concat(), apps.concat()].concat()
}

/// Each of another name, or the API server has but one of them.
fn renamed(texts: &[String]) -> Vec<String> {
    let rename = |(index, text): (usize, &String)| text.replacen("{name: ", &format!("{{name: n{index}-"), 1);
    texts.iter().enumerate().map(rename).collect()
}

/// The answers, with names in place of indexes.
fn answers(mesh: &Mesh) -> Vec<String> {
    let name =
        |index: usize| format!("{}/{}", mesh.workloads.all[index].namespace, mesh.workloads.all[index].name);
    let matrix = Matrix::of(mesh);
    let mut rows: Vec<String> = matrix
        .rows()
        .map(|row| {
            let (flow, service) = (row.flow, &mesh.services[row.service].host);
            let (client, server) = (name(row.client), name(flow.server));
            format!("{client} {server} {service} {:?} {:?} {:?}", flow.sends, flow.accepts, flow.outcome)
        })
        .collect();
    assert_eq!(rows.len(), matrix.len());
    rows.sort_unstable();
    rows
}

/// Workloads, Services that select them by one label or another, and callers without a proxy.
fn small_mesh() -> impl Strategy<Value = String> {
    let labels = ["app: x", "app: y", "tier: back", "app: x, tier: back", "app: y, tier: back"];
    let label = prop::sample::select(labels.to_vec());
    let space = || prop::sample::select(vec!["a", "c", "istio-system"]);
    let marks = ["", "networking.istio.io/tunnel: none, ", "security.istio.io/tlsMode: istio, "];
    let workload = (space(), label, any::<bool>(), prop::sample::select(marks.to_vec()));
    let selector = prop::sample::select(vec!["app: x", "app: y", "tier: back"]);
    let service = (space(), selector, prop::sample::select(vec![8080_u16, 9090]));
    let workloads = prop::collection::vec(workload, 1..5).prop_map(|all| {
        let one = |(index, (space, labels, is_host, mark)): (usize, (&str, &str, bool, &str))| {
            let host = if is_host { "hostNetwork: true, " } else { "" };
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: w{index}, namespace: {space}}}\nspec: {{template: {{metadata: {{labels: \
                 {{{mark}{labels}}}}}, spec: {{{host}containers: [{{name: c, image: c}}]}}}}}}\n---\n"
            )
        };
        all.into_iter().enumerate().map(one).collect::<String>()
    });
    let services = prop::collection::vec(service, 1..6).prop_map(|all| {
        let one = |(index, (space, selector, port)): (usize, (&str, &str, u16))| {
            format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: s{index}, namespace: {space}}}\nspec: {{selector: {{{selector}}}, ports: [{{port: \
                 {port}}}]}}\n---\n"
            )
        };
        all.into_iter().enumerate().map(one).collect::<String>()
    });
    let around = [
        namespace("a", "istio-injection: enabled"),
        namespace("c", "istio.io/dataplane-mode: ambient"),
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent, namespace: d}\nspec: {template: {spec: {hostNetwork: true, containers: \
         [{name: c, image: c}]}}}\n---\n"
            .to_owned(),
        app("d", "old", ""),
    ]
    .concat();
    (workloads, services, policies(), rules()).prop_map(move |(workloads, services, policies, rules)| {
        let more = renamed(&[policies, rules].concat()).concat();
        [around.as_str(), &workloads, &services, &more].concat()
    })
}

/// The mesh after a plan, with the changes made by hand. Of new policies those of higher names lose; `turn` chooses which.
fn planned(mesh: &Mesh, plan: &Plan, turn: usize) -> Mesh {
    let new = |namespace: &str, selector: &[(Box<str>, Box<str>)], name: String, mode| PeerAuthentication {
        object: usize::MAX,
        namespace: namespace.to_owned(),
        name,
        created: None,
        has_selector: !selector.is_empty(),
        selector: selector.to_vec(),
        mode,
        ports: std::collections::BTreeMap::new(),
    };
    let mut peers = mesh.peers.all.clone();
    match plan.policy {
        Some(policy) => peers[policy].mode = Mode::Strict,
        None => peers.push(new("istio-system", &[], "default".to_owned(), Mode::Strict)),
    }
    let known = peers.len();
    let mut sidecars = std::collections::BTreeSet::new();
    for remedy in &plan.remedies {
        match remedy {
            Remedy::Inject(index) | Remedy::TlsModeLabel(index) => drop(sidecars.insert(*index)),
            Remedy::Exception { policy: Some(policy), port, .. } => {
                peers[*policy].ports.insert(*port, Mode::Permissive);
            }
            Remedy::Exception { policy: None, namespace, selector, port } => {
                let is_it = |peer: &&mut PeerAuthentication| {
                    peer.namespace == *namespace && peer.selector == *selector
                };
                let place = peers.iter_mut().skip(known).find(is_it);
                if let Some(peer) = place {
                    peer.ports.insert(*port, Mode::Permissive);
                } else {
                    let name = format!("~{}", (peers.len() * 7 + turn) % 11);
                    let mut peer = new(namespace, selector, name, Mode::Unset);
                    peer.ports.insert(*port, Mode::Permissive);
                    peers.push(peer);
                }
            }
            _ => {}
        }
    }
    mesh.with_sidecars(&sidecars).with_peers(peers)
}

/// What is refused, and why.
fn refused(matrix: &Matrix) -> Vec<(Unsolved, Why)> {
    let rows = matrix.rows().filter(|row| row.flow.outcome == Outcome::Refused);
    let of = |row: ringwall_mesh::matrix::Row<'_>| {
        let (client, service) = (row.client, row.service);
        (
            Unsolved { client: Some(client), service, port: row.flow.port, server: row.flow.server },
            row.flow.why.clone(),
        )
    };
    rows.map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_order_of_the_input_does_not_matter(policies in policies(), rules in rules(), seed in any::<u64>()) {
        let texts = renamed(&[policies, rules].concat());
        let mut mixed = texts.clone();
        // Any other order will do.
        let by = usize::try_from(seed % 97).unwrap() % mixed.len().max(1);
        mixed.rotate_left(by);
        mixed.reverse();
        let [one, other] = [texts, mixed].map(|texts| answers(&of(&[base(), texts.concat()].concat())));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn changes_make_a_plan_hold(policies in policies()) {
        let mesh = of(&[base(), renamed(&policies).concat()].concat());
        let plan = Plan::strict(&mesh, Scope::Mesh);
        // All clients of the base can be injected or excepted, and nothing of it is in the root namespace.
        prop_assert_eq!(plan.unsolved, []);
        prop_assert_eq!(plan.broken.is_empty(), plan.remedies.is_empty());
    }

    #[test]
    fn after_the_changes_nothing_is_refused_but_what_the_plan_says(text in small_mesh(), turn in 0..11_usize) {
        let mesh = of(&text);
        let plan = Plan::strict(&mesh, Scope::Mesh);
        let before: Vec<Unsolved> = refused(&Matrix::of(&mesh)).into_iter().map(|(what, _)| what).collect();
        let after = refused(&Matrix::of(&planned(&mesh, &plan, turn)));
        for (what, why) in &after {
            let is_named = |remedy: &Remedy| match (remedy, why) {
                (Remedy::Rule(place), Why::Rule(at) | Why::Secret(at) | Why::NoCertificate(at))
                | (Remedy::Annotation(place), Why::Excluded(at)) => place == at,
                (Remedy::Export(service), Why::Unseen) => *service == what.service,
                (Remedy::AutoMtls, Why::AutoOff) => true,
                _ => false,
            };
            let is_said = before.contains(what) || plan.unsolved.contains(what) || plan.remedies.iter().any(is_named);
            prop_assert!(is_said, "{what:?} {why:?} {:?}\n{text}", plan.remedies);
        }
        for lost in &plan.unsolved {
            prop_assert!(after.iter().any(|(what, _)| what == lost), "{lost:?} {:?}\n{text}", plan.remedies);
            // A sidecar's port can be opened by a policy with a selector, but in the root namespace.
            let can_open = mesh.servers[lost.server].enrolment.mode() == Carrier::Sidecar
                && mesh.workloads.all[lost.server].namespace != "istio-system";
            prop_assert!(!can_open, "{lost:?} {:?}\n{text}", plan.remedies);
        }
    }

    #[test]
    fn no_spec_makes_a_panic(spec in any_spec()) {
        let kinds = [
            "security.istio.io/v1\nkind: PeerAuthentication",
            "security.istio.io/v1\nkind: AuthorizationPolicy",
            "security.istio.io/v1\nkind: RequestAuthentication",
            "networking.istio.io/v1\nkind: DestinationRule",
            "networking.istio.io/v1\nkind: ServiceEntry",
            "networking.istio.io/v1\nkind: WorkloadEntry",
            "v1\nkind: Service",
            "v1\nkind: Pod",
        ];
        let object = |kind: &str| format!("---\napiVersion: {kind}\nmetadata: {{name: o, namespace: a}}\nspec: {spec}\n");
        let mesh = of(&[base(), kinds.map(object).concat()].concat());
        prop_assert!(!Matrix::of(&mesh).is_empty());
    }
}
