//! What the outside reaches by the Gateway API.

use crate::manifests::{World, object, pod, service};

const API: &str = "gateway.networking.k8s.io/v1";

fn web() -> String {
    pod("a", "web", &["http:8080"])
        + &service("web", "{selector: {app: web}, ports: [{port: 80, targetPort: http}]}")
}

fn namespace(name: &str, labels: &str) -> String {
    format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {labels}}}\n")
}

fn gateway(listeners: &str) -> String {
    object(API, "Gateway", "infra", "edge", &format!("{{gatewayClassName: x, listeners: [{listeners}]}}"))
}

fn open(name: &str, protocol: &str, port: u16, more: &str) -> String {
    format!(
        "{{name: {name}, protocol: {protocol}, port: {port}, allowedRoutes: {{namespaces: {{from: All}}}}{more}}}"
    )
}

/// A route of a kind in `shop` that leads to Service `web`, with these parents.
fn route(kind: &str, parents: &str, more: &str) -> String {
    let spec =
        format!("{{parentRefs: [{parents}], rules: [{{backendRefs: [{{name: web, port: 80}}]}}]{more}}}");
    object(API, kind, "shop", "r", &spec)
}

const EDGE: &str = "{name: edge, namespace: infra}";
const LEADS: [&str; 1] = ["spec.rules[0].backendRefs[0] -> a TCP 8080"];

#[test]
fn a_route_leads_where_its_gateway_takes_it() {
    let listeners = open("web", "HTTP", 80, "")
        + ", "
        + &open("tls", "HTTPS", 443, "")
        + ", "
        + &open("raw", "TCP", 9000, "");
    let world = World::of(&(web() + &gateway(&listeners) + &route("HTTPRoute", EDGE, "")));
    assert_eq!(world.targets("HTTPRoute shop/r"), LEADS);
    assert_eq!(world.listens("HTTPRoute shop/r"), ["TCP 80", "TCP 443"], "those for HTTP");
    assert_eq!(world.entry("HTTPRoute shop/r").hosts, ["*"]);
    assert_eq!(world.assumed("HTTPRoute shop/r"), [""; 0]);
    assert_eq!(world.titles(), ["HTTPRoute shop/r"]);
}

#[test]
fn allowed_routes_decide_from_which_namespaces_routes_come() {
    let flaws = |allowed: &str, namespaces: &str| {
        let listener = format!("{{name: web, protocol: HTTP, port: 80{allowed}}}");
        let world = World::of(&(web() + namespaces + &gateway(&listener) + &route("HTTPRoute", EDGE, "")));
        let leads = world.targets("HTTPRoute shop/r") == LEADS;
        assert_eq!(leads, world.flaws("HTTPRoute shop/r").is_empty());
        (leads, world.flaws("HTTPRoute shop/r").concat(), world.assumed("HTTPRoute shop/r").concat())
    };
    let from = |from: &str| format!(", allowedRoutes: {{namespaces: {from}}}");
    let refused = "NotAttached spec.parentRefs[0].name: no listener of Gateway infra/edge takes routes of namespace shop";
    let no = || (false, refused.to_owned(), String::new());
    let yes = || (true, String::new(), String::new());
    assert_eq!(flaws("", ""), no(), "Same is what is meant where nothing is said");
    assert_eq!(flaws(&from("{from: Same}"), ""), no());
    assert_eq!(flaws(&from("{from: All}"), ""), yes());
    assert_eq!(flaws(&from("{from: None}"), ""), no());
    let selector = from("{from: Selector, selector: {matchLabels: {edge: 'yes'}}}");
    assert_eq!(flaws(&selector, &namespace("shop", "{edge: 'yes'}")), yes());
    assert_eq!(flaws(&selector, &namespace("shop", "{edge: 'no'}")), no());
    let unknown = "NamespaceUnknown spec.parentRefs[0]: the labels of namespace shop are not in the input; \
                   the listeners of the Gateway ask for some";
    assert_eq!(flaws(&selector, ""), (true, String::new(), unknown.to_owned()));
    // Every namespace has its name as a label.
    let named = |name: &str| {
        from(&format!(
            "{{from: Selector, selector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}"
        ))
    };
    assert_eq!(flaws(&named("shop"), ""), yes());
    assert_eq!(flaws(&named("other"), ""), no());
    assert_eq!(flaws(&from("{from: Selector}"), ""), no(), "a selector that is missing selects nothing");
}

