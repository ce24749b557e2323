//! `DestinationRule` objects for hosts and subsets that nobody is.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::near::nearest;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::examples::{injected, service, web};
use super::selection::of_controller;
use super::{DESTINATION, EVERY_VERSION, Flaws, MeshCheck, Subject, reviewed};
use crate::destination::DestinationRule;
use crate::host::overlap;
use crate::place::is_subset;
use crate::services::{DOMAIN, Service};
use crate::workloads::namespace_of;

/// A rule for a host, with what stands in its `spec` besides.
macro_rules! rule {
    ($host:literal, $more:literal) => {
        concat!(
            "\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: web
  namespace: shop
spec:
  host: ",
            $host,
            "\n",
            $more
        )
    };
}

pub(super) const HOST: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-049",
        name: "destination-rule-for-nobody",
        severity: Severity::Medium,
        summary: "a DestinationRule is for a host that no Service is",
        what: "`host` of a DestinationRule, without a star, names a Service of a namespace of which the input holds others, or names one that is there in a form \
               that Istio does not read (`web.shop`): what has a dot is taken for a whole name. Nothing is said of hosts outside of the cluster, nor of Services that a \
               Gateway or an object of another kind may make. The severity is low where no Service has a name like it. (istioctl: `IST0174`; Kiali: `KIA0202`.)",
        why: "No client heeds the rule: the `tls` that it asks for is not used, and its limits do not hold.",
        fix: "Write the Service's name alone, in its own namespace, or the whole: NAME.NAMESPACE.svc.cluster.local.",
        bad: concat!(
            injected!(),
            web!(),
            service!(),
            rule!("web.shop", "  trafficPolicy:\n    tls:\n      mode: ISTIO_MUTUAL\n")
        ),
        good: concat!(
            injected!(),
            web!(),
            service!(),
            rule!("web.shop.svc.cluster.local", "  trafficPolicy:\n    tls:\n      mode: ISTIO_MUTUAL\n")
        ),
        versions: EVERY_VERSION,
        references: &[DESTINATION, "https://istio.io/latest/docs/reference/config/analysis/ist0174/"],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: host,
};

pub(super) const SUBSET: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-050",
        name: "subset-of-nobody",
        severity: Severity::Medium,
        summary: "a DestinationRule has a subset that no pod of its Service is in",
        what: "The labels of a subset of a DestinationRule are on none of the workloads of the input that the Service of its `host` selects. Nothing is said where none of \
               these is in the input, nor of labels that a controller or Istio sets. (istioctl: `IST0173`; Kiali: `KIA0203`.)",
        why: "What a route sends to the subset finds nobody and fails, and what the rule says for the subset, its `tls` too, is for nobody.",
        fix: "Write the labels that the pods have, or take the subset away.",
        bad: concat!(
            injected!(),
            web!(),
            service!(),
            rule!("web", "  subsets:\n  - name: blue\n    labels:\n      app: wbe\n")
        ),
        good: concat!(
            injected!(),
            web!(),
            service!(),
            rule!("web", "  subsets:\n  - name: blue\n    labels:\n      app: web\n")
        ),
        versions: EVERY_VERSION,
        references: &[DESTINATION, "https://istio.io/latest/docs/reference/config/analysis/ist0173/"],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand("which pods are meant is not in the manifest"),
    find: subset,
};

/// All rules whose host has no star.
fn rules<'s>(subject: &'s Subject<'_>) -> impl Iterator<Item = DestinationRule> + 's {
    let mut misread = Vec::new();
    let all = subject.snapshot.objects();
    all.filter_map(move |(index, object)| DestinationRule::read(object, index, DOMAIN, &mut misread))
        .filter(|rule| !rule.host.is_empty() && !rule.host.contains('*'))
}

/// Whether a Service is one of Kubernetes that a rule may mean: where the rule does not state its namespace, both are in one folder.
fn is_near(subject: &Subject<'_>, rule: &DestinationRule, service: &Service) -> bool {
    subject.object(service.object).id.kind == "Service"
        && (subject.object(rule.object).id.namespace.is_some()
            || subject.are_together(rule.object, service.object))
}

/// Whether something of the namespace may make a Service of this name: a Gateway, or an object of a kind that neither Kubernetes nor Istio has.
fn may_be_made(subject: &Subject<'_>, namespace: &str, name: &str) -> bool {
    let mut objects = subject.snapshot.objects().map(|(_, object)| object);
    objects.any(|object| {
        let group = object.id.group.as_str();
        let is_custom = group.contains('.') && !group.ends_with(".k8s.io") && !group.ends_with("istio.io");
        (is_custom || object.is("gateway.networking.k8s.io", "Gateway"))
            && namespace_of(object) == namespace
            && name.starts_with(object.id.name.as_str())
    })
}

