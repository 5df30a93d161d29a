//! Connections that go on in another protocol, such as WebSocket.

use super::{body::Body, head, shared::Shared};
use http::{HeaderMap, HeaderValue, Request, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::copy_bidirectional;

/// The protocol that a message wants to go on in.
pub(crate) fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    head::has_option(headers, "upgrade").then(|| headers.get(header::UPGRADE).cloned())?
}

/// What the client's connection becomes when the dependency agrees.
pub(crate) fn of(request: &mut Request<Body>) -> Option<OnUpgrade> {
    protocol(request.headers())?;
    Some(hyper::upgrade::on(request))
}

/// Passes on what both say, until they have said all, or the proxy is closed.
pub(crate) fn join(shared: &Arc<Shared>, client: OnUpgrade, upstream: OnUpgrade) {
    let shared = Arc::clone(shared);
    drop(tokio::spawn(async move {
        let passing = async {
            let (client, upstream) =
                tokio::try_join!(client, upstream).map_err(std::io::Error::other)?;
            copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(upstream)).await
        };
        tokio::select! {
            () = shared.faults().closed() => {}
            passed = passing => {
                if let Err(error) = passed {
                    tracing::debug!(%error, proxy = %shared, "an upgraded connection ended");
                }
            }
        }
    }));
}
