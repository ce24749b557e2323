//! The checks against their fixtures.

mod fixtures;
