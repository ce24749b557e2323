//! Findings that look right and are not, and what stands beside them that is.

use ringwall_mesh::checks::{self, Flaw};
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::mesh::Settings;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Value};
use ringwall_model::path::FieldPath;

use crate::meshes::{app, namespace, peer, rule, snapshot};

const SIDECARS: &str = "istio-injection: enabled";

/// What one check finds.
fn of(id: &str, text: &str) -> Vec<Flaw> {
    let all = checks::find(&snapshot(text), &MeshConfig::default(), &Settings::default());
    all.into_iter().filter(|flaw| flaw.check.id == format!("RW-MESH-{id}")).collect()
}

/// Where it finds it.
fn places(id: &str, text: &str) -> Vec<String> {
    of(id, text).into_iter().map(|flaw| flaw.path.to_string()).collect()
}

/// Nothing.
fn nothing() -> Vec<String> {
    Vec::new()
}

/// An `AuthorizationPolicy`.
fn policy(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n---\n"
    )
}

/// A Pod with an account of its own name, whose container listens on 8080.
fn pod(namespace: &str, name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}}}}}\n\
         spec: {{serviceAccountName: {name}, containers: [{{name: app, image: app, ports: [{{containerPort: 8080}}]}}]}}\n---\n"
    )
}

/// A gateway that injection makes.
fn edge(namespace: &str) -> String {
    app(namespace, "edge", ", annotations: {inject.istio.io/templates: gateway}")
        .replace("app: edge}, annotations", "app: edge, sidecar.istio.io/inject: 'true'}, annotations")
}

#[test]
fn tls_to_a_gateway_is_what_its_listeners_say() {
    let mutual = rule(
        "shop",
        "edge",
        "{host: edge.shop.svc.cluster.local, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}",
    );
    let clients = namespace("shop", SIDECARS) + &pod("shop", "web");
    assert_eq!(places("027", &(clients.clone() + &edge("shop") + &mutual)), nothing());
    let outside =
        app("shop", "edge", "").replace("{app: edge}", "{app: edge, sidecar.istio.io/inject: 'false'}");
    assert_eq!(places("027", &(clients + &outside + &mutual)), ["spec.trafficPolicy.tls"]);
}

#[test]
fn a_deny_behind_a_waypoint_does_not_see_who_comes_through_it() {
    let ambient = |more: &str| namespace("shop", &format!("istio.io/dataplane-mode: ambient{more}"));
    let apps = app("shop", "web", "") + &pod("shop", "evil");
    let deny = |who: &str| {
        policy(
            "shop",
            "deny",
            &format!(
                "{{selector: {{matchLabels: {{app: web}}}}, action: DENY, rules: [{{from: [{{source: {{{who}}}}}]}}]}}"
            ),
        )
    };
    let evil = deny("principals: [cluster.local/ns/shop/sa/evil]");
    let way = ", istio.io/use-waypoint: waypoint";
    let at = "spec.rules[0].from[0].source.principals";
    assert_eq!(places("046", &(ambient(way) + &apps + &evil)), [at]);
    assert_eq!(places("046", &(ambient("") + &apps + &evil)), nothing(), "nothing stands between");
    assert_eq!(
        places("046", &(ambient(way) + &app("shop", "web", "") + &evil)),
        nothing(),
        "nobody of the name"
    );
    let sidecar = pod("shop", "evil").replace("app: evil", "app: evil, sidecar.istio.io/inject: 'true'");
    assert_eq!(
        places("046", &(ambient(way) + &app("shop", "web", "") + &sidecar + &evil)),
        nothing(),
        "a sidecar goes around"
    );
    // The waypoint is of the namespace too.
    assert_eq!(places("046", &(ambient(way) + &apps + &deny("namespaces: [shop]"))), nothing());
    let guests = namespace("guests", "istio.io/dataplane-mode: ambient") + &pod("guests", "evil");
    let not_ours = deny("notNamespaces: [shop]");
    assert_eq!(
        places("046", &(ambient(way) + &apps + &guests + &not_ours)),
        ["spec.rules[0].from[0].source.notNamespaces"]
    );
    assert_eq!(places("046", &(ambient(way) + &apps + &deny("notPrincipals: ['*']"))), nothing());
    for all_but in ["notPrincipals: [cluster.local/ns/shop/sa/waypoint]", "notServiceAccounts: [waypoint]"] {
        assert_eq!(
            places("046", &(ambient(way) + &apps + &deny(all_but))),
            nothing(),
            "{all_but} is meant so"
        );
    }
    let attached = policy(
        "shop",
        "attached",
        "{targetRefs: [{kind: Service, group: '', name: web}], action: DENY, rules: [{from: [{source: {serviceAccounts: [evil]}}]}]}",
    );
    assert_eq!(
        places("046", &(ambient(way) + &apps + &evil + &attached)),
        nothing(),
        "the waypoint asks itself"
    );
}

