//! One client and its upstream.

use super::{
    clock::Timer,
    effect::Gate,
    faults::{Closed, Follower},
    relay::{Close, Relay},
    stack::{Active, Link},
    stream::Stream,
};
use bytes::{Bytes, BytesMut};
use std::{
    future::poll_fn,
    time::{Duration, Instant},
};
use tokio::io::AsyncReadExt;

/// How much a client may say before its upstream is there.
const EARLY: usize = 64 * 1024;

/// Serves one client until it or its upstream is gone.
pub(crate) async fn serve(mut follower: Follower, link: Link, mut client: Stream) {
    let mut upstream = None;
    // Boxed, because it is large and soon over.
    let opening = Box::pin(open(link, &mut client, &mut follower, &mut upstream)).await;
    let close = match (opening, &mut upstream) {
        (Ok(early), Some(upstream)) => {
            Relay::new((&mut client, upstream), &mut follower, link, early).await
        }
        (Ok(_), None) => Close::Gently,
        (Err(close), _) => close,
    };
    if let Close::Cut = close {
        follower.shared().faults().stack().count_cut(&link);
    }
    if let Close::Reset | Close::Cut = close {
        client.reset();
        if let Some(upstream) = upstream {
            upstream.reset();
        }
    }
}

/// Connects to the upstream as soon as the faults let it, and returns what the client said until then.
async fn open(
    link: Link,
    client: &mut Stream,
    follower: &mut Follower,
    upstream: &mut Option<Stream>,
) -> Result<Bytes, Close> {
    let early = held(link, client, follower).await?;
    let address = follower.shared().upstream().to_owned();
    let connected = tokio::select! {
        connected = Stream::connect(&address) => connected,
        close = cut(link, follower) => return Err(close),
    };
    match connected {
        // A name may have come to mean this proxy since.
        Ok(connected) if connected.leads_to(follower.shared().address()) => {
            tracing::warn!(upstream = address, "the upstream is the proxy itself");
            Err(Close::Reset)
        }
        Ok(connected) => {
            *upstream = Some(connected);
            Ok(early)
        }
        Err(error) => {
            tracing::debug!(upstream = address, %error, "the upstream cannot be reached");
            Err(follower.shared().unreachable())
        }
    }
}

/// Waits while a fault holds new connections or delays them. A held client that gives up meanwhile is let go, or a long fault would
/// collect dead connections.
async fn held(link: Link, client: &mut Stream, follower: &mut Follower) -> Result<Bytes, Close> {
    let mut early = BytesMut::new();
    let mut counted = Vec::new();
    let mut count = |active: &Active| {
        if !counted.contains(&active.id) {
            counted.push(active.id);
            active.count.hit();
        }
    };
    let began = Instant::now();
    let mut timer = Timer::default();
    let mut stack = follower.changed().await.map_err(gently)?;
    loop {
        if stack.cuts_off(&link) {
            return Err(Close::Cut);
        }
        let mut wait = Duration::ZERO;
        for (active, delay) in stack.delays(&link) {
            wait += delay;
            count(active);
        }
        let hold = stack.gate(Gate::Hold, &link);
        let is_held = hold.is_some();
        if let Some(hold) = hold {
            count(hold);
        } else if began.elapsed() >= wait {
            return Ok(early.freeze());
        }
        tokio::select! {
            changed = follower.changed() => stack = changed.map_err(gently)?,
            read = client.read_buf(&mut early), if is_held && early.len() < EARLY => match read {
                Ok(0) => return Err(Close::Gently),
                Ok(_) => {}
                Err(_) => return Err(Close::Reset),
            },
            // What a client says meanwhile stays with the kernel, and so does its end.
            () = poll_fn(|cx| timer.poll(cx, began + wait)), if !is_held => {}
        }
    }
}

/// Waits until a fault cuts the connection or the proxy is closed.
async fn cut(link: Link, follower: &mut Follower) -> Close {
    loop {
        match follower.changed().await {
            Ok(stack) if stack.cuts_off(&link) => return Close::Cut,
            Ok(_) => {}
            Err(closed) => return gently(closed),
        }
    }
}

fn gently(_: Closed) -> Close {
    Close::Gently
}
