//! At what rate requests are meant to be sent, over time.

use super::RequestRate;
use chaos_core::{ConfigError, units::Time};
use std::{fmt, time::Duration};

/// The longest ramp or step.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// When each request is due: a constant rate, a ramp or steps. It begins when the load starts, which is before the baseline;
/// its last rate goes on until the run is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// At least one; the last has no end.
    legs: Vec<Leg>,
}

/// From one rate to another, in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Leg {
    from: f64,
    to: f64,
    lasts: f64,
    /// When it begins, and how many requests were due before.
    start: f64,
    before: f64,
}

impl Leg {
    /// When the `n`th request of it is due, from its beginning. With the slope a = (to − from) / lasts the first t seconds have
    /// from·t + a·t²/2 requests; this is the root for t in the form that also holds for a = 0.
    fn due(&self, n: f64) -> f64 {
        let slope = (self.to - self.from) / self.lasts;
        let root = (self.from * self.from + 2.0 * slope * n).max(0.0).sqrt();
        2.0 * n / (self.from + root)
    }

    fn requests(&self) -> f64 {
        (self.from + self.to) / 2.0 * self.lasts
    }
}

impl Schedule {
    /// Always the same rate.
    pub fn constant(rate: RequestRate) -> Self {
        Self { legs: Vec::new() }.then(rate.get(), rate.get(), f64::INFINITY)
    }

    /// Evenly from one rate to another within `over`, and on at that.
    ///
    /// # Errors
    /// A time of zero, or of more than a week.
    pub fn ramp(from: RequestRate, to: RequestRate, over: Duration) -> Result<Self, ConfigError> {
        let over = seconds("over", over)?;
        Ok(Self { legs: Vec::new() }
            .then(from.get(), to.get(), over)
            .then(to.get(), to.get(), f64::INFINITY))
    }

    /// One rate after the other, each for its time; the last goes on.
    ///
    /// # Errors
    /// No step; a time of zero, or of more than a week.
    pub fn steps(
        steps: impl IntoIterator<Item = (RequestRate, Duration)>,
    ) -> Result<Self, ConfigError> {
        let mut schedule = Self { legs: Vec::new() };
        for (rate, lasts) in steps {
            schedule = schedule.then(rate.get(), rate.get(), seconds("lasts", lasts)?);
        }
        match schedule.legs.last_mut() {
            Some(last) => last.lasts = f64::INFINITY,
            None => return Err(ConfigError::field("steps", "has no step")),
        }
        Ok(schedule)
    }

    fn then(mut self, from: f64, to: f64, lasts: f64) -> Self {
        let (start, before) = self.legs.last().map_or((0.0, 0.0), |last| {
            (last.start + last.lasts, last.before + last.requests())
        });
        self.legs.push(Leg {
            from,
            to,
            lasts,
            start,
            before,
        });
        self
    }

    /// When the request `seq` is due, counted from the first. Computed from `seq`, so that errors do not add up.
    #[expect(
        clippy::cast_precision_loss,
        reason = "2^52 requests are never reached"
    )]
    pub fn due(&self, seq: u64) -> Duration {
        let n = seq as f64;
        let at = self.legs.partition_point(|leg| leg.before <= n).max(1) - 1;
        let Some(leg) = self.legs.get(at) else {
            return Duration::MAX;
        };
        Duration::try_from_secs_f64(leg.start + leg.due(n - leg.before)).unwrap_or(Duration::MAX)
    }

    /// The fewest requests per second that there ever are.
    pub fn lowest(&self) -> f64 {
        let rates = self.legs.iter().map(|leg| leg.from.min(leg.to));
        rates.fold(f64::INFINITY, f64::min)
    }

    /// The most requests per second that there ever are.
    pub fn highest(&self) -> f64 {
        let rates = self.legs.iter().map(|leg| leg.from.max(leg.to));
        rates.fold(0.0, f64::max)
    }
}

fn seconds(field: &str, time: Duration) -> Result<f64, ConfigError> {
    if time.is_zero() || time > LONGEST {
        let problem = format!("{time:?} is not above 0 and up to 7 days");
        return Err(ConfigError::field(field.to_owned(), problem));
    }
    Ok(time.as_secs_f64())
}

/// `at 50/s`, `from 10/s to 200/s within 30s`, `at 50/s for 10s, then at 100/s`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lasts =
            |leg: &Leg| Time::new(Duration::try_from_secs_f64(leg.lasts).unwrap_or_default());
        match self.legs.as_slice() {
            [ramp, rest] if ramp.from != ramp.to && rest.lasts.is_infinite() => {
                let (from, to) = (ramp.from, ramp.to);
                write!(f, "from {from}/s to {to}/s within {}", lasts(ramp))
            }
            legs => {
                for (n, leg) in legs.iter().enumerate() {
                    let then = if n == 0 { "" } else { ", then " };
                    write!(f, "{then}at {}/s", leg.from)?;
                    if leg.lasts.is_finite() {
                        write!(f, " for {}", lasts(leg))?;
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn rate(rate: f64) -> RequestRate {
        RequestRate::per_second(rate).unwrap()
    }

    fn due_before(schedule: &Schedule, end: Duration) -> usize {
        (0..).take_while(|seq| schedule.due(*seq) < end).count()
    }

    #[test]
    fn due_times_do_not_drift() {
        let schedule = Schedule::constant(rate(3.0));
        assert_eq!(schedule.due(3_000_000), S * 1_000_000);
        assert_eq!(schedule.to_string(), "at 3/s");
    }

    #[test]
    fn a_ramp_has_as_many_requests_as_its_mean_rate() {
        for (from, to) in [(10.0, 200.0), (200.0, 10.0)] {
            let schedule = Schedule::ramp(rate(from), rate(to), S * 10).unwrap();
            assert_eq!(due_before(&schedule, S * 10), 1050);
            // Half of the way in time has the mean of the first rate and the mean rate.
            let half = (from + (from + to) / 2.0) / 2.0 * 5.0;
            assert!((due_before(&schedule, S * 5) as f64 - half).abs() <= 1.0);
            let after = due_before(&schedule, S * 11) - due_before(&schedule, S * 10);
            assert_eq!(after as f64, to);
            assert_eq!(schedule.lowest(), 10.0);
        }
    }

    #[test]
    fn steps_follow_each_other_and_the_last_goes_on() {
        let steps = [(rate(50.0), S * 2), (rate(100.0), S), (rate(20.0), S)];
        let schedule = Schedule::steps(steps).unwrap();
        let until = |seconds: u32| due_before(&schedule, S * seconds);
        assert_eq!([1, 2, 3, 4, 10].map(until), [50, 100, 200, 220, 340]);
        let said = schedule.to_string();
        assert_eq!(said, "at 50/s for 2s, then at 100/s for 1s, then at 20/s");
    }

    #[test]
    fn due_times_never_go_back() {
        let ramp = Schedule::ramp(rate(1.0), rate(5000.0), S * 3).unwrap();
        for seq in 0..30_000 {
            assert!(ramp.due(seq) <= ramp.due(seq + 1), "{seq}");
        }
    }

    #[test]
    fn what_has_no_time_is_refused() {
        assert!(Schedule::steps([]).is_err());
        assert!(Schedule::steps([(rate(1.0), Duration::ZERO)]).is_err());
        assert!(Schedule::ramp(rate(1.0), rate(2.0), S * 1_000_000).is_err());
    }
}
