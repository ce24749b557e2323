//! The suppressions of other scanners, read under `--compat-ignores`.
//!
//! | scanner | forms |
//! |---|---|
//! | checkov | `checkov.io/skipN: ID=reason`, `#checkov:skip=ID:reason` |
//! | kube-linter | `ignore-check.kube-linter.io/NAME: reason`, `kube-linter.io/ignore-all: reason` |
//! | kube-score | `kube-score/ignore: NAME,NAME` |
//! | trivy | `#trivy:ignore:ID`, also `AVD-ID`, and `:exp:YYYY-MM-DD` behind it |
//! | kubescape | `kubescape.io/skip-controls: ID,ID` with `skip-reason` and `skip-expiry`; `kubescape.io/ignore: "true"` |
//! | KICS | `# kics-scan ignore-line`, `# kics-scan ignore-block` |
//! | istioctl | `galley.istio.io/analyze-suppress: CODE,CODE`, or `*` |
//!
//! [`TABLE`] says which of our checks one of theirs stands for. It holds what they find in the same place for the same
//! reason, and no more: where theirs is narrower than ours, the row says by how much.

use ringwall_model::check::Check;
use ringwall_model::finding::Finding;
use ringwall_model::path::Segment;

use crate::quiet::comments::Reach;
use crate::quiet::directive::Directive;
use crate::registry::{self, Rules};
use crate::settings::date;

/// What a comment of another scanner ignores, and where.
#[derive(Clone, Debug)]
pub(super) struct Ignore {
    pub(super) directive: Directive,
    pub(super) reach: Reach,
}

/// A scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Checkov,
    Istioctl,
    Kiali,
    KubeLinter,
    KubeScore,
    Kubescape,
    Trivy,
}

/// Which part of a check's findings another scanner's check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them.
    Whole,
    /// Those about a field of this name.
    Field(&'static str),
    /// Those about this value.
    Value(&'static str),
}

impl Part {
    /// Whether a finding of the check is one of them.
    pub(super) fn holds(self, finding: &Finding) -> bool {
        match self {
            Self::Whole => true,
            Self::Field(name) => {
                matches!(finding.path.segments().last(), Some(Segment::Key(key)) if **key == *name)
            }
            Self::Value(value) => finding.witness.rsplit('/').next() == Some(value),
        }
    }
}

/// What comments begin with, without the `#`.
pub(super) const COMMENTS: [&str; 3] = [CHECKOV, TRIVY, KICS];
const CHECKOV: &str = "checkov:skip=";
const TRIVY: &str = "trivy:ignore:";
const KICS: &str = "kics-scan ";

/// What a comment ignores, from its first word on.
pub(super) fn of_comment(words: &str) -> Vec<Ignore> {
    if let Some(rest) = words.strip_prefix(CHECKOV) {
        let (ids, reason) = rest.split_once(':').unwrap_or((rest, ""));
        let directive = directive(Peer::Checkov, ids.split(','), reason);
        return vec![Ignore { directive, reach: Reach::Object }];
    }
    if words.starts_with(TRIVY) {
        return words.split_whitespace().filter_map(|word| word.strip_prefix(TRIVY)).map(trivy).collect();
    }
    let reach = match words.strip_prefix(KICS).and_then(|rest| rest.split_whitespace().next()) {
        Some("ignore-line") => Reach::Line,
        Some("ignore-block") => Reach::Block,
        _ => return Vec::new(),
    };
    vec![Ignore { directive: everything(""), reach }]
}

/// `ID`, or `ID:exp:DAY`; other words behind the id narrow it by what we do not know, and it then ignores nothing.
fn trivy(rest: &str) -> Ignore {
    let parts: Vec<&str> = rest.split(':').collect();
    let mut directive = match parts.as_slice() {
        [id] | [id, "exp", _] => directive(Peer::Trivy, [*id], ""),
        _ => Directive::default(),
    };
    if let [_, "exp", day] = parts.as_slice() {
        match date(day) {
            Ok(day) => directive.until = Some(day),
            Err(_) => directive = Directive::default(),
        }
    }
    Ignore { directive, reach: Reach::Block }
}

/// What an annotation ignores; `other` gives the value of another one beside it.
pub(super) fn of_annotation<'o>(
    key: &str,
    value: &str,
    other: impl Fn(&str) -> Option<&'o str>,
) -> Option<Directive> {
    if key
        .strip_prefix("checkov.io/skip")
        .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let (id, reason) = value.split_once('=').unwrap_or((value, ""));
        return Some(directive(Peer::Checkov, [id], reason));
    }
    if let Some(name) = key.strip_prefix("ignore-check.kube-linter.io/") {
        return Some(directive(Peer::KubeLinter, [name], value));
    }
    match key {
        "kube-linter.io/ignore-all" => Some(everything(value)),
        "galley.istio.io/analyze-suppress" if value == "*" => {
            let all = TABLE.iter().filter(|(of, ..)| *of == Peer::Istioctl).map(|(_, id, _)| *id);
            Some(directive(Peer::Istioctl, all, ""))
        }
        "galley.istio.io/analyze-suppress" => Some(directive(Peer::Istioctl, value.split(','), "")),
        "kube-score/ignore" => Some(directive(Peer::KubeScore, value.split(','), "")),
        "kubescape.io/skip-controls" => {
            let reason = other("kubescape.io/skip-reason").unwrap_or_default();
            let mut directive = directive(Peer::Kubescape, value.split(','), reason);
            if let Some(expiry) = other("kubescape.io/skip-expiry") {
                // A moment, of which the day counts here. One that cannot be read must not hold for ever.
                match date(expiry.get(..10).unwrap_or(expiry)) {
                    Ok(day) => directive.until = Some(day),
                    Err(_) => directive = Directive::default(),
                }
            }
            Some(directive)
        }
        _ => of_label(key, value),
    }
}

