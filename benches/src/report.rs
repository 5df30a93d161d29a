//! Medians, tables and targets.

use std::cmp::Ordering;

/// What is allowed on top of a target.
const TOLERANCE: f64 = 0.05;

/// The value in the middle, or what is not a number if there is none.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// The least value that so many percent of them do not exceed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index"
)]
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    let rank = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

/// What was to be reached, and what was.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Targets(Vec<(String, f64, String, bool)>);

impl Targets {
    /// At least this, less the tolerance.
    pub fn at_least(&mut self, what: &str, measured: f64, least: f64) {
        let met = measured >= least * (1.0 - TOLERANCE);
        self.push(what, measured, format!("≥ {least:.3}"), met);
    }

    /// At most this, with the tolerance.
    pub fn at_most(&mut self, what: &str, measured: f64, most: f64) {
        let met = measured <= most * (1.0 + TOLERANCE);
        self.push(what, measured, format!("≤ {most:.3}"), met);
    }

    fn push(&mut self, what: &str, measured: f64, target: String, met: bool) {
        self.0.push((what.to_owned(), measured, target, met));
    }

    /// Prints them; whether all were met.
    #[expect(clippy::print_stdout, reason = "its output is the measurement")]
    pub fn print(&self) -> bool {
        println!("\n| target | measured | to reach | |\n|---|---|---|---|");
        for (what, measured, target, met) in &self.0 {
            let met = if *met { "met" } else { "**missed**" };
            println!("| {what} | {measured:.3} | {target} | {met} |");
        }
        self.0.iter().all(|(.., met)| *met)
    }
}
