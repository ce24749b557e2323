//! A policy as the filters that istiod makes of it. Source: `pilot/pkg/security/authz/{builder,model,matcher}`.

use std::net::IpAddr;
use std::sync::Arc;

use ringwall_model::address::{Address, Block};
use ringwall_model::tree::Node;

use super::identity::{Identity, domains_with_aliases, with_aliases};
use super::path::PathMatch;
use super::place::{Part, Place};
use super::policy::{Action, AuthorizationPolicy, Condition, Operation, Rule, Source, Values};
use super::request::{Seen, address};
use super::strings::Text;
use crate::config::MeshConfig;
use crate::quirks::ACCOUNT_DOTS;

/// What the proxy sees of the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// Requests: a port of HTTP at a sidecar, and a waypoint.
    Http,
    /// Bytes: what a policy says of requests cannot be asked. ALLOW loses the whole rule, and so is narrower; of DENY, AUDIT and CUSTOM
    /// the condition alone is dropped, and they are wider.
    Tcp,
}

/// A policy, compiled once for all workloads that take it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The index that it was given, of the policy in its list.
    pub index: usize,
    /// What it does with what it matches.
    pub action: Action,
    /// Whether it only reports.
    pub dry_run: bool,
    /// The authorizer that CUSTOM asks.
    pub provider: Arc<str>,
    /// The rules that are left.
    rules: Vec<CompiledRule>,
    /// The rules that are left out, by their index in the policy: for bytes, those of an ALLOW policy that ask for requests; always, those
    /// that Istio cannot read.
    pub dropped: Vec<usize>,
    /// The fields that are left out of rules that stay, which are wider for it.
    pub widened: Vec<Place>,
}

/// A rule. The items of `when` stand once, though istiod repeats them with each item of `from` and `to`: that says the same.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRule {
    pub(crate) index: usize,
    pub(crate) from: Vec<Vec<Clause>>,
    pub(crate) to: Vec<Vec<Clause>>,
    pub(crate) when: Vec<Clause>,
}

/// One field of a rule: one of its values, or none of them.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) place: Place,
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Identity(Vec<Identity>),
    Source(Vec<Block>),
    Remote(Vec<Block>),
    Destination(Vec<Block>),
    Port(Vec<u16>),
    Sni(Vec<Text>),
    Method(Vec<Text>),
    Host(Vec<Text>),
    Path(Vec<PathMatch>),
    /// The name is in lower case.
    Header(Box<str>, Vec<Text>),
    /// Issuer and subject.
    Token(Vec<(Text, Text)>),
    Claim(Vec<Box<str>>, Vec<Text>),
    /// What other filters of the proxy noted, which nothing here knows.
    Noted,
}

impl Clause {
    /// Whether the field holds of the request.
    pub(crate) fn holds(&self, seen: &Seen<'_>) -> bool {
        self.test.matches(seen) != self.negated
    }
}

fn any_block(blocks: &[Block], address: Option<Address>) -> bool {
    address.is_some_and(|address| blocks.iter().any(|block| block.contains(address)))
}

impl Test {
    fn matches(&self, seen: &Seen<'_>) -> bool {
        let http = seen.request.http.as_ref();
        match self {
            Self::Identity(any) => {
                seen.request.peer.is_some_and(|uri| any.iter().any(|one| one.matches(uri)))
            }
            Self::Source(blocks) => any_block(blocks, seen.request.source),
            Self::Remote(blocks) => any_block(blocks, seen.remote()),
            Self::Destination(blocks) => any_block(blocks, seen.request.destination),
            Self::Port(ports) => ports.contains(&seen.request.port),
            Self::Sni(any) => any.iter().any(|one| one.matches_lower(seen.request.sni)),
            Self::Method(any) => {
                http.is_some_and(|http| any.iter().any(|one| one.matches_header(http.method)))
            }
            Self::Host(any) => http.is_some() && any.iter().any(|one| one.matches_any_case(seen.host)),
            Self::Path(any) => http.is_some() && any.iter().any(|one| one.matches(seen.path())),
            Self::Header(name, any) => {
                seen.header(name, |value| any.iter().any(|one| one.matches_header(value)))
            }
            Self::Token(any) => {
                let text = |key: &str| seen.claims.and_then(|claims| claims.get(key)).and_then(Node::as_str);
                let (Some(issuer), Some(subject)) = (text("iss"), text("sub")) else { return false };
                any.iter().any(|(iss, sub)| iss.matches(issuer) && sub.matches(subject))
            }
            Self::Claim(way, any) => {
                let Some(claim) = seen.claim(way) else { return false };
                let matches = |text: &str| any.iter().any(|one| one.matches(text));
                match (way.as_slice(), claim.as_str()) {
                    ([top], Some(text)) if seen.words.iter().any(|words| **words == **top) => {
                        text.split(' ').filter(|word| !word.is_empty()).any(matches)
                    }
                    (_, Some(text)) => matches(text),
                    _ => claim.items().filter_map(Node::as_str).any(matches),
                }
            }
            Self::Noted => false,
        }
    }
}

