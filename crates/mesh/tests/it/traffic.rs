//! What servers take in, what clients send, and the objects that decide.

use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::{Accepts, Mesh, Settings, WhyAccepts};
use ringwall_mesh::sends::{Outcome, Sends, Why};

use crate::meshes::{app, mesh, namespace, peer, rule, sent, snapshot};

const ON: &str = "istio-injection: enabled";

fn shop() -> String {
    [
        namespace("shop", ON),
        namespace("old", ""),
        app("shop", "web", ""),
        app("shop", "db", ""),
        app("old", "job", ""),
    ]
    .concat()
}

/// What the first workload takes in on 8080, and where that is written: the object's index and the field.
fn taken(mesh: &Mesh) -> (Accepts, String) {
    let why = match mesh.why_accepts(0, 8080) {
        WhyAccepts::Policy(place) => format!("{}: {}", place.object, place.path),
        other => format!("{other:?}"),
    };
    (mesh.accepts(0, 8080), why)
}

#[test]
fn the_deciding_policy_is_told_with_its_field() {
    let objects = shop().matches("---").count();
    let with = |policies: &[String]| taken(&mesh(&[shop(), policies.concat()].concat()));
    assert_eq!(with(&[]), (Accepts::Permissive, "Default".to_owned()));
    let root = peer("istio-system", "mesh", "{mtls: {mode: STRICT}}");
    assert_eq!(with(std::slice::from_ref(&root)), (Accepts::Strict, format!("{objects}: spec.mtls.mode")));
    let unset = peer("shop", "ns", "{mtls: {}}");
    assert_eq!(
        with(&[root.clone(), unset]),
        (Accepts::Strict, format!("{objects}: spec.mtls.mode")),
        "UNSET inherits"
    );
    let port =
        peer("shop", "web", "{selector: {matchLabels: {app: web}}, portLevelMtls: {8080: {mode: DISABLE}}}");
    let wanted = (Accepts::Disable, format!("{}: spec.portLevelMtls.8080.mode", objects + 1));
    assert_eq!(with(&[root.clone(), port]), wanted);
    let ignored = peer("istio-system", "web", "{selector: {matchLabels: {app: web}}, mtls: {mode: DISABLE}}");
    let text = [shop(), root, ignored].concat();
    assert_eq!(taken(&mesh(&text)).0, Accepts::Strict, "a selector in the root namespace is for nobody");
    assert_eq!(mesh(&text).peers.ignored.len(), 1);
}

#[test]
fn losers_and_ports_of_nobody_are_told() {
    let two = [
        peer("shop", "b", "{mtls: {mode: STRICT}}"),
        peer("shop", "a", "{mtls: {mode: DISABLE}}"),
        peer("shop", "w1", "{selector: {matchLabels: {app: web}}, portLevelMtls: {80: {mode: STRICT}}}"),
        peer("shop", "w2", "{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}}"),
    ];
    let mesh = mesh(&[shop(), two.concat()].concat());
    let name = |index: usize| mesh.peers.all[index].name.as_str();
    let [loser] = mesh.peers.losers[..] else { panic!("one loses") };
    assert_eq!((name(loser.policy), name(loser.winner)), ("b", "a"));
    assert!(mesh.peers.is_tie(loser.policy, loser.winner));
    let folded = &mesh.servers[0].folded;
    assert_eq!(folded.losers.iter().map(|index| name(*index)).collect::<Vec<_>>(), ["w2"]);
    assert_eq!(
        folded.ports_of_nobody(&mesh.workloads.all[0]),
        [80],
        "80 is the service's port, not the container's"
    );
    assert_eq!(mesh.accepts(0, 8080), Accepts::Disable);
    assert_eq!(mesh.ports()[0].iter().copied().collect::<Vec<_>>(), [80, 8080]);
}

