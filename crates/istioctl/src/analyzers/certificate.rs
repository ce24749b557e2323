//! Certificates in Secrets: whether they can be read, and are valid now.
//! Source: `ValidateCertificate` in istio.io/istio `pilot/pkg/xds/sds.go`; Go's `encoding/pem`.

use data_encoding::BASE64;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Reader, SliceReader};

/// The bytes of a text in base64, which may have line ends in it.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    BASE64.decode(&text).ok()
}

/// Whether the first block of a text in PEM holds certificates of which each is valid at this second.
pub(super) fn is_valid(text: &[u8], now: u64) -> bool {
    let Some(block) = first_block(&String::from_utf8_lossy(text)) else { return false };
    let Ok(mut reader) = SliceReader::new(&block) else { return block.is_empty() };
    while !reader.is_finished() {
        let Ok(certificate) = Certificate::decode(&mut reader) else { return false };
        let validity = certificate.tbs_certificate.validity;
        let (from, until) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
        if now < from.as_secs() || now > until.as_secs() {
            return false;
        }
    }
    true
}

/// The bytes of the first block that is well formed.
fn first_block(text: &str) -> Option<Vec<u8>> {
    let mut rest = text;
    loop {
        let at = if rest.starts_with("-----BEGIN ") { 0 } else { rest.find("\n-----BEGIN ")? + 1 };
        let after = rest.get(at + "-----BEGIN ".len()..)?;
        let (first, body) = after.split_once('\n')?;
        rest = body;
        let Some(kind) = first.trim_end().strip_suffix("-----") else { continue };
        // Lines with a colon stand before the body.
        let mut body = body;
        while let Some((_, next)) = body.split_once('\n').filter(|(line, _)| line.contains(':')) {
            body = next;
        }
        let end = format!("-----END {kind}-----");
        let Some((inside, _)) = body.split_once(&end) else { continue };
        let inside: Vec<u8> =
            inside.bytes().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).collect();
        if let Ok(bytes) = BASE64.decode(&inside) {
            return Some(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl req -x509 -newkey ed25519 -days 1` for this test.
    const CERTIFICATE: &str = include_str!("certificate.pem");

    #[test]
    fn a_certificate_is_valid_in_its_time() {
        let text = format!("some words\n{CERTIFICATE}");
        let from = 1_795_694_159;
        for (now, is_right) in
            [(from - 1, false), (from, true), (from + 86_400, true), (from + 86_401, false)]
        {
            assert_eq!(is_valid(text.as_bytes(), now), is_right, "{now}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_not_valid() {
        for text in [
            "",
            "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----",
            "-----BEGIN X-----\nAAAA\n-----END X-----",
        ] {
            assert!(!is_valid(text.as_bytes(), 0), "{text}");
        }
    }
}
