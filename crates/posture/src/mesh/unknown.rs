//! What of a call is not known, and whether the answer depends on it.
//!
//! A policy may ask for something that nobody said: the client's address, the host. Its fields are then once taken so that they keep the
//! call out and once so that they let it in, and only where both give the same verdict it is one.

use ringwall_mesh::authorization::compile::Layer;
use ringwall_mesh::authorization::place::{Part, Place};
use ringwall_mesh::authorization::policy::{Action, AuthorizationPolicy, Field, Values};

/// Something that is not known of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unknown {
    /// The other end of the connection.
    Source,
    /// The client's address, as headers tell it.
    Remote,
    /// The server's address.
    Destination,
    /// The name that the client's TLS asks for.
    Sni,
    /// The host.
    Host,
    /// The method.
    Method,
    /// The path.
    Path,
    /// The headers.
    Header,
    /// What other filters of the proxy noted.
    Noted,
}

impl Unknown {
    /// What it is, and how to say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Source | Self::Remote => "the client's address: say it with --source-ip",
            Self::Destination => "the server's address, which the input does not show",
            Self::Sni => "the name that the client's TLS asks for, which is not known",
            Self::Host => "the host: say it with --host",
            Self::Method => "the method: say it with --method",
            Self::Path => "the path: say it with --path",
            Self::Header => "a header: say those that are sent with --header",
            Self::Noted => "what other filters of the proxy note, which the input does not show",
        }
    }

    /// What a field asks for, if that may be unknown.
    fn of_field(field: &Field<'_>) -> Option<Self> {
        if matches!(field.place.part, Part::When(_)) {
            return Self::of_key(field.of);
        }
        match field.of {
            "ipBlocks" => Some(Self::Source),
            "remoteIpBlocks" => Some(Self::Remote),
            "hosts" => Some(Self::Host),
            "methods" => Some(Self::Method),
            "paths" => Some(Self::Path),
            _ => None,
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        match key {
            "source.ip" => Some(Self::Source),
            "remote.ip" => Some(Self::Remote),
            "destination.ip" => Some(Self::Destination),
            "connection.sni" => Some(Self::Sni),
            _ if key.starts_with("experimental.") => Some(Self::Noted),
            _ if key.starts_with("request.headers") => Some(Self::Header),
            _ => None,
        }
    }
}

/// Which proxy reads the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reads {
    /// Envoy.
    Envoy(Layer),
    /// Ztunnel.
    Ztunnel,
}

impl Reads {
    /// Whether it asks for this at all. What it leaves out must stay as it is, or the rule would change its meaning.
    const fn asks(self, what: Unknown) -> bool {
        match what {
            Unknown::Source | Unknown::Destination => true,
            Unknown::Remote | Unknown::Sni | Unknown::Noted => matches!(self, Self::Envoy(_)),
            Unknown::Host | Unknown::Method | Unknown::Path | Unknown::Header => {
                matches!(self, Self::Envoy(Layer::Http))
            }
        }
    }
}

/// The fields of a policy that ask for something unknown, by their places.
pub fn asked(policy: &AuthorizationPolicy, unknown: &[Unknown], reads: Reads) -> Vec<(Unknown, Place)> {
    let is_open = |what: &Unknown| unknown.contains(what) && reads.asks(*what);
    let fields =
        policy.fields().filter_map(|field| Some((Unknown::of_field(&field).filter(is_open)?, field.place)));
    fields.collect()
}

/// The policy with its fields about what is unknown set so that the call is let in, or kept out; its rules and fields keep their places.
///
/// Of a call with this port, and from an address of IPv4.
pub fn leaning(
    policy: &AuthorizationPolicy,
    unknown: &[Unknown],
    reads: Reads,
    lets_in: bool,
    port: u16,
) -> AuthorizationPolicy {
    let mut policy = policy.clone();
    // A field that holds lets in where the policy allows, and keeps out where it denies or asks.
    let holds = (policy.action == Action::Allow) == lets_in;
    let is_open = |what: Unknown| unknown.contains(&what) && reads.asks(what);
    let set = |values: &mut Values, what: Unknown, yes: &str, no: &str| {
        if is_open(what) && !values.is_empty() {
            *values =
                Values { values: vec![if holds { yes } else { no }.to_owned()], not_values: Vec::new() };
        }
    };
    // Port 0 is no call's.
    let port = port.to_string();
    for rule in &mut policy.rules {
        for from in &mut rule.from {
            for (what, values) in
                [(Unknown::Source, &mut from.ip_blocks), (Unknown::Remote, &mut from.remote_ip_blocks)]
            {
                set(values, what, "0.0.0.0/0", "255.255.255.255/32");
            }
        }
        for to in &mut rule.to {
            for (what, values) in [
                (Unknown::Host, &mut to.hosts),
                (Unknown::Method, &mut to.methods),
                (Unknown::Path, &mut to.paths),
            ] {
                set(values, what, "*", "no\u{0}such");
            }
        }
        for when in &mut rule.when {
            let Some(what) = Unknown::of_key(&when.key) else { continue };
            if is_open(what) && !when.values.is_empty() {
                "destination.port".clone_into(&mut when.key);
                set(&mut when.values, what, &port, "0");
            }
        }
    }
    policy
}
