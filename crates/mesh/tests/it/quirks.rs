//! What single releases of Istio do otherwise.

use std::sync::Arc;

use ringwall_mesh::authorization::compile::{Compiled, Layer};
use ringwall_mesh::authorization::judge::{Authorizer, Verdict};
use ringwall_mesh::authorization::request::{Http, Request};
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::mesh::{Accepts, Mesh, Settings};
use ringwall_mesh::quirks::Release;
use ringwall_mesh::request_authentication::TokenRules;

use crate::common::policies;
use crate::meshes::{app, namespace, peer, snapshot};

#[test]
fn releases_with_a_hole_are_answered_as_they_are() {
    let policies =
        policies("rules: [{from: [{source: {serviceAccounts: [cert-manager/cert-manager.io]}}]}]\n");
    let lets_in = |release: Option<&str>, account: &str| {
        let config = MeshConfig { release: release.and_then(Release::parse), ..MeshConfig::default() };
        let compiled = Compiled::new(&policies[0], 0, Layer::Http, &config);
        let authorizer = Authorizer::new([Arc::new(compiled)], TokenRules::default(), Layer::Http, &config);
        let peer = format!("spiffe://cluster.local/ns/cert-manager/sa/{account}");
        let request = Request {
            peer: Some(&peer),
            http: Some(Http { method: "GET", path: "/", ..Http::default() }),
            ..Request::default()
        };
        authorizer.judge(&request).verdict == Verdict::Allow
    };
    for release in [None, Some("1.31.0"), Some("1.28.6")] {
        assert!(lets_in(release, "cert-manager.io") && !lets_in(release, "cert-manager-io"), "{release:?}");
    }
    assert!(lets_in(Some("1.28.5"), "cert-manager.io") && lets_in(Some("1.28.5"), "cert-manager-io"));
    assert!(!lets_in(Some("1.28.5"), "cert-manager-i"), "only the dot is open");
}

#[test]
fn strict_ports_deny_nothing_where_a_release_joins_them() {
    let text = namespace("shop", "istio.io/dataplane-mode: ambient")
        + &app("shop", "web", "")
        + &peer(
            "shop",
            "web",
            "{selector: {matchLabels: {app: web}}, mtls: {mode: PERMISSIVE}, portLevelMtls: {8080: {mode: STRICT}, 9090: {mode: STRICT}}}",
        );
    let accepts = |release: Option<&str>| {
        let config = MeshConfig { release: release.and_then(Release::parse), ..MeshConfig::default() };
        Mesh::of(&snapshot(&text), config, &Settings::default()).accepts(0, 8080)
    };
    assert_eq!(accepts(None), Accepts::Strict);
    assert_eq!(accepts(Some("1.24.3")), Accepts::Strict);
    assert_eq!(accepts(Some("1.24.2")), Accepts::Permissive);
    assert_eq!(accepts(Some("1.23.4")), Accepts::Permissive);
}
