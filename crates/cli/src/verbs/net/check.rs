//! `ringwall net check`: policies that do not do what their author meant.

use crate::args::RingCheckArgs;
use crate::outcome::{Outcome, Usage};
use crate::verbs::ring::Ring;

/// This ring.
pub(super) const RING: Ring = Ring { prefix: "RW-NET-", verb: "net check" };

pub(crate) fn run(args: &RingCheckArgs) -> Result<Outcome, Usage> {
    RING.check(args, None)
}
