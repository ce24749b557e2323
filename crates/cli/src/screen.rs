//! Where words go: standard output for the answer, standard error for all else.

use std::env;
use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write};

use ringwall_report::{Format, JSON, Report, Style, escape};

use ringwall_model::finding::{Location, Note, Problem};

use crate::args::{Color, LookArgs};
use crate::outcome::Outcome;

/// How and where a run speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// The format of the answer.
    pub(crate) format: &'static Format,
    /// Whether notes and progress are left out.
    pub(crate) quiet: bool,
    /// Whether standard output is a terminal.
    terminal: bool,
    /// How text on standard output looks.
    style: Style,
    errors: Style,
}

impl Screen {
    /// The screen that the arguments and the environment ask for.
    pub(crate) fn new(format: &'static Format, look: &LookArgs) -> Self {
        let style = |terminal: bool| Style { color: wants_color(look.color, terminal), width: None };
        let out = io::stdout().is_terminal();
        let width = terminal_size::terminal_size().filter(|_| out).map(|(width, _)| usize::from(width.0));
        Self {
            format,
            quiet: look.quiet,
            terminal: out,
            style: Style { width, ..style(out) },
            errors: style(io::stderr().is_terminal()),
        }
    }

    /// Writes an answer that is text or JSON.
    pub(crate) fn answer(
        &self,
        text: impl FnOnce(Style, &mut dyn Write) -> io::Result<()>,
        json: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Outcome {
        write_answer(|out| if self.format.name == JSON.name { json(out) } else { text(self.style, out) })
    }

    /// Writes a report in its format, and on standard error what that does not hold.
    pub(crate) fn report(&self, report: &Report<'_>) -> Outcome {
        // First what could not be read, so that the closing line of the report is the last that is seen.
        self.asides(report.problems, report.notes);
        write_answer(|out| (self.format.reporter)(report, &self.style, out))
    }

    /// Whether somebody reads the answer on a terminal.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Says one thing on standard error, whatever the format of the answer, unless the user wants nothing but that.
    pub(crate) fn aside_in_any_format(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Says more about an answer on standard error, unless the user wants nothing but the answer.
    pub(crate) fn aside(&self, write: impl FnOnce(Style, &mut dyn Write) -> io::Result<()>) {
        if self.quiet || self.format.name == JSON.name {
            return;
        }
        let mut bytes = Vec::new();
        let _ = write(self.errors, &mut bytes);
        let _ = io::stderr().write_all(&bytes);
    }

    /// Shows problems and notes on standard error, as far as the format does not hold them.
    pub(crate) fn asides(&self, problems: &[Problem], notes: &[Note]) {
        let Some(asides) = self.format.asides else { return };
        let notes = if self.quiet { &[] } else { notes };
        let report = Report { problems, notes, ..Report::default() };
        let mut bytes = Vec::new();
        // Writing to memory does not fail, and a closed standard error has no reader to miss anything.
        let _ = asides(&report, &self.errors, &mut bytes);
        let _ = io::stderr().write_all(&bytes);
    }
}

/// Writes the answer. Who closes the pipe has read enough: that changes nothing of the outcome.
fn write_answer(answer: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let written = answer(&mut out);
    match written.and_then(|()| out.flush()) {
        Ok(()) => Outcome::Yes,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            // What is left in the buffer has no reader.
            drop(out.into_parts());
            Outcome::Yes
        }
        Err(error) => {
            drop(out.into_parts());
            say(&format!("error: cannot write to standard output: {error}"));
            Outcome::Unusable
        }
    }
}

/// A place as `file:line:column`, for reading.
pub(crate) fn place(location: &Location) -> String {
    escape(&location.to_string()).into_owned()
}

/// `1 workload`, `2 workloads`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Says something on standard error. Nobody may be there to hear it.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether to use colour: `--color` decides, then `NO_COLOR`, then `CLICOLOR_FORCE`, then whether it is a terminal.
fn wants_color(color: Color, terminal: bool) -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match color {
        Color::Always => true,
        Color::Never => false,
        // NO_COLOR counts whatever its value is: see https://no-color.org.
        Color::Auto if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        Color::Auto => {
            set("CLICOLOR_FORCE") || (terminal && env::var_os("TERM").is_none_or(|term| term != "dumb"))
        }
    }
}
