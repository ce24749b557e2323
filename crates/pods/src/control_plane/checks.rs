//! What is said of the checks of the control plane: a check a thing that is guarded. The flags of each are rows of
//! [`super::RULES`]; a test keeps these texts in step with them.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;

const CIS_BENCHMARK: &str = "https://www.cisecurity.org/benchmark/kubernetes";
const API_SERVER: &str = "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/";
const CONTROLLER_MANAGER: &str =
    "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/";
const SCHEDULER: &str = "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-scheduler/";

/// All checks of the control plane.
pub static CHECKS: &[&Check] = &[
    &AUTHENTICATION,
    &AUTHORIZATION,
    &ADMISSION,
    &AUDIT,
    &TLS,
    &ENCRYPTION,
    &CONTROLLERS,
    &ENDPOINTS,
    &ETCD,
    &LIMITS,
];

/// Who the API server takes its callers for.
pub(super) static AUTHENTICATION: Check = Check {
    id: "RW-CTL-001",
    name: "weak-api-server-authentication",
    severity: Severity::Critical,
    summary: "the API server takes requests from callers that it does not know for sure",
    what: "Flags of kube-apiserver. `--anonymous-auth` must be false (the default is true; critical where authorization \
           allows everything, low otherwise); `--token-auth-file` and `--basic-auth-file` must not be given; \
           `--insecure-port` must be 0 and `--insecure-bind-address` a loopback address; `--secure-port` must not be 0; \
           `--service-account-lookup` must not be false; `--service-account-key-file` and `--client-ca-file` must be \
           given. Worth knowing: `--service-account-extend-token-expiration` is not false. With \
           `--authentication-config`, the file says who may be anonymous and which authorities count.",
    why: "Whoever the API server cannot tell apart gets the rights of `system:anonymous`, and on the insecure port \
          everybody is cluster-admin. Static tokens and passwords lie in a file in clear and cannot be revoked without \
          a restart. Tokens of deleted service accounts stay good where they are not looked up.",
    fix: "Set `--anonymous-auth=false`, or with `--authentication-config` allow anonymous requests for `/livez`, \
          `/readyz` and `/healthz` alone, which probes need. Remove the files of static tokens and passwords, and use \
          certificates, OpenID Connect or service accounts.",
    bad: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
          - --anonymous-auth=true\n    - --token-auth-file=/etc/kubernetes/tokens.csv\n",
    good: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
           - --anonymous-auth=false\n    - --client-ca-file=/etc/kubernetes/pki/ca.crt\n    \
           - --service-account-key-file=/etc/kubernetes/pki/sa.pub\n    \
           - --service-account-extend-token-expiration=false\n",
    versions: "Every version. `--basic-auth-file` is gone since v1.19, `--insecure-port` and `--insecure-bind-address` \
               since v1.24: they are passed over where the image's tag names a later version, which does not start with \
               them.",
    references: &[
        CIS_BENCHMARK,
        API_SERVER,
        "https://kubernetes.io/docs/reference/access-authn-authz/authentication/",
    ],
    controls: &[
        cis("1.2.1"),
        cis("1.2.2"),
        cis("1.2.21"),
        cis("1.2.22"),
        cis("1.2.25"),
        cis("1.2.30"),
        nsa("Authentication and authorization"),
        mitre("T1078"),
        mitre("T1133"),
    ],
};

/// What the API server allows.
pub(super) static AUTHORIZATION: Check = Check {
    id: "RW-CTL-002",
    name: "weak-api-server-authorization",
    severity: Severity::Critical,
    summary: "the API server allows requests without asking RBAC, or kubelets more than their own pods need",
    what: "`--authorization-mode` of kube-apiserver must have RBAC and Node, and must not have AlwaysAllow. Without the \
           flag, and without `--authorization-config`, the API server allows everything.",
    why: "With AlwaysAllow, every caller who is let in is cluster-admin, pods with their default tokens among them. \
          Without Node, kubelets need broad rights, and whoever takes a node reads the secrets of all others.",
    fix: "Set `--authorization-mode=Node,RBAC`.",
    bad: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
          - --authorization-mode=AlwaysAllow\n",
    good: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
           - --authorization-mode=Node,RBAC\n",
    versions: "Every version. `--authorization-config` is there since v1.29.",
    references: &[
        CIS_BENCHMARK,
        API_SERVER,
        "https://kubernetes.io/docs/reference/access-authn-authz/authorization/",
    ],
    controls: &[
        cis("1.2.6"),
        cis("1.2.7"),
        cis("1.2.8"),
        nsa("Authentication and authorization"),
        mitre("T1078"),
    ],
};

