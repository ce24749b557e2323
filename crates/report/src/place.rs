//! Where formats that other tools join with a repository point: a file that is in it, by its path or as a URI.

use std::borrow::Cow;
use std::path::MAIN_SEPARATOR;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_model::finding::Location;
use ringwall_model::text::Position;

/// The name of standard input as a text.
const STDIN: &str = "<stdin>";

/// The programs that render, as they stand behind the name of a rendered text in the model: `charts/web (helm template)`.
const RENDERERS: [(&str, &str); 3] = [
    ("helm template", "Chart.yaml"),
    // The name that both programs look for first.
    ("kustomize build", "kustomization.yaml"),
    ("kubectl kustomize", "kustomization.yaml"),
];

/// A place in a file of the repository.
pub(crate) struct Place<'a> {
    /// Path of the file, its parts apart by `/`.
    pub(crate) file: Cow<'a, str>,
    /// Where in it. `None` for the file as a whole, and for what was rendered: its lines are not those of the file.
    pub(crate) region: Option<Region>,
    /// For what was rendered: the program, and where in what it printed.
    printed: Option<(&'static str, Position)>,
}

/// A part of a text, in lines and Unicode characters.
pub(crate) struct Region {
    /// Where it begins.
    pub(crate) start: Position,
    /// One behind where it ends.
    pub(crate) end: Position,
}

impl Region {
    /// A region on one line. One without width has a character after all: other tools show nothing else.
    fn on_line(start: Position, width: u32) -> Self {
        let end = Position { line: start.line, column: start.column.saturating_add(width.max(1)) };
        Self { start, end }
    }
}

impl<'a> Place<'a> {
    /// The place of a finding. For a rendered text that is the chart's template as a whole, or, where that is not
    /// known, the file that makes the directory a chart or a kustomization.
    pub(crate) fn of(location: &'a Location) -> Self {
        let rendered = rendered_name(&location.file);
        let (Some((folder, main)), Some(by)) = (rendered, location.rendered_by) else {
            let region = Some(Region::on_line(location.position, location.width));
            return Self { file: path(&location.file), region, printed: None };
        };
        // Helm begins the name of a template with the chart's name, which need not be that of its folder.
        let inner = location
            .template
            .as_deref()
            .map_or(main, |template| template.split_once('/').map_or(template, |(_, inside)| inside));
        let printed = Some((by, location.position));
        Self { file: Cow::Owned(joined(folder, inner)), region: None, printed }
    }

    /// The place of a problem or a note.
    pub(crate) fn of_text(file: &'a str, position: Option<Position>) -> Self {
        let (file, region) = match rendered_name(file) {
            Some((folder, main)) => (Cow::Owned(joined(folder, main)), None),
            None => (path(file), position.map(|position| Region::on_line(position, 0))),
        };
        Self { file, region, printed: None }
    }

    /// A message about this place; for what was rendered, with where it stands in that.
    pub(crate) fn told(&self, message: &str) -> String {
        match self.printed {
            None => message.to_owned(),
            Some((by, position)) => format!("{message} ({position} of what `{by}` prints)"),
        }
    }

    /// Line of its beginning; the first for a whole file.
    pub(crate) fn line(&self) -> u32 {
        self.region.as_ref().map_or(1, |region| region.start.line)
    }

    /// The URI of the file, and whether it is relative (to where ringwall ran).
    pub(crate) fn uri(&self) -> (String, bool) {
        if self.file == STDIN {
            return ("stdin".to_owned(), true);
        }
        let encoded = utf8_percent_encode(&self.file, KEPT).to_string();
        let windows = MAIN_SEPARATOR == '\\';
        if windows && self.file.starts_with("//") {
            // `\\server\share`
            (format!("file:{encoded}"), false)
        } else if self.file.starts_with('/') || (windows && self.file.as_bytes().get(1) == Some(&b':')) {
            (format!("file:///{}", encoded.trim_start_matches('/')), false)
        } else {
            (encoded, true)
        }
    }
}

/// What a path keeps in a URI (RFC 3986: unreserved characters, and `/`). A colon goes too: in a first part it would
/// read like a scheme.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A path with `/` between its parts and without `./` before it.
fn path(name: &str) -> Cow<'_, str> {
    if MAIN_SEPARATOR == '\\' {
        return Cow::Owned(inside(&name.replace('\\', "/")).to_owned());
    }
    Cow::Borrowed(inside(name))
}

/// A path without `./` before it; that of the directory itself stays.
fn inside(path: &str) -> &str {
    path.strip_prefix("./").filter(|rest| !rest.is_empty()).unwrap_or(path)
}

fn joined(folder: &str, inner: &str) -> String {
    match path(folder).trim_end_matches('/') {
        "" | "." => inner.to_owned(),
        folder => format!("{folder}/{inner}"),
    }
}

/// The directory that a text was rendered from, and the file that makes it one to be rendered.
fn rendered_name(name: &str) -> Option<(&str, &'static str)> {
    // What is named by nothing else is a file of this odd name.
    let (folder, by) = name.strip_suffix(')')?.rsplit_once(" (").filter(|(folder, _)| !folder.is_empty())?;
    RENDERERS.iter().find(|(program, _)| *program == by).map(|(_, main)| (folder, *main))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(file: &str, rendered_by: Option<&'static str>, template: Option<&str>) -> Location {
        Location {
            file: file.to_owned(),
            position: Position { line: 7, column: 3 },
            width: 4,
            template: template.map(str::to_owned),
            rendered_by,
        }
    }

    #[test]
    fn what_was_rendered_is_shown_at_a_file_that_is_there() {
        let table = [
            (
                "charts/web (helm template)",
                "helm template",
                Some("shop/templates/a.yaml"),
                "charts/web/templates/a.yaml",
            ),
            ("charts/web (helm template)", "helm template", None, "charts/web/Chart.yaml"),
            (". (helm template)", "helm template", Some("shop/crds/a.yaml"), "crds/a.yaml"),
            ("prod (kustomize build)", "kustomize build", None, "prod/kustomization.yaml"),
            ("./prod (kubectl kustomize)", "kubectl kustomize", None, "prod/kustomization.yaml"),
        ];
        for (file, by, template, expected) in table {
            let location = location(file, Some(by), template);
            let place = Place::of(&location);
            assert_eq!((&*place.file, place.line()), (expected, 1), "{file}");
            assert!(place.region.is_none());
            assert!(Place::of_text(file, Some(location.position)).region.is_none());
        }
    }

    #[test]
    fn what_was_read_is_shown_where_it_stands() {
        for (file, by) in [("./a.yaml", None), ("a.yaml", None), ("<stdin>", Some("helm template"))] {
            let location = location(file, by, None);
            let place = Place::of(&location);
            let region = place.region.unwrap();
            assert_eq!((region.start.column, region.end.column, region.end.line), (3, 7, 7));
        }
    }

    #[test]
    fn a_uri_holds_nothing_that_it_may_not() {
        let uri = |file: &str| Place::of_text(file, None).uri();
        assert_eq!(uri("k8s/a b/ü#1?.yaml"), ("k8s/a%20b/%C3%BC%231%3F.yaml".to_owned(), true));
        assert_eq!(uri("a:b.yaml"), ("a%3Ab.yaml".to_owned(), true));
        assert_eq!(uri("<stdin>"), ("stdin".to_owned(), true));
        assert_eq!(uri("/srv/k8s/a.yaml"), ("file:///srv/k8s/a.yaml".to_owned(), false));
        assert_eq!(uri("./k8s/a.yaml").0, "k8s/a.yaml");
        assert_eq!(uri("../a.yaml").0, "../a.yaml");
    }
}
