//! Drawing whether something happens.

use rand::{RngExt, rngs::StdRng};

/// Draws again and again whether something happens, with a chance that stays the same. Each draw may depend on the one
/// before: then with the probability `correlation` the same happens again.
#[derive(Debug)]
pub(crate) struct Draws {
    share: f64,
    correlation: f64,
    last: Option<bool>,
    rng: StdRng,
}

impl Draws {
    /// Both from 0 to 1.
    pub(crate) fn new(share: f64, correlation: f64, rng: StdRng) -> Self {
        Self {
            share,
            correlation,
            last: None,
            rng,
        }
    }

    /// Whether it happens this time.
    pub(crate) fn draw(&mut self) -> bool {
        let last = self.last.filter(|_| self.rng.random_bool(self.correlation));
        let now = last.unwrap_or_else(|| self.rng.random_bool(self.share));
        self.last = Some(now);
        now
    }

    /// What else is drawn.
    pub(crate) fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaos_core::Seed;

    fn drawn(share: f64, correlation: f64, seed: u64) -> Vec<bool> {
        let mut draws = Draws::new(share, correlation, Seed::new(seed).rng());
        (0..20_000).map(|_| draws.draw()).collect()
    }

    fn count(drawn: &[bool]) -> usize {
        drawn.iter().filter(|happens| **happens).count()
    }

    #[test]
    fn the_share_is_the_same_whatever_the_correlation() {
        for correlation in [0.0, 0.5, 0.9] {
            let count = count(&drawn(0.2, correlation, 1));
            assert!((3500..4500).contains(&count), "{correlation}: {count}");
        }
        assert_eq!(count(&drawn(0.0, 0.5, 1)), 0);
        assert_eq!(count(&drawn(1.0, 0.5, 1)), 20_000);
    }

    #[test]
    fn with_correlation_it_happens_in_rows() {
        let changes = |correlation| {
            let drawn = drawn(0.2, correlation, 1);
            drawn.windows(2).filter(|two| two[0] != two[1]).count()
        };
        // 2 × 0.2 × 0.8 of them, and a tenth of that.
        assert!((6000..6800).contains(&changes(0.0)));
        assert!((500..800).contains(&changes(0.9)));
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        assert_eq!(drawn(0.3, 0.3, 7), drawn(0.3, 0.3, 7));
        assert_ne!(drawn(0.3, 0.3, 7), drawn(0.3, 0.3, 8));
    }
}
