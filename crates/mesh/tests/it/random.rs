//! What holds of every input.

use proptest::prelude::*;
use ringwall_input::{Limits, read_text};
use ringwall_mesh::checks;
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::{Mesh, Settings};
use ringwall_mesh::plan::{Plan, Scope};
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
