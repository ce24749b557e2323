//! The least roles that an audit log proves are needed, checked by asking again all that it allowed, and the grants that it never used.
//!
//! Each event is a request: who made it, in whose name, and what it asked, from its verb and URL, as the API server asks its authorizers. What
//! everybody may do by the default policy is not given again. A role holds names where each request had one; `create`, `list` and `watch` have
//! none, whatever the log's `objectRef` says. Where an API server asks for more than the log shows (`create` beside the `get` of a websocket
//! to `pods/exec`), that is given too.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::audit::Event;
use ringwall_model::fix::Value;
use ringwall_rbac::aggregate::Unsettled;
use ringwall_rbac::attributes::{
    ANONYMOUS, AUTHENTICATED, Action, NODES, ResourceAction, SERVICE_ACCOUNTS, UNAUTHENTICATED, User,
    split_service_account,
};
use ringwall_rbac::default_policy;
use ringwall_rbac::engine::Engine;
use ringwall_rbac::kubelet::connect;
use ringwall_rbac::least::Needs;
use ringwall_rbac::model::{Binding, GROUP, RbacObject, Role, RoleKind, RoleRef, Rule, RuleAt, Subject};
use ringwall_rbac::policy::Policy;
use ringwall_rbac::request::RequestInfo;

use super::{Place, Rights, words};

/// How far names are given up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A verb that is needed for more names than this on one resource is given for all; `None`: never.
    pub most_names: Option<usize>,
    /// Users whose grants alone are looked through for what was not used; all where there are none.
    pub only: Vec<String>,
}

/// One request, without what does not matter to an authorizer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Request {
    verb: String,
    group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    /// In place of all but the verb, for what is no resource.
    path: Option<String>,
}

impl Request {
    fn of(action: &Action<'_>) -> Self {
        let text = |text: &str| text.to_owned();
        match action {
            Action::Path { verb, path } => Self {
                verb: text(verb),
                path: Some(text(path)),
                group: String::new(),
                resource: String::new(),
                subresource: String::new(),
                namespace: String::new(),
                name: String::new(),
            },
            Action::Resource(action) => Self {
                verb: text(action.verb),
                group: text(action.group),
                resource: text(action.resource),
                subresource: text(action.subresource),
                namespace: text(action.namespace),
                name: text(action.name),
                path: None,
            },
        }
    }

    fn action(&self) -> Action<'_> {
        match &self.path {
            Some(path) => Action::Path { verb: &self.verb, path },
            None => Action::Resource(ResourceAction {
                verb: &self.verb,
                group: &self.group,
                resource: &self.resource,
                subresource: &self.subresource,
                namespace: &self.namespace,
                name: &self.name,
            }),
        }
    }
}

/// Which grants of the input were used, and for what.
#[derive(Debug, Default)]
struct Used {
    /// Index of the binding, and of its subject.
    subjects: BTreeSet<(usize, usize)>,
    /// What each rule allowed to those who hold it.
    requests: BTreeMap<RuleAt, BTreeSet<Request>>,
}

/// What was read of a log. It grows with the different requests of each user, not with the events.
#[derive(Debug, Default)]
pub struct Seen {
    /// For each user with the groups that it had, what it was allowed.
    users: BTreeMap<(String, Vec<String>), BTreeSet<Request>>,
    /// All events.
    pub events: u64,
    /// Events that say that they were allowed.
    pub allowed: u64,
    /// Events that say that they were refused.
    pub refused: u64,
    /// Events that do not say what was decided, or are of a stage before that.
    pub undecided: u64,
    /// Events whose verb and URL the API server could not have made a question of.
    pub unreadable: u64,
    /// Requests of `system:masters`, who need no role.
    pub masters: BTreeSet<String>,
    /// Nodes, whose own authorizer allows what they do.
    pub nodes: BTreeSet<String>,
}

