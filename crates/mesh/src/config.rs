//! What the whole mesh is set to. Source: istio.io/api `mesh/v1alpha1/config.proto`; defaults of `pkg/config/mesh/mesh.go`.

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
        }
    }
}
