//! What is asked of policies: one connection, and one request on it.

use std::borrow::Cow;
use std::net::IpAddr;

use ringwall_model::address::{Address, Family};
use ringwall_model::tree::Node;

use super::path::{BadPath, normalize, without_query};
use crate::config::PathNormalization;

/// A connection to a workload, and over HTTP a request on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'r> {
    /// The URI in the client's certificate, `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`; `None` for plaintext.
    pub peer: Option<&'r str>,
    /// The address of the connection's other end; `None` where it is not known, and then it is in no block.
    pub source: Option<Address>,
    /// The workload's address.
    pub destination: Option<Address>,
    /// The port of the workload; at a waypoint that of the service.
    pub port: u16,
    /// The server's name as the client's TLS says it; empty where it says none.
    pub sni: &'r str,
    /// The request; `None` where the proxy sees bytes only.
    pub http: Option<Http<'r>>,
}

/// A request as it comes to the proxy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http<'r> {
    /// The method.
    pub method: &'r str,
    /// The path with its query, as the client sends it.
    pub path: &'r str,
    /// The host, with its port where the client sends one.
    pub host: &'r str,
    /// Names and values of headers, in the order sent. White space around a value does not count.
    pub headers: &'r [(&'r str, &'r str)],
    /// The token. Of several, a proxy would look at each; here there is one.
    pub token: Token<'r>,
    /// Where it stands.
    pub token_at: TokenPlace<'r>,
}

/// Where a request has its token. A rule that looks elsewhere sees none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenPlace<'r> {
    /// In `authorization: Bearer`.
    #[default]
    Authorization,
    /// In this header.
    Header(&'r str),
    /// In this parameter of the query.
    Param(&'r str),
    /// In this cookie.
    Cookie(&'r str),
}

/// The token of a request. Whether its signature holds and its time has not run out is known already.
#[derive(Clone, Copy, Debug, Default)]
pub enum Token<'r> {
    /// There is none.
    #[default]
    Missing,
    /// It is none, or it is not its time.
    Broken,
    /// Its signature does not hold; these are its claims, which are looked at first.
    Forged(Node<'r>),
    /// It holds, if the mesh knows its issuer; these are its claims, a mapping.
    Valid(Node<'r>),
}

/// A request as policies see it.
pub(crate) struct Seen<'r> {
    pub(crate) request: &'r Request<'r>,
    /// The host, as the path tells it where that is a whole URL.
    pub(crate) host: &'r str,
    /// The path with its query, normalised.
    full_path: Cow<'r, str>,
    /// The claims of a token that was let pass.
    pub(crate) claims: Option<Node<'r>>,
    /// Claims at the top whose text is a list of words.
    pub(crate) words: &'r [String],
}

impl<'r> Seen<'r> {
    /// # Errors
    /// A path that the proxy refuses.
    pub(crate) fn new(request: &'r Request<'r>, normalization: PathNormalization) -> Result<Self, BadPath> {
        let (host, path) = request
            .http
            .map_or(("", "/"), |http| split_absolute(http.path).unwrap_or((http.host, http.path)));
        Ok(Self { request, host, full_path: normalize(path, normalization)?, claims: None, words: &[] })
    }

    pub(crate) fn path(&self) -> &str {
        without_query(&self.full_path)
    }

    /// The address of the client as the last entry of `x-forwarded-for` tells it; where there is none that can be read, the
    /// connection's other end. So Envoy takes it in a sidecar and a waypoint, which trust what comes to them.
    pub(crate) fn remote(&self) -> Option<Address> {
        let last = self.values("x-forwarded-for").last().and_then(|all| all.rsplit(',').next());
        let told = last.and_then(|last| last.trim().parse().ok()).map(address);
        told.or(self.request.source)
    }

    /// Whether a header has such a value. Of one that is sent more than once, each value stands for itself. `name` is in lower case.
    pub(crate) fn header(&self, name: &str, matches: impl Fn(&str) -> bool) -> bool {
        let Some(http) = &self.request.http else { return false };
        let scheme = if self.request.peer.is_some() { "https" } else { "http" };
        match name {
            ":method" => matches(http.method),
            ":path" => matches(&self.full_path),
            // Envoy keeps the host of HTTP/1.1 under the name of HTTP/2.
            ":authority" | "host" => matches(self.host),
            // Envoy believes the header of its client, and adds it where there is none.
            "x-forwarded-proto" if self.values(name).next().is_none() => matches(scheme),
            // It adds this one too, and nobody can write its value beforehand.
            "x-request-id" if self.values(name).next().is_none() => matches(""),
            ":scheme" => {
                let told = self.values("x-forwarded-proto").next();
                let known =
                    |told: &&str| ["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(told));
                matches(&told.filter(known).map_or_else(|| scheme.to_owned(), str::to_ascii_lowercase))
            }
            _ => self.values(name).any(matches),
        }
    }

    /// The values of a header, without white space around them.
    fn values(&self, name: &str) -> impl Iterator<Item = &'r str> {
        let headers = self.request.http.map_or(&[][..], |http| http.headers);
        let named = headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim_matches([' ', '\t']))
    }

    /// The claim at the end of a way through the token's mappings.
    pub(crate) fn claim(&self, way: &[Box<str>]) -> Option<Node<'r>> {
        way.iter().try_fold(self.claims?, |node, key| node.get(key))
    }
}

/// Host and path of a whole URL, as a client sends it to a proxy of the older kind.
fn split_absolute(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if !["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    // Without a host it is refused, as a path that does not begin with a slash is.
    Some(if host.is_empty() { (host, "") } else { (host, if path.is_empty() { "/" } else { path }) })
}

/// An address as Envoy keeps it: one of IPv6 that holds one of IPv4 stays one of IPv6.
pub fn address(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Address { family: Family::V6, bits: u128::from(address) },
    }
}
