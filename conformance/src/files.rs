//! Finding and reading case files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::areas::{self, Area};

/// A file of cases: which area answers it, and what it asks.
pub(crate) struct CaseFile {
    pub(crate) path: PathBuf,
    pub(crate) area: &'static dyn Area,
    pub(crate) mode: &'static str,
}

/// What a path holds.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<CaseFile>,
    /// Files in folders that the area's README does not name as case files.
    pub(crate) ignored: usize,
}

/// The area of a file: the nearest folder above it that has an area's name.
fn area_of(path: &Path, stated: Option<&str>) -> Result<&'static dyn Area, String> {
    if let Some(name) = stated {
        return areas::by_name(name).ok_or_else(|| format!("no area `{name}`; known: {}", areas::names()));
    }
    let full = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    full.ancestors()
        .skip(1)
        .filter_map(|folder| folder.file_name()?.to_str())
        .find_map(areas::by_name)
        .ok_or_else(|| format!("{}: no folder above it is named for an area; use --area", path.display()))
}

/// A file's name without `.gz`, `.jsonl` and a seed's suffix (`-s101`).
pub(crate) fn stem(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let stem = name.strip_suffix(".jsonl").unwrap_or(name);
    match stem.rsplit_once("-s") {
        Some((stem, seed)) if !seed.is_empty() && seed.bytes().all(|byte| byte.is_ascii_digit()) => {
            stem.to_owned()
        }
        _ => stem.to_owned(),
    }
}

/// The case files at `path`: itself, or all in it that are case files.
pub(crate) fn find(path: &Path, area: Option<&str>) -> Result<Found, String> {
    let mut found = Found::default();
    if path.is_dir() {
        walk(path, area, &mut found)?;
        found.files.sort_by(|a, b| a.path.cmp(&b.path));
        return Ok(found);
    }
    let answered_by = area_of(path, area)?;
    let mode = answered_by.mode_of(&stem(path)).ok_or_else(|| {
        format!("{}: area {} knows no cases of this name", path.display(), answered_by.name())
    })?;
    found.files.push(CaseFile { path: path.to_owned(), area: answered_by, mode });
    Ok(found)
}

fn walk(folder: &Path, area: Option<&str>, found: &mut Found) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        if path.is_dir() {
            walk(&path, area, found)?;
            continue;
        }
        let answered_by = area_of(&path, area).ok();
        let plain = if path.extension().is_some_and(|end| end == "gz") {
            path.with_extension("")
        } else {
            path.clone()
        };
        let is_cases = plain.extension().is_some_and(|end| end == "jsonl") || is_one_case(&plain);
        match answered_by.and_then(|area| Some((area, area.mode_of(&stem(&path)).filter(|_| is_cases)?))) {
            Some((area, mode)) => found.files.push(CaseFile { path, area, mode }),
            None => found.ignored += 1,
        }
    }
    Ok(())
}

/// Whether a file is one case, in as many lines as it likes.
pub(crate) fn is_one_case(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_suffix(".gz").unwrap_or(name).ends_with(".want.json")
}

/// The text of a file, decompressed where its name ends in `.gz`.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let name = path.display();
    let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
    let mut text = String::new();
    let mut reader: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(file)
    };
    reader.read_to_string(&mut text).map_err(|error| format!("{name}: {error}"))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_no_part_of_the_name() {
        assert_eq!(stem(Path::new("x/pods-s101.jsonl.gz")), "pods");
        assert_eq!(stem(Path::new("psa-index.jsonl")), "psa-index");
        assert_eq!(stem(Path::new("yaml.jsonl.gz")), "yaml");
    }
}
