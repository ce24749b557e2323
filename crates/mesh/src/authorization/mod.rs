//! Who is let in: `AuthorizationPolicy`, as istiod makes filters of it and as Envoy asks these.
//!
//! A policy is read once ([`policy`]), selected for a workload ([`select`]), compiled once for HTTP and once for TCP ([`compile`]) and
//! asked for each request ([`judge`]). What ztunnel makes of it is another matter: [`crate::ztunnel`].

pub mod compile;
mod identity;
pub mod judge;
pub mod path;
pub mod place;
pub mod policy;
pub mod request;
pub mod select;
pub(crate) mod strings;
