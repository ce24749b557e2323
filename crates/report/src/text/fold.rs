//! Groups findings by object, and folds those that say the same of several places.
//!
//! Three containers without a setting are one thing to mend, so they are one row: the first finding in full, of
//! the others only what differs. Two findings fold where check, severity and replicas are equal, the paths differ
//! in at most one index, and the messages differ at most in one part that both witnesses hold. Grouping is linear
//! in the number of findings: a finding is only compared with the row before it.

use std::cmp::Reverse;
use std::collections::HashMap;

use ringwall_model::finding::{Finding, Location, Severity};
use ringwall_model::object::ObjectId;
use ringwall_model::path::{FieldPath, Segment};
use ringwall_model::text::Position;

/// How many places a row names beside its first; the others are counted.
pub(super) const SHOWN: usize = 5;

/// One object with its rows.
pub(super) struct Block<'a> {
    /// The object.
    pub(super) object: &'a ObjectId,
    /// The place of its first finding: all others are in the same text.
    pub(super) location: &'a Location,
    /// Its findings, the worst first, then in the order of the text.
    pub(super) rows: Vec<Row<'a>>,
}

/// Findings that say the same of several places.
pub(super) struct Row<'a> {
    /// The finding that is shown in full.
    pub(super) first: &'a Finding,
    rest: Vec<&'a Finding>,
    /// How the paths of the findings differ.
    steps: Steps,
    /// Which part of the message differs: how many bytes before it and after it are equal.
    part: Option<(usize, usize)>,
}

/// What is shown of a finding that is folded under another.
pub(super) struct Other<'a> {
    /// What its message says in place of the first finding's, or nothing.
    pub(super) name: &'a str,
    /// Where it is, unless that is where the first is.
    pub(super) position: Option<Position>,
}

/// The findings by object. An object that is found in two texts has two blocks.
pub(super) fn blocks(findings: &[Finding]) -> Vec<Block<'_>> {
    let mut index = HashMap::new();
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let Location { file, template, rendered_by, position: _, width: _ } = &finding.location;
        let group = *index.entry((&finding.object, file, template, rendered_by)).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(finding);
    }
    groups.into_iter().filter_map(block).collect()
}

fn block(mut findings: Vec<&Finding>) -> Option<Block<'_>> {
    let first = *findings.first()?;
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut last: HashMap<(&str, Severity, usize), usize> = HashMap::new();
    for finding in findings {
        let key = (finding.check.id, finding.severity, finding.replicas);
        let joined = last.get(&key).is_some_and(|row| rows[*row].join(finding));
        if !joined {
            last.insert(key, rows.len());
            rows.push(Row { first: finding, rest: Vec::new(), steps: Steps::Equal, part: None });
        }
    }
    Some(Block { object: &first.object, location: &first.location, rows })
}

impl<'a> Row<'a> {
    /// Takes in another finding, if it differs from those here as they differ from one another.
    fn join(&mut self, other: &'a Finding) -> bool {
        let (first, fresh) = (self.first, self.rest.is_empty());
        let steps = Steps::between(&first.path, &other.path);
        let part = if first.message == other.message {
            None
        } else {
            // Once two findings have shown which part differs, it must be that part in all.
            let part = if fresh { differing_part(&first.message, &other.message) } else { self.part };
            let Some(part) = part else { return false };
            let names = (
                between(&first.message, &first.message, part),
                between(&first.message, &other.message, part),
            );
            let (Some(first_name), Some(name)) = names else { return false };
            if !first.witness.contains(first_name) || !other.witness.contains(name) {
                return false;
            }
            Some(part)
        };
        // A row must show that it stands for several findings.
        let shown = part.is_some() || first.location.position != other.location.position;
        if !shown || steps == Steps::Other || (!fresh && (steps, part) != (self.steps, self.part)) {
            return false;
        }
        (self.steps, self.part) = (steps, part);
        self.rest.push(other);
        true
    }

    /// The findings beside the first.
    pub(super) fn others(&self) -> Vec<Other<'a>> {
        let (first, part) = (self.first, self.part);
        self.rest
            .iter()
            .map(|other| Other {
                name: part.and_then(|part| between(&first.message, &other.message, part)).unwrap_or_default(),
                position: Some(other.location.position)
                    .filter(|position| *position != first.location.position),
            })
            .collect()
    }

    /// The field path; where the findings differ in an index, with all of them: `spec.containers[0,2].image`.
    pub(super) fn path(&self) -> String {
        let path = &self.first.path;
        let whole = path.to_string();
        let Steps::OneIndex(step) = self.steps else { return whole };
        let head = |steps: usize| {
            let mut head = FieldPath::root();
            path.segments().iter().take(steps).for_each(|segment| head.push(segment.clone()));
            head.to_string()
        };
        let mut indexes: Vec<usize> = std::iter::once(&self.first)
            .chain(&self.rest)
            .filter_map(|finding| match finding.path.segments().get(step) {
                Some(Segment::Index(index)) => Some(*index),
                _ => None,
            })
            .collect();
        indexes.sort_unstable();
        indexes.dedup();
        let mut list: Vec<String> = indexes.iter().take(SHOWN + 1).map(ToString::to_string).collect();
        if indexes.len() > list.len() {
            list.push("…".to_owned());
        }
        let tail = whole.get(head(step + 1).len()..).unwrap_or_default();
        format!("{}[{}]{tail}", head(step), list.join(","))
    }
}

