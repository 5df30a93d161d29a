//! One question to one DNS server.

use chaos_core::BoxError;
use hickory_proto::{
    op::{Message, MessageType, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};
use tokio::net::UdpSocket;

/// The longest datagram that is read.
const LONGEST: usize = 4096;

/// The addresses of a name, of IPv4 and IPv6.
pub(super) async fn addresses(
    server: SocketAddr,
    name: &str,
) -> Result<BTreeSet<IpAddr>, BoxError> {
    let mut name: Name = name.parse()?;
    name.set_fqdn(true);
    let mut found = BTreeSet::new();
    for kind in [RecordType::A, RecordType::AAAA] {
        found.extend(ask(server, Query::query(name.clone(), kind)).await?);
    }
    Ok(found)
}

async fn ask(server: SocketAddr, query: Query) -> Result<Vec<IpAddr>, BoxError> {
    let any: SocketAddr = match server.is_ipv4() {
        true => ([0; 4], 0).into(),
        false => ([0; 16], 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(query);
    socket.send(&question.to_vec()?).await?;
    let mut datagram = [0; LONGEST];
    loop {
        let length = socket.recv(&mut datagram).await?;
        let answer = Message::from_vec(&datagram[..length])
            .map_err(|e| format!("{server} answered no DNS: {e}"))?;
        // Somebody else's answer is not waited for in vain: the right one may come yet.
        if answer.metadata.id != question.metadata.id
            || answer.metadata.message_type != MessageType::Response
        {
            continue;
        }
        return match answer.metadata.response_code {
            ResponseCode::NoError if answer.metadata.truncation => {
                Err(format!("{server} answered in part: the answer is too long").into())
            }
            ResponseCode::NoError => Ok(answer.answers.iter().filter_map(address).collect()),
            ResponseCode::NXDomain => Ok(Vec::new()),
            other => Err(format!("{server} answered {other}").into()),
        };
    }
}

fn address(record: &hickory_proto::rr::Record) -> Option<IpAddr> {
    match &record.data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}
