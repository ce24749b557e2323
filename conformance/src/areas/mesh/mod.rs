//! Area `mesh`: the question of a case, known by its `op`, asked of the objects of the case.

mod mtls;
mod validate;

use std::path::Path;
use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Source;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Answered, Area, Case};

pub(crate) struct Mesh;

impl Area for Mesh {
    fn name(&self) -> &'static str {
        "mesh"
    }

    fn mode_of(&self, _stem: &str) -> Option<&'static str> {
        Some("questions")
    }

    fn answer(&self, _mode: &str, case: &Case<'_>, _folder: &Path) -> Answered {
        answer(case).unwrap_or_else(Answered::unanswered)
    }
}

/// A line of a case file.
#[derive(Deserialize)]
struct Line<'f> {
    #[serde(borrow)]
    case: Question<'f>,
    want: Value,
}

/// A case.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question<'f> {
    op: String,
    #[serde(default)]
    mesh_config: Value,
    #[serde(default, borrow)]
    resources: Vec<&'f RawValue>,
}

impl Question<'_> {
    /// The objects, in the order written.
    fn objects(&self) -> Result<Vec<Object>, String> {
        self.resources.iter().map(|text| object(text.get())).collect()
    }
}

/// The object that a JSON text holds.
fn object(text: &str) -> Result<Object, String> {
    let tree = json::parse(&Arc::new(Source::new("case", text)), &Limits::default()).map_err(|error| error.to_string())?;
    let tree = Arc::new(tree);
    Object::read(&tree, tree.root(), FieldPath::root()).map_err(|error| format!("{error:?}"))
}

fn answer(case: &Case<'_>) -> Result<Answered, String> {
    let line: Line<'_> = case.read().map_err(|error| error.to_string())?;
    match line.case.op.as_str() {
        "mtls" => mtls::answer(&line.case, &line.want),
        "validate" => validate::answer(&line.case, &line.want),
        op => Err(format!("no `op` {op}")),
    }
}
