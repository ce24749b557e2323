//! `MeshConfig`, field by field. Source: istio.io/api `mesh/v1alpha1/config.proto`.

use ringwall_mesh::config::{EntryVisibility, MeshConfig, PathNormalization, Visibility};
use ringwall_mesh::discovery::Discovery;
use ringwall_model::selector::Selector;
use ringwall_model::tree::Node;

use super::layers::Layers;
use super::providers;

/// Takes over what is stated; says what it cannot be.
pub(super) fn take(stated: &Layers<'_>, config: &mut MeshConfig) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(root_namespace) = stated.text(&["rootNamespace"]) {
        root_namespace.clone_into(&mut config.root_namespace);
    }
    if let Some(domain) = stated.text(&["trustDomain"]) {
        domain.clone_into(&mut config.trust_domain);
    }
    if let Some(aliases) = stated.texts(&["trustDomainAliases"]) {
        config.trust_domain_aliases = aliases;
    }
    match stated.text(&["outboundTrafficPolicy", "mode"]) {
        Some("REGISTRY_ONLY") => config.registry_only = true,
        Some("ALLOW_ANY") => config.registry_only = false,
        _ => {}
    }
    if let Some(auto) = stated.at(&["enableAutoMtls"]) {
        match auto.as_bool() {
            Some(auto) => config.enable_auto_mtls = auto,
            None => wrong.push("enableAutoMtls: expected true or false".to_owned()),
        }
    }
    if let Some(hbone) = stated.at(&["defaultConfig", "proxyMetadata", "ISTIO_META_ENABLE_HBONE"]) {
        config.enable_hbone = hbone.as_str() == Some("true") || hbone.as_bool() == Some(true);
    }
    if let Some(way) = stated.text(&["pathNormalization", "normalization"]) {
        match way {
            "DEFAULT" | "BASE" => config.path_normalization = PathNormalization::Base,
            "NONE" => config.path_normalization = PathNormalization::None,
            "MERGE_SLASHES" => config.path_normalization = PathNormalization::MergeSlashes,
            "DECODE_AND_MERGE_SLASHES" => config.path_normalization = PathNormalization::DecodeAndMergeSlashes,
            other => wrong.push(format!("pathNormalization: `{other}` is none of DEFAULT, NONE, BASE, MERGE_SLASHES and DECODE_AND_MERGE_SLASHES")),
        }
    }
    if let Some(list) = stated.at(&["extensionProviders"]) {
        providers::take(list, config);
    }
    if let Some(authorities) = stated.at(&["caCertificates"]) {
        let domains = authorities.items().filter_map(|one| one.get("trustDomains")).flat_map(Node::items);
        config.ca_trust_domains = domains.filter_map(Node::as_str).map(str::to_owned).collect();
    }
    if let Some(list) = stated.texts(&["defaultServiceExportTo"]) {
        config.default_service_export_to = list;
    }
    if let Some(list) = stated.texts(&["defaultDestinationRuleExportTo"]) {
        config.keeps_rules_private = list.iter().any(|to| to == ".");
    }
    if let Some(list) = stated.at(&["discoverySelectors"]) {
        let selectors: Result<Vec<Selector>, _> = list.items().map(Selector::compile).collect();
        match selectors {
            Ok(selectors) => config.discovery = Discovery::new(selectors),
            // With one that cannot be read istiod goes on as before.
            Err(_) => wrong.push("discoverySelectors: one is no selector, and istiod heeds none".to_owned()),
        }
    }
    let visibility = stated.under(&["serviceEntryVisibility"]);
    if visibility.at(&["applyToSidecars"]).and_then(Node::as_bool) == Some(true) {
        config.entry_visibility = Some(entry_visibility(&visibility));
    }
    wrong
}

fn entry_visibility(stated: &Layers<'_>) -> EntryVisibility {
    let mut found =
        EntryVisibility { default: visibility(stated.at(&["defaultVisibility"])), policies: Vec::new() };
    for policy in stated.at(&["policies"]).into_iter().flat_map(Node::items) {
        let rules = policy.get("matchingRules").into_iter().flat_map(Node::items);
        let chosen = rules.map(|rule| Selector::compile(rule.get("namespaceSelector")?).ok()).collect();
        found.policies.push((chosen, visibility(policy.get("visibility"))));
    }
    found
}

/// One of the words, or its number, as protobuf is read from JSON.
fn visibility(node: Option<Node<'_>>) -> Visibility {
    let Some(node) = node else { return Visibility::Public };
    match (node.as_str(), node.as_u64()) {
        (Some("NONE"), _) | (_, Some(1)) => Visibility::None,
        (Some("NAMESPACE"), _) | (_, Some(2)) => Visibility::Namespace,
        _ => Visibility::Public,
    }
}
