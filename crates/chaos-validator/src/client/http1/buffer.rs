//! What has come in and is not read yet.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, ReadBuf};

/// How much is taken in at once.
const SIZE: usize = 8 << 10;
/// The longest head, line or trailer.
const MOST: usize = 64 << 10;

/// What has come in and is not read yet.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; SIZE],
            start: 0,
            end: 0,
        }
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// So much of it is read.
    pub(super) fn advance(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Takes more in: how much, 0 at the end.
    ///
    /// # Errors
    /// What reading says, and `InvalidData` when there is too much that nobody can read yet.
    pub(super) fn poll_fill(
        &mut self,
        stream: Pin<&mut (impl AsyncRead + ?Sized)>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.make_room()?;
        let mut free = ReadBuf::new(&mut self.bytes[self.end..]);
        ready!(stream.poll_read(cx, &mut free))?;
        let count = free.filled().len();
        self.end += count;
        Poll::Ready(Ok(count))
    }

    fn make_room(&mut self) -> io::Result<()> {
        if self.end < self.bytes.len() {
            return Ok(());
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            return Ok(());
        }
        if self.bytes.len() >= MOST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.bytes.resize(self.bytes.len() * 2, 0);
        Ok(())
    }
}
