//! One direction of one connection.

use super::{
    connection::Link,
    queue::{Arrival, Head, Queue},
    scratch,
    stack::Stack,
    stages::Stages,
};
use crate::direction::Flow;
use bytes::Bytes;
use std::{io, pin::Pin, sync::Arc};
use tokio::{
    io::AsyncWriteExt,
    net::tcp::{ReadHalf, WriteHalf},
    sync::watch,
    time::{Instant, Sleep, sleep_until},
};

/// Why a pipe stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The sender has said all, and the receiver has been told so.
    Finished,
    /// The sender is gone, and it is the receiver's turn to hear of it.
    SenderGone,
    /// The receiver is gone.
    ReceiverGone,
    /// A fault cuts the connection.
    Cut,
    /// The proxy was closed.
    Closed,
}

/// One direction of one connection: what comes from one end goes to the other, through the stages.
///
/// Without faults data goes straight from the thread's buffer to the receiver; only what the receiver does not
/// take at once is queued. With faults everything is queued until it is due.
#[derive(Debug)]
pub(crate) struct Pipe<'a> {
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    link: Link,
    faults: watch::Receiver<Arc<Stack>>,
    stages: Stages,
    queue: Queue,
    /// Nothing more will come.
    ended: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What became of one attempt to move data straight on.
enum Moved {
    All,
    Nothing,
    Queued,
}

impl<'a> Pipe<'a> {
    /// After so many turns without waiting the other connections get theirs.
    const TURNS: u32 = 16;

    /// `early` was read before.
    pub(crate) fn new(
        (from, to): (ReadHalf<'a>, WriteHalf<'a>),
        mut faults: watch::Receiver<Arc<Stack>>,
        (link, flow): (Link, Flow),
        early: Bytes,
    ) -> Self {
        faults.mark_changed();
        let mut queue = Queue::default();
        if !early.is_empty() {
            queue.push(Arrival::Data(early), Instant::now());
        }
        Self {
            from,
            to,
            link,
            faults,
            stages: Stages::new(link.number, flow),
            queue,
            ended: false,
            timer: None,
        }
    }

    /// Runs until one end is gone or all is said.
    pub(crate) async fn run(mut self) -> End {
        match self.serve().await {
            Err(end) => end,
            Ok(never) => match never {},
        }
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        loop {
            self.follow_faults()?;
            if self.queue.is_empty() && self.stages.is_empty() {
                self.straight().await?;
            } else {
                self.staged().await?;
            }
        }
    }

    /// Takes over the faults that are on the proxy now.
    fn follow_faults(&mut self) -> Result<(), End> {
        if !self.faults_changed()? {
            return Ok(());
        }
        let stack = Arc::clone(&self.faults.borrow_and_update());
        if stack.cuts_off(self.link.cuts) {
            return Err(End::Cut);
        }
        self.stages.follow(&stack);
        self.queue.faults_changed();
        Ok(())
    }

    fn faults_changed(&self) -> Result<bool, End> {
        self.faults.has_changed().map_err(|_| End::Closed)
    }

