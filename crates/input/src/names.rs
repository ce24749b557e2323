//! Paths as users know them.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::files::Place;

/// The name of a path: with `/` between its parts on every system, and without a leading `./`.
pub(crate) fn shown(path: &Path) -> String {
    let mut name = String::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::RootDir => name.push('/'),
            part => {
                if !name.is_empty() && !name.ends_with('/') {
                    name.push('/');
                }
                name.push_str(&part.as_os_str().to_string_lossy());
            }
        }
    }
    if name.is_empty() { ".".to_owned() } else { name }
}

/// The path without links. A pipe that a shell made (`/dev/fd/63`) has none: it stands for itself.
pub(crate) fn real(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::metadata(path).is_ok() => {
            Ok(path.to_owned())
        }
        other => other,
    }
}

/// The directory `levels` above `path`, which is `real` without links.
pub(crate) fn above(path: &Path, levels: usize, real: &Path) -> Place {
    let up = (0..levels).fold(path.to_owned(), |path, _| path.join(".."));
    place(&up, real)
}

/// The place that is `real` without links, under the tidiest path that leads there.
pub(crate) fn place(path: &Path, real: &Path) -> Place {
    let tidy = tidied(path);
    // Where a link is on the way, `a/..` is not where one came from.
    let path = if fs::canonicalize(&tidy).is_ok_and(|found| found == real) { tidy } else { real.to_owned() };
    Place { name: shown(&path), path, real: real.to_owned() }
}

/// The path with `x/..` taken out.
fn tidied(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    if tidy.as_os_str().is_empty() { PathBuf::from(".") } else { tidy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_with_slashes_and_without_a_leading_dot() {
        for (path, name) in [
            ("./a/b.yaml", "a/b.yaml"),
            ("a//b/./c.yaml", "a/b/c.yaml"),
            ("../a.yaml", "../a.yaml"),
            ("/a/b/", "/a/b"),
            (".", "."),
            ("", "."),
        ] {
            assert_eq!(shown(Path::new(path)), name);
        }
    }

    #[test]
    fn a_way_up_and_down_again_is_taken_out() {
        for (path, tidy) in
            [("a/../b", "b"), ("../../b/..", "../.."), ("a/..", "."), ("a/b/../../../c", "../c")]
        {
            assert_eq!(tidied(Path::new(path)), Path::new(tidy));
        }
    }
}
