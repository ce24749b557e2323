//! What the whole mesh is set to, as far as the input shows it: the `ConfigMap` that istiod reads.

use ringwall_mesh::config::{MeshConfig, PathNormalization};
use ringwall_model::finding::{Location, Note};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::{Node, Tree};

/// Reads a text in YAML that is no object; the message says what is wrong with it.
pub type ReadText<'r> = dyn Fn(&str) -> Result<Tree, String> + 'r;

/// The mesh's configuration, what shows it, and what of it could not be read.
#[derive(Debug)]
pub struct Stated {
    /// What is in force.
    pub config: MeshConfig,
    /// The `ConfigMap`; nothing where all is as usual.
    pub location: Option<Location>,
    /// What is wrong with it.
    pub notes: Vec<Note>,
}

/// Reads it from a snapshot: `mesh` of the `ConfigMap` named `istio`, or else `istio-REVISION`, in the namespace `istio-system` or in the
/// only one that has it. Source: istio.io/istio `pilot/pkg/bootstrap/mesh.go`, `pkg/config/mesh/mesh.go`.
pub fn of(snapshot: &Snapshot, read: &ReadText<'_>) -> Stated {
    let mut found: Vec<&Object> = snapshot
        .of_kind("", "ConfigMap")
        .filter(|map| (map.id.name == "istio" || map.id.name.starts_with("istio-")) && text_of(map).is_some())
        .collect();
    // The default revision's, in the usual namespace, counts before others.
    found.sort_by_key(|map| (map.id.name != "istio", map.id.namespace.as_deref() != Some("istio-system")));
    let mut stated = Stated { config: MeshConfig::default(), location: None, notes: Vec::new() };
    let Some((map, text)) = found.first().and_then(|map| Some((*map, text_of(map)?))) else { return stated };
    let location = Location::of(map, &FieldPath::keys(&["data", "mesh"]));
    let mut note = |message: String| {
        stated.notes.push(Note { file: location.file.clone(), position: Some(location.position), message });
    };
    match read(text) {
        Err(message) => {
            note(format!("the mesh's configuration cannot be read, and is taken for the usual: {message}"));
        }
        Ok(tree) => {
            let unknown = take(tree.root(), &mut stated.config);
            for message in unknown {
                note(message);
            }
        }
    }
    stated.location = Some(location);
    stated
}

fn text_of(map: &Object) -> Option<&str> {
    map.root().str_at(&["data", "mesh"])
}

/// Takes over what is stated; says what it cannot be.
fn take(root: Node<'_>, config: &mut MeshConfig) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(root_namespace) = root.str_at(&["rootNamespace"]).filter(|name| !name.is_empty()) {
        root_namespace.clone_into(&mut config.root_namespace);
    }
    if let Some(domain) = root.str_at(&["trustDomain"]).filter(|domain| !domain.is_empty()) {
        domain.clone_into(&mut config.trust_domain);
    }
    let texts = |node: Node<'_>| node.items().filter_map(|item| item.as_str().map(str::to_owned)).collect();
    if let Some(aliases) = root.get("trustDomainAliases") {
        config.trust_domain_aliases = texts(aliases);
    }
    if let Some(auto) = root.get("enableAutoMtls").filter(|node| !node.is_null()) {
        match auto.as_bool() {
            Some(auto) => config.enable_auto_mtls = auto,
            None => wrong.push("enableAutoMtls: expected true or false".to_owned()),
        }
    }
    if let Some(way) = root.str_at(&["pathNormalization", "normalization"]) {
        match way {
            "DEFAULT" | "BASE" => config.path_normalization = PathNormalization::Base,
            "NONE" => config.path_normalization = PathNormalization::None,
            "MERGE_SLASHES" => config.path_normalization = PathNormalization::MergeSlashes,
            "DECODE_AND_MERGE_SLASHES" => config.path_normalization = PathNormalization::DecodeAndMergeSlashes,
            other => wrong.push(format!("pathNormalization: `{other}` is none of DEFAULT, NONE, BASE, MERGE_SLASHES and DECODE_AND_MERGE_SLASHES")),
        }
    }
    if let Some(providers) = root.get("extensionProviders") {
        let names = providers.items().filter_map(|provider| provider.str_at(&["name"]));
        config.extension_providers = names.map(str::to_owned).collect();
    }
    wrong
}
