//! Whether a pod may ask for names. Whoever connects by name needs that first.

use ringwall_model::address::Family;
use ringwall_model::finding::Verdict;
use ringwall_network::cluster::{Cluster, DNS_LABEL, DNS_NAMESPACE, NAME_LABEL, Pod};
use ringwall_network::judge::End;
use ringwall_network::labels::Labels;
use ringwall_network::port::{DeclaredPort, Port, Protocol};

use crate::network::eyes::{Eyes, Pair};

/// The port of DNS over a protocol.
const fn port(protocol: Protocol) -> Port {
    Port { protocol, number: 53 }
}

/// A sentence on the DNS of a pod, where that is not whole; without full stop.
pub(super) fn remark(eyes: Eyes<'_>, from: End<'_>) -> Option<String> {
    let cluster = with_dns(eyes.cluster);
    let cluster = cluster.as_ref().unwrap_or(eyes.cluster);
    let eyes = Eyes { cluster, ..eyes };
    let pod = cluster.pods.iter().position(is_dns)?;
    let to = End {
        family: from.family,
        address: address(&cluster.pods[pod], from.family),
        pod: Some(pod),
        node: None,
    };
    let leg = |protocol| eyes.leg(Pair { from, to, port: port(protocol) });
    let (udp, tcp) = (leg(Protocol::Udp), leg(Protocol::Tcp));
    let called = eyes.called(from);
    let why = |leg: &super::reach::Leg| {
        let miss = leg.halves.iter().find_map(|half| half.miss.as_ref());
        let nearest = miss
            .map(|miss| format!(": {} comes nearest, but {} ({})", miss.policy, miss.message, miss.location));
        nearest.unwrap_or_default()
    };
    match (udp.verdict, tcp.verdict) {
        (Verdict::No, Verdict::No) => {
            Some(format!("DNS is closed to {called} too, so that no name is found{}", why(&udp)))
        }
        (Verdict::No, _) => {
            Some(format!("DNS over UDP is closed to {called}, so that no name is found{}", why(&udp)))
        }
        (Verdict::Yes, Verdict::No) => Some(format!(
            "DNS is open to {called} over UDP alone; long answers come over TCP 53, which is closed{}",
            why(&tcp)
        )),
        _ => None,
    }
}

fn address(pod: &Pod, family: Family) -> Option<ringwall_model::address::Address> {
    pod.addresses.iter().copied().find(|address| address.family == family)
}

/// Whether a pod is one of the cluster's DNS.
fn is_dns(pod: &Pod) -> bool {
    pod.namespace == DNS_NAMESPACE && pod.labels.get(DNS_LABEL.0) == Some(DNS_LABEL.1) && pod.is_subject()
}

/// The cluster with the pods of DNS that every cluster has, where the input does not hold them.
fn with_dns(cluster: &Cluster) -> Option<Cluster> {
    if cluster.pods.iter().any(is_dns) {
        return None;
    }
    let mut cluster = cluster.clone();
    let mut labels = Labels::default();
    labels.set(DNS_LABEL.0, DNS_LABEL.1);
    let declared = |(name, protocol): (&str, Protocol)| DeclaredPort {
        name: name.to_owned(),
        port: port(protocol),
        sidecar: false,
    };
    let ports = [("dns", Protocol::Udp), ("dns-tcp", Protocol::Tcp)].map(declared).to_vec();
    cluster.pods.push(Pod { labels, ports, ..Pod::thought_of(DNS_NAMESPACE, "kube-dns") });
    cluster.namespaces.entry(DNS_NAMESPACE.to_owned()).or_default().set(NAME_LABEL, DNS_NAMESPACE);
    Some(cluster)
}
