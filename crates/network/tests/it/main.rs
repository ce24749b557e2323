//! What the ring promises as a whole.

mod agreement;
mod manifests;
mod random;
mod services;
