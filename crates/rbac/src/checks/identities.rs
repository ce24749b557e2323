//! Rights to be somebody else: impersonation, tokens, certificates, the attributes of accounts.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::{EVERY_VERSION, Flaws, GOOD_PRACTICES, NEEDED, RbacCheck, Subject, powers};

pub(super) const IMPERSONATION: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-013",
        name: "impersonation",
        severity: Severity::Critical,
        summary: "a role lets its holders act as other users, groups or service accounts",
        what: "A rule gives `impersonate` on `users`, `groups` or `serviceaccounts`, or on `uids` and `userextras` of \
               `authentication.k8s.io`; or both verbs of constrained impersonation, `impersonate:MODE` and `impersonate-on:MODE:VERB`. Where \
               `resourceNames` limit it the severity is medium, unless the group `system:masters` is among them. Service accounts are \
               impersonated where they are: in one namespace other than `kube-system` the severity is one lower.",
        why: "The holder has all that the other may do: as a group `system:masters` everything. Deputies that act for their callers need \
              it, and whoever takes them over has it.",
        fix: "Take the verb away, or limit it by `resourceNames` to the identities that are needed. Since v1.36 constrained impersonation \
              limits what may be done as them.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [users, groups]\n  verbs: [impersonate]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [serviceaccounts]\n  verbs: [get, list]\n"),
        versions: "Every version of Kubernetes; constrained impersonation from v1.36.",
        references: &[
            GOOD_PRACTICES,
            "https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/",
        ],
        controls: &[cis("5.1.8"), nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        let rows = [
            "impersonate-users",
            "impersonate-groups",
            "impersonate-accounts",
            "impersonate-attributes",
            "constrained-impersonate-accounts",
            "constrained-impersonate-node",
            "constrained-impersonate-users",
        ];
        powers::find(&rows, subject, flaws);
    },
};

pub(super) const TOKENS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-014",
        name: "token-creation",
        severity: Severity::Critical,
        summary: "a role lets its holders have tokens of service accounts",
        what: "A rule gives `create` on `serviceaccounts/token`. Where `resourceNames` limit it to some accounts the severity is medium. In \
               a namespace other than `kube-system` it is one lower.",
        why: "A token is all that an account is. It works until it expires, wherever it is carried, and even when the right to ask for \
              it is gone.",
        fix: "Take the right away, or limit it by `resourceNames` to the accounts that are needed.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [serviceaccounts/token]\n  verbs: [create]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [serviceaccounts]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#token-request",
            "https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/",
        ],
        controls: &[cis("5.1.13"), nsa("Authentication and authorization"), mitre("T1528")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["request-token"], subject, flaws),
};

pub(super) const CERTIFICATES: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-015",
        name: "certificate-approval",
        severity: Severity::Critical,
        summary: "a role lets its holders approve or sign certificates by which others are known",
        what: "Rules give `create` on `certificatesigningrequests`, `update` or `patch` on their subresource `approval`, and `approve` on the \
               signers `kubernetes.io/kube-apiserver-client` or `kubernetes.io/kube-apiserver-client-kubelet`, or `kubernetes.io/*`; or \
               `update` on `status` with `sign`; or `clustertrustbundles` with `attest`. The verb without the rest is medium or low.",
        why: "A certificate of the cluster's authority is any user and any groups but `system:masters`, for as long as it is valid. \
              Kubernetes cannot revoke it.",
        fix: "Limit `approve` and `sign` by `resourceNames` to the signers that the program is for, and leave those of Kubernetes to it.",
        bad: everywhere!(
            "- apiGroups: [certificates.k8s.io]\n  resources: [certificatesigningrequests]\n  verbs: [create, get, list, watch]\n- apiGroups: \
             [certificates.k8s.io]\n  resources: [certificatesigningrequests/approval]\n  verbs: [update]\n- apiGroups: \
             [certificates.k8s.io]\n  resources: [signers]\n  verbs: [approve]\n"
        ),
        good: everywhere!(
            "- apiGroups: [certificates.k8s.io]\n  resources: [certificatesigningrequests]\n  verbs: [get, list, watch]\n- apiGroups: \
             [certificates.k8s.io]\n  resources: [certificatesigningrequests/approval]\n  verbs: [update]\n- apiGroups: \
             [certificates.k8s.io]\n  resources: [signers]\n  resourceNames: [example.com/ca]\n  verbs: [approve]\n"
        ),
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#csrs-and-certificate-issuing",
            "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/",
        ],
        controls: &[cis("5.1.11"), nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        let rows = [
            "approve-client-certificate",
            "approve-node-certificate",
            "sign-certificate",
            "attest-trust-bundle",
        ];
        powers::find(&rows, subject, flaws);
    },
};

