//! From values to places in a picture.

use std::time::Duration;

/// Round numbers from `from` to `to` with at most `most` steps between them.
pub(super) fn round_ticks(from: f64, to: f64, most: f64) -> Vec<f64> {
    let raw = (to - from) / most;
    if !raw.is_finite() || raw <= 0.0 {
        return vec![from];
    }
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
    let step = step.into_iter().find(|s| *s >= raw * 0.999).unwrap_or(raw);
    ticks(from, to, step)
}

/// The multiples of `step` from `from` to `to`.
fn ticks(from: f64, to: f64, step: f64) -> Vec<f64> {
    let first = (from / step).ceil();
    let places = (0..1000).map(|i| (first + f64::from(i)) * step);
    places.take_while(|t| *t <= to + step * 1e-6).collect()
}

/// Seconds, minutes or hours that a clock would show, from 0 to `to` seconds.
pub(super) fn clock_ticks(to: f64, most: f64) -> Vec<f64> {
    const STEPS: [f64; 17] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
        14_400.0, 43_200.0, 86_400.0,
    ];
    let step = STEPS.into_iter().find(|step| to / step <= most);
    ticks(0.0, to, step.unwrap_or(604_800.0))
}

/// A straight scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    pub(super) from: (f64, f64),
    pub(super) to: (f64, f64),
}

impl Linear {
    /// The place of a value, within the picture.
    pub(super) fn at(&self, value: f64) -> f64 {
        let ((low, high), (start, end)) = (self.from, self.to);
        if high <= low || !value.is_finite() {
            return start;
        }
        start + ((value - low) / (high - low)).clamp(0.0, 1.0) * (end - start)
    }
}

/// A logarithmic scale of times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    inner: Linear,
}

impl Log {
    /// A scale from the decade of the fastest to a little above the slowest.
    pub(super) fn new(fastest: Duration, slowest: Duration, to: (f64, f64)) -> Self {
        let low = seconds(fastest).log10();
        let high = seconds(slowest).log10().max(low + 0.5) + 0.06;
        // A whole decade below would be empty; halves of one have a tick too.
        let low = ((low - 0.05) * 2.0).floor() / 2.0;
        Self {
            inner: Linear {
                from: (low, high),
                to,
            },
        }
    }

    pub(super) fn at(&self, time: Duration) -> f64 {
        self.inner.at(seconds(time).log10())
    }

    /// 1, 10 and 100 of each unit; with few decades also 2 and 5 of them.
    pub(super) fn ticks(&self) -> Vec<Duration> {
        let (low, high) = self.inner.from;
        let digits: &[f64] = match high - low {
            ..1.2 => &[1.0, 2.0, 5.0],
            1.2..2.6 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let decades = (-6..5).map(|power| 10_f64.powi(power));
        let all = decades.flat_map(|decade| digits.iter().map(move |digit| digit * decade));
        let within = all.filter(|t| (low - 1e-9..=high + 1e-9).contains(&t.log10()));
        within.map(Duration::from_secs_f64).collect()
    }
}

/// At least a microsecond: faster is not seen, and has a logarithm.
fn seconds(time: Duration) -> f64 {
    time.as_secs_f64().max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(round_ticks(0.0, 50.0, 4.0), [0.0, 20.0, 40.0]);
        assert_eq!(
            clock_ticks(90.0, 10.0),
            (0..=9).map(|i| f64::from(i) * 10.0).collect::<Vec<_>>()
        );
        assert_eq!(clock_ticks(0.0, 10.0), [0.0]);
        assert_eq!(round_ticks(0.0, f64::NAN, 4.0), [0.0]);
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let scale = Linear {
            from: (0.0, 10.0),
            to: (100.0, 200.0),
        };
        for (value, place) in [
            (-5.0, 100.0),
            (5.0, 150.0),
            (50.0, 200.0),
            (f64::NAN, 100.0),
        ] {
            assert!((scale.at(value) - place).abs() < 1e-9);
        }
        let flat = Linear {
            from: (3.0, 3.0),
            to: (0.0, 1.0),
        };
        assert!(flat.at(3.0).abs() < 1e-9);
    }

    #[test]
    fn decades_are_the_same_height() {
        let ms = Duration::from_millis;
        let log = Log::new(ms(1), ms(1000), (300.0, 0.0));
        let (a, b, c) = (log.at(ms(1)), log.at(ms(10)), log.at(ms(100)));
        assert!(((a - b) - (b - c)).abs() < 1e-6 && a > b);
        assert_eq!(log.ticks(), [1, 10, 100, 1000].map(ms));
    }
}
