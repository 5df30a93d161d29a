//! One request and its response.

use super::{
    body::Body,
    connections::Connections,
    expect, head,
    hitting::{Asked, hitting, reads_response},
    rest::Rest,
    shared::Shared,
    socket::Cut,
    upgrade,
    upstream::Trouble,
};
use crate::{answer::Answer, direction::Direction, effect::Step, rewrite::Rewrite};
use bytes::Bytes;
use chaos_core::Chain;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::{Body as _, Incoming};
use std::fmt;

/// What a client is told whose request ends too early, or in nonsense.
const BROKEN: &str = "chaos: the body of this request is broken\n";

/// The exchange ends without a response.
#[derive(Debug)]
pub(crate) struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault resets it")
    }
}

impl std::error::Error for Reset {}

/// What becomes of an exchange before its end.
enum Instead {
    Response(Box<Response<Body>>),
    Reset,
}

/// A message that can be changed.
trait Message: Sized {
    /// It changed; whether anything was.
    async fn rewritten(self, rewrite: &Rewrite) -> (Self, bool);
}

impl Message for Request<Body> {
    async fn rewritten(self, rewrite: &Rewrite) -> (Self, bool) {
        rewrite.request(self).await
    }
}

impl Message for Response<Body> {
    async fn rewritten(self, rewrite: &Rewrite) -> (Self, bool) {
        rewrite.response(self).await
    }
}

/// Has a client's request answered, as far as the faults let it.
pub(crate) async fn exchange(
    connections: &Connections,
    cut: &Cut,
    request: Request<Incoming>,
) -> Result<Response<Body>, Reset> {
    let two = request.version() == Version::HTTP_2;
    let method = request.method().clone();
    match asked(connections, request).await {
        Ok(response) => Ok(whole(&method, two, response)),
        Err(Instead::Response(response)) => Ok(whole(&method, two, *response)),
        Err(Instead::Reset) => {
            // In HTTP/2 the error resets the stream, and the connection goes on.
            if !two {
                cut.cut();
            }
            Err(Reset)
        }
    }
}

async fn asked(
    connections: &Connections,
    request: Request<Incoming>,
) -> Result<Response<Body>, Instead> {
    let shared = connections.shared();
    if request.method() == Method::CONNECT {
        return Ok(told(
            StatusCode::METHOD_NOT_ALLOWED,
            "a proxy in front of one server opens no tunnels".to_owned(),
        ));
    }
    let asked = Asked {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        headers: request.headers().clone(),
    };
    let request = request.map(Rest::new);
    let broken = request.body().broken();
    let mut request = request.map(Body::Passing);
    let protocol = upgrade::protocol(request.headers());
    let client = upgrade::of(&mut request);
    let stays =
        request.version() == Version::HTTP_10 && head::has_option(request.headers(), "keep-alive");
    head::without_hop_by_hop(request.headers_mut(), protocol);
    if stays {
        // In HTTP/1.0 it is not understood.
        let keep_alive = HeaderValue::from_static("keep-alive");
        request.headers_mut().insert(header::CONNECTION, keep_alive);
    }
    let mut request = steps(shared, &asked, Direction::Upstream, request).await?;
    if reads_response(shared.faults(), &asked) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
        head::without_codings_of_transfer(request.headers_mut());
    }
    expect::wait_for_upstream(&mut request);
    let version = request.version();
    let has_no_body = request.method() == Method::HEAD && asked.method != Method::HEAD;
    let mut response = match connections.send(request).await {
        Ok(response) => response,
        Err(trouble) => {
            let answer = match broken.is() {
                true => told(StatusCode::BAD_REQUEST, BROKEN.to_owned()),
                false => unanswered(shared, &trouble),
            };
            return steps(shared, &asked, Direction::Downstream, answer).await;
        }
    };
    // Without a length the end of the connection is the end of the answer, so a client of HTTP/1.0 is not told that it stays.
    let ends = version == Version::HTTP_10 && response.body().size_hint().exact().is_none();
    *response.version_mut() = match ends {
        true => Version::HTTP_10,
        false => Version::HTTP_11,
    };
    let switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let protocol = switching
        .then(|| upgrade::protocol(response.headers()))
        .flatten();
    if let (true, Some(client)) = (switching, client) {
        upgrade::join(shared, client, hyper::upgrade::on(&mut response));
    }
    let mut response = response.map(|body| Body::Passing(Rest::new(body)));
    if has_no_body {
        // The client did not ask for the head only, which says how long the body would be.
        *response.body_mut() = Body::Whole(Bytes::new());
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().remove(header::TRANSFER_ENCODING);
    }
    if version == Version::HTTP_2 {
        if head::is_coded(response.headers()) && !response.body().is_end_stream() {
            let answer = told(StatusCode::BAD_GATEWAY, coded(shared));
            return steps(shared, &asked, Direction::Downstream, answer).await;
        }
        response.headers_mut().remove(header::TRANSFER_ENCODING);
    }
    head::without_hop_by_hop(response.headers_mut(), protocol);
    steps(shared, &asked, Direction::Downstream, response).await
}