#[test]
fn the_older_policy_counts_and_what_is_in_no_cluster_yet_is_the_youngest() {
    let dated = |name: &str, second: u8, mode: &str| {
        let date = format!("namespace: shop, creationTimestamp: '2026-01-01T00:00:0{second}Z'");
        peer("shop", name, &format!("{{mtls: {{mode: {mode}}}}}")).replace("namespace: shop", &date)
    };
    let of = |policies: [String; 2]| {
        let mesh = mesh(&[shop(), policies.concat()].concat());
        let loser = mesh.peers.losers[0];
        assert!(!mesh.peers.is_tie(loser.policy, loser.winner));
        mesh.accepts(0, 8080)
    };
    assert_eq!(of([dated("a", 2, "STRICT"), dated("b", 1, "DISABLE")]), Accepts::Disable);
    assert_eq!(of([peer("shop", "a", "{mtls: {mode: STRICT}}"), dated("b", 1, "DISABLE")]), Accepts::Disable);
}

#[test]
fn clients_use_mutual_tls_by_themselves_where_the_server_takes_it() {
    let text = shop();
    assert_eq!(sent(&mesh(&text), "shop/web", "shop/db"), (Sends::IstioMutual, Outcome::Mtls, Why::Auto));
    assert_eq!(
        sent(&mesh(&text), "old/job", "shop/db"),
        (Sends::Plaintext, Outcome::Plaintext, Why::NoProxy)
    );
    assert_eq!(
        sent(&mesh(&text), "shop/web", "old/job"),
        (Sends::Plaintext, Outcome::Plaintext, Why::ServerTakesNone)
    );
    let strict = [text, peer("shop", "ns", "{mtls: {mode: STRICT}}")].concat();
    assert_eq!(sent(&mesh(&strict), "old/job", "shop/db").1, Outcome::Refused);
}

#[test]
fn a_rule_decides_where_it_says_something_of_tls() {
    let with = |spec: &str| {
        let (sends, outcome, why) =
            sent(&mesh(&[shop(), rule("shop", "r", spec)].concat()), "shop/web", "shop/db");
        let place = match why {
            Why::Rule(place) | Why::Secret(place) | Why::NoCertificate(place) => place.path.to_string(),
            other => format!("{other:?}"),
        };
        (sends, outcome, place)
    };
    let tls = "spec.trafficPolicy.tls".to_owned();
    assert_eq!(
        with("{host: db, trafficPolicy: {tls: {}}}"),
        (Sends::Plaintext, Outcome::Plaintext, tls.clone())
    );
    assert_eq!(
        with("{host: db, trafficPolicy: {tls: {mode: SIMPLE}}}"),
        (Sends::TlsSimple, Outcome::TlsToApp, tls.clone())
    );
    let credential = "{host: db, trafficPolicy: {tls: {mode: SIMPLE, credentialName: c}}}";
    assert_eq!(with(credential), (Sends::Plaintext, Outcome::Plaintext, tls));
    let bare = "{host: db, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}}";
    assert_eq!(with(bare), (Sends::IstioMutual, Outcome::Mtls, "Auto".to_owned()));
    let port = "{host: db, trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {mode: DISABLE}}]}}";
    assert_eq!(with(port).2, "spec.trafficPolicy.portLevelSettings[0].tls");
}

#[test]
fn namespace_disable_and_workload_strict_refuse() {
    let policies = [
        peer("shop", "ns", "{mtls: {mode: DISABLE}}"),
        peer("shop", "db", "{selector: {matchLabels: {app: db}}, mtls: {mode: STRICT}}"),
    ];
    let (sends, outcome, why) = sent(&mesh(&[shop(), policies.concat()].concat()), "shop/web", "shop/db");
    assert_eq!((sends, outcome), (Sends::Plaintext, Outcome::Refused));
    assert!(matches!(why, Why::NamespaceDisabled(place) if place.path.to_string() == "spec.mtls.mode"));
}

