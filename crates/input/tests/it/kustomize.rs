//! Kustomizations.

use std::ffi::OsString;
use std::path::PathBuf;

use ringwall_input::{NoteKind, Options, load};
use ringwall_model::object::Rendering;
use ringwall_model::tree::Node;

use crate::{Dir, Seen, config_map, programs};

fn read(paths: &[&str], path: OsString) -> Seen {
    let options = Options { path: Some(path), ..Options::default() };
    let paths: Vec<PathBuf> =
        paths.iter().map(|path| PathBuf::from("tests/it/fixtures").join(path)).collect();
    Seen::new(load(&paths, &mut std::io::empty(), &options, &()), "tests/it/fixtures".as_ref())
}

/// What the overlays of the sample make, without the hash in a name.
fn overlays(seen: &Seen, by: &str) -> Vec<String> {
    let name = |object: &String| object.split("settings-").next().map(str::to_owned).unwrap_or_default();
    seen.objects.iter().filter(|object| object.contains(by)).map(name).collect()
}

fn expected(by: &str) -> Vec<String> {
    [
        "dev: ConfigMap dev/",
        "dev: Service dev/cart",
        "dev: Deployment dev/cart",
        "prod: ConfigMap prod/",
        "prod: Service prod/cart",
        "prod: Deployment prod/cart",
        "prod: Ingress prod/cart",
    ]
    .map(|object| format!("shop/overlays/{}", object.replacen(": ", &format!(" ({by}): "), 1)))
    .into()
}

#[test]
fn overlays_are_rendered_and_nothing_is_read_twice() {
    let Some(path) = programs::kustomize() else { return };
    let seen = read(&["shop"], path);
    assert_eq!(overlays(&seen, "kustomize build"), expected("kustomize build"));
    assert_eq!(seen.objects[0], "shop/namespace.yaml: Namespace prod");
    assert_eq!(seen.objects.len(), 8);
    assert!(seen.problems.is_empty() && seen.notes.is_empty(), "{:?} {:?}", seen.problems, seen.notes);
    let prod = &seen.input.objects[6];
    assert_eq!(prod.rendering, Rendering::Rendered { by: "kustomize build", template: None });
    assert_eq!(prod.root().at(&["spec", "replicas"]).and_then(Node::as_i64), Some(5));
    assert_eq!((seen.input.counts.rendered, seen.input.counts.files), (2, 1));
}

#[test]
fn kubectl_renders_where_kustomize_is_absent() {
    let Some(path) = programs::kubectl() else { return };
    let seen = read(&["shop"], path);
    assert_eq!(overlays(&seen, "kubectl kustomize"), expected("kubectl kustomize"));
    assert_eq!(seen.problems, [""; 0]);
}

#[test]
fn a_file_that_is_named_beside_its_kustomization_is_read_through_it() {
    let Some(path) = programs::kustomize() else { return };
    let seen = read(&["shop/overlays/prod/kustomization.yaml", "shop/base/deployment.yaml"], path);
    assert_eq!(overlays(&seen, "kustomize build"), &expected("kustomize build")[3..]);
    assert_eq!(seen.objects.len(), 4);
    assert_eq!(
        seen.notes,
        ["shop/base/deployment.yaml: read as part of the kustomization shop/overlays/prod"]
    );
}

#[test]
fn without_a_program_resources_are_read_and_patches_are_not() {
    let seen = read(&["shop"], OsString::new());
    assert_eq!(
        seen.objects,
        [
            "shop/base/deployment.yaml: Deployment cart",
            "shop/base/service.yaml: Service cart",
            "shop/namespace.yaml: Namespace prod",
            "shop/overlays/prod/ingress.yaml: Ingress cart",
        ]
    );
    assert_eq!(seen.problems, [""; 0]);
    assert_eq!(
        seen.notes[1],
        "shop/overlays/prod: kustomization not rendered: neither `kustomize` nor `kubectl` is on PATH; its resource \
         files are read as they are, without its patches; pipe `kustomize build shop/overlays/prod | ringwall scan -`"
    );
    assert_eq!(seen.notes.len(), 2);
    assert_eq!(seen.input.notes[1].kind, NoteKind::NotRendered);
    // Also the resources that lie elsewhere.
    let seen = read(&["shop/overlays/prod"], OsString::new());
    assert_eq!(
        seen.objects,
        [
            "shop/base/deployment.yaml: Deployment cart",
            "shop/base/service.yaml: Service cart",
            "shop/overlays/prod/ingress.yaml: Ingress cart",
        ]
    );
}

