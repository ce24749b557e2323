//! Which pods are behind Services, and on which ports.

use ringwall_network::cluster::Cluster;
use ringwall_network::entries;
use ringwall_network::services::{ServiceKind, Services};

use crate::manifests::{World, object, pod, service};

#[test]
fn a_named_target_port_is_the_number_that_each_pod_declares() {
    let pods = [
        pod("a", "web", &["http:8080"]),
        pod("b", "web", &["http:9090"]),
        // Another protocol under the name, and another name: no endpoint of the port.
        pod("c", "web", &["http:7070/UDP"]),
        pod("d", "web", &["web:8080"]),
    ];
    let named = service("web", "{selector: {app: web}, ports: [{port: 80, targetPort: http}]}");
    let world = World::of(&(pods.concat() + &named));
    assert_eq!(world.behind("web"), ["80: a TCP 8080, b TCP 9090"]);
    assert_eq!(world.service("web").pods.len(), 4, "all four are selected");
}

#[test]
fn the_first_container_counts_and_sidecars_come_behind_containers() {
    let text = "
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, labels: {app: web}}
spec:
  initContainers:
  - {name: proxy, image: x, restartPolicy: Always, ports: [{name: http, containerPort: 15000}, {name: admin, containerPort: 15001}]}
  - {name: once, image: x, ports: [{name: setup, containerPort: 1}]}
  containers:
  - {name: one, image: x, ports: [{name: http, containerPort: 8080}]}
  - {name: two, image: x, ports: [{name: http, containerPort: 8081}]}
";
    let ports = "[{name: a, port: 80, targetPort: http}, {name: b, port: 81, targetPort: admin}, {name: c, port: 82, targetPort: setup}]";
    let world = World::of(
        &(text.to_owned() + &service("web", &format!("{{selector: {{app: web}}, ports: {ports}}}"))),
    );
    assert_eq!(world.behind("web"), ["80: a TCP 8080", "81: a TCP 15001", "82: "]);
}

#[test]
fn the_port_of_a_service_is_not_that_of_its_pods() {
    let ports = "[{name: a, port: 80, targetPort: 8080}, {name: b, port: 81}, {name: c, port: 82, targetPort: 0}, {name: d, port: 83, targetPort: ''}]";
    let text = pod("a", "web", &[]) + &service("web", &format!("{{selector: {{app: web}}, ports: {ports}}}"));
    assert_eq!(
        World::of(&text).behind("web"),
        ["80: a TCP 8080", "81: a TCP 81", "82: a TCP 82", "83: a TCP 83"]
    );
}

#[test]
fn an_empty_selector_selects_nothing_and_finished_pods_are_behind_nothing() {
    let text = pod("a", "web", &[])
        + &pod("b", "job", &[]).replace("spec:", "status: {phase: Succeeded}\nspec:")
        + &service("empty", "{selector: {}, ports: [{port: 80}]}")
        + &service("done", "{selector: {app: job}, ports: [{port: 80}]}")
        + &object("v1", "Service", "other", "web", "{selector: {app: web}, ports: [{port: 80}]}");
    let world = World::of(&text);
    assert!(world.service("empty").selector.is_none());
    assert!(world.service("empty").pods.is_empty() && world.service("done").pods.is_empty());
    assert!(world.services.find("other", "web").expect("it").pods.is_empty(), "pods of other namespaces");
}

#[test]
fn endpoint_slices_stand_behind_a_service_without_selector() {
    let slice = "---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
ports: [{name: sql, port: 5432}, {name: other, port: 1}, {name: sql, port: 53, protocol: UDP}]
endpoints:
- {addresses: [192.0.2.7, 192.0.2.8]}
- {addresses: [10.0.0.5]}
- {addresses: [10.0.0.99], targetRef: {kind: Pod, name: b}}
- {addresses: [not-an-address]}
";
    let with_address = pod("a", "x", &[]).replace("spec:", "status: {podIPs: [{ip: 10.0.0.5}]}\nspec:");
    let text = with_address
        + &pod("b", "x", &[])
        + slice
        + &service("db", "{ports: [{name: sql, port: 3306, targetPort: 1234}]}");
    let world = World::of(&text);
    // The slice says the port, and kube-proxy takes the first address of an endpoint.
    assert_eq!(world.behind("db"), ["3306: a TCP 5432, b TCP 5432, 192.0.2.7 TCP 5432"]);
    let (index, pod) = (0, &world.cluster.pods[0]);
    let service = world.service("db");
    assert_eq!(service.ports_on(&service.ports[0], index, pod).to_string(), "TCP 5432");
}

#[test]
fn endpoints_count_where_there_is_no_selector_unless_they_are_not_mirrored() {
    let endpoints = |name: &str, labels: &str| {
        format!(
            "---\napiVersion: v1\nkind: Endpoints\nmetadata: {{name: {name}, namespace: shop, labels: {labels}}}\n\
             subsets: [{{addresses: [{{ip: 192.0.2.7}}], notReadyAddresses: [{{ip: 192.0.2.8}}], ports: [{{port: 9000}}]}}]\n"
        )
    };
    let text = pod("a", "web", &[])
        + &endpoints("db", "{}")
        + &endpoints("skipped", "{endpointslice.kubernetes.io/skip-mirror: 'true'}")
        + &endpoints("web", "{}")
        + &endpoints("dumped", "{}")
        + &service("db", "{ports: [{port: 80}]}")
        + &service("skipped", "{ports: [{port: 80}]}")
        + &service("web", "{selector: {app: web}, ports: [{port: 80}]}")
        + &service("dumped", "{selector: {app: gone}, ports: [{port: 80}]}");
    let world = World::of(&text);
    assert_eq!(world.behind("db"), ["80: 192.0.2.7 TCP 9000, 192.0.2.8 TCP 9000"]);
    assert_eq!(world.behind("skipped"), ["80: "]);
    assert_eq!(world.behind("web"), ["80: a TCP 80"], "the selector says who is behind it");
    // A dump without pods still says who was behind the Service.
    assert_eq!(world.behind("dumped"), ["80: 192.0.2.7 TCP 9000, 192.0.2.8 TCP 9000"]);
}