#[test]
fn annotations_take_ports_past_the_proxy() {
    let text = [
        namespace("shop", ON),
        app("shop", "web", ", annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '80'}"),
        app("shop", "db", ", annotations: {traffic.sidecar.istio.io/excludeInboundPorts: '8080'}"),
        peer("shop", "ns", "{mtls: {mode: STRICT}}"),
    ];
    let mesh = mesh(&text.concat());
    let index = mesh.workloads.all.iter().position(|workload| workload.name == "db").unwrap();
    assert_eq!(mesh.accepts(index, 8080), Accepts::None);
    assert!(matches!(mesh.why_accepts(index, 8080), WhyAccepts::Excluded(Some(_))));
    assert_eq!(mesh.why_accepts(index, 15_020), WhyAccepts::Excluded(None), "the agent's own");
    let (sends, outcome, why) = sent(&mesh, "shop/web", "shop/web");
    assert_eq!((sends, outcome), (Sends::Plaintext, Outcome::Refused));
    assert!(matches!(why, Why::Excluded(_)));
    assert_eq!(
        sent(&mesh, "shop/db", "shop/db").1,
        Outcome::Broken,
        "the application gets what clients mean for its proxy"
    );
}

#[test]
fn a_legacy_pod_behind_a_headless_service_spoils_it_for_all() {
    let text = [
        namespace("shop", ON),
        app("shop", "web", "")
            .replace("{selector: {app: web}, ports", "{clusterIP: None, selector: {app: web}, ports"),
        app("shop", "old", "")
            .replace("{labels: {app: old}", "{labels: {app: web, sidecar.istio.io/inject: 'false'}"),
    ];
    let (sends, _, why) = sent(&mesh(&text.concat()), "shop/web", "shop/web");
    assert_eq!(sends, Sends::Plaintext);
    assert_eq!(why, Why::Legacy(1));
}

#[test]
fn ambient_is_a_tunnel_and_reads_policies_its_own_way() {
    let ambient = |policies: &str| {
        let text = [
            namespace("shop", "istio.io/dataplane-mode: ambient"),
            app("shop", "web", ""),
            app("old", "job", ""),
        ];
        mesh(&[text.concat(), policies.to_owned()].concat())
    };
    let open = ambient("");
    assert_eq!(sent(&open, "shop/web", "shop/web"), (Sends::Hbone, Outcome::Mtls, Why::Auto));
    assert_eq!(sent(&open, "old/job", "shop/web").1, Outcome::Plaintext);
    let strict = ambient(&peer("istio-system", "mesh", "{mtls: {mode: STRICT}}"));
    assert_eq!(sent(&strict, "old/job", "shop/web").1, Outcome::Refused);
    let unseen = ambient(&peer("istio-system", "mesh", "{selector: {}, mtls: {mode: STRICT}}"));
    assert_eq!(taken(&unseen).0, Accepts::Permissive, "an empty selector is not seen from here");
    let ports = "{selector: {matchLabels: {app: web}}, portLevelMtls: {9090: {mode: PERMISSIVE}}}";
    let open = [
        peer("istio-system", "mesh", "{mtls: {mode: STRICT}}"),
        peer("shop", "ns", "{}"),
        peer("shop", "w", ports),
    ];
    let failed = ambient(&open.concat());
    assert_eq!(failed.accepts(0, 8080), Accepts::Permissive, "the policy that holds is never sent");
    assert!(matches!(failed.why_accepts(0, 8080), WhyAccepts::MissingPolicy(_)));
    let disabled = "{selector: {matchLabels: {app: web}}, portLevelMtls: {8080: {mode: DISABLE}}}";
    let inherited = ambient(
        &[peer("istio-system", "mesh", "{mtls: {mode: STRICT}}"), peer("shop", "w", disabled)].concat(),
    );
    assert_eq!(
        inherited.accepts(0, 8080),
        Accepts::Strict,
        "under what is inherited DISABLE is no exception"
    );
}

