//! The thread that all servers share: what the API does must not slow a connection, nor wait for what the caller does.

use chaos_core::FaultError;
use std::{
    future::pending,
    io,
    sync::{Mutex, PoisonError},
    thread,
};
use tokio::runtime::{Builder, Handle};

/// Its runtime. The thread is started with the first server and ends with the process.
pub(super) fn handle() -> Result<Handle, FaultError> {
    static HANDLE: Mutex<Option<Handle>> = Mutex::new(None);
    let mut handle = HANDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*handle {
        return Ok(handle.clone());
    }
    let started = start().map_err(|e| FaultError::host("start the API's thread", e))?;
    Ok(handle.insert(started).clone())
}

fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("chaos-api".to_owned())
        .spawn(move || runtime.block_on(pending::<()>()))?;
    Ok(handle)
}
