//! Each row of the catalogue opens for the smallest policy that meets it, and does not for one that just misses it.

use std::collections::BTreeSet;

use ringwall_rbac::escalation::catalogue::{CATALOGUE, Fact};
use ringwall_rbac::escalation::facts::{Facts, Level, NodeFact, Pod, TokenSecret};

use super::{alone, bound, manifests, pod, rows_used, user};

/// What one row is tried with.
struct Case {
    row: &'static str,
    /// Grants that meet it.
    meets: &'static [&'static str],
    /// Grants that just miss it, each a policy of its own.
    misses: &'static [&'static [&'static str]],
    /// Other objects that are there.
    beside: fn() -> String,
    /// What is known of the cluster.
    facts: fn(&mut Facts),
    /// What is known of one where the same grants do not do.
    spoils: Option<fn(&mut Facts)>,
}

const NONE: fn() -> String = String::new;
const PLAIN: fn(&mut Facts) = |_| {};

fn case(
    row: &'static str,
    meets: &'static [&'static str],
    misses: &'static [&'static [&'static str]],
) -> Case {
    Case { row, meets, misses, beside: NONE, facts: PLAIN, spoils: None }
}

impl Case {
    fn beside(self, beside: fn() -> String) -> Self {
        Self { beside, ..self }
    }

    fn facts(self, facts: fn(&mut Facts)) -> Self {
        Self { facts, ..self }
    }

