//! One client of a proxy for datagrams, and its socket towards the upstream.

use super::{
    super::{
        clock::Timer, door::Peer, faults::Follower, moved::Moved, pipe::Allowance, scratch,
        shared::Shared, stack::Link,
    },
    line::Line,
    under_way::UnderWay,
    upstream,
};
use crate::direction::Flow;
use std::{
    future::poll_fn,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};
use tokio::{io::ReadBuf, net::UdpSocket};

/// One client of a proxy for datagrams.
///
/// Datagrams of the client are handed to it by who reads the port; its task does the rest. Both run on the same worker.
#[derive(Debug)]
pub(super) struct Session {
    peer: Peer,
    link: Link,
    state: Mutex<State>,
}

/// Why a session is no more: the proxy was closed, or a fault has cut it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended;

/// Nobody listens where the upstream was, so its name may lead elsewhere by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refused;

#[derive(Debug)]
struct State {
    follower: Follower,
    /// From the client.
    up: Line,
    /// To the client.
    down: Line,
    upstream: Option<UdpSocket>,
    refused: bool,
    /// When a datagram came from either side the last time.
    used: Instant,
    timer: Timer,
    waker: Option<Waker>,
    ended: bool,
}

impl Session {
    /// When to try again what the kernel has no room for at the moment.
    const AGAIN: Duration = Duration::from_millis(1);
    /// How often the name of an upstream that refuses is looked up again.
    const LOOK_UP: Duration = Duration::from_secs(1);
    /// What a datagram costs at least of what may be moved before others get their turn.
    pub(super) const LEAST: usize = 1024;

    pub(super) fn new(
        shared: &Arc<Shared>,
        link: Link,
        peer: Peer,
        under_way: &Arc<UnderWay>,
    ) -> Self {
        Self {
            peer,
            link,
            state: Mutex::new(State {
                follower: Follower::new(Arc::clone(shared), link.number),
                up: Line::new(Flow::Upstream, under_way),
                down: Line::new(Flow::Downstream, under_way),
                upstream: None,
                refused: false,
                used: Instant::now(),
                timer: Timer::default(),
                waker: None,
                ended: false,
            }),
        }
    }

    /// When a datagram came from either side the last time.
    pub(super) fn used(&self) -> Instant {
        self.state().used
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        let state = self.state();
        state.up.is_empty() && state.down.is_empty()
    }

    /// A datagram of the client.
    pub(super) fn come(&self, data: &[u8]) -> Result<(), Ended> {
        let mut state = self.state();
        let now = Instant::now();
        state.used = now;
        let changed = state.follow(&self.link)?;
        if !state.up.is_clear() || !state.send_up(data) {
            state.way(Flow::Upstream).staged(data.len());
            state.up.come(data, now);
        } else {
            state.way(Flow::Upstream).copied(data.len());
            if !changed && !state.refused {
                return Ok(());
            }
        }
        if let Some(waker) = &state.waker {
            waker.wake_by_ref();
        }
        Ok(())
    }

    /// Does what is to be done beside: connects to the upstream, lets on what waits, takes what comes back.
    pub(super) async fn run(&self) {
        let shared = self.state().follower.shared_with();
        loop {
            match upstream::connect(shared.upstream(), shared.address()).await {
                Ok(socket) => {
                    shared.reached();
                    break self.state().upstream = Some(socket);
                }
                Err(error) => {
                    shared.unreachable(&error);
                }
            }
            // What has come until now is lost, and what comes next is reason to try again.
            self.state().drop_up();
            poll_fn(|cx| self.poll_wanted(cx)).await;
        }
        let mut looked_up = Instant::now();
        while let Err(Refused) = poll_fn(|cx| self.poll(cx, Some(looked_up + Self::LOOK_UP))).await
        {
            let again = upstream::connect(shared.upstream(), shared.address());
            tokio::select! {
                biased;
                _ = poll_fn(|cx| self.poll(cx, None)) => return,
                again = again => if let Ok(socket) = again {
                    self.state().follow_upstream(socket);
                },
            }
            looked_up = Instant::now();
        }
    }

