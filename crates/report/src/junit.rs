//! XML as `JUnit` writes it, for the pages on which CI systems show tests.
//!
//! A suite is a file, and a case is a rule on an object of it: a `failure` whose text lists the findings, `skipped`
//! where all of them are set aside, `error` for what could not be read. Cases that pass are not written, since nobody
//! looks at them. A suite has what the schema of Jenkins' xUnit plugin asks for; the `file` and `line` of a case are
//! what GitLab and pytest made of the format. There are no times and hosts, so that equal runs give equal bytes.
//!
//! Notes have no place in the format, and are shown beside it.
//!
//! It is written with `quick-xml`, a suite at a time, and not with `quick-junit`: that would hold the report a second
//! time, and writes attributes that the schema does not allow.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::Writer;
use ringwall_model::finding::{Finding, Problem, Standing};
use ringwall_model::object::ObjectId;

use crate::escape::escape;
use crate::place::Place;
use crate::text::{self, object_name};
use crate::{Format, Report, Style};

/// The format.
pub(crate) const FORMAT: Format = Format {
    name: "junit",
    summary: "JUnit XML, for the test pages of CI systems",
    reporter: write,
    asides: Some(text::write_notes),
    fixes: false,
};

/// What is said of one file.
#[derive(Default)]
struct Suite<'a> {
    /// By object and id of the rule.
    cases: BTreeMap<(&'a ObjectId, &'a str), Vec<&'a Finding>>,
    problems: Vec<&'a Problem>,
}

/// How many cases there are, and how they end.
#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

fn write(report: &Report<'_>, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: BTreeMap<Cow<'_, str>, Suite<'_>> = BTreeMap::new();
    for finding in report.findings.iter().chain(report.set_aside) {
        let suite = suites.entry(Place::of(&finding.location).file).or_default();
        suite.cases.entry((&finding.object, finding.check.id)).or_default().push(finding);
    }
    for problem in report.problems {
        let file = Place::of_text(&problem.file, problem.position).file;
        suites.entry(file).or_default().problems.push(problem);
    }
    let all = suites.values().map(Suite::counts).fold(Counts::default(), |all, counts| Counts {
        tests: all.tests + counts.tests,
        failures: all.failures + counts.failures,
        errors: all.errors + counts.errors,
        skipped: all.skipped + counts.skipped,
    });
    let mut writer = Writer::new_with_indent(&mut *out, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = writer.create_element("testsuites").with_attributes([
        ("name", "ringwall"),
        ("tests", &*all.tests.to_string()),
        ("failures", &*all.failures.to_string()),
        ("errors", &*all.errors.to_string()),
    ]);
    root.write_inner_content(|writer| {
        suites.iter().try_for_each(|(file, suite)| suite.write(&xml(file), writer))
    })?;
    writeln!(out)
}

impl Suite<'_> {
    fn counts(&self) -> Counts {
        let failures =
            self.cases.values().filter(|findings| findings.iter().any(|finding| is_open(finding))).count();
        let errors = self.problems.len();
        Counts { tests: self.cases.len() + errors, failures, errors, skipped: self.cases.len() - failures }
    }

    fn write<W: Write>(&self, file: &str, writer: &mut Writer<W>) -> io::Result<()> {
        let counts = self.counts();
        let suite = writer.create_element("testsuite").with_attributes([
            // The schemas ask for a name, and a text from a pipe has one too.
            ("name", file),
            ("tests", &*counts.tests.to_string()),
            ("failures", &*counts.failures.to_string()),
            ("errors", &*counts.errors.to_string()),
            ("skipped", &*counts.skipped.to_string()),
            ("file", file),
        ]);
        suite.write_inner_content(|writer| {
            for problem in &self.problems {
                write_problem(problem, file, writer)?;
            }
            self.cases
                .iter()
                .try_for_each(|((object, _), findings)| write_case(object, findings, file, writer))
        })?;
        Ok(())
    }
}

