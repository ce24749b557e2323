//! istiod's own examples of policies and the filters that it makes of them: a small reading of Envoy's RBAC says of many requests what a
//! filter's rule says, and the compiled rule must say the same.
//!
//! A value that matches everything hides what stands beside it, so such values are taken out of both sides where others are left.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use regex::Regex;
use ringwall_mesh::authorization::compile::{Compiled, Layer};
use ringwall_mesh::authorization::judge::{Authorizer, Verdict};
use ringwall_mesh::authorization::policy::{Action, AuthorizationPolicy, Values};
use ringwall_mesh::authorization::request::{Http, Request, Token};
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::request_authentication::{RequestAuthentication, TokenRules};
use ringwall_model::address::{Address, Block};
use ringwall_model::object::Object;
use serde_json::Value;

use crate::common::{conformance, objects, value};

/// The policies, the filters, and the names of the trust domain.
const HTTP: &[(&str, &[&str], &[&str])] = &[
    ("allow-empty-rule", &["allow-empty-rule"], &[]),
    ("allow-full-rule", &["allow-full-rule"], &[]),
    ("allow-nil-rule", &["allow-nil-rule"], &[]),
    ("allow-path", &["allow-path"], &[]),
    ("audit-full-rule", &["audit-full-rule"], &[]),
    ("deny-and-allow", &["deny-and-allow", "1", "2"], &[]),
    ("deny-empty-rule", &["deny-empty-rule"], &[]),
    ("dry-run-allow", &["dry-run-allow"], &[]),
    ("dry-run-allow-and-deny", &["dry-run-allow-and-deny", "1", "2"], &[]),
    ("dry-run-mix", &["dry-run-mix"], &[]),
    ("multiple-policies", &["multiple-policies"], &[]),
    ("single-policy", &["single-policy"], &[]),
    ("custom-bad-multiple-providers", &["custom-bad-multiple-providers", "1", "2"], &[]),
    ("custom-simple-http", &["custom-grpc-provider", "1"], &[]),
    ("simple-policy-td-aliases", &["simple-policy-td-aliases"], &["td1", "cluster.local"]),
    (
        "simple-policy-multiple-td-aliases",
        &["simple-policy-multiple-td-aliases"],
        &["td1", "cluster.local", "some-td"],
    ),
    ("simple-policy-principal-with-wildcard", &["simple-policy-principal-with-wildcard"], &["td1", "foobar"]),
    (
        "td-aliases-source-principal",
        &["td-aliases-source-principal"],
        &["new-td", "old-td", "some-trustdomain"],
    ),
    ("trust-domains", &["trust-domains"], &[]),
];

const TCP: &[(&str, &[&str], &[&str])] = &[
    ("allow-both-http-tcp", &["allow-both-http-tcp"], &[]),
    ("allow-only-http", &["allow-only-http"], &[]),
    ("audit-both-http-tcp", &["audit-both-http-tcp"], &[]),
    ("custom-both-http-tcp", &["custom-both-http-tcp", "1"], &[]),
    ("deny-both-http-tcp", &["deny-both-http-tcp"], &[]),
    ("dry-run-mix", &["dry-run-mix"], &[]),
];

#[test]
fn compiled_rules_say_what_the_filters_of_istiod_say() {
    let Some(root) = conformance("istio-authz-builder") else { return };
    let mut compared = 0;
    for (folder, rows, layer) in [("http", HTTP, Layer::Http), ("tcp", TCP, Layer::Tcp)] {
        for (name, outs, domains) in rows {
            compared += compare(&root.join(folder), name, outs, domains, layer);
        }
    }
    assert!(compared > 30, "{compared} rules");
}

