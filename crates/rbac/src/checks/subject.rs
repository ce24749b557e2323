//! What checks look at, and what they ask of it.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use ringwall_model::finding::{Severity, stable_hash};
use ringwall_model::near::nearest;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::resources::Resources;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use super::accounts::BoundAccounts;
use super::powers::{Open, Which, opened};
use crate::aggregate::Unsettled;
use crate::attributes::{MASTERS, split_service_account};
use crate::covers::uncovered;
use crate::default_policy;
use crate::model::{Binding, Origin, RbacObject, Role, Rule, Subject as BoundSubject};
use crate::policy::Policy;
use crate::snapshot::DEFAULT_NAMESPACE;

/// The default roles that take others in.
pub(super) const DEFAULT_TAKERS: [&str; 3] = ["admin", "edit", "view"];
/// The namespace of the cluster's own parts: rights in it lead to rights everywhere.
pub(super) const SYSTEM: &str = "kube-system";

/// A role by its namespace (`None` for a `ClusterRole`) and name.
type RoleName = (Option<String>, String);

/// A role as it is written in the input.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The object's index in the snapshot.
    pub(super) object: usize,
    pub(super) role: Role,
    /// For each rule whether the API server itself makes it so.
    known: Vec<bool>,
    /// Whether the default policy has a role of this name; its rules may have been changed.
    pub(super) is_default: bool,
}

impl Written {
    /// The rules that somebody wrote: not those of the default policy, nor those that a controller computes.
    pub(super) fn rules(&self) -> impl Iterator<Item = (usize, &Rule)> {
        let is_computed = self.role.aggregation.is_some();
        let own = self.role.rules.iter().enumerate().filter(|(at, _)| !self.known[*at]);
        own.filter(move |_| !is_computed)
    }

    /// How it is called: `ClusterRole ci`, `Role shop/ci`.
    pub(super) fn called(&self) -> String {
        match &self.role.namespace {
            Some(namespace) => format!("Role {namespace}/{}", self.role.name),
            None => format!("ClusterRole {}", self.role.name),
        }
    }
}

/// Where a rule stands in its object.
pub(super) fn rule_path(rule: usize) -> FieldPath {
    FieldPath::root().key("rules").index(rule)
}

/// Where an item of a rule's list stands.
pub(super) fn item_path(rule: usize, list: &str, item: usize) -> FieldPath {
    rule_path(rule).key(list).index(item)
}

/// A binding as it is written in the input, or of the default policy.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// The object's index in the snapshot; `None` for one of the default policy.
    pub(super) object: Option<usize>,
    pub(super) binding: Binding,
    /// For each subject whether the API server itself binds it so.
    known: Vec<bool>,
    /// Whether a `RoleBinding` states its namespace. Where it does not, it is for its apply to say.
    pub(super) states_namespace: bool,
    /// Whether the default policy has a binding of this name to this role; its subjects may have been changed.
    pub(super) is_default: bool,
}

impl Bound {
    /// The subjects whom somebody named: not those of the default policy.
    pub(super) fn subjects(&self) -> impl Iterator<Item = (usize, &BoundSubject)> {
        self.binding.subjects.iter().enumerate().filter(|(at, _)| !self.known[*at])
    }

    /// The namespace in which it counts; `None` for all.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.binding.namespace.as_deref()
    }

    /// The namespace in which it counts, where it states it.
    pub(super) fn stated(&self) -> Option<&str> {
        self.namespace().filter(|_| self.states_namespace)
    }

    /// How it is called: `ClusterRoleBinding ci`, `RoleBinding shop/ci`.
    pub(super) fn called(&self) -> String {
        let kind = self.binding.kind();
        match self.stated() {
            Some(namespace) => format!("{kind} {namespace}/{}", self.binding.name),
            None => format!("{kind} {}", self.binding.name),
        }
    }

    /// How one of its subjects is called: `Group dev`, `ServiceAccount shop/ci`.
    pub(super) fn subject_called(&self, subject: &BoundSubject) -> String {
        subject_called(subject, self.stated())
    }

    /// Where it counts: nothing for everywhere, ` in namespace shop`.
    pub(super) fn place(&self) -> String {
        match (self.namespace(), self.stated()) {
            (None, _) => String::new(),
            (_, Some(namespace)) => format!(" in namespace {namespace}"),
            (_, None) => " in the namespace where it is applied".to_owned(),
        }
    }

    /// What it is bound to: `ClusterRole edit`.
    pub(super) fn role_called(&self) -> String {
        format!("{} {}", self.binding.role_ref.kind, self.binding.role_ref.name)
    }
}