pub(super) const ANNOTATION: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-030",
        name: "service-account-writer",
        severity: Severity::Medium,
        summary: "a role lets its holders change service accounts",
        what: "A rule gives `update` or `patch` on `serviceaccounts`, not limited by `resourceNames`. In a namespace other than \
               `kube-system` the severity is low.",
        why: "Annotations of an account give its pods roles of the cloud (`eks.amazonaws.com/role-arn`, `iam.gke.io/gcp-service-account`, \
              `azure.workload.identity/client-id`); its pull secrets and whether its token is mounted can be changed as well.",
        fix: "Give `get` and `list`, or limit the right by `resourceNames`.",
        bad: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [serviceaccounts]\n  verbs: [get, list, patch]\n"
        ),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [serviceaccounts]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[GOOD_PRACTICES, "https://kubernetes.io/docs/concepts/security/service-accounts/"],
        controls: &[nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["annotate-account"], subject, flaws),
};

pub(super) const LONG_LIVED: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-064",
        name: "long-lived-token",
        severity: Severity::Low,
        summary: "a Secret holds a token of a service account that does not expire",
        what: "A Secret is of type `kubernetes.io/service-account-token` and names an account in the annotation \
               `kubernetes.io/service-account.name`. The severity is that of what bindings in the input give the account, and at least low.",
        why: "A controller writes a token into it that works until the Secret or the account is gone. Whoever reads secrets of the namespace \
              has it, and so has every backup.",
        fix: "Mount a token into the pod, or ask for one that expires with `kubectl create token`; then delete the Secret.",
        bad: "\
apiVersion: v1
kind: Secret
metadata:
  name: ci-token
  namespace: shop
  annotations:
    kubernetes.io/service-account.name: ci
type: kubernetes.io/service-account-token
",
        good: "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: ci
  namespace: shop
",
        versions: "Until v1.23 every account had such a Secret; since v1.24 somebody makes them.",
        references: &[
            "https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets",
            "https://kubernetes.io/docs/concepts/security/service-accounts/",
        ],
        controls: &[cis("5.1.6"), nsa("Authentication and authorization"), mitre("T1528")],
    },
    fix: Fixable::ByHand("who uses the token is not in the manifest"),
    find: long_lived,
};

/// The account whose token a Secret is for.
pub(super) fn token_account(object: &Object) -> Option<&str> {
    let root = object.root();
    let is_one =
        object.is("", "Secret") && root.str_at(&["type"]) == Some("kubernetes.io/service-account-token");
    let account = root.str_at(&["metadata", "annotations", "kubernetes.io/service-account.name"]);
    account.filter(|account| is_one && !account.is_empty())
}

fn long_lived(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, object) in subject.snapshot.objects() {
        let Some(account) = token_account(object) else { continue };
        let rights = subject.bound_accounts().rights(object.id.namespace.as_deref(), account);
        let worst = rights.and_then(|rights| Some((rights.severity?, &rights.may)));
        let so = worst.map_or_else(String::new, |(_, may)| format!(", which may {may}"));
        let message =
            format!("the Secret holds a token of service account \"{account}\"{so}, and it does not expire");
        let severity = worst.map_or(Severity::Low, |(severity, _)| severity.max(Severity::Low));
        let path = FieldPath::keys(&["metadata", "annotations", "kubernetes.io/service-account.name"]);
        flaws.add(index, path, account, message).severity(severity);
    }
}
