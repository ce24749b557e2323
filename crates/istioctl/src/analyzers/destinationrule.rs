//! Who is at the other end, and whether there is anybody. Source: `pkg/config/analysis/analyzers/destinationrule/ca-certificates.go`,
//! `subset.go`.

use std::collections::BTreeMap;

use ringwall_model::path::FieldPath;

use super::Context;
use super::hosts::Hosts;
use crate::codes::{
    DESTINATION_RULE_SUBSET_NOT_SELECT_PODS, NO_SERVER_CERTIFICATE_VERIFICATION_DESTINATION_LEVEL,
    NO_SERVER_CERTIFICATE_VERIFICATION_PORT_LEVEL, UNKNOWN_DESTINATION_RULE_HOST,
};
use crate::message::{Place, Reporter};
use crate::reader::{Texts, Value, contains};
use crate::store::{Kind, Pod};

const MODES: [&str; 4] = ["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"];

/// The mode, where it is one that must be told whom to trust and is not.
fn unverified(tls: Value<'_>, has_selector: bool) -> Option<&'static str> {
    let mode = tls.choice("mode", &MODES);
    let is_told =
        !tls.text("caCertificates").is_empty() || (!tls.text("credentialName").is_empty() && has_selector);
    (matches!(mode, "SIMPLE" | "MUTUAL") && !is_told).then_some(mode)
}

pub(super) fn certificates(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for rule in context.store.all(Kind::DestinationRule) {
        let has_selector = rule.spec.get("workloadSelector").is_set();
        let name = rule.name.to_string();
        let (namespace, host) = (rule.name.namespace, rule.spec.text("host"));
        let policy = rule.spec.get("trafficPolicy");
        let path = FieldPath::keys(&["spec", "trafficPolicy"]);
        // The reference looks for the line of the field that is not there.
        let below = |path: FieldPath| Place::Unnamed(path.key("tls"));
        if let Some(mode) = unverified(policy.get("tls"), has_selector) {
            reporter.report(
                NO_SERVER_CERTIFICATE_VERIFICATION_DESTINATION_LEVEL,
                rule,
                &[&name, namespace, mode, host],
                below(path.clone()),
            );
        }
        for (at, settings) in policy.items("portLevelSettings").enumerate() {
            if let Some(mode) = unverified(settings.get("tls"), has_selector) {
                let port = settings.get("port");
                // As protobuf prints a `PortSelector`.
                let port = match port.number("number") {
                    _ if !port.is_set() => "<nil>".to_owned(),
                    None | Some(0) => String::new(),
                    Some(number) => format!("number:{number}"),
                };
                reporter.report(
                    NO_SERVER_CERTIFICATE_VERIFICATION_PORT_LEVEL,
                    rule,
                    &[&name, namespace, mode, host, &port],
                    below(path.clone().key("portLevelSettings").index(at)),
                );
            }
        }
    }
}

const REGION: &str = "topology.kubernetes.io/region";
const ZONE: &str = "topology.kubernetes.io/zone";
const SUBZONE: &str = "topology.istio.io/subzone";

/// A pod's labels, with what istiod adds from its node. Source: istio.io/istio `pilot/pkg/serviceregistry/util/label/label.go`,
/// `LocalityToString` in `pilot/pkg/networking/util/util.go`.
fn augmented<'s>(pod: &Pod<'s>, nodes: &BTreeMap<&str, &Texts<'s>>) -> Texts<'s> {
    let mut labels = pod.resource.labels.clone();
    if let Some(node) = nodes.get(pod.spec.node_name) {
        // A part counts where those before it are there; a slash in one moves what follows.
        let part = |key: &str| node.get(key).copied().unwrap_or_default();
        let mut locality = vec![part(REGION)];
        if !part(ZONE).is_empty() {
            locality.push(part(ZONE));
            if !part(SUBZONE).is_empty() {
                locality.push(part(SUBZONE));
            }
        }
        let parts = locality.into_iter().flat_map(|part| part.split('/'));
        for (key, value) in [REGION, ZONE, SUBZONE].into_iter().zip(parts) {
            if !value.is_empty() {
                labels.insert(key, value);
            }
        }
    }
    if !pod.spec.node_name.is_empty() {
        labels.insert("kubernetes.io/hostname", pod.spec.node_name);
    }
    labels
}

pub(super) fn subsets(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let hosts = Hosts::of(context.store);
    let nodes = context.store.all(Kind::Node);
    let nodes: BTreeMap<&str, &Texts<'_>> = nodes.iter().map(|node| (node.name.name, &node.labels)).collect();
    let mut pods: Vec<Texts<'_>> = context.store.pods.iter().map(|pod| augmented(pod, &nodes)).collect();
    // Replicas are alike.
    pods.sort();
    pods.dedup();
    for rule in context.store.all(Kind::DestinationRule) {
        let host = rule.spec.text("host");
        let Some(behind) = hosts.find(rule.name.namespace, &rule.spec.texts("exportTo"), host) else {
            let place = Place::Unnamed(FieldPath::keys(&["spec", "host"]));
            reporter.report(UNKNOWN_DESTINATION_RULE_HOST, rule, &[host], place);
            continue;
        };
        // Of two subsets of one name the later counts.
        let subsets = rule.spec.items("subsets").enumerate();
        let subsets: BTreeMap<&str, (usize, Value<'_>)> =
            subsets.map(|(at, subset)| (subset.text("name"), (at, subset))).collect();
        for (name, (at, subset)) in subsets {
            let mut wanted = behind.selector.clone();
            wanted.extend(subset.map("labels"));
            if !pods.iter().any(|labels| contains(labels, &wanted)) {
                let place = Place::Unnamed(FieldPath::keys(&["spec", "subsets"]).index(at));
                reporter.report(DESTINATION_RULE_SUBSET_NOT_SELECT_PODS, rule, &[name], place);
            }
        }
    }
}
