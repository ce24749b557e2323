//! `ringwall rbac matrix`: all that subjects may do.

use std::io::{self, Write};

use ringwall_model::version::Minor;
use ringwall_posture::rbac::authorizers::Authorizer;
use ringwall_posture::rbac::matrix::{Filter, Subject};
use ringwall_report::{ASIDE, HEADING, Style, escape};
use serde::Serialize;

use super::{RowEntry, refuse, remark, row_cells, who, with_rights};
use crate::args::rbac::{MatrixArgs, MatrixOutput};
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted};
use crate::table;

pub(crate) fn run(args: &MatrixArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.format(), &args.look);
    let (loaded, (subjects, everyone, version)) =
        with_rights(&args.paths.paths, &args.paths.source, "rbac matrix", &screen, |rights| {
            let resource = match &args.resource {
                None => None,
                Some(word) => {
                    let question =
                        rights.question("get", word, args.subresource.as_deref(), "").map_err(refuse)?;
                    remark(&question, &rights.hints(&question), &screen);
                    Some((question.group, question.resource, question.subresource))
                }
            };
            let filter = Filter { namespace: args.namespace.clone(), resource, verb: args.verb.clone() };
            let everyone = rights.authorizers.allows_all().map(Authorizer::told);
            Ok((rights.matrix(&filter), everyone, rights.default_version()))
        })?;
    let hidden = if args.all { 0 } else { subjects.iter().filter(|subject| subject.is_default).count() };
    let chosen: Vec<&Subject> = subjects.iter().filter(|subject| args.all || !subject.is_default).collect();
    let written = screen.answer(
        |style, out| match args.output {
            MatrixOutput::Csv => csv(&chosen, out),
            _ => text(&chosen, version, style, out),
        },
        |out| document::write("ringwall.rbac-matrix/v1", &entry(&chosen), &loaded, out),
    );
    if let Some(told) = everyone {
        screen.aside(|_, out| {
            writeln!(out, "note: {}; everyone may do everything, and RBAC is not asked", escape(&told))
        });
    }
    if hidden > 0 {
        screen.aside(|style, out| {
            let count = counted(hidden, "subject", "subjects");
            let line = format!("{count} of the default policy of {version} left out; --all shows them");
            writeln!(out, "{}", style.paint(ASIDE, line))
        });
    }
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    Ok(loaded.outcome(false).max(written))
}

fn text(subjects: &[&Subject], version: Minor, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for (at, subject) in subjects.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let name = who(&subject.kind, subject.namespace.as_deref(), &subject.name);
        writeln!(out, "{}", style.paint(HEADING, escape(&name)))?;
        let rows: Vec<_> = subject.rows.iter().map(|row| row_cells(row, version)).collect();
        table::write(&rows, 2, style, out)?;
    }
    Ok(())
}

/// A line for each subject, namespace, resource and verb.
fn csv(subjects: &[&Subject], out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "kind",
        "subjectNamespace",
        "subject",
        "namespace",
        "apiGroup",
        "resource",
        "name",
        "path",
        "verb",
        "binding",
    ])?;
    for subject in subjects {
        for row in &subject.rows {
            let everywhere = ["*".to_owned()];
            let namespaces = row.namespaces.as_deref().unwrap_or(&everywhere);
            let (resource, path) = match row.group {
                Some(_) => (row.resource.as_str(), ""),
                None => ("", row.resource.as_str()),
            };
            for namespace in namespaces {
                for verb in &row.verbs {
                    let cells = [
                        subject.kind.as_str(),
                        subject.namespace.as_deref().unwrap_or_default(),
                        &subject.name,
                        namespace,
                        row.group.as_deref().unwrap_or_default(),
                        resource,
                        row.name.as_deref().unwrap_or_default(),
                        path,
                        verb,
                        &row.by.0,
                    ];
                    writer.write_record(cells.map(|cell| escape(cell).into_owned()))?;
                }
            }
        }
    }
    writer.flush()
}

#[derive(Serialize)]
struct Answer<'a> {
    subjects: Vec<SubjectEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubjectEntry<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    default_policy: bool,
    rights: Vec<RowEntry<'a>>,
}

fn entry<'a>(subjects: &[&'a Subject]) -> Answer<'a> {
    let subjects = subjects.iter().map(|subject| SubjectEntry {
        kind: &subject.kind,
        namespace: subject.namespace.as_deref(),
        name: &subject.name,
        default_policy: subject.is_default,
        rights: subject.rows.iter().map(RowEntry::of).collect(),
    });
    Answer { subjects: subjects.collect() }
}
