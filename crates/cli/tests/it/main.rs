//! The real binary: exit code, standard output and standard error, as users see them.
//!
//! After a wanted change of words: `cargo insta test --accept -p ringwall`, and read the diff.

// Only functions under `#[test]` are excused from this by clippy.toml; their helpers are tests too.
#![expect(clippy::unwrap_used, reason = "test helpers are tests too")]

mod corpus;
mod explain;
mod fix;
mod input;
mod mesh;
mod mesh_analyze;
mod mesh_settings;
mod mesh_waypoints;
mod migrate_psp;
mod misread;
mod net;
mod owners;
mod pods;
mod quiet;
mod rbac;
mod readme;
mod rules;
mod scan;
mod terminal;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A pod that no check has anything against that is shown by default.
const SOUND: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: sound
spec:
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    seccompProfile:
      type: RuntimeDefault
  containers:
  - name: app
    image: app:1
    resources:
      limits:
        memory: 64Mi
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
";

/// One that stops at nothing.
const PRIVILEGED: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: privileged
spec:
  hostNetwork: true
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    seccompProfile:
      type: RuntimeDefault
  containers:
  - name: app
    image: app:1
    resources:
      limits:
        memory: 64Mi
    securityContext:
      privileged: true
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
";

/// A directory of a test's own, and the binary in it.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self { directory: TempDir::new().unwrap() };
        for (name, text) in files {
            place.write(name, text.as_bytes());
        }
        place
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn run(&self, args: &[&str]) -> String {
        shown(&command(self.path(), args).output().unwrap())
    }

    fn pipe(&self, args: &[&str], stdin: &str) -> String {
        let mut child = command(self.path(), args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        shown(&child.wait_with_output().unwrap())
    }

    /// The exit code alone.
    fn code(&self, args: &[&str]) -> i32 {
        command(self.path(), args).output().unwrap().status.code().unwrap()
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        let output = command(self.path(), args).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "JSON holds all there is to say");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The binary, without anything of this machine that changes what it says.
fn command(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringwall"));
    command.args(args).current_dir(directory).stdin(Stdio::null()).env_clear().env("PATH", "");
    command
}

/// Runs in the folder of the sample clusters.
fn in_examples(args: &[&str]) -> String {
    shown(&command(&examples(), args).output().unwrap())
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn shown(output: &Output) -> String {
    let code = output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string());
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("exit code: {code}\n----- stdout -----\n{stdout}----- stderr -----\n{stderr}")
}
