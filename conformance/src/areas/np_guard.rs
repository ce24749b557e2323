//! Area `np-guard`: the reports of np-guard's netpol-analyzer, to the last byte.
//!
//! What differs and is meant to differ is listed in `npguard-differences.toml`, folder by folder, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use ringwall_input::{Options, load};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_network::cluster::Cluster;
use ringwall_network::npguard::{
    Analysis, DIFF_SIDES, Focus, Format, Party, diff, write_diff, write_exposure, write_list,
};
use ringwall_network::policy::Direction;
use ringwall_network::port::{Port, Protocol};
use serde::Deserialize;
use serde_json::Value;

use super::{Answered, Area, Case};

pub(crate) struct NpGuard;

impl Area for NpGuard {
    fn name(&self) -> &'static str {
        "np-guard"
    }

    fn mode_of(&self, stem: &str) -> Option<&'static str> {
        (stem == "index").then_some("reports")
    }

    fn answer(&self, _: &str, case: &Case<'_>, folder: &Path) -> Answered {
        answer(case, folder).unwrap_or_else(Answered::unanswered)
    }

    fn together(&self, _: &str, answers: &[(&Case<'_>, &Answered)]) -> Option<(String, bool)> {
        let lines = answers.iter().filter_map(|(case, _)| case.read::<Line>().ok());
        let seen: BTreeSet<(String, String)> = lines.map(|line| line.key()).collect();
        let missing: Vec<String> = differences()
            .keys()
            .filter(|key| !seen.contains(*key))
            .map(|(folder, kind)| format!("{folder} ({kind})"))
            .collect();
        if missing.is_empty() {
            let words = format!("{} folders differ, each for the reason that is listed", differences().len());
            return Some((words, true));
        }
        Some((format!("listed as differing, but in no case: {}", missing.join(", ")), false))
    }
}

/// The folders in which np-guard answers otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    difference: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// The folder of manifests; of two that are compared, the old and the new with a plus between them.
    folder: String,
    /// What is asked: `list`, `exposure` or `diff`.
    kind: String,
    reason: String,
}

fn differences() -> &'static BTreeMap<(String, String), Difference> {
    static LIST: OnceLock<BTreeMap<(String, String), Difference>> = OnceLock::new();
    LIST.get_or_init(|| {
        let list: List = toml::from_str(include_str!("../../npguard-differences.toml"))
            .expect("the list of differences is valid");
        let entries = list.difference.into_iter();
        entries.map(|entry| ((entry.folder.clone(), entry.kind.clone()), entry)).collect()
    })
}

#[derive(Deserialize)]
struct Line {
    file: String,
    format: String,
    kind: String,
    dir: Option<String>,
    dir1: Option<String>,
    dir2: Option<String>,
    options: Option<String>,
}

impl Line {
    /// By what it is known in the list of differences.
    fn key(&self) -> (String, String) {
        let folders = [&self.dir, &self.dir1, &self.dir2].into_iter().flatten();
        (folders.map(String::as_str).collect::<Vec<_>>().join("+"), self.kind.clone())
    }
}

fn answer(case: &Case<'_>, folder: &Path) -> Result<Answered, String> {
    let line: Line = case.read().map_err(|error| error.to_string())?;
    if line.kind.starts_with("explain") {
        return Ok(Answered { verdict: Value::Null, difference: None, skipped: true });
    }
    let format = Format::parse(&line.format).ok_or_else(|| format!("no such format: {}", line.format))?;
    let read = |name: &Option<String>| -> Result<Snapshot, String> {
        let name = name.as_ref().ok_or("a case without its folder")?;
        snapshot(&folder.join("tests").join(name))
    };
    let got = match line.kind.as_str() {
        "diff" => {
            let (old, new) = (read(&line.dir1)?, read(&line.dir2)?);
            let (old_cluster, new_cluster) = (Cluster::of(&old, &[]), Cluster::of(&new, &[]));
            let changes = diff(&Analysis::new(&old, &old_cluster), &Analysis::new(&new, &new_cluster));
            // np-guard's library has other names for the two sides than its command line.
            let sides = if line.file.contains("/cli/") { DIFF_SIDES } else { ["ref1", "ref2"] };
            write_diff(&changes, sides, format).ok_or("there are no differences in JSON")?
        }
        kind => {
            let snapshot = read(&line.dir)?;
            let cluster = Cluster::of(&snapshot, &[]);
            let analysis = Analysis::new(&snapshot, &cluster);
            let focus = focus(line.options.as_deref().unwrap_or_default(), &analysis)?;
            let rows = analysis.list(&focus);
            match kind {
                "list" => write_list(&rows, focus.port, format),
                "exposure" => write_exposure(&rows, &analysis.exposure(&focus, &rows), focus.port, format),
                _ => return Err(format!("no such kind: {kind}")),
            }
        }
    };
    let path = folder.join(&line.file);
    let want = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let difference = match (first_difference(&want, &got), differences().get(&line.key())) {
        (Some(_), Some(_)) => None,
        (Some(difference), None) => Some(format!("{}\n{difference}", line.file)),
        (None, Some(listed)) => {
            Some(format!("{}\nlisted as differing ({}), but it does not", line.file, listed.reason))
        }
        (None, None) => None,
    };
    Ok(Answered { verdict: Value::String(got), difference, skipped: false })
}

