//! Finding outages in a recording.

use super::{
    error_rate::{share, time_of},
    quantile::Timing,
};
use crate::load::Exchange;
use chaos_core::seconds;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A time in which the target did not answer. Times count from the start of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outage {
    /// When the first failed request was meant to be sent.
    #[serde(with = "seconds")]
    pub failed: Duration,
    /// When the last good request before it was meant to be sent: it may have failed as early as this.
    #[serde(with = "seconds")]
    pub failed_earliest: Duration,
    /// When it could be known, which is later by the timeout and a few requests.
    #[serde(with = "seconds")]
    pub detected: Duration,
    /// When the first answer of the recovery came; none if the recording ends before.
    #[serde(with = "seconds::option")]
    pub recovered: Option<Duration>,
    /// When the request with that answer was meant to be sent: it may have recovered as early as this.
    #[serde(with = "seconds::option")]
    pub recovered_earliest: Option<Duration>,
    /// The end of what was watched; for an outage that is still open.
    #[serde(with = "seconds")]
    pub watched_until: Duration,
    /// How many outages with less than the merge gap between them this is made of.
    pub segments: u32,
}

impl Outage {
    /// How long it took to recover.
    pub fn length(&self) -> Timing {
        match self.recovered {
            Some(recovered) => Timing::Exactly(recovered.saturating_sub(self.failed)),
            None => Timing::AtLeast(self.watched_until.saturating_sub(self.failed)),
        }
    }

    /// What the length is at least and at most, as far as requests that are apart can tell.
    pub fn length_bounds(&self) -> (Duration, Option<Duration>) {
        let lower = self
            .recovered_earliest
            .unwrap_or(self.watched_until)
            .saturating_sub(self.failed);
        let upper = self
            .recovered
            .map(|recovered| recovered.saturating_sub(self.failed_earliest));
        (lower, upper)
    }

    /// The end, or of an open outage the end of what was watched.
    pub fn end(&self) -> Duration {
        self.recovered.unwrap_or(self.watched_until)
    }
}

/// Finds outages, with hysteresis: it opens on a row of failures or on a bad second, and closes only when
/// a row of good answers is followed by a good second. A target that fails every fifth request is not out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detector {
    open_row: usize,
    close_row: usize,
    open_share: f64,
    open_least: usize,
    close_share: f64,
    window: Duration,
    merge_gap: Duration,
    interval: Duration,
}

impl Detector {
    /// A detector for requests at `rate` per second: opens on 5 failures in a row or on half of the requests
    /// of a second (at least 5), closes on 3 good ones in a row when at most 10 % of the second from the
    /// first of them fail, and merges outages less than a second apart. Below 10 requests per second the
    /// second is as long as 10 requests, at most 10 s.
    pub fn at(rate: f64) -> Self {
        Self {
            open_row: 5,
            close_row: 3,
            open_share: 0.5,
            open_least: 5,
            close_share: 0.1,
            window: time_of(10, rate).clamp(Duration::from_secs(1), Duration::from_secs(10)),
            merge_gap: Duration::from_secs(1),
            interval: time_of(1, rate),
        }
    }

    /// The shortest outage that is found for sure when requests fail after `timeout`.
    pub fn shortest(&self, timeout: Duration) -> Duration {
        timeout + self.interval * u32::try_from(self.open_row).unwrap_or(u32::MAX)
    }

    /// The outages in `exchanges`, which are sorted by intended time. `watched_until` is the end of the recording.
    pub fn find(&self, exchanges: &[Exchange], watched_until: Duration) -> Vec<Outage> {
        let mut outages: Vec<Outage> = Vec::new();
        let mut next = 0;
        while let Some((first_bad, opened)) = self.opening(exchanges, next) {
            let closed = self.closing(exchanges, opened + 1);
            let outage = self.outage(exchanges, first_bad, opened, closed, watched_until);
            match outages.last_mut() {
                Some(last) if outage.failed < last.end() + self.merge_gap => {
                    last.recovered = outage.recovered;
                    last.recovered_earliest = outage.recovered_earliest;
                    last.segments += 1;
                }
                _ => outages.push(outage),
            }
            match closed {
                // What was seen before the closing never opens another one.
                Some(closed) => next = closed,
                None => break,
            }
        }
        outages
    }

