//! Text as the reference writes it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// `"a", "b"`: quoted without escaping.
/// Source: `joinQuote` in k8s.io/pod-security-admission `policy/helpers.go`.
pub(crate) fn join_quote<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push_str(", ");
        }
        let _ = write!(text, "\"{}\"", item.as_ref());
    }
    text
}

/// One word or the other, by count.
pub(crate) const fn plural(singular: &'static str, plural: &'static str, count: usize) -> &'static str {
    if count == 1 { singular } else { plural }
}

/// The distinct texts in byte order.
pub(crate) fn sorted<'a>(items: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    items.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_without_escaping() {
        assert_eq!(join_quote(["a\"b", "c"]), "\"a\"b\", \"c\"");
    }
}
