//! HTTP/1.1: one connection that is kept while it can be used again.
//!
//! A load spends its time here: a request is written as it was prepared, and an answer that nobody looks at leaves nothing but
//! its status. With hyper, which HTTP/2 is spoken with, the closed loop of `benches/measure` reached 0.72 of what wrk does; with
//! this, all of it.

mod body;
mod buffer;
mod head;
mod outgoing;

use super::{Dialer, Keep, Message, Reply, dial::Io, error::class_of_transfer, reply::Body};
use crate::load::Class;
use body::{Framing, Step};
use buffer::Buffer;
use head::{Head, Malformed, Wanted};
use outgoing::Outgoing;
use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// A connection that nobody has used for so long is made anew: many servers close theirs after 2 or 5 s, and a request that crosses
/// that would look like a failure.
const MOST_IDLE: Duration = Duration::from_secs(1);

/// One connection that is kept while it can be used again. Dropping it closes it.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    open: Option<Open>,
}

struct Open {
    stream: Box<dyn Io>,
    incoming: Buffer,
    used: Instant,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
}

impl From<Malformed> for Class {
    fn from(_: Malformed) -> Self {
        Self::BadBody
    }
}

impl Connection {
    pub(super) async fn send(
        &mut self,
        dialer: &Dialer,
        message: &Message,
        keep: Keep,
    ) -> Result<Reply, Class> {
        // Given back only when the next answer cannot be mistaken for the rest of this one.
        let mut open = match self.reusable().await {
            Some(open) => open,
            None => Open {
                stream: dialer.open(message.endpoint()).await?,
                incoming: Buffer::new(),
                used: Instant::now(),
            },
        };
        let (head, body) = message.parts();
        let mut outgoing = Outgoing::new(head, body);
        let wanted = Wanted {
            no_body: message.asks_for_no_body(),
            headers: keep.keeps_headers(),
        };
        let head = open.head(&mut outgoing, wanted).await?;
        let (mut framing, mut body) = (head.framing, Body::new(keep));
        loop {
            let used = match framing.step(open.incoming.unread())? {
                Step::Data(data) => {
                    body.take(data)?;
                    data.len()
                }
                Step::Frame(length) => length,
                Step::Done => break,
                Step::More => match open.more(&mut outgoing).await? {
                    0 if framing == Framing::UntilEnd => break,
                    0 => return Err(Class::Reset),
                    _ => continue,
                },
            };
            open.incoming.advance(used);
        }
        let again = head.persistent && !message.closes() && outgoing.is_sent();
        if again && open.incoming.unread().is_empty() {
            open.used = Instant::now();
            self.open = Some(open);
        }
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: body.into_bytes(),
        })
    }

    /// The kept connection, unless the other side has closed it or said something that nobody asked for.
    async fn reusable(&mut self) -> Option<Open> {
        let mut open = self
            .open
            .take()
            .filter(|open| open.used.elapsed() < MOST_IDLE)?;
        let quiet = poll_fn(|cx| Poll::Ready(open.poll_fill(cx).is_pending())).await;
        quiet.then_some(open)
    }
}

impl Open {
    /// The head of the answer, without those that only announce it.
    async fn head(&mut self, outgoing: &mut Outgoing, wanted: Wanted) -> Result<Head, Class> {
        // At first there is nothing to read but what is written now.
        loop {
            if self.more(outgoing).await? == 0 {
                return Err(Class::Reset);
            }
            while let Some((head, length)) = Head::parse(self.incoming.unread(), wanted)? {
                self.incoming.advance(length);
                if !head.is_interim() {
                    return Ok(head);
                }
            }
        }
    }

    /// Takes more in, 0 at the end, and sends what is still to be sent.
    async fn more(&mut self, outgoing: &mut Outgoing) -> Result<usize, Class> {
        let taken = poll_fn(|cx| {
            outgoing.poll(Pin::new(&mut *self.stream), cx);
            match self.poll_fill(cx) {
                Poll::Pending => match outgoing.broken() {
                    Some(error) => Poll::Ready(Err(class_of_transfer(error))),
                    None => Poll::Pending,
                },
                Poll::Ready(taken) => Poll::Ready(taken.map_err(|e| class_of_transfer(&e))),
            }
        });
        taken.await
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.incoming.poll_fill(Pin::new(&mut *self.stream), cx)
    }
}
