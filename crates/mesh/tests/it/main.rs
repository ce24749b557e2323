//! What the ring promises as a whole.

// Only functions under `#[test]` are excused from this by clippy.toml; their helpers are tests too.
#![expect(clippy::unwrap_used, reason = "test helpers are tests too")]

mod ambient;
mod authorization;
mod checks;
mod checks_certain;
mod common;
mod corpus;
mod enrolment;
mod envoy_filters;
mod machines;
mod meshes;
mod plaintext;
mod plan;
mod quirks;
mod random;
mod scale;
mod settings;
mod traffic;
mod waypoints;
