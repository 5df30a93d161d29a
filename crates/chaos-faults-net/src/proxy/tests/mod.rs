//! What can only be seen from within: which path the data took, and what a stage may do.

mod at_once;
mod busy;
#[cfg(target_os = "linux")]
mod gone;
mod in_all;
#[cfg(target_os = "linux")]
mod late;
mod paths;
mod seam;
mod sockets;

use super::{Effect, InPlace, Proxy};
use crate::connections::Picked;
use chaos_core::Seed;
use std::{
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// Nothing here takes longer unless it hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// A proxy with one connection: the proxy, and its two ends outside.
async fn connection() -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::in_front_of(listener.local_addr().unwrap().to_string())
        .await
        .unwrap();
    let (client, server) = connect(&proxy, &listener);
    (proxy, client, server)
}

/// One more connection.
fn connect(proxy: &Proxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(proxy.address()).unwrap();
    let (server, _) = listener.accept().unwrap();
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
    }
    (client, server)
}

fn put(proxy: &Proxy, effect: impl Effect) -> InPlace {
    let effect = Arc::new(effect);
    InPlace::put(proxy.shared(), effect, Picked::default(), Seed::new(1))
}

/// Waits until `done`, and fails when that never is.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
