//! README shows real output: the commands of each `console` block are run in their order, on a fresh copy of the examples, and say
//! what stands there.

use std::fs;
use std::path::Path;

use super::{Place, command};

/// A command with the lines that are shown of its output; `…` stands for any number of lines.
struct Shown {
    command: String,
    lines: Vec<String>,
}

/// The blocks, each with its commands.
fn shown(readme: &str) -> Vec<Vec<Shown>> {
    let mut all: Vec<Vec<Shown>> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match line {
            "```console" => {
                inside = true;
                all.push(Vec::new());
            }
            "```" => inside = false,
            _ if !inside => {}
            _ => {
                let block = all.last_mut().unwrap();
                match line.strip_prefix("$ ringwall ") {
                    Some(command) => block.push(Shown { command: command.to_owned(), lines: Vec::new() }),
                    None => block.last_mut().unwrap().lines.push(line.to_owned()),
                }
            }
        }
    }
    all
}

/// Whether the output holds the lines in their order, and between two `…` without a gap.
fn holds(output: &str, lines: &[String]) -> Result<(), String> {
    let output: Vec<&str> = output.lines().collect();
    let mut at = 0;
    for part in lines.split(|line| line == "…").filter(|part| !part.is_empty()) {
        let found = (at..=output.len().saturating_sub(part.len())).find(|start| {
            output[*start..].iter().zip(part).all(|(a, b)| a == b) && output.len() >= start + part.len()
        });
        at = found.ok_or_else(|| format!("not there: {part:#?}"))? + part.len();
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn what_the_readme_shows_is_real() {
    is_real("README.md", 3);
}

#[test]
fn what_the_book_shows_is_real() {
    is_real("docs/migrate-psp.md", 1);
    is_real("docs/network.md", 1);
    is_real("docs/rbac.md", 4);
    is_real("docs/mesh.md", 3);
}

/// Runs what a page shows, in at least so many blocks.
fn is_real(page: &str, blocks: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let all = shown(&fs::read_to_string(root.join(page)).unwrap());
    assert!(all.len() >= blocks, "{page} shows commands");
    for block in all {
        let place = Place::new(&[]);
        copy(&root.join("examples"), &place.path().join("examples"));
        for Shown { command: typed, lines } in block {
            let args: Vec<&str> = typed.split_whitespace().collect();
            let output = command(place.path(), &args).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            if let Err(missing) = holds(&text, &lines) {
                panic!("{page}: `ringwall {typed}` says\n{text}\n{missing}");
            }
        }
    }
}
