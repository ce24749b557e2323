//! Ways through nodes, namespaces' labels and volumes. Sources: k8s.io/kubernetes `plugin/pkg/auth/authorizer/node`,
//! `plugin/pkg/admission/noderestriction`.

use super::{
    CHANGE, CORE, CREATE, Effect, Fact, GOOD_PRACTICES, Gain, Holding, Names, Need, Place, Right, Row, WRITE,
    cluster, cluster_limited, here,
};

const NODE: &str = "https://kubernetes.io/docs/reference/access-authn-authz/node/";
const LEVELS: &str = "https://kubernetes.io/docs/concepts/security/pod-security-standards/";

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 23,
        id: "change-nodes",
        needs: cluster_limited(WRITE, CORE, &["nodes"]),
        gain: Gain::Effect(Effect::Placement),
        says: "may label, taint or invent nodes{names}, and so draw pods to where it wants them",
        references: &[GOOD_PRACTICES, "plugin/pkg/admission/noderestriction/admission.go"],
    },
    Row {
        number: 24,
        id: "change-namespace-labels",
        needs: Need::Right(Right {
            verbs: CHANGE,
            group: CORE,
            resources: &["namespaces"],
            names: Names::Namespace,
            place: Place::Here,
        }),
        gain: Gain::NamespaceLabels,
        says: "may change the labels of namespaces{names} {where}, by which Pod Security, network policies, webhooks and meshes choose",
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#namespace-modification",
        ],
    },
    Row {
        number: 24,
        id: "privileged-pod-by-labels",
        needs: Need::All(&[Need::Holds(Holding::NamespaceLabels), Need::Holds(Holding::OwnPods)]),
        gain: Gain::NodeRoot,
        says: "takes the Pod Security labels off and runs privileged pods {where} on any node",
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#namespace-modification",
            LEVELS,
        ],
    },
    Row {
        number: 25,
        id: "host-path-volume",
        needs: Need::All(&[
            cluster(CREATE, CORE, &["persistentvolumes"]),
            here(CREATE, CORE, &["persistentvolumeclaims"]),
            Need::Holds(Holding::OwnPods),
        ]),
        gain: Gain::NodeRoot,
        says: "may mount any path of a node {where} through a persistent volume, which Pod Security does not look at",
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation",
        ],
    },
    Row {
        number: 25,
        id: "storage-drivers",
        needs: Need::Any(&[
            cluster(CREATE, CORE, &["persistentvolumes"]),
            cluster(WRITE, "storage.k8s.io", &["storageclasses", "csidrivers"]),
        ]),
        gain: Gain::Effect(Effect::Volumes),
        says: "may make volumes of paths and devices of nodes that others' claims are bound to",
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation",
        ],
    },
    Row {
        number: 48,
        id: "devices-and-runtimes",
        needs: Need::Any(&[
            cluster(WRITE, "resource.k8s.io", &["deviceclasses"]),
            here(WRITE, "resource.k8s.io", &["resourceclaims", "resourceclaimtemplates"]),
            cluster(WRITE, "node.k8s.io", &["runtimeclasses"]),
            cluster(WRITE, "scheduling.k8s.io", &["priorityclasses"]),
        ]),
        gain: Gain::Effect(Effect::Devices),
        says: "may claim devices, choose runtimes or push others' pods aside {where}",
        references: &[
            "https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#admin-access",
            "pkg/registry/resource/resourceclaim/strategy.go",
        ],
    },
    Row {
        number: 49,
        id: "read-volumes",
        needs: Need::Any(&[
            cluster(WRITE, "storage.k8s.io", &["volumeattachments"]),
            cluster(WRITE, "snapshot.storage.k8s.io", &["volumesnapshotcontents"]),
            here(CREATE, "snapshot.storage.k8s.io", &["volumesnapshots"]),
            here(CREATE, CORE, &["persistentvolumeclaims"]),
        ]),
        gain: Gain::Effect(Effect::Volumes),
        says: "may attach, clone or snapshot volumes {where} and read what others wrote",
        references: &["https://kubernetes.io/docs/concepts/storage/volume-pvc-datasource/"],
    },
    Row {
        number: 51,
        id: "node-reads-pods",
        needs: Need::Any(&[Need::Holds(Holding::NodeRoot), Need::Holds(Holding::NodeIdentity)]),
        gain: Gain::PodAccounts,
        says: "has the accounts of the pods of its node",
        references: &[NODE, "plugin/pkg/auth/authorizer/node/node_authorizer.go"],
    },
    Row {
        number: 51,
        id: "node-reads-secrets",
        needs: Need::Any(&[Need::Holds(Holding::NodeRoot), Need::Holds(Holding::NodeIdentity)]),
        gain: Gain::PodSecrets,
        says: "has the secrets of the pods of its node",
        references: &[NODE, "plugin/pkg/auth/authorizer/node/node_authorizer.go"],
    },
    Row {
        number: 51,
        id: "kubelet-credentials",
        needs: Need::Holds(Holding::NodeRoot),
        gain: Gain::NodeIdentity,
        says: "has the kubelet's credentials",
        references: &[NODE],
    },
    Row {
        number: 51,
        id: "control-plane-node",
        needs: Need::All(&[Need::Holds(Holding::NodeRoot), Need::Fact(Fact::ControlPlaneNode)]),
        gain: Gain::Everything,
        says: "runs on a node of the control plane, with its keys and its store",
        references: &["https://kubernetes.io/docs/setup/best-practices/certificates/"],
    },
    Row {
        number: 52,
        id: "pod-to-node",
        needs: Need::All(&[Need::Holds(Holding::Pods), Need::Fact(Fact::PodOnHost)]),
        gain: Gain::NodeOfPod,
        says: "leaves the container of a pod {where} for its node",
        references: &[LEVELS],
    },
    Row {
        number: 52,
        id: "node-logs-by-symlink",
        // The kubelet follows links out of the log folder when it is asked for logs.
        needs: Need::All(&[
            here(&["get"], CORE, &["pods/log"]),
            Need::Holds(Holding::Pods),
            Need::Fact(Fact::PodWithNodeLogs),
        ]),
        gain: Gain::NodeOfPod,
        says: "reads any file of the node through a link in the log folder {where} and the logs of a pod",
        references: &[
            "https://github.com/aquasecurity/kube-hunter/issues/158",
            "k8s.io/cri-client pkg/logs/logs.go",
        ],
    },
];
