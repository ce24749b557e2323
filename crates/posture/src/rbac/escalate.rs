//! Who can become what, hop by hop, and the fewest grants to remove.

use ringwall_rbac::escalation::catalogue::Row;
use ringwall_rbac::escalation::cut::CutOptions;
use ringwall_rbac::escalation::proof::{Grant, Hop, Proof, Use};
use ringwall_rbac::escalation::thing::{Gained, Which};
use ringwall_rbac::escalation::{Escalation, Facts, Identity, Target};
use ringwall_rbac::model::RuleAt;

use super::{Place, Rights, words};

/// What a hop rests on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ground {
    /// Who holds it.
    pub who: String,
    /// The binding, where there is one.
    pub binding: Option<(String, Place)>,
    /// The role and what of it, where that counts.
    pub gives: Option<(String, Place)>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// The way in the catalogue.
    pub row: &'static Row,
    /// What is done, in words.
    pub does: String,
    /// What it leads to; `None` where the act is the end.
    pub to: Option<String>,
    /// Steps before it that it needs, by their index.
    pub after: Vec<usize>,
    /// What it rests on.
    pub grounds: Vec<Ground>,
    /// What it takes for given.
    pub assumptions: Vec<String>,
}

/// How a subject comes to something.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Who.
    pub subject: String,
    /// To what.
    pub to: String,
    /// Whether the subject is of the default policy.
    pub is_default: bool,
    /// The steps, each after those that it needs.
    pub steps: Vec<Step>,
    /// What must be so that nobody knows.
    pub assumptions: Vec<String>,
}

/// A grant to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The subject.
    pub subject: String,
    /// The binding.
    pub binding: String,
    /// Where the subject stands in it.
    pub place: Place,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Ways {
    /// One chain for each subject that comes to the target, those without assumptions first, then the shortest.
    pub chains: Vec<Chain>,
    /// Who has it by a binding that gives everything: administrators by intent.
    pub admins: Vec<Removal>,
    /// The fewest grants to remove so that nobody else comes to it, while administrators by intent stay.
    pub cut: Vec<Removal>,
    /// Whether no fewer would do.
    pub exact: bool,
    /// The fewest grants to remove so that nobody at all comes to it, those of administrators by intent among them; often fewer, because others come to
    /// it through these.
    pub cut_all: Vec<Removal>,
    /// Whether no fewer would do.
    pub exact_all: bool,
    /// Who comes to it whatever is removed.
    pub beyond: Vec<String>,
    /// Whether all was followed.
    pub is_whole: bool,
    /// Whether something in the input names the target.
    pub is_named: bool,
}

/// So many proofs are looked for, about, to find the fewest grants.
const PROOFS: usize = 40_000;

impl Rights<'_> {
    /// Who comes to a target, by one chain each, and what to remove. Subjects of the default policy are left out unless `all`.
    pub fn ways_to(&self, facts: &Facts, target: &Target, all: bool) -> Ways {
        let escalation = Escalation::of(self.policy(), facts);
        let mut chains = Vec::new();
        for (subject, proof) in escalation.proofs(target) {
            let is_target = matches!(target, Target::Identity(identity) if identity == subject.identity);
            if is_target || subject.is_admin || (subject.is_default && !all) {
                continue;
            }
            chains.push(self.chain(&proof, facts, subject.identity, subject.is_default, &told(target)));
        }
        chains.sort_by_key(|chain| (chain.assumptions.len(), chain.steps.len(), chain.subject.clone()));
        // Each round looks for a proof of everyone again: where many come to it, fewer rounds are made, and the answer is an upper bound.
        let rounds = (PROOFS / chains.len().max(1)).clamp(2, CutOptions::default().rounds);
        let options = |keep_admins| CutOptions { keep_admins, rounds, ..CutOptions::default() };
        let cut = escalation.cut(target, &options(true));
        let without = escalation.cut(target, &options(false));
        Ways {
            chains,
            admins: without.admins.iter().map(|grant| self.removal(grant)).collect(),
            cut_all: without.all().iter().map(|grant| self.removal(grant)).collect(),
            exact_all: without.exact,
            cut: cut.grants.iter().map(|grant| self.removal(grant)).collect(),
            exact: cut.exact,
            beyond: cut.beyond.iter().map(ToString::to_string).collect(),
            is_whole: escalation.is_whole(),
            is_named: match target {
                Target::ClusterAdmin | Target::Node => true,
                Target::Identity(identity) => escalation.subject(identity).is_some(),
            },
        }
    }

    /// All that one subject comes to, the nearest first. `None` where no binding names it.
    pub fn ways_from(&self, facts: &Facts, identity: &Identity) -> Option<Vec<Chain>> {
        let escalation = Escalation::of(self.policy(), facts);
        let subject = escalation.subject(identity)?;
        let gains = escalation.gains(identity);
        let chains = gains.iter().map(|gain| {
            let to = gained(&gain.what, self, facts);
            self.chain(&gain.proof, facts, identity, subject.is_default, &to)
        });
        Some(chains.collect())
    }

    fn removal(&self, grant: &Grant) -> Removal {
        let binding = &self.policy().bindings()[grant.binding];
        let subject = &binding.subjects[grant.subject];
        Removal {
            subject: words::subject(subject, binding.namespace.as_deref()),
            binding: words::binding(binding),
            place: self.subject_place(grant.binding, grant.subject),
        }
    }

    fn chain(&self, proof: &Proof<'_>, facts: &Facts, who: &Identity, is_default: bool, to: &str) -> Chain {
        Chain {
            subject: who.to_string(),
            to: to.to_owned(),
            is_default,
            steps: proof.hops.iter().map(|hop| self.step(hop, facts)).collect(),
            assumptions: proof.assumptions().iter().map(ToString::to_string).collect(),
        }
    }

    fn step(&self, hop: &Hop<'_>, facts: &Facts) -> Step {
        Step {
            row: hop.row,
            does: hop.say(),
            to: (!matches!(hop.to, Gained::Effect(_))).then(|| gained(&hop.to, self, facts)),
            after: hop.after.clone(),
            grounds: hop.by.iter().map(|one| self.ground(one, facts)).collect(),
            assumptions: hop.assumptions.iter().map(ToString::to_string).collect(),
        }
    }

    fn ground(&self, used: &Use<'_>, facts: &Facts) -> Ground {
        let policy = self.policy();
        let binding = used.grant.map(|grant| {
            let name = words::binding(&policy.bindings()[grant.binding]);
            (name, self.subject_place(grant.binding, grant.subject))
        });
        let gives = used.role.map(|role| {
            let name = words::role(&policy.roles()[role]);
            match used.rule {
                Some(rule) => {
                    let stated = &policy.roles()[role].rules[rule];
                    (format!("{name}: {}", words::rule(stated)), self.rule_place(RuleAt { role, rule }))
                }
                None => (name, self.role_place(role)),
            }
        });
        Ground { who: gained(&used.who, self, facts), binding, gives }
    }
}