impl CompiledRule {
    pub(crate) fn matches(&self, seen: &Seen<'_>) -> bool {
        let any = |items: &[Vec<Clause>]| {
            items.is_empty() || items.iter().any(|clauses| clauses.iter().all(|clause| clause.holds(seen)))
        };
        self.when.iter().all(|clause| clause.holds(seen)) && any(&self.to) && any(&self.from)
    }

    /// The fields that keep the request from matching: all of `when`, and those of the items of `from` and `to` that lack the fewest.
    pub(crate) fn misses(&self, seen: &Seen<'_>) -> Vec<Place> {
        let failing = |clauses: &[Clause]| -> Vec<Place> {
            clauses.iter().filter(|clause| !clause.holds(seen)).map(|clause| clause.place).collect()
        };
        let nearest = |items: &[Vec<Clause>]| items.iter().map(|item| failing(item)).min_by_key(Vec::len);
        let mut misses = nearest(&self.from).unwrap_or_default();
        misses.extend(nearest(&self.to).unwrap_or_default());
        misses.extend(failing(&self.when));
        misses
    }
}

impl Compiled {
    /// Compiles a policy. Costs its length, and for identities the number of names of the trust domain besides.
    pub fn new(policy: &AuthorizationPolicy, index: usize, layer: Layer, mesh: &MeshConfig) -> Self {
        let mut compiler = Compiler { policy, layer, mesh, widened: Vec::new() };
        let (mut rules, mut dropped) = (Vec::new(), Vec::new());
        for (at, rule) in policy.rules.iter().enumerate() {
            match compiler.rule(at, rule) {
                Ok(rule) => rules.push(rule),
                Err(Dropped) => dropped.push(at),
            }
        }
        Self {
            index,
            action: policy.action,
            dry_run: policy.dry_run,
            provider: policy.provider.as_str().into(),
            rules,
            dropped,
            widened: compiler.widened,
        }
    }

    /// The index of the first rule that matches.
    pub(crate) fn matching(&self, seen: &Seen<'_>) -> Option<usize> {
        self.rules.iter().find(|rule| rule.matches(seen)).map(|rule| rule.index)
    }

    pub(crate) fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }
}

/// The rule is left out.
struct Dropped;

/// The value cannot be asked: the traffic does not show it, or it is none.
struct Unasked;

struct Compiler<'p> {
    policy: &'p AuthorizationPolicy,
    layer: Layer,
    mesh: &'p MeshConfig,
    widened: Vec<Place>,
}

