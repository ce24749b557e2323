//! Levels, versions and policies, and the namespace labels that choose them.
//!
//! Source: k8s.io/pod-security-admission `api/helpers.go` and `api/constants.go`.

use std::fmt;
use std::str::FromStr;

use ringwall_model::invalid::FieldError;
use ringwall_model::path::FieldPath;
use ringwall_model::version::Minor;

/// A level of the Pod Security Standards, from the least strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Everything is allowed.
    Privileged,
    /// Known ways out of a container are closed.
    Baseline,
    /// Pods are hardened.
    Restricted,
}

impl Level {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A level that is none, in the reference's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelError;

impl fmt::Display for LevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be one of privileged, baseline, restricted")
    }
}

impl std::error::Error for LevelError {}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Self, LevelError> {
        match text {
            "privileged" => Ok(Self::Privileged),
            "baseline" => Ok(Self::Baseline),
            "restricted" => Ok(Self::Restricted),
            _ => Err(LevelError),
        }
    }
}

/// A version of a policy. `Latest` is newer than every numbered one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// `v1.MINOR`. The minor may be any number that fits Go's int.
    Minor(u64),
    /// `latest`: the newest that the server knows.
    Latest,
}

impl From<Minor> for Version {
    fn from(minor: Minor) -> Self {
        Self::Minor(u64::from(minor.0))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minor(minor) => write!(f, "v1.{minor}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

/// A version that is none, in the reference's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionError;

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be \"latest\" or \"v1.x\"")
    }
}

impl std::error::Error for VersionError {}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let minor = text.strip_prefix("v1.").ok_or(VersionError)?;
        let plain = !minor.is_empty()
            && minor.bytes().all(|byte| byte.is_ascii_digit())
            && (minor == "0" || !minor.starts_with('0'));
        if !plain {
            return Err(VersionError);
        }
        // Go reads it into an int of 64 bits.
        minor
            .parse::<i64>()
            .ok()
            .and_then(|minor| u64::try_from(minor).ok())
            .map(Self::Minor)
            .ok_or(VersionError)
    }
}

/// A level at a version, such as `restricted:v1.34`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LevelVersion {
    /// The level.
    pub level: Level,
    /// The version.
    pub version: Version,
}

impl LevelVersion {
    /// `privileged:latest`.
    pub const PRIVILEGED: Self = Self { level: Level::Privileged, version: Version::Latest };

    /// A level at a version.
    pub const fn new(level: Level, version: Version) -> Self {
        Self { level, version }
    }

    /// Whether both mean the same: equal, or both privileged.
    pub fn is_equivalent(self, other: Self) -> bool {
        (self.level == Level::Privileged && other.level == Level::Privileged) || self == other
    }
}

impl fmt::Display for LevelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level, self.version)
    }
}

/// What the reference does with a pod that violates a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The pod is refused.
    Enforce,
    /// An annotation is added to the audit event.
    Audit,
    /// The client gets a warning.
    Warn,
}

impl Mode {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Audit => "audit",
            Self::Warn => "warn",
        }
    }
}

/// A namespace's policy: a level for each mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What is refused.
    pub enforce: LevelVersion,
    /// What is noted in the audit log.
    pub audit: LevelVersion,
    /// What is warned of.
    pub warn: LevelVersion,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enforce: LevelVersion::PRIVILEGED,
            audit: LevelVersion::PRIVILEGED,
            warn: LevelVersion::PRIVILEGED,
        }
    }
}

impl Policy {
    /// Whether all three modes are privileged.
    pub fn is_fully_privileged(&self) -> bool {
        [self.enforce, self.audit, self.warn].iter().all(|mode| mode.level == Level::Privileged)
    }

    /// Whether all three modes mean the same.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self.enforce.is_equivalent(other.enforce)
            && self.audit.is_equivalent(other.audit)
            && self.warn.is_equivalent(other.warn)
    }
}

/// The label for `enforce`; the others are built alike.
pub const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
/// The label for the version of `enforce`.
pub const ENFORCE_VERSION: &str = "pod-security.kubernetes.io/enforce-version";
/// The label for `audit`.
pub const AUDIT: &str = "pod-security.kubernetes.io/audit";
/// The label for the version of `audit`.
pub const AUDIT_VERSION: &str = "pod-security.kubernetes.io/audit-version";
/// The label for `warn`.
pub const WARN: &str = "pod-security.kubernetes.io/warn";
/// The label for the version of `warn`.
pub const WARN_VERSION: &str = "pod-security.kubernetes.io/warn-version";

/// The six labels, in the order in which the reference reads them.
pub const LABELS: [&str; 6] = [ENFORCE, ENFORCE_VERSION, AUDIT, AUDIT_VERSION, WARN, WARN_VERSION];

