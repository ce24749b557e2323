//! Which findings were there before: `ringwall.baseline/v1`, sorted JSON that is written once and compared with.
//!
//! A finding is known by its id, which is made of its evidence: rule, object, field, witness. A new bad field under a
//! check that failed before is new. Equal findings of equal objects in several files share an id, so ids are counted:
//! one more than the baseline has is new.

use std::collections::HashMap;
use std::fmt;

use ringwall_model::finding::{Finding, Standing};
use ringwall_model::text::Position;
use serde::{Deserialize, Serialize};

/// What the format is called in itself.
const SCHEMA: &str = "ringwall.baseline/v1";

/// The findings that were there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    schema: String,
    /// In the order of files, objects, rules and fields.
    findings: Vec<Entry>,
}

/// A finding that was there before. The id says which; the rest is for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Entry {
    /// The file that it was in.
    file: String,
    /// The object, as people name it.
    object: String,
    /// Id of its rule.
    rule: String,
    /// The field.
    path: String,
    /// Id of the finding.
    id: String,
    /// Why it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A text that is no baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineError {
    /// Where.
    pub position: Position,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

impl fmt::Display for BaselineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.message)
    }
}

impl std::error::Error for BaselineError {}

/// Findings, compared with a baseline.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Those that the baseline does not have, in the order given.
    pub new: Vec<Finding>,
    /// Those that it has, in the order given.
    pub known: Vec<Finding>,
    /// How many of its findings are gone.
    pub gone: usize,
}

impl Baseline {
    /// The baseline of these findings. Those that an older one has keep the reason that stands there; all others get
    /// `reason`.
    pub fn of(findings: &[Finding], reason: Option<&str>, older: Option<&Self>) -> Self {
        let mut entries: Vec<Entry> = findings.iter().map(Entry::of).collect();
        entries.sort();
        let places = entries.iter().map(|entry| (entry.id.as_str(), entry.file.as_str()));
        let matches: Vec<Option<usize>> = older
            .map_or_else(|| vec![None; entries.len()], |older| older.matches(&places.collect::<Vec<_>>()));
        for (entry, matched) in entries.iter_mut().zip(matches) {
            let kept = older.zip(matched).and_then(|(older, index)| older.findings[index].reason.clone());
            entry.reason = kept.or_else(|| reason.map(str::to_owned));
        }
        Self { schema: SCHEMA.to_owned(), findings: entries }
    }

    /// Reads a baseline.
    ///
    /// # Errors
    /// The first place where the text is no JSON, or not such a document.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(text).map_err(|error| {
            let position = Position {
                line: u32::try_from(error.line()).unwrap_or(u32::MAX).max(1),
                column: u32::try_from(error.column()).unwrap_or(u32::MAX).max(1),
            };
            let full = error.to_string();
            let message = full.split(" at line ").next().unwrap_or_default().to_owned();
            BaselineError { position, message: format!("no {SCHEMA}: {message}") }
        })?;
        if baseline.schema != SCHEMA {
            let message = format!("expected the schema {SCHEMA}, got \"{}\"", baseline.schema);
            return Err(BaselineError { position: place_of(text, &baseline.schema), message });
        }
        Ok(baseline)
    }

    /// How many findings it has.
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Tells what is new from what was there before. Costs a look-up a finding.
    pub fn compare(&self, findings: Vec<Finding>) -> Comparison {
        let ids: Vec<String> = findings.iter().map(Finding::id).collect();
        let places: Vec<(&str, &str)> = ids
            .iter()
            .zip(&findings)
            .map(|(id, finding)| (id.as_str(), finding.location.file.as_str()))
            .collect();
        let matches = self.matches(&places);
        let mut comparison =
            Comparison { gone: self.len() - matches.iter().flatten().count(), ..Comparison::default() };
        for (mut finding, matched) in findings.into_iter().zip(matches) {
            if matched.is_some() {
                finding.standing = Standing::Known;
                comparison.known.push(finding);
            } else {
                comparison.new.push(finding);
            }
        }
        comparison
    }

    /// For each finding, given as id and file, the entry that it is: each entry once, those of the same file first.
    fn matches(&self, findings: &[(&str, &str)]) -> Vec<Option<usize>> {
        let mut entries: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, entry) in self.findings.iter().enumerate().rev() {
            entries.entry(&entry.id).or_default().push(index);
        }
        let mut matches = vec![None; findings.len()];
        for same_file in [true, false] {
            for (matched, (id, file)) in
                matches.iter_mut().zip(findings).filter(|(matched, _)| matched.is_none())
            {
                let Some(left) = entries.get_mut(id) else { continue };
                let fits = |index: &usize| !same_file || self.findings[*index].file == *file;
                *matched = left.iter().rposition(fits).map(|at| left.remove(at));
            }
        }
        matches
    }
}

impl Entry {
    fn of(finding: &Finding) -> Self {
        Self {
            file: finding.location.file.clone(),
            object: finding.object.to_string(),
            rule: finding.check.id.to_owned(),
            path: finding.path.to_string(),
            id: finding.id(),
            reason: None,
        }
    }
}

