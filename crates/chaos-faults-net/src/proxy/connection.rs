//! One client and its upstream.

use super::{
    effect::Gate,
    pipe::{End, Pipe},
    shared::Shared,
    stack::Stack,
};
use crate::direction::Flow;
use bytes::{Bytes, BytesMut};
use std::{io, pin::pin, sync::Arc};
use tokio::{io::AsyncReadExt, net::TcpStream, sync::watch};

/// How much a client may say before its upstream is there.
const EARLY: usize = 64 * 1024;

/// Which connection it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Its number on the proxy.
    pub(crate) number: u64,
    /// How many faults had cut connections before it was accepted.
    pub(crate) cuts: u64,
}

/// How a connection ends.
enum Close {
    /// As its two ends ended it.
    Gently,
    /// With a reset for both ends.
    Reset,
    /// The same, by a fault.
    Cut,
}

/// Serves one client until it or its upstream is gone.
pub(crate) async fn serve(shared: Arc<Shared>, mut client: TcpStream, number: u64) {
    let mut faults = shared.faults();
    let link = Link {
        number,
        cuts: faults.borrow().cuts(),
    };
    let mut upstream = None;
    let close = match early(&shared, link, &mut client, &mut faults, &mut upstream).await {
        Ok(early) => match &mut upstream {
            Some(upstream) => relay(&mut client, upstream, &faults, link, early).await,
            None => Close::Gently,
        },
        Err(close) => close,
    };
    if let Close::Cut = close {
        faults.borrow().count_cut();
    }
    if let Close::Reset | Close::Cut = close {
        for stream in [Some(client), upstream].into_iter().flatten() {
            // It fails only for a connection that is gone already.
            stream.set_zero_linger().ok();
        }
    }
}

/// Connects to the upstream as soon as the faults let it, and returns what the client said until then.
async fn early(
    shared: &Shared,
    link: Link,
    client: &mut TcpStream,
    faults: &mut watch::Receiver<Arc<Stack>>,
    upstream: &mut Option<TcpStream>,
) -> Result<Bytes, Close> {
    let early = held(link, client, faults).await?;
    let connect = async {
        let upstream = TcpStream::connect(shared.upstream()).await?;
        upstream.set_nodelay(true)?;
        client.set_nodelay(true)?;
        Ok::<_, io::Error>(upstream)
    };
    let connected = tokio::select! {
        connected = connect => connected,
        close = cut(link, faults) => return Err(close),
    };
    match connected {
        Ok(connected) => {
            *upstream = Some(connected);
            Ok(early)
        }
        Err(error) => {
            tracing::debug!(upstream = shared.upstream(), %error, "the upstream cannot be reached");
            Err(Close::Reset)
        }
    }
}

/// Waits while a fault holds new connections. A client that gives up meanwhile is let go, or a long fault would
/// collect dead connections.
async fn held(
    link: Link,
    client: &mut TcpStream,
    faults: &mut watch::Receiver<Arc<Stack>>,
) -> Result<Bytes, Close> {
    let mut early = BytesMut::new();
    let mut counted = Vec::new();
    loop {
        {
            let stack = faults.borrow_and_update();
            if stack.cuts_off(link.cuts) {
                return Err(Close::Cut);
            }
            let Some(hold) = stack.gate(Gate::Hold) else {
                return Ok(early.freeze());
            };
            if !counted.contains(&hold.id) {
                counted.push(hold.id);
                hold.hits.hit();
            }
        }
        tokio::select! {
            changed = faults.changed() => changed.map_err(|_| Close::Gently)?,
            read = client.read_buf(&mut early), if early.len() < EARLY => match read {
                Ok(0) => return Err(Close::Gently),
                Ok(_) => {}
                Err(_) => return Err(Close::Reset),
            },
        }
    }
}

/// Waits until a fault cuts the connection or the proxy is closed.
async fn cut(link: Link, faults: &mut watch::Receiver<Arc<Stack>>) -> Close {
    match faults.wait_for(|stack| stack.cuts_off(link.cuts)).await {
        Ok(_) => Close::Cut,
        Err(_) => Close::Gently,
    }
}

/// Moves data both ways until both ends have said all or one is gone.
async fn relay(
    client: &mut TcpStream,
    upstream: &mut TcpStream,
    faults: &watch::Receiver<Arc<Stack>>,
    link: Link,
    early: Bytes,
) -> Close {
    let (from_client, to_client) = client.split();
    let (from_upstream, to_upstream) = upstream.split();
    let pipe = |ends, flow, early| Pipe::new(ends, faults.clone(), (link, flow), early).run();
    let mut up = pin!(pipe((from_client, to_upstream), Flow::Upstream, early));
    let mut down = pin!(pipe(
        (from_upstream, to_client),
        Flow::Downstream,
        Bytes::new()
    ));
    let first = tokio::select! {
        end = &mut up => (end, true),
        end = &mut down => (end, false),
    };
    let second = match first {
        (End::Cut, _) => return Close::Cut,
        (End::SenderGone, _) => return Close::Reset,
        (End::Closed, _) => return Close::Gently,
        // The other direction may still have something to deliver.
        (End::Finished | End::ReceiverGone, true) => down.await,
        (End::Finished | End::ReceiverGone, false) => up.await,
    };
    match (first.0, second) {
        (End::Finished, End::Finished) | (_, End::Closed) => Close::Gently,
        (_, End::Cut) => Close::Cut,
        _ => Close::Reset,
    }
}
