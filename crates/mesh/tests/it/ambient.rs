//! What ztunnel is sent: istiod's own examples, and the corners where it differs from a sidecar.

use proptest::prelude::*;
use ringwall_mesh::authorization::judge::{Because, Verdict};
use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::peer::PeerAuthentication;
use ringwall_mesh::ztunnel::{Ambient, AmbientWorkload, Connection};
use serde_json::Value;

use crate::common::{conformance, objects, policies, value};

/// What is sent of the objects in a text, but for what stands for all strict `PeerAuthentication`s.
fn sent(text: &str) -> Vec<Value> {
    let (mut policies, mut peers, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    for (index, object) in objects(text).iter().enumerate() {
        if AuthorizationPolicy::is(object) {
            policies.push(AuthorizationPolicy::read(object, index, &mut refusals));
        }
        peers.extend(PeerAuthentication::read(object, index, &mut refusals));
    }
    assert_eq!(refusals, [], "{text}");
    let ambient = Ambient::new(&policies, peers, &MeshConfig::default());
    let all =
        ambient.authorizations().iter().map(|one| serde_json::from_str::<Value>(&one.to_json()).unwrap());
    all.filter(|one| one["name"] != "istio_converted_static_strict").collect()
}

#[test]
fn the_conversion_is_that_of_istiod() {
    let Some(folder) = conformance("istio-ambient") else { return };
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(stem) = path.file_name().and_then(|name| name.to_str()?.strip_suffix("-in.yaml")) else {
            continue;
        };
        let got = sent(&std::fs::read_to_string(&path).unwrap());
        let want = std::fs::read_to_string(path.with_file_name(format!("{stem}.yaml"))).unwrap_or_default();
        let want: Vec<Value> = if want.trim().is_empty() {
            Vec::new()
        } else {
            let mut want = value(&want);
            // There an object without a namespace is in none.
            want.as_object_mut().unwrap().entry("namespace").or_insert_with(|| "default".into());
            vec![want]
        };
        assert_eq!(got, want, "{stem}");
        compared += 1;
    }
    assert!(compared > 10, "{compared}");
}

/// The verdict on a connection of `beta/web` to port 8080 of the workloads of `alpha`, and on a plaintext one.
fn verdicts(specs: &str) -> [(Verdict, Because); 2] {
    let ambient = Ambient::new(&policies(specs), Vec::new(), &MeshConfig::default());
    let labels = vec![("app".into(), "srv".into())];
    let bound = ambient.bind(&AmbientWorkload { namespace: "alpha", labels: &labels });
    [Some("cluster.local/ns/beta/sa/web"), None].map(|peer| {
        let decision = bound.judge(&Connection { peer, source: None, destination: None, port: 8080 });
        (decision.verdict, decision.because)
    })
}

#[test]
fn a_deny_with_one_item_that_is_only_about_requests_never_fires() {
    let spec = "action: DENY\nrules:\n- from:\n  - source: {namespaces: [beta]}\n";
    assert_eq!(verdicts(spec)[0], (Verdict::Deny, Because::Matched));
    let with_method = format!("{spec}  to:\n  - operation: {{methods: [GET]}}\n");
    assert_eq!(verdicts(&with_method)[0], (Verdict::Allow, Because::Free));
    let with_port = format!("{spec}  to:\n  - operation: {{methods: [GET], ports: [\"8080\"]}}\n");
    assert_eq!(
        verdicts(&with_port)[0],
        (Verdict::Deny, Because::Matched),
        "the port is kept, for all methods"
    );
}

#[test]
fn an_empty_selector_binds_nothing() {
    let deny = |selector: &str| verdicts(&format!("action: DENY\n{selector}rules: [{{}}]\n"))[1].0;
    assert_eq!(deny(""), Verdict::Deny);
    assert_eq!(deny("selector: {matchLabels: {app: srv}}\n"), Verdict::Deny);
    assert_eq!(deny("selector: {matchLabels: {}}\n"), Verdict::Allow);
}

#[test]
fn what_excludes_an_identity_lets_plaintext_in() {
    let [beta, plain] =
        verdicts("rules:\n- from:\n  - source: {notPrincipals: [cluster.local/ns/beta/sa/web]}\n");
    assert_eq!((beta.0, plain.0), (Verdict::Deny, Verdict::Allow));
}

#[test]
fn a_denial_says_which_field_of_the_nearest_rule_failed() {
    let specs = "\
rules:
- from:
  - source: {namespaces: [gamma]}
  - source: {principals: [\"*\"], notNamespaces: [beta]}
  to:
  - operation: {ports: [\"8080\"]}
- to:
  - operation: {ports: [\"9090\"]}
  when:
  - {key: source.namespace, values: [gamma]}
---
rules:
- to:
  - operation: {methods: [GET]}
";
    let ambient = Ambient::new(&policies(specs), Vec::new(), &MeshConfig::default());
    let labels = Vec::new();
    let bound = ambient.bind(&AmbientWorkload { namespace: "alpha", labels: &labels });
    let peer = Some("cluster.local/ns/beta/sa/web");
    let misses = bound.misses(&Connection { peer, source: None, destination: None, port: 8080 });
    let shown: Vec<(usize, Vec<String>)> = misses
        .iter()
        .map(|miss| (miss.policy, miss.fields.iter().map(|place| place.path().to_string()).collect()))
        .collect();
    let both =
        ["spec.rules[1].to[0].operation.ports", "spec.rules[1].when[0].values"].map(str::to_owned).to_vec();
    let one = vec!["spec.rules[0].from[0].source.namespaces".to_owned()];
    assert_eq!(shown, [(0, one), (0, both), (1, Vec::new())], "a rule that is left out is never near");
}

#[test]
fn a_strict_port_under_a_strict_mesh_opens_a_permissive_workload() {
    let text = "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: mesh, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: own, namespace: alpha}
spec:
  selector: {matchLabels: {app: srv}}
  mtls: {mode: PERMISSIVE}
  portLevelMtls: {8080: {mode: STRICT}}
";
    let mut refusals = Vec::new();
    let peers = objects(text)
        .iter()
        .filter_map(|object| PeerAuthentication::read(object, 0, &mut refusals))
        .collect();
    let ambient = Ambient::new(&[], peers, &MeshConfig::default());
    let labels = vec![("app".into(), "srv".into())];
    let bound = ambient.bind(&AmbientWorkload { namespace: "alpha", labels: &labels });
    assert_eq!(bound.missing, ["alpha/converted_peer_authentication_own"]);
    let decision = bound.judge(&Connection { peer: None, source: None, destination: None, port: 8080 });
    assert_eq!((decision.verdict, decision.because), (Verdict::Allow, Because::MissingPolicy));
}

proptest! {
    #[test]
    fn any_identity_is_judged(peer in "[a/ns]{0,16}", value in "[*a/ns]{1,6}") {
        let spec = format!("rules:\n- from:\n  - source: {{principals: [\"{value}\"], notNamespaces: [\"{value}\"]}}\n");
        let ambient = Ambient::new(&policies(&spec), Vec::new(), &MeshConfig::default());
        let labels = Vec::new();
        let bound = ambient.bind(&AmbientWorkload { namespace: "alpha", labels: &labels });
        let _ = bound.judge(&Connection { peer: Some(&peer), source: None, destination: None, port: 1 });
        for one in ambient.authorizations() {
            prop_assert!(serde_json::from_str::<Value>(&one.to_json()).is_ok());
        }
    }
}
