//! The loop behind the port of a proxy for datagrams.

use super::{
    super::{
        clock::{self, Timer},
        pipe::Allowance,
        scratch,
        shared::Shared,
    },
    session::Session,
    sessions::Sessions,
};
use std::{
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::io::ReadBuf;

/// How long to wait when nothing can be received.
const PAUSE: Duration = Duration::from_millis(10);

/// Hands every datagram to the session of its client, until the proxy is closed.
pub(crate) async fn receive(shared: Arc<Shared>) {
    let mut sessions = Sessions::new(Arc::clone(&shared), most_sessions());
    let mut timer = Timer::default();
    let mut told = false;
    loop {
        let failed = poll_fn(|cx| poll(cx, &shared, &mut sessions, &mut timer));
        let error = failed.await;
        // A reply that a client did not take (on Windows only).
        if error.kind() == io::ErrorKind::ConnectionReset {
            continue;
        }
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(%error, proxy = %shared, "cannot receive datagrams");
        }
        clock::pause(PAUSE).await;
    }
}

/// Ready when nothing can be received.
fn poll(
    cx: &mut Context<'_>,
    shared: &Shared,
    sessions: &mut Sessions,
    timer: &mut Timer,
) -> Poll<io::Error> {
    let mut allowance = Allowance::new();
    loop {
        let received = scratch::with(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            let received = shared.door().poll_receive(cx, &mut buffer);
            received.map_ok(|peer| {
                sessions.come(peer, buffer.filled());
                buffer.filled().len()
            })
        });
        match received {
            Poll::Ready(Ok(len)) => {
                ready!(allowance.poll_spend(cx, len.max(Session::LEAST)));
                continue;
            }
            Poll::Ready(Err(error)) => return Poll::Ready(error),
            Poll::Pending => {}
        }
        let Some(at) = sessions.next_idle() else {
            timer.clear();
            return Poll::Pending;
        };
        ready!(timer.poll(cx, at));
        sessions.end_idle(Instant::now());
    }
}

/// How many sessions there may be: each has a socket, and most of what the process may open is for others.
fn most_sessions() -> usize {
    const FEWEST: usize = 64;
    #[cfg(target_os = "linux")]
    {
        const MOST: usize = 4096;
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let quarter = limit.and_then(|limit| usize::try_from(limit / 4).ok());
        quarter.unwrap_or(MOST).clamp(FEWEST, MOST)
    }
    #[cfg(not(target_os = "linux"))]
    {
        FEWEST
    }
}
