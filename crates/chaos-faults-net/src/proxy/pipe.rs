//! One direction of one connection.

use super::{
    faults::Follower,
    moved::Moved,
    pace::Pace,
    queue::Arrival,
    scratch,
    splice::Tube,
    stack::{Link, Stack},
    staged::{Staged, carry_out},
    stages::Stages,
    stream::Stream,
};
use crate::direction::Flow;
use bytes::Bytes;
use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Why a pipe stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The sender has said all, and the receiver has been told so.
    Finished,
    /// The sender is gone, and it is the receiver's turn to hear of it.
    SenderGone,
    /// The receiver is gone.
    ReceiverGone,
    /// A fault closes the connection.
    Close,
    /// A fault resets the connection.
    Reset,
}

/// One direction of one connection: what comes from one end goes to the other.
///
/// There are three paths. Without faults, what comes is copied through the thread's buffer, or, once it comes in
/// bulk, spliced within the kernel. With faults, and when the receiver does not take all, it is staged: queued until
/// it is due. Whatever is on one path stays before what comes on the next.
#[derive(Debug)]
pub(crate) struct Pipe {
    flow: Flow,
    /// The sender has nothing more to say.
    ended: bool,
    pace: Pace,
    /// The tube that has something in it.
    tube: Option<Tube>,
    staged: Option<Box<Staged>>,
}

/// What may be moved before the other connections get their turn.
#[derive(Debug)]
pub(crate) struct Allowance(usize);

impl Allowance {
    pub(crate) const fn new() -> Self {
        Self(512 * 1024)
    }

    /// Spends it; pending when it is spent, and the task is woken after the others.
    pub(crate) fn poll_spend(&mut self, cx: &mut Context<'_>, bytes: usize) -> Poll<()> {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                Poll::Ready(())
            }
            None => pin!(tokio::task::yield_now()).poll(cx),
        }
    }
}

impl Pipe {
    /// `early` was read before.
    pub(crate) fn new(flow: Flow, early: Bytes) -> Self {
        let mut pipe = Self {
            flow,
            ended: false,
            pace: Pace::default(),
            tube: None,
            staged: None,
        };
        if !early.is_empty() {
            pipe.stage(Arrival::Data(early));
        }
        pipe
    }

    /// Leaves what came to the stages that there will be, if any.
    fn stage(&mut self, arrival: Arrival) {
        self.ended |= !matches!(arrival, Arrival::Data(_));
        let staged = self
            .staged
            .get_or_insert_with(|| Box::new(Staged::new(Stages::default())));
        staged.push(arrival);
    }

    /// Takes over the faults that are on the proxy now.
    pub(crate) fn follow(&mut self, stack: &Stack, link: &Link) -> Result<(), End> {
        let before = self.staged.as_mut().map(|staged| staged.take_stages());
        let mut before = before.unwrap_or_default();
        let stages = stack.stages(link, self.flow, &mut before);
        carry_out(before.taken_off())?;
        if let Some(staged) = &mut self.staged {
            staged.follow(stages);
        } else if !stages.is_empty() {
            let mut staged = Staged::new(stages);
            if let Some(tube) = self.tube.take() {
                for data in tube.read_all().map_err(|_| End::ReceiverGone)? {
                    staged.push(Arrival::Data(data));
                }
            }
            self.staged = Some(Box::new(staged));
        }
        Ok(())
    }

    /// Whether the sender is gone, though the receiver has not been told so yet.
    pub(crate) fn is_sender_gone(&self) -> bool {
        let staged = self.staged.as_ref();
        staged.is_some_and(|staged| staged.is_sender_gone())
    }

    /// Whether it waits for what the sender says, and so hears when that is gone.
    pub(crate) fn reads(&self) -> bool {
        let has_room = |staged: &Staged| staged.has_room();
        !self.ended && self.tube.is_none() && self.staged.as_deref().is_none_or(has_room)
    }

    /// Whether there are faults, or the receiver has not taken all.
    pub(crate) fn is_staged(&self) -> bool {
        self.staged.is_some()
    }

    /// Whether what is next will certainly still wait at a time.
    pub(crate) fn waits_beyond(&self, until: Instant) -> bool {
        let staged = self.staged.as_ref();
        staged.is_some_and(|staged| staged.waits_beyond(until))
    }

    /// How much longer than usual it is to wait when the sender is gone.
    pub(crate) fn linger(&self) -> Duration {
        let staged = self.staged.as_ref();
        staged.map_or(Duration::ZERO, |staged| staged.linger())
    }

