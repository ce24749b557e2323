//! Where words go: standard output for the answer, standard error for all else.

use std::env;
use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write};

use ringwall_report::{Report, Style};

use ringwall_model::finding::{Note, Problem};

use crate::args::{Color, Output, OutputArgs};
use crate::outcome::Outcome;

/// How and where a run speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// The format of the answer.
    pub(crate) output: Output,
    /// Whether notes and progress are left out.
    pub(crate) quiet: bool,
    /// How text on standard output looks.
    style: Style,
    errors: Style,
}

impl Screen {
    /// The screen that the arguments and the environment ask for.
    pub(crate) fn new(args: &OutputArgs) -> Self {
        let style = |terminal: bool| Style { color: wants_color(args.color, terminal), width: None };
        let out = io::stdout().is_terminal();
        let width = terminal_size::terminal_size().filter(|_| out).map(|(width, _)| usize::from(width.0));
        Self {
            output: args.output,
            quiet: args.quiet,
            style: Style { width, ..style(out) },
            errors: style(io::stderr().is_terminal()),
        }
    }

    /// Writes the answer in its format. Who closes the pipe has read enough: that changes nothing of the outcome.
    pub(crate) fn answer(
        &self,
        text: impl FnOnce(Style, &mut dyn Write) -> io::Result<()>,
        json: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Outcome {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let written = match self.output {
            Output::Text => text(self.style, &mut out),
            Output::Json => json(&mut out),
        };
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

    /// In text mode, shows problems and notes on standard error; other formats hold them.
    pub(crate) fn asides(&self, problems: &[Problem], notes: &[Note]) {
        let Some(asides) = ringwall_report::format("text").and_then(|text| text.asides) else { return };
        if self.output != Output::Text {
            return;
        }
        let notes = if self.quiet { &[] } else { notes };
        let report = Report { problems, notes, ..Report::default() };
        let mut bytes = Vec::new();
        // Writing to memory does not fail, and a closed standard error has no reader to miss anything.
        let _ = asides(&report, &self.errors, &mut bytes);
        let _ = io::stderr().write_all(&bytes);
    }
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
