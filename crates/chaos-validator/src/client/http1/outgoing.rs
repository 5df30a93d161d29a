//! A request on its way out.

use bytes::{Buf, Bytes, buf::Chain};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;

/// A request on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    left: Chain<Bytes, Bytes>,
    state: State,
}

#[derive(Debug)]
enum State {
    Writing,
    Flushing,
    Sent,
    Broken(io::Error),
}

impl Outgoing {
    pub(super) fn new(head: Bytes, body: Bytes) -> Self {
        Self {
            left: head.chain(body),
            state: State::Writing,
        }
    }

    /// All of it is with the system.
    pub(super) fn is_sent(&self) -> bool {
        matches!(self.state, State::Sent)
    }

    /// The other side takes no more.
    pub(super) fn broken(&self) -> Option<&io::Error> {
        match &self.state {
            State::Broken(error) => Some(error),
            _ => None,
        }
    }

    /// Writes as much as the other side takes. That it breaks is no error yet: the answer may be there already.
    pub(super) fn poll(
        &mut self,
        mut stream: Pin<&mut (impl AsyncWrite + ?Sized)>,
        cx: &mut Context<'_>,
    ) {
        while let State::Writing = self.state {
            let mut parts = [IoSlice::new(&[]); 2];
            let count = self.left.chunks_vectored(&mut parts);
            match stream.as_mut().poll_write_vectored(cx, &parts[..count]) {
                Poll::Ready(Ok(0)) => self.state = State::Broken(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    self.left.advance(written);
                    if !self.left.has_remaining() {
                        self.state = State::Flushing;
                    }
                }
                Poll::Ready(Err(error)) => self.state = State::Broken(error),
                Poll::Pending => return,
            }
        }
        if let State::Flushing = self.state {
            match stream.poll_flush(cx) {
                Poll::Ready(Ok(())) => self.state = State::Sent,
                Poll::Ready(Err(error)) => self.state = State::Broken(error),
                Poll::Pending => {}
            }
        }
    }
}
