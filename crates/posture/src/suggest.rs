//! What a user may have meant by a word that is not known.

/// The candidate that is nearest to `word`, if one is near: a slip of the finger for each four letters, in any case.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // `_` and `-` are the same slip, however often it is made; so are blanks.
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let wanted = plain(word);
    let distance = |candidate: &str| strsim::osa_distance(&wanted, &plain(candidate));
    let best = candidates.into_iter().map(|candidate| (distance(candidate), candidate)).min();
    best.filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 4).max(1))
        .map(|(_, candidate)| candidate)
}

/// `; did you mean X?`, or nothing.
pub(crate) fn did_you_mean(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["fail-on", "min-severity", "RW-POD-001"];
        for (word, meant) in [
            ("fail_on", Some("fail-on")),
            ("FailOn", Some("fail-on")),
            ("minseverity", Some("min-severity")),
            ("rw-pod-01", Some("RW-POD-001")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