    /// Moves data straight on, until the faults change or something must be queued.
    async fn straight(&mut self) -> Result<(), End> {
        let mut turns = 0;
        while !self.faults_changed()? {
            match self.move_on()? {
                Moved::Queued => return Ok(()),
                Moved::All => breathe(&mut turns).await,
                Moved::Nothing => {
                    tokio::select! {
                        biased;
                        changed = changed(&mut self.faults) => return changed,
                        // An error shows when reading.
                        _ = self.from.readable() => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// One read, and what was read is written.
    fn move_on(&mut self) -> Result<Moved, End> {
        scratch::with(|buffer| {
            let read = match self.from.try_read(buffer) {
                Ok(read) => read,
                Err(e) if is_not_now(&e) => return Ok(Moved::Nothing),
                Err(_) => return Err(End::SenderGone),
            };
            if read == 0 {
                self.ended = true;
                self.queue.push(Arrival::End, Instant::now());
                return Ok(Moved::Queued);
            }
            let written = match self.to.try_write(&buffer[..read]) {
                Ok(written) => written,
                Err(e) if is_not_now(&e) => 0,
                Err(_) => return Err(End::ReceiverGone),
            };
            if written == read {
                return Ok(Moved::All);
            }
            let rest = Bytes::copy_from_slice(&buffer[written..read]);
            self.queue.push(Arrival::Data(rest), Instant::now());
            Ok(Moved::Queued)
        })
    }

    /// Queues what comes and sends what is due, until the faults change or there is no need for a queue.
    async fn staged(&mut self) -> Result<(), End> {
        let mut turns = 0;
        let mut blocked = false;
        while !self.faults_changed()? {
            let now = Instant::now();
            let head = self.queue.head(&mut self.stages, now);
            match head {
                Head::Empty if self.stages.is_empty() => return Ok(()),
                Head::Due(at) if at <= now && !blocked => {
                    blocked = !self.send().await?;
                    breathe(&mut turns).await;
                    continue;
                }
                _ => {}
            }
            let wake = match head {
                Head::Due(at) if !blocked => Some(at),
                _ => None,
            };
            if let Some(at) = wake {
                set(&mut self.timer, at);
            }
            let room = !self.ended && self.queue.size() < self.stages.room();
            tokio::select! {
                biased;
                changed = changed(&mut self.faults) => return changed,
                () = expired(&mut self.timer), if wake.is_some() => {}
                _ = self.to.writable(), if blocked => blocked = false,
                _ = self.from.readable(), if room => self.take(),
            }
        }
        Ok(())
    }

    /// Sends the head; whether it is all sent.
    async fn send(&mut self) -> Result<bool, End> {
        let sent = match self.queue.go(&mut self.stages) {
            None => return Ok(true),
            Some(Arrival::Reset) => return Err(End::SenderGone),
            Some(Arrival::End) => {
                let told = self.to.shutdown().await;
                return Err(told.map_or(End::ReceiverGone, |()| End::Finished));
            }
            Some(Arrival::Data(data)) => match self.to.try_write(data) {
                Ok(sent) => sent,
                Err(e) if is_not_now(&e) => return Ok(false),
                Err(_) => return Err(End::ReceiverGone),
            },
        };
        Ok(self.queue.sent(sent))
    }

    /// One read, and what was read is queued.
    fn take(&mut self) {
        let arrival = scratch::with(|buffer| match self.from.try_read(buffer) {
            Ok(0) => Some(Arrival::End),
            Ok(read) => Some(Arrival::Data(Bytes::copy_from_slice(&buffer[..read]))),
            Err(e) if is_not_now(&e) => None,
            Err(_) => Some(Arrival::Reset),
        });
        if let Some(arrival) = arrival {
            self.ended = !matches!(arrival, Arrival::Data(_));
            self.queue.push(arrival, Instant::now());
        }
    }
}

/// Waits for a change of the faults and leaves it to be seen.
async fn changed(faults: &mut watch::Receiver<Arc<Stack>>) -> Result<(), End> {
    faults.changed().await.map_err(|_| End::Closed)?;
    faults.mark_changed();
    Ok(())
}

/// Lets the other connections have a turn now and then.
async fn breathe(turns: &mut u32) {
    *turns += 1;
    if turns.is_multiple_of(Pipe::TURNS) {
        tokio::task::yield_now().await;
    }
}

fn set(timer: &mut Option<Pin<Box<Sleep>>>, at: Instant) {
    match timer {
        Some(timer) if timer.deadline() == at => {}
        Some(timer) => timer.as_mut().reset(at),
        None => *timer = Some(Box::pin(sleep_until(at))),
    }
}

async fn expired(timer: &mut Option<Pin<Box<Sleep>>>) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}

fn is_not_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
