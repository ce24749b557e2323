//! Which waypoint stands before what.

use ringwall_mesh::enrolment::Mode;
use ringwall_mesh::mesh::Mesh;
use ringwall_mesh::waypoint::{Before, Doubt, For, Other, Unfit};

use crate::meshes::{app, mesh};

/// A namespace with more metadata.
fn space(metadata: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, {metadata}}}\n---\n")
}

/// One in ambient mode that names a waypoint.
fn labelled() -> String {
    space("labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: way}")
}

/// A Gateway of the namespace, with more in its metadata, its listener for HBONE, and its class, and what is beside its spec.
fn gateway(name: &str, [metadata, listener, class, beside]: [&str; 4]) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: shop{metadata}}}
spec: {{gatewayClassName: {class}, listeners: [{{name: mesh, port: 15008, protocol: HBONE{listener}}}]}}
{beside}
---
"
    )
}

fn plain(name: &str) -> String {
    gateway(name, ["", "", "istio-waypoint", ""])
}

fn class(name: &str, labels: &str, controller: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: {name}, labels: {{{labels}}}}}
spec: {{controllerName: {controller}}}
---
"
    )
}

/// What stands before the Service, and before the pods, of a mesh of one of each.
fn before(parts: &[String]) -> (Before, Before) {
    let mesh = one(parts);
    (mesh.waypoints.before_service(0).clone(), mesh.waypoints.before_workload(0).clone())
}

fn one(parts: &[String]) -> Mesh {
    mesh(&[&parts.concat(), app("shop", "db", "").as_str()].concat())
}

/// The names of what stands before the Service, its doubt and the weight of its canary; or why nothing does.
fn told(before: &Before) -> String {
    match before {
        Before::Nothing => "nothing".to_owned(),
        Before::Unfit(named, why) => format!("{} is unfit: {why:?}", named.name),
        Before::Waypoint(first, canary) => {
            let first_told = format!("{} {:?}", first.named.name, first.doubt);
            let more = canary.as_ref().map(|canary| {
                format!(" {} {} {:?}", canary.weight, canary.waypoint.named.name, canary.waypoint.doubt)
            });
            format!("{first_told}{}", more.unwrap_or_default())
        }
    }
}

fn of_service(parts: &[String]) -> String {
    told(&before(parts).0)
}

#[test]
fn a_gateway_takes_traffic_once_its_status_has_an_address() {
    let with = |status: &str| of_service(&[labelled(), gateway("way", ["", "", "istio-waypoint", status])]);
    let (ready, unfit) = ("way None", format!("way is unfit: {:?}", Unfit::NotReady));
    for status in ["", "status: {}", "status: null"] {
        assert_eq!(with(status), ready, "files say nothing of it: {status}");
    }
    for status in [
        "status: {addresses: []}",
        "status: {conditions: [{type: Accepted, status: 'True'}]}",
        "status: {addresses: [{type: NamedAddress, value: x}]}",
        "status: {addresses: [{type: IPAddress, value: way.shop}]}",
        "status: {addresses: oh}",
    ] {
        assert_eq!(with(status), unfit, "{status}");
    }
    for status in [
        "status: {addresses: [{type: Hostname, value: way.shop.svc.cluster.local}]}",
        "status: {addresses: [{value: 10.0.0.1}]}",
        "status: {addresses: [{type: IPAddress, value: '::1'}, {type: NamedAddress, value: x}]}",
    ] {
        assert_eq!(with(status), ready, "{status}");
    }
}

#[test]
fn the_controller_of_the_class_says_what_a_gateway_makes() {
    let other = |name: &str, more: &str| {
        let (service, _) = before(&[labelled(), gateway("way", ["", "", name, ""]), more.to_owned()]);
        let Before::Waypoint(first, None) = service else { panic!("{service:?}") };
        first.other
    };
    let controller = |name: &str| Some(Other::Controller(name.to_owned()));
    assert_eq!(other("istio-waypoint", ""), None);
    assert_eq!(other("mine", &class("mine", "", "istio.io/mesh-controller")), None);
    assert_eq!(other("mine", ""), Some(Other::UnknownClass("mine".to_owned())));
    assert_eq!(other("mine", &class("mine", "", "example.com/x")), controller("example.com/x"));
    assert_eq!(other("istio-waypoint", &class("istio-waypoint", "", "a.b/c")), controller("a.b/c"));
    assert_eq!(other("istio", ""), controller("istio.io/gateway-controller"));
    assert_eq!(other("istio-east-west", ""), controller("istio.io/eastwest-controller"));
}

