//! Ways through controllers and what they are configured by, and what tells of the cluster.

use super::{
    CHANGE, CORE, Effect, Fact, GOOD_PRACTICES, Gain, Names, Need, PathRight, Place, Right, Row, WRITE,
    cluster, here,
};

/// A config map of this name in this namespace.
const fn config(namespace: &'static str, names: &'static [&'static str]) -> Need {
    Need::Right(Right {
        verbs: CHANGE,
        group: CORE,
        resources: &["configmaps"],
        names: Names::Of(names),
        place: Place::In(namespace),
    })
}

/// A resource of an operator in the namespace, where the operator is.
macro_rules! of {
    ($need:expr, $group:literal) => {
        Need::All(&[$need, Need::Fact(Fact::Installed($group))])
    };
}

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 38,
        id: "map-cloud-users",
        needs: Need::All(&[config("kube-system", &["aws-auth"]), Need::Fact(Fact::AwsAuth)]),
        gain: Gain::Everything,
        says: "may make any cloud identity a member of system:masters through aws-auth",
        references: &["https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html"],
    },
    Row {
        number: 38,
        id: "change-cluster-configuration",
        needs: Need::Any(&[
            config(
                "kube-system",
                &[
                    "coredns",
                    "kube-proxy",
                    "kubeadm-config",
                    "kubelet-config",
                    "extension-apiserver-authentication",
                ],
            ),
            config("kube-public", &["cluster-info"]),
        ]),
        gain: Gain::Effect(Effect::Traffic),
        says: "may change the cluster's name service, proxies, or whom its parts trust",
        references: &[
            "https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/",
            "https://coredns.io/manual/toc/",
        ],
    },
    Row {
        number: 38,
        id: "change-argocd-configuration",
        needs: Need::All(&[
            Need::Right(Right {
                verbs: CHANGE,
                group: CORE,
                resources: &["configmaps"],
                names: Names::Of(&["argocd-cm", "argocd-rbac-cm"]),
                place: Place::Here,
            }),
            Need::Fact(Fact::Installed("argoproj.io")),
        ]),
        gain: Gain::Controller(&["argocd-application-controller"]),
        says: "may make itself administrator of Argo CD {where}",
        references: &["https://argo-cd.readthedocs.io/en/stable/operator-manual/rbac/"],
    },
    Row {
        number: 39,
        id: "argocd-applications",
        needs: of!(
            here(WRITE, "argoproj.io", &["applications", "appprojects", "applicationsets"]),
            "argoproj.io"
        ),
        gain: Gain::Controller(&["argocd-application-controller"]),
        says: "may have Argo CD make objects of its choice",
        references: &["https://argo-cd.readthedocs.io/en/stable/operator-manual/security/"],
    },
    Row {
        number: 39,
        id: "flux-sources",
        needs: Need::Any(&[
            of!(
                here(WRITE, "kustomize.toolkit.fluxcd.io", &["kustomizations"]),
                "kustomize.toolkit.fluxcd.io"
            ),
            of!(here(WRITE, "helm.toolkit.fluxcd.io", &["helmreleases"]), "helm.toolkit.fluxcd.io"),
        ]),
        gain: Gain::Controller(&["kustomize-controller", "helm-controller"]),
        says: "may have Flux make objects of its choice",
        references: &["https://fluxcd.io/flux/security/"],
    },
    Row {
        number: 39,
        id: "install-operators",
        needs: of!(
            here(
                WRITE,
                "operators.coreos.com",
                &["subscriptions", "clusterserviceversions", "catalogsources", "installplans"]
            ),
            "operators.coreos.com"
        ),
        gain: Gain::Controller(&["olm-operator-serviceaccount"]),
        says: "may have the Operator Lifecycle Manager install operators with rights of its choice",
        references: &[
            "https://olm.operatorframework.io/docs/advanced-tasks/operator-scoping-with-operatorgroups/",
        ],
    },
    Row {
        number: 39,
        id: "restore-backups",
        needs: of!(here(WRITE, "velero.io", &["backups", "restores"]), "velero.io"),
        gain: Gain::Controller(&["velero", "velero-server"]),
        says: "may have Velero read all objects and write what was in a backup",
        references: &["https://velero.io/docs/main/rbac/"],
    },
    Row {
        number: 39,
        id: "crossplane-packages",
        needs: Need::Any(&[
            of!(
                cluster(WRITE, "pkg.crossplane.io", &["providers", "configurations", "functions"]),
                "pkg.crossplane.io"
            ),
            of!(
                cluster(
                    WRITE,
                    "apiextensions.crossplane.io",
                    &["compositions", "compositeresourcedefinitions"]
                ),
                "apiextensions.crossplane.io"
            ),
        ]),
        gain: Gain::Controller(&["crossplane", "rbac-manager"]),
        says: "may have Crossplane run packages and make objects of its choice",
        references: &["https://docs.crossplane.io/latest/packages/providers/"],
    },
    Row {
        number: 39,
        id: "other-operators",
        needs: Need::Any(&[
            of!(here(WRITE, "cert-manager.io", &["issuers", "certificates"]), "cert-manager.io"),
            of!(cluster(WRITE, "cert-manager.io", &["clusterissuers"]), "cert-manager.io"),
            of!(
                here(WRITE, "external-secrets.io", &["externalsecrets", "secretstores"]),
                "external-secrets.io"
            ),
            of!(
                cluster(WRITE, "external-secrets.io", &["clusterexternalsecrets", "clustersecretstores"]),
                "external-secrets.io"
            ),
            of!(here(WRITE, "bitnami.com", &["sealedsecrets"]), "bitnami.com"),
            of!(
                here(WRITE, "cluster.x-k8s.io", &["clusters", "machines", "machinedeployments"]),
                "cluster.x-k8s.io"
            ),
        ]),
        gain: Gain::Effect(Effect::Cloud),
        says: "may have an operator issue certificates, copy secrets or make machines {where} with its own rights",
        references: &[GOOD_PRACTICES],
    },
    Row {
        number: 43,
        id: "read-internals",
        needs: Need::Any(&[
            Need::Path(PathRight {
                verb: "get",
                paths: &["/metrics", "/debug/pprof/", "/configz", "/flagz", "/statusz"],
            }),
            cluster(&["get"], CORE, &["nodes/configz", "nodes/metrics", "nodes/stats"]),
        ]),
        gain: Gain::Effect(Effect::Recon),
        says: "may read metrics, profiles and settings of the cluster's parts",
        references: &["https://kubernetes.io/docs/concepts/cluster-administration/system-metrics/"],
    },
    Row {
        number: 43,
        id: "read-host-logs",
        needs: Need::Any(&[
            Need::Path(PathRight { verb: "get", paths: &["/logs", "/logs/"] }),
            cluster(&["get"], CORE, &["nodes/log"]),
        ]),
        gain: Gain::Effect(Effect::Read),
        says: "may read the log folders of the control plane or of nodes",
        references: &[
            "https://kubernetes.io/docs/concepts/cluster-administration/system-logs/#log-query",
            "pkg/kubelet/server/auth.go",
        ],
    },
];
