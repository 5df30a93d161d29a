//! A thread that burns CPU time.

use super::duty::{Duty, PERIOD};
use crate::crew::Shared;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Burns so many percent of one CPU until the work is over.
pub(super) fn burn(percent: u32, shared: &Shared) {
    let clock = CpuClock::start();
    let mut duty = Duty::new(percent);
    let (mut began, mut before) = (Instant::now(), clock.used());
    while !shared.ended() {
        let (until, enough) = (began + PERIOD, before + duty.due());
        while !shared.ended() && clock.used() < enough && Instant::now() < until {
            spin();
        }
        shared.rest_until(until);
        let (now, used) = (Instant::now(), clock.used());
        duty.passed(now - began, used - before);
        (began, before) = (now, used);
        shared.hit(1);
    }
}

/// A few microseconds of work that no compiler takes away.
fn spin() {
    let mut x = black_box(1_u64);
    for _ in 0..2_000 {
        x = black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// The CPU time of the calling thread.
#[cfg(unix)]
struct CpuClock;

#[cfg(unix)]
impl CpuClock {
    const fn start() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "elsewhere it has a start")]
    fn used(&self) -> Duration {
        use rustix::time::{ClockId, clock_gettime};
        Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
    }
}

/// Where a thread's CPU time cannot be asked for, the time that passes stands for it.
#[cfg(not(unix))]
struct CpuClock(Instant);

#[cfg(not(unix))]
impl CpuClock {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn used(&self) -> Duration {
        self.0.elapsed()
    }
}
