//! Each field of a PodSecurityPolicy against the Pod Security Standards, as data.
//!
//! A row says what the field does, what each level holds of it, and what else can keep it; three pure functions say for a
//! given policy which level contains what the field lets pass, what a level would let pass that the field refuses, and what
//! the field writes into pods.
//!
//! Sources: Kubernetes' page "Mapping PodSecurityPolicies to Pod Security Standards"; where it is silent or coarse, the
//! provider and its strategies in k8s.io/kubernetes v1.24 `pkg/security/podsecuritypolicy`, and the newest version of the
//! checks of the standards. Where this table differs from the page, `docs/migrate-psp.md` says so.

use ringwall_model::path::FieldPath;

use super::model::{
    APP_ARMOR_ALLOWED, APP_ARMOR_DEFAULT, PodSecurityPolicy, Rule, SECCOMP_ALLOWED, SECCOMP_DEFAULT, Strategy,
};
use super::volumes::FS_TYPES;
use crate::checks::{DEFAULT_CAPABILITIES, SAFE_SYSCTLS, SE_LINUX_TYPES};
use crate::policy::Level;

/// What a field does to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It refuses pods.
    Validates,
    /// It changes pods.
    Mutates,
    /// It does both.
    Both,
}

impl Effect {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Validates => "validates",
            Self::Mutates => "mutates",
            Self::Both => "mutates and validates",
        }
    }
}

/// What a field lets pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permits {
    /// The tightest level that contains it.
    pub level: Level,
    /// Why no tighter one does, as a phrase; empty at restricted.
    pub why: String,
    /// Whether that is because the policy says nothing of a security module (SELinux, `AppArmor`) that a node runs or does
    /// not run: then it is no wish of who wrote the policy.
    pub open: bool,
}

impl Permits {
    fn restricted() -> Self {
        Self { level: Level::Restricted, why: String::new(), open: false }
    }

    fn wider(level: Level, why: impl Into<String>) -> Self {
        Self { level, why: why.into(), open: false }
    }

    fn left_open(why: &str) -> Self {
        Self { level: Level::Privileged, why: why.to_owned(), open: true }
    }
}

