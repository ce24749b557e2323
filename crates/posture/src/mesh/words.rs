//! Workloads, policies and reasons in words.

use ringwall_mesh::enrolment::{Decision, Mode, Reason};
use ringwall_mesh::mesh::WhyAccepts;
use ringwall_mesh::peer::PeerAuthentication;
use ringwall_mesh::place::Place;
use ringwall_mesh::sends::Why;
use ringwall_mesh::workloads::Workload;

use super::Meshed;

/// `Kind namespace/name`.
pub fn workload(workload: &Workload) -> String {
    format!("{} {}/{}", workload.kind, workload.namespace, workload.name)
}

/// `PeerAuthentication namespace/name`.
pub fn policy(policy: &PeerAuthentication) -> String {
    format!("PeerAuthentication {}/{}", policy.namespace, policy.name)
}

/// What carries a workload's traffic.
pub const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::None => "no proxy",
        Mode::Sidecar => "sidecar",
        Mode::Ambient => "ambient",
        Mode::Gateway => "gateway",
    }
}

/// Why it does.
pub const fn enrolled(decision: &Decision) -> &'static str {
    match decision.reason {
        Reason::HostNetwork => "it is on its node's network",
        Reason::IgnoredNamespace => "its namespace is one of the cluster's own",
        Reason::NamespaceLabel => "a label of its namespace",
        Reason::PodLabel => "a label of the pod",
        Reason::PodAnnotation => "an annotation of the pod",
        Reason::ByDefault => "the mesh injects where nothing is said",
        Reason::NothingAsks => "nothing asks for one",
        Reason::Status => "the annotation that injection leaves",
        Reason::Container => "the proxy's container is in the pod",
        Reason::NoSign => "it runs without one",
        Reason::Entry => "it is outside of the cluster",
        Reason::Proxyless => "its library for gRPC is the proxy",
    }
}

/// Why a workload takes in what it does, and where that is written.
pub fn accepts<'w>(meshed: &Meshed<'_>, server: usize, why: &'w WhyAccepts) -> (String, Option<&'w Place>) {
    match why {
        WhyAccepts::NoProxy => {
            let decision = meshed.mesh.servers[server].enrolment.decision();
            (format!("no proxy: {}", enrolled(decision)), None)
        }
        WhyAccepts::Gateway(None) => {
            ("a gateway, whose listeners say what they take: the input does not show them".to_owned(), None)
        }
        WhyAccepts::Gateway(Some(place)) => (format!("a listener of {}", object(meshed, place)), Some(place)),
        WhyAccepts::Excluded(place) => {
            let what = if place.is_some() {
                "an annotation takes the port past the proxy"
            } else {
                "a port of the proxy's own"
            };
            (what.to_owned(), place.as_ref())
        }
        WhyAccepts::Policy(place) => (object(meshed, place), Some(place)),
        WhyAccepts::Default => ("no policy says anything".to_owned(), None),
        WhyAccepts::MissingPolicy(place) => (
            format!(
                "{}: istiod points ztunnel to a policy that it never sends, and so nothing holds",
                object(meshed, place)
            ),
            Some(place),
        ),
    }
}

/// The object of a place: its kind and name.
fn object(meshed: &Meshed<'_>, place: &Place) -> String {
    meshed.snapshot.all().get(place.object).map_or_else(
        || "a policy to be written".to_owned(),
        |object| {
            format!(
                "{} {}/{}",
                object.id.kind,
                object.id.namespace.as_deref().unwrap_or("default"),
                object.id.name
            )
        },
    )
}

/// Why a client sends what it does, and where that is written.
pub fn sends<'w>(meshed: &Meshed<'_>, why: &'w Why) -> (String, Option<&'w Place>) {
    let plain = |text: &str| (text.to_owned(), None);
    match why {
        Why::NoProxy => plain("the client has no proxy"),
        Why::Excluded(place) => {
            ("an annotation of the client takes the port past its proxy".to_owned(), Some(place))
        }
        Why::Unseen => plain("the client does not see the service: its proxy passes on what comes"),
        Why::Closed => plain("the client does not see the service, and its proxy lets nothing else out"),
        Why::Rule(place) => (object(meshed, place), Some(place)),
        Why::Secret(place) => (
            format!("{} asks for a Secret that a sidecar may not read: no TLS at all", object(meshed, place)),
            Some(place),
        ),
        Why::NoCertificate(place) => (
            format!("{} asks for a certificate and names none: no TLS at all", object(meshed, place)),
            Some(place),
        ),
        Why::AutoOff => plain("enableAutoMtls is off"),
        Why::External => plain("the service is outside of the mesh"),
        Why::NamespaceDisabled(place) => {
            (format!("{} has DISABLE for the namespace or the mesh", object(meshed, place)), Some(place))
        }
        Why::Legacy(other) => {
            let other = meshed.mesh.workloads.all.get(*other).map(workload).unwrap_or_default();
            (format!("clients go to the address itself, and {other} behind it has no proxy"), None)
        }
        Why::NobodyBehind => plain("clients go to the address itself, and nothing is behind it"),
        Why::ServerTakesNone => plain("the server is not known to take mutual TLS"),
        Why::ServerDisabled(place) => (format!("{} has DISABLE", object(meshed, place)), Some(place)),
        Why::Auto => plain("the server takes it"),
        Why::AutoForAll => plain(
            "clients go to the address itself, and all workloads behind the Service are known to take it",
        ),
    }
}