#[test]
fn a_gateway_of_the_same_namespace_takes_a_route_unless_its_kind_is_another() {
    let spec = |kinds: &str| {
        format!(
            "{{listeners: [{{name: web, protocol: HTTP, port: 80, allowedRoutes: {{kinds: [{kinds}]}}}}]}}"
        )
    };
    let flaws = |kinds: &str, kind: &str| {
        let own = object(API, "Gateway", "shop", "own", &spec(kinds));
        let world = World::of(&(web() + &own + &route(kind, "{name: own}", "")));
        world.flaws(&format!("{kind} shop/r")).concat()
    };
    assert_eq!(flaws("", "HTTPRoute"), "");
    assert_eq!(flaws("", "GRPCRoute"), "");
    assert_eq!(flaws("{kind: HTTPRoute}", "HTTPRoute"), "");
    let refused = "NotAttached spec.parentRefs[0].name: no listener of Gateway shop/own takes a ";
    assert_eq!(flaws("{kind: GRPCRoute}", "HTTPRoute"), format!("{refused}HTTPRoute"));
    assert_eq!(
        flaws("{kind: HTTPRoute, group: other.example.com}", "HTTPRoute"),
        format!("{refused}HTTPRoute")
    );
    assert_eq!(
        flaws("{kind: TCPRoute}", "TCPRoute"),
        format!("{refused}TCPRoute"),
        "HTTP listeners take none"
    );
}

#[test]
fn each_kind_of_route_is_taken_by_its_protocol() {
    let all =
        [("HTTP", 80), ("HTTPS", 443), ("TLS", 8443), ("TCP", 9000), ("UDP", 53), ("example.com/own", 7)];
    let listeners: Vec<String> = all
        .iter()
        .map(|(protocol, port)| open(&protocol.to_lowercase().replace('/', "-"), protocol, *port, ""))
        .collect();
    let text = web()
        + &service("udp", "{selector: {app: web}, ports: [{port: 80, protocol: UDP, targetPort: 53}]}")
        + &gateway(&listeners.join(", "));
    let listens = |kind: &str, host: &str| {
        let world = World::of(&(text.clone() + &route(kind, EDGE, host)));
        world.listens(&format!("{kind} shop/r")).join(", ")
    };
    assert_eq!(listens("HTTPRoute", ""), "TCP 7, TCP 80, TCP 443");
    assert_eq!(listens("GRPCRoute", ""), "TCP 7, TCP 80, TCP 443");
    assert_eq!(listens("TLSRoute", ", hostnames: [a.example.com]"), "TCP 7, TCP 8443");
    assert_eq!(listens("TCPRoute", ""), "TCP 7, TCP 8443, TCP 9000");
    assert_eq!(listens("UDPRoute", ""), "UDP 7, UDP 53");
    // A UDPRoute leads to ports of UDP.
    let udp = route("UDPRoute", EDGE, "").replace("name: web, port: 80", "name: udp, port: 80");
    assert_eq!(
        World::of(&(text.clone() + &udp)).targets("UDPRoute shop/r"),
        ["spec.rules[0].backendRefs[0] -> a UDP 53"]
    );
    let wrong = World::of(&(text + &route("UDPRoute", EDGE, "")));
    assert_eq!(
        wrong.flaws("UDPRoute shop/r"),
        ["PortMissing spec.rules[0].backendRefs[0].port: Service shop/web has no UDP port 80"]
    );
}

#[test]
fn a_route_names_the_listener_that_it_wants() {
    let listeners = open("web", "HTTP", 80, "") + ", " + &open("more", "HTTP", 8080, "");
    let text = web() + &gateway(&listeners);
    let at = |parent: &str| World::of(&(text.clone() + &route("HTTPRoute", parent, "")));
    let title = "HTTPRoute shop/r";
    assert_eq!(at("{name: edge, namespace: infra, sectionName: more}").listens(title), ["TCP 8080"]);
    assert_eq!(at("{name: edge, namespace: infra, port: 80}").listens(title), ["TCP 80"]);
    assert_eq!(
        at("{name: edge, namespace: infra, sectionName: gone}").flaws(title),
        ["NotAttached spec.parentRefs[0].name: Gateway infra/edge has no listener called \"gone\""]
    );
    assert_eq!(
        at("{name: edge, namespace: infra, sectionName: web, port: 8080}").flaws(title),
        [
            "NotAttached spec.parentRefs[0].name: Gateway infra/edge has no listener called \"web\" on port 8080"
        ]
    );
    // One parent that takes it is enough, and the other is told.
    let both = at("{name: edge, namespace: infra, port: 99}, {name: edge, namespace: infra, port: 80}");
    assert_eq!((both.targets(title), both.flaws(title).len()), (vec![LEADS[0].to_owned()], 1));
}

