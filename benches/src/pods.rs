//! Pod Security, measured as the reference's bench measures it: at restricted:latest, on one thread.

use std::path::Path;
use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_model::decode::StringMap;
use ringwall_model::text::Source;
use ringwall_model::tree::Tree;
use ringwall_pods::admission::{Admission, Cluster, RunningPod};
use ringwall_pods::config::Configuration;
use ringwall_pods::evaluate::{Evaluator, Failures};
use ringwall_pods::model::PodTemplate;
use ringwall_pods::policy::{Level, LevelVersion, Version};
use ringwall_pods::{review, workload};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::measure::{Plan, measure, print};

#[derive(Deserialize)]
struct Line<'f> {
    #[serde(borrow)]
    pod: Option<&'f RawValue>,
    #[serde(borrow)]
    case: Option<Case<'f>>,
}

#[derive(Deserialize)]
struct Case<'f> {
    #[serde(borrow)]
    pod: Option<&'f RawValue>,
}

/// A cluster with one namespace, labelled `enforce: restricted`.
struct OneNamespace;

impl<'t> Cluster<'t> for OneNamespace {
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

const RESTRICTED: LevelVersion = LevelVersion { level: Level::Restricted, version: Version::Latest };

fn parse(text: &str) -> Option<Tree> {
    json::parse(&Arc::new(Source::new("pod", text)), &Limits::default()).ok()
}

fn decode(tree: &Tree) -> Option<PodTemplate<'_>> {
    workload::decode(tree.root(), "", "v1", "Pod").ok().flatten()
}

pub(crate) fn run(path: &Path, plan: Plan) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut raws: Vec<String> = Vec::new();
    for line in text.lines() {
        let line: Line<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let Some(pod) = line.pod.or(line.case.and_then(|case| case.pod)) else { continue };
        if parse(pod.get()).is_some_and(|tree| decode(&tree).is_some()) {
            raws.push(pod.get().to_owned());
        }
    }
    if raws.is_empty() {
        return Err("no pods in these cases".to_owned());
    }
    let reviews: Vec<String> = raws.iter().map(|raw| envelope(raw)).collect();
    let trees: Vec<Tree> = raws.iter().filter_map(|raw| parse(raw)).collect();
    let pods: Vec<PodTemplate<'_>> = trees.iter().filter_map(decode).collect();
    let bytes = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    let evaluator = Evaluator::newest();

    let mut failures = Failures::default();
    print(&measure("evaluate", pods.len(), 0, plan, |index| {
        evaluator.evaluate(RESTRICTED, &pods[index], &mut failures);
        failures.is_empty()
    }))?;
    let mut failures = Failures::default();
    print(&measure("evaluate+message", pods.len(), 0, plan, |index| {
        evaluator.evaluate(RESTRICTED, &pods[index], &mut failures);
        failures.is_empty() || failures.message(&pods[index]).is_empty()
    }))?;
    print(&measure("decode", raws.len(), bytes(&raws), plan, |index| {
        parse(&raws[index]).is_some_and(|tree| decode(&tree).is_some())
    }))?;
    print(&measure("decode+evaluate", raws.len(), bytes(&raws), plan, |index| {
        let Some(tree) = parse(&raws[index]) else { return false };
        let Some(pod) = decode(&tree) else { return false };
        let mut failures = Failures::default();
        evaluator.evaluate(RESTRICTED, &pod, &mut failures);
        failures.is_empty()
    }))?;
    let admission = Admission::new(evaluator, &Configuration::default());
    let mut out = Vec::new();
    let mut events = Vec::new();
    print(&measure("review", reviews.len(), bytes(&reviews), plan, |index| {
        let Some(tree) = parse(&reviews[index]) else { return false };
        out.clear();
        events.clear();
        let answer = review::answer(&admission, tree.root(), &OneNamespace, &mut events, &mut out);
        answer.is_ok_and(|response| response.allowed)
    }))
}

/// The `AdmissionReview` that the reference's bench makes of a pod.
fn envelope(pod: &str) -> String {
    let kind = r#"{"group":"","version":"v1","kind":"Pod"}"#;
    let resource = r#"{"group":"","version":"v1","resource":"pods"}"#;
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"00000000-0000-0000-0000-000000000000","kind":{kind},"resource":{resource},"requestKind":{kind},"requestResource":{resource},"name":"p","namespace":"team-a","operation":"CREATE","userInfo":{{}},"object":{pod},"oldObject":null,"options":null}}}}"#
    )
}