impl Seen {
    /// Leaves all users out but these; one that the log does not have is told.
    pub fn only(&mut self, users: &[String]) -> Vec<String> {
        self.users.retain(|(name, _), _| users.contains(name));
        let known = |user: &String| self.users.keys().any(|(name, _)| name == user);
        users.iter().filter(|user| !known(user)).cloned().collect()
    }

    /// Takes in an event.
    pub fn see(&mut self, event: &Event<'_>) {
        self.events += 1;
        let decision = event.annotations.iter().find(|(key, _)| *key == "authorization.k8s.io/decision");
        let code = event.response_status.as_ref().map_or(0, |status| status.code);
        match decision.map(|(_, decision)| decision.as_ref()) {
            Some("allow") => {}
            Some(_) => {
                self.refused += 1;
                return;
            }
            // Without the annotation a response that is no refusal shows that it was allowed.
            None if code == 101 || (200..400).contains(&code) => {}
            None => {
                self.undecided += 1;
                return;
            }
        }
        self.allowed += 1;
        let Some(request) = request_of(event) else {
            self.unreadable += 1;
            return;
        };
        let groups = |groups: &[std::borrow::Cow<'_, str>]| -> Vec<String> {
            groups.iter().map(|group| group.clone().into_owned()).collect()
        };
        let (name, member_of) = (&event.user.username, groups(&event.user.groups));
        match &event.impersonated_user {
            None => self.note(name, member_of, [request]),
            Some(other) => {
                let constraint = event
                    .authentication_metadata
                    .as_ref()
                    .map_or("", |metadata| metadata.impersonation_constraint.as_ref());
                let mut needed = impersonating(&other.username, &groups(&other.groups), constraint, &request);
                let verb = if constraint.is_empty() { "impersonate" } else { constraint };
                let extra =
                    other.extra.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
                needed.extend(extra.map(|(key, value)| asked_of(verb, "userextras", key, value)));
                if !other.uid.is_empty() {
                    needed.push(asked_of(verb, "uids", "", &other.uid));
                }
                self.note(name, member_of, needed);
                self.note(&other.username, groups(&other.groups), [request]);
            }
        }
    }

    fn note(&mut self, name: &str, mut groups: Vec<String>, requests: impl IntoIterator<Item = Request>) {
        groups.sort();
        self.users.entry((name.to_owned(), groups)).or_default().extend(requests);
    }
}

/// What the API server asked its authorizers. Where a log was stripped of its URLs, by the object that it names.
fn request_of(event: &Event<'_>) -> Option<Request> {
    if event.request_uri.is_empty() {
        let object = event.object_ref.as_ref().filter(|object| !object.resource.is_empty())?;
        let is_unnamed = matches!(event.verb.as_ref(), "create" | "list" | "watch" | "deletecollection");
        // The name that a list is limited to is not told by the object.
        let name = if is_unnamed && object.subresource.is_empty() { "" } else { &object.name };
        return Some(Request::of(&Action::Resource(ResourceAction {
            verb: &event.verb,
            group: &object.api_group,
            resource: &object.resource,
            subresource: &object.subresource,
            namespace: &object.namespace,
            name,
        })));
    }
    let method = match event.verb.as_ref() {
        "create" | "post" => "POST",
        "update" | "put" => "PUT",
        "patch" => "PATCH",
        "delete" | "deletecollection" => "DELETE",
        "head" => "HEAD",
        "options" => "OPTIONS",
        _ => "GET",
    };
    let info = RequestInfo::of(method, &event.request_uri).ok()?;
    let mut request = Request::of(&info.action());
    // A request that was read otherwise than it is logged is not the one that was decided.
    if request.verb != event.verb {
        event.verb.as_ref().clone_into(&mut request.verb);
    }
    Some(request)
}

/// A question about who somebody is.
fn asked_of(verb: &str, resource: &str, subresource: &str, name: &str) -> Request {
    Request {
        verb: verb.to_owned(),
        group: "authentication.k8s.io".to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        namespace: String::new(),
        name: name.to_owned(),
        path: None,
    }
}

