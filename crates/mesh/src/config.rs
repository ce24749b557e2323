//! What the whole mesh is set to. Source: istio.io/api `mesh/v1alpha1/config.proto`; defaults of `pkg/config/mesh/mesh.go`.

use ringwall_model::selector::Selector;

use crate::discovery::Discovery;
use crate::quirks::Release;

/// How the paths of requests are normalised before policies see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PathNormalization {
    /// Not at all.
    None,
    /// By RFC 3986: dot segments, `\` as `/`, what need not be escaped is decoded. The default.
    #[default]
    Base,
    /// And slashes that follow on one another are one.
    MergeSlashes,
    /// And `%2F` and `%5C` are slashes, before they are merged.
    DecodeAndMergeSlashes,
}

/// Who may see a `ServiceEntry`, whatever it exports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Whom it is exported to.
    #[default]
    Public,
    /// Its own namespace at most.
    Namespace,
    /// Nobody.
    None,
}

/// `ServiceEntryVisibility`, where it holds for sidecars too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryVisibility {
    /// Where no policy says otherwise.
    pub default: Visibility,
    /// The policies: the first whose selectors all choose the namespace counts. A selector that is none chooses no namespace.
    pub policies: Vec<(Vec<Option<Selector>>, Visibility)>,
}

impl EntryVisibility {
    /// Who may see entries of a namespace with these labels. Source: istio.io/istio `pilot/pkg/model/serviceentry_visibility.go`.
    pub fn of<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> Visibility {
        let chooses = |selector: &Option<Selector>| selector.as_ref().is_some_and(|one| one.matches(&label));
        let found = self.policies.iter().find(|(selectors, _)| selectors.iter().all(chooses));
        found.map_or(self.default, |(_, visibility)| *visibility)
    }
}

/// `MeshConfig`, as far as it decides who may talk to whom and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshConfig {
    /// The namespace whose policies are for the whole mesh.
    pub root_namespace: String,
    /// The trust domain of the mesh.
    pub trust_domain: String,
    /// Other names of it.
    pub trust_domain_aliases: Vec<String>,
    /// Whether clients use mutual TLS by themselves where a server takes it.
    pub enable_auto_mtls: bool,
    /// Whether injection makes sidecars take HBONE, the tunnel of ambient (`ISTIO_META_ENABLE_HBONE` of `defaultConfig.proxyMetadata`).
    pub enable_hbone: bool,
    /// Whether sidecars let nothing out to what they do not know of (`outboundTrafficPolicy`).
    pub registry_only: bool,
    /// How paths are normalised.
    pub path_normalization: PathNormalization,
    /// The release of Istio, where it is known; see [`crate::quirks`].
    pub release: Option<Release>,
    /// Names of the authorizers that CUSTOM policies may ask.
    pub extension_providers: Vec<String>,
    /// Further providers, which no policy can ask, and why.
    pub other_providers: Vec<(String, String)>,
    /// Trust domains of further certificate authorities, which sidecars trust too.
    pub ca_trust_domains: Vec<String>,
    /// The namespaces that may see Services and `ServiceEntry` objects that do not say; empty for all.
    pub default_service_export_to: Vec<String>,
    /// Whether a `DestinationRule` that does not say is for its own namespace alone (`defaultDestinationRuleExportTo` with `.`).
    pub keeps_rules_private: bool,
    /// Who may see a `ServiceEntry`, where sidecars heed that.
    pub entry_visibility: Option<EntryVisibility>,
    /// The namespaces that istiod looks into. [`crate::mesh::Mesh::of`] takes a snapshot of them; see [`Discovery::seen`].
    pub discovery: Discovery,
}

impl Default for MeshConfig {
    fn default() -> Self {
        Self {
            root_namespace: "istio-system".to_owned(),
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: Vec::new(),
            enable_auto_mtls: true,
            enable_hbone: false,
            registry_only: false,
            path_normalization: PathNormalization::default(),
            release: None,
            extension_providers: Vec::new(),
            other_providers: Vec::new(),
            ca_trust_domains: Vec::new(),
            default_service_export_to: Vec::new(),
            keeps_rules_private: false,
            entry_visibility: None,
            discovery: Discovery::default(),
        }
    }
}
