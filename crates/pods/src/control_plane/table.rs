//! The flags of the control plane and what they must be: data alone.
//!
//! Source: CIS Kubernetes Benchmark 1.12, sections 1.2, 1.3, 1.4, 2 and 3.2; the components' own defaults and the
//! versions in which flags went are those of their reference pages and of Kubernetes' changelogs.

use ringwall_model::finding::Severity::{Critical, High, Info, Low, Medium};
use ringwall_model::version::Minor;

use super::checks::{
    ADMISSION, AUDIT, AUTHENTICATION, AUTHORIZATION, CONTROLLERS, ENCRYPTION, ENDPOINTS, ETCD, LIMITS, TLS,
};
use super::command::{CommandLine, Flag};
use super::rule::Component::{ApiServer, ControllerManager, Etcd, Scheduler};
use super::rule::{Remedy, Rule, Want, Worse};

/// A row in which most columns are empty.
const ROW: Rule = Rule {
    component: ApiServer,
    flag: "",
    witness: "",
    check: &AUTHENTICATION,
    want: Want::Set,
    wrong: Medium,
    absent: None,
    says: "",
    remedy: Remedy::Remove,
    cis: "",
    unless: &[],
    behind: None,
    worse: None,
    gone: None,
};

/// Whether every request is allowed: authorization is not chosen (the default is `AlwaysAllow`), or chosen so.
fn allows_all(line: &CommandLine<'_>) -> bool {
    let mut modes = line.given("authorization-mode").peekable();
    let chosen = line.open || line.has("authorization-config");
    (modes.peek().is_none() && !chosen) || modes.flat_map(Flag::items).any(|mode| mode == "AlwaysAllow")
}

/// Suites with RC4, or with CBC and SHA-256, which Go leaves open to Lucky 13.
const BROKEN_SUITES: &[&str] = &[
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_RC4_128_SHA",
];

/// The other suites that Kubernetes calls insecure: without forward secrecy, or with 3DES.
const OLD_SUITES: &[&str] = &[
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
];

