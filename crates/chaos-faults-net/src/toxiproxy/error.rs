//! What the API answers when it cannot do what it was asked.

use hyper::StatusCode;
use serde::Serialize;
use std::{borrow::Cow, fmt};

/// An error with its status, as Toxiproxy words it: clients look at both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ApiError {
    #[serde(rename = "error")]
    message: Cow<'static, str>,
    #[serde(serialize_with = "number")]
    status: StatusCode,
}

impl ApiError {
    pub(super) const PROXY_NOT_FOUND: Self = Self::new("proxy not found", StatusCode::NOT_FOUND);
    pub(super) const PROXY_EXISTS: Self = Self::new("proxy already exists", StatusCode::CONFLICT);
    pub(super) const TOXIC_NOT_FOUND: Self = Self::new("toxic not found", StatusCode::NOT_FOUND);
    pub(super) const TOXIC_EXISTS: Self = Self::new("toxic already exists", StatusCode::CONFLICT);
    pub(super) const TOXIC_TYPE: Self = Self::new("invalid toxic type", StatusCode::BAD_REQUEST);
    pub(super) const STREAM: Self = Self::new(
        "stream was invalid, can be either upstream or downstream",
        StatusCode::BAD_REQUEST,
    );
    pub(super) const CLOSED: Self =
        Self::new("the server is closed", StatusCode::SERVICE_UNAVAILABLE);

    const fn new(message: &'static str, status: StatusCode) -> Self {
        Self {
            message: Cow::Borrowed(message),
            status,
        }
    }

    /// The body cannot be understood, or says what cannot be.
    pub(super) fn bad_body(why: impl fmt::Display) -> Self {
        Self {
            message: format!("bad request body: {why}").into(),
            status: StatusCode::BAD_REQUEST,
        }
    }

    /// The body is longer than `bytes`.
    pub(super) fn too_long(bytes: usize) -> Self {
        Self {
            message: format!("bad request body: longer than {bytes} bytes").into(),
            status: StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    /// A field must be there and is not.
    pub(super) fn missing(field: impl fmt::Display) -> Self {
        Self {
            message: format!("missing required field: {field}").into(),
            status: StatusCode::BAD_REQUEST,
        }
    }

    /// It is understood and cannot be done.
    pub(super) fn internal(why: impl fmt::Display) -> Self {
        Self {
            message: why.to_string().into(),
            status: StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The same, with the place.
    pub(super) fn at(self, place: &str) -> Self {
        let message = format!("{}{place}", self.message).into();
        Self { message, ..self }
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

fn number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}
