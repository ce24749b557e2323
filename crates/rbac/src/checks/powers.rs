//! What the rules of a role lead to, by the escalation catalogue: which of its rows are flaws, how bad, and where the rule says so.

use std::collections::BTreeSet;

use ringwall_model::finding::Severity;
use ringwall_model::path::FieldPath;

use super::subject::{Reach, SYSTEM, Written, item_path, joined, rule_path};
use super::{Flaws, Subject};
use crate::escalation::catalogue::{Fact, Need, PathRight, Right, Row, WHATEVER};
use crate::escalation::rows::{Scope, rows_of_rules};
use crate::matching::{ALL, resource_matches, url_matches};
use crate::model::Rule;

/// A row of the catalogue that is a flaw where a role opens it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Power {
    /// The row's id.
    pub(super) row: &'static str,
    /// The gain in few words, as they follow `may`.
    pub(super) short: &'static str,
    /// How bad it is in all namespaces.
    pub(super) everywhere: Severity,
    /// How bad it is for some objects by name; `None` where it is none then.
    named: Option<Severity>,
    /// What counts where the other rights that the row needs are missing: a verb on a resource.
    alone: &'static [(&'static str, &'static str)],
    /// How bad that is.
    partly: Severity,
    /// Whether it is a flaw in all namespaces only.
    only_everywhere: bool,
}

const fn power(row: &'static str, everywhere: Severity, short: &'static str) -> Power {
    Power { row, short, everywhere, named: None, alone: &[], partly: Severity::Info, only_everywhere: false }
}

impl Power {
    const fn named(self, severity: Severity) -> Self {
        Self { named: Some(severity), ..self }
    }

    const fn alone(self, rights: &'static [(&'static str, &'static str)], severity: Severity) -> Self {
        Self { alone: rights, partly: severity, ..self }
    }

    const fn only_everywhere(self) -> Self {
        Self { only_everywhere: true, ..self }
    }
}

use Severity::{Critical, High, Low, Medium};

