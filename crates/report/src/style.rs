//! How a report for people looks.

use std::fmt;

use anstyle::AnsiColor;
use ringwall_model::finding::Severity;

/// How a report for people looks. Formats for programs pay no heed to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to use ANSI escape codes. Without them nothing is lost but colour.
    pub color: bool,
    /// How many columns the terminal has, if it is known. Lines are never broken or cut to it; columns are only
    /// padded as far as it allows.
    pub width: Option<usize>,
}

/// What the eye should find first.
pub const HEADING: anstyle::Style = anstyle::Style::new().bold();
/// What is only for who looks for it.
pub const ASIDE: anstyle::Style = anstyle::Style::new().dimmed();
/// All is well.
pub const GOOD: anstyle::Style = AnsiColor::Green.on_default();
/// Something is refused.
pub const BAD: anstyle::Style = AnsiColor::Red.on_default();
/// Something cannot be told.
pub const DOUBT: anstyle::Style = AnsiColor::Yellow.on_default();

/// The look of a severity's word. The word itself says the same without colour.
pub(crate) const fn of_severity(severity: Severity) -> anstyle::Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => AnsiColor::Cyan.on_default(),
        Severity::Info => ASIDE,
    }
}

impl Style {
    /// `text` in that look, or plain where there is no colour.
    pub const fn paint<T: fmt::Display>(self, look: anstyle::Style, text: T) -> Painted<T> {
        Painted { look: if self.color { look } else { anstyle::Style::new() }, text }
    }
}

/// A text with its look.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    look: anstyle::Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A plain style renders as nothing.
        write!(f, "{}{}{}", self.look.render(), self.text, self.look.render_reset())
    }
}
