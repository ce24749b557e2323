//! What the outside reaches by Ingresses, Routes and Services.

use ringwall_network::entries::Seen;

use crate::manifests::{World, object, pod, service};

fn web() -> String {
    pod("a", "web", &["http:8080"])
        + &pod("b", "web", &["http:9090"])
        + &service(
            "web",
            "{selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}, {name: admin, port: 81}]}",
        )
}

fn ingress(spec: &str) -> String {
    object("networking.k8s.io/v1", "Ingress", "shop", "in", spec)
}

fn route(spec: &str) -> String {
    object("route.openshift.io/v1", "Route", "shop", "out", spec)
}

#[test]
fn an_ingress_leads_to_the_ports_of_pods() {
    let backend = |port: &str| {
        format!("{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {port}}}}}}}")
    };
    let spec = format!(
        "{{rules: [{{host: b.example.com, http: {{paths: [{}]}}}}, {{host: a.example.com, http: {{paths: [{}]}}}}]}}",
        backend("{number: 80}"),
        backend("{name: admin}"),
    );
    let world = World::of(&(web() + &ingress(&spec)));
    assert_eq!(
        world.targets("Ingress shop/in"),
        [
            "spec.rules[0].http.paths[0].backend.service -> a TCP 8080, b TCP 9090",
            "spec.rules[1].http.paths[0].backend.service -> a TCP 81, b TCP 81",
        ]
    );
    let entry = world.entry("Ingress shop/in");
    assert_eq!(entry.hosts, ["a.example.com", "b.example.com"]);
    assert_eq!((entry.seen, entry.kind.is_proxied()), (Seen::Proxy, true));
    let reached: Vec<String> = entry.reached().values().map(ToString::to_string).collect();
    assert_eq!(reached, ["TCP 81, 8080", "TCP 81, 9090"]);
    assert_eq!(world.flaws("Ingress shop/in"), [""; 0]);
    assert_eq!(world.titles(), ["Ingress shop/in"], "a Service of the cluster alone is no entry");
}

#[test]
fn the_default_backend_answers_to_any_host() {
    let spec = "{defaultBackend: {service: {name: web, port: {number: 80}}}, rules: [{host: a.example.com}]}";
    let world = World::of(&(web() + &ingress(spec)));
    assert_eq!(world.targets("Ingress shop/in"), ["spec.defaultBackend.service -> a TCP 8080, b TCP 9090"]);
    assert_eq!(world.entry("Ingress shop/in").hosts, ["*", "a.example.com"]);
}

#[test]
fn ingresses_of_older_versions_name_services_in_their_own_words() {
    for version in ["networking.k8s.io/v1beta1", "extensions/v1beta1"] {
        let spec = "{backend: {serviceName: web, servicePort: 80}, rules: [{http: {paths: [{backend: {serviceName: web, servicePort: admin}}]}}]}";
        let world = World::of(&(web() + &object(version, "Ingress", "shop", "in", spec)));
        assert_eq!(
            world.targets("Ingress shop/in"),
            [
                "spec.backend -> a TCP 8080, b TCP 9090",
                "spec.rules[0].http.paths[0].backend -> a TCP 81, b TCP 81",
            ],
            "{version}"
        );
    }
}

#[test]
fn what_is_broken_about_a_backend_is_told_where_it_is_written() {
    let backend = |backend: &str| format!("{{backend: {backend}}}");
    let named = |name: &str, port: &str| backend(&format!("{{service: {{name: {name}, port: {port}}}}}"));
    let paths = [
        named("gone", "{number: 80}"),
        named("web", "{number: 8080}"),
        named("web", "{name: nothing}"),
        named("empty", "{number: 80}"),
        named("undeclared", "{number: 80}"),
        named("web", "{}"),
        named("web", "{name: http, number: 80}"),
        backend("{serviceName: web, servicePort: 80}"),
        backend("{resource: {apiGroup: x, kind: Bucket, name: b}}"),
        "{path: /}".to_owned(),
    ];
    let spec = format!("{{rules: [{{http: {{paths: [{}]}}}}]}}", paths.join(", "));
    let text = web()
        + &service("empty", "{selector: {app: nobody}, ports: [{port: 80}]}")
        + &service("undeclared", "{selector: {app: web}, ports: [{port: 80, targetPort: grpc}]}")
        + &ingress(&spec);
    let world = World::of(&text);
    let at = "spec.rules[0].http.paths";
    assert_eq!(
        world.flaws("Ingress shop/in"),
        [
            format!("Refused {at}[9].backend: a path needs a backend"),
            format!(
                "ServiceMissing {at}[0].backend.service.name: there is no Service shop/gone in the input"
            ),
            format!("PortMissing {at}[1].backend.service.port: Service shop/web has no TCP port 8080"),
            format!(
                "PortMissing {at}[2].backend.service.port: Service shop/web has no TCP port called \"nothing\""
            ),
            format!(
                "NothingBehind {at}[3].backend.service.name: Service shop/empty selects no pod of the input"
            ),
            format!(
                "PortUndeclared {at}[4].backend.service.port: no pod of Service shop/undeclared declares a TCP port called \"grpc\""
            ),
            format!(
                "Refused {at}[5].backend.service.port: expected either the name or the number of a port of the Service"
            ),
            format!(
                "Refused {at}[6].backend.service.port: expected either the name or the number of a port of the Service"
            ),
            format!("Refused {at}[7].backend: a backend needs a service or a resource"),
        ]
    );
    let entry = world.entry("Ingress shop/in");
    assert!(entry.targets.iter().all(ringwall_network::entries::EntryTarget::is_empty));
    // Whoever shows a flaw finds the text of it.
    let object = &world.snapshot.all()[entry.object];
    let written = object.source().slice(entry.flaws[1].span);
    assert_eq!(written, "gone");
}

