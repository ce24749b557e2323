//! One certificate in several Gateways. Source: `certificate.go`.

use ringwall_model::path::FieldPath;

use crate::analyzers::Context;
use crate::codes::GATEWAY_DUPLICATE_CERTIFICATE;
use crate::message::{Place, Reporter};
use crate::reader::{Value, contains, go_list};
use crate::store::Kind;

pub(in crate::analyzers) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let gateways = context.store.all(Kind::Gateway);
    let served: Vec<Vec<Served<'_>>> = gateways
        .iter()
        .map(|gateway| gateway.spec.items("servers").filter_map(Served::of).collect())
        .collect();
    for (gateway, own) in gateways.iter().zip(&served) {
        if own.is_empty() {
            continue;
        }
        let selector = gateway.spec.map("selector");
        for (other, others) in gateways.iter().zip(&served) {
            if other.name == gateway.name || !contains(&other.spec.map("selector"), &selector) {
                continue;
            }
            if own.iter().any(|one| others.contains(one)) {
                let names = go_list([gateway.name, other.name]);
                let place = Place::Named(FieldPath::keys(&["metadata", "name"]));
                reporter.report(GATEWAY_DUPLICATE_CERTIFICATE, gateway, &[&names], place);
            }
        }
    }
}

/// What a server shows.
#[derive(PartialEq, Eq)]
enum Served<'s> {
    Credential(&'s str),
    Files(&'s str, &'s str),
}

impl<'s> Served<'s> {
    fn of(server: Value<'s>) -> Option<Self> {
        let tls = server.get("tls");
        let (credential, certificate, key) =
            (tls.text("credentialName"), tls.text("serverCertificate"), tls.text("privateKey"));
        match (credential.is_empty(), certificate.is_empty() || key.is_empty()) {
            (false, _) => Some(Self::Credential(credential)),
            (true, false) => Some(Self::Files(certificate, key)),
            (true, true) => None,
        }
    }
}
