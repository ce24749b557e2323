//! What the rings claim to answer: `expected.toml`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files;
use crate::run::{self, Output};

/// The file of claims. An entry never leaves it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    /// Folders that hold areas, from the folder above the claims. The first must be there; others are
    /// passed over, saying so, where they are missing.
    roots: Vec<PathBuf>,
    claims: Vec<Claim>,
}

/// One claim: every case of this file agrees with the reference.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    area: String,
    /// The case file's name without `.jsonl`, `.gz` and seed.
    file: String,
}

/// Runs exactly what is claimed, in every root that has it.
pub(crate) fn run(path: &Path, output: &mut Output) -> Result<bool, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let claims: Claims = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let base = path.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    let mut agree = true;
    let mut seen = vec![false; claims.claims.len()];
    for (place, root) in claims.roots.iter().enumerate() {
        let root = base.join(root);
        if !root.is_dir() {
            if place == 0 {
                return Err(format!("{}: no such folder", root.display()));
            }
            Output::note(&format!("{}: not here, skipped", root.display()));
            continue;
        }
        for (index, claim) in claims.claims.iter().enumerate() {
            let folder = root.join(&claim.area);
            if !folder.is_dir() {
                continue;
            }
            for file in files::find(&folder, Some(&claim.area))?.files {
                if files::stem(&file.path) == claim.file {
                    seen[index] = true;
                    agree &= run::case_file(&file, output)?;
                }
            }
        }
    }
    for (claim, _) in claims.claims.iter().zip(&seen).filter(|(_, seen)| !**seen) {
        Output::note(&format!("{}/{}: no root holds this file, skipped", claim.area, claim.file));
    }
    Ok(agree)
}
