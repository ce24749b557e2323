//! The API server's verdict on each workload: may pods be made from it in its namespace?

use ringwall_model::finding::{Evidence, Location, Verdict};
use ringwall_model::object::ObjectId;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_pods::config::Configuration;
use ringwall_pods::evaluate::{Evaluator, Failures};
use ringwall_pods::namespace::{policy_of, refused};
use ringwall_pods::policy::{LevelVersion, Policy};

use crate::evidence;
use crate::workloads::{Workload, Workloads};

/// What is asked of each workload.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// The level to judge at; without one, that of the workload's own namespace.
    pub level: Option<LevelVersion>,
    /// The cluster's configuration of Pod Security Admission: who is exempt, and what holds where no label is.
    pub configuration: &'q Configuration,
}

/// The answer for one workload.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The workload.
    pub object: ObjectId,
    /// Its group and version.
    pub api_version: String,
    /// Where it begins.
    pub location: Location,
    /// The object that makes it, where that is in the input and was answered otherwise.
    pub owner: Option<ObjectId>,
    /// Whether its pods are allowed.
    pub verdict: Verdict,
    /// The level that it was judged at, where there is one.
    pub policy: Option<LevelVersion>,
    /// Why it was not judged: `namespace` or `runtimeClass`, which the configuration exempts.
    pub exempt: Option<&'static str>,
    /// For no: the API server's words. For cannot tell: what is missing. For yes: the warning that the API server
    /// sends along, if it does.
    pub message: String,
    /// For no: each offence.
    pub evidence: Vec<Evidence>,
    /// How many pods of the same owner have the same answer.
    pub replicas: usize,
}

/// Answers for each workload, ordered by place. What a workload owns is answered apart only where its answer
/// differs (a sidecar that was injected); otherwise its pods are counted.
pub fn check(
    snapshot: &Snapshot,
    workloads: &Workloads<'_>,
    evaluator: &Evaluator,
    question: Question<'_>,
) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    for family in &workloads.families {
        let first = answers.len();
        for (index, member) in family.members.iter().enumerate() {
            let mut answer = judge(snapshot, evaluator, question, member);
            let same = |known: &&mut Answer| {
                (known.verdict, known.policy, gist(&known.message))
                    == (answer.verdict, answer.policy, gist(&answer.message))
            };
            match answers[first..].iter_mut().find(same) {
                Some(known) => known.replicas += usize::from(member.is_pod()),
                None => {
                    answer.owner = (index > 0).then(|| family.top.id.clone());
                    answers.push(answer);
                }
            }
        }
    }
    answers.sort_by(|a, b| (&a.location, &a.object).cmp(&(&b.location, &b.object)));
    answers
}

fn judge(
    snapshot: &Snapshot,
    evaluator: &Evaluator,
    question: Question<'_>,
    workload: &Workload<'_>,
) -> Answer {
    let object = workload.object;
    let mut answer = Answer {
        object: object.id.clone(),
        api_version: object.api_version(),
        location: Location::of(object, &FieldPath::root()),
        owner: None,
        verdict: Verdict::Yes,
        policy: None,
        exempt: None,
        message: String::new(),
        evidence: Vec::new(),
        replicas: 0,
    };
    if let Some(why) = exemption(question.configuration, workload) {
        answer.exempt = Some(why);
        return answer;
    }
    let mut warn = None;
    let policy = match question.level {
        Some(level) => level,
        None => match policy(snapshot, question.configuration, workload) {
            Ok(policy) => {
                warn = Some(policy.warn);
                policy.enforce
            }
            Err(missing) => {
                answer.verdict = Verdict::CannotTell;
                answer.message = missing;
                return answer;
            }
        },
    };
    answer.policy = Some(policy);
    let mut failures = Failures::default();
    if let Some(words) = refused::words(evaluator, policy, &workload.template, &mut failures) {
        answer.verdict = Verdict::No;
        // A template is let in with a warning, and its pods are refused.
        answer.message = if workload.is_pod() { words } else { format!("would {}", infinitive(&words)) };
        answer.evidence = evidence(workload, &failures);
    } else if let Some(words) =
        warn.and_then(|warn| refused::words(evaluator, warn, &workload.template, &mut failures))
    {
        answer.message = format!("warning: would {}", infinitive(&words));
        answer.evidence = evidence(workload, &failures);
    }
    answer
}

/// What a message says, whether it says it of a pod or of a template.
fn gist(message: &str) -> &str {
    message.split_once("PodSecurity").map_or(message, |(_, gist)| gist)
}

/// `violates …` as it stands behind `would`, which is how the API server words warnings.
fn infinitive(words: &str) -> String {
    words.replacen("violates", "violate", 1)
}

/// What a configuration exempts the workload by.
pub(crate) fn exemption(configuration: &Configuration, workload: &Workload<'_>) -> Option<&'static str> {
    let exemptions = &configuration.exemptions;
    let listed =
        |list: &[String], name: Option<&str>| name.is_some_and(|name| list.iter().any(|entry| entry == name));
    if listed(&exemptions.namespaces, workload.object.id.namespace.as_deref()) {
        Some("namespace")
    } else if listed(
        &exemptions.runtime_classes,
        workload.template.spec.runtime_class_name.filter(|name| !name.is_empty()),
    ) {
        Some("runtimeClass")
    } else {
        None
    }
}

/// The policy of the workload's namespace, or what is missing to know it.
fn policy(
    snapshot: &Snapshot,
    configuration: &Configuration,
    workload: &Workload<'_>,
) -> Result<Policy, String> {
    let Some(name) = workload.object.id.namespace.as_deref() else {
        return Err("the workload states no namespace, and no level was given".to_owned());
    };
    match snapshot.namespace(name) {
        Some(namespace) => Ok(policy_of(namespace, &configuration.default_policy()).0),
        None => Err(format!("the Namespace \"{name}\" is not in the input, and no level was given")),
    }
}
