//! The addresses that a connector listens on and the peers that it serves: `Bindings` and `RemoteIPRanges`.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::ValueError;

/// One of a connector's `Bindings`: a local address, where `0.0.0.0` and `[::]` mean all, and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Binding(pub SocketAddr);

impl Binding {
    /// Returns whether a connection to the socket of `local` reaches this binding, too. The socket for all
    /// addresses stands for every address that has no socket of its own.
    pub fn covers(self, local: Self) -> bool {
        self == local || (self.0.ip().is_unspecified() && self.overlaps(local))
    }

    /// Returns whether one connection can fit both bindings.
    pub fn overlaps(self, other: Self) -> bool {
        let (mine, theirs) = (self.0.ip(), other.0.ip());
        let same_family = mine.is_ipv4() == theirs.is_ipv4();
        let any = mine.is_unspecified() || theirs.is_unspecified();
        self.0.port() == other.0.port() && same_family && (any || mine == theirs)
    }
}

/// `home`, or loopback where it is of the other family than `other`.
pub fn in_family_of(other: IpAddr, home: IpAddr) -> IpAddr {
    match (other.is_ipv4(), home.is_ipv4()) {
        (true, false) => Ipv4Addr::LOCALHOST.into(),
        (false, true) => Ipv6Addr::LOCALHOST.into(),
        _ => home,
    }
}

impl FromStr for Binding {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.parse::<SocketAddr>() {
            Ok(address) if address.port() == 0 => Err(ValueError::NoPort(text.to_owned())),
            Ok(address) => Ok(Self(address)),
            Err(_) => Err(ValueError::Binding(text.to_owned())),
        }
    }
}

/// One of a connector's `RemoteIPRanges`: a single address, `low-high`, or CIDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IpRange {
    low: IpAddr,
    high: IpAddr,
}

impl IpRange {
    /// `0.0.0.0-255.255.255.255`.
    pub const ALL_V4: Self =
        Self { low: IpAddr::V4(Ipv4Addr::UNSPECIFIED), high: IpAddr::V4(Ipv4Addr::BROADCAST) };
    /// `::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`.
    pub const ALL_V6: Self =
        Self { low: IpAddr::V6(Ipv6Addr::UNSPECIFIED), high: IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)) };

    /// Returns whether `peer` lies in the range; an IPv4 address inside IPv6 counts as the IPv4 address.
    pub fn contains(self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.low.is_ipv4() == peer.is_ipv4() && (self.low..=self.high).contains(&peer)
    }

    /// Returns the first and the last address of the range.
    pub fn ends(self) -> (IpAddr, IpAddr) {
        (self.low, self.high)
    }

    /// Returns the number of addresses in the range, less one. A smaller span is more specific.
    pub fn span(self) -> u128 {
        position(self.high) - position(self.low)
    }

    /// Returns whether the two ranges share an address and neither contains the other. Exchange refuses such
    /// a pair.
    pub fn crosses(self, other: Self) -> bool {
        let meet = self.contains(other.low) || other.contains(self.low);
        let inside = |a: Self, b: Self| b.contains(a.low) && b.contains(a.high);
        meet && !inside(self, other) && !inside(other, self)
    }
}

fn position(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl From<IpAddr> for IpRange {
    fn from(address: IpAddr) -> Self {
        Self { low: address, high: address }
    }
}

impl FromStr for IpRange {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = || ValueError::IpRange(text.to_owned());
        let address = |part: &str| part.trim().parse::<IpAddr>().map_err(|_| wrong());
        if let Some((network, bits)) = text.split_once('/') {
            return cidr(address(network)?, bits.trim().parse().map_err(|_| wrong())?).ok_or_else(wrong);
        }
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let (low, high) = (address(low)?, address(high)?);
        if low.is_ipv4() != high.is_ipv4() {
            return Err(ValueError::TwoFamilies(text.to_owned()));
        }
        if low > high {
            return Err(ValueError::TurnedRange { text: text.to_owned(), turned: format!("{high}-{low}") });
        }
        Ok(Self { low, high })
    }
}

