//! One request and what became of it.

use super::minifloat::Minifloat;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// Answered as expected, in time.
    Ok,
    /// Answered with another status than expected.
    BadStatus,
    /// Answered with something that is no HTTP, or with a body that is longer than allowed.
    BadBody,
    /// Nobody listens: the connection was refused.
    Refused,
    /// The connection was closed or reset before the answer was complete.
    Reset,
    /// There is no way to the target.
    Unreachable,
    /// The name does not resolve.
    Dns,
    /// The target's certificate is not trusted, or it does not speak TLS as we do.
    Tls,
    /// Not answered within the timeout.
    Timeout,
    /// Answered as expected, but later than is good for anybody.
    Slow,
    /// Not sent within its timeout, because the target held every slot: a failure of the target.
    NoSlot,
    /// Failed in another way; what a closure load reports.
    Failed,
    /// Not sent, because the generator could not: it was late, or out of ports or descriptors. A fault of the
    /// instrument, not of the target.
    Unsent,
    /// Given up because the run was over: neither good nor bad.
    Cancelled,
}

impl Class {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 14] = [
        Self::Ok,
        Self::BadStatus,
        Self::BadBody,
        Self::Refused,
        Self::Reset,
        Self::Unreachable,
        Self::Dns,
        Self::Tls,
        Self::Timeout,
        Self::Slow,
        Self::NoSlot,
        Self::Failed,
        Self::Unsent,
        Self::Cancelled,
    ];

    /// Whether the target did what it should.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Ok)
    }

    /// Whether it says something about the target, good or bad.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::Unsent | Self::Cancelled)
    }

    /// Whether the target failed.
    pub const fn is_bad(self) -> bool {
        self.counts() && !self.is_good()
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::BadStatus => "bad status",
            Self::BadBody => "bad body",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Unreachable => "unreachable",
            Self::Dns => "name not resolved",
            Self::Tls => "TLS failed",
            Self::Timeout => "timeout",
            Self::Slow => "too slow",
            Self::NoSlot => "no slot",
            Self::Failed => "failed",
            Self::Unsent => "unsent",
            Self::Cancelled => "cancelled",
        })
    }
}

/// One planned request and what became of it. Every time counts from the start of the run.
///
/// The latency is what a user feels: it counts from the moment the request was *meant* to be sent, so a
/// target that holds up the generator cannot hide it (coordinated omission).
///
/// It takes 16 bytes, so that ten million of them fit into 160 MB. What is judged is kept to the nanosecond (the intended
/// time up to 13 days, a latency up to 268 ms and to eight digits above); the time of sending to three digits of the
/// wait, the generator's lateness to two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Intended time, class and status.
    what: u64,
    /// Latency, wait, endpoint and lateness.
    times: u64,
}

/// From the top: when it was meant to be sent, how it ended, with which status.
const INTENDED_BITS: u32 = 50;
const CLASS_BITS: u32 = 4;
const STATUS_BITS: u32 = 10;
/// From the top: intended to done, intended to sent, which endpoint, the generator's own part of the wait.
const LATENCY: Minifloat = Minifloat { bits: 32 };
const WAIT: Minifloat = Minifloat { bits: 16 };
const ENDPOINT_BITS: u32 = 4;
const LATE: Minifloat = Minifloat { bits: 12 };

/// How many endpoints a load can tell apart.
pub(crate) const MOST_ENDPOINTS: usize = 1 << ENDPOINT_BITS;

impl Exchange {
    /// A request that was meant to be sent at `intended`, was sent at `sent` and over at `done`.
    pub fn new(intended: Duration, sent: Duration, done: Duration, class: Class) -> Self {
        let intended = nanos(intended).min((1 << INTENDED_BITS) - 1);
        let wait = nanos(sent).saturating_sub(intended);
        let latency = nanos(done).saturating_sub(intended);
        Self {
            what: intended << (CLASS_BITS + STATUS_BITS) | (class as u64) << STATUS_BITS,
            times: LATENCY.pack(latency) << (64 - LATENCY.bits)
                | WAIT.pack(wait) << (ENDPOINT_BITS + LATE.bits)
                | LATE.pack(wait),
        }
    }

    /// How late the generator itself was. Default: all of the time from intended to sent.
    #[must_use]
    pub fn with_late(mut self, late: Duration) -> Self {
        self.times = self.times & !LATE.mask() | LATE.pack(nanos(late));
        self
    }

    /// The HTTP status of the answer, up to 1023.
    #[must_use]
    pub fn with_status(mut self, status: Option<u16>) -> Self {
        let most = (1 << STATUS_BITS) - 1;
        self.what = self.what & !most | u64::from(status.unwrap_or(0)).min(most);
        self
    }

