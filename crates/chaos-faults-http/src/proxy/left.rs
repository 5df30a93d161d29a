//! Clients that have ended their side of a connection: each may wait for its answer, or be gone for good, which cannot be told
//! at once.

use super::{connections::Connections, shared::Shared, socket::Side};
use std::time::Duration;
use tokio::time::sleep;

/// A client that has ended its side has been sent nothing for at least half of this before anything is done about it.
const QUIET: Duration = Duration::from_secs(5);
/// So many of them may wait at a time for longer. Most are gone: who gives up does not say so in another way.
pub(crate) const MOST: usize = 100;

/// Waits until a client that has ended its side is not waited for any longer. What ends the waiting of most is that their
/// system says that they are gone, or that the upstream gives up, which is told of the end as it would be without a proxy.
pub(crate) async fn left(shared: &Shared, client: Side, connections: &Connections) {
    let (mut room, mut before) = (None, None);
    loop {
        sleep(QUIET / 2).await;
        let now = client.may_be_gone().then(|| client.sent());
        let quiet = now.is_some() && now == before;
        before = now;
        // While something of it waits the upstream has not heard all.
        connections.pass_end(quiet && client.ended());
        if quiet && room.is_none() {
            let Ok(taken) = shared.waiting().try_acquire() else {
                return;
            };
            room = Some(taken);
            client.probe();
        }
    }
}
