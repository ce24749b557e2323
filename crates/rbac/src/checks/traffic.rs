//! Rights over connections and over what the cluster's parts are configured by.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;

use super::{EVERY_VERSION, GOOD_PRACTICES, NEEDED, RbacCheck, powers};

pub(super) const TRAFFIC: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-027",
        name: "traffic-control",
        severity: Severity::Medium,
        summary: "a role lets its holders redirect connections or open what policies close",
        what: "A rule gives `create`, `update` or `patch` on `endpoints` or `endpointslices`, or a verb that writes or deletes on \
               `networkpolicies` and their like of Calico, Cilium and Istio; or, where Istio is in the input, on `envoyfilters` or \
               `wasmplugins`. In a namespace other than `kube-system` the severity is low.",
        why: "Endpoints may name any address: connections to a Service, those from a load balancer too, go where the holder wants \
              (CVE-2021-25740; since v1.22 the default role `edit` does not give it). Without network policies every pod reaches every other.",
        fix: "Give `get`, `list` and `watch`.",
        bad: everywhere!(
            "- apiGroups: [discovery.k8s.io]\n  resources: [endpointslices]\n  verbs: [get, list, create, update]\n"
        ),
        good: everywhere!(
            "- apiGroups: [discovery.k8s.io]\n  resources: [endpointslices]\n  verbs: [get, list]\n"
        ),
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#write-access-for-endpoints",
            "https://github.com/kubernetes/kubernetes/issues/103675",
        ],
        controls: &[nsa("Network policies"), nsa("Authentication and authorization"), mitre("T1562.001")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        powers::find(&["redirect-services", "drop-segmentation", "proxy-code"], subject, flaws);
    },
};

pub(super) const CONFIGURATION: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-028",
        name: "cluster-configuration",
        severity: Severity::Medium,
        summary: "a role lets its holders change what the cluster's own parts are configured by",
        what: "A rule gives `update` or `patch` on `configmaps` in all namespaces or in `kube-system`, or by name on `coredns`, `kube-proxy`, \
               `kubeadm-config`, `kubelet-config` or `extension-apiserver-authentication` there, or `cluster-info` in `kube-public`. The \
               severity is critical where `aws-auth` is in the input and among them.",
        why: "Who changes `coredns` answers for every name in the cluster; `aws-auth` makes identities of the cloud members of \
              `system:masters`; `extension-apiserver-authentication` says whom extension servers believe.",
        fix: "Give it in the namespaces of the program, or by `resourceNames`.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [configmaps]\n  verbs: [get, list, update]\n"),
        good: within!("- apiGroups: [\"\"]\n  resources: [configmaps]\n  verbs: [get, list, update]\n"),
        versions: EVERY_VERSION,
        references: &[GOOD_PRACTICES, "https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html"],
        controls: &[nsa("Authentication and authorization"), mitre("T1562.001")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["map-cloud-users", "change-cluster-configuration"], subject, flaws),
};

pub(super) const CONTROLLERS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-029",
        name: "controller-steering",
        severity: Severity::High,
        summary: "a role lets its holders have a powerful controller make objects for them",
        what: "A rule gives `create`, `update` or `patch` on what a controller turns into objects: applications and projects of Argo CD, \
               Kustomizations and HelmReleases of Flux, subscriptions of the Operator Lifecycle Manager, backups and restores of Velero, \
               packages and compositions of Crossplane; in all namespaces also what cert-manager, External Secrets, Sealed Secrets and Cluster \
               API act on (medium). It is said where objects or CRDs of the API are in the input. In a namespace the severity is one lower.",
        why: "The controller acts with its own rights, which are most often those of a cluster admin. What it is told to make it makes, whoever \
              says so.",
        fix: "Give it to those who may do what the controller may, or limit the controller: projects of Argo CD, `serviceAccountName` of Flux.",
        bad: concat!(
            everywhere!(
                "- apiGroups: [argoproj.io]\n  resources: [applications]\n  verbs: [get, list, create]\n"
            ),
            "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: shop\n  namespace: argocd\n"
        ),
        good: concat!(
            everywhere!("- apiGroups: [argoproj.io]\n  resources: [applications]\n  verbs: [get, list]\n"),
            "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: shop\n  namespace: argocd\n"
        ),
        versions: EVERY_VERSION,
        references: &[
            "https://argo-cd.readthedocs.io/en/stable/operator-manual/security/",
            "https://fluxcd.io/flux/security/",
        ],
        controls: &[nsa("Authentication and authorization"), mitre("T1610")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        let rows = [
            "change-argocd-configuration",
            "argocd-applications",
            "flux-sources",
            "install-operators",
            "restore-backups",
            "crossplane-packages",
            "other-operators",
        ];
        powers::find(&rows, subject, flaws);
    },
};