/// What the API server lets in.
pub(super) static ADMISSION: Check = Check {
    id: "RW-CTL-003",
    name: "weak-admission-plugins",
    severity: Severity::High,
    summary: "an admission plugin that guards the cluster is off, or one that undoes others is on",
    what: "`--enable-admission-plugins` of kube-apiserver must have NodeRestriction and should have \
           DenyServiceExternalIPs; it must not have AlwaysAdmit. `--disable-admission-plugins` must not have \
           NamespaceLifecycle, ServiceAccount or PodSecurity. Worth knowing: AlwaysPullImages, EventRateLimit, \
           SecurityContextDeny or PodSecurityPolicy, and PodSecurityPolicy alone, are not on.",
    why: "Without NodeRestriction, who takes one node can label it so that others' workloads come there, and change \
          other nodes. Without PodSecurity, the levels on namespaces mean nothing. A Service with externalIPs takes \
          over the traffic of the whole cluster to these addresses (CVE-2020-8554), and no patch is there but this plugin.",
    fix: "Set `--enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs`, and take the plugins that are on by \
          default out of `--disable-admission-plugins`.",
    bad: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
          - --enable-admission-plugins=AlwaysAdmit\n    - --disable-admission-plugins=PodSecurity\n",
    good: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
           - --enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs\n",
    versions: "PodSecurityPolicy is gone since v1.25 and SecurityContextDeny since v1.30; PodSecurity is on by default \
               since v1.23.",
    references: &[
        CIS_BENCHMARK,
        "https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/",
        "https://github.com/kubernetes/kubernetes/issues/97076",
    ],
    controls: &[
        cis("1.2.3"),
        cis("1.2.9"),
        cis("1.2.10"),
        cis("1.2.11"),
        cis("1.2.12"),
        cis("1.2.13"),
        cis("1.2.14"),
        nsa("Pod security enforcement"),
        mitre("T1610"),
    ],
};

/// What is known afterwards.
pub(super) static AUDIT: Check = Check {
    id: "RW-CTL-004",
    name: "missing-audit-log",
    severity: Severity::Medium,
    summary: "the API server does not record who did what, or does not keep it long enough",
    what: "Flags of kube-apiserver. `--audit-policy-file` must be given, and `--audit-log-path` unless \
           `--audit-webhook-config-file` is; `--audit-log-maxage` must be at least 30 and `--audit-log-maxbackup` at \
           least 10 where they are given. Worth knowing: they are not given (old logs are then kept without end), and \
           whether `--audit-log-maxsize` suits the disk. Without a policy, only that is a finding to act on.",
    why: "Without an audit log nobody can tell what an attacker read and changed, and no detection can look for it.",
    fix: "Write an audit policy, mount it and a place for the logs into the pod, and set `--audit-policy-file`, \
          `--audit-log-path`, `--audit-log-maxage=30`, `--audit-log-maxbackup=10` and `--audit-log-maxsize=100`.",
    bad: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
          - --audit-log-maxage=5\n",
    good: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
           - --audit-policy-file=/etc/kubernetes/audit/policy.yaml\n    \
           - --audit-log-path=/var/log/kubernetes/audit.log\n    - --audit-log-maxage=30\n    \
           - --audit-log-maxbackup=10\n    - --audit-log-maxsize=100\n",
    versions: "Every version.",
    references: &[CIS_BENCHMARK, "https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/"],
    controls: &[
        cis("1.2.16"),
        cis("1.2.17"),
        cis("1.2.18"),
        cis("1.2.19"),
        cis("3.2.1"),
        nsa("Audit Logging and Threat Detection"),
    ],
};

