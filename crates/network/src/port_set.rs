//! Sets of ports of all protocols.

use std::fmt;

use crate::port::{Port, Protocol};

/// A set of ports: intervals on one line, on which the ports of TCP come first, then those of UDP, then those of SCTP.
///
/// All operations cost the number of intervals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortSet(Vec<(u32, u32)>);

/// The first place of a protocol on the line.
const fn base(protocol: Protocol) -> u32 {
    (protocol as u32) << 16
}

/// The last place on the line.
const LAST: u32 = (Protocol::Sctp as u32) << 16 | 0xffff;

impl PortSet {
    /// No port.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Every port of every protocol.
    pub fn all() -> Self {
        Self(vec![(0, LAST)])
    }

    /// From one port to another, both among them.
    pub fn range(protocol: Protocol, first: u16, last: u16) -> Self {
        if first > last {
            return Self::none();
        }
        Self(vec![(base(protocol) + u32::from(first), base(protocol) + u32::from(last))])
    }

    /// One port.
    pub fn one(port: Port) -> Self {
        Self::range(port.protocol, port.number, port.number)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is every port of every protocol.
    pub fn is_all(&self) -> bool {
        self.0 == [(0, LAST)]
    }

    /// Whether the port is in it.
    pub fn contains(&self, port: Port) -> bool {
        let place = base(port.protocol) + u32::from(port.number);
        let at = self.0.partition_point(|(_, last)| *last < place);
        self.0.get(at).is_some_and(|(first, _)| *first <= place)
    }

    /// Whether all of `other` is in it.
    pub fn covers(&self, other: &Self) -> bool {
        other.minus(self).is_empty()
    }

    /// Those that are in either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let mut result: Vec<(u32, u32)> = Vec::with_capacity(self.0.len() + other.0.len());
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let Some((first, last)) = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x <= y => a.next(),
            (Some(_), None) => a.next(),
            _ => b.next(),
        } {
            match result.last_mut() {
                Some((_, end)) if *first <= end.saturating_add(1) => *end = (*end).max(*last),
                _ => result.push((*first, *last)),
            }
        }
        Self(result)
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut result = Vec::new();
        let (mut a, mut b) = (0, 0);
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            let (first, last) = (x.0.max(y.0), x.1.min(y.1));
            if first <= last {
                result.push((first, last));
            }
            if x.1 < y.1 { a += 1 } else { b += 1 }
        }
        Self(result)
    }

    /// Whether some are in both.
    pub fn meets(&self, other: &Self) -> bool {
        let (mut a, mut b) = (0, 0);
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            if x.0.max(y.0) <= x.1.min(y.1) {
                return true;
            }
            if x.1 < y.1 { a += 1 } else { b += 1 }
        }
        false
    }

    /// Those that are not in it.
    #[must_use]
    pub fn not(&self) -> Self {
        let mut result = Vec::with_capacity(self.0.len() + 1);
        let mut next = 0;
        for (first, last) in &self.0 {
            if next < *first {
                result.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= LAST {
            result.push((next, LAST));
        }
        Self(result)
    }

    /// Those that are not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.and(&other.not())
    }

    /// The intervals of a protocol, as first and last port.
    pub fn of(&self, protocol: Protocol) -> impl Iterator<Item = (u16, u16)> + '_ {
        let (low, high) = (base(protocol), base(protocol) + 0xffff);
        self.0.iter().filter(move |(first, last)| *first <= high && low <= *last).map(move |(first, last)| {
            let port = |place: u32| u16::try_from(place.clamp(low, high) - low).unwrap_or(u16::MAX);
            (port(*first), port(*last))
        })
    }

    /// The lowest port of those that are in it; port 0, which nobody can ask for, only where there is no other.
    pub fn first(&self) -> Option<Port> {
        Protocol::ALL.into_iter().find_map(|protocol| {
            let (first, last) = self.of(protocol).next()?;
            Some(Port { protocol, number: if first == 0 && last > 0 { 1 } else { first } })
        })
    }
}

/// `all ports`, `no port`, or `TCP 80, 8000-8100; UDP`.
impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("all ports");
        }
        if self.is_empty() {
            return f.write_str("no port");
        }
        let mut before = "";
        for protocol in Protocol::ALL {
            for (at, (first, last)) in self.of(protocol).enumerate() {
                if at > 0 {
                    f.write_str(", ")?;
                } else {
                    write!(f, "{before}{protocol}")?;
                    before = "; ";
                }
                match (first, last) {
                    (0 | 1, u16::MAX) => {}
                    _ if at == 0 => write!(f, " {}", Interval(first, last))?,
                    _ => write!(f, "{}", Interval(first, last))?,
                }
            }
        }
        Ok(())
    }
}

/// `80`, or `80-90`.
struct Interval(u16, u16);

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.max(1), self.1) {
            (first, last) if first >= last => write!(f, "{first}"),
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(parts: &[(Protocol, u16, u16)]) -> PortSet {
        parts.iter().fold(PortSet::none(), |all, (protocol, first, last)| {
            all.or(&PortSet::range(*protocol, *first, *last))
        })
    }

    #[test]
    fn sets_read_like_ports() {
        use Protocol::{Sctp, Tcp, Udp};
        assert_eq!(PortSet::all().to_string(), "all ports");
        assert_eq!(PortSet::none().to_string(), "no port");
        assert_eq!(
            set(&[(Tcp, 80, 80), (Tcp, 8000, 8100), (Udp, 0, 65535)]).to_string(),
            "TCP 80, 8000-8100; UDP"
        );
        assert_eq!(set(&[(Udp, 53, 53), (Tcp, 53, 53)]).to_string(), "TCP 53; UDP 53");
        assert_eq!(set(&[(Tcp, 80, 80)]).not().to_string(), "TCP 1-79, 81-65535; UDP; SCTP");
        assert!(set(&[(Tcp, 0, 65535), (Udp, 0, 65535), (Sctp, 0, 65535)]).is_all());
    }

    #[test]
    fn operations_agree_with_membership() {
        use Protocol::{Tcp, Udp};
        let a = set(&[(Tcp, 10, 20), (Tcp, 40, 50), (Udp, 5, 5)]);
        let b = set(&[(Tcp, 15, 45), (Udp, 6, 9)]);
        for protocol in [Tcp, Udp] {
            for number in 0..60 {
                let port = Port { protocol, number };
                let (x, y) = (a.contains(port), b.contains(port));
                assert_eq!(a.or(&b).contains(port), x || y);
                assert_eq!(a.and(&b).contains(port), x && y);
                assert_eq!(a.minus(&b).contains(port), x && !y);
                assert_eq!(a.not().contains(port), !x);
                assert_eq!(a.meets(&PortSet::one(port)), x);
            }
        }
        assert!(a.covers(&PortSet::none()) && PortSet::all().covers(&a) && !a.covers(&b));
    }
}