/// Both keys of a field.
type Keys = [&'static str; 2];

const VALUES: Keys = ["values", "notValues"];

impl Compiler<'_> {
    fn rule(&mut self, index: usize, rule: &Rule) -> Result<CompiledRule, Dropped> {
        let kept = self.widened.len();
        let compiled = self.rule_parts(index, rule);
        if compiled.is_err() {
            self.widened.truncate(kept);
        }
        compiled
    }

    fn rule_parts(&mut self, index: usize, rule: &Rule) -> Result<CompiledRule, Dropped> {
        let mut compiled = CompiledRule { index, from: Vec::new(), to: Vec::new(), when: Vec::new() };
        for (at, condition) in rule.when.iter().enumerate() {
            let place = Place { rule: index, part: Part::When(at), field: "" };
            self.condition(condition, place, &mut compiled.when)?;
        }
        for (at, source) in rule.from.iter().enumerate() {
            let place = Place { rule: index, part: Part::From(at), field: "" };
            compiled.from.push(self.source(source, place)?);
        }
        for (at, operation) in rule.to.iter().enumerate() {
            let place = Place { rule: index, part: Part::To(at), field: "" };
            compiled.to.push(self.operation(operation, place)?);
        }
        Ok(compiled)
    }

    /// Both forms of a field. A list whose values are all left out is no demand any more.
    fn field<T>(
        &mut self,
        values: &Values,
        keys: Keys,
        place: Place,
        clauses: &mut Vec<Clause>,
        parse: impl Fn(&str) -> Result<T, Unasked>,
        test: impl Fn(Vec<T>) -> Test,
    ) -> Result<(), Dropped> {
        for (list, field, negated) in [(&values.values, keys[0], false), (&values.not_values, keys[1], true)]
        {
            let place = Place { field, ..place };
            let mut all = Vec::with_capacity(list.len());
            for value in list {
                match parse(value) {
                    Ok(one) => all.push(one),
                    // What would let fewer in is made to let none in; what would keep fewer out is made to keep more out.
                    Err(Unasked) if self.policy.action == Action::Allow => return Err(Dropped),
                    Err(Unasked) => {
                        if self.widened.last() != Some(&place) {
                            self.widened.push(place);
                        }
                    }
                }
            }
            if !all.is_empty() {
                clauses.push(Clause { place, negated, test: test(all) });
            }
        }
        Ok(())
    }

    fn identities(
        &mut self,
        values: &Values,
        keys: Keys,
        place: Place,
        clauses: &mut Vec<Clause>,
        parse: impl Fn(&str) -> Identity,
    ) -> Result<(), Dropped> {
        self.field(values, keys, place, clauses, |value| Ok(parse(value)), Test::Identity)
    }

    fn principals(
        &mut self,
        values: &Values,
        keys: Keys,
        place: Place,
        clauses: &mut Vec<Clause>,
    ) -> Result<(), Dropped> {
        let all = Values {
            values: with_aliases(&values.values, self.mesh),
            not_values: with_aliases(&values.not_values, self.mesh),
        };
        self.identities(&all, keys, place, clauses, Identity::principal)
    }

    fn trust_domains(
        &mut self,
        values: &Values,
        keys: Keys,
        place: Place,
        clauses: &mut Vec<Clause>,
    ) -> Result<(), Dropped> {
        let all = Values {
            values: domains_with_aliases(&values.values, self.mesh),
            not_values: domains_with_aliases(&values.not_values, self.mesh),
        };
        self.identities(&all, keys, place, clauses, Identity::trust_domain)
    }

    fn accounts(
        &mut self,
        values: &Values,
        keys: Keys,
        place: Place,
        clauses: &mut Vec<Clause>,
    ) -> Result<(), Dropped> {
        let namespace = self.policy.namespace.clone();
        let dots_match = ACCOUNT_DOTS.holds(self.mesh.release);
        self.identities(values, keys, place, clauses, |value| {
            Identity::service_account(value, &namespace, dots_match)
        })
    }

    fn source(&mut self, source: &Source, place: Place) -> Result<Vec<Clause>, Dropped> {
        let mut clauses = Vec::new();
        let all = &mut clauses;
        self.principals(&source.principals, ["principals", "notPrincipals"], place, all)?;
        let keys = ["requestPrincipals", "notRequestPrincipals"];
        self.field(&source.request_principals, keys, place, all, http(self.layer, token), Test::Token)?;
        self.accounts(&source.service_accounts, ["serviceAccounts", "notServiceAccounts"], place, all)?;
        self.trust_domains(&source.trust_domains, ["trustDomains", "notTrustDomains"], place, all)?;
        self.identities(
            &source.namespaces,
            ["namespaces", "notNamespaces"],
            place,
            all,
            Identity::namespace,
        )?;
        let keys = ["remoteIpBlocks", "notRemoteIpBlocks"];
        self.field(&source.remote_ip_blocks, keys, place, all, block, Test::Remote)?;
        self.field(&source.ip_blocks, ["ipBlocks", "notIpBlocks"], place, all, block, Test::Source)?;
        Ok(clauses)
    }

    fn operation(&mut self, operation: &Operation, place: Place) -> Result<Vec<Clause>, Dropped> {
        let mut clauses = Vec::new();
        let all = &mut clauses;
        self.field(
            &operation.hosts,
            ["hosts", "notHosts"],
            place,
            all,
            http(self.layer, Text::parse),
            Test::Host,
        )?;
        self.field(
            &operation.methods,
            ["methods", "notMethods"],
            place,
            all,
            http(self.layer, Text::parse),
            Test::Method,
        )?;
        self.field(
            &operation.paths,
            ["paths", "notPaths"],
            place,
            all,
            http(self.layer, PathMatch::parse),
            Test::Path,
        )?;
        self.field(&operation.ports, ["ports", "notPorts"], place, all, port, Test::Port)?;
        Ok(clauses)
    }

    fn condition(
        &mut self,
        condition: &Condition,
        place: Place,
        all: &mut Vec<Clause>,
    ) -> Result<(), Dropped> {
        let values = &condition.values;
        let text = |value: &str| Ok(Text::parse(value));
        match condition.key.as_str() {
            "destination.ip" => self.field(values, VALUES, place, all, block, Test::Destination),
            "destination.port" => self.field(values, VALUES, place, all, port, Test::Port),
            "connection.sni" => self.field(values, VALUES, place, all, text, Test::Sni),
            "source.ip" => self.field(values, VALUES, place, all, block, Test::Source),
            "remote.ip" => self.field(values, VALUES, place, all, block, Test::Remote),
            "source.namespace" => self.identities(values, VALUES, place, all, Identity::namespace),
            "source.trustDomain" => self.trust_domains(values, VALUES, place, all),
            "source.serviceAccount" => self.accounts(values, VALUES, place, all),
            "source.principal" => self.principals(values, VALUES, place, all),
            "request.auth.principal" => {
                self.field(values, VALUES, place, all, http(self.layer, token), Test::Token)
            }
            "request.auth.audiences" => self.claim(values, place, all, Some(&["aud".into()])),
            "request.auth.presenter" => self.claim(values, place, all, Some(&["azp".into()])),
            key => self.named(key, values, place, all),
        }
    }

    /// An attribute that names something in brackets.
    fn named(
        &mut self,
        key: &str,
        values: &Values,
        place: Place,
        all: &mut Vec<Clause>,
    ) -> Result<(), Dropped> {
        if let Some(name) = key.strip_prefix("request.headers") {
            let name = in_brackets(name).map(str::to_ascii_lowercase);
            let is_asked = name.is_some() && self.layer == Layer::Http;
            let parse = move |value: &str| if is_asked { Ok(Text::parse(value)) } else { Err(Unasked) };
            let test = |any| Test::Header(name.clone().unwrap_or_default().into(), any);
            return self.field(values, VALUES, place, all, parse, test);
        }
        if let Some(claims) = key.strip_prefix("request.auth.claims") {
            return self.claim(values, place, all, claim_way(claims).as_deref());
        }
        if let Some(name) = key.strip_prefix("experimental.envoy.filters.") {
            let is_named = name.contains('[');
            let parse = move |_: &str| if is_named { Ok(()) } else { Err(Unasked) };
            return self.field(values, VALUES, place, all, parse, |_| Test::Noted);
        }
        Err(Dropped)
    }

    fn claim(
        &mut self,
        values: &Values,
        place: Place,
        all: &mut Vec<Clause>,
        way: Option<&[Box<str>]>,
    ) -> Result<(), Dropped> {
        let is_asked = way.is_some() && self.layer == Layer::Http;
        let parse = move |value: &str| if is_asked { Ok(Text::parse(value)) } else { Err(Unasked) };
        self.field(values, VALUES, place, all, parse, |any| {
            Test::Claim(way.unwrap_or_default().to_vec(), any)
        })
    }
}