#[test]
fn a_waypoint_is_for_what_it_or_its_class_says() {
    let with = |labels: &str, of_class: &str| {
        let metadata = format!(", labels: {{{labels}}}");
        let parts = [
            labelled(),
            gateway("way", [&metadata, "", "istio-waypoint", ""]),
            class("istio-waypoint", of_class, "istio.io/mesh-controller"),
        ];
        let (service, workload) = before(&parts);
        (told(&service), told(&workload))
    };
    let (way, unfit, nothing) =
        ("way None", format!("way is unfit: {:?}", Unfit::For(For::Service)), "nothing");
    let is = |got: (String, String), service: &str, workload: &str| {
        assert_eq!(got, (service.to_owned(), workload.to_owned()));
    };
    is(with("", ""), way, nothing);
    is(with("", "istio.io/waypoint-for: workload"), &unfit, way);
    is(with("istio.io/waypoint-for: all", "istio.io/waypoint-for: workload"), way, way);
    is(with("istio.io/waypoint-for: none", ""), &unfit, nothing);
}

#[test]
fn namespaces_attach_as_the_listener_says() {
    let metadata = "labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: way, tier: front}";
    let with =
        |routes: &str| of_service(&[space(metadata), gateway("way", ["", routes, "istio-waypoint", ""])]);
    let routes = |from: &str| format!(", allowedRoutes: {{namespaces: {{{from}}}}}");
    let (way, unfit) = ("way None", format!("way is unfit: {:?}", Unfit::Namespace));
    for taken in [
        "from: All",
        "from: Same",
        "",
        "from: Selector, selector: {}",
        "from: Selector, selector: {matchLabels: {tier: front}}",
        "from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: shop}}",
        "from: Selector, selector: {matchExpressions: [{key: tier, operator: NotIn, values: [back]}]}",
    ] {
        assert_eq!(with(&routes(taken)), way, "{taken}");
    }
    for refused in [
        "from: Selector",
        "from: Selector, selector: {matchLabels: {tier: back}}",
        "from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: other}}",
        "from: Selector, selector: {matchExpressions: [{key: tier, operator: Maybe}]}",
    ] {
        assert_eq!(with(&routes(refused)), unfit, "its own namespace too: {refused}");
    }
}

#[test]
fn of_a_namespace_that_is_not_in_the_input_the_name_is_known() {
    // The Service names the waypoint itself, and its namespace is in no file.
    let with = |selector: &str| {
        let routes = format!(", allowedRoutes: {{namespaces: {{from: Selector, selector: {{{selector}}}}}}}");
        let service = app("shop", "db", "").replace(
            "kind: Service\nmetadata: {",
            "kind: Service\nmetadata: {labels: {istio.io/use-waypoint: way}, ",
        );
        let mesh = mesh(&[gateway("way", ["", &routes, "istio-waypoint", ""]), service].concat());
        told(mesh.waypoints.before_service(0))
    };
    let name = "kubernetes.io/metadata.name";
    assert_eq!(with(&format!("matchLabels: {{{name}: shop}}")), "way None");
    let unfit = format!("way is unfit: {:?}", Unfit::Namespace);
    assert_eq!(with(&format!("matchLabels: {{{name}: other, tier: x}}")), unfit);
    let doubt = format!("way {:?}", Some(Doubt::NamespaceLabels));
    assert_eq!(with(&format!("matchLabels: {{{name}: shop, tier: x}}")), doubt);
    assert_eq!(with("matchExpressions: [{key: tier, operator: DoesNotExist}]"), doubt);
}

#[test]
fn a_binding_means_its_own_listener() {
    let with = |annotation: &str| {
        let metadata = format!(", annotations: {{ambient.istio.io/waypoint-inbound-binding: {annotation}}}");
        let listeners = "}, {name: own, port: 15088, protocol: istio.io/PROXY, allowedRoutes: {namespaces: {from: Selector}}";
        of_service(&[labelled(), gateway("way", [&metadata, listeners, "istio-waypoint", ""])])
    };
    let (way, unfit) = ("way None", format!("way is unfit: {:?}", Unfit::Namespace));
    for (annotation, wanted) in [
        ("PROXY", unfit.as_str()),
        ("PROXY/15088", &unfit),
        ("NONE/15088", &unfit),
        ("PROXY/x", &unfit),
        ("NONE", way),
        ("PROXY/99999999999999999999", way),
        ("PROXY/15008", way),
        ("HBONE/15088", way),
        ("PROXY/15088/1", way),
    ] {
        assert_eq!(with(annotation), wanted, "{annotation}");
    }
}