#[test]
fn what_kustomize_refuses_is_a_problem_and_its_resources_are_read() {
    let Some(path) = programs::kustomize() else { return };
    let dir = Dir::with(&[
        ("bad/kustomization.yaml", "resources: [a.yaml, missing.yaml]\npatches: [{path: patch.yaml}]\n"),
        ("bad/a.yaml", &config_map("a")),
        ("bad/patch.yaml", &config_map("patch")),
        ("good/Kustomization", "resources: [b.txt, ../c]\n"),
        ("good/b.txt", &config_map("b")),
        ("c/kustomization.yaml", "resources: [c.yaml]\n"),
        ("c/c.yaml", &config_map("c")),
        ("d/kustomization.yaml", "a: b: c\n"),
        ("d/d.yaml", &config_map("d")),
    ]);
    let seen = dir.read_with(&["."], &Options { path: Some(path), ..Options::default() });
    assert_eq!(
        seen.objects,
        [
            "bad/a.yaml: ConfigMap a",
            // Nothing but a list of resources: they are read where they are written.
            "c/c.yaml: ConfigMap c",
            "d/d.yaml: ConfigMap d",
            "good/b.txt: ConfigMap b",
        ]
    );
    assert_eq!(seen.problems.len(), 2, "{:?}", seen.problems);
    assert!(seen.problems[0].starts_with("bad: `kustomize build` failed: "), "{:?}", seen.problems);
    assert!(seen.problems[0].contains("missing.yaml"), "{:?}", seen.problems);
    assert!(seen.problems[1].starts_with("d/kustomization.yaml:1:"), "{:?}", seen.problems);
}

#[test]
fn a_kustomization_that_only_lists_resources_is_read_where_they_are_written() {
    // No program is needed, so none has to be there.
    let dir = Dir::with(&[
        ("base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("base/a.yaml", &config_map("a")),
        (
            "all/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\n",
        ),
    ]);
    let seen = dir.read_with(&["."], &Options { path: Some("".into()), ..Options::default() });
    assert_eq!(seen.objects, ["base/a.yaml: ConfigMap a"]);
    assert!(seen.problems.is_empty() && seen.notes.is_empty(), "{:?} {:?}", seen.problems, seen.notes);
}

#[test]
fn a_circle_of_kustomizations_is_a_problem() {
    let Some(path) = programs::kustomize() else { return };
    let dir = Dir::with(&[
        ("a/kustomization.yaml", "resources: [../b, a.yaml]\n"),
        ("a/a.yaml", &config_map("a")),
        ("b/kustomization.yaml", "resources: [../a]\n"),
    ]);
    let seen = dir.read_with(&["."], &Options { path: Some(path), ..Options::default() });
    assert_eq!(seen.objects, ["a/a.yaml: ConfigMap a"]);
    assert!(seen.problems.len() == 1 && seen.problems[0].contains("cycle"), "{:?}", seen.problems);
}

#[test]
fn nothing_is_fetched_unless_it_is_asked_for() {
    let Some(path) = programs::kustomize() else { return };
    let dir = Dir::with(&[
        ("k/kustomization.yaml", "resources:\n- https://example.invalid/x.yaml\n- a.yaml\n"),
        ("k/a.yaml", &config_map("a")),
    ]);
    let mut options = Options { path: Some(path), ..Options::default() };
    let seen = dir.read_with(&["."], &options);
    assert_eq!(seen.objects, ["k/a.yaml: ConfigMap a"]);
    assert!(
        seen.notes[0].contains("it refers to https://example.invalid/x.yaml, which would have to be fetched"),
        "{:?}",
        seen.notes
    );
    options.fetch = true;
    let seen = dir.read_with(&["."], &options);
    assert!(seen.notes.is_empty() && seen.problems.len() == 1, "{:?} {:?}", seen.notes, seen.problems);
}

#[test]
fn components_and_generators_belong_to_who_uses_them() {
    let dir = Dir::with(&[
        (
            "app/kustomization.yaml",
            "resources: [a.yaml]\ncomponents: [../part]\ntransformers: [../change]\n\
          secretGenerator: [{name: s, envs: [s.env.yaml]}]\npatchesStrategicMerge:\n- p.yaml\n- |-\n  kind: Pod\n",
        ),
        ("app/a.yaml", &config_map("a")),
        ("app/p.yaml", &config_map("p")),
        ("app/s.env.yaml", "a=b\n"),
        ("part/kustomization.yaml", "kind: Component\nresources: [b.yaml]\n"),
        ("part/b.yaml", &config_map("b")),
        ("change/kustomization.yaml", "resources: [t.yaml]\n"),
        ("change/t.yaml", &config_map("t")),
        ("alone/kustomization.yaml", "kind: Component\nresources: [c.yaml]\npatches: [{path: q.yaml}]\n"),
        ("alone/c.yaml", &config_map("c")),
        ("alone/q.yaml", &config_map("q")),
    ]);
    let seen = dir.read(&["."]);
    assert_eq!(
        seen.objects,
        ["alone/c.yaml: ConfigMap c", "app/a.yaml: ConfigMap a", "part/b.yaml: ConfigMap b"]
    );
    assert_eq!(seen.notes.len(), 2, "{:?}", seen.notes);
    assert!(
        seen.notes[0].starts_with("alone: kustomize component that no kustomization here uses"),
        "{:?}",
        seen.notes
    );
    assert!(seen.notes[1].contains("rendering is switched off"), "{:?}", seen.notes);
    assert_eq!(seen.problems, [""; 0]);
}

#[test]
fn an_object_of_flux_is_no_kustomization() {
    let text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\n";
    let dir = Dir::with(&[("kustomization.yaml", text), ("a.yaml", &config_map("a"))]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["a.yaml: ConfigMap a", "kustomization.yaml: Kustomization apps"]);
    assert_eq!(seen.notes, [""; 0]);
}
