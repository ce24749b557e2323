//! Who can become what: the ways from one right to more, as data, and what follows from them for every subject.
//!
//! [`catalogue`] lists the ways; [`rows`] tells which of them some rules open. [`closure`] follows them from every subject, with a
//! [`proof`] for each gain, and [`cut`] finds the fewest grants without which nobody comes to a target. What must be known beside roles
//! and bindings comes as [`facts`]; what is not known is taken for given, and said so.
//!
//! How the closure is found: `graph` and `build` make a graph of things that may be held (an identity, the pods of a namespace, a role that
//! may be bound …), with an edge where one gives another by a row, and a joint where several are needed; `holder` judges what the rights
//! of one holder open, `targets` what a row's gain is. `reach` tells for all subjects at once whether they come to a target, `search` finds
//! the shortest proof for one, `ways` the grants of some proof for all, by which `cut` and `hitting` choose what to take away.
//!
//! ```
//! use ringwall_rbac::escalation::{Escalation, Facts, Target};
//! use ringwall_rbac::escalation::cut::CutOptions;
//! use ringwall_rbac::model::{Binding, RbacObject, Role, RoleRef, Rule, Subject};
//! use ringwall_rbac::policy::Policy;
//!
//! let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
//! let role = |name: &str, verb: &str, group: &str, resource: &str| {
//!     let rule = Rule { verbs: text(&[verb]), api_groups: text(&[group]), resources: text(&[resource]), ..Rule::default() };
//!     RbacObject::Role(Role { name: name.to_owned(), rules: vec![rule].into(), ..Role::default() })
//! };
//! let bind = |role: &str, kind: &str, namespace: &str, name: &str| {
//!     RbacObject::Binding(Binding {
//!         name: role.to_owned(),
//!         role_ref: RoleRef { kind: "ClusterRole".to_owned(), name: role.to_owned(), ..RoleRef::default() },
//!         subjects: vec![Subject { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned(), ..Subject::default() }],
//!         ..Binding::default()
//!     })
//! };
//! let policy = Policy::of([
//!     role("tokens", "create", "", "serviceaccounts/token"),
//!     role("all", "*", "*", "*"),
//!     bind("tokens", "User", "", "eve"),
//!     bind("all", "ServiceAccount", "ci", "deployer"),
//! ]);
//! let facts = Facts::default();
//! let escalation = Escalation::of(&policy, &facts);
//! let (eve, proof) = escalation.proofs(&Target::ClusterAdmin).last().expect("accounts come before users");
//! assert_eq!(eve.identity.to_string(), "User eve");
//! let rows: Vec<&str> = proof.hops.iter().map(|hop| hop.row.id).collect();
//! assert_eq!(rows, ["request-token", "everything"]);
//!
//! // While the deployer stays an administrator, the right to its token must go.
//! let cut = escalation.cut(&Target::ClusterAdmin, &CutOptions { keep_admins: true, ..CutOptions::default() });
//! assert_eq!(policy.bindings()[cut.grants[0].binding].name, "tokens");
//! assert!(cut.exact);
//! ```

mod build;
pub mod catalogue;
pub mod closure;
pub mod cut;
pub mod facts;
mod graph;
mod hitting;
mod holder;
pub mod proof;
mod reach;
pub mod rows;
mod search;
mod table;
mod targets;
pub mod thing;
mod ways;

pub use closure::{Escalation, Target};
pub use facts::Facts;
pub use thing::Identity;
