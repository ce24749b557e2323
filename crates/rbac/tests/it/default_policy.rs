//! The default policy against what the reference prints as YAML, and what it lets whom do in which version.

use std::path::Path;

use ringwall_input::Limits;
use ringwall_model::version::Minor;
use ringwall_rbac::attributes::{Action, Decision, ResourceAction, User};
use ringwall_rbac::authorize::Authorize;
use ringwall_rbac::default_policy;
use ringwall_rbac::model::{Origin, RbacObject};
use ringwall_rbac::policy::Policy;

#[test]
fn it_is_what_the_reference_prints() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/rbac/bootstrap-v1.37.yaml");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not here", path.display());
        return;
    };
    let input = ringwall_input::read_text("bootstrap-v1.37.yaml", text, &Limits::default());
    assert!(input.problems.is_empty(), "{:?}", input.problems);
    let read = |object| RbacObject::read(object, Origin::Default, "").expect("an object of RBAC");
    let expected: Vec<RbacObject> = input.objects.iter().map(read).collect();
    let got = default_policy::of(Minor(37));
    for (got, expected) in got.iter().zip(&expected) {
        assert_eq!(format!("{got:?}"), format!("{expected:?}"));
    }
    assert_eq!(got.len(), expected.len());
}

fn policy(minor: u32) -> Policy {
    let mut policy = Policy::of(default_policy::of(Minor(minor)));
    policy.aggregate(|_| false);
    policy
}

/// In which versions a user may.
fn may(user: &User, action: &Action<'_>) -> Vec<u32> {
    let known = default_policy::KNOWN.into_iter().map(|version| version.0);
    known.filter(|minor| policy(*minor).authorize(user, action).0 == Decision::Allow).collect()
}

fn resource<'a>(
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    subresource: &'a str,
    namespace: &'a str,
) -> Action<'a> {
    Action::Resource(ResourceAction { verb, group, resource, subresource, namespace, name: "" })
}

#[test]
fn it_grants_what_each_version_grants() {
    let scheduler = User::impersonated("system:kube-scheduler");
    let (all, no_version) = (vec![34, 35, 36, 37], Vec::<u32>::new());
    assert_eq!(may(&scheduler, &resource("create", "", "pods", "binding", "shop")), all);
    assert_eq!(
        may(&scheduler, &resource("create", "resource.k8s.io", "resourceclaims", "", "shop")),
        [36, 37]
    );
    assert_eq!(may(&scheduler, &resource("watch", "", "configmaps", "", "kube-system")), [34]);
    let account = User::service_account("shop", "web");
    assert_eq!(may(&account, &resource("list", "certificates.k8s.io", "clustertrustbundles", "", "")), [37]);
    assert_eq!(may(&account, &resource("list", "", "secrets", "", "shop")), no_version);
    let monitoring = User::of_groups("prometheus", &["system:monitoring"]);
    assert_eq!(may(&monitoring, &Action::Path { verb: "get", path: "/metrics" }), all);
    assert_eq!(may(&monitoring, &Action::Path { verb: "get", path: "/flagz" }), [36, 37]);
    let stranger = User::of_groups("system:anonymous", &["system:unauthenticated"]);
    assert_eq!(may(&stranger, &Action::Path { verb: "get", path: "/version" }), all);
    assert_eq!(may(&stranger, &Action::Path { verb: "get", path: "/metrics" }), no_version);
}

#[test]
fn aggregation_fills_admin_edit_and_view() {
    for version in default_policy::KNOWN {
        let bare = Policy::of(default_policy::of(version));
        let filled = policy(version.0);
        let count = |policy: &Policy, name: &str| {
            let role = policy.cluster_role(name).expect("a default role");
            policy.roles()[role].rules.len()
        };
        let [view, edit, admin] = ["view", "edit", "admin"].map(|name| {
            assert_eq!(count(&bare, name), 0, "{name}");
            count(&filled, name)
        });
        assert!(0 < view && view < edit && edit < admin, "{version}: {view}, {edit}, {admin}");
    }
}
