//! Whether somebody keeps a connection.

use chaos_core::BoxError;
use std::time::Duration;
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

/// How long a connection must last: a proxy whose upstream is down accepts, and then cuts.
const LASTS: Duration = Duration::from_millis(50);

pub(super) async fn ask(stream: &mut TcpStream) -> Result<(), BoxError> {
    match timeout(LASTS, stream.read(&mut [0])).await {
        Err(_) | Ok(Ok(1..)) => Ok(()),
        Ok(Ok(0)) => Err("the connection was closed at once".into()),
        Ok(Err(error)) => Err(error.into()),
    }
}
