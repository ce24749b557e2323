//! `ringwall net`: what network policies decide, as users see it.

use insta::assert_snapshot;

use super::{Place, command, examples, in_examples};

const PODS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
";

const DENY: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
";

#[test]
fn the_classic_set_lets_nobody_through() {
    assert_snapshot!(in_examples(&["net", "list", "classic"]));
    assert_snapshot!(in_examples(&[
        "net",
        "can-reach",
        "frontend",
        "backend:8080",
        "-n",
        "production",
        "classic"
    ]));
}

#[test]
fn a_shop_is_listed_and_its_openings_are_told() {
    assert_snapshot!(in_examples(&["net", "list", "shop"]));
    assert_snapshot!(in_examples(&["net", "exposure", "shop"]));
}

#[test]
fn a_policy_is_described_with_whom_it_lets_through() {
    assert_snapshot!(in_examples(&["net", "describe", "data/orders-db", "shop"]));
    assert_snapshot!(in_examples(&["net", "policies", "-n", "payments", "shop"]));
}

/// What a denial proposes is written beside the manifests, and then it is none any more.
#[test]
fn what_is_proposed_lets_it_pass() {
    let place = Place::new(&[("pods.yaml", PODS), ("deny.yaml", DENY)]);
    let args = ["net", "can-reach", "web", "svc/api:80", "-n", "shop", "."];
    assert_eq!(place.code(&args), 1);
    let answer = place.json(&[&args[..], &["-o", "json"]].concat());
    assert_eq!(answer["verdict"], "no");
    assert_eq!(answer["connections"][0]["port"], 8080);
    assert_eq!(answer["connections"][0]["egress"]["verdict"], "yes");
    assert_eq!(answer["connections"][0]["ingress"]["because"][0]["location"]["file"], "deny.yaml");
    let yaml = answer["proposals"][0]["yaml"].as_str().unwrap();
    place.write("allow.yaml", yaml.as_bytes());
    assert_eq!(place.code(&args), 0);
    // It lets nothing else pass.
    let diff = place.json(&["net", "diff", "-o", "json", "deny.yaml", "allow.yaml"]);
    assert_eq!(diff["changes"].as_array().unwrap().len(), 0, "there are no pods in either");
    place.write("base/all.yaml", format!("{PODS}---\n{DENY}").as_bytes());
    place.write("head/all.yaml", format!("{PODS}---\n{DENY}---\n{yaml}").as_bytes());
    assert_snapshot!(place.run(&["net", "diff", "base", "head"]), @r"
    exit code: 1
    ----- stdout -----
    Opened
      + shop/web -> shop/api: TCP 8080
    ----- stderr -----
    ");
    assert_snapshot!(place.run(&["net", "diff", "head", "base"]), @r"
    exit code: 1
    ----- stdout -----
    Closed
      - shop/web -> shop/api: TCP 8080
    ----- stderr -----
    ");
    assert_eq!(place.code(&["net", "diff", "base", "base"]), 0);
}

#[test]
fn ends_that_are_not_there_are_said() {
    let place = Place::new(&[("pods.yaml", PODS)]);
    assert_snapshot!(place.run(&["net", "can-reach", "wep", "api:80", "-n", "shop", "."]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: no workload, pod or Service is called "wep"; is "web" meant?
    "#);
    assert_snapshot!(place.run(&["net", "can-reach", "web", "svc/api:81", "-n", "shop", "."]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: Service shop/api has no TCP 81, but TCP 80
    "#);
    assert_snapshot!(place.run(&["net", "can-reach", "web", "api:0", "-n", "shop", "."]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: "0" is no port, expected one as 8080, 53/udp or http
    "#);
    assert_snapshot!(place.run(&["net", "describe", "deni", "."]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no policy called "deni" in the input
    hint: `ringwall net policies` lists all
    "#);
}

/// One bad object is reported, and the rest is answered.
#[test]
fn a_bad_policy_is_reported_and_the_rest_is_answered() {
    let bad = "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/40}}]}]}";
    let place = Place::new(&[
        ("pods.yaml", PODS),
        ("bad.yaml", &DENY.replace("{podSelector: {}, policyTypes: [Ingress]}", bad)),
    ]);
    assert_snapshot!(place.run(&["net", "can-reach", "web", "api:8080", "-n", "shop", "."]));
}

#[test]
fn a_policy_of_another_api_makes_the_answer_cannot_tell() {
    let cilium = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: l7, namespace: shop}
spec: {endpointSelector: {matchLabels: {app: api}}, ingress: [{}]}
";
    let place = Place::new(&[("pods.yaml", PODS), ("cilium.yaml", cilium)]);
    let answer = place.run(&["net", "can-reach", "web", "api:8080", "-n", "shop", "."]);
    assert!(answer.starts_with("exit code: 1") && answer.contains("cannot tell"), "{answer}");
    assert!(answer.contains("CiliumNetworkPolicy shop/l7") && answer.contains("cilium.yaml:1:1"), "{answer}");
    assert_eq!(place.code(&["net", "can-reach", "--allow-unknown", "web", "api:8080", "-n", "shop", "."]), 0);
}

/// What addresses pods get decides whether a block holds them.
#[test]
fn the_addresses_of_pods_can_be_stated() {
    let block = "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/16}}]}]}";
    let place = Place::new(&[
        ("pods.yaml", PODS),
        ("block.yaml", &DENY.replace("{podSelector: {}, policyTypes: [Ingress]}", block)),
    ]);
    let ask = |more: &[&str]| {
        let args = [&["net", "can-reach", "-o", "json", "web", "api:8080", "-n", "shop", "."], more].concat();
        place.json(&args)["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(ask(&[]), "cannotTell");
    assert_eq!(ask(&["--pod-cidr", "10.1.0.0/16"]), "yes");
    assert_eq!(ask(&["--pod-cidr", "10.2.0.0/16"]), "no");
}

/// All formats of a list say the same, and none lets a name end a field.
#[test]
fn lists_are_written_for_programs_too() {
    let place = Place::new(&[("pods.yaml", PODS), ("deny.yaml", DENY)]);
    let json = place.json(&["net", "list", "-o", "json", "."]);
    let names: Vec<&str> =
        json["ends"].as_array().unwrap().iter().map(|end| end["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["shop/api", "shop/web", "0.0.0.0/0"]);
    assert_eq!(json["connections"][0]["from"], serde_json::json!([0, 1]));
    assert_eq!(json["connections"][0]["to"], serde_json::json!([2]));
    assert_snapshot!(place.run(&["net", "list", "-o", "csv", "."]), @r"
    exit code: 0
    ----- stdout -----
    source,destination,ports,perhaps,family
    shop/api,0.0.0.0/0,all ports,,
    shop/web,0.0.0.0/0,all ports,,
    ----- stderr -----
    ");
    assert_snapshot!(place.run(&["net", "list", "-o", "md", "."]), @r"
    exit code: 0
    ----- stdout -----
    | from | to | ports |
    |---|---|---|
    | `every pod` | `outside` | all ports |

    | Service | behind it | on | reached by |
    |---|---|---|---|
    | shop/api:80 | shop/api | TCP 8080 | nobody |
    ----- stderr -----
    ");
    assert_snapshot!(place.run(&["net", "list", "-o", "dot", "."]), @r#"
    exit code: 0
    ----- stdout -----
    digraph connections {
      rankdir=LR;
      node [shape=box];
      "every pod";
      "outside";
      "every pod" -> "outside" [label="all ports"];
    }
    ----- stderr -----
    "#);
}

/// What was generated keeps what is declared when it is read again.
#[test]
fn generated_policies_are_read_again() {
    let pods = PODS.replacen(
        "ports: [{name: http",
        "env: [{name: API_URL, value: 'http://api/v1'}], ports: [{name: http",
        1,
    );
    let place = Place::new(&[("k8s/pods.yaml", &pods)]);
    let output = command(place.path(), &["net", "generate", "k8s"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    place.write("k8s/policies.yaml", &output.stdout);
    assert_eq!(place.code(&["net", "can-reach", "web", "svc/api:80", "-n", "shop", "k8s"]), 0);
    assert_eq!(place.code(&["net", "can-reach", "api", "web:8080", "-n", "shop", "k8s"]), 1);
    assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn flows_that_were_seen_are_kept() {
    let flows = "source,destination,port,protocol\nshop/api,shop/web,8080,TCP\nshop/web,198.51.100.7,443,TCP\nshop/web,gone/x,1,TCP\n";
    let place = Place::new(&[("k8s/pods.yaml", PODS), ("flows.csv", flows)]);
    let output =
        command(place.path(), &["net", "generate", "--from-flows", "flows.csv", "k8s"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("gone/x: there is nothing of its namespace in the input"), "{told}");
    place.write("k8s/policies.yaml", &output.stdout);
    assert_eq!(place.code(&["net", "can-reach", "api", "web:8080", "-n", "shop", "k8s"]), 0);
    assert_eq!(place.code(&["net", "can-reach", "web", "api:8080", "-n", "shop", "k8s"]), 1);
    assert_eq!(place.code(&["net", "can-reach", "web", "198.51.100.7:443", "-n", "shop", "k8s"]), 0);
    place.write("flows.csv", b"source,destination,port\nnonsense\n");
    assert_eq!(place.code(&["net", "generate", "--from-flows", "flows.csv", "k8s"]), 2);
}

#[test]
fn the_internet_is_asked_for_as_such() {
    let code = |to: &str| {
        let args = ["net", "can-reach", "internet", to, "-n", "shop", "shop"];
        command(&examples(), &args).output().unwrap().status.code()
    };
    assert_eq!(code("svc/checkout-callbacks:80"), Some(0));
    assert_eq!(code("storefront:8080"), Some(1));
}

/// The reports of np-guard's analyzer: conformance compares all of its own, this is how they are asked for.
#[test]
fn reports_are_written_as_np_guard_writes_them() {
    let place = Place::new(&[("pods.yaml", PODS), ("deny.yaml", DENY)]);
    let text = ["api", "web"]
        .map(|name| format!("shop/{name}[Pod] => 0.0.0.0-255.255.255.255[External] : All Connections\n"));
    let wanted = format!("exit code: 0\n----- stdout -----\n{}----- stderr -----\n", text.concat());
    assert_eq!(place.run(&["net", "list", "-o", "npguard", "."]), wanted);
    assert_eq!(place.code(&["net", "diff", "-o", "npguard-json", ".", "."]), 2);
    assert_eq!(place.code(&["net", "diff", "-o", "npguard-md", ".", "pods.yaml"]), 1);
}

/// What the input does not hold is no reason to say no.
#[test]
fn what_is_not_known_is_not_denied() {
    let more = "\
---
apiVersion: v1
kind: Service
metadata: {name: far, namespace: shop}
spec: {type: ExternalName, externalName: db.example.com, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: stated, namespace: shop}
spec: {ports: [{port: 5432}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec:
  template:
    metadata: {labels: {app: agent}}
    spec: {hostNetwork: true, containers: [{name: c, image: i}]}
";
    let place = Place::new(&[("pods.yaml", PODS), ("more.yaml", more), ("deny.yaml", DENY)]);
    let verdict = |from: &str, to: &str| {
        let answer = place.json(&["net", "can-reach", "-o", "json", from, to, "-n", "shop", "."]);
        answer["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict("web", "svc/far:5432"), "cannotTell", "names outside have addresses");
    assert_eq!(verdict("web", "svc/stated:5432"), "cannotTell", "somebody states its endpoints elsewhere");
    assert_eq!(verdict("web", "2001:db8::1"), "cannotTell", "pods may speak IPv6");
    assert_eq!(verdict("agent", "api:8080"), "cannotTell", "the node of a pod always reaches it");
    assert_eq!(verdict("web", "api:8080"), "no");
}

/// Of the internet some addresses may pass and others not: that is neither yes nor no, and no policy for one address is proposed.
#[test]
fn the_internet_is_more_than_one_address() {
    let block = "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/24}}]}]}";
    let some = DENY.replace("{podSelector: {}, policyTypes: [Ingress]}", block);
    let place = Place::new(&[("pods.yaml", PODS), ("some.yaml", &some)]);
    let answer = place.json(&["net", "can-reach", "-o", "json", "internet", "api:8080", "-n", "shop", "."]);
    assert_eq!(answer["verdict"], "cannotTell");
    let place = Place::new(&[("pods.yaml", PODS), ("deny.yaml", DENY)]);
    let answer = place.json(&["net", "can-reach", "-o", "json", "internet", "api:8080", "-n", "shop", "."]);
    assert_eq!(
        (answer["verdict"].as_str(), answer["proposals"].as_array().map(Vec::len)),
        (Some("no"), Some(0))
    );
}
