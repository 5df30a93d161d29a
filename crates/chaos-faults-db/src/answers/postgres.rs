//! Whether PostgreSQL answers.
//!
//! A session is asked for, as `pg_isready` does: while the server starts, recovers or shuts down it takes connections
//! and refuses sessions with SQLSTATE 57P03. (That it answers an SSLRequest would say nothing: it does so all the
//! time.) <https://www.postgresql.org/docs/current/protocol-message-formats.html>

use chaos_core::BoxError;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// `StartupMessage`: length, protocol 3.0, user and database, end.
const STARTUP: &[u8] = b"\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0";
/// `cannot_connect_now`.
const CANNOT_CONNECT_NOW: &[u8] = b"57P03";
/// Longer than any first answer.
const LONGEST: usize = 64 * 1024;

pub(super) async fn ask(stream: &mut TcpStream) -> Result<(), BoxError> {
    stream.write_all(STARTUP).await?;
    let mut head = [0; 5];
    stream.read_exact(&mut head[..1]).await?;
    if !matches!(head[0], b'R' | b'E') {
        return Err("what answers is not PostgreSQL".into());
    }
    stream.read_exact(&mut head[1..]).await?;
    let [kind, length @ ..] = head;
    // The length counts itself.
    let length = u32::from_be_bytes(length) as usize;
    if !(4..=LONGEST).contains(&length) {
        return Err("what answers is not PostgreSQL".into());
    }
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await?;
    let field = |of: u8| body.split(|b| *b == 0).find_map(|f| f.strip_prefix(&[of]));
    if kind == b'E' && field(b'C') == Some(CANNOT_CONNECT_NOW) {
        let message = String::from_utf8_lossy(field(b'M').unwrap_or_default());
        return Err(format!("{message} (57P03)").into());
    }
    Ok(())
}
