//! Judging what was read: hardening for each workload, and whole snapshots; what a user waits for besides reading.

use std::path::PathBuf;

use ringwall_input::{Limits, Options as Reading, load, read_text};
use ringwall_model::finding::{Finding, Severity};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_pods::hardening::model::Pod;
use ringwall_pods::hardening::{CHECKS, Settings, Subject, Surroundings};
use ringwall_posture::fix::{Options as Fixing, Reread, fix};
use ringwall_posture::scan::{Options, scan};
use ringwall_posture::workloads;

use crate::measure::{Plan, measure, print};

pub(crate) fn run(paths: &[PathBuf], plan: Plan) -> Result<(), String> {
    let reading = Reading { render: false, ..Reading::default() };
    let objects = load(paths, &mut std::io::empty(), &reading, &()).objects;
    let snapshot = Snapshot::new(objects.clone(), Facts::default());
    let workloads = workloads::of(&snapshot, workloads::Reading::default());
    let members: Vec<_> = workloads.families.iter().flat_map(|family| &family.members).collect();
    if members.is_empty() {
        return Err("no workloads here".to_owned());
    }
    let (settings, surroundings) = (Settings::default(), Surroundings::default());
    let mut flaws = Vec::new();
    print(&measure("harden (workloads)", members.len(), 0, plan, |index| {
        let member = members[index];
        let pod: Pod<'_> = member.decode();
        let subject = Subject {
            object: member.object,
            pod: &pod,
            is_pod: member.is_pod(),
            is_owned: false,
            is_control_plane: false,
            surroundings: &surroundings,
            settings: &settings,
        };
        flaws.clear();
        for check in CHECKS {
            (check.find)(&subject, &mut flaws);
        }
        flaws.is_empty()
    }))?;
    print(&measure("scan (snapshots)", 1, 0, plan, |_| {
        scan(&snapshot, Options::default()).findings.is_empty()
    }))?;
    let shown = |mut findings: Vec<Finding>, _: &Snapshot| {
        findings.retain(|finding| finding.severity >= Severity::Low);
        findings
    };
    let read = |name: &str, text: String| {
        let again = read_text(name, text, &Limits::default());
        Reread { objects: again.objects, problems: again.problems }
    };
    let options = Fixing { scan: Options::default(), wanted: &shown, safe_only: false, read: &read };
    print(&measure("fix (snapshots)", 1, 0, plan, |_| {
        fix(objects.clone(), &Facts::default(), options).files.is_empty()
    }))
}
