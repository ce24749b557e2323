//! What other programs make of templates: Helm charts and kustomizations.

pub(crate) mod charts;
pub(crate) mod kustomize;
mod program;

use std::path::{Path, PathBuf};

use ringwall_model::finding::Problem;
use ringwall_model::tree::Node;

use crate::Options;
use crate::files::Place;
use crate::load::{Note, NoteKind};
use crate::read;

/// How `helm` is called, as it is shown to users.
pub(crate) const HELM_TEMPLATE: &str = "helm template";

const KUSTOMIZE_BUILD: &str = "kustomize build";
const KUBECTL_KUSTOMIZE: &str = "kubectl kustomize";

/// What became of a chart or kustomization.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The program `by` printed `text`.
    Rendered { text: String, by: &'static str },
    /// The program could not render it.
    Failed(Problem),
    /// No program was run.
    Skipped(Note),
}

/// The programs that render, where they are there.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    helm: Option<PathBuf>,
    /// The program, its first argument, and how the two are shown.
    kustomize: Option<(PathBuf, &'static str, &'static str)>,
}

impl Programs {
    /// Looks the programs up.
    pub(crate) fn find(options: &Options) -> Self {
        if !options.render {
            return Self::default();
        }
        let find = |name| program::find(name, options.path.as_deref());
        let kubectl = || find("kubectl").map(|program| (program, "kustomize", KUBECTL_KUSTOMIZE));
        Self {
            helm: find("helm"),
            kustomize: find("kustomize").map(|program| (program, "build", KUSTOMIZE_BUILD)).or_else(kubectl),
        }
    }
}

/// Runs a program in the directory of `place` and takes what it prints.
fn run(program: &Path, arguments: &[&str], by: &'static str, place: &Place, options: &Options) -> Outcome {
    let failed = |message: String| {
        // The program was called in the directory itself and knows it by its full path only.
        let message = message.replace(&*place.real.to_string_lossy(), &place.name);
        Outcome::Failed(Problem {
            file: place.name.clone(),
            position: None,
            message: format!("`{by}` {message}"),
            object: None,
        })
    };
    match program::run(program, arguments, &place.path, read::most(&options.limits), options.timeout) {
        Err(message) => failed(message),
        Ok(bytes) => match read::text(bytes) {
            Ok(text) => Outcome::Rendered { text, by },
            Err(refused) => failed(format!("printed what is no text: {}", refused.message)),
        },
    }
}

/// The note that something was not rendered.
fn skipped(place: &Place, message: String) -> Outcome {
    Outcome::Skipped(Note { file: place.name.clone(), position: None, kind: NoteKind::NotRendered, message })
}

/// `name` as an argument that can be pasted into a shell.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._-/+:@%,=".contains(c);
    if !name.starts_with('-') && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}

/// The texts in the list under `key`, or none.
fn texts<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = &'t str> {
    node.get(key).into_iter().flat_map(Node::items).filter_map(Node::as_str)
}