/// Compares all rules of a file; says how many.
fn compare(folder: &Path, name: &str, outs: &[&str], domains: &[&str], layer: Layer) -> usize {
    // About a third of istiod's examples are kept elsewhere.
    let Ok(text) = std::fs::read_to_string(folder.join(format!("{name}-in.yaml"))) else { return 0 };
    let files: Vec<String> = match outs {
        [out] => vec![format!("{out}-out.yaml")],
        [out, numbers @ ..] => numbers.iter().map(|number| format!("{out}-out{number}.yaml")).collect(),
        [] => Vec::new(),
    };
    let read = |file: &String| std::fs::read_to_string(folder.join(file)).ok();
    let Some(filters) = files.iter().map(read).collect::<Option<Vec<String>>>() else { return 0 };
    let mut wanted = BTreeMap::new();
    for filter in &filters {
        collect(&value(filter), &mut wanted);
    }
    let mut mesh = MeshConfig::default();
    if let [domain, aliases @ ..] = domains {
        (*domain).clone_into(&mut mesh.trust_domain);
        mesh.trust_domain_aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    }
    let mut compared = 0;
    for (index, object) in objects(&text).iter().enumerate() {
        let policy = AuthorizationPolicy::read(object, index, &mut Vec::new());
        for at in 0..policy.rules.len() {
            let key = format!("ns[{}]-policy[{}]-rule[{at}]", policy.namespace, policy.name);
            let found = wanted.remove(&key);
            compare_rule(&policy, at, found.as_ref(), layer, &mesh, &format!("{name} {key}"));
            compared += 1;
        }
        if policy.rules.is_empty() {
            let never = wanted.remove(&format!("ns[{}]-policy[{}]-rule[0]", policy.namespace, policy.name));
            assert!(never.is_some(), "{name}: a rule that never matches");
        }
    }
    assert!(wanted.is_empty(), "{name}: {:?}", wanted.keys());
    compared
}

/// The rules of a filter by their names, without what stands around these for an authorizer outside.
fn collect(node: &Value, into: &mut BTreeMap<String, Value>) {
    match node {
        Value::Object(fields) => {
            for (key, value) in fields {
                let named = key.find("ns[").zip(key.rfind(']'));
                match named.filter(|_| value.get("permissions").is_some()) {
                    Some((from, to)) => drop(into.insert(key[from..=to].to_owned(), value.clone())),
                    None => collect(value, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}

fn compare_rule(
    policy: &AuthorizationPolicy,
    at: usize,
    wanted: Option<&Value>,
    layer: Layer,
    mesh: &MeshConfig,
    name: &str,
) {
    let mut alone =
        AuthorizationPolicy { rules: vec![policy.rules[at].clone()], dry_run: false, ..policy.clone() };
    let words = words(&alone);
    let stars = prune(&mut alone);
    let wanted = wanted.map(|node| if stars { pruned(node) } else { node.clone() });
    // What is not ALLOW is compiled alike; of these DENY shows in the verdict.
    if alone.action != Action::Allow {
        alone.action = Action::Deny;
    }
    let matched = if alone.action == Action::Allow { Verdict::Allow } else { Verdict::Deny };
    let authorizer = |policy: &AuthorizationPolicy| {
        let compiled = Arc::new(Compiled::new(policy, 0, layer, mesh));
        Authorizer::new([compiled], any_issuer(&words), layer, mesh)
    };
    let one = authorizer(&alone);
    // Over HTTP an action changes nothing of what matches, and only ALLOW says what is missing.
    let allow = authorizer(&AuthorizationPolicy { action: Action::Allow, ..alone.clone() });
    let mut random = Random(7);
    for _ in 0..1_000 {
        let mut asked = Asked::any(&words, &mut random);
        // Only a header tells of another client than the connection's other end.
        asked.remote = asked.remote.filter(|_| layer == Layer::Http);
        let got = asked.with(layer, |request| one.judge(request).verdict);
        assert!(matches!(got, Verdict::Allow | Verdict::Deny), "{name}: {got:?} of {asked:?}");
        let want = wanted.as_ref().map_or(usize::MAX, |node| asked.lacks_of(node));
        assert_eq!(got == matched, want == 0, "{name}: {asked:?}\n{wanted:#?}");
        if layer == Layer::Http {
            // A rule of twenty fields hardly ever matches: each of them counts.
            let misses = asked.with(layer, |request| allow.misses(request));
            let lacks = misses.first().map_or(0, |miss| miss.fields.len());
            assert_eq!(lacks, want, "{name}: {asked:?}\n{misses:?}\n{wanted:#?}");
        }
    }
}

/// Takes the values that match everything out, where others are left in the list; says whether there were some.
fn prune(policy: &mut AuthorizationPolicy) -> bool {
    let mut pruned = false;
    let mut prune = |values: &mut Values| {
        for list in [&mut values.values, &mut values.not_values] {
            if list.iter().any(|value| value != "*") && list.iter().any(|value| value == "*") {
                list.retain(|value| value != "*");
                pruned = true;
            }
        }
    };
    for rule in &mut policy.rules {
        for source in &mut rule.from {
            prune(&mut source.principals);
            prune(&mut source.request_principals);
            prune(&mut source.namespaces);
        }
        for operation in &mut rule.to {
            prune(&mut operation.hosts);
            prune(&mut operation.methods);
            prune(&mut operation.paths);
        }
        rule.when.iter_mut().for_each(|condition| prune(&mut condition.values));
    }
    pruned
}

fn pruned(node: &Value) -> Value {
    match node {
        Value::Array(items) => {
            let kept: Vec<&Value> = items.iter().filter(|item| !is_anything(item)).collect();
            let kept = if kept.is_empty() { items.iter().collect() } else { kept };
            Value::Array(kept.into_iter().map(pruned).collect())
        }
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), pruned(value))).collect())
        }
        other => other.clone(),
    }
}