/// What a label ignores.
pub(super) fn of_label(key: &str, value: &str) -> Option<Directive> {
    // The values are those of kubescape's own exception, `exceptions/kubescape.json` in kubescape/regolibrary.
    let ignored = key == "kubescape.io/ignore"
        && ["true", "yes", "1", "enable", "enabled"].iter().any(|yes| value.eq_ignore_ascii_case(yes));
    ignored.then(|| everything(""))
}

fn everything(reason: &str) -> Directive {
    Directive {
        rules: Rules { all: true, named: Vec::new() },
        reason: stated(reason),
        ..Directive::default()
    }
}

fn stated(reason: &str) -> Option<String> {
    let reason = reason.trim().trim_matches('"');
    Some(reason.to_owned()).filter(|reason| !reason.is_empty())
}

/// Our checks for an id that another scanner uses: `CKV_K8S_20`, `AVD-KSV-0001`, `C-0016`, `latest-tag`, `IST0127`, `KIA0207`. Empty where none stands
/// for it.
pub fn checks_for(id: &str) -> Vec<&'static Check> {
    let peers = [
        Peer::Checkov,
        Peer::KubeLinter,
        Peer::KubeScore,
        Peer::Kubescape,
        Peer::Trivy,
        Peer::Istioctl,
        Peer::Kiali,
    ];
    peers
        .into_iter()
        .map(|peer| directive(peer, [id], "").rules.named)
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// Our checks for theirs. What the table does not have, we do not find, and so it is passed over.
fn directive<'i>(peer: Peer, ids: impl IntoIterator<Item = &'i str>, reason: &str) -> Directive {
    let mut directive = Directive { reason: stated(reason), ..Directive::default() };
    for id in ids {
        let id = canonical(peer, id.trim());
        for (_, _, names) in TABLE.iter().filter(|(of, known, _)| *of == peer && *known == id) {
            for (name, part) in *names {
                let Ok(check) = registry::find(name) else { continue };
                if !directive.rules.named.iter().any(|known| known.id == check.id) {
                    directive.rules.named.push(check);
                }
                directive.parts.push((check.id, *part));
            }
        }
    }
    directive
}

