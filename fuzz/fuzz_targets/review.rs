//! Any AdmissionReview is answered without a panic, and the answer is JSON.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ringwall_input::{Limits, json};
use ringwall_model::decode::StringMap;
use ringwall_model::text::Source;
use ringwall_pods::admission::{Admission, Cluster, RunningPod};
use ringwall_pods::config::Configuration;
use ringwall_pods::evaluate::Evaluator;
use ringwall_pods::review;

struct Restricted;

impl<'t> Cluster<'t> for Restricted {
    fn namespace_labels(&self, _name: &str) -> Result<StringMap<'t>, String> {
        Ok([("pod-security.kubernetes.io/enforce", "restricted")].into_iter().collect())
    }

    fn pods(&self, _namespace: &str) -> Result<Vec<RunningPod<'t>>, String> {
        Ok(Vec::new())
    }

    fn is_time_over(&self) -> bool {
        false
    }
}

fuzz_target!(|text: &str| {
    let source = Arc::new(Source::new("fuzz", text));
    let Ok(tree) = json::parse(&source, &Limits { depth: 200, ..Limits::default() }) else { return };
    let admission = Admission::new(Evaluator::newest(), &Configuration::default());
    let mut out = Vec::new();
    if review::answer(&admission, tree.root(), &Restricted, &mut Vec::new(), &mut out).is_ok() {
        serde_json::from_slice::<serde_json::Value>(&out).expect("the answer is JSON");
    }
});
