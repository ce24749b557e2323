//! What is edited is read again: it says what was asked for, and nothing else is touched.

// Only functions under `#[test]` are excused from this by clippy.toml; their helpers are tests too.
#![expect(clippy::unwrap_used, reason = "test helpers are tests too")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod beside;
mod cases;
mod corpus;
mod gold;
mod meaning;
mod patch;
mod random;
