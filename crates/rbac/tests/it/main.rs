//! What the ring promises as a whole.

mod common;
mod covering;
mod default_policy;
mod node;
mod reconciliation;
mod validation;
mod writing;
