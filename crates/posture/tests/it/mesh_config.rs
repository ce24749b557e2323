//! How a mesh is set, by what the input shows of it.

use std::sync::Arc;

use ringwall_input::{Limits, read_text, yaml_text};
use ringwall_mesh::config::Visibility;
use ringwall_mesh::injector::Policy;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::text::Source;
use ringwall_model::tree::Tree;
use ringwall_posture::mesh::Meshed;
use ringwall_posture::mesh::config::{Stated, of};

fn read(text: &str) -> Result<Tree, String> {
    yaml_text(&Arc::new(Source::new("config", text)), &Limits::default()).map_err(|error| error.to_string())
}

fn snapshot(text: &str) -> Snapshot {
    let input = read_text("mesh.yaml", text.to_owned(), &Limits::default());
    assert_eq!(input.problems, [], "{text}");
    Snapshot::new(input.objects, Facts::default())
}

fn stated(text: &str) -> Stated {
    of(&snapshot(text), &read)
}

/// A text in one of the maps of istiod.
fn map(name: &str, key: &str, text: &str) -> String {
    let indented: String = text.lines().flat_map(|line| ["    ", line, "\n"]).collect();
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: istio-system}}\ndata:\n  {key}: |\n{indented}---\n"
    )
}

fn of_mesh(text: &str) -> Stated {
    stated(&map("istio", "mesh", text))
}

fn of_operator(spec: &str) -> Stated {
    stated(&format!(
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {{name: mesh}}\nspec: {spec}\n"
    ))
}

#[test]
fn exports_that_the_mesh_states_fill_those_that_nobody_does() {
    let config = of_mesh("defaultServiceExportTo: [., old]\ndefaultDestinationRuleExportTo: [.]\n").config;
    assert_eq!(config.default_service_export_to, [".", "old"]);
    assert!(config.keeps_rules_private);
    let config = of_mesh("defaultDestinationRuleExportTo: ['*', old]\n").config;
    assert!(!config.keeps_rules_private, "only a dot counts");
    assert_eq!(config.default_service_export_to, [""; 0]);
}

#[test]
fn visibility_counts_for_sidecars_only_where_that_is_said() {
    let text = "\
serviceEntryVisibility:
  applyToSidecars: true
  defaultVisibility: NAMESPACE
  policies:
  - visibility: PUBLIC
    matchingRules: [{namespaceSelector: {matchLabels: {team: net}}}]
  - visibility: NONE
    matchingRules: [{namespaceSelector: {matchExpressions: [{key: team, operator: Is}]}}]
";
    let visibility = of_mesh(text).config.entry_visibility.unwrap();
    let of = |team: &'static str| visibility.of(|key| (key == "team").then_some(team));
    assert_eq!(of("net"), Visibility::Public);
    assert_eq!(of("web"), Visibility::Namespace, "a selector that is none chooses nobody");
    assert_eq!(of_mesh(&text.replace("true", "false")).config.entry_visibility, None);
}

#[test]
fn only_an_authorizer_that_istiod_takes_can_be_asked() {
    let provider = |name: &str, kind: &str, spec: &str| format!("- {{name: {name}, {kind}: {{{spec}}}}}\n");
    let good = "service: opa.auth.svc.cluster.local, port: 9191";
    let list = [
        provider("http", "envoyExtAuthzHttp", &format!("{good}, pathPrefix: /check, statusOnError: '503'")),
        provider("grpc", "envoyExtAuthzGrpc", &good.replace("opa.auth", "auth/opa.auth")),
        provider("zipkin", "zipkin", good),
        provider("Upper", "envoyExtAuthzGrpc", good),
        provider("port", "envoyExtAuthzGrpc", "service: opa.auth, port: 0"),
        provider("service", "envoyExtAuthzGrpc", "service: 'opa_auth', port: 9191"),
        provider("none", "envoyExtAuthzGrpc", "port: 9191"),
        provider("prefix", "envoyExtAuthzHttp", &format!("{good}, pathPrefix: check")),
        provider("star", "envoyExtAuthzHttp", &format!("{good}, headersToUpstreamOnAllow: ['*']")),
        provider("status", "envoyExtAuthzGrpc", &format!("{good}, statusOnError: '299'")),
        provider("twice", "envoyExtAuthzGrpc", good),
        provider("twice", "lightstep", good),
    ];
    let config = of_mesh(&format!("extensionProviders:\n{}", list.concat())).config;
    assert_eq!(config.extension_providers, ["http", "grpc"]);
    let others: Vec<&str> = config.other_providers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(others, ["zipkin", "Upper", "port", "service", "none", "prefix", "star", "status", "twice"]);
}

