//! Helm charts.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use ringwall_input::{Limits, NoteKind, Options, load};
use ringwall_model::object::Rendering;

use crate::{Dir, Seen, config_map, programs};

/// The sample chart; tests run in the directory of the crate.
const WEB: &str = "tests/it/fixtures/web";

fn read(paths: &[&str], path: OsString) -> Seen {
    let options = Options { path: Some(path), ..Options::default() };
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    Seen::new(load(&paths, &mut std::io::empty(), &options, &()), "tests/it/fixtures".as_ref())
}

/// Kind, name and template of each object that was rendered from the sample chart.
fn rendered() -> Vec<(String, Option<String>)> {
    [
        ("CustomResourceDefinition widgets.example.com", "web/crds/widgets.yaml"),
        ("CustomResourceDefinition gadgets.example.com", "web/crds/widgets.yaml"),
        ("ConfigMap web-settings", "web/templates/quoted.yaml"),
        ("Service web-redis", "web/charts/redis/templates/service.yaml"),
        ("Deployment web", "web/templates/deployment.yaml"),
        ("Job web-migrate", "web/templates/job.yaml"),
    ]
    .map(|(id, template)| (id.to_owned(), Some(template.to_owned())))
    .into()
}

fn templates(seen: &Seen) -> Vec<(String, Option<String>)> {
    let template = |rendering: &Rendering| match rendering {
        Rendering::Rendered { by: "helm template", template } => template.clone(),
        _ => None,
    };
    let from_chart = seen.input.objects.iter().filter(|object| object.rendering != Rendering::None);
    from_chart.map(|object| (object.id.to_string(), template(&object.rendering))).collect()
}

#[test]
fn a_chart_is_rendered_and_not_read() {
    let Some(path) = programs::helm() else { return };
    let seen = read(&[WEB], path);
    assert_eq!(templates(&seen), rendered());
    assert_eq!(seen.problems, [""; 0]);
    assert!(seen.objects[0].starts_with("web (helm template): "), "{:?}", seen.objects);
    assert_eq!(seen.objects.last().map(String::as_str), Some("web/files/quota.yaml: ResourceQuota web"));
    assert_eq!(seen.objects.len(), 7);
    assert_eq!(
        seen.notes,
        ["web/files/alerts.yaml: not read: a file of a Helm chart that looks like a template"]
    );
    let counts = seen.input.counts;
    assert_eq!((counts.rendered, counts.files, counts.objects), (1, 2, 7));
    let hook = &seen.input.objects[5];
    assert_eq!(hook.root().str_at(&["metadata", "annotations", "helm.sh/hook"]), Some("pre-install"));
    assert_eq!(seen.input.objects[4].locate(&"spec.replicas".parse().expect("a path")).line, 40);
}

#[test]
fn a_chart_is_rendered_however_it_is_named() {
    let Some(path) = programs::helm() else { return };
    for name in
        ["web/templates", "web/Chart.yaml", "web/templates/deployment.yaml", "web/templates/../templates/"]
    {
        let seen = read(&[&format!("tests/it/fixtures/{name}")], path.clone());
        assert_eq!(templates(&seen), rendered(), "{name}");
        assert!(seen.objects[0].starts_with("web (helm template): "), "{:?}", seen.objects);
    }
    let seen = read(&["./tests/it/fixtures/web/templates"], path.clone());
    assert_eq!(seen.notes, ["web/templates: templates of the Helm chart web, which is rendered as a whole"]);
    assert_eq!(seen.input.notes[0].kind, NoteKind::Elsewhere);
    // Named by several names, it is rendered once.
    let seen = read(
        &[WEB, "tests/it/fixtures/web/templates", "tests/it/fixtures/web/crds/widgets.yaml"],
        path.clone(),
    );
    assert_eq!(seen.input.counts.rendered, 1);
    assert_eq!(templates(&seen), rendered());
    assert!(seen.notes.contains(&"web/crds/widgets.yaml: read as part of the Helm chart web".to_owned()));
    // A subchart that is named without its parent is a chart.
    let seen = read(&["tests/it/fixtures/web/charts/redis"], path);
    assert_eq!(seen.objects, ["web/charts/redis (helm template): Service redis-redis"]);
}