/// The rows that are flaws. Those that are not here are what programs ask for that do their work, or follow from what was gained before.
static POWERS: &[Power] = &[
    power("escalate-cluster-role", Critical, "rewrite ClusterRoles")
        .named(Medium)
        .alone(&[("escalate", "clusterroles")], Medium),
    power("escalate-role", Critical, "rewrite Roles").named(Medium).alone(&[("escalate", "roles")], Medium),
    power("escalate-new-cluster-role", High, "make ClusterRoles with any rules"),
    power("escalate-new-role", High, "make Roles with any rules"),
    power("bind-cluster-role", Critical, "bind ClusterRoles to itself")
        .named(Medium)
        .alone(&[("bind", "clusterroles")], Medium),
    power("bind-cluster-role-in-namespace", Critical, "bind ClusterRoles to itself")
        .named(Medium)
        .alone(&[("bind", "clusterroles")], Medium),
    power("bind-role", High, "bind Roles to itself").named(Low).alone(&[("bind", "roles")], Low),
    power("join-cluster-binding", Critical, "join ClusterRoleBindings").named(Medium),
    power("join-binding-in-namespace", Critical, "join RoleBindings of ClusterRoles").named(Medium),
    power("join-binding-of-role", High, "join RoleBindings of Roles").named(Low),
    power("hand-on-rights", Medium, "hand its rights on"),
    power("impersonate-users", Critical, "act as users").named(Medium),
    power("impersonate-groups", Critical, "act as groups")
        .named(Medium)
        .alone(&[("impersonate", "groups")], Medium),
    power("impersonate-accounts", Critical, "act as service accounts").named(Medium),
    power("impersonate-attributes", Medium, "act with attributes of its choice"),
    power("constrained-impersonate-accounts", High, "act as service accounts").named(Medium),
    power("constrained-impersonate-node", High, "act as nodes").named(Medium),
    power("constrained-impersonate-users", High, "act as users").named(Medium),
    power("request-token", Critical, "have tokens of service accounts").named(Medium),
    power("approve-client-certificate", Critical, "have a certificate for any user").alone(
        &[
            ("approve", "signers"),
            ("update", "certificatesigningrequests/approval"),
            ("patch", "certificatesigningrequests/approval"),
        ],
        Medium,
    ),
    power("approve-node-certificate", High, "have a certificate for a node")
        .alone(&[("approve", "signers")], Low),
    power("sign-certificate", High, "sign certificates").alone(&[("sign", "signers")], Low),
    power("attest-trust-bundle", Medium, "add roots of trust").alone(&[("attest", "signers")], Low),
    power("annotate-account", Medium, "give service accounts roles of the cloud"),
    power("create-token-secret", High, "make tokens that never expire"),
    power("read-secrets", High, "read secrets"),
    power("bootstrap-token", Medium, "make bootstrap tokens"),
    power("swap-secrets", Medium, "change secrets"),
    power("annotate-token-secret", High, "turn token secrets to any account"),
    power("create-pods", High, "make pods"),
    power("create-pods-by-controller", High, "have a controller make pods"),
    power("change-workload", High, "change workloads"),
    power("change-pod-image", Medium, "run its own image in pods"),
    power("exec", High, "run commands in pods").named(Low),
    power("attach", Medium, "attach to pods").named(Low),
    power("ephemeral-container", High, "add containers to running pods").named(Low),
    power("reach-ports", Medium, "reach ports behind network policies"),
    power("node-proxy", Critical, "run commands in every pod by nodes/proxy").named(High),
    power("place-pods", Medium, "place pods on nodes of its choice"),
    power("change-nodes", Medium, "change nodes").named(Low),
    power("change-namespace-labels", High, "change the labels of namespaces").named(Low),
    power("storage-drivers", Medium, "make volumes of the nodes' paths"),
    power("devices-and-runtimes", Low, "claim devices and choose runtimes").only_everywhere(),
    power("mutating-webhook", High, "change every object that is written"),
    power("validating-webhook", High, "read every object that is written"),
    power("disarm-webhooks", High, "take webhooks away"),
    power("mutating-policy", High, "change every object that is written"),
    power("disarm-policies", High, "change admission policies"),
    power("mutate-by-policy-engine", High, "have a policy engine change pods"),
    power("generate-by-policy-engine", High, "have Kyverno make objects"),
    power("serve-api", High, "answer for an API group"),
    power("convert-custom-resources", Medium, "change all custom resources"),
    power("redirect-services", Medium, "redirect services"),
    power("drop-segmentation", Medium, "open network policies"),
    power("proxy-code", Medium, "run code in the mesh's proxies"),
    power("map-cloud-users", Critical, "make cloud identities cluster admins"),
    power("change-cluster-configuration", Medium, "change the cluster's name service"),
    power("change-argocd-configuration", High, "be administrator of Argo CD"),
    power("argocd-applications", High, "have Argo CD make objects"),
    power("flux-sources", High, "have Flux make objects"),
    power("install-operators", High, "have operators installed"),
    power("restore-backups", High, "have backups restored"),
    power("crossplane-packages", High, "have Crossplane run packages"),
    power("other-operators", Medium, "have an operator act for it").only_everywhere(),
    power("read-host-logs", Medium, "read logs of the nodes"),
    power("delete-guards", Medium, "delete grants, nodes or APIs"),
];

/// What a role opens.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) power: &'static Power,
    row: &'static Row,
    /// The objects to which it is limited, if it is.
    pub(super) names: Vec<String>,
    is_whole: bool,
    /// The rules that give it, by their place in the role.
    pub(super) by: Vec<usize>,
    /// How bad it is in all namespaces.
    pub(super) everywhere: Severity,
}

/// Which rules of a role are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that name their resources.
    Naming,
    /// Those with `*` among their resources.
    Starred,
    /// All.
    All,
}

