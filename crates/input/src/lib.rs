//! Reads files, directories and streams into objects that know where they were written.
//!
//! | module | does |
//! |---|---|
//! | [`stream`] | a text into documents, as Kubernetes' own tools split and decode it |
//! | `yaml` | one YAML document into a tree |
//! | [`json`] | JSON values into trees, as the API server decodes them |

pub mod json;
mod limits;
pub mod stream;
mod yaml;

pub use limits::Limits;
