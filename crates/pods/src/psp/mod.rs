//! PodSecurityPolicy: what Kubernetes had before the Pod Security Standards, until v1.24.
//!
//! What the room answers:
//! - [`model`]: a policy, decoded; [`unusable`]: what keeps it from being used;
//! - [`fields`]: each of its fields against the standards, as data;
//! - [`Implied`]: the tightest level that contains all that a policy lets pass;
//! - [`admit()`]: whether a policy admits a pod, and what it writes into it.
//!
//! The reference is the admission plugin of k8s.io/kubernetes v1.24, the last that had it.

pub mod admit;
pub mod fields;
pub mod model;
pub mod pod;
#[cfg(test)]
mod tests;
mod validate;
mod volumes;

pub use admit::{Change, Setting, admit};
pub use fields::{FIELDS, Permits, Row};
pub use model::{PodSecurityPolicy, is_policy};
pub use pod::Pod;
pub use validate::{Unusable, unusable};

use crate::policy::Level;

/// What a policy implies: which level of the standards contains what it lets pass.
#[derive(Clone, Debug)]
pub struct Implied {
    /// The tightest level that contains all of it.
    pub level: Level,
    /// The tightest level that contains it but for what it leaves open about SELinux and `AppArmor`: what its author meant.
    pub meant: Level,
    /// Each field that keeps a tighter level from containing it, in the order of [`FIELDS`].
    pub wide: Vec<(&'static Row, Permits)>,
}

/// What a policy implies. It must not be [`unusable()`].
pub fn implied(policy: &PodSecurityPolicy<'_>) -> Implied {
    let permits = FIELDS.iter().map(|row| (row, (row.permits)(policy)));
    let wide: Vec<_> = permits.filter(|(_, permits)| permits.level < Level::Restricted).collect();
    let least = |open: bool| {
        let counted = wide.iter().filter(|(_, permits)| open || !permits.open);
        counted.map(|(_, permits)| permits.level).min().unwrap_or(Level::Restricted)
    };
    Implied { level: least(true), meant: least(false), wide }
}