    /// The first failure of the next outage from `from` on, and the exchange that tells.
    fn opening(&self, exchanges: &[Exchange], from: usize) -> Option<(usize, usize)> {
        let mut window = Sliding::at(from);
        // The failures in a row up to now, and the first of them.
        let mut row = 0;
        let mut row_start = from;
        for (i, exchange) in counted(exchanges, from) {
            window.take(exchange, i);
            window.forget_until(exchanges, |_, e| {
                e.intended() + self.window > exchange.intended()
            });
            if exchange.class().is_good() {
                row = 0;
                continue;
            }
            if row == 0 {
                row_start = i;
            }
            row += 1;
            let many = window.bad >= self.open_least
                && share(window.bad as u64, window.n as u64) >= self.open_share;
            if row >= self.open_row || many {
                let in_window = many
                    .then(|| {
                        exchanges[window.start..]
                            .iter()
                            .position(|e| e.class().is_bad())
                    })
                    .flatten();
                let first = in_window.map_or(row_start, |w| row_start.min(window.start + w));
                return Some((first, i));
            }
        }
        None
    }

    /// The first exchange from `from` on with which the target is back: a good row, then a good second that is fully seen.
    fn closing(&self, exchanges: &[Exchange], from: usize) -> Option<usize> {
        let last = exchanges.iter().rfind(|e| e.class().counts())?.intended();
        let mut window = Sliding::at(from);
        for (i, exchange) in counted(exchanges, from) {
            window.forget_until(exchanges, |place, _| place >= i);
            let until = exchange.intended() + self.window;
            // Two requests of grace: the last one of a recording is not exactly at its end.
            if last + self.interval * 2 < until {
                return None;
            }
            while let Some(next) = exchanges.get(window.end).filter(|e| e.intended() < until) {
                window.take(next, window.end);
            }
            let mut row = counted(exchanges, i).take(self.close_row);
            let good_row = row.by_ref().filter(|(_, e)| e.class().is_good()).count();
            if good_row == self.close_row
                && share(window.bad as u64, window.n as u64) <= self.close_share
            {
                return Some(i);
            }
        }
        None
    }

    fn outage(
        &self,
        exchanges: &[Exchange],
        first_bad: usize,
        opened: usize,
        closed: Option<usize>,
        watched_until: Duration,
    ) -> Outage {
        let failed = exchanges[first_bad].intended();
        let before = exchanges[..first_bad].iter();
        let streak = counted(&exchanges[..=opened], first_bad);
        let recovered = |closed| {
            let row = counted(exchanges, closed).take(self.close_row);
            row.map(|(_, e)| e.done()).min()
        };
        Outage {
            failed,
            failed_earliest: before
                .rev()
                .find(|e| e.class().counts())
                .map_or(failed, Exchange::intended),
            detected: streak.map(|(_, e)| e.done()).max().unwrap_or(failed),
            recovered: closed.and_then(recovered),
            recovered_earliest: closed.map(|i| exchanges[i].intended()),
            watched_until,
            segments: 1,
        }
    }
}

/// Those that say something about the target, from `from` on, with their places.
fn counted(exchanges: &[Exchange], from: usize) -> impl Iterator<Item = (usize, &Exchange)> {
    let places = exchanges.iter().enumerate().skip(from);
    places.filter(|(_, e)| e.class().counts())
}

/// A stretch of exchanges that moves on, and how many of it count.
#[derive(Debug)]
struct Sliding {
    start: usize,
    end: usize,
    n: usize,
    bad: usize,
}

impl Sliding {
    fn at(start: usize) -> Self {
        Self {
            start,
            end: start,
            n: 0,
            bad: 0,
        }
    }

    /// Takes in the exchange at `place`, behind its end.
    fn take(&mut self, exchange: &Exchange, place: usize) {
        self.end = place + 1;
        self.n += usize::from(exchange.class().counts());
        self.bad += usize::from(exchange.class().is_bad());
    }

