//! A server that says what it was asked.

use bytes::Bytes;
use chaos_faults_http::HttpProxy;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::json;
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy, split},
    net::TcpListener,
    sync::Notify,
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

/// What the server has seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// The requests: method, path and query.
    asked: Mutex<Vec<String>>,
    pub(crate) connections: AtomicUsize,
    pub(crate) open: AtomicUsize,
    /// Lets `/slow` answer.
    pub(crate) go: Notify,
}

/// A server that says what it was asked. Dropping it stops it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    /// With TLS.
    pub(crate) async fn secure(config: ServerConfig) -> Self {
        Self::with(Some(Arc::new(config).into())).await
    }

    async fn with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let mine = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                mine.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, tls) = (Arc::clone(&mine), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => speak(stream, seen).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                speak(stream, seen).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    pub(crate) async fn proxy(&self) -> HttpProxy {
        let upstream = format!("http://{}", self.address);
        HttpProxy::in_front_of(upstream).await.unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.seen.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn speak<S>(stream: S, seen: Arc<Seen>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    seen.open.fetch_add(1, Ordering::SeqCst);
    let service = service_fn(|request| answer(request, Arc::clone(&seen)));
    auto::Builder::new(TokioExecutor::new())
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await
        .ok();
    seen.open.fetch_sub(1, Ordering::SeqCst);
}

async fn answer(
    mut request: Request<Incoming>,
    seen: Arc<Seen>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, io::Error> {
    let said = format!(
        "{} {}",
        request.method(),
        request.uri().path_and_query().unwrap()
    );
    seen.asked.lock().unwrap().push(said);
    let whole = |text: String| Full::new(Bytes::from(text)).boxed();
    match request.uri().path() {
        "/slow" => seen.go.notified().await,
        "/silent" => return Err(io::Error::other("no answer")),
        "/text" => return Ok(Response::new(whole("text".into()))),
        "/big" => {
            let big = json!({ "big": "x".repeat(5 * 1024 * 1024) }).to_string();
            return Ok(Response::builder()
                .header("content-type", "application/json")
                .body(whole(big))
                .unwrap());
        }
        "/big-chunks" => {
            let chunk = |text: String| Ok(Frame::data(Bytes::from(text)));
            let start = chunk(r#"{"big":""#.to_owned());
            let middle = (0..5).map(move |_| chunk("x".repeat(1024 * 1024)));
            let end = chunk(r#""}"#.to_owned());
            let frames = [start].into_iter().chain(middle).chain([end]);
            let body = StreamBody::new(futures_util::stream::iter(frames));
            return Ok(Response::builder()
                .header("content-type", "application/json")
                .body(BodyExt::boxed(body))
                .unwrap());
        }
        "/trailers" => {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            let frames = [
                Ok(Frame::data(Bytes::from_static(b"data"))),
                Ok(Frame::trailers(trailers)),
            ];
            let body = StreamBody::new(futures_util::stream::iter(frames));
            return Ok(Response::builder()
                .header("trailer", "grpc-status")
                .body(body.boxed())
                .unwrap());
        }
        "/echo" if request.headers().contains_key("upgrade") => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let (mut from, mut to) = split(TokioIo::new(upgrade.await.unwrap()));
                copy(&mut from, &mut to).await.ok();
            });
            return Ok(Response::builder()
                .status(StatusCode::SWITCHING_PROTOCOLS)
                .header("connection", "upgrade")
                .header("upgrade", "echo")
                .body(whole(String::new()))
                .unwrap());
        }
        _ => {}
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let header = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let host = parts
        .uri
        .authority()
        .map(|host| host.as_str())
        .or(header("host"));
    let told = json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path_and_query().unwrap().as_str(),
        "version": format!("{:?}", parts.version),
        "host": host,
        "body": String::from_utf8_lossy(&body),
        "x-one": header("x-one"),
        "connection": header("connection"),
        "te": header("te"),
        "accept-encoding": header("accept-encoding"),
    });
    Ok(Response::builder()
        .header("content-type", "application/json")
        .header("etag", "\"1\"")
        .body(whole(told.to_string()))
        .unwrap())
}