/// What some rules of a role open, held as `reach` says, in the order of [`POWERS`].
pub(super) fn opened(
    subject: &Subject<'_>,
    rules: &[(usize, &Rule)],
    reach: &Reach<'_>,
    which: Which,
) -> Vec<Open> {
    let is_starred = |rule: &Rule| rule.resources.iter().any(|resource| resource == ALL);
    let chosen: Vec<(usize, &Rule)> = rules
        .iter()
        .copied()
        .filter(|(_, rule)| which == Which::All || is_starred(rule) == (which == Which::Starred))
        .collect();
    if chosen.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<Open> = Vec::new();
    for scope in scopes(reach) {
        let scoped: Vec<(&Rule, Scope<'_>)> = chosen.iter().map(|(_, rule)| (*rule, scope)).collect();
        for opened in rows_of_rules(&scoped) {
            let Some(power) = POWERS.iter().find(|power| power.row == opened.row.id) else { continue };
            if power.only_everywhere && scope != Scope::Cluster {
                continue;
            }
            let by: Vec<usize> = opened.by.iter().map(|at| chosen[*at].0).collect();
            let says = |at: &usize| {
                chosen.iter().any(|(own, rule)| own == at && !evidence(opened.row, *at, rule).is_empty())
            };
            if !by.iter().any(says) {
                continue;
            }
            if is_of_own_signer(opened.row.id, &chosen) {
                continue;
            }
            let is_whole = opened.whole && opened.holds.is_empty();
            let names = opened.names.unwrap_or_default();
            let limited = !names.is_empty();
            let everywhere = if is_whole && opened.facts.iter().all(|fact| holds(subject, *fact)) {
                if limited { named(power, &names) } else { Some(power.everywhere) }
            } else {
                // Who may approve for a signer of their own is not on the way to another.
                let has_signer = chosen.iter().any(|(_, rule)| {
                    rule.has_verb("approve")
                        && has_resource(rule, "signers")
                        && !rule.resource_names.is_empty()
                });
                let given = |(verb, resource): &(&str, &str)| {
                    if has_signer && *resource == "certificatesigningrequests/approval" {
                        return false;
                    }
                    let mut by = chosen.iter().filter(|(at, _)| by.contains(at));
                    by.any(|(_, rule)| gives(&opened.row.needs, rule, verb, resource))
                };
                let counts = !opened.whole && (!limited || is_grave(&names)) && power.alone.iter().any(given);
                counts.then_some(power.partly)
            };
            let Some(everywhere) = everywhere else { continue };
            let open = Open { power, row: opened.row, names, is_whole, by, everywhere };
            match found.iter_mut().find(|other| other.power.row == open.power.row) {
                Some(other) if other.everywhere >= open.everywhere => {}
                Some(other) => *other = open,
                None => found.push(open),
            }
        }
    }
    // What is open in whole says more than what is open in part of the same way.
    let whole: Vec<u8> = found.iter().filter(|open| open.is_whole).map(|open| open.row.number).collect();
    found.retain(|open| open.is_whole || !whole.contains(&open.row.number));
    let place = |open: &Open| POWERS.iter().position(|power| power.row == open.power.row);
    found.sort_by_key(place);
    found
}

/// Whether a row is about signers, and the rules are for signers of others than Kubernetes.
fn is_of_own_signer(row: &str, rules: &[(usize, &Rule)]) -> bool {
    let verb = match row {
        "sign-certificate" => "sign",
        "attest-trust-bundle" => "attest",
        _ => return false,
    };
    let mut for_signers =
        rules.iter().filter(|(_, rule)| rule.has_verb(verb) && has_resource(rule, "signers")).peekable();
    let is_own = |rule: &Rule| {
        !rule.resource_names.is_empty()
            && rule.resource_names.iter().all(|name| !name.starts_with("kubernetes.io/"))
    };
    for_signers.peek().is_some() && for_signers.all(|(_, rule)| is_own(rule))
}

/// Where a role counts that is held so: everywhere, or in each kind of namespace that makes a difference.
fn scopes<'a>(reach: &Reach<'a>) -> Vec<Scope<'a>> {
    if reach.is_everywhere() {
        return vec![Scope::Cluster];
    }
    let namespaces = match reach.own {
        Some(own) => BTreeSet::from([own]),
        None => reach.namespaces(),
    };
    let special = [SYSTEM, "kube-public"];
    let mut scopes: Vec<Scope<'a>> = Vec::new();
    scopes.extend(namespaces.iter().filter(|one| special.contains(one)).map(|one| Scope::Namespace(one)));
    scopes.extend(namespaces.iter().find(|one| !special.contains(one)).map(|one| Scope::Namespace(one)));
    if scopes.is_empty() {
        // Nobody holds it yet: all of it counts.
        scopes.push(Scope::Cluster);
    }
    scopes
}

/// How bad a power is over some objects.
fn named(power: &Power, names: &[String]) -> Option<Severity> {
    if is_grave(names) && power.named.is_some() { Some(power.everywhere) } else { power.named }
}

/// Whether one of these objects is as good as all: a role that may do everything, or its group.
fn is_grave(names: &[String]) -> bool {
    names.iter().any(|name| matches!(name.as_str(), "cluster-admin" | "system:masters"))
}

/// Whether a fact that a row needs may be taken to hold. What only other rings know is left to them.
fn holds(subject: &Subject<'_>, fact: Fact) -> bool {
    let version = subject.snapshot.facts.version;
    match fact {
        Fact::Since(minor) => version.0 >= minor,
        Fact::Before(minor) => version.0 < minor,
        Fact::Installed(group) => {
            subject.resources.knows_group(group)
                || subject.snapshot.objects().any(|(_, object)| object.id.group == group)
        }
        Fact::PodsOfOthers
        | Fact::Signer
        | Fact::Interactive
        | Fact::BootstrapTokens
        | Fact::ImpersonateOn => true,
        Fact::AwsAuth => subject
            .snapshot
            .of_kind("", "ConfigMap")
            .any(|map| map.id.name == "aws-auth" && map.id.namespace.as_deref() == Some(SYSTEM)),
        _ => false,
    }
}

