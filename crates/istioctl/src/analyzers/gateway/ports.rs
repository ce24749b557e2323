//! Whether a Service leads to a Gateway's ports. Source: `gateway.go`.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::Context;
use crate::codes::GATEWAY_PORT_NOT_DEFINED_ON_SERVICE;
use crate::message::Reporter;
use crate::reader::{contains, selector_text};
use crate::store::{Kind, Service};

use super::{port_of, selector_place, selects_nobody};

pub(in crate::analyzers) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut services: BTreeMap<&str, Vec<&Service<'_>>> = BTreeMap::new();
    for service in &context.store.services {
        services.entry(service.resource.name.namespace).or_default().push(service);
    }
    for gateway in context.store.all(Kind::Gateway) {
        let selector = gateway.spec.map("selector");
        let mut pods =
            context.store.pods.iter().filter(|pod| contains(&pod.resource.labels, &selector)).peekable();
        if pods.peek().is_none() {
            selects_nobody(gateway, &selector, reporter);
            continue;
        }
        let mut ports: BTreeSet<i64> = BTreeSet::new();
        for pod in pods {
            let beside = services.get(pod.resource.name.namespace).into_iter().flatten();
            for service in beside.filter(|service| contains(&pod.resource.labels, &service.selector)) {
                // A port without protocol does not count: nothing fills it in in files.
                for port in service.ports.iter().filter(|port| port.protocol == "TCP") {
                    ports.insert(port.number);
                    if let Some(target) = port.target.parse().ok().filter(|target| *target != 0) {
                        ports.insert(target);
                    }
                }
            }
        }
        for server in gateway.spec.items("servers").filter(|server| server.get("port").is_set()) {
            let port = port_of(server);
            if !ports.contains(&port) {
                let arguments = [&*port.to_string(), &selector_text(&selector)];
                let place = selector_place(&selector);
                reporter.report(GATEWAY_PORT_NOT_DEFINED_ON_SERVICE, gateway, &arguments, place);
            }
        }
    }
}
