//! Op `authz`: requests to one workload behind a sidecar or a waypoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringwall_mesh::authorization::compile::{Compiled, Layer};
use ringwall_mesh::authorization::judge::{Authorizer, Verdict};
use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::authorization::request::{Http, Request, Token, TokenPlace};
use ringwall_mesh::authorization::select::{ServiceKind, ServiceRef, Workload, select};
use ringwall_mesh::place::sorted;
use ringwall_mesh::request_authentication::{RequestAuthentication, TokenRules};
use ringwall_model::address::Address;
use ringwall_model::tree::{Node, Tree};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answered, Line, objects};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case<'f> {
    id: String,
    #[serde(borrow)]
    mesh_config: Option<&'f RawValue>,
    #[serde(borrow)]
    resources: Vec<&'f RawValue>,
    workload: Option<Stated>,
    #[serde(borrow, default)]
    requests: Vec<Asked<'f>>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Stated {
    namespace: String,
    labels: BTreeMap<String, String>,
    service: String,
    waypoint: bool,
    protocol: String,
}

impl Default for Stated {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            labels: BTreeMap::new(),
            service: String::new(),
            waypoint: false,
            protocol: String::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Asked<'f> {
    pub(super) principal: String,
    pub(super) source_ip: String,
    pub(super) dest_ip: String,
    pub(super) port: u16,
    method: String,
    path: String,
    host: String,
    headers: BTreeMap<String, String>,
    sni: String,
    #[serde(borrow)]
    jwt: Option<&'f RawValue>,
    bad_jwt: bool,
    pub(super) workload: String,
}

/// When the reference was asked: a token that ran out before is no good.
const ASKED_AT: i64 = 1_787_000_000;

pub(super) fn answer(line: &Line<'_>) -> Result<Answered, String> {
    let case: Case<'_> = serde_json::from_str(line.case.get()).map_err(|error| error.to_string())?;
    let want: Value = serde_json::from_str(line.want.get()).map_err(|error| error.to_string())?;
    let mesh = objects::mesh(case.mesh_config)?;
    let (mut policies, mut authentications, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    for (index, object) in objects::objects(&case.id, &case.resources)?.iter().enumerate() {
        if AuthorizationPolicy::is(object) {
            policies.push(AuthorizationPolicy::read(object, index, &mut refusals));
        } else if RequestAuthentication::is(object) {
            authentications.push(RequestAuthentication::read(object, index, &mut refusals));
        }
    }
    if let Some(refusal) = refusals.first() {
        return Ok(super::refused(&want, &refusal.message));
    }
    let stated = case.workload.unwrap_or_default();
    let service =
        ServiceRef { kind: ServiceKind::Service, namespace: &stated.namespace, name: &stated.service };
    let labels = sorted(
        stated.labels.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect(),
    );
    let workload = Workload {
        namespace: &stated.namespace,
        labels: &labels,
        is_waypoint: stated.waypoint,
        service: (!stated.service.is_empty()).then_some(service),
    };
    let layer = if stated.protocol == "tcp" { Layer::Tcp } else { Layer::Http };
    let compiled = select(&policies, &workload, &mesh.root_namespace)
        .into_iter()
        .map(|index| Arc::new(Compiled::new(&policies[index], index, layer, &mesh)));
    let tokens = TokenRules::for_workload(&authentications, &workload, &mesh.root_namespace);
    let authorizer = Authorizer::new(compiled, tokens, layer, &mesh);
    let results: Result<Vec<&str>, String> =
        case.requests.iter().map(|asked| one(&authorizer, asked, layer)).collect();
    let got = json!({ "results": results? });
    let mut want = want;
    if let Some(fields) = want.as_object_mut() {
        // The names of the filters are for a reader; a case without requests has no results.
        fields.remove("filters");
        fields.entry("results").or_insert_with(|| json!([]));
    }
    Ok(Answered::exact(&want, got))
}

fn one(authorizer: &Authorizer, asked: &Asked<'_>, layer: Layer) -> Result<&'static str, String> {
    let or =
        |text: &'_ str, usual: &'static str| if text.is_empty() { usual.to_owned() } else { text.to_owned() };
    let (method, path, host) =
        (or(&asked.method, "GET"), or(&asked.path, "/"), or(&asked.host, "svc.example.com"));
    // The oracle sends this one besides.
    let usual = [("content-length", "0")]
        .into_iter()
        .chain(asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let headers: Vec<(&str, &str)> = usual.collect();
    let claims: Option<Tree> = asked.jwt.map(|text| objects::tree("jwt", text.get())).transpose()?;
    // What a case writes itself where a token stands is none.
    let written =
        headers.iter().find(|(name, value)| is_bearer(name, value)).map(|_| TokenPlace::Authorization);
    let in_query = path.contains("?access_token=").then_some(TokenPlace::Param("access_token"));
    let other = asked.headers.keys().find(|name| name.contains("jwt")).map(|name| TokenPlace::Header(name));
    let broken = written.or(in_query).or(other);
    let token = match &claims {
        None if broken.is_some() => Token::Broken,
        None => Token::Missing,
        Some(claims) if !is_in_time(claims.root()) => Token::Broken,
        Some(claims) if asked.bad_jwt => Token::Forged(claims.root()),
        Some(claims) => Token::Valid(claims.root()),
    };
    let token_at = broken.filter(|_| claims.is_none()).unwrap_or_default();
    let peer = (!asked.principal.is_empty()).then(|| format!("spiffe://{}", asked.principal));
    let request = Request {
        peer: peer.as_deref(),
        source: Address::parse(&asked.source_ip),
        destination: Address::parse(&asked.dest_ip),
        port: asked.port,
        // Without TLS the name is never said.
        sni: if peer.is_some() { &asked.sni } else { "" },
        http: (layer == Layer::Http).then_some(Http {
            method: &method,
            path: &path,
            host: &host,
            headers: &headers,
            token,
            token_at,
        }),
    };
    let verdict = authorizer.judge(&request).verdict;
    let is_near = !authorizer.misses(&request).is_empty();
    if is_near && verdict == Verdict::Allow {
        return Err("an allow that misses".to_owned());
    }
    Ok(match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Unauthenticated => "unauthenticated",
        Verdict::BadRequest => "http:400",
    })
}

fn is_bearer(name: &str, value: &str) -> bool {
    name.eq_ignore_ascii_case("authorization") && value.starts_with("Bearer ")
}

fn is_in_time(claims: Node<'_>) -> bool {
    let time = |key: &str| claims.get(key).and_then(Node::as_i64);
    time("exp").is_none_or(|until| until > ASKED_AT) && time("nbf").is_none_or(|from| from <= ASKED_AT)
}