fn subject_called(subject: &BoundSubject, namespace: Option<&str>) -> String {
    if subject.kind != "ServiceAccount" {
        return format!("{} {}", subject.kind, subject.name);
    }
    match account_namespace(subject, namespace) {
        Some(namespace) => format!("ServiceAccount {namespace}/{}", subject.name),
        None => format!("ServiceAccount {}", subject.name),
    }
}

/// The namespace of a service account in a binding of this namespace.
pub(super) fn account_namespace<'a>(
    subject: &'a BoundSubject,
    namespace: Option<&'a str>,
) -> Option<&'a str> {
    Some(subject.namespace.as_str()).filter(|own| !own.is_empty()).or(namespace)
}

/// Namespace and name of the service account that a subject is, whether or not it is called a user.
pub(super) fn account_of<'a>(
    subject: &'a BoundSubject,
    namespace: Option<&'a str>,
) -> Option<(&'a str, &'a str)> {
    match subject.kind.as_str() {
        "ServiceAccount" => Some((account_namespace(subject, namespace)?, &subject.name)),
        "User" => split_service_account(&subject.name),
        _ => None,
    }
}

/// A binding through which a role is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    pub(super) bound: &'a Bound,
    /// The aggregated role that takes the role's rules in, where the binding is to that one.
    pub(super) through: Option<&'a str>,
}

/// Who holds a role, and where.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach<'a> {
    pub(super) holders: Vec<Holder<'a>>,
    /// The aggregated roles that take the role's rules in.
    pub(super) into: Vec<&'a str>,
    /// The namespace of a Role.
    pub(super) own: Option<&'a str>,
    /// Whether it states it.
    pub(super) states_own: bool,
}

impl<'a> Reach<'a> {
    /// Whether somebody holds it in all namespaces.
    pub(super) fn is_everywhere(&self) -> bool {
        self.holders.iter().any(|holder| holder.bound.namespace().is_none())
    }

