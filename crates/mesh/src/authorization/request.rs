//! What is asked of policies: one connection, and one request on it.

use std::borrow::Cow;

use ringwall_model::address::Address;
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
#[derive(Clone, Copy, Debug)]
pub struct Http<'r> {
    /// The method.
    pub method: &'r str,
    /// The path with its query, as the client sends it.
    pub path: &'r str,
    /// The host, with its port where the client sends one.
    pub host: &'r str,
    /// Names and values of headers, in the order sent. White space around a value does not count.
    pub headers: &'r [(&'r str, &'r str)],
    /// The token in `authorization: Bearer`.
    pub token: Token<'r>,
}

/// The token of a request. Whether its signature holds and its time has not run out is known already.
#[derive(Clone, Copy, Debug, Default)]
pub enum Token<'r> {
    /// There is none.
    #[default]
    Missing,
    /// It is none, its signature does not hold, or it is not its time.
    Broken,
    /// It holds, if the mesh knows its issuer; these are its claims, a mapping.
    Valid(Node<'r>),
}

/// A request as policies see it.
pub(crate) struct Seen<'r> {
    pub(crate) request: &'r Request<'r>,
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
        let full_path = match &request.http {
            Some(http) => normalize(http.path, normalization)?,
            None => Cow::Borrowed(""),
        };
        Ok(Self { request, full_path, claims: None, words: &[] })
    }

    pub(crate) fn path(&self) -> &str {
        without_query(&self.full_path)
    }

    /// The address of the client as the last entry of `x-forwarded-for` tells it; where there is none that can be read, the
    /// connection's other end. So Envoy takes it in a sidecar and a waypoint, which trust what comes to them.
    pub(crate) fn remote(&self) -> Option<Address> {
        let forwarded = self.header("x-forwarded-for");
        let last = forwarded.as_deref().and_then(|all| all.rsplit(',').next());
        let told =
            last.and_then(|last| last.trim().parse::<std::net::IpAddr>().ok()).map(|address| match address {
                std::net::IpAddr::V4(address) => Address::from(address),
                std::net::IpAddr::V6(address) => Address::from(address),
            });
        told.or(self.request.source)
    }

    /// A header's value, of repeated ones all with a comma between; `None` where it is not there. `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let http = self.request.http.as_ref()?;
        match name {
            ":method" => return Some(Cow::Borrowed(http.method)),
            ":path" => return Some(Cow::Borrowed(&self.full_path)),
            // Envoy keeps the host of HTTP/1.1 under the name of HTTP/2.
            ":authority" | "host" => return Some(Cow::Borrowed(http.host)),
            _ => {}
        }
        let mut values = http.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let Some((_, first)) = values.next() else {
            // The proxy adds it where the client sends none.
            let scheme = if self.request.peer.is_some() { "https" } else { "http" };
            return (name == "x-forwarded-proto").then_some(Cow::Borrowed(scheme));
        };
        let mut value = Cow::Borrowed(first.trim_matches([' ', '\t']));
        for (_, further) in values {
            let value = value.to_mut();
            value.push(',');
            value.push_str(further.trim_matches([' ', '\t']));
        }
        Some(value)
    }

    /// The claim at the end of a way through the token's mappings.
    pub(crate) fn claim(&self, way: &[Box<str>]) -> Option<Node<'r>> {
        way.iter().try_fold(self.claims?, |node, key| node.get(key))
    }
}
