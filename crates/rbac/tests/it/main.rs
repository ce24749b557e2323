//! What the ring promises as a whole.

mod default_policy;
mod node;
