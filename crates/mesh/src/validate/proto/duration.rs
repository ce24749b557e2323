//! Durations as Go writes them. Source: Go's `time/format.go` (`ParseDuration`).

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The nanoseconds of `1h15m30.918s`.
pub(super) fn duration(text: &str) -> Result<i128, String> {
    const MOST: u128 = 1 << 63;
    let wrong = || format!("time: invalid duration {}", quoted(text));
    let is_negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(wrong());
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quoted(text)));
        }
        let Some((_, nanoseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("time: unknown unit {} in duration {}", quoted(unit), quoted(text)));
        };
        let number: u128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
        let mut part =
            number.checked_mul(u128::from(*nanoseconds)).filter(|part| *part <= MOST).ok_or_else(wrong)?;
        // As many digits as the reference counts.
        let (mut value, mut scale) = (0.0_f64, 1.0_f64);
        for digit in fraction.bytes().take(18) {
            value = value * 10.0 + f64::from(digit - b'0');
            scale *= 10.0;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "as Go counts a fraction; it is below one unit"
        )]
        let fraction = (value * (*nanoseconds as f64 / scale)) as u128;
        part += fraction;
        total += part;
        if total > MOST {
            return Err(wrong());
        }
        rest = next;
    }
    if !is_negative && total > MOST - 1 {
        return Err(wrong());
    }
    let total = i128::try_from(total).map_err(|_| wrong())?;
    Ok(if is_negative { -total } else { total })
}

/// A text in quotes, as the package of times has it: without regard to characters. Source: `quote` there.
fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=0x7f => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('"');
    out
}

/// The digits at the start of a text, and what is behind them.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_go_reads_them() {
        for (text, nanoseconds) in
            [("0", 0), ("1s", 1_000_000_000), ("1h0.5m", 3_630_000_000_000), ("-.5ms", -500_000)]
        {
            assert_eq!(duration(text), Ok(nanoseconds), "{text}");
        }
        for text in ["", "1", "s", "1x", ".s", "1..2s", "+", "9223372036854775808ns", "1s 2s", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(duration("10"), Err("time: missing unit in duration \"10\"".to_owned()));
        assert_eq!(duration("10x"), Err("time: unknown unit \"x\" in duration \"10x\"".to_owned()));
    }
}
