//! Ways through secrets. Source: k8s.io/kubernetes `pkg/controller/serviceaccount/tokens_controller.go`.

use super::{
    CHANGE, CORE, CREATE, Effect, Fact, GOOD_PRACTICES, Gain, Holding, Names, Need, Place, READ, Right, Row,
    WRITE, here, here_limited,
};

const TOKENS: &str = "pkg/controller/serviceaccount/tokens_controller.go";
const SECRETS: &str = "https://kubernetes.io/docs/concepts/configuration/secret/";

/// A secret that one made can be read by request or through a pod.
const SEEN: Need = Need::Any(&[here(READ, CORE, &["secrets"]), Need::Holds(Holding::OwnPods)]);

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 12,
        id: "create-token-secret",
        needs: Need::All(&[here(CREATE, CORE, &["secrets"]), SEEN]),
        gain: Gain::Accounts,
        says: "may have tokens that never expire of all service accounts {where}, by a secret annotated with their name",
        references: &[SECRETS, TOKENS],
    },
    Row {
        number: 13,
        id: "read-secrets",
        needs: here_limited(READ, CORE, &["secrets"]),
        gain: Gain::Secrets,
        says: "may read secrets{names} {where}; list and watch return their content as get does",
        references: &[GOOD_PRACTICES, "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"],
    },
    Row {
        number: 13,
        id: "tokens-in-secrets",
        needs: Need::All(&[Need::Holds(Holding::Secrets), Need::Fact(Fact::TokenSecret)]),
        gain: Gain::TokensInSecrets,
        says: "has the tokens that are in the secrets {where}",
        references: &[SECRETS, TOKENS],
    },
    Row {
        number: 13,
        id: "bootstrap-token",
        needs: Need::All(&[
            Need::Right(Right {
                verbs: WRITE,
                group: CORE,
                resources: &["secrets"],
                names: Names::Prefix("bootstrap-token-"),
                place: Place::In("kube-system"),
            }),
            Need::Fact(Fact::BootstrapTokens),
        ]),
        gain: Gain::BootstrapGroups,
        says: "may make bootstrap tokens for any group of system:bootstrappers, with which nodes join",
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/",
            "plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go",
        ],
    },
    Row {
        number: 13,
        id: "bootstrap-token-in-secret",
        needs: Need::All(&[Need::Holds(Holding::Secrets), Need::Fact(Fact::BootstrapTokens)]),
        gain: Gain::BootstrapGroups,
        says: "has the bootstrap tokens that are in the secrets of kube-system, with which nodes join",
        references: &["https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/"],
    },
    Row {
        number: 14,
        id: "swap-secrets",
        needs: here_limited(CHANGE, CORE, &["secrets"]),
        gain: Gain::Effect(Effect::Poison),
        says: "may swap credentials and certificates in secrets{names} {where}",
        references: &["https://kubernetes.io/docs/concepts/security/secrets-good-practices/"],
    },
    Row {
        number: 14,
        id: "annotate-token-secret",
        needs: Need::All(&[here(CHANGE, CORE, &["secrets"]), SEEN, Need::Fact(Fact::TokenSecret)]),
        gain: Gain::Accounts,
        says: "may turn a token secret {where} to any service account there",
        references: &[SECRETS, TOKENS],
    },
];
