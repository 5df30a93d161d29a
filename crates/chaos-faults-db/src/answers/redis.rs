//! Whether Redis answers.

use chaos_core::BoxError;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What Redis says while it is there and does not work: reading its dump, running a script, without its primary.
const NOT_NOW: [&str; 3] = ["LOADING", "BUSY", "MASTERDOWN"];
/// Longer than any answer to a `PING`.
const LONGEST: usize = 256;

pub(super) async fn ask(stream: &mut TcpStream) -> Result<(), BoxError> {
    stream.write_all(b"PING\r\n").await?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') {
        let more = stream.read_buf(&mut answer).await?;
        let first = answer.first().copied();
        if more == 0 {
            return Err("the connection was closed without an answer".into());
        }
        if !matches!(first, Some(b'+' | b'-')) || answer.len() > LONGEST {
            return Err("what answers is not Redis".into());
        }
    }
    let said = String::from_utf8_lossy(&answer);
    let word = said[1..].split_whitespace().next().unwrap_or_default();
    if NOT_NOW.contains(&word) {
        return Err(said.trim_end().to_owned().into());
    }
    Ok(())
}