#[test]
fn what_helm_refuses_is_a_problem_and_definitions_are_read() {
    let Some(path) = programs::helm() else { return };
    let dir = Dir::with(&[
        (
            "a/Chart.yaml",
            "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: x, version: 1.0.0, repository: 'https://example.invalid'}]\n",
        ),
        ("a/crds/c.yaml", &config_map("definition")),
        ("b/Chart.yaml", "apiVersion: v2\nname: b\nversion: 1.0.0\n"),
        ("b/templates/x.yaml", "{{ fail \"no luck.\" }}"),
        ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\ntype: library\n"),
        ("d/Chart.yaml", "a: b: c\n"),
        ("e.yaml", &config_map("e")),
    ]);
    let seen = dir.read_with(&["."], &Options { path: Some(path), ..Options::default() });
    assert_eq!(seen.objects, ["a/crds/c.yaml: ConfigMap definition", "e.yaml: ConfigMap e"]);
    assert_eq!(seen.problems.len(), 3, "{:?}", seen.problems);
    assert!(
        seen.problems[0].starts_with("a: `helm template` failed: ")
            && seen.problems[0].contains("missing in charts/"),
        "{:?}",
        seen.problems
    );
    assert!(seen.problems[1].contains("no luck"), "{:?}", seen.problems);
    assert!(seen.problems[2].starts_with("d/Chart.yaml:1:"), "{:?}", seen.problems);
    assert_eq!(seen.notes, ["c: Helm library chart: it has no objects of its own, so it is not rendered"]);
}

#[test]
fn without_helm_each_chart_is_noted_and_its_definitions_are_read() {
    let seen = read(&["tests/it/fixtures"], OsString::new());
    let chart = "web: Helm chart not rendered: `helm` is not on PATH; \
                 pipe `helm template tests/it/fixtures/web | ringwall scan -`";
    let notes: Vec<&str> =
        seen.notes.iter().map(String::as_str).filter(|note| note.starts_with("web:")).collect();
    assert_eq!(notes, [chart.replace("tests/it/fixtures/web", "web")]);
    let of_chart: Vec<&String> = seen.objects.iter().filter(|object| object.starts_with("web")).collect();
    assert_eq!(
        of_chart,
        [
            "web/crds/widgets.yaml: CustomResourceDefinition widgets.example.com",
            "web/crds/widgets.yaml: CustomResourceDefinition gadgets.example.com",
            "web/files/quota.yaml: ResourceQuota web",
        ]
    );
    assert_eq!(seen.problems, [""; 0]);
}

#[test]
fn piped_output_of_helm_knows_its_templates() {
    let text = format!("---\n# Source: web/templates/a.yaml\n{}---\n{}", config_map("a"), config_map("b"));
    let input = load(&["-".into()], &mut text.as_bytes(), &Options::default(), &());
    let template = Some("web/templates/a.yaml".to_owned());
    assert_eq!(input.objects[0].rendering, Rendering::Rendered { by: "helm template", template });
    assert_eq!(input.objects[1].rendering, Rendering::None);
}

#[cfg(unix)]
#[test]
fn helm_is_called_with_care() {
    let dir = Dir::with(&[("c/Chart.yaml", "apiVersion: v2\nname: --post-renderer=/bin/sh\n")]);
    let path = programs::stand_in(
        &dir,
        "helm",
        "echo \"# Source: $* in ${PWD##*/}\"; cat; echo 'apiVersion: v1'; echo 'kind: Pod'",
    );
    let seen = dir.read_with(&["c"], &Options { path: Some(path), ..Options::default() });
    let template = Some("template post-renderer--bin-sh . --include-crds in c".to_owned());
    assert_eq!(seen.input.objects[0].rendering, Rendering::Rendered { by: "helm template", template });
}

#[cfg(unix)]
#[test]
fn a_program_that_hangs_or_floods_is_stopped() {
    let dir = Dir::with(&[("c/Chart.yaml", "name: c\n"), ("a.yaml", &config_map("a"))]);
    let mut options = Options {
        timeout: Duration::from_millis(300),
        limits: Limits { bytes: 100, ..Limits::default() },
        path: Some(programs::stand_in(&dir, "helm", "sleep 5 & echo 'a: 1'; exec sleep 60")),
        ..Options::default()
    };
    let started = std::time::Instant::now();
    let seen = dir.read_with(&["."], &options);
    assert_eq!(seen.objects, ["a.yaml: ConfigMap a"]);
    assert_eq!(seen.problems, ["c: `helm template` ran longer than 0.3 s and was stopped"]);
    options.timeout = Duration::from_secs(60);
    programs::stand_in(&dir, "helm", "exec yes");
    let seen = dir.read_with(&["."], &options);
    assert_eq!(seen.problems, ["c: `helm template` printed more than the 100 bytes that are read"]);
    programs::stand_in(&dir, "helm", "echo 'WARNING: hm' >&2; echo 'Error: no, not at all.' >&2; exit 1");
    assert_eq!(dir.read_with(&["."], &options).problems, ["c: `helm template` failed: no, not at all"]);
    programs::stand_in(&dir, "helm", "exit 3");
    assert_eq!(dir.read_with(&["."], &options).problems, ["c: `helm template` failed with exit status: 3"]);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn programs_are_not_taken_from_the_directory_that_is_scanned() {
    let dir = Dir::with(&[("c/Chart.yaml", "name: c\n")]);
    let seen = dir.read_with(&["c"], &Options { path: Some(".".into()), ..Options::default() });
    assert!(seen.notes[0].contains("not on PATH"), "{:?}", seen.notes);
}
