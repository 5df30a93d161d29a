//! The thread that all servers share: what the API does must not slow a connection, nor wait for what the caller does.

use chaos_core::FaultError;
use std::{
    io,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};
use tokio::runtime::{Builder, Handle};

/// Its runtime. The thread is started with the first server and ends with the process.
pub(super) fn handle() -> Result<Handle, FaultError> {
    static HANDLE: Mutex<Option<Handle>> = Mutex::new(None);
    let mut handle = HANDLE.lock().unwrap_or_else(PoisonError::into_inner);
    match &*handle {
        Some(handle) => Ok(handle.clone()),
        None => {
            let started = start().map_err(|e| FaultError::host("start the API's thread", e))?;
            Ok(handle.insert(started).clone())
        }
    }
}

fn start() -> io::Result<Handle> {
    let (started, starting) = mpsc::channel();
    thread::Builder::new()
        .name("chaos-api".to_owned())
        .spawn(
            move || match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    started.send(Ok(runtime.handle().clone())).ok();
                    runtime.block_on(std::future::pending::<()>());
                }
                Err(error) => drop(started.send(Err(error))),
            },
        )?;
    let gone = |_| Err(io::Error::other("the thread is gone"));
    starting.recv().unwrap_or_else(gone)
}
