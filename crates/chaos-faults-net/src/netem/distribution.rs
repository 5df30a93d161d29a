//! How delays are distributed.

use chaos_core::ConfigError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// How a jitter is distributed around its latency. Its mean is 0 and its standard deviation the jitter, except for
/// `uniform`, which goes from minus to plus the jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Distribution {
    /// Evenly from minus to plus the jitter.
    #[default]
    Uniform,
    /// The bell curve.
    Normal,
    /// Mostly a little early, seldom very late: Pareto's with the shape 3.
    Pareto,
    /// A quarter of the one and three quarters of the other.
    ParetoNormal,
}

impl Distribution {
    /// How far below (negative) or above the mean the share `p` (above 0, below 1) of the values ends, in standard
    /// deviations; `None` for `uniform`.
    pub(crate) fn quantile(self, p: f64) -> Option<f64> {
        match self {
            Self::Uniform => None,
            Self::Normal => Some(normal(p)),
            Self::Pareto => Some(pareto(p)),
            Self::ParetoNormal => Some(0.25 * normal(p) + 0.75 * pareto(p)),
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uniform => "uniform",
            Self::Normal => "normal",
            Self::Pareto => "pareto",
            Self::ParetoNormal => "paretonormal",
        })
    }
}

/// Checks what is said of a jitter: without one nothing is distributed, and no delay depends on the one before.
pub(crate) fn varies(
    jitter: Duration,
    correlation: f64,
    distribution: Distribution,
) -> Result<(), ConfigError> {
    let without = |field| {
        Err(
            ConfigError::field(field, "without a jitter all delays are the same")
                .help("say a `jitter`, such as 10ms"),
        )
    };
    match jitter.is_zero() {
        true if correlation > 0.0 => without("correlation"),
        true if distribution != Distribution::Uniform => without("distribution"),
        _ => Ok(()),
    }
}

/// Pareto's with the shape 3 and the least value 1 has the mean 3/2 and the variance 3/4.
fn pareto(p: f64) -> f64 {
    ((1.0 - p).powf(-1.0 / 3.0) - 1.5) / 0.75_f64.sqrt()
}

/// The normal quantile, by the rational approximation of P. J. Acklam (2003); relative error below 1.2e-9.
fn normal(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
    ];
    const LOW: f64 = 0.024_25;
    let polynomial = |terms: &[f64], x: f64| terms.iter().fold(0.0, |sum, term| sum * x + term);
    if p < LOW {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    } else if p > 1.0 - LOW {
        let q = (-2.0 * (1.0 - p).ln()).sqrt();
        -polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    } else {
        let q = p - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_985),
            (0.025, -1.959_963_985),
            (0.999, 3.090_232_306),
            (0.01, -2.326_347_874),
        ] {
            let found = Distribution::Normal.quantile(p).unwrap();
            assert!(near(found, z), "{p}: {found}");
        }
        // The median of 1 / u^(1/3) is 2^(1/3).
        let median = (2_f64.cbrt() - 1.5) / 0.75_f64.sqrt();
        assert!(near(Distribution::Pareto.quantile(0.5).unwrap(), median));
        assert_eq!(Distribution::Uniform.quantile(0.5), None);
    }

    #[test]
    fn all_have_the_mean_0_and_most_the_deviation_1() {
        for distribution in [
            Distribution::Normal,
            Distribution::Pareto,
            Distribution::ParetoNormal,
        ] {
            let n = 100_000;
            let at = |i: i32| {
                let p = (f64::from(i) + 0.5) / f64::from(n);
                distribution.quantile(p).unwrap()
            };
            let mean = (0..n).map(at).sum::<f64>() / f64::from(n);
            let variance = (0..n).map(|i| at(i).powi(2)).sum::<f64>() / f64::from(n);
            assert!(mean.abs() < 0.01, "{distribution}: {mean}");
            assert!(
                (0.8..1.05).contains(&variance),
                "{distribution}: {variance}"
            );
        }
    }
}
