//! Network interfaces.

use crate::netlink::{Attributes, Netlink, Request, each, find, flags};
use chaos_core::FaultError;
use std::io;

/// The kind of device that gives what comes in a queue of its own.
pub(crate) const IFB: &str = "ifb";

/// `RTM_NEWLINK`, `RTM_DELLINK`, `RTM_GETLINK`.
const NEW: u16 = 16;
const DEL: u16 = 17;
const GET: u16 = 18;
/// `struct ifinfomsg`.
const HEADER: usize = 16;
/// `IFF_UP` and `IFF_LOOPBACK`.
const UP: u32 = 1;
const LOOPBACK: u32 = 8;
/// `IFLA_OPERSTATE`, `IFLA_MTU`, `IFLA_IFNAME`, `IFLA_LINKINFO` with `IFLA_INFO_KIND`, `IFLA_IFALIAS`.
const OPERATION: u16 = 16;
const MTU: u16 = 4;
const NAME: u16 = 3;
const INFO: u16 = 18;
const INFO_KIND: u16 = 1;
const ALIAS: u16 = 20;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    /// What kind of virtual device it is, if it is one.
    pub(crate) kind: String,
    /// What somebody has written to it.
    pub(crate) alias: String,
    pub(crate) is_up: bool,
    pub(crate) is_loopback: bool,
    /// Its state as RFC 2863 has it (`IF_OPER_*`): 6 is up, 2 down for want of a carrier.
    pub(crate) operation: u8,
    /// The largest packet that it takes, in bytes without the header of the link.
    pub(crate) mtu: u32,
}

impl Link {
    /// The interfaces of a namespace.
    pub(crate) fn all(route: &Netlink) -> io::Result<Vec<Self>> {
        let mut links = Vec::new();
        route.ask(&[Request::list(GET, header(0, 0, 0))], |kind, body| {
            if kind == NEW {
                links.extend(Self::read(body));
            }
        })?;
        Ok(links)
    }

    /// The interface of this name.
    pub(crate) fn named(route: &Netlink, name: &str) -> io::Result<Option<Self>> {
        Ok(Self::all(route)?.into_iter().find(|link| link.name == name))
    }

    /// The interface of this name among all of those of `what`.
    pub(crate) fn wanted<'a>(
        all: &'a [Self],
        name: &str,
        what: &str,
    ) -> Result<&'a Self, FaultError> {
        all.iter().find(|link| link.name == name).ok_or_else(|| {
            FaultError::no_target(
                format!("interface {name} of {what}"),
                format!("there are {}", Self::names(all)),
            )
        })
    }

    /// Their names, for people.
    pub(crate) fn names(all: &[Self]) -> String {
        let names: Vec<&str> = all.iter().map(|link| link.name.as_str()).collect();
        names.join(", ")
    }

    fn read(body: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_ne_bytes(*body.get(at..)?.first_chunk()?));
        let (index, flags) = (word(4)?, word(8)?);
        let attributes = body.get(HEADER..)?;
        let text = |value: &[u8]| {
            let value = value.strip_suffix(&[0]).unwrap_or(value);
            String::from_utf8_lossy(value).into_owned()
        };
        let mut link = Self {
            index,
            name: String::new(),
            kind: String::new(),
            alias: String::new(),
            is_up: flags & UP != 0,
            is_loopback: flags & LOOPBACK != 0,
            operation: 0,
            mtu: 0,
        };
        for (kind, value) in each(attributes) {
            match kind {
                NAME => link.name = text(value),
                MTU => {
                    link.mtu = value
                        .first_chunk()
                        .map_or(0, |mtu| u32::from_ne_bytes(*mtu));
                }
                OPERATION => link.operation = value.first().copied().unwrap_or(0),
                ALIAS => link.alias = text(value),
                INFO => link.kind = find(value, INFO_KIND).map(text).unwrap_or_default(),
                _ => {}
            }
        }
        Some(link)
    }

    /// Makes a device. Fails with `AlreadyExists` when there is one of that name.
    pub(crate) fn add(route: &Netlink, kind: &str, name: &str) -> io::Result<()> {
        let info = Attributes::new().text(INFO_KIND, kind);
        let attributes = Attributes::new().text(NAME, name).nested(INFO, &info);
        let body = [&header(0, 0, 0), attributes.as_bytes()].concat();
        let request = Request::act(NEW, flags::CREATE | flags::EXCL, body);
        route.ask(&[request], |_, _| {})
    }

    /// Writes something to an interface, and lets it work or not.
    pub(crate) fn set(
        route: &Netlink,
        index: u32,
        alias: Option<&str>,
        up: bool,
    ) -> io::Result<()> {
        let attributes = match alias {
            Some(alias) => Attributes::new().bytes(ALIAS, alias.as_bytes()),
            None => Attributes::new(),
        };
        let body = [&header(index, u32::from(up), UP), attributes.as_bytes()].concat();
        route.ask(&[Request::act(NEW, 0, body)], |_, _| {})
    }

    /// Removes a device.
    pub(crate) fn delete(route: &Netlink, index: u32) -> io::Result<()> {
        route.ask(&[Request::act(DEL, 0, header(index, 0, 0))], |_, _| {})
    }
}

fn header(index: u32, flags: u32, change: u32) -> Vec<u8> {
    let mut header = vec![0; 4];
    header.extend(index.to_ne_bytes());
    header.extend(flags.to_ne_bytes());
    header.extend(change.to_ne_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_read_from_its_bytes() {
        let info = Attributes::new().text(INFO_KIND, "ifb");
        let attributes = Attributes::new()
            .text(NAME, "chaos01")
            .bytes(ALIAS, b"ours")
            .native(MTU, 9000)
            .nested(INFO, &info);
        let body = [&header(7, UP, 0), attributes.as_bytes()].concat();
        let link = Link::read(&body).unwrap();
        assert_eq!((link.index, link.is_up, link.is_loopback), (7, true, false));
        assert_eq!(link.mtu, 9000);
        assert_eq!(
            (&*link.name, &*link.kind, &*link.alias),
            ("chaos01", "ifb", "ours")
        );
        assert_eq!(Link::read(&body[..10]), None);
    }
}
