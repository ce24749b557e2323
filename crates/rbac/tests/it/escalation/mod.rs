//! Who can become what.

mod chains;
mod cut;
mod kubehound;
mod rows;

use std::fmt::Write as _;

use ringwall_input::{Limits, read_text};
use ringwall_model::snapshot::{Facts as Surroundings, Snapshot};
use ringwall_rbac::escalation::facts::{Facts, Pod};
use ringwall_rbac::escalation::{Escalation, Identity};
use ringwall_rbac::model::{Origin, RbacObject};
use ringwall_rbac::policy::Policy;

const VERSION: &str = "apiVersion: rbac.authorization.k8s.io/v1";

/// Roles and bindings of their own for each line `WHO PLACE VERBS GROUP/RESOURCES [NAMES]`, as manifests. The place is a namespace or `-`
/// for the cluster; lists have commas; groups and resources that are long have short names; `url` is the group of paths. Who is a user,
/// `group:NAME` or `NAMESPACE/ACCOUNT`.
fn manifests(lines: &[&str]) -> String {
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let [who, place, verbs, what, ref names @ ..] = words[..] else { panic!("{line}") };
        let (group, resources) = what.split_once('/').unwrap_or_else(|| panic!("{line}"));
        let group = match group {
            "core" => "",
            "rbac" => "rbac.authorization.k8s.io",
            "certs" => "certificates.k8s.io",
            "admission" => "admissionregistration.k8s.io",
            "authn" => "authentication.k8s.io",
            "authz" => "authorization.k8s.io",
            group => group,
        };
        let resources = &resources.replace("csrs", "certificatesigningrequests");
        let list = |text: &str| {
            let quoted: Vec<String> = text.split(',').map(|one| format!("{one:?}")).collect();
            quoted.join(", ")
        };
        let verbs = list(verbs);
        let rule = match (group, names) {
            ("url", _) => {
                format!("{{nonResourceURLs: [{}], verbs: [{verbs}]}}", list(&format!("/{resources}")))
            }
            (_, names) => format!(
                "{{apiGroups: [{group:?}], resources: [{}], verbs: [{verbs}]{}}}",
                list(resources),
                names.first().map_or_else(String::new, |names| format!(", resourceNames: [{}]", list(names)))
            ),
        };
        let metadata = match place {
            "-" => format!("{{name: r{number}}}"),
            place => format!("{{name: r{number}, namespace: {place}}}"),
        };
        let role = if place == "-" { "ClusterRole" } else { "Role" };
        let binding = if place == "-" { "ClusterRoleBinding" } else { "RoleBinding" };
        writeln!(text, "---\n{VERSION}\nkind: {role}\nmetadata: {metadata}\nrules: [{rule}]").unwrap();
        writeln!(
            text,
            "---\n{}",
            bound(&format!("r{number}"), place, binding, role, &format!("r{number}"), who)
        )
        .unwrap();
    }
    text
}

/// A binding.
fn bound(name: &str, place: &str, kind: &str, role_kind: &str, role: &str, who: &str) -> String {
    let subject = match (who.strip_prefix("group:"), who.split_once('/')) {
        (Some(group), _) => format!("{{kind: Group, name: {group:?}}}"),
        (None, Some((namespace, name))) => {
            format!("{{kind: ServiceAccount, namespace: {namespace}, name: {name}}}")
        }
        (None, None) => format!("{{kind: User, name: {who:?}}}"),
    };
    let namespace = if place == "-" { String::new() } else { format!(", namespace: {place}") };
    let head = format!("{VERSION}\nkind: {kind}\nmetadata: {{name: {name}{namespace}}}");
    format!("{head}\nroleRef: {{kind: {role_kind}, name: {role}}}\nsubjects: [{subject}]\n")
}

fn snapshot(text: &str) -> Snapshot {
    let read = read_text("case.yaml", text.to_owned(), &Limits::default());
    assert!(read.problems.is_empty(), "{:?}\n{text}", read.problems);
    Snapshot::new(read.objects, Surroundings::default())
}

/// The policy of manifests alone, without what every cluster has.
fn alone(text: &str) -> Policy {
    let snapshot = snapshot(text);
    let objects =
        snapshot.objects().filter_map(|(at, object)| RbacObject::read(object, Origin::Object(at), "default"));
    let mut policy = Policy::of(objects);
    policy.aggregate(|role| role.stored);
    policy
}

fn user(name: &str) -> Identity {
    Identity::User(name.to_owned())
}

fn account(namespace: &str, name: &str) -> Identity {
    Identity::Account { namespace: namespace.to_owned(), name: name.to_owned() }
}

/// A pod, or several of a workload.
fn pod(namespace: &str, name: &str, account: &str) -> Pod {
    Pod {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        is_pod: true,
        account: account.to_owned(),
        has_token: true,
        ..Pod::default()
    }
}

/// The ids of all rows by which somebody gains something.
fn rows_used(policy: &Policy, facts: &Facts, who: &Identity) -> std::collections::BTreeSet<&'static str> {
    let escalation = Escalation::of(policy, facts);
    let gains = escalation.gains(who);
    gains.iter().flat_map(|gain| gain.proof.hops.iter().map(|hop| hop.row.id)).collect()
}
