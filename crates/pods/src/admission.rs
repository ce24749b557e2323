//! Pod Security Admission: a request into a response, as the API server's plug-in and the reference's
//! webhook answer it.
//!
//! Source: k8s.io/pod-security-admission `admission/admission.go`, `admission/response.go`, `metrics/metrics.go`.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use ringwall_model::decode::{Decode, List, StringMap, fill};
use ringwall_model::decode_fields;
use ringwall_model::schema;
use ringwall_model::tree::{Kind, Node};
use ringwall_model::workload::WorkloadKind;
use serde::Serialize;

use crate::config::Configuration;
use crate::evaluate::{Evaluator, Failures};
use crate::model::PodTemplate;
use crate::policy::{self, FieldError, Level, LevelVersion, Mode, Policy, Version};
use crate::text::go_quote;
use crate::workload;

/// An admission request, borrowed from its document. Objects stay nodes until they are needed.
#[derive(Clone, Debug, Default)]
pub struct Request<'t> {
    /// `uid`: the answer repeats it.
    pub uid: &'t str,
    /// `kind`.
    pub kind: GroupVersionKind<'t>,
    /// `resource`.
    pub resource: GroupVersionResource<'t>,
    /// `requestSubResource`: the subresource as the client asked for it.
    pub subresource: &'t str,
    /// `name`.
    pub name: &'t str,
    /// `namespace`.
    pub namespace: &'t str,
    /// `operation`: `CREATE`, `UPDATE` …
    pub operation: &'t str,
    /// `userInfo`.
    pub user: User<'t>,
    /// `object`.
    pub object: Option<NodeRef<'t>>,
    /// `oldObject`.
    pub old_object: Option<NodeRef<'t>>,
}
decode_fields!(Request<'t> {
    "uid" => uid,
    "kind" => kind,
    "resource" => resource,
    "requestSubResource" => subresource,
    "name" => name,
    "namespace" => namespace,
    "operation" => operation,
    "userInfo" => user,
    "object" => object,
    "oldObject" => old_object,
});

/// `userInfo`.
#[derive(Clone, Debug, Default)]
pub struct User<'t> {
    /// `username`.
    pub name: &'t str,
}
decode_fields!(User<'t> { "username" => name });

/// `kind` of a request.
#[derive(Clone, Debug, Default)]
pub struct GroupVersionKind<'t> {
    /// `group`.
    pub group: &'t str,
    /// `version`.
    pub version: &'t str,
    /// `kind`.
    pub kind: &'t str,
}
decode_fields!(GroupVersionKind<'t> { "group" => group, "version" => version, "kind" => kind });

/// `resource` of a request.
#[derive(Clone, Debug, Default)]
pub struct GroupVersionResource<'t> {
    /// `group`.
    pub group: &'t str,
    /// `resource`.
    pub resource: &'t str,
}
decode_fields!(GroupVersionResource<'t> { "group" => group, "resource" => resource });

/// A node that is kept for later.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeRef<'t>(Option<Node<'t>>);

impl<'t> Decode<'t> for NodeRef<'t> {
    fn decode(&mut self, node: Node<'t>) {
        self.0 = Some(node);
    }
}

impl<'t> Request<'t> {
    /// Reads a request from the node under `request` of an AdmissionReview.
    pub fn read(node: Node<'t>) -> Self {
        let mut request = Self::default();
        fill(&mut request, node);
        request
    }

    fn object(&self) -> Option<Node<'t>> {
        self.object.and_then(|object| object.0)
    }

    fn old_object(&self) -> Option<Node<'t>> {
        self.old_object.and_then(|object| object.0)
    }
}

