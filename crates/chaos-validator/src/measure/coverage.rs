//! Simulations: every interval that a report prints holds the truth as often as it says, nine times in ten at the least.

use super::{ErrorRate, Outage, Part, Repair, Shift, Tally};
use crate::load::{Class, Exchange};
use chaos_core::Seed;
use rand::{RngExt, rngs::StdRng};
use std::time::Duration;

const RUNS: u32 = 200;

/// In how many runs of a hundred something holds.
pub(crate) fn percent(mut holds: impl FnMut(&mut StdRng) -> bool) -> u32 {
    let mut random = Seed::new(7).rng();
    let held = (0..RUNS).filter(|_| holds(&mut random)).count();
    u32::try_from(held).unwrap() * 100 / RUNS
}

/// A normal number, by Box and Muller.
fn normal(random: &mut StdRng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// A minute of 50 requests per second of which one in twenty fails, `burst` of them in a row on average.
fn failing(random: &mut StdRng, burst: f64) -> Vec<Exchange> {
    let (end, begin) = (1.0 / burst, 0.05 / 0.95 / burst);
    let mut fails = random.random::<f64>() < 0.05;
    (0..3000)
        .map(|i| {
            let at = Duration::from_millis(i * 20);
            let class = if fails { Class::Refused } else { Class::Ok };
            let flips = random.random::<f64>() < if fails { end } else { begin };
            fails ^= flips;
            Exchange::new(at, at, at, class)
        })
        .collect()
}

/// That of such a minute.
pub(crate) fn error_rate(random: &mut StdRng, burst: f64) -> ErrorRate {
    let tally: Tally = failing(random, burst).iter().collect();
    tally.error_rate().unwrap()
}

#[test]
fn the_interval_of_an_error_rate_holds_the_truth() {
    let held = |burst| {
        percent(|random| {
            let (lower, upper) = error_rate(random, burst).interval;
            lower <= 0.05 && 0.05 <= upper
        })
    };
    assert!(held(1.0) >= 93, "one by one: {}", held(1.0));
    assert!(held(10.0) >= 90, "0.2 s long: {}", held(10.0));
    // Two bursts in a run say little; the documentation of the interval says so.
    assert!(held(50.0) >= 75, "1 s long: {}", held(50.0));
}

/// 60 s of 100 requests per second with exponential latencies; `busy` says how many times 20 ms they have in a second.
fn answering(random: &mut StdRng, busy: impl Fn(&mut StdRng) -> f64) -> Vec<Exchange> {
    let mut factor = 1.0;
    (0..6000_u64)
        .map(|i| {
            if i % 100 == 0 {
                factor = busy(random);
            }
            let at = Duration::from_millis(i * 10);
            let latency = -0.02 * factor * (1.0 - random.random::<f64>()).ln();
            Exchange::new(at, at, at + Duration::from_secs_f64(latency), Class::Ok)
        })
        .collect()
}

#[test]
fn the_interval_of_a_difference_of_latencies_holds_the_truth() {
    let held = |busy: fn(&mut StdRng) -> f64| {
        percent(|random| {
            let (before, with) = (answering(random, busy), answering(random, busy));
            let shifts = Shift::of(Part::whole(&before), Part::whole(&with), Duration::MAX);
            // The truth is that nothing differs.
            let p95 = shifts[1].interval;
            p95.0.is_some_and(|l| l <= 0.0) && p95.1.is_some_and(|u| u >= 0.0)
        })
    };
    assert!(held(|_| 1.0) >= 95);
    // Busy seconds now and then, three times as slow.
    let bursty = held(|random| {
        if random.random::<f64>() < 0.1 {
            3.0
        } else {
            1.0
        }
    });
    assert!(bursty >= 90, "{bursty}");
}

#[test]
fn the_interval_of_a_mean_time_to_repair_holds_the_truth() {
    // Lognormal, 10 s at the median.
    let held = |spread: f64, outages: usize| {
        let truth = 10.0 * (spread * spread / 2.0).exp();
        percent(|random| {
            let outages: Vec<Outage> = (0..outages)
                .map(|_| {
                    let length = 10.0 * (spread * normal(random)).exp();
                    outage(Duration::from_secs_f64(length))
                })
                .collect();
            let repair = Repair::of(&outages.iter().collect::<Vec<_>>()).unwrap();
            let interval = repair.interval.unwrap();
            interval.lower.as_secs_f64() <= truth && truth <= interval.upper.as_secs_f64()
        })
    };
    for (spread, outages) in [(0.3, 5), (0.5, 5), (1.0, 5), (0.5, 10), (0.5, 30)] {
        let held = held(spread, outages);
        assert!(held >= 92, "{outages} outages, σ {spread}: {held}");
    }
}

fn outage(length: Duration) -> Outage {
    Outage {
        failed: Duration::ZERO,
        failed_earliest: Duration::ZERO,
        detected: Duration::ZERO,
        recovered: Some(length),
        recovered_earliest: Some(length),
        watched_until: length,
        segments: 1,
    }
}
