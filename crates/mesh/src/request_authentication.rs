//! `RequestAuthentication`: which tokens a proxy takes. It demands none: a request without a token passes, and only one that must not be
//! believed is refused.
//!
//! Source: `pilot/pkg/security/authn/policy_applier.go`, Envoy's `jwt_authn` filter.

use ringwall_model::object::Object;
use ringwall_model::tree::{Kind, Node};

use crate::authorization::policy::{GROUP, TargetRef};
use crate::authorization::request::{Http, Token, TokenPlace};
use crate::authorization::select::Workload;
use crate::place::{Misread, Pairs};
use crate::reader::{At, Reader};

/// Where a rule looks for a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JwtPlace {
    /// In `authorization: Bearer`.
    Authorization,
    /// In this header, maybe with something before it.
    Header(String),
    /// In this parameter of the query.
    Param(String),
    /// In this cookie.
    Cookie(String),
}

impl JwtPlace {
    fn is(&self, place: TokenPlace<'_>) -> bool {
        match (self, place) {
            (Self::Authorization, TokenPlace::Authorization) => true,
            (Self::Header(own), TokenPlace::Header(name)) => own.eq_ignore_ascii_case(name),
            (Self::Param(own), TokenPlace::Param(name)) | (Self::Cookie(own), TokenPlace::Cookie(name)) => {
                own == name
            }
            _ => false,
        }
    }
}

/// One issuer whose tokens are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JwtRule {
    /// The issuer, as its tokens name it.
    pub issuer: String,
    /// Audiences of which a token must name one; empty for any.
    pub audiences: Vec<String>,
    /// Whether its keys stand in the object.
    pub has_keys: bool,
    /// Where its keys are; empty where they stand in the object, or are to be found from the issuer.
    pub jwks_uri: String,
    /// Where a token is looked for.
    pub places: Vec<JwtPlace>,
    /// Claims whose text is a list of words, besides `scope` and `permission`.
    pub space_delimited: Vec<String>,
}

impl JwtRule {
    /// Whether a token is looked for there.
    fn looks_at(&self, place: TokenPlace<'_>) -> bool {
        self.places.iter().any(|own| own.is(place))
    }
}

/// A `RequestAuthentication`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestAuthentication {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.creationTimestamp`, where a cluster gave one.
    pub created: Option<String>,
    /// The labels of the workloads that it is for; `None` where it names none.
    pub selector: Option<Pairs>,
    /// What it is attached to instead.
    pub targets: Vec<TargetRef>,
    /// Its issuers.
    pub rules: Vec<JwtRule>,
}

impl RequestAuthentication {
    /// Whether the object is one.
    pub fn is(object: &Object) -> bool {
        object.is(GROUP, "RequestAuthentication")
    }

    /// Reads one; what is of the wrong type is told, and the rest is read.
    pub fn read(object: &Object, index: usize, misread: &mut Vec<Misread>) -> Self {
        let mut reader = Reader { object: index, misread };
        let mut read = Self {
            object: index,
            namespace: object.id.namespace.clone().unwrap_or_else(|| "default".to_owned()),
            name: object.id.name.clone(),
            created: object.root().str_at(&["metadata", "creationTimestamp"]).map(str::to_owned),
            ..Self::default()
        };
        if let Some(spec) = reader.mapping(&At::root(object), "spec") {
            read.selector = reader.selector(&spec);
            read.targets = reader.targets(&spec);
            let rules = reader.mappings_in_place(&spec, "jwtRules");
            read.rules = rules.iter().map(|at| reader.jwt_rule(at)).collect();
        }
        read
    }
}

impl Reader<'_> {
    fn jwt_rule(&mut self, at: &At<'_>) -> JwtRule {
        let mut places = Vec::new();
        for header in self.mappings_in_place(at, "fromHeaders") {
            let name = self.text(&header, "name").unwrap_or_default();
            let prefix = self.text(&header, "prefix").unwrap_or_default();
            let is_usual = name.eq_ignore_ascii_case("authorization") && prefix.trim_end() == "Bearer";
            places.push(if is_usual { JwtPlace::Authorization } else { JwtPlace::Header(name.to_owned()) });
        }
        places.extend(self.owned_texts(at, "fromParams").into_iter().map(JwtPlace::Param));
        places.extend(self.owned_texts(at, "fromCookies").into_iter().map(JwtPlace::Cookie));
        if places.is_empty() {
            places = vec![JwtPlace::Authorization, JwtPlace::Param("access_token".to_owned())];
        }
        JwtRule {
            issuer: self.text(at, "issuer").unwrap_or_default().to_owned(),
            audiences: self.owned_texts(at, "audiences"),
            has_keys: self.text(at, "jwks").is_some_and(|keys| !keys.is_empty()),
            jwks_uri: self.text(at, "jwksUri").unwrap_or_default().to_owned(),
            places,
            space_delimited: self.owned_texts(at, "spaceDelimitedClaims"),
        }
    }
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BadToken {
    /// It is none, its signature does not hold, or it is not its time: 401.
    Broken,
    /// No rule names its issuer: 401.
    UnknownIssuer,
    /// It is for other audiences: 403.
    Audience,
}

