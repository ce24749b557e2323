//! What other programs make of templates: Helm charts and kustomizations.

pub(crate) mod charts;
pub(crate) mod kustomize;
mod program;

use std::path::{Path, PathBuf};

use ringwall_model::finding::Problem;
use ringwall_model::tree::Node;

use crate::Options;
use crate::files::Place;
use crate::outcome::{Note, NoteKind};
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
    /// No program is needed: rendering would give what is written.
    AsWritten,
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
        Outcome::Failed(Problem {
            file: place.name.clone(),
            position: None,
            message: format!("`{by}` {}", with_names(&message, place)),
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

/// A program's message with paths as the user knows them: the program was called in the directory itself, and
/// knows full paths only.
fn with_names(message: &str, place: &Place) -> String {
    let real = place.real.to_string_lossy();
    // Where the name is the end of the full path, what comes before it is where the user is.
    match real.strip_suffix(place.name.as_str()) {
        Some("" | "/") => message.to_owned(),
        Some(here) if here.ends_with('/') => message.replace(here, ""),
        _ => message.replace(&*real, &place.name),
    }
}

/// The note that something was not rendered.
fn skipped(place: &Place, message: String) -> Outcome {
    Outcome::Skipped(Note { file: place.name.clone(), position: None, kind: NoteKind::NotRendered, message })
}

/// `name` as an argument that can be pasted into a shell, and is a path there.
fn quoted(name: &str) -> String {
    let path = if name.starts_with('-') { format!("./{name}") } else { name.to_owned() };
    let plain = path.chars().all(|c| c.is_alphanumeric() || "._-/+:@%,=".contains(c));
    if plain { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// The texts in the list under `key`, or none.
fn texts<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = &'t str> {
    node.get(key).into_iter().flat_map(Node::items).filter_map(Node::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(real: &str, name: &str) -> Place {
        Place { path: name.into(), name: name.to_owned(), real: real.into() }
    }

    #[test]
    fn full_paths_become_those_of_the_user() {
        let message = "no /home/me/x/base for /home/me/x/prod";
        assert_eq!(with_names(message, &place("/home/me/x/prod", "x/prod")), "no x/base for x/prod");
        assert_eq!(with_names(message, &place("/home/me/x/prod", ".")), "no /home/me/x/base for .");
        assert_eq!(with_names(message, &place("/home/me/x/prod", "/home/me/x/prod")), message);
        assert_eq!(with_names(message, &place("/x/prod", "x/prod")), message);
    }

    #[test]
    fn a_name_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("charts/web-1.2"), "charts/web-1.2");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quoted("-x"), "./-x");
    }
}