fn is_open(finding: &Finding) -> bool {
    finding.standing == Standing::Open
}

fn write_problem<W: Write>(problem: &Problem, file: &str, writer: &mut Writer<W>) -> io::Result<()> {
    let line = Place::of_text(&problem.file, problem.position).line().to_string();
    let class = problem
        .object
        .as_ref()
        .map_or_else(|| file.to_owned(), |object| xml(&object_name(object)).into_owned());
    let case = writer.create_element("testcase").with_attributes([
        ("name", "can be read"),
        ("classname", &*class),
        ("file", file),
        ("line", &*line),
    ]);
    case.write_inner_content(|writer| {
        let error = writer.create_element("error");
        let error = error.with_attributes([("type", "unreadable"), ("message", &*xml(&problem.message))]);
        error.write_text_content(BytesText::new(&xml(&problem.to_string())))?;
        Ok(())
    })?;
    Ok(())
}

/// One rule on one object; there is at least one finding.
fn write_case<W: Write>(
    object: &ObjectId,
    findings: &[&Finding],
    file: &str,
    writer: &mut Writer<W>,
) -> io::Result<()> {
    let open = findings.iter().copied().filter(|finding| is_open(finding));
    let worst = open.clone().rev().max_by_key(|finding| finding.severity);
    let Some(shown) = worst.or_else(|| findings.first().copied()) else { return Ok(()) };
    let case = writer.create_element("testcase").with_attributes([
        ("name", &*format!("{} {}", shown.check.id, shown.check.name)),
        ("classname", &*xml(&object_name(object))),
        ("file", file),
        ("line", &*Place::of(&shown.location).line().to_string()),
    ]);
    case.write_inner_content(|writer| {
        if worst.is_none() {
            writer
                .create_element("skipped")
                .with_attribute(("message", &*xml(&reason(&shown.standing))))
                .write_empty()?;
            return Ok(());
        }
        let mut message = xml(&shown.message).into_owned();
        if let Some(more @ 1..) = open.clone().count().checked_sub(1) {
            let _ = write!(message, " (and {more} more)");
        }
        let mut list = String::new();
        for finding in findings {
            let _ = write!(list, "{}: {}", xml(&finding.location.to_string()), xml(&finding.message));
            if !finding.path.is_empty() {
                let _ = write!(list, "  {}", xml(&finding.path.to_string()));
            }
            if !is_open(finding) {
                let _ = write!(list, "  ({})", xml(&reason(&finding.standing)));
            }
            list.push('\n');
            for (path, location) in &finding.related {
                let _ = writeln!(list, "  see {}: {}", xml(&location.to_string()), xml(&path.to_string()));
            }
        }
        let failure = writer.create_element("failure");
        let failure = failure.with_attributes([("type", shown.severity.word()), ("message", &*message)]);
        failure.write_text_content(BytesText::new(list.trim_end()))?;
        Ok(())
    })?;
    Ok(())
}

/// Why a finding is not to be acted on.
fn reason(standing: &Standing) -> String {
    match standing {
        Standing::Open => String::new(),
        Standing::Known => "known from the baseline".to_owned(),
        Standing::Suppressed(suppression) => {
            let mut text = format!("suppressed by {} at {}", suppression.by.word(), suppression.location);
            if let Some(until) = &suppression.until {
                let _ = write!(text, " until {until}");
            }
            if let Some(reason) = &suppression.reason {
                let _ = write!(text, ": {reason}");
            }
            text
        }
    }
}

/// A text that XML can hold: visible escapes stand for all that it cannot, and for what deceives.
fn xml(text: &str) -> Cow<'_, str> {
    let text = escape(text);
    // No characters of XML 1.0, though they are of Unicode.
    if text.contains(['\u{fffe}', '\u{ffff}']) {
        return Cow::Owned(text.replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}"));
    }
    text
}
