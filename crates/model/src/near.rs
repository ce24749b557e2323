//! Names that are much alike: what may be meant where a name is not known.

/// The one of some names that is much like another, where there is one alone.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let mut near = known.filter(|other| is_near(name, other));
    let first = near.next()?;
    near.all(|other| other == first).then_some(first)
}

/// Whether two names differ by a slip of the pen: one letter, or two in a long name. Names that differ in a number are two names.
pub fn is_near(a: &str, b: &str) -> bool {
    let allowed = match a.len().min(b.len()) {
        0..4 => return false,
        4..8 => 1,
        _ => 2,
    };
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
    a != b
        && a.len().abs_diff(b.len()) <= allowed
        && digits(a) == digits(b)
        && strsim::osa_distance(a, b) <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_near_by_a_slip_of_the_pen() {
        for (a, b, near) in [
            ("payment", "payments", true),
            ("kube-sytem", "kube-system", true),
            ("kube-systme", "kube-system", true),
            ("web", "api", false),
            ("web", "wen", false),
            ("prod", "test", false),
            ("staging", "staging", false),
        ] {
            assert_eq!(is_near(a, b), near, "{a} {b}");
        }
        assert!(!is_near("team-a1", "team-a2"), "numbers are no slips");
        assert_eq!(nearest("backend", ["backand", "backent"].into_iter()), None, "one as much as the other");
    }
}
