//! Who can become what: the ways from one right to more, as data, and what follows from them for every subject.
//!
//! [`catalogue`] lists the ways; [`rows`] tells which of them some rules open. [`closure`] follows them from every subject, with a proof for each
//! gain, and [`cut`] finds the fewest grants without which nobody comes to a target.

mod build;
pub mod catalogue;
pub mod closure;
pub mod cut;
pub mod facts;
mod graph;
mod hitting;
mod holder;
pub mod proof;
pub mod rows;
mod search;
mod table;
mod targets;
pub mod thing;

pub use closure::{Escalation, Target};
pub use facts::Facts;
pub use thing::Identity;