#[test]
fn an_authorizer_is_not_asked_about_other_ways_to_write_a_host_or_a_path() {
    let custom = |to: &str| {
        let spec = format!(
            "{{action: CUSTOM, provider: {{name: login}}, rules: [{{to: [{{operation: {{{to}}}}}]}}]}}"
        );
        policy("shop", "login", &spec)
    };
    assert_eq!(places("020", &custom("hosts: [a.example]")), ["spec.rules[0].to[0].operation.hosts[0]"]);
    assert_eq!(places("020", &custom("hosts: [a.example, 'a.example:*']")), nothing());
    assert_eq!(places("020", &custom("notHosts: [a.example]")), nothing(), "more is asked about, not less");
    assert_eq!(places("021", &custom("paths: [/admin]")), ["spec.rules[0].to[0].operation.paths[0]"]);
    assert_eq!(places("021", &custom("notPaths: [/public]")), nothing());
    let told = of("021", &custom("paths: [/admin]"));
    assert!(told[0].message.contains("the authorizer is not asked"), "{}", told[0].message);
}

#[test]
fn a_rule_that_is_left_out_lets_nobody_in() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: \
                   [{name: tcp-old, port: 7070, targetPort: 7070}, {name: https-web, port: 443, targetPort: 8080}, {name: http, port: 9090}]}\n---\n";
    let paths = policy("shop", "paths", "{rules: [{to: [{operation: {paths: [/metrics]}}]}]}");
    let sidecars = namespace("shop", SIDECARS) + &pod("shop", "web");
    let told = of("014", &(sidecars.clone() + service + &paths));
    assert_eq!(told.len(), 1);
    assert!(
        told[0].message.contains("port 8080 of"),
        "what a container declares comes first: {}",
        told[0].message
    );
    let told = of("037", &(sidecars.clone() + service + &paths));
    assert_eq!(told.len(), 1);
    assert!(told[0].message.contains("port 9090 of"), "it sees requests at that one: {}", told[0].message);
    let bytes = service.replace(", {name: http, port: 9090}", "");
    assert_eq!(places("037", &(sidecars + &bytes + &paths)), nothing());
    let ambient = namespace("shop", "istio.io/dataplane-mode: ambient") + &pod("shop", "web");
    assert_eq!(places("037", &(ambient.clone() + service + &paths)), nothing());
    let ports = policy("shop", "ports", "{rules: [{to: [{operation: {ports: ['9090']}}]}]}");
    assert_eq!(places("037", &(ambient + service + &ports)), ["spec.rules[0]"]);
}

