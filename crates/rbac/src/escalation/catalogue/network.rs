//! Ways through connections.

use super::{CHANGE, CORE, Effect, Fact, Gain, Need, Row, WRITE, WRITE_OR_DELETE, cluster, here};

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 34,
        id: "external-addresses",
        needs: Need::Any(&[here(WRITE, CORE, &["services"]), here(CHANGE, CORE, &["services/status"])]),
        gain: Gain::Effect(Effect::Traffic),
        says: "may draw connections to foreign addresses to a service {where}",
        references: &["CVE-2020-8554", "https://github.com/kubernetes/kubernetes/issues/97076"],
    },
    Row {
        number: 35,
        id: "redirect-services",
        needs: Need::Any(&[
            here(WRITE, CORE, &["endpoints"]),
            here(WRITE, "discovery.k8s.io", &["endpointslices"]),
        ]),
        gain: Gain::Effect(Effect::Traffic),
        says: "may send the connections of services {where} to any address, across namespaces by a load balancer or ingress",
        references: &["CVE-2021-25740", "https://github.com/kubernetes/kubernetes/issues/103675"],
    },
    Row {
        number: 36,
        id: "route-from-outside",
        needs: Need::Any(&[
            here(WRITE, "networking.k8s.io", &["ingresses"]),
            here(
                WRITE,
                "gateway.networking.k8s.io",
                &["gateways", "httproutes", "tlsroutes", "tcproutes", "grpcroutes"],
            ),
        ]),
        gain: Gain::Effect(Effect::Traffic),
        says: "may route connections from outside to services {where}",
        references: &["https://kubernetes.io/docs/concepts/services-networking/ingress/"],
    },
    Row {
        number: 36,
        id: "ingress-controller",
        needs: Need::All(&[
            here(WRITE, "networking.k8s.io", &["ingresses"]),
            Need::Fact(Fact::UnsafeIngress),
        ]),
        gain: Gain::Controller(&[
            "ingress-nginx",
            "nginx-ingress",
            "nginx-ingress-controller",
            "nginx-ingress-serviceaccount",
        ]),
        says: "may run code in the ingress controller by annotations, and so has its account",
        references: &["CVE-2021-25742", "CVE-2025-1974"],
    },
    Row {
        number: 37,
        id: "drop-segmentation",
        needs: Need::Any(&[
            here(WRITE_OR_DELETE, "networking.k8s.io", &["networkpolicies"]),
            cluster(
                WRITE_OR_DELETE,
                "policy.networking.k8s.io",
                &["adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"],
            ),
            here(
                WRITE_OR_DELETE,
                "security.istio.io",
                &["peerauthentications", "authorizationpolicies", "requestauthentications"],
            ),
            here(WRITE_OR_DELETE, "cilium.io", &["ciliumnetworkpolicies"]),
            cluster(WRITE_OR_DELETE, "cilium.io", &["ciliumclusterwidenetworkpolicies"]),
            here(WRITE_OR_DELETE, "crd.projectcalico.org", &["networkpolicies"]),
            cluster(WRITE_OR_DELETE, "crd.projectcalico.org", &["globalnetworkpolicies"]),
            here(WRITE_OR_DELETE, "projectcalico.org", &["networkpolicies"]),
            cluster(WRITE_OR_DELETE, "projectcalico.org", &["globalnetworkpolicies"]),
        ]),
        gain: Gain::Effect(Effect::Disarm),
        says: "may open what network policies or a mesh close {where}",
        references: &["https://kubernetes.io/docs/concepts/services-networking/network-policies/"],
    },
    Row {
        number: 37,
        id: "proxy-code",
        needs: Need::Any(&[
            Need::All(&[
                here(WRITE, "networking.istio.io", &["envoyfilters"]),
                Need::Fact(Fact::Installed("networking.istio.io")),
            ]),
            Need::All(&[
                here(WRITE, "extensions.istio.io", &["wasmplugins"]),
                Need::Fact(Fact::Installed("extensions.istio.io")),
            ]),
        ]),
        gain: Gain::Effect(Effect::Traffic),
        says: "may run code in the proxies of pods {where}",
        references: &["https://istio.io/latest/docs/reference/config/networking/envoy-filter/"],
    },
];
