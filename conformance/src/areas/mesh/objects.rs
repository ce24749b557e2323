//! The objects of a case, and what its mesh is set to.

use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_mesh::config::{MeshConfig, PathNormalization};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Source;
use ringwall_model::tree::Tree;
use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) fn tree(name: &str, text: &str) -> Result<Tree, String> {
    json::parse(&Arc::new(Source::new(name, text)), &Limits::default()).map_err(|error| error.to_string())
}

/// The objects of a case, in their order.
pub(super) fn objects(id: &str, texts: &[&RawValue]) -> Result<Vec<Object>, String> {
    let one = |text: &&RawValue| {
        let tree = Arc::new(tree(id, text.get())?);
        Object::read(&tree, tree.root(), FieldPath::root()).map_err(|error| format!("{error:?}"))
    };
    texts.iter().map(one).collect()
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Stated {
    root_namespace: Option<String>,
    trust_domain: Option<String>,
    trust_domain_aliases: Vec<String>,
    enable_auto_mtls: Option<bool>,
    path_normalization: Normalization,
    extension_providers: Vec<Provider>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Normalization {
    normalization: String,
}

#[derive(Deserialize)]
struct Provider {
    name: String,
}

/// The mesh of a case: what it states over the defaults.
pub(super) fn mesh(text: Option<&RawValue>) -> Result<MeshConfig, String> {
    let stated: Stated = match text {
        Some(text) => serde_json::from_str(text.get()).map_err(|error| error.to_string())?,
        None => Stated::default(),
    };
    let usual = MeshConfig::default();
    Ok(MeshConfig {
        root_namespace: stated.root_namespace.unwrap_or(usual.root_namespace),
        trust_domain: stated.trust_domain.unwrap_or(usual.trust_domain),
        trust_domain_aliases: stated.trust_domain_aliases,
        enable_auto_mtls: stated.enable_auto_mtls.unwrap_or(usual.enable_auto_mtls),
        path_normalization: match stated.path_normalization.normalization.as_str() {
            "" | "DEFAULT" | "BASE" => PathNormalization::Base,
            "NONE" => PathNormalization::None,
            "MERGE_SLASHES" => PathNormalization::MergeSlashes,
            "DECODE_AND_MERGE_SLASHES" => PathNormalization::DecodeAndMergeSlashes,
            other => return Err(format!("no way `{other}` of normalising paths is known")),
        },
        extension_providers: stated.extension_providers.into_iter().map(|provider| provider.name).collect(),
        ..usual
    })
}
