//! The threads that all DNS proxies share, apart from the caller's: what the caller blocks must not slow a proxy.

use chaos_core::FaultError;
use std::{
    num::NonZero,
    sync::{Mutex, PoisonError},
};
use tokio::runtime::{Builder, Handle, Runtime};

/// More threads than this have never helped.
const MOST: usize = 8;

/// The runtime of all proxies, started with the first one. It ends with the process.
pub(crate) fn runtime() -> Result<Handle, FaultError> {
    static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*runtime {
        return Ok(runtime.handle().clone());
    }
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let started = Builder::new_multi_thread()
        .worker_threads(cores.clamp(1, MOST))
        .thread_name("chaos-dns")
        .enable_all()
        .build()
        .map_err(|e| FaultError::host("start the proxy's threads", e))?;
    let handle = started.handle().clone();
    *runtime = Some(started);
    Ok(handle)
}
