//! Quantities: amounts of resources as Kubernetes writes them (`500m`, `128Mi`, `1e3`), compared exactly.

use crate::schema::is_quantity;

/// An amount, in billionths of its unit: the finest that Kubernetes keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

impl Quantity {
    /// Reads a quantity. What is finer than a billionth is rounded up, as the reference does; what is beyond all bounds is
    /// taken for the greatest there is. `None` where Kubernetes would not read it.
    /// Source: `ParseQuantity` in k8s.io/apimachinery `pkg/api/resource/quantity.go`.
    pub fn parse(text: &str) -> Option<Self> {
        if !is_quantity(text) {
            return None;
        }
        let text = text.trim();
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let (factor, power) = scale(suffix);
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let mantissa = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(i128::MAX) };
        let power = power.saturating_add(9).saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
        let scaled = mantissa.saturating_mul(factor);
        // Beyond 10^38 there is no number of 128 bits.
        let ten = |power: u64| u32::try_from(power).ok().and_then(|power| 10i128.checked_pow(power));
        let amount = match (scaled, ten(power.unsigned_abs())) {
            (0, _) => 0,
            (_, None) if power > 0 => i128::MAX,
            (_, None) => 1,
            (_, Some(ten)) if power >= 0 => scaled.saturating_mul(ten),
            (_, Some(ten)) => scaled / ten + i128::from(scaled % ten != 0),
        };
        Some(Self(if text.starts_with('-') { -amount } else { amount }))
    }
}

/// What a suffix multiplies with: a factor, and a power of ten.
fn scale(suffix: &str) -> (i128, i64) {
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter().position(|known| *known == suffix);
    if let Some(index) = binary {
        return (1 << (10 * (index + 1)), 0);
    }
    let power = match suffix {
        "" => 0,
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        // An exponent, which is a number, since it is a quantity.
        exponent => exponent[1..].parse().unwrap_or(0),
    };
    (1, power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_amount_is_the_same_however_it_is_written() {
        let amount = |text| Quantity::parse(text).unwrap();
        for (a, b) in [
            ("1", "1000m"),
            ("0.5", "500m"),
            ("1Ki", "1024"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("12E", "12e18"),
            ("-1", "-1000m"),
            ("536870912000m", "512Mi"),
            ("0", "m"),
            ("0.1n", "1n"),
            ("1e-99", "1n"),
        ] {
            assert_eq!(amount(a), amount(b), "{a} and {b}");
        }
    }

    #[test]
    fn amounts_are_in_their_order() {
        let amount = |text| Quantity::parse(text).unwrap();
        for (less, more) in
            [("999m", "1"), ("128M", "128Mi"), ("-1", "0"), ("1Ei", "1e99"), ("1e99", "9e9999")]
        {
            assert!(amount(less) <= amount(more), "{less} and {more}");
        }
        assert!(amount("128M") < amount("128Mi"));
        assert_eq!(Quantity::parse("many"), None);
        assert_eq!(Quantity::parse(""), None);
    }
}
