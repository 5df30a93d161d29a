//! The runtime that all proxies share, apart from the caller's: what the caller blocks must not slow a proxy.

use chaos_core::FaultError;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::{Builder, Handle, Runtime};

/// Never shut down: its threads end with the process.
static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

/// The runtime, started when the first proxy is.
pub(crate) fn runtime() -> Result<Handle, FaultError> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*runtime {
        return Ok(runtime.handle().clone());
    }
    let started = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("chaos-proxy")
        .enable_all()
        .build()
        .map_err(|e| FaultError::host("start the proxy's threads", e))?;
    let handle = started.handle().clone();
    *runtime = Some(started);
    Ok(handle)
}
