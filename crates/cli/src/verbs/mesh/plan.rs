//! `ringwall mesh plan --strict`: what turning STRICT breaks, and the changes that let it.

use std::io::{self, Write};

use ringwall_model::selector::is_dns_label;
use ringwall_posture::mesh::plan::{Flip, Lost, Placed};
use ringwall_report::{BAD, DOUBT, GOOD, HEADING, Style, escape};
use serde::Serialize;

use super::{PlacedEntry, at, with_mesh, write_placed};
use crate::args::mesh::MeshPlanArgs;
use crate::document;
use crate::outcome::{Outcome, Usage};
use crate::screen::{Screen, counted};

/// So many workloads without a proxy are named in text.
const SHOWN: usize = 8;

pub(crate) fn run(args: &MeshPlanArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let mut mesh = args.mesh.clone();
    let mut namespace = Some(args.strict.as_str()).filter(|namespace| !namespace.is_empty());
    // What stands behind --strict alone, or is no name, is the first path.
    if let Some(word) = namespace
        && (mesh.input.paths.is_empty() || !is_dns_label(word))
    {
        mesh.input.paths.insert(0, word.into());
        namespace = None;
    }
    let (loaded, flip) = with_mesh(&mesh, ("mesh plan --strict", true), &screen, |meshed| {
        if let Some(namespace) = namespace
            && !meshed.mesh.workloads.all.iter().any(|workload| workload.namespace == namespace)
        {
            return Err(Usage {
                message: format!("no workload of the input is in namespace {namespace}"),
                hint: "`--strict NAMESPACE PATH`, or `--strict PATH` for the whole mesh".to_owned(),
            });
        }
        Ok(meshed.strict(namespace, &args.without_client))
    })?;
    let scope = namespace.map_or_else(|| "the mesh".to_owned(), |namespace| format!("namespace {namespace}"));
    let written = screen.answer(
        |style, out| text(&scope, &flip, style, out),
        |out| document::write("ringwall.mesh-plan/v1", &entry(&scope, &flip), &loaded, out),
    );
    screen.asides(&loaded.problems, &loaded.notes);
    loaded.hint(&screen);
    let breaks = !flip.lost.is_empty() || !flip.probes.is_empty();
    Ok(Outcome::no_if(breaks).max(loaded.outcome(false)).max(written))
}

fn text(scope: &str, flip: &Flip, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match &flip.policy {
        Some((policy, location)) => {
            let line = if flip.already {
                format!("{policy} is STRICT for {scope} already")
            } else {
                format!("If {policy} turns STRICT for {scope}")
            };
            write_placed("", &line, location.as_ref(), style, out)?;
        }
        None => writeln!(out, "If a new PeerAuthentication makes {} STRICT", escape(scope))?,
    }
    writeln!(out)?;
    if flip.lost.is_empty() {
        writeln!(out, "{}", style.paint(GOOD, "No call breaks"))?;
    } else {
        let count = counted(flip.lost.len(), "call breaks", "calls break");
        let line = format!("{count}, if every workload calls all that it can find");
        writeln!(out, "{}", style.paint(BAD, line))?;
        write_lost(&flip.lost, style, out)?;
    }
    if !flip.depends.is_empty() {
        writeln!(out, "{}", style.paint(DOUBT, "It depends on who signed the client's certificate"))?;
        write_lost(&flip.depends, style, out)?;
    }
    let mut list = |heading: &str, items: &[Placed]| -> io::Result<()> {
        if !items.is_empty() {
            writeln!(out)?;
            writeln!(out, "{}", style.paint(HEADING, heading))?;
        }
        for (what, location) in items {
            write_placed("  ", what, location.as_ref(), style, out)?;
        }
        Ok(())
    };
    list("Probes break: an annotation keeps them from being rewritten", &flip.probes)?;
    list(
        "Called from outside too, where nobody has a certificate of the mesh: only a gateway may stand there",
        &flip.outside,
    )?;
    list("Not STRICT all the same", &flip.exempt)?;
    let heading = if flip.unsolved == 0 {
        "Changes after which nothing breaks that did not before"
    } else {
        "Changes after which less breaks"
    };
    list(heading, &flip.remedies)?;
    if flip.unsolved > 0 {
        writeln!(out, "  {} that none of these changes helps", counted(flip.unsolved, "call", "calls"))?;
    }
    if !flip.unprotected.is_empty() {
        writeln!(out)?;
        let one = "workload has no proxy, and STRICT does not protect it";
        let many = "workloads have no proxy, and STRICT protects none of them";
        let heading = counted(flip.unprotected.len(), one, many);
        writeln!(out, "{}", style.paint(HEADING, heading))?;
        let named = flip.unprotected.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = match flip.unprotected.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(out, "  {}{more}", escape(&named))?;
    }
    Ok(())
}

fn write_lost(lost: &[Lost], style: Style, out: &mut dyn Write) -> io::Result<()> {
    for Lost { service, port, server, client, why, location } in lost {
        writeln!(
            out,
            "  {} → {} ({})",
            escape(client),
            escape(&format!("{service}:{port}")),
            escape(server)
        )?;
        writeln!(out, "    {}{}", escape(why), at(location.as_ref(), style))?;
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PlacedEntry<'a>>,
    breaks: Vec<LostEntry<'a>>,
    depends_on_certificate: Vec<LostEntry<'a>>,
    probes: Vec<PlacedEntry<'a>>,
    exempt: Vec<PlacedEntry<'a>>,
    changes: Vec<PlacedEntry<'a>>,
    unsolved: usize,
    called_from_outside: Vec<PlacedEntry<'a>>,
    without_proxy: &'a [String],
}

#[derive(Serialize)]
struct LostEntry<'a> {
    client: &'a str,
    service: &'a str,
    port: u16,
    server: &'a str,
    why: PlacedEntry<'a>,
}

fn entry<'a>(scope: &'a str, flip: &'a Flip) -> Answer<'a> {
    let placed = |list: &'a [Placed]| -> Vec<PlacedEntry<'a>> {
        list.iter().map(|(what, location)| PlacedEntry::of(what, location.as_ref())).collect()
    };
    let lost = |list: &'a [Lost]| -> Vec<LostEntry<'a>> {
        let one = |lost: &'a Lost| LostEntry {
            client: &lost.client,
            service: &lost.service,
            port: lost.port,
            server: &lost.server,
            why: PlacedEntry::of(&lost.why, lost.location.as_ref()),
        };
        list.iter().map(one).collect()
    };
    Answer {
        scope,
        policy: flip.policy.as_ref().map(|(what, location)| PlacedEntry::of(what, location.as_ref())),
        breaks: lost(&flip.lost),
        depends_on_certificate: lost(&flip.depends),
        probes: placed(&flip.probes),
        exempt: placed(&flip.exempt),
        changes: placed(&flip.remedies),
        unsolved: flip.unsolved,
        called_from_outside: placed(&flip.outside),
        without_proxy: &flip.unprotected,
    }
}
