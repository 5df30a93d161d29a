//! What the API's answers look like.

use super::{error::ApiError, json};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS},
};

pub(super) type Answer = Response<Full<Bytes>>;

const PLAIN: &str = "text/plain; charset=utf-8";

/// An answer with nothing in it.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}

pub(super) fn with(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = empty(status);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    *answer.body_mut() = Full::new(body.into());
    answer
}

pub(super) fn json(status: StatusCode, body: String) -> Answer {
    with(status, "application/json", body)
}

/// A text that says why not, as Go's library sends it.
pub(super) fn refusal(status: StatusCode, why: &str) -> Answer {
    let mut answer = with(status, PLAIN, format!("{why}\n"));
    let headers = answer.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// An error: JSON that is not said to be JSON.
pub(super) fn error(error: &ApiError) -> Answer {
    match json::write(error) {
        Ok(body) => refusal(error.status(), &body),
        Err(_) => empty(error.status()),
    }
}

/// What `/populate` came to: what was done, and why no more was.
pub(super) fn populated(done: &[String], error: Option<&ApiError>) -> Result<Answer, ApiError> {
    let done = match done {
        [] => "null".to_owned(),
        done => format!("[{}]", done.join(",")),
    };
    let Some(error) = error else {
        let body = format!("{{\"proxies\":{done}}}");
        return Ok(json(StatusCode::CREATED, body));
    };
    let said = json::write(error)?;
    let said = said.trim_end_matches('}');
    let body = format!("{said},\"proxies\":{done}}}");
    Ok(json(error.status(), body))
}

/// Metrics, as Prometheus reads them.
pub(super) fn metrics(body: String) -> Answer {
    with(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        body,
    )
}

/// It took too long.
pub(super) fn timed_out() -> Answer {
    const PAGE: &str =
        "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    with(status, "text/html; charset=utf-8", PAGE.to_owned())
}
