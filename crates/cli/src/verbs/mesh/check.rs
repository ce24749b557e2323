//! `ringwall mesh check`: policies that do nothing, or the opposite of what they seem.

use crate::args::mesh::MeshCheckArgs;
use crate::outcome::{Outcome, Usage};
use crate::verbs::ring::Ring;

/// This ring.
const RING: Ring = Ring { prefix: "RW-MESH-", verb: "mesh check" };

pub(crate) fn run(args: &MeshCheckArgs) -> Result<Outcome, Usage> {
    RING.check(&args.ring, args.root_namespace.as_deref())
}