#[test]
fn one_public_workload_beside_a_policy_that_lets_nobody_in_is_meant() {
    let shop = namespace("shop", SIDECARS) + &pod("shop", "web");
    let public = |more: &str| {
        policy("shop", "public", &format!("{{selector: {{matchLabels: {{app: web}}}}, rules: [{more}{{}}]}}"))
    };
    let none = policy("shop", "none", "{}");
    assert_eq!(places("022", &(shop.clone() + &none + &public(""))), nothing());
    let from = "{from: [{source: {namespaces: [shop]}}]}";
    assert_eq!(places("022", &(shop.clone() + &none + &public(&format!("{from}, ")))), ["spec.rules[1]"]);
    let limits = policy("shop", "limits", &format!("{{rules: [{from}]}}"));
    assert_eq!(places("022", &(shop.clone() + &limits + &public(""))), ["spec.rules[0]"]);
    let both = of("022", &(shop + &limits + &public(&format!("{from}, "))));
    assert!(both[0].message.contains("other rules of the policy"), "{}", both[0].message);
    assert!(both[0].message.contains("shop/limits"), "{}", both[0].message);
}

#[test]
fn what_knative_adds_to_its_pods_is_known() {
    let shop = namespace("shop", SIDECARS)
        + "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: hello, namespace: shop}\n\
           spec: {template: {metadata: {labels: {app: hello}}, spec: {containers: [{image: x, ports: [{containerPort: 8080}]}]}}}\n---\n";
    let from = "from: [{source: {namespaces: [other]}}]";
    let labels = |labels: &str| {
        policy("shop", "hello", &format!("{{selector: {{matchLabels: {{{labels}}}}}, rules: [{{{from}}}]}}"))
    };
    assert_eq!(places("009", &(shop.clone() + &labels("serving.knative.dev/service: hello"))), nothing());
    assert_eq!(places("009", &(shop.clone() + &labels("app: helo"))), ["spec.selector.matchLabels"]);
    let ports = |port: u16| {
        policy(
            "shop",
            "hello",
            &format!("{{rules: [{{{from}, to: [{{operation: {{ports: ['{port}']}}}}]}}]}}"),
        )
    };
    for port in [8012, 8013, 8022, 8080, 9090, 9091] {
        assert_eq!(places("040", &(shop.clone() + &ports(port))), nothing(), "{port}");
    }
    let told = of("040", &(shop.clone() + &ports(80)));
    assert!(told[0].message.contains("Knative Service shop/hello"), "{}", told[0].message);
    let strict = |port: u16| {
        peer(
            "shop",
            "hello",
            &format!(
                "{{selector: {{matchLabels: {{app: hello}}}}, portLevelMtls: {{{port}: {{mode: STRICT}}}}}}"
            ),
        )
    };
    assert_eq!(places("002", &(shop.clone() + &strict(9091))), nothing());
    assert_eq!(places("002", &(shop + &strict(80))), ["spec.portLevelMtls.80"]);
}

#[test]
fn a_fix_of_a_port_never_makes_less_hold_than_does() {
    let shop = namespace("shop", SIDECARS) + &app("shop", "web", "");
    let fix = |wide: &str, ports: &str| {
        let own = format!("{{selector: {{matchLabels: {{app: web}}}}, portLevelMtls: {{{ports}}}}}");
        let text = shop.clone()
            + &peer("shop", "default", &format!("{{mtls: {{mode: {wide}}}}}"))
            + &peer("shop", "web", &own);
        let flaws = of("002", &text);
        assert_eq!(flaws.len(), 1);
        flaws[0].fix.clone().unwrap().changes
    };
    let set = |mode: &str| Change::Set {
        path: FieldPath::keys(&["spec", "portLevelMtls", "8080"]),
        value: Value::Mapping(vec![("mode".to_owned(), Value::from(mode))]),
    };
    let remove = |keys: &[&str]| Change::Remove { path: FieldPath::keys(keys) };
    assert_eq!(
        fix("PERMISSIVE", "80: {mode: STRICT}"),
        [set("STRICT"), remove(&["spec", "portLevelMtls", "80"])]
    );
    assert_eq!(fix("STRICT", "80: {mode: PERMISSIVE}"), [remove(&["spec", "portLevelMtls"])]);
    assert_eq!(fix("PERMISSIVE", "80: {mode: DISABLE}"), [remove(&["spec", "portLevelMtls"])]);
}

