//! Deployments and the Services in front of them; the user that is the proxy's own.
//! Source: `pkg/config/analysis/analyzers/deployment/services.go`, `pod.go`.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::path::FieldPath;

use super::Context;
use super::in_mesh::{PROXY, is_control_plane, is_in_mesh};
use crate::codes::{
    DEPLOYMENT_ASSOCIATED_TO_MULTIPLE_SERVICES, DEPLOYMENT_CONFLICTING_PORTS, INVALID_APPLICATION_UID,
};
use crate::message::{Place, Reporter};
use crate::reader::{contains, go_list};
use crate::store::{Kind, PodSpec, Resource, Service};

/// The label of what a controller of gateways has made.
pub(super) const MANAGED: &str = "gateway.istio.io/managed";
/// Its value on waypoints.
pub(super) const MESH_CONTROLLER: &str = "istio.io-mesh-controller";

pub(super) fn services(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for deployment in context.store.all(Kind::Deployment) {
        let template = deployment.spec.get("template");
        let metadata = template.get("metadata");
        let (labels, annotations) = (metadata.map("labels"), metadata.map("annotations"));
        let containers = PodSpec::of(template.get("spec")).containers;
        let namespace = deployment.name.namespace;
        if deployment.label(MANAGED) == MESH_CONTROLLER
            || !is_in_mesh(containers.into_iter(), &labels, &annotations, namespace, context.store)
        {
            continue;
        }
        let in_front = context.store.services.iter().filter(|service| {
            service.resource.name.namespace == namespace
                && !service.selector.is_empty()
                && contains(&labels, &service.selector)
        });
        let in_front: Vec<&Service<'_>> = in_front.collect();
        protocols(deployment, &in_front, reporter);
        target_ports(deployment, &in_front, reporter);
    }
}

fn named() -> Place {
    Place::Named(FieldPath::keys(&["metadata", "name"]))
}

/// One port, several protocols.
fn protocols(deployment: &Resource<'_>, services: &[&Service<'_>], reporter: &mut Reporter) {
    let mut ports: BTreeMap<i64, (BTreeSet<&str>, Vec<String>)> = BTreeMap::new();
    for service in services {
        for port in &service.ports {
            let (protocols, names) = ports.entry(port.number).or_default();
            protocols.insert(if port.protocol.is_empty() { "TCP" } else { port.protocol });
            names.push(service.resource.name.to_string());
        }
    }
    for (port, (protocols, mut names)) in ports {
        if protocols.len() > 1 {
            names.sort();
            let arguments = [deployment.name.name, &port.to_string(), &go_list(names)];
            reporter.report(DEPLOYMENT_ASSOCIATED_TO_MULTIPLE_SERVICES, deployment, &arguments, named());
        }
    }
}

/// One port of the container, several of Services.
fn target_ports(deployment: &Resource<'_>, services: &[&Service<'_>], reporter: &mut Reporter) {
    let mut targets: BTreeMap<String, BTreeMap<i64, String>> = BTreeMap::new();
    for service in services {
        for port in &service.ports {
            let is_stated = port.target != "0" && !port.target.is_empty();
            let target = if is_stated { port.target.clone() } else { port.number.to_string() };
            targets.entry(target).or_default().insert(port.number, service.resource.name.to_string());
        }
    }
    for (target, ports) in targets {
        if ports.len() > 1 {
            let mut names: Vec<&String> = ports.values().collect();
            names.sort();
            let arguments = [deployment.name.name, &go_list(names), &target, &go_list(ports.keys())];
            reporter.report(DEPLOYMENT_CONFLICTING_PORTS, deployment, &arguments, named());
        }
    }
}

pub(super) fn users(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for pod in &context.store.pods {
        users_of(&pod.resource, &pod.spec, &FieldPath::keys(&["spec"]), reporter);
    }
    for deployment in context.store.all(Kind::Deployment) {
        let spec = PodSpec::of(deployment.spec.at(&["template", "spec"]));
        users_of(deployment, &spec, &FieldPath::keys(&["spec", "template", "spec"]), reporter);
    }
}

/// The proxy runs as this user, and what it sends is not sent through it again.
const PROXY_USER: i64 = 1337;

fn users_of(resource: &Resource<'_>, spec: &PodSpec<'_>, path: &FieldPath, reporter: &mut Reporter) {
    if is_control_plane(resource) {
        return;
    }
    let is_own = |user: Option<i64>| user == Some(PROXY_USER);
    let user_below = |path: FieldPath| Place::Unnamed(path.key("securityContext").key("runAsUser"));
    if is_own(spec.run_as_user) {
        reporter.report(INVALID_APPLICATION_UID, resource, &[], user_below(path.clone()));
    }
    for (at, container) in spec.containers.iter().enumerate() {
        if is_own(container.run_as_user) && container.name != PROXY && container.name != "istio-operator" {
            let path = path.clone().key("containers").index(at);
            reporter.report(INVALID_APPLICATION_UID, resource, &[], user_below(path));
        }
    }
}