/// Where a value stands in a JSON text; its beginning where it is written in another way.
fn place_of(text: &str, value: &str) -> Position {
    let at = text.find(&format!("\"{value}\"")).unwrap_or_default();
    ringwall_model::text::Source::new("", text).position(u32::try_from(at).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use ringwall_input::{Options, load};
    use ringwall_model::snapshot::{Facts, Snapshot};

    use super::*;
    use crate::scan;

    fn findings(text: &str) -> Vec<Finding> {
        let input = load(&["-".into()], &mut text.as_bytes(), &Options::default(), &());
        assert_eq!(input.problems, []);
        let snapshot = Snapshot::new(input.objects, Facts::default());
        let mut findings = scan::scan(&snapshot, scan::Options::default()).findings;
        findings.retain(|finding| finding.check.id == "RW-POD-002");
        findings
    }

    fn in_file(mut findings: Vec<Finding>, file: &str) -> Vec<Finding> {
        for finding in &mut findings {
            file.clone_into(&mut finding.location.file);
        }
        findings
    }

    fn pod(spec: &str) -> String {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{{spec}, containers: []}}\n")
    }

    /// How many are new, known and gone.
    fn counts(baseline: &Baseline, findings: Vec<Finding>) -> (usize, usize, usize) {
        let comparison = baseline.compare(findings);
        assert!(comparison.known.iter().all(|finding| finding.standing == Standing::Known));
        assert!(comparison.new.iter().all(|finding| finding.standing == Standing::Open));
        (comparison.new.len(), comparison.known.len(), comparison.gone)
    }

    #[test]
    fn a_new_field_under_a_check_that_failed_before_is_new() {
        let before = findings(&pod("hostPID: true"));
        let baseline = Baseline::of(&before, None, None);
        assert_eq!(counts(&baseline, before.clone()), (0, 1, 0));
        assert_eq!(counts(&baseline, findings(&format!("# moved\n\n{}", pod("hostPID: true")))), (0, 1, 0));
        assert_eq!(counts(&baseline, findings(&pod("hostPID: true, hostIPC: true"))), (1, 1, 0));
        assert_eq!(counts(&baseline, findings(&pod("hostIPC: true"))), (1, 0, 1));
        assert_eq!(counts(&baseline, Vec::new()), (0, 0, 1));
    }

    #[test]
    fn equal_findings_are_counted_and_those_of_the_same_file_go_first() {
        let one = |file: &str| in_file(findings(&pod("hostPID: true")), file);
        let two: Vec<Finding> = [one("prod/web.yaml"), one("dev/web.yaml")].concat();
        let baseline = Baseline::of(&two, None, None);
        assert_eq!(counts(&baseline, two.clone()), (0, 2, 0));
        let three: Vec<Finding> = [one("a/web.yaml"), two].concat();
        let comparison = baseline.compare(three);
        let new: Vec<&str> = comparison.new.iter().map(|finding| finding.location.file.as_str()).collect();
        assert_eq!(new, ["a/web.yaml"], "the others are where they were");
        assert_eq!(counts(&baseline, one("moved/web.yaml")), (0, 1, 1), "a file may be moved");
    }

    #[test]
    fn reasons_are_kept_and_the_text_is_the_same_each_time() {
        let before = findings(&pod("hostPID: true"));
        let old = Baseline::of(&before, Some("the old agent"), None);
        let after = findings(&pod("hostPID: true, hostIPC: true"));
        let new = Baseline::of(&after, Some("checked"), Some(&old));
        let text = serde_json::to_string_pretty(&new).unwrap();
        insta::assert_snapshot!(text, @r#"
        {
          "schema": "ringwall.baseline/v1",
          "findings": [
            {
              "file": "<stdin>",
              "object": "Pod web",
              "rule": "RW-POD-002",
              "path": "spec.hostIPC",
              "id": "da3ac1e5da2fa321",
              "reason": "checked"
            },
            {
              "file": "<stdin>",
              "object": "Pod web",
              "rule": "RW-POD-002",
              "path": "spec.hostPID",
              "id": "52975ec917464db6",
              "reason": "the old agent"
            }
          ]
        }
        "#);
        assert_eq!(Baseline::parse(&text), Ok(new.clone()));
        let mut turned = after;
        turned.reverse();
        assert_eq!(Baseline::of(&turned, Some("checked"), Some(&old)), new);
    }

    #[test]
    fn what_is_no_baseline_says_where() {
        let error = |text: &str| Baseline::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(error("{\n  \"schema\": \"ringwall.baseline/v1\",\n  \"findings\": [{\"id\": 1}]\n}"), @"3:23: no ringwall.baseline/v1: invalid type: integer `1`, expected a string");
        insta::assert_snapshot!(error("{\n  \"schema\": \"ringwall.baseline/v9\", \"findings\": []}"), @r#"2:13: expected the schema ringwall.baseline/v1, got "ringwall.baseline/v9""#);
        insta::assert_snapshot!(error(""), @"1:1: no ringwall.baseline/v1: EOF while parsing a value");
        insta::assert_snapshot!(error("{\"schema\": \"ringwall.report/v1\"}"), @"1:32: no ringwall.baseline/v1: missing field `findings`");
        assert!(
            Baseline::parse("{\"schema\": \"ringwall.baseline/v1\", \"findings\": [], \"more\": 1}").is_ok()
        );
    }
}
