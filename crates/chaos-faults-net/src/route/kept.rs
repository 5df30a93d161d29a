//! What an interface loses when it goes down: routes through it, its IPv6 addresses, and neighbours that were set.

use crate::netlink::{Attributes, Netlink, Request, each, find, flags};
use serde::{Deserialize, Serialize};
use std::io;

/// `RTM_NEWADDR`, `RTM_GETADDR`, `RTM_NEWROUTE`, `RTM_GETROUTE`.
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const NEW_ROUTE: u16 = 24;
const GET_ROUTE: u16 = 26;
/// `struct ifaddrmsg` and `struct rtmsg`.
const ADDRESS_HEADER: usize = 8;
const ROUTE_HEADER: usize = 12;
const IPV6: u8 = 10;
/// `RTM_NEWNEIGH`, `RTM_GETNEIGH`, `struct ndmsg`; `NUD_PERMANENT`, `NTF_PROXY` and `NTF_ROUTER`.
const NEW_NEIGHBOUR: u16 = 28;
const GET_NEIGHBOUR: u16 = 30;
const NEIGHBOUR_HEADER: usize = 12;
const SET: u16 = 0x80;
const PROXY: u8 = 0x08;
const ROUTER: u8 = 0x80;
/// `NDA_DST`, `NDA_LLADDR`, `NDA_PROTOCOL`, `NDA_FLAGS_EXT`.
const NEIGHBOUR_ATTRIBUTES: [u16; 4] = [NEIGHBOUR_ADDRESS, 2, 12, 15];
const NEIGHBOUR_ADDRESS: u16 = 1;
/// `IFA_ADDRESS`, `IFA_LOCAL`, `IFA_FLAGS`; of the flags `IFA_F_PERMANENT`, `IFA_F_NODAD` and `IFA_F_NOPREFIXROUTE`.
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
const ADDRESS_FLAGS: u16 = 8;
const PERMANENT: u32 = 0x80;
const NO_DAD: u32 = 0x02;
const NO_PREFIX_ROUTE: u32 = 0x200;
/// `RTA_OIF`, and the attributes that say what a route is: not how old it is, and not what it was found by.
const INTERFACE: u16 = 4;
const ROUTE_ATTRIBUTES: [u16; 12] = [1, 2, 4, 5, 6, 7, 8, 11, 15, 16, 18, 20];
/// `RTPROT_KERNEL`, `RTN_LOCAL`, `RT_SCOPE_LINK` of an address, `RTNH_F_ONLINK`.
const BY_THE_KERNEL: u8 = 2;
const LINK: u8 = 253;
const ON_LINK: u32 = 4;
/// `RTM_F_CLONED`: found by use, not set.
const CLONED: u32 = 0x200;

/// Something that goes when its interface goes down, as the bytes that make it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kept {
    /// An IPv6 address.
    Address(Vec<u8>),
    /// A route.
    Route(Vec<u8>),
    /// A neighbour whose address on the link somebody has set, or for which the host answers.
    Neighbour(Vec<u8>),
}

impl Kept {
    /// All that one interface has, in the order in which it is to be made again: addresses first, as routes need them, and
    /// neighbours last, as nothing needs them.
    pub(crate) fn of(route: &Netlink, index: u32) -> io::Result<Vec<Self>> {
        let mut kept = Vec::new();
        let mut all = vec![0; ADDRESS_HEADER];
        all[0] = IPV6;
        route.ask(&[Request::list(GET_ADDRESS, all)], |kind, body| {
            if kind == NEW_ADDRESS {
                kept.extend(address(body, index).map(Self::Address));
            }
        })?;
        // The kernel puts a new one before the others, and the first is the one that connections are made from.
        kept.reverse();
        // One family after the other: a list of all is not what every kernel gives.
        for family in [2, IPV6] {
            let mut all = vec![0; ROUTE_HEADER];
            all[0] = family;
            route.ask(&[Request::list(GET_ROUTE, all)], |kind, body| {
                if kind == NEW_ROUTE {
                    kept.extend(self::route(body, index).map(Self::Route));
                }
            })?;
        }
        for (family, flags) in [(2, 0), (2, PROXY), (IPV6, 0), (IPV6, PROXY)] {
            let mut all = vec![0; NEIGHBOUR_HEADER];
            (all[0], all[10]) = (family, flags);
            route.ask(&[Request::list(GET_NEIGHBOUR, all)], |kind, body| {
                if kind == NEW_NEIGHBOUR {
                    kept.extend(neighbour(body, index).map(Self::Neighbour));
                }
            })?;
        }
        Ok(kept)
    }

    /// Whether it is one of this interface: a record that names another one was forged.
    pub(crate) fn is_of(&self, index: u32) -> bool {
        let wanted = index.to_ne_bytes();
        match self {
            Self::Address(body) | Self::Neighbour(body) => body.get(4..8) == Some(&wanted[..]),
            Self::Route(body) => body
                .get(ROUTE_HEADER..)
                .and_then(|attributes| find(attributes, INTERFACE))
                .is_some_and(|interface| interface == wanted),
        }
    }

    /// Whether it is among what there is. A neighbour that somebody has set anew since is there, whatever its address on the
    /// link.
    pub(crate) fn is_in(&self, all: &[Self]) -> bool {
        match self {
            Self::Neighbour(body) => {
                let wanted = who(body);
                all.iter().any(|other| match other {
                    Self::Neighbour(other) => who(other) == wanted,
                    _ => false,
                })
            }
            _ => all.contains(self),
        }
    }

