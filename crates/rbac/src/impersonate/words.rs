//! What the reference says of headers that it does not take.

use std::collections::BTreeMap;

use ringwall_model::go::go_quote;
use ringwall_model::selector::has_dns_label_form;

use super::{Filter, Headers};
use crate::attributes::User;
use crate::request::lower;

/// Headers say something of a user and name none. The reference prints its own structs here, as Go writes them.
pub(super) fn without_user(filter: Filter, wanted: &User, headers: &Headers) -> String {
    match filter {
        Filter::Constrained => {
            let (uid, groups) = (go_quote(&wanted.uid), list(&wanted.groups));
            let pair = |(key, values): (&String, &Vec<String>)| format!("{}:{}", go_quote(key), list(values));
            let extra: Vec<String> = wanted.extra.iter().map(pair).collect();
            let extra =
                if extra.is_empty() { "(nil)".to_owned() } else { format!("{{{}}}", extra.join(", ")) };
            format!(
                "requested &user.DefaultInfo{{Name:\"\", UID:{uid}, Groups:{groups}, Extra:map[string][]string{extra}}} \
                 without impersonating a user name"
            )
        }
        Filter::Legacy => {
            // Kind, namespace, name, uid, API version, resource version and field path, each behind a blank.
            const VERSION: &str = "authentication.k8s.io/v1";
            let groups = wanted.groups.iter().map(|group| format!("{{Group  {group}    }}"));
            let extras = headers.extras().flat_map(|(key, values)| {
                let one = |value: &String| format!("{{UserExtra  {value}  {VERSION}  {key}}}");
                values.iter().map(one).collect::<Vec<_>>()
            });
            let uid = Some(&wanted.uid).filter(|uid| !uid.is_empty());
            let uid = uid.map(|uid| format!("{{UID  {uid}  {VERSION}  }}"));
            let all: Vec<String> = groups.chain(extras).chain(uid).collect();
            format!("requested [{}] without impersonating a user", all.join(" "))
        }
    }
}

/// Go's `%#v` of a list of strings.
fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        return "[]string(nil)".to_owned();
    }
    let quoted: Vec<String> = texts.iter().map(|text| go_quote(text)).collect();
    format!("[]string{{{}}}", quoted.join(", "))
}

/// What is wrong with extras that a constrained mode does not take, by the first key that has something wrong. Source: `validateExtra`.
pub(super) fn bad_extra(extra: &BTreeMap<String, Vec<String>>) -> Option<String> {
    extra.iter().find_map(|(key, values)| {
        if key.is_empty() {
            return Some("impersonating the empty string key in extra is not allowed".to_owned());
        }
        if let Some(why) = bad_path(key) {
            return Some(format!("impersonating an invalid key in extra is not allowed: {why}"));
        }
        if *key != lower(key) {
            let key = go_quote(key);
            return Some(format!("impersonating a non-lowercase key in extra is not allowed: {key}"));
        }
        let has_empty = values.iter().any(String::is_empty);
        has_empty.then(|| "impersonating the empty string value in extra is not allowed".to_owned())
    })
}

/// What is wrong with a text that should be a domain, a slash and a path. Source: `IsDomainPrefixedPath` in k8s.io/apimachinery
/// `pkg/util/validation/validation.go`.
fn bad_path(text: &str) -> Option<String> {
    const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    const PATH: &str = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+";
    let invalid = |what: &str, why: &str| format!("extra.key: Invalid value: {}: {why}", go_quote(what));
    let parts = text.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty());
    let Some((host, path)) = parts else {
        return Some(invalid(text, "must be a domain-prefixed path (such as \"acme.io/foo\")"));
    };
    let mut errors = Vec::new();
    if host.len() > 253 {
        errors.push(invalid(host, "must be no more than 253 characters"));
    }
    if !host.split('.').all(has_dns_label_form) {
        errors.push(invalid(
            host,
            &format!(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and \
                 end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{LABEL}(\\.{LABEL})*')"
            ),
        ));
    }
    let of_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    if !path.bytes().all(of_path) {
        errors.push(invalid(path, &format!("Invalid path (regex used for validation is '{PATH}')")));
    }
    match errors.len() {
        0 => None,
        1 => errors.pop(),
        _ => Some(format!("[{}]", errors.join(", "))),
    }
}
