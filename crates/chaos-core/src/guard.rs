//! Calling plugin code without trusting it to return or not to panic.

use crate::FaultError;
use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

/// Polls a future to its end, or to its panic.
pub(crate) async fn catch_panic<T>(future: impl Future<Output = T>) -> std::thread::Result<T> {
    let mut future = pin!(future);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        },
    )
    .await
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Plugin code with a limit on its time; a panic becomes an error.
pub(crate) async fn guarded<T>(
    operation: &str,
    limit: Duration,
    future: impl Future<Output = Result<T, FaultError>>,
) -> Result<T, FaultError> {
    match tokio::time::timeout(limit, catch_panic(future)).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(FaultError::Panicked {
            operation: operation.to_owned(),
            message: panic_message(panic.as_ref()),
        }),
        Err(_) => Err(FaultError::TimedOut {
            operation: operation.to_owned(),
            limit,
        }),
    }
}