/// What whoever acts in another's name needs for that. Source: k8s.io/apiserver `pkg/endpoints/filters/impersonation`.
fn impersonating(name: &str, groups: &[String], constraint: &str, request: &Request) -> Vec<Request> {
    let of = |verb: &str, group: &str, resource: &str, namespace: &str, name: &str| Request {
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        subresource: String::new(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        path: None,
    };
    let mut needed = Vec::new();
    // The constraint is the verb `impersonate:MODE`; then the request itself is asked for with `impersonate-on:MODE:VERB`.
    let (verb, group) = match constraint.strip_prefix("impersonate:") {
        Some(mode) => {
            let on = Request { verb: format!("impersonate-on:{mode}:{}", request.verb), ..request.clone() };
            needed.push(on);
            (constraint, "authentication.k8s.io")
        }
        None => ("impersonate", ""),
    };
    let account = split_service_account(name);
    needed.push(match account {
        Some((namespace, name)) => of(verb, group, "serviceaccounts", namespace, name),
        None => match name.strip_prefix("system:node:").filter(|_| !constraint.is_empty()) {
            // Of the node that an account runs on, the API server asks by no name.
            Some(_) if constraint == "impersonate:associated-node" => of(verb, group, "nodes", "", "*"),
            Some(node) => of(verb, group, "nodes", "", node),
            None => of(verb, group, "users", "", name),
        },
    });
    // Groups that the API server adds by itself were not asked for.
    let added = |group: &str| {
        group == AUTHENTICATED
            || (group == UNAUTHENTICATED && name == ANONYMOUS)
            || account.is_some_and(|(namespace, _)| {
                group == SERVICE_ACCOUNTS || group == format!("{SERVICE_ACCOUNTS}:{namespace}")
            })
            || (group == NODES && !constraint.is_empty() && name.starts_with("system:node:"))
    };
    needed.extend(groups.iter().filter(|name| !added(name)).map(|name| of(verb, group, "groups", "", name)));
    needed
}

/// A role that is needed, and the binding to it.
#[derive(Clone, Debug)]
pub struct Least {
    /// Whose it is.
    pub subject: String,
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
    /// The role.
    pub role: Role,
    /// The binding.
    pub binding: Binding,
    /// Both as YAML documents.
    pub text: String,
}

/// A grant of the input that the log never used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unused {
    /// What: a binding, a subject of it, or what of a rule.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// The answer.
#[derive(Debug, Default)]
pub struct Reduced {
    /// Roles and bindings, by subject and namespace.
    pub least: Vec<Least>,
    /// What the log never used.
    pub unused: Vec<Unused>,
    /// How many different requests were allowed to those who need roles, and are allowed by these again.
    pub replayed: usize,
    /// Requests that are not: there should be none.
    pub lost: Vec<String>,
    /// Requests that the log allowed and the input does not: the log is of another state of the cluster.
    pub not_by_input: Vec<String>,
    /// The most names that a verb needs on one resource.
    pub most_names: usize,
    /// Masters and nodes that were passed over.
    pub passed_over: Vec<String>,
}

impl Rights<'_> {
    /// The least roles for what was seen. Costs a look at each different request of each user.
    pub fn reduce(&self, seen: &Seen, options: &Options) -> Reduced {
        let mut common = Policy::of(default_policy::of(self.version));
        let _: Unsettled = common.aggregate(|_| false);
        let common = Engine::new(common);
        let mut reduced = Reduced::default();
        let mut granted = common.policy().clone();
        let mut used = Used::default();
        let mut names = BTreeSet::new();
        let mut todo: Vec<(User, &BTreeSet<Request>)> = Vec::new();
        let mut needs: BTreeMap<&str, BTreeMap<Option<String>, Needs>> = BTreeMap::new();
        for ((name, groups), requests) in &seen.users {
            let user = User { name: name.clone(), groups: groups.clone(), ..User::default() };
            self.mark(&user, requests, &mut used, &mut reduced);
            if user.is_master() {
                reduced
                    .passed_over
                    .push(format!("{name} acts as one of system:masters, which needs no role"));
                continue;
            }
            if user.groups.iter().any(|group| group == NODES) {
                reduced.passed_over.push(format!("{name} is a node, which its own authorizer lets through"));
                continue;
            }
            self.needs(&user, requests, &common, needs.entry(name).or_default());
            todo.push((user, requests));
        }
        for (name, needs) in needs {
            for (namespace, needs) in needs {
                reduced.most_names = reduced.most_names.max(needs.most_names());
                let least = least(name, namespace, &needs.rules(options.most_names), &mut names);
                granted.add(RbacObject::Role(least.role.clone()));
                granted.add(RbacObject::Binding(least.binding.clone()));
                reduced.least.push(least);
            }
        }
        let granted = Engine::new(granted);
        for (user, requests) in todo {
            for request in requests {
                if granted.allows(&user, &request.action()) {
                    reduced.replayed += 1;
                } else {
                    reduced.lost.push(format!("{}: {}", user.name, words::action(&request.action())));
                }
            }
        }
        reduced.unused = self.unused(&used, seen, &options.only);
        reduced
    }

    /// What a user needs beyond what everybody has, for each namespace, `None` for the cluster scope.
    fn needs(
        &self,
        user: &User,
        requests: &BTreeSet<Request>,
        common: &Engine,
        needs: &mut BTreeMap<Option<String>, Needs>,
    ) {
        for request in requests {
            let mut all = vec![request.clone()];
            if request.path.is_none() {
                let verbs = connect(&request.resource, &request.subresource, &request.verb, self.version);
                let more = verbs.into_iter().filter(|verb| *verb != request.verb);
                let more: Vec<Request> =
                    more.map(|verb| Request { verb: verb.to_owned(), ..request.clone() }).collect();
                all.extend(more);
            }
            for one in all {
                if !common.allows(user, &one.action()) {
                    let namespace = Some(one.namespace.clone()).filter(|namespace| !namespace.is_empty());
                    needs.entry(namespace).or_default().add(&one.action());
                }
            }
        }
    }

    /// Notes which grants of the input allowed what was seen.
    fn mark(&self, user: &User, requests: &BTreeSet<Request>, used: &mut Used, reduced: &mut Reduced) {
        for request in requests {
            let action = request.action();
            if self.engine.grant(user, &action).is_none() {
                let is_node = user.groups.iter().any(|group| group == NODES);
                if !user.is_master() && !is_node {
                    reduced.not_by_input.push(format!("{}: {}", user.name, words::action(&action)));
                }
                continue;
            }
            for grant in self.policy().grants_of(user, &action) {
                let rules = &self.policy().roles()[grant.role].rules;
                for (rule, _) in rules.iter().enumerate().filter(|(_, rule)| rule.allows(&action)) {
                    used.subjects.insert((grant.binding, grant.subject));
                    used.requests
                        .entry(RuleAt { role: grant.role, rule })
                        .or_default()
                        .insert(request.clone());
                }
            }
        }
    }

    /// Bindings, subjects and rules of the input that nothing used.
    fn unused(&self, used: &Used, seen: &Seen, only: &[String]) -> Vec<Unused> {
        let policy = self.policy();
        // Whom the log does not have is who the name says.
        let asked: Vec<User> = seen
            .users
            .keys()
            .filter(|(name, _)| only.contains(name))
            .map(|(name, groups)| User { name: name.clone(), groups: groups.clone(), ..User::default() })
            .chain(only.iter().map(|name| User::impersonated(name)))
            .collect();
        let is_about = |subject: &Subject, within: Option<&str>| {
            only.is_empty() || asked.iter().any(|user| subject.is(user, within.unwrap_or_default()))
        };
        let mut unused = Vec::new();
        let mut roles: BTreeMap<usize, bool> = BTreeMap::new();
        for (index, binding) in policy.bindings().iter().enumerate() {
            if self.is_default_binding(index) {
                continue;
            }
            let within = binding.namespace.as_deref();
            if !binding.subjects.iter().any(|subject| is_about(subject, within)) && !only.is_empty() {
                continue;
            }
            let by_anyone = used.subjects.range((index, 0)..=(index, usize::MAX)).next().is_some();
            if let Ok(role) = policy.resolve(&binding.role_ref, within.unwrap_or_default()) {
                *roles.entry(role).or_default() |= by_anyone;
            }
            if !by_anyone {
                let message = format!("{} was not used", words::binding(binding));
                unused.push(Unused { message, place: self.binding_place(index) });
                continue;
            }
            for (at, subject) in binding.subjects.iter().enumerate() {
                let is_used = used.subjects.contains(&(index, at));
                // A subject after the first that is the same user is never the one that counts.
                let counts = !binding.subjects[..at].contains(subject);
                if !is_used && counts && is_about(subject, within) {
                    let who = words::subject(subject, within);
                    let message = format!("{}: {who} did not use it", words::binding(binding));
                    unused.push(Unused { message, place: self.subject_place(index, at) });
                }
            }
        }
        for (role, _) in roles.into_iter().filter(|(_, is_used)| *is_used) {
            self.unused_rules(role, used, &mut unused);
        }
        unused.sort();
        unused.dedup();
        unused
    }

    /// Rules of a role that nothing used, and verbs and resources of those that something did.
    fn unused_rules(&self, role: usize, used: &Used, unused: &mut Vec<Unused>) {
        let stated = &self.policy().roles()[role];
        if stated.origin == ringwall_rbac::model::Origin::Default {
            return;
        }
        let name = words::role(stated);
        for (at, rule) in stated.rules.iter().enumerate() {
            let here = RuleAt { role, rule: at };
            let place = self.rule_place(here);
            let Some(matching) = used.requests.get(&here) else {
                let message = format!("{name}: {} was not used", words::rule(rule));
                unused.push(Unused { message, place });
                continue;
            };
            let idle: Vec<&str> = rule
                .verbs
                .iter()
                .map(String::as_str)
                .filter(|verb| *verb != "*" && !matching.iter().any(|one| one.verb == **verb))
                .collect();
            if !idle.is_empty() {
                let message = format!("{name}: {} of {} was not used", idle.join(", "), words::rule(rule));
                unused.push(Unused { message, place: place.clone() });
            }
            if rule.verbs.iter().any(|verb| verb == "*") {
                let mut verbs: Vec<&str> = matching.iter().map(|one| one.verb.as_str()).collect();
                ringwall_rbac::least::sort_verbs(&mut verbs);
                let message = format!("{name}: of all verbs, only {} was used", verbs.join(", "));
                unused.push(Unused { message, place: place.clone() });
            }
            let idle: Vec<&str> = rule
                .resources
                .iter()
                .map(String::as_str)
                .filter(|own| {
                    *own != "*"
                        && !matching.iter().any(|one| {
                            ringwall_rbac::matching::resource_matches(own, &one.resource, &one.subresource)
                        })
                })
                .collect();
            if !idle.is_empty() {
                let message = format!("{name}: nothing was asked of {}", idle.join(", "));
                unused.push(Unused { message, place });
            }
        }
    }
}

