//! Where something is written, and reading fields so that one of the wrong type is told and the rest is read.

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Span;
use ringwall_model::tree::{Kind, Node};

/// A field of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The object's index in the snapshot.
    pub object: usize,
    /// The field.
    pub path: FieldPath,
}

/// A field that is of no type that its kind takes. The API server refuses such an object; here the rest of it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// The field.
    pub place: Place,
    /// Where its value is.
    pub span: Span,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

/// A node and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct At<'t> {
    pub(crate) node: Node<'t>,
    pub(crate) path: FieldPath,
}

impl<'t> At<'t> {
    /// An object as a whole.
    pub(crate) fn root(object: &'t Object) -> Self {
        Self { node: object.root(), path: FieldPath::root() }
    }

    /// What is under a key; nothing where `null` is.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key).filter(|node| !node.is_null())?;
        Some(Self { node, path: self.path.clone().key(key) })
    }
}

/// Labels that something must have, or has: keys and values, by key.
pub type Pairs = Vec<(Box<str>, Box<str>)>;

/// Reads fields of one object, and keeps what is of the wrong type.
#[derive(Debug)]
pub(crate) struct Reader<'r> {
    pub(crate) object: usize,
    pub(crate) misread: &'r mut Vec<Misread>,
}

impl Reader<'_> {
    /// A place in the object.
    pub(crate) fn place(&self, path: FieldPath) -> Place {
        Place { object: self.object, path }
    }

    /// Notes that a field is wrong.
    pub(crate) fn wrong(&mut self, at: &At<'_>, message: String) {
        let place = self.place(at.path.clone());
        self.misread.push(Misread { place, span: at.node.span(), message });
    }

    fn of_kind<'t>(&mut self, at: At<'t>, kind: Kind) -> Option<At<'t>> {
        if at.node.kind() == kind {
            return Some(at);
        }
        self.wrong(&at, format!("expected {}, got {}", kind.described(), at.node.kind().described()));
        None
    }

    /// The mapping under a key.
    pub(crate) fn mapping<'t>(&mut self, at: &At<'t>, key: &str) -> Option<At<'t>> {
        self.of_kind(at.get(key)?, Kind::Mapping)
    }

    /// The elements of the list under a key.
    pub(crate) fn list<'t>(&mut self, at: &At<'t>, key: &str) -> Vec<At<'t>> {
        let Some(list) = at.get(key).and_then(|list| self.of_kind(list, Kind::Sequence)) else {
            return Vec::new();
        };
        let place = |(index, node)| At { node, path: list.path.clone().index(index) };
        list.node.items().enumerate().map(place).collect()
    }

    /// The mappings in the list under a key; `null` is an empty one.
    pub(crate) fn mappings<'t>(&mut self, at: &At<'t>, key: &str) -> Vec<At<'t>> {
        let elements = self.list(at, key);
        let mapping = |at: At<'t>| if at.node.is_null() { Some(at) } else { self.of_kind(at, Kind::Mapping) };
        elements.into_iter().filter_map(mapping).collect()
    }

    /// The text under a key.
    pub(crate) fn text<'t>(&mut self, at: &At<'t>, key: &str) -> Option<&'t str> {
        self.of_kind(at.get(key)?, Kind::String)?.node.as_str()
    }

    /// The texts in the list under a key; `null` is an empty one.
    pub(crate) fn texts<'t>(&mut self, at: &At<'t>, key: &str) -> Vec<&'t str> {
        let mut texts = Vec::new();
        for element in self.list(at, key) {
            if element.node.is_null() {
                texts.push("");
            } else if let Some(text) = self.of_kind(element, Kind::String).and_then(|at| at.node.as_str()) {
                texts.push(text);
            }
        }
        texts
    }

    /// The number under a key; as a text it counts too, as it does where protobuf is read from JSON.
    pub(crate) fn number(&mut self, at: &At<'_>, key: &str) -> Option<u32> {
        let field = at.get(key)?;
        let number = match field.node.as_str() {
            Some(text) => text.parse().ok(),
            None => field.node.as_u64().and_then(|number| u32::try_from(number).ok()),
        };
        if number.is_none() {
            self.wrong(&field, format!("expected a number, got {}", field.node.raw().trim()));
        }
        number
    }

    /// One of the words that a field takes; a number counts too, as it does where protobuf is read from JSON.
    pub(crate) fn one_of<T: Copy>(&mut self, at: &At<'_>, key: &str, words: &[(&str, T)]) -> Option<T> {
        let field = at.get(key)?;
        let found = match field.node.as_str() {
            Some(text) => words.iter().find(|(word, _)| *word == text),
            None => field.node.as_u64().and_then(|number| words.get(usize::try_from(number).ok()?)),
        };
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(&field, format!("{} is none of {}", field.node.raw().trim(), known.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// The labels under a key, by key; `null` is an empty value.
    pub(crate) fn pairs(&mut self, at: &At<'_>, key: &str) -> Option<Pairs> {
        let map = self.mapping(at, key)?;
        let mut pairs = Pairs::new();
        for entry in map.node.entries() {
            let value = At { node: entry.value, path: map.path.clone().key(entry.key) };
            if value.node.is_null() {
                pairs.push((entry.key.into(), "".into()));
            } else if let Some(text) = self.of_kind(value, Kind::String).and_then(|at| at.node.as_str()) {
                pairs.push((entry.key.into(), text.into()));
            }
        }
        Some(sorted(pairs))
    }
}

/// By key; of equal keys the last stands.
pub(crate) fn sorted(mut pairs: Pairs) -> Pairs {
    pairs.reverse();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs.dedup_by(|later, earlier| later.0 == earlier.0);
    pairs
}

/// The value of a key. Costs a binary search.
pub(crate) fn value<'p>(pairs: &'p Pairs, key: &str) -> Option<&'p str> {
    let at = pairs.binary_search_by(|(other, _)| (**other).cmp(key)).ok()?;
    pairs.get(at).map(|(_, value)| &**value)
}

