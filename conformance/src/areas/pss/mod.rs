//! Area `pss`: Pod Security Standards and Pod Security Admission.

mod admit;
mod settings;
mod sweep;

use std::path::Path;
use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_model::text::Source;
use ringwall_model::tree::Tree;
use serde_json::{Value, json};

use super::{Answered, Area, Case, difference};

pub(crate) struct Pss;

impl Area for Pss {
    fn name(&self) -> &'static str {
        "pss"
    }

    fn mode_of(&self, stem: &str) -> Option<&'static str> {
        Some(match stem {
            "pods" | "quirks" | "kyverno" => "sweep",
            "psa-verdicts" => "sweep-file",
            "psa-index" => "index",
            "admit" => "admit",
            "labels" => "labels",
            "config" => "config",
            "defaulted" => "defaulted",
            "table" => "table",
            _ => return None,
        })
    }

    fn answer(&self, mode: &str, case: &Case<'_>, folder: &Path) -> Answered {
        let answered = match mode {
            "sweep" => sweep::case(case),
            "sweep-file" => sweep::file(case, folder),
            "index" => sweep::index(case, folder),
            "defaulted" => sweep::defaulted(case),
            "admit" => admit::case(case),
            "labels" => settings::labels(case),
            "config" => settings::config(case),
            _ => settings::table(case),
        };
        answered.unwrap_or_else(Answered::unanswered)
    }
}

type Outcome = Result<Answered, String>;

/// A JSON text as a tree.
fn tree(name: &str, text: &str) -> Result<Tree, String> {
    json::parse(&Arc::new(Source::new(name, text)), &Limits::default()).map_err(|error| error.to_string())
}

/// Compares two verdicts of which one field is an error text: of it, only that there is one.
fn but_for_the_text_of(field: &str, want: &Value, got: Value) -> Answered {
    let without = |value: &Value| {
        let mut value = value.clone();
        if let Some(fields) = value.as_object_mut()
            && fields.get(field).is_some()
        {
            fields.insert(field.to_owned(), json!(true));
        }
        value
    };
    let difference = (without(want) != without(&got)).then(|| difference(want, &got));
    Answered { verdict: got, difference, skipped: false }
}
