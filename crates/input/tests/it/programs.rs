//! The real programs, built once from their Go modules, and stand-ins for them.

use std::ffi::OsString;
use std::fmt::Arguments;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Tells whoever runs the tests, past the test harness, which keeps to itself what passing tests print.
pub(crate) fn say(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A directory that holds the real `helm` and nothing else that renders; none where it cannot be built.
pub(crate) fn helm() -> Option<OsString> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    built(&BUILT, "helm", "helm.sh/helm/v3/cmd/helm@v3.22.0")
}

/// The same for `kustomize`.
pub(crate) fn kustomize() -> Option<OsString> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    built(&BUILT, "kustomize", "sigs.k8s.io/kustomize/kustomize/v5@v5.8.2")
}

fn built(built: &OnceLock<Option<PathBuf>>, name: &str, module: &str) -> Option<OsString> {
    let directory = built.get_or_init(|| build(name, module));
    directory.as_ref().map(|directory| directory.clone().into_os_string())
}

/// Builds a program into a directory of its version, where it is not there already.
fn build(name: &str, module: &str) -> Option<PathBuf> {
    let version = module.rsplit_once('@').map_or(module, |(_, version)| version);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{version}"));
    if directory.join(name).is_file() {
        return Some(directory);
    }
    say(format_args!("building {module}; this takes minutes, once"));
    let built = Command::new("go").args(["install", module]).env("GOBIN", &directory).output();
    match built {
        Ok(output) if output.status.success() => Some(directory),
        Ok(output) => {
            say(format_args!(
                "skipped: {module} cannot be built: {}",
                String::from_utf8_lossy(&output.stderr)
            ));
            None
        }
        Err(error) => {
            say(format_args!("skipped: {module} cannot be built: go: {error}"));
            None
        }
    }
}

/// The directory of `kubectl`, if it is installed and no `kustomize` is beside it.
pub(crate) fn kubectl() -> Option<OsString> {
    let directory = std::env::split_paths(&std::env::var_os("PATH")?)
        .find(|directory| directory.join("kubectl").is_file() && !directory.join("kustomize").exists());
    if directory.is_none() {
        say(format_args!("skipped: no kubectl on PATH"));
    }
    directory.map(PathBuf::into_os_string)
}

/// Writes a shell script that stands in for a program, and returns its directory.
#[cfg(unix)]
pub(crate) fn stand_in(dir: &crate::Dir, name: &str, script: &str) -> OsString {
    dir.write("script", format!("#!/bin/sh\n{script}\n"));
    std::fs::create_dir_all(dir.path("bin")).expect("a directory");
    // Written by another process: a file that this one has open for writing, if only in a child that another
    // test is about to start, cannot be run.
    let made =
        Command::new("install").arg("-m755").arg(dir.path("script")).arg(dir.path("bin").join(name)).status();
    assert!(made.expect("install").success());
    dir.path("bin").into_os_string()
}