/// The API server's connections.
pub(super) static TLS: Check = Check {
    id: "RW-CTL-005",
    name: "weak-api-server-connection",
    severity: Severity::High,
    summary: "a connection of the API server is in clear, or one of its ends is not verified",
    what: "Flags of kube-apiserver. These must be given: `--kubelet-client-certificate` with `--kubelet-client-key`, \
           `--kubelet-certificate-authority`, `--etcd-certfile` with `--etcd-keyfile`, `--etcd-cafile`, and \
           `--tls-cert-file` with `--tls-private-key-file`. `--kubelet-https` must not be false. `--tls-cipher-suites` \
           must have none of the suites that Kubernetes calls insecure; two findings tell broken ones from those \
           without forward secrecy. Worth knowing: it is not given, and Go's defaults hold.",
    why: "Who sits between the API server and a kubelet that it does not verify reads and changes what exec, logs and \
          port-forward carry. Where the API server shows no certificate of its own, kubelets and etcd must be open to \
          everybody.",
    fix: "Give the flags with files that the cluster's own authorities have signed. For \
          `--kubelet-certificate-authority`, let kubelets have signed serving certificates first (`serverTLSBootstrap`): \
          without them exec and logs end.",
    bad: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
          - --kubelet-https=false\n    - --tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA\n",
    good: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
           - --kubelet-certificate-authority=/etc/kubernetes/pki/kubelet-ca.crt\n    \
           - --kubelet-client-certificate=/etc/kubernetes/pki/apiserver-kubelet-client.crt\n    \
           - --kubelet-client-key=/etc/kubernetes/pki/apiserver-kubelet-client.key\n    \
           - --etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt\n    \
           - --etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt\n    \
           - --etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key\n    \
           - --tls-cert-file=/etc/kubernetes/pki/apiserver.crt\n    \
           - --tls-private-key-file=/etc/kubernetes/pki/apiserver.key\n    \
           - --tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n",
    versions: "Every version. `--kubelet-https` is gone since v1.22, and is passed over where the image's tag names a \
               later version.",
    references: &[CIS_BENCHMARK, API_SERVER, "https://kubernetes.io/docs/setup/best-practices/certificates/"],
    controls: &[
        cis("1.2.4"),
        cis("1.2.5"),
        cis("1.2.23"),
        cis("1.2.24"),
        cis("1.2.26"),
        cis("1.2.29"),
        nsa("Encryption"),
    ],
};

/// Secrets at rest.
pub(super) static ENCRYPTION: Check = Check {
    id: "RW-CTL-006",
    name: "unencrypted-secrets-at-rest",
    severity: Severity::Medium,
    summary: "the API server stores Secrets in clear",
    what: "`--encryption-provider-config` of kube-apiserver must be given. What the file says is not looked at.",
    why: "Whoever reads etcd, its disk or a backup of it has every Secret of the cluster.",
    fix: "Write an EncryptionConfiguration with a `kms`, `secretbox` or `aesgcm` provider for `secrets`, mount it into \
          the pod and name it in `--encryption-provider-config`; then write all Secrets again.",
    bad: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
          - --etcd-servers=https://127.0.0.1:2379\n",
    good: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
           - --etcd-servers=https://127.0.0.1:2379\n    \
           - --encryption-provider-config=/etc/kubernetes/encryption.yaml\n",
    versions: "Since v1.13. A cluster whose etcd is kept by somebody else may encrypt there.",
    references: &[CIS_BENCHMARK, "https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/"],
    controls: &[cis("1.2.27"), nsa("Secrets"), mitre("T1552")],
};

/// The controller manager.
pub(super) static CONTROLLERS: Check = Check {
    id: "RW-CTL-007",
    name: "weak-controller-manager",
    severity: Severity::Medium,
    summary: "the controller manager gives its controllers too many rights, or pods and kubelets too few credentials",
    what: "Flags of kube-controller-manager. `--use-service-account-credentials` must be true; \
           `--service-account-private-key-file` and `--root-ca-file` must be given; `--feature-gates` must not set \
           RotateKubeletServerCertificate to false.",
    why: "Controllers that share one identity can each do what all of them may: a fault in one is a fault in all. Pods \
          that have no authority to verify the API server by talk to whoever answers.",
    fix: "Set `--use-service-account-credentials=true`, give the files, and leave the feature gate on.",
    bad: "spec:\n  containers:\n  - name: kube-controller-manager\n    command:\n    - kube-controller-manager\n    \
          - --use-service-account-credentials=false\n",
    good: "spec:\n  containers:\n  - name: kube-controller-manager\n    command:\n    - kube-controller-manager\n    \
           - --use-service-account-credentials=true\n    - --root-ca-file=/etc/kubernetes/pki/ca.crt\n    \
           - --service-account-private-key-file=/etc/kubernetes/pki/sa.key\n",
    versions: "Every version. RotateKubeletServerCertificate is on by default since v1.12.",
    references: &[CIS_BENCHMARK, CONTROLLER_MANAGER],
    controls: &[
        cis("1.3.3"),
        cis("1.3.4"),
        cis("1.3.5"),
        cis("1.3.6"),
        nsa("Authentication and authorization"),
    ],
};

