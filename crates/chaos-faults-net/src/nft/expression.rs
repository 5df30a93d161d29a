//! What a rule looks at, and what it does.

use crate::{netlink::Attributes, partition::Network};
use std::net::IpAddr;

/// The register that holds what is compared: `NFT_REG_1`.
const REGISTER: u32 = 1;
/// `NFT_CMP_EQ` and `NFT_CMP_NEQ`.
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
/// `NFT_META_NFPROTO`.
const FAMILY: u32 = 15;

/// Which end of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

/// The expressions of one rule, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expressions(Attributes);

impl Expressions {
    pub(crate) fn as_attributes(&self) -> &Attributes {
        &self.0
    }

    /// The packet does not come in (or go out) through the loopback interface, which is number 1 in every
    /// namespace. `interface`: `NFT_META_IIF` or `NFT_META_OIF`.
    pub(crate) fn not_loopback(self, interface: u32) -> Self {
        self.load(interface)
            .compare(NOT_EQUAL, &1_u32.to_ne_bytes())
    }

    /// The packet is from (or to) one of these addresses.
    pub(crate) fn address(self, side: Side, network: Network) -> Self {
        let (family, offset, address, mask) = match (network.address(), network.mask()) {
            (IpAddr::V4(address), IpAddr::V4(mask)) => {
                let offset = if side == Side::Source { 12 } else { 16 };
                (2, offset, address.octets().to_vec(), mask.octets().to_vec())
            }
            (address, mask) => {
                let octets = |address| match address {
                    IpAddr::V6(address) => address.octets().to_vec(),
                    IpAddr::V4(address) => address.to_ipv6_mapped().octets().to_vec(),
                };
                let offset = if side == Side::Source { 8 } else { 24 };
                (10, offset, octets(address), octets(mask))
            }
        };
        let len = u32::try_from(address.len()).unwrap_or(16);
        self.load(FAMILY)
            .compare(EQUAL, &[family])
            .payload(offset, len)
            .mask(&mask)
            .compare(EQUAL, &address)
    }

    /// The packet is counted and dropped.
    pub(crate) fn drop_packet(self) -> Self {
        // NF_DROP is 0, NFT_REG_VERDICT is 0.
        let verdict = Attributes::new().number(1, 0);
        let data = Attributes::new().nested(2, &verdict);
        let immediate = Attributes::new().number(1, 0).nested(2, &data);
        self.push("counter", &Attributes::new())
            .push("immediate", &immediate)
    }

    /// Loads what the kernel knows about the packet.
    fn load(self, key: u32) -> Self {
        let meta = Attributes::new().number(1, REGISTER).number(2, key);
        self.push("meta", &meta)
    }

    /// Loads `len` bytes of the network header.
    fn payload(self, offset: u32, len: u32) -> Self {
        let payload = Attributes::new()
            .number(1, REGISTER)
            .number(2, 1)
            .number(3, offset)
            .number(4, len);
        self.push("payload", &payload)
    }

    /// Keeps the bits of `mask`.
    fn mask(self, mask: &[u8]) -> Self {
        if mask.iter().all(|byte| *byte == 0xff) {
            return self;
        }
        let len = u32::try_from(mask.len()).unwrap_or(16);
        let none = vec![0; mask.len()];
        let bitwise = Attributes::new()
            .number(1, REGISTER)
            .number(2, REGISTER)
            .number(3, len)
            .nested(4, &Attributes::new().bytes(1, mask))
            .nested(5, &Attributes::new().bytes(1, &none));
        self.push("bitwise", &bitwise)
    }

    /// Goes on only when the register compares so with `value`.
    fn compare(self, how: u32, value: &[u8]) -> Self {
        let compare = Attributes::new()
            .number(1, REGISTER)
            .number(2, how)
            .nested(3, &Attributes::new().bytes(1, value));
        self.push("cmp", &compare)
    }

    fn push(self, name: &str, data: &Attributes) -> Self {
        let expression = Attributes::new().text(1, name).nested(2, data);
        Self(self.0.nested(1, &expression))
    }
}
