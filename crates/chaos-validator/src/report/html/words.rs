//! Numbers as people read them.

use crate::{
    load::Class,
    measure::{Slice, Timing},
    report::Short,
};
use std::time::Duration;

/// A thin space that no line is broken at.
const THIN: char = '\u{202f}';

/// `12 345`, with thin spaces.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// `≥ 2 s`, `12 ms`.
pub(super) fn timing(timing: Timing) -> String {
    match timing {
        Timing::Exactly(time) => short(time),
        Timing::AtLeast(time) => format!("≥ {}", short(time)),
    }
}

/// `12 ms`, with a space that no line is broken at.
pub(super) fn short(time: Duration) -> String {
    Short(time).to_string().replace(' ', "\u{a0}")
}

/// A round time at the side of a picture: `100 ms`, `2 s`.
pub(super) fn tick(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match seconds {
        s if s < 0.999_5e-3 => (s * 1e6, "µs"),
        s if s < 0.999_5 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{}\u{a0}{unit}", number((value * 10.0).round() / 10.0))
}

/// Up to two decimals, and none that are nothing.
pub(super) fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A difference with its sign.
pub(super) fn signed(seconds: f64) -> String {
    let time = Duration::try_from_secs_f64(seconds.abs()).unwrap_or_default();
    let sign = match seconds {
        s if s > 0.0 => "+",
        s if s < 0.0 => "−",
        _ => "±",
    };
    format!("{sign}{}", short(time))
}

/// A time of the run on its axis: `45 s`, `2:05`, `1:02:05`.
pub(super) fn clock(time: Duration, end: Duration) -> String {
    let whole = time.as_secs();
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match end.as_secs() {
        ..=120 => format!("{whole}{THIN}s"),
        121..=3600 => format!("{}:{seconds:02}", whole / 60),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A rate, a percentage or the like: three digits.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let decimals = match value.abs() {
        v if v.fract() == 0.0 || v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// `3 timeouts, 2 refused`, the commonest first; empty without a failure.
pub(super) fn failures(slice: &Slice) -> String {
    let mut failed: Vec<(Class, u64)> = slice.classes.iter().map(|(c, n)| (*c, *n)).collect();
    failed.retain(|(class, _)| !class.is_good());
    failed.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let words = failed
        .iter()
        .map(|(class, n)| format!("{} {class}", count(*n)));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1234), "1234");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn the_axis_of_an_hour_is_a_clock() {
        let s = Duration::from_secs;
        assert_eq!(clock(s(45), s(60)), "45\u{202f}s");
        assert_eq!(clock(s(125), s(600)), "2:05");
        assert_eq!(clock(s(3725), s(7200)), "1:02:05");
    }

    #[test]
    fn differences_have_their_sign() {
        assert_eq!(signed(0.5), "+500\u{a0}ms");
        assert_eq!(signed(-0.012), "−12\u{a0}ms");
        assert_eq!(number(f64::NAN), "–");
    }
}
