//! What the ring promises as a whole.

// Only functions under `#[test]` are excused from this by clippy.toml; their helpers are tests too.
#![expect(clippy::unwrap_used, reason = "test helpers are tests too")]

mod aggregation;
mod checks;
mod common;
mod covering;
mod default_policy;
mod engine;
mod escalation;
mod explaining;
mod holding;
mod node;
mod reconciliation;
mod shop;
mod storing;
mod validation;
mod writing;
