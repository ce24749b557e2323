//! How each area answers its cases. A new area is one file and one line in [`AREAS`].

mod audit;
mod mesh;
mod netpol;
mod np_guard;
mod product;
mod pss;
mod rbac;
mod yaml;

use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// The areas.
static AREAS: &[&dyn Area] = &[
    &yaml::Yaml,
    &pss::Pss,
    &netpol::Netpol,
    &np_guard::NpGuard,
    &product::Product,
    &rbac::Rbac,
    &audit::Audit,
    &mesh::Mesh,
];

pub(crate) fn by_name(name: &str) -> Option<&'static dyn Area> {
    AREAS.iter().find(|area| area.name() == name).copied()
}

pub(crate) fn names() -> String {
    AREAS.iter().map(|area| area.name()).collect::<Vec<_>>().join(", ")
}

/// One area: what its case files ask, and how answers are compared.
pub(crate) trait Area: Sync {
    /// The folder name.
    fn name(&self) -> &'static str;
    /// What a case file of this stem asks; `None` if it is no case file.
    fn mode_of(&self, stem: &str) -> Option<&'static str>;
    /// What is said of all answers to a file together, and whether that is enough; `None` where each case stands for itself.
    fn together(&self, _mode: &str, _answers: &[(&Case<'_>, &Answered)]) -> Option<(String, bool)> {
        None
    }
    /// Answers a case and compares. `folder` is where the case file lies.
    fn answer(&self, mode: &str, case: &Case<'_>, folder: &Path) -> Answered;
}

/// A case as it stands in its file. Parts that hold objects stay text: how an object is written counts.
pub(crate) struct Case<'f> {
    pub(crate) id: String,
    pub(crate) line: &'f str,
}

#[derive(Deserialize)]
struct Identity {
    id: Option<String>,
    /// In some areas, the case is known by these two; in others the same keys hold the case itself.
    rule: Option<Value>,
    case: Option<Value>,
    /// So an event of an audit log is known.
    #[serde(rename = "auditID")]
    audit_id: Option<String>,
    stage: Option<String>,
}

impl<'f> Case<'f> {
    pub(crate) fn parse(line: &'f str, number: usize) -> Result<Self, serde_json::Error> {
        let identity: Identity = serde_json::from_str(line)?;
        let of_rule = identity
            .rule
            .zip(identity.case)
            .and_then(|(rule, case)| Some(format!("{}/{}", rule.as_str()?, case.as_str()?)));
        let of_event = identity.audit_id.zip(identity.stage).map(|(id, stage)| format!("{id}/{stage}"));
        let id = identity.id.or(of_rule).or(of_event);
        Ok(Self { id: id.unwrap_or_else(|| number.to_string()), line })
    }

    /// Reads the line as `T`.
    pub(crate) fn read<T: Deserialize<'f>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.line)
    }
}

/// An answer, and how it differs from the reference's, if it does.
pub(crate) struct Answered {
    pub(crate) verdict: Value,
    pub(crate) difference: Option<String>,
    /// Whether the rings do not claim to answer it: it is neither counted nor compared.
    pub(crate) skipped: bool,
}

impl Answered {
    /// Compares two verdicts to the last value.
    pub(crate) fn exact(want: &Value, got: Value) -> Self {
        let difference = (*want != got).then(|| difference(want, &got));
        Self { verdict: got, difference, skipped: false }
    }

    /// A case that cannot be answered.
    pub(crate) fn unanswered(error: impl std::fmt::Display) -> Self {
        let message = format!("cannot be answered: {error}");
        Self { verdict: serde_json::json!({ "badCase": message }), difference: Some(message), skipped: false }
    }
}

/// The two verdicts, one below the other.
pub(crate) fn difference(want: &Value, got: &Value) -> String {
    let mut text = String::new();
    let _ = write!(text, "want {want}\ngot  {got}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_named_by_its_id_or_what_it_is_of_or_its_number() {
        let id = |line: &str| Case::parse(line, 7).unwrap().id;
        assert_eq!(id(r#"{"id": "hand-001", "case": {"in": "a: no"}}"#), "hand-001");
        assert_eq!(id(r#"{"rule": "naked-pods", "case": "pod"}"#), "naked-pods/pod");
        assert_eq!(id(r#"{"auditID": "d61b", "stage": "Panic"}"#), "d61b/Panic");
        assert_eq!(id(r#"{"case": {"in": "a: no"}}"#), "7");
    }
}