#[test]
fn a_waypoint_sends_the_tunnel_and_no_other_mutual_tls() {
    let waypoint = "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: way, namespace: shop}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
---
";
    let behind = |labels: &str, more: &str| {
        let text = [
            namespace("shop", "istio.io/dataplane-mode: ambient, istio.io/use-waypoint: way"),
            namespace("far", "istio.io/dataplane-mode: ambient"),
            waypoint.to_owned(),
            app("far", "web", ""),
            app("shop", "db", "").replace("{labels: {app: db}}", &format!("{{labels: {{app: db{labels}}}}}")),
            more.to_owned(),
        ];
        // A mesh in which sidecars do not take the tunnel.
        let config = MeshConfig { enable_hbone: false, ..MeshConfig::default() };
        Mesh::of(&snapshot(&text.concat()), config, &Settings::default())
    };
    let to_db = |labels: &str, more: &str| {
        let mesh = behind(labels, more);
        let (sends, outcome, why) = sent(&mesh, "far/web", "shop/db");
        let through = Matrix::of(&mesh).rows().any(|row| row.flow.by_waypoint);
        assert!(through, "clients in ambient mode go through it");
        (sends, outcome, matches!(why, Why::Rule(_)))
    };
    let tls =
        |mode: &str| rule("shop", "db", &format!("{{host: db, trafficPolicy: {{tls: {{mode: {mode}}}}}}}"));
    assert_eq!(to_db("", ""), (Sends::Hbone, Outcome::Mtls, false));
    for mode in ["DISABLE", "ISTIO_MUTUAL", "MUTUAL"] {
        assert_eq!(to_db("", &tls(mode)), (Sends::Hbone, Outcome::Mtls, false), "{mode} changes nothing");
    }
    assert_eq!(to_db("", &tls("SIMPLE")), (Sends::TlsSimple, Outcome::TlsToApp, true), "TLS in the tunnel");
    let sidecar = ", sidecar.istio.io/inject: 'true', istio.io/dataplane-mode: none";
    let strict = peer("shop", "ns", "{mtls: {mode: STRICT}}");
    assert_eq!(to_db(sidecar, ""), (Sends::Plaintext, Outcome::Plaintext, false));
    assert_eq!(to_db(sidecar, &strict), (Sends::Plaintext, Outcome::Refused, false));
    let tunnel = format!("{sidecar}, networking.istio.io/tunnel: http");
    assert_eq!(to_db(&tunnel, &strict), (Sends::Hbone, Outcome::Mtls, false));
    let elsewhere =
        rule("far", "db", "{host: db.shop.svc.cluster.local, trafficPolicy: {tls: {mode: SIMPLE}}}");
    assert_eq!(
        to_db("", &elsewhere).0,
        Sends::Hbone,
        "rules of the client's namespace are not the waypoint's"
    );
}

/// `web` in `shop` with sidecars, and what clients send to a gateway in `edge` whose `Gateway` objects have these servers.
fn to_gateway(servers: &[&str], more: &str) -> (Sends, Outcome) {
    let router = app("edge", "gate", "").replace(
        "containers: [{name: app, image: app,",
        "containers: [{name: istio-proxy, image: proxy, args: [proxy, router],",
    );
    let gateway = |servers: &&str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: gate, namespace: other}}\n\
             spec: {{selector: {{app: gate}}, servers: {servers}}}\n---\n"
        )
    };
    let gateways: String = servers.iter().map(gateway).collect();
    let tls = rule(
        "shop",
        "gate",
        "{host: gate.edge.svc.cluster.local, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}",
    );
    let text = [namespace("shop", ON), app("shop", "web", ""), namespace("edge", ON), router, gateways];
    let rules = if more.is_empty() { tls } else { more.to_owned() };
    let mesh = mesh(&[text.concat(), rules].concat());
    let (sends, outcome, _) = sent(&mesh, "shop/web", "edge/gate");
    (sends, outcome)
}