#[test]
fn host_names_are_those_that_listener_and_route_share() {
    let hosts = |own: &str, asked: &str| {
        let listener = open("web", "HTTP", 80, own);
        let world = World::of(&(web() + &gateway(&listener) + &route("HTTPRoute", EDGE, asked)));
        let flaws = world.flaws("HTTPRoute shop/r");
        if flaws.is_empty() { world.entry("HTTPRoute shop/r").hosts.join(" ") } else { flaws.concat() }
    };
    let wide = ", hostname: '*.example.com'";
    assert_eq!(hosts("", ", hostnames: [b.example.com, a.example.com]"), "a.example.com b.example.com");
    assert_eq!(hosts(wide, ""), "*.example.com");
    assert_eq!(hosts(wide, ", hostnames: [a.b.example.com, example.com, example.net]"), "a.b.example.com");
    assert_eq!(hosts(wide, ", hostnames: ['*.b.example.com']"), "*.b.example.com");
    assert_eq!(hosts(", hostname: a.example.com", ", hostnames: ['*.example.com']"), "a.example.com");
    assert_eq!(
        hosts(", hostname: a.example.com", ", hostnames: [b.example.com]"),
        "NotAttached spec.parentRefs[0].name: no listener of Gateway infra/edge answers to a host name of the route"
    );
}

#[test]
fn a_service_of_another_namespace_is_reached_where_a_grant_allows_it() {
    let route = object(
        API,
        "HTTPRoute",
        "front",
        "r",
        &format!(
            "{{parentRefs: [{EDGE}], rules: [{{backendRefs: [{{name: web, namespace: shop, port: 80}}]}}]}}"
        ),
    );
    let text = web() + &gateway(&open("web", "HTTP", 80, "")) + &route;
    let grant = |namespace: &str, from: &str, to: &str| {
        object(
            "gateway.networking.k8s.io/v1beta1",
            "ReferenceGrant",
            namespace,
            "g",
            &format!("{{from: [{from}], to: [{to}]}}"),
        )
    };
    let from = "{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: front}";
    let to = "{group: '', kind: Service}";
    let flaws = |grant: &str| {
        let world = World::of(&(text.clone() + grant));
        let leads = world.targets("HTTPRoute front/r") == LEADS;
        assert_eq!(leads, world.flaws("HTTPRoute front/r").is_empty());
        world.flaws("HTTPRoute front/r").concat()
    };
    let refused = "NotGranted spec.rules[0].backendRefs[0].namespace: no ReferenceGrant of namespace shop lets HTTPRoutes of front name Service web";
    assert_eq!(flaws(""), refused);
    assert_eq!(flaws(&grant("shop", from, to)), "");
    assert_eq!(flaws(&grant("shop", from, "{group: '', kind: Service, name: web}")), "");
    assert_eq!(flaws(&grant("shop", from, "{group: '', kind: Service, name: other}")), refused);
    assert_eq!(flaws(&grant("shop", from, "{group: '', kind: Secret}")), refused);
    assert_eq!(flaws(&grant("front", from, to)), refused, "a grant holds in its own namespace");
    assert_eq!(flaws(&grant("shop", &from.replace("front", "back"), to)), refused);
    assert_eq!(flaws(&grant("shop", &from.replace("HTTP", "GRPC"), to)), refused);
}

#[test]
fn a_backend_of_weight_0_gets_nothing_and_a_mirror_gets_all() {
    let spec = "{parentRefs: [{name: edge, namespace: infra}], rules: [{\
                backendRefs: [{name: web, port: 80}, {name: old, port: 80, weight: 0}], \
                filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 80}}}, \
                {type: RequestMirror, requestMirror: {percent: 0, backendRef: {name: old, port: 80}}}, \
                {type: URLRewrite, urlRewrite: {hostname: x}}]}]}";
    let text = web()
        + &pod("c", "copy", &[])
        + &pod("o", "old", &[])
        + &service("copy", "{selector: {app: copy}, ports: [{port: 80}]}")
        + &service("old", "{selector: {app: old}, ports: [{port: 80}]}")
        + &gateway(&open("web", "HTTP", 80, ""))
        + &object(API, "HTTPRoute", "shop", "r", spec);
    assert_eq!(
        World::of(&text).targets("HTTPRoute shop/r"),
        [LEADS[0], "spec.rules[0].filters[0].requestMirror.backendRef -> c TCP 80"]
    );
}

