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
