//! Colour, help, and readers that go away.

use std::io::Read as _;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::{PRIVILEGED, Place, command};

const ESCAPE: char = '\u{1b}';

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let place = Place::new(&[("pod.yaml", PRIVILEGED)]);
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(place.path(), &[&["scan", "pod.yaml"], args].concat());
        command.envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(!run(&[], &[]).contains(ESCAPE));
    assert!(run(&["--color", "always"], &[]).contains(ESCAPE));
    assert!(run(&["--color", "always"], &[("NO_COLOR", "1")]).contains(ESCAPE), "an argument is nearer");
    assert!(run(&[], &[("CLICOLOR_FORCE", "1")]).contains(ESCAPE));
    assert!(!run(&[], &[("CLICOLOR_FORCE", "0")]).contains(ESCAPE));
    assert!(!run(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains(ESCAPE));
    assert!(!run(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]).contains(ESCAPE));
    assert!(!run(&["-o", "json", "--color", "always"], &[]).contains(ESCAPE));
}

#[test]
fn who_stops_reading_changes_no_verdict() {
    let pod = |n| format!("{}---\n", PRIVILEGED.replace("name: privileged", &format!("name: p{n}")));
    let many = (0..2_000).map(pod).collect::<Vec<String>>().concat();
    let place = Place::new(&[("pods.yaml", &many)]);
    for format in ["text", "json"] {
        let mut child = command(place.path(), &["scan", "-o", format, "pods.yaml"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 10]).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_no_success() {
    let place = Place::new(&[("pod.yaml", PRIVILEGED)]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(place.path(), &["scan", "pod.yaml"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn help_is_short_and_each_verb_has_an_example() {
    let place = Place::new(&[]);
    assert_snapshot!(place.run(&["--help"]), @"
    exit code: 0
    ----- stdout -----
    Every ring of a Kubernetes cluster's defence, exactly

    Usage: ringwall <COMMAND>

    Commands:
      scan      Find what is wrong with every object in files, directories, charts or a pipe
      fix       Mend findings in your own files, with minimal edits that are judged before they are
                offered
      pods      Ask Pod Security Admission: what is refused, at which level, what a label would break
      net       Ask the network policies: who reaches whom on what, why, and what a change opens
      rbac      Ask RBAC: who may do what, through what, and what a change gives
      mesh      Ask a service mesh (Istio): what is encrypted between whom, and what turning STRICT
                breaks
      rules     List all checks: severity, the controls they serve, whether a tool mends what they find
      explain   Explain a check, or list all checks
      baseline  Accept the findings that are there, so that only new ones count
      config    Look at ringwall.toml
      help      Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Exit codes: 0 yes or nothing found, 1 no or findings, 2 wrong usage or unreadable input, 3 a fault
    of ringwall
    ----- stderr -----
    ");
    let net = ["list", "can-reach", "diff", "describe", "check", "exposure", "generate", "policies"];
    let net = net.map(|verb| vec!["net", verb]);
    let others =
        [vec!["scan"], vec!["pods", "check"], vec!["pods", "level"], vec!["pods", "plan"], vec!["explain"]];
    let rbac = ["can-i", "who-can", "matrix", "escalate", "can-grant", "diff", "reduce"];
    let rbac = rbac.map(|verb| vec!["rbac", verb]);
    for verb in others.into_iter().chain(net).chain(rbac) {
        let shown = place.run(&[verb, vec!["--help"]].concat());
        assert!(shown.starts_with("exit code: 0") && shown.contains("Example"), "{shown}");
    }
}

#[test]
fn nothing_typed_shows_the_help() {
    assert!(Place::new(&[]).run(&[]).starts_with("exit code: 2"));
}
