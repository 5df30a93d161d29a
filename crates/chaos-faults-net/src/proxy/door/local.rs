//! Datagrams of a socket that is bound to all addresses: to which of them they came, and from which they go.

use super::udp::Peer;
use nix::{
    cmsg_space,
    sys::socket::{
        ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg,
        setsockopt,
        sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo},
    },
};
use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsFd, AsRawFd},
};

/// Has the kernel say to which address each datagram came (`IP_PKTINFO`, `IPV6_RECVPKTINFO`).
pub(super) fn tell(socket: &impl AsFd, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4PacketInfo, &true)?,
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvPacketInfo, &true)?,
    }
    Ok(())
}

/// Takes one datagram; how long it is, and between whom it is.
pub(super) fn receive(socket: &impl AsRawFd, buffer: &mut [u8]) -> io::Result<(usize, Peer)> {
    // What the smaller one needs has room, too.
    let mut space = cmsg_space!(nix::libc::in6_pktinfo);
    let mut buffers = [IoSliceMut::new(buffer)];
    let fd = socket.as_raw_fd();
    let message =
        recvmsg::<SockaddrStorage>(fd, &mut buffers, Some(&mut space), MsgFlags::empty())?;
    let client = message.address.as_ref().and_then(socket_address);
    let local = message.cmsgs()?.find_map(|told| match told {
        // The address that an answer is to come from; the other one may be that of all hosts.
        ControlMessageOwned::Ipv4PacketInfo(info) => {
            Some(Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr)).into())
        }
        ControlMessageOwned::Ipv6PacketInfo(info) => {
            Some(IpAddr::from(Ipv6Addr::from(info.ipi6_addr.s6_addr)))
        }
        _ => None,
    });
    let peer = Peer {
        client: client.ok_or(io::ErrorKind::InvalidData)?,
        local: local.filter(|local| !local.is_multicast()),
    };
    Ok((message.bytes, peer))
}

/// Sends one datagram.
pub(super) fn send(socket: &impl AsRawFd, data: &[u8], peer: Peer) -> io::Result<()> {
    let (fd, to) = (socket.as_raw_fd(), SockaddrStorage::from(peer.client));
    let send = |from: &[ControlMessage<'_>]| {
        sendmsg(
            fd,
            &[IoSlice::new(data)],
            from,
            MsgFlags::empty(),
            Some(&to),
        )
    };
    match peer.local {
        Some(IpAddr::V4(local)) => {
            let address = |ip| nix::libc::in_addr {
                s_addr: u32::from(ip).to_be(),
            };
            send(&[ControlMessage::Ipv4PacketInfo(&nix::libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: address(local),
                ipi_addr: address(Ipv4Addr::UNSPECIFIED),
            })])
        }
        Some(IpAddr::V6(local)) => {
            let ipi6_addr = nix::libc::in6_addr {
                s6_addr: local.octets(),
            };
            send(&[ControlMessage::Ipv6PacketInfo(&nix::libc::in6_pktinfo {
                ipi6_addr,
                ipi6_ifindex: 0,
            })])
        }
        None => send(&[]),
    }?;
    Ok(())
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().copied();
    let v6 = address.as_sockaddr_in6().copied();
    v4.map(|v4| SocketAddrV4::from(v4).into())
        .or(v6.map(|v6| SocketAddrV6::from(v6).into()))
}
