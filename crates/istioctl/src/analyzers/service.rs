//! Names of ports, which say the protocol. Source: `pkg/config/analysis/analyzers/service/portname.go`, `pkg/config/kube/conversion.go`,
//! `pkg/config/protocol/instance.go`.

use ringwall_model::path::FieldPath;

use super::Context;
use super::deployment::{MANAGED, MESH_CONTROLLER};
use super::in_mesh::is_control_plane;
use crate::codes::{EXTERNAL_NAME_SERVICE_TYPE_INVALID_PORT_NAME, PORT_NAME_IS_NOT_UNDER_NAMING_CONVENTION};
use crate::message::{Place, Reporter};
use crate::store::Port;

/// Values of the label on Services that a controller of gateways makes.
const CONTROLLERS: [&str; 3] =
    ["istio.io-gateway-controller", MESH_CONTROLLER, "istio.io-eastwest-controller"];

/// Protocols that are known by name.
const PROTOCOLS: [&str; 11] =
    ["tcp", "udp", "grpc", "grpc-web", "http", "http_proxy", "http2", "https", "tls", "mongo", "redis"];

/// Ports that are taken for TCP where nothing is said: of mail, names and two databases.
const WELL_KNOWN: [i64; 4] = [25, 53, 3306, 27017];

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for service in &context.store.services {
        let resource = &service.resource;
        if is_control_plane(resource) || CONTROLLERS.contains(&resource.label(MANAGED)) {
            continue;
        }
        for (at, port) in service.ports.iter().enumerate() {
            if says_protocol(port) && !(port.name == "tcp" && service.is_external_name) {
                continue;
            }
            let place = Place::Named(FieldPath::keys(&["spec", "ports"]).index(at).key("port"));
            if service.is_external_name {
                reporter.report(EXTERNAL_NAME_SERVICE_TYPE_INVALID_PORT_NAME, resource, &[], place);
            } else {
                let arguments = [port.name, &port.number.to_string(), &port.target];
                reporter.report(PORT_NAME_IS_NOT_UNDER_NAMING_CONVENTION, resource, &arguments, place);
            }
        }
    }
}

/// Whether the protocol of a port is known.
fn says_protocol(port: &Port<'_>) -> bool {
    if port.protocol == "UDP" {
        return true;
    }
    if matches!(port.app_protocol, Some("kubernetes.io/h2c" | "kubernetes.io/ws" | "kubernetes.io/wss")) {
        return true;
    }
    let name = port.app_protocol.unwrap_or(port.name).to_ascii_lowercase();
    let first = name.split('-').next().unwrap_or_default();
    name.starts_with("grpc-web")
        || PROTOCOLS.contains(&first)
        || first == "mysql"
        || WELL_KNOWN.contains(&port.number)
}