/// All rows, by check.
pub static RULES: &[Rule] = &[
    // Authentication.
    Rule {
        flag: "anonymous-auth",
        witness: "--anonymous-auth",
        want: Want::Bool(false),
        wrong: Low,
        absent: Some(Low),
        says: "answers requests that come without credentials",
        remedy: Remedy::Own("--anonymous-auth=false, once the probes need no anonymous requests"),
        cis: "1.2.1",
        unless: &["authentication-config"],
        worse: Some(Worse {
            holds: allows_all,
            severity: Critical,
            says: "and authorization allows everything",
        }),
        ..ROW
    },
    Rule {
        flag: "token-auth-file",
        witness: "--token-auth-file",
        want: Want::Unset,
        says: "takes static tokens, which are valid until it restarts and lie in a file in clear",
        cis: "1.2.2",
        ..ROW
    },
    Rule {
        flag: "basic-auth-file",
        witness: "--basic-auth-file",
        want: Want::Unset,
        wrong: High,
        says: "takes passwords, which lie in a file in clear",
        gone: Some(Minor(19)),
        ..ROW
    },
    Rule {
        flag: "insecure-port",
        witness: "--insecure-port",
        want: Want::Zero,
        wrong: Critical,
        says: "serves a port on which everybody is cluster-admin",
        remedy: Remedy::Value("0"),
        gone: Some(Minor(24)),
        ..ROW
    },
    Rule {
        flag: "insecure-bind-address",
        witness: "--insecure-bind-address",
        want: Want::Loopback,
        wrong: Critical,
        says: "may serve its insecure port to the network",
        gone: Some(Minor(24)),
        ..ROW
    },
    Rule {
        flag: "secure-port",
        witness: "--secure-port",
        want: Want::NotZero,
        wrong: High,
        says: "is told not to serve HTTPS",
        remedy: Remedy::Value("6443"),
        ..ROW
    },
    Rule {
        flag: "service-account-lookup",
        witness: "--service-account-lookup",
        want: Want::Bool(true),
        says: "takes tokens of service accounts that are deleted",
        remedy: Remedy::Value("true"),
        cis: "1.2.21",
        ..ROW
    },
    Rule {
        flag: "service-account-key-file",
        witness: "--service-account-key-file",
        wrong: Low,
        absent: Some(Low),
        says: "has no key of its own to verify tokens of service accounts with",
        remedy: Remedy::Own("FILE.pub"),
        cis: "1.2.22",
        ..ROW
    },
    Rule {
        flag: "client-ca-file",
        witness: "--client-ca-file",
        wrong: Low,
        absent: Some(Low),
        says: "knows no authority by which clients prove who they are with certificates",
        remedy: Remedy::Own("FILE.crt"),
        cis: "1.2.25",
        unless: &["authentication-config"],
        ..ROW
    },
    Rule {
        flag: "service-account-extend-token-expiration",
        witness: "--service-account-extend-token-expiration",
        want: Want::Bool(false),
        wrong: Info,
        absent: Some(Info),
        says: "makes the tokens that it puts into pods valid for a year instead of an hour",
        remedy: Remedy::Value("false"),
        cis: "1.2.30",
        ..ROW
    },
    // Authorization.
    Rule {
        flag: "authorization-mode",
        witness: "--authorization-mode=AlwaysAllow",
        check: &AUTHORIZATION,
        want: Want::NoneOf(&["AlwaysAllow"]),
        wrong: Critical,
        says: "allows every request that the modes before it do not decide",
        cis: "1.2.6",
        ..ROW
    },
    Rule {
        flag: "authorization-mode",
        witness: "--authorization-mode=Node",
        check: &AUTHORIZATION,
        want: Want::OneOf(&["Node"]),
        absent: Some(Info),
        says: "does not confine kubelets to the objects of their own pods",
        remedy: Remedy::Add("Node"),
        cis: "1.2.7",
        unless: &["authorization-config"],
        ..ROW
    },
    Rule {
        flag: "authorization-mode",
        witness: "--authorization-mode=RBAC",
        check: &AUTHORIZATION,
        want: Want::OneOf(&["RBAC"]),
        absent: Some(Critical),
        says: "does not ask RBAC whether a request is allowed",
        remedy: Remedy::Add("RBAC"),
        cis: "1.2.8",
        unless: &["authorization-config"],
        ..ROW
    },
    // Admission plugins.
    Rule {
        flag: "enable-admission-plugins",
        witness: "--enable-admission-plugins=AlwaysAdmit",
        check: &ADMISSION,
        want: Want::NoneOf(&["AlwaysAdmit"]),
        says: "has the plugin that admits everything",
        cis: "1.2.10",
        ..ROW
    },
    Rule {
        flag: "enable-admission-plugins",
        witness: "--enable-admission-plugins=NodeRestriction",
        check: &ADMISSION,
        want: Want::OneOf(&["NodeRestriction"]),
        absent: Some(Medium),
        says: "lets a kubelet change other nodes, and labels that workloads are placed by",
        remedy: Remedy::Add("NodeRestriction"),
        cis: "1.2.14",
        unless: &["admission-control"],
        ..ROW
    },
    Rule {
        flag: "enable-admission-plugins",
        witness: "--enable-admission-plugins=DenyServiceExternalIPs",
        check: &ADMISSION,
        want: Want::OneOf(&["DenyServiceExternalIPs"]),
        wrong: Low,
        absent: Some(Low),
        says: "lets whoever may create a Service take over traffic to any IP by externalIPs",
        remedy: Remedy::Add("DenyServiceExternalIPs"),
        cis: "1.2.3",
        unless: &["admission-control"],
        ..ROW
    },
    Rule {
        flag: "enable-admission-plugins",
        witness: "--enable-admission-plugins=AlwaysPullImages",
        check: &ADMISSION,
        want: Want::OneOf(&["AlwaysPullImages"]),
        wrong: Info,
        absent: Some(Info),
        says: "lets pods use private images that another pod has pulled to the node",
        remedy: Remedy::Add("AlwaysPullImages"),
        cis: "1.2.11",
        unless: &["admission-control"],
        ..ROW
    },
    Rule {
        flag: "enable-admission-plugins",
        witness: "--enable-admission-plugins=EventRateLimit",
        check: &ADMISSION,
        want: Want::OneOf(&["EventRateLimit"]),
        wrong: Info,
        absent: Some(Info),
        says: "does not limit how many events it takes",
        // The plugin needs a configuration file besides.
        remedy: Remedy::Own("EventRateLimit"),
        cis: "1.2.9",
        unless: &["admission-control"],
        ..ROW
    },
    Rule {
        flag: "enable-admission-plugins",
        witness: "--enable-admission-plugins=SecurityContextDeny",
        check: &ADMISSION,
        want: Want::OneOf(&["SecurityContextDeny", "PodSecurityPolicy"]),
        wrong: Info,
        absent: Some(Info),
        says: "does without SecurityContextDeny, which is gone since v1.30; Pod Security Admission does its work",
        remedy: Remedy::Own("SecurityContextDeny"),
        unless: &["admission-control"],
        ..ROW
    },
    Rule {
        flag: "enable-admission-plugins",
        witness: "--enable-admission-plugins=PodSecurityPolicy",
        check: &ADMISSION,
        want: Want::OneOf(&["PodSecurityPolicy"]),
        wrong: Info,
        absent: Some(Info),
        says: "does without PodSecurityPolicy, which is gone since v1.25; Pod Security Admission does its work",
        remedy: Remedy::Own("PodSecurityPolicy"),
        unless: &["admission-control"],
        ..ROW
    },
    Rule {
        flag: "disable-admission-plugins",
        witness: "--disable-admission-plugins=NamespaceLifecycle",
        check: &ADMISSION,
        want: Want::NoneOf(&["NamespaceLifecycle"]),
        says: "takes objects in namespaces that are going, and lets system namespaces be deleted",
        cis: "1.2.13",
        ..ROW
    },
    Rule {
        flag: "disable-admission-plugins",
        witness: "--disable-admission-plugins=ServiceAccount",
        check: &ADMISSION,
        want: Want::NoneOf(&["ServiceAccount"]),
        says: "does not check which secrets and tokens a pod's service account may use",
        cis: "1.2.12",
        ..ROW
    },
    Rule {
        flag: "disable-admission-plugins",
        witness: "--disable-admission-plugins=PodSecurity",
        check: &ADMISSION,
        want: Want::NoneOf(&["PodSecurity"]),
        wrong: High,
        says: "enforces no level of the Pod Security Standards, whatever namespaces say",
        ..ROW
    },
    // Audit.
    Rule {
        flag: "audit-policy-file",
        witness: "--audit-policy-file",
        check: &AUDIT,
        absent: Some(Medium),
        says: "records nobody's requests",
        remedy: Remedy::Own("FILE.yaml"),
        cis: "3.2.1",
        ..ROW
    },
    Rule {
        flag: "audit-log-path",
        witness: "--audit-log-path",
        check: &AUDIT,
        absent: Some(Medium),
        says: "writes no audit log",
        remedy: Remedy::Own("/var/log/kubernetes/audit.log"),
        cis: "1.2.16",
        unless: &["audit-webhook-config-file"],
        behind: Some("audit-policy-file"),
        ..ROW
    },
    Rule {
        flag: "audit-log-maxage",
        witness: "--audit-log-maxage",
        check: &AUDIT,
        want: Want::AtLeast(30),
        wrong: Low,
        absent: Some(Info),
        says: "is not told to keep audit logs for 30 days",
        remedy: Remedy::Value("30"),
        cis: "1.2.17",
        ..ROW
    },
    Rule {
        flag: "audit-log-maxbackup",
        witness: "--audit-log-maxbackup",
        check: &AUDIT,
        want: Want::AtLeast(10),
        wrong: Low,
        absent: Some(Info),
        says: "is not told to keep 10 old audit logs",
        remedy: Remedy::Value("10"),
        cis: "1.2.18",
        ..ROW
    },
    Rule {
        flag: "audit-log-maxsize",
        witness: "--audit-log-maxsize",
        check: &AUDIT,
        want: Want::Judged,
        wrong: Info,
        absent: Some(Info),
        says: "turns audit logs over by size, and the size must suit the disk",
        remedy: Remedy::Own("100"),
        cis: "1.2.19",
        ..ROW
    },
    // Connections.
    Rule {
        flag: "kubelet-client-certificate",
        witness: "--kubelet-client-certificate",
        check: &TLS,
        want: Want::Both("kubelet-client-key"),
        absent: Some(Medium),
        says: "shows kubelets no certificate, so that they must take anybody's calls",
        remedy: Remedy::Own("FILE.crt"),
        cis: "1.2.4",
        ..ROW
    },
    Rule {
        flag: "kubelet-certificate-authority",
        witness: "--kubelet-certificate-authority",
        check: &TLS,
        absent: Some(Medium),
        says: "does not verify that it talks to a kubelet when it runs exec, logs and port-forward",
        remedy: Remedy::Own("FILE.crt"),
        cis: "1.2.5",
        ..ROW
    },
    Rule {
        flag: "kubelet-https",
        witness: "--kubelet-https",
        check: &TLS,
        want: Want::Bool(true),
        wrong: High,
        says: "talks to kubelets in clear",
        remedy: Remedy::Value("true"),
        gone: Some(Minor(22)),
        ..ROW
    },
    Rule {
        flag: "tls-cert-file",
        witness: "--tls-cert-file",
        check: &TLS,
        want: Want::Both("tls-private-key-file"),
        wrong: Low,
        absent: Some(Low),
        says: "serves a certificate that it has signed itself, which no client can verify",
        remedy: Remedy::Own("FILE.crt"),
        cis: "1.2.24",
        ..ROW
    },
    Rule {
        flag: "etcd-certfile",
        witness: "--etcd-certfile",
        check: &TLS,
        want: Want::Both("etcd-keyfile"),
        wrong: High,
        absent: Some(High),
        says: "shows etcd no certificate, so that etcd must take anybody's calls",
        remedy: Remedy::Own("FILE.crt"),
        cis: "1.2.23",
        ..ROW
    },
    Rule {
        flag: "etcd-cafile",
        witness: "--etcd-cafile",
        check: &TLS,
        absent: Some(Medium),
        says: "does not verify that it talks to etcd",
        remedy: Remedy::Own("FILE.crt"),
        cis: "1.2.26",
        ..ROW
    },
    Rule {
        flag: "tls-cipher-suites",
        witness: "--tls-cipher-suites",
        check: &TLS,
        want: Want::NoneOf(BROKEN_SUITES),
        absent: Some(Info),
        says: "is not held to strong cipher suites",
        cis: "1.2.29",
        ..ROW
    },
    Rule {
        flag: "tls-cipher-suites",
        witness: "--tls-cipher-suites (forward secrecy)",
        check: &TLS,
        want: Want::NoneOf(OLD_SUITES),
        wrong: Low,
        says: "takes cipher suites without forward secrecy or with 3DES",
        cis: "1.2.29",
        ..ROW
    },
    // Secrets at rest.
    Rule {
        flag: "encryption-provider-config",
        witness: "--encryption-provider-config",
        check: &ENCRYPTION,
        absent: Some(Medium),
        says: "stores Secrets in etcd in clear",
        remedy: Remedy::Own("FILE.yaml"),
        cis: "1.2.27",
        ..ROW
    },
    // The controller manager.
    Rule {
        component: ControllerManager,
        flag: "use-service-account-credentials",
        witness: "--use-service-account-credentials",
        check: &CONTROLLERS,
        want: Want::Bool(true),
        absent: Some(Medium),
        says: "runs all controllers as one identity that may do what any of them may",
        remedy: Remedy::Value("true"),
        cis: "1.3.3",
        ..ROW
    },
    Rule {
        component: ControllerManager,
        flag: "service-account-private-key-file",
        witness: "--service-account-private-key-file",
        check: &CONTROLLERS,
        wrong: Low,
        absent: Some(Low),
        says: "has no key to sign tokens of service accounts with",
        remedy: Remedy::Own("FILE.key"),
        cis: "1.3.4",
        ..ROW
    },
    Rule {
        component: ControllerManager,
        flag: "root-ca-file",
        witness: "--root-ca-file",
        check: &CONTROLLERS,
        absent: Some(Medium),
        says: "gives pods nothing to verify the API server by",
        remedy: Remedy::Own("FILE.crt"),
        cis: "1.3.5",
        ..ROW
    },
    Rule {
        component: ControllerManager,
        flag: "feature-gates",
        witness: "--feature-gates=RotateKubeletServerCertificate",
        check: &CONTROLLERS,
        want: Want::NotOff("RotateKubeletServerCertificate"),
        says: "does not let kubelets renew the certificates that they serve",
        cis: "1.3.6",
        ..ROW
    },
    // What is served for those who run it.
    Rule {
        flag: "profiling",
        witness: "--profiling",
        check: &ENDPOINTS,
        want: Want::Bool(false),
        wrong: Low,
        absent: Some(Low),
        says: "serves profiles of itself",
        remedy: Remedy::Value("false"),
        cis: "1.2.15",
        ..ROW
    },
    Rule {
        component: ControllerManager,
        flag: "profiling",
        witness: "--profiling",
        check: &ENDPOINTS,
        want: Want::Bool(false),
        wrong: Low,
        absent: Some(Low),
        says: "serves profiles of itself",
        remedy: Remedy::Value("false"),
        cis: "1.3.2",
        ..ROW
    },
    Rule {
        component: Scheduler,
        flag: "profiling",
        witness: "--profiling",
        check: &ENDPOINTS,
        want: Want::Bool(false),
        wrong: Low,
        absent: Some(Low),
        says: "serves profiles of itself",
        remedy: Remedy::Value("false"),
        cis: "1.4.1",
        // The file's enableProfiling counts then.
        unless: &["config"],
        ..ROW
    },
    Rule {
        component: ControllerManager,
        flag: "bind-address",
        witness: "--bind-address",
        check: &ENDPOINTS,
        want: Want::Loopback,
        wrong: Low,
        absent: Some(Low),
        says: "serves metrics and health to the network",
        remedy: Remedy::Value("127.0.0.1"),
        cis: "1.3.7",
        ..ROW
    },
    Rule {
        component: Scheduler,
        flag: "bind-address",
        witness: "--bind-address",
        check: &ENDPOINTS,
        want: Want::Loopback,
        wrong: Low,
        absent: Some(Low),
        says: "serves metrics and health to the network",
        remedy: Remedy::Value("127.0.0.1"),
        cis: "1.4.2",
        ..ROW
    },
    // etcd.
    Rule {
        component: Etcd,
        flag: "cert-file",
        witness: "--cert-file",
        check: &ETCD,
        want: Want::Both("key-file"),
        wrong: High,
        absent: Some(High),
        says: "serves the whole state of the cluster in clear",
        remedy: Remedy::Own("FILE.crt"),
        cis: "2.1",
        ..ROW
    },
    Rule {
        component: Etcd,
        flag: "client-cert-auth",
        witness: "--client-cert-auth",
        check: &ETCD,
        want: Want::Bool(true),
        wrong: Critical,
        absent: Some(Critical),
        says: "lets whoever reaches it read and write the whole state of the cluster",
        remedy: Remedy::Own("--client-cert-auth=true with --trusted-ca-file=FILE"),
        cis: "2.2",
        ..ROW
    },
    Rule {
        component: Etcd,
        flag: "auto-tls",
        witness: "--auto-tls",
        check: &ETCD,
        want: Want::Bool(false),
        says: "serves clients a certificate that it has signed itself, which none of them can verify",
        remedy: Remedy::Own("--auto-tls=false with --cert-file=FILE and --key-file=FILE"),
        cis: "2.3",
        ..ROW
    },
    Rule {
        component: Etcd,
        flag: "peer-cert-file",
        witness: "--peer-cert-file",
        check: &ETCD,
        want: Want::Both("peer-key-file"),
        wrong: High,
        absent: Some(High),
        says: "sends the whole state of the cluster to its peers in clear",
        remedy: Remedy::Own("FILE.crt"),
        cis: "2.4",
        ..ROW
    },
    Rule {
        component: Etcd,
        flag: "peer-client-cert-auth",
        witness: "--peer-client-cert-auth",
        check: &ETCD,
        want: Want::Bool(true),
        wrong: High,
        absent: Some(High),
        says: "takes whoever reaches its peer port for a peer",
        remedy: Remedy::Own("--peer-client-cert-auth=true with --peer-trusted-ca-file=FILE"),
        cis: "2.5",
        ..ROW
    },
    Rule {
        component: Etcd,
        flag: "peer-auto-tls",
        witness: "--peer-auto-tls",
        check: &ETCD,
        want: Want::Bool(false),
        says: "serves peers a certificate that it has signed itself, which none of them can verify",
        remedy: Remedy::Own("--peer-auto-tls=false with --peer-cert-file=FILE and --peer-key-file=FILE"),
        cis: "2.6",
        ..ROW
    },
    // Limits that nobody but the cluster's owner can judge.
    Rule {
        flag: "request-timeout",
        witness: "--request-timeout",
        check: &LIMITS,
        want: Want::Judged,
        wrong: Info,
        says: "ends requests after another time than the default of 60s, which must suit the cluster",
        cis: "1.2.20",
        ..ROW
    },
    Rule {
        component: ControllerManager,
        flag: "terminated-pod-gc-threshold",
        witness: "--terminated-pod-gc-threshold",
        check: &LIMITS,
        want: Want::Judged,
        wrong: Info,
        absent: Some(Info),
        says: "keeps ended pods up to a number, which must suit the cluster (the default is 12500)",
        remedy: Remedy::Own("NUMBER"),
        cis: "1.3.1",
        ..ROW
    },
];
