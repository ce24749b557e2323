//! How values with a star match. Source: `pilot/pkg/security/authz/matcher/string.go` and `header.go`.

/// Of a value only a star at one end is special, that at the start before that at the end: `a*b` and the second star of `*a*` are literal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Text {
    /// `*`: something.
    Any,
    /// The value itself.
    Exact(Box<str>),
    /// `start*`.
    Prefix(Box<str>),
    /// `*end`.
    Suffix(Box<str>),
}

impl Text {
    /// Reads a value.
    pub(crate) fn parse(value: &str) -> Self {
        if value == "*" {
            Self::Any
        } else if let Some(end) = value.strip_prefix('*') {
            Self::Suffix(end.into())
        } else if let Some(start) = value.strip_suffix('*') {
            Self::Prefix(start.into())
        } else {
            Self::Exact(value.into())
        }
    }

    /// Whether it matches; `*` matches no empty text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => !text.is_empty(),
            Self::Exact(value) => **value == *text,
            Self::Prefix(start) => text.starts_with(&**start),
            Self::Suffix(end) => text.ends_with(&**end),
        }
    }

    /// Whether it matches a header's value that is there: for `*`, an empty one is enough.
    pub(crate) fn matches_header(&self, text: &str) -> bool {
        matches!(self, Self::Any) || self.matches(text)
    }

    /// As [`Text::matches_header`], the case of ASCII letters aside.
    pub(crate) fn matches_any_case(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(value) => value.eq_ignore_ascii_case(text),
            Self::Prefix(start) => text
                .as_bytes()
                .get(..start.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes())),
            Self::Suffix(end) => {
                let from = text.len().checked_sub(end.len());
                let tail = from.and_then(|from| text.as_bytes().get(from..));
                tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
            }
        }
    }

    /// As [`Text::matches`], of the text in lower case. The value is not: with a capital letter it matches nothing.
    pub(crate) fn matches_lower(&self, text: &str) -> bool {
        let equal = |text: &[u8], value: &str| {
            text.len() == value.len()
                && text.iter().zip(value.bytes()).all(|(byte, value)| byte.to_ascii_lowercase() == value)
        };
        let text = text.as_bytes();
        match self {
            Self::Any => !text.is_empty(),
            Self::Exact(value) => equal(text, value),
            Self::Prefix(start) => text.get(..start.len()).is_some_and(|head| equal(head, start)),
            Self::Suffix(end) => {
                let tail = text.len().checked_sub(end.len()).and_then(|from| text.get(from..));
                tail.is_some_and(|tail| equal(tail, end))
            }
        }
    }
}

/// A text with any number of stars, each for any text: `.*` of a regular expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Glob {
    /// What stands between the stars; there is one star less than parts.
    parts: Box<[Box<str>]>,
}

impl Glob {
    pub(crate) fn parse(value: &str) -> Self {
        Self { parts: value.split('*').map(Box::from).collect() }
    }

    /// Whether all of the text matches. Costs the product of the lengths at most.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let [first, between @ .., last] = &*self.parts else {
            return self.parts.first().is_some_and(|only| **only == *text);
        };
        let Some(mut rest) = text.strip_prefix(&**first) else { return false };
        for part in between {
            match rest.find(&**part) {
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.len() >= last.len() && rest.ends_with(&**last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_star_at_one_end_is_special() {
        let matches = |value: &str, text: &str| Text::parse(value).matches(text);
        assert!(matches("*", "a") && !matches("*", ""));
        assert!(matches("a*", "a") && matches("a*", "ab") && !matches("a*", "ba"));
        assert!(matches("*a", "a") && matches("*a", "ba") && !matches("*a", "ab"));
        assert!(matches("a*b", "a*b") && !matches("a*b", "axb"), "an inner star is literal");
        assert!(matches("*a*", "xa*") && !matches("*a*", "xay"), "the star at the start is taken");
    }

    #[test]
    fn hosts_match_in_any_case_and_names_of_servers_are_lower() {
        let host = |value: &str, text: &str| Text::parse(value).matches_any_case(text);
        assert!(host("Svc.*", "sVC.x") && host("*.Example.com", "a.example.COM") && host("*", ""));
        assert!(!host("svc", "svc:80") && !host("*long", "ng") && !host("svc.*", "sv"));
        let sni = |value: &str, text: &str| Text::parse(value).matches_lower(text);
        assert!(
            sni("*.example.com", "A.Example.Com") && sni("a*", "AB") && !sni("A*", "AB") && !sni("*", "")
        );
    }

    /// What the regular expression that a glob stands for says, by trying all ways.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|at| slow(rest, &text[at..])),
            Some((first, rest)) => text.first() == Some(first) && slow(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn a_glob_is_its_regular_expression(pattern in "[ab*é]{0,7}", text in "[abé]{0,8}") {
            let (chars, of): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Glob::parse(&pattern).matches(&text), slow(&chars, &of));
        }

        #[test]
        fn no_value_and_no_text_break_it(value in "\\PC{0,12}", text in "\\PC{0,12}") {
            let parsed = Text::parse(&value);
            let _ = (parsed.matches_any_case(&text), parsed.matches_lower(&text), parsed.matches_header(&text));
            if !value.contains('*') {
                prop_assert_eq!(parsed.matches(&text), value == text);
            }
        }
    }
}
