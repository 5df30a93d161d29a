//! How sure a share is.

/// The 97.5 % quantile of the normal distribution: two-sided 95 %.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// The 95 % score interval of a share `bad / n`, from 0 to 1 (Wilson, "Probable Inference, the Law of
/// Succession, and Statistical Inference", JASA 22, 1927). `n` need not be whole: an effective sample size
/// is allowed. Without a sample it is the whole range.
pub fn wilson(bad: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let p = bad / n;
    let z2 = Z * Z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At the ends the two terms cancel, which in binary they do not quite.
    let lower = if bad <= 0.0 { 0.0 } else { centre - half };
    let upper = if bad >= n { 1.0 } else { centre + half };
    (lower.max(0.0), upper.min(1.0))
}

/// The 97.5 % quantile of Student's distribution, from that of the normal one (Abramowitz and Stegun, "Handbook of Mathematical
/// Functions", 1964, 26.7.5): within 0.3 % from 4 degrees of freedom on.
pub(crate) fn student(freedom: f64) -> f64 {
    let [z, z3, z5, z7] = [1, 3, 5, 7].map(|power| Z.powi(power));
    Z + (z3 + z) / (4.0 * freedom)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * freedom.powi(2))
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * freedom.powi(3))
}

/// How many samples without a failure it takes until the Wilson bound is not above `share`: 35 for 10 %,
/// 73 for 5 %, 381 for 1 %. For a share of 0 no number would do; the strictest of these is taken.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of a count"
)]
pub(crate) fn least_for_share(share: f64) -> u64 {
    let share = if share <= 0.0 { 0.01 } else { share.min(1.0) };
    (Z * Z * (1.0 - share) / share).ceil().clamp(1.0, 1e12) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17,
    /// 1998, table I, method 3.
    #[test]
    fn wilson_agrees_with_the_published_table() {
        for (bad, n, lower, upper) in [
            (81.0, 263.0, 0.2553, 0.3662),
            (15.0, 148.0, 0.0624, 0.1605),
            (0.0, 20.0, 0.0, 0.1611),
            (1.0, 29.0, 0.0061, 0.1718),
        ] {
            let (l, u) = wilson(bad, n);
            assert!((l - lower).abs() < 5e-5, "{bad}/{n}: {l}");
            assert!((u - upper).abs() < 5e-5, "{bad}/{n}: {u}");
        }
        assert_eq!(wilson(0.0, 0.0), (0.0, 1.0));
    }

    #[test]
    fn the_quantiles_of_student_agree_with_the_published_table() {
        for (freedom, quantile) in [(4.0, 2.776), (5.0, 2.571), (10.0, 2.228), (30.0, 2.042)] {
            let relative = student(freedom) / quantile - 1.0;
            assert!(relative.abs() < 0.003, "{freedom}: {relative}");
        }
    }

    #[test]
    fn the_minimum_exposure_is_where_the_bound_meets_the_slo() {
        assert_eq!([0.10, 0.05, 0.01].map(least_for_share), [35, 73, 381]);
        for share in [0.10, 0.05, 0.01] {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let n = least_for_share(share) as f64;
            assert!(wilson(0.0, n).1 <= share && wilson(0.0, n - 1.0).1 > share);
        }
    }
}