/// What only a request shows.
fn http<T>(layer: Layer, parse: impl Fn(&str) -> T) -> impl Fn(&str) -> Result<T, Unasked> {
    move |value| if layer == Layer::Http { Ok(parse(value)) } else { Err(Unasked) }
}

/// A block, or one address.
fn block(value: &str) -> Result<Block, Unasked> {
    parse_block(value).ok_or(Unasked)
}

/// A block or one address, as Go's `net/netip` reads them: without leading zeros, host bits cleared.
pub(crate) fn parse_block(value: &str) -> Option<Block> {
    let (own, prefix) = value.split_once('/').map_or((value, None), |(own, prefix)| (own, Some(prefix)));
    let address = address(own.parse::<IpAddr>().ok()?);
    let bits = address.family.bits();
    let prefix = match prefix {
        None => bits,
        Some("0") => 0,
        Some(prefix) if !prefix.starts_with(['0', '+']) => {
            prefix.parse().ok().filter(|prefix| *prefix <= bits)?
        }
        Some(_) => return None,
    };
    let mask = u128::MAX.checked_shl(u32::from(bits - prefix)).unwrap_or_default();
    Some(Block { first: Address { bits: address.bits & mask, ..address }, prefix })
}

/// A port, as Go's `strconv.ParseUint` reads it.
pub(crate) fn parse_port(value: &str) -> Option<u16> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    value.parse().ok()
}