    /// The namespaces in which somebody holds it.
    pub(super) fn namespaces(&self) -> BTreeSet<&'a str> {
        self.holders.iter().filter_map(|holder| holder.bound.namespace()).collect()
    }

    /// How bad it is that a role gives something that is so bad in the whole cluster: less where it is held in namespaces only (but for that of
    /// the cluster's own parts), and still less where nobody holds it and no other role takes it in.
    pub(super) fn rate(&self, everywhere: Severity) -> Severity {
        if self.is_everywhere() || self.namespaces().contains(SYSTEM) {
            return everywhere;
        }
        let is_held = !self.holders.is_empty() || !self.into.is_empty();
        lower(everywhere, if is_held || self.own.is_none() { 1 } else { 2 })
    }

    /// Where it is held: ` in all namespaces`, ` in namespace shop`; nothing where nobody holds it and it is of no namespace.
    pub(super) fn place(&self) -> String {
        if self.is_everywhere() {
            return " in all namespaces".to_owned();
        }
        let stated: BTreeSet<&str> = self.holders.iter().filter_map(|holder| holder.bound.stated()).collect();
        let mut namespaces: Vec<&str> = stated.into_iter().collect();
        if self.holders.is_empty() {
            namespaces.extend(self.own.filter(|_| self.states_own));
        }
        match namespaces.as_slice() {
            [] if self.holders.is_empty() => String::new(),
            [] => " in the namespace where it is applied".to_owned(),
            [one] => format!(" in namespace {one}"),
            [one, two] => format!(" in namespaces {one} and {two}"),
            [one, two, three] => format!(" in namespaces {one}, {two} and {three}"),
            [one, two, rest @ ..] => format!(" in namespaces {one}, {two} and {} more", rest.len()),
        }
    }

    /// Who holds it and through what: `Group dev and User jane (ClusterRoleBinding ci)`.
    pub(super) fn who(&self) -> String {
        const SHOWN: usize = 3;
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut all: Vec<(String, Vec<String>)> = Vec::new();
        for holder in &self.holders {
            let called = match holder.through {
                Some(role) => format!("{} to ClusterRole {role}", holder.bound.called()),
                None => holder.bound.called(),
            };
            for subject in holder.bound.binding.subjects.iter().filter(|subject| subject.name != MASTERS) {
                let who = holder.bound.subject_called(subject);
                let place = *places.entry(who.clone()).or_insert(all.len());
                match all.get_mut(place) {
                    Some((_, bindings)) if bindings.contains(&called) || place >= SHOWN => {}
                    Some((_, bindings)) => bindings.push(called.clone()),
                    None => all.push((who, vec![called.clone()])),
                }
            }
        }
        let more = all.len().saturating_sub(SHOWN);
        all.truncate(SHOWN);
        let mut words: Vec<String> = Vec::new();
        for same in all.chunk_by(|left, right| left.1 == right.1) {
            let names: Vec<&str> = same.iter().map(|(name, _)| name.as_str()).collect();
            words.push(format!("{} ({})", joined(&names), listed(&same[0].1)));
        }
        let shown = words.join(", ");
        match more {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }

    /// That those who have it may do something: `User jane (ClusterRoleBinding ci) may …`.
    pub(super) fn told(&self, may: &str) -> String {
        if !self.holders.is_empty() {
            return format!("{} may {may}", self.who());
        }
        match self.into.as_slice() {
            [] => format!("whoever is bound to the role may {may}; in the input nobody is"),
            [one] => format!("whoever is bound to ClusterRole {one}, which takes this one in, may {may}"),
            many => {
                let many = joined(many);
                format!(
                    "whoever is bound to one of the ClusterRoles {many}, which take this one in, may {may}"
                )
            }
        }
    }

    /// What tells this reach from another.
    pub(super) fn witness(&self) -> String {
        let mut all: Vec<String> = Vec::new();
        for holder in &self.holders {
            let scope = holder.bound.namespace();
            for subject in &holder.bound.binding.subjects {
                all.push(format!("{} @ {}", holder.bound.subject_called(subject), scope.unwrap_or("*")));
            }
        }
        all.sort();
        all.dedup();
        // Of many a few are shown, and all of them count.
        const SHOWN: usize = 8;
        if all.len() <= SHOWN {
            return all.join(",");
        }
        let texts: Vec<&str> = all.iter().map(String::as_str).collect();
        let hash = stable_hash(&texts);
        format!("{} and {} more ({hash})", all[..SHOWN].join(","), all.len() - SHOWN)
    }

    /// Whether all who hold it do so because a default role takes it in: that is told of its label.
    pub(super) fn is_by_label(&self) -> bool {
        let fed = self.into.iter().any(|taker| DEFAULT_TAKERS.contains(taker));
        fed && self
            .holders
            .iter()
            .all(|holder| holder.through.is_some_and(|taker| DEFAULT_TAKERS.contains(&taker)))
    }

    /// Where the bindings of the input name the role and those who get it: the first few.
    pub(super) fn places(&self) -> Vec<(usize, FieldPath)> {
        const SHOWN: usize = 8;
        let mut places = Vec::new();
        for bound in self.holders.iter().map(|holder| holder.bound) {
            let Some(object) = bound.object else { continue };
            places.push((object, FieldPath::keys(&["roleRef", "name"])));
            let subjects = 0..bound.binding.subjects.len();
            places.extend(subjects.map(|at| (object, FieldPath::root().key("subjects").index(at))));
        }
        places.truncate(SHOWN);
        places
    }
}

