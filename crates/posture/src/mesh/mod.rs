//! What is encrypted in a mesh, and what would break: what a user asks of the mesh ring.
//!
//! | module | answers |
//! |---|---|
//! | [`config`] | what the whole mesh is set to |
//! | [`mtls`] | what each workload takes in on each port, and which object decides it |
//! | [`matrix`] | what each client sends to each server, and what becomes of it |
//! | [`plan`] | what turning STRICT breaks, and the changes that let it |
//! | [`can`] | whether a call is let in, and which rule decides |
//! | [`unknown`] | whether that depends on what is not known of the call |
//! | [`words`] | workloads and reasons in words |
//!
//! All of it is asked of one [`Meshed`], which is built once a snapshot.

pub mod can;
pub mod config;
pub(crate) mod lint;
pub mod matrix;
pub mod mtls;
pub mod plan;
pub mod unknown;
pub mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;

use ringwall_mesh::mesh::{Mesh, Settings};
use ringwall_mesh::place::Place;
use ringwall_mesh::validate::validate;
use ringwall_mesh::workloads::Workload;
use ringwall_model::finding::{Location, Note};
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::ReadText;
use ringwall_model::workload::CustomKind;

/// So many Namespaces are named in a note.
const SHOWN: usize = 3;

/// A snapshot with the eyes of the mesh ring.
#[derive(Debug)]
pub struct Meshed<'s> {
    /// The objects that istiod sees, and all that it does not ask for.
    pub snapshot: Cow<'s, Snapshot>,
    /// The mesh.
    pub mesh: Mesh,
    /// What shows how the mesh is set; nothing where all is as usual.
    pub configured: Option<Location>,
    /// What could not be read, and policies that do nothing.
    pub notes: Vec<Note>,
}

impl<'s> Meshed<'s> {
    /// Reads a snapshot. `read` reads the text in YAML that the mesh's configuration is; `root` says the root namespace over it.
    pub fn of(
        snapshot: &'s Snapshot,
        custom: &[CustomKind],
        root: Option<&str>,
        read: &ReadText<'_>,
    ) -> Self {
        let config::Stated { mut config, injector, location, notes } = config::of(snapshot, read);
        if let Some(root) = root {
            root.clone_into(&mut config.root_namespace);
        }
        let seen = config.discovery.seen(snapshot);
        let mesh = Mesh::of(&seen, config, &Settings { custom, injector: &injector, ..Settings::default() });
        let mut meshed = Self { snapshot: seen, mesh, configured: location, notes };
        meshed.notes.extend(config::other_line(snapshot));
        meshed.note_misread();
        meshed.note_refused();
        meshed.note_idle();
        meshed
    }

    /// Where something is written; nothing for what is not written yet.
    pub fn location(&self, place: &Place) -> Option<Location> {
        let object = self.snapshot.all().get(place.object)?;
        Some(Location::of(object, &place.path))
    }

    fn note(&mut self, place: &Place, message: String) {
        if let Some(location) = self.location(place) {
            self.notes.push(Note { file: location.file, position: Some(location.position), message });
        }
    }

    fn note_misread(&mut self) {
        for misread in self.mesh.misread.clone() {
            self.note(&misread.place, format!("{}: {}", misread.place.path, misread.message));
        }
    }

    /// Objects that istiod's webhook refuses: what is said of the mesh counts them in, as they are written.
    fn note_refused(&mut self) {
        // Kinds that the ring does not read are not counted in.
        const UNREAD: [&str; 7] = [
            "EnvoyFilter",
            "ProxyConfig",
            "Telemetry",
            "TrafficExtension",
            "VirtualService",
            "WasmPlugin",
            "WorkloadGroup",
        ];
        let mut refused = Vec::new();
        for (index, object) in self.snapshot.objects() {
            if UNREAD.contains(&object.id.kind.as_str()) {
                continue;
            }
            for error in validate(object).into_iter().flat_map(|verdict| verdict.errors) {
                let message = format!(
                    "istiod refuses {} {}/{}, which is counted in as it is written: {}",
                    object.id.kind,
                    object.id.namespace.as_deref().unwrap_or("default"),
                    object.id.name,
                    error.message
                );
                refused.push((Place { object: index, path: error.path }, message));
            }
        }
        for (place, message) in refused {
            self.note(&place, message);
        }
    }

    /// Says which namespaces are not in the input whose labels would say whether workloads have a proxy.
    pub fn unknown_namespaces(&self) -> Option<Note> {
        let mut first: BTreeMap<&str, &Workload> = BTreeMap::new();
        for (_, workload) in self.hanging() {
            first.entry(&workload.namespace).or_insert(workload);
        }
        let workload = first.values().next()?;
        let location = self.location(&Place { object: workload.object, path: FieldPath::root() })?;
        let names: Vec<&str> = first.keys().copied().take(SHOWN).collect();
        let more = match first.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (what, are) = if first.len() == 1 { ("Namespace", "is") } else { ("Namespaces", "are") };
        let message = format!(
            "{what} {}{more} {are} not in the input, and may ask for sidecars or ambient: workloads there are taken to have no proxy",
            names.join(", ")
        );
        Some(Note { file: location.file, position: Some(location.position), message })
    }

    /// The workloads of such namespaces, and their places in the mesh.
    pub(crate) fn hanging(&self) -> impl Iterator<Item = (usize, &Workload)> {
        let all = self.mesh.workloads.all.iter().enumerate();
        all.filter(|(index, _)| self.mesh.hangs_on_namespace(*index))
    }

    /// Policies that do nothing, as far as that is known of each by itself.
    fn note_idle(&mut self) {
        let peers = self.mesh.peers.clone();
        for policy in &peers.ignored {
            let policy = &peers.all[*policy];
            let message = format!(
                "{} does nothing: in the root namespace {} a policy with a selector is for nobody",
                words::policy(policy),
                peers.root()
            );
            self.note(&policy.mode_place(), message);
        }
        for loser in &peers.losers {
            let (policy, winner) = (&peers.all[loser.policy], &peers.all[loser.winner]);
            let message = format!(
                "{} does nothing: {} is older, or first by name, and for the same workloads",
                words::policy(policy),
                words::policy(winner)
            );
            self.note(&policy.mode_place(), message);
        }
    }
}