/// A target in words.
pub fn told(target: &Target) -> String {
    match target {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::Node => "root on a node".to_owned(),
        Target::Identity(identity) => identity.to_string(),
    }
}

/// What was gained, in words.
fn gained(what: &Gained<'_>, rights: &Rights<'_>, facts: &Facts) -> String {
    let place = |namespace: Option<&str>| match namespace {
        Some(namespace) => format!("of namespace {namespace}"),
        None => "of every namespace".to_owned(),
    };
    let node = |which: &Which<&str>| match which {
        Which::Any => "any node".to_owned(),
        Which::Named(name) => format!("node {name}"),
        Which::Some => "a node".to_owned(),
    };
    let role = |index: usize| words::role(&rights.policy().roles()[index]);
    match what {
        Gained::Everything => "everything in the cluster".to_owned(),
        Gained::NodeRoot(which) => format!("root on {}", node(which)),
        Gained::NodeIdentity(which) => format!("the identity of {}", node(which)),
        Gained::EverythingIn(namespace) => format!("everything in namespace {namespace}"),
        Gained::AnyUser => "any user and group but system:masters".to_owned(),
        Gained::Users => "any user that is no service account".to_owned(),
        Gained::Accounts(namespace) => format!("the service accounts {}", place(*namespace)),
        Gained::Identity(identity) => identity.to_string(),
        Gained::Role { role: index, namespace } => match namespace {
            Some(namespace) => format!("what {} gives in namespace {namespace}", role(*index)),
            None => format!("what {} gives", role(*index)),
        },
        Gained::Roles(namespace) => format!("what any Role {} gives", place(*namespace)),
        Gained::RoleRules(index) => format!("the rules of {}", role(*index)),
        Gained::AllRoleRules(kind, namespace) => match namespace {
            Some(_) => format!("the rules of every {} {}", kind.kind(), place(*namespace)),
            None => format!("the rules of every {}", kind.kind()),
        },
        Gained::NewRoles(kind, namespace, name) => {
            let name = name.map_or_else(String::new, |name| format!(" named {name}"));
            match namespace {
                Some(_) => format!("a {}{name} {} with any rules", kind.kind(), place(*namespace)),
                None => format!("a {}{name} with any rules", kind.kind()),
            }
        }
        Gained::OwnPods(namespace) => {
            format!("pods of its own making {}", place(*namespace).replace("of ", "in "))
        }
        Gained::Pods(namespace) => format!("code in the pods {}", place(*namespace)),
        Gained::Pod(index) => facts.pods.get(*index).map_or_else(
            || "code in a pod".to_owned(),
            |pod| format!("code in {}/{}", pod.namespace, pod.name),
        ),
        Gained::PodsOfNode(name) => format!("code in the pods of node {name}"),
        Gained::Secrets(namespace) => format!("the content of all secrets {}", place(*namespace)),
        Gained::Secret { namespace, name } => format!("the content of secret {namespace}/{name}"),
        Gained::NamespaceLabels(namespace) => match namespace {
            Some(namespace) => format!("the labels of namespace {namespace}"),
            None => "the labels of every namespace".to_owned(),
        },
        Gained::NewAccounts(namespace) => format!("service accounts {} that are missing", place(*namespace)),
        Gained::Controller => "what a controller may do".to_owned(),
        Gained::Effect(_) => "an act".to_owned(),
    }
}