/// A severity some steps lower.
pub(super) fn lower(severity: Severity, steps: usize) -> Severity {
    let at = Severity::ALL.iter().position(|other| *other == severity).unwrap_or_default();
    Severity::ALL[at.saturating_sub(steps)]
}

/// The first few of a list, and how many more there are.
pub(super) fn listed(words: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<&str> = words.iter().take(SHOWN).map(String::as_str).collect();
    let rest = format!("{} more", words.len().saturating_sub(SHOWN));
    if words.len() > SHOWN {
        shown.push(&rest);
    }
    joined(&shown)
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn joined(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A cluster's RBAC as the checks see it.
#[derive(Debug)]
pub struct Subject<'s> {
    /// All objects.
    pub snapshot: &'s Snapshot,
    /// Roles and bindings with the default policy, aggregated.
    pub policy: &'s Policy,
    /// What aggregation does not settle.
    pub unsettled: &'s Unsettled,
    /// The resources that the cluster serves, as far as they are known.
    pub resources: &'s Resources,
    roles: Vec<Written>,
    bindings: Vec<Bound>,
    /// For each role the bindings that refer to it.
    by_role: HashMap<RoleName, Vec<usize>>,
    /// For each `ClusterRole` the aggregated ones that take it in, those first that do so themselves.
    takers: HashMap<String, Vec<String>>,
    accounts: OnceCell<Accounts<'s>>,
    /// The service accounts that bindings name.
    bound: OnceCell<BoundAccounts>,
    /// For each role of the input what its rules open that name their resources.
    opened: OnceCell<Vec<Vec<Open>>>,
    /// What all rules of a role of the policy open, by the place where it is held.
    opened_through: RefCell<Through>,
    /// The default policy alone.
    default_policy: OnceCell<Policy>,
    /// The roles of the input by their objects.
    by_object: HashMap<usize, usize>,
    /// Names of the Roles of the input that state no namespace.
    placeless_roles: HashSet<String>,
    /// Names of the Roles that bindings of the input refer to.
    named_roles: HashSet<String>,
    /// For names that no `ClusterRole` has, the one that is near.
    near: RefCell<HashMap<String, Option<&'s str>>>,
}

/// What roles open, by their index and where they are held.
type Through = HashMap<(usize, String), Rc<Vec<Open>>>;

/// The service accounts and namespaces of the input.
#[derive(Debug, Default)]
pub(super) struct Accounts<'s> {
    /// Namespace, if one is stated, and name.
    pub(super) known: HashSet<(Option<&'s str>, &'s str)>,
    /// Namespaces of which an account other than the default one is known.
    pub(super) listed: HashSet<Option<&'s str>>,
    /// Namespaces by name.
    pub(super) namespaces: HashSet<&'s str>,
    /// The namespaces in which there is an account of a name.
    pub(super) places: HashMap<&'s str, BTreeSet<&'s str>>,
}

