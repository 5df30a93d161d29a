//! The addresses of a namespace.

use crate::netlink::{Netlink, Request, find};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// `RTM_NEWADDR`, `RTM_GETADDR`, `struct ifaddrmsg`.
const NEW: u16 = 20;
const GET: u16 = 22;
const HEADER: usize = 8;
/// `IFA_ADDRESS`, `IFA_LOCAL`: with a peer at the other end of the link the first is the peer's.
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
/// `RT_SCOPE_LINK`: what is of this scope or a narrower one is nobody else's to reach.
const LINK: u8 = 253;

/// The addresses at which others reach a namespace: not those of its loopback interface and of its links alone.
pub(crate) fn addresses(route: &Netlink) -> io::Result<Vec<IpAddr>> {
    let mut found = Vec::new();
    let all = vec![0; HEADER];
    route.ask(&[Request::list(GET, all)], |kind, body| {
        if kind == NEW {
            found.extend(read(body));
        }
    })?;
    Ok(found)
}

fn read(body: &[u8]) -> Option<IpAddr> {
    let scope = *body.get(3)?;
    let attributes = body.get(HEADER..)?;
    let address = find(attributes, LOCAL).or_else(|| find(attributes, ADDRESS))?;
    let address = match address.len() {
        4 => Ipv4Addr::from(*address.first_chunk::<4>()?).into(),
        _ => Ipv6Addr::from(*address.first_chunk::<16>()?).into(),
    };
    (scope < LINK).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::Attributes;

    #[test]
    fn only_addresses_that_others_reach_are_told() {
        let body = |family: u8, scope: u8, address: &[u8]| {
            let attributes = Attributes::new().bytes(ADDRESS, address);
            [&[family, 24, 0, scope, 2, 0, 0, 0], attributes.as_bytes()].concat()
        };
        assert_eq!(
            read(&body(2, 0, &[10, 9, 0, 1])),
            Some([10, 9, 0, 1].into())
        );
        let v6: Ipv6Addr = "fd09::1".parse().unwrap();
        assert_eq!(read(&body(10, 0, &v6.octets())), Some(v6.into()));
        assert_eq!(read(&body(2, 254, &[127, 0, 0, 1])), None);
        assert_eq!(read(&body(2, 0, &[10])), None);
        assert_eq!(read(&[2, 24]), None);
    }
}
