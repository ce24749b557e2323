//! Reading audit events.

use std::path::PathBuf;

use ringwall_input::audit::{Options, read_events};

use crate::measure::{Plan, measure, print};

pub(crate) fn run(paths: &[PathBuf], plan: Plan) -> Result<(), String> {
    for path in paths {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for (name, bodies) in [("audit", false), ("audit with bodies", true)] {
            let options = Options { bodies, ..Options::default() };
            let read = || {
                read_events(&bytes[..], "bench", &options, |event, _| {
                    std::hint::black_box(event);
                })
            };
            let summary = read();
            let (events, length) = (usize::try_from(summary.events), usize::try_from(summary.bytes));
            let (Ok(events @ 1..), Ok(length)) = (events, length) else {
                return Err(format!("{}: no audit events here", path.display()));
            };
            // An event is what is counted, the whole stream is what is read.
            print(&measure(name, events, length, plan, |index| index > 0 || read().broken == 0))?;
        }
    }
    Ok(())
}
