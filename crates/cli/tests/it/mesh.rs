//! `ringwall mesh can`: who may call whom, as users see it.

use super::Place;

const MESH: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: web, image: web:1}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: cart, image: cart:1, ports: [{containerPort: 8080}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: job, namespace: bare}
spec: {template: {metadata: {labels: {app: job}}, spec: {containers: [{name: job, image: job:1, ports: [{containerPort: 9000}]}]}}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  rules:
  - from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]
    to: [{operation: {methods: [GET]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: all, namespace: bare}
spec: {action: DENY, rules: [{}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: bare}
";

fn ask(words: &[&str]) -> String {
    let place = Place::new(&[("mesh.yaml", MESH)]);
    let all: Vec<&str> = ["mesh", "can"].iter().chain(words).copied().chain(["mesh.yaml"]).collect();
    place.run(&all)
}

fn assert_told(words: &[&str], told: &[&str]) {
    let answer = ask(words);
    for one in told {
        assert!(answer.contains(one), "{one} is not in\n{answer}");
    }
}

#[test]
fn the_rule_that_lets_in_is_named() {
    let told = [
        "exit code: 0\n",
        "yes - an ALLOW rule matches",
        "identity: spiffe://cluster.local/ns/shop/sa/web",
        "mesh.yaml:36:5",
        "note: the same policies at ztunnel, which sees connections: no - ",
    ];
    for way in [
        ["shop/cart", "--port", "8080"],
        ["shop/cart", "--port", "80"],
        ["Service/shop/cart", "--port", "80"],
    ] {
        let words = ["shop/web"].iter().chain(&way).copied().chain(["--method", "GET", "--path", "/"]);
        assert_told(&words.collect::<Vec<_>>(), &told);
    }
}

#[test]
fn a_no_names_the_field_that_failed() {
    let told = [
        "exit code: 1\n",
        "no - no ALLOW rule matches",
        "spec.rules[0].to[0].operation.methods does not match",
        "mesh.yaml:37:",
    ];
    assert_told(&["shop/web", "shop/cart", "--port", "8080", "--method", "POST", "--path", "/"], &told);
    let other = ["exit code: 1\n", "spec.rules[0].from[0].source.principals does not match"];
    assert_told(&["cluster.local/ns/shop/sa/x", "shop/cart", "--port", "8080", "--method", "GET"], &other);
}

#[test]
fn plaintext_is_refused_where_mutual_tls_is_demanded() {
    let told = ["exit code: 1\n", "no - the connection is refused", "PeerAuthentication shop/default"];
    assert_told(&["bare/job", "shop/cart", "--port", "8080", "--method", "GET"], &told);
}

#[test]
fn without_a_proxy_nothing_is_enforced() {
    let told = [
        "exit code: 0\n",
        "yes - no proxy: nothing is enforced",
        "AuthorizationPolicy bare/all selects it and does nothing",
    ];
    assert_told(&["shop/web", "bare/job", "--port", "9000"], &told);
}

#[test]
fn what_is_not_said_makes_no_yes() {
    let told = ["exit code: 1\n", "cannot tell - it depends on", "say it with --method"];
    assert_told(&["shop/web", "shop/cart", "--port", "8080"], &told);
}

#[test]
fn a_client_that_is_not_there_is_a_wrong_question() {
    assert_told(
        &["shop/gone", "shop/cart", "--port", "8080"],
        &["exit code: 2\n", "no workload `shop/gone` is in the input"],
    );
}

/// A namespace in ambient mode, with a waypoint before its Service.
pub(crate) const AMBIENT: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: way}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: way, namespace: shop}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: web, image: web:1}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: side, namespace: shop}
spec: {template: {metadata: {labels: {app: side, sidecar.istio.io/inject: 'true', istio.io/dataplane-mode: none}}, spec: {containers: [{name: side, image: side:1}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: cart, image: cart:1, ports: [{containerPort: 8080}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: readers, namespace: shop}
spec:
  targetRefs: [{group: '', kind: Service, name: cart}]
  rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}], to: [{operation: {methods: [GET], ports: ['80']}}]}]
";

fn in_ambient(more: &str, method: &str, client: &str) -> String {
    let text = format!("{AMBIENT}{more}");
    let place = Place::new(&[("mesh.yaml", &text)]);
    let words =
        ["mesh", "can", client, "Service/shop/cart", "--port", "80", "--path", "/", "--method", method];
    place.run(&[&words[..], &["mesh.yaml"]].concat())
}

