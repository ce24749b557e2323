//! How sidecars are injected: the two texts of the injector's `ConfigMap`.

use ringwall_mesh::injector::{Injector, Policy};
use ringwall_mesh::place::Place;
use ringwall_model::selector::Selector;
use ringwall_model::tree::Node;

use super::layers::Layers;

/// The values of the chart that injection heeds: `values` of the map, or those of an `IstioOperator`. Source: istio.io/istio
/// `manifests/charts/istio-control/istio-discovery/files/injection-template.yaml`, and `templates/istiod-injector-configmap.yaml` for what becomes of
/// [`take_config`]'s text, which counts where it is there.
pub(super) fn take_values(stated: &Layers<'_>, place: &Place, injector: &mut Injector) {
    let webhook = stated.under(&["sidecarInjectorWebhook"]);
    if let Some(by_default) = webhook.at(&["enableNamespacesByDefault"]).and_then(Node::as_bool) {
        injector.by_default = by_default;
    }
    let proxy = stated.under(&["global", "proxy"]);
    if let Some(policy) = proxy.at(&["autoInject"]) {
        injector.policy = policy_of(Some(policy));
        injector.place = Some(place.clone());
    }
    take_selectors(&webhook, place, injector);
    let mut has_any = false;
    let ports = &mut injector.proxy;
    let fields = [
        ("includeInboundPorts", &mut ports.include_inbound),
        ("excludeInboundPorts", &mut ports.exclude_inbound),
        ("includeOutboundPorts", &mut ports.include_outbound),
        ("excludeOutboundPorts", &mut ports.exclude_outbound),
        ("includeIPRanges", &mut ports.include_ranges),
        ("excludeIPRanges", &mut ports.exclude_ranges),
    ];
    for (key, field) in fields {
        if let Some(text) = proxy.printed(&[key]) {
            *field = Some(text);
            has_any = true;
        }
    }
    if has_any {
        injector.proxy.place = Some(place.clone());
    }
}

/// The injector's own settings: `config` of the map. Source: istio.io/istio `pkg/kube/inject/inject.go` (`Config`).
pub(super) fn take_config(stated: &Layers<'_>, place: &Place, injector: &mut Injector) {
    injector.policy = policy_of(stated.at(&["policy"]));
    injector.never.clear();
    injector.always.clear();
    take_selectors(stated, place, injector);
    injector.place = Some(place.clone());
}

fn policy_of(node: Option<Node<'_>>) -> Policy {
    match node.and_then(Node::as_str) {
        Some("enabled") => Policy::Enabled,
        Some("disabled") => Policy::Disabled,
        _ => Policy::Off,
    }
}

/// The selectors of both lists. One that cannot be read, and one that is empty, chooses nothing.
fn take_selectors(stated: &Layers<'_>, place: &Place, injector: &mut Injector) {
    let lists =
        [("neverInjectSelector", &mut injector.never), ("alwaysInjectSelector", &mut injector.always)];
    for (key, list) in lists {
        let Some(node) = stated.at(&[key]) else { continue };
        let selectors = node.items().filter_map(|one| Selector::compile(one).ok());
        *list = selectors.filter(|selector| !selector.is_everything()).collect();
        injector.place = Some(place.clone());
    }
}
