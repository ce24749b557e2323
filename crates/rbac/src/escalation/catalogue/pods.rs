//! Ways through pods: those that one makes, and those that are there. Sources: k8s.io/kubernetes
//! `pkg/registry/core/pod/rest/subresources.go`, `pkg/kubelet/server/auth.go`; k8s.io/pod-security-admission `admission/admission.go`.

use super::{
    CHANGE, CORE, CREATE, Effect, Fact, GOOD_PRACTICES, Gain, Holding, Need, Row, WRITE, cluster,
    cluster_limited, here, here_limited,
};

const WORKLOADS: &str = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation";
const CONNECT: &str = "pkg/registry/core/pod/rest/subresources.go";
const LEVELS: &str = "https://kubernetes.io/docs/concepts/security/pod-security-standards/";
const APPS: &str = "apps";

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 15,
        id: "create-pods",
        needs: Need::Any(&[
            here(CREATE, CORE, &["pods", "replicationcontrollers"]),
            here(CREATE, APPS, &["deployments", "daemonsets", "statefulsets", "replicasets"]),
            here(CREATE, "batch", &["jobs", "cronjobs"]),
        ]),
        gain: Gain::OwnPods,
        says: "may make pods {where}",
        references: &[WORKLOADS],
    },
    Row {
        number: 15,
        id: "create-pods-by-controller",
        needs: Need::Any(&[
            Need::All(&[
                here(WRITE, "argoproj.io", &["workflows", "cronworkflows", "rollouts"]),
                Need::Fact(Fact::Installed("argoproj.io")),
            ]),
            Need::All(&[
                here(WRITE, "tekton.dev", &["taskruns", "pipelineruns"]),
                Need::Fact(Fact::Installed("tekton.dev")),
            ]),
            Need::All(&[
                here(WRITE, "serving.knative.dev", &["services", "configurations"]),
                Need::Fact(Fact::Installed("serving.knative.dev")),
            ]),
            Need::All(&[
                here(WRITE, "kubevirt.io", &["virtualmachines", "virtualmachineinstances"]),
                Need::Fact(Fact::Installed("kubevirt.io")),
            ]),
            Need::All(&[
                here(WRITE, "kafka.strimzi.io", &["kafkas", "kafkaconnects"]),
                Need::Fact(Fact::Installed("kafka.strimzi.io")),
            ]),
        ]),
        gain: Gain::OwnPods,
        says: "may have a controller make pods {where}",
        references: &[WORKLOADS],
    },
    Row {
        number: 15,
        id: "pod-as-any-account",
        needs: Need::Holds(Holding::OwnPods),
        gain: Gain::Accounts,
        says: "runs pods as any service account {where}",
        references: &[WORKLOADS],
    },
    Row {
        number: 15,
        id: "pod-mounts-any-secret",
        needs: Need::Holds(Holding::OwnPods),
        gain: Gain::Secrets,
        says: "mounts any secret, config map and volume {where} into a pod",
        references: &[WORKLOADS],
    },
    Row {
        number: 15,
        id: "privileged-pod",
        needs: Need::All(&[Need::Holds(Holding::OwnPods), Need::Fact(Fact::PrivilegedPods)]),
        gain: Gain::NodeRoot,
        says: "runs privileged pods {where} on any node",
        references: &[WORKLOADS, LEVELS],
    },
    Row {
        number: 16,
        id: "change-workload",
        needs: Need::All(&[
            Need::Any(&[
                here(CHANGE, CORE, &["replicationcontrollers"]),
                here(CHANGE, APPS, &["deployments", "daemonsets", "statefulsets", "replicasets"]),
                here(CHANGE, "batch", &["cronjobs"]),
            ]),
            Need::Fact(Fact::PodsOfOthers),
        ]),
        gain: Gain::OwnPods,
        says: "may change the pod templates of workloads {where}, their account and volumes too",
        references: &[WORKLOADS],
    },
    Row {
        number: 16,
        id: "change-pod-image",
        needs: here_limited(CHANGE, CORE, &["pods"]),
        gain: Gain::Pods,
        says: "may run its own image in pods{names} {where}",
        references: &[WORKLOADS, "pkg/apis/core/validation/validation.go"],
    },
    Row {
        number: 17,
        id: "exec",
        needs: Need::Any(&[
            here_limited(CREATE, CORE, &["pods/exec"]),
            Need::All(&[here_limited(&["get"], CORE, &["pods/exec"]), Need::Fact(Fact::Before(35))]),
        ]),
        gain: Gain::Pods,
        says: "may run commands in pods{names} {where}",
        references: &[CONNECT, "https://github.com/kubernetes/kubernetes/pull/133515"],
    },
    Row {
        number: 17,
        id: "attach",
        needs: Need::All(&[
            Need::Any(&[
                here_limited(CREATE, CORE, &["pods/attach"]),
                Need::All(&[here_limited(&["get"], CORE, &["pods/attach"]), Need::Fact(Fact::Before(35))]),
            ]),
            Need::Fact(Fact::Interactive),
        ]),
        gain: Gain::Pods,
        says: "may write to the processes of pods{names} {where} and read what they print",
        references: &[CONNECT],
    },
    Row {
        number: 17,
        id: "account-of-pod",
        needs: Need::Holds(Holding::Pods),
        gain: Gain::PodAccounts,
        says: "has the tokens of the pods that it is in",
        references: &["https://kubernetes.io/docs/concepts/security/service-accounts/"],
    },
    Row {
        number: 17,
        id: "secrets-of-pod",
        needs: Need::Holds(Holding::Pods),
        gain: Gain::PodSecrets,
        says: "reads the secrets of the pods that it is in",
        references: &["https://kubernetes.io/docs/concepts/configuration/secret/"],
    },
    Row {
        number: 18,
        id: "ephemeral-container",
        needs: here_limited(CHANGE, CORE, &["pods/ephemeralcontainers"]),
        gain: Gain::Pods,
        says: "may add containers to running pods{names} {where}",
        references: &["https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/"],
    },
    Row {
        number: 18,
        id: "privileged-ephemeral-container",
        needs: Need::All(&[
            here(CHANGE, CORE, &["pods/ephemeralcontainers"]),
            Need::Fact(Fact::PodsOfOthers),
            Need::Fact(Fact::PrivilegedPods),
        ]),
        gain: Gain::NodeOfPod,
        says: "may add privileged containers to running pods {where}",
        references: &["https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/", LEVELS],
    },
    Row {
        number: 19,
        id: "reach-ports",
        needs: Need::Any(&[
            here(CREATE, CORE, &["pods/portforward"]),
            Need::All(&[here(&["get"], CORE, &["pods/portforward"]), Need::Fact(Fact::Before(35))]),
            here(&["get", "create", "update", "patch", "delete"], CORE, &["pods/proxy", "services/proxy"]),
        ]),
        gain: Gain::Effect(Effect::Reach),
        says: "may reach ports {where} from the API server's or the node's side, behind network policies",
        references: &["https://github.com/kubernetes/kubernetes/issues/78741", CONNECT],
    },
    Row {
        number: 20,
        id: "node-proxy",
        needs: cluster_limited(&["get", "create"], CORE, &["nodes/proxy"]),
        gain: Gain::PodsOfNode,
        says: "may run commands in every pod of nodes{names} through the kubelet; get alone is enough, by a websocket",
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/",
            "https://github.com/kubernetes/kubernetes/issues/119640",
            "pkg/kubelet/server/auth.go",
        ],
    },
    Row {
        number: 21,
        id: "place-pods",
        needs: Need::Any(&[
            here(CREATE, CORE, &["pods/binding", "bindings"]),
            here(CHANGE, CORE, &["pods/status"]),
            cluster(CHANGE, CORE, &["nodes/status"]),
        ]),
        gain: Gain::Effect(Effect::Placement),
        says: "may place pods {where} on nodes of its choice, or have them taken for other pods",
        references: &["pkg/registry/core/pod/storage/storage.go", GOOD_PRACTICES],
    },
    Row {
        number: 22,
        id: "steal-pods",
        needs: Need::All(&[
            Need::Any(&[
                here(&["delete", "deletecollection"], CORE, &["pods"]),
                here(CREATE, CORE, &["pods/eviction"]),
            ]),
            cluster(CHANGE, CORE, &["nodes"]),
            Need::Holds(Holding::NodeRoot),
        ]),
        gain: Gain::Pods,
        says: "may drive pods {where} to a node that it holds",
        references: &[
            "https://www.paloaltonetworks.com/resources/whitepapers/kubernetes-privilege-escalation-excessive-permissions-in-popular-platforms",
        ],
    },
];