/// The role of a subject in a namespace, and its binding.
fn least(
    user: &str,
    namespace: Option<String>,
    rules: &[Rule],
    names: &mut BTreeSet<(Option<String>, String)>,
) -> Least {
    let account = split_service_account(user);
    let subject = match account {
        Some((namespace, name)) => Subject {
            kind: "ServiceAccount".to_owned(),
            api_group: String::new(),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        },
        None => Subject {
            kind: "User".to_owned(),
            api_group: GROUP.to_owned(),
            name: user.to_owned(),
            namespace: String::new(),
        },
    };
    let kind = if namespace.is_some() { RoleKind::Role } else { RoleKind::ClusterRole };
    // An account's name says whose it is; where it acts elsewhere, its namespace does too.
    let base = match account {
        Some((own, name)) if namespace.as_deref() == Some(own) => name.to_owned(),
        Some((own, name)) => format!("{own}-{name}"),
        None => user.to_owned(),
    };
    let mut name = format!("{}-least", plain(&base));
    let mut count = 2;
    while !names.insert((namespace.clone(), name.clone())) {
        name = format!("{}-least-{count}", plain(&base));
        count += 1;
    }
    let role = Role {
        namespace: namespace.clone(),
        name: name.clone(),
        rules: rules.to_vec().into(),
        ..Role::default()
    };
    let binding = Binding {
        namespace: namespace.clone(),
        name: name.clone(),
        subjects: vec![subject.clone()],
        role_ref: RoleRef { api_group: GROUP.to_owned(), kind: kind.kind().to_owned(), name },
        ..Binding::default()
    };
    let text = format!(
        "{}---\n{}",
        ringwall_edit::yaml(&role_value(&role)),
        ringwall_edit::yaml(&binding_value(&binding))
    );
    Least { subject: words::subject(&subject, None), namespace, role, binding, text }
}

