//! Whether a server without TLS speaks HTTP/2: nothing says so but asking it.

use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// What HTTP/2 begins with (RFC 9113, section 3.4), and empty SETTINGS.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
/// The type of a SETTINGS frame, and where a frame has its type (RFC 9113, section 4.1).
const SETTINGS: u8 = 4;
const TYPE: usize = 3;
/// A server that has said nothing by then cannot be told by what it says.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the server behind `stream` answers in HTTP/2; `None`: it has said nothing. The connection is of no use then.
pub(crate) async fn speaks_two(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<Option<bool>> {
    stream.write_all(HELLO).await?;
    let mut head = [0; TYPE + 1];
    match timeout(PATIENCE, stream.read_exact(&mut head)).await {
        Ok(Ok(_)) => Ok(Some(head[TYPE] == SETTINGS)),
        // It did not like what it got.
        Ok(Err(_)) => Ok(Some(false)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(answer: &[u8]) -> Option<bool> {
        let (here, mut there) = tokio::io::duplex(1024);
        there.write_all(answer).await.unwrap();
        there.shutdown().await.unwrap();
        speaks_two(here).await.unwrap()
    }

    #[tokio::test]
    async fn a_server_is_told_by_how_it_begins() {
        assert_eq!(
            told(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00").await,
            Some(true)
        );
        assert_eq!(told(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, Some(false));
        assert_eq!(told(b"").await, Some(false));
    }
}