#[test]
fn a_gateway_that_is_not_in_the_input_is_taken_to_let_routes_in() {
    let world = World::of(&(web() + &route("HTTPRoute", EDGE, ", hostnames: [a.example.com]")));
    assert_eq!(world.targets("HTTPRoute shop/r"), LEADS);
    assert_eq!(world.entry("HTTPRoute shop/r").hosts, ["a.example.com"]);
    assert_eq!(
        world.assumed("HTTPRoute shop/r"),
        [
            "GatewayMissing spec.parentRefs[0].name: Gateway infra/edge is not in the input and is taken to let the route in"
        ]
    );
}

#[test]
fn routes_of_a_mesh_are_no_way_in_from_outside() {
    let world = World::of(&(web() + &route("HTTPRoute", "{group: '', kind: Service, name: web}", "")));
    assert_eq!(world.titles(), [""; 0]);
}

#[test]
fn a_listener_set_takes_routes_where_its_gateway_takes_it() {
    let set = object(
        API,
        "ListenerSet",
        "shop",
        "set",
        "{parentRef: {name: edge, namespace: infra}, listeners: [{name: own, protocol: HTTP, port: 8080}]}",
    );
    let text = |allowed: &str| {
        let spec = format!("{{listeners: [{}]{allowed}}}", open("web", "HTTP", 80, ""));
        let edge = object(API, "Gateway", "infra", "edge", &spec);
        World::of(&(web() + &set + &edge + &route("HTTPRoute", "{kind: ListenerSet, name: set}", "")))
    };
    let taken = text(", allowedListeners: {namespaces: {from: All}}");
    assert_eq!(taken.listens("HTTPRoute shop/r"), ["TCP 8080"]);
    assert_eq!(
        text("").flaws("HTTPRoute shop/r"),
        ["NotAttached spec.parentRefs[0].name: Gateway infra/edge takes no ListenerSets of namespace shop"]
    );
}

#[test]
fn a_route_that_asks_for_default_gateways_gets_those_that_are() {
    let edge = |scope: &str| {
        let spec = format!("{{listeners: [{}]{scope}}}", open("web", "HTTP", 80, ""));
        object(API, "Gateway", "infra", "edge", &spec)
    };
    let asks = route("HTTPRoute", "", ", useDefaultGateways: All");
    assert_eq!(World::of(&(web() + &edge(", defaultScope: All") + &asks)).targets("HTTPRoute shop/r"), LEADS);
    assert_eq!(World::of(&(web() + &edge("") + &asks)).titles(), [""; 0]);
}

#[test]
fn what_is_broken_about_a_route_is_told_where_it_is_written() {
    let backends = "[{name: gone, port: 80}, {name: web, port: 8080}, {name: web}, {port: 80}, {group: example.com, kind: Bucket, name: b}]";
    let spec =
        format!("{{parentRefs: [{EDGE}, {{namespace: infra}}], rules: [{{backendRefs: {backends}}}]}}");
    let world = World::of(
        &(web()
            + &gateway(&open("web", "HTTP", 80, ""))
            + &object(API, "HTTPRoute", "shop", "r", &spec)
            + &object(API, "TCPRoute", "shop", "bare", "null")),
    );
    let at = "spec.rules[0].backendRefs";
    assert_eq!(
        world.flaws("HTTPRoute shop/r"),
        [
            "Refused spec.parentRefs[1].name: a parent needs a name".to_owned(),
            format!("ServiceMissing {at}[0].name: there is no Service shop/gone in the input"),
            format!("PortMissing {at}[1].port: Service shop/web has no TCP port 8080"),
            format!("Refused {at}[2].port: a backend that is a Service needs a port from 1 to 65535"),
            format!("Refused {at}[3].name: a backend needs the name of a Service"),
        ]
    );
    assert_eq!(world.flaws("TCPRoute shop/bare"), ["Refused spec: a TCPRoute needs a spec"]);
}
