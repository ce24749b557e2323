//! How a server takes TLS. Source: istio.io/istio `pkg/config/validation/validation.go` (`validateTLSOptions`), `pkg/config/security/security.go`.

use std::collections::BTreeSet;

use super::Verdict;
use super::proto::Value;
use super::words::listed;

pub(super) const PASSTHROUGH: i128 = 0;
const SIMPLE: i128 = 1;
const MUTUAL: i128 = 2;
pub(super) const AUTO_PASSTHROUGH: i128 = 3;
pub(super) const ISTIO_MUTUAL: i128 = 4;
const OPTIONAL_MUTUAL: i128 = 5;

const CIPHERS: [&str; 15] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
];

/// Source: `IsValidCipherSuite`. What does not begin with a letter or a digit is an operator; the first byte is taken for a character.
fn is_cipher(text: &str) -> bool {
    let Some(first) = text.bytes().next() else { return true };
    let first = char::from(first);
    text == "ALL" || !(first.is_alphabetic() || first.is_numeric()) || CIPHERS.contains(&text)
}

pub(super) fn server_tls(tls: &Value<'_>, verdict: &mut Verdict) {
    let (mode, name) = (tls.choice("mode"), tls.choice_name("mode"));
    // TLS 1.0 and 1.1.
    if matches!(tls.choice("minProtocolVersion"), 1 | 2) && !tls.has_items("cipherSuites") {
        let message = "TLS version below TLSV1_2 require setting compatible ciphers as by default they no longer include compatible ciphers.";
        verdict.warn(tls.at("minProtocolVersion"), message);
    }
    ciphers(tls, verdict);
    if mode == ISTIO_MUTUAL {
        let fields = [
            ("serverCertificate", "server certificate"),
            ("privateKey", "private key"),
            ("caCertificates", "CA bundle"),
            ("tlsCertificates", "tlsCertificates"),
            ("credentialName", "credentialName"),
            ("credentialNames", "credentialNames"),
        ];
        for (field, words) in fields {
            if tls.has_text(field) || (field.ends_with('s') && tls.has_items(field)) {
                verdict.error(tls.at(field), format!("ISTIO_MUTUAL TLS cannot have associated {words}"));
            }
        }
        return;
    }
    let credential = tls.has_text("credentialName") || tls.has_items("credentialNames");
    let certificates = tls.items("tlsCertificates");
    if matches!(mode, PASSTHROUGH | AUTO_PASSTHROUGH) {
        let fields = ["caCrl", "serverCertificate", "privateKey", "caCertificates"];
        if credential || !certificates.is_empty() || fields.iter().any(|field| tls.has_text(field)) {
            verdict.warn(
                tls.path.clone(),
                format!("{name} mode does not use certificates, they will be ignored"),
            );
        }
    }
    let sources = [
        tls.has_text("serverCertificate") && tls.has_text("privateKey"),
        tls.has_text("credentialName"),
        tls.has_items("credentialNames"),
        !certificates.is_empty(),
    ];
    if sources.into_iter().filter(|is_set| *is_set).count() > 1 {
        let message = "only one of credential_name, credential_names, server_certificate/private_key, tls_certificates should be specified";
        verdict.error(tls.path.clone(), message);
    }
    let terminates = matches!(mode, SIMPLE | MUTUAL | OPTIONAL_MUTUAL);
    if terminates && credential {
        return;
    }
    if terminates {
        let prefix = if mode == SIMPLE { "SIMPLE TLS" } else { "MUTUAL TLS" };
        if mode != SIMPLE && !tls.has_text("caCertificates") {
            verdict.error(tls.at("caCertificates"), format!("{prefix} requires a client CA bundle"));
        }
        if certificates.len() > 2 {
            verdict
                .warn(tls.at("tlsCertificates"), format!("{prefix} can support up to 2 server certificates"));
        }
        let own = certificates.is_empty().then(|| tls.clone());
        for certificate in certificates.into_iter().chain(own) {
            for (field, words) in [("serverCertificate", "server certificate"), ("privateKey", "private key")]
            {
                if !certificate.has_text(field) {
                    verdict.error(certificate.at(field), format!("{prefix} requires a {words}"));
                }
            }
        }
    }
    if tls.has_text("caCrl") {
        if tls.has_text("credentialName") {
            let message =
                "CRL is not supported with credentialName. CRL has to be specified in the credential";
            verdict.error(tls.at("caCrl"), message);
        }
        if mode == SIMPLE {
            verdict.error(tls.at("caCrl"), "CRL is not supported with SIMPLE TLS");
        }
    }
}

fn ciphers(tls: &Value<'_>, verdict: &mut Verdict) {
    let (mut invalid, mut valid, mut repeated) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (_, cipher) in tls.texts("cipherSuites") {
        if !is_cipher(cipher) {
            invalid.insert(cipher);
        } else if !valid.insert(cipher) {
            repeated.insert(cipher);
        }
    }
    for (what, ciphers) in [("invalid", invalid), ("duplicate", repeated)] {
        if !ciphers.is_empty() {
            verdict
                .warn(tls.at("cipherSuites"), format!("ignoring {what} cipher suites: {}", listed(ciphers)));
        }
    }
}
