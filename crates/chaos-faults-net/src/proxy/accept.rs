//! The loop behind a proxy's port.

use super::{
    clock,
    connection::serve,
    faults::Follower,
    shared::Shared,
    stack::Link,
    stream::Stream,
    workers::{Seat, Worker},
};
use std::{
    future::poll_fn,
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long to wait when no connection can be accepted: usually there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(10);

/// Serves every client, each in a task of its own, until the proxy is closed.
pub(crate) async fn accept(shared: Arc<Shared>, home: &'static Worker) {
    let mut told = false;
    for number in 0.. {
        let (client, address) = loop {
            match poll_fn(|cx| shared.door().poll_accept(cx)).await {
                Ok(accepted) => break accepted,
                Err(error) => {
                    // Once for each time that it begins, and not a hundred times a second.
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(%error, proxy = %shared, "cannot accept connections");
                    }
                    clock::pause(PAUSE).await;
                }
            }
        };
        told = false;
        shared.count(number);
        seat(&shared, home, number, client, address);
    }
}

/// Gives a client to a worker.
fn seat(
    shared: &Arc<Shared>,
    home: &'static Worker,
    number: u64,
    client: Stream,
    address: Option<IpAddr>,
) {
    let stack = shared.faults().stack();
    let link = Link {
        number,
        cuts: stack.cuts(),
        client: address.map(|ip| ip.to_canonical()),
    };
    // Only here connections are added, so there are never more than are admitted.
    if let Some(full) = stack.refuses(&link, shared.open().load(Ordering::Relaxed)) {
        full.count.hit();
        client.reset();
        return;
    }
    let follower = Follower::new(Arc::clone(shared), number);
    let seat = Seat::take(home);
    if seat.is_here() {
        seat.spawn(serve(follower, link, client));
        return;
    }
    // It is to be watched by another thread.
    let Ok(client) = client.detach() else {
        return;
    };
    seat.spawn(async move {
        match client.attach() {
            Ok(client) => serve(follower, link, client).await,
            Err(error) => tracing::warn!(%error, "cannot serve a connection"),
        }
    });
}
