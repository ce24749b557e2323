//! Kubernetes minor versions.

use std::fmt;
use std::str::FromStr;

/// A Kubernetes version as far as behaviour depends on it: `v1.MINOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Minor(pub u32);

impl Minor {
    /// The newest Kubernetes that this build of ringwall knows.
    pub const NEWEST: Self = Self(37);
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1.{}", self.0)
    }
}

/// A text that is no Kubernetes minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinorError;

impl fmt::Display for MinorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a Kubernetes version such as v1.34 or 1.34")
    }
}

impl std::error::Error for MinorError {}

impl FromStr for Minor {
    type Err = MinorError;

    fn from_str(text: &str) -> Result<Self, MinorError> {
        let minor = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.").ok_or(MinorError)?;
        let plain = !minor.is_empty()
            && minor.bytes().all(|byte| byte.is_ascii_digit())
            && (minor == "0" || !minor.starts_with('0'));
        if !plain {
            return Err(MinorError);
        }
        minor.parse().map(Self).map_err(|_| MinorError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_v() {
        assert_eq!("v1.34".parse(), Ok(Minor(34)));
        assert_eq!("1.0".parse(), Ok(Minor(0)));
        for bad in ["", "v1", "1.", "1.01", "2.3", "v1.x", "v1.34.1"] {
            assert_eq!(bad.parse::<Minor>(), Err(MinorError), "{bad}");
        }
    }
}