#[test]
fn a_waypoint_asks_the_policies_of_its_service() {
    let told = in_ambient("", "GET", "shop/web");
    assert!(
        told.contains("yes - an ALLOW rule matches") && told.contains("goes through the waypoint shop/way"),
        "{told}"
    );
    let told = in_ambient("", "POST", "shop/web");
    assert!(told.contains("no - at the waypoint: no ALLOW rule matches"), "{told}");
    assert!(told.contains("spec.rules[0].to[0].operation.methods does not match"), "{told}");
}

#[test]
fn behind_a_waypoint_ztunnel_sees_the_waypoint() {
    let policy = |account: &str| {
        format!(
            "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: cart, namespace: shop}}\n\
             spec: {{selector: {{matchLabels: {{app: cart}}}}, rules: [{{from: [{{source: {{serviceAccounts: [{account}]}}}}]}}]}}\n"
        )
    };
    let told = in_ambient(&policy("web"), "GET", "shop/web");
    assert!(
        told.contains(
            "no - behind the waypoint, which calls as spiffe://cluster.local/ns/shop/sa/way, at ztunnel"
        ),
        "{told}"
    );
    let told = in_ambient(&policy("way"), "GET", "shop/web");
    assert!(told.contains("yes - an ALLOW rule matches"), "{told}");
}

#[test]
fn a_sidecar_goes_around_a_waypoint() {
    let told = in_ambient("", "POST", "shop/side");
    assert!(told.contains("yes - no policy keeps it out"), "{told}");
    assert!(
        told.contains(
            "the waypoint shop/way is passed by: only clients in ambient mode go through it, and gateways"
        ),
        "{told}"
    );
}

#[test]
fn a_bad_token_names_who_believes_which() {
    let text = format!(
        "{MESH}---\napiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {{name: jwt, namespace: shop}}\n\
         spec: {{jwtRules: [{{issuer: 'https://issuer.example'}}]}}\n"
    );
    let place = Place::new(&[("mesh.yaml", &text)]);
    let words = [
        "mesh",
        "can",
        "shop/web",
        "shop/cart",
        "--port",
        "8080",
        "--method",
        "GET",
        "--path",
        "/",
        "--host",
        "cart",
    ];
    let told = place.run(&[&words[..], &["--bad-token", "mesh.yaml"]].concat());
    assert!(told.contains("no - the token must not be believed"), "{told}");
    assert!(
        told.contains("RequestAuthentication shop/jwt believes tokens of https://issuer.example"),
        "{told}"
    );
}

#[test]
fn what_the_webhook_refuses_is_said() {
    let text = format!(
        "{MESH}---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: bad, namespace: shop}}\nspec: {{action: DENY}}\n"
    );
    let place = Place::new(&[("mesh.yaml", &text)]);
    let told = place.run(&[
        "mesh",
        "can",
        "shop/web",
        "shop/cart",
        "--port",
        "8080",
        "--method",
        "GET",
        "mesh.yaml",
    ]);
    assert!(
        told.contains("istiod refuses AuthorizationPolicy shop/bad, which is counted in as it is written"),
        "{told}"
    );
}

#[test]
fn an_istiod_of_another_line_is_said() {
    let istiod = |tag: &str| {
        format!(
            "{MESH}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: istiod, namespace: istio-system}}\n\
             spec: {{template: {{spec: {{containers: [{{name: discovery, image: 'docker.io/istio/pilot:{tag}'}}]}}}}}}\n"
        )
    };
    for (tag, told) in [("1.24.3-distroless", true), ("1.31.0", false), ("latest", false)] {
        let text = istiod(tag);
        let answer = Place::new(&[("mesh.yaml", &text)]).run(&["mesh", "mtls", "mesh.yaml"]);
        assert_eq!(
            answer.contains("istiod is of Istio 1.24.3; what is answered here is what 1.31 does"),
            told,
            "{answer}"
        );
    }
}

#[test]
fn the_root_namespace_of_the_input_or_of_the_command_line_counts() {
    let policy = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: db, namespace: mesh}\n\
                  spec: {selector: {matchLabels: {app: db}}, mtls: {mode: STRICT}}\n";
    let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: mesh}\ndata: {mesh: 'rootNamespace: mesh'}\n";
    let operator = "---\napiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: mesh}\nspec: {meshConfig: {rootNamespace: mesh}}\n";
    let check = |text: &str, more: &[&str]| {
        let place = Place::new(&[("mesh.yaml", text)]);
        place.run(&[&["mesh", "check"], more, &["mesh.yaml"]].concat()).contains("RW-MESH-001")
    };
    assert!(!check(policy, &[]));
    assert!(check(&format!("{policy}{map}"), &[]));
    assert!(check(&format!("{policy}{operator}"), &[]));
    assert!(check(policy, &["--root-namespace", "mesh"]));
}

