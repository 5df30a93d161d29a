//! What every load has: a rate, a timeout, a number of slots.

use super::{RequestRate, Schedule, drive::Pace};
use chaos_core::ConfigError;
use std::{fmt, ops::RangeInclusive, time::Duration};

/// The longest timeout.
const LONGEST: Duration = Duration::from_secs(3600);
/// The most slots: each may be a connection.
const MOST_SLOTS: usize = 10_000;
/// The fewest and the most that there are when nothing is said.
const USUAL: RangeInclusive<usize> = 64..=4096;

/// A rate, a timeout, a number of slots; not checked yet.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) rates: Rates,
    pub(super) timeout: Duration,
    pub(super) slots: Option<usize>,
    /// What is answered later than this is bad.
    pub(super) slow: Option<Duration>,
    /// By Tokio's timer.
    pub(super) coarse: bool,
}

/// Rates per second, as they were asked for.
#[derive(Debug, Clone)]
pub(super) enum Rates {
    Constant(f64),
    Ramp(f64, f64, Duration),
    Steps(Vec<(f64, Duration)>),
}

impl Rates {
    fn schedule(&self) -> Result<Schedule, ConfigError> {
        match self {
            Self::Constant(rate) => RequestRate::per_second(*rate).map(Schedule::constant),
            Self::Ramp(from, to, over) => {
                let rate = |name: &str, rate| {
                    RequestRate::per_second(rate)
                        .map_err(|e| ConfigError::field(name.to_owned(), e.problem()))
                };
                let ramp = || Schedule::ramp(rate("from", *from)?, rate("to", *to)?, *over);
                ramp().map_err(|e: ConfigError| e.within("ramp"))
            }
            Self::Steps(steps) => {
                let steps: Result<Vec<_>, ConfigError> = steps
                    .iter()
                    .map(|(rate, lasts)| Ok((RequestRate::per_second(*rate)?, *lasts)))
                    .collect();
                steps
                    .and_then(Schedule::steps)
                    .map_err(|e| e.within("steps"))
            }
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rates: Rates::Constant(50.0),
            timeout: Duration::from_secs(2),
            slots: None,
            slow: None,
            coarse: false,
        }
    }
}

impl Limits {
    pub(super) fn pace(&self) -> Result<Pace, ConfigError> {
        let schedule = self.rates.schedule()?;
        if self.timeout < Duration::from_millis(1) || self.timeout > LONGEST {
            return Err(ConfigError::field(
                "timeout",
                format!("{:?} is not between 1ms and 1h", self.timeout),
            ));
        }
        let slots = self
            .slots
            .unwrap_or_else(|| enough(&schedule, self.timeout).clamp(*USUAL.start(), *USUAL.end()));
        if !(1..=MOST_SLOTS).contains(&slots) {
            return Err(ConfigError::field(
                "slots",
                format!("{slots} is not between 1 and {MOST_SLOTS}"),
            ));
        }
        if self
            .slow
            .is_some_and(|slow| slow.is_zero() || slow > self.timeout)
        {
            let problem = format!("is not above 0 and up to the timeout, {:?}", self.timeout);
            return Err(ConfigError::field("slow_is_bad", problem));
        }
        Ok(Pace {
            schedule,
            timeout: self.timeout,
            slots,
            slow: self.slow.unwrap_or(self.timeout),
            coarse: self.coarse,
        })
    }
}

/// With so many no request waits for a slot, unless another one has waited for its whole timeout (Little, "A Proof for the Queuing
/// Formula L = λW", Operations Research 9, 1961).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small number, clamped by who asks"
)]
pub(crate) fn enough(schedule: &Schedule, timeout: Duration) -> usize {
    (schedule.highest() * timeout.as_secs_f64()).ceil() as usize + 1
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rates.schedule() {
            Ok(schedule) => schedule.fmt(f)?,
            Err(_) => f.write_str("at a rate that is wrong")?,
        }
        write!(f, ", timeout {:?}", self.timeout)?;
        match self.slow {
            Some(slow) => write!(f, ", bad after {slow:?}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(limits: &Limits) -> usize {
        limits.pace().unwrap().slots
    }

    #[test]
    fn there_are_as_many_slots_as_a_slow_target_needs() {
        let mut limits = Limits::default();
        assert_eq!(slots(&limits), 101);
        limits.rates = Rates::Ramp(10.0, 200.0, Duration::from_secs(5));
        assert_eq!(slots(&limits), 401);
        limits.timeout = Duration::from_millis(100);
        assert_eq!(slots(&limits), 64);
        limits.timeout = Duration::from_secs(60);
        assert_eq!(slots(&limits), 4096);
        limits.slots = Some(7);
        assert_eq!(slots(&limits), 7);
    }
}
