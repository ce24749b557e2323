//! Verdicts, what decided, and how near a rule came.

use std::sync::Arc;

use ringwall_mesh::authorization::compile::{Compiled, Layer};
use ringwall_mesh::authorization::judge::{Authorizer, Because, Decision, Verdict};
use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::authorization::request::{Http, Request, Token, TokenPlace};
use ringwall_mesh::authorization::select::{Workload, select};
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::request_authentication::{RequestAuthentication, TokenRules};

use crate::common::{objects, policies};

const WEB: &str = "spiffe://cluster.local/ns/alpha/sa/web";

fn authorizer(policies: &[AuthorizationPolicy], layer: Layer) -> Authorizer {
    let mesh = MeshConfig::default();
    let compiled =
        policies.iter().enumerate().map(|(at, policy)| Arc::new(Compiled::new(policy, at, layer, &mesh)));
    Authorizer::new(compiled, TokenRules::default(), layer, &mesh)
}

fn get(path: &str) -> Request<'_> {
    let http = Http { method: "GET", path, host: "shop", ..Http::default() };
    Request { peer: Some(WEB), port: 8080, http: Some(http), ..Request::default() }
}

fn judge(specs: &str, request: &Request<'_>) -> Decision {
    authorizer(&policies(specs), Layer::Http).judge(request)
}

#[test]
fn the_deciding_rule_is_named() {
    let specs = "\
rules:
- to:
  - operation: {paths: [/a]}
- to:
  - operation: {paths: [/b*]}
---
action: DENY
rules:
- to:
  - operation: {paths: [/bad]}
";
    let b = judge(specs, &get("/b"));
    assert_eq!(
        (b.verdict, b.policy, b.rule, b.because),
        (Verdict::Allow, Some(0), Some(1), Because::Matched)
    );
    let bad = judge(specs, &get("/bad"));
    assert_eq!((bad.verdict, bad.policy, bad.rule), (Verdict::Deny, Some(1), Some(0)), "DENY before ALLOW");
    let other = judge(specs, &get("/c"));
    assert_eq!((other.verdict, other.policy, other.because), (Verdict::Deny, None, Because::NotAllowed));
}

#[test]
fn a_denial_says_which_field_of_the_nearest_rule_failed() {
    let specs = "\
rules:
- from:
  - source: {namespaces: [beta]}
  to:
  - operation: {methods: [POST], paths: [/a]}
- from:
  - source: {namespaces: [beta]}
  - source: {principals: [cluster.local/ns/alpha/sa/web]}
  to:
  - operation: {paths: [/x]}
  - operation: {methods: [GET], notPaths: [/a]}
---
{}
";
    let authorizer = authorizer(&policies(specs), Layer::Http);
    let misses = authorizer.misses(&get("/a"));
    let shown: Vec<(usize, Vec<String>)> = misses
        .iter()
        .map(|miss| (miss.policy, miss.fields.iter().map(|place| place.path().to_string()).collect()))
        .collect();
    assert_eq!(shown[0], (0, vec!["spec.rules[1].to[0].operation.paths".to_owned()]));
    let of_first = ["spec.rules[0].from[0].source.namespaces", "spec.rules[0].to[0].operation.methods"];
    assert_eq!(shown[1], (0, of_first.map(str::to_owned).to_vec()));
    assert_eq!(shown[2], (1, Vec::new()), "what has no rules is never near");
    assert_eq!(authorizer.misses(&get("/b")), [], "it is let in");
}

#[test]
fn an_allow_without_rules_denies_all_and_a_dry_run_nothing() {
    assert_eq!(judge("{}", &get("/")).because, Because::NotAllowed);
    let mut dry = policies("{}");
    dry[0].dry_run = true;
    assert_eq!(authorizer(&dry, Layer::Http).judge(&get("/")).because, Because::Free);
}

#[test]
fn over_bytes_deny_is_wider_and_allow_narrower() {
    let rule = "rules:\n- to:\n  - operation: {methods: [PUT]}\n";
    let bytes = Request { peer: Some(WEB), port: 8080, ..Request::default() };
    let deny = policies(&format!("action: DENY\n{rule}"));
    assert_eq!(authorizer(&deny, Layer::Tcp).judge(&bytes).verdict, Verdict::Deny);
    let compiled = Compiled::new(&deny[0], 0, Layer::Tcp, &MeshConfig::default());
    let widened: Vec<String> = compiled.widened.iter().map(|place| place.path().to_string()).collect();
    assert_eq!(
        (widened, compiled.dropped),
        (vec!["spec.rules[0].to[0].operation.methods".to_owned()], vec![])
    );
    let allow = policies(rule);
    assert_eq!(authorizer(&allow, Layer::Tcp).judge(&bytes).because, Because::NotAllowed);
    let compiled = Compiled::new(&allow[0], 0, Layer::Tcp, &MeshConfig::default());
    assert_eq!((compiled.widened, compiled.dropped), (vec![], vec![0]));
}