impl<'s> Subject<'s> {
    /// Indexes a cluster. Costs a pass over its objects, and for each aggregated role a look at the labels of all.
    pub fn new(
        snapshot: &'s Snapshot,
        policy: &'s Policy,
        unsettled: &'s Unsettled,
        resources: &'s Resources,
    ) -> Self {
        let defaults = OnceCell::new();
        let (mut roles, mut bindings) = (Vec::new(), Vec::new());
        for (index, object) in snapshot.objects() {
            match RbacObject::read(object, Origin::Object(index), DEFAULT_NAMESPACE) {
                Some(RbacObject::Role(role)) => {
                    let (known, is_default) = known_rules(&role, &defaults);
                    roles.push(Written { object: index, role, known, is_default });
                }
                Some(RbacObject::Binding(binding)) => {
                    let (known, is_default) = known_subjects(&binding, &defaults);
                    let states_namespace = object.id.namespace.as_deref().is_some_and(|own| !own.is_empty());
                    bindings.push(Bound {
                        object: Some(index),
                        binding,
                        known,
                        states_namespace,
                        is_default,
                    });
                }
                None => {}
            }
        }
        let of_policy = policy.bindings().iter().filter(|binding| binding.origin == Origin::Default);
        bindings.extend(of_policy.map(|binding| Bound {
            object: None,
            binding: binding.clone(),
            known: vec![true; binding.subjects.len()],
            states_namespace: true,
            is_default: true,
        }));
        let mut by_role: HashMap<RoleName, Vec<usize>> = HashMap::new();
        for (index, bound) in bindings.iter().enumerate() {
            let reference = &bound.binding.role_ref;
            let namespace = match reference.kind.as_str() {
                "ClusterRole" => None,
                "Role" if bound.binding.namespace.is_some() => bound.binding.namespace.clone(),
                _ => continue,
            };
            by_role.entry((namespace, reference.name.clone())).or_default().push(index);
        }
        let takers = takers(policy);
        let is_placeless = |written: &&Written| {
            written.role.namespace.is_some() && snapshot.all()[written.object].id.namespace.is_none()
        };
        let placeless_roles =
            roles.iter().filter(is_placeless).map(|written| written.role.name.clone()).collect();
        let references = bindings.iter().map(|bound| &bound.binding.role_ref);
        let named_roles = references.filter(|one| one.kind == "Role").map(|one| one.name.clone()).collect();
        let by_object = roles.iter().enumerate().map(|(at, written)| (written.object, at)).collect();
        Self {
            snapshot,
            policy,
            unsettled,
            resources,
            roles,
            bindings,
            by_role,
            takers,
            accounts: OnceCell::new(),
            bound: OnceCell::new(),
            opened: OnceCell::new(),
            opened_through: RefCell::default(),
            default_policy: OnceCell::new(),
            by_object,
            placeless_roles,
            named_roles,
            near: RefCell::default(),
        }
    }

    /// What the rules of a role open that name their resources. Asked of all roles when it is first asked for.
    pub(super) fn opened(&self, role: usize) -> &[Open] {
        let all = self.opened.get_or_init(|| {
            let of = |written: &Written| {
                let rules: Vec<(usize, &Rule)> = written.rules().collect();
                opened(self, &rules, &self.reach(&written.role), Which::Naming)
            };
            self.roles.iter().map(of).collect()
        });
        &all[role]
    }

    /// The roles of the input, the later ones of a name too: each is a text to edit.
    pub(super) fn roles(&self) -> &[Written] {
        &self.roles
    }

    /// The bindings of the input.
    pub(super) fn bindings(&self) -> impl Iterator<Item = (usize, &Bound)> {
        self.bindings.iter().filter_map(|bound| Some((bound.object?, bound)))
    }

    /// What all rules of a role of the policy open, held in this place; computed once.
    pub(super) fn opened_through(
        &self,
        role: usize,
        place: &str,
        open: impl FnOnce() -> Vec<Open>,
    ) -> Rc<Vec<Open>> {
        let key = (role, place.to_owned());
        if let Some(known) = self.opened_through.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found = Rc::new(open());
        self.opened_through.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// Whether the default policy has a role of this name; that of the input may have other rules.
    pub(super) fn is_default_role(&self, role: &Role) -> bool {
        match role.origin {
            Origin::Default => true,
            Origin::Object(object) => {
                self.by_object.get(&object).is_some_and(|at| self.roles[*at].is_default)
            }
            Origin::None => false,
        }
    }

    /// The rules that the default policy gives a role of this name, aggregation done.
    pub(super) fn default_rules(&self, role: &Role) -> Vec<(usize, &Rule)> {
        let all = self.default_policy.get_or_init(|| {
            let mut policy = Policy::of(default_policy::of(self.snapshot.facts.version));
            policy.aggregate(|_| false);
            policy
        });
        let found = all.role(role.namespace.as_deref(), &role.name);
        found.into_iter().flat_map(|role| all.roles()[role].rules.iter().enumerate()).collect()
    }

    /// The object at an index.
    pub(super) fn object(&self, index: usize) -> &'s Object {
        &self.snapshot.all()[index]
    }

