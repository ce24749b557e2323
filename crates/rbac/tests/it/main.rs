//! What the ring promises as a whole.

#![expect(clippy::unwrap_used, reason = "test helpers are tests too")]

mod common;
mod covering;
mod default_policy;
mod node;
mod reconciliation;
mod validation;
mod writing;
