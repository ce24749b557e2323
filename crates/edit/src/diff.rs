//! Unified diffs, as `patch` and `git apply` take them.

use std::fmt::Write as _;

use similar::TextDiff;

/// Lines of context around a change, as `diff -u` has them.
const CONTEXT: usize = 3;

/// The difference of two versions of the file `path` (relative, with `/`), with git's prefixes `a/` and `b/`, for
/// `patch -p1`. Empty where they are equal.
pub fn unified_diff(path: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    // Lines are what `patch` takes for lines: a lone carriage return ends none.
    let lines = |text| str::split_inclusive(text, '\n').collect::<Vec<_>>();
    let (before, after) = (lines(old), lines(new));
    let diff = TextDiff::configure().diff_slices(&before, &after);
    let mut out = format!("--- {}\n+++ {}\n", name("a/", path), name("b/", path));
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        let _ = writeln!(out, "{}", hunk.header());
        for change in hunk.iter_changes() {
            let line = change.value();
            let _ = write!(out, "{}{line}", change.tag());
            if !line.ends_with('\n') {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    out
}

/// A name as git writes it in a header: quoted where it would end early, and a tab behind one with spaces.
fn name(prefix: &str, path: &str) -> String {
    if path.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        let mut out = format!("\"{prefix}");
        for c in path.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                c if c.is_ascii_control() => {
                    let _ = write!(out, "\\{:03o}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('"');
        return out;
    }
    let tab = if path.contains(' ') { "\t" } else { "" };
    format!("{prefix}{path}{tab}")
}
