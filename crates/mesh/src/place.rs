//! Where something is written, what could not be read there, and labels.

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Span;

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

/// Labels that something must have, or has: keys and values, by key.
pub type Pairs = Vec<(Box<str>, Box<str>)>;

/// By key; of equal keys the last stands.
pub fn sorted(mut pairs: Pairs) -> Pairs {
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
pub fn created(object: &Object) -> Option<i64> {
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
