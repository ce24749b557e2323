//! Services that the outside reaches, where nothing narrows down who that is.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;

use super::{EVERY_VERSION, Flaws, NetCheck, Subject};
use crate::port_set::PortSet;
use crate::services::{Service, ServiceKind};

const SERVICES: &str = "https://kubernetes.io/docs/concepts/services-networking/service/";

pub(super) const LOAD_BALANCER: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-041",
        name: "open-load-balancer",
        severity: Severity::Low,
        summary: "a load balancer takes traffic from every address, and policies let it in",
        what: "A Service of type `LoadBalancer` that leads to pods of the input, without `spec.loadBalancerSourceRanges` (and without the \
               older annotation), and with no annotation of a provider that makes it an internal one; and the policies of its pods let some \
               address outside reach a port that it leads to. Pods whose name says that they take in requests for others (ingress controllers, \
               gateways, routers) are not meant.",
        why: "Whoever finds the address talks to the pod. That may be what it is there for, as with an ingress controller; a database, a \
              dashboard or a callback is often opened so for one caller.",
        fix: "State the callers in `spec.loadBalancerSourceRanges`, make the load balancer an internal one, or accept the finding with the \
              reason where the world is meant.",
        bad: "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  type: LoadBalancer
  selector:
    app: web
  ports:
  - port: 80
    targetPort: 8080
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
",
        good: "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  type: LoadBalancer
  loadBalancerSourceRanges:
  - 203.0.113.0/24
  selector:
    app: web
  ports:
  - port: 80
    targetPort: 8080
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
",
        versions: EVERY_VERSION,
        references: &[SERVICES],
        controls: &[nsa("Network policies"), mitre("T1190")],
    },
    fix: Fixable::ByHand("who is to call is not in the manifest"),
    find: load_balancers,
};

pub(super) const NODE_PORT: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-042",
        name: "node-port",
        severity: Severity::Low,
        summary: "every node opens a port for a Service",
        what: "A Service of type `NodePort` that leads to pods of the input.",
        why: "Whoever reaches any node reaches the pods, past every ingress controller and its authentication. What comes in has the address \
              of a node, or comes from the node of the pod itself, which no NetworkPolicy keeps off.",
        fix: "Make it a `ClusterIP` and lead to it by an Ingress or a Gateway, or keep the port closed in front of the nodes.",
        bad: "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  type: NodePort
  selector:
    app: web
  ports:
  - port: 80
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
",
        good: "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  type: ClusterIP
  selector:
    app: web
  ports:
  - port: 80
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
",
        versions: EVERY_VERSION,
        references: &[SERVICES],
        controls: &[nsa("Network policies"), mitre("T1190")],
    },
    fix: Fixable::ByHand("how else the Service is to be reached is not in the manifest"),
    find: node_ports,
};

pub(super) const EXTERNAL_IPS: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-043",
        name: "external-ips",
        severity: Severity::Medium,
        summary: "a Service takes over addresses that nobody has given it",
        what: "A Service with `spec.externalIPs`.",
        why: "Nodes take any traffic to these addresses for the Service's, also what pods send to somebody else there. Nobody checks whose they \
              are: whoever may write Services may listen in on others (CVE-2020-8554).",
        fix: "Use a load balancer or an Ingress, and let admission refuse the field (`DenyServiceExternalIPs`).",
        bad: "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  externalIPs:
  - 198.51.100.7
  selector:
    app: web
  ports:
  - port: 80
",
        good: "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector:
    app: web
  ports:
  - port: 80
",
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/concepts/services-networking/service/#external-ips",
            "https://github.com/kubernetes/kubernetes/issues/97076",
        ],
        controls: &[],
    },
    fix: Fixable::ByHand("how else the Service is to be reached is not in the manifest"),
    find: external_ips,
};

/// The ports of pods to which a Service leads, and one of the pods for each.
fn targets(subject: &Subject<'_>, service: &Service) -> Vec<(usize, PortSet)> {
    let reached = service.ports.iter().flat_map(|port| service.reached(port, subject.cluster));
    reached.collect()
}

/// Whether policies let some address outside reach the ports of a pod, as far as is known.
fn admits_outside(subject: &Subject<'_>, pod: usize, ports: &PortSet) -> bool {
    let classes = subject.engine.classes();
    let families = subject.cluster.families(&subject.cluster.pods[pod]);
    // A pod on the network of its node is guarded by no policy.
    families.into_iter().any(|family| match classes.of_pod(pod, family) {
        None => true,
        Some(_) if subject.cluster.pods[pod].host_network => true,
        Some(own) => classes.iter().any(|(from, class)| {
            !class.is_pod
                && class.family == family
                && !class.ranges.is_empty()
                && subject.engine.connection(from, own).may.meets(ports)
        }),
    })
}

fn load_balancers(subject: &Subject<'_>, flaws: &mut Flaws) {
    for service in subject.services.all.iter().filter(|service| service.kind == ServiceKind::LoadBalancer) {
        if !service.source_ranges.is_empty() || service.internal {
            continue;
        }
        // Who takes in requests for others is there for everybody.
        let mut targets = targets(subject, service).into_iter();
        let open = targets.find(|(pod, ports)| {
            !subject.cluster.pods[*pod].is_proxy() && admits_outside(subject, *pod, ports)
        });
        let Some((pod, ports)) = open else { continue };
        let witness = format!("{} {ports}", subject.who(&subject.cluster.pods[pod]));
        let message = format!(
            "a load balancer leads every address outside to {witness}, and no loadBalancerSourceRanges narrow that down"
        );
        flaws.add(service.object, FieldPath::keys(&["spec", "type"]), witness, message);
    }
}

fn node_ports(subject: &Subject<'_>, flaws: &mut Flaws) {
    for service in subject.services.all.iter().filter(|service| service.kind == ServiceKind::NodePort) {
        let Some((pod, ports)) = targets(subject, service).into_iter().next() else { continue };
        let witness = format!("{} {ports}", subject.who(&subject.cluster.pods[pod]));
        let numbers: Vec<String> =
            service.ports.iter().filter_map(|port| port.node_port).map(|port| port.to_string()).collect();
        let which =
            if numbers.is_empty() { "a port".to_owned() } else { format!("port {}", numbers.join(", ")) };
        let message = format!("every node opens {which} and leads to {witness}");
        flaws.add(service.object, FieldPath::keys(&["spec", "type"]), witness, message);
    }
}

fn external_ips(subject: &Subject<'_>, flaws: &mut Flaws) {
    for service in subject.services.all.iter().filter(|service| !service.external_ips.is_empty()) {
        let list: Vec<String> = service.external_ips.iter().map(ToString::to_string).collect();
        let list = list.join(", ");
        let message = format!("nodes take all traffic to {list} for this Service's, whoever has the address");
        flaws.add(service.object, FieldPath::keys(&["spec", "externalIPs"]), list, message);
    }
}
