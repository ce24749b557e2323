//! What is counted, what is silenced, and where messages point.

use std::sync::Arc;

use ringwall_input::{Limits, read_text, yaml_text};
use ringwall_istioctl::{Analysis, Asked, Mesh, View, analyze, codes, names, place};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::text::Source;
use ringwall_model::tree::Tree;

fn read(text: &str) -> Result<Tree, String> {
    yaml_text(&Arc::new(Source::new("a text", text)), &Limits::default()).map_err(|error| error.to_string())
}

fn snapshot(text: &str) -> Snapshot {
    let input = read_text("mesh.yaml", text.to_owned(), &Limits::default());
    assert!(input.problems.is_empty(), "{:?}", input.problems);
    Snapshot::new(input.objects, Facts::default())
}

fn look(snapshot: &Snapshot, view: View) -> Analysis {
    analyze(snapshot, &Asked { view, mesh: &Mesh::of(snapshot, &read), read: &read, now: 0 })
}

/// What is said, with its place.
fn said(text: &str, view: View) -> Vec<String> {
    let snapshot = snapshot(text);
    let analysis = look(&snapshot, view);
    analysis
        .messages
        .iter()
        .map(|message| format!("{} {} {}", message.code.id, message.origin, place(&snapshot, message)))
        .collect()
}

const ROUTE: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: web
  namespace: shop
spec:
  hosts: [web]
  http:
  - route:
    - destination:
        host: web
    - destination:
        host: gone
    - destination:
        host: gone
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
";

#[test]
fn a_line_is_that_of_the_field() {
    // Two messages that only differ in their line are two.
    let lines: Vec<String> =
        said(ROUTE, View::All).into_iter().filter(|line| line.starts_with("IST0101")).collect();
    let expected =
        ["mesh.yaml:13", "mesh.yaml:15"].map(|place| format!("IST0101 VirtualService shop/web {place}"));
    assert_eq!(lines, expected);
}

#[test]
fn what_asks_for_services_does_not_run_on_files() {
    assert!(!said(ROUTE, View::Files).iter().any(|line| line.starts_with("IST0101")));
}

#[test]
fn of_two_objects_of_one_name_the_later_counts() {
    let rule = |host: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: a, namespace: b}}\nspec: {{host: {host}}}\n---\n"
        )
    };
    let snapshot = snapshot(&(rule("one") + &rule("two")));
    let texts: Vec<String> =
        look(&snapshot, View::All).messages.into_iter().map(|message| message.text).collect();
    assert_eq!(
        texts,
        ["The host two defined in the DestinationRule does not match any services in the mesh."]
    );
}

#[test]
fn namespaces_of_kubernetes_are_left_out() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    let lines = said(text, View::All);
    assert_eq!(lines, ["IST0102 Namespace shop mesh.yaml:7"]);
}

#[test]
fn an_annotation_silences_codes() {
    let text = |silenced: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: a\n  namespace: b\n  annotations: {{galley.istio.io/analyze-suppress: \"{silenced}\"}}\nspec: {{host: gone, trafficPolicy: {{tls: {{mode: SIMPLE}}}}}}\n"
        )
    };
    let codes = |silenced: &str| -> Vec<String> {
        said(&text(silenced), View::All).iter().map(|line| line.chars().take(7).collect()).collect()
    };
    assert_eq!(codes(""), ["IST0128", "IST0174"]);
    assert_eq!(codes("IST0128"), ["IST0174"]);
    // No blank may stand between them.
    assert_eq!(codes("IST0174, IST0128"), ["IST0128"]);
    assert!(codes("*").is_empty());
}

#[test]
fn what_cannot_be_read_is_left_out_and_told() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\nspec: {ports: yes}\n";
    let snapshot = snapshot(text);
    let analysis = look(&snapshot, View::All);
    assert!(analysis.messages.is_empty(), "{:?}", analysis.messages);
    let told: Vec<String> = analysis.unread.iter().map(|unread| unread.path.to_string()).collect();
    assert_eq!(told, ["spec.ports"]);
    assert!(look(&snapshot, View::Files).unread.is_empty());
}

#[test]
fn whatever_stands_in_an_object_nothing_falls() {
    let kinds = [
        ("networking.istio.io/v1", "VirtualService"),
        ("networking.istio.io/v1", "Gateway"),
        ("networking.istio.io/v1", "Sidecar"),
        ("networking.istio.io/v1alpha3", "EnvoyFilter"),
        ("security.istio.io/v1", "AuthorizationPolicy"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("v1", "Secret"),
    ];
    let bodies = [
        "spec: 1",
        "spec: [a]",
        "status: x",
        "webhooks: {a: b}",
        "data: []",
        "spec: {rules: [{from: [{}]}, null]}",
    ];
    for (version, kind) in kinds {
        for body in bodies {
            let text = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n{body}\n");
            for view in [View::Files, View::All] {
                look(&snapshot(&text), view);
            }
        }
    }
}

#[test]
fn codes_are_known_by_their_numbers() {
    assert!(codes::ALL.is_sorted_by(|one, other| one.id < other.id));
    assert_eq!(codes::of("IST0174").map(|code| code.name), Some("UnknownDestinationRuleHost"));
    assert_eq!(codes::of("IST9999"), None);
    assert_eq!(names().count(), 36);
}
