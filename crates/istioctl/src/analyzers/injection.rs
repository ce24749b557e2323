//! Which namespaces and pods get a proxy, and which proxy. Source: `pkg/config/analysis/analyzers/injection`.

use std::collections::BTreeMap;

use ringwall_model::path::FieldPath;
use ringwall_model::selector::Selector;

use super::Context;
use super::in_mesh::{DATAPLANE_MODE, INJECT, INJECTION, PROXY, REVISION, proxy_image};
use super::proxyconfig::Resolver;
use crate::codes::{
    IMAGE_AUTO_WITHOUT_INJECTION_ERROR, IMAGE_AUTO_WITHOUT_INJECTION_WARNING,
    NAMESPACE_INJECTION_ENABLED_BY_DEFAULT, NAMESPACE_MULTIPLE_INJECTION_LABELS, NAMESPACE_NOT_INJECTED,
    POD_MISSING_PROXY, PODS_ISTIO_PROXY_IMAGE_MISMATCH_IN_NAMESPACE,
};
use crate::message::{Place, Reporter};
use crate::reader::{Texts, Value, go_list};
use crate::store::{ISTIO_SYSTEM, Kind, PodSpec, Resource};

/// The `ConfigMap` of the injector; those of revisions have its name before theirs.
const INJECTOR: &str = "istio-sidecar-injector";

fn injector_of(revision: &str) -> String {
    if revision.is_empty() || revision == "default" {
        INJECTOR.to_owned()
    } else {
        format!("{INJECTOR}-{revision}")
    }
}

/// What an injector's `ConfigMap` is told: JSON in a text.
fn values_of(map: &Resource<'_>) -> Option<serde_json::Value> {
    serde_json::from_str(map.root.map("data").get("values").copied().unwrap_or_default()).ok()
}

fn metadata(key: &str) -> FieldPath {
    FieldPath::keys(&["metadata", key])
}

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut injectors: BTreeMap<&str, bool> = BTreeMap::new();
    for map in context.store.all(Kind::ConfigMap).iter().filter(|map| map.name.name.starts_with(INJECTOR)) {
        injectors.entry(map.name.name).or_insert_with(|| injects_all(map));
    }
    // The reference keeps what it found for the namespace before, where one has no injector.
    let mut by_default = false;
    for namespace in context.store.all(Kind::Namespace).iter().filter(|it| it.name.name != ISTIO_SYSTEM) {
        let name = namespace.name.name;
        let injection = namespace.labels.get(INJECTION).copied();
        let mut labels: Vec<String> = injection.iter().map(|value| format!("{INJECTION}={value}")).collect();
        for key in [REVISION, DATAPLANE_MODE] {
            if let Some(value) =
                namespace.labels.get(key).filter(|_| matches!(injection, None | Some("enabled")))
            {
                labels.push(format!("{key}={value}"));
            }
        }
        if labels.len() > 1 {
            let place = Place::Unnamed(metadata("labels"));
            reporter.report(NAMESPACE_MULTIPLE_INJECTION_LABELS, namespace, &[&go_list(labels)], place);
        }
        if namespace.label(DATAPLANE_MODE) == "ambient" {
            continue;
        }
        if let Some(stated) = injectors.get(injector_of(namespace.label(REVISION)).as_str()) {
            by_default = *stated;
        }
        if injection.unwrap_or_default().is_empty() && !namespace.labels.contains_key(REVISION) {
            if by_default {
                reporter.report(NAMESPACE_INJECTION_ENABLED_BY_DEFAULT, namespace, &[], Place::Whole);
            } else {
                let place = Place::Named(metadata("name"));
                reporter.report(NAMESPACE_NOT_INJECTED, namespace, &[name, name], place);
            }
        }
    }
    let is_injected = |name: &str| {
        name != ISTIO_SYSTEM
            && context.store.namespace(name).is_some_and(|namespace| {
                namespace.label(INJECTION) == "enabled" && namespace.label(DATAPLANE_MODE) != "ambient"
            })
    };
    for pod in &context.store.pods {
        let resource = &pod.resource;
        let stated = resource.labels.get(INJECT).copied().unwrap_or(resource.annotation(INJECT));
        let is_out = stated.eq_ignore_ascii_case("false") || pod.spec.host_network;
        if !is_out && is_injected(resource.name.namespace) && proxy_image(pod.spec.all().copied()).is_empty()
        {
            reporter.report(POD_MISSING_PROXY, resource, &[&resource.name.to_string()], Place::Whole);
        }
    }
}

/// Whether an injector takes namespaces that say nothing.
fn injects_all(map: &Resource<'_>) -> bool {
    values_of(map)
        .and_then(|values| values.get("sidecarInjectorWebhook")?.get("enableNamespacesByDefault")?.as_bool())
        .unwrap_or(false)
}