#[test]
fn a_canary_takes_its_part_of_the_calls() {
    const CANARY: &str = "istio.io/use-waypoint-canary";
    let of_namespace = |labels: &str, annotations: &str| {
        let metadata = format!(
            "labels: {{istio.io/dataplane-mode: ambient, istio.io/use-waypoint: way{labels}}}, annotations: {{{annotations}}}"
        );
        of_service(&[space(&metadata), plain("way"), plain("new")])
    };
    let named = format!(", {CANARY}: new");
    let weight = |weight: &str| format!("{CANARY}-weight: '{weight}'");
    assert_eq!(of_namespace(&named, &weight("10")), "way None 10 new None");
    assert_eq!(of_namespace(&named, &weight("+7")), "way None 7 new None", "as strconv.Atoi");
    assert_eq!(of_namespace(&named, &weight("100")), "way None 100 new None");
    for wrong in ["0", "-1", "101", "ten", "", "1_0", " 10"] {
        assert_eq!(of_namespace(&named, &weight(wrong)), "way None", "{wrong}");
    }
    assert_eq!(of_namespace(&named, ""), "way None", "without a weight it takes nothing");
    for (label, wanted) in [
        (format!(", {CANARY}: way"), "way None"),
        (format!(", {CANARY}: none"), "way None"),
        (format!(", {CANARY}: ''"), "way None"),
        (format!(", {CANARY}: gone"), "way None 10 gone Some(Gateway)"),
        (format!(", {CANARY}: way, {CANARY}-namespace: infra"), "way None 10 way Some(Gateway)"),
    ] {
        assert_eq!(of_namespace(&label, &weight("10")), wanted, "{label}");
    }
    // What has a waypoint of its own has the canary of its own, or none.
    let metadata =
        format!("labels: {{istio.io/use-waypoint: way{named}}}, annotations: {{{}}}", weight("10"));
    let own = |labels: &str| {
        let service = app("shop", "db", "").replace(
            "kind: Service\nmetadata: {",
            &format!("kind: Service\nmetadata: {{labels: {{{labels}}}, "),
        );
        let mesh = mesh(&[space(&metadata), plain("way"), plain("new"), plain("own"), service].concat());
        told(mesh.waypoints.before_service(0))
    };
    assert_eq!(own("istio.io/use-waypoint: own"), "own None");
    assert_eq!(own(&format!("istio.io/use-waypoint: own{named}")), "own None", "the weight too is its own");
    assert_eq!(own(&format!("{CANARY}: own")), "way None 10 own None");
    assert_eq!(own("istio.io/use-waypoint: none"), "nothing");
}

#[test]
fn the_matrix_goes_through_the_canary_that_takes_all_calls() {
    let through = |weight: u8| {
        let metadata = format!(
            "labels: {{istio.io/dataplane-mode: ambient, istio.io/use-waypoint: way, istio.io/use-waypoint-canary: new}}, \
             annotations: {{istio.io/use-waypoint-canary-weight: '{weight}'}}"
        );
        let mesh = one(&[space(&metadata), plain("way"), plain("new")]);
        mesh.through_service(Mode::Ambient, 0).map(|(named, _)| named.name.clone())
    };
    assert_eq!(through(99).as_deref(), Some("way"));
    assert_eq!(through(100).as_deref(), Some("new"));
}

#[test]
fn what_is_of_a_waypoint_has_none() {
    let service = |label: &str| {
        let service = app("shop", "db", "").replace(
            "kind: Service\nmetadata: {",
            &format!("kind: Service\nmetadata: {{labels: {{gateway.istio.io/managed: {label}}}, "),
        );
        told(mesh(&[labelled(), plain("way"), service].concat()).waypoints.before_service(0))
    };
    assert_eq!(service("istio.io-mesh-controller"), "nothing");
    assert_eq!(service("istio.io-eastwest-controller"), "nothing");
    assert_eq!(service("istio.io-gateway-controller"), "way None");
    // Nor has a pod of its own.
    let all = gateway("way", [", labels: {istio.io/waypoint-for: all}", "", "istio-waypoint", ""]);
    let pods = |name: &str| {
        let label = format!("labels: {{gateway.networking.k8s.io/gateway-name: {name}, app: db}}");
        let text = app("shop", "db", "").replace("labels: {app: db}", &label);
        told(mesh(&[labelled(), all.clone(), text].concat()).waypoints.before_workload(0))
    };
    assert_eq!(pods("way"), "nothing");
    assert_eq!(pods("other"), "way None");
}

#[test]
fn the_label_for_gateways_is_a_truth_value_of_go() {
    let takes = |of_namespace: &str, of_service: &str| {
        let text = app("shop", "db", "").replace(
            "kind: Service\nmetadata: {",
            &format!("kind: Service\nmetadata: {{labels: {{{of_service}}}, "),
        );
        let metadata = format!("labels: {{istio.io/use-waypoint: way{of_namespace}}}");
        mesh(&[space(&metadata), plain("way"), text].concat()).waypoints.takes_gateways(0)
    };
    let label = |value: &str| format!("istio.io/ingress-use-waypoint: '{value}'");
    for value in ["1", "t", "T", "true", "TRUE", "True"] {
        assert!(takes("", &label(value)) && takes(&format!(", {}", label(value)), ""), "{value}");
    }
    for value in ["0", "f", "False", "tRUE", "yes", "", " true"] {
        assert!(!takes("", &label(value)), "{value}");
        assert!(!takes(", istio.io/ingress-use-waypoint: 'true'", &label(value)), "its own counts: {value}");
    }
}

#[test]
fn a_gateway_that_is_not_in_the_input_is_in_doubt() {
    assert_eq!(of_service(&[labelled()]), format!("way {:?}", Some(Doubt::Gateway)));
}
