//! Area `mesh`: each case says by its `op` what is asked.

mod ambient;
mod analyze;
mod authz;
mod mtls;
mod objects;
mod validate;

use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answered, Area, Case};

pub(crate) struct Mesh;

impl Area for Mesh {
    fn name(&self) -> &'static str {
        "mesh"
    }

    fn mode_of(&self, _stem: &str) -> Option<&'static str> {
        Some("cases")
    }

    fn answer(&self, _mode: &str, case: &Case<'_>, folder: &Path) -> Answered {
        match answer(case, folder) {
            Ok(answered) => answered,
            Err(error) => Answered::unanswered(error),
        }
    }
}

#[derive(Deserialize)]
struct Line<'f> {
    #[serde(borrow)]
    case: &'f RawValue,
    #[serde(borrow)]
    want: &'f RawValue,
}

/// What the cases of all ops have.
#[derive(Deserialize)]
struct Asked {
    op: String,
}

/// The answer to a case with an object that Istio refuses: nothing else is compared.
fn refused(want: &Value, message: &str) -> Answered {
    let got = json!({ "error": message });
    match want.get("error") {
        Some(_) => Answered { verdict: got, difference: None, skipped: false },
        None => Answered::exact(want, got),
    }
}

fn answer(case: &Case<'_>, folder: &Path) -> Result<Answered, String> {
    let line: Line<'_> = case.read().map_err(|error| error.to_string())?;
    let asked: Asked = serde_json::from_str(line.case.get()).map_err(|error| error.to_string())?;
    match asked.op.as_str() {
        "ambient" => ambient::answer(&line),
        "analyze" => analyze::answer(&line, folder),
        "authz" => authz::answer(&line),
        "mtls" => mtls::answer(&line),
        "validate" => validate::answer(&line),
        op => Err(format!("no question `{op}` is known")),
    }
}