/// The policy that a namespace's labels choose, over `defaults`, and what is wrong with them.
///
/// A policy is always given: a bad `enforce` counts as restricted, bad `audit` and `warn` as privileged, a bad
/// version as latest. Where a namespace is validly labelled `enforce` and not `warn`, and that is stricter than
/// the default warning, `warn` follows `enforce`.
/// Source: `PolicyToEvaluate` in k8s.io/pod-security-admission `api/helpers.go`.
pub fn from_labels<'l>(
    label: impl Fn(&str) -> Option<&'l str>,
    defaults: &Policy,
) -> (Policy, Vec<FieldError>) {
    let mut policy = *defaults;
    let mut errors = Vec::new();
    let enforce_level = level(&label, ENFORCE, Level::Restricted, &mut policy.enforce.level, &mut errors);
    version(&label, ENFORCE_VERSION, &mut policy.enforce.version, &mut errors);
    level(&label, AUDIT, Level::Privileged, &mut policy.audit.level, &mut errors);
    version(&label, AUDIT_VERSION, &mut policy.audit.version, &mut errors);
    let warn_level = level(&label, WARN, Level::Privileged, &mut policy.warn.level, &mut errors);
    let has_warn_version = version(&label, WARN_VERSION, &mut policy.warn.version, &mut errors);

    if warn_level.is_none() && enforce_level == Some(true) && policy.enforce.level > policy.warn.level {
        policy.warn.level = policy.enforce.level;
        if !has_warn_version {
            policy.warn.version = policy.enforce.version;
        }
    }
    (policy, errors)
}

fn invalid(key: &str, value: &str, detail: String) -> FieldError {
    FieldError::invalid(FieldPath::keys(&["metadata", "labels", key]), value, detail)
}

/// Reads a level label; a bad one is `otherwise`. Whether the label is there, and valid.
fn level<'l>(
    label: &impl Fn(&str) -> Option<&'l str>,
    key: &str,
    otherwise: Level,
    target: &mut Level,
    errors: &mut Vec<FieldError>,
) -> Option<bool> {
    let value = label(key)?;
    let parsed = value.parse::<Level>();
    errors.extend(parsed.err().map(|error| invalid(key, value, error.to_string())));
    *target = parsed.unwrap_or(otherwise);
    Some(parsed.is_ok())
}

/// Reads a version label; a bad one is latest. Whether the label is there.
fn version<'l>(
    label: &impl Fn(&str) -> Option<&'l str>,
    key: &str,
    target: &mut Version,
    errors: &mut Vec<FieldError>,
) -> bool {
    let Some(value) = label(key) else { return false };
    let parsed = value.parse::<Version>();
    errors.extend(parsed.err().map(|error| invalid(key, value, error.to_string())));
    *target = parsed.unwrap_or(Version::Latest);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(labels: &[(&str, &'static str)]) -> (Policy, Vec<FieldError>) {
        let prefix = "pod-security.kubernetes.io/";
        let find = |key: &str| {
            labels.iter().find(|(name, _)| key.strip_prefix(prefix) == Some(name)).map(|(_, value)| *value)
        };
        from_labels(find, &Policy::default())
    }

    #[test]
    fn warn_follows_enforce_unless_it_is_labelled() {
        assert_eq!(
            policy(&[("enforce", "baseline"), ("enforce-version", "v1.30")]).0.warn.to_string(),
            "baseline:v1.30"
        );
        assert_eq!(
            policy(&[("enforce", "baseline"), ("warn", "privileged")]).0.warn.level,
            Level::Privileged
        );
        let (with_version, _) = policy(&[("enforce", "restricted"), ("warn-version", "v1.20")]);
        assert_eq!(with_version.warn.to_string(), "restricted:v1.20");
    }

    #[test]
    fn a_bad_enforce_level_is_closed_and_the_others_are_open() {
        let (policy, errors) =
            policy(&[("enforce", "restriced"), ("audit", "x"), ("enforce-version", "1.2")]);
        assert_eq!(policy.enforce.to_string(), "restricted:latest");
        assert_eq!(policy.audit.level, Level::Privileged);
        assert_eq!(policy.warn.level, Level::Privileged, "a bad level is not followed");
        assert_eq!(
            errors[0].to_string(),
            "metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"restriced\": \
             must be one of privileged, baseline, restricted"
        );
        assert_eq!(errors.len(), 3);
        assert!(errors[1].path.to_string().ends_with("enforce-version]"), "label by label");
    }

    #[test]
    fn versions_have_no_leading_zeros_and_fit_an_int() {
        assert!("v1.0".parse::<Version>().is_ok() && "v1.9223372036854775807".parse::<Version>().is_ok());
        for bad in ["v1", "1.2", "v1.01", "v1.9223372036854775808", "Latest", "v2.1", ""] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