    /// Which of the load's endpoints it was sent to, from 0 to 15.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: usize) -> Self {
        let most = MOST_ENDPOINTS - 1;
        self.times =
            self.times & !((most as u64) << LATE.bits) | (endpoint.min(most) as u64) << LATE.bits;
        self
    }

    /// Which of the load's endpoints it was sent to.
    pub const fn endpoint(&self) -> usize {
        (self.times >> LATE.bits) as usize & (MOST_ENDPOINTS - 1)
    }

    /// When it was meant to be sent.
    pub const fn intended(&self) -> Duration {
        Duration::from_nanos(self.what >> (CLASS_BITS + STATUS_BITS))
    }

    /// When it was sent, or given up unsent.
    pub fn sent(&self) -> Duration {
        let wait = WAIT.unpack(self.times >> (ENDPOINT_BITS + LATE.bits) & WAIT.mask());
        self.intended() + wait.min(self.latency())
    }

    /// When it was over.
    pub fn done(&self) -> Duration {
        self.intended() + self.latency()
    }

    /// What became of it.
    pub const fn class(&self) -> Class {
        let class = self.what >> STATUS_BITS & ((1 << CLASS_BITS) - 1);
        Class::ALL[class as usize]
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        let status = self.what & ((1 << STATUS_BITS) - 1);
        u16::try_from(status).ok().filter(|status| *status > 0)
    }

    /// From intended to done: what a user felt.
    pub fn latency(&self) -> Duration {
        LATENCY.unpack(u64::from(self.latency_code()))
    }

    /// A number in the order of latencies; [`latency_of_code`](Self::latency_of_code) is the way back.
    pub(crate) const fn latency_code(&self) -> u32 {
        (self.times >> (64 - LATENCY.bits)) as u32
    }

    pub(crate) const fn latency_of_code(code: u32) -> Duration {
        LATENCY.unpack(code as u64)
    }

    /// A number in the order of the generator's lateness.
    pub(crate) const fn late_code(&self) -> u32 {
        (self.times & LATE.mask()) as u32
    }

    pub(crate) const fn late_of_code(code: u32) -> Duration {
        LATE.unpack(code as u64)
    }

    /// A number in the order of intended times.
    pub(crate) const fn order(&self) -> u64 {
        self.what
    }

    /// From sent to done.
    pub fn service(&self) -> Duration {
        self.done() - self.sent()
    }

    /// The generator's own part of the latency; waiting for a slot that the target held is not in it.
    pub fn late(&self) -> Duration {
        LATE.unpack(self.times & LATE.mask())
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("intended", &self.intended())
            .field("latency", &self.latency())
            .field("late", &self.late())
            .field("class", &self.class())
            .field("status", &self.status())
            .finish()
    }
}

/// 584 years fit.
pub(crate) fn nanos(time: Duration) -> u64 {
    let seconds = time.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(time.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_counts_from_the_intended_time() {
        let ms = Duration::from_millis;
        let exchange = Exchange::new(ms(100), ms(400), ms(450), Class::Ok).with_late(ms(2));
        assert_eq!(exchange.latency(), ms(350));
        assert!(exchange.service().abs_diff(ms(50)) < Duration::from_micros(300));
        assert!(exchange.late().abs_diff(ms(2)) < Duration::from_micros(20));
    }

    #[test]
    fn what_is_put_in_comes_out() {
        let ms = Duration::from_millis;
        for class in Class::ALL {
            let exchange = Exchange::new(ms(7), ms(7), ms(8), class);
            assert_eq!((exchange.class(), exchange.status()), (class, None));
            let exchange = exchange.with_status(Some(503));
            assert_eq!((exchange.class(), exchange.status()), (class, Some(503)));
            assert_eq!((exchange.intended(), exchange.done()), (ms(7), ms(8)));
            let exchange = exchange.with_endpoint(11).with_late(ms(1));
            assert_eq!((exchange.endpoint(), exchange.latency()), (11, ms(1)));
        }
        // Weeks and hours.
        let (day, hour) = (ms(86_400_000), ms(3_600_000));
        let exchange = Exchange::new(day * 13, day * 13, day * 13 + hour, Class::Timeout);
        assert_eq!(exchange.intended(), day * 13);
        assert!(exchange.latency().abs_diff(hour) < Duration::from_micros(10));
        assert_eq!(size_of::<Exchange>(), 16);
    }

    #[test]
    fn instrument_faults_are_neither_good_nor_bad() {
        for class in [Class::Unsent, Class::Cancelled] {
            assert!(!class.counts() && !class.is_bad() && !class.is_good());
        }
        assert!(Class::NoSlot.is_bad(), "the target held the slots");
    }
}
