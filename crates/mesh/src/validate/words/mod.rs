//! What single values must look like, in the reference's words.

mod address;
mod authorization;
mod domain;
mod header;
mod regexp;
mod unicode;
mod url;

pub(super) use address::{address_error, block_errors, host_and_port, is_address, subnet_error};
pub(super) use authorization::{
    accounts_error, empty_error, paths_error, port_texts_errors, stars_error, trust_domains_error,
};
pub(super) use domain::{
    domain_error, gateway_domain_error, is_dns_label, label_errors, partial_star_error, slash_host_errors,
    subset_of, wildcard_domain_error,
};
pub(super) use header::{
    any_header_name_error, authority_operation_error, is_authority, is_claim, match_name_error,
    operation_error, probe_name_error, strict_name_error, value_error,
};
pub(super) use regexp::regexp_error;
pub(super) use url::{parse_request_uri, parse_url};

/// A text in quotes, as Go's `%q` has it. Source: Go's `strconv` (`Quote`).
pub(super) fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' '..='~' => out.push(c),
            '\0'..='\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            _ if is_printable(c) => out.push(c),
            '\0'..='\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// Whether Go prints a character as it is. Those that stand for nothing yet are not told apart.
fn is_printable(c: char) -> bool {
    let is_mark = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e000}'..='\u{f8ff}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..);
    !is_mark && !c.is_control() && !c.is_whitespace()
}

/// A list of texts as Go's `%v` has it.
pub(super) fn listed<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    format!("[{}]", texts.into_iter().collect::<Vec<_>>().join(" "))
}

/// A number as Go's `%v` has it. Source: Go's `strconv/ftoa.go`, the shortest form of `%g`, with exponents from 21 on.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    match exponent.parse::<i32>() {
        Ok(exponent) if number != 0.0 && !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}

/// A number with six digits after the point, as Go's `%f` has it.
pub(super) fn fixed(number: f64) -> String {
    if number.is_finite() { format!("{number:.6}") } else { float(number) }
}

/// What is wrong with the number of a port. Source: `pkg/config/validation/agent/validation.go` (`ValidatePort`).
pub(super) fn port_error(number: i128) -> Option<String> {
    let is_one = (1..=65535).contains(&number);
    (!is_one).then(|| format!("port number {number} must be in the range 1..65535"))
}

/// A number as Go's `strconv.Atoi` reads it, or what that says.
pub(super) fn whole_number(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let wrong = |what: &str| Err(format!("strconv.Atoi: parsing {}: {what}", quoted(text)));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return wrong("invalid syntax");
    }
    text.parse().map_or_else(|_| wrong("value out of range"), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_are_as_go_prints_them() {
        assert_eq!(quoted("a\"\\\n\u{1}é\u{200b}\u{7f}"), r#""a\"\\\n\x01é\u200b\x7f""#);
        for (number, text) in [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (101.0, "101"),
            (0.00001, "1e-05"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
        ] {
            assert_eq!(float(number), text);
        }
        assert_eq!(fixed(100.5), "100.500000");
        assert_eq!(whole_number("+7"), Ok(7));
        assert_eq!(whole_number("x"), Err("strconv.Atoi: parsing \"x\": invalid syntax".to_owned()));
        assert_eq!(
            whole_number("99999999999999999999"),
            Err("strconv.Atoi: parsing \"99999999999999999999\": value out of range".to_owned())
        );
    }
}
