//! `ringwall rules`: all checks as data.

use std::io::{self, Write};

use anstyle::Style as Look;
use ringwall_model::control::Framework;
use ringwall_posture::registry::{Entry, entries};
use ringwall_report::{ASIDE, HEADING, RuleEntry, RulesEntry, Style, write_json};

use crate::args::{OutputArgs, RulesArgs};
use crate::outcome::Outcome;
use crate::screen::Screen;
use crate::table;

pub(crate) fn run(args: &RulesArgs) -> Outcome {
    list(args.framework, &args.output)
}

/// Lists all checks, or those that serve a control of a framework.
pub(crate) fn list(framework: Option<Framework>, output: &OutputArgs) -> Outcome {
    let mut rules = entries();
    if let Some(framework) = framework {
        rules.retain(|rule| rule.controls_of(framework).next().is_some());
    }
    let screen = Screen::new(output.output.format(), &output.look);
    screen.answer(
        |style, out| write_text(&rules, framework, style, out),
        |out| write_json(&RulesEntry::of(rules.iter().map(data).collect()), out),
    )
}

/// A check as it is published.
pub(crate) fn data(entry: &Entry) -> RuleEntry {
    let Entry { check, group, reference, fixable } = *entry;
    RuleEntry::of(check, group.title(), reference, fixable)
}

fn write_text(
    rules: &[Entry],
    framework: Option<Framework>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let plain = |text: &str| (text.to_owned(), Look::new());
    let row = |rule: &Entry| {
        let check = rule.check;
        let mut row = vec![(check.id.to_owned(), HEADING), plain(check.severity.word()), plain(check.name)];
        if let Some(framework) = framework {
            row.push(plain(&rule.controls_of(framework).collect::<Vec<_>>().join(", ")));
        }
        row.push((check.summary.to_owned(), ASIDE));
        row
    };
    let rows: Vec<Vec<table::Cell>> = rules.iter().map(row).collect();
    table::write(&rows, 0, style, out)
}
