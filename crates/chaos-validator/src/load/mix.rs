//! Which of several endpoints is next.

/// Takes turns by weight, so evenly that every stretch of the plan has the same mix: smooth weighted round robin, as nginx has
/// it. A load is compared with itself, before the fault and with it; drawing lots would make the two differ by chance.
#[derive(Debug, Clone)]
pub(crate) struct Mix {
    /// One whole round.
    turns: Vec<u8>,
}

/// The longest round.
const MOST: u32 = 10_000;

impl Mix {
    /// None when the weights are all 0, or their sum is too large.
    pub(crate) fn of(weights: &[u32]) -> Option<Self> {
        let divisor = weights.iter().fold(0, |a, b| gcd(a, *b));
        let total = weights
            .iter()
            .try_fold(0_u32, |sum, weight| {
                sum.checked_add(weight / divisor.max(1))
            })
            .filter(|total| (1..=MOST).contains(total))?;
        let weights: Vec<i64> = weights.iter().map(|w| i64::from(w / divisor)).collect();
        let mut credit = vec![0_i64; weights.len()];
        let turns = (0..total).map(|_| {
            for (credit, weight) in credit.iter_mut().zip(&weights) {
                *credit += weight;
            }
            let next = (0..credit.len())
                .rev()
                .max_by_key(|i| credit[*i])
                .unwrap_or(0);
            credit[next] -= i64::from(total);
            u8::try_from(next).unwrap_or(u8::MAX)
        });
        Some(Self {
            turns: turns.collect(),
        })
    }

    /// Which one the request at this place of the plan is for.
    #[expect(clippy::cast_possible_truncation, reason = "less than the length")]
    pub(crate) fn turn(&self, seq: u64) -> usize {
        usize::from(self.turns[(seq % self.turns.len() as u64) as usize])
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turns(weights: &[u32], n: u64) -> Vec<usize> {
        let mix = Mix::of(weights).unwrap();
        (0..n).map(|seq| mix.turn(seq)).collect()
    }

    #[test]
    fn turns_are_spread() {
        assert_eq!(turns(&[5, 1, 1], 7), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(turns(&[300, 100], 8), [0, 0, 1, 0, 0, 0, 1, 0]);
        assert_eq!(turns(&[1], 3), [0, 0, 0]);
        assert!(Mix::of(&[]).is_none() && Mix::of(&[0, 0]).is_none());
        assert!(Mix::of(&[u32::MAX, u32::MAX - 1]).is_none());
    }

    proptest! {
        #[test]
        fn every_stretch_has_the_mix(
            weights in prop::collection::vec(0_u32..20, 1..8),
            from in 0_u64..1000,
            n in 1_u64..500,
        ) {
            prop_assume!(weights.iter().sum::<u32>() > 0);
            let total = f64::from(weights.iter().sum::<u32>());
            let mix = Mix::of(&weights).unwrap();
            for (i, weight) in weights.iter().enumerate() {
                let got = (from..from + n).filter(|seq| mix.turn(*seq) == i).count() as f64;
                let wanted = n as f64 * f64::from(*weight) / total;
                prop_assert!((got - wanted).abs() <= weights.len() as f64, "{i} {got} {wanted}");
            }
        }
    }
}