/// A response, in the form of `admission.k8s.io/v1`, without `uid`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Whether the request goes on.
    pub allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Annotations of the audit event, without the prefix that the API server puts before them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub audit_annotations: BTreeMap<&'static str, String>,
    /// What the client is told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A `metav1.Status` that says no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    metadata: Empty,
    status: &'static str,
    /// For people.
    pub message: String,
    /// For machines.
    pub reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    /// The HTTP status code.
    pub code: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Empty {}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Details {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Cause>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Cause {
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
}

impl Status {
    fn new(code: u16, reason: &'static str, message: String, details: Option<Details>) -> Self {
        Self { metadata: Empty {}, status: "Failure", message, reason, details, code }
    }

    fn bad_request(message: &str) -> Self {
        Self::new(400, "BadRequest", message.to_owned(), None)
    }

    fn internal_error(error: &str) -> Self {
        let causes = vec![Cause { message: error.to_owned(), ..Cause::default() }];
        let details = Details { causes, ..Details::default() };
        Self::new(500, "InternalError", format!("Internal error occurred: {error}"), Some(details))
    }

    fn forbidden(request: &Request<'_>, why: &str) -> Self {
        let resource = &request.resource;
        let qualified = qualified(resource.resource, resource.group);
        let message = if resource.resource.is_empty() {
            format!("forbidden: {why}")
        } else if request.name.is_empty() {
            format!("{qualified} is forbidden: {why}")
        } else {
            format!("{qualified} {} is forbidden: {why}", go_quote(request.name))
        };
        let details = Details {
            name: request.name.to_owned(),
            group: resource.group.to_owned(),
            kind: resource.resource.to_owned(),
            causes: Vec::new(),
        };
        Self::new(403, "Forbidden", message, Some(details))
    }

    fn invalid(request: &Request<'_>, errors: &[FieldError]) -> Self {
        let kind = &request.kind;
        let name = go_quote(request.name);
        let message =
            format!("{} {name} is invalid: {}", qualified(kind.kind, kind.group), policy::aggregate(errors));
        let causes = errors
            .iter()
            .map(|error| Cause { reason: error.kind.reason(), message: error.body(), field: error.field.clone() })
            .collect();
        let details = Details {
            name: request.name.to_owned(),
            group: kind.group.to_owned(),
            kind: kind.kind.to_owned(),
            causes,
        };
        Self::new(422, "Invalid", message, Some(details))
    }
}

/// `deployments.apps`, or `pods` for the core group.
fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

impl Response {
    fn allow() -> Self {
        Self { allowed: true, ..Self::default() }
    }

    fn allow_with(annotation: &'static str, value: impl Into<String>) -> Self {
        Self { audit_annotations: BTreeMap::from([(annotation, value.into())]), ..Self::allow() }
    }

    fn deny(status: Status) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// A fault on the way to a verdict, with its cause in the audit event.
    fn fault(status: Status, cause: Option<&str>) -> Self {
        let text = match cause {
            Some(cause) => format!("{}: {cause}", status.message),
            None => status.message.clone(),
        };
        Self { audit_annotations: BTreeMap::from([("error", text)]), ..Self::deny(status) }
    }
}

/// What is counted. Source: `metrics/metrics.go`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// `pod_security_evaluations_total`.
    Evaluation {
        /// Whether the pod passed.
        allowed: bool,
        /// Against what.
        policy: LevelVersion,
        /// In which mode.
        mode: Mode,
    },
    /// `pod_security_exemptions_total`.
    Exemption,
    /// `pod_security_errors_total`.
    Error {
        /// Whether there was no verdict because of it.
        fatal: bool,
    },
}

impl Event {
    /// The counter's name with its labels, as in Prometheus' text format. A version newer than `server` is `future`.
    pub fn series(&self, request: &Request<'_>, server: u64) -> String {
        let resource = match (request.resource.group, request.resource.resource) {
            ("", "pods") => "pod",
            ("", "namespaces") => "namespace",
            _ => "controller",
        };
        let operation = request.operation.to_lowercase();
        let tail = format!(
            "request_operation={},resource=\"{resource}\",subresource={}",
            go_quote(&operation),
            go_quote(request.subresource)
        );
        match self {
            Self::Exemption => format!("pod_security_exemptions_total{{{tail}}}"),
            Self::Error { fatal } => format!("pod_security_errors_total{{fatal=\"{fatal}\",{tail}}}"),
            Self::Evaluation { allowed, policy, mode } => {
                let version = match policy.version {
                    _ if policy.level == Level::Privileged => "latest".to_owned(),
                    Version::Minor(minor) if minor > server => "future".to_owned(),
                    version => version.to_string(),
                };
                let decision = if *allowed { "allow" } else { "deny" };
                format!(
                    "pod_security_evaluations_total{{decision=\"{decision}\",mode=\"{}\",policy_level=\"{}\",\
                     policy_version=\"{version}\",{tail}}}",
                    mode.word(),
                    policy.level
                )
            }
        }
    }
}

