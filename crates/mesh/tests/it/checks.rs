//! What the checks find and, more, what they leave in peace. Each has an example of its own that is tested too.

use ringwall_mesh::checks::{self, Flaw};
use ringwall_mesh::config::{MeshConfig, PathNormalization};
use ringwall_mesh::mesh::Settings;

use crate::meshes::{app, namespace, peer, snapshot};

fn flaws_in(text: &str, config: &MeshConfig) -> Vec<Flaw> {
    checks::find(&snapshot(text), config, &Settings::default())
}

/// The ids without `RW-MESH-`, with their places.
fn all(text: &str) -> Vec<String> {
    told(flaws_in(text, &MeshConfig::default()))
}

/// The same without workloads that have no ALLOW policy: most examples here have none.
fn found(text: &str) -> Vec<String> {
    all(text).into_iter().filter(|one| !one.starts_with("038")).collect()
}

fn told(flaws: Vec<Flaw>) -> Vec<String> {
    flaws.into_iter().map(|flaw| format!("{} {}", &flaw.check.id["RW-MESH-".len()..], flaw.path)).collect()
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n---\n"
    )
}

fn tokens(spec: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {{name: jwt, namespace: shop}}\nspec: {spec}\n---\n"
    )
}

const SIDECARS: &str = "istio-injection: enabled";
const AMBIENT: &str = "istio.io/dataplane-mode: ambient";

/// A namespace with one app.
fn shop(label: &str) -> String {
    namespace("shop", label) + &app("shop", "web", "")
}

fn strict() -> String {
    peer("shop", "default", "{mtls: {mode: STRICT}}")
}

#[test]
fn a_mesh_that_is_well_set_is_left_in_peace() {
    let good = policy(
        "web",
        "{selector: {matchLabels: {app: web}}, rules: [{from: [{source: {namespaces: [shop]}}], to: [{operation: {methods: [GET], paths: ['/items/*']}}]}]}",
    ) + &policy("none", "{}")
        + &tokens("{selector: {matchLabels: {app: web}}, jwtRules: [{issuer: https://issuer.example}]}")
        + &policy("jwt", "{action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}]}]}");
    assert_eq!(all(&format!("{}{}{good}", shop(SIDECARS), strict())), Vec::<String>::new());
    let ambient = policy(
        "web",
        "{rules: [{from: [{source: {namespaces: [shop]}}], to: [{operation: {ports: ['8080']}}]}]}",
    );
    assert_eq!(all(&format!("{}{}{ambient}", shop(AMBIENT), strict())), Vec::<String>::new());
}

#[test]
fn a_policy_beside_no_workload_is_for_those_that_are_elsewhere() {
    let text = policy(
        "web",
        "{selector: {matchLabels: {app: web}}, rules: [{from: [{source: {namespaces: [shop]}}]}]}",
    ) + &tokens("{selector: {matchLabels: {app: web}}, jwtRules: []}")
        + &strict();
    assert_eq!(found(&text), Vec::<String>::new());
    // One whose namespace is not there may be in the mesh.
    assert_eq!(found(&(text + &app("shop", "web", ""))), Vec::<String>::new());
}

#[test]
fn a_deny_by_identity_is_passed_in_plaintext_unless_something_keeps_it_out() {
    let deny = policy("deny", "{action: DENY, rules: [{from: [{source: {namespaces: [guests]}}]}]}");
    let with = |more: &str| {
        let all = found(&format!("{}{deny}{more}", shop(SIDECARS)));
        all.into_iter().filter(|one| one.starts_with("016")).collect::<Vec<_>>()
    };
    let at = "016 spec.rules[0].from[0].source.namespaces".to_owned();
    assert_eq!(with(""), *std::slice::from_ref(&at));
    assert_eq!(with(&strict()), Vec::<String>::new());
    let asks = policy("asks", "{rules: [{from: [{source: {principals: ['*']}}]}]}");
    assert_eq!(with(&asks), Vec::<String>::new(), "every ALLOW asks who calls");
    let keeps = policy("keeps", "{action: DENY, rules: [{from: [{source: {notPrincipals: ['*']}}]}]}");
    assert_eq!(with(&keeps), Vec::<String>::new(), "who has no identity is kept out");
    let dry = keeps.replace("namespace: shop}", "namespace: shop, annotations: {istio.io/dry-run: 'true'}}");
    assert_eq!(with(&dry), [at], "a dry run keeps nobody out");
}

