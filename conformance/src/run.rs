//! Answering cases and comparing.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::Value;

use crate::areas::{Answered, Case};
use crate::files::{self, CaseFile};

/// Where differences and answers go.
pub(crate) struct Output {
    verdicts: Option<BufWriter<File>>,
    show: usize,
}

impl Output {
    pub(crate) fn new(verdicts: Option<&Path>, show: usize) -> Result<Self, String> {
        let verdicts = match verdicts {
            Some(path) => Some(BufWriter::new(
                File::create(path).map_err(|error| format!("{}: {error}", path.display()))?,
            )),
            None => None,
        };
        Ok(Self { verdicts, show })
    }

    fn say(line: &str) {
        // Nobody reads any more (`| head`): the exit code still says how it went.
        let _ = writeln!(std::io::stdout(), "{line}");
    }

    pub(crate) fn note(line: &str) {
        Self::say(line);
    }

    pub(crate) fn finish(&mut self) -> Result<(), String> {
        match &mut self.verdicts {
            Some(writer) => writer.flush().map_err(|error| format!("writing verdicts: {error}")),
            None => Ok(()),
        }
    }
}

/// Runs all case files at these paths; true where every case agrees.
pub(crate) fn paths(paths: &[PathBuf], area: Option<&str>, output: &mut Output) -> Result<bool, String> {
    let mut agree = true;
    let mut ignored = 0;
    for path in paths {
        let found = files::find(path, area)?;
        ignored += found.ignored;
        if found.files.is_empty() {
            return Err(format!("{}: no case files here", path.display()));
        }
        for file in found.files {
            agree &= case_file(&file, output)?;
        }
    }
    if ignored > 0 {
        Output::note(&format!("{ignored} other files ignored"));
    }
    Ok(agree)
}

/// Runs one case file and prints its line; true where every case agrees.
pub(crate) fn case_file(file: &CaseFile, output: &mut Output) -> Result<bool, String> {
    let text = files::read(&file.path)?;
    let cases = parse(&text, files::is_one_case(&file.path))
        .map_err(|error| format!("{}:{error}", file.path.display()))?;
    let folder = file.path.parent().unwrap_or(Path::new("."));
    let answers: Vec<Answered> =
        cases.par_iter().map(|case| file.area.answer(file.mode, case, folder)).collect();
    let mut differ = 0;
    let mut skipped = 0;
    for (case, answered) in cases.iter().zip(&answers) {
        if answered.skipped {
            skipped += 1;
            continue;
        }
        if let Some(writer) = &mut output.verdicts {
            let mut row = serde_json::Map::new();
            row.insert("id".to_owned(), Value::String(case.id.clone()));
            match &answered.verdict {
                Value::Object(fields) => row.extend(fields.clone()),
                other => drop(row.insert("want".to_owned(), other.clone())),
            }
            writeln!(writer, "{}", Value::Object(row))
                .map_err(|error| format!("writing verdicts: {error}"))?;
        }
        if let Some(difference) = &answered.difference {
            differ += 1;
            if differ <= output.show {
                Output::say(&format!("--- {} {}\n{difference}", file.path.display(), case.id));
            }
        }
    }
    let counted = cases.len() - skipped;
    let agree = counted - differ;
    let together: Vec<(&Case<'_>, &Answered)> = cases.iter().zip(&answers).collect();
    let mut enough = true;
    if let Some((words, is_enough)) = file.area.together(file.mode, &together) {
        Output::say(&words);
        enough = is_enough;
    }
    if skipped > 0 {
        Output::say(&format!(
            "{}: {skipped} further cases are of rules that the rings do not cover",
            file.path.display()
        ));
    }
    Output::say(&format!("{}: {counted} cases, {agree} agree, {differ} differ", file.path.display()));
    Ok(differ == 0 && enough)
}

fn parse(text: &str, one_case: bool) -> Result<Vec<Case<'_>>, String> {
    if one_case {
        return Ok(vec![Case::parse(text, 1).map_err(|error| error.to_string())?]);
    }
    let mut cases = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        cases.push(Case::parse(line, index + 1).map_err(|error| format!("{}: {error}", index + 1))?);
    }
    Ok(cases)
}
