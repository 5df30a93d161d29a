//! An answer that no server gave.

use crate::proxy::Body;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

/// An answer in place of the dependency's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::Whole(self.body.clone()));
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        response
    }
}
