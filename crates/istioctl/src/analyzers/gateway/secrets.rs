//! Secrets with certificates. Source: `secret.go`.

use ringwall_model::path::FieldPath;

use crate::analyzers::Context;
use crate::analyzers::certificate;
use crate::codes::{INVALID_GATEWAY_CREDENTIAL, REFERENCED_RESOURCE_NOT_FOUND};
use crate::message::{Place, Reporter};
use crate::reader::contains;
use crate::store::{Kind, Name, Resource};

use super::selects_nobody;

pub(in crate::analyzers) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for gateway in context.store.all(Kind::Gateway) {
        let selector = gateway.spec.map("selector");
        // The namespace of the first pod that is selected.
        let pod = context.store.pods.iter().find(|pod| contains(&pod.resource.labels, &selector));
        let namespace = pod.map_or("", |pod| pod.resource.name.namespace);
        if namespace.is_empty() {
            selects_nobody(gateway, &selector, reporter);
            continue;
        }
        for (at, server) in gateway.spec.items("servers").enumerate() {
            let credential = server.get("tls").text("credentialName");
            if credential.is_empty() {
                continue;
            }
            let path = FieldPath::keys(&["spec", "servers"]).index(at);
            let place = Place::Named(path.key("tls").key("credentialName"));
            match context.store.find(Kind::Secret, Name::short_or_full(namespace, credential)) {
                None => {
                    let arguments = ["credentialName", credential];
                    reporter.report(REFERENCED_RESOURCE_NOT_FOUND, gateway, &arguments, place);
                }
                Some(secret) if !is_valid(secret, context.now) => {
                    let arguments = [gateway.name.name, namespace];
                    reporter.report(INVALID_GATEWAY_CREDENTIAL, gateway, &arguments, place);
                }
                Some(_) => {}
            }
        }
    }
}

/// Whether a Secret has a certificate with its key, and the certificate is valid now. What is under `stringData` is not read.
/// Source: `ExtractCertInfo` in istio.io/istio `pilot/pkg/credentials/kube/secrets.go`.
fn is_valid(secret: &Resource<'_>, now: u64) -> bool {
    let data = secret.root.map("data");
    let value = |key: &str| data.get(key).copied().filter(|value| !value.is_empty());
    let pair = |certificate: &str, key: &str| value(certificate).filter(|_| value(key).is_some());
    pair("cert", "key")
        .or_else(|| pair("tls.crt", "tls.key"))
        .and_then(certificate::base64)
        .is_some_and(|text| certificate::is_valid(&text, now))
}