/// How two paths differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Steps {
    /// Not at all.
    Equal,
    /// In one index, at this step.
    OneIndex(usize),
    /// In a key, or in more than one step.
    Other,
}

impl Steps {
    fn between(a: &FieldPath, b: &FieldPath) -> Self {
        let (a, b) = (a.segments(), b.segments());
        if a.len() != b.len() {
            return Self::Other;
        }
        let mut differing = (0..a.len()).filter(|at| a[*at] != b[*at]);
        match (differing.next(), differing.next()) {
            (None, _) => Self::Equal,
            (Some(at), None) if matches!((&a[at], &b[at]), (Segment::Index(_), Segment::Index(_))) => {
                Self::OneIndex(at)
            }
            _ => Self::Other,
        }
    }
}

/// Where two messages differ, as one run of whole words without the quotes or commas around it: how many bytes
/// before and after it are equal. `None` where one of them has nothing there.
fn differing_part(a: &str, b: &str) -> Option<(usize, usize)> {
    let mut before = equal_bytes(a.chars(), b.chars());
    before = a[..before].rfind(char::is_whitespace).map_or(0, |at| at + width_at(a, at));
    let (mut a, mut b) = (&a[before..], &b[before..]);
    let mut after = equal_bytes(a.chars().rev(), b.chars().rev());
    after = a[a.len() - after..].find(char::is_whitespace).map_or(0, |at| after - at);
    (a, b) = (&a[..a.len() - after], &b[..b.len() - after]);
    let mark = |c: Option<char>, d: Option<char>| c.filter(|c| Some(*c) == d && !c.is_alphanumeric());
    while let Some(c) = mark(a.chars().next(), b.chars().next()) {
        (a, b) = (&a[c.len_utf8()..], &b[c.len_utf8()..]);
        before += c.len_utf8();
    }
    while let Some(c) = mark(a.chars().next_back(), b.chars().next_back()) {
        (a, b) = (&a[..a.len() - c.len_utf8()], &b[..b.len() - c.len_utf8()]);
        after += c.len_utf8();
    }
    (!a.is_empty() && !b.is_empty()).then_some((before, after))
}

/// How many bytes two texts have in common from where the iterators begin.
fn equal_bytes(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(c, d)| c == d).map(|(c, _)| c.len_utf8()).sum()
}

/// How many bytes the character at `at` has.
fn width_at(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

/// The part of `text` that stands where `model` has the part; `None` where the rest of the two is not equal.
fn between<'t>(model: &str, text: &'t str, (before, after): (usize, usize)) -> Option<&'t str> {
    let rest = text.strip_prefix(model.get(..before)?)?;
    let part = rest.strip_suffix(model.get(model.len() - after..)?)?;
    Some(part).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part<'a>(a: &'a str, b: &'a str) -> Option<(&'a str, &'a str)> {
        let part = differing_part(a, b)?;
        Some((between(a, a, part)?, between(a, b, part)?))
    }

    #[test]
    fn the_part_that_differs_is_whole_words_without_quotes() {
        assert_eq!(part(r#"container "app" runs"#, r#"container "api-2" runs"#), Some(("app", "api-2")));
        assert_eq!(part("app: no limit", "apex: no limit"), Some(("app", "apex")));
        assert_eq!(part("image nginx:1", "image nginx:2"), Some(("nginx:1", "nginx:2")));
        assert_eq!(part("verb `*` on pods", "verb `get` on pods"), Some(("*", "get")));
        assert_eq!(part("größe ß fehlt", "größe é fehlt"), Some(("ß", "é")));
        assert_eq!(part("a", "b"), Some(("a", "b")));
    }

    #[test]
    fn a_part_that_one_message_lacks_is_no_part() {
        assert_eq!(part("", "b"), None);
        assert_eq!(part("runs as root", "runs as"), Some(("as root", "as")), "no witness holds that");
    }

    #[test]
    fn paths_may_differ_in_one_index_only() {
        let steps = |a: &str, b: &str| Steps::between(&a.parse().unwrap(), &b.parse().unwrap());
        assert_eq!(steps("a[0].b", "a[0].b"), Steps::Equal);
        assert_eq!(steps("a[0].b", "a[3].b"), Steps::OneIndex(1));
        assert_eq!(steps("a[0].b[0]", "a[3].b[1]"), Steps::Other);
        assert_eq!(steps("a[0]", "b[0]"), Steps::Other);
        assert_eq!(steps("a[0]", "a[0].c"), Steps::Other);
    }

    proptest! {
        #[test]
        fn a_part_is_what_differs(
            a in "[ab ß\"\u{2003}]{0,8}", b in "[ab ß\"\u{2003}]{0,8}"
        ) {
            if let Some((before, after)) = differing_part(&a, &b) {
                let (model, other) = (between(&a, &a, (before, after)), between(&a, &b, (before, after)));
                prop_assert!(model.is_some() && other.is_some());
                prop_assert_eq!(&a[..before], &b[..before]);
                prop_assert_eq!(model == other, a == b);
            }
        }
    }
}