#[test]
fn an_external_name_leads_to_a_service_of_the_input_or_out() {
    let named = |name: &str, to: &str| service(name, &format!("{{type: ExternalName, externalName: {to}}}"));
    let text = service("api", "{selector: {app: web}, ports: [{port: 80}]}")
        + &named("inside", "api.shop.svc.cluster.local.")
        + &named("twice", "inside.shop.svc.cluster.local")
        + &named("outside", "db.example.com")
        + &named("strange", "gone.shop.svc.cluster.local")
        + &named("round", "about.shop.svc.cluster.local")
        + &named("about", "round.shop.svc.cluster.local");
    let world = World::of(&text);
    let behind = |name: &str| {
        let found = world.services.behind(world.services.index("shop", name).expect("it"));
        found.map(|index| world.services.all[index].name.as_str())
    };
    assert_eq!(behind("api"), Some("api"));
    assert_eq!(behind("inside"), Some("api"));
    assert_eq!(behind("twice"), Some("api"));
    for name in ["outside", "strange", "round"] {
        assert_eq!(behind(name), None, "{name}");
    }
}

#[test]
fn kinds_are_told_as_the_api_server_completes_them() {
    let text = service("plain", "{ports: [{port: 80}]}")
        + &service("headless", "{clusterIP: None}")
        + &service("headless6", "{clusterIPs: [None]}")
        + &service("node", "{type: NodePort, ports: [{port: 80, nodePort: 30080}]}")
        + &service("outer", "{type: LoadBalancer, ports: [{port: 80}]}")
        + &service("name", "{type: ExternalName, externalName: a.b}");
    let world = World::of(&text);
    let kinds: Vec<ServiceKind> = world.services.all.iter().map(|service| service.kind).collect();
    use ServiceKind::{ClusterIp, ExternalName, Headless, LoadBalancer, NodePort};
    assert_eq!(kinds, [ClusterIp, Headless, Headless, NodePort, LoadBalancer, ExternalName]);
    assert_eq!(world.service("node").ports[0].node_port, Some(30080));
    assert_eq!(world.refusals(), [""; 0]);
}

#[test]
fn what_the_api_server_would_refuse_is_told_and_the_rest_is_read() {
    let text = pod("a", "web", &[])
        + &service(
            "web",
            "{selector: {app: web}, externalIPs: [192.0.2.1, nowhere], \
             ports: [{port: 0}, {port: 80, protocol: ICMP}, {port: 81, targetPort: 70000}, {port: 82, targetPort: '8080'}, {port: 83}]}",
        )
        + &service("typo", "{type: Loadbalancer, ports: [{port: 80}]}")
        + &service("none", "{selector: {app: web}}")
        + &service("both", "{type: NodePort, clusterIP: None, ports: [{port: 80}]}")
        + &service("numbers", "{selector: {app: 1}, ports: [{port: 80}]}")
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: bare, namespace: shop}\n";
    let world = World::of(&text);
    assert_eq!(
        world.refusals(),
        [
            "spec.externalIPs[1]: expected an address",
            "spec.ports[0].port: expected a port from 1 to 65535",
            "spec.ports[1].protocol: expected TCP, UDP or SCTP",
            "spec.ports[2].targetPort: expected a port from 1 to 65535, or the name of one",
            "spec.ports[3].targetPort: \"8080\" is text and so a name, which needs a letter",
            "spec.type: expected ClusterIP, NodePort, LoadBalancer or ExternalName",
            "spec.ports: a Service that is not headless needs a port",
            "spec.clusterIP: a Service of type NodePort cannot be headless",
            "spec.selector.app: expected a string, got an integer",
            "spec: a Service needs a spec",
        ]
    );
    assert_eq!(world.behind("web"), ["82: ", "83: a TCP 83"]);
    assert_eq!(world.service("web").external_ips.len(), 1);
}

/// Held against what reading the pods costs on the same machine at the same time: a look at all pods for each Service is many times that.
#[test]
fn many_services_find_their_pods_among_many() {
    let mut text = String::new();
    for at in 0..10_000 {
        text += &pod(&format!("p{at}"), &format!("a{}", at % 1000), &["http:8080"]);
    }
    for at in 0..1000 {
        let ports = "ports: [{port: 80, targetPort: http}]";
        text +=
            &service(&format!("s{at}"), &format!("{{type: NodePort, selector: {{app: a{at}}}, {ports}}}"));
        text +=
            &service(&format!("t{at}"), &format!("{{type: LoadBalancer, selector: {{app: a1}}, {ports}}}"));
    }
    let World { snapshot, .. } = World::of(&text);
    let cluster = Cluster::of(&snapshot, &[]);
    let services = Services::of(&snapshot, &cluster);
    let entries = entries::entries(&snapshot, &cluster, &services);
    assert_eq!(entries.len(), 3000);
    assert!(services.all.iter().all(|service| service.pods.len() == 10));
}
