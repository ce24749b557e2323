//! What `istioctl analyze` says of a mesh's configuration, without istioctl and without a cluster.
//!
//! All analyzers of istio.io/istio v0.0.0-20260827124520-eed52ebb66ad (the 1.31 line), `pkg/config/analysis`, in its words. Where the
//! reference's answer hangs on the order in which Go walks a map, the resources are taken in the order of the input.

mod analyzers;
pub mod codes;
mod decode;
mod mesh;
mod message;
mod ordered;
mod reader;
mod store;

use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::ReadText;

pub use mesh::Mesh;
pub use message::{Message, place};

use analyzers::{ANALYZERS, Context};
use message::Reporter;
use store::{Defaults, Store};

/// Which objects count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// As the command line reads files: Services, Namespaces, Nodes, Pods and Secrets in them do not count, and an analyzer that asks
    /// for any of these kinds does not run.
    Files,
    /// All objects.
    All,
}

/// What is asked, beside the objects.
pub struct Asked<'a> {
    /// Which objects count.
    pub view: View,
    /// What the mesh is set to.
    pub mesh: &'a Mesh,
    /// Reads YAML in an annotation.
    pub read: &'a ReadText<'a>,
    /// The seconds since 1970, by which certificates are valid or not.
    pub now: u64,
}

/// An object that cannot be read, and is left out for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its index in [`Snapshot::all`].
    pub object: usize,
    /// The field.
    pub path: FieldPath,
    /// What is wrong with it, as a sentence without full stop.
    pub message: String,
}

/// What all analyzers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// The messages, as the reference sorts them; those that would be printed alike stand once.
    pub messages: Vec<Message>,
    /// What is left out.
    pub unread: Vec<Unread>,
}

/// Runs all analyzers. Most walk the resources of their kinds once; those that hold selectors against pods cost a walk of the pods for
/// each selector.
pub fn analyze(snapshot: &Snapshot, asked: &Asked<'_>) -> Analysis {
    let defaults = Defaults::of(asked.mesh);
    let mut store = Store::of(snapshot, asked.view, asked.mesh, &defaults);
    let unread = std::mem::take(&mut store.unread);
    let context = Context { store: &store, mesh: asked.mesh, read: asked.read, now: asked.now };
    let mut reporter = Reporter::default();
    for analyzer in ANALYZERS {
        if asked.view == View::All || !analyzer.inputs.iter().any(|kind| kind.is_runtime()) {
            (analyzer.run)(&context, &mut reporter);
        }
    }
    Analysis { messages: reporter.finish(snapshot), unread }
}

/// The names of the analyzers, in the order in which they run.
pub fn names() -> impl Iterator<Item = &'static str> {
    ANALYZERS.iter().map(|analyzer| analyzer.name)
}