/// Whether a node of a filter is what is made of a `*`.
fn is_anything(node: &Value) -> bool {
    let text = node.to_string();
    let regexes = text.matches("\"regex\":").count();
    let stars = text.matches(r#""regex":".+""#).count() + text.matches(r#""regex":".*/ns/.*/.*""#).count();
    let other = ["\"exact\":", "\"prefix\":", "\"suffix\":"].iter().any(|key| text.contains(key));
    let is_present = text.contains(r#""presentMatch":true"#) && !text.contains("stringMatch");
    !text.contains("pathTemplate") && !other && (is_present || (regexes > 0 && regexes == stars))
}

/// Texts out of a policy, without stars.
fn words(policy: &AuthorizationPolicy) -> BTreeMap<&'static str, Vec<String>> {
    let mut words: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut add = |kind: &'static str, values: &Values| {
        let all = values.values.iter().chain(&values.not_values);
        let plain = all.map(|value| value.replace("{**}", "a/b").replace("{*}", "a").replace('*', "x"));
        words.entry(kind).or_default().extend(plain);
    };
    for rule in &policy.rules {
        for source in &rule.from {
            add("principal", &source.principals);
            add("token", &source.request_principals);
            add("namespace", &source.namespaces);
            add("account", &source.service_accounts);
            add("domain", &source.trust_domains);
            add("source", &source.ip_blocks);
            add("remote", &source.remote_ip_blocks);
        }
        for operation in &rule.to {
            add("host", &operation.hosts);
            add("method", &operation.methods);
            add("path", &operation.paths);
            add("port", &operation.ports);
        }
        for condition in &rule.when {
            let kind = match condition.key.as_str() {
                "source.principal" => "principal",
                "source.namespace" => "namespace",
                "source.serviceAccount" => "account",
                "source.trustDomain" => "domain",
                "source.ip" => "source",
                "remote.ip" => "remote",
                "destination.ip" => "destination",
                "destination.port" => "port",
                "connection.sni" => "sni",
                "request.auth.principal" => "token",
                "request.auth.audiences" => "aud",
                "request.auth.presenter" => "azp",
                key if key.starts_with("request.headers") => "header",
                key if key.starts_with("request.auth.claims") => "claim",
                _ => continue,
            };
            add(kind, &condition.values);
        }
    }
    words
}

/// Rules for tokens of all issuers that requests come with.
fn any_issuer(words: &BTreeMap<&'static str, Vec<String>>) -> TokenRules {
    let mut issuers: Vec<String> = vec!["else".to_owned()];
    for token in words.get("token").into_iter().flatten() {
        issuers.push(token.rsplit_once('/').map_or(token.as_str(), |(issuer, _)| issuer).to_owned());
    }
    let longer: Vec<String> =
        words.get("token").into_iter().flatten().map(|token| format!("{token}x")).collect();
    issuers.extend(
        longer
            .iter()
            .map(|token| token.rsplit_once('/').map_or(token.as_str(), |(issuer, _)| issuer).to_owned()),
    );
    issuers.sort();
    issuers.dedup();
    let rules: Vec<String> = issuers.iter().map(|issuer| format!("  - {{issuer: {issuer:?}}}")).collect();
    let list = rules.join("\n");
    let text = format!(
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\n\
         metadata: {{name: a, namespace: foo}}\nspec:\n  jwtRules:\n{list}"
    );
    let all = [RequestAuthentication::read(&objects(&text)[0], 0, &mut Vec::new())];
    let labels = Vec::new();
    let workload = ringwall_mesh::authorization::select::Workload {
        namespace: "foo",
        labels: &labels,
        is_waypoint: false,
        service: None,
    };
    TokenRules::for_workload(&all, &workload, "istio-system")
}

/// Numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// A request, and what Envoy's filter says of it.
#[derive(Debug)]
struct Asked {
    peer: Option<String>,
    source: String,
    remote: Option<String>,
    destination: String,
    port: u16,
    sni: String,
    method: String,
    path: String,
    host: String,
    header: Option<String>,
    /// The claims as an object, under `spec`.
    claims: Option<Value>,
}