#[test]
fn a_rule_for_many_hosts_is_not_deleted_for_one_of_them() {
    let clients = namespace("shop", SIDECARS)
        + &app("shop", "web", "")
        + &namespace("old", "")
        + &app("old", "old", "");
    let fix = |host: &str| {
        let mutual = rule(
            "istio-system",
            "mutual",
            &format!("{{host: '{host}', trafficPolicy: {{tls: {{mode: ISTIO_MUTUAL}}}}}}"),
        );
        let flaws = of("027", &(clients.clone() + &mutual));
        assert_eq!(flaws.len(), 1);
        flaws[0].fix.clone()
    };
    assert!(fix("old.old.svc.cluster.local").is_ok());
    let why = fix("*.local").unwrap_err();
    assert!(why.contains("for old.old.svc.cluster.local alone"), "{why}");
}

#[test]
fn a_gateway_has_the_account_that_istiod_makes_for_it() {
    let of_gateway = |class: &str, more: &str, account: &str| {
        let gateway = format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: edge, namespace: ingress}}\nspec: {{gatewayClassName: {class}{more}}}\n---\n"
        );
        let allow = policy(
            "shop",
            "web",
            &format!("{{rules: [{{from: [{{source: {{serviceAccounts: [ingress/{account}]}}}}]}}]}}"),
        );
        let found = of("017", &(namespace("shop", SIDECARS) + &pod("shop", "web") + &gateway + &allow));
        found.into_iter().map(|flaw| flaw.message).collect::<Vec<_>>()
    };
    assert_eq!(of_gateway("istio", "", "edge-istio"), nothing());
    assert_eq!(
        of_gateway("istio", "", "edge"),
        ["nobody in ingress has the service account edge; pods of the Gateway edge have \"edge-istio\""]
    );
    assert_eq!(of_gateway("istio-waypoint", "", "edge"), nothing());
    assert_eq!(
        of_gateway("istio", ", addresses: [{type: Hostname, value: a.example}]", "edge"),
        nothing(),
        "made by hand"
    );
    assert_eq!(of_gateway("other", "", "edge"), nothing(), "of another controller");
    // Where the namespace shows who is there, a waypoint's name with its class is nobody's.
    let way = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: way, namespace: shop}\nspec: {gatewayClassName: istio-waypoint}\n---\n";
    let allow =
        policy("shop", "web", "{rules: [{from: [{source: {serviceAccounts: [way-istio-waypoint]}}]}]}");
    assert_eq!(places("017", &(namespace("shop", SIDECARS) + &pod("shop", "web") + way + &allow)).len(), 1);
}

#[test]
fn who_has_no_proxy_has_no_identity_that_a_rule_could_let_in() {
    let shop = namespace("shop", SIDECARS) + &pod("shop", "web");
    let allow = policy(
        "shop",
        "web",
        "{rules: [{from: [{source: {principals: [cluster.local/ns/outside/sa/scraper]}}]}]}",
    );
    let at = "spec.rules[0].from[0].source.principals[0]";
    let with = |clients: String| places("047", &(shop.clone() + &clients + &allow));
    assert_eq!(with(namespace("outside", "") + &pod("outside", "scraper")), [at]);
    assert_eq!(with(namespace("outside", SIDECARS) + &pod("outside", "scraper")), nothing());
    assert_eq!(with(pod("outside", "scraper")), nothing(), "the labels of its namespace are not known");
    assert_eq!(with(namespace("outside", "")), nothing(), "its pods are elsewhere");
    let injected = pod("outside", "scraper").replace("name: scraper, namespace", "name: other, namespace");
    let injected = injected.replace("app: scraper", "app: other, sidecar.istio.io/inject: 'true'");
    assert_eq!(
        with(namespace("outside", "") + &pod("outside", "scraper") + &injected),
        nothing(),
        "another has it too"
    );
    let entry = "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: vm, namespace: outside}\n\
                 spec: {address: 10.0.0.1, serviceAccount: scraper}\n---\n";
    assert_eq!(
        with(namespace("outside", "") + &pod("outside", "scraper") + entry),
        nothing(),
        "a machine has it too"
    );
}