/// The answer to a question about a mesh of its own.
pub(crate) fn answer(text: &str, words: &[&str]) -> String {
    let place = Place::new(&[("mesh.yaml", text)]);
    place.run(&[&["mesh", "can"], words, &["mesh.yaml"]].concat())
}

#[test]
fn gateways_go_through_a_waypoint_where_the_service_says_so() {
    let gateway = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: edge, namespace: shop}\nspec: {template: {metadata: {labels: {app: edge, \
                   sidecar.istio.io/inject: 'false'}}, spec: {containers: [{name: istio-proxy, image: proxy, args: [proxy, router]}]}}}\n";
    let question = ["shop/edge", "Service/shop/cart", "--port", "80", "--method", "POST", "--path", "/"];
    let told = answer(&format!("{AMBIENT}{gateway}"), &question);
    assert!(told.contains("yes - no policy keeps it out") && told.contains("is passed by"), "{told}");
    let service = "metadata: {name: cart, namespace: shop}\nspec: {selector";
    let labelled = AMBIENT.replace(service, "metadata: {name: cart, namespace: shop, labels: {istio.io/ingress-use-waypoint: 'true'}}\nspec: {selector");
    let told = answer(&format!("{labelled}{gateway}"), &question);
    assert!(told.contains("no - at the waypoint: no ALLOW rule matches"), "{told}");
}

#[test]
fn a_waypoint_of_another_namespace_must_take_what_is_attached() {
    let elsewhere = |routes: &str| {
        AMBIENT
            .replace(
                "istio.io/use-waypoint: way}",
                "istio.io/use-waypoint: way, istio.io/use-waypoint-namespace: infra}",
            )
            .replace("metadata: {name: way, namespace: shop}", "metadata: {name: way, namespace: infra}")
            .replace("protocol: HBONE}", &format!("protocol: HBONE{routes}}}"))
    };
    let question = ["shop/web", "Service/shop/cart", "--port", "80", "--method", "POST", "--path", "/"];
    let told = answer(&elsewhere(""), &question);
    assert!(
        told.contains("yes - no policy keeps it out") && told.contains("takes nothing from this namespace"),
        "{told}"
    );
    let told = answer(&elsewhere(", allowedRoutes: {namespaces: {from: All}}"), &question);
    assert!(told.contains("no - at the waypoint"), "{told}");
}

#[test]
fn a_waypoint_guards_a_service_whatever_its_pods_are() {
    let outside =
        AMBIENT.replace("{labels: {app: cart}}", "{labels: {app: cart, istio.io/dataplane-mode: none}}");
    let told = answer(
        &outside,
        &["shop/web", "Service/shop/cart", "--port", "80", "--method", "POST", "--path", "/"],
    );
    assert!(told.contains("no - at the waypoint: no ALLOW rule matches"), "{told}");
}