fn cidr(network: IpAddr, bits: u32) -> Option<IpRange> {
    match network {
        IpAddr::V4(network) => {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            (bits <= 32).then(|| IpRange {
                low: Ipv4Addr::from_bits(network.to_bits() & !host).into(),
                high: Ipv4Addr::from_bits(network.to_bits() | host).into(),
            })
        }
        IpAddr::V6(network) => {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            (bits <= 128).then(|| IpRange {
                low: Ipv6Addr::from_bits(network.to_bits() & !host).into(),
                high: Ipv6Addr::from_bits(network.to_bits() | host).into(),
            })
        }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.low == self.high { self.low.fmt(f) } else { write!(f, "{}-{}", self.low, self.high) }
    }
}

/// Values that files and programs write as text.
macro_rules! text_in_files {
    ($($type:ident, $about:literal;)*) => {$(
        impl TryFrom<String> for $type {
            type Error = $crate::exchange::ValueError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $about })
            }
        }
    )*};
}

pub(super) use text_in_files;

text_in_files! {
    Binding, "A local address and port such as 0.0.0.0:25 or [::]:25";
    IpRange, "An address, low-high, or CIDR";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> IpRange {
        text.parse().unwrap()
    }

    #[test]
    fn a_computer_calls_from_where_it_lives_or_from_loopback_of_the_family_it_calls() {
        let (v4, v6) = ("127.0.0.7".parse().unwrap(), "::1".parse().unwrap());
        assert_eq!(in_family_of("127.0.0.1".parse().unwrap(), v4), v4);
        assert_eq!(in_family_of(v6, v4), v6);
    }

    #[test]
    fn ranges_are_read_in_three_forms() {
        assert_eq!(range("192.168.1.0/24"), range("192.168.1.0-192.168.1.255"));
        assert_eq!(range("192.168.1.75").to_string(), "192.168.1.75");
        assert_eq!(range("0.0.0.0/0"), IpRange::ALL_V4);
        assert_eq!(range("::/0"), IpRange::ALL_V6);
        for (text, hint) in [
            ("192.168.1.0/33", "/24"),
            ("10.0.0.9-10.0.0.1", "10.0.0.1-10.0.0.9"),
            ("10.0.0.1-::1", "family"),
            ("mail.example.com", "not a range"),
        ] {
            let error = text.parse::<IpRange>().unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn the_smaller_range_is_the_more_specific() {
        assert!(range("192.168.1.75").span() < range("192.168.1.0/24").span());
        assert!(range("192.168.1.0/24").span() < IpRange::ALL_V4.span());
        assert!(IpRange::ALL_V4.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!IpRange::ALL_V4.contains("::1".parse().unwrap()));
    }

    #[test]
    fn ranges_cross_when_neither_holds_the_other() {
        assert!(range("10.0.0.0-10.0.0.9").crosses(range("10.0.0.5-10.0.0.20")));
        assert!(!range("10.0.0.0-10.0.0.9").crosses(range("10.0.0.5")));
        assert!(!range("10.0.0.0-10.0.0.9").crosses(range("10.0.1.0/24")));
    }

    #[test]
    fn bindings_overlap_by_port_family_and_address() {
        let binding = |text: &str| text.parse::<Binding>().unwrap();
        assert!(binding("0.0.0.0:25").overlaps(binding("192.168.1.5:25")));
        assert!(!binding("0.0.0.0:25").overlaps(binding("[::]:25")));
        assert!(!binding("0.0.0.0:25").overlaps(binding("0.0.0.0:587")));
        assert!("0.0.0.0".parse::<Binding>().unwrap_err().to_string().contains("0.0.0.0:25"));
        assert!("127.0.0.1:0".parse::<Binding>().unwrap_err().to_string().contains("no port"));
    }
}
