//! Diffs apply with `patch`.

use std::fs;
use std::process::{Command, Stdio};

use ringwall_edit::unified_diff;

/// The version that `patch -p1` makes of `old`; `None` where there is no `patch`.
fn patched(path: &str, old: &str, diff: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, old).unwrap();
    fs::write(folder.path().join("the.diff"), diff).unwrap();
    let run = Command::new("patch")
        .args(["-p1", "--binary", "--batch", "-i", "the.diff"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output();
    let Ok(output) = run else {
        println!("skipped: `patch` is not here");
        return None;
    };
    assert!(output.status.success(), "{}\n{diff}", String::from_utf8_lossy(&output.stdout));
    Some(fs::read_to_string(file).unwrap())
}

#[test]
fn every_kind_of_line_end() {
    for (path, old, new) in [
        ("a.yaml", "a: 1\nb: 2\n", "a: 1\nx: 3\nb: 2\n"),
        ("deep/er/a b.yaml", "a: 1\nb: 2", "a: 1\nb: 3"),
        ("a.yaml", "a: 1", "a: 1\nb: 2\n"),
        ("a.yaml", "a: 1\n", "a: 1"),
        ("crlf.yaml", "a: 1\r\nb: 2\r\nc: 3\r\n", "a: 1\r\nb: 2\r\nx: 1\r\nc: 3\r\n"),
        ("lone.json", "{\"a\":\r1}", "{\"a\":\r2}"),
        ("lone-at-the-end.json", "{\"a\":\n1}\r", "{\"a\":\n2}\r"),
        (
            "two.yaml",
            &format!("a: 1\n{}b: 2\n", "# x\n".repeat(20)),
            &format!("a: 2\n{}b: 3\n", "# x\n".repeat(20)),
        ),
    ] {
        let diff = unified_diff(path, old, new);
        if let Some(text) = patched(path, old, &diff) {
            assert_eq!(text, new, "{diff}");
        }
    }
}

#[test]
fn a_diff_reads_as_git_writes_it() {
    assert_eq!(unified_diff("a.yaml", "a: 1\n", "a: 1\n"), "");
    assert_eq!(
        unified_diff("x/a.yaml", "a: 1\nb: 2", "a: 1\nb: 3\n"),
        "--- a/x/a.yaml\n+++ b/x/a.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n\\ No newline at end of file\n+b: 3\n"
    );
    assert!(unified_diff("a b\"c", "1", "2").starts_with("--- \"a/a b\\\"c\"\n+++ \"b/a b\\\"c\"\n"));
    assert!(unified_diff("a b", "1", "2").starts_with("--- a/a b\t\n"));
}
