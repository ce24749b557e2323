//! Rights over secrets.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;

use super::{EVERY_VERSION, GOOD_PRACTICES, NEEDED, RbacCheck, powers};

pub(super) const SECRETS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-016",
        name: "secret-access",
        severity: Severity::High,
        summary: "a role lets its holders read or change secrets",
        what: "A rule gives `get`, `list` or `watch` on `secrets`, or `create`, `update` or `patch`, and `resourceNames` do not limit it. \
               `list` and `watch` return the content as `get` does. In a namespace other than `kube-system` the severity is medium; only to \
               change them is one lower.",
        why: "Secrets hold the credentials of programs, keys of certificates and tokens of service accounts. Who may make one and read it \
              has a token that never expires of any account of the namespace: a controller writes it into a secret that is annotated with \
              the account's name.",
        fix: "Give `get` on the secrets that are needed, by `resourceNames`; or mount them into the pod and give no right at all.",
        bad: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [secrets, configmaps]\n  verbs: [get, list, watch]\n"
        ),
        good: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [secrets]\n  resourceNames: [ci-credentials]\n  verbs: [get]\n"
        ),
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets",
            "https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
            GOOD_PRACTICES,
        ],
        controls: &[
            cis("5.1.2"),
            nsa("Secrets"),
            nsa("Authentication and authorization"),
            mitre("T1528"),
            mitre("T1552.007"),
        ],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        let rows = [
            "read-secrets",
            "create-token-secret",
            "annotate-token-secret",
            "swap-secrets",
            "bootstrap-token",
        ];
        powers::find(&rows, subject, flaws);
    },
};
