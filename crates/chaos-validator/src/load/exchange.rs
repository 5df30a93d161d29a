//! One request and what became of it.

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
    /// Not answered within the timeout.
    Timeout,
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
            Self::Timeout => "timeout",
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    seq: u64,
    intended: u64,
    sent: u64,
    done: u64,
    late: u64,
    class: Class,
    status: Option<u16>,
}

impl Exchange {
    /// A request that was meant to be sent at `intended`, was sent at `sent` and over at `done`.
    pub fn new(seq: u64, intended: Duration, sent: Duration, done: Duration, class: Class) -> Self {
        Self {
            seq,
            intended: nanos(intended),
            sent: nanos(sent),
            done: nanos(done),
            late: nanos(sent.saturating_sub(intended)),
            class,
            status: None,
        }
    }

    /// How late the generator itself was. Default: all of the time from intended to sent.
    #[must_use]
    pub fn with_late(mut self, late: Duration) -> Self {
        self.late = nanos(late);
        self
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn with_status(mut self, status: Option<u16>) -> Self {
        self.status = status;
        self
    }

    /// Its place in the plan, from 0.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// When it was meant to be sent.
    pub const fn intended(&self) -> Duration {
        Duration::from_nanos(self.intended)
    }

    /// When it was sent, or given up unsent.
    pub const fn sent(&self) -> Duration {
        Duration::from_nanos(self.sent)
    }

    /// When it was over.
    pub const fn done(&self) -> Duration {
        Duration::from_nanos(self.done)
    }

    /// What became of it.
    pub const fn class(&self) -> Class {
        self.class
    }

    /// The HTTP status, if there was an answer.
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// From intended to done: what a user felt.
    pub const fn latency(&self) -> Duration {
        Duration::from_nanos(self.done.saturating_sub(self.intended))
    }

    /// From sent to done.
    pub const fn service(&self) -> Duration {
        Duration::from_nanos(self.done.saturating_sub(self.sent))
    }

    /// The generator's own part of the latency; waiting for a slot that the target held is not in it.
    pub const fn late(&self) -> Duration {
        Duration::from_nanos(self.late)
    }
}

/// 584 years fit.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_counts_from_the_intended_time() {
        let ms = Duration::from_millis;
        let exchange = Exchange::new(0, ms(100), ms(400), ms(450), Class::Ok).with_late(ms(2));
        assert_eq!(exchange.latency(), ms(350));
        assert_eq!(exchange.service(), ms(50));
        assert_eq!(exchange.late(), ms(2));
    }

    #[test]
    fn instrument_faults_are_neither_good_nor_bad() {
        for class in [Class::Unsent, Class::Cancelled] {
            assert!(!class.counts() && !class.is_bad() && !class.is_good());
        }
        assert!(Class::NoSlot.is_bad(), "the target held the slots");
    }
}