fn host(subject: &Subject<'_>, flaws: &mut Flaws) {
    let path = FieldPath::keys(&["spec", "host"]);
    for rule in rules(subject) {
        if subject.mesh.services.iter().any(|service| overlap(&service.host, &rule.host)) {
            continue;
        }
        let of_cluster = rule.host.strip_suffix(&format!(".svc.{DOMAIN}"));
        let short = of_cluster.or_else(|| rule.host.strip_suffix(".svc")).unwrap_or(&rule.host);
        let Some((name, namespace)) = short.split_once('.') else { continue };
        let here = subject.mesh.services.iter();
        let here: Vec<&Service> =
            here.filter(|one| one.namespace == namespace && is_near(subject, &rule, one)).collect();
        if of_cluster.is_none() {
            let Some(meant) = here.iter().find(|service| service.name == name) else { continue };
            let message = format!(
                "is for nobody: {} is taken for a whole name, and that of the Service is {}",
                rule.host, meant.host
            );
            let fix = reviewed(
                "write the whole name",
                "what the rule asks for: no client heeds it today",
                vec![Change::Set { path: path.clone(), value: Value::Text(meant.host.clone()) }],
            );
            // TLS that nobody heeds would be heeded then.
            let fix = if asks_other_tls(subject.object(rule.object).root()) {
                Err("whether clients can do the TLS that it would then ask for is not in the manifest"
                    .to_owned())
            } else {
                Ok(fix)
            };
            flaws.add(rule.object, path.clone(), "", message).fix(fix);
        } else if !here.is_empty() && !may_be_made(subject, namespace, name) {
            let near = nearest(name, here.iter().map(|service| service.name.as_str()));
            let hint = near.map(|near| format!("; \"{near}\" is one that is there")).unwrap_or_default();
            let message = format!("is for nobody: {namespace} has no Service {name}{hint}");
            let flaw = flaws.add(rule.object, path.clone(), "", message);
            flaw.fix(Err("which Service is meant is not in the manifest".to_owned()));
            if near.is_none() {
                flaw.severity(Severity::Low);
            }
        }
    }
}

/// Whether anything in it asks for another TLS than the mesh's.
fn asks_other_tls(node: Node<'_>) -> bool {
    node.get("tls").is_some_and(|tls| tls.str_at(&["mode"]) != Some("ISTIO_MUTUAL"))
        || node.entries().any(|entry| asks_other_tls(entry.value))
        || node.items().any(asks_other_tls)
}

/// Whether a label is set by a controller, or by Istio on endpoints.
fn is_set_elsewhere(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let is_of = |owner: &str| domain == owner || domain.ends_with(&format!(".{owner}"));
    let is_systems = is_of("kubernetes.io") || is_of("k8s.io") || is_of("istio.io");
    of_controller(key) || key == "rollouts-pod-template-hash" || (is_systems && domain != "app.kubernetes.io")
}

fn subset(subject: &Subject<'_>, flaws: &mut Flaws) {
    for rule in rules(subject).filter(|rule| !rule.subsets.is_empty()) {
        let mut services = subject.mesh.services.iter();
        let service = services.find(|service| service.host == rule.host && is_near(subject, &rule, service));
        let Some(service) = service.filter(|service| !service.workloads.is_empty()) else { continue };
        let pods = || service.workloads.iter().map(|one| subject.workload(*one));
        for own in &rule.subsets {
            if own.labels.iter().any(|(key, _)| is_set_elsewhere(key))
                || pods().any(|pod| is_subset(&own.labels, &pod.labels))
            {
                continue;
            }
            let said: Vec<String> = own.labels.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            let wrong =
                own.labels.iter().find(|(key, value)| !pods().any(|pod| pod.label(key) == Some(&**value)));
            let near = wrong.and_then(|(key, value)| nearest(value, pods().filter_map(|pod| pod.label(key))));
            let hint = near.map(|near| format!("; \"{near}\" is one that is there")).unwrap_or_default();
            let message = format!(
                "subset {} is nobody: no pod of Service {}/{} has {}{hint}",
                own.name,
                service.namespace,
                service.name,
                said.join(", ")
            );
            let flaw = flaws.add(rule.object, own.place.path.clone(), own.name.clone(), message);
            flaw.related(service.object, FieldPath::keys(&["spec", "selector"]));
        }
    }
}