#[test]
fn the_listeners_of_a_gateway_say_what_it_takes() {
    let mutual = "[{port: {number: 80, name: m, protocol: HTTPS}, hosts: ['*'], tls: {mode: ISTIO_MUTUAL}}]";
    let plain = "[{port: {number: 80, name: p, protocol: HTTP}, hosts: ['*']}]";
    let elsewhere =
        "[{port: {number: 443, name: m, protocol: HTTPS}, hosts: ['*'], tls: {mode: ISTIO_MUTUAL}}]";
    let by_container =
        "[{port: {number: 8080, name: m, protocol: HTTPS}, hosts: ['*'], tls: {mode: ISTIO_MUTUAL}}]";
    let is = |servers: &[&str]| to_gateway(servers, "").1;
    assert_eq!(is(&[mutual]), Outcome::Mtls, "by the port of the Service");
    assert_eq!(is(&[by_container]), Outcome::Mtls, "by that of the container, where no Service has it");
    assert_eq!(is(&[plain]), Outcome::Broken);
    assert_eq!(is(&[mutual, plain]), Outcome::Mtls, "one of them takes it");
    assert_eq!(is(&[]), Outcome::Unknown, "the input does not show them");
    assert_eq!(is(&[elsewhere]), Outcome::Unknown);
    assert_eq!(to_gateway(&[mutual], "---\n"), (Sends::Plaintext, Outcome::Refused));
    assert_eq!(to_gateway(&[], "---\n"), (Sends::Plaintext, Outcome::Plaintext));
}

#[test]
fn tls_of_a_rule_goes_through_the_tunnel_to_ambient() {
    let text = [
        namespace("shop", ON),
        namespace("am", "istio.io/dataplane-mode: ambient"),
        app("shop", "web", ""),
        app("am", "db", ""),
        peer("am", "all", "{mtls: {mode: STRICT}}"),
        rule("am", "db", "{host: db, trafficPolicy: {tls: {mode: SIMPLE}}}"),
    ];
    let mesh = mesh(&text.concat());
    let (sends, outcome, _) = sent(&mesh, "shop/web", "am/db");
    assert_eq!(
        (sends, outcome),
        (Sends::TlsSimple, Outcome::TlsToApp),
        "ztunnel sees the tunnel, not the TLS inside"
    );
    assert!(Matrix::of(&mesh).rows().any(|row| row.flow.by_tunnel && row.flow.sends == Sends::TlsSimple));
}

#[test]
fn annotations_that_redirect_nothing_leave_no_proxy() {
    let strict = peer("shop", "all", "{mtls: {mode: STRICT}}");
    let of = |label: &str, annotation: &str| {
        let annotated = app("shop", "web", &format!(", annotations: {{{annotation}}}"));
        mesh(&[namespace("shop", label), annotated, app("shop", "db", ""), strict.clone()].concat())
    };
    let ambient = "istio.io/dataplane-mode: ambient";
    let bypass = of(ambient, "ambient.istio.io/bypass-inbound-capture: 'true'");
    assert_eq!(bypass.accepts(0, 8080), Accepts::None);
    let WhyAccepts::Excluded(Some(place)) = bypass.why_accepts(0, 8080) else { panic!("an annotation") };
    assert!(place.path.to_string().contains("ambient.istio.io/bypass-inbound-capture"), "{}", place.path);
    assert_eq!(
        sent(&bypass, "shop/db", "shop/web").1,
        Outcome::Mtls,
        "the tunnel goes through ztunnel all the same"
    );
    let not = of(ambient, "ambient.istio.io/bypass-inbound-capture: 'false'");
    assert_eq!(not.accepts(0, 8080), Accepts::Strict);
    let none = of(ON, "sidecar.istio.io/interceptionMode: NONE");
    assert_eq!(none.accepts(0, 8080), Accepts::None);
    assert_eq!(
        sent(&none, "shop/db", "shop/web").1,
        Outcome::Broken,
        "clients are told that it takes mutual TLS"
    );
    assert_eq!(sent(&none, "shop/web", "shop/db").1, Outcome::Refused);
    let library = of(ON, "inject.istio.io/templates: grpc-agent");
    assert_eq!((library.accepts(0, 8080), library.servers[0].takes_mutual), (Accepts::None, false));
    let some =
        "traffic.sidecar.istio.io/includeOutboundIPRanges: '', traffic.sidecar.istio.io/includeOutboundPorts";
    assert_eq!(sent(&of(ON, &format!("{some}: '80'")), "shop/web", "shop/db").1, Outcome::Mtls);
    assert_eq!(sent(&of(ON, &format!("{some}: '81'")), "shop/web", "shop/db").1, Outcome::Refused);
}

