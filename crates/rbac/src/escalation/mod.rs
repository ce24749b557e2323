//! Who can become what: the ways from one right to more, as data, and what follows from them for every subject.
//!
//! [`catalogue`] lists the ways; [`rows`] tells which of them some rules open.

pub mod catalogue;
pub mod rows;
mod table;
