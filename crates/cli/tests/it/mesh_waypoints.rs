//! `ringwall mesh can` where a waypoint is named, and what decides whether a call goes through it.

use crate::mesh::{AMBIENT, answer};

const GATEWAY: &str = "metadata: {name: way, namespace: shop}\nspec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}\n";

/// The answer to a call by GET, which the policy at the waypoint lets in, or by POST, which it does not.
fn asked(text: &str, method: &str) -> String {
    answer(text, &["shop/web", "Service/shop/cart", "--port", "80", "--method", method, "--path", "/"])
}

/// The mesh with another Gateway.
fn with(gateway: &str) -> String {
    assert!(AMBIENT.contains(GATEWAY));
    AMBIENT.replace(GATEWAY, gateway)
}

fn status(status: &str) -> String {
    with(&format!("{GATEWAY}status: {status}\n"))
}

#[test]
fn a_waypoint_that_is_not_ready_is_passed_by() {
    let told = asked(&status("{addresses: []}"), "POST");
    let note =
        "the waypoint shop/way is passed by: the status of its Gateway has no address, so it is not ready";
    assert!(told.contains("yes - no policy keeps it out") && told.contains(note), "{told}");
    let told = asked(&status("{addresses: [{type: Hostname, value: way.shop.svc.cluster.local}]}"), "POST");
    assert!(told.contains("no - at the waypoint"), "{told}");
}

#[test]
fn a_class_that_nobody_shows_makes_no_answer() {
    let class = |name: &str| with(&GATEWAY.replace("istio-waypoint", name));
    for method in ["GET", "POST"] {
        let told = asked(&class("mine"), method);
        let why = "cannot tell - the Gateway shop/way stands before it, and what its class mine makes of it is not in the input";
        assert!(told.contains(why), "{told}");
        let told = asked(&class("istio"), method);
        assert!(
            told.contains("cannot tell") && told.contains("controller istio.io/gateway-controller"),
            "{told}"
        );
    }
    let shown = "---\napiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: mine}\nspec: {controllerName: istio.io/mesh-controller}\n";
    let told = asked(&format!("{}{shown}", class("mine")), "POST");
    assert!(told.contains("no - at the waypoint"), "{told}");
}

#[test]
fn a_listener_may_take_nothing_from_its_own_namespace() {
    let select = |label: &str| {
        let routes = format!(
            ", allowedRoutes: {{namespaces: {{from: Selector, selector: {{matchLabels: {{{label}}}}}}}}}"
        );
        with(&GATEWAY.replace("protocol: HBONE", &format!("protocol: HBONE{routes}")))
    };
    let told = asked(&select("tier: x"), "POST");
    assert!(told.contains("yes - no") && told.contains("takes nothing from this namespace"), "{told}");
    let told = asked(&select("kubernetes.io/metadata.name: shop"), "POST");
    assert!(told.contains("no - at the waypoint"), "{told}");
}

#[test]
fn a_gateway_that_is_not_in_the_input_decides_only_where_it_matters() {
    let gone = AMBIENT.replace(GATEWAY, "metadata: {name: other, namespace: shop}\nspec: {}\n");
    let told = asked(&gone, "GET");
    let note = "the Gateway shop/way is not in the input: without it no traffic goes through it";
    assert!(told.contains("yes - an ALLOW rule matches") && told.contains(note), "{told}");
    let told = asked(&gone, "POST");
    let why = "cannot tell - it depends on whether there is a Gateway shop/way, which is not in the input";
    assert!(told.contains(why), "{told}");
    // What the way around refuses too is refused.
    let deny = "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: nobody, namespace: shop}\nspec: {}\n";
    let told = asked(&format!("{gone}{deny}"), "POST");
    assert!(told.contains("no - at the waypoint"), "{told}");
}

#[test]
fn two_waypoints_make_an_answer_where_they_agree() {
    let canary = |weight: u8, more: &str| {
        let labels = "istio.io/use-waypoint: way}";
        let both = format!(
            "istio.io/use-waypoint: way, istio.io/use-waypoint-canary: new}}, annotations: {{istio.io/use-waypoint-canary-weight: '{weight}'}}"
        );
        let second = GATEWAY.replace("name: way", "name: new");
        let second = format!("---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n{second}");
        format!("{}{second}{more}", AMBIENT.replace(labels, &both))
    };
    // Both heed the policy of the Service.
    let told = asked(&canary(30, ""), "POST");
    assert!(told.contains("no - at the waypoint") && told.contains("30 of 100 calls go through"), "{told}");
    let deny = |name: &str| {
        format!(
            "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: closed, namespace: shop}}\n\
             spec: {{targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: {name}}}], action: DENY, rules: [{{}}]}}\n"
        )
    };
    for name in ["way", "new"] {
        let told = asked(&canary(30, &deny(name)), "GET");
        let why =
            "cannot tell - it depends on whether the call goes through the waypoint shop/way or shop/new";
        assert!(told.contains(why), "{told}");
    }
    let told = asked(&canary(100, &deny("new")), "GET");
    assert!(
        told.contains("no - at the waypoint: a DENY") && told.contains("goes through the waypoint shop/new"),
        "{told}"
    );
    assert!(asked(&canary(100, &deny("way")), "GET").contains("yes - an ALLOW rule matches"));
    assert!(asked(&canary(0, &deny("new")), "GET").contains("yes - an ALLOW rule matches"));
    let absent =
        canary(100, &deny("way")).replace("name: new, namespace: shop", "name: old, namespace: shop");
    let told = asked(&absent, "GET");
    assert!(told.contains("cannot tell - it depends on whether there is a Gateway shop/new"), "{told}");
}

#[test]
fn a_new_policy_for_one_workload_is_one() {
    let text = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: shop}
spec: {template: {metadata: {labels: {app: db, tier: back}}, spec: {containers: [{name: c, image: c}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: one, namespace: shop}
spec: {selector: {app: db}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: two, namespace: shop}
spec: {selector: {tier: back}, ports: [{port: 9090}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: monitoring}
spec: {template: {spec: {hostNetwork: true, containers: [{name: c, image: c}]}}}
";
    let place = super::Place::new(&[("mesh.yaml", text)]);
    let told = place.run(&["mesh", "plan", "--strict", "shop", "mesh.yaml"]);
    let change = "let a new PeerAuthentication take what comes on ports 8080, 9090 in namespace shop, where app=db: PERMISSIVE";
    assert!(told.contains(change) && !told.contains("none of these changes helps"), "{told}");
}

#[test]
fn a_plan_tells_what_ztunnel_does_not_see() {
    let hidden = "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: istio-system}\n\
                  spec: {selector: {}, mtls: {mode: PERMISSIVE}}\n";
    let text = format!("{AMBIENT}{hidden}");
    let place = super::Place::new(&[("mesh.yaml", &text)]);
    let told = place.run(&["mesh", "plan", "--strict", "mesh.yaml"]);
    let why = "Deployment shop/cart, since a policy of the root namespace with a selector, and be it empty, is not told to ztunnel";
    assert!(told.contains(why), "{told}");
}
