//! How a run ends: exit codes, and errors of usage.

use std::fmt;
use std::process::ExitCode;

/// How a run ends. The numbers are the exit codes, the same on every verb; of several, the highest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Nothing at or above the threshold; yes.
    Yes = 0,
    /// Findings; no; cannot tell.
    No = 1,
    /// Wrong usage, or input that could not be read.
    Unusable = 2,
    /// A fault of ours.
    Fault = 3,
}

impl Outcome {
    /// `No` where `wrong`.
    pub(crate) const fn no_if(wrong: bool) -> Self {
        if wrong { Self::No } else { Self::Yes }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

/// A use of the command line that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// What is wrong, without full stop.
    pub(crate) message: String,
    /// What to do instead.
    pub(crate) hint: String,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if !self.hint.is_empty() {
            write!(f, "\nhint: {}", self.hint)?;
        }
        Ok(())
    }
}
