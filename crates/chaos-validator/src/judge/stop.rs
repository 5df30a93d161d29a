//! Conditions that end a run before its time: `error_rate > 50% for 5s`.

use super::Slos;
use crate::{
    Exchange,
    measure::{Ranked, Timing, share},
    report::Short,
};
use chaos_core::{ConfigError, units::Time};
use std::{fmt, str::FromStr, time::Duration};

/// The least time that a condition looks at.
const MIN_WINDOW: Duration = Duration::from_secs(1);
/// The most time that a condition looks at.
const MAX_WINDOW: Duration = Duration::from_secs(10);
/// With fewer requests in its window a condition says nothing.
const MIN_REQUESTS: u32 = 20;
/// An endpoint of which more than this share fails is affected.
const AFFECTED: f64 = 0.5;
/// What a condition can be about.
const MEASURES: [&str; 6] = [
    "error_rate",
    "p50",
    "p95",
    "p99",
    "affected_users",
    "affected_endpoints",
];

/// What a condition measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    ErrorRate,
    /// In thousandths, so that it can be compared.
    Quantile(u16),
    AffectedUsers,
    AffectedEndpoints,
}

/// A condition that ends a run when it is true for some time: `error_rate > 50% for 5s`, `p95 > 2s for 10s`,
/// `affected_endpoints > 1 for 10s`; or as soon as it is true: `affected_users > 100`.
///
/// The first three look at all requests of the last `for`, at least 1 s and at most 10 s, and speak only with 20 of them or
/// more. So `error_rate > 50% for 5s` is true two and a half seconds after everything has begun to fail, as soon as that is half of
/// what the last 5 s saw, and ends the run then; with more than 10 s the rest of the time is waited for. A request that failed is slower than any limit. An endpoint is affected when more than half of its requests fail: that
/// several are means that a failure spreads. Every request of an open loop is another user's, so the affected users are the
/// requests that failed since the fault.
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
    /// A share from 0 to 1, seconds, or a number.
    limit: f64,
    lasts: Duration,
}

/// What a condition is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// The requests of its window.
    pub(crate) window: &'a [Exchange],
    /// After what time a request is given up.
    pub(crate) timeout: Duration,
    /// How many have failed since the fault.
    pub(crate) failed: u64,
}

