//! The connections to the dependency that one client's connection has.

use super::{
    body::Body,
    head,
    shared::Shared,
    socket::Side,
    upstream::{Connection, Trouble},
};
use http::{HeaderValue, Request, Response, Uri, Version, header, uri::Authority};
use hyper::{
    body::{Body as _, Incoming},
    client::conn::{TrySendError, http1, http2},
};
use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The connections to the dependency that one client's connection has: without a proxy it would have had one.
pub(crate) struct Connections {
    shared: Arc<Shared>,
    one: Mutex<Vec<http1::SendRequest<Body>>>,
    many: tokio::sync::Mutex<Option<http2::SendRequest<Body>>>,
    /// Those of HTTP/1, with what had been said on each when that was last looked at.
    sides: Mutex<Vec<(Side, Option<u64>)>>,
    /// Some of them were told that nothing more comes.
    ended: AtomicBool,
}

impl Connections {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            one: Mutex::default(),
            many: tokio::sync::Mutex::default(),
            sides: Mutex::default(),
            ended: AtomicBool::new(false),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Tells the dependency that the client has ended its side, where that is so: on connections on which nothing was said
    /// since the last look, so that the whole request has been. What it does about it is what it would do without a proxy.
    pub(crate) fn pass_end(&self, ended: bool) {
        for (side, before) in &mut *self.sides() {
            let now = side.sent();
            let quiet = before.replace(now) == Some(now) && !side.is_stuck();
            if ended && quiet {
                side.end();
                self.ended.store(true, Ordering::Relaxed);
            }
        }
    }

    async fn connect(&self, two: bool) -> Result<Connection, Trouble> {
        let (connection, side) = self.shared.upstream().connect(two).await?;
        if matches!(connection, Connection::One(_)) {
            let mut sides = self.sides();
            sides.retain(|(side, _)| side.is_there());
            sides.push((side, None));
        }
        Ok(connection)
    }

    fn sides(&self) -> MutexGuard<'_, Vec<(Side, Option<u64>)>> {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the dependency, in the version of HTTP in which the proxy was asked.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Trouble> {
        if request.version() == Version::HTTP_2 {
            self.send_in_two(request).await
        } else {
            // The response before this one has been passed on, so its connection is about to be free. One that was told that
            // nothing more comes is not.
            if self.ended.load(Ordering::Relaxed) {
                self.idle().clear();
            }
            let free = self.idle().pop();
            let free = match free {
                Some(mut one) => one.ready().await.is_ok().then_some(one),
                None => None,
            };
            self.send_in_one(free, request).await
        }
    }

    async fn send_in_two(&self, request: Request<Body>) -> Result<Response<Incoming>, Trouble> {
        let free = {
            let mut idle = self.idle();
            idle.retain(|one| !one.is_closed());
            let at = idle.iter().position(http1::SendRequest::is_ready);
            at.map(|at| idle.swap_remove(at))
        };
        if free.is_some() {
            return self.send_in_one(free, request).await;
        }
        let mut sender = {
            let mut many = self.many.lock().await;
            match &*many {
                Some(sender) if !sender.is_closed() => sender.clone(),
                _ => match self.connect(true).await? {
                    Connection::Many(sender) => many.insert(sender).clone(),
                    Connection::One(one) => {
                        drop(many);
                        return self.send_in_one(Some(one), request).await;
                    }
                },
            }
        };
        sender.ready().await?;
        Ok(sender.send_request(self.in_two(request)).await?)
    }

    /// Sends it over a connection that is free, or over a new one when that has been closed meanwhile.
    async fn send_in_one(
        &self,
        free: Option<http1::SendRequest<Body>>,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Trouble> {
        let mut request = self.in_one(request);
        if let Some(mut one) = free {
            match one.try_send_request(request).await {
                Ok(response) => {
                    self.keep(one, &response);
                    return Ok(response);
                }
                Err(error) => request = unsent(error)?,
            }
        }
        match self.connect(false).await? {
            Connection::One(mut one) => {
                let response = one.send_request(request).await?;
                self.keep(one, &response);
                Ok(response)
            }
            Connection::Many(mut many) => Ok(many.send_request(self.in_two(request)).await?),
        }
    }

    /// Keeps a connection for what comes next. Over one on which HTTP/1.0 was answered a body without a length cannot go.
    fn keep(&self, one: http1::SendRequest<Body>, response: &Response<Incoming>) {
        if response.version() == Version::HTTP_11 {
            self.idle().push(one);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<http1::SendRequest<Body>>> {
        self.one.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request as HTTP/1 has it. One of HTTP/1.0 stays one: it may lack what the next version asks for.
    fn in_one(&self, mut request: Request<Body>) -> Request<Body> {
        if request.version() == Version::HTTP_2 {
            head::with_one_cookie_field(request.headers_mut());
            let body = request.body();
            if !body.is_end_stream() && body.size_hint().exact().is_none() {
                // Of some methods it is not expected, and would be left out.
                let chunked = HeaderValue::from_static("chunked");
                request
                    .headers_mut()
                    .insert(header::TRANSFER_ENCODING, chunked);
            }
        }
        if request.version() != Version::HTTP_10 {
            *request.version_mut() = Version::HTTP_11;
        }
        let said = request.uri().authority().map(Authority::as_str);
        let host = self.shared.upstream().host.as_ref().map(Authority::as_str);
        let said = said.and_then(|said| HeaderValue::from_str(said).ok());
        let host = host.and_then(|host| HeaderValue::from_str(host).ok());
        let headers = request.headers_mut();
        if let Some(host) = host {
            headers.insert(header::HOST, host);
        } else if let Some(said) = said {
            headers.entry(header::HOST).or_insert(said);
        }
        let uri = mem::take(request.uri_mut());
        *request.uri_mut() = relative(uri);
        request
    }

    /// The request as HTTP/2 has it.
    fn in_two(&self, mut request: Request<Body>) -> Request<Body> {
        *request.version_mut() = Version::HTTP_2;
        let upstream = self.shared.upstream();
        let said = request.headers_mut().remove(header::HOST);
        let said = said.and_then(|said| Authority::try_from(said.as_bytes()).ok());
        let mut parts = mem::take(request.uri_mut()).into_parts();
        let authority = upstream.host.clone().or(parts.authority.take()).or(said);
        parts.authority = Some(authority.unwrap_or_else(|| upstream.address.authority.clone()));
        parts.scheme = Some(match upstream.address.secure {
            true => http::uri::Scheme::HTTPS,
            false => http::uri::Scheme::HTTP,
        });
        parts
            .path_and_query
            .get_or_insert_with(|| http::uri::PathAndQuery::from_static("/"));
        // All three parts are there.
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        request
    }
}

/// The request, if it was not sent.
fn unsent(mut error: TrySendError<Request<Body>>) -> Result<Request<Body>, hyper::Error> {
    match error.take_message() {
        Some(request) => Ok(request),
        None => Err(error.into_error()),
    }
}

/// The path and the query of it.
fn relative(uri: Uri) -> Uri {
    let path = uri.into_parts().path_and_query;
    path.map(Uri::from).unwrap_or_default()
}
