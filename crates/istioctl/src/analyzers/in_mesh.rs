//! Who is in the mesh, as the analyzers guess. Source: `pkg/config/analysis/analyzers/util/in_mesh.go`, `config.go`.

use crate::reader::Texts;
use crate::store::{Container, Pod, Resource, Store};

/// The name of the proxy's container.
pub(super) const PROXY: &str = "istio-proxy";
/// The label of a namespace that turns injection on or off.
pub(super) const INJECTION: &str = "istio-injection";
/// The label of a revision.
pub(super) const REVISION: &str = "istio.io/rev";
/// The label of a namespace's data plane.
pub(super) const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";
/// The label, or the old annotation, of a pod that turns injection on or off.
pub(super) const INJECT: &str = "sidecar.istio.io/inject";

/// The image of the first container that is called as the proxy is.
pub(super) fn proxy_image<'s>(mut containers: impl Iterator<Item = Container<'s>>) -> &'s str {
    containers.find(|container| container.name == PROXY).map_or("", |container| container.image)
}

/// Whether pods with these containers, labels and annotations are in the mesh.
pub(super) fn is_in_mesh<'s>(
    containers: impl Iterator<Item = Container<'s>>,
    labels: &Texts<'_>,
    annotations: &Texts<'_>,
    namespace: &str,
    store: &Store<'_>,
) -> bool {
    if !proxy_image(containers).is_empty() {
        return true;
    }
    if let Some(stated) = labels.get(INJECT).or_else(|| annotations.get(INJECT)) {
        return *stated == "true";
    }
    store.namespace(namespace).is_some_and(|namespace| namespace.label(INJECTION) == "enabled")
}

/// Whether a pod is in the mesh, with a proxy of its own.
pub(super) fn pod_in_mesh(pod: &Pod<'_>, store: &Store<'_>) -> bool {
    let Resource { labels, annotations, name, .. } = &pod.resource;
    is_in_mesh(pod.spec.all().copied(), labels, annotations, name.namespace, store)
}

/// Whether ztunnel carries a pod's traffic.
pub(super) fn is_ambient(pod: &Pod<'_>) -> bool {
    pod.resource.annotation("ambient.istio.io/redirection") == "enabled"
}

/// Whether ztunnel carries the traffic of a namespace.
pub(super) fn is_ambient_namespace(namespace: &Resource<'_>) -> bool {
    namespace.label(INJECTION) != "enabled"
        && namespace.label(REVISION).is_empty()
        && namespace.label(DATAPLANE_MODE) == "ambient"
}

/// Whether something is a part of Istio itself.
pub(super) fn is_control_plane(resource: &Resource<'_>) -> bool {
    resource.labels.contains_key("istio") || resource.label("release") == "istio"
}
