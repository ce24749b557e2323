//! Findings on the control plane's own pods.

use rayon::prelude::*;
use ringwall_model::finding::{Finding, Mending, Severity};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_pods::control_plane::{self, ClientAuthority, Component, ETCD};

use crate::found::{finding, number_twins};
use crate::mend;
use crate::workloads::{Family, Workload, Workloads};

/// What is wrong with the flags of the control plane, each on the object that a user edits.
pub(crate) fn findings(workloads: &Workloads<'_>, mend: bool) -> Vec<Finding> {
    let families = &workloads.families;
    let mut findings: Vec<Finding> =
        families.par_iter().flat_map_iter(|family| of_family(family, mend)).collect();
    let authorities: Vec<Placed<'_>> = families
        .par_iter()
        .flat_map_iter(|family| family.members.iter().flat_map(|member| authorities_of(family.top, member)))
        .collect();
    findings.extend(shared_authorities(&authorities));
    findings
}

fn of_family(family: &Family<'_>, mend: bool) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    // By the finding's place: the member that it was first found in, and the last in which it was met.
    let mut met: Vec<(usize, usize)> = Vec::new();
    for (index, member) in family.members.iter().enumerate() {
        let Some(template) = member.node() else { continue };
        for flaw in control_plane::find(template, member.object.id.namespace.as_deref()) {
            let same = |(known, (first, _)): &(&Finding, &(usize, usize))| {
                *first != index
                    && std::ptr::eq(known.check, flaw.check())
                    && known.witness == flaw.rule.witness
                    && known.container.as_deref() == Some(&flaw.container)
            };
            if let Some(known) = findings.iter().zip(&met).position(|pair| same(&pair)) {
                let last = &mut met[known].1;
                findings[known].replicas += usize::from(*last != index && member.is_pod());
                *last = index;
                continue;
            }
            let path = member.path_to(&flaw.path);
            let advice = flaw.advice();
            let mending = mend.then(|| {
                let fix = flaw.fix(&member.path_to(&FieldPath::root()));
                let fix = fix.ok_or_else(|| mend::OWN.to_owned());
                mend::unless_owned(member, fix)
            });
            let witness = flaw.rule.witness.to_owned();
            let mut found = finding(flaw.check(), family.top, member.object, path, flaw.message, witness);
            found.severity = flaw.severity;
            found.container = Some(flaw.container);
            found.advice = Some(advice);
            found.mending = mending.map(|fix| Box::new(Mending { object: member.index, fix }));
            findings.push(found);
            met.push((index, index));
        }
    }
    number_twins(&mut findings);
    findings
}

/// An authority with the object that a user edits, and the workload that it is written in.
type Placed<'a> = (&'a Object, &'a Workload<'a>, ClientAuthority);

fn authorities_of<'a>(top: &'a Object, member: &'a Workload<'a>) -> Vec<Placed<'a>> {
    let Some(template) = member.node() else { return Vec::new() };
    let authorities = control_plane::client_authorities(template, member.object.id.namespace.as_deref());
    authorities.into_iter().map(|authority| (top, member, authority)).collect()
}

/// Where an API server and an etcd of one namespace know their clients by the same file, each has a finding: either can
/// be given another.
fn shared_authorities(all: &[Placed<'_>]) -> Vec<Finding> {
    let namespace = |(_, member, _): &Placed<'_>| member.object.id.namespace.clone();
    let mut findings: Vec<Finding> = Vec::new();
    for one in all {
        let other = all.iter().find(|other| {
            namespace(other) == namespace(one)
                && other.2.component != one.2.component
                && other.2.file == one.2.file
        });
        let Some((_, _, other)) = other else { continue };
        let (top, member, authority) = one;
        let name = authority.component.name();
        let message = match authority.component {
            Component::Etcd => format!(
                "{name} lets in whoever has a certificate for the API server: {} is {}, and so is its {}",
                authority.flag, authority.file, other.flag
            ),
            _ => format!(
                "{name} takes clients by etcd's own authority: {} is {}, and so is etcd's {}",
                authority.flag, authority.file, other.flag
            ),
        };
        let path = member.path_to(&authority.path);
        let mut found = finding(&ETCD, top, member.object, path, message, authority.flag.to_owned());
        found.severity = Severity::High;
        found.container = Some(authority.container.clone());
        if !findings.iter().any(|known| known.object == found.object && known.witness == found.witness) {
            findings.push(found);
        }
    }
    findings
}
