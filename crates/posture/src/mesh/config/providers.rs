//! `extensionProviders`: which of them a CUSTOM policy can ask.
//!
//! Source: istio.io/istio `pilot/pkg/security/authz/builder/extauthz.go` (`processExtensionProvider`) and
//! `pkg/config/validation/agent/extensionprovider.go`. Whether the mesh has the provider's service is not looked at: what is not in the input may be there.

use ringwall_mesh::config::MeshConfig;
use ringwall_model::selector::is_dns_label;
use ringwall_model::tree::Node;

/// Takes over the list. Of two of one name the later counts.
pub(super) fn take(list: Node<'_>, config: &mut MeshConfig) {
    config.extension_providers.clear();
    config.other_providers.clear();
    for provider in list.items() {
        let name = provider.str_at(&["name"]).unwrap_or_default();
        config.extension_providers.retain(|known| known != name);
        config.other_providers.retain(|(known, _)| known != name);
        match refusal(name, provider) {
            None => config.extension_providers.push(name.to_owned()),
            Some(why) => config.other_providers.push((name.to_owned(), why)),
        }
    }
}

/// Why a provider cannot be asked; nothing where it can.
fn refusal(name: &str, provider: Node<'_>) -> Option<String> {
    let http = provider.get("envoyExtAuthzHttp").filter(|one| !one.is_null());
    let grpc = provider.get("envoyExtAuthzGrpc").filter(|one| !one.is_null());
    let Some(authorizer) = http.or(grpc) else {
        return Some("it is no external authorizer".to_owned());
    };
    if !is_dns_label(name) {
        return Some("its name is not made of lower-case letters, digits and hyphens".to_owned());
    }
    let port = authorizer.get("port");
    let number = port.and_then(|port| port.as_u64().or_else(|| port.as_str()?.parse().ok()));
    if !number.is_some_and(|number| (1..=65_535).contains(&number)) {
        return Some("its port is none".to_owned());
    }
    if !is_service(authorizer.str_at(&["service"]).unwrap_or_default()) {
        return Some("its service is no host".to_owned());
    }
    let status = authorizer.str_at(&["statusOnError"]).unwrap_or_default();
    if !status.is_empty() && !status.parse().is_ok_and(is_status) {
        return Some(format!("its statusOnError `{status}` is no status that Envoy knows"));
    }
    http.and_then(http_refusal)
}

/// What is wrong with what only one that speaks HTTP has.
fn http_refusal(authorizer: Node<'_>) -> Option<String> {
    let prefix = authorizer.str_at(&["pathPrefix"]).unwrap_or_default();
    if !prefix.is_empty() && !prefix.starts_with('/') {
        return Some("its pathPrefix does not begin with a slash".to_owned());
    }
    let lists = [
        "includeRequestHeadersInCheck",
        "includeHeadersInCheck",
        "headersToDownstreamOnDeny",
        "headersToDownstreamOnAllow",
        "headersToUpstreamOnAllow",
    ];
    let has_star = |key: &&&str| {
        let list = authorizer.get(key).into_iter().flat_map(Node::items);
        list.into_iter().any(|header| header.as_str() == Some("*"))
    };
    lists.iter().find(has_star).map(|key| format!("{key} has a star alone"))
}

/// A host, with a namespace before it or not.
fn is_service(text: &str) -> bool {
    match text.split_once('/') {
        None => is_host(text) || text.parse::<std::net::IpAddr>().is_ok(),
        Some((namespace, host)) => {
            is_dns_label(namespace) && is_host(host.strip_prefix("*.").unwrap_or(host))
        }
    }
}

/// Source: istio.io/istio `pkg/config/validation/agent/validation.go` (`ValidateFQDN`).
fn is_host(text: &str) -> bool {
    let host = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let last = host.rsplit('.').next().unwrap_or_default();
    text.len() <= 255 && host.split('.').all(is_dns_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether Envoy has a name for a status. Source: envoyproxy/envoy `api/envoy/type/v3/http_status.proto`.
fn is_status(code: i32) -> bool {
    matches!(
        code,
        0 | 100 | 200..=208 | 226 | 300..=305 | 307 | 308 | 400..=417 | 421..=424 | 426 | 428 | 429 | 431 | 500..=508 | 510 | 511
    )
}
