//! Clients that wait to send a body until they are told to (`Expect: 100-continue`): the upstream has the word.

use super::body::Body;
use http::{Request, StatusCode, Version, header};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, time::timeout};

/// An upstream that has said nothing by then may not know what is expected: clients do not wait longer, either.
const PATIENCE: Duration = Duration::from_secs(1);

/// Does not ask for the body before the upstream does: asking for it is what tells the client to go on.
pub(crate) fn wait_for_upstream(request: &mut Request<Body>) {
    let expects = request.headers().get(header::EXPECT);
    let waits = expects.is_some_and(|what| what.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !waits || request.version() != Version::HTTP_11 {
        return;
    }
    let told = Arc::new(Notify::new());
    let telling = Arc::clone(&told);
    hyper::ext::on_informational(request, move |response| {
        if response.status() == StatusCode::CONTINUE {
            telling.notify_one();
        }
    });
    request.body_mut().hold(async move {
        timeout(PATIENCE, told.notified()).await.ok();
    });
}
