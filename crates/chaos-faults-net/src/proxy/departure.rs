//! An end that is gone while something that it said still waits.

use super::{clock::Timer, pipe::Pipe, watch::Gone};
use std::{
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// When and how an end went of which something is still to be delivered.
#[derive(Debug)]
pub(crate) struct Departure {
    at: Instant,
    gone: Gone,
    timer: Timer,
}

impl Departure {
    /// What was said by who is gone is delivered within this time, or not at all: the kernel keeps what a closed
    /// connection has not sent yet for about as long (`tcp_orphan_retries`). The tests do not wait for a minute.
    pub(super) const LINGER: Duration = Duration::from_secs(if cfg!(test) { 10 } else { 60 });

    pub(crate) fn now(gone: Gone) -> Self {
        Self {
            at: Instant::now(),
            gone,
            timer: Timer::default(),
        }
    }

    /// Whether it was closed rather than reset.
    pub(crate) fn is_closed(&self) -> bool {
        self.gone == Gone::Closed
    }

    /// Whether what waits is to be let go: it is held, or due too late, or nobody takes it.
    pub(crate) fn poll_let_go(&mut self, cx: &mut Context<'_>, pipe: &Pipe) -> Poll<()> {
        let linger = Self::LINGER.saturating_add(pipe.linger());
        let Some(until) = self.at.checked_add(linger) else {
            return Poll::Pending;
        };
        if pipe.waits_beyond(until) {
            return Poll::Ready(());
        }
        self.timer.poll(cx, until)
    }
}
