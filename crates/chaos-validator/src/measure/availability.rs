//! The share of time in which the target was up.

use super::{
    Outage, Part,
    error_rate::{share, time_of},
    window::Window,
};
use crate::load::Counts;
use chaos_core::seconds;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The share of bad requests up to which a slice of time is good.
const GOOD_SLICE: f64 = 0.05;

/// The share of time in which the target was up, in three ways. `up + down + unobserved` is the window, exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Availability {
    /// The judged one, 0 to 1: the time outside of outages, of the time observed. Judging the share of good
    /// requests instead would count the error rate twice.
    pub time: f64,
    /// What it may be, as far as the edges of the outages are known.
    pub bounds: (f64, f64),
    /// The share of good requests.
    pub requests: f64,
    /// The share of good slices of those with data (`Timeslices` of OpenSLO).
    pub slices: f64,
    /// The share of the window that was observed: without a request nobody knows.
    pub coverage: f64,
    /// Outside of outages.
    #[serde(with = "seconds")]
    pub up: Duration,
    /// In outages.
    #[serde(with = "seconds")]
    pub down: Duration,
    /// Slices without any request that counts: neither up nor down.
    #[serde(with = "seconds")]
    pub unobserved: Duration,
}

impl Availability {
    /// The availability in a window; none when nothing of it was observed.
    pub(crate) fn of(
        seen: Part<'_>,
        counts: Counts,
        rate: f64,
        outages: &[Outage],
        window: Window,
    ) -> Option<Self> {
        let slices = slices(seen, window, slice_length(rate));
        let (mut up, mut down, mut unobserved) = Default::default();
        let (mut good, mut with_data) = (0, 0);
        for slice in &slices {
            let length = slice.window.length();
            if slice.done == 0 {
                unobserved += length;
                continue;
            }
            with_data += 1;
            good += u64::from(share(slice.bad, slice.done) <= GOOD_SLICE);
            let out: Duration = outages.iter().map(|o| overlap(o, slice.window)).sum();
            // Outages do not overlap each other, so this is never negative.
            down += out;
            up += length - out;
        }
        let observed: Duration = up + down;
        if observed == Duration::ZERO {
            return None;
        }
        let unsure: Duration = outages
            .iter()
            .filter(|o| overlap(o, window) > Duration::ZERO)
            .map(|o| {
                let (lower, upper) = o.length_bounds();
                let length = o.length().lower();
                upper.unwrap_or(length).saturating_sub(length) + length.saturating_sub(lower)
            })
            .sum();
        let part = |time: Duration| time.as_secs_f64() / observed.as_secs_f64();
        let time = part(up);
        Some(Self {
            time,
            bounds: (
                (time - part(unsure)).max(0.0),
                (time + part(unsure)).min(1.0),
            ),
            requests: share(counts.good, counts.done()),
            slices: share(good, with_data),
            coverage: observed.as_secs_f64() / window.length().as_secs_f64(),
            up,
            down,
            unobserved,
        })
    }
}

struct Slice {
    window: Window,
    done: u64,
    bad: u64,
}

/// 1 s, or as long as two requests take.
pub(super) fn slice_length(rate: f64) -> Duration {
    time_of(2, rate).clamp(Duration::from_secs(1), Duration::from_secs(60))
}

/// The window in slices; what is left at its end goes with the last one.
fn slices(seen: Part<'_>, window: Window, length: Duration) -> Vec<Slice> {
    let count = (window.length().as_nanos() / length.as_nanos()).max(1);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let slice = |i: u32| {
        let start = window.start + length * i;
        let last = i + 1 == count;
        let end = if last { window.end } else { start + length };
        Slice {
            window: Window::new(start, end),
            done: 0,
            bad: 0,
        }
    };
    let mut slices: Vec<Slice> = (0..count).map(slice).collect();
    let mut at = 0;
    seen.iter()
        .filter(|e| e.class().counts())
        .for_each(|exchange| {
            let intended = exchange.intended();
            if intended < window.start || intended >= window.end {
                return;
            }
            // They come in the order of time.
            while slices[at].window.end <= intended {
                at += 1;
            }
            slices[at].done += 1;
            slices[at].bad += u64::from(exchange.class().is_bad());
        });
    slices
}

fn overlap(outage: &Outage, window: Window) -> Duration {
    let start = outage.failed.max(window.start);
    let end = outage.end().min(window.end);
    end.saturating_sub(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::{Class, Exchange, Recording},
        measure::Detector,
    };
    use proptest::prelude::*;

    fn recording(count: u64, class: impl Fn(u64) -> Option<Class>) -> Recording {
        let exchanges = (0..count)
            .filter_map(|i| {
                let at = Duration::from_millis(i * 20);
                class(i).map(|class| Exchange::new(at, at, at + Duration::from_millis(3), class))
            })
            .collect();
        Recording::new("test", 50.0, Duration::from_secs(1), exchanges)
    }

    fn availability(recording: &Recording, window: Window) -> Option<Availability> {
        let outages = Detector::at(50.0).find(recording.exchanges(), Duration::from_secs(60));
        let seen = recording.between(window.start, window.end);
        let counts = seen.iter().collect();
        Availability::of(
            Part::whole(seen),
            counts,
            recording.rate(),
            &outages,
            window,
        )
    }

    #[test]
    fn one_second_out_of_ten_is_ninety_percent() {
        let recording = recording(1000, |i| {
            Some(if (250..300).contains(&i) {
                Class::Refused
            } else {
                Class::Ok
            })
        });
        let window = Window::new(Duration::ZERO, Duration::from_secs(10));
        let seen = availability(&recording, window).unwrap();
        assert!((seen.time - 0.9).abs() < 0.003, "{seen:?}");
        assert_eq!((seen.requests, seen.slices, seen.coverage), (0.9, 0.9, 1.0));
        // Elsewhere it was up all the time.
        let window = Window::new(Duration::from_secs(10), Duration::from_secs(20));
        assert_eq!(availability(&recording, window).unwrap().time, 1.0);
    }

    #[test]
    fn no_data_is_neither_up_nor_down() {
        let recording = recording(1000, |i| (!(250..500).contains(&i)).then_some(Class::Ok));
        let window = Window::new(Duration::ZERO, Duration::from_secs(20));
        let seen = availability(&recording, window).unwrap();
        assert_eq!((seen.time, seen.coverage), (1.0, 0.75));
        assert_eq!(seen.unobserved, Duration::from_secs(5));
        let nothing = Window::new(Duration::from_secs(30), Duration::from_secs(40));
        assert_eq!(availability(&recording, nothing), None);
    }

    proptest! {
        #[test]
        fn up_down_and_unobserved_are_the_window(
            classes in prop::collection::vec(0_u8..5, 1..1000),
            start in 0_u64..5_000,
            length in 1_u64..20_000,
        ) {
            let recording = recording(classes.len() as u64, |i| {
                [Some(Class::Ok), Some(Class::Ok), Some(Class::Timeout), Some(Class::Unsent), None]
                    [classes[i as usize] as usize]
            });
            let start = Duration::from_millis(start);
            let window = Window::new(start, start + Duration::from_millis(length));
            if let Some(seen) = availability(&recording, window) {
                prop_assert_eq!(seen.up + seen.down + seen.unobserved, window.length());
                prop_assert!(seen.bounds.0 <= seen.time && seen.time <= seen.bounds.1);
            }
        }
    }
}
