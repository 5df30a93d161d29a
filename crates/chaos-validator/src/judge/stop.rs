//! Conditions that end a run before its time: `error_rate > 50% for 5s`.

use crate::{
    Exchange,
    measure::{Ranked, Timing},
};
use chaos_core::{ConfigError, units::Time};
use std::{fmt, str::FromStr, time::Duration};

/// The least time that a condition looks at.
const MIN_WINDOW: Duration = Duration::from_secs(1);
/// The most time that a condition looks at.
const MAX_WINDOW: Duration = Duration::from_secs(10);
/// With fewer requests in its window a condition says nothing.
const MIN_REQUESTS: usize = 20;

/// What a condition measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    ErrorRate,
    /// In thousandths, so that it can be compared.
    Quantile(u32),
}

/// A condition that ends a run when it is true for some time: `error_rate > 50% for 5s`, `p95 > 2s for 10s`.
///
/// It looks at the requests of the last `for`, at least 1 s and at most 10 s, and speaks only with 20 of them or
/// more. A request that failed is slower than any limit.
///
/// ```
/// use chaos_validator::StopCondition;
/// let condition: StopCondition = "p95 > 2s for 10s".parse()?;
/// assert_eq!(condition.to_string(), "p95 > 2s for 10s");
/// # Ok::<(), chaos_core::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StopCondition {
    text: String,
    measure: Measure,
    /// A share from 0 to 1, or seconds.
    limit: f64,
    lasts: Duration,
}

impl FromStr for StopCondition {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let help =
            "write `error_rate > 50% for 5s`, or p50, p95 or p99 with a time: `p95 > 2s for 10s`";
        let wrong = |problem: String| ConfigError::new(problem).help(help);
        let words: Vec<&str> = text.split_whitespace().collect();
        let &[name, ">", limit, "for", lasts] = words.as_slice() else {
            return Err(wrong(format!("`{text}` is not a stop condition")));
        };
        let time = |text: &str| {
            text.parse::<Time>()
                .map(Time::get)
                .map_err(|e| wrong(e.to_string()))
        };
        let (measure, limit) = match name {
            "error_rate" => {
                let number = limit
                    .strip_suffix('%')
                    .and_then(|number| number.parse::<f64>().ok());
                let percent = number.filter(|p| (0.0..100.0).contains(p));
                let share =
                    percent.ok_or_else(|| wrong(format!("`{limit}` is not a share below 100%")))?;
                (Measure::ErrorRate, share / 100.0)
            }
            "p50" => (Measure::Quantile(500), time(limit)?.as_secs_f64()),
            "p95" => (Measure::Quantile(950), time(limit)?.as_secs_f64()),
            "p99" => (Measure::Quantile(990), time(limit)?.as_secs_f64()),
            other => {
                return Err(ConfigError::unknown(
                    "measure",
                    other,
                    ["error_rate", "p50", "p95", "p99"],
                ));
            }
        };
        Ok(Self {
            text: words.join(" "),
            measure,
            limit,
            lasts: time(lasts)?,
        })
    }
}

impl fmt::Display for StopCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StopCondition {
    /// How long it must be true.
    pub(crate) fn lasts(&self) -> Duration {
        self.lasts
    }

    /// How much of the past it looks at.
    pub(crate) fn window(&self) -> Duration {
        self.lasts.clamp(MIN_WINDOW, MAX_WINDOW)
    }

    /// Whether it is true of the requests of its window; `None` when there are too few to tell.
    pub(crate) fn is_true(&self, window: &[Exchange], timeout: Duration) -> Option<bool> {
        let counted = window
            .iter()
            .filter(|exchange| exchange.class().counts())
            .count();
        if counted < MIN_REQUESTS {
            return None;
        }
        Some(match self.measure {
            #[expect(
                clippy::cast_precision_loss,
                reason = "counts of requests are far below 2^52"
            )]
            Measure::ErrorRate => {
                let bad = window
                    .iter()
                    .filter(|exchange| exchange.class().is_bad())
                    .count();
                bad as f64 / counted as f64 > self.limit
            }
            Measure::Quantile(thousandths) => {
                let q = f64::from(thousandths) / 1000.0;
                match Ranked::of(window.iter(), timeout).quantile(q) {
                    Some(Timing::Exactly(latency)) => latency.as_secs_f64() > self.limit,
                    Some(Timing::AtLeast(_)) => true,
                    None => false,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    fn requests(n: u64, bad: u64, latency: Duration) -> Vec<Exchange> {
        let at = |i| Duration::from_millis(i * 10);
        let class = |i| if i < bad { Class::Refused } else { Class::Ok };
        (0..n)
            .map(|i| Exchange::new(at(i), at(i), at(i) + latency, class(i)))
            .collect()
    }

    fn holds(condition: &str, window: &[Exchange]) -> Option<bool> {
        condition
            .parse::<StopCondition>()
            .unwrap()
            .is_true(window, Duration::from_secs(2))
    }

    #[test]
    fn what_is_true_is_told_and_too_little_is_not() {
        let ms = Duration::from_millis;
        assert_eq!(
            holds("error_rate > 50% for 5s", &requests(100, 51, ms(1))),
            Some(true)
        );
        assert_eq!(
            holds("error_rate > 50% for 5s", &requests(100, 50, ms(1))),
            Some(false)
        );
        assert_eq!(
            holds("error_rate > 50% for 5s", &requests(19, 19, ms(1))),
            None
        );
        assert_eq!(
            holds("p95 > 100ms for 5s", &requests(100, 0, ms(101))),
            Some(true)
        );
        assert_eq!(
            holds("p95 > 100ms for 5s", &requests(100, 0, ms(99))),
            Some(false)
        );
        // Failures are fast here, and still no better than slow.
        assert_eq!(
            holds("p95 > 100ms for 5s", &requests(100, 10, ms(1))),
            Some(true)
        );
    }

    #[test]
    fn what_is_no_condition_is_told_with_what_is_one() {
        for (text, says) in [
            ("error_rate above 50%", "not a stop condition"),
            ("error_rate > 130% for 5s", "below 100%"),
            ("error_rate > 50% for 5", "no unit"),
            ("p95 > 50% for 5s", "not a time"),
            ("p96 > 1s for 5s", "did you mean `p9"),
        ] {
            let error = text.parse::<StopCondition>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
