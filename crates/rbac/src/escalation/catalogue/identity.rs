//! Ways to be somebody else: impersonation, tokens, certificates. Sources: k8s.io/apiserver `pkg/endpoints/filters/impersonation`,
//! k8s.io/kubernetes `pkg/registry/core/serviceaccount/storage/token.go`, `plugin/pkg/admission/certificates`,
//! `pkg/controller/certificates`.

use super::{
    CHANGE, CORE, CREATE, Effect, Fact, GOOD_PRACTICES, Gain, Names, Need, Place, READ, Right, Row, WHATEVER,
    WRITE, cluster, cluster_limited, here, here_limited,
};

const IMPERSONATION: &str = "https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/";
const MODES: &str = "staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation/mode.go";
const CSR: &str = "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/";
const APPROVAL: &str = "plugin/pkg/admission/certificates/approval/admission.go";
const CERTIFICATES: &str = "certificates.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";

/// Approval is one request: its right, and that for the signer. `kubernetes.io/*` stands for all signers of the domain.
/// Source: `pkg/certauthorization/certauthorization.go`.
const fn signer(verb: &'static [&'static str], names: &'static [&'static str]) -> Need {
    Need::Right(Right {
        verbs: verb,
        group: CERTIFICATES,
        resources: &["signers"],
        names: Names::Of(names),
        place: Place::Cluster,
    })
}

