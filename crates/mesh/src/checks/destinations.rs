//! `DestinationRule` objects against what servers take in.

use std::collections::BTreeMap;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::path::Segment;

use super::examples::{injected, service, strict, web};
use super::{DESTINATION, EVERY_VERSION, Flaws, MeshCheck, Subject, reviewed};
use crate::authorization::select::WAYPOINT_CLASS;
use crate::enrolment::Mode as Carrier;
use crate::matrix::{Flow, OfService};
use crate::mesh::{Accepts, WhyAccepts};
use crate::place::Place;
use crate::sends::{Outcome, Sends, Why};
use crate::workloads::Origin;

/// A rule for the Service of the example.
macro_rules! rule {
    ($policy:literal) => {
        concat!(
            "\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: web
  namespace: shop
spec:
  host: web.shop.svc.cluster.local
  trafficPolicy:
",
            $policy
        )
    };
}

pub(super) const REFUSED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-026",
        name: "destination-rule-against-strict",
        severity: Severity::High,
        summary: "a DestinationRule makes clients send what a STRICT server refuses",
        what: "By the `tls` of a DestinationRule clients of the input send plaintext, or TLS without the mesh's certificate, to a server that takes \
               mutual TLS of the mesh alone. `tls` without a `mode` is `DISABLE`. (Kiali: `KIA0207`, `KIA0208`.)",
        why: "The server closes the connection: the calls fail. The client decides by the rule, and does not look at what the server takes.",
        fix: "Take `tls` away, so that clients do what the server takes; or write `ISTIO_MUTUAL`.",
        bad: concat!(injected!(), web!(), service!(), strict!(), rule!("    tls:\n      mode: DISABLE\n")),
        good: concat!(
            injected!(),
            web!(),
            service!(),
            strict!(),
            rule!("    tls:\n      mode: ISTIO_MUTUAL\n")
        ),
        versions: EVERY_VERSION,
        references: &[
            DESTINATION,
            "https://istio.io/latest/docs/ops/configuration/traffic-management/tls-configuration/",
        ],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: refused,
};

pub(super) const BROKEN: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-027",
        name: "mutual-tls-to-no-proxy",
        severity: Severity::High,
        summary: "a DestinationRule makes clients send the mesh's TLS to a program that has no proxy",
        what: "By the `tls` of a DestinationRule clients of the input use `ISTIO_MUTUAL` towards a workload that has no sidecar, or whose proxy takes no \
               TLS on the port (`DISABLE`, or a port that goes past it). Nothing is said of gateways, whose listeners say what they take.",
        why: "The program gets TLS that it cannot read: the calls fail.",
        fix: "Take `tls` away: clients then use mutual TLS with those that take it, and with no other. Where the rule is for many hosts, write one of its own \
              with `DISABLE` for the host that does not take it.",
        bad: concat!(
            "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
",
            web!(),
            service!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: client
  namespace: shop
  labels:
    sidecar.istio.io/inject: \"true\"
spec:
  containers:
  - name: client
---
",
            rule!("    tls:\n      mode: ISTIO_MUTUAL\n")
        ),
        good: concat!(
            injected!(),
            web!(),
            service!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: client
  namespace: shop
spec:
  containers:
  - name: client
---
",
            rule!("    tls:\n      mode: ISTIO_MUTUAL\n")
        ),
        versions: EVERY_VERSION,
        references: &[DESTINATION],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: broken,
};

pub(super) const PLAINTEXT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-028",
        name: "plaintext-by-rule",
        severity: Severity::Medium,
        summary: "a DestinationRule switches mutual TLS off towards servers that take it",
        what: "By the `tls` of a DestinationRule (`DISABLE`, or no `mode`, which is the same) clients of the input send plaintext to workloads whose proxies take \
               mutual TLS, and plaintext too.",
        why: "What would be encrypted without the rule goes in the clear, and the server does not know who calls.",
        fix: "Take `tls` away, or write `ISTIO_MUTUAL`.",
        bad: concat!(injected!(), web!(), service!(), rule!("    tls: {}\n")),
        good: concat!(
            injected!(),
            web!(),
            service!(),
            rule!("    connectionPool:\n      tcp:\n        maxConnections: 100\n")
        ),
        versions: EVERY_VERSION,
        references: &[DESTINATION],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: plaintext,
};