/// A name that an object may have.
fn plain(name: &str) -> String {
    let mut out: String = name
        .to_lowercase()
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() || char == '.' { char } else { '-' })
        .collect();
    while out.starts_with(['-', '.']) {
        out.remove(0);
    }
    out.truncate(200);
    if out.is_empty() { "user".to_owned() } else { out }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn list(texts: &[String]) -> Value {
    Value::List(texts.iter().map(|one| text(one)).collect())
}

fn map(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Mapping(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn metadata(namespace: Option<&String>, name: &str) -> Value {
    let namespace = namespace.map(|namespace| ("namespace", text(namespace)));
    map([("name", text(name))].into_iter().chain(namespace))
}

fn role_value(role: &Role) -> Value {
    let rules = role.rules.iter().map(|rule| {
        let lists = [
            ("apiGroups", &rule.api_groups),
            ("resources", &rule.resources),
            ("resourceNames", &rule.resource_names),
            ("nonResourceURLs", &rule.non_resource_urls),
            ("verbs", &rule.verbs),
        ];
        map(lists.into_iter().filter(|(_, texts)| !texts.is_empty()).map(|(key, texts)| (key, list(texts))))
    });
    map([
        ("apiVersion", text(&format!("{GROUP}/v1"))),
        ("kind", text(role.kind().kind())),
        ("metadata", metadata(role.namespace.as_ref(), &role.name)),
        ("rules", Value::List(rules.collect())),
    ])
}

fn binding_value(binding: &Binding) -> Value {
    let subjects = binding.subjects.iter().map(|subject| {
        let group = (!subject.api_group.is_empty()).then(|| ("apiGroup", text(&subject.api_group)));
        let namespace = (!subject.namespace.is_empty()).then(|| ("namespace", text(&subject.namespace)));
        let own = [("kind", text(&subject.kind)), ("name", text(&subject.name))];
        map(own.into_iter().chain(namespace).chain(group))
    });
    let reference = &binding.role_ref;
    map([
        ("apiVersion", text(&format!("{GROUP}/v1"))),
        ("kind", text(binding.kind())),
        ("metadata", metadata(binding.namespace.as_ref(), &binding.name)),
        (
            "roleRef",
            map([
                ("apiGroup", text(&reference.api_group)),
                ("kind", text(&reference.kind)),
                ("name", text(&reference.name)),
            ]),
        ),
        ("subjects", Value::List(subjects.collect())),
    ])
}
