//! Every format stands whatever names, messages and paths hold.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::escape::is_deceptive;

/// Texts of which some are made to break out of a format.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("]]>"),
        Just("</script>"),
        Just("<!--"),
        Just("\n"),
        Just("\r\n"),
        Just("\t"),
        Just("%"),
        Just("%0A"),
        Just("::error::"),
        Just("|"),
        Just("\\|"),
        Just("`"),
        Just("``"),
        Just("\\"),
        Just("\u{202e}"),
        Just("\u{2066}"),
        Just("\u{1b}[31m"),
        Just("\u{fffe}"),
        Just("\u{ffff}"),
        Just("\0"),
        Just("&amp;"),
        Just("\""),
        Just("'"),
        Just("@team"),
        Just("[x](https://evil.example)"),
        Just("../"),
        Just(" (helm template)"),
        Just("</details>"),
        Just(","),
        Just(":"),
        Just("é"),
        Just("日本"),
        Just("\u{2028}"),
        Just(" "),
        Just("{0}"),
    ];
    prop_oneof![
        ".{0,20}",
        proptest::collection::vec(prop_oneof![piece.prop_map(str::to_owned), "[a-z]{1,5}"], 0..8)
            .prop_map(|pieces| pieces.concat()),
    ]
}

/// [`everything`], with all texts replaced.
fn hostile(texts: &[String]) -> Everything {
    let mut everything = everything();
    let mut texts = texts.iter().cycle();
    let mut next = || texts.next().cloned().unwrap_or_default();
    // No file is without a name.
    let file = |name: String| if name.is_empty() { "f".to_owned() } else { name };
    for finding in everything.findings.iter_mut().chain(&mut everything.set_aside) {
        finding.object = ObjectId { group: next(), kind: next(), namespace: Some(next()), name: next() };
        finding.api_version = next();
        finding.path = finding.path.clone().key(&next());
        (finding.message, finding.witness, finding.container) = (next(), next(), Some(next()));
        let location = &mut finding.location;
        (location.file, location.template) = (file(next()), location.template.as_ref().map(|_| next()));
        if let Standing::Suppressed(suppression) = &mut finding.standing {
            (suppression.reason, suppression.until, suppression.location.file) =
                (Some(next()), Some(next()), next());
        }
        if let Some(fix) = &mut finding.fix {
            (fix.title, fix.edits[0].edit.text) = (next(), next());
        }
    }
    for problem in &mut everything.problems {
        (problem.file, problem.message) = (file(next()), next());
        problem.object = problem.object.as_ref().map(|object| ObjectId { name: next(), ..object.clone() });
    }
    for note in &mut everything.notes {
        (note.file, note.message) = (file(next()), next());
    }
    everything.findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    everything.set_aside.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    everything
}

/// What is wrong with a report in that format.
fn faults(name: &str, text: &str, everything: &Everything) -> Vec<String> {
    let json = || -> Value { serde_json::from_str(text).unwrap() };
    match name {
        "text" => Vec::new(),
        "json" => json()["findings"]
            .as_array()
            .unwrap()
            .iter()
            .zip(&everything.findings)
            .filter(|(entry, finding)| entry["message"] != *finding.message)
            .map(|(entry, _)| entry.to_string())
            .collect(),
        "sarif" => super::sarif::faults(&json()),
        "junit" => super::junit::faults(text),
        "markdown" => super::markdown::faults(text),
        "github" => {
            let command = |line: &str| {
                let (properties, _) = line.split_once(" file=")?.1.split_once("::")?;
                let kind = ["::error file=", "::warning file=", "::notice file="]
                    .iter()
                    .any(|kind| line.starts_with(kind));
                (kind && !properties.contains(':') && properties.matches(",title=").count() == 1)
                    .then_some(())
            };
            let expected = everything.findings.len() + everything.problems.len() + everything.notes.len();
            let bad = text.lines().filter(|line| command(line).is_none()).map(str::to_owned);
            let count = (text.lines().count() != expected).then(|| format!("{expected} lines are expected"));
            bad.chain(count).collect()
        }
        "policyreport" | "openreports" => super::cluster::faults(&json()),
        other => panic!("{other} has no test"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn every_format_is_well_formed(texts in proptest::collection::vec(text(), 1..40)) {
        let everything = hostile(&texts);
        for format in FORMATS {
            let mut bytes = Vec::new();
            (format.reporter)(&everything.report(), &Style::default(), &mut bytes).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(faults(format.name, &text, &everything), Vec::<String>::new(), "{}:\n{}", format.name, text);
            let deceptive = text.chars().find(|c| *c != '\n' && is_deceptive(*c));
            prop_assert_eq!(deceptive, None, "{}:\n{}", format.name, text);
        }
    }
}