#[test]
fn an_ingress_without_backend_and_rules_is_refused() {
    let world =
        World::of(&(ingress("{}") + &object("networking.k8s.io/v1", "Ingress", "shop", "bare", "null")));
    assert_eq!(world.flaws("Ingress shop/in"), ["Refused spec: an Ingress needs a default backend or rules"]);
    assert_eq!(world.flaws("Ingress shop/bare"), ["Refused spec: an Ingress needs a spec"]);
}

#[test]
fn an_ingress_follows_an_external_name_inside_and_not_outside() {
    let text = web()
        + &service("inside", "{type: ExternalName, externalName: web.shop.svc.cluster.local}")
        + &service("outside", "{type: ExternalName, externalName: example.com}");
    let path = |name: &str| format!("{{backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}");
    let spec = format!("{{rules: [{{http: {{paths: [{}, {}]}}}}]}}", path("inside"), path("outside"));
    let world = World::of(&(text + &ingress(&spec)));
    assert_eq!(
        world.targets("Ingress shop/in"),
        [
            "spec.rules[0].http.paths[0].backend.service -> a TCP 8080, b TCP 9090",
            "spec.rules[0].http.paths[1].backend.service -> ",
        ]
    );
    assert_eq!(world.flaws("Ingress shop/in"), [""; 0]);
}

#[test]
fn an_ingress_reaches_headless_services_and_stated_endpoints() {
    let slice = "---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
ports: [{name: '', port: 8443}]
endpoints: [{addresses: [192.0.2.7]}]
";
    let text = web()
        + slice
        + &service("db", "{ports: [{port: 80}, {name: more, port: 81}]}")
        + &service("heads", "{clusterIP: None, selector: {app: web}, ports: [{port: 80, targetPort: http}]}");
    let path = |name: &str, port: &str| {
        format!("{{backend: {{service: {{name: {name}, port: {{number: {port}}}}}}}}}")
    };
    let paths = [path("db", "80"), path("heads", "80"), path("db", "81")];
    let spec = format!("{{rules: [{{http: {{paths: [{}]}}}}]}}", paths.join(", "));
    let world = World::of(&(text + &ingress(&spec)));
    assert_eq!(
        world.targets("Ingress shop/in"),
        [
            "spec.rules[0].http.paths[0].backend.service -> 192.0.2.7 TCP 8443",
            "spec.rules[0].http.paths[1].backend.service -> a TCP 8080, b TCP 9090",
            "spec.rules[0].http.paths[2].backend.service -> ",
        ]
    );
    assert_eq!(
        world.flaws("Ingress shop/in"),
        [
            "NothingBehind spec.rules[0].http.paths[2].backend.service.port: no endpoint of Service shop/db has a port for its TCP port 81"
        ]
    );
}

#[test]
fn the_port_of_a_route_is_an_endpoints_number_even_as_text() {
    let targets = |port: &str| {
        let world = World::of(
            &(web() + &route(&format!("{{host: x.example.com, to: {{kind: Service, name: web}}{port}}}"))),
        );
        (world.targets("Route shop/out"), world.flaws("Route shop/out"))
    };
    let leads = |to: &str| (vec![format!("spec.to -> {to}")], Vec::<String>::new());
    assert_eq!(targets(", port: {targetPort: 8080}"), leads("a TCP 8080"));
    assert_eq!(targets(", port: {targetPort: '8080'}"), leads("a TCP 8080"));
    assert_eq!(targets(", port: {targetPort: http}"), leads("a TCP 8080, b TCP 9090"));
    assert_eq!(targets(""), leads("a TCP 81, 8080, b TCP 81, 9090"));
    // 80 is the Service's port, which no endpoint has.
    let (none, flaws) = targets(", port: {targetPort: 80}");
    assert_eq!(none, ["spec.to -> "]);
    assert_eq!(
        flaws,
        ["PortMissing spec.port.targetPort: Service shop/web has no TCP port that leads to 80"]
    );
}

#[test]
fn a_route_sends_nothing_to_a_backend_of_weight_0() {
    let text = web()
        + &pod("c", "old", &[])
        + &service("old", "{selector: {app: old}, ports: [{port: 80}]}")
        + &route(
            "{to: {kind: Service, name: web, weight: 0}, alternateBackends: [{kind: Service, name: old}], port: {targetPort: 80}}",
        );
    let world = World::of(&text);
    assert_eq!(world.targets("Route shop/out"), ["spec.alternateBackends[0] -> c TCP 80"]);
    assert_eq!(world.entry("Route shop/out").hosts, [""; 0], "the router gives it a name");
}