    /// Whether there is something for the upstream.
    fn poll_wanted(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        state.listen(cx);
        match state.up.is_empty() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// Ready when the session has ended, or, from some time on, when the upstream refuses.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        refused_from: Option<Instant>,
    ) -> Poll<Result<(), Refused>> {
        let mut state = self.state();
        let state = &mut *state;
        state.listen(cx);
        let mut allowance = Allowance::new();
        loop {
            if state.follow(&self.link).is_err() {
                return Poll::Ready(Ok(()));
            }
            let now = Instant::now();
            let blocked = state.send(self.peer, now);
            if state.refused && refused_from.is_some_and(|from| from <= now) {
                state.refused = false;
                return Poll::Ready(Err(Refused));
            }
            let mut wake = [state.up.next(), state.down.next()]
                .into_iter()
                .flatten()
                .min();
            if blocked {
                let again = now + Self::AGAIN;
                wake = Some(wake.map_or(again, |wake| wake.min(again)));
            }
            match (state.poll_take(cx, self.peer, &self.link), wake) {
                (Poll::Ready(len), _) => ready!(allowance.poll_spend(cx, len.max(Self::LEAST))),
                (Poll::Pending, Some(at)) => ready!(state.timer.poll(cx, at)),
                (Poll::Pending, None) => {
                    state.timer.clear();
                    return Poll::Pending;
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Has the task woken from now on: by faults, datagrams of the client, and the upstream.
    fn listen(&mut self, cx: &Context<'_>) {
        self.follower.listen(cx);
        let known = self.waker.as_ref();
        if !known.is_some_and(|known| known.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
    }

    /// Goes on with another socket when that leads elsewhere.
    fn follow_upstream(&mut self, socket: UdpSocket) {
        let at = |socket: &UdpSocket| socket.peer_addr().ok();
        if self.upstream.as_ref().and_then(at) != at(&socket) {
            self.upstream = Some(socket);
        }
    }

    /// Takes over the faults that are on the proxy now; whether they are others.
    fn follow(&mut self, link: &Link) -> Result<bool, Ended> {
        if self.ended {
            return Err(Ended);
        }
        let Some(news) = self.follower.news() else {
            return Ok(false);
        };
        let now = Instant::now();
        match news {
            Ok(stack) if !stack.cuts_off(link) => {
                self.up.follow(&stack, link, now);
                self.down.follow(&stack, link, now);
                return Ok(true);
            }
            Ok(stack) => stack.count_cut(link),
            Err(_closed) => {}
        }
        self.ended = true;
        self.waker.iter().for_each(Waker::wake_by_ref);
        Err(Ended)
    }

    /// Sends what is due, both ways. Whether some of it has to be tried again.
    fn send(&mut self, peer: Peer, now: Instant) -> bool {
        self.up.advance(now);
        self.down.advance(now);
        let mut blocked = false;
        while let Some(data) = self.up.first_out().cloned() {
            if !self.send_up(&data) {
                blocked = true;
                break;
            }
            self.up.sent();
        }
        while let Some(data) = self.down.first_out().cloned() {
            if !self.send_down(&data, peer) {
                blocked = true;
                break;
            }
            self.down.sent();
        }
        self.count_dropped();
        blocked
    }

    /// Sends a datagram to the upstream, if there is room for it in the kernel.
    fn send_up(&mut self, data: &[u8]) -> bool {
        let Some(upstream) = &self.upstream else {
            return false;
        };
        let sent = match upstream.try_send(data) {
            // That is about one before it, to which nobody listened; this one was not sent.
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                self.refused = true;
                upstream.try_send(data)
            }
            sent => sent,
        };
        self.is_sent(sent.map(drop), Flow::Upstream, data)
    }

    /// Sends a datagram to the client, if there is room for it in the kernel.
    fn send_down(&self, data: &[u8], peer: Peer) -> bool {
        let sent = self.follower.shared().door().send(data, peer);
        self.is_sent(sent, Flow::Downstream, data)
    }

    fn is_sent(&self, sent: io::Result<()>, flow: Flow, data: &[u8]) -> bool {
        match sent {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
            Ok(()) => self.way(flow).sent(data.len()),
            Err(error) => {
                // A datagram that cannot be sent is lost, as on any way.
                tracing::debug!(%error, len = data.len(), "a datagram cannot be sent");
                self.follower.shared().moved().dropped(1);
            }
        }
        true
    }

    /// What went through the proxy that way.
    fn way(&self, flow: Flow) -> &Moved {
        self.follower.shared().moved().way(flow)
    }

    /// Takes one datagram of the upstream; how long it is.
    fn poll_take(&mut self, cx: &mut Context<'_>, peer: Peer, link: &Link) -> Poll<usize> {
        scratch::with(|buffer| {
            let Some(upstream) = &self.upstream else {
                return Poll::Pending;
            };
            let mut buffer = ReadBuf::new(buffer);
            if let Err(error) = ready!(upstream.poll_recv(cx, &mut buffer)) {
                // Nobody listens there now (ICMP port unreachable); somebody may later.
                tracing::debug!(%error, "the upstream does not take datagrams");
                self.refused |= error.kind() == io::ErrorKind::ConnectionRefused;
                return Poll::Ready(0);
            }
            let (data, now) = (buffer.filled(), Instant::now());
            self.used = now;
            self.refused = false;
            // It may have been sent after the faults changed, however lately they were looked at.
            if self.follow(link).is_err() {
                return Poll::Ready(0);
            }
            if !self.down.is_clear() || !self.send_down(data, peer) {
                self.way(Flow::Downstream).staged(data.len());
                self.down.come(data, now);
            } else {
                self.way(Flow::Downstream).copied(data.len());
            }
            Poll::Ready(data.len())
        })
    }

    /// What is under way to the upstream is lost.
    fn drop_up(&mut self) {
        self.up.clear();
        self.count_dropped();
    }

    fn count_dropped(&mut self) {
        let dropped = self.up.take_dropped() + self.down.take_dropped();
        self.follower.shared().moved().dropped(dropped);
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // What is under way when a session ends is lost.
        self.up.clear();
        self.down.clear();
        self.count_dropped();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Blackhole, Proxy,
        connections::Picked,
        proxy::{InPlace, workers},
    };
    use chaos_core::{Held, Seed};

    #[tokio::test]
    async fn what_is_sent_right_after_a_fault_was_put_is_hit_both_ways() {
        let upstream = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::udp(upstream.local_addr().unwrap()).await.unwrap();
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for socket in [&upstream, &client] {
            socket.set_nonblocking(true).unwrap();
        }
        let test = async move {
            let (peer, link) = (
                Peer {
                    client: client.local_addr().unwrap(),
                    local: None,
                },
                Link {
                    number: 0,
                    cuts: 0,
                    client: None,
                },
            );
            let shared = proxy.shared();
            let session = Session::new(shared, link, peer, shared.under_way());
            let connected = upstream::connect(shared.upstream(), shared.address()).await;
            let connected = connected.unwrap();
            let at = connected.local_addr().unwrap();
            session.state().upstream = Some(connected);
            session.state().follow(&link).unwrap();
            let hole = Arc::new(Blackhole::new());
            let hole = InPlace::put(shared, hole, Picked::default(), Seed::new(1));
            upstream.send_to(b"answer", at).unwrap();
            let len = poll_fn(|cx| session.state().poll_take(cx, peer, &link)).await;
            assert_eq!((len, hole.hits()), (6, Some(1)));
            session.come(b"request").unwrap();
            assert_eq!(hole.hits(), Some(2));
            for socket in [&upstream, &client] {
                let nothing = socket.recv(&mut [0; 10]).unwrap_err();
                assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
            }
        };
        // There is the clock.
        let worker = workers::home().unwrap();
        worker.handle().spawn(test).await.unwrap();
    }
}
