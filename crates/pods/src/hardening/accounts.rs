//! Whom a pod is for the API server.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Fix, Value};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::repair::{Repair, reviewed, safe, set};
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, Subject};
use crate::model::Place;

const ACCOUNTS: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/";
const AUTOMOUNT: &str = "automountServiceAccountToken";

pub(super) const TOKEN_MOUNTED: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-025",
        name: "service-account-token-mounted",
        severity: Severity::Low,
        summary: "a pod carries a token for the API server that nothing in the input gives rights to",
        what: "`automountServiceAccountToken` of the pod is `true`; or it is not set, and that of its service account is not \
               `false`. The pod's own setting beats the account's. A pod is passed over where a RoleBinding or \
               ClusterRoleBinding in the input names its service account: then the token is there to be used.",
        why: "Whoever gets into the container reads the token and asks the API server as this account: at least for what every \
              account may see, and for all that somebody binds to it later.",
        fix: "Set `automountServiceAccountToken: false` on the pod, or on its service account. A program that talks to the API \
              server gets an account of its own with a Role.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  automountServiceAccountToken: false\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[ACCOUNTS],
        controls: &[cis("5.1.6"), nsa("Protecting Pod service account tokens"), mitre("T1528")],
    },
    find: token_mounted,
    repair: Repair::Template(no_token),
};

pub(super) const DEFAULT_ACCOUNT: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-026",
        name: "default-service-account",
        severity: Severity::Info,
        summary: "a pod runs as the default service account of its namespace and carries its token",
        what: "The pod names no service account, or `default`, and its token is mounted.",
        why: "All pods that name no account share this one: rights that one of them needs are given to all.",
        fix: "Name a service account of its own in `serviceAccountName`, or mount no token.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  serviceAccountName: web\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[ACCOUNTS],
        controls: &[cis("5.1.5"), nsa("Protecting Pod service account tokens"), mitre("T1528")],
    },
    find: default_account,
    repair: Repair::Manual("which account the program should have is not in the manifest"),
};

pub(super) const MISSING_ACCOUNT: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-027",
        name: "missing-service-account",
        severity: Severity::Info,
        summary: "a workload names a service account that is not in the input",
        what: "`serviceAccountName` (or `serviceAccount`) names an account other than `default` of which the input holds no \
               ServiceAccount object in the workload's namespace. The severity is low where the input holds other accounts of \
               that namespace, and so is likely to hold all.",
        why: "The API server refuses pods whose account does not exist; a Deployment is accepted and stays without pods.",
        fix: "Add the ServiceAccount, or correct the name.",
        bad: "kind: Pod\nspec:\n  serviceAccountName: gone\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  serviceAccountName: default\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[ACCOUNTS],
        controls: &[],
    },
    find: missing_account,
    repair: Repair::Manual("whether the name is wrong or the account is missing is not in the manifest"),
};

pub(super) const DEPRECATED_FIELD: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-028",
        name: "deprecated-service-account-field",
        severity: Severity::Info,
        summary: "a workload names its service account in the deprecated field `serviceAccount`",
        what: "`serviceAccount` is set and `serviceAccountName` is not. Objects that an API server wrote have both.",
        why: "Tools that read manifests, and policies that guard them, look at `serviceAccountName` alone.",
        fix: "Rename the field to `serviceAccountName`.",
        bad: "kind: Pod\nspec:\n  serviceAccount: web\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  serviceAccountName: web\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[ACCOUNTS],
        controls: &[],
    },
    find: deprecated_field,
    repair: Repair::Template(rename_field),
};

pub(super) const POWERFUL_TOKEN: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-068",
        name: "powerful-token-mounted",
        severity: Severity::High,
        summary: "a pod carries a token for the API server by which the cluster or its secrets can be taken",
        what: "The token of the pod's service account is mounted (`automountServiceAccountToken` of the pod, else of its account, is not \
               `false`; or a projected volume asks for one), and bindings in the input give the account itself rights that lead further: to secrets, \
               other accounts, pods of others, nodes. The severity is one lower than that of the rights; rights that are low are not told. \
               What the account has as one of a group is not counted.",
        why: "Whoever gets into the container reads the token and has all that the account may do, from wherever it can reach the API server.",
        fix: "Give the account the rights that the program needs: the checks of roles and bindings say which lead further. Mount no token into \
              containers that need none.",
        bad: "\
kind: Pod
metadata:
  namespace: shop
