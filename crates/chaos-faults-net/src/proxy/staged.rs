//! The path of the data through the stages of one direction.

use super::{
    clock::Timer,
    faults::Follower,
    moved::Moved,
    pipe::{Allowance, End},
    queue::{Arrival, Going, Head, Queue},
    scratch,
    stage::Then,
    stages::Stages,
    stream::Stream,
};
use bytes::{Bytes, BytesMut};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::io::AsyncWrite;

/// What is in the stages of one direction, and what the receiver has not taken yet.
#[derive(Debug)]
pub(crate) struct Staged {
    stages: Stages,
    queue: Queue,
    timer: Timer,
    /// How many bytes may be queued.
    room: usize,
    /// Whether when data comes is to be noted, because there is a delay that counts from then, and whether it is.
    to_be_noted: bool,
    noted: bool,
    /// Nothing was there when it was looked for last, so what comes next comes to nobody who is awake. What waits in the kernel
    /// because there was no room for it is another case.
    waits: bool,
    /// The sender is gone, though the receiver has not been told so yet.
    sender_gone: bool,
    /// What is read next comes here, behind what is still queued of what was read before.
    block: BytesMut,
}

impl Staged {
    /// The size of a block.
    const BLOCK: usize = 64 * 1024;
    /// When it is looked again whether others have given back what a queue may take.
    const AGAIN: Duration = Duration::from_millis(10);
    /// In less it is not worth reading.
    const LEAST: usize = 8 * 1024;

    pub(crate) fn new(stages: Stages) -> Self {
        let room = stages.room();
        Self {
            room: room.bytes(),
            to_be_noted: !room.delay.is_zero(),
            noted: false,
            waits: false,
            stages,
            queue: Queue::default(),
            timer: Timer::default(),
            sender_gone: false,
            block: BytesMut::new(),
        }
    }

    pub(crate) fn push(&mut self, arrival: Arrival) {
        self.came(arrival, Instant::now());
    }

    fn came(&mut self, arrival: Arrival, at: Instant) {
        self.sender_gone |= matches!(arrival, Arrival::Reset);
        self.queue.push(arrival, at);
    }

    /// Whether the sender is gone (RST). It cannot receive any more either.
    pub(crate) fn is_sender_gone(&self) -> bool {
        self.sender_gone
    }

    /// Whether the head is held, or due only after a time.
    pub(crate) fn waits_beyond(&self, until: Instant) -> bool {
        self.queue.waits_beyond(until)
    }

    /// How much longer than usual the connection is kept when the sender is gone.
    pub(crate) fn linger(&self) -> Duration {
        self.stages.linger()
    }

    /// The stages, to be given back to [`follow`](Self::follow).
    pub(crate) fn take_stages(&mut self) -> Stages {
        if let Some(bytes) = self.queue.going() {
            self.stages.back(bytes);
        }
        std::mem::take(&mut self.stages)
    }

    /// The faults changed.
    pub(crate) fn follow(&mut self, stages: Stages) {
        let room = stages.room();
        self.room = room.bytes();
        self.to_be_noted = !room.delay.is_zero();
        self.stages = stages;
        self.queue.faults_changed();
    }

