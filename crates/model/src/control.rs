//! The frameworks that checks are mapped to, and their controls.

use std::fmt;
use std::str::FromStr;

/// A control of a framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Control {
    /// The framework.
    pub framework: Framework,
    /// The control's id in it: a section's number (CIS) or heading (NSA), a technique (MITRE), or the level and the name of
    /// a control (Pod Security Standards).
    pub id: &'static str,
}

impl Control {
    /// What the framework calls it, where that is not its id already.
    pub fn title(&self) -> Option<&'static str> {
        let known = CONTROLS.iter().find(|(control, _)| control == self);
        known.map(|(_, title)| *title).filter(|title| !title.is_empty())
    }
}

/// A control of the Pod Security Standards.
pub const fn pss(id: &'static str) -> Control {
    Control { framework: Framework::PodSecurityStandards, id }
}

/// A section of the CIS benchmark.
pub const fn cis(id: &'static str) -> Control {
    Control { framework: Framework::Cis, id }
}

/// A chapter or section of the NSA/CISA guidance.
pub const fn nsa(id: &'static str) -> Control {
    Control { framework: Framework::Nsa, id }
}

/// A technique of MITRE ATT&CK.
pub const fn mitre(id: &'static str) -> Control {
    Control { framework: Framework::Mitre, id }
}

/// The frameworks that checks are mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Framework {
    /// Kubernetes Pod Security Standards.
    PodSecurityStandards,
    /// CIS Kubernetes Benchmark 1.12.
    Cis,
    /// NSA/CISA Kubernetes Hardening Guidance 1.2.
    Nsa,
    /// MITRE ATT&CK, the matrix for containers.
    Mitre,
}

impl Framework {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::PodSecurityStandards, Self::Cis, Self::Nsa, Self::Mitre];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PodSecurityStandards => "pss",
            Self::Cis => "cis",
            Self::Nsa => "nsa",
            Self::Mitre => "mitre",
        }
    }

    /// The framework's name as people write it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::PodSecurityStandards => "Pod Security Standards",
            Self::Cis => "CIS Kubernetes Benchmark 1.12",
            Self::Nsa => "NSA/CISA Kubernetes Hardening Guidance",
            Self::Mitre => "MITRE ATT&CK for containers",
        }
    }

    /// Where it can be read.
    pub const fn reference(self) -> &'static str {
        match self {
            Self::PodSecurityStandards => {
                "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
            }
            Self::Cis => "https://www.cisecurity.org/benchmark/kubernetes",
            Self::Nsa => {
                "https://media.defense.gov/2022/Aug/29/2003066362/-1/-1/0/CTR_KUBERNETES_HARDENING_GUIDANCE_1.2_20220829.PDF"
            }
            Self::Mitre => "https://attack.mitre.org/matrices/enterprise/containers/",
        }
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Framework {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|framework| framework.word().eq_ignore_ascii_case(text))
            .ok_or_else(|| "expected pss, cis, nsa or mitre".to_owned())
    }
}

