//! `ringwall rbac can-i`: one question, and why; or all that is allowed.

use std::io::{self, Write};
use std::path::PathBuf;

use ringwall_model::finding::Verdict;
use ringwall_model::version::Minor;
use ringwall_posture::rbac::Rights;
use ringwall_posture::rbac::authorizers::Authorizer;
use ringwall_posture::rbac::can_i::{CanI, Question};
use ringwall_posture::rbac::words;
use ringwall_rbac::attributes::User;
use ringwall_rbac::policy::aggregate;
use ringwall_report::{BAD, DOUBT, GOOD, Style, escape};
use serde::Serialize;

use super::{
    BecauseEntry, WayEntry, asked, refuse, remark, split, with_rights, word, write_because, write_way,
};
use crate::args::rbac::{CanIArgs, UserArgs};
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;

const USAGE: &str = "can-i --as USER VERB TYPE";

pub(crate) fn run(args: &CanIArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let user = user(&args.user)?;
    if args.list {
        return list(args, &user, &screen);
    }
    let (verb, what, paths) = split(&args.words, USAGE)?;
    let namespace = asked(args.namespace.as_deref(), args.all_namespaces);
    let subresource = args.subresource.as_deref();
    let (loaded, (question, answer, version)) =
        with_rights(&paths, &args.source, &format!("rbac {USAGE}"), &screen, |rights| {
            let question = rights.question(verb, what, subresource, namespace).map_err(refuse)?;
            let answer = rights.can_i(&user, &question);
            Ok((question, answer, rights.default_version()))
        })?;
    remark(&question, &[], &screen);
    let written = screen.answer(
        |style, out| text(&answer, version, screen.quiet, style, out),
        |out| document::write("ringwall.rbac-can-i/v1", &entry(&user, &question, &answer), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let unknown = answer.verdict == Verdict::CannotTell;
    Ok(Outcome::no_if(answer.verdict == Verdict::No).max(loaded.outcome(unknown)).max(written))
}

/// Who asks.
///
/// # Errors
/// Nobody is named.
pub(super) fn user(args: &UserArgs) -> Result<User, Usage> {
    let Some(name) = args.user.as_ref().filter(|name| !name.is_empty()) else {
        return Err(Usage {
            message: "nobody is named who asks".to_owned(),
            hint: "--as alice, or --as system:serviceaccount:NAMESPACE:NAME".to_owned(),
        });
    };
    Ok(User::impersonating(name, &args.groups))
}

fn text(
    answer: &CanI,
    version: Minor,
    only_kubectl: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match answer.verdict {
        Verdict::Yes => writeln!(out, "{}", style.paint(GOOD, "yes"))?,
        Verdict::No if answer.reason.is_empty() => writeln!(out, "{}", style.paint(BAD, "no"))?,
        Verdict::No => writeln!(out, "{} - {}", style.paint(BAD, "no"), escape(&answer.reason))?,
        Verdict::CannotTell => {
            let alone = if answer.ways.is_empty() { "no" } else { "yes" };
            writeln!(out, "{}: RBAC alone says {alone}", style.paint(DOUBT, "cannot tell"))?;
        }
    }
    if only_kubectl {
        return Ok(());
    }
    if answer.is_master {
        writeln!(out, "  system:masters may do everything: no authorizer is asked")?;
    }
    for way in &answer.ways {
        write_way(way, version, "  ", style, out)?;
    }
    for miss in &answer.misses {
        write_because("nearest: ", miss, version, style, out)?;
    }
    for remark in &answer.remarks {
        write_because("note: ", remark, version, style, out)?;
    }
    Ok(())
}

/// kubectl's table.
fn list(args: &CanIArgs, user: &User, screen: &Screen) -> Result<Outcome, Usage> {
    let paths: Vec<PathBuf> = args.words.iter().map(PathBuf::from).collect();
    let namespace = asked(args.namespace.as_deref(), false);
    let usage = "rbac can-i --as USER --list";
    let (loaded, answer) = with_rights(&paths, &args.source, usage, screen, |rights| {
        Ok(listed(rights, user, namespace, !args.no_headers))
    })?;
    let written = screen.answer(
        |_, out| answer.table.lines().try_for_each(|line| writeln!(out, "{}", escape(line))),
        |out| document::write("ringwall.rbac-can-i-list/v1", &answer, &loaded, out),
    );
    for note in &answer.incomplete {
        screen.aside(|_, out| writeln!(out, "Warning: the list may be incomplete: {}", escape(note)));
    }
    if let Some(errors) = answer.unresolved.as_ref().filter(|_| answer.incomplete.is_empty()) {
        screen.aside(|_, out| writeln!(out, "note: bound, but to what is not there: {}", escape(errors)));
    }
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(screen);
    Ok(loaded.outcome(false).max(written))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    user: String,
    groups: Vec<String>,
    namespace: String,
    rows: Vec<ListRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    incomplete: Vec<String>,
    /// Roles that are bound and not there. The server does not count that as incomplete.
    #[serde(skip_serializing_if = "Option::is_none")]
    unresolved: Option<String>,
    #[serde(skip)]
    table: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListRow {
    #[serde(skip_serializing_if = "String::is_empty")]
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    verbs: Vec<String>,
}

fn listed(rights: &Rights<'_>, user: &User, namespace: &str, headers: bool) -> List {
    let review = rights.policy().review(user, namespace);
    let rows = review.rows().into_iter().map(|row| ListRow {
        resource: row.resource,
        path: row.url.map(str::to_owned),
        name: row.name.map(str::to_owned),
        verbs: row.verbs.into_iter().map(str::to_owned).collect(),
    });
    let mut incomplete: Vec<String> = review.incomplete(user).into_iter().collect();
    incomplete.extend(rights.authorizers.list.iter().map(Authorizer::told));
    List {
        user: user.name.clone(),
        groups: user.groups.clone(),
        namespace: namespace.to_owned(),
        rows: rows.collect(),
        incomplete,
        unresolved: aggregate(&review.errors),
        table: review.table(headers),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    verdict: &'static str,
    user: &'a str,
    groups: &'a [String],
    /// What was asked, in words.
    action: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    allowed_by: Vec<WayEntry<'a>>,
    nearest: Vec<BecauseEntry<'a>>,
    remarks: Vec<BecauseEntry<'a>>,
}

fn entry<'a>(user: &'a User, question: &'a Question, answer: &'a CanI) -> Answer<'a> {
    Answer {
        verdict: word(answer.verdict),
        user: &user.name,
        groups: &user.groups,
        action: words::action(&question.action()),
        reason: &answer.reason,
        warnings: &question.warnings,
        allowed_by: answer.ways.iter().map(WayEntry::of).collect(),
        nearest: answer.misses.iter().map(BecauseEntry::of).collect(),
        remarks: answer.remarks.iter().map(BecauseEntry::of).collect(),
    }
}
