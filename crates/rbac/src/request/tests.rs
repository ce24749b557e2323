use super::*;

fn info(method: &str, url: &str) -> RequestInfo {
    RequestInfo::of(method, url).unwrap()
}

/// `verb group resource/subresource namespace name`, `-` for nothing, or `verb path`.
fn asked(method: &str, url: &str) -> String {
    let info = info(method, url);
    let or = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    match info.action() {
        Action::Path { verb, path } => format!("{verb} {path}"),
        Action::Resource(action) => {
            [action.verb, action.group, &action.combined(), action.namespace, action.name].map(or).join(" ")
        }
    }
}

#[test]
fn paths_that_are_no_resource_ask_with_the_method() {
    assert_eq!(asked("GET", "/healthz?verbose"), "get /healthz");
    assert_eq!(asked("HEAD", "/metrics"), "head /metrics");
    assert_eq!(asked("OPTIONS", "/"), "options /");
    assert_eq!(asked("GET", "/api/v1"), "get /api/v1");
    assert_eq!(asked("GET", "/apis/apps/v1"), "get /apis/apps/v1");
    assert_eq!(asked("GET", "/apis/apps/v1/"), "get /apis/apps/v1/");
    assert_eq!(asked("GET", "/logs/a/b/c"), "get /logs/a/b/c");
    assert_eq!(asked("GET", "*"), "get *");
}

#[test]
fn methods_are_verbs_of_resources() {
    let pods = "/api/v1/namespaces/shop/pods";
    for (method, url, verb) in [
        ("GET", "/web", "get"),
        ("HEAD", "/web", "get"),
        ("HEAD", "", "list"),
        ("OPTIONS", "/web", "-"),
        ("get", "/web", "-"),
        ("POST", "", "create"),
        ("PUT", "/web", "update"),
        ("PATCH", "/web", "patch"),
        ("DELETE", "/web", "delete"),
        ("DELETE", "", "deletecollection"),
        ("CONNECT", "/web", "-"),
    ] {
        let name = if url.is_empty() { "-" } else { "web" };
        assert_eq!(asked(method, &format!("{pods}{url}")), format!("{verb} - pods shop {name}"), "{method}");
    }
}

#[test]
fn a_namespace_is_in_itself_and_has_two_subresources() {
    assert_eq!(asked("GET", "/api/v1/namespaces/shop"), "get - namespaces shop shop");
    assert_eq!(asked("POST", "/api/v1/namespaces"), "create - namespaces - -");
    assert_eq!(asked("PUT", "/api/v1/namespaces/shop/finalize"), "update - namespaces/finalize shop shop");
    assert_eq!(asked("GET", "/api/v1/namespaces/shop/status"), "get - namespaces/status shop shop");
    assert_eq!(asked("GET", "/api/v1/namespaces/shop/scale"), "list - scale shop -", "that is a resource");
    let thrice = "/api/v1/namespaces/namespaces/namespaces/namespaces";
    assert_eq!(asked("GET", thrice), "get - namespaces namespaces namespaces");
}

#[test]
fn only_the_third_part_is_a_subresource() {
    assert_eq!(asked("GET", "/api/v1/namespaces/shop/pods/web/log/x/y"), "get - pods/log shop web");
    assert_eq!(info("GET", "/api/v1/nodes/n1/proxy/metrics").parts, ["nodes", "n1", "proxy", "metrics"]);
    assert_eq!(
        asked("PATCH", "/apis/apps/v1/namespaces/a/deployments/b/scale"),
        "patch apps deployments/scale a b"
    );
}

#[test]
fn slashes_around_are_dropped_and_those_between_count() {
    assert_eq!(asked("GET", "//api/v1/pods//"), "list - pods - -");
    assert_eq!(asked("GET", "/api//v1/pods"), "get - v1 - pods");
    assert_eq!(asked("GET", "/api/v1/namespaces//pods"), "list - pods - -");
    assert_eq!(asked("GET", "/api/v1/pods//x"), "list - pods/x - -");
    assert_eq!(asked("GET", "/api/v1/%70ods/a%2Fb"), "get - pods/b - a", "an escaped slash is one");
}

