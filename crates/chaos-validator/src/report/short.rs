//! Times as people read them.

use std::{fmt, time::Duration};

/// Displays a time with three digits: `0.45 ms`, `12 ms`, `1.23 s`, `14.2 s`, `3m 20s`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short(pub(crate) Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let text = if seconds == 0.0 {
            "0 s".to_owned()
        } else if seconds < 0.000_995 {
            format!("{:.2} ms", seconds * 1e3)
        } else if seconds < 0.009_95 {
            format!("{:.1} ms", seconds * 1e3)
        } else if seconds < 0.999_5 {
            format!("{:.0} ms", seconds * 1e3)
        } else if self.0.subsec_nanos() == 0 && seconds < 120.0 {
            format!("{seconds:.0} s")
        } else if seconds < 9.995 {
            format!("{seconds:.2} s")
        } else if seconds < 119.95 {
            format!("{seconds:.1} s")
        } else {
            let whole = seconds.round();
            let (minutes, seconds) = ((whole / 60.0).floor(), whole % 60.0);
            if seconds == 0.0 {
                format!("{minutes:.0}m")
            } else {
                format!("{minutes:.0}m {seconds:02.0}s")
            }
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_enough() {
        for (micros, said) in [
            (0, "0 s"),
            (47, "0.05 ms"),
            (1_000, "1.0 ms"),
            (9_960, "10 ms"),
            (123_456, "123 ms"),
            (999_600, "1.00 s"),
            (1_234_567, "1.23 s"),
            (14_230_000, "14.2 s"),
            (30_000_000, "30 s"),
            (200_400_000, "3m 20s"),
            (600_000_000, "10m"),
        ] {
            assert_eq!(Short(Duration::from_micros(micros)).to_string(), said);
        }
    }
}
