//! What the whole mesh is set to, as far as the input shows it: the `ConfigMap` that istiod reads, or the `IstioOperator` that it is made of.

use ringwall_mesh::config::{MeshConfig, PathNormalization};
use ringwall_mesh::enrolment::DATAPLANE_MODE;
use ringwall_mesh::quirks::{QUIRKS, Release};
use ringwall_model::finding::{Location, Note};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::{Node, ReadText, Tree};

/// How a mesh is set, what shows it, and what of it could not be read.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    /// What is in force.
    pub config: MeshConfig,
    /// Whether sidecars are injected where nothing is said.
    pub injects_by_default: bool,
    /// What shows the configuration; nothing where all is as usual.
    pub location: Option<Location>,
    /// What is wrong with it.
    pub notes: Vec<Note>,
}

impl Stated {
    fn note(&mut self, object: &Object, path: &FieldPath, message: String) {
        let location = Location::of(object, path);
        self.notes.push(Note { file: location.file, position: Some(location.position), message });
    }

    fn read(&mut self, map: &Object, key: &str, read: &ReadText<'_>) -> Option<Tree> {
        match read(map.root().str_at(&["data", key])?) {
            Ok(tree) => Some(tree),
            Err(message) => {
                let message =
                    format!("the mesh's configuration cannot be read, and is taken for the usual: {message}");
                self.note(map, &FieldPath::keys(&["data", key]), message);
                None
            }
        }
    }

    /// Takes over a `MeshConfig` that stands there.
    fn take(&mut self, root: Node<'_>, object: &Object, path: &FieldPath) {
        for message in take(root, &mut self.config) {
            self.note(object, path, message);
        }
        self.location = Some(Location::of(object, path));
    }
}

/// Reads it from a snapshot: of each of the texts the one of the default revision in `istio-system`, or else the only one.
///
/// `mesh` of the `ConfigMap` named `istio` or `istio-REVISION` is the configuration, `values` of `istio-sidecar-injector` says whether sidecars are
/// injected where nothing is said. Where there is no such map, an `IstioOperator` is looked at. Source: istio.io/istio
/// `pilot/pkg/bootstrap/mesh.go`, `pkg/config/mesh/mesh.go`, `pkg/kube/inject/webhook.go`, `operator/pkg/apis/types.go`.
pub fn of(snapshot: &Snapshot, read: &ReadText<'_>) -> Stated {
    let mut stated = Stated::default();
    // Where it is not said: the profile that brings ambient switches it on.
    stated.config.enable_hbone = snapshot
        .of_kind("", "Namespace")
        .any(|namespace| namespace.root().str_at(&["metadata", "labels", DATAPLANE_MODE]) == Some("ambient"));
    if let Some(operator) = snapshot.of_kind("install.istio.io", "IstioOperator").next() {
        let root = operator.root();
        if let Some(config) = root.at(&["spec", "meshConfig"]) {
            stated.take(config, operator, &FieldPath::keys(&["spec", "meshConfig"]));
        }
        if let Some(values) = root.at(&["spec", "values"]) {
            stated.injects_by_default = injects(values);
        }
    }
    let map = |name: &str, key: &str| {
        let is_it = |map: &&Object| {
            let own = map.id.name.as_str();
            let is_named =
                own.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
            is_named && map.root().str_at(&["data", key]).is_some()
        };
        // The default revision's, in the usual namespace, counts before others.
        let rank = |map: &&Object| (map.id.name != name, map.id.namespace.as_deref() != Some("istio-system"));
        snapshot.of_kind("", "ConfigMap").filter(is_it).min_by_key(rank)
    };
    if let Some(map) = map("istio", "mesh")
        && let Some(tree) = stated.read(map, "mesh", read)
    {
        stated.take(tree.root(), map, &FieldPath::keys(&["data", "mesh"]));
    }
    if let Some(map) = map("istio-sidecar-injector", "values")
        && let Some(tree) = stated.read(map, "values", read)
    {
        stated.injects_by_default = injects(tree.root());
    }
    stated
}

/// The line of Istio that the answers are of: 1.31.
const LINE: u16 = 31;

/// That the input shows an istiod of another line of Istio than the answers are of, and what is known of its release.
pub(super) fn other_line(snapshot: &Snapshot) -> Option<Note> {
    let (release, place) = Release::of(snapshot).filter(|(release, _)| release.minor != LINE)?;
    let object = snapshot.all().get(place.object)?;
    let known: Vec<&str> =
        QUIRKS.iter().filter(|quirk| quirk.holds(Some(release))).map(|quirk| quirk.what).collect();
    let but = if known.is_empty() { String::new() } else { format!(", but for this: {}", known.join("; ")) };
    let location = Location::of(object, &place.path);
    let message = format!(
        "istiod is of Istio 1.{}.{}; what is answered here is what 1.{LINE} does{but}",
        release.minor, release.patch
    );
    Some(Note { file: location.file, position: Some(location.position), message })
}

fn injects(values: Node<'_>) -> bool {
    values
        .at(&["sidecarInjectorWebhook", "enableNamespacesByDefault"])
        .and_then(Node::as_bool)
        .unwrap_or(false)
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
    match root.str_at(&["outboundTrafficPolicy", "mode"]) {
        Some("REGISTRY_ONLY") => config.registry_only = true,
        Some("ALLOW_ANY") => config.registry_only = false,
        _ => {}
    }
    if let Some(auto) = root.get("enableAutoMtls").filter(|node| !node.is_null()) {
        match auto.as_bool() {
            Some(auto) => config.enable_auto_mtls = auto,
            None => wrong.push("enableAutoMtls: expected true or false".to_owned()),
        }
    }
    if let Some(hbone) = root.at(&["defaultConfig", "proxyMetadata", "ISTIO_META_ENABLE_HBONE"]) {
        config.enable_hbone = hbone.as_str() == Some("true") || hbone.as_bool() == Some(true);
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