#[test]
fn behind_a_headless_service_what_says_disable_breaks_calls() {
    let kafka = |services: &str| {
        namespace("shop", SIDECARS)
            + &pod("shop", "kafka")
            + services
            + &peer(
                "shop",
                "kafka",
                "{selector: {matchLabels: {app: kafka}}, portLevelMtls: {8080: {mode: DISABLE}}}",
            )
    };
    let service = |name: &str, more: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{selector: {{app: kafka}}, ports: [{{name: tcp, port: 8080}}]{more}}}\n---\n"
        )
    };
    let (usual, headless) = (service("usual", ""), service("brokers", ", clusterIP: None"));
    let told = |services: &str| {
        let found = of("005", &kafka(services));
        assert_eq!(found.len(), 1);
        (found[0].message.clone(), found[0].severity)
    };
    let plain = "switches mutual TLS off for the port 8080: clients of the mesh send plaintext";
    assert_eq!(told(&usual), (plain.to_owned(), Severity::Medium));
    let (message, severity) = told(&headless);
    assert!(
        message.contains("headless Service shop/brokers") && !message.contains("send plaintext"),
        "{message}"
    );
    assert_eq!(severity, Severity::High);
    let (message, severity) = told(&(usual + &headless));
    assert!(
        message.contains("headless Service shop/brokers") && message.contains("send plaintext;"),
        "{message}"
    );
    assert_eq!(severity, Severity::High);
}

#[test]
fn a_policy_that_switches_several_ports_off_is_told_once() {
    let text = peer(
        "shop",
        "web",
        "{selector: {matchLabels: {app: web}}, portLevelMtls: {8080: {mode: DISABLE}, 9090: {mode: DISABLE}}}",
    );
    let found = of("005", &text);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("the ports 8080, 9090"), "{}", found[0].message);
    assert_eq!(found[0].related.len(), 1);
    assert_eq!(found[0].fix.as_ref().unwrap().changes.len(), 2);
}

#[test]
fn a_secret_beside_an_egress_gateway_is_for_it() {
    let entry = |protocol: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: bank, namespace: shop}}\n\
             spec: {{hosts: [bank.example], resolution: DNS, ports: [{{number: 443, name: bank, protocol: {protocol}}}]}}\n---\n"
        )
    };
    let shop = namespace("shop", SIDECARS) + &pod("shop", "web");
    let dropped = |more: &str, protocol: &str, tls: &str| {
        let tls = rule("shop", "bank", &format!("{{host: bank.example, trafficPolicy: {{tls: {{{tls}}}}}}}"));
        let found = of("029", &(shop.clone() + &entry(protocol) + more + &tls));
        found.into_iter().map(|flaw| (flaw.severity, flaw.message.contains("plaintext"))).collect::<Vec<_>>()
    };
    let secret = "mode: SIMPLE, credentialName: bank";
    assert_eq!(dropped("", "HTTP", secret), [(Severity::High, true)]);
    assert_eq!(dropped("", "HTTPS", secret), [(Severity::Low, false)], "the program may do TLS by itself");
    assert_eq!(dropped(&edge("shop"), "HTTP", secret), []);
    let made = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: out, namespace: shop}\nspec: {gatewayClassName: istio}\n---\n";
    assert_eq!(dropped(made, "HTTP", secret), []);
}