/// An egress gateway whose listener may ask for certificates of the mesh, and a client whose rule sends it one.
const EGRESS: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: web, image: web:1}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: gate, namespace: shop}
spec: {template: {metadata: {labels: {app: gate, sidecar.istio.io/inject: 'false'}}, spec: {containers: [{name: istio-proxy, image: proxy, args: [proxy, router], ports: [{containerPort: 8443}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: gate, namespace: shop}
spec: {selector: {app: gate}, ports: [{name: tls, port: 443, targetPort: 8443}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: gate, namespace: shop}
spec: {host: gate, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: known, namespace: shop}
spec: {selector: {matchLabels: {app: gate}}, action: DENY, rules: [{from: [{source: {notPrincipals: ['*']}}]}]}
";

#[test]
fn a_gateway_knows_its_client_where_its_listener_asks_for_a_certificate() {
    let listener = |tls: &str| {
        format!(
            "{EGRESS}---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: gate, namespace: shop}}\n\
             spec: {{selector: {{app: gate}}, servers: [{{port: {{number: 443, name: tls, protocol: HTTPS}}, hosts: ['*'], tls: {{mode: {tls}}}}}]}}\n"
        )
    };
    let question = ["shop/web", "Service/shop/gate", "--port", "443"];
    let told = answer(&listener("ISTIO_MUTUAL"), &question);
    assert!(told.contains("takes STRICT: a listener of Gateway shop/gate"), "{told}");
    assert!(told.contains("identity: spiffe://cluster.local/ns/shop/sa/web"), "{told}");
    assert!(
        told.contains("cannot tell - no policy keeps it out, and the gateway's listeners decide"),
        "{told}"
    );
    let told = answer(&listener("SIMPLE"), &question);
    assert!(told.contains("no - the connection is broken"), "{told}");
    let told = answer(EGRESS, &question);
    let wanted =
        "cannot tell - it depends on whether the gateway's listener asks for certificates of the mesh";
    assert!(told.contains(wanted), "{told}");
    let told = answer(EGRESS, &["cluster.local/ns/shop/sa/web", "Service/shop/gate", "--port", "443"]);
    assert!(told.contains(wanted), "{told}");
}

#[test]
fn a_namespace_that_is_not_in_the_input_may_make_the_answer() {
    let without = MESH.split_once("---\n").map(|(_, rest)| rest).unwrap_or_default();
    let place = Place::new(&[("mesh.yaml", without)]);
    let told = place.run(&["mesh", "mtls", "mesh.yaml"]);
    assert!(told.contains("not in the input, and may ask for sidecars or ambient"), "{told}");
    let told = answer(
        without,
        &["shop/web", "shop/cart", "--port", "8080", "--method", "DELETE", "--path", "/", "--host", "cart"],
    );
    let wanted =
        "cannot tell - it depends on whether Namespace shop, which is not in the input, asks for sidecars";
    assert!(told.contains(wanted), "{told}");
}

#[test]
fn the_oldest_service_says_what_a_port_carries() {
    let service = |name: &str, port: &str, year: &str| {
        let created = if year.is_empty() {
            String::new()
        } else {
            format!(", creationTimestamp: '{year}-01-01T00:00:00Z'")
        };
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop{created}}}\n\
             spec: {{selector: {{app: gate}}, ports: [{{name: {port}, port: 80, targetPort: 8080}}]}}\n"
        )
    };
    let policy = "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: get, namespace: shop}\n\
                  spec: {selector: {matchLabels: {app: app}}, rules: [{to: [{operation: {methods: [GET]}}]}]}\n";
    let mesh = |tcp: &str, http: &str| {
        let app = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: enabled}}\n---\n\
                   apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app, namespace: shop}\n\
                   spec: {template: {metadata: {labels: {app: app}}, spec: {containers: [{name: app, image: app:1}]}}}\n";
        let services =
            [service("a", "tcp", tcp), service("b", "http", http)].concat().replace("app: gate", "app: app");
        format!("{app}{services}{policy}")
    };
    let ask = |text: &str| {
        answer(text, &["shop/app", "Service/shop/b", "--port", "80", "--method", "GET", "--path", "/"])
    };
    let told = ask(&mesh("2020", "2024"));
    assert!(told.contains("no - no ALLOW rule matches"), "the older one carries TCP: {told}");
    let told = ask(&mesh("2024", "2020"));
    assert!(told.contains("yes - an ALLOW rule matches"), "{told}");
    let sidecar = |ingress: &str| {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {{name: own, namespace: shop}}\n\
             spec: {{ingress: [{{port: {{{ingress}, name: x}}, defaultEndpoint: '127.0.0.1:8080'}}]}}\n"
        )
    };
    let told = ask(&format!("{}{}", mesh("2024", "2020"), sidecar("number: 8080, protocol: TCP")));
    assert!(told.contains("no - no ALLOW rule matches"), "the Sidecar says TCP: {told}");
    let told = ask(&format!("{}{}", mesh("2020", "2024"), sidecar("number: 9090, protocol: TCP")));
    assert!(told.contains("yes - an ALLOW rule matches"), "it has no listener for the port: {told}");
    let told = ask(&mesh("", ""));
    assert!(told.contains("do not agree on whether the port carries HTTP"), "{told}");
}