#[test]
fn old_paths_say_the_verb() {
    assert_eq!(asked("GET", "/api/v1/watch/namespaces/shop/pods"), "watch - pods shop -");
    assert_eq!(asked("GET", "/api/v1/watch/pods?fieldSelector=metadata.name%3Dweb"), "watch - pods - -");
    assert_eq!(info("GET", "/api/v1/watch/pods?labelSelector=a").label_selector, "");
    assert_eq!(asked("DELETE", "/api/v1/proxy/namespaces/shop/pods/web/x"), "proxy - pods shop web");
    let error = RequestInfo::of("GET", "/apis/x/v1/watch/?a=b").unwrap_err().to_string();
    assert_eq!(error, "unable to determine kind and namespace from url, /apis/x/v1/watch/?a=b");
    assert!(RequestInfo::of("GET", "/api/v1/%zz").is_err());
}

#[test]
fn what_is_listed_has_a_name_where_the_selector_demands_one() {
    let list = |query: &str| asked("GET", &format!("/api/v1/namespaces/shop/pods?{query}"));
    assert_eq!(list("fieldSelector=metadata.name%3Dweb"), "list - pods shop web");
    assert_eq!(list("fieldSelector=metadata.name=web,spec.nodeName=n1&watch"), "watch - pods shop web");
    assert_eq!(list("fieldSelector=metadata.name!%3Dweb"), "list - pods shop -");
    assert_eq!(list("fieldSelector=metadata.name%3Da%2Fb"), "list - pods shop -", "no path has such a name");
    assert_eq!(list("fieldSelector=metadata.name%3D.."), "list - pods shop -");
    assert_eq!(
        list("fieldSelector=metadata.name%3Dweb&limit=zz"),
        "list - pods shop -",
        "nothing counts then"
    );
    assert_eq!(list("fieldSelector=metadata.name%3Dweb&labelSelector=%3D"), "list - pods shop -");
    assert_eq!(list("fieldSelector=metadata.name%3Dweb&timeoutSeconds=%2B5"), "list - pods shop web");
    let delete = asked("DELETE", "/api/v1/namespaces/shop/pods?fieldSelector=metadata.name%3Dweb");
    assert_eq!(delete, "deletecollection - pods shop -", "deleting never has one");
    let repeated = "fieldSelector=metadata.name%3Dweb&fieldSelector=metadata.name%3Ddb";
    assert_eq!(list(repeated), "list - pods shop web", "only the first of several counts");
}

#[test]
fn watch_says_no_in_few_words() {
    for (query, watches) in [
        ("", false),
        ("watch=0", false),
        ("watch=FALSE", false),
        ("watch=fal%C5%BFe", false),
        ("watch", true),
        ("watch=", true),
        ("watch=no", true),
        ("watch=00", true),
        ("watch=false&watch=true", false),
        ("watch=false&limit=x", false),
        ("watch=0&limit=x", false),
        ("watch=fal%C5%BFe&limit=x", true),
        ("watch=&limit=x", true),
        ("limit=x", false),
        ("limit=", false),
        ("Watch=true", false),
    ] {
        let verb = info("GET", &format!("/api/v1/pods?{query}")).verb;
        assert_eq!(verb == "watch", watches, "{query}");
    }
    assert_eq!(info("GET", "/api/v1/pods/web?watch=true").verb, "get", "one with a name is never watched so");
}

#[test]
fn selectors_are_kept_even_where_the_options_do_not_decode() {
    let list = info("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&labelSelector=x+in+(&limit=z");
    assert_eq!(list.field_requirements().unwrap()[0].value, "n1");
    assert_eq!(list.label_selector, "x in (");
    assert!(list.label_requirements().is_err());
    assert_eq!(info("POST", "/api/v1/pods?fieldSelector=a%3Db").field_selector, "");
    assert_eq!(info("DELETE", "/api/v1/pods?fieldSelector=a%3Db").field_selector, "a=b");
}

#[test]
fn the_prefix_is_known_before_the_rest() {
    // As in the reference, which has read it before it finds that too little follows.
    assert_eq!(info("GET", "/apis/apps/v1").api_prefix, "apis");
    assert_eq!(info("GET", "/api/v1").api_prefix, "");
    assert_eq!(info("GET", "/foo/bar/baz").api_prefix, "");
}
