//! What a kubelet asks about a request to its own API, and what the API server asks where it connects a client with a pod.
//!
//! A kubelet asks the API server about `nodes` of its name, and a subresource that follows from the path; what has none of its own is
//! `nodes/proxy`. Among that is exec, and its websocket begins with a GET: **`get nodes/proxy` runs commands in every pod of the node**.
//! Sources: k8s.io/kubernetes `pkg/kubelet/server/auth.go` and `server.go`, `pkg/registry/core/pod/rest/subresources.go`.

use ringwall_model::version::Minor;

use crate::attributes::{Action, Decision, ResourceAction, User};
use crate::authorize::Authorize;

/// The subresource of all paths that have none of their own.
pub const PROXY: &str = "proxy";

/// A path of the kubelet's API, and all below it, with the subresource that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KubeletPath {
    /// The path.
    pub path: &'static str,
    /// The subresource of `nodes`.
    pub subresource: &'static str,
    /// The first Kubernetes that has it.
    pub since: Minor,
    /// Whether `KubeletFineGrainedAuthz` has to be on. What is fine-grained is asked for as `nodes/proxy` too, where it is not allowed.
    pub fine_grained: bool,
}

/// The paths with subresources of their own; all others are [`PROXY`]. Letters count: `/runningPods` is not `/runningpods`.
pub const PATHS: [KubeletPath; 11] = [
    fine("/allocatedPods", "pods", 37),
    fine("/pods", "pods", 32),
    fine("/healthz", "healthz", 32),
    fine("/configz", "configz", 32),
    fine("/runningpods", "pods", 32),
    coarse("/stats", "stats", 0),
    coarse("/metrics", "metrics", 0),
    coarse("/logs", "log", 0),
    coarse("/checkpoint", "checkpoint", 30),
    coarse("/statusz", "statusz", 33),
    coarse("/flagz", "configz", 33),
];

const fn fine(path: &'static str, subresource: &'static str, since: u32) -> KubeletPath {
    KubeletPath { path, subresource, since: Minor(since), fine_grained: true }
}

const fn coarse(path: &'static str, subresource: &'static str, since: u32) -> KubeletPath {
    KubeletPath { path, subresource, since: Minor(since), fine_grained: false }
}

/// A kubelet, as far as it decides what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kubelet {
    /// Its version.
    pub version: Minor,
    /// Whether `KubeletFineGrainedAuthz` is on.
    pub fine_grained: bool,
}

impl Kubelet {
    /// A kubelet of this version with its feature gates as they are by default: `KubeletFineGrainedAuthz` is there since 1.32, on since
    /// 1.33 and cannot be turned off since 1.36.
    pub fn of(version: Minor) -> Self {
        Self { version, fine_grained: version >= Minor(33) }
    }

    /// The subresources that are asked for in turn, until one is allowed. `path` is that of the URL, its escapes resolved.
    pub fn subresources(&self, path: &str) -> Vec<&'static str> {
        let find = |fine_grained| {
            let mut own =
                PATHS.iter().filter(|own| own.fine_grained == fine_grained && own.since <= self.version);
            own.find(|own| is_at_or_below(path, own.path)).map(|own| own.subresource)
        };
        let fine = if self.fine_grained { find(true) } else { None };
        fine.into_iter().chain([find(false).unwrap_or(PROXY)]).collect()
    }

    /// What the kubelet of a node asks about a request, in turn, until one is allowed. A HEAD has no verb: only `*` allows it.
    pub fn actions<'a>(&self, node: &'a str, method: &str, path: &str) -> Vec<ResourceAction<'a>> {
        let verb = match method {
            "POST" => "create",
            "GET" => "get",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ => "",
        };
        let action = |subresource| ResourceAction {
            verb,
            resource: "nodes",
            subresource,
            name: node,
            ..ResourceAction::default()
        };
        self.subresources(path).into_iter().map(action).collect()
    }

    /// Whether a request to the kubelet of a node is allowed, and what allows it.
    pub fn allows<'a>(
        &self,
        authorizer: &dyn Authorize,
        user: &User,
        node: &'a str,
        method: &str,
        path: &str,
    ) -> Option<ResourceAction<'a>> {
        let mut actions = self.actions(node, method, path).into_iter();
        actions.find(|action| authorizer.authorize(user, &Action::Resource(*action)).0 == Decision::Allow)
    }
}