/// The id as the table has it: `AVD-KSV-0001`, `KSV-0001` and `ksv001` are one.
fn canonical(peer: Peer, id: &str) -> String {
    match peer {
        Peer::Trivy => {
            let upper = id.to_ascii_uppercase();
            let number = upper.strip_prefix("AVD-").unwrap_or(&upper).strip_prefix("KSV").unwrap_or_default();
            number
                .trim_start_matches('-')
                .parse::<u16>()
                .map_or_else(|_| String::new(), |number| format!("KSV{number:03}"))
        }
        Peer::Checkov | Peer::Istioctl | Peer::Kiali | Peer::Kubescape => id.to_ascii_uppercase(),
        Peer::KubeLinter | Peer::KubeScore => id.to_owned(),
    }
}

type Row = (Peer, &'static str, &'static [(&'static str, Part)]);

/// A row whose checks are meant as a whole.
macro_rules! row {
    ($peer:ident $id:literal: $($name:literal)+) => {
        (Peer::$peer, $id, &[$(($name, Part::Whole)),+])
    };
}

const HOST_PID: &[(&str, Part)] = &[("host-namespace", Part::Field("hostPID"))];
const HOST_IPC: &[(&str, Part)] = &[("host-namespace", Part::Field("hostIPC"))];
const HOST_NETWORK: &[(&str, Part)] = &[("host-namespace", Part::Field("hostNetwork"))];
const SYS_ADMIN: &[(&str, Part)] = &[("non-default-capability", Part::Value("SYS_ADMIN"))];

/// Their checks, and the names of ours.
///
/// Sources: `docs/5.Policy Index/kubernetes.md` in bridgecrewio/checkov, `docs/generated/checks.md` in
/// stackrox/kube-linter, `README_CHECKS.md` in zegl/kube-score, `checks/kubernetes` in aquasecurity/trivy-checks,
/// `controls` in kubescape/regolibrary, `pkg/config/analysis/msg/messages.yaml` in istio/istio, `models/checks.go` in kiali/kiali.
const TABLE: &[Row] = &[
    row!(Checkov "CKV2_K8S_1": "rights-handed-on" "role-escalation"),
    row!(Checkov "CKV2_K8S_2": "node-proxy" "pod-exec"),
    row!(Checkov "CKV2_K8S_3": "impersonation"),
    row!(Checkov "CKV2_K8S_5": "secret-access"),
    row!(Checkov "CKV_K8S_8": "liveness-probe-missing"),
    row!(Checkov "CKV_K8S_9": "readiness-probe-missing"),
    row!(Checkov "CKV_K8S_10": "cpu-request-missing"),
    row!(Checkov "CKV_K8S_11": "cpu-limit-missing"),
    row!(Checkov "CKV_K8S_12": "memory-request-missing"),
    row!(Checkov "CKV_K8S_13": "memory-limit-missing"),
    row!(Checkov "CKV_K8S_14": "image-tag-not-fixed"),
    row!(Checkov "CKV_K8S_15": "stale-image-pull"),
    row!(Checkov "CKV_K8S_16": "privileged-container"),
    (Peer::Checkov, "CKV_K8S_17", HOST_PID),
    (Peer::Checkov, "CKV_K8S_18", HOST_IPC),
    (Peer::Checkov, "CKV_K8S_19", HOST_NETWORK),
    row!(Checkov "CKV_K8S_20": "privilege-escalation"),
    row!(Checkov "CKV_K8S_21": "default-namespace"),
    row!(Checkov "CKV_K8S_22": "writable-root-filesystem"),
    row!(Checkov "CKV_K8S_23": "root-not-ruled-out" "root-user"),
    row!(Checkov "CKV_K8S_25": "non-default-capability"),
    row!(Checkov "CKV_K8S_26": "host-port"),
    row!(Checkov "CKV_K8S_27": "container-runtime-socket"),
    row!(Checkov "CKV_K8S_31": "seccomp-profile" "seccomp-profile-not-set"),
    row!(Checkov "CKV_K8S_35": "secret-in-environment"),
    row!(Checkov "CKV_K8S_37": "unrestricted-capabilities"),
    row!(Checkov "CKV_K8S_38": "service-account-token-mounted"),
    (Peer::Checkov, "CKV_K8S_39", SYS_ADMIN),
    row!(Checkov "CKV_K8S_40": "low-user-id"),
    row!(Checkov "CKV_K8S_42": "default-account-bound"),
    row!(Checkov "CKV_K8S_43": "image-without-digest"),
    row!(Checkov "CKV2_K8S_6": "workload-without-policy"),
    row!(Checkov "CKV_K8S_49": "unlimited-role" "wildcard-groups" "wildcard-resources" "wildcard-verbs"),
    row!(Checkov "CKV_K8S_155": "webhook-control"),
    row!(Checkov "CKV_K8S_156": "certificate-approval"),
    row!(Checkov "CKV_K8S_157": "role-escalation"),
    row!(Checkov "CKV_K8S_158": "role-escalation"),
    row!(KubeLinter "access-to-create-pods": "pod-creation"),
    row!(KubeLinter "access-to-secrets": "secret-access"),
    row!(KubeLinter "cluster-admin-role-binding": "cluster-admin-binding"),
    row!(KubeLinter "dangling-networkpolicy": "policy-without-pods"),
    row!(KubeLinter "dangling-networkpolicypeer-podselector": "peer-without-pods"),
    row!(KubeLinter "default-service-account": "default-service-account"),
    row!(KubeLinter "docker-sock": "container-runtime-socket"),
    row!(KubeLinter "env-var-secret": "literal-credential"),
    (Peer::KubeLinter, "host-ipc", HOST_IPC),
    (Peer::KubeLinter, "host-network", HOST_NETWORK),
    (Peer::KubeLinter, "host-pid", HOST_PID),
    row!(KubeLinter "latest-tag": "image-tag-not-fixed"),
    row!(KubeLinter "no-liveness-probe": "liveness-probe-missing"),
    row!(KubeLinter "no-readiness-probe": "readiness-probe-missing"),
    row!(KubeLinter "no-read-only-root-fs": "writable-root-filesystem"),
    row!(KubeLinter "non-isolated-pod": "workload-without-policy"),
    row!(KubeLinter "privilege-escalation-container": "privilege-escalation"),
    row!(KubeLinter "privileged-container": "privileged-container"),
    row!(KubeLinter "read-secret-from-env-var": "secret-in-environment"),
    row!(KubeLinter "run-as-non-root": "root-not-ruled-out" "root-user"),
    row!(KubeLinter "sensitive-host-mounts": "sensitive-host-path"),
    row!(KubeLinter "unsafe-proc-mount": "unmasked-proc" "unmasked-proc-restricted"),
    row!(KubeLinter "unsafe-sysctls": "unsafe-sysctl"),
    row!(KubeLinter "unset-cpu-requirements": "cpu-limit-missing" "cpu-request-missing"),
    row!(KubeLinter "unset-memory-requirements": "memory-limit-missing" "memory-request-missing"),
    row!(KubeLinter "use-namespace": "default-namespace"),
    row!(KubeLinter "wildcard-in-rules": "unlimited-role" "wildcard-groups" "wildcard-resources" "wildcard-verbs"),
    row!(KubeLinter "writable-host-mount": "writable-host-path"),
    row!(KubeScore "container-image-pull-policy": "stale-image-pull"),
    row!(KubeScore "container-image-tag": "image-tag-not-fixed"),
    row!(KubeScore "container-resources": "cpu-limit-missing" "cpu-request-missing" "memory-limit-missing" "memory-request-missing"),
    row!(KubeScore "container-seccomp-profile": "seccomp-profile" "seccomp-profile-not-set"),
    row!(KubeScore "container-security-context": "low-user-id" "privileged-container" "writable-root-filesystem"),
    row!(KubeScore "container-security-context-privileged": "privileged-container"),
    row!(KubeScore "container-security-context-readonlyrootfilesystem": "writable-root-filesystem"),
    row!(KubeScore "container-security-context-user-group-id": "low-user-id"),
    row!(KubeScore "networkpolicy-targets-pod": "policy-without-pods"),
    row!(KubeScore "pod-networkpolicy": "workload-without-policy"),
    row!(KubeScore "pod-probes": "liveness-probe-missing" "readiness-probe-missing"),
    row!(Kubescape "C-0002": "pod-exec"),
    row!(Kubescape "C-0004": "memory-limit-missing" "memory-request-missing"),
    row!(Kubescape "C-0007": "deletion"),
    row!(Kubescape "C-0009": "cpu-limit-missing" "memory-limit-missing"),
    row!(Kubescape "C-0012": "literal-credential"),
    row!(Kubescape "C-0013": "root-not-ruled-out" "root-user"),
    row!(Kubescape "C-0015": "secret-access"),
    row!(Kubescape "C-0016": "privilege-escalation"),
    row!(Kubescape "C-0017": "writable-root-filesystem"),
    row!(Kubescape "C-0018": "readiness-probe-missing"),
    row!(Kubescape "C-0031": "event-deletion"),
    row!(Kubescape "C-0034": "service-account-token-mounted"),
    (
        Peer::Kubescape,
        "C-0038",
        &[("host-namespace", Part::Field("hostPID")), ("host-namespace", Part::Field("hostIPC"))],
    ),
    row!(Kubescape "C-0035": "unlimited-role" "wildcard-resources"),
    row!(Kubescape "C-0037": "cluster-configuration"),
    (Peer::Kubescape, "C-0041", HOST_NETWORK),
    row!(Kubescape "C-0044": "host-port"),
    row!(Kubescape "C-0045": "writable-host-path"),
    row!(Kubescape "C-0046": "non-default-capability"),
    row!(Kubescape "C-0048": "host-path-volume"),
    row!(Kubescape "C-0050": "cpu-limit-missing" "cpu-request-missing"),
    row!(Kubescape "C-0054": "namespace-without-policy"),
    row!(Kubescape "C-0056": "liveness-probe-missing"),
    row!(Kubescape "C-0057": "privileged-container"),
    row!(Kubescape "C-0061": "default-namespace"),
    row!(Kubescape "C-0063": "pod-connection"),
    row!(Kubescape "C-0065": "impersonation"),
    row!(Kubescape "C-0074": "container-runtime-socket"),
    row!(Kubescape "C-0075": "stale-image-pull"),
    row!(Kubescape "C-0185": "cluster-admin-binding"),
    row!(Kubescape "C-0186": "secret-access"),
    row!(Kubescape "C-0187": "unlimited-role" "wildcard-groups" "wildcard-resources" "wildcard-verbs"),
    row!(Kubescape "C-0188": "pod-creation"),
    row!(Kubescape "C-0191": "impersonation" "role-escalation"),
    row!(Kubescape "C-0193": "privileged-container"),
    (Peer::Kubescape, "C-0194", HOST_PID),
    (Peer::Kubescape, "C-0195", HOST_IPC),
    (Peer::Kubescape, "C-0196", HOST_NETWORK),
    row!(Kubescape "C-0197": "privilege-escalation"),
    row!(Kubescape "C-0198": "root-not-ruled-out" "root-user"),
    row!(Kubescape "C-0200": "non-default-capability"),
    row!(Kubescape "C-0201": "unrestricted-capabilities"),
    row!(Kubescape "C-0202": "windows-host-process"),
    row!(Kubescape "C-0203": "host-path-volume"),
    row!(Kubescape "C-0206": "namespace-without-policy"),
    row!(Kubescape "C-0207": "secret-in-environment"),
    row!(Kubescape "C-0210": "seccomp-profile" "seccomp-profile-not-set"),
    row!(Kubescape "C-0212": "default-namespace"),
    row!(Kubescape "C-0213": "privileged-container"),
    (Peer::Kubescape, "C-0214", HOST_PID),
    (Peer::Kubescape, "C-0215", HOST_IPC),
    (Peer::Kubescape, "C-0216", HOST_NETWORK),
    row!(Kubescape "C-0217": "privilege-escalation"),
    row!(Kubescape "C-0218": "root-not-ruled-out" "root-user"),
    row!(Kubescape "C-0219": "non-default-capability"),
    row!(Kubescape "C-0220": "unrestricted-capabilities"),
    row!(Kubescape "C-0260": "workload-without-policy"),
    row!(Kubescape "C-0262": "anonymous-access"),
    row!(Kubescape "C-0265": "everyone-bound"),
    row!(Kubescape "C-0268": "cpu-request-missing"),
    row!(Kubescape "C-0269": "memory-request-missing"),
    row!(Kubescape "C-0270": "cpu-limit-missing"),
    row!(Kubescape "C-0271": "memory-limit-missing"),
    row!(Kubescape "C-0272": "powerful-token-mounted"),
    (Peer::Kubescape, "C-0275", HOST_PID),
    (Peer::Kubescape, "C-0276", HOST_IPC),
    row!(Kubescape "C-0278": "volume-creation"),
    row!(Kubescape "C-0279": "node-proxy"),
    row!(Kubescape "C-0280": "certificate-approval"),
    row!(Kubescape "C-0281": "webhook-control"),
    row!(Kubescape "C-0282": "token-creation"),
    row!(Kubescape "C-0299": "policy-without-pods"),
    row!(Trivy "KSV001": "privilege-escalation"),
    row!(Trivy "KSV002": "app-armor-profile"),
    row!(Trivy "KSV003": "unrestricted-capabilities"),
    (Peer::Trivy, "KSV005", SYS_ADMIN),
    row!(Trivy "KSV006": "container-runtime-socket"),
    row!(Trivy "KSV007": "host-alias"),
    (Peer::Trivy, "KSV008", HOST_IPC),
    (Peer::Trivy, "KSV009", HOST_NETWORK),
    (Peer::Trivy, "KSV010", HOST_PID),
    row!(Trivy "KSV011": "cpu-limit-missing"),
    row!(Trivy "KSV012": "root-not-ruled-out"),
    row!(Trivy "KSV013": "image-tag-not-fixed"),
    row!(Trivy "KSV014": "writable-root-filesystem"),
    row!(Trivy "KSV015": "cpu-request-missing"),
    row!(Trivy "KSV016": "memory-request-missing"),
    row!(Trivy "KSV017": "privileged-container"),
    row!(Trivy "KSV018": "memory-limit-missing"),
    row!(Trivy "KSV020": "low-user-id"),
    row!(Trivy "KSV022": "non-default-capability"),
    row!(Trivy "KSV023": "host-path-volume"),
    row!(Trivy "KSV024": "host-port"),
    row!(Trivy "KSV025": "se-linux-options"),
    row!(Trivy "KSV026": "unsafe-sysctl"),
    row!(Trivy "KSV027": "unmasked-proc" "unmasked-proc-restricted"),
    row!(Trivy "KSV028": "restricted-volume-type"),
    row!(Trivy "KSV029": "root-group"),
    row!(Trivy "KSV030": "seccomp-profile-not-set"),
    row!(Trivy "KSV036": "service-account-token-mounted"),
    row!(Trivy "KSV041": "secret-access"),
    row!(Trivy "KSV043": "impersonation"),
    row!(Trivy "KSV044": "unlimited-role"),
    row!(Trivy "KSV045": "wildcard-verbs"),
    row!(Trivy "KSV046": "unlimited-role" "wildcard-resources"),
    row!(Trivy "KSV047": "node-proxy"),
    row!(Trivy "KSV048": "pod-creation"),
    row!(Trivy "KSV049": "cluster-configuration"),
    row!(Trivy "KSV050": "rights-handed-on" "role-escalation"),
    row!(Trivy "KSV051": "rights-handed-on" "role-escalation"),
    row!(Trivy "KSV052": "rights-handed-on" "role-escalation"),
    row!(Trivy "KSV053": "pod-exec"),
    row!(Trivy "KSV054": "pod-exec"),
    row!(Trivy "KSV056": "traffic-control"),
    row!(Trivy "KSV103": "windows-host-process"),
    row!(Trivy "KSV104": "seccomp-profile" "seccomp-profile-not-set"),
    row!(Trivy "KSV105": "root-user"),
    row!(Trivy "KSV106": "unrestricted-capabilities"),
    row!(Trivy "KSV110": "default-namespace"),
    row!(Trivy "KSV111": "cluster-admin-binding"),
    row!(Trivy "KSV112": "unlimited-role" "wildcard-resources"),
    row!(Trivy "KSV113": "secret-access"),
    row!(Trivy "KSV114": "webhook-control"),
    row!(Trivy "KSV121": "sensitive-host-path"),
    row!(Trivy "KSV122": "anonymous-access"),
    row!(Trivy "KSV123": "everyone-bound"),
    row!(Istioctl "IST0103": "older-than-the-mesh"),
    row!(Istioctl "IST0106": "refused-by-istiod"),
    row!(Istioctl "IST0107": "injection-asked-in-vain"),
    row!(Istioctl "IST0123": "conflicting-mesh-labels"),
    row!(Istioctl "IST0127": "mesh-policy-for-nobody"),
    row!(Istioctl "IST0144": "runs-as-proxy-user"),
    row!(Istioctl "IST0173": "subset-of-nobody"),
    row!(Istioctl "IST0174": "destination-rule-for-nobody"),
    row!(Kiali "KIA0002": "peer-authentication-put-aside"),
    row!(Kiali "KIA0003": "peer-authentication-put-aside"),
    row!(Kiali "KIA0004": "mesh-policy-for-nobody"),
    row!(Kiali "KIA0101": "identity-of-nobody"),
    row!(Kiali "KIA0102": "value-never-matches"),
    row!(Kiali "KIA0105": "identity-evaded"),
    row!(Kiali "KIA0106": "identity-of-nobody"),
    row!(Kiali "KIA0109": "allow-rule-left-out" "deny-never-fires" "rule-wider-than-written"),
    row!(Kiali "KIA0110": "allow-rule-left-out" "deny-never-fires" "rule-wider-than-written"),
    row!(Kiali "KIA0202": "destination-rule-for-nobody"),
    row!(Kiali "KIA0203": "subset-of-nobody"),
    row!(Kiali "KIA0207": "destination-rule-against-strict"),
    row!(Kiali "KIA0208": "destination-rule-against-strict"),
    row!(Kiali "KIA1115": "not-enforced-in-ambient"),
    row!(Kiali "KIA1301": "workload-without-authorization"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn shown(directive: &Directive) -> String {
        let all = directive.rules.all.then_some("all");
        let ids: Vec<&str> = directive.rules.named.iter().map(|check| check.id).chain(all).collect();
        let reason = directive.reason.as_deref().unwrap_or("-");
        let until = directive.until.map_or_else(String::new, |until| format!(" until {until}"));
        format!("{} because {reason}{until}", ids.join("+"))
    }

    #[test]
    fn comments_of_other_scanners_are_read() {
        for (words, ignores) in [
            ("checkov:skip=CKV_K8S_20:old image", vec!["RW-POD-015 because old image"]),
            ("checkov:skip=CKV_K8S_20,ckv_k8s_16", vec!["RW-POD-015+RW-POD-001 because -"]),
            ("checkov:skip=CKV_AWS_20:x", vec![" because x"]),
            ("trivy:ignore:AVD-KSV-0001", vec!["RW-POD-015 because -"]),
            (
                "trivy:ignore:ksv001 trivy:ignore:KSV-0017",
                vec!["RW-POD-015 because -", "RW-POD-001 because -"],
            ),
            ("trivy:ignore:KSV-0001:exp:2027-01-31", vec!["RW-POD-015 because - until 2027-01-31"]),
            ("trivy:ignore:KSV-0001:exp:soon", vec![" because -"]),
            ("trivy:ignore:KSV-0001:ws:prod", vec![" because -"]),
            ("kics-scan ignore-line", vec!["all because -"]),
            ("kics-scan ignore-block", vec!["all because -"]),
            ("kics-scan disable=1", vec![]),
            ("anything else", vec![]),
        ] {
            let read: Vec<String> = of_comment(words).iter().map(|ignore| shown(&ignore.directive)).collect();
            assert_eq!(read, ignores, "{words}");
        }
    }

    #[test]
    fn annotations_of_other_scanners_are_read() {
        let expiry = |text: &'static str| {
            move |key: &str| match key {
                "kubescape.io/skip-reason" => Some("accepted"),
                "kubescape.io/skip-expiry" => Some(text),
                _ => None,
            }
        };
        for (key, value, ignores) in [
            ("checkov.io/skip1", "CKV_K8S_20=old image", Some("RW-POD-015 because old image")),
            ("checkov.io/skip", "CKV_K8S_16", Some("RW-POD-001 because -")),
            ("checkov.io/skipped", "CKV_K8S_16", None),
            (
                "ignore-check.kube-linter.io/privileged-container",
                "a node agent",
                Some("RW-POD-001 because a node agent"),
            ),
            ("kube-linter.io/ignore-all", "", Some("all because -")),
            (
                "kube-score/ignore",
                "container-seccomp-profile, pod-networkpolicy",
                Some("RW-POD-010+RW-POD-019+RW-NET-026 because -"),
            ),
            (
                "kubescape.io/skip-controls",
                "C-0057,C-0016",
                Some("RW-POD-001+RW-POD-015 because accepted until 2026-12-31"),
            ),
            ("kubescape.io/ignore", "True", Some("all because -")),
            ("kubescape.io/ignore", "no", None),
            ("galley.istio.io/analyze-suppress", "IST0127,IST0101", Some("RW-MESH-009 because -")),
            (
                "galley.istio.io/analyze-suppress",
                "*",
                Some(
                    "RW-MESH-034+RW-MESH-035+RW-MESH-030+RW-MESH-031+RW-MESH-009+RW-MESH-032+RW-MESH-050+RW-MESH-049 because -",
                ),
            ),
            ("example.com/note", "CKV_K8S_16", None),
        ] {
            let read = of_annotation(key, value, expiry("2026-12-31T23:59:59Z"));
            assert_eq!(read.as_ref().map(shown).as_deref(), ignores, "{key}: {value}");
        }
        let unreadable = of_annotation("kubescape.io/skip-controls", "C-0057", expiry("tomorrow"));
        assert_eq!(unreadable.as_ref().map(shown).as_deref(), Some(" because -"), "must not hold for ever");
    }

    #[test]
    fn each_row_is_there_once_and_names_checks_that_there_are() {
        let mut seen = BTreeSet::new();
        for (peer, id, names) in TABLE {
            assert_eq!(canonical(*peer, id), *id);
            assert!(seen.insert((format!("{peer:?}"), *id)), "{id} is there twice");
            assert!(!names.is_empty(), "{id}");
            for (name, _) in *names {
                assert!(registry::find(name).is_ok(), "{id}: there is no check {name}");
            }
        }
    }
}