/// The controls that some check serves, in the order of their framework, with their titles where the id is a number. A
/// test of all checks keeps both lists the same, so that no check names a control that there is none of.
pub static CONTROLS: &[(Control, &str)] = &[
    (pss("baseline: /proc Mount Type"), ""),
    (pss("baseline: AppArmor"), ""),
    (pss("baseline: Capabilities"), ""),
    (pss("baseline: Host Namespaces"), ""),
    (pss("baseline: Host Ports"), ""),
    (pss("baseline: Host Probes / Lifecycle Hooks"), ""),
    (pss("baseline: HostPath Volumes"), ""),
    (pss("baseline: HostProcess"), ""),
    (pss("baseline: Privileged Containers"), ""),
    (pss("baseline: SELinux"), ""),
    (pss("baseline: Seccomp"), ""),
    (pss("baseline: Sysctls"), ""),
    (pss("restricted: /proc Mount Type"), ""),
    (pss("restricted: Capabilities"), ""),
    (pss("restricted: Privilege Escalation"), ""),
    (pss("restricted: Running as Non-root"), ""),
    (pss("restricted: Running as Non-root user"), ""),
    (pss("restricted: Seccomp"), ""),
    (pss("restricted: Volume Types"), ""),
    (cis("1.2.1"), "Ensure that the --anonymous-auth argument is set to false"),
    (cis("1.2.2"), "Ensure that the --token-auth-file parameter is not set"),
    (cis("1.2.3"), "Ensure that the DenyServiceExternalIPs is set"),
    (
        cis("1.2.4"),
        "Ensure that the --kubelet-client-certificate and --kubelet-client-key arguments are set as appropriate",
    ),
    (cis("1.2.5"), "Ensure that the --kubelet-certificate-authority argument is set as appropriate"),
    (cis("1.2.6"), "Ensure that the --authorization-mode argument is not set to AlwaysAllow"),
    (cis("1.2.7"), "Ensure that the --authorization-mode argument includes Node"),
    (cis("1.2.8"), "Ensure that the --authorization-mode argument includes RBAC"),
    (cis("1.2.9"), "Ensure that the admission control plugin EventRateLimit is set"),
    (cis("1.2.10"), "Ensure that the admission control plugin AlwaysAdmit is not set"),
    (cis("1.2.11"), "Ensure that the admission control plugin AlwaysPullImages is set"),
    (cis("1.2.12"), "Ensure that the admission control plugin ServiceAccount is set"),
    (cis("1.2.13"), "Ensure that the admission control plugin NamespaceLifecycle is set"),
    (cis("1.2.14"), "Ensure that the admission control plugin NodeRestriction is set"),
    (cis("1.2.15"), "Ensure that the --profiling argument is set to false"),
    (cis("1.2.16"), "Ensure that the --audit-log-path argument is set"),
    (cis("1.2.17"), "Ensure that the --audit-log-maxage argument is set to 30 or as appropriate"),
    (cis("1.2.18"), "Ensure that the --audit-log-maxbackup argument is set to 10 or as appropriate"),
    (cis("1.2.19"), "Ensure that the --audit-log-maxsize argument is set to 100 or as appropriate"),
    (cis("1.2.20"), "Ensure that the --request-timeout argument is set as appropriate"),
    (cis("1.2.21"), "Ensure that the --service-account-lookup argument is set to true"),
    (cis("1.2.22"), "Ensure that the --service-account-key-file argument is set as appropriate"),
    (cis("1.2.23"), "Ensure that the --etcd-certfile and --etcd-keyfile arguments are set as appropriate"),
    (
        cis("1.2.24"),
        "Ensure that the --tls-cert-file and --tls-private-key-file arguments are set as appropriate",
    ),
    (cis("1.2.25"), "Ensure that the --client-ca-file argument is set as appropriate"),
    (cis("1.2.26"), "Ensure that the --etcd-cafile argument is set as appropriate"),
    (cis("1.2.27"), "Ensure that the --encryption-provider-config argument is set as appropriate"),
    (cis("1.2.29"), "Ensure that the API Server only makes use of Strong Cryptographic Ciphers"),
    (cis("1.2.30"), "Ensure that the --service-account-extend-token-expiration parameter is set to false"),
    (cis("1.3.1"), "Ensure that the --terminated-pod-gc-threshold argument is set as appropriate"),
    (cis("1.3.2"), "Ensure that the --profiling argument is set to false"),
    (cis("1.3.3"), "Ensure that the --use-service-account-credentials argument is set to true"),
    (cis("1.3.4"), "Ensure that the --service-account-private-key-file argument is set as appropriate"),
    (cis("1.3.5"), "Ensure that the --root-ca-file argument is set as appropriate"),
    (cis("1.3.6"), "Ensure that the RotateKubeletServerCertificate argument is set to true"),
    (cis("1.3.7"), "Ensure that the --bind-address argument is set to 127.0.0.1"),
    (cis("1.4.1"), "Ensure that the --profiling argument is set to false"),
    (cis("1.4.2"), "Ensure that the --bind-address argument is set to 127.0.0.1"),
    (cis("2.1"), "Ensure that the --cert-file and --key-file arguments are set as appropriate"),
    (cis("2.2"), "Ensure that the --client-cert-auth argument is set to true"),
    (cis("2.3"), "Ensure that the --auto-tls argument is not set to true"),
    (cis("2.4"), "Ensure that the --peer-cert-file and --peer-key-file arguments are set as appropriate"),
    (cis("2.5"), "Ensure that the --peer-client-cert-auth argument is set to true"),
    (cis("2.6"), "Ensure that the --peer-auto-tls argument is not set to true"),
    (cis("2.7"), "Ensure that a unique Certificate Authority is used for etcd"),
    (cis("3.2.1"), "Ensure that a minimal audit policy is created"),
    (cis("5.1.1"), "Ensure that the cluster-admin role is only used where required"),
    (cis("5.1.2"), "Minimize access to secrets"),
    (cis("5.1.3"), "Minimize wildcard use in Roles and ClusterRoles"),
    (cis("5.1.4"), "Minimize access to create pods"),
    (cis("5.1.5"), "Ensure that default service accounts are not actively used"),
    (cis("5.1.6"), "Ensure that Service Account Tokens are only mounted where necessary"),
    (cis("5.1.7"), "Avoid use of system:masters group"),
    (cis("5.1.8"), "Limit use of the Bind, Impersonate and Escalate permissions in the Kubernetes cluster"),
    (cis("5.1.9"), "Minimize access to create persistent volumes"),
    (cis("5.1.10"), "Minimize access to the proxy sub-resource of nodes"),
    (cis("5.1.11"), "Minimize access to the approval sub-resource of certificatesigningrequests objects"),
    (cis("5.1.12"), "Minimize access to webhook configuration objects"),
    (cis("5.1.13"), "Minimize access to the service account token creation"),
    (cis("5.2.1"), "Ensure that the cluster has at least one active policy control mechanism in place"),
    (cis("5.2.2"), "Minimize the admission of privileged containers"),
    (cis("5.2.3"), "Minimize the admission of containers wishing to share the host process ID namespace"),
    (cis("5.2.4"), "Minimize the admission of containers wishing to share the host IPC namespace"),
    (cis("5.2.5"), "Minimize the admission of containers wishing to share the host network namespace"),
    (cis("5.2.6"), "Minimize the admission of containers with allowPrivilegeEscalation"),
    (cis("5.2.7"), "Minimize the admission of root containers"),
    (cis("5.2.8"), "Minimize the admission of containers with the NET_RAW capability"),
    (cis("5.2.9"), "Minimize the admission of containers with added capabilities"),
    (cis("5.2.10"), "Minimize the admission of containers with capabilities assigned"),
    (cis("5.2.11"), "Minimize the admission of Windows HostProcess Containers"),
    (cis("5.2.12"), "Minimize the admission of HostPath volumes"),
    (cis("5.2.13"), "Minimize the admission of containers which use HostPorts"),
    (cis("5.3.1"), "Ensure that the CNI in use supports NetworkPolicies"),
    (cis("5.3.2"), "Ensure that all Namespaces have NetworkPolicies defined"),
    (cis("5.4.1"), "Prefer using secrets as files over secrets as environment variables"),
    (cis("5.7.2"), "Ensure that the seccomp profile is set to docker/default in your pod definitions"),
    (cis("5.7.3"), "Apply Security Context to Your Pods and Containers"),
    (cis("5.7.4"), "The default namespace should not be used"),
    (nsa("Non-root containers and rootless container engines"), ""),
    (nsa("Immutable container file systems"), ""),
    (nsa("Building secure container images"), ""),
    (nsa("Pod security enforcement"), ""),
    (nsa("Protecting Pod service account tokens"), ""),
    (nsa("Hardening container environments"), ""),
    (nsa("Network policies"), ""),
    (nsa("Resource policies"), ""),
    (nsa("Control plane hardening"), ""),
    (nsa("Encryption"), ""),
    (nsa("Secrets"), ""),
    (nsa("Authentication and authorization"), ""),
    (nsa("Audit Logging and Threat Detection"), ""),
    (nsa("Upgrading and application security practices"), ""),
    (mitre("T1046"), "Network Service Discovery"),
    (mitre("T1053.007"), "Scheduled Task/Job: Container Orchestration Job"),
    (mitre("T1068"), "Exploitation for Privilege Escalation"),
    (mitre("T1070"), "Indicator Removal"),
    (mitre("T1078"), "Valid Accounts"),
    (mitre("T1098.006"), "Account Manipulation: Additional Container Cluster Roles"),
    (mitre("T1133"), "External Remote Services"),
    (mitre("T1190"), "Exploit Public-Facing Application"),
    (mitre("T1204.003"), "User Execution: Malicious Image"),
    (mitre("T1485"), "Data Destruction"),
    (mitre("T1496"), "Resource Hijacking"),
    (mitre("T1499"), "Endpoint Denial of Service"),
    (mitre("T1525"), "Implant Internal Image"),
    (mitre("T1528"), "Steal Application Access Token"),
    (mitre("T1552"), "Unsecured Credentials"),
    (mitre("T1552.001"), "Unsecured Credentials: Credentials In Files"),
    (mitre("T1552.007"), "Unsecured Credentials: Container API"),
    (mitre("T1562.001"), "Impair Defenses: Disable or Modify Tools"),
    (mitre("T1609"), "Container Administration Command"),
    (mitre("T1610"), "Deploy Container"),
    (mitre("T1611"), "Escape to Host"),
];