/// A field of a policy.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name: below `spec`, or the key of an annotation.
    pub field: &'static str,
    /// What it does.
    pub effect: Effect,
    /// What of it baseline holds.
    pub baseline: &'static str,
    /// What of it restricted holds.
    pub restricted: &'static str,
    /// What else can keep what the levels do not.
    pub keep: &'static str,
    /// What the field lets pass.
    pub permits: fn(&PodSecurityPolicy<'_>) -> Permits,
    /// What a level lets pass that the field refuses, as a sentence without full stop about what the policy asks for.
    pub loses: fn(&PodSecurityPolicy<'_>, Level) -> Option<String>,
    /// What the field writes into a pod that leaves it out, as a phrase.
    pub sets: fn(&PodSecurityPolicy<'_>) -> Option<String>,
}

impl Row {
    /// Whether it is an annotation.
    pub fn is_annotation(&self) -> bool {
        self.field.contains('/')
    }

    /// The field's path, from the policy.
    pub fn path(&self) -> FieldPath {
        if self.is_annotation() {
            return FieldPath::keys(&["metadata", "annotations"]).key(self.field);
        }
        self.field.split('.').fold(FieldPath::keys(&["spec"]), FieldPath::key)
    }

    /// Whether a level keeps all that the field demands, and does so without refusing what the policy allows: baseline keeps
    /// no list of host paths by refusing them all.
    pub fn is_kept(&self, policy: &PodSecurityPolicy<'_>, level: Level) -> bool {
        let refined = match self.field {
            "allowedHostPaths" => policy.allows_volume("hostPath").then_some(Level::Privileged),
            "allowedFlexVolumes" => policy.allows_volume("flexVolume").then_some(Level::Baseline),
            _ => None,
        };
        let allowed = refined.unwrap_or_else(|| (self.permits)(policy).level);
        (self.loses)(policy, level).is_none() && level <= allowed
    }
}

const NOTHING_OF_IT: &str = "no opinion";
const MUTATE: &str = "the manifests, or MutatingAdmissionPolicy, Gatekeeper Assign, Kyverno";

/// A row whose field allows something dangerous where it is true.
macro_rules! flag {
    ($field:literal, $member:ident, $what:literal, $template:literal) => {
        Row {
            field: $field,
            effect: Effect::Validates,
            baseline: "false",
            restricted: "false",
            keep: concat!("ValidatingAdmissionPolicy, Gatekeeper ", $template, ", Kyverno"),
            permits: |policy| {
                if policy.spec.$member {
                    Permits::wider(Level::Privileged, concat!($what, " allowed"))
                } else {
                    Permits::restricted()
                }
            },
            loses: |policy, level| {
                (level == Level::Privileged && !policy.spec.$member)
                    .then(|| concat!($what, " not allowed").to_owned())
            },
            sets: |_| None,
        }
    };
}

/// A row on groups: no level has an opinion on them.
macro_rules! group {
    ($field:literal, |$policy:ident| $strategy:expr, $what:literal, $template:literal) => {
        Row {
            field: $field,
            effect: Effect::Both,
            baseline: NOTHING_OF_IT,
            restricted: NOTHING_OF_IT,
            keep: concat!("ValidatingAdmissionPolicy, Gatekeeper ", $template, ", Kyverno"),
            permits: |_| Permits::restricted(),
            loses: |$policy, _| {
                let strategy: &Strategy<'_> = $strategy?;
                let words = match strategy.rule()? {
                    Rule::MustRunAs => concat!("all have ", $what, " of "),
                    Rule::MayRunAs => concat!("none have ", $what, " but of "),
                    Rule::RunAsAny | Rule::MustRunAsNonRoot => return None,
                };
                Some(format!("{words}{}", ids(strategy)))
            },
            sets: |$policy| lowest($strategy, $field),
        }
    };
}

/// All fields, in the order of the specification; annotations last.
pub static FIELDS: [Row; 29] = [
    flag!("privileged", privileged, "privileged containers are", "K8sPSPPrivilegedContainer"),
    Row {
        field: "defaultAddCapabilities",
        effect: Effect::Both,
        baseline: "as allowedCapabilities",
        restricted: "as allowedCapabilities",
        keep: MUTATE,
        permits: |policy| {
            capabilities(policy.spec.default_add_capabilities.as_slice(), "added to every container")
        },
        loses: |_, _| None,
        sets: |policy| listed(policy.spec.default_add_capabilities.as_slice(), "capabilities.add"),
    },
    Row {
        field: "requiredDropCapabilities",
        effect: Effect::Both,
        baseline: NOTHING_OF_IT,
        restricted: "must hold ALL",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPCapabilities, Kyverno",
        permits: |policy| {
            if policy.spec.required_drop_capabilities.iter().any(|capability| *capability == "ALL") {
                Permits::restricted()
            } else {
                Permits::wider(Level::Baseline, "containers need not drop ALL capabilities")
            }
        },
        loses: |policy, level| {
            let dropped = policy.spec.required_drop_capabilities.as_slice();
            (level < Level::Restricted && !dropped.is_empty())
                .then(|| format!("every container drops {}", dropped.join(", ")))
        },
        sets: |policy| listed(policy.spec.required_drop_capabilities.as_slice(), "capabilities.drop"),
    },
    Row {
        field: "allowedCapabilities",
        effect: Effect::Validates,
        baseline: "a subset of the runtime's default set without NET_RAW",
        restricted: "none but NET_BIND_SERVICE",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPCapabilities, Kyverno",
        permits: |policy| capabilities(policy.spec.allowed_capabilities.as_slice(), "may be added"),
        loses: capabilities_lost,
        sets: |_| None,
    },
    Row {
        field: "volumes",
        effect: Effect::Validates,
        baseline: "all but hostPath",
        restricted: "configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected, secret",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPVolumeTypes, Kyverno",
        permits: |policy| {
            let allowed = policy.spec.volumes.as_slice();
            if allowed.contains(&"*") {
                return Permits::wider(
                    Level::Privileged,
                    "volumes of all types are allowed, hostPath among them",
                );
            }
            let wide: Vec<_> = FS_TYPES
                .iter()
                .filter(|known| known.level < Level::Restricted && allowed.contains(&known.name))
                .collect();
            match wide.iter().map(|known| known.level).min() {
                None => Permits::restricted(),
                Some(level) => {
                    let names: Vec<_> =
                        wide.iter().filter(|known| known.level == level).map(|known| known.name).collect();
                    Permits::wider(level, format!("volumes of the type {} are allowed", names.join(", ")))
                }
            }
        },
        loses: |policy, level| {
            let lost = FS_TYPES.iter().any(|known| known.level >= level && !policy.allows_volume(known.name));
            lost.then(|| match policy.spec.volumes.as_slice() {
                [] => "no volumes are allowed".to_owned(),
                allowed => format!("no volumes are allowed but {}", allowed.join(", ")),
            })
        },
        sets: |_| None,
    },
    flag!("hostNetwork", host_network, "the node's network is", "K8sPSPHostNetworkingPorts"),
    Row {
        field: "hostPorts",
        effect: Effect::Validates,
        baseline: "none",
        restricted: "none",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPHostNetworkingPorts, Kyverno",
        permits: |policy| {
            if policy.spec.host_ports.iter().any(|range| range.max > 0 && range.max >= range.min) {
                Permits::wider(Level::Privileged, format!("the host ports {} are allowed", ports(policy)))
            } else {
                Permits::restricted()
            }
        },
        loses: |policy, level| {
            let all = policy.spec.host_ports.iter().any(|range| range.min <= 1 && range.max >= 65535);
            (level == Level::Privileged && !all).then(|| match policy.spec.host_ports.as_slice() {
                [] => "no host ports are allowed".to_owned(),
                _ => format!("no host ports are allowed but {}", ports(policy)),
            })
        },
        sets: |_| None,
    },
    flag!("hostPID", host_pid, "the node's process ids are", "K8sPSPHostNamespace"),
    flag!("hostIPC", host_ipc, "the node's IPC is", "K8sPSPHostNamespace"),
    Row {
        field: "seLinux",
        effect: Effect::Both,
        baseline: "MustRunAs without user and role, with no type or a container type",
        restricted: "as baseline",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPSELinuxV2, Kyverno",
        permits: |policy| match &policy.spec.se_linux.options {
            Some(label) if policy.spec.se_linux.rule == "MustRunAs" => {
                let plain =
                    label.user.is_empty() && label.role.is_empty() && SE_LINUX_TYPES.contains(&label.kind);
                if plain {
                    Permits::restricted()
                } else {
                    Permits::wider(
                        Level::Privileged,
                        "a user, a role or a type is demanded that no level allows",
                    )
                }
            }
            _ => Permits::left_open("any SELinux label is allowed"),
        },
        loses: |policy, _| {
            (policy.spec.se_linux.rule == "MustRunAs").then(|| "all run with one SELinux label".to_owned())
        },
        sets: |policy| {
            (policy.spec.se_linux.rule == "MustRunAs").then(|| "securityContext.seLinuxOptions".to_owned())
        },
    },
    Row {
        field: "runAsUser",
        effect: Effect::Both,
        baseline: "anything",
        restricted: "MustRunAsNonRoot, or MustRunAs without user 0",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPAllowedUsers, Kyverno",
        permits: |policy| {
            let strategy = &policy.spec.run_as_user;
            match strategy.rule() {
                Some(Rule::MustRunAsNonRoot) => Permits::restricted(),
                Some(Rule::MustRunAs) if !strategy.holds(0) => Permits::restricted(),
                Some(Rule::MustRunAs) => {
                    Permits::wider(Level::Baseline, "the ranges of users hold 0, which is root")
                }
                _ => Permits::wider(Level::Baseline, "any user is allowed, root too"),
            }
        },
        loses: |policy, level| match policy.spec.run_as_user.rule() {
            Some(Rule::MustRunAs) => Some(format!("all run as users {}", ids(&policy.spec.run_as_user))),
            Some(Rule::MustRunAsNonRoot) if level < Level::Restricted => {
                Some("nobody runs as root".to_owned())
            }
            _ => None,
        },
        sets: |policy| match policy.spec.run_as_user.rule() {
            Some(Rule::MustRunAsNonRoot) => Some("securityContext.runAsNonRoot: true".to_owned()),
            _ => lowest(Some(&policy.spec.run_as_user), "runAsUser"),
        },
    },
    group!("runAsGroup", |policy| policy.spec.run_as_group.as_ref(), "a main group", "K8sPSPAllowedUsers"),
    group!(
        "supplementalGroups",
        |policy| Some(&policy.spec.supplemental_groups),
        "supplemental groups",
        "K8sPSPAllowedUsers"
    ),
    group!("fsGroup", |policy| Some(&policy.spec.fs_group), "an fsGroup", "K8sPSPFSGroup"),
    Row {
        field: "readOnlyRootFilesystem",
        effect: Effect::Both,
        baseline: NOTHING_OF_IT,
        restricted: NOTHING_OF_IT,
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPReadOnlyRootFilesystem, Kyverno",
        permits: |_| Permits::restricted(),
        loses: |policy, _| {
            policy.spec.read_only_root_filesystem.then(|| "root filesystems are read-only".to_owned())
        },
        sets: |policy| {
            policy
                .spec
                .read_only_root_filesystem
                .then(|| "securityContext.readOnlyRootFilesystem: true".to_owned())
        },
    },
    Row {
        field: "defaultAllowPrivilegeEscalation",
        effect: Effect::Mutates,
        baseline: NOTHING_OF_IT,
        restricted: NOTHING_OF_IT,
        keep: MUTATE,
        permits: |_| Permits::restricted(),
        loses: |_, _| None,
        sets: |policy| {
            let allow = policy.spec.default_allow_privilege_escalation?;
            Some(format!("securityContext.allowPrivilegeEscalation: {allow}"))
        },
    },
    Row {
        field: "allowPrivilegeEscalation",
        effect: Effect::Both,
        baseline: NOTHING_OF_IT,
        restricted: "false",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPAllowPrivilegeEscalationContainer, Kyverno",
        permits: |policy| match policy.spec.allow_privilege_escalation {
            Some(false) => Permits::restricted(),
            Some(true) => Permits::wider(Level::Baseline, "privilege escalation is allowed"),
            None => Permits::wider(
                Level::Baseline,
                "privilege escalation is allowed, as it is where nothing is said",
            ),
        },
        loses: |policy, level| {
            (level < Level::Restricted && !policy.allows_privilege_escalation())
                .then(|| "no container may gain more rights than it starts with".to_owned())
        },
        // Where defaultAllowPrivilegeEscalation is there, it says the same.
        sets: |policy| {
            (!policy.allows_privilege_escalation()
                && policy.spec.default_allow_privilege_escalation.is_none())
            .then(|| "securityContext.allowPrivilegeEscalation: false".to_owned())
        },
    },
    Row {
        field: "allowedHostPaths",
        effect: Effect::Validates,
        baseline: "no opinion (hostPath volumes are refused)",
        restricted: "no opinion (hostPath volumes are refused)",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPHostFilesystem, Kyverno",
        permits: |_| Permits::restricted(),
        loses: |policy, level| {
            let paths = policy.spec.allowed_host_paths.as_slice();
            (level == Level::Privileged && policy.allows_volume("hostPath") && !paths.is_empty()).then(|| {
                let shown = paths.iter().map(|path| {
                    let read_only = if path.read_only { " (read-only)" } else { "" };
                    format!("{}{read_only}", path.path_prefix)
                });
                format!("no host paths are allowed but {}", shown.collect::<Vec<_>>().join(", "))
            })
        },
        sets: |_| None,
    },
    Row {
        field: "allowedFlexVolumes",
        effect: Effect::Validates,
        baseline: NOTHING_OF_IT,
        restricted: "no opinion (flexVolume is refused)",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPFlexVolumes, Kyverno",
        permits: |_| Permits::restricted(),
        loses: |policy, level| {
            let drivers: Vec<_> =
                policy.spec.allowed_flex_volumes.iter().map(|volume| volume.driver).collect();
            (level < Level::Restricted && policy.allows_volume("flexVolume") && !drivers.is_empty())
                .then(|| format!("no drivers of flexVolumes are allowed but {}", drivers.join(", ")))
        },
        sets: |_| None,
    },
    Row {
        field: "allowedCSIDrivers",
        effect: Effect::Validates,
        baseline: NOTHING_OF_IT,
        restricted: NOTHING_OF_IT,
        keep: "the label security.kubernetes.io/csi-ephemeral-volume-profile of each CSIDriver, ValidatingAdmissionPolicy",
        permits: |_| Permits::restricted(),
        loses: |policy, _| {
            let drivers: Vec<_> = policy.spec.allowed_csi_drivers.iter().map(|driver| driver.name).collect();
            (policy.allows_volume("csi") && !drivers.is_empty())
                .then(|| format!("no drivers of inline csi volumes are allowed but {}", drivers.join(", ")))
        },
        sets: |_| None,
    },
    Row {
        field: "allowedUnsafeSysctls",
        effect: Effect::Validates,
        baseline: "none but those that are safe by now",
        restricted: "as baseline",
        keep: "the kubelet's --allowed-unsafe-sysctls, ValidatingAdmissionPolicy, Gatekeeper K8sPSPForbiddenSysctls",
        permits: |policy| {
            let allowed = policy.spec.allowed_unsafe_sysctls.as_slice();
            if allowed.iter().all(|sysctl| SAFE_SYSCTLS.contains(sysctl)) {
                Permits::restricted()
            } else {
                Permits::wider(
                    Level::Privileged,
                    format!("the unsafe sysctls {} are allowed", allowed.join(", ")),
                )
            }
        },
        loses: |policy, level| {
            let allowed = policy.spec.allowed_unsafe_sysctls.as_slice();
            (level == Level::Privileged && !allowed.contains(&"*")).then(|| match allowed {
                [] => "no unsafe sysctls are allowed".to_owned(),
                _ => format!("no unsafe sysctls are allowed but {}", allowed.join(", ")),
            })
        },
        sets: |_| None,
    },
    Row {
        field: "forbiddenSysctls",
        effect: Effect::Validates,
        baseline: NOTHING_OF_IT,
        restricted: NOTHING_OF_IT,
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPForbiddenSysctls, Kyverno",
        permits: |_| Permits::restricted(),
        loses: |policy, level| {
            let forbidden = policy.spec.forbidden_sysctls.as_slice();
            // From baseline on, only what is safe can be set at all.
            let lost: Vec<_> = forbidden
                .iter()
                .filter(|pattern| {
                    level == Level::Privileged
                        || SAFE_SYSCTLS.iter().any(|safe| sysctl_matches(pattern, safe))
                })
                .copied()
                .collect();
            (!lost.is_empty()).then(|| format!("the sysctls {} are forbidden", lost.join(", ")))
        },
        sets: |_| None,
    },
    Row {
        field: "allowedProcMountTypes",
        effect: Effect::Validates,
        baseline: "Default",
        restricted: "Default",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPProcMount, Kyverno",
        permits: |policy| {
            if unmasked(policy) {
                Permits::wider(Level::Privileged, "/proc may be mounted without masks")
            } else {
                Permits::restricted()
            }
        },
        loses: |policy, level| {
            (level == Level::Privileged && !unmasked(policy)).then(|| "/proc keeps its masks".to_owned())
        },
        sets: |_| None,
    },
    Row {
        field: "runtimeClass.allowedRuntimeClassNames",
        effect: Effect::Validates,
        baseline: NOTHING_OF_IT,
        restricted: NOTHING_OF_IT,
        keep: "ValidatingAdmissionPolicy, Kyverno",
        permits: |_| Permits::restricted(),
        loses: |policy, _| match policy.spec.runtime_class.as_ref()?.allowed.as_slice() {
            [] => Some("no runtimeClassName is allowed".to_owned()),
            allowed if allowed.contains(&"*") => None,
            allowed => Some(format!("no runtimeClassName is allowed but {}", allowed.join(", "))),
        },
        sets: |_| None,
    },
    Row {
        field: "runtimeClass.defaultRuntimeClassName",
        effect: Effect::Mutates,
        baseline: NOTHING_OF_IT,
        restricted: NOTHING_OF_IT,
        keep: MUTATE,
        permits: |_| Permits::restricted(),
        loses: |_, _| None,
        sets: |policy| {
            let name = policy.spec.runtime_class.as_ref()?.default?;
            Some(format!("runtimeClassName: {name}"))
        },
    },
    Row {
        field: SECCOMP_DEFAULT,
        effect: Effect::Mutates,
        baseline: NOTHING_OF_IT,
        restricted: NOTHING_OF_IT,
        keep: "the manifests, or the kubelet's seccompDefault, MutatingAdmissionPolicy, Kyverno",
        permits: |_| Permits::restricted(),
        loses: |_, _| None,
        sets: |policy| {
            let profile = policy.annotation(SECCOMP_DEFAULT).filter(|profile| !profile.is_empty())?;
            Some(format!("securityContext.seccompProfile: {}", profile_field(profile)))
        },
    },
    Row {
        field: SECCOMP_ALLOWED,
        effect: Effect::Validates,
        baseline: "runtime/default and localhost/*, or none",
        restricted: "runtime/default and localhost/*",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPSeccomp, Kyverno",
        permits: |policy| {
            let Some(allowed) = policy.profiles(SECCOMP_ALLOWED) else {
                return Permits::wider(
                    Level::Baseline,
                    "no seccomp profile may be set, and restricted demands one",
                );
            };
            match allowed.iter().find(|profile| !is_confined(profile) && !profile.is_empty()) {
                Some(wide) => {
                    Permits::wider(Level::Privileged, format!("the seccomp profile {wide} is allowed"))
                }
                None if allowed.contains(&"") => {
                    Permits::wider(Level::Baseline, "no seccomp profile need be set")
                }
                None => Permits::restricted(),
            }
        },
        loses: |policy, level| {
            let allowed = policy.profiles(SECCOMP_ALLOWED)?;
            (!allowed.contains(&"*")).then_some(())?;
            // Restricted demands a profile, and lets localhost's pass.
            let only = || format!("no seccomp profile is allowed but {}", shown_profiles(&allowed));
            let demanded = !allowed.contains(&"") && level < Level::Restricted;
            (level == Level::Privileged || demanded || !allowed.contains(&"localhost/*")).then(only)
        },
        sets: |_| None,
    },
    Row {
        field: APP_ARMOR_DEFAULT,
        effect: Effect::Mutates,
        baseline: NOTHING_OF_IT,
        restricted: NOTHING_OF_IT,
        keep: MUTATE,
        permits: |_| Permits::restricted(),
        loses: |_, _| None,
        sets: |policy| {
            let profile = policy.annotation(APP_ARMOR_DEFAULT).filter(|profile| !profile.is_empty())?;
            Some(format!("securityContext.appArmorProfile: {}", profile_field(profile)))
        },
    },
    Row {
        field: APP_ARMOR_ALLOWED,
        effect: Effect::Validates,
        baseline: "runtime/default and localhost/*, or none",
        restricted: "as baseline",
        keep: "ValidatingAdmissionPolicy, Gatekeeper K8sPSPAppArmor, Kyverno",
        permits: |policy| {
            let Some(allowed) = policy.profiles(APP_ARMOR_ALLOWED) else {
                return Permits::left_open("any AppArmor profile is allowed");
            };
            match allowed.iter().find(|profile| !is_confined(profile) && !profile.is_empty()) {
                Some(wide) => {
                    Permits::wider(Level::Privileged, format!("the AppArmor profile {wide} is allowed"))
                }
                None => Permits::restricted(),
            }
        },
        loses: |policy, _| {
            let allowed = policy.profiles(APP_ARMOR_ALLOWED)?;
            Some(format!("no AppArmor profile is allowed but {}", shown_profiles(&allowed)))
        },
        sets: |_| None,
    },
];

/// The capabilities that a policy lets be added, against what each level does.
fn capabilities(list: &[&str], how: &str) -> Permits {
    let within = |level: Level| list.iter().all(|capability| level_adds(level).contains(capability));
    if within(Level::Restricted) {
        return Permits::restricted();
    }
    let level = if within(Level::Baseline) { Level::Baseline } else { Level::Privileged };
    let tighter = if level == Level::Baseline { Level::Restricted } else { Level::Baseline };
    let wide: Vec<_> =
        list.iter().filter(|capability| !level_adds(tighter).contains(capability)).copied().collect();
    let what = match wide.as_slice() {
        ["*", ..] => "all capabilities".to_owned(),
        [one] => format!("the capability {one}"),
        more => format!("the capabilities {}", more.join(", ")),
    };
    let verb = if wide.len() == 1 && wide[0] != "*" && how.starts_with("added") {
        "is "
    } else if how.starts_with("added") {
        "are "
    } else {
        ""
    };
    Permits::wider(level, format!("{what} {verb}{how}"))
}

/// The capabilities that a level lets be added.
fn level_adds(level: Level) -> &'static [&'static str] {
    match level {
        Level::Privileged => &[],
        Level::Baseline => &DEFAULT_CAPABILITIES,
        Level::Restricted => &["NET_BIND_SERVICE"],
    }
}

fn capabilities_lost(policy: &PodSecurityPolicy<'_>, level: Level) -> Option<String> {
    let (allowed, added) = (&policy.spec.allowed_capabilities, &policy.spec.default_add_capabilities);
    if allowed.iter().any(|capability| *capability == "*") {
        return None;
    }
    let mut names: Vec<&str> = allowed.iter().chain(added).copied().collect();
    names.dedup();
    let lost =
        level == Level::Privileged || level_adds(level).iter().any(|capability| !names.contains(capability));
    lost.then(|| match names.as_slice() {
        [] => "no capabilities may be added".to_owned(),
        names => format!("no capabilities may be added but {}", names.join(", ")),
    })
}

fn listed(capabilities: &[&str], field: &str) -> Option<String> {
    (!capabilities.is_empty()).then(|| format!("securityContext.{field}: [{}]", capabilities.join(", ")))
}

/// What a strategy writes where a pod leaves the id out.
fn lowest(strategy: Option<&Strategy<'_>>, field: &str) -> Option<String> {
    let strategy = strategy.filter(|strategy| strategy.rule() == Some(Rule::MustRunAs))?;
    let id = strategy.ranges.as_slice().first()?.min;
    Some(match field {
        "supplementalGroups" => format!("securityContext.{field}: [{id}]"),
        _ => format!("securityContext.{field}: {id}"),
    })
}

fn ids(strategy: &Strategy<'_>) -> String {
    shown_ranges(strategy.ranges.iter().map(|range| (range.min, range.max)))
}

fn ports(policy: &PodSecurityPolicy<'_>) -> String {
    shown_ranges(policy.spec.host_ports.iter().map(|range| (range.min.into(), range.max.into())))
}

fn shown_ranges(ranges: impl Iterator<Item = (i64, i64)>) -> String {
    let shown = ranges.map(|(min, max)| if min == max { min.to_string() } else { format!("{min} to {max}") });
    shown.collect::<Vec<_>>().join(", ")
}

fn unmasked(policy: &PodSecurityPolicy<'_>) -> bool {
    policy.spec.allowed_proc_mount_types.iter().any(|kind| *kind != "Default")
}

/// Whether a pattern of sysctls, which may end in `*`, takes a name.
pub(super) fn sysctl_matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

fn is_confined(profile: &str) -> bool {
    matches!(profile, "runtime/default" | "docker/default") || profile.starts_with("localhost/")
}

fn shown_profiles(profiles: &[&str]) -> String {
    let shown = profiles.iter().map(|profile| if profile.is_empty() { "none at all" } else { profile });
    shown.collect::<Vec<_>>().join(", ")
}

/// What an annotation's profile is in a `seccompProfile` or `appArmorProfile` of today.
pub(super) fn profile_field(profile: &str) -> String {
    match profile.strip_prefix("localhost/") {
        Some(name) => format!("{{type: Localhost, localhostProfile: {name}}}"),
        None => format!("{{type: {}}}", profile_type(profile)),
    }
}

/// The type of an annotation's profile.
pub(super) fn profile_type(profile: &str) -> &'static str {
    match profile {
        "runtime/default" | "docker/default" => "RuntimeDefault",
        _ if profile.starts_with("localhost/") => "Localhost",
        _ => "Unconfined",
    }
}