/// What a kubelet answers to whom it refuses, given all that it asked.
pub fn refusal(user: &User, asked: &[ResourceAction<'_>]) -> Option<String> {
    let first = asked.first()?;
    let subresources: Vec<&str> = asked.iter().map(|action| action.subresource).collect();
    Some(format!(
        "Forbidden (user={}, verb={}, resource={}, subresource(s)=[{}])\n",
        user.name,
        first.verb,
        first.resource,
        subresources.join(" ")
    ))
}

fn is_at_or_below(path: &str, own: &str) -> bool {
    path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The verbs that all must be allowed on a subresource that connects the client with something: `pods/exec`, `pods/attach`,
/// `pods/portforward`, and `pods/proxy`, `services/proxy`, `nodes/proxy`. `verb` is that of the request: `get` for a websocket, which is what
/// kubectl begins with since 1.31, `create` for SPDY, to which it falls back.
///
/// Since 1.35 (`AuthorizePodWebsocketUpgradeCreatePermission`) an API server asks for `create` beside what the request says before it connects
/// to a pod; until then whoever may get an exec may run it. Proxies are asked for by the request's verb alone.
pub fn connect<'v>(resource: &str, subresource: &str, verb: &'v str, version: Minor) -> Vec<&'v str> {
    let is_stream = resource == "pods" && matches!(subresource, "exec" | "attach" | "portforward");
    let also_create = is_stream && version >= Minor(35) && verb != "create";
    if also_create { vec![verb, "create"] } else { vec![verb] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(minor: u32, path: &str) -> String {
        Kubelet::of(Minor(minor)).subresources(path).join(",")
    }

    #[test]
    fn fine_grained_paths_fall_back_to_proxy() {
        for (path, subresources) in [
            ("/pods", "pods,proxy"),
            ("/pods/", "pods,proxy"),
            ("/runningpods/", "pods,proxy"),
            ("/runningPods/", "proxy"),
            ("/allocatedPods", "pods,proxy"),
            ("/healthz/ping", "healthz,proxy"),
            ("/configz", "configz,proxy"),
            ("/flagz", "configz"),
            ("/statusz", "statusz"),
            ("/stats/summary", "stats"),
            ("/metrics/cadvisor", "metrics"),
            ("/metricsx", "proxy"),
            ("/logs", "log"),
            ("/containerLogs/ns/pod/c", "proxy"),
            ("/checkpoint/ns/pod/c", "checkpoint"),
            ("/exec/ns/pod/c", "proxy"),
            ("/run/ns/pod/c", "proxy"),
            ("/", "proxy"),
            ("", "proxy"),
            ("//pods", "proxy"),
        ] {
            assert_eq!(asked(37, path), subresources, "{path}");
        }
    }

    #[test]
    fn what_is_asked_depends_on_the_version() {
        assert_eq!(asked(32, "/pods"), "proxy", "there, but off");
        let on = Kubelet { fine_grained: true, ..Kubelet::of(Minor(32)) };
        assert_eq!(on.subresources("/pods"), ["pods", "proxy"]);
        let off = Kubelet { fine_grained: false, ..Kubelet::of(Minor(35)) };
        assert_eq!(off.subresources("/healthz"), ["proxy"]);
        let too_early = Kubelet { fine_grained: true, ..Kubelet::of(Minor(31)) };
        assert_eq!(too_early.subresources("/pods"), ["proxy"]);
        assert_eq!(asked(36, "/allocatedPods"), "proxy");
        assert_eq!(
            (asked(29, "/checkpoint/a"), asked(30, "/checkpoint/a")),
            ("proxy".to_owned(), "checkpoint".to_owned())
        );
        assert_eq!((asked(32, "/flagz"), asked(33, "/flagz")), ("proxy".to_owned(), "configz".to_owned()));
    }

    /// Allows one subresource of nodes.
    struct Only(&'static str, &'static str);

    impl Authorize for Only {
        fn authorize(&self, _: &User, action: &Action<'_>) -> (Decision, String) {
            let fits = matches!(action, Action::Resource(action)
                if action.verb == self.0 && action.combined() == self.1 && action.name == "n1" && action.group.is_empty());
            (if fits { Decision::Allow } else { Decision::NoOpinion }, String::new())
        }
    }

    #[test]
    fn getting_the_proxy_is_running_commands() {
        let (kubelet, user) = (Kubelet::of(Minor(37)), User::of_groups("monitor", &[]));
        let by = |only: Only, method: &str, path: &str| {
            kubelet.allows(&only, &user, "n1", method, path).map(|action| action.subresource)
        };
        assert_eq!(by(Only("get", "nodes/proxy"), "GET", "/exec/shop/web/app"), Some("proxy"));
        assert_eq!(by(Only("create", "nodes/proxy"), "POST", "/run/shop/web/app"), Some("proxy"));
        assert_eq!(by(Only("get", "nodes/pods"), "GET", "/pods"), Some("pods"));
        assert_eq!(by(Only("get", "nodes/proxy"), "GET", "/pods"), Some("proxy"), "the old right still does");
        assert_eq!(by(Only("get", "nodes/pods"), "GET", "/exec/shop/web/app"), None);
        assert_eq!(by(Only("get", "nodes/metrics"), "HEAD", "/metrics"), None);
        assert_eq!(
            by(Only("get", "nodes/proxy"), "GET", "/metrics"),
            None,
            "what is coarse has no other name"
        );
    }

    #[test]
    fn a_refusal_names_all_that_was_asked() {
        let asked = Kubelet::of(Minor(37)).actions("n1", "GET", "/pods");
        let words = refusal(&User::of_groups("bob", &[]), &asked);
        assert_eq!(
            words.unwrap(),
            "Forbidden (user=bob, verb=get, resource=nodes, subresource(s)=[pods proxy])\n"
        );
    }

    #[test]
    fn connecting_to_a_pod_takes_create_since_1_35() {
        assert_eq!(connect("pods", "exec", "get", Minor(34)), ["get"]);
        assert_eq!(connect("pods", "exec", "get", Minor(35)), ["get", "create"]);
        assert_eq!(connect("pods", "portforward", "create", Minor(37)), ["create"]);
        assert_eq!(connect("pods", "proxy", "get", Minor(37)), ["get"]);
        assert_eq!(connect("services", "proxy", "update", Minor(37)), ["update"]);
        assert_eq!(connect("nodes", "proxy", "get", Minor(37)), ["get"]);
        assert_eq!(connect("pods", "log", "get", Minor(37)), ["get"]);
    }
}
