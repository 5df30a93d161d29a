//! An address or a network.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An IPv4 or IPv6 address, or a network of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Its lowest address.
    pub(crate) fn address(self) -> IpAddr {
        self.address
    }

    /// Which bits of an address tell whether it is part of it.
    pub(crate) fn mask(self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits));
                Ipv4Addr::from_bits(mask.unwrap_or(0)).into()
            }
            IpAddr::V6(_) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits));
                Ipv6Addr::from_bits(mask.unwrap_or(0)).into()
            }
        }
    }

    /// Whether it is part of what the loopback interface has: 127.0.0.0/8 and ::1.
    pub(crate) fn is_loopback(self) -> bool {
        // Of IPv6 `::/0` begins at `::`, and so no network but the address itself begins at `::1`.
        self.address.is_loopback() && (self.address.is_ipv6() || self.bits >= 8)
    }

    /// The network that `address` is in.
    fn lowest(self) -> IpAddr {
        match (self.address, self.mask()) {
            (IpAddr::V4(address), IpAddr::V4(mask)) => (address & mask).into(),
            (IpAddr::V6(address), IpAddr::V6(mask)) => (address & mask).into(),
            (address, _) => address,
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address or network");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().ok().filter(|b| *b <= most).ok_or_else(wrong)?,
        };
        let network = Self { address, bits };
        let lowest = network.lowest();
        if lowest == address {
            Ok(network)
        } else {
            Err(format!(
                "`{text}` is an address inside a network; write {lowest}/{bits} for the network or {address} for the address"
            ))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = if self.address.is_ipv4() { 32 } else { 128 };
        write!(f, "{}", self.address)?;
        if self.bits < most {
            write!(f, "/{}", self.bits)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_loopback_interface_has_is_known() {
        let is = |text: &str| text.parse::<Network>().unwrap().is_loopback();
        for inside in ["127.0.0.1", "127.0.0.0/8", "127.9.0.0/16", "::1", "::1/128"] {
            assert!(is(inside), "{inside}");
        }
        for outside in [
            "126.0.0.0/7",
            "0.0.0.0/0",
            "10.0.0.1",
            "::/0",
            "::",
            "fd00::/8",
        ] {
            assert!(!is(outside), "{outside}");
        }
    }

    #[test]
    fn networks_read_as_people_write_them() {
        for (text, mask) in [
            ("10.0.0.0/8", "255.0.0.0"),
            ("192.168.1.7", "255.255.255.255"),
            ("0.0.0.0/0", "0.0.0.0"),
            ("fd00::/8", "ff00::"),
            ("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("::/0", "::"),
        ] {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.to_string(), text);
            assert_eq!(network.mask().to_string(), mask, "{text}");
        }
        for (text, says) in [
            ("10.0.0.1/8", "write 10.0.0.0/8 for the network or 10.0.0.1"),
            ("10.0.0.0/33", "not an address"),
            ("10.0.0.0/-1", "not an address"),
            ("postgres", "not an address"),
            ("", "not an address"),
            ("fd00::1/64", "write fd00::/64"),
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