/// What is served for those who run the control plane.
pub(super) static ENDPOINTS: Check = Check {
    id: "RW-CTL-008",
    name: "exposed-control-plane-endpoint",
    severity: Severity::Low,
    summary: "a component serves profiles of itself, or metrics and health to the network",
    what: "`--profiling` of kube-apiserver, kube-controller-manager and kube-scheduler must be false (the default is \
           true; the scheduler's is not looked at where `--config` names a file). `--bind-address` of \
           kube-controller-manager and kube-scheduler must be a loopback address (the default is 0.0.0.0).",
    why: "Profiles tell how a component works inside, and taking them slows it down. A port that nobody needs from \
          elsewhere is one more way to attack.",
    fix: "Set `--profiling=false` and `--bind-address=127.0.0.1`. Where metrics are collected over the network, keep \
          the address and let a NetworkPolicy or firewall say who may come.",
    bad: "spec:\n  containers:\n  - name: kube-scheduler\n    command:\n    - kube-scheduler\n    \
          - --bind-address=0.0.0.0\n",
    good: "spec:\n  containers:\n  - name: kube-scheduler\n    command:\n    - kube-scheduler\n    \
           - --bind-address=127.0.0.1\n    - --profiling=false\n",
    versions: "Every version.",
    references: &[CIS_BENCHMARK, CONTROLLER_MANAGER, SCHEDULER],
    controls: &[
        cis("1.2.15"),
        cis("1.3.2"),
        cis("1.3.7"),
        cis("1.4.1"),
        cis("1.4.2"),
        nsa("Control plane hardening"),
    ],
};

/// etcd.
pub static ETCD: Check = Check {
    id: "RW-CTL-009",
    name: "open-etcd",
    severity: Severity::Critical,
    summary: "etcd can be read or written by others than the API server and its own peers",
    what: "Flags of etcd, or the variables `ETCD_…` that stand for them, in pods of the namespace kube-system or with the \
           label `component: etcd` or `tier: control-plane`. `--cert-file` with `--key-file` and `--peer-cert-file` with \
           `--peer-key-file` must be given; `--client-cert-auth` and `--peer-client-cert-auth` must be true; \
           `--auto-tls` and `--peer-auto-tls` must not be. `--trusted-ca-file` must be another file than \
           `--client-ca-file` of a kube-apiserver in the same namespace; where it is not, both pods have a finding. \
           With `--config-file`, etcd reads no flags, and nothing is said.",
    why: "etcd holds all objects, Secrets among them, and knows no RBAC: who writes to it is cluster-admin, and leaves \
          no trace in the audit log. With the API server's own authority, every kubelet and every user with a client \
          certificate gets in.",
    fix: "Give etcd certificates of an authority of its own, give the API server a client certificate from it, and set \
          `--client-cert-auth=true` and `--peer-client-cert-auth=true`.",
    bad: "metadata:\n  namespace: kube-system\nspec:\n  containers:\n  - name: etcd\n    command:\n    - etcd\n    \
          - --listen-client-urls=http://0.0.0.0:2379\n",
    good: "metadata:\n  namespace: kube-system\nspec:\n  containers:\n  - name: etcd\n    command:\n    - etcd\n    \
           - --cert-file=/etc/kubernetes/pki/etcd/server.crt\n    \
           - --key-file=/etc/kubernetes/pki/etcd/server.key\n    \
           - --client-cert-auth=true\n    - --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt\n    \
           - --peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt\n    \
           - --peer-key-file=/etc/kubernetes/pki/etcd/peer.key\n    - --peer-client-cert-auth=true\n",
    versions: "etcd v3.",
    references: &[CIS_BENCHMARK, "https://etcd.io/docs/latest/op-guide/security/"],
    controls: &[
        cis("2.1"),
        cis("2.2"),
        cis("2.3"),
        cis("2.4"),
        cis("2.5"),
        cis("2.6"),
        cis("2.7"),
        nsa("Control plane hardening"),
        mitre("T1552"),
    ],
};

/// Limits.
pub(super) static LIMITS: Check = Check {
    id: "RW-CTL-010",
    name: "unreviewed-control-plane-limit",
    severity: Severity::Info,
    summary: "a limit of the control plane wants to be looked at by somebody who knows the cluster",
    what: "`--request-timeout` of kube-apiserver where it is given, and `--terminated-pod-gc-threshold` of \
           kube-controller-manager, whatever it is. The benchmark asks for values that are appropriate, which only a \
           person can judge; a finding is a reminder, and no fault.",
    why: "Requests that may take very long hold the API server's memory; pods that have ended fill etcd.",
    fix: "Look whether the value suits the cluster, and accept the finding.",
    bad: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    \
          - --request-timeout=30m\n",
    good: "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n",
    versions: "Every version.",
    references: &[CIS_BENCHMARK, API_SERVER, CONTROLLER_MANAGER],
    controls: &[cis("1.2.20"), cis("1.3.1")],
};
