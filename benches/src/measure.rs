//! Counting operations per second of processor time.

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// How long and how often to measure.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seconds: f64,
    pub(crate) runs: usize,
}

/// One measurement, with the field names of the reference's bench.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measurement {
    name: String,
    per_cpu_second: f64,
    cpu_ns_each: f64,
    min: f64,
    max: f64,
    cases: usize,
    denied: usize,
    input_bytes: usize,
    #[serde(rename = "megabytesPerCpuSecond", skip_serializing_if = "Option::is_none")]
    megabytes: Option<f64>,
}

/// Processor seconds that this process has used.
#[expect(clippy::cast_precision_loss, reason = "figures are rounded anyway")]
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Runs `one` over `cases` again and again. `one` says whether the case passes.
#[expect(clippy::cast_precision_loss, reason = "figures are rounded anyway")]
pub(crate) fn measure(
    name: &str,
    cases: usize,
    input_bytes: usize,
    plan: Plan,
    mut one: impl FnMut(usize) -> bool,
) -> Measurement {
    let denied = (0..cases).filter(|index| !one(*index)).count();
    let mut rates = Vec::with_capacity(plan.runs);
    for _ in 0..plan.runs {
        let (start, mut done) = (cpu_seconds(), 0usize);
        loop {
            for index in 0..cases {
                std::hint::black_box(one(index));
            }
            done += cases;
            let used = cpu_seconds() - start;
            if used >= plan.seconds {
                rates.push(done as f64 / used);
                break;
            }
        }
    }
    rates.sort_by(f64::total_cmp);
    let median = rates[rates.len() / 2];
    let megabytes = (input_bytes > 0).then(|| median * input_bytes as f64 / cases as f64 / 1e6);
    Measurement {
        name: name.to_owned(),
        per_cpu_second: median,
        cpu_ns_each: 1e9 / median,
        min: rates[0],
        max: rates[rates.len() - 1],
        cases,
        denied,
        input_bytes,
        megabytes,
    }
}

/// Prints a measurement as a JSON line.
#[expect(clippy::print_stdout, reason = "this is a command")]
pub(crate) fn print(measurement: &Measurement) -> Result<(), String> {
    println!("{}", serde_json::to_string(measurement).map_err(|error| error.to_string())?);
    Ok(())
}