    fn spoilt(self, spoils: fn(&mut Facts)) -> Self {
        Self { spoils: Some(spoils), ..self }
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// Rules that let pods be made.
const PODS: &str = "rules: [{apiGroups: [''], resources: [pods], verbs: [create]}]";

/// Whom a bootstrap token is of.
const NODES_TO_BE: &str = "group:system:bootstrappers:kubeadm:default-node-token";

/// A Role, or for `-` a ClusterRole, without rules.
fn role(place: &str, name: &str, more: &str) -> String {
    match place {
        "-" => format!("---\napiVersion: {RBAC}/v1\nkind: ClusterRole\nmetadata: {{name: {name}}}\n{more}\n"),
        _ => format!(
            "---\napiVersion: {RBAC}/v1\nkind: Role\nmetadata: {{name: {name}, namespace: {place}}}\n{more}\n"
        ),
    }
}

/// A binding of a role to somebody.
fn binding(place: &str, name: &str, role_kind: &str, role: &str, who: &str) -> String {
    let kind = if place == "-" { "ClusterRoleBinding" } else { "RoleBinding" };
    format!("---\n{}", bound(name, place, kind, role_kind, role, who))
}

fn missing(facts: &mut Facts) {
    facts.complete = true;
}

fn cases() -> Vec<Case> {
    vec![
        case(
            "everything",
            &["eve - * */*"],
            &[&["eve - get,list,create */*"], &["eve shop * */*"], &["eve - * core/*"]],
        ),
        case(
            "everything-in-namespace",
            &["eve shop * */*"],
            &[&["eve shop get */*"], &["eve shop * core/*"]],
        ),
        case(
            "escalate-role",
            &["eve shop escalate,update rbac/roles a"],
            &[
                &["eve shop escalate,update rbac/clusterroles"],
                &["eve shop escalate rbac/roles"],
                &["eve shop escalate rbac/roles a", "eve shop update rbac/roles b"],
                &["eve shop escalate rbac/roles", "eve other update rbac/roles"],
            ],
        )
        .beside(|| role("shop", "a", "rules: []")),
        case(
            "escalate-cluster-role",
            &["eve - escalate,patch rbac/clusterroles"],
            &[
                &["eve shop escalate,patch rbac/clusterroles"],
                &["eve - escalate,patch rbac/roles"],
                &["eve - escalate,patch core/clusterroles"],
            ],
        ),
        case(
            "escalate-new-role",
            &["eve shop escalate,create rbac/roles"],
            &[
                // A request that creates names no object, so that a limited escalate does not help.
                &["eve shop create rbac/roles", "eve shop escalate rbac/roles a"],
                &["eve shop escalate,get rbac/roles"],
            ],
        ),
        // An apply does name it.
        case(
            "escalate-new-role",
            &["eve shop escalate,create,patch rbac/roles new"],
            &[&["eve shop escalate,create rbac/roles new"]],
        ),
        case(
            "escalate-new-cluster-role",
            &["eve - escalate,create rbac/clusterroles"],
            &[&["eve shop escalate,create rbac/clusterroles"]],
        ),
        case(
            "rights-of-rewritten-role",
            &["eve shop escalate,update rbac/roles r0"],
            &[&["eve shop escalate,update rbac/roles other"]],
        )
        .beside(|| role("shop", "other", "rules: []")),
        case(
            "bind-role",
            &["eve shop bind,create rbac/roles,rolebindings"],
            &[
                &["eve shop bind,create rbac/rolebindings"],
                &["eve shop bind rbac/roles,rolebindings"],
                &["eve shop bind rbac/roles", "eve other create rbac/rolebindings"],
            ],
        ),
        case(
            "bind-cluster-role-in-namespace",
            &["eve shop bind,create rbac/clusterroles,rolebindings"],
            &[
                &["eve shop bind,create rbac/clusterroles,clusterrolebindings"],
                &["eve shop bind,create rbac/roles,rolebindings"],
            ],
        ),
        case(
            "bind-cluster-role",
            &["eve - bind,create rbac/clusterroles,clusterrolebindings"],
            &[
                &["eve shop bind,create rbac/clusterroles,clusterrolebindings"],
                &["eve - bind,create rbac/clusterrolebindings"],
            ],
        ),
        case(
            "join-binding-of-role",
            &["eve shop bind,patch rbac/roles,rolebindings"],
            &[
                // Without a binding that is for a role which may be bound, or that may be changed.
                &["eve other bind,patch rbac/clusterroles,rolebindings"],
                &["eve shop bind rbac/roles r0", "eve shop patch rbac/rolebindings r1"],
            ],
        )
        .beside(|| role("shop", "more", PODS) + &binding("shop", "more", "Role", "more", "jane")),
        case(
            "join-binding-in-namespace",
            &["eve shop bind,update rbac/clusterroles,rolebindings"],
            &[&["eve other bind,update rbac/clusterroles,rolebindings"]],
        )
        .beside(|| role("-", "more", PODS) + &binding("shop", "more", "ClusterRole", "more", "jane")),
        case(
            "join-cluster-binding",
            &["eve - bind,update rbac/clusterroles,clusterrolebindings"],
            &[
                &["eve shop bind,update rbac/clusterroles,clusterrolebindings"],
                &["eve - bind rbac/clusterroles none", "eve - update rbac/clusterrolebindings"],
            ],
        )
        .beside(|| role("-", "more", PODS) + &binding("-", "more", "ClusterRole", "more", "jane")),
        case(
            "hand-on-rights",
            &["eve shop create rbac/rolebindings"],
            &[&["eve shop bind rbac/rolebindings"]],
        ),
        case(
            "feed-aggregated-role",
            &["eve - patch rbac/clusterroles"],
            &[&["eve shop patch rbac/clusterroles"]],
        )
        .beside(|| {
            role("-", "all", "aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}")
                + &binding("-", "all", "ClusterRole", "all", "jane")
        }),
        case("broad-aggregation", &["eve - create rbac/clusterroles"], &[&["eve - create rbac/roles"]])
            .beside(|| role("-", "all", "aggregationRule: {clusterRoleSelectors: [{}]}")),
        case(
            "delete-guards",
            &["eve - delete core/nodes"],
            &[&["eve shop delete core/nodes"], &["eve - get core/nodes"]],
        ),
        case(
            "delete-guards",
            &["eve shop delete core/namespaces shop"],
            &[&["eve shop delete core/namespaces other"]],
        ),
        case("garbage-collect-roles", &["eve shop update rbac/roles"], &[&["eve shop get rbac/roles"]]),
        case(
            "make-missing-account",
            &["eve shop create core/serviceaccounts"],
            &[&["eve other create core/serviceaccounts"], &["eve shop create core/serviceaccounts lost"]],
        )
        .beside(|| binding("shop", "lost", "Role", "any", "shop/lost"))
        .facts(missing)
        .spoilt(|facts| {
            facts.complete = true;
            facts.accounts.insert(("shop".to_owned(), "lost".to_owned()));
        }),
        case(
            "become-made-account",
            &["eve shop create core/serviceaccounts,serviceaccounts/token"],
            &[
                &["eve shop create core/serviceaccounts"],
                &["eve shop create core/serviceaccounts", "eve other create core/serviceaccounts/token"],
            ],
        )
        .beside(|| binding("shop", "lost", "Role", "any", "shop/lost"))
        .facts(missing)
        .spoilt(|facts| {
            facts.complete = true;
            facts.accounts.insert(("shop".to_owned(), "lost".to_owned()));
        }),
        case("make-missing-role", &["eve shop create rbac/roles"], &[&["eve other create rbac/roles"]])
            .beside(|| binding("shop", "lost", "Role", "lost", "jane")),
        case(
            "impersonate-users",
            &["eve - impersonate core/users"],
            &[&["eve shop impersonate core/users"], &["eve - impersonate users.k8s.io/users"]],
        )
        .beside(|| binding("shop", "jane", "Role", "any", "jane")),
        case(
            "impersonate-groups",
            &["eve - impersonate core/groups", "eve shop impersonate core/serviceaccounts"],
            &[
                &["eve - impersonate core/groups"],
                &["eve shop impersonate core/groups,users,serviceaccounts"],
            ],
        ),
        case(
            "impersonate-accounts",
            &["eve shop impersonate core/serviceaccounts app"],
            &[
                &["eve shop impersonate core/serviceaccounts other"],
                &["eve shop impersonate authn/serviceaccounts"],
            ],
        )
        .beside(|| binding("shop", "app", "Role", "any", "shop/app"))
        .facts(|_| {}),
        case(
            "impersonate-attributes",
            &["eve - impersonate core/users", "eve - impersonate authn/userextras/scopes"],
            &[
                &["eve - impersonate authn/userextras/scopes"],
                &["eve - impersonate core/users,userextras/scopes"],
            ],
        ),
        case(
            "constrained-impersonate-accounts",
            &[
                "eve shop impersonate:serviceaccount authn/serviceaccounts",
                "eve shop impersonate-on:serviceaccount:create core/pods",
            ],
            &[
                &["eve shop impersonate:serviceaccount authn/serviceaccounts"],
                &[
                    "eve shop impersonate:serviceaccount core/serviceaccounts",
                    "eve shop impersonate-on:serviceaccount:create core/pods",
                ],
                &[
                    "eve shop impersonate:serviceaccount authn/serviceaccounts",
                    "eve shop impersonate-on:user-info:create core/pods",
                ],
            ],
        )
        .spoilt(|facts| facts.minor = Some(35)),
        case(
            "constrained-impersonate-node",
            &[
                "eve - impersonate:arbitrary-node authn/nodes",
                "eve - impersonate-on:arbitrary-node:get core/secrets",
            ],
            &[&[
                "eve shop impersonate:arbitrary-node authn/nodes",
                "eve shop impersonate-on:arbitrary-node:get core/secrets",
            ]],
        )
        .spoilt(|facts| facts.minor = Some(35)),
        case(
            "constrained-impersonate-users",
            &[
                "eve - impersonate:user-info authn/users jane",
                "eve - impersonate-on:user-info:get core/secrets",
            ],
            &[&["eve - impersonate:user-info authn/users jane"]],
        )
        .beside(|| binding("shop", "jane", "Role", "any", "jane"))
        .spoilt(|facts| facts.minor = Some(35)),
        case(
            "request-token",
            &["eve shop create core/serviceaccounts/token app"],
            &[
                &["eve shop create core/serviceaccounts"],
                &["eve shop create core/serviceaccounts/token other"],
                &["eve shop get core/serviceaccounts/token"],
            ],
        )
        .beside(|| binding("shop", "app", "Role", "any", "shop/app")),
        case(
            "approve-client-certificate",
            &[
                "eve - create certs/csrs",
                "eve - update certs/csrs/approval",
                "eve - approve certs/signers kubernetes.io/kube-apiserver-client",
            ],
            &[
                &["eve - create,update certs/csrs", "eve - approve certs/signers"],
                &[
                    "eve - create certs/csrs",
                    "eve - update certs/csrs/approval",
                    "eve - approve certs/signers kubernetes.io/kubelet-serving",
                ],
                &["eve - update certs/csrs/approval", "eve - approve certs/signers"],
            ],
        )
        .spoilt(|facts| _ = facts.known.insert(Fact::Signer, false)),
        case(
            "approve-node-certificate",
            &[
                "eve - create certs/csrs",
                "eve - update certs/csrs/approval",
                "eve - approve certs/signers kubernetes.io/kube-apiserver-client-kubelet",
            ],
            &[&[
                "eve - create certs/csrs",
                "eve - update certs/csrs/approval",
                "eve - approve certs/signers example.com/*",
            ]],
        )
        .spoilt(|facts| _ = facts.known.insert(Fact::Signer, false)),
        case(
            "node-certificate-approved-by-controller",
            &["eve - create,get certs/csrs", "eve - create certs/csrs/nodeclient"],
            &[
                &["eve - create,get certs/csrs", "eve - create certs/csrs/selfnodeclient"],
                &["eve - create certs/csrs,csrs/nodeclient"],
            ],
        )
        .spoilt(|facts| _ = facts.known.insert(Fact::Signer, false)),
        case(
            "sign-certificate",
            &["eve - update certs/csrs/status", "eve - sign certs/signers example.com/ca"],
            &[&["eve - update certs/csrs/status"]],
        ),
        case(
            "attest-trust-bundle",
            &["eve - create certs/clustertrustbundles", "eve - attest certs/signers"],
            &[&["eve - create certs/clustertrustbundles"]],
        ),
        case(
            "review-tokens",
            &["eve - create authn/tokenreviews"],
            &[&["eve shop create authn/tokenreviews"]],
        ),
        case(
            "review-access",
            &["eve shop create authz/localsubjectaccessreviews"],
            &[&["eve - create authz/selfsubjectaccessreviews"]],
        ),
        case(
            "annotate-account",
            &["eve shop patch core/serviceaccounts app"],
            &[&["eve shop create core/serviceaccounts"]],
        ),
        case(
            "pod-certificate",
            &["eve shop create certs/podcertificaterequests"],
            &[&["eve shop get certs/podcertificaterequests"]],
        ),
        case(
            "create-token-secret",
            &["eve shop create,get core/secrets"],
            &[
                &["eve shop create core/secrets"],
                &["eve shop create core/secrets", "eve other get core/secrets"],
            ],
        ),
        case(
            "read-secrets",
            &["eve shop list core/secrets"],
            &[&["eve shop create core/secrets"], &["eve shop list core/configmaps"]],
        ),
        case("tokens-in-secrets", &["eve shop get core/secrets t"], &[&["eve shop get core/secrets other"]])
            .beside(|| binding("shop", "app", "Role", "any", "shop/app"))
            .facts(token)
            .spoilt(|facts| facts.complete = true),
        case(
            "bootstrap-token",
            &["eve kube-system create core/secrets"],
            &[&["eve shop create core/secrets"], &["eve kube-system patch core/secrets other"]],
        )
        .beside(|| binding("-", "boot", "ClusterRole", "any", NODES_TO_BE))
        .spoilt(|facts| _ = facts.known.insert(Fact::BootstrapTokens, false)),
        case(
            "bootstrap-token-in-secret",
            &["eve kube-system list core/secrets"],
            &[&["eve shop list core/secrets"]],
        )
        .beside(|| binding("-", "boot", "ClusterRole", "any", "group:system:bootstrappers"))
        .spoilt(|facts| _ = facts.known.insert(Fact::BootstrapTokens, false)),
        case("swap-secrets", &["eve shop update core/secrets tls"], &[&["eve shop get core/secrets tls"]]),
        case(
            "annotate-token-secret",
            &["eve shop patch,get core/secrets"],
            &[&["eve shop patch core/secrets"]],
        )
        .facts(token)
        .spoilt(|facts| facts.complete = true),
        case(
            "create-pods",
            &["eve shop create batch/cronjobs"],
            &[
                &["eve shop get batch/cronjobs"],
                &["eve shop create core/podtemplates"],
                &["eve shop create core/pods one"],
            ],
        ),
        case(
            "create-pods",
            &["eve shop create,patch core/pods one"],
            &[&["eve shop create core/pods one", "eve shop patch core/pods two"]],
        ),
        case(
            "create-pods-by-controller",
            &["eve shop create tekton.dev/taskruns"],
            &[&["eve shop get tekton.dev/taskruns"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "pod-as-any-account",
            &["eve shop create apps/deployments"],
            &[&["eve shop create apps/deployments/scale"]],
        ),
        case("pod-mounts-any-secret", &["eve shop create core/pods"], &[&["eve shop create core/pods/exec"]]),
        case("privileged-pod", &["eve shop create core/pods"], &[&["eve safe create core/pods"]])
            .facts(|facts| {
                facts.namespaces.insert("shop".to_owned(), Some(Level::Privileged));
                facts.namespaces.insert("safe".to_owned(), Some(Level::Baseline));
            })
            .spoilt(|facts| _ = facts.namespaces.insert("shop".to_owned(), Some(Level::Restricted))),
        case(
            "change-workload",
            &["eve shop patch apps/daemonsets"],
            &[&["eve shop patch batch/jobs"], &["eve shop create apps/daemonsets"]],
        )
        .facts(|facts| facts.pods.push(pod("shop", "web", "app")))
        .spoilt(|facts| facts.complete = true),
        case(
            "change-pod-image",
            &["eve shop patch core/pods"],
            &[&["eve shop patch core/pods/status"], &["eve shop get core/pods"]],
        ),
        case(
            "exec",
            &["eve shop create core/pods/exec"],
            &[&["eve shop get core/pods/exec"], &["eve shop create core/pods"]],
        ),
        case("exec", &["eve shop get core/pods/exec"], &[&["eve shop list core/pods/exec"]])
            .facts(|facts| facts.minor = Some(34))
            .spoilt(|facts| facts.minor = Some(35)),
        case("attach", &["eve shop create core/pods/attach"], &[&["eve shop get core/pods/attach"]]),
        case("account-of-pod", &["eve shop create core/pods/exec"], &[&["eve other create core/pods/exec"]])
            .facts(|facts| {
                facts.complete = true;
                facts.accounts.insert(("shop".to_owned(), "app".to_owned()));
                facts.pods.push(pod("shop", "web", "app"));
            })
            .spoilt(|facts| {
                facts.complete = true;
                let mut without = pod("shop", "web", "app");
                without.has_token = false;
                facts.pods.push(without);
            }),
        case(
            "secrets-of-pod",
            &["eve shop create core/pods/exec web"],
            &[&["eve shop create core/pods/exec other"]],
        )
        .facts(|facts| {
            facts.pods.push(Pod { secrets: vec!["db".to_owned()], ..pod("shop", "web", "app") });
        }),
        case(
            "ephemeral-container",
            &["eve shop patch core/pods/ephemeralcontainers"],
            &[&["eve shop create core/pods/ephemeralcontainers"]],
        ),
        case(
            "privileged-ephemeral-container",
            &["eve shop update core/pods/ephemeralcontainers"],
            &[&["eve shop get core/pods/ephemeralcontainers"]],
        )
        .facts(|facts| {
            facts.namespaces.insert("shop".to_owned(), Some(Level::Privileged));
            facts.pods.push(pod("shop", "web", "app"));
        })
        .spoilt(|facts| _ = facts.namespaces.insert("shop".to_owned(), Some(Level::Baseline))),
        case(
            "reach-ports",
            &["eve shop create core/pods/portforward"],
            &[&["eve shop get core/pods/portforward"]],
        ),
        case("reach-ports", &["eve shop get core/services/proxy"], &[&["eve shop get core/services"]]),
        case(
            "node-proxy",
            &["eve - get core/nodes/proxy"],
            &[&["eve shop get core/nodes/proxy"], &["eve - get core/nodes"], &["eve - get core/nodes/log"]],
        ),
        case("place-pods", &["eve shop create core/pods/binding"], &[&["eve shop get core/pods/binding"]]),
        case(
            "steal-pods",
            &["eve shop delete core/pods", "eve - patch core/nodes", "eve shop create core/pods"],
            &[
                &["eve shop delete core/pods", "eve - patch core/nodes"],
                &["eve shop delete core/pods", "eve shop create core/pods", "eve shop patch core/nodes"],
            ],
        )
        .facts(|facts| _ = facts.namespaces.insert("shop".to_owned(), Some(Level::Privileged))),
        case("change-nodes", &["eve - patch core/nodes"], &[&["eve shop patch core/nodes"]]),
        case(
            "change-namespace-labels",
            &["eve shop patch core/namespaces shop"],
            &[&["eve shop patch core/namespaces other"], &["eve shop create core/namespaces"]],
        ),
        case(
            "privileged-pod-by-labels",
            &["eve shop create core/pods", "eve - update core/namespaces shop"],
            &[
                &["eve shop create core/pods", "eve - update core/namespaces other"],
                &["eve other create core/pods", "eve - update core/namespaces shop"],
            ],
        )
        .facts(|facts| {
            facts.namespaces.insert("shop".to_owned(), Some(Level::Restricted));
            facts.namespaces.insert("other".to_owned(), Some(Level::Restricted));
        }),
        case(
            "host-path-volume",
            &["eve - create core/persistentvolumes", "eve shop create core/pods,persistentvolumeclaims"],
            &[
                &["eve shop create core/pods,persistentvolumeclaims,persistentvolumes"],
                &[
                    "eve - create core/persistentvolumes",
                    "eve shop create core/pods",
                    "eve other create core/persistentvolumeclaims",
                ],
            ],
        )
        .facts(|facts| _ = facts.namespaces.insert("shop".to_owned(), Some(Level::Restricted))),
        case(
            "storage-drivers",
            &["eve - create storage.k8s.io/csidrivers"],
            &[&["eve shop create storage.k8s.io/csidrivers"]],
        ),
        case(
            "devices-and-runtimes",
            &["eve shop create resource.k8s.io/resourceclaims"],
            &[&["eve shop get resource.k8s.io/resourceclaims"]],
        ),
        case(
            "read-volumes",
            &["eve - create storage.k8s.io/volumeattachments"],
            &[&["eve shop create storage.k8s.io/volumeattachments"]],
        ),
        case("node-reads-pods", &["eve shop create core/pods"], &[&["eve shop get core/pods"]]).facts(host),
        case("node-reads-secrets", &["eve shop create core/pods"], &[&["eve shop get core/pods"]])
            .facts(host),
        case("kubelet-credentials", &["eve shop create core/pods"], &[&["eve shop get core/pods"]])
            .facts(host),
        case("control-plane-node", &["eve shop create core/pods"], &[&["eve shop get core/pods"]])
            .facts(|facts| {
                host(facts);
                facts.nodes.push(NodeFact { name: "n1".to_owned(), control_plane: true });
            })
            .spoilt(|facts| {
                facts.complete = true;
                facts.nodes.push(NodeFact { name: "n1".to_owned(), control_plane: false });
            }),
        case("pod-to-node", &["eve shop create core/pods/exec"], &[&["eve other create core/pods/exec"]])
            .facts(|facts| {
                facts.complete = true;
                facts
                    .pods
                    .push(Pod { takes_node: Some("privileged".to_owned()), ..pod("shop", "web", "app") });
            })
            .spoilt(|facts| {
                facts.complete = true;
                facts.pods.push(pod("shop", "web", "app"));
            }),
        case(
            "node-logs-by-symlink",
            &["eve shop create,get core/pods/exec,pods/log"],
            &[&["eve shop create core/pods/exec"], &["eve shop get core/pods/log"]],
        )
        .facts(|facts| {
            facts.complete = true;
            facts.pods.push(Pod { writes_node_logs: true, ..pod("shop", "web", "app") });
        })
        .spoilt(|facts| {
            facts.complete = true;
            facts.pods.push(pod("shop", "web", "app"));
        }),
        case(
            "mutating-webhook",
            &["eve - create admission/mutatingwebhookconfigurations"],
            &[&["eve - create admission/validatingwebhookconfigurations"]],
        ),
        case(
            "validating-webhook",
            &["eve - patch admission/validatingwebhookconfigurations"],
            &[&["eve - delete admission/validatingwebhookconfigurations"]],
        ),
        case(
            "disarm-webhooks",
            &["eve - delete admission/mutatingwebhookconfigurations"],
            &[&["eve - create admission/mutatingwebhookconfigurations"]],
        ),
        case(
            "mutating-policy",
            &["eve - create admission/mutatingadmissionpolicies,mutatingadmissionpolicybindings"],
            &[&["eve - create admission/mutatingadmissionpolicies"]],
        )
        .spoilt(|facts| facts.minor = Some(35)),
        case(
            "disarm-policies",
            &["eve - delete constraints.gatekeeper.sh/k8srequiredlabels"],
            &[&["eve - get constraints.gatekeeper.sh/k8srequiredlabels"]],
        ),
        case(
            "mutate-by-policy-engine",
            &["eve - create kyverno.io/clusterpolicies"],
            &[&["eve - get kyverno.io/clusterpolicies"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "generate-by-policy-engine",
            &["eve shop create kyverno.io/policies"],
            &[&["eve shop create kyverno.io/policyexceptions"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "serve-api",
            &["eve - patch apiregistration.k8s.io/apiservices"],
            &[&["eve - get apiregistration.k8s.io/apiservices"]],
        ),
        case(
            "convert-custom-resources",
            &["eve - patch apiextensions.k8s.io/customresourcedefinitions"],
            &[&["eve - patch apiextensions.k8s.io/customresourcedefinitions/status"]],
        ),
        case(
            "take-leases",
            &["eve kube-system patch coordination.k8s.io/leases"],
            &[&["eve kube-system get coordination.k8s.io/leases"]],
        ),
        case(
            "external-addresses",
            &["eve shop patch core/services/status"],
            &[&["eve shop get core/services"]],
        ),
        case(
            "redirect-services",
            &["eve shop create discovery.k8s.io/endpointslices"],
            &[&["eve shop create core/endpointslices"]],
        ),
        case(
            "route-from-outside",
            &["eve shop create gateway.networking.k8s.io/httproutes"],
            &[&["eve shop create networking.k8s.io/ingressclasses"]],
        ),
        case(
            "ingress-controller",
            &["eve shop create networking.k8s.io/ingresses"],
            &[&["eve shop create extensions/ingressclasses"]],
        )
        .spoilt(|facts| _ = facts.known.insert(Fact::UnsafeIngress, false)),
        case(
            "drop-segmentation",
            &["eve shop delete networking.k8s.io/networkpolicies"],
            &[&["eve shop get networking.k8s.io/networkpolicies"]],
        ),
        case(
            "proxy-code",
            &["eve shop create networking.istio.io/envoyfilters"],
            &[&["eve shop create networking.istio.io/gateways"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "map-cloud-users",
            &["eve kube-system update core/configmaps aws-auth"],
            &[&["eve kube-system update core/configmaps other"], &["eve shop update core/configmaps"]],
        )
        .spoilt(|facts| _ = facts.known.insert(Fact::AwsAuth, false)),
        case(
            "change-cluster-configuration",
            &["eve kube-public patch core/configmaps cluster-info"],
            &[&["eve kube-system patch core/configmaps cluster-info"]],
        ),
        case(
            "change-argocd-configuration",
            &["eve cd patch core/configmaps argocd-rbac-cm"],
            &[&["eve cd patch core/configmaps argocd-ssh"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "argocd-applications",
            &["eve cd create argoproj.io/applications"],
            &[&["eve cd get argoproj.io/applications"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "flux-sources",
            &["eve shop create helm.toolkit.fluxcd.io/helmreleases"],
            &[&["eve shop create source.toolkit.fluxcd.io/helmcharts"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "install-operators",
            &["eve shop create operators.coreos.com/subscriptions"],
            &[&["eve shop create operators.coreos.com/operatorgroups"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "restore-backups",
            &["eve velero create velero.io/restores"],
            &[&["eve velero get velero.io/restores"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "crossplane-packages",
            &["eve - create pkg.crossplane.io/providers"],
            &[&["eve shop create pkg.crossplane.io/providers"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "other-operators",
            &["eve shop create external-secrets.io/externalsecrets"],
            &[&["eve shop get external-secrets.io/externalsecrets"]],
        )
        .spoilt(|facts| facts.complete = true),
        case(
            "read-internals",
            &["eve - get url/metrics"],
            &[&["eve shop get url/metrics"], &["eve - get url/healthz"]],
        ),
        case(
            "read-host-logs",
            &["eve - get core/nodes/log"],
            &[&["eve shop get core/nodes/log"], &["eve - get core/nodes"]],
        ),
    ]
}

fn token(facts: &mut Facts) {
    facts.token_secrets.push(TokenSecret {
        namespace: "shop".to_owned(),
        name: "t".to_owned(),
        account: "app".to_owned(),
    });
}

/// Privileged pods may run in `shop`, and a pod with an account and a secret is there.
fn host(facts: &mut Facts) {
    facts.namespaces.insert("shop".to_owned(), Some(Level::Privileged));
    facts.pods.push(Pod { secrets: vec!["db".to_owned()], ..pod("bank", "vault", "vault") });
}

#[test]
fn every_row_opens_for_what_meets_it_and_for_nothing_less() {
    let mut tried = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in cases() {
        tried.insert(case.row);
        let policy = |grants: &[&str]| alone(&(manifests(grants) + &(case.beside)()));
        let mut facts = Facts::default();
        (case.facts)(&mut facts);
        let used = |grants: &[&str], facts: &Facts| rows_used(&policy(grants), facts, &user("eve"));
        let open = used(case.meets, &facts);
        if !open.contains(case.row) {
            wrong.push(format!("{}: {:?} opens only {open:?}", case.row, case.meets));
        }
        for misses in case.misses {
            if used(misses, &facts).contains(case.row) {
                wrong.push(format!("{}: {misses:?} opens it", case.row));
            }
        }
        if let Some(spoils) = case.spoils {
            let mut facts = Facts::default();
            spoils(&mut facts);
            if used(case.meets, &facts).contains(case.row) {
                wrong.push(format!(
                    "{}: {:?} opens it in a cluster where it should not",
                    case.row, case.meets
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all: BTreeSet<&str> = CATALOGUE.iter().map(|row| row.id).collect();
    assert_eq!(tried, all);
}
