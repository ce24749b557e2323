//! What the mesh and its injector are set to, and what that changes.

use ringwall_mesh::checks;
use ringwall_mesh::config::{EntryVisibility, MeshConfig, Visibility};
use ringwall_mesh::discovery::Discovery;
use ringwall_mesh::enrolment::{Mode, Reason};
use ringwall_mesh::injector::{Injector, Policy, ProxyDefaults};
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::{Accepts, Mesh, Settings, WhyAccepts};
use ringwall_mesh::place::Place;
use ringwall_mesh::sends::{Sends, Why};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::selector::Selector;

use crate::meshes::{app, namespace, rule, sent, snapshot};

const ON: &str = "istio-injection: enabled";

fn two() -> String {
    [namespace("shop", ON), namespace("new", ON), app("shop", "db", ""), app("new", "web", "")].concat()
}

fn with(text: &str, config: MeshConfig) -> Mesh {
    Mesh::of(&snapshot(text), config, &Settings::default())
}

fn injected(text: &str, injector: &Injector) -> Mesh {
    Mesh::of(&snapshot(text), MeshConfig::default(), &Settings { injector, ..Settings::default() })
}

#[test]
fn a_service_that_does_not_say_is_for_whom_the_mesh_says() {
    let seen = |to: &[&str], annotation: &str| {
        let own = format!("{{name: db, namespace: shop, annotations: {{{annotation}}}}}\nspec: {{selector");
        let text = two().replace("{name: db, namespace: shop}\nspec: {selector", &own);
        let list = to.iter().map(|one| (*one).to_owned()).collect();
        let config = MeshConfig { default_service_export_to: list, ..MeshConfig::default() };
        sent(&with(&text, config), "new/web", "shop/db").2
    };
    assert_eq!(seen(&[], ""), Why::Auto);
    assert_eq!(seen(&["."], ""), Why::Unseen);
    assert_eq!(seen(&["new"], ""), Why::Auto);
    assert_eq!(seen(&["~", "new"], ""), Why::Unseen);
    assert_eq!(seen(&["."], "networking.istio.io/exportTo: '*'"), Why::Auto, "it says itself");
}

#[test]
fn a_rule_that_does_not_say_is_for_its_own_namespace_where_the_mesh_says_so() {
    let off = "{host: db.shop.svc.cluster.local, trafficPolicy: {tls: {mode: DISABLE}}";
    let seen = |namespace: &str, spec: &str, keeps_rules_private: bool| {
        let text = [two(), rule(namespace, "plain", spec)].concat();
        let config = MeshConfig { keeps_rules_private, ..MeshConfig::default() };
        sent(&with(&text, config), "new/web", "shop/db").0
    };
    assert_eq!(seen("shop", &format!("{off}}}"), false), Sends::Plaintext);
    assert_eq!(seen("shop", &format!("{off}}}"), true), Sends::IstioMutual);
    assert_eq!(seen("shop", &format!("{off}, exportTo: ['*']}}"), true), Sends::Plaintext);
    assert_eq!(seen("new", &format!("{off}}}"), true), Sends::Plaintext, "the client's own");
    assert_eq!(seen("istio-system", &format!("{off}}}"), true), Sends::IstioMutual);
}

#[test]
fn visibility_narrows_what_an_entry_exports() {
    let entry = "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db, namespace: shop}
spec:
  hosts: [db.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 192.0.2.1, serviceAccount: db}]
  exportTo: [EXPORT]
";
    let seen = |default: Visibility, export: &str| {
        let text = [two(), entry.replace("EXPORT", export)].concat();
        let visibility = Some(EntryVisibility { default, policies: Vec::new() });
        let config = MeshConfig { entry_visibility: visibility, ..MeshConfig::default() };
        let mesh = with(&text, config);
        let why = |client: &str| sent(&mesh, client, "shop/192.0.2.1").2;
        assert_eq!(sent(&mesh, "new/web", "shop/db").2, Why::Auto, "Services are not narrowed");
        (why("shop/db"), why("new/web"))
    };
    assert_eq!(seen(Visibility::Public, "'*'"), (Why::Auto, Why::Auto));
    assert_eq!(seen(Visibility::Namespace, "'*'"), (Why::Auto, Why::Unseen));
    assert_eq!(seen(Visibility::Namespace, "shop"), (Why::Auto, Why::Unseen));
    assert_eq!(seen(Visibility::Namespace, "new"), (Why::Unseen, Why::Unseen));
    assert_eq!(seen(Visibility::None, "'*'"), (Why::Unseen, Why::Unseen));
    let by_name = Selector::of_labels([("kubernetes.io/metadata.name", "shop")]);
    let policies = vec![(vec![Some(by_name)], Visibility::Public)];
    let visibility = Some(EntryVisibility { default: Visibility::None, policies });
    let config = MeshConfig { entry_visibility: visibility, ..MeshConfig::default() };
    let text = [two(), entry.replace("EXPORT", "'*'")].concat();
    assert_eq!(sent(&with(&text, config), "new/web", "shop/192.0.2.1").2, Why::Auto, "a label that each has");
}