#[test]
fn a_star_too_many_beside_a_value_that_holds_the_same_is_moot() {
    let of_paths = |paths: &str| {
        places(
            "019",
            &policy(
                "shop",
                "web",
                &format!("{{action: DENY, rules: [{{to: [{{operation: {{notPaths: [{paths}]}}}}]}}]}}"),
            ),
        )
    };
    let at = |at: usize| format!("spec.rules[0].to[0].operation.notPaths[{at}]");
    assert_eq!(of_paths("'/dex/*', '/dex/**'"), nothing());
    assert_eq!(of_paths("'/dex/**'"), [at(0)]);
    assert_eq!(of_paths("'/dex/a/*', '/dex/**'"), [at(1)], "it holds less");
    assert_eq!(of_paths("'/dex/*', '/dex/*/a'"), nothing());
    assert_eq!(of_paths("'/*/a', '/**/a'"), [at(0), at(1)], "neither holds anything");
}

#[test]
fn an_account_that_is_shared_is_told_once() {
    let shop = namespace("shop", SIDECARS) + &app("shop", "web", "") + &app("shop", "cart", "");
    let allow =
        |name: &str| policy("shop", name, "{rules: [{from: [{source: {serviceAccounts: [shop/default]}}]}]}");
    let found = of("018", &(shop.clone() + &allow("a")));
    assert_eq!((found.len(), found[0].related.len()), (1, 0));
    assert!(found[0].message.ends_with(" today"), "{}", found[0].message);
    let found = of("018", &(shop + &allow("a") + &allow("b") + &allow("c")));
    assert_eq!((found.len(), found[0].related.len()), (1, 2));
    assert!(found[0].message.ends_with("; 2 more values name it"), "{}", found[0].message);
}

#[test]
fn a_job_that_wants_no_sidecar_and_that_nobody_calls_is_left_in_peace() {
    let job = |labels: &str, spec: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: sweep, namespace: shop}}\n\
             spec: {{template: {{metadata: {{labels: {{app: sweep{labels}}}}}, spec: {{{spec}containers: [{{name: a, image: a}}]}}}}}}\n---\n"
        )
    };
    let out = ", sidecar.istio.io/inject: 'false'";
    let shop = namespace("shop", SIDECARS);
    assert_eq!(places("039", &(shop.clone() + &job(out, ""))), nothing());
    assert_eq!(
        places("039", &(shop.clone() + &job("", "hostNetwork: true, "))),
        ["spec.template.spec.hostNetwork"]
    );
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: sweep, namespace: shop}\nspec: {selector: {app: sweep}, ports: [{port: 80}]}\n---\n";
    assert_eq!(places("039", &(shop.clone() + &job(out, "") + service)).len(), 1, "somebody calls it");
    let pod = pod("shop", "web").replace("app: web", "app: web, sidecar.istio.io/inject: 'false'");
    assert_eq!(places("039", &(shop + &pod)).len(), 1);
}

/// An ambient namespace with a waypoint before its one Service.
fn guarded(more: &str) -> String {
    let way = format!("istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint{more}");
    namespace("shop", &way) + &app("shop", "web", "")
}

