//! Both directions of one connection.

use super::{
    faults::Follower,
    pipe::{End, Pipe},
    scratch,
    stack::Link,
    stream::Stream,
};
use crate::direction::Flow;
use bytes::Bytes;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, ReadBuf};

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// As its two ends ended it.
    Gently,
    /// With a reset for both ends.
    Reset,
    /// The same, by a fault that cuts connections as a whole.
    Cut,
}

/// Moves data both ways until both ends have said all or one is gone. One future, so that a connection is one task
/// and as small as can be.
#[derive(Debug)]
pub(crate) struct Relay<'a> {
    client: &'a mut Stream,
    upstream: &'a mut Stream,
    follower: &'a mut Follower,
    link: Link,
    up: Way,
    down: Way,
}

/// One direction, or how it ended.
#[derive(Debug)]
enum Way {
    Open(Pipe),
    /// The receiver is gone, so nothing waits any more. The sender is listened to, to hear when it is gone, too; of what it
    /// says it may say so many bytes before it is not.
    Deaf(usize),
    Ended(End),
}

/// How many bytes a sender may say to nobody: whoever never stops is slowed as by a receiver that does not read.
const UNHEARD: usize = 64 * 1024;

impl<'a> Relay<'a> {
    /// `early` is what the client has said already.
    pub(crate) fn new(
        (client, upstream): (&'a mut Stream, &'a mut Stream),
        follower: &'a mut Follower,
        link: Link,
        early: Bytes,
    ) -> Self {
        follower.look_again();
        let moved = follower.shared().moved().way(Flow::Upstream);
        moved.staged(early.len());
        Self {
            client,
            upstream,
            follower,
            link,
            up: Way::Open(Pipe::new(Flow::Upstream, early)),
            down: Way::Open(Pipe::new(Flow::Downstream, Bytes::new())),
        }
    }

    /// Takes over the faults that are on the proxy now.
    fn follow(&mut self) -> Result<(), Close> {
        let Some(news) = self.follower.news() else {
            return Ok(());
        };
        let stack = news.map_err(|_| Close::Gently)?;
        if stack.cuts_off(&self.link) {
            return Err(Close::Cut);
        }
        for way in [&mut self.up, &mut self.down] {
            if let Way::Open(pipe) = way
                && let Err(end) = pipe.follow(&stack, &self.link)
            {
                *way = Way::Ended(end);
            }
        }
        Ok(())
    }

    fn poll_way(&mut self, cx: &mut Context<'_>, flow: Flow) {
        let (way, from, to) = match flow {
            Flow::Upstream => (&mut self.up, &mut *self.client, &mut *self.upstream),
            Flow::Downstream => (&mut self.down, &mut *self.upstream, &mut *self.client),
        };
        if let Way::Open(pipe) = way {
            let moved = self.follower.shared().moved().way(flow);
            match pipe.poll(cx, (from, to), moved) {
                Poll::Ready(End::ReceiverGone) => *way = Way::Deaf(UNHEARD),
                Poll::Ready(end) => *way = Way::Ended(end),
                Poll::Pending => {}
            }
        }
        if let Way::Deaf(left) = way
            && let Poll::Ready(end) = poll_unheard(cx, from, left)
        {
            *way = Way::Ended(end);
        }
    }

    /// Who is gone receives nothing any more: what waits for it, perhaps for long, is dropped. Whether there was something.
    fn give_up(&mut self, flow: Flow) -> bool {
        let (way, back) = match flow {
            Flow::Upstream => (&mut self.up, &self.down),
            Flow::Downstream => (&mut self.down, &self.up),
        };
        let gone = matches!(back, Way::Open(pipe) if pipe.is_sender_gone());
        let gives_up = gone && matches!(way, Way::Open(_));
        if gives_up {
            *way = Way::Deaf(UNHEARD);
        }
        gives_up
    }

    /// How the connection ends, if it does.
    fn close(&self) -> Option<Close> {
        match (&self.up, &self.down) {
            (Way::Ended(End::Finished), Way::Ended(End::Finished)) => Some(Close::Gently),
            (Way::Ended(End::Close), _) | (_, Way::Ended(End::Close)) => Some(Close::Gently),
            (Way::Ended(End::SenderGone | End::Reset), _)
            | (_, Way::Ended(End::SenderGone | End::Reset)) => Some(Close::Reset),
            (Way::Ended(_) | Way::Deaf(_), Way::Ended(_) | Way::Deaf(_)) => Some(Close::Reset),
            // The other direction may still have something to deliver.
            (Way::Open(_), _) | (_, Way::Open(_)) => None,
        }
    }
}

impl Future for Relay<'_> {
    type Output = Close;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Close> {
        let this = self.get_mut();
        this.follower.listen(cx);
        if let Err(close) = this.follow() {
            return Poll::Ready(close);
        }
        this.poll_way(cx, Flow::Upstream);
        // What has ended the connection has done so once.
        if !matches!(this.up, Way::Ended(End::Close | End::Reset)) {
            this.give_up(Flow::Downstream);
            this.poll_way(cx, Flow::Downstream);
            if this.give_up(Flow::Upstream) {
                this.poll_way(cx, Flow::Upstream);
            }
        }
        this.close().map_or(Poll::Pending, Poll::Ready)
    }
}

/// Takes what a sender says to nobody, until it says no more or is gone.
fn poll_unheard(cx: &mut Context<'_>, from: &mut Stream, left: &mut usize) -> Poll<End> {
    loop {
        let read = scratch::with(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            let read = Pin::new(&mut *from).poll_read(cx, &mut buffer);
            read.map_ok(|()| buffer.filled().len())
        });
        match ready!(read) {
            Err(_) => return Poll::Ready(End::SenderGone),
            Ok(read) if read > 0 && read < *left => *left -= read,
            Ok(_) => return Poll::Ready(End::ReceiverGone),
        }
    }
}