spec:
  serviceAccountName: ci
  containers:
  - name: web
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ci
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
- kind: ServiceAccount
  name: ci
  namespace: shop
",
        good: "\
kind: Pod
metadata:
  namespace: shop
spec:
  serviceAccountName: ci
  automountServiceAccountToken: false
  containers:
  - name: web
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ci
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
- kind: ServiceAccount
  name: ci
  namespace: shop
",
        versions: EVERY_VERSION,
        references: &[ACCOUNTS, "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"],
        controls: &[cis("5.1.6"), nsa("Protecting Pod service account tokens"), mitre("T1528")],
    },
    find: powerful_token,
    repair: Repair::Manual("which of the rights the program needs is not in the manifest"),
};

/// Whether the token of the pod's account is mounted. Source: `shouldAutomount` in k8s.io/kubernetes
/// `plugin/pkg/admission/serviceaccount/admission.go`.
fn carries_token(subject: &Subject<'_, '_>) -> bool {
    subject.pod.spec.automount_token.or(subject.surroundings.account_automounts).unwrap_or(true)
}

fn token_mounted(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    // A pod that the kubelet runs from a file can have no account.
    if !carries_token(subject) || subject.surroundings.account_bound || subject.is_control_plane {
        return;
    }
    let account = subject.pod.spec.account();
    let message = format!(
        "the pod carries a token of service account \"{account}\", to which nothing here gives rights"
    );
    let at = At::Template(Place::Pod, AUTOMOUNT, 0);
    let missing = subject.pod.spec.automount_token.is_none();
    flaws.push(Flaw { missing, ..Flaw::present(at, account, message) });
}

/// Whether a volume of the pod asks for a token for the API server, whatever is said of mounting one.
fn projects_token(subject: &Subject<'_, '_>) -> bool {
    let projected = subject.pod.spec.volumes.iter().filter_map(|volume| volume.projected.as_ref());
    let mut tokens =
        projected.flat_map(|projected| projected.sources.iter()).filter_map(|source| source.token.as_ref());
    // One for another audience is no token for the API server.
    tokens.any(|token| token.audience.is_empty())
}

fn powerful_token(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let Some(rights) = subject.surroundings.account_rights else { return };
    if rights.severity < Severity::Medium || subject.is_control_plane {
        return;
    }
    if !carries_token(subject) && !projects_token(subject) {
        return;
    }
    let lower =
        Severity::ALL.into_iter().rev().find(|other| *other < rights.severity).unwrap_or(Severity::Info);
    let spec = &subject.pod.spec;
    let account = spec.account();
    let message = format!(
        "the pod carries a token of service account \"{account}\", which may {} ({})",
        rights.may, rights.binding
    );
    let field = if spec.service_account.is_empty() || !spec.service_account_name.is_empty() {
        "serviceAccountName"
    } else {
        "serviceAccount"
    };
    let flaw = Flaw::present(At::Template(Place::Pod, field, 0), account, message).severity(lower);
    flaws.push(flaw.related(At::Template(Place::Pod, AUTOMOUNT, 0)));
}

fn no_token(_: &Subject<'_, '_>, flaw: &Flaw) -> Result<Fix, &'static str> {
    let changes = vec![set(flaw.path().0, Value::Bool(false))];
    Ok(reviewed("mount no service account token", "whether the program talks to the API server", changes))
}

fn default_account(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    if subject.pod.spec.account() != "default" || !carries_token(subject) || subject.is_control_plane {
        return;
    }
    let at = At::Template(Place::Pod, "serviceAccountName", 0);
    let message = "the pod runs as the service account \"default\", as all pods do that name none".to_owned();
    flaws.push(Flaw::missing(at, "default", message));
}

fn missing_account(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let (spec, surroundings) = (&subject.pod.spec, subject.surroundings);
    let account = spec.account();
    if account == "default" || surroundings.account_known {
        return;
    }
    let field = if spec.service_account_name.is_empty() { "serviceAccount" } else { "serviceAccountName" };
    let message = format!("the service account \"{account}\" is not in the input");
    let severity = if surroundings.accounts_listed { Severity::Low } else { Severity::Info };
    flaws.push(Flaw::present(At::Template(Place::Pod, field, 0), account, message).severity(severity));
}