/// Whether all of these labels are among those. Source: istio.io/istio `pkg/config/labels/instance.go` (`SubsetOf`).
pub fn is_subset(wanted: &Pairs, labels: &Pairs) -> bool {
    wanted.iter().all(|(key, wanted)| value(labels, key) == Some(&**wanted))
}

/// When an object was made, in seconds since 1970, where it says so.
pub(crate) fn created(object: &Object) -> Option<i64> {
    seconds(object.root().str_at(&["metadata", "creationTimestamp"])?)
}

/// The seconds since 1970 of a time as RFC 3339 writes it.
fn seconds(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let mark = |at: usize, marks: &[u8]| text.as_bytes().get(at).is_some_and(|byte| marks.contains(byte));
    if !(mark(4, b"-") && mark(7, b"-") && mark(10, b"Tt") && mark(13, b":") && mark(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let rest = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let zone = match rest.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let away =
                number(text.len() - 5, text.len() - 3)? * 3600 + number(text.len() - 2, text.len())? * 60;
            if *sign == b'+' { away } else { -away }
        }
        _ => return None,
    };
    // Days since 1970 of a date of our calendar, with years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let days =
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 719_469;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2026-01-01T00:00:10Z"), Some(1_767_225_610));
        assert_eq!(seconds("2026-01-01T01:00:10+01:00"), Some(1_767_225_610));
        assert_eq!(seconds("2024-02-29T12:00:00.5Z"), Some(1_709_208_000));
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(seconds("2026-01-01Tb0:00:10Z"), None);
    }

    #[test]
    fn labels_are_a_part_of_others_by_key_and_value() {
        let pairs = |list: &[(&str, &str)]| {
            sorted(list.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
        };
        let has = pairs(&[("b", "2"), ("a", "1")]);
        assert!(is_subset(&pairs(&[]), &has));
        assert!(is_subset(&pairs(&[("a", "1")]), &has));
        assert!(!is_subset(&pairs(&[("a", "2")]), &has));
        assert!(!is_subset(&pairs(&[("c", "")]), &has));
        assert_eq!(value(&pairs(&[("a", "1"), ("a", "2")]), "a"), Some("2"), "the last stands");
    }
}