#[test]
fn further_authorities_are_trusted() {
    let config = of_mesh("caCertificates: [{pem: x, trustDomains: [partner.example]}, {pem: y}]\n").config;
    assert_eq!(config.ca_trust_domains, ["partner.example"]);
}

#[test]
fn values_of_an_operator_go_over_its_mesh_config() {
    let said = of_operator(
        "{meshConfig: {trustDomain: one, rootNamespace: a, pathNormalization: {normalization: NONE}}, \
          values: {global: {istioNamespace: mesh}, meshConfig: {trustDomain: two}}}",
    );
    assert_eq!((said.config.trust_domain.as_str(), said.config.root_namespace.as_str()), ("two", "a"));
    assert_eq!(said.config.path_normalization, ringwall_mesh::config::PathNormalization::None);
    let said = of_operator(
        "{values: {global: {istioNamespace: mesh}, meshConfig: {trustDomain: two}}, \
          unvalidatedValues: {meshConfig: {trustDomain: three}}}",
    );
    assert_eq!((said.config.trust_domain.as_str(), said.config.root_namespace.as_str()), ("three", "mesh"));
    assert!(said.location.is_some());
    assert!(!said.config.enable_hbone);
    assert!(of_operator("{profile: ambient}").config.enable_hbone);
}

#[test]
fn the_injector_is_set_by_both_texts_of_its_map() {
    let values = r#"{"global": {"proxy": {"autoInject": "disabled", "excludeInboundPorts": 8080, "includeIPRanges": "*", "excludeOutboundPorts": null}},
 "sidecarInjectorWebhook": {"enableNamespacesByDefault": true, "neverInjectSelector": [{"matchLabels": {"a": "b"}}]}}"#;
    let injector = stated(&map("istio-sidecar-injector", "values", values)).injector;
    assert!(injector.by_default);
    assert_eq!((injector.policy, injector.never.len()), (Policy::Disabled, 1));
    assert_eq!(injector.proxy.exclude_inbound.as_deref(), Some("8080"));
    assert_eq!(injector.proxy.exclude_outbound, None);
    let config = "policy: enabled\nalwaysInjectSelector: [{}, {matchLabels: {c: d}}, {matchLabels: 5}]\ntemplates: {}\n";
    let both = [
        map("istio-sidecar-injector", "values", values)
            .replace("istio-sidecar-injector", "istio-sidecar-injector-a"),
        map("istio-sidecar-injector", "config", config),
    ];
    let injector = stated(&both.concat()).injector;
    assert_eq!((injector.policy, injector.never.len(), injector.always.len()), (Policy::Enabled, 0, 1));
    assert!(injector.by_default, "of the other text");
    assert_eq!(stated(&map("istio-sidecar-injector", "config", "policy: on\n")).injector.policy, Policy::Off);
}

const TWO: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {mesh: 'yes', istio-injection: enabled}}
---
apiVersion: v1
kind: Namespace
metadata: {name: old}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: old}
spec: {ports: [{port: 80}], selector: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: old, labels: {app: web}}
spec: {containers: [{name: app, image: app}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}], selector: {app: web}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
";

#[test]
fn what_istiod_does_not_look_into_is_counted_out() {
    let counted = |selectors: &str| {
        let text = [TWO, &map("istio", "mesh", &format!("discoverySelectors: {selectors}\n"))].concat();
        let snapshot = snapshot(&text);
        let meshed = Meshed::of(&snapshot, &[], None, &read);
        let services: Vec<String> = meshed.mesh.services.iter().map(|one| one.host.clone()).collect();
        let notes = meshed.notes.iter().filter(|note| note.message.contains("look"));
        let notes: Vec<String> = notes.map(|note| note.message.clone()).collect();
        (services.len(), meshed.mesh.peers.all.len(), meshed.mesh.workloads.all.len(), notes)
    };
    let (services, peers, workloads, notes) = counted("[{matchLabels: {mesh: 'yes'}}]");
    assert_eq!((services, workloads), (1, 1), "the pod stays, as a client");
    assert_eq!(peers, 1, "nobody knows the labels of the root namespace");
    assert!(notes[0].contains("whether istiod looks into the namespace istio-system"), "{notes:?}");
    assert!(notes[1].contains("istiod does not look into the namespace old"), "{notes:?}");
    let by_name = "[{matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [shop]}]}]";
    let (services, peers, _, notes) = counted(by_name);
    assert_eq!((services, peers, notes.len()), (1, 0, 2), "the root namespace is no exception");
    let (services, peers, _, notes) = counted("[{matchLabels: {mesh: 'no'}}, {}]");
    assert_eq!((services, peers, notes.len()), (2, 1, 0), "an empty one chooses all");
    assert_eq!(counted("[{matchExpressions: [{key: a, operator: Is}]}]").0, 2, "of a wrong list none counts");
}
