//! What the runner of a GitHub workflow reads.

use insta::assert_snapshot;

use super::*;

#[test]
fn the_worst_comes_first() {
    assert_snapshot!(render_as("github", &everything().report(), Style::default()), @r#"
    ::error file=k8s/gone,title=could not be read::no such file
    ::error file=k8s/broken.yaml,line=3,endLine=3,col=7,endColumn=8,title=could not be read::Job shop/nightly: expected a mapping, got a list
    ::error file=k8s/frontend.yaml,line=21,endLine=21,col=11,endColumn=21,title=RW-POD-001 privileged-container::Deployment shop/frontend: container "app" runs privileged
    ::error file=k8s/frontend.yaml,line=12,endLine=12,col=7,endColumn=8,title=RW-POD-003 host-network::Deployment shop/frontend: the pod shares its node's network
    ::warning file=k8s/frontend.yaml,line=19,endLine=19,col=9,endColumn=10,title=RW-POD-010 privilege-escalation::Deployment shop/frontend: container "app" may gain more privileges than it starts with
    ::warning file=k8s/frontend.yaml,line=147,endLine=147,col=9,endColumn=10,title=RW-POD-010 privilege-escalation::Deployment shop/frontend: container "logs" may gain more privileges than it starts with
    ::warning file=redis.yaml,line=9,endLine=9,col=14,endColumn=15,title=RW-POD-012 added-capability::Pod redis-*: container "redis" adds capability SYS_ADMIN
    ::notice file=charts/api/templates/api.yaml,title=RW-POD-020 no-limit::Deployment shop/api: nothing limits its memory (311:9 of what `helm template` prints)
    ::notice file=ringwall.toml,line=12,endLine=12,col=1,endColumn=2,title=note::this exception matches nothing
    ::notice file=k8s,title=note::2 objects were read twice
    "#);
}

#[test]
fn nothing_in_a_text_ends_a_property_or_a_line() {
    let mut finding =
        elsewhere(privileged(), object("apps", "Deployment", None, "a:b,c::d"), "k8s/a,b:100%.yaml");
    finding.message = "100%\r\n::error::owned".to_owned();
    let findings = [finding];
    let report = Report { findings: &findings, ..Report::default() };
    assert_snapshot!(render_as("github", &report, Style::default()), @r"::error file=k8s/a%2Cb%3A100%25.yaml,line=21,endLine=21,col=11,endColumn=12,title=RW-POD-001 privileged-container::Deployment a:b,c::d: 100%25\r\n::error::owned");
}
