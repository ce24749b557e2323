//! The verbs, a file each.

mod baseline;
mod config;
mod explain;
mod fix;
mod mesh;
mod net;
mod pods;
mod rbac;
mod ring;
mod rules;
mod scan;

use crate::args::mesh::MeshVerb;
use crate::args::rbac::RbacVerb;
use crate::args::{BaselineVerb, Cli, ConfigVerb, NetVerb, PodsVerb, Verb};
use crate::outcome::{Outcome, Usage};

/// Does what was asked.
///
/// # Errors
/// What was typed cannot be meant.
pub(crate) fn run(cli: &Cli) -> Result<Outcome, Usage> {
    match &cli.verb {
        Verb::Scan(args) => scan::run(args),
        Verb::Fix(args) => fix::run(args),
        Verb::Pods(PodsVerb::Check(args)) => pods::check::run(args),
        Verb::Pods(PodsVerb::Level(args)) => pods::level::run(args),
        Verb::Pods(PodsVerb::Plan(args)) => pods::plan::run(args),
        Verb::Pods(PodsVerb::MigratePsp(args)) => pods::migrate_psp::run(args),
        Verb::Net(NetVerb::List(args)) => net::list::run(args),
        Verb::Net(NetVerb::CanReach(args)) => net::can_reach::run(args),
        Verb::Net(NetVerb::Diff(args)) => net::diff::run(args),
        Verb::Net(NetVerb::Describe(args)) => net::describe::run(args),
        Verb::Net(NetVerb::Check(args)) => net::check::run(args),
        Verb::Net(NetVerb::Exposure(args)) => net::exposure::run(args),
        Verb::Net(NetVerb::Generate(args)) => net::generate::run(args),
        Verb::Net(NetVerb::Policies(args)) => net::policies::run(args),
        Verb::Rbac(RbacVerb::CanI(args)) => rbac::can_i::run(args),
        Verb::Rbac(RbacVerb::WhoCan(args)) => rbac::who_can::run(args),
        Verb::Rbac(RbacVerb::Matrix(args)) => rbac::matrix::run(args),
        Verb::Rbac(RbacVerb::CanGrant(args)) => rbac::can_grant::run(args),
        Verb::Rbac(RbacVerb::Reduce(args)) => rbac::reduce::run(args),
        Verb::Rbac(RbacVerb::Escalate(args)) => rbac::escalate::run(args),
        Verb::Rbac(RbacVerb::Diff(args)) => rbac::diff::run(args),
        Verb::Mesh(MeshVerb::Analyze(args)) => mesh::analyze::run(args),
        Verb::Mesh(MeshVerb::Can(args)) => mesh::can::run(args),
        Verb::Mesh(MeshVerb::Check(args)) => mesh::check::run(args),
        Verb::Mesh(MeshVerb::Mtls(args)) => mesh::mtls::run(args),
        Verb::Mesh(MeshVerb::Matrix(args)) => mesh::matrix::run(args),
        Verb::Mesh(MeshVerb::Plan(args)) => mesh::plan::run(args),
        Verb::Rules(args) => Ok(rules::run(args)),
        Verb::Explain(args) => explain::run(args),
        Verb::Baseline(BaselineVerb::Write(args)) => baseline::write(args),
        Verb::Config(ConfigVerb::Check(args)) => config::check(args),
    }
}