    /// Queues what comes and sends what is due, until there is no need for a queue. Pending, too, when there are other
    /// faults now, of which the task is told.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        (from, to): (&mut Stream, &mut Stream),
        ended: &mut bool,
        allowance: &mut Allowance,
        (follower, moved): (&Follower, &Moved),
    ) -> Poll<Result<(), End>> {
        loop {
            let now = Instant::now();
            let deadline = self.stages.deadline();
            if deadline.is_some_and(|at| at <= now)
                && let Some(then) = self.stages.expire(now)
                && let Err(end) = carry_out(then)
            {
                return Poll::Ready(Err(end));
            }
            let mut wake = deadline;
            let mut bytes = None;
            match self.queue.head(&mut self.stages, now) {
                Head::Empty if self.stages.is_empty() => return Poll::Ready(Ok(())),
                Head::Due(at) if at <= now => match self.poll_send(cx, to) {
                    Poll::Ready(Ok(sent)) => {
                        moved.sent(sent);
                        bytes = Some(sent);
                    }
                    Poll::Ready(Err(end)) => return Poll::Ready(Err(end)),
                    Poll::Pending => {}
                },
                Head::Due(at) => wake = Some(wake.map_or(at, |deadline| deadline.min(at))),
                Head::Empty | Head::Held => {}
            }
            self.note(from);
            let reads = !*ended && !self.stages.is_empty();
            if reads && self.queue.waits_for_others(self.room) {
                let again = now + Self::AGAIN;
                wake = Some(wake.map_or(again, |wake| wake.min(again)));
            }
            self.waits &= self.has_room();
            if !*ended && self.has_room() {
                let taken = self.poll_take(cx, from, ended);
                self.waits = taken.is_pending();
                match taken {
                    Poll::Ready(read) => {
                        moved.staged(read);
                        if follower.has_news() {
                            return Poll::Pending;
                        }
                        bytes = Some(bytes.unwrap_or(0) + read);
                    }
                    // An idle connection needs no block.
                    Poll::Pending if self.queue.is_empty() => self.block = BytesMut::new(),
                    Poll::Pending => {}
                }
            }
            match (bytes, wake) {
                (Some(bytes), _) => ready!(allowance.poll_spend(cx, bytes)),
                (None, Some(at)) => ready!(self.timer.poll(cx, at)),
                (None, None) => {
                    self.timer.clear();
                    return Poll::Pending;
                }
            }
        }
    }

    /// Without stages the queue is only what the receiver has not taken.
    pub(crate) fn has_room(&self) -> bool {
        !self.stages.is_empty() && self.queue.has_room(self.room)
    }

    /// Sends the head, or some of it; how many bytes.
    fn poll_send(&mut self, cx: &mut Context<'_>, to: &mut Stream) -> Poll<Result<usize, End>> {
        let sent = match self.queue.go(&mut self.stages) {
            Going::Reset => return Poll::Ready(Err(End::SenderGone)),
            Going::End => {
                let told = ready!(Pin::new(to).poll_shutdown(cx));
                return Poll::Ready(Err(told.map_or(End::ReceiverGone, |()| End::Finished)));
            }
            Going::Data(data) => match ready!(Pin::new(to).poll_write(cx, data)) {
                Ok(sent) => sent,
                Err(_) => return Poll::Ready(Err(End::ReceiverGone)),
            },
            Going::Nothing => 0,
        };
        let then = self.queue.sent(sent).unwrap_or(Then::GoOn);
        Poll::Ready(carry_out(then).map(|()| sent))
    }

    /// Has the kernel note when data comes if there is need for it, and only then.
    fn note(&mut self, from: &Stream) {
        if self.noted != self.to_be_noted {
            self.noted = from.note_arrivals(self.to_be_noted);
            // Where that cannot be had it is not asked for again.
            self.to_be_noted = self.noted;
        }
    }

    /// Nothing more is read from there by it.
    pub(crate) fn end(&mut self, from: &Stream) {
        self.to_be_noted = false;
        self.note(from);
    }

    /// One read, and what was read is queued; how many bytes.
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        ended: &mut bool,
    ) -> Poll<usize> {
        let read = if self.noted && self.waits {
            ready!(self.poll_read_noted(cx, from))
        } else {
            ready!(self.poll_read(cx, from))
        };
        let (arrival, at) = match read {
            Ok((data, at)) if data.is_empty() => (Arrival::End, at),
            Ok((data, at)) => (Arrival::Data(data), at),
            Err(_) => (Arrival::Reset, Instant::now()),
        };
        let read = arrival.data().len();
        *ended = read == 0;
        self.came(arrival, at);
        Poll::Ready(read)
    }

    /// What comes while it is read came just now.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
    ) -> Poll<io::Result<(Bytes, Instant)>> {
        let block = (Self::LEAST, Self::BLOCK);
        ready!(from.poll_read_into(cx, &mut self.block, block))?;
        let data = self.block.split().freeze();
        Poll::Ready(Ok((data, Instant::now())))
    }

    /// What came before this thread was woken for it.
    fn poll_read_noted(
        &mut self,
        cx: &mut Context<'_>,
        from: &Stream,
    ) -> Poll<io::Result<(Bytes, Instant)>> {
        scratch::with(|buffer| {
            let read = ready!(from.poll_read_noted(cx, buffer))?;
            let data = Bytes::copy_from_slice(&buffer[..read.bytes]);
            Poll::Ready(Ok((data, read.at)))
        })
    }
}

/// Goes on, or ends the connection.
pub(crate) fn carry_out(then: Then) -> Result<(), End> {
    match then {
        Then::GoOn => Ok(()),
        Then::Close => Err(End::Close),
        Then::Reset => Err(End::Reset),
    }
}
