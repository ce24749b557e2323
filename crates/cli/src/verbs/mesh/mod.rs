//! `ringwall mesh`: what is encrypted between whom.

pub(crate) mod analyze;
pub(crate) mod can;
pub(crate) mod check;
pub(crate) mod matrix;
pub(crate) mod mtls;
pub(crate) mod plan;

use std::io::{self, Write};
use std::sync::Arc;

use ringwall_input::{Limits, yaml_text};
use ringwall_model::finding::Location;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::text::Source;
use ringwall_model::tree::Tree;
use ringwall_posture::mesh::Meshed;
use ringwall_posture::mesh::config::{self, Stated};
use ringwall_report::{ASIDE, LocationEntry, Style, escape};
use serde::Serialize;

use crate::args::mesh::MeshArgs;
use crate::input::{self, Loaded};
use crate::outcome::Usage;
use crate::screen::{Screen, place};
use crate::settings;

/// Reads what the arguments name, and hands it to `ask` with the eyes of the mesh ring. What is asked of `all` workloads is asked of those too of whose
/// namespaces nothing is known, and a note says so.
///
/// # Errors
/// As [`input::load`], and what `ask` finds wrong with the question.
fn with_mesh<T>(
    args: &MeshArgs,
    (verb, all): (&str, bool),
    screen: &Screen,
    ask: impl FnOnce(&Meshed<'_>) -> Result<T, Usage>,
) -> Result<(Loaded, T), Usage> {
    let settings = settings::load_config(&args.config)?;
    let mut loaded = input::load(&args.input, verb, screen.quiet)?;
    let meshed =
        Meshed::of(&loaded.snapshot, &settings.workloads, args.root_namespace.as_deref(), &read_config);
    let answer = ask(&meshed)?;
    let mut notes = meshed.notes.clone();
    notes.extend(meshed.unknown_namespaces().filter(|_| all));
    drop(meshed);
    loaded.add(Vec::new(), notes);
    Ok((loaded, answer))
}

/// Reads a text in YAML that is no object; `name` says what it is.
fn read_yaml(name: &str, text: &str) -> Result<Tree, String> {
    let source = Arc::new(Source::new(name, text));
    yaml_text(&source, &Limits::default()).map_err(|error| error.to_string())
}

/// Reads the text in YAML that the mesh's configuration is.
fn read_config(text: &str) -> Result<Tree, String> {
    read_yaml("the mesh's configuration", text)
}

/// How the mesh of a snapshot is set; `root` says the root namespace over it.
pub(super) fn stated(snapshot: &Snapshot, root: Option<&str>) -> Stated {
    let mut stated = config::of(snapshot, &read_config);
    if let Some(root) = root {
        root.clone_into(&mut stated.config.root_namespace);
    }
    stated
}

/// A place behind a line, where there is one.
fn at(location: Option<&Location>, style: Style) -> String {
    location.map_or_else(String::new, |location| format!("  {}", style.paint(ASIDE, place(location))))
}

/// A line with its place.
fn write_placed(
    indent: &str,
    text: &str,
    location: Option<&Location>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{indent}{}{}", escape(text), at(location, style))
}

/// Something with its place, in JSON.
#[derive(Debug, Serialize)]
struct PlacedEntry<'a> {
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationEntry<'a>>,
}

impl<'a> PlacedEntry<'a> {
    fn of(what: &'a str, location: Option<&'a Location>) -> Self {
        Self { what, location: location.map(LocationEntry::of) }
    }
}
