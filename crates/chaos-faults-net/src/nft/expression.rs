//! What a rule looks at, and what it does.

use crate::{
    netlink::Attributes,
    packets::{Ports, Protocol},
    partition::Network,
};
use std::net::IpAddr;

/// The register that holds what is compared: `NFT_REG_1`.
const REGISTER: u32 = 1;
/// `NFT_CMP_EQ` and `NFT_CMP_NEQ`.
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
const LESS: u32 = 2;
const LESS_OR_EQUAL: u32 = 3;
const GREATER_OR_EQUAL: u32 = 5;
/// `NFT_META_NFPROTO` and `NFT_META_L4PROTO`.
const FAMILY: u32 = 15;
const PROTOCOL: u32 = 16;
/// `NFT_PAYLOAD_NETWORK_HEADER` and `NFT_PAYLOAD_TRANSPORT_HEADER`.
const NETWORK: u32 = 1;
const TRANSPORT: u32 = 2;
/// `NF_DROP` and `NF_ACCEPT`.
const DROP: u32 = 0;
const ACCEPT: u32 = 1;
/// A share is told in parts of so many.
const PARTS: u32 = 1_000_000;

/// Which end of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

impl Side {
    /// The other end.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }
}

/// What the sender of a packet that is rejected is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// TCP's reset.
    Reset,
    /// ICMP: port unreachable.
    Unreachable,
    /// ICMPv6: port unreachable.
    Unreachable6,
}

impl Answer {
    pub(crate) const ALL: [Self; 3] = [Self::Reset, Self::Unreachable, Self::Unreachable6];
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

    /// The packet comes in (or goes out) through the loopback interface.
    pub(crate) fn loopback(self, interface: u32) -> Self {
        self.load(interface).compare(EQUAL, &1_u32.to_ne_bytes())
    }

    /// The packet comes in (or goes out) through the interface of this name. `interface`: `NFT_META_IIFNAME` or
    /// `NFT_META_OIFNAME`.
    pub(crate) fn interface(self, interface: u32, name: &str) -> Self {
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(16, 0);
        self.load(interface).compare(EQUAL, &bytes)
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
        self.family(family)
            .payload(NETWORK, offset, len)
            .mask(&mask)
            .compare(EQUAL, &address)
    }

    /// The packet carries this.
    pub(crate) fn protocol(self, protocol: Protocol, is_ipv6: Option<bool>) -> Self {
        let number = match (protocol, is_ipv6) {
            (Protocol::Tcp, _) => 6,
            (Protocol::Udp, _) => 17,
            (Protocol::Icmp, Some(true)) => 58,
            (Protocol::Icmp, _) => 1,
            (Protocol::Sctp, _) => 132,
        };
        self.load(PROTOCOL).compare(EQUAL, &[number])
    }

    /// The packet tells of another one: TCP's reset, or that a port is unreachable.
    pub(crate) fn answers(self, answer: Answer) -> Self {
        match answer {
            Answer::Reset => self
                .protocol(Protocol::Tcp, None)
                .payload(TRANSPORT, 13, 1)
                .mask(&[0x04])
                .compare(EQUAL, &[0x04]),
            // Type and code.
            Answer::Unreachable => self
                .family(2)
                .protocol(Protocol::Icmp, Some(false))
                .payload(TRANSPORT, 0, 2)
                .compare(EQUAL, &[3, 3]),
            Answer::Unreachable6 => self
                .family(10)
                .protocol(Protocol::Icmp, Some(true))
                .payload(TRANSPORT, 0, 2)
                .compare(EQUAL, &[1, 4]),
        }
    }

    /// The packet is one of those by which IPv6 finds its neighbours and routers, without which nothing of it works: ICMPv6 of the
    /// types 133 to 137.
    pub(crate) fn finds_neighbours(self) -> Self {
        self.family(10)
            .protocol(Protocol::Icmp, Some(true))
            .payload(TRANSPORT, 0, 1)
            .compare(GREATER_OR_EQUAL, &[133])
            .compare(LESS_OR_EQUAL, &[137])
    }

    /// The packet is from (or to) one of these ports. What it carries has been told before.
    pub(crate) fn ports(self, side: Side, ports: Ports) -> Self {
        let offset = if side == Side::Source { 0 } else { 2 };
        let (first, last) = ports.ends();
        self.payload(TRANSPORT, offset, 2)
            .compare(GREATER_OR_EQUAL, &first.to_be_bytes())
            .compare(LESS_OR_EQUAL, &last.to_be_bytes())
    }

    /// It is one of this share of the packets, in millionths, drawn for each.
    pub(crate) fn share(self, millionths: u32) -> Self {
        // NFT_NG_RANDOM. What it draws is in the machine's order, and is compared as bytes: NFT_BYTEORDER_HTON.
        let draw = Attributes::new()
            .number(1, REGISTER)
            .number(2, PARTS)
            .number(3, 1)
            .number(4, 0);
        let turn = Attributes::new()
            .number(1, REGISTER)
            .number(2, REGISTER)
            .number(3, 1)
            .number(4, 4)
            .number(5, 4);
        self.push("numgen", &draw)
            .push("byteorder", &turn)
            .compare(LESS, &millionths.to_be_bytes())
    }

    /// The packet begins a connection of TCP: it says SYN and not ACK. Connections that were there before packets were
    /// tracked are not known to the kernel, so it is not asked.
    pub(crate) fn begins_a_connection(self) -> Self {
        let (syn, ack) = (0x02, 0x10);
        self.payload(TRANSPORT, 13, 1)
            .mask(&[syn | ack])
            .compare(EQUAL, &[syn])
    }

    /// The packet carries something else than TCP.
    pub(crate) fn not_tcp(self) -> Self {
        self.load(PROTOCOL).compare(NOT_EQUAL, &[6])
    }

    /// The packet goes on, whatever the rules after this one say.
    pub(crate) fn let_go(self) -> Self {
        self.verdict(ACCEPT)
    }

    /// The packet is counted, and its connection is reset.
    pub(crate) fn reset_connection(self) -> Self {
        // NFT_REJECT_TCP_RST.
        let reset = Attributes::new().number(1, 1);
        self.push("counter", &Attributes::new())
            .push("reject", &reset)
    }

    /// The packet is counted, and its sender is told that nobody is there.
    pub(crate) fn reject_packet(self) -> Self {
        // NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH.
        let unreachable = Attributes::new().number(1, 2).bytes(2, &[1]);
        self.push("counter", &Attributes::new())
            .push("reject", &unreachable)
    }

    /// The packet is counted and dropped.
    pub(crate) fn drop_packet(self) -> Self {
        self.push("counter", &Attributes::new()).verdict(DROP)
    }

    /// What becomes of the packet.
    fn verdict(self, verdict: u32) -> Self {
        // NFT_REG_VERDICT is 0.
        let data = Attributes::new().nested(2, &Attributes::new().number(1, verdict));
        let immediate = Attributes::new().number(1, 0).nested(2, &data);
        self.push("immediate", &immediate)
    }

    /// The packet is of this family: `NFPROTO_IPV4` or `NFPROTO_IPV6`.
    fn family(self, family: u8) -> Self {
        self.load(FAMILY).compare(EQUAL, &[family])
    }

    /// Loads what the kernel knows about the packet.
    fn load(self, key: u32) -> Self {
        let meta = Attributes::new().number(1, REGISTER).number(2, key);
        self.push("meta", &meta)
    }

    /// Loads `len` bytes of a header.
    fn payload(self, header: u32, offset: u32, len: u32) -> Self {
        let payload = Attributes::new()
            .number(1, REGISTER)
            .number(2, header)
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
