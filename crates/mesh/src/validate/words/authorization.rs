//! Values of `AuthorizationPolicies`. Source: istio.io/istio `pkg/config/security/security.go`. Each says what is wrong with the first one that is.

use super::quoted;

/// Source: `CheckEmptyValues`.
pub(in crate::validate) fn empty_error(key: &str, text: &str) -> Option<String> {
    text.is_empty().then(|| format!("empty value not allowed, found in {key}"))
}

/// Source: `ValidatePorts`. One that is a number and too large is told with the error that there is not.
pub(in crate::validate) fn port_texts_errors(text: &str) -> Option<String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let error = match text.parse::<u64>() {
        Ok(number) if is_number && number <= 65535 => return None,
        Ok(number) if is_number && number <= u32::MAX.into() => "<nil>".to_owned(),
        _ if is_number => format!("strconv.ParseUint: parsing {}: value out of range", quoted(text)),
        _ => format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(text)),
    };
    Some(format!("bad port ({text}): {error}"))
}

/// Source: `CheckServiceAccount`.
pub(in crate::validate) fn accounts_error(key: &str, texts: &[&str]) -> Option<String> {
    if texts.len() > 16 {
        return Some("may not have more than 16 values".to_owned());
    }
    texts.iter().find_map(|text| account_error(key, text))
}

fn account_error(key: &str, text: &str) -> Option<String> {
    let expected = |what: &str| {
        let format = "expected format 'serviceAccount' or 'namespace/serviceAccount'";
        Some(format!("{format}, found {what}{} in {key}", quoted(text)))
    };
    if text.is_empty() {
        return empty_error(key, text);
    }
    if text.contains('*') {
        return Some(format!("wildcard not allowed, found in {key}"));
    }
    if text.matches('/').count() > 1 {
        return expected("");
    }
    if text.len() > 320 {
        return Some(format!("value cannot exceed 320 characters, found {} in {key}", quoted(text)));
    }
    match text.split_once('/')? {
        ("", _) => expected("empty namespace "),
        (_, "") => expected("empty serviceAccount "),
        _ => None,
    }
}

/// Source: `CheckWildcardValues`.
pub(in crate::validate) fn stars_error(key: &str, texts: &[&str]) -> Option<String> {
    let star = |text: &&str| {
        let stars = text.matches('*').count();
        if stars > 1 {
            return Some(format!("at most one wildcard is allowed, found in {key}: {}", quoted(text)));
        }
        let is_within = stars == 1 && !text.starts_with('*') && !text.ends_with('*');
        is_within.then(|| {
            format!("wildcard is only allowed at the start or end, found in {key}: {}", quoted(text))
        })
    };
    texts.iter().find_map(|text| empty_error(key, text)).or_else(|| texts.iter().find_map(star))
}

/// Source: `CheckTrustDomainValues`.
pub(in crate::validate) fn trust_domains_error(key: &str, texts: &[&str]) -> Option<String> {
    let slash = |text: &&&str| text.contains('/');
    stars_error(key, texts).or_else(|| {
        let text = texts.iter().find(slash)?;
        Some(format!("trust domain must not contain '/', found in {key}: {}", quoted(text)))
    })
}

/// Source: `CheckValidPathTemplate`.
pub(in crate::validate) fn paths_error(key: &str, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| path_error(key, path))
}

fn path_error(key: &str, path: &str) -> Option<String> {
    let has_template = path.contains("{*}") || path.contains("{**}");
    let path = path.trim_matches('/');
    let wrong = |what: &str| Some(format!("invalid or unsupported path {path}, found in {key}. {what}"));
    let mut is_over = false;
    for part in path.split('/') {
        let is_template = matches!(part, "{*}" | "{**}");
        if is_template && is_over {
            return wrong("{**} is not the last operator");
        }
        if is_template {
            is_over = part == "{**}";
            continue;
        }
        if part.contains(['{', '}']) {
            return wrong("Contains '{' or '}' beyond a supported path template");
        }
        // Go's pattern ends with `$`, which is the end of the text there.
        let is_literal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()+,;:@=".contains(&byte);
        if has_template && (part.is_empty() || !part.bytes().all(is_literal)) {
            return wrong(&format!("Contains segment {part} with invalid string literal"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_accounts_have_their_forms() {
        for (text, good) in [
            ("0", true),
            ("0080", true),
            ("65535", true),
            ("65536", false),
            ("", false),
            ("+1", false),
            ("80x", false),
        ] {
            assert_eq!(port_texts_errors(text).is_none(), good, "{text}");
        }
        for (text, good) in [
            ("sa", true),
            ("ns/sa", true),
            ("a/b/c", false),
            ("/x", false),
            ("x/", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(accounts_error("a", &[text]).is_none(), good, "{text}");
        }
    }

    #[test]
    fn templates_are_whole_segments_and_the_long_one_is_last() {
        for good in ["/a/{*}/b", "/{**}", "/a/b*", "{*}", "/a//b", "/a/{*}/"] {
            assert_eq!(path_error("p", good), None, "{good}");
        }
        for bad in [
            "/a/{*",
            "/a/{**}/{*}",
            "/{*}/{**}/{**}",
            "/a{*}",
            "*{*}",
            "/{*}*",
            "/{*}/a*",
            "/a//{*}",
            "/{*}/a b",
        ] {
            assert!(path_error("p", bad).is_some(), "{bad}");
        }
        assert!(path_error("p", "/a/{**}/b").is_none(), "only another template may not follow");
    }
}
