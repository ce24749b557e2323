//! What the test pages of CI systems read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use insta::assert_snapshot;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::*;

/// What the schema of Jenkins' xUnit plugin says of an element. The schema states no order of children, and all values
/// that ringwall writes are of types that take any text.
#[derive(Default)]
struct Declared {
    children: BTreeSet<String>,
    attributes: BTreeSet<String>,
    required: BTreeSet<String>,
    text: bool,
}

static SCHEMA: LazyLock<BTreeMap<String, Declared>> = LazyLock::new(|| {
    let mut elements: BTreeMap<String, Declared> = BTreeMap::new();
    // The element that is declared, if one is, at the first level below the schema.
    let mut current: Option<String> = None;
    let mut depth = 0;
    let mut reader = Reader::from_str(include_str!("data/junit-10.xsd"));
    loop {
        let event = reader.read_event().unwrap();
        let opens = matches!(event, Event::Start(_));
        match event {
            Event::Eof => break,
            Event::End(_) => depth -= 1,
            Event::Start(tag) | Event::Empty(tag) => {
                let attributes = attributes(&tag);
                let tag = tag.name().as_ref().to_owned();
                let get = |name: &str| attributes.get(name).cloned().unwrap_or_default();
                if depth == 1 {
                    current = (tag == "xs:element").then(|| get("name"));
                }
                depth += i32::from(opens);
                let Some(current) = &current else { continue };
                let declared = elements.entry(current.clone()).or_default();
                match tag.as_str() {
                    "xs:element" if attributes.contains_key("ref") => {
                        declared.children.insert(get("ref"));
                    }
                    "xs:element" => declared.text |= get("type") == "xs:string",
                    "xs:complexType" => declared.text |= get("mixed") == "true",
                    "xs:attribute" => {
                        if get("use") == "required" {
                            declared.required.insert(get("name"));
                        }
                        declared.attributes.insert(get("name"));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    // What GitLab and pytest made of the format, and Jenkins passes over.
    let case = elements.get_mut("testcase").unwrap();
    case.attributes.extend(["file", "line"].map(str::to_owned));
    elements
});

fn attributes(tag: &BytesStart<'_>) -> BTreeMap<String, String> {
    tag.attributes()
        .map(|attribute| {
            let attribute = attribute.unwrap();
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).unwrap();
            (attribute.key.as_ref().to_owned(), value.into_owned())
        })
        .collect()
}

/// What the schema says against a document. It fails where the document is not well-formed.
pub(super) fn faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(bad) =
        text.chars().find(|c| !matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
    {
        faults.push(format!("XML has no character {bad:?}"));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut open: Vec<String> = Vec::new();
    let mut roots = 0;
    loop {
        let event = reader.read_event().unwrap();
        let empty = matches!(event, Event::Empty(_));
        match event {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                let declared = SCHEMA.get(&name).unwrap_or_else(|| panic!("{name}"));
                match open.last() {
                    None => roots += 1,
                    Some(parent) if SCHEMA[parent].children.contains(&name) => {}
                    Some(parent) => faults.push(format!("{name} in {parent}")),
                }
                let attributes: BTreeSet<String> = attributes(&tag).into_keys().collect();
                faults.extend(
                    attributes.difference(&declared.attributes).map(|extra| format!("{name} has {extra}")),
                );
                faults.extend(
                    declared
                        .required
                        .difference(&attributes)
                        .map(|lacking| format!("{name} lacks {lacking}")),
                );
                if !empty {
                    open.push(name);
                }
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => {
                let allowed = open.last().is_some_and(|parent| SCHEMA[parent].text);
                if !text.trim().is_empty() && !allowed {
                    faults.push(format!("text in {open:?}"));
                }
            }
            _ => {}
        }
    }
    if roots != 1 || !open.is_empty() {
        faults.push(format!("{roots} roots, {open:?} open"));
    }
    faults
}

#[test]
fn a_case_is_a_rule_on_an_object() {
    assert_snapshot!(render_as("junit", &everything().report(), Style::default()));
}

#[test]
fn reports_keep_to_the_schema() {
    let report = |report: &Report<'_>| {
        let mut bytes = Vec::new();
        (format("junit").unwrap().reporter)(report, &Style::default(), &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(faults(&report(&Report::default())), Vec::<String>::new());
    let text = report(&everything().report());
    assert_eq!(faults(&text), Vec::<String>::new());
    for (right, wrong) in
        [("<failure type=", "<failure kind="), ("<skipped message", "<passed message"), (" errors=\"1\"", "")]
    {
        assert!(text.contains(right), "{right}");
        let wrong = text.replacen(right, wrong, 1);
        assert!(
            std::panic::catch_unwind(|| faults(&wrong)).map_or(true, |faults| !faults.is_empty()),
            "{right}"
        );
    }
}

#[test]
fn the_counts_are_those_of_the_cases() {
    let text = render_as("junit", &everything().report(), Style::default());
    let count = |what: &str| text.matches(what).count();
    let total = |what: &str| -> usize {
        text.lines()
            .filter(|line| line.trim_start().starts_with("<testsuite "))
            .map(|line| line.split(&format!(" {what}=\"")).nth(1).unwrap().split('"').next().unwrap())
            .map(|number| number.parse::<usize>().unwrap())
            .sum()
    };
    assert_eq!(count("<testcase "), total("tests"));
    assert_eq!(count("<failure "), total("failures"));
    assert_eq!(count("<error "), total("errors"));
    assert_eq!(count("<skipped "), total("skipped"));
}