#[test]
fn a_policy_at_a_waypoint_is_passed_by_by_who_does_not_go_through_it() {
    let attached = |spec: &str| {
        policy(
            "shop",
            "attached",
            &format!("{{targetRefs: [{{kind: Service, group: '', name: web}}], {spec}}}"),
        )
    };
    let deny = attached("action: DENY, rules: [{to: [{operation: {methods: [DELETE]}}]}]");
    let old = namespace("old", SIDECARS) + &pod("old", "client");
    let told = |text: &str| of("048", text).into_iter().map(|flaw| flaw.severity).collect::<Vec<_>>();
    assert_eq!(told(&(guarded("") + &deny)), [], "nobody goes around");
    assert_eq!(told(&(guarded("") + &old + &deny)), [Severity::Low]);
    let audit = deny.replace("DENY", "AUDIT");
    assert_eq!(told(&(guarded("") + &old + &audit)), []);
    // What it means others by, it does not keep this one out by.
    assert_eq!(
        told(
            &(guarded("")
                + &old
                + &attached("action: DENY, rules: [{from: [{source: {namespaces: [guests]}}]}]"))
        ),
        []
    );
    assert_eq!(
        told(&(guarded("") + &old + &attached("rules: [{from: [{source: {namespaces: [old]}}]}]"))),
        []
    );
    assert_eq!(
        told(&(guarded("") + &old + &attached("rules: [{from: [{source: {notNamespaces: [old]}}]}]"))),
        [Severity::Low]
    );
    assert_eq!(
        told(&(guarded("") + &old + &attached("rules: [{to: [{operation: {methods: [GET]}}]}]"))),
        [Severity::Low]
    );
    let only = policy(
        "shop",
        "only",
        "{selector: {matchLabels: {app: web}}, rules: [{from: [{source: {serviceAccounts: [waypoint]}}]}]}",
    );
    assert_eq!(told(&(guarded("") + &old + &deny + &only)), [], "the workload lets only the waypoint in");
    let hidden = app("shop", "web", "").replace("kind: Service\nmetadata: {name: web, namespace: shop}", "kind: Service\nmetadata: {name: web, namespace: shop, annotations: {networking.istio.io/exportTo: .}}");
    let ambient = namespace("shop", "istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint");
    assert_eq!(told(&(ambient + &hidden + &old + &deny)), [], "it is not shown to that namespace");
}

#[test]
fn a_gateway_goes_around_a_waypoint_unless_the_service_says_otherwise() {
    let deny = policy(
        "shop",
        "attached",
        "{targetRefs: [{kind: Service, group: '', name: web}], action: DENY, rules: [{to: [{operation: {methods: [DELETE]}}]}]}",
    );
    let gateway = |class: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: public, namespace: shop}}\nspec: {{gatewayClassName: {class}}}\n---\n"
        )
    };
    let route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: web, namespace: shop}\n\
                 spec: {parentRefs: [{name: public}], rules: [{backendRefs: [{name: web, port: 80}]}]}\n---\n";
    let told = |text: &str| of("048", text).into_iter().map(|flaw| flaw.severity).collect::<Vec<_>>();
    assert_eq!(told(&(guarded("") + &gateway("istio") + route + &deny)), [Severity::Medium]);
    assert_eq!(told(&(guarded("") + &gateway("other") + route + &deny)), [], "of another controller");
    assert_eq!(told(&(guarded("") + &gateway("istio") + &deny)), [], "it has no route");
    assert_eq!(
        told(&(guarded(", istio.io/ingress-use-waypoint: 'true'") + &gateway("istio") + route + &deny)),
        []
    );
    let older = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: ingress}\nspec: {selector: {app: edge}}\n---\n\
                 apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: web, namespace: shop}\n\
                 spec: {gateways: [ingress/edge], hosts: [a.example], http: [{route: [{destination: {host: web}}]}]}\n---\n";
    assert_eq!(told(&(guarded("") + &edge("ingress") + older + &deny)), [Severity::Medium]);
    assert_eq!(told(&(guarded("") + older + &deny)), [], "its pods are elsewhere");
    let inside = older.replace("gateways: [ingress/edge]", "gateways: [mesh]");
    assert_eq!(told(&(guarded("") + &edge("ingress") + &inside + &deny)), []);
}

