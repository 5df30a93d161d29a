//! Queries by UDP.

use super::{
    fate::{Fate, fate},
    shared::Shared,
};
use crate::{
    asked::{Client, Transport, answers},
    reply::upstream_failed,
};
use socket2::SockRef;
use std::{
    io::{self, Read},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::Interest,
    net::UdpSocket,
    sync::Semaphore,
    time::{sleep, timeout},
};

/// More does no datagram hold.
const LONGEST: usize = 65_535;
/// How many queries may ask the upstream at a time: each has a descriptor.
const MOST_ASKING: usize = 256;
/// How many bytes the queries that wait may take.
const ROOM: usize = 16 * 1024 * 1024;
/// What a query takes beside its bytes.
const EACH: usize = 1536;
/// How long to wait when nothing can be received.
const PAUSE: Duration = Duration::from_millis(10);

/// Serves every query, each in a task of its own, until the proxy is closed.
pub(super) async fn serve(shared: Arc<Shared>, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let room = Arc::new(Semaphore::new(ROOM));
    let asking = Arc::new(Semaphore::new(MOST_ASKING));
    let mut buffer = vec![0; LONGEST];
    let mut told = false;
    loop {
        let (length, from) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                tracing::debug!(%error, proxy = %shared, "cannot receive");
                sleep(PAUSE).await;
                continue;
            }
        };
        let bytes = u32::try_from(length + EACH).unwrap_or(u32::MAX);
        let Ok(place) = Arc::clone(&room).try_acquire_many_owned(bytes) else {
            // As a full receive buffer does. Told once for each time that it begins.
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(proxy = %shared, "too many queries wait; more are dropped");
            }
            continue;
        };
        told = false;
        let query = buffer[..length].to_vec();
        let (shared, socket) = (Arc::clone(&shared), Arc::clone(&socket));
        let asking = Arc::clone(&asking);
        drop(tokio::spawn(async move {
            tokio::select! {
                () = shared.faults().closed() => {}
                () = answer(&shared, &socket, &asking, &query, from) => {}
            }
            drop(place);
        }));
    }
}

async fn answer(
    shared: &Shared,
    socket: &UdpSocket,
    asking: &Semaphore,
    query: &[u8],
    from: SocketAddr,
) {
    let client = Client::new(Transport::Udp, from);
    let answer = match fate(shared, query, client).await {
        Fate::Forward => match timeout(shared.timeout(), ask(shared, asking, query)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(%error, proxy = %shared, "the upstream cannot be asked");
                upstream_failed(query, client)
            }
            Err(_) => upstream_failed(query, client),
        },
        Fate::Answer(answer) => Some(answer),
        Fate::Silence(_) | Fate::Nothing => None,
    };
    if let Some(answer) = answer
        && let Err(error) = socket.send_to(&answer, from).await
    {
        tracing::debug!(%error, proxy = %shared, client = %from, "cannot answer");
    }
}

/// Asks the upstream from a port that only this query has.
async fn ask(shared: &Shared, asking: &Semaphore, query: &[u8]) -> io::Result<Vec<u8>> {
    // It is never closed.
    let _place = asking.acquire().await.map_err(io::Error::other)?;
    let upstream = shared.upstream();
    let any = match upstream {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    // From then on the system takes datagrams from there only, and tells when nobody listens.
    socket.connect(upstream).await?;
    socket.send(query).await?;
    let mut buffer = vec![0; LONGEST];
    loop {
        // That nobody listens is told as an error, and not as something to be read.
        let received = socket.async_io(Interest::READABLE | Interest::ERROR, || {
            (&*SockRef::from(&socket)).read(&mut buffer)
        });
        let length = received.await?;
        if answers(&buffer[..length], query) {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}
