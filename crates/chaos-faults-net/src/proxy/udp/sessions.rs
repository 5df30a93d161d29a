//! The sessions of a proxy: who they are, and when one is over.

use super::{
    super::{door::Peer, shared::Shared, stack::Link},
    session::Session,
    under_way::UnderWay,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, binary_heap::PeekMut},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::AbortHandle;

/// The sessions of a proxy.
#[derive(Debug)]
pub(super) struct Sessions {
    shared: Arc<Shared>,
    under_way: Arc<UnderWay>,
    by_peer: HashMap<Peer, Entry>,
    /// When each was used at some time, and its number; looked at again when that is the oldest of all.
    by_use: BinaryHeap<Reverse<(Instant, u64, Peer)>>,
    next: u64,
    most: usize,
}

/// A session and its task, which ends with it.
#[derive(Debug)]
struct Entry {
    session: Arc<Session>,
    number: u64,
    task: AbortHandle,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sessions {
    /// How long a session lasts that is not used.
    pub(super) const IDLE: Duration = Duration::from_secs(60);

    pub(super) fn new(shared: Arc<Shared>, most: usize) -> Self {
        Self {
            under_way: Arc::clone(shared.under_way()),
            shared,
            by_peer: HashMap::new(),
            by_use: BinaryHeap::new(),
            next: 0,
            most: most.max(1),
        }
    }

    /// Hands a datagram to the session of its peer, which is begun with the first one.
    pub(super) fn come(&mut self, peer: Peer, data: &[u8]) {
        let session = self.by_peer.get(&peer);
        if session.is_some_and(|entry| entry.session.come(data).is_ok()) {
            return;
        }
        if session.is_none() && self.by_peer.len() >= self.most {
            self.end_oldest();
        }
        // There is none, or a fault has cut it.
        let session = self.begin(peer);
        if session.come(data).is_err() {
            tracing::debug!(client = %peer.client, "a fault cuts off the peer");
        }
    }

    fn begin(&mut self, peer: Peer) -> Arc<Session> {
        let number = self.next;
        self.next += 1;
        self.shared.count(number);
        let link = Link {
            number,
            cuts: self.shared.faults().stack().cuts(),
            client: Some(peer.client.ip().to_canonical()),
        };
        let session = Arc::new(Session::new(&self.shared, link, peer, &self.under_way));
        let running = Arc::clone(&session);
        let entry = Entry {
            session: Arc::clone(&session),
            number,
            task: tokio::spawn(async move { running.run().await }).abort_handle(),
        };
        self.by_peer.insert(peer, entry);
        self.by_use.push(Reverse((session.used(), number, peer)));
        session
    }

    /// Ends the sessions that were not used for too long and have nothing under way.
    pub(super) fn end_idle(&mut self, now: Instant) {
        while let Some((used, number, peer)) = self.oldest() {
            if now.saturating_duration_since(used) < Self::IDLE {
                break;
            }
            self.by_use.pop();
            match self.by_peer.get(&peer) {
                Some(entry) if !entry.session.is_empty() => {
                    self.by_use.push(Reverse((now, number, peer)));
                }
                _ => drop(self.by_peer.remove(&peer)),
            }
        }
    }

    /// When to look for idle ones again.
    pub(super) fn next_idle(&self) -> Option<Instant> {
        let Reverse((used, ..)) = self.by_use.peek()?;
        Some(*used + Self::IDLE)
    }

    /// Ends the session that was not used for longest.
    fn end_oldest(&mut self) {
        if let Some((_, _, peer)) = self.oldest() {
            self.by_use.pop();
            self.by_peer.remove(&peer);
        }
    }

    /// The session that was not used for longest, which is the first in the heap then.
    fn oldest(&mut self) -> Option<(Instant, u64, Peer)> {
        loop {
            let mut first = self.by_use.peek_mut()?;
            let Reverse((known, number, peer)) = &mut *first;
            let entry = self.by_peer.get(peer);
            match entry.filter(|entry| entry.number == *number) {
                // It has ended.
                None => drop(PeekMut::pop(first)),
                Some(entry) => match entry.session.used() {
                    used if used > *known => *known = used,
                    _ => return Some((*known, *number, *peer)),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blackhole, Latency, Proxy, connections::Picked, proxy::InPlace};
    use chaos_core::{Held, Seed};
    use std::net::UdpSocket;

    /// Where sessions belong: there is a clock. It fails when the test hangs.
    async fn on_a_worker(test: impl Future<Output = ()> + Send + 'static) {
        const LIMIT: Duration = Duration::from_secs(20);
        let worker = crate::proxy::workers::home().unwrap();
        let test = worker.handle().spawn(test);
        let ended = tokio::time::timeout(LIMIT, test).await;
        ended.expect("it hangs").unwrap();
    }

    fn client(port: u16) -> Peer {
        Peer {
            client: ([127, 0, 0, 1], port).into(),
            local: None,
        }
    }

    /// The sessions of a proxy in front of a socket that takes all.
    async fn sessions(most: usize) -> (Proxy, UdpSocket, Sessions) {
        let upstream = UdpSocket::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::udp(upstream.local_addr().unwrap()).await.unwrap();
        let sessions = Sessions::new(Arc::clone(proxy.shared()), most);
        (proxy, upstream, sessions)
    }

    fn clients(sessions: &Sessions) -> Vec<u16> {
        let mut ports: Vec<_> = sessions
            .by_peer
            .keys()
            .map(|peer| peer.client.port())
            .collect();
        ports.sort_unstable();
        ports
    }

    #[tokio::test]
    async fn the_one_that_was_not_used_for_longest_makes_room() {
        on_a_worker(async {
            let (_proxy, _upstream, mut sessions) = sessions(3).await;
            for port in [1, 2, 3] {
                sessions.come(client(port), b"x");
            }
            sessions.come(client(1), b"x");
            sessions.come(client(4), b"x");
            assert_eq!(clients(&sessions), [1, 3, 4]);
            sessions.come(client(5), b"x");
            assert_eq!(clients(&sessions), [1, 4, 5]);
            for port in 6..1000 {
                sessions.come(client(port), b"x");
            }
            assert_eq!(clients(&sessions), [997, 998, 999]);
            assert_eq!(sessions.by_use.len(), 3);
        })
        .await;
    }

    #[tokio::test]
    async fn one_that_is_not_used_ends_unless_something_is_under_way() {
        on_a_worker(async {
            let (proxy, _upstream, mut sessions) = sessions(10).await;
            sessions.come(client(1), b"");
            // Until the upstream is there it waits.
            while !sessions.by_peer[&client(1)].session.is_empty() {
                tokio::task::yield_now().await;
            }
            let hour = Latency::new(Duration::from_secs(3600));
            let late = Arc::new(hour.direction(crate::Direction::Both));
            let _late = InPlace::put(proxy.shared(), late, Picked::default(), Seed::new(1));
            sessions.come(client(2), b"x");
            let now = Instant::now();
            sessions.end_idle(now);
            assert_eq!(clients(&sessions), [1, 2]);
            let later = now + Sessions::IDLE;
            assert!(sessions.next_idle().unwrap() <= later);
            sessions.end_idle(later);
            assert_eq!(clients(&sessions), [2]);
            assert!(sessions.next_idle().unwrap() > later);
            sessions.end_oldest();
            assert!(clients(&sessions).is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn one_that_only_receives_is_used() {
        on_a_worker(async {
            let (_proxy, upstream, mut sessions) = sessions(10).await;
            let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
            for socket in [&upstream, &receiver] {
                socket.set_nonblocking(true).unwrap();
            }
            let port = receiver.local_addr().unwrap().port();
            sessions.come(client(port), b"x");
            let first = sessions.by_peer[&client(port)].session.used();
            let from = came(&upstream).await;
            upstream.send_to(b"y", from).unwrap();
            came(&receiver).await;
            sessions.end_idle(first + Sessions::IDLE);
            assert_eq!(clients(&sessions), [port]);
        })
        .await;
    }

    /// Waits for a datagram; who sent it.
    async fn came(socket: &UdpSocket) -> std::net::SocketAddr {
        loop {
            match socket.recv_from(&mut [0; 10]) {
                Ok((_, from)) => return from,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    #[tokio::test]
    async fn what_ends_gives_back_all_it_had() {
        on_a_worker(async {
            let (proxy, _upstream, mut sessions) = sessions(100).await;
            let shared = Arc::clone(proxy.shared());
            let hour = Latency::new(Duration::from_secs(3600));
            let late = Arc::new(hour.direction(crate::Direction::Both));
            let late = InPlace::put(&shared, late, Picked::default(), Seed::new(1));
            for port in 1..=300 {
                sessions.come(client(port), &[0; 1000]);
            }
            assert_eq!(late.hits(), Some(300));
            drop(sessions);
            while shared.open().load(std::sync::atomic::Ordering::Relaxed) > 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(shared.under_way().bytes(), 0);
            assert_eq!(shared.moved().dropped_so_far(), 300);
            assert_eq!(shared.faults().listeners(), 0);
        })
        .await;
    }

    #[tokio::test]
    async fn a_session_that_was_cut_is_followed_by_another() {
        on_a_worker(async {
            let (proxy, _upstream, mut sessions) = sessions(10).await;
            sessions.come(client(1), b"x");
            let hole = Arc::new(Blackhole::new());
            let hole = InPlace::put(proxy.shared(), hole, Picked::default(), Seed::new(1));
            let reset = Arc::new(crate::Reset::new());
            let cut = InPlace::put(proxy.shared(), reset, Picked::default(), Seed::new(1));
            sessions.come(client(1), b"x");
            // The one from before, and the one that it would have begun.
            assert_eq!(cut.hits(), Some(2));
            drop(cut);
            sessions.come(client(1), b"x");
            assert_eq!(sessions.by_peer[&client(1)].number, 2);
            assert_eq!(hole.hits(), Some(1));
        })
        .await;
    }
}