/// Whether a rule gives a right of these needs that is this verb on this resource.
fn gives(need: &Need, rule: &Rule, verb: &str, resource: &str) -> bool {
    rights(need).iter().any(|right| {
        right.verbs.contains(&verb)
            && right.resources.contains(&resource)
            && rule.has_group(right.group)
            && rule.has_verb(verb)
            && has_resource(rule, resource)
    })
}

fn has_resource(rule: &Rule, resource: &str) -> bool {
    rule.resources.iter().any(|own| is_for(own, resource))
}

/// Whether an item of a rule's resources gives a resource of the catalogue.
fn is_for(own: &str, resource: &str) -> bool {
    if resource == WHATEVER {
        return true;
    }
    let (parent, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    if subresource == WHATEVER {
        return own == ALL || own.split_once('/').is_some_and(|(of, _)| of == ALL || of == parent);
    }
    resource_matches(own, parent, subresource)
}

fn rights(need: &Need) -> Vec<Right> {
    match need {
        Need::Right(right) => vec![*right],
        Need::All(parts) | Need::Together(parts) | Need::Any(parts) => {
            parts.iter().flat_map(rights).collect()
        }
        Need::Path(_) | Need::Holds(_) | Need::Fact(_) => Vec::new(),
    }
}

fn paths(need: &Need) -> Vec<PathRight> {
    match need {
        Need::Path(path) => vec![*path],
        Need::All(parts) | Need::Together(parts) | Need::Any(parts) => parts.iter().flat_map(paths).collect(),
        Need::Right(_) | Need::Holds(_) | Need::Fact(_) => Vec::new(),
    }
}

/// The items of a rule that give what a row needs: those of its resources or paths first.
fn evidence(row: &Row, at: usize, rule: &Rule) -> Vec<FieldPath> {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    let add = |list: &mut Vec<FieldPath>, field: &str, items: &[String], is: &dyn Fn(&str) -> bool| {
        for (item, _) in items.iter().enumerate().filter(|(_, own)| is(own)) {
            let path = item_path(at, field, item);
            if !list.contains(&path) {
                list.push(path);
            }
        }
    };
    for right in rights(&row.needs) {
        // Whatever there is in a group is meant where the rule names the group, or all resources.
        let is_named = rule.api_groups.iter().any(|group| group == right.group);
        let is_starred = rule.resources.iter().any(|resource| resource == ALL);
        if right.resources == [WHATEVER] && right.group != WHATEVER && !is_named && !is_starred {
            continue;
        }
        let resources = || right.resources.iter().filter(|resource| has_resource(rule, resource));
        let is_verb = |own: &str, verb: &str| {
            own == ALL
                || own == verb
                || verb.strip_suffix(WHATEVER).is_some_and(|prefix| own.starts_with(prefix))
        };
        let has_verb = right.verbs.iter().any(|verb| rule.verbs.iter().any(|own| is_verb(own, verb)));
        if resources().next().is_none()
            || !has_verb
            || !(right.group == WHATEVER || rule.has_group(right.group))
        {
            continue;
        }
        add(&mut first, "resources", &rule.resources, &|own| {
            resources().any(|resource| is_for(own, resource))
        });
        add(&mut rest, "verbs", &rule.verbs, &|own| right.verbs.iter().any(|verb| is_verb(own, verb)));
        add(&mut rest, "apiGroups", &rule.api_groups, &|own| own == ALL || own == right.group);
    }
    for path in paths(&row.needs) {
        if rule.has_verb(path.verb) {
            let is = |own: &str| path.paths.iter().any(|path| url_matches(own, path));
            add(&mut first, "nonResourceURLs", &rule.non_resource_urls, &is);
        }
    }
    first.extend(rest);
    first
}

/// Finds the roles that open one of some rows, a flaw a role.
pub(super) fn find(rows: &[&str], subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, written) in subject.roles().iter().enumerate() {
        let open: Vec<&Open> =
            subject.opened(index).iter().filter(|open| rows.contains(&open.power.row)).collect();
        if !open.is_empty() {
            flaw(subject, written, &open, flaws);
        }
    }
}

/// Where a role says what is open.
pub(super) fn places(written: &Written, open: &[&Open]) -> Vec<FieldPath> {
    let mut places: Vec<FieldPath> = Vec::new();
    for open in open {
        for at in &open.by {
            for path in evidence(open.row, *at, &written.role.rules[*at]) {
                if !places.contains(&path) {
                    places.push(path);
                }
            }
        }
    }
    places
}