/// The rules that a workload's proxy follows.
#[derive(Clone, Debug, Default)]
pub struct TokenRules {
    rules: Vec<(JwtRule, Vec<String>)>,
}

/// What a token was let pass with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Believed<'r> {
    pub(crate) claims: Option<Node<'r>>,
    pub(crate) words: &'r [String],
}

impl TokenRules {
    /// The rules of all the objects that count for a workload, by issuer.
    pub fn for_workload(all: &[RequestAuthentication], workload: &Workload<'_>, root: &str) -> Self {
        let mut taken: Vec<&RequestAuthentication> = all
            .iter()
            .filter(|one| workload.takes(&one.namespace, one.selector.as_ref(), &one.targets, root))
            .collect();
        taken.sort_by_key(|one| {
            (
                one.namespace != workload.namespace,
                one.namespace != root,
                &one.created,
                &one.name,
                &one.namespace,
            )
        });
        let mut rules: Vec<(JwtRule, Vec<String>)> = taken
            .iter()
            .flat_map(|one| &one.rules)
            .map(|rule| {
                let mut words = vec!["permission".to_owned(), "scope".to_owned()];
                words.extend(rule.space_delimited.iter().cloned());
                (rule.clone(), words)
            })
            .collect();
        rules.sort_by(|(a, _), (b, _)| a.issuer.cmp(&b.issuer));
        Self { rules }
    }

    /// Whether no token is looked at.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What a request may say of itself by its token.
    ///
    /// # Errors
    /// A token that must not be believed.
    pub(crate) fn check<'r>(&'r self, http: &Http<'r>) -> Result<Believed<'r>, BadToken> {
        if !self.rules.iter().any(|(rule, _)| rule.looks_at(http.token_at)) || is_preflight(http) {
            return Ok(Believed::default());
        }
        let claims = match http.token {
            Token::Missing => return Ok(Believed::default()),
            Token::Broken => return Err(BadToken::Broken),
            Token::Valid(claims) | Token::Forged(claims) => claims,
        };
        if !is_token(claims) {
            return Err(BadToken::Broken);
        }
        // Of several rules for the issuer one must take it; where none does, the first says why.
        let mut bad = None;
        let issuer = claims.get("iss").and_then(Node::as_str).unwrap_or_default();
        for (rule, words) in
            self.rules.iter().filter(|(rule, _)| rule.looks_at(http.token_at) && rule.issuer == issuer)
        {
            // The signature is looked at last.
            let why = match (has_audience(rule, claims), http.token) {
                (false, _) => BadToken::Audience,
                (true, Token::Forged(_)) => BadToken::Broken,
                (true, _) => return Ok(Believed { claims: Some(claims), words }),
            };
            bad.get_or_insert(why);
        }
        Err(bad.unwrap_or(BadToken::UnknownIssuer))
    }
}

/// Whether a browser asks what it may ask: such a request carries no token, and the filter lets it by.
fn is_preflight(http: &Http<'_>) -> bool {
    let has = |name: &str| {
        http.headers.iter().any(|(own, value)| own.eq_ignore_ascii_case(name) && !value.trim().is_empty())
    };
    http.method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

/// Whether the claims that every token may have are of their types: another token is none.
fn is_token(claims: Node<'_>) -> bool {
    let is_text = |node: Node<'_>| node.as_str().is_some();
    let texts = ["iss", "sub", "jti"].iter().all(|key| claims.get(key).is_none_or(is_text));
    let audience = claims.get("aud");
    texts
        && audience
            .is_none_or(|node| is_text(node) || (node.kind() == Kind::Sequence && node.items().all(is_text)))
}

/// Whether the token names one of the rule's audiences. A scheme and a slash at the end do not count.
fn has_audience(rule: &JwtRule, claims: Node<'_>) -> bool {
    if rule.audiences.is_empty() {
        return true;
    }
    let Some(claim) = claims.get("aud") else { return false };
    let one = claim.as_str().into_iter();
    let mut named = one.chain(claim.items().filter_map(Node::as_str)).map(bare_audience);
    named.any(|named| rule.audiences.iter().any(|audience| bare_audience(audience) == named))
}

fn bare_audience(audience: &str) -> &str {
    let bare =
        audience.strip_prefix("https://").or_else(|| audience.strip_prefix("http://")).unwrap_or(audience);
    bare.strip_suffix('/').unwrap_or(bare)
}