const WAYS_TO_A_NAME: Need = Need::Any(&[
    cluster(&["impersonate"], CORE, &["users"]),
    here(&["impersonate"], CORE, &["serviceaccounts"]),
]);

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 7,
        id: "impersonate-users",
        needs: cluster_limited(&["impersonate"], CORE, &["users"]),
        gain: Gain::Users,
        says: "may act as users{names}",
        references: &[IMPERSONATION, MODES],
    },
    Row {
        number: 7,
        id: "impersonate-groups",
        // Groups are only taken together with a user or a service account.
        needs: Need::Together(&[cluster_limited(&["impersonate"], CORE, &["groups"]), WAYS_TO_A_NAME]),
        gain: Gain::Groups,
        says: "may act as a member of groups{names}, which includes system:masters if it is not limited to others",
        references: &[IMPERSONATION, MODES],
    },
    Row {
        number: 8,
        id: "impersonate-accounts",
        needs: here_limited(&["impersonate"], CORE, &["serviceaccounts"]),
        gain: Gain::Accounts,
        says: "may act as service accounts{names} {where}",
        references: &[IMPERSONATION, MODES],
    },
    Row {
        number: 9,
        id: "impersonate-attributes",
        needs: Need::Together(&[
            Need::Right(Right {
                verbs: &["impersonate"],
                group: AUTHENTICATION,
                resources: &["uids", "userextras/?"],
                names: Names::Any,
                place: Place::Cluster,
            }),
            WAYS_TO_A_NAME,
        ]),
        gain: Gain::Effect(Effect::Attributes),
        says: "may act with a uid or extra attributes of its choice, by which webhooks and other authorizers decide",
        references: &[IMPERSONATION, MODES],
    },
    Row {
        number: 10,
        id: "constrained-impersonate-accounts",
        needs: Need::All(&[
            Need::Together(&[
                here_limited(&["impersonate:serviceaccount"], AUTHENTICATION, &["serviceaccounts"]),
                here(&["impersonate-on:serviceaccount:?"], WHATEVER, &[WHATEVER]),
            ]),
            Need::Fact(Fact::Since(36)),
            Need::Fact(Fact::ImpersonateOn),
        ]),
        gain: Gain::Accounts,
        says: "may act as service accounts{names} {where} in the requests that impersonate-on allows",
        references: &[IMPERSONATION, MODES],
    },
    Row {
        number: 10,
        id: "constrained-impersonate-node",
        needs: Need::All(&[
            Need::Together(&[
                cluster_limited(&["impersonate:arbitrary-node"], AUTHENTICATION, &["nodes"]),
                here(&["impersonate-on:arbitrary-node:?"], WHATEVER, &[WHATEVER]),
            ]),
            Need::Fact(Fact::Since(36)),
            Need::Fact(Fact::ImpersonateOn),
        ]),
        gain: Gain::NodeIdentity,
        says: "may act as nodes{names} in the requests that impersonate-on allows",
        references: &[IMPERSONATION, MODES],
    },
    Row {
        number: 10,
        id: "constrained-impersonate-users",
        needs: Need::All(&[
            Need::Together(&[
                cluster_limited(&["impersonate:user-info"], AUTHENTICATION, &["users"]),
                here(&["impersonate-on:user-info:?"], WHATEVER, &[WHATEVER]),
            ]),
            Need::Fact(Fact::Since(36)),
            Need::Fact(Fact::ImpersonateOn),
        ]),
        gain: Gain::Users,
        says: "may act as users{names} in the requests that impersonate-on allows",
        references: &[IMPERSONATION, MODES],
    },
    Row {
        number: 11,
        id: "request-token",
        needs: here_limited(CREATE, CORE, &["serviceaccounts/token"]),
        gain: Gain::Accounts,
        says: "may have tokens of service accounts{names} {where}, which work until they expire even where the grant ends",
        references: &[GOOD_PRACTICES, "pkg/registry/core/serviceaccount/storage/token.go"],
    },
    Row {
        number: 26,
        id: "approve-client-certificate",
        needs: Need::All(&[
            cluster(CREATE, CERTIFICATES, &["certificatesigningrequests"]),
            Need::Together(&[
                cluster(CHANGE, CERTIFICATES, &["certificatesigningrequests/approval"]),
                signer(&["approve"], &["kubernetes.io/kube-apiserver-client", "kubernetes.io/*"]),
            ]),
            Need::Fact(Fact::Signer),
        ]),
        gain: Gain::AnyUser,
        says: "may have a certificate for any user and groups but system:masters, which cannot be revoked",
        references: &[CSR, APPROVAL, "plugin/pkg/admission/certificates/subjectrestriction/admission.go"],
    },
    Row {
        number: 26,
        id: "approve-node-certificate",
        needs: Need::All(&[
            cluster(CREATE, CERTIFICATES, &["certificatesigningrequests"]),
            Need::Together(&[
                cluster(CHANGE, CERTIFICATES, &["certificatesigningrequests/approval"]),
                signer(&["approve"], &["kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/*"]),
            ]),
            Need::Fact(Fact::Signer),
        ]),
        gain: Gain::NodeIdentity,
        says: "may have a certificate for any node",
        references: &[CSR, APPROVAL, "pkg/apis/certificates/helpers.go"],
    },
    Row {
        number: 26,
        id: "node-certificate-approved-by-controller",
        needs: Need::All(&[
            // The controller asks whether who made the request may create `nodeclient`.
            Need::Together(&[
                cluster(CREATE, CERTIFICATES, &["certificatesigningrequests"]),
                cluster(CREATE, CERTIFICATES, &["certificatesigningrequests/nodeclient"]),
            ]),
            cluster(READ, CERTIFICATES, &["certificatesigningrequests"]),
            Need::Fact(Fact::Signer),
        ]),
        gain: Gain::NodeIdentity,
        says: "may have a certificate for any node, which kube-controller-manager approves by itself",
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/",
            "pkg/controller/certificates/approver/sarapprove.go",
        ],
    },
    Row {
        number: 27,
        id: "sign-certificate",
        needs: Need::Together(&[
            cluster(CHANGE, CERTIFICATES, &["certificatesigningrequests/status"]),
            cluster(&["sign"], CERTIFICATES, &["signers"]),
        ]),
        gain: Gain::Effect(Effect::Poison),
        says: "may put certificates into signing requests, which those who trust the signer take; with its key, certificates for anyone",
        references: &[CSR, "plugin/pkg/admission/certificates/signing/admission.go"],
    },
    Row {
        number: 27,
        id: "attest-trust-bundle",
        needs: Need::Together(&[
            cluster(WRITE, CERTIFICATES, &["clustertrustbundles"]),
            cluster(&["attest"], CERTIFICATES, &["signers"]),
        ]),
        gain: Gain::Effect(Effect::Poison),
        says: "may add roots of trust that pods take for a signer's",
        references: &[CSR, "plugin/pkg/admission/certificates/ctbattest/admission.go"],
    },
    Row {
        number: 42,
        id: "review-tokens",
        needs: cluster(CREATE, AUTHENTICATION, &["tokenreviews"]),
        gain: Gain::Effect(Effect::Recon),
        says: "may test tokens that it found",
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication",
        ],
    },
    Row {
        number: 42,
        id: "review-access",
        needs: Need::Any(&[
            cluster(CREATE, "authorization.k8s.io", &["subjectaccessreviews"]),
            here(CREATE, "authorization.k8s.io", &["localsubjectaccessreviews"]),
        ]),
        gain: Gain::Effect(Effect::Recon),
        says: "may ask what everyone may do {where}",
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access",
        ],
    },
    Row {
        number: 47,
        id: "annotate-account",
        needs: here_limited(CHANGE, CORE, &["serviceaccounts"]),
        gain: Gain::Effect(Effect::Cloud),
        says: "may give service accounts{names} {where} roles of the cloud, pull secrets, or mounted tokens",
        references: &[
            "https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html",
            "https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity",
        ],
    },
    Row {
        number: 50,
        id: "pod-certificate",
        needs: here(CREATE, CERTIFICATES, &["podcertificaterequests"]),
        gain: Gain::Effect(Effect::PodIdentity),
        says: "may ask for certificates in the name of pods {where}, which signers beside Kubernetes trust",
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#pod-certificate-requests",
            "plugin/pkg/admission/noderestriction/admission.go",
        ],
    },
];
