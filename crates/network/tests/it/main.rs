//! What the ring promises as a whole.

mod agreement;
mod checks;
mod entries;
mod gateways;
mod hostile;
mod live;
mod manifests;
mod npguard;
mod random;
mod services;
