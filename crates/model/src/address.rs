//! Addresses and blocks of addresses, as the API server reads them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address family. Traffic never crosses from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// How many bits an address has.
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The highest address.
    pub const fn last(self) -> u128 {
        match self {
            Self::V4 => u32::MAX as u128,
            Self::V6 => u128::MAX,
        }
    }
}

/// An address. One of IPv6 that holds one of IPv4 (`::ffff:10.0.0.1`) is that of IPv4, as in Go's `net` package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Its family.
    pub family: Family,
    /// Its bits.
    pub bits: u128,
}

impl Address {
    /// Reads an address; leading zeros of IPv4 octets are taken as decimal, as the API server's older fields do.
    /// Source: `ParseIPSloppy` in k8s.io/utils `net/parse.go`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains(':') {
            return text.parse::<Ipv6Addr>().ok().map(Self::from);
        }
        octets(text).map(Self::from)
    }
}

/// Four decimal octets, each with any number of leading zeros.
fn octets(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        let digits = part.trim_start_matches('0');
        if part.is_empty() || digits.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *octet = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

impl From<Ipv4Addr> for Address {
    fn from(address: Ipv4Addr) -> Self {
        Self { family: Family::V4, bits: u128::from(u32::from(address)) }
    }
}

impl From<Ipv6Addr> for Address {
    fn from(address: Ipv6Addr) -> Self {
        match address.to_ipv4_mapped() {
            Some(address) => address.into(),
            None => Self { family: Family::V6, bits: u128::from(address) },
        }
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        match address.family {
            Family::V4 => Self::V4(Ipv4Addr::from(address.bits as u32)),
            Family::V6 => Self::V6(Ipv6Addr::from(address.bits)),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        IpAddr::from(*self).fmt(f)
    }
}

/// A block of addresses: all that share the first `prefix` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block {
    /// The lowest address.
    pub first: Address,
    /// How many bits are shared.
    pub prefix: u8,
}

impl Block {
    /// Reads a block in CIDR notation. Bits behind the prefix are cleared: `10.1.2.3/24` is `10.1.2.0/24`. A block of IPv6 inside
    /// `::ffff:0:0/96` is one of IPv4. Source: `ParseCIDRSloppy` in k8s.io/utils `net/parse.go`; `IPNet.Contains` in Go's `net/ip.go`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        if prefix.is_empty() || prefix.len() > 3 || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let prefix: u8 = prefix.parse().ok()?;
        if !address.contains(':') {
            let address = Address::from(octets(address)?);
            let bits = address.bits & mask(Family::V4, prefix.min(32));
            return (prefix <= 32).then_some(Self { first: Address { bits, ..address }, prefix });
        }
        let bits = u128::from(address.parse::<Ipv6Addr>().ok()?);
        if prefix > 128 {
            return None;
        }
        let first = Ipv6Addr::from(bits & mask(Family::V6, prefix));
        match first.to_ipv4_mapped() {
            // Fewer shared bits than the mapping itself has leave none of the address.
            Some(first) => Some(Self { first: first.into(), prefix: prefix.saturating_sub(96) }),
            None => Some(Self { first: Address { family: Family::V6, bits: u128::from(first) }, prefix }),
        }
    }

    /// The block of one address.
    pub const fn of(address: Address) -> Self {
        Self { first: address, prefix: address.family.bits() }
    }

    /// The highest address.
    pub fn last(self) -> Address {
        let family = self.first.family;
        Address { family, bits: self.first.bits | (!mask(family, self.prefix) & family.last()) }
    }

    /// The fewest blocks that hold the addresses from `first` to `last`, both among them, and no other. Of two families none.
    pub fn of_range(first: Address, last: Address) -> Vec<Self> {
        let family = first.family;
        let mut blocks = Vec::new();
        let mut next = (family == last.family).then_some(first.bits);
        while let Some(start) = next.filter(|start| *start <= last.bits) {
            // As large as where it starts allows, and as what is left.
            let mut free = start.trailing_zeros().min(u32::from(family.bits()));
            while free > 0 && start + (family.last() >> (u32::from(family.bits()) - free)) > last.bits {
                free -= 1;
            }
            let block = Self { first: Address { family, bits: start }, prefix: family.bits() - free as u8 };
            next = block.last().bits.checked_add(1).filter(|next| *next <= family.last());
            blocks.push(block);
        }
        blocks
    }

    /// Whether the address is in the block.
    pub fn contains(self, address: Address) -> bool {
        address.family == self.first.family
            && (address.bits & mask(address.family, self.prefix)) == self.first.bits
    }

    /// Whether all of the other block is in this one.
    pub fn covers(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.first)
    }

    /// Whether it is all of its family.
    pub const fn is_everything(self) -> bool {
        self.prefix == 0
    }
}

/// The bits of an address that a prefix covers.
const fn mask(family: Family, prefix: u8) -> u128 {
    let bits = family.bits();
    if prefix == 0 { 0 } else { (u128::MAX << (bits - prefix)) & family.last() }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_into_the_fewest_blocks() {
        let cut = |first: &str, last: &str| {
            let (first, last) = (Address::parse(first).unwrap(), Address::parse(last).unwrap());
            Block::of_range(first, last).iter().map(Block::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(cut("0.0.0.0", "255.255.255.255"), "0.0.0.0/0");
        assert_eq!(cut("10.0.0.1", "10.0.0.6"), "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32");
        assert_eq!(cut("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
        assert_eq!(cut("255.255.255.254", "255.255.255.255"), "255.255.255.254/31");
        assert_eq!(cut("10.0.0.2", "10.0.0.1"), "");
        assert_eq!(cut("10.0.0.2", "::1"), "");
    }

    fn block(text: &str) -> String {
        Block::parse(text).map_or_else(|| "none".to_owned(), |block| block.to_string())
    }

    #[test]
    fn a_block_is_read_as_the_api_server_reads_it() {
        assert_eq!(block("10.1.2.3/24"), "10.1.2.0/24");
        assert_eq!(block("010.0.0.0/8"), "10.0.0.0/8");
        assert_eq!(block("0.0.0.0/0"), "0.0.0.0/0");
        assert_eq!(block("fd00::1/8"), "fd00::/8");
        assert_eq!(block("::ffff:10.1.0.0/104"), "10.0.0.0/8");
        for bad in [
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.256/32",
            "::/129",
            "10.0.0.0/-1",
            "a/8",
            "/",
            "1.2.3.4/",
        ] {
            assert_eq!(block(bad), "none", "{bad}");
        }
    }

    #[test]
    fn a_block_holds_what_is_between_its_ends() {
        let block = Block::parse("10.0.4.0/22").unwrap();
        assert_eq!(block.last().to_string(), "10.0.7.255");
        for (text, inside) in
            [("10.0.4.0", true), ("10.0.7.255", true), ("10.0.3.255", false), ("10.0.8.0", false)]
        {
            assert_eq!(block.contains(Address::parse(text).unwrap()), inside, "{text}");
        }
        assert!(Block::parse("::/0").unwrap().contains(Address::parse("fd00::1").unwrap()));
        assert!(!Block::parse("::/0").unwrap().contains(Address::parse("10.0.0.1").unwrap()));
    }
}