    /// What is written at a path of an object.
    pub(super) fn node(&self, object: usize, path: &FieldPath) -> Option<Node<'s>> {
        self.object(object).root().locate(path)
    }

    /// Who holds a role. Bindings without subjects give it to nobody, and those to `system:masters` give nothing new.
    pub(super) fn reach<'a>(&'a self, role: &'a Role) -> Reach<'a> {
        let states_own = match role.origin {
            Origin::Object(object) => self.object(object).id.namespace.is_some(),
            Origin::Default | Origin::None => true,
        };
        Reach { states_own, ..self.reach_of(role.namespace.as_deref(), &role.name) }
    }

    fn reach_of<'a>(&'a self, namespace: Option<&'a str>, name: &str) -> Reach<'a> {
        let mut reach = Reach { own: namespace, ..Reach::default() };
        let counts = |bound: &&Bound| bound.binding.subjects.iter().any(|subject| subject.name != MASTERS);
        let of = |namespace: Option<&str>, name: &str| {
            let key = (namespace.map(str::to_owned), name.to_owned());
            let indexes = self.by_role.get(&key).map_or(&[][..], Vec::as_slice);
            indexes.iter().map(|index| &self.bindings[*index]).filter(counts)
        };
        reach.holders.extend(of(namespace, name).map(|bound| Holder { bound, through: None }));
        if namespace.is_none() {
            for taker in self.takers.get(name).into_iter().flatten() {
                reach.into.push(taker);
                reach.holders.extend(of(None, taker).map(|bound| Holder { bound, through: Some(taker) }));
            }
        }
        reach
    }

    /// Whether some binding of the input or the default policy refers to a role.
    pub(super) fn is_referred_to(&self, role: &Role) -> bool {
        self.by_role.contains_key(&(role.namespace.clone(), role.name.clone()))
    }

    /// Whether the input holds a Role of this name that states no namespace: it lands where it is applied.
    pub(super) fn has_placeless_role(&self, name: &str) -> bool {
        self.placeless_roles.contains(name)
    }

    /// Whether a `RoleBinding` of the input, in whatever namespace, refers to a Role of this name.
    pub(super) fn is_named_by_a_binding(&self, name: &str) -> bool {
        self.named_roles.contains(name)
    }

    /// The `ClusterRole` of almost this name, where there is one alone; searched for once.
    pub(super) fn near_cluster_role(&self, name: &str) -> Option<&'s str> {
        if let Some(known) = self.near.borrow().get(name) {
            return *known;
        }
        let roles = self.policy.roles().iter().filter(|role| role.namespace.is_none());
        let found = nearest(name, roles.map(|role| role.name.as_str()));
        self.near.borrow_mut().insert(name.to_owned(), found);
        found
    }

    /// The service accounts that bindings name, and what they may do by it. Judged when it is first asked for.
    pub fn bound_accounts(&self) -> &BoundAccounts {
        self.bound.get_or_init(|| BoundAccounts::of(self))
    }

    /// Service accounts and namespaces of the input. Costs a pass over the objects when it is first asked for.
    pub(super) fn accounts(&self) -> &Accounts<'s> {
        self.accounts.get_or_init(|| {
            let mut accounts = Accounts::default();
            for (_, object) in self.snapshot.objects() {
                let id = &object.id;
                match (id.group.as_str(), id.kind.as_str()) {
                    ("", "ServiceAccount") => {
                        accounts.known.insert((id.namespace.as_deref(), &id.name));
                        accounts.places.entry(&id.name).or_default().extend(id.namespace.as_deref());
                        if id.name != "default" {
                            accounts.listed.insert(id.namespace.as_deref());
                        }
                    }
                    ("", "Namespace") => {
                        accounts.namespaces.insert(&id.name);
                    }
                    _ => {}
                }
            }
            accounts
        })
    }

    /// Whether the input seems to hold a whole cluster: the namespaces that the cluster makes itself are there.
    pub(super) fn is_whole_cluster(&self) -> bool {
        self.accounts().namespaces.contains(SYSTEM)
    }
}

