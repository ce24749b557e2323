//! What the ring promises as a whole.

mod agreement;
mod checks;
mod random;
