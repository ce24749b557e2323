//! `ringwall rbac who-can`: every subject that may do something, and through what.

use std::io::{self, Write};

use ringwall_model::version::Minor;
use ringwall_posture::rbac::authorizers::Authorizer;
use ringwall_posture::rbac::can_i::Question;
use ringwall_posture::rbac::who::{Holder, Unknown, Who};
use ringwall_posture::rbac::words;
use ringwall_report::{ASIDE, BAD, HEADING, Style, escape};
use serde::Serialize;

use super::{PlaceEntry, WayEntry, asked, refuse, remark, shown, split, with_rights, write_way};
use crate::args::rbac::WhoCanArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted};

const USAGE: &str = "who-can VERB TYPE";

pub(crate) fn run(args: &WhoCanArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let (verb, what, paths) = split(&args.words, USAGE)?;
    let namespace = asked(args.namespace.as_deref(), args.all_namespaces);
    let (loaded, (question, who, hints, everyone, authorizers, (version, default_only))) =
        with_rights(&paths, &args.source, &format!("rbac {USAGE}"), &screen, |rights| {
            let question =
                rights.question(verb, what, args.subresource.as_deref(), namespace).map_err(refuse)?;
            let who = rights.who_can(&question.action());
            let hints = rights.hints(&question);
            let authorizers: Vec<String> = rights.authorizers.list.iter().map(Authorizer::told).collect();
            let everyone = rights.authorizers.allows_all().map(Authorizer::told);
            Ok((
                question,
                who,
                hints,
                everyone,
                authorizers,
                (rights.default_version(), rights.is_default_only()),
            ))
        })?;
    remark(&question, &hints, &screen);
    let written = screen.answer(
        |style, out| text(&question, &who, everyone.as_deref(), (version, default_only), style, out),
        |out| {
            document::write(
                "ringwall.rbac-who-can/v1",
                &entry(&question, &who, everyone.is_some(), &authorizers),
                &loaded,
                out,
            )
        },
    );
    for authorizer in &authorizers {
        screen.aside(|_, out| writeln!(out, "note: {}", escape(authorizer)));
    }
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    Ok(loaded.outcome(false).max(written))
}

fn text(
    question: &Question,
    who: &Who,
    everyone: Option<&str>,
    (version, default_only): (Minor, bool),
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let action = words::action(&question.action());
    if let Some(told) = everyone {
        let line = format!("Everyone may {action}: {told}");
        writeln!(out, "{}", style.paint(BAD, escape(&line)))?;
        return writeln!(out, "  RBAC is not asked");
    }
    let (default, own): (Vec<&Holder>, Vec<&Holder>) =
        who.holders.iter().partition(|holder| holder.is_default);
    let heading = match own.len() {
        0 if default_only => {
            format!(
                "The input has no role and no binding; nobody but whom the default policy names may {action}"
            )
        }
        0 => format!("Nobody whom the input names may {action}"),
        count => format!("{} may {action}", counted(count, "subject", "subjects")),
    };
    writeln!(out, "{}", style.paint(HEADING, escape(&heading)))?;
    for holder in own {
        writeln!(out, "  {}", escape(&holder.subject))?;
        for way in &holder.ways {
            write_way(way, version, "    ", style, out)?;
        }
    }
    for Unknown { binding, message, place } in &who.unknown {
        let at = shown(place, version);
        writeln!(out, "  {} may give it: {}  {}", escape(binding), escape(message), style.paint(ASIDE, at))?;
    }
    writeln!(out)?;
    writeln!(out, "{}", style.paint(HEADING, format!("By the default policy of {version}")))?;
    writeln!(out, "  Group system:masters, before any authorizer is asked")?;
    for holder in default.iter().filter(|holder| holder.subject != "Group system:masters") {
        writeln!(out, "  {}", escape(&holder.subject))?;
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    action: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    subjects: Vec<HolderEntry<'a>>,
    /// Bindings whose role is not there.
    unresolved: Vec<UnknownEntry<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    other_authorizers: &'a [String],
    /// The cluster allows everything to everyone, and does not ask RBAC.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    everyone: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HolderEntry<'a> {
    subject: &'a str,
    default_policy: bool,
    ways: Vec<WayEntry<'a>>,
}

#[derive(Serialize)]
struct UnknownEntry<'a> {
    binding: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: PlaceEntry<'a>,
}

fn entry<'a>(question: &'a Question, who: &'a Who, everyone: bool, authorizers: &'a [String]) -> Answer<'a> {
    let masters = HolderEntry { subject: "Group system:masters", default_policy: true, ways: Vec::new() };
    let holders = who.holders.iter().map(|holder| HolderEntry {
        subject: &holder.subject,
        default_policy: holder.is_default,
        ways: holder.ways.iter().map(WayEntry::of).collect(),
    });
    Answer {
        action: words::action(&question.action()),
        warnings: &question.warnings,
        subjects: std::iter::once(masters).chain(holders).collect(),
        unresolved: who
            .unknown
            .iter()
            .map(|unknown| UnknownEntry {
                binding: &unknown.binding,
                message: &unknown.message,
                place: PlaceEntry::of(&unknown.place),
            })
            .collect(),
        everyone,
        other_authorizers: authorizers,
    }
}
