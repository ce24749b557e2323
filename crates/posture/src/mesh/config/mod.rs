//! What the whole mesh is set to, as far as the input shows it: the `ConfigMap` that istiod reads, or the `IstioOperator` that it is made of.

mod fields;
mod injector;
mod layers;
mod providers;

use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::enrolment::DATAPLANE_MODE;
use ringwall_mesh::injector::Injector;
use ringwall_mesh::place::Place;
use ringwall_mesh::quirks::{QUIRKS, Release};
use ringwall_model::finding::{Location, Note};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::{Node, ReadText, Tree};

use layers::Layers;

/// How a mesh is set, what shows it, and what of it could not be read.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    /// What is in force.
    pub config: MeshConfig,
    /// How sidecars are injected.
    pub injector: Injector,
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
    fn take(&mut self, root: &Layers<'_>, object: &Object, path: &FieldPath) {
        for message in fields::take(root, &mut self.config) {
            self.note(object, path, message);
        }
        self.location = Some(Location::of(object, path));
    }

    /// Takes over what an `IstioOperator` says: `values` over `meshConfig`, and `unvalidatedValues` over both. Source: istio.io/istio
    /// `operator/pkg/render/manifest.go` (`MergeInputs`, `GenerateManifest`), and of the root namespace
    /// `manifests/charts/istio-control/istio-discovery/templates/configmap.yaml`.
    fn take_operator(&mut self, operator: &Object, index: usize) {
        let root = operator.root();
        let values = Layers::of(root, &[&["spec", "values"], &["spec", "unvalidatedValues"]]);
        let profile = values.text(&["profile"]).or_else(|| root.str_at(&["spec", "profile"]));
        self.config.enable_hbone |= profile == Some("ambient");
        if let Some(namespace) = values.text(&["global", "istioNamespace"]) {
            namespace.clone_into(&mut self.config.root_namespace);
            self.location = Some(Location::of(operator, &FieldPath::keys(&["spec", "values"])));
        }
        let ways: [&[&str]; 3] = [
            &["spec", "meshConfig"],
            &["spec", "values", "meshConfig"],
            &["spec", "unvalidatedValues", "meshConfig"],
        ];
        let stated = Layers::of(root, &ways);
        if let Some(way) = ways.iter().find(|way| root.at(way).is_some()) {
            self.take(&stated, operator, &FieldPath::keys(way));
        }
        if !values.is_empty() {
            let place = Place { object: index, path: FieldPath::keys(&["spec", "values"]) };
            injector::take_values(&values, &place, &mut self.injector);
        }
    }
}

/// Reads it from a snapshot: of each of the texts the one of the default revision in `istio-system`, or else the only one.
///
/// `mesh` of the `ConfigMap` named `istio` or `istio-REVISION` is the configuration, `values` and `config` of `istio-sidecar-injector` say how
/// sidecars are injected. Where there is no such map, an `IstioOperator` is looked at. Source: istio.io/istio
/// `pilot/pkg/bootstrap/mesh.go`, `pkg/config/mesh/mesh.go`, `pkg/kube/inject/webhook.go`, `operator/pkg/apis/types.go`.
pub fn of(snapshot: &Snapshot, read: &ReadText<'_>) -> Stated {
    let mut stated = Stated::default();
    // Where it is not said: the profile that brings ambient switches it on.
    stated.config.enable_hbone = snapshot
        .of_kind("", "Namespace")
        .any(|namespace| namespace.root().str_at(&["metadata", "labels", DATAPLANE_MODE]) == Some("ambient"));
    let operators = snapshot.objects().filter(|(_, object)| object.is("install.istio.io", "IstioOperator"));
    if let Some((index, operator)) = operators.min_by_key(|(index, _)| *index) {
        stated.take_operator(operator, index);
    }
    let map = |name: &str, key: &str| {
        let is_it = |(_, map): &(usize, &Object)| {
            let own = map.id.name.as_str();
            let is_named =
                own.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
            map.is("", "ConfigMap") && is_named && map.root().str_at(&["data", key]).is_some()
        };
        // The default revision's, in the usual namespace, counts before others.
        let rank = |(_, map): &(usize, &Object)| {
            (map.id.name != name, map.id.namespace.as_deref() != Some("istio-system"))
        };
        snapshot.objects().filter(is_it).min_by_key(rank)
    };
    if let Some((_, map)) = map("istio", "mesh")
        && let Some(tree) = stated.read(map, "mesh", read)
    {
        stated.take(&Layers::one(tree.root()), map, &FieldPath::keys(&["data", "mesh"]));
    }
    for (key, take) in [("values", injector::take_values as Take), ("config", injector::take_config as Take)]
    {
        if let Some((index, map)) = map("istio-sidecar-injector", key)
            && let Some(tree) = stated.read(map, key, read)
        {
            let place = Place { object: index, path: FieldPath::keys(&["data", key]) };
            take(&Layers::one(tree.root()), &place, &mut stated.injector);
        }
    }
    let notes = hidden(snapshot, &stated.config, stated.location.as_ref());
    stated.notes.extend(notes);
    stated
}

/// What a `MeshConfig` says over the defaults, and what is wrong with it.
pub fn of_mesh_config(root: Node<'_>) -> (MeshConfig, Vec<String>) {
    let mut config = MeshConfig::default();
    let wrong = fields::take(&Layers::one(root), &mut config);
    (config, wrong)
}

/// Takes over what a text says of the injector.
type Take = fn(&Layers<'_>, &Place, &mut Injector);

/// Namespaces with something in them that istiod does not see, or of which it is not known whether it does. `location` is that of the configuration.
fn hidden(snapshot: &Snapshot, config: &MeshConfig, location: Option<&Location>) -> Vec<Note> {
    let Some(location) = location else { return Vec::new() };
    let mut notes = Vec::new();
    for (namespace, sees) in config.discovery.answers(snapshot) {
        let message = match sees {
            Some(true) => continue,
            Some(false) => format!(
                "istiod does not look into the namespace {namespace}, which no one of the discoverySelectors chooses: its Services, entries and \
                 policies are counted out, and to pods there that ask for the mesh istiod gives no root certificate"
            ),
            None => format!(
                "whether istiod looks into the namespace {namespace} depends on its labels, which are not in the input: it is counted in"
            ),
        };
        notes.push(Note { file: location.file.clone(), position: Some(location.position), message });
    }
    notes
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
