//! What a user may do in a namespace, as `SelfSubjectRulesReview` lists it and `kubectl auth can-i --list` prints it.
//! Sources: k8s.io/kubernetes `plugin/pkg/auth/authorizer/rbac/rbac.go` (`RulesFor`),
//! k8s.io/kubectl `pkg/cmd/auth/cani.go` (`printStatus`) and `pkg/describe/describe.go` (`CombineResourceGroup`).

use ringwall_model::go::go_aggregate;

use crate::attributes::User;
use crate::covers::{Atom, Compact, compact};
use crate::model::Rule;
use crate::policy::{Policy, Unresolved};

/// What holds for a user in a namespace.
#[derive(Clone, Debug, Default)]
pub struct Review<'p> {
    /// The rules about resources, in the order of the bindings, none left out that is there twice.
    pub resource_rules: Vec<&'p Rule>,
    /// The rules about paths.
    pub non_resource_rules: Vec<&'p Rule>,
    /// Roles that could not be resolved.
    pub errors: Vec<Unresolved>,
}

impl Policy {
    /// The review of a user in a namespace. A rule that speaks of both resources and paths is in both lists.
    pub fn review<'p>(&'p self, user: &'p User, namespace: &'p str) -> Review<'p> {
        let (rules, errors) = self.rules_for(user, namespace);
        Review {
            resource_rules: rules.iter().copied().filter(|rule| !rule.resources.is_empty()).collect(),
            non_resource_rules: rules
                .iter()
                .copied()
                .filter(|rule| !rule.non_resource_urls.is_empty())
                .collect(),
            errors,
        }
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'p> {
    /// The resource with its group behind it and its subresource behind that; empty for a path.
    pub resource: String,
    /// The path, if it is one.
    pub url: Option<&'p str>,
    /// The name of the object, if the rule names one.
    pub name: Option<&'p str>,
    /// The verbs.
    pub verbs: Vec<&'p str>,
}

impl<'p> Review<'p> {
    /// Why there may be more, where the API server says so: for nodes alone, whose authorizer lists nothing. A role that is not there is an
    /// error of the review, and is told with the others, but does not make it incomplete.
    /// Sources: `RulesFor` of the authorizers `plugin/pkg/auth/authorizer/{node,rbac}` in k8s.io/kubernetes and of the chain of them in k8s.io/apiserver
    /// `pkg/authorization/union/union.go`; `printStatus`.
    pub fn incomplete(&self, user: &User) -> Option<String> {
        crate::node::identity(user)?;
        let node = "node authorizer does not support user rule resolution".to_owned();
        go_aggregate(std::iter::once(node).chain(self.errors.iter().map(Unresolved::to_string)))
    }

    /// The rows, in kubectl's order.
    pub fn rows(&self) -> Vec<Row<'p>> {
        let resources = self
            .resource_rules
            .iter()
            .flat_map(|rule| rule.atoms().filter(|atom| matches!(atom, Atom::Resource { .. })));
        let paths = self
            .non_resource_rules
            .iter()
            .flat_map(|rule| rule.atoms().filter(|atom| matches!(atom, Atom::Path { .. })));
        let mut rows = compact(resources.chain(paths), true);
        rows.sort_by_cached_key(go_string);
        rows.into_iter().map(row).collect()
    }

    /// The table, its columns three spaces apart.
    pub fn table(&self, headers: bool) -> String {
        let mut lines: Vec<[String; 4]> = Vec::new();
        if headers {
            lines.push(["Resources", "Non-Resource URLs", "Resource Names", "Verbs"].map(str::to_owned));
        }
        lines.extend(self.rows().into_iter().map(|row| {
            let one = |text: Option<&str>| format!("[{}]", text.unwrap_or_default());
            [row.resource, one(row.url), one(row.name), format!("[{}]", row.verbs.join(" "))]
        }));
        align(&lines)
    }
}

/// Columns as k8s.io/cli-runtime `pkg/printers/tabwriter.go` sets them: at least six wide, three spaces apart, the last as it is.
fn align(lines: &[[String; 4]]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count() + 3);
        cells.max().unwrap_or(0).max(6)
    };
    let widths = [width(0), width(1), width(2)];
    let mut out = String::new();
    for line in lines {
        for (cell, width) in line.iter().zip(widths) {
            out.push_str(cell);
            out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        }
        out.push_str(&line[3]);
        out.push('\n');
    }
    out
}

/// The rule as Go's generated `String` prints it, by which kubectl sorts.
fn go_string(rule: &Compact<'_>) -> String {
    let verbs = rule.verbs.join(" ");
    match rule.atom {
        Atom::Resource { group, resource, name, .. } => format!(
            "&PolicyRule{{Verbs:[{verbs}],APIGroups:[{group}],Resources:[{resource}],ResourceNames:[{}],NonResourceURLs:[],}}",
            name.unwrap_or_default()
        ),
        Atom::Path { url, .. } => format!(
            "&PolicyRule{{Verbs:[{verbs}],APIGroups:[],Resources:[],ResourceNames:[],NonResourceURLs:[{url}],}}"
        ),
    }
}

fn row(rule: Compact<'_>) -> Row<'_> {
    match rule.atom {
        Atom::Resource { group, resource, name, .. } => {
            Row { resource: combined(resource, group), url: None, name, verbs: rule.verbs }
        }
        Atom::Path { url, .. } => {
            Row { resource: String::new(), url: Some(url), name: None, verbs: rule.verbs }
        }
    }
}

/// `deployments/scale` of `apps` as `deployments.apps/scale`.
pub fn combined(resource: &str, group: &str) -> String {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (resource, None),
    };
    let mut out = resource.to_owned();
    if !group.is_empty() {
        out.push('.');
        out.push_str(group);
    }
    if let Some(subresource) = subresource {
        out.push('/');
        out.push_str(subresource);
    }
    out
}
