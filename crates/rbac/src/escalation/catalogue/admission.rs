//! Ways through what judges or serves requests: webhooks, policies, APIs. Sources: k8s.io/apiserver `pkg/admission/plugin`,
//! k8s.io/kube-aggregator.

use super::{
    CHANGE, CREATE, Effect, Fact, GOOD_PRACTICES, Gain, Need, Row, WHATEVER, WRITE, WRITE_OR_DELETE, cluster,
    here,
};

const ADMISSION: &str = "admissionregistration.k8s.io";
const WEBHOOKS: &str =
    "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#control-admission-webhooks";

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 28,
        id: "mutating-webhook",
        needs: Need::Any(&[
            cluster(CREATE, ADMISSION, &["mutatingwebhookconfigurations"]),
            Need::All(&[
                cluster(CHANGE, ADMISSION, &["mutatingwebhookconfigurations"]),
                Need::Fact(Fact::Exists("mutatingwebhookconfigurations")),
            ]),
        ]),
        gain: Gain::OwnPods,
        says: "may read every object that is written, secrets too, and put containers into any new pod {where}",
        references: &[WEBHOOKS],
    },
    Row {
        number: 29,
        id: "validating-webhook",
        needs: cluster(WRITE, ADMISSION, &["validatingwebhookconfigurations"]),
        gain: Gain::Effect(Effect::Read),
        says: "may read every object that is written, secrets too, and refuse it",
        references: &[WEBHOOKS],
    },
    Row {
        number: 29,
        id: "disarm-webhooks",
        needs: cluster(
            &["update", "patch", "delete", "deletecollection"],
            ADMISSION,
            &["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
        ),
        gain: Gain::Effect(Effect::Disarm),
        says: "may take away the webhooks by which policies are enforced",
        references: &[WEBHOOKS],
    },
    Row {
        number: 30,
        id: "mutating-policy",
        needs: Need::All(&[
            Need::Any(&[
                Need::All(&[
                    cluster(CREATE, ADMISSION, &["mutatingadmissionpolicies"]),
                    cluster(CREATE, ADMISSION, &["mutatingadmissionpolicybindings"]),
                ]),
                Need::All(&[
                    cluster(CHANGE, ADMISSION, &["mutatingadmissionpolicies"]),
                    Need::Fact(Fact::Exists("mutatingadmissionpolicies")),
                ]),
            ]),
            Need::Fact(Fact::Since(36)),
        ]),
        gain: Gain::OwnPods,
        says: "may put containers into any new pod {where}, without a server of its own",
        references: &["https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/"],
    },
    Row {
        number: 31,
        id: "disarm-policies",
        needs: Need::Any(&[
            cluster(
                WRITE_OR_DELETE,
                ADMISSION,
                &[
                    "validatingadmissionpolicies",
                    "validatingadmissionpolicybindings",
                    "mutatingadmissionpolicies",
                    "mutatingadmissionpolicybindings",
                ],
            ),
            cluster(WRITE_OR_DELETE, "constraints.gatekeeper.sh", &[WHATEVER]),
            cluster(WRITE_OR_DELETE, "templates.gatekeeper.sh", &["constrainttemplates"]),
            cluster(WRITE_OR_DELETE, "config.gatekeeper.sh", &["configs"]),
            cluster(WRITE_OR_DELETE, "kyverno.io", &["clusterpolicies"]),
            here(WRITE_OR_DELETE, "kyverno.io", &["policies", "policyexceptions"]),
        ]),
        gain: Gain::Effect(Effect::Disarm),
        says: "may change or take away the policies by which objects are judged {where}",
        references: &["https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/"],
    },
    Row {
        number: 31,
        id: "mutate-by-policy-engine",
        needs: Need::Any(&[
            Need::All(&[
                cluster(WRITE, "kyverno.io", &["clusterpolicies"]),
                Need::Fact(Fact::Installed("kyverno.io")),
            ]),
            Need::All(&[
                cluster(WRITE, "mutations.gatekeeper.sh", &["assign", "assignmetadata", "modifyset"]),
                Need::Fact(Fact::Installed("mutations.gatekeeper.sh")),
            ]),
        ]),
        gain: Gain::OwnPods,
        says: "may have a policy engine put containers into any new pod {where}",
        references: &[
            "https://kyverno.io/docs/policy-types/cluster-policy/mutate/",
            "https://open-policy-agent.github.io/gatekeeper/website/docs/mutation/",
        ],
    },
    Row {
        number: 31,
        id: "generate-by-policy-engine",
        needs: Need::All(&[
            Need::Any(&[
                cluster(WRITE, "kyverno.io", &["clusterpolicies"]),
                here(WRITE, "kyverno.io", &["policies"]),
            ]),
            Need::Fact(Fact::Installed("kyverno.io")),
        ]),
        gain: Gain::Controller(&["kyverno-background-controller", "kyverno"]),
        says: "may have Kyverno make or change objects with its own rights",
        references: &["https://kyverno.io/docs/policy-types/cluster-policy/generate/"],
    },
    Row {
        number: 32,
        id: "serve-api",
        needs: cluster(WRITE, "apiregistration.k8s.io", &["apiservices"]),
        gain: Gain::Effect(Effect::Traffic),
        says: "may answer for a whole API group: it sees what is sent to it, but no tokens, and returns forged objects",
        references: &[
            "https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/",
            GOOD_PRACTICES,
        ],
    },
    Row {
        number: 33,
        id: "convert-custom-resources",
        needs: cluster(WRITE, "apiextensions.k8s.io", &["customresourcedefinitions"]),
        gain: Gain::Effect(Effect::Read),
        says: "may read and change all objects of a custom resource through a conversion webhook, and add kinds that wildcards cover",
        references: &[
            "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion",
        ],
    },
    Row {
        number: 40,
        id: "take-leases",
        needs: here(CHANGE, "coordination.k8s.io", &["leases"]),
        gain: Gain::Effect(Effect::Outage),
        says: "may take leadership from controllers {where}, or have nodes taken for dead",
        references: &["https://kubernetes.io/docs/concepts/architecture/leases/"],
    },
];