/// The image that an injector gives; nothing where Go's decoder does not read what it is told.
fn image_of(map: &Resource<'_>) -> String {
    let read = || {
        let values = values_of(map)?;
        let global = field(&values, "global");
        let proxy = global.and_then(|global| field(global, "proxy"));
        if [Some(&values), global, proxy].into_iter().flatten().any(|holder| !holder.is_object()) {
            return None;
        }
        let text = |of: Option<&serde_json::Value>, name: &str| match of.and_then(|of| field(of, name)) {
            None => Some(String::new()),
            Some(value) => value.as_str().map(str::to_owned),
        };
        let (hub, tag, image) = (text(global, "hub")?, text(global, "tag")?, text(proxy, "image")?);
        Some(if image.contains('/') { image } else { format!("{hub}/{image}:{tag}") })
    };
    read().unwrap_or_default()
}

/// A field of an object. Go's decoder finds it whatever its case, and passes over `null`.
fn field<'v>(of: &'v serde_json::Value, name: &str) -> Option<&'v serde_json::Value> {
    let object = of.as_object()?;
    let other = || object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    object.get(name).or_else(other).filter(|value| !value.is_null())
}

pub(super) fn images(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let maps = context.store.all(Kind::ConfigMap).iter().filter(|map| map.name.name.starts_with(INJECTOR));
    let images: BTreeMap<&str, String> = maps.map(|map| (map.name.name, image_of(map))).collect();
    if images.is_empty() {
        return;
    }
    let resolver = Resolver::of(context);
    let mut wrong: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for pod in &context.store.pods {
        let name = pod.resource.name;
        let Some(namespace) = context.store.namespace(name.namespace) else { continue };
        let injector = match namespace.labels.get(REVISION) {
            Some(revision) => injector_of(revision),
            None if namespace.label(INJECTION) == "enabled" => injector_of("default"),
            None => continue,
        };
        let Some(image) = images.get(injector.as_str()) else { continue };
        if !pod.resource.annotation("sidecar.istio.io/proxyImage").is_empty() {
            continue;
        }
        let variant = format!("{image}-{}", resolver.image_type(&pod.resource));
        for container in pod.spec.all().filter(|container| container.name == PROXY) {
            if container.image != *image && container.image != variant {
                wrong.entry(name.namespace).or_default().push(name.name);
            }
        }
    }
    for (namespace, mut pods) in wrong {
        pods.sort_unstable();
        if let Some(namespace) = context.store.namespace(namespace) {
            let arguments = [&*go_list(pods)];
            reporter.report(
                PODS_ISTIO_PROXY_IMAGE_MISMATCH_IN_NAMESPACE,
                namespace,
                &arguments,
                Place::Whole,
            );
        }
    }
}

/// Where the container stands whose image the injector is to fill in.
fn automatic(spec: &PodSpec<'_>) -> Option<usize> {
    spec.containers.iter().position(|container| container.name == PROXY && container.image == "auto")
}

pub(super) fn auto_images(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for pod in &context.store.pods {
        if let Some(at) = automatic(&pod.spec) {
            let path = FieldPath::keys(&["spec", "containers"]).index(at).key("image");
            let arguments = ["Pod", pod.resource.name.name];
            reporter.report(
                IMAGE_AUTO_WITHOUT_INJECTION_ERROR,
                &pod.resource,
                &arguments,
                Place::Unnamed(path),
            );
        }
    }
    let hooks = context.store.all(Kind::MutatingWebhookConfiguration).iter();
    let hooks = hooks.flat_map(|hooks| hooks.root.items("webhooks"));
    let hooks = hooks.filter(|hook| hook.text("name").ends_with("istio.io"));
    let selectors: Vec<[Option<Selector>; 2]> =
        hooks.map(|hook| [selector(hook, "namespaceSelector"), selector(hook, "objectSelector")]).collect();
    for deployment in context.store.all(Kind::Deployment) {
        let template = deployment.spec.get("template");
        let Some(at) = automatic(&PodSpec::of(template.get("spec"))) else { continue };
        let namespace = Some(deployment.name.namespace).filter(|name| !name.is_empty()).unwrap_or("default");
        let namespace = context.store.namespace(namespace);
        let none = Texts::new();
        let of_namespace = namespace.map_or(&none, |namespace| &namespace.labels);
        let of_pods = template.get("metadata").map("labels");
        if !selectors
            .iter()
            .any(|[one, other]| selects(one.as_ref(), of_namespace) && selects(other.as_ref(), &of_pods))
        {
            let path = FieldPath::keys(&["spec", "template", "spec", "containers"]).index(at).key("image");
            let arguments = ["Deployment", deployment.name.name];
            reporter.report(
                IMAGE_AUTO_WITHOUT_INJECTION_WARNING,
                deployment,
                &arguments,
                Place::Unnamed(path),
            );
        }
    }
}

/// A selector of a webhook; one that is not there selects everything. Nothing where the reference cannot read it, which selects nothing.
pub(super) fn selector(hook: Value<'_>, name: &str) -> Option<Selector> {
    match hook.get(name).node {
        None => Some(Selector::everything()),
        Some(node) => Selector::compile(node).ok(),
    }
}

/// Whether labels are selected.
pub(super) fn selects(selector: Option<&Selector>, labels: &Texts<'_>) -> bool {
    selector.is_some_and(|selector| selector.matches(|key| labels.get(key).copied()))
}
