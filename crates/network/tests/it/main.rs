//! What the ring promises as a whole.

mod agreement;
mod live;
mod random;