#[test]
fn custom_asks_one_authorizer_that_the_mesh_knows() {
    let custom = |name: &str| {
        format!("action: CUSTOM\nprovider: {{name: {name}}}\nrules:\n- to:\n  - operation: {{paths: [/a]}}\n")
    };
    let mesh = MeshConfig {
        extension_providers: vec!["opa".to_owned(), "other".to_owned()],
        ..MeshConfig::default()
    };
    let judge = |specs: &str, path: &str| {
        let policies = policies(specs);
        let compiled = policies
            .iter()
            .enumerate()
            .map(|(at, policy)| Arc::new(Compiled::new(policy, at, Layer::Http, &mesh)));
        let authorizer = Authorizer::new(compiled, TokenRules::default(), Layer::Http, &mesh);
        let decision = authorizer.judge(&get(path));
        (decision.verdict, decision.because, decision.asks)
    };
    assert_eq!(judge(&custom("opa"), "/a"), (Verdict::Allow, Because::Free, Some(0)));
    assert_eq!(judge(&custom("opa"), "/b"), (Verdict::Allow, Because::Free, None));
    assert_eq!(judge(&custom("none"), "/a"), (Verdict::Deny, Because::NobodyToAsk, None));
    let two = format!("{}---\n{}", custom("opa"), custom("other"));
    assert_eq!(judge(&two, "/a"), (Verdict::Deny, Because::NobodyToAsk, None), "one of several is not asked");
}

#[test]
fn a_token_is_not_demanded_but_must_be_good() {
    let text = "\
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: ra, namespace: alpha}
spec:
  jwtRules:
  - {issuer: me, audiences: [https://shop/]}
";
    let mut refusals = Vec::new();
    let all = [RequestAuthentication::read(&objects(text)[0], 0, &mut refusals)];
    let labels = Vec::new();
    let workload = Workload { namespace: "alpha", labels: &labels, is_waypoint: false, service: None };
    let tokens = TokenRules::for_workload(&all, &workload, "istio-system");
    let authorizer = Authorizer::new([], tokens, Layer::Http, &MeshConfig::default());
    let claims = |text: &str| {
        objects(&format!("apiVersion: v1\nkind: Claims\nmetadata: {{name: c}}\nspec: {text}\n")).remove(0)
    };
    let verdict = |method: &str, headers: &[(&str, &str)], token: Token<'_>| {
        let http = Http { method, path: "/", host: "shop", headers, token, ..Http::default() };
        authorizer.judge(&Request { http: Some(http), ..Request::default() }).verdict
    };
    assert_eq!(verdict("GET", &[], Token::Missing), Verdict::Allow);
    assert_eq!(verdict("GET", &[], Token::Broken), Verdict::Unauthenticated);
    for (text, want) in [
        ("{iss: me, aud: [x, shop]}", Verdict::Allow),
        ("{iss: me, aud: other}", Verdict::Deny),
        ("{iss: me, aud: 7}", Verdict::Unauthenticated),
        ("{iss: me}", Verdict::Deny),
        ("{iss: you, aud: shop}", Verdict::Unauthenticated),
        ("{aud: shop}", Verdict::Unauthenticated),
    ] {
        let object = claims(text);
        assert_eq!(verdict("GET", &[], Token::Valid(object.root().get("spec").unwrap())), want, "{text}");
        // The signature is looked at after issuer and audience.
        let forged = if want == Verdict::Allow { Verdict::Unauthenticated } else { want };
        assert_eq!(verdict("GET", &[], Token::Forged(object.root().get("spec").unwrap())), forged, "{text}");
    }
    // A parameter is looked at where the rule names no place, and a header only where it does.
    let at = |token_at: TokenPlace<'_>| {
        let http = Http { path: "/", token: Token::Broken, token_at, ..Http::default() };
        authorizer.judge(&Request { http: Some(http), ..Request::default() }).verdict
    };
    assert_eq!(at(TokenPlace::Param("access_token")), Verdict::Unauthenticated);
    assert_eq!(
        (at(TokenPlace::Header("x-jwt")), at(TokenPlace::Cookie("jwt"))),
        (Verdict::Allow, Verdict::Allow)
    );
    let preflight = [("Origin", "https://a"), ("Access-Control-Request-Method", "PUT")];
    assert_eq!(
        verdict("OPTIONS", &preflight, Token::Broken),
        Verdict::Allow,
        "a browser's first question passes"
    );
}

