//! Webhooks that call a control plane outside of the cluster.
//! Source: `pkg/config/analysis/analyzers/externalcontrolplane/externalcontrolplane.go`.

use ringwall_model::address::Address;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::Context;
use crate::codes::{EXTERNAL_CONTROL_PLANE_ADDRESS_IS_NOT_A_HOSTNAME, INVALID_EXTERNAL_CONTROL_PLANE_CONFIG};
use crate::message::{Place, Reporter};
use crate::store::{Kind, Resource};

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for hooks in context.store.all(Kind::ValidatingWebhookConfiguration) {
        let name = hooks.name.name;
        if name == "istiod-default-validator" || name.starts_with("istio-validator") {
            look(hooks, reporter);
        }
    }
    for hooks in context.store.all(Kind::MutatingWebhookConfiguration) {
        if hooks.name.name.starts_with("istio-sidecar-injector") {
            look(hooks, reporter);
        }
    }
}

fn look(hooks: &Resource<'_>, reporter: &mut Reporter) {
    for (at, hook) in hooks.root.items("webhooks").enumerate() {
        let client = hook.get("clientConfig");
        let name = hook.text("name");
        let path = FieldPath::keys(&["webhooks"]).index(at).key("clientConfig");
        let url = client.get("url").node.and_then(Node::as_str);
        let (code, arguments) = match url {
            Some(url) => match host_of(url) {
                None => {
                    (INVALID_EXTERNAL_CONTROL_PLANE_CONFIG, [url, name, "was provided in an invalid format"])
                }
                Some(host) if is_address(&host) => {
                    (EXTERNAL_CONTROL_PLANE_ADDRESS_IS_NOT_A_HOSTNAME, [url, name, ""])
                }
                Some(_) => continue,
            },
            None if client.get("service").is_set() => continue,
            None => (INVALID_EXTERNAL_CONTROL_PLANE_CONFIG, ["", name, "is blank"]),
        };
        let place = Place::Unnamed(if url.is_some() { path.key("url") } else { path });
        reporter.report(code, hooks, &arguments, place);
    }
}

/// Whether Go's `net.ParseIP` reads it.
fn is_address(host: &str) -> bool {
    Address::parse(host).is_some()
}

/// The host of a URL, or nothing where Go's `net/url` does not read it.
fn host_of(url: &str) -> Option<String> {
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    if url.bytes().any(|byte| byte < 0x20 || byte == 0x7f) || !escapes(fragment) {
        return None;
    }
    if url == "*" {
        return Some(String::new());
    }
    let (scheme, rest) = scheme_of(url)?;
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    if !rest.starts_with('/') {
        // Behind a scheme it is opaque; else the first part of a path has no colon.
        let is_path = rest.split('/').next().is_none_or(|first| !first.contains(':')) && escapes(rest);
        return (!scheme.is_empty() || is_path).then(String::new);
    }
    let is_authority = !scheme.is_empty() || !rest.starts_with("///");
    let Some(authority) = rest.strip_prefix("//").filter(|_| is_authority) else {
        return escapes(rest).then(String::new);
    };
    let (authority, path) = authority.split_once('/').unwrap_or((authority, ""));
    if !escapes(path) {
        return None;
    }
    let Some((user, host)) = authority.rsplit_once('@') else { return bare_host(authority) };
    let may = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if user.chars().all(may) && escapes(user) { bare_host(host) } else { None }
}

/// The scheme, where there is one, and what follows it.
fn scheme_of(url: &str) -> Option<(&str, &str)> {
    for (at, c) in url.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return None,
            ':' => return Some((url.get(..at)?, url.get(at + 1..)?)),
            _ => return Some(("", url)),
        }
    }
    Some(("", url))
}

/// Whether every per cent sign stands before two digits.
fn escapes(text: &str) -> bool {
    text.match_indices('%').all(|(at, _)| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// A host without port and brackets, or nothing where it is none. Source: Go's `net/url`, `parseHost`.
fn bare_host(host: &str) -> Option<String> {
    if let Some(inside) = host.strip_prefix('[') {
        let (inside, port) = inside.rsplit_once(']')?;
        let (address, zone) = inside.split_once("%25").unwrap_or((inside, ""));
        let is_address = address.contains(':') && is_address(address);
        let whole = if zone.is_empty() { address.to_owned() } else { format!("{address}%{zone}") };
        return (is_port(port) && is_address).then_some(whole);
    }
    let (name, port) = host.rfind(':').map_or((host, ""), |at| host.split_at(at));
    let may = |c: char| c.is_alphanumeric() || !c.is_ascii() || "-._~!$&'()*+,;=<>\"%".contains(c);
    // A host has escapes only of bytes that are no ASCII.
    let is_high = |(at, _): (usize, &str)| {
        let digits = name.get(at + 1..at + 3).unwrap_or_default();
        digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            && u8::from_str_radix(digits, 16).is_ok_and(|byte| byte >= 0x80)
    };
    (is_port(port) && name.chars().all(may) && name.match_indices('%').all(is_high)).then(|| name.to_owned())
}

/// Nothing, or a colon with digits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
}