/// The severity of what is open, held so.
pub(super) fn rate(reach: &Reach<'_>, open: &[&Open]) -> Severity {
    open.iter().map(|open| reach.rate(open.everywhere)).max().unwrap_or(Severity::Info)
}

fn flaw(subject: &Subject<'_>, written: &Written, open: &[&Open], flaws: &mut Flaws) {
    let reach = subject.reach(&written.role);
    if reach.is_by_label() {
        return;
    }
    let places = places(written, open);
    // The place is where the worst stands.
    let worst = open.iter().max_by_key(|open| (open.everywhere, std::cmp::Reverse(open.by.first().copied())));
    let home = worst.and_then(|open| {
        let at = *open.by.first()?;
        Some(
            evidence(open.row, at, &written.role.rules[at]).first().cloned().unwrap_or_else(|| rule_path(at)),
        )
    });
    let message = reach.told(&said(open, &reach));
    let ids: Vec<&str> = open.iter().map(|open| open.power.row).collect();
    let witness = format!("{}/{}", ids.join("+"), reach.witness());
    let severity = rate(&reach, open);
    let flaw = flaws.add(written.object, home.unwrap_or_default(), witness, message).severity(severity);
    for path in places {
        flaw.related(written.object, path);
    }
    for (object, path) in reach.places() {
        flaw.related(object, path);
    }
}

/// What is open in few words, with the place: `read secrets and make pods in all namespaces`.
pub(super) fn said(open: &[&Open], reach: &Reach<'_>) -> String {
    const SHOWN: usize = 4;
    let mut words: Vec<String> = Vec::new();
    for open in open {
        let names = match open.names.as_slice() {
            [] => String::new(),
            [one] => format!(" ({one})"),
            [one, two] => format!(" ({one}, {two})"),
            [one, two, rest @ ..] => format!(" ({one}, {two} and {} more)", rest.len()),
        };
        let rest = if open.is_whole { "" } else { " as soon as it has the other rights that this takes" };
        let word = format!("{}{names}{rest}", open.power.short);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let more = words.len().saturating_sub(SHOWN);
    words.truncate(SHOWN);
    let rest = if more == 1 { "one thing more".to_owned() } else { format!("{more} things more") };
    let mut all: Vec<&str> = words.iter().map(String::as_str).collect();
    if more > 0 {
        all.push(&rest);
    }
    let is_local = open.iter().any(|open| open.row.is_namespaced());
    let place = if is_local { reach.place() } else { String::new() };
    format!("{}{place}", joined(&all))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::escalation::catalogue::CATALOGUE;

    /// Rows that are no flaw of a role: they follow from what was gained before, are told of a binding or an aggregated role, or are what most
    /// programs ask for that do their work.
    const NO_FLAW: [&str; 36] = [
        "account-of-pod",
        "become-made-account",
        "bootstrap-token-in-secret",
        "broad-aggregation",
        "control-plane-node",
        "everything",
        "everything-in-namespace",
        "external-addresses",
        "feed-aggregated-role",
        "garbage-collect-roles",
        "host-path-volume",
        "ingress-controller",
        "kubelet-credentials",
        "make-missing-account",
        "make-missing-role",
        "node-certificate-approved-by-controller",
        "node-logs-by-symlink",
        "node-reads-pods",
        "node-reads-secrets",
        "pod-as-any-account",
        "pod-certificate",
        "pod-mounts-any-secret",
        "pod-to-node",
        "privileged-ephemeral-container",
        "privileged-pod",
        "privileged-pod-by-labels",
        "read-internals",
        "read-volumes",
        "review-access",
        "review-tokens",
        "rights-of-rewritten-role",
        "route-from-outside",
        "secrets-of-pod",
        "steal-pods",
        "take-leases",
        "tokens-in-secrets",
    ];

    #[test]
    fn each_row_of_the_catalogue_is_a_flaw_or_known_to_be_none() {
        let known: BTreeSet<&str> = CATALOGUE.iter().map(|row| row.id).collect();
        let flaws: BTreeSet<&str> = POWERS.iter().map(|power| power.row).collect();
        assert_eq!(flaws.len(), POWERS.len(), "each is there once");
        let all: BTreeSet<&str> = flaws.iter().copied().chain(NO_FLAW).collect();
        assert_eq!(all, known);
        assert_eq!(flaws.len() + NO_FLAW.len(), known.len(), "none is both");
    }
}
