//! Area `audit`: events of a real API server's log, each asked again of the RBAC objects that it had.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ringwall_rbac::policy::Policy;
use serde::Deserialize;
use serde_json::{Value, json};

use super::rbac::{Query, comparable, of_text, one};
use super::{Answered, Area, Case};
use crate::files;

pub(crate) struct Audit;

/// The objects that the server had, beside the case file.
const STATE: &str = "real-rbac-state.json.gz";

impl Area for Audit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn mode_of(&self, stem: &str) -> Option<&'static str> {
        // What policies make the log say is another matter than who may do what.
        (stem == "real-audit-replay").then_some("replay")
    }

    fn answer(&self, _mode: &str, case: &Case<'_>, folder: &Path) -> Answered {
        match answer(case, folder) {
            Ok(answered) => answered,
            Err(error) => Answered::unanswered(error),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'f> {
    #[serde(borrow)]
    query: Query<'f>,
    info: Value,
    decision: Value,
    #[serde(default)]
    allowed_by: Value,
}

fn answer(case: &Case<'_>, folder: &Path) -> Result<Answered, String> {
    let line: Line<'_> = case.read().map_err(|error| error.to_string())?;
    let policy = state(&folder.join(STATE))?;
    let mut got = one(&policy, &line.query)?;
    if let Some(fields) = got.as_object_mut() {
        // The log's own decision is for a reader; of the answer, these three are said.
        fields.retain(|key, _| matches!(key.as_str(), "info" | "decision" | "allowedBy"));
    }
    let want = json!({ "info": line.info, "decision": line.decision, "allowedBy": line.allowed_by });
    let difference = (comparable(&want) != comparable(&got)).then(|| super::difference(&want, &got));
    Ok(Answered { verdict: got, difference, skipped: false })
}

/// The objects in a file, read once.
fn state(path: &Path) -> Result<Arc<Policy>, String> {
    static READ: Mutex<BTreeMap<PathBuf, Arc<Policy>>> = Mutex::new(BTreeMap::new());
    // Whoever fails while he holds it has put nothing half into it.
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(policy) = read.get(path) {
        return Ok(Arc::clone(policy));
    }
    let policy = Arc::new(of_text(STATE, files::read(path)?)?);
    read.insert(path.to_owned(), Arc::clone(&policy));
    Ok(policy)
}