/// Does to a message what the faults do that are there now.
async fn steps<M: Message>(
    shared: &Shared,
    asked: &Asked,
    direction: Direction,
    mut message: M,
) -> Result<M, Instead> {
    for (active, mut rng) in hitting(shared.faults(), asked, direction) {
        // It may have been taken off while the message waited for another one.
        if !active.is_on() {
            continue;
        }
        match active.effect().effect.step(&mut rng) {
            Step::Wait(time) => {
                active.hit();
                active.wait(time).await;
            }
            Step::Answer(answer) => {
                active.hit();
                return Err(Instead::Response(Box::new(answer.response())));
            }
            Step::Reset => {
                active.hit();
                return Err(Instead::Reset);
            }
            Step::Rewrite(rewrite) => {
                let (rewritten, changed) = message.rewritten(rewrite).await;
                message = rewritten;
                if changed {
                    active.hit();
                }
            }
        }
    }
    Ok(message)
}

/// The response without a body where there may be none (RFC 9110, section 6.4.1), whatever faults made of it.
fn whole(asked: &Method, two: bool, mut response: Response<Body>) -> Response<Body> {
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    let head = *asked == Method::HEAD;
    let not_modified = status == StatusCode::NOT_MODIFIED;
    if head || not_modified || status == StatusCode::NO_CONTENT {
        // In HTTP/1 this is the only way to say so of what was not modified.
        let mut lengths = response
            .headers()
            .get_all(header::CONTENT_LENGTH)
            .into_iter();
        let length = lengths.next().filter(|_| lengths.next().is_none());
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        *response.body_mut() = match length.filter(|_| not_modified && !head && !two) {
            Some(length) => Body::Absent(length),
            None => Body::Whole(Bytes::new()),
        };
        // Of these two it says how long the body would be.
        if !head && !not_modified {
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
    }
    response
}

/// What a client is told when the dependency gives no answer.
fn unanswered(shared: &Shared, trouble: &Trouble) -> Response<Body> {
    let error = Chain(trouble.error());
    let what = match trouble {
        Trouble::Connect(_) => "cannot be reached",
        Trouble::Http(_) => "gave no answer",
    };
    tracing::debug!(%error, proxy = %shared, "the upstream {what}");
    let text = format!(
        "chaos: the upstream {} {what}: {error}\n",
        shared.upstream()
    );
    told(StatusCode::BAD_GATEWAY, text)
}

/// What a client is told to whom an answer cannot be said.
fn coded(shared: &Shared) -> String {
    let upstream = shared.upstream();
    format!(
        "chaos: the upstream {upstream} answered in a transfer coding, which HTTP/2 does not have\n"
    )
}

fn told(status: StatusCode, text: String) -> Response<Body> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    let answer = Answer {
        status,
        headers,
        body: text.into(),
    };
    answer.response()
}
