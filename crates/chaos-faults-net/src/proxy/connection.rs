//! One client and its upstream.

use super::{
    clock::Timer,
    departure::Departure,
    effect::Gate,
    faults::{Closed, Follower},
    relay::{Close, Relay},
    stack::{Active, Link},
    stream::Stream,
    watch::{Gone, Unread, Watch},
};
use bytes::{Bytes, BytesMut};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, ready},
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
    let shared = follower.shared_with();
    let connected = tokio::select! {
        connected = Stream::connect(shared.upstream(), shared.address()) => connected,
        close = cut(link, follower) => return Err(close),
    };
    match connected {
        Ok(connected) => {
            shared.reached();
            *upstream = Some(connected);
            Ok(early)
        }
        Err(error) => Err(shared.unreachable(&error)),
    }
}

/// Waits while a fault holds new connections or delays them. A held client that is gone meanwhile is let go, or a long fault would
/// collect dead connections. One that has ended its stream may be gone or want an answer: some of these are kept, for a time.
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
    let mut ended = None;
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
        // While it is only delayed, what a client says stays with the kernel, and so does its end.
        let mut watch = match is_held && ended.is_none() {
            true => Watch::for_the_end(),
            false => Watch::default(),
        };
        let until = match &ended {
            Some((since, _)) if is_held => Some(*since + Departure::LINGER),
            _ if is_held => None,
            _ => Some(began + wait),
        };
        tokio::select! {
            changed = follower.changed() => stack = changed.map_err(gently)?,
            heard = poll_fn(|cx| {
                let room = is_held && ended.is_none() && early.len() < EARLY;
                poll_waiting(cx, client, room.then_some(&mut early), &mut watch)
            }) => match heard? {
                Heard::More => {}
                Heard::End if is_held && ended.is_none() => {
                    let place = follower.shared().place_for_ended().ok_or(Close::Gently)?;
                    ended = Some((Instant::now(), place));
                }
                Heard::End => return Err(Close::Gently),
            },
            () = poll_fn(|cx| timer.poll(cx, until.unwrap_or(began))), if until.is_some() => {
                if is_held {
                    return Err(Close::Gently);
                }
            }
        }
    }
}

/// What is heard of a client that waits.
enum Heard {
    More,
    End,
}

/// Takes what a client that waits says, if there is room for it; an error when it is reset.
fn poll_waiting(
    cx: &mut Context<'_>,
    client: &mut Stream,
    room: Option<&mut BytesMut>,
    watch: &mut Watch,
) -> Poll<Result<Heard, Close>> {
    let Some(early) = room else {
        let unread = Unread {
            stream: client,
            told: false,
        };
        return Poll::Ready(match ready!(watch.poll(cx, unread)) {
            Gone::Closed => Ok(Heard::End),
            Gone::Reset => Err(Close::Reset),
        });
    };
    Poll::Ready(match ready!(pin!(client.read_buf(early)).poll(cx)) {
        Ok(0) => Ok(Heard::End),
        Ok(_) => Ok(Heard::More),
        Err(_) => Err(Close::Reset),
    })
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
