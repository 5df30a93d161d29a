//! The loop behind a proxy's port.

use super::{
    connections::Connections,
    exchange::exchange,
    left::left,
    limits,
    shared::Shared,
    socket::{Cut, Socket},
};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{future::pending, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// How long to wait when no connection can be accepted: usually there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a client may take for all that comes before its first request, and for the head of each other one.
const PATIENCE: Duration = Duration::from_secs(60);
/// What TLS begins with: the type of a handshake's record.
const HANDSHAKE: u8 = 22;

/// Serves every client, each in a task of its own, until the proxy is closed.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, tls: TlsAcceptor) {
    let mut told = false;
    loop {
        let accepted = tokio::select! {
            () = shared.faults().closed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                told = false;
                // What is refused here is gone already.
                stream.set_nodelay(true).ok();
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                let cut = Cut::default();
                let socket = Socket::new(stream, cut.clone());
                let (broken, side) = (socket.broken(), socket.side());
                let asked = Arc::new(Notify::new());
                drop(tokio::spawn(async move {
                    let connections = Arc::new(Connections::new(Arc::clone(&shared)));
                    tokio::select! {
                        () = shared.faults().closed() => {}
                        () = broken => {}
                        () = left(&shared, side, &connections) => {}
                        () = silent(&asked) => {}
                        () = connection(&connections, socket, (cut, &asked), tls) => {}
                    }
                }));
            }
            Err(error) => {
                // Once for each time that it begins, and not a hundred times a second.
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, proxy = %shared, "cannot accept connections");
                }
                sleep(PAUSE).await;
            }
        }
    }
}

/// Waits until a client has taken too long for its first request.
async fn silent(asked: &Notify) {
    if timeout(PATIENCE, asked.notified()).await.is_ok() {
        pending().await
    }
}

/// Serves one client, with TLS if it begins so.
async fn connection(
    connections: &Arc<Connections>,
    socket: Socket,
    (cut, asked): (Cut, &Notify),
    tls: TlsAcceptor,
) {
    match socket.first_byte().await {
        Ok(Some(HANDSHAKE)) => match tls.accept(socket).await {
            Ok(stream) => speak(connections, stream, (cut, asked)).await,
            Err(error) => {
                tracing::debug!(%error, proxy = %connections.shared(), "no TLS with a client")
            }
        },
        Ok(Some(_)) => speak(connections, socket, (cut, asked)).await,
        Ok(None) | Err(_) => {}
    }
}

/// Speaks HTTP with one client until it is gone.
async fn speak<S>(connections: &Arc<Connections>, stream: S, (cut, asked): (Cut, &Notify))
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        asked.notify_one();
        let (connections, cut) = (Arc::clone(connections), cut.clone());
        async move { exchange(&connections, &cut, request).await }
    });
    let mut server = auto::Builder::new(TokioExecutor::new()).preserve_header_case(true);
    server
        .http1()
        .timer(TokioTimer::new())
        .half_close(true)
        .max_headers(limits::FIELDS)
        .header_read_timeout(PATIENCE);
    server
        .http2()
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .max_header_list_size(limits::FIELDS_IN_TWO)
        .keep_alive_interval(PATIENCE);
    let served = server
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, proxy = %connections.shared(), "a connection ended");
    }
}
