//! Rights over what judges, changes and serves objects.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;

use super::{EVERY_VERSION, GOOD_PRACTICES, NEEDED, RbacCheck, powers};

pub(super) const WEBHOOKS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-024",
        name: "webhook-control",
        severity: Severity::High,
        summary: "a role lets its holders put webhooks in the way of all objects, or take them away",
        what: "A rule gives `create`, `update`, `patch`, `delete` or `deletecollection` on `mutatingwebhookconfigurations` or \
               `validatingwebhookconfigurations`.",
        why: "A webhook sees every object that is written, secrets too; a mutating one puts containers into the pods of others. Policy \
              engines are webhooks: who takes them away has disarmed them. Operators ask for this right to write the certificate of their own.",
        fix: "Limit `update` and `patch` by `resourceNames` to the operator's own configuration, and let its chart create that.",
        bad: everywhere!(
            "- apiGroups: [admissionregistration.k8s.io]\n  resources: [mutatingwebhookconfigurations]\n  verbs: [get, list, create, update]\n"
        ),
        good: everywhere!(
            "- apiGroups: [admissionregistration.k8s.io]\n  resources: [mutatingwebhookconfigurations]\n  verbs: [get, list]\n"
        ),
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#control-admission-webhooks",
        ],
        controls: &[cis("5.1.12"), nsa("Authentication and authorization"), mitre("T1562.001")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        powers::find(&["mutating-webhook", "validating-webhook", "disarm-webhooks"], subject, flaws);
    },
};

pub(super) const POLICIES: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-025",
        name: "admission-policy-control",
        severity: Severity::High,
        summary: "a role lets its holders change the policies by which objects are judged",
        what: "A rule gives a verb that writes or deletes on `validatingadmissionpolicies`, `mutatingadmissionpolicies` or their bindings, on \
               constraints and templates of Gatekeeper, or on policies and exceptions of Kyverno.",
        why: "Who writes the policies is bound by none of them. Mutating policies change the pods of others, and Kyverno makes objects with \
              rights of its own.",
        fix: "Leave policies to those who administer the cluster, or to the pipeline that rolls them out.",
        bad: everywhere!(
            "- apiGroups: [admissionregistration.k8s.io]\n  resources: [validatingadmissionpolicies, validatingadmissionpolicybindings]\n  \
             verbs: [get, list, patch, delete]\n"
        ),
        good: everywhere!(
            "- apiGroups: [admissionregistration.k8s.io]\n  resources: [validatingadmissionpolicies, validatingadmissionpolicybindings]\n  \
             verbs: [get, list]\n"
        ),
        versions: "Mutating admission policies from v1.34; all else in every version.",
        references: &["https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/"],
        controls: &[nsa("Authentication and authorization"), mitre("T1562.001")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        let rows =
            ["mutating-policy", "disarm-policies", "mutate-by-policy-engine", "generate-by-policy-engine"];
        powers::find(&rows, subject, flaws);
    },
};

pub(super) const APIS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-026",
        name: "api-control",
        severity: Severity::High,
        summary: "a role lets its holders decide who serves an API",
        what: "A rule gives `create`, `update` or `patch` on `apiservices`, or on `customresourcedefinitions` (where the severity is medium).",
        why: "What an APIService names gets the requests of a whole API group, and answers them. A conversion webhook of a custom resource \
              reads and changes all of its objects; new kinds fall under every `*` that is granted already.",
        fix: "Let the chart of an operator bring its APIs; the operator reads them. Where it has to write them, limit `update` and `patch` by \
              `resourceNames`.",
        bad: everywhere!(
            "- apiGroups: [apiregistration.k8s.io]\n  resources: [apiservices]\n  verbs: [get, list, create, update]\n"
        ),
        good: everywhere!(
            "- apiGroups: [apiregistration.k8s.io]\n  resources: [apiservices]\n  verbs: [get, list]\n"
        ),
        versions: EVERY_VERSION,
        references: &[
            GOOD_PRACTICES,
            "https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/",
        ],
        controls: &[nsa("Authentication and authorization"), mitre("T1562.001")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["serve-api", "convert-custom-resources"], subject, flaws),
};
