//! Both directions of one connection.

use super::{
    departure::Departure,
    faults::Follower,
    pipe::{End, Pipe},
    scratch,
    stack::Link,
    stream::Stream,
    watch::{Gone, Unread, Watch},
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
    /// Those who send each way, upstream and downstream.
    senders: [Sender; 2],
}

/// One end, as far as it is not read.
#[derive(Debug, Default)]
struct Sender {
    watch: Watch,
    gone: Option<Box<Departure>>,
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
            senders: Default::default(),
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
            match pipe.poll(cx, (from, to), self.follower) {
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

    fn way(&self, flow: Flow) -> &Way {
        match flow {
            Flow::Upstream => &self.up,
            Flow::Downstream => &self.down,
        }
    }

    /// Who is gone receives nothing any more: what waits for it, perhaps for long, is dropped. Whether there was something.
    fn give_up(&mut self, flow: Flow) -> bool {
        let gone = self.is_sender_gone(flow.back());
        let way = match flow {
            Flow::Upstream => &mut self.up,
            Flow::Downstream => &mut self.down,
        };
        let gives_up = gone && matches!(way, Way::Open(_));
        if gives_up {
            *way = Way::Deaf(UNHEARD);
        }
        gives_up
    }

    /// Whether the sender is gone, and whoever reads from it or watches it knows.
    fn is_sender_gone(&self, flow: Flow) -> bool {
        let read = matches!(self.way(flow), Way::Open(pipe) if pipe.is_sender_gone());
        read || self.senders[index(flow)].gone.is_some()
    }

    /// Whether it is soon enough to hear that a sender is gone when something is said to it: that is an upstream that has said all,
    /// and a client that is there. A watch would cost a short connection more than it is worth.
    fn is_heard_of_anyway(&self, flow: Flow) -> bool {
        flow == Flow::Downstream
            && matches!(self.down, Way::Ended(End::Finished))
            && matches!(&self.up, Way::Open(pipe) if !pipe.is_staged())
    }

    /// Whether a sender turns out to be gone from whom nobody reads, which only its watch can tell.
    fn notice(&mut self, cx: &mut Context<'_>) -> bool {
        let mut noticed = false;
        for flow in [Flow::Upstream, Flow::Downstream] {
            let gone = if self.is_sender_gone(flow) {
                Some(Gone::Reset)
            } else if self.way(flow).is_read() || self.is_heard_of_anyway(flow) {
                None
            } else {
                let told = matches!(self.way(flow.back()), Way::Ended(End::Finished));
                let stream = match flow {
                    Flow::Upstream => &*self.client,
                    Flow::Downstream => &*self.upstream,
                };
                let unread = Unread { stream, told };
                match self.senders[index(flow)].watch.poll(cx, unread) {
                    Poll::Ready(gone) => Some(gone),
                    Poll::Pending => None,
                }
            };
            let sender = &mut self.senders[index(flow)];
            if let (Some(gone), None) = (gone, &sender.gone) {
                sender.gone = Some(Box::new(Departure::now(gone)));
                noticed = true;
            }
        }
        noticed
    }

    /// Lets a connection go one end of which is gone, when what that said cannot be delivered in time.
    fn poll_let_go(&mut self, cx: &mut Context<'_>) -> Poll<Close> {
        for flow in [Flow::Upstream, Flow::Downstream] {
            let (way, back) = match flow {
                Flow::Upstream => (&self.up, &self.down),
                Flow::Downstream => (&self.down, &self.up),
            };
            // A client that is there and has not said all costs no more than it did before, so it waits as long as it wants.
            let is_awaited = flow == Flow::Downstream && !matches!(back, Way::Ended(_));
            if let (Some(gone), Way::Open(pipe)) = (&mut self.senders[index(flow)].gone, way)
                && !is_awaited
            {
                ready!(gone.poll_let_go(cx, pipe));
                return Poll::Ready(Close::Reset);
            }
        }
        Poll::Pending
    }

    /// Whether the sender has closed its end.
    fn has_closed(&self, flow: Flow) -> bool {
        let gone = self.senders[index(flow)].gone.as_ref();
        gone.is_some_and(|gone| gone.is_closed())
    }

    /// How the connection ends, if it does.
    fn close(&self) -> Option<Close> {
        match (&self.up, &self.down) {
            (Way::Ended(End::Finished), Way::Ended(End::Finished)) => Some(Close::Gently),
            (Way::Ended(End::Close), _) | (_, Way::Ended(End::Close)) => Some(Close::Gently),
            (Way::Ended(End::Finished), Way::Deaf(_)) if self.has_closed(Flow::Upstream) => {
                Some(Close::Gently)
            }
            (Way::Deaf(_), Way::Ended(End::Finished)) if self.has_closed(Flow::Downstream) => {
                Some(Close::Gently)
            }
            (Way::Ended(End::SenderGone | End::Reset), _)
            | (_, Way::Ended(End::SenderGone | End::Reset)) => Some(Close::Reset),
            (Way::Ended(_) | Way::Deaf(_), Way::Ended(_) | Way::Deaf(_)) => Some(Close::Reset),
            // The other direction may still have something to deliver.
            (Way::Open(_), _) | (_, Way::Open(_)) => None,
        }
    }
}

impl Way {
    /// Whether somebody reads what the sender says, and so hears when it is gone.
    fn is_read(&self) -> bool {
        match self {
            Self::Open(pipe) => pipe.reads(),
            Self::Deaf(left) => *left > 0,
            Self::Ended(_) => false,
        }
    }
}

fn index(flow: Flow) -> usize {
    usize::from(flow == Flow::Downstream)
}

impl Future for Relay<'_> {
    type Output = Close;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Close> {
        let this = self.get_mut();
        this.follower.listen(cx);
        if let Err(close) = this.follow() {
            return Poll::Ready(close);
        }
        loop {
            this.poll_way(cx, Flow::Upstream);
            // What has ended the connection has done so once.
            if !matches!(this.up, Way::Ended(End::Close | End::Reset)) {
                this.give_up(Flow::Downstream);
                this.poll_way(cx, Flow::Downstream);
                if this.give_up(Flow::Upstream) {
                    this.poll_way(cx, Flow::Upstream);
                }
            }
            if let Some(close) = this.close() {
                return Poll::Ready(close);
            }
            if !this.notice(cx) {
                return this.poll_let_go(cx);
            }
            // What was left to other faults is theirs.
            if let Err(close) = this.follow() {
                return Poll::Ready(close);
            }
        }
    }
}

/// Takes what a sender says to nobody, until it says no more or is gone.
fn poll_unheard(cx: &mut Context<'_>, from: &mut Stream, left: &mut usize) -> Poll<End> {
    while *left > 0 {
        let read = scratch::with(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            let read = Pin::new(&mut *from).poll_read(cx, &mut buffer);
            read.map_ok(|()| buffer.filled().len())
        });
        match ready!(read) {
            Err(_) => return Poll::Ready(End::SenderGone),
            Ok(0) => return Poll::Ready(End::ReceiverGone),
            Ok(read) => *left = left.saturating_sub(read),
        }
    }
    Poll::Pending
}
