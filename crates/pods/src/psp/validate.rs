//! Why a policy admits nothing: what the API server refused in it, or could make no use of.

use ringwall_model::path::FieldPath;

use super::model::{PodSecurityPolicy, Rule, Strategy};
use super::volumes::FS_TYPES;

/// A value that keeps a policy from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The field, from the policy.
    pub path: FieldPath,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

/// What is wrong with a policy, as far as what it means depends on it, in the order of the fields. A policy with any of
/// these is not judged.
///
/// Sources in k8s.io/kubernetes v1.24: `ValidatePodSecurityPolicySpec` in `pkg/apis/policy/validation/validation.go`, and
/// `NewSimpleProvider` with its strategies in `pkg/security/podsecuritypolicy`, which passes over policies whose
/// `MustRunAs` says not as whom.
pub fn unusable(policy: &PodSecurityPolicy<'_>) -> Vec<Unusable> {
    let spec = &policy.spec;
    let mut found = Vec::new();
    let mut say = |path: FieldPath, message: String| found.push(Unusable { path, message });
    let at = |field: &str| FieldPath::keys(&["spec", field]);

    for (index, volume) in spec.volumes.iter().enumerate() {
        if *volume != "*" && !FS_TYPES.iter().any(|known| known.name == *volume) {
            say(at("volumes").index(index), format!("expected a volume type or *, got {volume:?}"));
        }
    }
    match spec.se_linux.rule {
        "RunAsAny" => {}
        "MustRunAs" if spec.se_linux.options.is_none() => {
            say(
                at("seLinux"),
                "MustRunAs needs seLinuxOptions; without them the policy admits nothing".to_owned(),
            );
        }
        "MustRunAs" => {}
        rule => say(at("seLinux").key("rule"), unknown(rule, "MustRunAs or RunAsAny")),
    }
    let groups = [Rule::RunAsAny, Rule::MayRunAs, Rule::MustRunAs];
    let users = [Rule::RunAsAny, Rule::MustRunAs, Rule::MustRunAsNonRoot];
    let strategies: [(&str, Option<&Strategy<'_>>, [Rule; 3]); 4] = [
        ("runAsUser", Some(&spec.run_as_user), users),
        ("runAsGroup", spec.run_as_group.as_ref(), groups),
        ("supplementalGroups", Some(&spec.supplemental_groups), groups),
        ("fsGroup", Some(&spec.fs_group), groups),
    ];
    for (field, strategy, rules) in strategies {
        let Some(strategy) = strategy else { continue };
        let Some(rule) = strategy.rule().filter(|rule| rules.contains(rule)) else {
            let last = if rules == users { "MustRunAsNonRoot" } else { "MayRunAs" };
            say(at(field).key("rule"), unknown(strategy.rule, &format!("MustRunAs, {last} or RunAsAny")));
            continue;
        };
        if matches!(rule, Rule::MustRunAs | Rule::MayRunAs) && strategy.ranges.is_empty() {
            let message = format!("{} needs ranges; without them the policy admits nothing", strategy.rule);
            say(at(field), message);
        }
        for (index, range) in strategy.ranges.iter().enumerate() {
            if range.min < 0 || range.max < range.min {
                let message = format!("expected a range from 0 up, got {} to {}", range.min, range.max);
                say(at(field).key("ranges").index(index), message);
            }
        }
    }
    let drops = &spec.required_drop_capabilities;
    for (field, added) in [
        ("allowedCapabilities", &spec.allowed_capabilities),
        ("defaultAddCapabilities", &spec.default_add_capabilities),
    ] {
        for (index, capability) in added.iter().enumerate() {
            if drops.iter().any(|dropped| dropped == capability) {
                let message = format!("{capability} is in requiredDropCapabilities as well");
                say(at(field).index(index), message);
            }
        }
    }
    if !drops.is_empty() && spec.allowed_capabilities.iter().any(|capability| *capability == "*") {
        let message = "must be empty where allowedCapabilities holds *".to_owned();
        say(at("requiredDropCapabilities"), message);
    }
    if spec.default_allow_privilege_escalation == Some(true) && !policy.allows_privilege_escalation() {
        let message = "must not be true where allowPrivilegeEscalation is false".to_owned();
        say(at("defaultAllowPrivilegeEscalation"), message);
    }
    found
}

fn unknown(rule: &str, expected: &str) -> String {
    if rule.is_empty() {
        format!("expected {expected}, got nothing")
    } else {
        format!("expected {expected}, got {rule:?}")
    }
}