pub(super) const DROPPED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-029",
        name: "tls-silently-dropped",
        severity: Severity::High,
        summary: "a DestinationRule asks for TLS, and its clients send plaintext",
        what: "`tls` of a DestinationRule has the mode `SIMPLE` or `MUTUAL` and a `credentialName`, for clients with a sidecar, and no \
               `workloadSelector`; or `MUTUAL` without a certificate and a key. Nothing is said of one with a `credentialName` for a host outside of the mesh in the root namespace or \
               beside a gateway, which may be meant to use it. The severity is low where all ports are for TLS already (`HTTPS`, `TLS`).",
        why: "A sidecar may not read a Secret for a rule that does not select it, and istiod then leaves TLS out. The rule looks as if it encrypted, and the bytes go in the clear.",
        fix: "Select the clients with `workloadSelector`, or name the certificates as files (`caCertificates`, `clientCertificate`, `privateKey`).",
        bad: concat!(
            injected!(),
            web!(),
            service!(),
            rule!("    tls:\n      mode: SIMPLE\n      credentialName: bank\n")
        ),
        good: concat!(
            injected!(),
            web!(),
            service!(),
            rule!("    tls:\n      mode: SIMPLE\n      caCertificates: /etc/ssl/bank.pem\n")
        ),
        versions: EVERY_VERSION,
        references: &[DESTINATION],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand("where the certificates are is not in the manifest"),
    find: dropped,
};

/// Flows by the place of the rule that decides them: the first of each, how many servers there are, and the service.
struct Decided<'m> {
    flow: &'m Flow,
    service: usize,
    servers: Vec<usize>,
}

/// The flows to which something is wrong, by the `tls` that decides them.
fn by_tls<'m>(
    subject: &'m Subject<'_>,
    tls: impl Fn(&'m OfService, &'m Flow) -> Option<&'m Place>,
) -> BTreeMap<&'m Place, Decided<'m>> {
    let mut found: BTreeMap<&Place, Decided<'m>> = BTreeMap::new();
    for of_service in subject.matrix.iter().flat_map(|matrix| &matrix.services) {
        for flow in of_service.groups.iter().flat_map(|group| &group.flows) {
            let Some(place) = tls(of_service, flow) else { continue };
            let of = found.entry(place).or_insert_with(|| Decided {
                flow,
                service: of_service.service,
                servers: Vec::new(),
            });
            if !of.servers.contains(&flow.server) {
                of.servers.push(flow.server);
            }
        }
    }
    found
}

/// Takes `tls` away, so that clients do what each server takes; where they would not by themselves, or what is left would be none, writes the mesh's mutual
/// TLS in its place, for a host that is one. What says the mesh's mutual TLS of many hosts stays for the sake of the others.
fn mended(subject: &Subject<'_>, place: &Place, host: &str, mutual_helps: bool) -> Result<Fix, String> {
    let of_rule = subject.object(place.object).root().str_at(&["spec", "host"]).unwrap_or("*");
    if !mutual_helps && of_rule.contains('*') {
        return Err(format!(
            "the rule is for all of {of_rule}: leave it, and write another one beside it for {host} alone, with `tls.mode: DISABLE`"
        ));
    }
    let of_port = place
        .path
        .segments()
        .iter()
        .any(|key| matches!(key, Segment::Key(key) if &**key == "portLevelSettings"));
    if subject.mesh.config.enable_auto_mtls && !of_port {
        return Ok(reviewed(
            "let clients do what each server takes",
            "whether one of the servers must get something else: clients then use the mesh's mutual TLS with those that take it, and plaintext with the others",
            vec![Change::Remove { path: place.path.clone() }],
        ));
    }
    if !mutual_helps || of_rule.contains('*') {
        return Err("which servers take mutual TLS must be said one by one".to_owned());
    }
    let value = Value::Mapping(vec![("mode".to_owned(), Value::from("ISTIO_MUTUAL"))]);
    Ok(reviewed(
        "use the mesh's mutual TLS",
        "whether every server of the host takes it",
        vec![Change::Set { path: place.path.clone(), value }],
    ))
}

fn refused(subject: &Subject<'_>, flaws: &mut Flaws) {
    let found = by_tls(subject, |_, flow| match &flow.why {
        Why::Rule(place) if flow.outcome == Outcome::Refused => Some(place),
        _ => None,
    });
    for (place, of) in found {
        let sends = if of.flow.sends == Sends::Plaintext {
            "plaintext"
        } else {
            "TLS without the mesh's certificate"
        };
        let service = &subject.mesh.services[of.service];
        let message = format!(
            "clients send {sends} to {}:{}, and {} refuses it: it is STRICT",
            service.host,
            service.ports[of.flow.port].number,
            subject.whom(&of.servers)
        );
        let flaw = flaws.add(place.object, place.path.clone(), "", message);
        flaw.fix(mended(subject, place, &service.host, true));
        if let WhyAccepts::Policy(by) = subject.mesh.why_accepts(of.flow.server, of.flow.target) {
            flaw.related(by.object, by.path);
        }
    }
}

/// Whether it is known that the server takes no TLS: not where that hangs on the labels of a Namespace that is not in the input, nor of a
/// gateway, whose listeners say what they take.
fn is_known(subject: &Subject<'_>, of: &OfService, flow: &Flow) -> bool {
    let is_entry = subject.workload(flow.server).origin == Origin::Entry;
    match subject.carrier(flow.server) {
        Carrier::Gateway => false,
        // A machine or a gateway elsewhere is of the mesh where its ServiceEntry says so.
        Carrier::None if is_entry => subject.mesh.services[of.service].is_external,
        Carrier::None => subject.is_outside(flow.server),
        Carrier::Sidecar | Carrier::Ambient => true,
    }
}