impl Asked {
    fn any(words: &BTreeMap<&'static str, Vec<String>>, random: &mut Random) -> Self {
        let mut pick = |kind: &str, usual: &str| {
            let all = words.get(kind).map(Vec::as_slice).unwrap_or_default();
            match random.below(5) {
                _ if all.is_empty() => usual.to_owned(),
                0 => usual.to_owned(),
                1 => format!("{}x", all[random.below(all.len())]),
                _ => all[random.below(all.len())].clone(),
            }
        };
        let principal = pick("principal", "cluster.local/ns/ns/sa/else");
        let (domain, namespace, account) =
            (pick("domain", "td"), pick("namespace", "foo"), pick("account", "sa"));
        let (of, account) =
            account.split_once('/').map_or((namespace.as_str(), account.as_str()), |both| both);
        let whole = format!("{domain}/ns/{of}/sa/{account}");
        let token = pick("token", "else/sub");
        let (issuer, subject) = token.rsplit_once('/').unwrap_or((&token, "s"));
        let address = |text: &str| {
            let text = text.trim_end_matches('x');
            text.split_once('/').map_or(text, |(first, _)| first).to_owned()
        };
        let claims = serde_json::json!({
            "iss": issuer, "sub": subject, "aud": [pick("aud", "a"), "z"], "azp": pick("azp", "p"),
            "claim": pick("claim", "c"), "claim-2": [pick("claim", "c")], "claims": pick("claim", "c"),
        });
        let mut asked = Self {
            source: address(&pick("source", "1.1.1.1")),
            remote: Some(address(&pick("remote", "2.2.2.2"))),
            destination: address(&pick("destination", "3.3.3.3")),
            port: pick("port", "1").trim_end_matches('x').parse().unwrap(),
            sni: pick("sni", "sni").to_ascii_lowercase(),
            method: pick("method", "GET"),
            path: pick("path", "/else"),
            host: pick("host", "host"),
            header: Some(pick("header", "value")),
            claims: Some(claims),
            peer: None,
        };
        asked.path = if asked.path.starts_with('/') { asked.path } else { format!("/{}", asked.path) };
        asked.peer = match random.below(8) {
            0 => None,
            1..=4 => Some(format!("spiffe://{principal}")),
            _ => Some(format!("spiffe://{whole}")),
        };
        if random.below(4) == 0 {
            asked.claims = None;
        }
        if random.below(4) == 0 {
            asked.header = None;
        }
        if random.below(4) == 0 {
            asked.remote = None;
        }
        asked
    }

