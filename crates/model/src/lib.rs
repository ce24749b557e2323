//! What every ring of ringwall speaks: Kubernetes objects with the place where each
//! field was written, label selectors, the snapshot of all objects, and the verdicts
//! and findings that rings return.
//!
//! # Architecture invariants
//! - This crate does no input or output and knows no file format. `ringwall-input` reads text
//!   and fills a [`tree::Tree`]; everything after that works on nodes.
//! - Nothing here belongs to one ring only.
//!
//! | module | holds |
//! |---|---|
//! | [`text`] | sources, byte spans, line and column |
//! | [`tree`] | the arena of nodes with spans, and its builder |
//! | [`path`] | field paths such as `spec.containers[0].image` |
//! | [`de`] | reading a node through `serde` |
//! | [`decode`] | reading a node as Go's `encoding/json` fills a struct |
//! | [`schema`] | the shapes of the built-in kinds: which type each field has |
//! | [`near`] | names that are much alike |
//! | [`object`] | one Kubernetes object: identity, labels, owner, where it was read |
//! | [`workload`] | which kinds make pods, and where their pod template is |
//! | [`quantity`] | amounts of resources |
//! | [`resources`] | the resources that API servers serve, by the names that rules and `kubectl` use |
//! | [`selector`] | label selectors |
//! | [`name`] | what is wrong with a name, in the API server's words |
//! | [`invalid`] | fields that the API server refuses, in its words |
//! | [`server_call`] | which Services the API server calls |
//! | [`snapshot`] | all objects taken together, and facts about the cluster |
//! | [`check`] | the declaration of a check, and the registry's rules |
//! | [`address`] | addresses and blocks of them |
//! | [`audit`] | what an API server tells of the requests that it answered |
//! | [`control`] | the frameworks that checks are mapped to |
//! | [`finding`] | verdicts, evidence, findings, severities |
//! | [`flaw`] | what a check of a ring finds in an object |
//! | [`fix`] | changes to an object, and edits of its text |
//! | [`version`] | Kubernetes minor versions |

pub mod address;
pub mod audit;
pub mod check;
pub mod control;
pub mod de;
pub mod decode;
pub mod finding;
pub mod fix;
pub mod flaw;
pub mod flow;
pub mod go;
pub mod invalid;
pub mod name;
pub mod near;
pub mod object;
pub mod path;
pub mod quantity;
pub mod resources;
pub mod schema;
pub mod selector;
pub mod server_call;
pub mod snapshot;
pub mod text;
pub mod tree;
pub mod version;
pub mod workload;