fn broken(subject: &Subject<'_>, flaws: &mut Flaws) {
    let found = by_tls(subject, |of, flow| match &flow.why {
        Why::Rule(place) if flow.outcome == Outcome::Broken && is_known(subject, of, flow) => Some(place),
        _ => None,
    });
    for (place, of) in found {
        let service = &subject.mesh.services[of.service];
        let takes = match of.flow.accepts {
            Accepts::Disable => "whose policy says DISABLE",
            _ => "before whose port no proxy stands",
        };
        let message = format!(
            "clients send the mesh's TLS to {}:{}, to {}, {takes}: it cannot read it",
            service.host,
            service.ports[of.flow.port].number,
            subject.whom(&of.servers)
        );
        flaws.add(place.object, place.path.clone(), "", message).fix(mended(
            subject,
            place,
            &service.host,
            false,
        ));
    }
}

fn plaintext(subject: &Subject<'_>, flaws: &mut Flaws) {
    let found = by_tls(subject, |_, flow| match &flow.why {
        Why::Rule(place)
            if flow.outcome == Outcome::Plaintext
                && flow.accepts == Accepts::Permissive
                && (subject.mesh.servers[flow.server].takes_mutual
                    || subject.mesh.servers[flow.server].takes_tunnel) =>
        {
            Some(place)
        }
        _ => None,
    });
    for (place, of) in found {
        let service = &subject.mesh.services[of.service];
        let message = format!(
            "clients send plaintext to {}:{}, though {} takes mutual TLS",
            service.host,
            service.ports[of.flow.port].number,
            subject.whom(&of.servers)
        );
        flaws.add(place.object, place.path.clone(), "", message).fix(mended(
            subject,
            place,
            &service.host,
            true,
        ));
    }
}

fn dropped(subject: &Subject<'_>, flaws: &mut Flaws) {
    let found = by_tls(subject, |_, flow| match &flow.why {
        Why::Secret(place) | Why::NoCertificate(place) => Some(place),
        _ => None,
    });
    // Those by which bytes go in the clear for sure.
    let plain = by_tls(subject, |of, flow| match &flow.why {
        Why::Secret(place) | Why::NoCertificate(place) if !carries_tls(subject, of, flow) => Some(place),
        _ => None,
    });
    for (place, of) in found {
        let why = match of.flow.why {
            Why::Secret(_) => "a sidecar may not read the Secret of a rule that does not select it",
            _ => "it names no certificate and key",
        };
        let service = &subject.mesh.services[of.service];
        // A rule beside the gateways for what is outside is the egress gateway's, which may read Secrets.
        let namespace = subject.object(place.object).id.namespace.as_deref().unwrap_or("default");
        let is_beside = namespace == subject.mesh.config.root_namespace || has_gateway(subject, namespace);
        if service.is_external && is_beside && matches!(of.flow.why, Why::Secret(_)) {
            continue;
        }
        // Of a port for TLS the program does TLS by itself, or the rule adds TLS for a program that speaks plaintext to it: which, is not known.
        let is_plain = plain.contains_key(place);
        let so = if is_plain { "clients send plaintext" } else { "what the programs send goes as it is" };
        let message = format!("is left out ({why}): {so} to {}", service.host);
        let flaw = flaws.add(place.object, place.path.clone(), "", message);
        if !is_plain {
            flaw.severity(Severity::Low);
        }
    }
}

/// Whether there are gateways in a namespace: pods, or a Gateway for which istiod makes them.
fn has_gateway(subject: &Subject<'_>, namespace: &str) -> bool {
    let mut pods = subject.pods();
    let mut made = subject.snapshot.of_kind("gateway.networking.k8s.io", "Gateway");
    pods.any(|(one, pod)| pod.namespace == namespace && subject.carrier(one) == Carrier::Gateway)
        || made.any(|object| {
            object.id.namespace.as_deref().unwrap_or("default") == namespace
                && object.root().str_at(&["spec", "gatewayClassName"]) != Some(WAYPOINT_CLASS)
        })
}

/// Whether the port of a flow says that it carries TLS: by its protocol where it states one, or else by its name.
fn carries_tls(subject: &Subject<'_>, of: &OfService, flow: &Flow) -> bool {
    let service = &subject.mesh.services[of.service];
    let port = &service.ports[flow.port];
    let node = subject.object(service.object).root().locate(&port.path);
    let stated = node.and_then(|node| node.str_at(&["protocol"]).filter(|stated| *stated != "TCP"));
    let stated = node.and_then(|node| node.str_at(&["appProtocol"])).or(stated);
    let said = stated.unwrap_or(&port.name).to_ascii_lowercase();
    matches!(said.split('-').next(), Some("https" | "tls"))
}