#[test]
fn what_a_waypoint_sends_on_may_be_refused() {
    let sidecar = AMBIENT.replace(
        "{labels: {app: cart}}",
        "{labels: {app: cart, sidecar.istio.io/inject: 'true', istio.io/dataplane-mode: none, networking.istio.io/tunnel: none}}",
    );
    let strict = "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: all, namespace: shop}\nspec: {mtls: {mode: STRICT}}\n";
    let question = ["shop/web", "Service/shop/cart", "--port", "80", "--method", "GET", "--path", "/"];
    let told = answer(&sidecar, &question);
    assert!(told.contains("yes - an ALLOW rule") && told.contains("the waypoint sends plaintext"), "{told}");
    let strict = format!("{sidecar}{strict}");
    let told = answer(&strict, &question);
    assert!(told.contains("no - the waypoint sends plaintext to the server, which refuses it"), "{told}");
    let place = Place::new(&[("mesh.yaml", &strict)]);
    let told = place.run(&["mesh", "matrix", "--client", "shop/web", "mesh.yaml"]);
    let wanted = "  refused  Deployment shop/web\n    goes through the waypoint shop/way  mesh.yaml:3:67\n    the waypoint sends plaintext: ";
    assert!(told.contains(wanted), "{told}");
}

#[test]
fn a_principal_of_nobody_may_or_may_not_go_through_a_waypoint() {
    let question =
        |who: &'static str| [who, "Service/shop/cart", "--port", "80", "--method", "POST", "--path", "/"];
    let told = answer(AMBIENT, &question("cluster.local/ns/shop/sa/web"));
    assert!(told.contains("no - at the waypoint"), "{told}");
    let told = answer(AMBIENT, &question("cluster.local/ns/other/sa/x"));
    assert!(told.contains("cannot tell - it depends on whether the caller is in ambient mode"), "{told}");
}

#[test]
fn a_sidecar_takes_no_certificate_of_another_trust_domain() {
    let told = answer(
        MESH,
        &["other.td/ns/shop/sa/web", "shop/cart", "--port", "8080", "--method", "GET", "--path", "/"],
    );
    assert!(told.contains("no - the server's proxy takes no certificate of that trust domain"), "{told}");
}

#[test]
fn a_port_of_a_service_is_meant_where_the_workload_has_another_name() {
    let renamed =
        MESH.replace("kind: Service\nmetadata: {name: cart,", "kind: Service\nmetadata: {name: basket,");
    let told = answer(&renamed, &["shop/web", "shop/cart", "--port", "80", "--method", "GET", "--path", "/"]);
    assert!(
        told.contains("yes - an ALLOW rule matches") && told.contains("by Service shop/basket:80"),
        "{told}"
    );
}

#[test]
fn a_header_that_nobody_said_makes_no_answer() {
    let policy = "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: beta, namespace: shop}\n\
                  spec: {action: DENY, rules: [{when: [{key: 'request.headers[x-beta]', values: ['1']}]}]}\n";
    let question = ["shop/web", "shop/cart", "--port", "8080", "--method", "GET", "--path", "/"];
    let told = answer(&format!("{MESH}{policy}"), &question);
    assert!(told.contains("cannot tell") && told.contains("say those that are sent with --header"), "{told}");
    let told = answer(&format!("{MESH}{policy}"), &[&question[..], &["--header", "x-team=a"]].concat());
    assert!(told.contains("yes - an ALLOW rule matches"), "{told}");
}

#[test]
fn a_plan_leaves_out_who_does_not_call_and_names_what_is_called_from_outside() {
    let open = MESH
        .replace("spec: {mtls: {mode: STRICT}}", "spec: {mtls: {mode: PERMISSIVE}}")
        .replace("spec: {selector: {app: cart},", "spec: {type: NodePort, selector: {app: cart},");
    let place = Place::new(&[("mesh.yaml", &open)]);
    let told = place.run(&["mesh", "plan", "--strict", "shop", "mesh.yaml"]);
    assert!(told.contains("1 call breaks") && told.contains("Deployment bare/job → shop/cart:80"), "{told}");
    assert!(told.contains("Service shop/cart is a NodePort"), "{told}");
    let told = place.run(&["mesh", "plan", "--strict", "shop", "--without-client", "bare/", "mesh.yaml"]);
    assert!(told.contains("exit code: 0") && told.contains("No call breaks"), "{told}");
}