    /// Moves what can be moved, until one end is gone or all is said. Pending, too, when there are other faults now, of
    /// which the task is told.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        (from, to): (&mut Stream, &mut Stream),
        follower: &Follower,
    ) -> Poll<End> {
        let moved = follower.shared().moved().way(self.flow);
        let mut allowance = Allowance::new();
        loop {
            let bytes = if let Some(staged) = &mut self.staged {
                let ended = &mut self.ended;
                let polled = staged.poll(cx, (from, to), ended, &mut allowance, (follower, moved));
                let end = ready!(polled);
                staged.end(from);
                match end {
                    Ok(()) => self.staged = None,
                    Err(end) => return Poll::Ready(end),
                }
                continue;
            } else if self.pace.is_bulk() || self.tube.is_some() {
                ready!(self.poll_splice(cx, (from, to), follower, moved))
            } else {
                ready!(self.poll_copy(cx, (from, to), follower, moved))
            };
            match bytes {
                Ok(bytes) => ready!(allowance.poll_spend(cx, bytes)),
                Err(end) => return Poll::Ready(end),
            }
        }
    }

    /// One read, and what was read is written.
    fn poll_copy(
        &mut self,
        cx: &mut Context<'_>,
        (from, to): (&mut Stream, &mut Stream),
        follower: &Follower,
        moved: &Moved,
    ) -> Poll<Result<usize, End>> {
        scratch::with(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            let end = ready!(poll_read(cx, from, &mut buffer));
            let mut left = buffer.filled();
            let read = left.len();
            if follower.has_news() {
                moved.staged(read);
                self.leave(left, end);
                return Poll::Pending;
            }
            self.pace.moved(read);
            moved.copied(read);
            while !left.is_empty() {
                let written = match end {
                    Some(Arrival::End) => to.poll_write_last(cx, left),
                    _ => Pin::new(&mut *to).poll_write(cx, left),
                };
                match written {
                    Poll::Ready(Ok(written)) => {
                        moved.sent(written);
                        left = &left[written..];
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(End::ReceiverGone)),
                    Poll::Pending => {
                        self.leave(left, end);
                        return Poll::Ready(Ok(read));
                    }
                }
            }
            match end {
                None => Poll::Ready(Ok(read)),
                Some(Arrival::Reset) => Poll::Ready(Err(End::SenderGone)),
                Some(_) => self.poll_end(cx, to),
            }
        })
    }

    /// Stages what was read and not passed on, and how it ends if it does.
    fn leave(&mut self, data: &[u8], end: Option<Arrival>) {
        if !data.is_empty() {
            self.stage(Arrival::Data(Bytes::copy_from_slice(data)));
        }
        if let Some(end) = end {
            self.stage(end);
        }
    }

    /// One move into a tube or out of it.
    fn poll_splice(
        &mut self,
        cx: &mut Context<'_>,
        (from, to): (&mut Stream, &mut Stream),
        follower: &Follower,
        moved: &Moved,
    ) -> Poll<Result<usize, End>> {
        if let Some(tube) = &mut self.tube {
            let poured = match ready!(tube.poll_pour(cx, to)) {
                Err(e) if e.kind() == io::ErrorKind::Unsupported => return self.unsplice(),
                Err(_) => return Poll::Ready(Err(End::ReceiverGone)),
                Ok(poured) => poured,
            };
            moved.sent(poured);
            if let Some(empty) = self.tube.take_if(|tube| tube.is_empty()) {
                empty.give_back();
            }
            return Poll::Ready(Ok(poured));
        }
        let Some(mut tube) = Tube::take() else {
            self.pace.slow_down();
            return Poll::Ready(Ok(0));
        };
        let filled = match tube.poll_fill(cx, from) {
            Poll::Ready(Ok(filled)) if filled > 0 => {
                self.pace.moved(filled);
                moved.spliced(filled);
                self.tube = Some(tube);
                return match follower.has_news() {
                    true => Poll::Pending,
                    false => Poll::Ready(Ok(0)),
                };
            }
            filled => filled,
        };
        tube.give_back();
        match ready!(filled) {
            Err(e) if e.kind() == io::ErrorKind::Unsupported => {
                self.pace.slow_down();
                Poll::Ready(Ok(0))
            }
            filled if follower.has_news() => {
                self.stage(filled.map_or(Arrival::Reset, |_| Arrival::End));
                Poll::Pending
            }
            Ok(_) => self.poll_end(cx, to),
            Err(_) => Poll::Ready(Err(End::SenderGone)),
        }
    }

    /// Goes on with what is in the tube as if it had been read.
    fn unsplice(&mut self) -> Poll<Result<usize, End>> {
        self.pace.slow_down();
        if let Some(tube) = self.tube.take() {
            match tube.read_all() {
                Ok(pieces) => pieces
                    .into_iter()
                    .for_each(|data| self.stage(Arrival::Data(data))),
                Err(_) => return Poll::Ready(Err(End::ReceiverGone)),
            }
        }
        Poll::Ready(Ok(0))
    }

    /// Tells the receiver that the sender has nothing more to say.
    fn poll_end(&mut self, cx: &mut Context<'_>, to: &mut Stream) -> Poll<Result<usize, End>> {
        self.ended = true;
        let told = ready!(Pin::new(to).poll_shutdown(cx));
        Poll::Ready(Err(told.map_or(End::ReceiverGone, |()| End::Finished)))
    }
}

/// Reads what is there, and how it ends if it does.
fn poll_read(
    cx: &mut Context<'_>,
    from: &mut Stream,
    buffer: &mut ReadBuf<'_>,
) -> Poll<Option<Arrival>> {
    loop {
        let before = buffer.filled().len();
        let result = match Pin::new(&mut *from).poll_read(cx, buffer) {
            Poll::Ready(result) => result,
            Poll::Pending if before > 0 => return Poll::Ready(None),
            Poll::Pending => return Poll::Pending,
        };
        if result.is_err() {
            return Poll::Ready(Some(Arrival::Reset));
        }
        if buffer.filled().len() == before {
            return Poll::Ready(Some(Arrival::End));
        }
        // A read that leaves room has taken all, so what there is still is the end.
        if buffer.remaining() == 0 || from.poll_read_ready(cx).is_pending() {
            return Poll::Ready(None);
        }
    }
}
