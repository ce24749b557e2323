//! `ringwall rules`.

use insta::assert_snapshot;

use crate::Place;

#[test]
fn all_checks_are_listed() {
    assert_snapshot!(Place::new(&[]).run(&["rules"]));
}

#[test]
fn a_framework_lists_the_checks_that_serve_it_with_its_controls() {
    assert_snapshot!(Place::new(&[]).run(&["rules", "--framework", "pss"]));
}

#[test]
fn json_tells_controls_and_fixes() {
    let place = Place::new(&[]);
    let all = place.json(&["rules", "-o", "json"]);
    assert_eq!(all["schema"], "ringwall.rules/v1");
    let rules = all["rules"].as_array().unwrap();
    let rule = |id: &str| rules.iter().find(|rule| rule["id"] == id).unwrap();
    assert_snapshot!(serde_json::to_string_pretty(rule("RW-POD-015")).unwrap(), @r#"
    {
      "controls": [
        {
          "framework": "pss",
          "id": "restricted: Privilege Escalation"
        },
        {
          "framework": "cis",
          "id": "5.2.6",
          "title": "Minimize the admission of containers with allowPrivilegeEscalation"
        },
        {
          "framework": "nsa",
          "id": "Pod security enforcement"
        },
        {
          "framework": "mitre",
          "id": "T1068",
          "title": "Exploitation for Privilege Escalation"
        }
      ],
      "fixable": {
        "applicability": "safe",
        "byTool": true
      },
      "group": "Pod Security Standards",
      "id": "RW-POD-015",
      "name": "privilege-escalation",
      "page": "https://github.com/ringwall/ringwall/blob/main/docs/checks/RW-POD-015.md",
      "reference": "allowPrivilegeEscalation",
      "references": [
        "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"
      ],
      "severity": "medium",
      "summary": "a container's processes may gain more rights than they started with"
    }
    "#);
    assert_snapshot!(serde_json::to_string_pretty(&rule("RW-POD-030")["fixable"]).unwrap(), @r#"
    {
      "byTool": false,
      "reason": "the digest is in the registry and not in the manifest"
    }
    "#);
    let cis = place.json(&["rules", "-o", "json", "--framework", "CIS"]);
    let cis = cis["rules"].as_array().unwrap();
    let serves = |rule: &serde_json::Value| {
        rule["controls"].as_array().unwrap().iter().any(|it| it["framework"] == "cis")
    };
    assert!(cis.iter().all(serves));
    assert_eq!(cis.len(), rules.iter().filter(|rule| serves(rule)).count());
}

#[test]
fn a_framework_that_there_is_not_is_refused() {
    assert_snapshot!(Place::new(&[]).run(&["rules", "--framework", "iso"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: invalid value 'iso' for '--framework <FRAMEWORK>': expected pss, cis, nsa or mitre

    For more information, try '--help'.
    ");
}
