//! The body of a request, of which there must not be too much.

use super::{api::Limits, error::ApiError};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

/// The body of a request.
pub(super) async fn read(body: Incoming, limits: Limits) -> Result<Vec<u8>, ApiError> {
    let read = timeout(limits.body, read_all(body, limits.bytes)).await;
    read.map_err(|_| ApiError::bad_body("it does not come"))?
}

async fn read_all(mut body: Incoming, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut all = Vec::new();
    let mut is_too_long = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(ApiError::bad_body)?.into_data() else {
            continue;
        };
        is_too_long |= all.len() + data.len() > most;
        match is_too_long {
            // The client may not look for the answer before it has said all.
            true => all = Vec::new(),
            false => all.extend_from_slice(&data),
        }
    }
    match is_too_long {
        true => Err(ApiError::too_long(most)),
        false => Ok(all),
    }
}
