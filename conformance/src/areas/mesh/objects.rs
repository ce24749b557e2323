//! The objects of a case, and what its mesh is set to.

use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_mesh::config::MeshConfig;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Source;
use ringwall_model::tree::Tree;
use ringwall_posture::mesh::config::of_mesh_config;
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

/// The mesh of a case: what it states over the defaults.
pub(super) fn mesh(text: Option<&RawValue>) -> Result<MeshConfig, String> {
    let Some(text) = text else { return Ok(MeshConfig::default()) };
    let tree = tree("meshConfig", text.get())?;
    let (config, wrong) = of_mesh_config(tree.root());
    if wrong.is_empty() { Ok(config) } else { Err(wrong.join("; ")) }
}
