//! `ringwall explain`.

use insta::assert_snapshot;

use crate::Place;

#[test]
fn a_check_is_explained() {
    assert_snapshot!(Place::new(&[]).run(&["explain", "RW-POD-003"]));
}

#[test]
fn every_name_of_a_check_is_known() {
    let place = Place::new(&[]);
    let by_id = place.run(&["explain", "RW-POD-003"]);
    for name in ["rw-pod-003", "host-path-volume", "hostPathVolumes"] {
        assert_eq!(place.run(&["explain", name]), by_id, "{name}");
    }
}

#[test]
fn an_unknown_check_gives_the_nearest() {
    assert_snapshot!(Place::new(&[]).run(&["explain", "host-path-volumes"]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no check "host-path-volumes"
    hint: the nearest are RW-POD-003 (host-path-volume), RW-POD-052 (host-path-claim), RW-POD-016 (restricted-volume-type); `ringwall rules` lists all
    "#);
    assert_snapshot!(Place::new(&[]).run(&["explain", "RW-POD-\u{1b}[31m"]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no check "RW-POD-\u{1b}[31m"
    hint: the nearest are RW-POD-031 (stale-image-pull), RW-POD-001 (privileged-container), RW-POD-003 (host-path-volume); `ringwall rules` lists all
    "#);
}

#[test]
fn what_is_far_off_is_not_named() {
    assert_snapshot!(Place::new(&[]).run(&["explain", "foo"]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no check "foo"
    hint: `ringwall rules` lists all
    "#);
    assert_snapshot!(Place::new(&[]).run(&["explain", "KIA9999"]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no check "KIA9999"
    hint: it looks like one of Kiali, and none here stands for it; `ringwall rules` lists all
    "#);
}

#[test]
fn a_message_of_analyze_is_explained_in_its_own_words() {
    let place = Place::new(&[]);
    assert_snapshot!(place.run(&["explain", "IST0162"]), @"
    exit code: 0
    ----- stdout -----
    IST0162 GatewayPortNotDefinedOnService  Warning
      The gateway is listening on a target port (port …) that is not defined in the
      Service associated with its workload instances (Pod selector …). If you need
      to access the gateway port through the gateway Service, it will not be
      available.

    Said by
      `ringwall mesh analyze`, word for word as `istioctl analyze` says it

    References
      https://istio.io/v1.31/docs/reference/config/analysis/ist0162/?ref=istioctl-analyze
    ----- stderr -----
    ");
    assert_eq!(place.run(&["explain", "ist0162"]), place.run(&["explain", "IST0162"]));
    // One for which there is a check here as well.
    assert_snapshot!(place.run(&["explain", "IST0127"]), @"
    exit code: 0
    ----- stdout -----
    IST0127 NoMatchingWorkloadsFound  Warning
      No matching workloads for this resource with the following labels: …

    Said by
      `ringwall mesh analyze`, word for word as `istioctl analyze` says it

    Found as well by
      RW-MESH-009 mesh-policy-for-nobody

    References
      https://istio.io/v1.31/docs/reference/config/analysis/ist0127/?ref=istioctl-analyze
    ----- stderr -----
    ");
    let code = place.json(&["explain", "-o", "json", "IST0127"]);
    assert_eq!(code["checks"][0]["id"], "RW-MESH-009");
}

#[test]
fn json_holds_all_of_a_check() {
    let place = Place::new(&[]);
    let check = place.json(&["explain", "-o", "json", "RW-PSA-002"]);
    assert_eq!(check["name"], "refused-by-namespace");
    assert!(check["why"].is_string() && check["page"].is_string());
}

#[test]
fn without_a_check_it_is_rules() {
    let place = Place::new(&[]);
    for format in ["text", "json"] {
        assert_eq!(place.run(&["explain", "-o", format]), place.run(&["rules", "-o", format]));
    }
}