#[test]
fn a_load_balancer_takes_its_source_ranges_and_node_ports_do_not() {
    let spec = "{type: LoadBalancer, selector: {app: web}, loadBalancerSourceRanges: [' 192.0.2.0/24', 2001:db8::/32], \
                ports: [{port: 80, targetPort: http, nodePort: 30080}]}";
    let world = World::of(&(web() + &service("outer", spec)));
    let balancer = world.entry("load balancer of Service shop/outer");
    let sources: Vec<String> = balancer.sources.iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["192.0.2.0/24", "2001:db8::/32"]);
    assert_eq!(world.listens("load balancer of Service shop/outer"), ["TCP 80"]);
    let nodes = world.entry("node port of Service shop/outer");
    assert!(nodes.sources.is_empty());
    assert_eq!(world.listens("node port of Service shop/outer"), ["TCP 30080"]);
    for title in world.titles() {
        assert_eq!(world.targets(&title), ["spec.ports[0] -> a TCP 8080, b TCP 9090"]);
    }
}

#[test]
fn source_ranges_of_the_annotation_count_where_the_field_is_empty() {
    let text = "
apiVersion: v1
kind: Service
metadata: {name: outer, namespace: shop, annotations: {service.beta.kubernetes.io/load-balancer-source-ranges: '192.0.2.0/24, 10.0.0.0/8,x'}}
spec: {type: LoadBalancer, allocateLoadBalancerNodePorts: false, selector: {app: web}, ports: [{port: 80}]}
status: {loadBalancer: {ingress: [{hostname: lb.example.com}, {ip: 198.51.100.1}]}}
";
    let world = World::of(&(web() + "---" + text));
    let balancer = world.entry("load balancer of Service shop/outer");
    assert_eq!(balancer.sources.len(), 2);
    assert_eq!(balancer.hosts, ["198.51.100.1", "lb.example.com"]);
    assert_eq!(world.titles(), ["load balancer of Service shop/outer"], "no port of nodes is given");
    assert_eq!(
        world.refusals(),
        [
            "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: \"x\" is no block of addresses, expected one as 10.0.0.0/8"
        ]
    );
}

#[test]
fn pods_see_the_client_only_where_traffic_stays_on_its_node() {
    let seen = |spec: &str, status: &str| {
        let text = web()
            + &service("outer", &format!("{{selector: {{app: web}}, ports: [{{port: 80}}], {spec}}}"))
            + status;
        World::of(&text).entries[0].seen
    };
    assert_eq!(seen("type: NodePort", ""), Seen::Node);
    assert_eq!(seen("type: NodePort, externalTrafficPolicy: Cluster", ""), Seen::Node);
    assert_eq!(seen("type: NodePort, externalTrafficPolicy: Local", ""), Seen::Client);
    assert_eq!(seen("type: LoadBalancer, externalTrafficPolicy: Local", ""), Seen::Client);
    let proxy = "status: {loadBalancer: {ingress: [{ip: 192.0.2.1, ipMode: Proxy}]}}\n";
    assert_eq!(seen("type: LoadBalancer, externalTrafficPolicy: Local", proxy), Seen::Proxy);
    assert_eq!(seen("externalIPs: [192.0.2.1]", ""), Seen::Node);
}

#[test]
fn external_addresses_are_a_way_in_but_not_to_headless_services() {
    let world = World::of(
        &(web()
            + &service(
                "outer",
                "{selector: {app: web}, externalIPs: [192.0.2.2, 192.0.2.1], ports: [{port: 80, targetPort: http}]}",
            )
            + &service(
                "heads",
                "{clusterIP: None, selector: {app: web}, externalIPs: [192.0.2.3], ports: [{port: 80}]}",
            )),
    );
    assert_eq!(world.titles(), ["external address of Service shop/outer"]);
    assert_eq!(world.entries[0].hosts, ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(world.targets(&world.titles()[0]), ["spec.ports[0] -> a TCP 8080, b TCP 9090"]);
}

#[test]
fn what_is_broken_about_a_service_is_told_once() {
    let text = web()
        + &service("lost", "{type: LoadBalancer, selector: {app: nobody}, ports: [{port: 80}]}")
        + &service(
            "unnamed",
            "{type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: grpc}]}",
        );
    let world = World::of(&text);
    assert_eq!(
        world.flaws("load balancer of Service shop/lost"),
        ["NothingBehind spec.selector: Service shop/lost selects no pod of the input"]
    );
    assert_eq!(
        world.flaws("load balancer of Service shop/unnamed"),
        [
            "PortUndeclared spec.ports[0].targetPort: no pod of Service shop/unnamed declares a TCP port called \"grpc\""
        ]
    );
    for name in ["lost", "unnamed"] {
        assert_eq!(world.flaws(&format!("node port of Service shop/{name}")), [""; 0]);
    }
}