#[test]
fn what_is_of_the_wrong_type_is_said_and_the_rest_is_read() {
    let text = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: a, namespace: alpha, annotations: {istio.io/dry-run: maybe}}
spec:
  action: deny
  rules:
  - to:
    - operation: {ports: [80, \"81\"], paths: /a}
    - 7
  - from: {}
";
    let mut refusals = Vec::new();
    let policy = AuthorizationPolicy::read(&objects(text)[0], 0, &mut refusals);
    let said: Vec<String> =
        refusals.iter().map(|refusal| format!("{}: {}", refusal.place.path, refusal.message)).collect();
    assert_eq!(
        said,
        [
            "spec.action: deny is none of ALLOW, DENY, AUDIT, CUSTOM",
            "spec.rules[0].to[1]: expected a mapping, got an integer",
            "spec.rules[0].to[0].operation.ports[0]: expected a string, got an integer",
            "spec.rules[0].to[0].operation.paths: expected a list, got a string",
            "spec.rules[1].from: expected a list, got a mapping",
            "metadata.annotations[istio.io/dry-run]: expected \"true\" or \"false\"",
        ]
    );
    assert_eq!(policy.rules[0].to[0].ports.values, ["81"]);
    assert_eq!((policy.rules.len(), policy.rules[0].to.len()), (2, 2));
}

#[test]
fn policies_are_listed_as_istiod_lists_them() {
    let mut all = policies("{}\n---\n{}\n---\n{}\n---\n{}\n");
    all[1].namespace = "istio-system".to_owned();
    all[2].created = Some("2026-01-01T00:00:00Z".to_owned());
    all[3].namespace = "beta".to_owned();
    let labels = Vec::new();
    let workload = Workload { namespace: "alpha", labels: &labels, is_waypoint: false, service: None };
    assert_eq!(select(&all, &workload, "istio-system"), [1, 0, 2]);
}

#[test]
fn a_header_sent_twice_is_matched_value_by_value() {
    let asks = |clause: &str, headers: &[(&str, &str)]| {
        let spec = format!("rules:\n- when:\n  - {{key: \"request.headers[X-Team]\", {clause}}}\n");
        let http = Http { method: "GET", path: "/", host: "shop", headers, ..Http::default() };
        judge(&spec, &Request { http: Some(http), ..Request::default() }).verdict
    };
    let twice = [("x-team", " red "), ("X-TEAM", "blue")];
    assert_eq!(asks("values: [red]", &twice), Verdict::Allow);
    assert_eq!(asks("values: [blue]", &twice), Verdict::Allow);
    assert_eq!(asks("values: [\"red,blue\"]", &twice), Verdict::Deny);
    assert_eq!(asks("values: [red]", &[("x-team", "red,blue")]), Verdict::Deny, "one header is one value");
    assert_eq!(asks("notValues: [red]", &twice), Verdict::Deny);
    assert_eq!(asks("notValues: [red]", &[]), Verdict::Allow, "what is not there is none of them");
    assert_eq!(asks("values: [\"*\"]", &[("x-team", "")]), Verdict::Allow);
}

#[test]
fn a_whole_url_tells_host_and_path() {
    let specs = "rules:\n- to:\n  - operation: {hosts: [h], paths: [/p, /]}\n";
    for (url, verdict) in [
        ("http://h/p", Verdict::Allow),
        ("HTTP://H", Verdict::Allow),
        ("https://other/p", Verdict::Deny),
        ("http:///p", Verdict::BadRequest),
        ("http://h?x", Verdict::BadRequest),
        ("ftp://h/p", Verdict::BadRequest),
    ] {
        assert_eq!(judge(specs, &get(url)).verdict, verdict, "{url}");
    }
}

#[test]
fn the_client_is_the_last_that_the_header_tells() {
    let spec = "rules:\n- from:\n  - source: {remoteIpBlocks: [10.0.0.0/8]}\n";
    let source = ringwall_model::address::Address::parse("10.9.9.9");
    for (told, verdict) in [
        ("1.2.3.4, 10.1.2.3", Verdict::Allow),
        ("10.1.2.3, 1.2.3.4", Verdict::Deny),
        ("junk", Verdict::Allow),
        ("::ffff:10.1.2.3", Verdict::Deny),
    ] {
        let headers = [("X-Forwarded-For", told)];
        let http = Http { method: "GET", path: "/", host: "shop", headers: &headers, ..Http::default() };
        let request = Request { source, http: Some(http), ..Request::default() };
        assert_eq!(judge(spec, &request).verdict, verdict, "{told}");
    }
}