#[test]
fn an_allow_of_all_but_some_lets_in_who_is_nobody() {
    let only = |text: &str| {
        let all = found(&format!("{}{}", shop(SIDECARS), policy("web", text)));
        all.into_iter().filter(|one| one.starts_with("016")).collect::<Vec<_>>()
    };
    assert_eq!(
        only("{rules: [{from: [{source: {notNamespaces: [guests]}}]}]}"),
        ["016 spec.rules[0].from[0].source.notNamespaces"]
    );
    assert_eq!(
        only("{rules: [{from: [{source: {notNamespaces: [guests], principals: ['*']}}]}]}"),
        Vec::<String>::new()
    );
    assert_eq!(
        only("{rules: [{when: [{key: source.principal, notValues: [a/ns/b/sa/c]}]}]}"),
        ["016 spec.rules[0].when[0].notValues"]
    );
    assert_eq!(
        only("{rules: [{from: [{source: {notNamespaces: [guests], ipBlocks: [10.0.0.0/8]}}]}]}"),
        Vec::<String>::new(),
        "the addresses say whom it means"
    );
}

#[test]
fn what_ztunnel_makes_of_a_deny_is_told_as_it_is() {
    let of = |spec: &str| found(&format!("{}{}{}", shop(AMBIENT), strict(), policy("web", spec)));
    assert_eq!(
        of(
            "{action: DENY, rules: [{from: [{source: {namespaces: [x]}}], to: [{operation: {methods: [GET]}}]}]}"
        ),
        ["012 spec.rules[0].to[0]"]
    );
    assert_eq!(
        of("{action: DENY, rules: [{to: [{operation: {methods: [GET], ports: ['8080']}}]}]}"),
        ["013 spec.rules[0].to[0].operation.methods"]
    );
    assert_eq!(
        of(
            "{action: DENY, rules: [{from: [{source: {namespaces: [x]}}], when: [{key: 'request.headers[a]', values: [b]}]}]}"
        ),
        ["012 spec.rules[0].when[0]"]
    );
    assert_eq!(
        of("{rules: [{to: [{operation: {methods: [GET]}}]}, {from: [{source: {namespaces: [shop]}}]}]}"),
        ["014 spec.rules[0].to[0].operation.methods"]
    );
    assert_eq!(
        of("{rules: [{from: [{source: {namespaces: [shop], trustDomains: [other]}}]}]}"),
        ["015 spec.rules[0].from[0].source.trustDomains"]
    );
}

#[test]
fn a_rule_that_leaves_the_port_of_bytes_out_is_left_in_peace() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\nspec: {selector: {app: web}, ports: [{name: tcp-db, port: 5432}]}\n---\n";
    let of = |to: &str| {
        let spec = format!("{{action: DENY, rules: [{{to: [{{operation: {{methods: [DELETE]{to}}}}}]}}]}}");
        found(&format!("{}{}{service}{}", shop(SIDECARS), strict(), policy("web", &spec)))
    };
    assert_eq!(of(""), ["013 spec.rules[0].to[0].operation.methods"]);
    assert_eq!(of(", ports: ['8080']"), Vec::<String>::new());
    assert_eq!(of(", notPorts: ['5432']"), Vec::<String>::new());
}

#[test]
fn slashes_that_the_mesh_merges_evade_nothing() {
    let text = shop(SIDECARS)
        + &strict()
        + &policy("web", "{action: DENY, rules: [{to: [{operation: {paths: ['/admin', '/admin/*']}}]}]}");
    assert_eq!(found(&text), ["021 spec.rules[0].to[0].operation.paths[1]"]);
    let merges = MeshConfig { path_normalization: PathNormalization::MergeSlashes, ..MeshConfig::default() };
    assert_eq!(told(flaws_in(&text, &merges)), ["038 metadata.name"]);
}

#[test]
fn another_root_namespace_has_its_own_policies() {
    let text = peer("istio-system", "db", "{selector: {matchLabels: {app: db}}, mtls: {mode: STRICT}}");
    assert_eq!(found(&text), ["001 spec.selector"]);
    let config = MeshConfig { root_namespace: "mesh".to_owned(), ..MeshConfig::default() };
    assert_eq!(told(flaws_in(&text, &config)), Vec::<String>::new());
}

#[test]
fn of_a_policy_that_is_refused_nothing_else_is_said() {
    let text = shop(AMBIENT)
        + &strict()
        + &policy(
            "web",
            "{action: DENY, selector: {}, rules: [{to: [{operation: {ports: [x], methods: [get]}}]}]}",
        );
    let all = found(&text);
    assert!(!all.is_empty() && all.iter().all(|one| one.starts_with("035")), "{all:?}");
}

