//! Promises that contradict each other or the experiment.

use super::Slos;
use crate::{load::Recording, measure::Windows, report::Short};
use std::time::Duration;

impl Slos {
    /// What these promises cannot mean in an experiment that is judged for `window`, holds its fault for
    /// `fault` and gives requests up after `timeout`; in words, with what to change.
    pub fn lint(&self, window: Duration, fault: Duration, timeout: Duration) -> Vec<String> {
        let mut warnings = Vec::new();
        if let (Some(mttr), Some(availability)) = (self.mttr_seconds, self.min_availability_percent)
            && let Some(needed) = window_for(mttr, availability)
            && window < needed
        {
            let budget = window.mul_f64((1.0 - availability / 100.0).max(0.0));
            warnings.push(format!(
                "an outage as long as mttr_seconds allows ({mttr} s) breaks min_availability_percent: {availability} % of {} leave {} of downtime; both can only hold in a run of {} or more",
                Short(window),
                Short(budget),
                Short(needed)
            ));
        }
        if let Some(mttr) = self.mttr_seconds
            && fault.as_secs_f64() >= mttr
        {
            warnings.push(format!(
                "the fault lasts {}, longer than mttr_seconds ({mttr} s): if it takes the target out, the MTTR is that of the fault",
                Short(fault)
            ));
        }
        if let Some(ms) = self.max_latency_degradation_ms
            && timeout.as_secs_f64() * 1e3 <= ms
            && timeout > Duration::ZERO
        {
            warnings.push(format!(
                "max_latency_degradation_ms ({ms}) cannot be exceeded with a timeout of {}: raise the timeout",
                Short(timeout)
            ));
        }
        warnings
    }
}

/// How long a run must be so that one outage of `mttr` seconds leaves the availability.
fn window_for(mttr: f64, availability: f64) -> Option<Duration> {
    let down = 1.0 - availability / 100.0;
    (down > 0.0)
        .then(|| Duration::try_from_secs_f64((mttr / down).round()).ok())
        .flatten()
}

/// The lint of a run.
pub(crate) fn lint(
    slos: &Slos,
    windows: &Windows,
    recording: &Recording,
    outages: bool,
) -> Vec<String> {
    let length = |w: Option<crate::measure::Window>| w.map_or(Duration::ZERO, |w| w.length());
    let warnings = slos.lint(
        length(windows.judged),
        length(windows.fault),
        recording.timeout(),
    );
    // Without an outage the first two say nothing about this run.
    warnings
        .into_iter()
        .filter(|w| outages || w.starts_with("max_latency"))
        .collect()
}

/// Says each lint once, with the names of all that it is true of. Two that differ only in their numbers are one, and the
/// first is said.
///
/// ```
/// let lints = [("a", "6.02 s are too short"), ("b", "6.04 s are too short")];
/// assert_eq!(chaos_validator::merge_lints(lints), ["a, b: 6.02 s are too short"]);
/// ```
pub fn merge_lints<'a>(lints: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let unit = |word: &str| matches!(word.trim_end_matches(','), "s" | "ms" | "%");
    let words = |lint: &'a str| -> Vec<&'a str> {
        lint.split_whitespace()
            .filter(|word| !word.contains(|c: char| c.is_ascii_digit()) && !unit(word))
            .collect()
    };
    let mut merged: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, lint) in lints {
        if merged
            .iter()
            .any(|(other, names)| *other == lint && names.contains(&name))
        {
            continue;
        }
        // What one name has twice, with other numbers, is said twice.
        match merged
            .iter_mut()
            .find(|(other, names)| words(other) == words(lint) && !names.contains(&name))
        {
            Some((_, names)) => names.push(name),
            None => merged.push((lint, vec![name])),
        }
    }
    let said = |(lint, names): (&str, Vec<&str>)| format!("{}: {lint}", names.join(", "));
    merged.into_iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn the_defaults_contradict_each_other_in_short_runs() {
        for (slos, seconds) in [
            (Slos::default(), 600),
            (Slos::development(), 600),
            (Slos::staging(), 900),
            (Slos::production(), 3000),
        ] {
            let says = |window| !slos.lint(window, S, S * 2).is_empty();
            assert!(says(S * (seconds - 1)), "{slos:?}");
            assert!(!says(S * seconds), "{slos:?}");
        }
    }

    #[test]
    fn no_name_stands_before_a_lint_twice() {
        let lints = [
            ("n", "5 s are too short"),
            ("n", "5 s are too short"),
            ("n", "6 s are too short"),
            ("m", "5 s are too short"),
            ("m", "6 s are too short"),
        ];
        assert_eq!(
            merge_lints(lints),
            ["n, m: 5 s are too short", "n, m: 6 s are too short"]
        );
    }

    #[test]
    fn promises_that_cannot_be_broken_are_named() {
        let slos = Slos::default();
        let timeout = slos.lint(S * 600, S, S / 2).pop().unwrap();
        assert!(timeout.contains("raise the timeout"), "{timeout}");
        let fault = slos.lint(S * 600, S * 30, S * 2).pop().unwrap();
        assert!(fault.contains("that of the fault"), "{fault}");
    }
}