/// A pod that runs already, as far as a namespace's dry run looks at it.
#[derive(Clone, Debug, Default)]
pub struct RunningPod<'t> {
    /// Its name.
    pub name: &'t str,
    /// The uid of its controller.
    pub controller: Option<&'t str>,
    /// The pod.
    pub template: PodTemplate<'t>,
}

#[derive(Default)]
struct PodMetadata<'t> {
    name: &'t str,
    owners: List<OwnerReference<'t>>,
}
decode_fields!(PodMetadata<'t> { "name" => name, "ownerReferences" => owners });

#[derive(Default)]
struct OwnerReference<'t> {
    uid: &'t str,
    controller: Option<bool>,
}
decode_fields!(OwnerReference<'t> { "uid" => uid, "controller" => controller });

impl<'t> RunningPod<'t> {
    /// Reads a pod whose types are known to be right.
    pub fn read(node: Node<'t>) -> Self {
        let mut metadata = PodMetadata::default();
        let mut template = PodTemplate::default();
        fill(&mut template, node);
        for entry in node.entries().filter(|entry| entry.key == "metadata") {
            fill(&mut metadata, entry.value);
        }
        let controller = metadata.owners.iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid);
        Self { name: metadata.name, controller, template }
    }
}

/// What admission must know of the cluster.
pub trait Cluster<'t> {
    /// The labels of a namespace.
    ///
    /// # Errors
    /// Why they cannot be had, as the API server words it (`namespaces "x" not found`).
    fn namespace_labels(&self, name: &str) -> Result<StringMap<'t>, String>;

    /// The pods of a namespace, in the order in which the API lists them.
    ///
    /// # Errors
    /// Why they cannot be had.
    fn pods(&self, namespace: &str) -> Result<Vec<RunningPod<'t>>, String>;

    /// Whether the time for a dry run is over: a second, or half of what the request has left, if less. Asked after
    /// each pod.
    fn is_time_over(&self) -> bool;
}

/// At most so many pods are looked at when a namespace's label changes.
const MAX_PODS: usize = 3000;

/// The admission plug-in: configuration and checks.
#[derive(Debug)]
pub struct Admission<'e> {
    evaluator: &'e Evaluator,
    namespaces: HashSet<String>,
    usernames: HashSet<String>,
    runtime_classes: HashSet<String>,
    defaults: Policy,
}

impl<'e> Admission<'e> {
    /// The plug-in with a configuration that [`Configuration::validate`] finds nothing wrong with.
    pub fn new(evaluator: &'e Evaluator, configuration: &Configuration) -> Self {
        let set = |list: &[String]| list.iter().filter(|name| !name.is_empty()).cloned().collect();
        Self {
            evaluator,
            namespaces: set(&configuration.exemptions.namespaces),
            usernames: set(&configuration.exemptions.usernames),
            runtime_classes: set(&configuration.exemptions.runtime_classes),
            defaults: configuration.default_policy(),
        }
    }

    /// The policy of a namespace with these labels, and what is wrong with them.
    pub fn policy(&self, labels: &StringMap<'_>) -> (Policy, Vec<FieldError>) {
        policy::from_labels(|key| labels.get(key), &self.defaults)
    }

