//! Which findings make the exit code 1.

use std::fmt;
use std::str::FromStr;

use ringwall_model::finding::{Finding, Severity};

use crate::suggest;

/// Which findings make the exit code 1. What is set aside (suppressed, or known from a baseline) never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailOn {
    /// Those that a baseline does not hold; there must be a baseline.
    pub new: bool,
    /// Those of this severity and above; with `new` alone those of low and above, otherwise none.
    pub severity: Option<Severity>,
}

impl Default for FailOn {
    fn default() -> Self {
        Self { new: false, severity: Some(Severity::Low) }
    }
}

impl FailOn {
    /// Whether an open finding makes the exit code 1.
    pub fn counts(&self, finding: &Finding) -> bool {
        self.least().is_some_and(|severity| finding.severity >= severity)
    }

    /// The least severity that counts, if any does. What is worth knowing only is no reason to fail unless it is asked for.
    pub fn least(&self) -> Option<Severity> {
        self.severity.or_else(|| self.new.then_some(Severity::Low))
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.new, self.severity) {
            (true, None) => f.write_str("new"),
            (true, Some(severity)) => write!(f, "new,{severity}"),
            (false, Some(severity)) => write!(f, "{severity}"),
            (false, None) => f.write_str("never"),
        }
    }
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut fail_on = Self { new: false, severity: None };
        let words: Vec<&str> = text.split(',').map(str::trim).collect();
        if let [never] = words.as_slice()
            && never.eq_ignore_ascii_case("never")
        {
            return Ok(fail_on);
        }
        for word in words {
            if word.eq_ignore_ascii_case("new") && !fail_on.new {
                fail_on.new = true;
            } else if let (Ok(severity), None) = (word.parse(), fail_on.severity) {
                fail_on.severity = Some(severity);
            } else {
                let known = Severity::ALL.map(Severity::word).into_iter().chain(["new", "never"]);
                let meant =
                    suggest::did_you_mean(suggest::nearest(word, known).filter(|meant| *meant != word));
                return Err(format!(
                    "expected a severity (info, low, medium, high, critical), new, both as in new,high, or never, got \
                     \"{text}\"{meant}"
                ));
            }
        }
        Ok(fail_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_written_alike() {
        for text in ["info", "critical", "new", "new,high", "never"] {
            assert_eq!(text.parse::<FailOn>().unwrap().to_string(), text);
        }
        assert_eq!("High , new".parse::<FailOn>().unwrap().to_string(), "new,high");
        for bad in ["", "urgent", "low,high", "new,new", "never,new", "low,"] {
            assert!(bad.parse::<FailOn>().is_err(), "{bad}");
        }
        assert!("hgih".parse::<FailOn>().unwrap_err().ends_with("did you mean high?"));
    }
}