    /// Makes it again; one that is there is left as it is. The kernel may know a neighbour by now, as somebody has talked to it:
    /// that is replaced by what was set.
    pub(crate) fn put_back(&self, route: &Netlink) -> io::Result<()> {
        let (kind, how, body) = match self {
            Self::Address(body) => (NEW_ADDRESS, flags::EXCL, body),
            Self::Route(body) => (NEW_ROUTE, flags::EXCL, body),
            Self::Neighbour(body) => (NEW_NEIGHBOUR, flags::REPLACE, body),
        };
        let request = Request::act(kind, flags::CREATE | how, body.clone());
        match route.ask(&[request], |_, _| {}) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => Ok(()),
        }
    }
}

/// An address that somebody has set, without what changes by itself.
fn address(body: &[u8], wanted: u32) -> Option<Vec<u8>> {
    let header = body.get(..ADDRESS_HEADER)?;
    let index = u32::from_ne_bytes(*header.get(4..)?.first_chunk()?);
    let attributes = body.get(ADDRESS_HEADER..)?;
    let set = find(attributes, ADDRESS_FLAGS)
        .and_then(|value| value.first_chunk())
        .map_or(u32::from(header[2]), |value| u32::from_ne_bytes(*value));
    if index != wanted || header[3] == LINK || set & PERMANENT == 0 {
        return None;
    }
    let mut bytes = vec![header[0], header[1], 0, header[3]];
    bytes.extend(index.to_ne_bytes());
    let mut kept = Attributes::new();
    for (kind, value) in each(attributes).filter(|(kind, _)| [ADDRESS, LOCAL].contains(kind)) {
        kept = kept.bytes(kind, value);
    }
    kept = kept.native(ADDRESS_FLAGS, NO_DAD | (set & NO_PREFIX_ROUTE));
    bytes.extend(kept.as_bytes());
    Some(bytes)
}

/// A route that somebody has set, without what changes by itself.
fn route(body: &[u8], wanted: u32) -> Option<Vec<u8>> {
    let header = body.get(..ROUTE_HEADER)?;
    let attributes = body.get(ROUTE_HEADER..)?;
    let index = find(attributes, INTERFACE)?.first_chunk()?;
    let set = u32::from_ne_bytes(*header.get(8..)?.first_chunk()?);
    if u32::from_ne_bytes(*index) != wanted || header[5] == BY_THE_KERNEL || set & CLONED != 0 {
        return None;
    }
    let mut bytes = header[..8].to_vec();
    bytes.extend((set & ON_LINK).to_ne_bytes());
    let mut kept = Attributes::new();
    for (kind, value) in each(attributes).filter(|(kind, _)| ROUTE_ATTRIBUTES.contains(kind)) {
        kept = kept.bytes(kind, value);
    }
    bytes.extend(kept.as_bytes());
    Some(bytes)
}

/// Whose neighbour it is: the family, whether the host answers for it, and its address.
fn who(body: &[u8]) -> Option<(u8, bool, &[u8])> {
    let header = body.get(..NEIGHBOUR_HEADER)?;
    let address = find(body.get(NEIGHBOUR_HEADER..)?, NEIGHBOUR_ADDRESS)?;
    Some((header[0], header[10] & PROXY != 0, address))
}

/// A neighbour that somebody has set, without what changes by itself.
fn neighbour(body: &[u8], wanted: u32) -> Option<Vec<u8>> {
    let header = body.get(..NEIGHBOUR_HEADER)?;
    let index = u32::from_ne_bytes(*header.get(4..)?.first_chunk()?);
    let state = u16::from_ne_bytes(*header.get(8..)?.first_chunk()?);
    let flags = header[10] & (PROXY | ROUTER);
    if index != wanted || (state & SET == 0 && flags & PROXY == 0) {
        return None;
    }
    let mut bytes = vec![header[0], 0, 0, 0];
    bytes.extend(index.to_ne_bytes());
    bytes.extend((state & SET).to_ne_bytes());
    bytes.extend([flags, 0]);
    let mut kept = Attributes::new();
    let attributes = each(body.get(NEIGHBOUR_HEADER..)?);
    for (kind, value) in attributes.filter(|(kind, _)| NEIGHBOUR_ATTRIBUTES.contains(kind)) {
        kept = kept.bytes(kind, value);
    }
    bytes.extend(kept.as_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_of_its_interface_and_of_no_other() {
        let interface = Attributes::new().native(INTERFACE, 7);
        let route = Kept::Route([&[0; ROUTE_HEADER], interface.as_bytes()].concat());
        let address = Kept::Address([&[IPV6, 64, 0, 0], &7_u32.to_ne_bytes()[..]].concat());
        let neighbour = Kept::Neighbour([&[2, 0, 0, 0], &7_u32.to_ne_bytes()[..]].concat());
        for kept in [route, address, neighbour] {
            assert!(kept.is_of(7));
            assert!(!kept.is_of(8));
        }
        for torn in [Kept::Route(vec![0; 5]), Kept::Address(vec![0; 5])] {
            assert!(!torn.is_of(0));
        }
    }
}
