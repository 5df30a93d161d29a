//! The loop behind a proxy's port.

use super::{connection, shared::Shared};
use std::{future::poll_fn, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// How long to wait when no connection can be accepted: usually there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(10);

/// Serves every client, each in a task of its own. Dropping the future closes all connections.
pub(crate) async fn accept(shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    for number in 0.. {
        let client = loop {
            tokio::select! {
                accepted = poll_fn(|cx| shared.door().poll_accept(cx)) => match accepted {
                    Ok(client) => break client,
                    Err(error) => {
                        tracing::warn!(%error, proxy = %shared, "cannot accept a connection");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        };
        shared.count(number);
        connections.spawn(connection::serve(Arc::clone(&shared), client, number));
    }
}
