//! Helm charts: which directories are charts of their own, which of their files are helm's, and rendering.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::files::{CHART_FILE, Place};
use crate::names::shown;
use crate::read::Refused;
use crate::render::{HELM_TEMPLATE, Outcome, Programs, quoted, run, skipped};
use crate::{Limits, Options, read, stream};

/// Helm's bound on the length of a release's name.
const RELEASE_NAME: usize = 53;

/// The charts of the input that are not part of another.
#[derive(Debug, Default)]
pub(crate) struct Charts {
    tops: Vec<Place>,
    by_real: HashMap<PathBuf, usize>,
}

/// The part that a file plays in its chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilePart {
    /// Helm reads it: a template, a subchart's file, values.
    Helm,
    /// Custom resource definitions: plain YAML, which helm prints along.
    Definitions,
    /// A file that helm does not read by itself.
    Other,
}

impl Charts {
    /// Takes the directories that hold a `Chart.yaml`, ordered by their real paths.
    pub(crate) fn new(places: Vec<Place>) -> Self {
        let mut charts = Self::default();
        // A directory comes before what it holds, so that a parent is known before its subcharts.
        for place in places {
            let absorbed = charts
                .enclosing(&place.real)
                .is_some_and(|(_, inside)| inside.starts_with("charts") || inside.starts_with("templates"));
            if !absorbed {
                charts.by_real.insert(place.real.clone(), charts.tops.len());
                charts.tops.push(place);
            }
        }
        charts
    }

    /// The charts to render.
    pub(crate) fn tops(&self) -> &[Place] {
        &self.tops
    }

    /// The chart that a file belongs to, and the part that it plays there.
    pub(crate) fn part(&self, real: &Path) -> Option<(&Place, FilePart)> {
        let (chart, inside) = self.enclosing(real)?;
        Some((chart, part_of(inside)))
    }

    /// The nearest chart around a path, and the path inside it.
    fn enclosing<'p>(&self, real: &'p Path) -> Option<(&Place, &'p Path)> {
        if self.tops.is_empty() {
            return None;
        }
        let (directory, index) =
            real.ancestors().skip(1).find_map(|directory| Some((directory, self.by_real.get(directory)?)))?;
        Some((&self.tops[*index], real.strip_prefix(directory).ok()?))
    }
}

/// The part that the file `inside` a chart plays. What is neither named by helm's rules nor by habit (`values`
/// files, the `ci` directory of chart-testing) is no business of helm: a whole repository may be one chart.
fn part_of(inside: &Path) -> FilePart {
    let mut parts: Vec<&OsStr> = inside.components().map(Component::as_os_str).collect();
    let subchart = parts.first().is_some_and(|part| *part == "charts");
    while parts.len() > 2 && parts[0] == "charts" {
        parts.drain(..2);
    }
    let first = parts[0].to_string_lossy();
    match &*first {
        "crds" if parts.len() > 1 => FilePart::Definitions,
        "templates" | "ci" if parts.len() > 1 => FilePart::Helm,
        _ if subchart => FilePart::Helm,
        CHART_FILE | "Chart.lock" | "requirements.yaml" | "requirements.lock" => FilePart::Helm,
        name if parts.len() == 1 && name.starts_with("values") => FilePart::Helm,
        _ => FilePart::Other,
    }
}

/// Renders a chart with its own values.
pub(crate) fn render(chart: &Place, programs: &Programs, options: &Options) -> Outcome {
    let path = chart.path.join(CHART_FILE);
    let file = Place { name: shown(&path), real: chart.real.join(CHART_FILE), path };
    let about = match About::read(&file, &options.limits) {
        Ok(about) => about,
        Err(refused) => return Outcome::Failed(refused.of(&file.name)),
    };
    if about.library {
        return skipped(
            chart,
            "Helm library chart: it has no objects of its own, so it is not rendered".to_owned(),
        );
    }
    let Some(helm) = &programs.helm else {
        let why = if options.render { "`helm` is not on PATH" } else { "rendering is switched off" };
        let way = format!("helm template {} | ringwall scan -", quoted(&chart.name));
        return skipped(chart, format!("Helm chart not rendered: {why}; pipe `{way}`"));
    };
    run(helm, &["template", &about.release, ".", "--include-crds"], HELM_TEMPLATE, chart, options)
}

/// What `Chart.yaml` says.
#[derive(Debug, PartialEq, Eq)]
struct About {
    /// The chart's name, as far as it can be a release's name.
    release: String,
    library: bool,
}

impl About {
    fn read(file: &Place, limits: &Limits) -> Result<Self, Refused> {
        let source = Arc::new(read::file(file, limits)?);
        let decoded = stream::decode(&source, limits);
        let Some(document) = decoded.documents.into_iter().next() else {
            return Ok(Self { release: release_name(""), library: false });
        };
        let tree = document.tree.map_err(|error| Refused {
            position: Some(source.position(error.offset)),
            message: error.message,
        })?;
        let text = |key: &str| tree.root().str_at(&[key]).unwrap_or_default();
        Ok(Self { release: release_name(text("name")), library: text("type") == "library" })
    }
}

/// A chart's name as a release's name. Charts are written by strangers: what comes out is never an option.
fn release_name(chart: &str) -> String {
    let name: String = chart
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(RELEASE_NAME)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "release-name".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Place {
        Place { path: path.into(), name: path.into(), real: path.into() }
    }

    #[test]
    fn a_release_is_named_after_its_chart_and_is_no_option() {
        assert_eq!(release_name("kube-state-metrics"), "kube-state-metrics");
        assert_eq!(release_name("Web_App"), "web-app");
        assert_eq!(release_name("--post-renderer=/bin/sh"), "post-renderer--bin-sh");
        assert_eq!(release_name("-"), "release-name");
        assert_eq!(release_name(&"a".repeat(80)).len(), RELEASE_NAME);
    }

    #[test]
    fn files_of_a_chart_play_their_parts() {
        for (file, part) in [
            ("Chart.yaml", FilePart::Helm),
            ("values.yaml", FilePart::Helm),
            ("values-prod.yaml", FilePart::Helm),
            ("values.schema.json", FilePart::Helm),
            ("templates/a.yaml", FilePart::Helm),
            ("templates/tests/a.yaml", FilePart::Helm),
            ("ci/test-values.yaml", FilePart::Helm),
            ("charts/redis/templates/a.yaml", FilePart::Helm),
            ("charts/redis/extra.yaml", FilePart::Helm),
            ("charts/redis/crds/a.yaml", FilePart::Definitions),
            ("charts/redis/charts/common/crds/a.yaml", FilePart::Definitions),
            ("crds/a.yaml", FilePart::Definitions),
            ("files/dashboard.json", FilePart::Other),
            ("deploy/values.yaml", FilePart::Other),
        ] {
            assert_eq!(part_of(Path::new(file)), part, "{file}");
        }
    }

    #[test]
    fn subcharts_are_no_charts_of_their_own() {
        let charts =
            ["/r", "/r/charts/a", "/r/charts/a/examples/b", "/r/deploy/c", "/r/templates/d"].map(place);
        let charts = Charts::new(charts.into());
        let tops: Vec<&str> = charts.tops().iter().map(|chart| chart.name.as_str()).collect();
        assert_eq!(tops, ["/r", "/r/deploy/c"]);
        let (chart, part) = charts.part(Path::new("/r/deploy/c/templates/x.yaml")).expect("in a chart");
        assert_eq!((chart.name.as_str(), part), ("/r/deploy/c", FilePart::Helm));
    }
}