#[test]
fn what_goes_to_an_address_past_the_proxy_is_plaintext() {
    let strict = peer("shop", "all", "{mtls: {mode: STRICT}}");
    let fate = |annotation: &str, address: &str| {
        let client = app("shop", "web", &format!(", annotations: {{traffic.sidecar.istio.io/{annotation}}}"));
        let server =
            app("shop", "db", "").replace("spec: {selector:", &format!("spec: {{{address}selector:"));
        sent(&mesh(&[namespace("shop", ON), client, server, strict.clone()].concat()), "shop/web", "shop/db")
            .1
    };
    let inside = "clusterIP: 10.96.3.4, ";
    assert_eq!(fate("excludeOutboundIPRanges: '10.96.0.0/12, 1.1.1.1/32'", inside), Outcome::Refused);
    assert_eq!(fate("excludeOutboundIPRanges: '10.200.0.0/16'", inside), Outcome::Mtls);
    assert_eq!(fate("includeOutboundIPRanges: '10.200.0.0/16'", inside), Outcome::Refused);
    assert_eq!(fate("includeOutboundIPRanges: '10.96.0.0/12'", inside), Outcome::Mtls);
    assert_eq!(fate("includeOutboundIPRanges: '*'", inside), Outcome::Mtls);
    assert_eq!(
        fate("includeOutboundIPRanges: '10.200.0.0/16'", ""),
        Outcome::Mtls,
        "its address is not known"
    );
    let port =
        "includeOutboundIPRanges: '10.200.0.0/16', traffic.sidecar.istio.io/includeOutboundPorts: '80'";
    assert_eq!(fate(port, inside), Outcome::Mtls, "ports count before addresses");
}

#[test]
fn what_is_not_known_may_be_kept_in() {
    let unseen = |policy: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {{name: own, namespace: shop}}\n\
             spec: {{egress: [{{hosts: ['./*']}}]{policy}}}\n---\n"
        )
    };
    let fate = |policy: &str, registry_only: bool| {
        let text = [namespace("shop", ON), app("shop", "web", ""), app("old", "job", ""), unseen(policy)];
        let config = MeshConfig { registry_only, ..MeshConfig::default() };
        let mesh = Mesh::of(&snapshot(&text.concat()), config, &Settings::default());
        sent(&mesh, "shop/web", "old/job").1
    };
    assert_eq!(fate("", false), Outcome::Plaintext);
    assert_eq!(fate("", true), Outcome::Blocked);
    assert_eq!(fate(", outboundTrafficPolicy: {mode: REGISTRY_ONLY}", false), Outcome::Blocked);
    assert_eq!(fate(", outboundTrafficPolicy: {}", false), Outcome::Blocked, "the first of its modes");
    assert_eq!(fate(", outboundTrafficPolicy: {mode: ALLOW_ANY}", true), Outcome::Plaintext);
}

