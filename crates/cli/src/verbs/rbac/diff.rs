//! `ringwall rbac diff`: who gains and loses what.

use std::io::{self, Write};
use std::slice;

use ringwall_model::version::Minor;
use ringwall_posture::rbac::Rights;
use ringwall_posture::rbac::diff::{Change, diff};
use ringwall_posture::rbac::matrix::Row;
use ringwall_report::{BAD, GOOD, HEADING, Style, escape};
use serde::Serialize;

use super::{RowEntry, notes, row_cells, who};
use crate::args::rbac::RbacDiffArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::table::{self, Cell};

pub(crate) fn run(args: &RbacDiffArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let reading = args.source.reading();
    let read = |path| super::read(slice::from_ref(path), &reading, "rbac diff BASE HEAD", screen.quiet);
    let (mut base, mut head) = (read(&args.base)?, read(&args.head)?);
    let (changes, version, refused) = {
        let (before, after) = (Rights::of(&base.snapshot), Rights::of(&head.snapshot));
        (
            diff(&before, &after),
            after.default_version(),
            [notes(&before, slice::from_ref(&args.base)), notes(&after, slice::from_ref(&args.head))],
        )
    };
    let [of_base, of_head] = refused;
    base.add(Vec::new(), of_base);
    head.add(Vec::new(), of_head);
    let (problems, notes) = (std::mem::take(&mut base.problems), std::mem::take(&mut base.notes));
    let lacking = base.outcome(false);
    head.add(problems, notes);
    let written = screen.answer(
        |style, out| text(&changes, !head.problems.is_empty(), version, style, out),
        |out| document::write("ringwall.rbac-diff/v1", &entry(&changes), &head, out),
    );
    screen.asides(&head.problems, &head.notes);
    head.hint(&screen);
    Ok(Outcome::no_if(!changes.is_empty()).max(head.outcome(false)).max(lacking).max(written))
}

fn text(
    changes: &[Change],
    partly: bool,
    version: Minor,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if changes.is_empty() {
        let of = if partly { " by what could be read" } else { "" };
        return writeln!(out, "nobody gains or loses anything{of}");
    }
    for (at, change) in changes.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let name = who(&change.kind, change.namespace.as_deref(), &change.name);
        writeln!(out, "{}", style.paint(HEADING, escape(&name)))?;
        let signed = |rows: &[Row], sign: Cell| -> Vec<Vec<Cell>> {
            let row = |row: &Row| {
                let mut cells = vec![sign.clone()];
                cells.extend(row_cells(row, version));
                cells
            };
            rows.iter().map(row).collect()
        };
        let mut rows = signed(&change.gains, ("+".to_owned(), BAD));
        rows.extend(signed(&change.loses, ("-".to_owned(), GOOD)));
        table::write(&rows, 2, style, out)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Answer<'a> {
    changes: Vec<ChangeEntry<'a>>,
}

#[derive(Serialize)]
struct ChangeEntry<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    gains: Vec<RowEntry<'a>>,
    loses: Vec<RowEntry<'a>>,
}

fn entry(changes: &[Change]) -> Answer<'_> {
    let changes = changes.iter().map(|change| ChangeEntry {
        kind: &change.kind,
        namespace: change.namespace.as_deref(),
        name: &change.name,
        gains: change.gains.iter().map(RowEntry::of).collect(),
        loses: change.loses.iter().map(RowEntry::of).collect(),
    });
    Answer { changes: changes.collect() }
}