/// The first line that is another.
fn first_difference(want: &str, got: &str) -> Option<String> {
    if want == got {
        return None;
    }
    let (mut wanted, mut given) = (want.split('\n'), got.split('\n'));
    loop {
        let (want, got) = (wanted.next(), given.next());
        if want != got {
            return Some(format!("want {want:?}\ngot  {got:?}"));
        }
    }
}

fn snapshot(path: &Path) -> Result<Snapshot, String> {
    if !path.is_dir() {
        return Err(format!("{}: no such folder", path.display()));
    }
    let input = load(&[path.to_owned()], &mut std::io::empty(), &Options::default(), &());
    Ok(Snapshot::new(input.objects, Facts::default()))
}

/// Reads options as np-guard's tests put them into the name of a file:
/// `focus_workload_NS_NAME_NAME_ingress_with_NAME_tcp-80`, with any part left out.
fn focus(options: &str, analysis: &Analysis<'_>) -> Result<Focus, String> {
    let mut focus = Focus::default();
    let mut rest = options;
    if let Some((before, last)) = rest.rsplit_once('_').or(Some(("", rest)))
        && let Some((protocol, number)) = last.split_once('-')
        && let (Some(protocol), Ok(number)) = (Protocol::parse(&protocol.to_uppercase()), number.parse())
    {
        focus.port = Some(Port { protocol, number });
        rest = before;
    }
    let Some(names) = rest.strip_prefix("focus_workload_") else {
        return if rest.is_empty() { Ok(focus) } else { Err(format!("no such option: {rest}")) };
    };
    let (mut own, others) = names.split_once("_with_").map_or((names, ""), |(own, others)| (own, others));
    for direction in Direction::ALL {
        if let Some(before) = own.strip_suffix(&format!("_{}", direction.key())) {
            (own, focus.direction) = (before, Some(direction));
        }
    }
    focus.workloads = workloads(own, analysis);
    focus.others = workloads(others, analysis);
    Ok(focus)
}

/// Names with `_` between them, and between a namespace and a name.
fn workloads(names: &str, analysis: &Analysis<'_>) -> Vec<String> {
    let is_one = |place: &str, wanted: &str| {
        analysis.workloads().any(|party| {
            matches!(party, Party::Workload { namespace, name, .. } if namespace == place && name == wanted)
        })
    };
    let mut parts = names.split('_').filter(|part| !part.is_empty()).peekable();
    let mut list = Vec::new();
    while let Some(part) = parts.next() {
        match parts.next_if(|next| is_one(part, next)) {
            Some(name) => list.push(format!("{part}/{name}")),
            None => list.push(part.to_owned()),
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_list_what_differs() {
        let docs = include_str!("../../../docs/differences.md");
        let section = docs.split("\n## ").find(|section| section.starts_with("np-guard's reports"));
        let (_, table) = section.and_then(|section| section.split_once("|---|---|---|\n")).expect("a table");
        let listed: Vec<String> =
            table.lines().take_while(|line| line.starts_with('|')).map(str::to_owned).collect();
        let wanted: Vec<String> = differences()
            .values()
            .map(|entry| format!("| {} | {} | {} |", entry.folder, entry.kind, entry.reason))
            .collect();
        assert_eq!(listed, wanted, "docs/differences.md and npguard-differences.toml must list the same");
    }

    #[test]
    fn the_first_line_that_differs_is_told() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert!(first_difference("a\nb\n", "a\nb").is_some(), "an end of line is a byte");
        assert!(first_difference("a\nb", "a\nc").expect("a difference").contains("\"b\""));
    }
}