#[test]
fn services_of_istio_have_endpoints_of_their_own() {
    let text = "apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bank, namespace: shop}
spec: {hosts: [bank.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: vm, namespace: shop}
spec:
  hosts: [vm.shop]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  endpoints: [{address: 192.0.2.1, serviceAccount: vm}, {address: 192.0.2.2, ports: {http: 81}}]
";
    let mesh = mesh(&[shop(), text.to_owned()].concat());
    assert_eq!(mesh.misread, []);
    assert_eq!(
        sent(&mesh, "shop/web", "shop/bank.example"),
        (Sends::Plaintext, Outcome::Plaintext, Why::External)
    );
    assert_eq!(sent(&mesh, "shop/web", "shop/192.0.2.1").1, Outcome::Mtls);
    assert_eq!(sent(&mesh, "shop/web", "shop/192.0.2.2").2, Why::ServerTakesNone);
}

#[test]
fn what_is_of_the_wrong_type_is_told_and_the_rest_is_read() {
    let text = [
        shop(),
        peer("shop", "ns", "{mtls: {mode: strict}, selector: 7}"),
        peer(
            "shop",
            "ports",
            "{selector: {matchLabels: {app: web, one: 1}}, portLevelMtls: {none: {}, 8080: {mode: STRICT}}}",
        ),
        rule("shop", "r", "{host: db, subsets: 5, trafficPolicy: {tls: {mode: DISABLE}}}"),
    ];
    let mesh = mesh(&text.concat());
    let places: Vec<String> = mesh.misread.iter().map(|wrong| wrong.place.path.to_string()).collect();
    let wanted = [
        "spec.selector",
        "spec.mtls.mode",
        "spec.selector.matchLabels.one",
        "spec.portLevelMtls.none",
        "spec.subsets",
    ];
    assert_eq!(places, wanted);
    assert_eq!(taken(&mesh).0, Accepts::Strict);
    assert_eq!(sent(&mesh, "shop/web", "shop/db").0, Sends::Plaintext);
}

#[test]
fn what_a_proxy_does_not_know_of_it_passes_on() {
    let sidecar = |hosts: &str| {
        let egress = format!(
            "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {{name: s, namespace: shop}}\nspec: {hosts}\n"
        );
        let strict = peer("shop", "ns", "{mtls: {mode: STRICT}}");
        sent(&mesh(&[shop(), strict, egress].concat()), "shop/web", "shop/db")
    };
    assert_eq!(sidecar("{egress: [{hosts: ['old/*']}]}"), (Sends::Plaintext, Outcome::Refused, Why::Unseen));
    assert_eq!(sidecar("{egress: [{hosts: ['./*']}]}").1, Outcome::Mtls);
    assert_eq!(sidecar("{egress: [{hosts: ['./*', '~/db.shop.svc.cluster.local']}]}").2, Why::Unseen);
    assert_eq!(sidecar("{egress: [{port: {number: 81}, hosts: ['*/*']}]}").2, Why::Unseen);
    assert_eq!(
        sidecar("{workloadSelector: {labels: {app: db}}, egress: [{hosts: ['old/*']}]}").1,
        Outcome::Mtls
    );
}

#[test]
fn fields_that_a_kind_does_not_have_are_told_with_those_that_are_meant() {
    let unknown = |text: String| -> Vec<String> {
        let objects = crate::meshes::objects(&text);
        let complaints = objects.iter().flat_map(ringwall_mesh::validate::unknown_fields);
        complaints.map(|complaint| format!("{}: {}", complaint.path, complaint.message)).collect()
    };
    let wrong = "{mTLS: {mode: STRICT}, selector: {matchLabels: {any: thing}, matchExpressions: []}, port_level_mtls: {}}";
    let wanted = [
        "spec.mTLS: unknown field \"mTLS\"; \"mtls\" may be meant",
        "spec.selector.matchExpressions: unknown field \"matchExpressions\"",
        "spec.port_level_mtls: unknown field \"port_level_mtls\"; \"portLevelMtls\" may be meant",
    ];
    assert_eq!(unknown(peer("shop", "ns", wrong)), wanted);
    let wrong = "{host: db, subsets: [{name: v1, trafficPolicy: {portLevelSetting: []}}], exportTo: ['.']}";
    let wanted = "spec.subsets[0].trafficPolicy.portLevelSetting: unknown field \"portLevelSetting\"; \"portLevelSettings\" may be meant";
    assert_eq!(unknown(rule("shop", "r", wrong)), [wanted]);
    assert_eq!(unknown(peer("shop", "ns", "{mtls: {mode: STRICT}, selector: {}}")), [""; 0]);
}