#[test]
fn a_rule_for_a_host_that_no_service_is_needs_services_that_it_could_mean() {
    let shop = namespace("shop", SIDECARS) + &app("shop", "web", "");
    let told = |host: &str, more: &str| {
        let found = of("049", &(shop.clone() + more + &rule("shop", "web", &format!("{{host: '{host}'}}"))));
        found.into_iter().map(|flaw| (flaw.severity, flaw.fix.is_ok())).collect::<Vec<_>>()
    };
    assert_eq!(told("web", ""), []);
    assert_eq!(told("web.shop.svc.cluster.local", ""), []);
    assert_eq!(told("*.shop.svc.cluster.local", ""), []);
    assert_eq!(told("catalgo", &app("shop", "catalog", "")), [(Severity::Medium, false)]);
    assert_eq!(told("redis", ""), [(Severity::Low, false)]);
    assert_eq!(told("web.shop", ""), [(Severity::Medium, true)], "what has a dot is a whole name");
    assert_eq!(told("web.shop.svc", ""), [(Severity::Medium, true)]);
    assert_eq!(told("api.other.svc.cluster.local", ""), [], "nothing of the namespace is here");
    assert_eq!(told("bank.example", ""), []);
    let entry = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: all, namespace: shop}\n\
                 spec: {hosts: ['*.shop.svc.cluster.local'], ports: [{number: 80, name: http, protocol: HTTP}]}\n---\n";
    assert_eq!(told("redis", entry), [], "an entry has it");
    let made = "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {name: bus, namespace: shop}\n---\n";
    assert_eq!(told("bus-kafka-bootstrap", made), [], "an operator may make it");
}

#[test]
fn what_the_manifests_cannot_say_is_no_finding() {
    let clients = namespace("shop", SIDECARS) + &pod("shop", "web");
    let machine = "apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: vm, namespace: shop}
spec: {hosts: [vm.shop], location: MESH_INTERNAL, resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [{address: 10.0.0.9}]}
---
";
    let mutual = rule("shop", "vm", "{host: vm.shop, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}");
    let of_vm = clients.clone() + machine + &mutual;
    assert_eq!(places("027", &of_vm), nothing(), "a machine may be of the mesh");
    let outside = of_vm.replace("MESH_INTERNAL", "MESH_EXTERNAL");
    assert_eq!(places("027", &outside).len(), 1, "and is not where the entry says so");
    let subset = |label: &str| {
        let labels = format!("{{host: db, subsets: [{{name: s, labels: {{{label}: x}}}}]}}");
        places("050", &(clients.clone() + &app("shop", "db", "") + &rule("shop", "db", &labels)))
    };
    for label in ["apps.kubernetes.io/pod-index", "security.istio.io/tlsMode", "kubernetes.io/hostname"] {
        assert_eq!(subset(label), nothing(), "{label} is set by others");
    }
    assert_eq!(subset("app.kubernetes.io/version").len(), 1);
    let ports = |more: &str, of: &str| {
        let deny = policy(
            "shop",
            "d",
            &format!(
                "{{selector: {{matchLabels: {{app: db}}}}, action: DENY, rules: [{{to: [{{operation: {{{of}: ['9102']}}}}]}}]}}"
            ),
        );
        places("040", &(clients.clone() + &app("shop", "db", more) + &deny))
    };
    assert_eq!(ports("", "ports").len(), 1);
    assert_eq!(ports(", annotations: {prometheus.io/port: '9102'}", "ports"), nothing());
    assert_eq!(ports("", "notPorts"), nothing(), "what is left out and nobody has leaves nothing out");
}

#[test]
fn a_subset_that_no_pod_is_in_is_told_where_the_pods_are_known() {
    let told = |labels: &str, apps: &str| {
        let spec = format!("{{host: web, subsets: [{{name: own, labels: {{{labels}}}}}]}}");
        places("050", &(namespace("shop", SIDECARS) + apps + &rule("shop", "web", &spec)))
    };
    let web = app("shop", "web", "").replace("labels: {app: web}}", "labels: {app: web, version: v1}}");
    let at = "spec.subsets[0]".to_owned();
    assert_eq!(told("version: v1", &web), nothing());
    assert_eq!(told("version: v2", &web), *std::slice::from_ref(&at));
    assert_eq!(told("app: web, version: v2", &web), [at]);
    assert_eq!(told("", &web), nothing());
    assert_eq!(told("rollouts-pod-template-hash: abc", &web), nothing(), "a controller sets it");
    let service = web.split_once("---\n").unwrap().1;
    assert_eq!(told("version: v2", service), nothing(), "its pods are elsewhere");
}
