//! When it is read, for want of anybody who would know better.

use super::Read;
use std::io;
use tokio::net::TcpStream;

/// Notes nothing.
pub(crate) fn note(_: &TcpStream, _: bool) -> bool {
    false
}

/// Reads what is there.
pub(crate) fn try_read(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Read> {
    stream.try_read(buffer).map(Read::now)
}