    /// Lets go of those at its start, up to the first that is to be kept.
    fn forget_until(&mut self, exchanges: &[Exchange], kept: impl Fn(usize, &Exchange) -> bool) {
        while self.start < self.end && !kept(self.start, &exchanges[self.start]) {
            let first = exchanges[self.start].class();
            self.n -= usize::from(first.counts());
            self.bad -= usize::from(first.is_bad());
            self.start += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Class;
    use proptest::prelude::*;

    const RATE: f64 = 50.0;
    const MS20: u64 = 20_000_000;

    /// `seconds` of 50 requests per second; `class` says what becomes of the one meant for that time.
    fn trace(seconds: u64, class: impl Fn(Duration) -> Class) -> Vec<Exchange> {
        (0..seconds * 50)
            .map(|i| {
                let at = Duration::from_nanos(i * MS20);
                let class = class(at);
                let took = match class {
                    Class::Timeout => Duration::from_secs(1),
                    _ => Duration::from_millis(5),
                };
                Exchange::new(at, at, at + took, class)
            })
            .collect()
    }

    fn find(exchanges: &[Exchange]) -> Vec<Outage> {
        let end = exchanges.last().unwrap().intended();
        Detector::at(RATE).find(exchanges, end)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn within(at: Duration, from: u64, to: u64) -> bool {
        (ms(from)..ms(to)).contains(&at)
    }

    #[test]
    fn one_refused_second_is_one_outage_of_a_second() {
        let outages = find(&trace(20, |at| match within(at, 5_000, 6_000) {
            true => Class::Refused,
            false => Class::Ok,
        }));
        assert_eq!(outages.len(), 1);
        let length = outages[0].length().exact().unwrap();
        assert!(length.abs_diff(ms(1_000)) <= ms(20), "{length:?}");
        let (lower, upper) = outages[0].length_bounds();
        assert!(lower <= length && length <= upper.unwrap());
    }

    /// A target that is frozen for 3 s, with a timeout of 1 s: what is meant for the last of these seconds is
    /// answered at the thaw. Measured from intended to intended, or from done to done, a second is lost.
    #[test]
    fn a_freeze_does_not_lose_the_timeout() {
        let exchanges: Vec<_> = (0..20 * 50)
            .map(|i| {
                let at = Duration::from_nanos(i * MS20);
                let (done, class) = match at {
                    at if within(at, 5_000, 7_000) => (at + ms(1_000), Class::Timeout),
                    at if within(at, 7_000, 8_000) => (ms(8_000), Class::Ok),
                    at => (at + ms(5), Class::Ok),
                };
                Exchange::new(at, at, done, class)
            })
            .collect();
        let outages = find(&exchanges);
        assert_eq!(outages.len(), 1);
        assert_eq!(outages[0].length(), Timing::Exactly(ms(3_000)));
    }

    /// With a plain debounce this is 17 short outages, or 13 when stale failures reopen it.
    #[test]
    fn half_of_the_requests_failing_is_one_outage() {
        let mut state = 7_u64;
        let mut coins: Vec<bool> = Vec::new();
        for _ in 0..30 * 50 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            coins.push(state >> 63 == 1);
        }
        let outages = find(&trace(30, |at| {
            let i = (at.as_nanos() / u128::from(MS20)) as usize;
            match within(at, 10_000, 20_000) && coins[i] {
                true => Class::Reset,
                false => Class::Ok,
            }
        }));
        assert_eq!(outages.len(), 1, "{outages:#?}");
        let length = outages[0].length().exact().unwrap();
        assert!(length > ms(9_000) && length < ms(10_500), "{length:?}");
    }

    #[test]
    fn a_fifth_of_the_requests_failing_is_no_outage() {
        let outages = find(&trace(30, |at| {
            let i = at.as_nanos() / u128::from(MS20);
            match within(at, 10_000, 20_000) && i % 5 == 0 {
                true => Class::BadStatus,
                false => Class::Ok,
            }
        }));
        assert!(outages.is_empty(), "{outages:#?}");
    }

    #[test]
    fn flapping_is_one_outage_of_many_segments() {
        // Out for 400 ms, back for 600 ms, eight times.
        let outages = find(&trace(30, |at| {
            match within(at, 10_000, 18_000) && at.subsec_millis() < 400 {
                true => Class::Refused,
                false => Class::Ok,
            }
        }));
        assert_eq!(outages.len(), 1, "{outages:#?}");
        let length = outages[0].length().exact().unwrap();
        assert!(length.abs_diff(ms(7_400)) <= ms(40), "{length:?}");
    }

    #[test]
    fn outages_apart_stay_apart() {
        let outages = find(&trace(30, |at| {
            match within(at, 5_000, 6_000) || within(at, 12_000, 14_000) {
                true => Class::Refused,
                false => Class::Ok,
            }
        }));
        let lengths: Vec<_> = outages
            .iter()
            .map(|o| o.length().lower().as_secs())
            .collect();
        assert_eq!(lengths, [1, 2]);
    }

    #[test]
    fn an_outage_that_does_not_end_is_censored() {
        let outages = find(&trace(20, |at| match at >= ms(15_000) {
            true => Class::Timeout,
            false => Class::Ok,
        }));
        assert_eq!(outages.len(), 1);
        assert_eq!(outages[0].recovered, None);
        assert!(matches!(outages[0].length(), Timing::AtLeast(time) if time > ms(4_900)));
        // Good for half a second at the end is not enough to believe it, either.
        let outages = find(&trace(20, |at| match within(at, 15_000, 19_500) {
            true => Class::Refused,
            false => Class::Ok,
        }));
        assert_eq!(outages[0].recovered, None);
    }

    #[test]
    fn answers_out_of_order_change_nothing() {
        // The longer a request waits the earlier it was sent: done runs backwards.
        let exchanges: Vec<_> = (0..1000)
            .map(|i| {
                let at = Duration::from_nanos(i * MS20);
                let bad = within(at, 5_000, 7_000);
                let done = at + ms(if i % 2 == 0 { 300 } else { 5 });
                let class = if bad { Class::Reset } else { Class::Ok };
                Exchange::new(at, at, done, class)
            })
            .collect();
        let outages = find(&exchanges);
        assert_eq!(outages.len(), 1);
        let length = outages[0].length().exact().unwrap();
        assert!(length.abs_diff(ms(2_000)) <= ms(20) + ms(5), "{length:?}");
    }

    #[test]
    fn nothing_seen_is_no_outage() {
        assert!(Detector::at(RATE).find(&[], ms(1_000)).is_empty());
    }

    proptest! {
        #[test]
        fn a_known_outage_is_found_within_one_request(
            rate in 10_u32..500,
            start in 2_000_u64..6_000,
            length in 1_000_u64..8_000,
            latency in 0_u64..50,
            phase in 0.0_f64..1.0,
        ) {
            let rate = f64::from(rate);
            let interval = 1.0 / rate;
            let exchanges: Vec<_> = (0..(rate * 20.0) as u64)
                .map(|i| {
                    let at = Duration::from_secs_f64((i as f64 + phase) * interval);
                    let out = within(at, start, start + length);
                    let class = if out { Class::Refused } else { Class::Ok };
                    Exchange::new(at, at, at + ms(latency), class)
                })
                .collect();
            let outages = Detector::at(rate).find(&exchanges, Duration::from_secs(20));
            prop_assert_eq!(outages.len(), 1);
            let found = outages[0].length().exact().unwrap().as_secs_f64();
            let error = (found - length as f64 / 1e3).abs();
            prop_assert!(error <= interval + latency as f64 / 1e3 + 1e-6, "{} {}", found, error);
        }

        #[test]
        fn any_trace_gives_outages_in_order(classes in prop::collection::vec(0_u8..4, 0..400)) {
            let exchanges: Vec<_> = classes
                .iter()
                .enumerate()
                .map(|(i, c)| {
                    let at = Duration::from_nanos(i as u64 * MS20);
                    let class = [Class::Ok, Class::Refused, Class::Timeout, Class::Unsent][*c as usize];
                    Exchange::new(at, at, at + ms(u64::from(*c) * 300), class)
                })
                .collect();
            let outages = Detector::at(RATE).find(&exchanges, ms(9_000));
            for pair in outages.windows(2) {
                prop_assert!(pair[0].end() < pair[1].failed);
            }
            for outage in &outages {
                prop_assert!(outage.failed_earliest <= outage.failed);
                prop_assert!(outage.recovered.is_none_or(|r| r >= outage.failed));
            }
        }
    }
}
