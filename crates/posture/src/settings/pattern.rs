//! Globs, as selectors of exceptions use them.

use globset::{GlobBuilder, GlobMatcher};

/// A compiled glob: `*`, `?`, `{a,b}`; in patterns of names and files also `[abc]`.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

/// What a pattern is matched with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A name: of an object, a namespace, a container.
    Name,
    /// A kind, in any case.
    Kind,
    /// A field path, in which `[` and `]` stand for themselves.
    Path,
    /// A file name, in which `*` stops at `/` and `**` does not.
    File,
}

impl Pattern {
    /// Compiles a glob.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without full stop.
    pub(super) fn compile(text: &str, subject: Subject) -> Result<Self, String> {
        let glob = match subject {
            Subject::Path => {
                let literal = |c: char| match c {
                    '[' => "[[]".to_owned(),
                    ']' => "[]]".to_owned(),
                    other => other.to_string(),
                };
                text.chars().map(literal).collect()
            }
            _ => text.to_owned(),
        };
        let compiled = GlobBuilder::new(&glob)
            .literal_separator(subject == Subject::File)
            .case_insensitive(subject == Subject::Kind)
            .build()
            .map_err(|error| format!("\"{text}\" is no glob: {}", error.kind()))?;
        Ok(Self { text: text.to_owned(), matcher: compiled.compile_matcher() })
    }

    /// Whether it matches the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        self.matcher.is_match(text)
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it can match one text only.
    pub fn is_exact(&self) -> bool {
        !self.text.contains(['*', '?', '[', '{', '\\'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_has_its_rules() {
        for (glob, subject, text, matches) in [
            ("web-*", Subject::Name, "web-1", true),
            ("web-*", Subject::Name, "my-web-1", false),
            ("{web,api}", Subject::Name, "api", true),
            ("deployment", Subject::Kind, "Deployment", true),
            ("spec.containers[0].image", Subject::Path, "spec.containers[0].image", true),
            ("spec.containers[*].image", Subject::Path, "spec.containers[12].image", true),
            ("*.privileged", Subject::Path, "spec.containers[0].securityContext.privileged", true),
            ("spec.containers[0]", Subject::Path, "spec.containers0", false),
            ("k8s/*.yaml", Subject::File, "k8s/a.yaml", true),
            ("k8s/*.yaml", Subject::File, "k8s/b/a.yaml", false),
            ("k8s/**", Subject::File, "k8s/b/a.yaml", true),
        ] {
            let pattern = Pattern::compile(glob, subject).unwrap();
            assert_eq!(pattern.matches(text), matches, "{glob} {text}");
        }
        assert!(Pattern::compile("[a", Subject::Name).is_err());
    }
}
