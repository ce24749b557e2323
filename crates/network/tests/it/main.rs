//! What the ring promises as a whole.

mod agreement;
mod npguard;
mod random;
