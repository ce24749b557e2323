//! The invariants of ARCHITECTURE.md that no compiler checks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the checkout").to_owned()
}

/// The crates of the project that a manifest's `[dependencies]` name.
fn own_dependencies(manifest: &Path) -> BTreeSet<String> {
    let text =
        std::fs::read_to_string(manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let section = text.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("ringwall-"))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn dependencies_run_one_way() {
    // What each crate may use, as the table in ARCHITECTURE.md has it.
    let rings = ["mesh", "network", "pods", "rbac"];
    let allowed: &[(&str, &[&str])] = &[
        ("model", &[]),
        ("input", &["model"]),
        ("mesh", &["model"]),
        ("network", &["model"]),
        ("pods", &["model"]),
        ("mesh", &["model"]),
        ("rbac", &["model"]),
        ("edit", &["model"]),
        ("istioctl", &["mesh", "model"]),
        ("posture", &["edit", "mesh", "model", "network", "pods", "rbac"]),
        ("report", &["model"]),
        (
            "cli",
            &["edit", "istioctl", "mesh", "model", "input", "network", "pods", "posture", "rbac", "report"],
        ),
    ];
    let mut seen = BTreeSet::new();
    for (name, may) in allowed {
        let used = own_dependencies(&root().join("crates").join(name).join("Cargo.toml"));
        let may: BTreeSet<String> = may.iter().map(|name| (*name).to_owned()).collect();
        assert!(used.is_subset(&may), "crates/{name} uses {used:?}, and may use {may:?}");
        seen.insert((*name).to_owned());
    }
    for ring in rings {
        let used = own_dependencies(&root().join("crates").join(ring).join("Cargo.toml"));
        assert!(used.iter().all(|used| used == "model"), "ring {ring} uses {used:?}");
    }
    let folders: BTreeSet<String> = std::fs::read_dir(root().join("crates"))
        .expect("crates/")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    assert_eq!(folders, seen, "a crate is missing from this table, and maybe from ARCHITECTURE.md");
}

#[test]
fn rings_are_light() {
    for package in [
        "ringwall-istioctl",
        "ringwall-mesh",
        "ringwall-model",
        "ringwall-network",
        "ringwall-pods",
        "ringwall-rbac",
    ] {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--locked",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--package",
                package,
            ])
            .current_dir(root())
            .output()
            .expect("cargo tree runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8_lossy(&output.stdout).into_owned();
        for heavy in
            ["tokio", "hyper", "rustls", "openssl", "kube", "k8s-openapi", "reqwest", "clap", "indicatif"]
        {
            let found = tree.lines().any(|line| line.split(' ').next() == Some(heavy));
            assert!(!found, "{package} depends on {heavy}");
        }
    }
}

/// All source files of the project.
fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    walk(&path, out);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(path);
            }
        }
    }
    let mut files = Vec::new();
    for folder in ["crates", "conformance", "benches", "fuzz", "xtask"] {
        walk(&root().join(folder), &mut files);
    }
    assert!(files.len() > 50, "the walk found {} files", files.len());
    files
}

#[test]
fn files_stay_rooms() {
    for path in sources() {
        let lines = std::fs::read_to_string(&path).unwrap_or_default().lines().count();
        assert!(lines <= 900, "{} has {lines} lines: two rooms in one?", path.display());
    }
}

#[test]
fn rings_read_no_files_and_know_no_clock() {
    for path in sources() {
        let inside = |part: &str| path.strip_prefix(root()).is_ok_and(|path| path.starts_with(part));
        let rings = [
            "crates/model/src",
            "crates/pods/src",
            "crates/istioctl/src",
            "crates/network/src",
            "crates/mesh/src",
            "crates/rbac/src",
            "crates/posture/src",
        ];
        if !rings.into_iter().any(inside) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for edge in [
            "std::fs",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "ToSocketAddrs",
            "std::process",
            "std::env",
            "SystemTime",
            "Instant::now",
            "println!",
        ] {
            assert!(!text.contains(edge), "{} uses {edge}", path.display());
        }
    }
}

#[test]
fn generated_files_are_fresh() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["generate", "--check"])
        .current_dir(root())
        .output()
        .expect("xtask runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_member_crate_takes_the_workspace_lints() {
    for folder in [
        "crates/model",
        "crates/input",
        "crates/pods",
        "crates/istioctl",
        "crates/network",
        "crates/mesh",
        "crates/rbac",
        "crates/edit",
        "crates/posture",
        "crates/report",
        "crates/cli",
    ] {
        let text = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        assert!(text.contains("[lints]\nworkspace = true"), "{folder}");
    }
}