    /// Answers a request. What is to be counted goes to `events`.
    pub fn review<'t>(
        &self,
        request: &Request<'t>,
        cluster: &dyn Cluster<'t>,
        events: &mut Vec<Event>,
    ) -> Response {
        match (request.resource.group, request.resource.resource) {
            ("", "namespaces") => self.namespace(request, cluster),
            ("", "pods") => self.pod(request, cluster, events),
            _ => self.controller(request, cluster, events),
        }
    }

    fn namespace<'t>(&self, request: &Request<'t>, cluster: &dyn Cluster<'t>) -> Response {
        if !request.subresource.is_empty() {
            return Response::allow();
        }
        let labels = match labels_of(request, request.object()) {
            Ok(Some(labels)) => labels,
            Ok(None) => return Response::fault(Status::bad_request("failed to decode namespace"), None),
            Err(error) => return Response::fault(Status::bad_request("failed to decode object"), Some(&error)),
        };
        let (new, errors) = self.policy(&labels);
        match request.operation {
            "CREATE" => {
                if !errors.is_empty() {
                    return Response::deny(Status::invalid(request, &errors));
                }
                if self.namespaces.contains(request.namespace) {
                    return self.exempt_warning(request, &new, &labels);
                }
                Response::allow()
            }
            "UPDATE" => {
                let old_labels = match labels_of(request, request.old_object()) {
                    Ok(Some(labels)) => labels,
                    Ok(None) => {
                        return Response::fault(Status::bad_request("failed to decode  old namespace"), None);
                    }
                    Err(error) => {
                        return Response::fault(Status::bad_request("failed to decode  old object"), Some(&error));
                    }
                };
                let (old, old_errors) = self.policy(&old_labels);
                if !errors.is_empty() && errors != old_errors {
                    return Response::deny(Status::invalid(request, &errors));
                }
                let unchanged = new.enforce == old.enforce;
                let relaxed = new.enforce.version == old.enforce.version && new.enforce.level <= old.enforce.level;
                if unchanged || new.enforce.level == Level::Privileged || relaxed {
                    return Response::allow();
                }
                if self.namespaces.contains(request.namespace) {
                    return self.exempt_warning(request, &new, &labels);
                }
                let name = name_of(request.object());
                Response { warnings: self.dry_run(name, new.enforce, cluster), ..Response::allow() }
            }
            _ => Response::allow(),
        }
    }

    /// A namespace that is labelled and exempt: its labels have no effect, which deserves a warning.
    fn exempt_warning(&self, request: &Request<'_>, policy: &Policy, labels: &StringMap<'_>) -> Response {
        if policy.is_fully_privileged() || policy.is_equivalent(&self.defaults) {
            return Response::allow();
        }
        let mut shown = Vec::new();
        for (mode, choice, level, version) in [
            (Mode::Enforce, policy.enforce, policy::ENFORCE, policy::ENFORCE_VERSION),
            (Mode::Audit, policy.audit, policy::AUDIT, policy::AUDIT_VERSION),
            (Mode::Warn, policy.warn, policy::WARN, policy::WARN_VERSION),
        ] {
            let labelled = labels.get(level).is_some() || labels.get(version).is_some();
            if choice.level != Level::Privileged && labelled {
                shown.push(format!("{}={choice}", mode.word()));
            }
        }
        let name = go_quote(name_of(request.object()));
        let warning = format!(
            "namespace {name} is exempt from Pod Security, and the policy ({}) will be ignored",
            shown.join(", ")
        );
        Response { warnings: vec![warning], ..Response::allow() }
    }

    /// The warnings of a new `enforce` about pods that run already.
    /// Source: `EvaluatePodsInNamespace`.
    pub fn dry_run<'t>(&self, namespace: &str, enforce: LevelVersion, cluster: &dyn Cluster<'t>) -> Vec<String> {
        let Ok(pods) = cluster.pods(namespace) else {
            return vec!["failed to list pods while checking new PodSecurity enforce level".to_owned()];
        };
        let pods = self.prioritized(pods);
        let total = pods.len();
        let mut checked = total.min(MAX_PODS);
        // For each set of reasons: the smallest name, and how many pods share it.
        let mut groups: BTreeMap<String, (&str, usize)> = BTreeMap::new();
        let mut failures = Failures::default();
        for (index, pod) in pods.iter().take(checked).enumerate() {
            self.evaluator.evaluate(enforce, &pod.template, &mut failures);
            if !failures.is_empty() {
                let group = groups.entry(failures.reasons(&pod.template)).or_insert((pod.name, 0));
                group.0 = group.0.min(pod.name);
                group.1 += 1;
            }
            if cluster.is_time_over() {
                checked = index + 1;
                break;
            }
        }
        let mut warnings = Vec::new();
        if checked < total {
            warnings.push(format!(
                "new PodSecurity enforce level only checked against the first {checked} of {total} existing pods"
            ));
        }
        if !groups.is_empty() {
            let enforce = enforce.to_string();
            warnings.push(format!(
                "existing pods in namespace {} violate the new PodSecurity enforce level {}",
                go_quote(namespace),
                go_quote(&enforce)
            ));
        }
        let mut lines: Vec<String> = groups
            .into_iter()
            .map(|(reasons, (name, count))| match count {
                1 => format!("{name}: {reasons}"),
                2 => format!("{name} (and 1 other pod): {reasons}"),
                _ => format!("{name} (and {} other pods): {reasons}", count - 1),
            })
            .collect();
        lines.sort();
        warnings.extend(lines);
        warnings
    }

    /// Pods of exempt RuntimeClasses are left out; the first pod of each controller comes before its others.
    fn prioritized<'t>(&self, pods: Vec<RunningPod<'t>>) -> Vec<RunningPod<'t>> {
        let mut seen = HashSet::new();
        let (mut first, mut others) = (Vec::with_capacity(pods.len()), Vec::new());
        for pod in pods {
            if self.is_exempt_runtime_class(&pod.template) {
                continue;
            }
            if pod.controller.is_none_or(|controller| seen.insert(controller)) {
                first.push(pod);
            } else {
                others.push(pod);
            }
        }
        first.extend(others);
        first
    }

    fn is_exempt_runtime_class(&self, pod: &PodTemplate<'_>) -> bool {
        pod.spec.runtime_class_name.is_some_and(|name| self.runtime_classes.contains(name))
    }

    /// Exempt by namespace or user, if the request is.
    fn exemption(&self, request: &Request<'_>, events: &mut Vec<Event>) -> Option<Response> {
        let why = if self.namespaces.contains(request.namespace) {
            "namespace"
        } else if self.usernames.contains(request.user.name) {
            "user"
        } else {
            return None;
        };
        events.push(Event::Exemption);
        Some(Response::allow_with("exempt", why))
    }

    fn pod<'t>(&self, request: &Request<'t>, cluster: &dyn Cluster<'t>, events: &mut Vec<Event>) -> Response {
        const IGNORED: [&str; 8] =
            ["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"];
        if IGNORED.contains(&request.subresource) {
            return Response::allow();
        }
        if let Some(response) = self.exemption(request, events) {
            return response;
        }
        let mut fault = |status: Status, cause: Option<&str>| {
            events.push(Event::Error { fatal: true });
            Response::fault(status, cause)
        };
        let labels = match cluster.namespace_labels(request.namespace) {
            Ok(labels) => labels,
            Err(error) => {
                let what = format!("failed to lookup namespace {}", go_quote(request.namespace));
                return fault(Status::internal_error(&what), Some(&error));
            }
        };
        let (policy, errors) = self.policy(&labels);
        if errors.is_empty() && policy.is_fully_privileged() {
            events.push(Event::Evaluation { allowed: true, policy: policy.enforce, mode: Mode::Enforce });
            return Response::allow_with("enforce-policy", LevelVersion::PRIVILEGED.to_string());
        }
        let pod = match pod_of(request, request.object()) {
            Ok(Some(pod)) => pod,
            Ok(None) => return fault(Status::bad_request("failed to decode pod"), None),
            Err(error) => return fault(Status::bad_request("failed to decode object"), Some(&error)),
        };
        if request.operation == "UPDATE" {
            match pod_of(request, request.old_object()) {
                Ok(Some(old)) if !is_significant_update(&pod, &old) => return Response::allow(),
                Ok(Some(_)) => {}
                Ok(None) => return fault(Status::bad_request("failed to decode old pod"), None),
                Err(error) => return fault(Status::bad_request("failed to decode old object"), Some(&error)),
            }
        }
        self.judge(request, &policy, &errors, &pod, true, events)
    }

    fn controller<'t>(&self, request: &Request<'t>, cluster: &dyn Cluster<'t>, events: &mut Vec<Event>) -> Response {
        if !request.subresource.is_empty() {
            return Response::allow();
        }
        if let Some(response) = self.exemption(request, events) {
            return response;
        }
        let mut open = |error: String| {
            events.push(Event::Error { fatal: true });
            Response::allow_with("error", error)
        };
        let labels = match cluster.namespace_labels(request.namespace) {
            Ok(labels) => labels,
            Err(error) => {
                return open(format!("failed to lookup namespace {}: {error}", go_quote(request.namespace)));
            }
        };
        let (policy, errors) = self.policy(&labels);
        let silent = policy.warn.level == Level::Privileged && policy.audit.level == Level::Privileged;
        if errors.is_empty() && silent {
            return Response::allow();
        }
        let decoded = match decode_object(request, request.object()) {
            Ok(decoded) => decoded,
            Err(error) => return open(format!("failed to decode object: {error}")),
        };
        match decoded {
            Some(Decoded { node, workload: Some(row), .. }) => match workload::decode_checked(node, row) {
                Some(template) => self.judge(request, &policy, &errors, &template, false, events),
                None => Response::allow(),
            },
            Some(other) => {
                let what = format!("unexpected object type: {}/{}, Kind={}", other.group, other.version, other.kind);
                open(format!("failed to extract pod template: {what}"))
            }
            None => open("failed to extract pod template: unexpected object type".to_owned()),
        }
    }

    /// Judges a pod against the three modes. Source: `EvaluatePod`.
    fn judge<'t>(
        &self,
        request: &Request<'_>,
        policy: &Policy,
        errors: &[FieldError],
        pod: &PodTemplate<'t>,
        enforce: bool,
        events: &mut Vec<Event>,
    ) -> Response {
        if self.is_exempt_runtime_class(pod) {
            events.push(Event::Exemption);
            return Response::allow_with("exempt", "runtimeClass");
        }
        let mut response = Response::allow();
        if !errors.is_empty() {
            response
                .audit_annotations
                .insert("error", format!("Failed to parse policy: {}", policy::aggregate(errors)));
            events.push(Event::Error { fatal: false });
        }
        // Modes often agree: what was judged once is not judged again.
        let mut judged: Vec<(LevelVersion, Option<String>)> = Vec::with_capacity(3);
        let mut failures = Failures::default();
        let mut judge = |at: LevelVersion| -> Option<String> {
            if let Some((_, message)) = judged.iter().find(|(known, _)| *known == at) {
                return message.clone();
            }
            self.evaluator.evaluate(at, pod, &mut failures);
            let message = (!failures.is_empty()).then(|| failures.message(pod));
            judged.push((at, message.clone()));
            message
        };
        if enforce {
            response.audit_annotations.insert("enforce-policy", policy.enforce.to_string());
            let message = judge(policy.enforce);
            events.push(Event::Evaluation {
                allowed: message.is_none(),
                policy: policy.enforce,
                mode: Mode::Enforce,
            });
            if let Some(message) = message {
                let why = format!("violates PodSecurity \"{}\": {message}", policy.enforce);
                response.allowed = false;
                response.status = Some(Status::forbidden(request, &why));
            }
        }
        if let Some(message) = judge(policy.audit) {
            let mut text = String::new();
            let _ = write!(text, "would violate PodSecurity \"{}\": {message}", policy.audit);
            response.audit_annotations.insert("audit-violations", text);
            events.push(Event::Evaluation { allowed: false, policy: policy.audit, mode: Mode::Audit });
        }
        // Who is refused needs no warning.
        if response.allowed
            && let Some(message) = judge(policy.warn)
        {
            response.warnings.push(format!("would violate PodSecurity \"{}\": {message}", policy.warn));
            events.push(Event::Evaluation { allowed: false, policy: policy.warn, mode: Mode::Warn });
        }
        response
    }
}

