//! Pod Security Admission: a request into a response, as the API server's plug-in and the reference's
//! webhook answer it.
//!
//! Source: k8s.io/pod-security-admission `admission/admission.go`, `admission/response.go`, `metrics/metrics.go`.

mod event;
mod request;
mod response;

use std::collections::{BTreeMap, HashSet};

use ringwall_model::decode::StringMap;

use crate::config::Configuration;
use crate::evaluate::{Evaluator, Failures};
use crate::model::PodTemplate;
use crate::policy::{self, Level, LevelVersion, Mode, Policy};
use crate::workload;
use ringwall_model::go::{go_aggregate, go_quote};
use ringwall_model::invalid::FieldError;

pub use event::Event;
use request::{Decoded, decode_object, labels_of, name_of, pod_of};
pub use request::{GroupVersionKind, GroupVersionResource, NodeRef, Request, RunningPod, User};
pub use response::Response;
use response::Status;

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
            Err(error) => {
                return Response::fault(Status::bad_request("failed to decode object"), Some(&error));
            }
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
                        return Response::fault(
                            Status::bad_request("failed to decode  old object"),
                            Some(&error),
                        );
                    }
                };
                let (old, old_errors) = self.policy(&old_labels);
                if !errors.is_empty() && errors != old_errors {
                    return Response::deny(Status::invalid(request, &errors));
                }
                let unchanged = new.enforce == old.enforce;
                let relaxed =
                    new.enforce.version == old.enforce.version && new.enforce.level <= old.enforce.level;
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
    pub fn dry_run(&self, namespace: &str, enforce: LevelVersion, cluster: &dyn Cluster<'_>) -> Vec<String> {
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

    /// Pods of exempt `RuntimeClasses` are left out; the first pod of each controller comes before its others.
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

    fn controller<'t>(
        &self,
        request: &Request<'t>,
        cluster: &dyn Cluster<'t>,
        events: &mut Vec<Event>,
    ) -> Response {
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
                let what =
                    format!("unexpected object type: {}/{}, Kind={}", other.group, other.version, other.kind);
                open(format!("failed to extract pod template: {what}"))
            }
            None => open("failed to extract pod template: unexpected object type".to_owned()),
        }
    }

    /// Judges a pod against the three modes. Source: `EvaluatePod`.
    fn judge(
        &self,
        request: &Request<'_>,
        policy: &Policy,
        errors: &[FieldError],
        pod: &PodTemplate<'_>,
        enforce: bool,
        events: &mut Vec<Event>,
    ) -> Response {
        if self.is_exempt_runtime_class(pod) {
            events.push(Event::Exemption);
            return Response::allow_with("exempt", "runtimeClass");
        }
        let mut response = Response::allow();
        if !errors.is_empty() {
            response.audit_annotations.insert(
                "error",
                format!("Failed to parse policy: {}", go_aggregate(errors).unwrap_or_default()),
            );
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
            let text = format!("would violate PodSecurity \"{}\": {message}", policy.audit);
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