#[test]
fn the_injector_leaves_out_whom_it_is_told_to() {
    let db = || vec![Selector::of_labels([("app", "db")])];
    let decided = |label: &str, more: &str, injector: &Injector| {
        let pod = format!("metadata: {{labels: {{app: db{label}}}{more}}}");
        let text = two().replace("metadata: {labels: {app: db}}", &pod);
        let mesh = injected(&text, injector);
        let decision = mesh.servers[0].enrolment.decision();
        (decision.mode, decision.reason)
    };
    let (gets, out) = ((Mode::Sidecar, Reason::NamespaceLabel), (Mode::None, Reason::Injector));
    let asks = ", sidecar.istio.io/inject: 'true'";
    let usual = Injector::default();
    assert_eq!(decided("", "", &usual), gets);
    let disabled = Injector { policy: Policy::Disabled, ..usual.clone() };
    assert_eq!(decided("", "", &disabled), out);
    assert_eq!(decided(asks, "", &disabled), gets);
    let annotated = ", annotations: {sidecar.istio.io/inject: 'true'}";
    assert_eq!(decided("", annotated, &disabled), gets);
    assert_eq!(decided(", sidecar.istio.io/inject: 'maybe'", annotated, &disabled), out, "the label counts");
    let always = Injector { always: db(), ..disabled.clone() };
    assert_eq!(decided("", "", &always), gets);
    let never = Injector { never: db(), ..always };
    assert_eq!(decided("", "", &never), out, "never goes before always");
    assert_eq!(decided(asks, "", &never), gets, "the pod goes before both");
    let empty = Injector { never: vec![Selector::everything()], ..usual.clone() };
    assert_eq!(decided("", "", &empty), gets, "an empty one chooses nobody");
    let off = Injector { policy: Policy::Off, ..usual };
    assert_eq!(decided(asks, "", &off), out);
}

#[test]
fn what_goes_past_a_proxy_is_what_its_pod_says_and_else_what_the_mesh_does() {
    let place = Place { object: 7, path: FieldPath::keys(&["data", "values"]) };
    let proxy = ProxyDefaults {
        exclude_inbound: Some("8080".to_owned()),
        exclude_outbound: Some("80".to_owned()),
        place: Some(place.clone()),
        ..ProxyDefaults::default()
    };
    let injector = Injector { proxy, ..Injector::default() };
    let mesh = injected(&two(), &injector);
    assert_eq!(mesh.accepts(0, 8080), Accepts::None);
    assert_eq!(mesh.why_accepts(0, 8080), WhyAccepts::Excluded(Some(place.clone())));
    assert_eq!(sent(&mesh, "new/web", "shop/db").2, Why::Excluded(place));
    // The annotation counts, also where it is empty.
    let annotations = "\
annotations: {traffic.sidecar.istio.io/excludeInboundPorts: '', traffic.sidecar.istio.io/excludeOutboundPorts: '81'}";
    let text = two().replace("{labels: {app: db}}", &format!("{{labels: {{app: db}}, {annotations}}}"));
    let text = text.replace("{labels: {app: web}}", &format!("{{labels: {{app: web}}, {annotations}}}"));
    let mesh = injected(&text, &injector);
    assert_eq!(mesh.accepts(0, 8080), Accepts::Permissive);
    assert_eq!(sent(&mesh, "new/web", "shop/db").2, Why::Auto);
    let only = ProxyDefaults { include_inbound: Some("9090".to_owned()), ..ProxyDefaults::default() };
    let mesh = injected(&two(), &Injector { proxy: only, ..Injector::default() });
    assert_eq!(mesh.accepts(0, 8080), Accepts::None);
    let none = ProxyDefaults { include_ranges: Some(String::new()), ..ProxyDefaults::default() };
    let mesh = injected(&two(), &Injector { proxy: none, ..Injector::default() });
    assert!(Matrix::of(&mesh).rows().all(|row| matches!(row.flow.why, Why::Excluded(_))));
}

#[test]
fn what_is_not_looked_into_keeps_its_place_and_is_still_refused() {
    let text = [
        two(),
        "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: bad, namespace: new}
spec: {portLevelMtls: {8080: {mode: STRICT}}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: new}
spec: {selector: {matchLabels: {app: nobody}}, rules: [{}]}
"
        .to_owned(),
    ]
    .concat();
    let snapshot = snapshot(&text);
    let flaws = |discovery: Discovery| {
        let config = MeshConfig { discovery, ..MeshConfig::default() };
        let found = checks::find(&snapshot, &config, &Settings::default());
        let last = snapshot.all().len() - 2;
        let of = |object: usize| found.iter().filter(move |flaw| flaw.object == object).count();
        (of(last), of(last + 1))
    };
    let all = flaws(Discovery::default());
    assert!(all.0 > 0 && all.1 > 0, "{all:?}");
    let shop = Discovery::new(vec![Selector::of_labels([("kubernetes.io/metadata.name", "shop")])]);
    assert_eq!(flaws(shop.clone()), (all.0, 0), "the webhook is asked all the same");
    let seen = shop.seen(&snapshot);
    assert_eq!(seen.all().len(), snapshot.all().len());
    let name = |object: &Object| object.id.to_string();
    let hidden: Vec<String> = snapshot
        .objects()
        .filter(|(index, _)| seen.objects().all(|(other, _)| other != *index))
        .map(|(_, object)| name(object))
        .collect();
    assert_eq!(hidden.len(), 3, "{hidden:?}");
    assert!(hidden.iter().all(|one| one.contains("new")), "{hidden:?}");
    assert!(
        snapshot
            .all()
            .iter()
            .filter(|one| hidden.contains(&name(one)))
            .all(|one| seen.find(&one.id).is_none())
    );
}