/// For each `ClusterRole` the aggregated ones that take it in, directly or through another.
fn takers(policy: &Policy) -> HashMap<String, Vec<String>> {
    let cluster = || policy.roles().iter().filter(|role| role.namespace.is_none() && !role.name.is_empty());
    let mut direct: HashMap<&str, Vec<&str>> = HashMap::new();
    for taker in cluster() {
        for selector in taker.aggregation.iter().flatten().filter_map(|selector| selector.compiled.as_ref()) {
            for role in cluster().filter(|role| role.name != taker.name) {
                if selector.matches(|key| role.labels.get(key).map(String::as_str)) {
                    let list = direct.entry(&role.name).or_default();
                    if !list.contains(&taker.name.as_str()) {
                        list.push(&taker.name);
                    }
                }
            }
        }
    }
    let all = direct.keys().map(|name| {
        let mut found: Vec<&str> = direct[name].clone();
        let mut at = 0;
        while at < found.len() {
            let next = direct.get(found[at]).into_iter().flatten();
            let new: Vec<&str> = next.copied().filter(|one| one != name && !found.contains(one)).collect();
            found.extend(new);
            at += 1;
        }
        ((*name).to_owned(), found.into_iter().map(str::to_owned).collect())
    });
    all.collect()
}

/// The default policies of all known versions together.
#[derive(Debug, Default)]
struct Defaults {
    roles: HashMap<RoleName, Vec<Rule>>,
    bindings: HashMap<RoleName, Vec<Binding>>,
}

impl Defaults {
    fn read() -> Self {
        let mut all = Self::default();
        for object in default_policy::KNOWN.into_iter().flat_map(default_policy::of) {
            match object {
                RbacObject::Role(role) => {
                    all.roles.entry((role.namespace, role.name)).or_default().extend(role.rules);
                }
                RbacObject::Binding(binding) => {
                    let key = (binding.namespace.clone(), binding.name.clone());
                    all.bindings.entry(key).or_default().push(binding);
                }
            }
        }
        all
    }
}

/// Whether an object may be of the default policy.
fn may_be_default(name: &str) -> bool {
    name.starts_with("system:")
        || matches!(
            name,
            "cluster-admin" | "admin" | "edit" | "view" | "extension-apiserver-authentication-reader"
        )
}

/// For each rule whether the API server of some version makes the role so. A role that it marks as its own and that no known version has is one of
/// an older version.
fn known_rules(role: &Role, defaults: &OnceCell<Defaults>) -> (Vec<bool>, bool) {
    if !may_be_default(&role.name) {
        return (vec![false; role.rules.len()], false);
    }
    let known = &defaults.get_or_init(Defaults::read).roles;
    match known.get(&(role.namespace.clone(), role.name.clone())) {
        Some(rules) => {
            let own: Vec<&Rule> = rules.iter().collect();
            (role.rules.iter().map(|rule| uncovered(&own, [rule]).is_empty()).collect(), true)
        }
        None => (vec![is_marked(role); role.rules.len()], is_marked(role)),
    }
}

fn is_marked(role: &Role) -> bool {
    role.labels.get("kubernetes.io/bootstrapping").map(String::as_str) == Some("rbac-defaults")
        && role.name.starts_with("system:")
}

/// For each subject whether the API server of some version binds it so.
fn known_subjects(binding: &Binding, defaults: &OnceCell<Defaults>) -> (Vec<bool>, bool) {
    let same = |known: &&Binding| known.role_ref == binding.role_ref;
    let key = (binding.namespace.clone(), binding.name.clone());
    let known: Vec<&Binding> = if may_be_default(&binding.name) {
        let all = &defaults.get_or_init(Defaults::read).bindings;
        all.get(&key).into_iter().flatten().filter(same).collect()
    } else {
        Vec::new()
    };
    let is_known = |subject: &BoundSubject| known.iter().any(|known| known.subjects.contains(subject));
    (binding.subjects.iter().map(is_known).collect(), !known.is_empty())
}