/// An object of a request, decoded as far as its kind.
struct Decoded<'t> {
    node: Node<'t>,
    group: &'t str,
    version: &'t str,
    kind: &'t str,
    workload: Option<&'static WorkloadKind>,
}

/// Finds the kind of an object (where it does not say, the request's) and checks its types.
fn decode_object<'t>(request: &Request<'t>, object: Option<Node<'t>>) -> Result<Option<Decoded<'t>>, String> {
    let Some(node) = object else { return Ok(None) };
    if node.kind() != Kind::Mapping {
        return Err(format!("expected a mapping, got {}", node.kind().described()));
    }
    let text = |key: &str| match node.get(key) {
        Some(value) if !value.is_null() => {
            value.as_str().ok_or_else(|| format!("{key}: expected a string, got {}", value.kind().described()))
        }
        _ => Ok(""),
    };
    let (api_version, mut kind) = (text("apiVersion")?, text("kind")?);
    let (mut group, mut version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    if kind.is_empty() {
        kind = request.kind.kind;
    }
    if group.is_empty() && version.is_empty() {
        (group, version) = (request.kind.group, request.kind.version);
    } else if version.is_empty() && group == request.kind.group {
        version = request.kind.version;
    }
    let list = kind.strip_suffix("List").filter(|_| node.get("items").is_some());
    let schema = schema::of(group, version, kind).filter(|_| matches!(group, "" | "apps" | "batch"));
    match (schema, list.and_then(|kind| schema::of(group, version, kind))) {
        (Some(schema), _) => {
            if !schema.accepts(node) {
                let error = schema.check(node).into_iter().next();
                return Err(error.map_or_else(|| "the object cannot be decoded".to_owned(), |error| error.to_string()));
            }
        }
        (None, Some(_)) => {}
        (None, None) => {
            let api_version = qualified_version(group, version);
            return Err(format!("no kind \"{kind}\" is registered for version \"{api_version}\""));
        }
    }
    Ok(Some(Decoded { node, group, version, kind, workload: WorkloadKind::of(group, kind) }))
}

fn qualified_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn pod_of<'t>(request: &Request<'t>, object: Option<Node<'t>>) -> Result<Option<PodTemplate<'t>>, String> {
    let decoded = decode_object(request, object)?;
    Ok(decoded.filter(|decoded| decoded.workload.is_some_and(WorkloadKind::is_pod)).map(|decoded| {
        let mut pod = PodTemplate::default();
        fill(&mut pod, decoded.node);
        pod
    }))
}

#[derive(Default)]
struct NamespaceObject<'t> {
    metadata: NamespaceMetadata<'t>,
}
decode_fields!(NamespaceObject<'t> { "metadata" => metadata });

#[derive(Default)]
struct NamespaceMetadata<'t> {
    name: &'t str,
    labels: StringMap<'t>,
}
decode_fields!(NamespaceMetadata<'t> { "name" => name, "labels" => labels });

/// The labels of a namespace object; `None` where the object is something else.
fn labels_of<'t>(request: &Request<'t>, object: Option<Node<'t>>) -> Result<Option<StringMap<'t>>, String> {
    let decoded = decode_object(request, object)?;
    Ok(decoded.filter(|decoded| decoded.group.is_empty() && decoded.kind == "Namespace").map(|decoded| {
        let mut namespace = NamespaceObject::default();
        fill(&mut namespace, decoded.node);
        namespace.metadata.labels
    }))
}

fn name_of(object: Option<Node<'_>>) -> &str {
    let mut namespace = NamespaceObject::default();
    if let Some(node) = object {
        fill(&mut namespace, node);
    }
    namespace.metadata.name
}

/// Whether an update of a pod changes what may be judged: its containers' number or images.
/// Source: `isSignificantPodUpdate`.
fn is_significant_update(new: &PodTemplate<'_>, old: &PodTemplate<'_>) -> bool {
    let (new, old) = (&new.spec, &old.spec);
    for (now, before) in [(&new.containers, &old.containers), (&new.init_containers, &old.init_containers)] {
        if now.len() != before.len() || now.iter().zip(before).any(|(a, b)| a.image != b.image) {
            return true;
        }
    }
    new.ephemeral_containers.iter().any(|container| {
        let before = old.ephemeral_containers.iter().find(|before| before.name == container.name);
        before.is_none_or(|before| before.image != container.image)
    })
}
