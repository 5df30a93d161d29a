//! Ctrl-C and its relatives.

use chaos_core::{Stop, StopReason};

/// Ends runs when this process is asked to end: Ctrl-C, and on Unix SIGTERM and SIGHUP. The faults are recovered
/// and the report is written; asking again does not make it faster. Needs a tokio runtime.
pub fn stop_on_signals(stop: &Stop) {
    let stop = stop.clone();
    tokio::spawn(async move {
        loop {
            let by = next().await;
            if stop.requested().is_some() {
                tracing::warn!("{by} again: the recovery goes on");
            }
            stop.request(StopReason::Interrupted { by });
        }
    });
}

#[cfg(unix)]
async fn next() -> String {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    async fn wait(signal: std::io::Result<Signal>) {
        match signal {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    }
    tokio::select! {
        () = wait(signal(SignalKind::interrupt())) => "Ctrl-C".into(),
        () = wait(signal(SignalKind::terminate())) => "SIGTERM".into(),
        () = wait(signal(SignalKind::hangup())) => "SIGHUP".into(),
    }
}

#[cfg(not(unix))]
async fn next() -> String {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    "Ctrl-C".into()
}