    fn with<T>(&self, layer: Layer, ask: impl Fn(&Request<'_>) -> T) -> T {
        let claims: Option<Object> = self.claims.as_ref().map(|claims| {
            objects(&format!("{{\"apiVersion\":\"v1\",\"kind\":\"Claims\",\"metadata\":{{\"name\":\"c\"}},\"spec\":{claims}}}"))
                .remove(0)
        });
        let mut headers = Vec::new();
        headers.extend(self.header.as_deref().map(|value| ("X-header", value)));
        headers.extend(self.remote.as_deref().map(|remote| ("x-forwarded-for", remote)));
        let token =
            claims.as_ref().map_or(Token::Missing, |object| Token::Valid(object.root().get("spec").unwrap()));
        let http = Http {
            method: &self.method,
            path: &self.path,
            host: &self.host,
            headers: &headers,
            token,
            ..Http::default()
        };
        let request = Request {
            peer: self.peer.as_deref(),
            source: Address::parse(&self.source),
            destination: Address::parse(&self.destination),
            port: self.port,
            sni: &self.sni,
            http: (layer == Layer::Http).then_some(http),
        };
        ask(&request)
    }

    /// How many of the demands of a filter's rule do not hold, where it demands least.
    fn lacks_of(&self, rule: &Value) -> usize {
        let least = |key: &str, and: &str, list: &str| {
            let lacks = |node: &Value| {
                node[and][list].as_array().unwrap().iter().filter(|node| !self.holds(node)).count()
            };
            rule[key].as_array().unwrap().iter().map(lacks).min().unwrap()
        };
        least("permissions", "andRules", "rules") + least("principals", "andIds", "ids")
    }

    fn holds(&self, node: &Value) -> bool {
        let (key, inner) = node.as_object().unwrap().iter().next().unwrap();
        let list = |key: &str| inner[key].as_array().unwrap();
        let within = |address: Option<&str>| {
            let block = format!("{}/{}", inner["addressPrefix"].as_str().unwrap(), inner["prefixLen"]);
            let address = address.and_then(Address::parse);
            address.is_some_and(|address| Block::parse(&block).unwrap().contains(address))
        };
        match key.as_str() {
            "any" => true,
            "andRules" => list("rules").iter().all(|node| self.holds(node)),
            "orRules" => list("rules").iter().any(|node| self.holds(node)),
            "andIds" => list("ids").iter().all(|node| self.holds(node)),
            "orIds" => list("ids").iter().any(|node| self.holds(node)),
            "notRule" | "notId" => !self.holds(inner),
            "authenticated" => self.peer.as_deref().is_some_and(|peer| text(&inner["principalName"], peer)),
            "directRemoteIp" => within(Some(&self.source)),
            "remoteIp" => within(Some(self.remote.as_deref().unwrap_or(&self.source))),
            "destinationIp" => within(Some(&self.destination)),
            "destinationPort" => inner.as_u64() == Some(u64::from(self.port)),
            "requestedServerName" => text(inner, &self.sni),
            "urlPath" => text(&inner["path"], &self.path),
            "uriTemplate" => template(inner["typedConfig"]["pathTemplate"].as_str().unwrap(), &self.path),
            "header" => self.header_holds(inner),
            "metadata" => self.metadata_holds(inner),
            other => panic!("{other}"),
        }
    }

    fn header_holds(&self, node: &Value) -> bool {
        let value = match node["name"].as_str().unwrap() {
            ":authority" => Some(self.host.as_str()),
            ":method" => Some(self.method.as_str()),
            name if name.eq_ignore_ascii_case("x-header") => self.header.as_deref(),
            name => panic!("{name}"),
        };
        let Some(value) = value else { return false };
        node["presentMatch"] == true
            || node.get("stringMatch").is_some_and(|matcher| text(matcher, value))
            || node.get("safeRegexMatch").is_some_and(|regex| is_regex(regex, value))
    }

    fn metadata_holds(&self, node: &Value) -> bool {
        if node["filter"] != "envoy.filters.http.jwt_authn" {
            return false;
        }
        let Some(claims) = &self.claims else { return false };
        let keys = node["path"].as_array().unwrap().iter().skip(1);
        let claim = keys.fold(claims, |claim, key| &claim[key["key"].as_str().unwrap()]);
        value_holds(&node["value"], claim)
    }
}

fn value_holds(matcher: &Value, claim: &Value) -> bool {
    let (key, inner) = matcher.as_object().unwrap().iter().next().unwrap();
    match key.as_str() {
        "stringMatch" => claim.as_str().is_some_and(|claim| text(inner, claim)),
        "orMatch" => inner["valueMatchers"].as_array().unwrap().iter().any(|one| value_holds(one, claim)),
        "listMatch" => claim.as_array().into_iter().flatten().any(|item| value_holds(&inner["oneOf"], item)),
        other => panic!("{other}"),
    }
}

fn text(matcher: &Value, value: &str) -> bool {
    let lower = matcher["ignoreCase"] == true;
    let fold = |text: &str| if lower { text.to_ascii_lowercase() } else { text.to_owned() };
    let value = fold(value);
    let of = |key: &str| matcher.get(key).and_then(Value::as_str).map(fold);
    if let Some(exact) = of("exact") {
        value == exact
    } else if let Some(prefix) = of("prefix") {
        value.starts_with(&prefix)
    } else if let Some(suffix) = of("suffix") {
        value.ends_with(&suffix)
    } else {
        is_regex(&matcher["safeRegex"], &value)
    }
}

fn is_regex(matcher: &Value, value: &str) -> bool {
    is_whole(matcher["regex"].as_str().unwrap(), value)
}

fn template(template: &str, path: &str) -> bool {
    const PART: &str = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=";
    let regex =
        regex::escape(template).replace("\\*\\*", &format!("{PART}/]*")).replace("\\*", &format!("{PART}]+"));
    is_whole(&regex, path)
}

/// Whether all of the text is what the regular expression says.
fn is_whole(regex: &str, text: &str) -> bool {
    thread_local! {
        static COMPILED: RefCell<BTreeMap<String, Regex>> = const { RefCell::new(BTreeMap::new()) };
    }
    COMPILED.with_borrow_mut(|compiled| {
        let new = || Regex::new(&format!("^(?:{regex})$")).unwrap();
        compiled.entry(regex.to_owned()).or_insert_with(new).is_match(text)
    })
}