#[test]
fn a_gateway_whose_pods_istiod_makes_can_be_asked_about() {
    let gateway = "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: public, namespace: shop}\n\
                   spec: {gatewayClassName: istio, listeners: [{name: web, port: 80, protocol: HTTP}]}\n";
    let policies = "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: edge, namespace: shop}\n\
                    spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: public}], action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}\n\
                    ---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: inner, namespace: shop}\n\
                    spec: {selector: {matchLabels: {app: web}}, rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/public-istio]}}]}]}\n";
    let text = format!("{MESH}{gateway}{policies}");
    let told = answer(
        &text,
        &["shop/web", "shop/public", "--port", "80", "--method", "GET", "--path", "/admin", "--host", "x"],
    );
    assert!(told.contains("no - a DENY rule matches") && told.contains("asked: the gateway"), "{told}");
    let told = answer(
        &text,
        &["shop/web", "Gateway/shop/public", "--port", "80", "--method", "GET", "--path", "/", "--host", "x"],
    );
    assert!(
        told.contains("cannot tell - no policy keeps it out, and the gateway's listeners decide"),
        "{told}"
    );
    let told = answer(&text, &["shop/web", "shop/public", "--port", "81"]);
    assert!(told.contains("has no listener on port 81") && told.contains("exit code: 2"), "{told}");
    let told = answer(&text, &["shop/public", "shop/web", "--port", "8080"]);
    assert!(told.contains("yes - an ALLOW rule matches") && told.contains("sa/public-istio"), "{told}");
    let other = text.replace("gatewayClassName: istio,", "gatewayClassName: nginx,");
    let told = answer(&other, &["shop/public", "shop/web", "--port", "8080"]);
    assert!(told.contains("which account the pods of") && told.contains("exit code: 2"), "{told}");
}

#[test]
fn a_plan_knows_who_has_no_certificate_and_is_no_workload() {
    let open = MESH.replace("spec: {mtls: {mode: STRICT}}", "spec: {mtls: {mode: PERMISSIVE}}");
    let more = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: check}\n\
                webhooks: [{name: check.example, clientConfig: {service: {namespace: shop, name: cart, port: 80}}}]\n\
                ---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\n\
                spec: {ingressClassName: nginx, defaultBackend: {service: {name: cart, port: {number: 80}}}}\n\
                ---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: istiod, namespace: istio-system}\n\
                spec: {template: {metadata: {labels: {app: istiod}}, spec: {containers: [{name: d, image: d}]}}}\n";
    let place = Place::new(&[("mesh.yaml", &format!("{open}{more}"))]);
    let told = place.run(&["mesh", "plan", "--strict", "shop", "--without-client", "bare/", "mesh.yaml"]);
    for wanted in [
        "1 call breaks",
        "the API server → shop/cart:80",
        "it asks for webhook check.example without a certificate of the mesh",
        "Ingress shop/web leads to Service shop/cart",
        "8080 in namespace shop",
    ] {
        assert!(told.contains(wanted), "{wanted} is not in\n{told}");
    }
    assert!(!told.contains("istiod"), "the control plane calls nobody: {told}");
}

#[test]
fn the_order_of_documents_does_not_choose_between_waypoints() {
    let guarded = "---\napiVersion: v1\nkind: Service\nmetadata: {name: guarded, namespace: shop, labels: {istio.io/use-waypoint: way}}\n\
                   spec: {selector: {app: cart}, ports: [{name: http, port: 8080}]}\n---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
                   metadata: {name: guard, namespace: shop}\nspec: {targetRefs: [{group: '', kind: Service, name: guarded}], action: DENY, rules: [{}]}\n";
    let open = AMBIENT
        .replace(", istio.io/use-waypoint: way}", "}")
        .replace("port: 80, targetPort: 8080", "port: 8080");
    let question = ["shop/web", "shop/cart", "--port", "8080", "--method", "POST", "--path", "/"];
    for text in [format!("{open}{guarded}"), format!("{}---\n{open}", guarded.trim_start_matches("---\n"))] {
        let told = answer(&text, &question);
        assert!(told.contains("cannot tell - it depends on which way the call takes"), "{told}");
    }
}

#[test]
fn authorizers_that_the_input_does_not_show_make_no_answer() {
    let custom = "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: ask, namespace: shop}\n\
                  spec: {action: CUSTOM, provider: {name: oauth}, rules: [{}]}\n";
    let question = ["shop/web", "shop/cart", "--port", "8080", "--method", "GET", "--path", "/"];
    let told = answer(&format!("{MESH}{custom}"), &question);
    assert!(
        told.contains(
            "cannot tell - a CUSTOM policy matches, and which authorizers the mesh has is not in the input"
        ),
        "{told}"
    );
    let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: 'extensionProviders: [{name: other}]'}\n";
    let told = answer(&format!("{MESH}{custom}{map}"), &question);
    assert!(told.contains("no - a CUSTOM policy matches, and its authorizer cannot be asked"), "{told}");
}