fn port(value: &str) -> Result<u16, Unasked> {
    parse_port(value).ok_or(Unasked)
}

/// Issuer and subject of a value of `requestPrincipals`. It is cut at its last slash, whatever the star: so a start of an issuer that holds
/// a slash never matches.
fn token(value: &str) -> (Text, Text) {
    let exact = |text: &str| Text::Exact(text.into());
    let cut = value.rsplit_once('/');
    if value == "*" {
        return (Text::Any, Text::Any);
    }
    if value.starts_with('*') {
        return match cut {
            Some(("*", subject)) => (Text::Any, exact(subject)),
            Some((issuer, subject)) => (Text::Suffix(without_star(issuer).into()), exact(subject)),
            None => (Text::Any, Text::Suffix(without_star(value).into())),
        };
    }
    if let Some(start) = value.strip_suffix('*') {
        return match cut {
            Some((issuer, "*")) => (exact(issuer), Text::Any),
            Some((issuer, subject)) => {
                (exact(issuer), Text::Prefix(subject.strip_suffix('*').unwrap_or(subject).into()))
            }
            None => (Text::Prefix(start.into()), Text::Any),
        };
    }
    let (issuer, subject) = cut.unwrap_or((value, ""));
    (exact(issuer), exact(subject))
}

/// The value without the star at its start.
fn without_star(value: &str) -> &str {
    value.strip_prefix('*').unwrap_or(value)
}

/// What stands in brackets.
fn in_brackets(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

/// The names in brackets that follow on one another, `[realm][role]`; what does not look so is one name in brackets.
fn claim_way(text: &str) -> Option<Vec<Box<str>>> {
    let mut way = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let next = rest
            .strip_prefix('[')
            .and_then(|inner| inner.split_once(']'))
            .filter(|(name, _)| !name.contains('['));
        let Some((name, behind)) = next else { return Some(vec![in_brackets(text)?.into()]) };
        way.push(name.into());
        rest = behind;
    }
    Some(way)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_of_a_token_is_cut_at_its_last_slash() {
        let matches = |value: &str, issuer: &str, subject: &str| {
            let (iss, sub) = token(value);
            iss.matches(issuer) && sub.matches(subject)
        };
        let issuer = "https://issuer.example/a";
        assert!(matches("https://issuer.example/a/alice", issuer, "alice") && matches("*", issuer, "alice"));
        assert!(!matches("*", issuer, "") && !matches("https://iss*", issuer, "alice"));
        assert!(
            matches("https://issuer.example/a/*", issuer, "alice") && matches("*/alice", issuer, "alice")
        );
        assert!(matches("*example/a/alice", issuer, "alice") && matches("*ice", issuer, "alice"));
        assert!(matches("https://issuer.example/a/al*", issuer, "alice") && matches("svc*", "svc@x", "bob"));
    }

    #[test]
    fn claims_nest_and_odd_brackets_are_one_name() {
        let way = |text: &str| claim_way(text).map(|way| way.join(" "));
        assert_eq!(way("[realm][role]").as_deref(), Some("realm role"));
        assert_eq!(way("[a.b]").as_deref(), Some("a.b"));
        assert_eq!(way("[a[b]]").as_deref(), Some("a[b]"));
        assert_eq!(way("[a]b"), None);
        assert_eq!(way("").as_deref(), Some(""));
    }

    #[test]
    fn addresses_and_ports_are_read_as_go_reads_them() {
        let read = |text: &str| parse_block(text).map(|block| block.to_string());
        assert_eq!(read("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(read("127.0.2.7").as_deref(), Some("127.0.2.7/32"));
        assert_eq!(read("::1").as_deref(), Some("::1/128"));
        assert_eq!(
            (read("0.0.0.0/0").as_deref(), read("fd00::1/8").as_deref()),
            (Some("0.0.0.0/0"), Some("fd00::/8"))
        );
        assert!(parse_block("::/0").unwrap().contains(address("::ffff:10.1.2.3".parse().unwrap())));
        for bad in [
            "010.0.0.0/8",
            "1.2.3.4/33",
            "1.2.3.4/+8",
            "::/129",
            "1.2.3.4/",
            "1.2.3.4/08",
            "host",
            "1.2.3",
            "",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(
            (parse_port("080"), parse_port("+80"), parse_port("65536"), parse_port("")),
            (Some(80), None, None, None)
        );
    }
}