impl FromStr for StopCondition {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let help =
            "write `error_rate > 50% for 5s`, or p50, p95 or p99 with a time: `p95 > 2s for 10s`";
        let wrong = |problem: String| ConfigError::new(problem).help(help);
        let words: Vec<&str> = text.split_whitespace().collect();
        let (name, limit, lasts) = match *words.as_slice() {
            [name, ">", limit, "for", lasts] if name != "affected_users" => (name, limit, lasts),
            ["affected_users", ">", limit] => ("affected_users", limit, "0s"),
            _ => return Err(wrong(format!("`{text}` is not a stop condition"))),
        };
        let time = |text: &str| {
            text.parse::<Time>()
                .map(Time::get)
                .map_err(|e| wrong(e.to_string()))
        };
        let number = || match limit.parse::<u32>() {
            Ok(number) => Ok(f64::from(number)),
            Err(_) => Err(wrong(format!("`{limit}` is not a whole number"))),
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
            "affected_users" => (Measure::AffectedUsers, number()?),
            "affected_endpoints" => (Measure::AffectedEndpoints, number()?),
            other => return Err(ConfigError::unknown("measure", other, MEASURES)),
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

    /// Whether it is true of what was seen; `None` when that is too little to tell.
    pub(crate) fn is_true(&self, seen: Seen<'_>) -> Option<bool> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of requests are far below 2^52"
        )]
        let over = |count: u64| count as f64 > self.limit;
        if self.measure == Measure::AffectedUsers {
            return Some(over(seen.failed));
        }
        let counted = seen.window.iter().filter(|e| e.class().counts());
        let n = counted.clone().count() as u64;
        if n < u64::from(MIN_REQUESTS) {
            return None;
        }
        Some(match self.measure {
            Measure::ErrorRate => {
                let bad = counted.filter(|e| e.class().is_bad()).count() as u64;
                share(bad, n) > self.limit
            }
            Measure::Quantile(thousandths) => {
                let q = f64::from(thousandths) / 1000.0;
                match Ranked::of(seen.window.iter(), seen.timeout).quantile(q) {
                    Some(Timing::Exactly(latency)) => latency.as_secs_f64() > self.limit,
                    Some(Timing::AtLeast(_)) => true,
                    None => false,
                }
            }
            Measure::AffectedEndpoints => {
                let mut endpoints = [(0, 0); crate::load::MOST_ENDPOINTS];
                for exchange in counted {
                    let (bad, n) = &mut endpoints[exchange.endpoint()];
                    *bad += u64::from(exchange.class().is_bad());
                    *n += 1;
                }
                let affected = endpoints
                    .iter()
                    .filter(|(bad, n)| share(*bad, *n) > AFFECTED);
                over(affected.count() as u64)
            }
            Measure::AffectedUsers => false,
        })
    }

    /// What it cannot do beside these promises and under a load of `rate` requests per second that are given up after `timeout`;
    /// in words, with what to change.
    pub fn lint(&self, slos: &Slos, rate: f64, timeout: Duration) -> Vec<String> {
        let mut warnings = Vec::new();
        if let (Measure::ErrorRate, Some(mttr)) = (self.measure, slos.mttr_seconds)
            && self.lasts.as_secs_f64() >= mttr
        {
            warnings.push(format!(
                "`{self}` ends a run about {} after the first failure, when mttr_seconds ({mttr} s) is over: beside it, write one that is faster, such as `error_rate > 50% for 5s`",
                Short(self.lasts)
            ));
        }
        if let Measure::Quantile(thousandths) = self.measure
            && timeout > Duration::ZERO
            && timeout.as_secs_f64() <= self.limit
        {
            warnings.push(format!(
                "`{self}` never sees a latency above the timeout of {}: it is true only when more than {} % of the requests fail; raise the timeout of the load",
                Short(timeout),
                f64::from(1000 - thousandths) / 10.0
            ));
        }
        if self.measure != Measure::AffectedUsers && self.lasts.is_zero() {
            warnings.push(format!(
                "`{self}` ends a run by a single second that looks so: say for how long, such as `for 5s`"
            ));
        }
        let in_window = rate * self.window().as_secs_f64();
        if self.measure != Measure::AffectedUsers
            && rate > 0.0
            && in_window < f64::from(MIN_REQUESTS)
        {
            warnings.push(format!(
                "`{self}` says nothing with fewer than {MIN_REQUESTS} requests in {}: raise the rate above {}/s",
                Short(self.window()),
                f64::from(MIN_REQUESTS) / self.window().as_secs_f64()
            ));
        }
        warnings
    }

    /// That it can never be true of a load with so many endpoints; in words, with what to change.
    pub fn lint_endpoints(&self, endpoints: usize) -> Option<String> {
        // One alone has no name.
        let endpoints = endpoints.max(1);
        // More than one is a usual limit, also for a load that has one.
        let enough = u32::try_from(endpoints.max(2)).map_or(f64::INFINITY, f64::from);
        let never = self.measure == Measure::AffectedEndpoints && self.limit >= enough;
        never.then(|| {
            format!(
                "`{self}` is never true: the load has {endpoints} {}; write fewer",
                if endpoints == 1 {
                    "endpoint"
                } else {
                    "endpoints"
                }
            )
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
        condition.parse::<StopCondition>().unwrap().is_true(Seen {
            window,
            timeout: Duration::from_secs(2),
            failed: 7,
        })
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
    fn a_failure_that_spreads_and_users_that_are_hit_are_told() {
        let mut window = requests(100, 100, Duration::ZERO);
        let both: Vec<Exchange> = window.iter().map(|e| e.with_endpoint(1)).collect();
        assert_eq!(holds("affected_endpoints > 1 for 5s", &window), Some(false));
        window.extend(both);
        assert_eq!(holds("affected_endpoints > 1 for 5s", &window), Some(true));
        assert_eq!(holds("affected_users > 7", &[]), Some(false));
        assert_eq!(holds("affected_users > 6", &[]), Some(true));
    }

    #[test]
    fn conditions_that_come_too_late_or_never_are_named() {
        let lint = |condition: &str, rate| {
            let condition: StopCondition = condition.parse().unwrap();
            condition
                .lint(&Slos::default(), rate, Duration::from_secs(5))
                .join("\n")
        };
        let late = lint("error_rate > 5% for 1m", 50.0);
        assert!(late.contains("mttr_seconds (30 s)"), "{late}");
        let never = lint("p99 > 5000ms for 1m", 50.0);
        assert!(
            never.contains("more than 1 % of the requests fail"),
            "{never}"
        );
        let few = lint("error_rate > 50% for 1s", 10.0);
        assert!(few.contains("raise the rate above 20/s"), "{few}");
        assert_eq!(lint("error_rate > 50% for 5s", 50.0), "");
        assert_eq!(lint("p99 > 4s for 10s", 50.0), "");
        assert_eq!(lint("affected_users > 100", 1.0), "");
        let once = lint("error_rate > 1% for 0s", 50.0);
        assert!(once.contains("such as `for 5s`"), "{once}");
    }

    #[test]
    fn more_endpoints_than_there_are_are_never_affected() {
        let lint = |condition: &str, endpoints| {
            let condition: StopCondition = condition.parse().unwrap();
            condition.lint_endpoints(endpoints)
        };
        for (condition, endpoints) in [
            ("affected_endpoints > 99 for 5s", 0),
            ("affected_endpoints > 3 for 5s", 3),
        ] {
            let told = lint(condition, endpoints).unwrap();
            assert!(told.contains("is never true: the load has"), "{told}");
        }
        for (condition, endpoints) in [
            ("affected_endpoints > 1 for 5s", 1),
            ("affected_endpoints > 2 for 5s", 3),
            ("error_rate > 99% for 5s", 1),
        ] {
            assert_eq!(lint(condition, endpoints), None);
        }
    }

    #[test]
    fn what_is_no_condition_is_told_with_what_is_one() {
        for (text, says) in [
            ("error_rate above 50%", "not a stop condition"),
            ("error_rate > 130% for 5s", "below 100%"),
            ("error_rate > 50% for 5", "no unit"),
            ("p95 > 50% for 5s", "not a time"),
            ("p96 > 1s for 5s", "did you mean `p9"),
            ("affected_users > 5%", "not a whole number"),
            ("affected_users > 5 for 5s", "not a stop condition"),
        ] {
            let error = text.parse::<StopCondition>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