fn deprecated_field(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let spec = &subject.pod.spec;
    if spec.service_account.is_empty() || !spec.service_account_name.is_empty() {
        return;
    }
    let message =
        format!("the account \"{}\" is named in the deprecated field serviceAccount", spec.service_account);
    flaws.push(Flaw::present(At::Template(Place::Pod, "serviceAccount", 0), spec.service_account, message));
}

fn rename_field(_: &Subject<'_, '_>, flaw: &Flaw) -> Result<Fix, &'static str> {
    let change = Change::Rename { path: flaw.path().0, key: "serviceAccountName" };
    Ok(safe("rename serviceAccount to serviceAccountName", vec![change]))
}

/// What is wrong with a ServiceAccount object, each with its check.
pub fn find_in_account(account: &Object) -> Vec<(&'static Check, Flaw)> {
    let mut found: Vec<(&'static Check, Flaw)> =
        default_automounts(account).map(|flaw| (&DEFAULT_AUTOMOUNTS, flaw)).into_iter().collect();
    found.extend(super::find_in_default_namespace(account));
    found
}

/// A namespace whose pods have no choice of account. `has_own` tells whether an account other than `default` is known in it.
pub fn find_in_namespace(namespace: &Object, has_own: bool) -> Option<(&'static Check, Flaw)> {
    if has_own {
        return None;
    }
    let message = "no service account of its own is known in the namespace".to_owned();
    Some((&NO_ACCOUNT, Flaw::missing(At::Object(FieldPath::root()), namespace.id.name.as_str(), message)))
}

/// What mends a flaw of a service account, its paths from the object.
///
/// # Errors
/// Why nothing does, as a sentence without full stop.
pub fn mend_account(check: &Check, flaw: &Flaw) -> Result<Fix, &'static str> {
    if check.id != DEFAULT_AUTOMOUNTS.id {
        return Err("which namespace is meant is not in the manifest");
    }
    let review = "whether a pod without an account of its own talks to the API server";
    let changes = vec![set(flaw.path().0, Value::Bool(false))];
    Ok(reviewed("mount no token of the default account", review, changes))
}

/// The checks of service accounts and of the lack of them.
pub static ACCOUNT_CHECKS: &[&Check] = &[&DEFAULT_AUTOMOUNTS, &NO_ACCOUNT];

/// The default account gives away its token.
static DEFAULT_AUTOMOUNTS: Check = Check {
    id: "RW-SA-001",
    name: "default-service-account-automounts",
    severity: Severity::Low,
    summary: "the default service account gives its token to every pod that names no account",
    what: "A ServiceAccount called `default` does not set `automountServiceAccountToken: false`.",
    why: "Each pod of the namespace that names no account and says nothing else carries a token for the API server, most of them for \
          nothing.",
    fix: "Set `automountServiceAccountToken: false` on the account; pods that need a token name an account of their own.",
    bad: "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: default\n  namespace: shop\n",
    good: "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: default\n  namespace: shop\nautomountServiceAccountToken: false\n",
    versions: EVERY_VERSION,
    references: &[ACCOUNTS],
    controls: &[cis("5.1.5"), cis("5.1.6"), nsa("Protecting Pod service account tokens"), mitre("T1528")],
};

static NO_ACCOUNT: Check = Check {
    id: "RW-SA-002",
    name: "namespace-without-service-account",
    severity: Severity::Info,
    summary: "a namespace has no service account but the default one",
    what: "The input holds a Namespace object and no ServiceAccount in it other than `default`.",
    why: "Its pods share the default account: rights that one of them needs are given to all.",
    fix: "Give each program that talks to the API server an account of its own.",
    bad: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n",
    good: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\n  namespace: shop\n",
    versions: EVERY_VERSION,
    references: &[ACCOUNTS],
    controls: &[cis("5.1.5")],
};

fn default_automounts(account: &Object) -> Option<Flaw> {
    let automounts = account.root().get(AUTOMOUNT).and_then(ringwall_model::tree::Node::as_bool);
    if account.id.name != "default" || automounts == Some(false) {
        return None;
    }
    let at = At::Object(FieldPath::keys(&[AUTOMOUNT]));
    let message = "the account \"default\" gives its token to every pod that names no account".to_owned();
    Some(Flaw { missing: automounts.is_none(), ..Flaw::present(at, "default", message) })
}
