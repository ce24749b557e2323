//! What the mesh is set to, as far as analyzers ask. Source: istio.io/istio `pkg/config/mesh/mesh.go`.

use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::{Node, ReadText};

use crate::reader::Value;
use crate::store::ISTIO_SYSTEM;

/// What the mesh is set to. [`Default`] is what istioctl takes for granted where it only has files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    /// The namespace whose policies are for the whole mesh.
    pub root_namespace: String,
    /// The Service through which traffic enters.
    pub ingress_service: String,
    /// Whether Ingress objects are served at all.
    pub has_ingress: bool,
    /// The kind of image of all proxies; empty for the usual.
    pub image_type: String,
    /// Whether proxies make up addresses of `ServiceEntry` objects.
    pub auto_allocates: bool,
    /// Whether there is a provider that access logs go to if none is named.
    pub logs_by_default: bool,
    /// The providers that are Lightstep.
    pub lightstep: Vec<String>,
    /// Networks, each with the registries that its endpoints come from.
    pub networks: Vec<(String, Vec<String>)>,
}

impl Default for Mesh {
    fn default() -> Self {
        Self {
            root_namespace: ISTIO_SYSTEM.to_owned(),
            ingress_service: "istio-ingressgateway".to_owned(),
            has_ingress: true,
            image_type: String::new(),
            auto_allocates: false,
            logs_by_default: false,
            lightstep: Vec::new(),
            networks: Vec::new(),
        }
    }
}

impl Mesh {
    /// What the `ConfigMap` `istio` in `istio-system` says, which istioctl asks of a cluster; the default where it says nothing that
    /// can be read. Source: `addRunningKubeIstioConfigMapSource` in istio.io/istio `pkg/config/analysis/local/istiod_analyze.go`.
    pub fn of(snapshot: &Snapshot, read: &ReadText<'_>) -> Self {
        let mut mesh = Self::default();
        let map = snapshot
            .of_kind("", "ConfigMap")
            .find(|map| map.id.name == "istio" && map.id.namespace.as_deref() == Some(ISTIO_SYSTEM));
        let text = |key: &str| map.and_then(|map| map.root().str_at(&["data", key]));
        if let Some(tree) = text("mesh").and_then(|text| read(text).ok()) {
            mesh.take(tree.root());
            if let Some(tree) = text("meshNetworks").and_then(|text| read(text).ok()) {
                mesh.take_networks(tree.root());
            }
        }
        mesh
    }

    /// Takes over what a configuration of the mesh states.
    pub fn take(&mut self, root: Node<'_>) {
        let root = Value::proto(root);
        for (field, name) in
            [(&mut self.root_namespace, "rootNamespace"), (&mut self.ingress_service, "ingressService")]
        {
            let text = root.text(name);
            if !text.is_empty() {
                text.clone_into(field);
            }
        }
        if root.get("ingressControllerMode").is_set() {
            let modes = ["UNSPECIFIED", "OFF", "DEFAULT", "STRICT"];
            self.has_ingress = root.choice("ingressControllerMode", &modes) != "OFF";
        }
        let proxy = root.get("defaultConfig");
        proxy.get("image").text("imageType").clone_into(&mut self.image_type);
        let metadata = proxy.map("proxyMetadata");
        let is_on = |key: &str| metadata.get(key) == Some(&"true");
        self.auto_allocates = is_on("ISTIO_META_DNS_CAPTURE")
            && (is_on("ISTIO_META_DNS_AUTO_ALLOCATE") || is_on("PILOT_ENABLE_IP_AUTOALLOCATE"));
        self.logs_by_default = root.get("defaultProviders").items("accessLogging").next().is_some();
        let providers =
            root.items("extensionProviders").filter(|provider| provider.get("lightstep").is_set());
        self.lightstep = providers.map(|provider| provider.text("name").to_owned()).collect();
    }

    fn take_networks(&mut self, root: Node<'_>) {
        let networks = Value::proto(root).get("networks");
        let Some(node) = networks.node else { return };
        for entry in node.entries() {
            let endpoints = Value::proto(entry.value).items("endpoints");
            let registries = endpoints.map(|endpoint| endpoint.text("fromRegistry").to_owned());
            let registries = registries.filter(|registry| !registry.is_empty()).collect();
            self.networks.push((entry.key.to_owned(), registries));
        }
        self.networks.sort();
    }
}
