//! Weaknesses that others planted in sample clusters (Kubernetes Goat, the attacks of `KubeHound`'s own test cluster): each that lies
//! in a pod, a service account, a namespace, the network or the grants is found, by the check that is named for it.

use std::collections::BTreeSet;
use std::path::Path;

use ringwall_input::{Options, load};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_posture::{scan, scan::Options as Scanning};

/// File, and the names of checks with the witness or a part of the message.
const PLANTED: &[(&str, &[(&str, &str)])] = &[
    (
        "madhuakula+kubernetes-goat/scenarios/health-check/deployment.yaml",
        &[("privileged-container", ""), ("container-runtime-socket", "containerd"), ("host-path-volume", "")],
    ),
    (
        "madhuakula+kubernetes-goat/scenarios/system-monitor/deployment.yaml",
        &[
            ("privileged-container", ""),
            ("host-namespace", "hostPID"),
            ("host-namespace", "hostIPC"),
            ("sensitive-host-path", "all files of the node"),
            ("privilege-escalation", ""),
            ("secret-in-environment", "K8S_GOAT_VAULT_KEY"),
        ],
    ),
    (
        "madhuakula+kubernetes-goat/scenarios/hunger-check/deployment.yaml",
        &[("pod-security-not-enforced", ""), ("namespace-without-policy", "hunger-check")],
    ),
    (
        "madhuakula+kubernetes-goat/scenarios/cache-store/deployment.yaml",
        &[("pod-security-not-enforced", ""), ("namespace-without-policy", "cache-store")],
    ),
    (
        "madhuakula+kubernetes-goat/scenarios/internal-proxy/deployment.yaml",
        &[("node-port", "30003"), ("exposed-workload", "")],
    ),
    (
        "madhuakula+kubernetes-goat/scenarios/kube-bench-security/node-job.yaml",
        &[
            ("host-namespace", "hostPID"),
            ("sensitive-host-path", "/var/lib/kubelet"),
            ("sensitive-host-path", "/etc/kubernetes"),
        ],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/CE_MODULE_LOAD.yaml",
        &[("non-default-capability", "SYS_MODULE")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/CE_NET_MITM.yaml",
        &[("host-namespace", "hostNetwork"), ("non-default-capability", "NET_ADMIN")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/CE_NSENTER.yaml",
        &[("privileged-container", ""), ("host-namespace", "hostPID")],
    ),
    ("DataDog+KubeHound/test/setup/test-cluster/attacks/CE_PRIV_MOUNT.yaml", &[("privileged-container", "")]),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/CE_SYS_PTRACE.yaml",
        &[
            ("host-namespace", "hostPID"),
            ("non-default-capability", "SYS_PTRACE"),
            ("non-default-capability", "SYS_ADMIN"),
        ],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/CE_UMH_CORE_PATTERN.yaml",
        &[
            ("sensitive-host-path", "/proc/sys/kernel"),
            ("writable-host-path", "/proc/sys/kernel"),
            ("root-user", ""),
        ],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/CE_VAR_LOG_SYMLINK.yaml",
        &[("sensitive-host-path", "/var/log")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/EXPLOIT_HOST_READ_TRAVERSE.yaml",
        &[("sensitive-host-path", "/var/lib/kubelet/pods"), ("sensitive-host-path", "/root/.ssh")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/EXPLOIT_HOST_WRITE.yaml",
        &[("sensitive-host-path", "all files of the node"), ("writable-host-path", "")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/ENDPOINT_EXPLOIT.yaml",
        &[("host-port", ""), ("privileged-container", "")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/SHARE_PS_NAMESPACE.yaml",
        &[("shared-process-namespace", "")],
    ),
    (
        "madhuakula+kubernetes-goat/scenarios/hunger-check/deployment.yaml",
        &[
            ("wildcard-resources", "ServiceAccount big-monolith/big-monolith-sa"),
            ("wildcard-resources", "read secrets"),
        ],
    ),
    (
        "madhuakula+kubernetes-goat/rendered/pwnchart.yaml",
        &[
            (
                "unlimited-role",
                "ServiceAccount default/default (ClusterRoleBinding belong-to-us) may do everything",
            ),
            ("default-account-bound", "it may do everything"),
        ],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/POD_CREATE.yaml",
        &[("pod-creation", "pod-create-sa"), ("powerful-token-mounted", "pod-create-sa")],
    ),
    ("DataDog+KubeHound/test/setup/test-cluster/attacks/POD_EXEC.yaml", &[("pod-exec", "pod-exec-sa")]),
    ("DataDog+KubeHound/test/setup/test-cluster/attacks/POD_PATCH.yaml", &[("pod-creation", "pod-patch-sa")]),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/TOKEN_LIST.yaml",
        &[("secret-access", "tokenlist-sa")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/TOKEN_BRUTEFORCE.yaml",
        &[("secret-access", "tokenget-sa")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/ROLE_BIND_CRB_CR.yaml",
        &[
            ("role-escalation", "ServiceAccount default/rolebind-sa-crb-cr-crb-cr (ClusterRoleBinding"),
            ("role-escalation", "ServiceAccount default/rolebind-sa-crb-cr-rb-cr (ClusterRoleBinding"),
            ("role-escalation", "ServiceAccount default/rolebind-sa-crb-cr-rb-r (ClusterRoleBinding"),
        ],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/ROLE_BIND_RB_CR-SA.yaml",
        &[("role-escalation", "rolebind-sa-rb-cr-rb-cr"), ("role-escalation", "rolebind-sa-rb-cr-rb-r")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/ROLE_BIND_RB_R-SA.yaml",
        &[("role-escalation", "rolebind-sa-rb-r-rb-r"), ("rights-handed-on", "rolebind-sa-rb-r-rb-r")],
    ),
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/ROLE_BIND_ALL.yaml",
        &[("unlimited-role", "everything in namespace vault")],
    ),
    // A Role gives no users to impersonate: they are of no namespace.
    (
        "DataDog+KubeHound/test/setup/test-cluster/attacks/IDENTITY_IMPERSONATE.yaml",
        &[("cluster-resource-in-namespace", "users and groups")],
    ),
];

#[test]
fn what_others_planted_is_found() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/product/corpus");
    if !corpus.is_dir() {
        eprintln!("skipped: {} is not here", corpus.display());
        return;
    }
    let mut missed = BTreeSet::new();
    for (file, planted) in PLANTED {
        let options = Options { render: false, ..Options::default() };
        let input = load(&[corpus.join(file)], &mut std::io::empty(), &options, &());
        let found = scan(&Snapshot::new(input.objects, Facts::default()), Scanning::default()).findings;
        for (check, part) in *planted {
            let is_found =
                found.iter().any(|finding| finding.check.name == *check && finding.message.contains(part));
            if !is_found {
                missed.insert(format!("{file}: {check} {part}"));
            }
        }
    }
    assert_eq!(missed, BTreeSet::new());
}