#[test]
fn a_selector_of_nobody_needs_somebody_who_might_be_meant() {
    let of = |labels: &str| {
        let spec = format!(
            "{{selector: {{matchLabels: {{{labels}}}}}, rules: [{{from: [{{source: {{namespaces: [shop]}}}}]}}]}}"
        );
        found(&format!("{}{}{}", shop(SIDECARS), strict(), policy("web", &spec)))
    };
    assert_eq!(of("app: wbe"), ["009 spec.selector.matchLabels"]);
    assert_eq!(of("tier: web"), ["009 spec.selector.matchLabels"], "the value stands under another key");
    assert_eq!(of("app: web, version: v2"), ["009 spec.selector.matchLabels"], "a part is somebody's");
    assert_eq!(of("tier: backend"), Vec::<String>::new(), "nobody has anything of it: others may come");
    assert_eq!(of("job-name: x"), Vec::<String>::new(), "a controller sets it");
}

#[test]
fn a_deny_by_identity_is_passed_only_at_ports_that_take_plaintext() {
    let ports = peer("shop", "default", "{mtls: {mode: STRICT}}")
        + &peer(
            "shop",
            "web",
            "{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: PERMISSIVE}}}",
        );
    let deny = |port: u16| {
        let spec = format!(
            "{{action: DENY, rules: [{{from: [{{source: {{namespaces: [guests]}}}}], to: [{{operation: {{ports: ['{port}']}}}}]}}]}}"
        );
        let all = found(&format!("{}{ports}{}", shop(SIDECARS), policy("deny", &spec)));
        all.into_iter().filter(|one| one.starts_with("016")).count()
    };
    assert_eq!((deny(8080), deny(9090)), (1, 0));
}

#[test]
fn a_proxy_in_a_template_is_one_and_a_waypoint_is_no_workload() {
    let deployment = |name: &str, args: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{template: {{metadata: {{labels: {{app: {name}, \
             sidecar.istio.io/inject: 'false'}}}}, spec: {{containers: [{{name: istio-proxy, image: proxy, args: [proxy, {args}]}}]}}}}}}\n---\n"
        )
    };
    let deny = policy("deny", "{action: DENY, rules: [{from: [{source: {notNamespaces: [shop]}}]}]}");
    for args in ["router", "waypoint"] {
        let text = namespace("shop", SIDECARS) + &deployment("edge", args) + &strict() + &deny;
        assert_eq!(all(&text), Vec::<String>::new(), "{args}");
    }
}

#[test]
fn identities_that_istiod_makes_are_known() {
    let gateway = |class: &str, more: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: edge, namespace: shop{more}}}\nspec: {{gatewayClassName: {class}}}\n---\n"
        )
    };
    let of = |gateway: &str, account: &str| {
        let spec = format!("{{rules: [{{from: [{{source: {{serviceAccounts: [{account}]}}}}]}}]}}");
        found(&format!("{}{}{gateway}{}", shop(SIDECARS), strict(), policy("web", &spec)))
    };
    let at = ["017 spec.rules[0].from[0].source.serviceAccounts[0]".to_owned()];
    assert_eq!(of("", "edge-istio"), at);
    assert_eq!(of(&gateway("istio", ""), "edge-istio"), Vec::<String>::new());
    assert_eq!(of(&gateway("istio-waypoint", ""), "edge"), Vec::<String>::new());
    let stated = ", annotations: {gateway.istio.io/service-account: mine}";
    assert_eq!(of(&gateway("istio", stated), "mine"), Vec::<String>::new());
}

#[test]
fn a_fix_leaves_out_no_part_of_what_a_value_says() {
    let fixes = |spec: &str| {
        let text = policy("web", spec);
        let flaws = flaws_in(&text, &MeshConfig::default()).into_iter();
        flaws.filter(|flaw| flaw.check.id == "RW-MESH-019").map(|flaw| flaw.fix.is_ok()).collect::<Vec<_>>()
    };
    assert_eq!(fixes("{rules: [{to: [{operation: {hosts: ['https://a.example']}}]}]}"), [true]);
    assert_eq!(fixes("{rules: [{to: [{operation: {hosts: ['https://a.example/x']}}]}]}"), [false]);
    assert_eq!(fixes("{rules: [{to: [{operation: {paths: ['/q?x=1']}}]}]}"), [false]);
    assert_eq!(
        fixes("{action: DENY, rules: [{to: [{operation: {notMethods: [get]}}]}]}"),
        [false],
        "it would leave more out"
    );
    assert_eq!(
        fixes("{rules: [{to: [{operation: {methods: [GET, get]}}]}]}"),
        [false],
        "it is there already"
    );
}
