//! Area `pss`: Pod Security Standards and Pod Security Admission.
use super::{Answered, Area, Case};
pub(crate) struct Pss;
impl Area for Pss {
    fn name(&self) -> &'static str { "pss" }
    fn mode_of(&self, _stem: &str) -> Option<&'static str> { None }
    fn answer(&self, _mode: &str, _case: &Case<'_>, _folder: &std::path::Path) -> Answered { Answered::unanswered("not yet") }
}
